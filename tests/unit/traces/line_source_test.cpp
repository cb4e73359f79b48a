// SPDX-License-Identifier: MIT
//
// Lines from a file or pipe: ends of lines, cut lines, lines longer than memory should hold.
#include "catch.hpp"

#include <sys/resource.h>

#include <thread>

#include "run_trace.h"

using namespace crossdep::traces;
using namespace crossdep::traces_test;

namespace {

std::vector<std::string> lines_of(LineSource& source) {
  std::vector<std::string> out;
  std::string_view line;
  while (source.next(line)) out.emplace_back(line);
  return out;
}

long peak_kilobytes() {
  struct rusage use {};
  ::getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss;
}

}  // namespace

TEST_CASE("lines: LF, CR LF, an empty line, a last one not ended", "[traces][lines]") {
  MemoryFile file("a\nb\r\n\nlast");
  LineSource source(file.fd());
  std::string_view line;
  for (const char* expected : {"a", "b", ""}) {
    REQUIRE(source.next(line));
    CHECK(line == expected);
    CHECK_FALSE(source.unterminated());
  }
  REQUIRE(source.next(line));
  CHECK(line == "last");
  CHECK(source.unterminated());
  CHECK_FALSE(source.next(line));
  CHECK(source.line_number() == 4);
  CHECK(source.offset() == 10);
  CHECK(source.error() == 0);
}

TEST_CASE("lines: what was read before comes first", "[traces][lines]") {
  MemoryFile file("d\nmore\n");
  LineSource source(file.fd(), "first\nsecon");
  CHECK(lines_of(source) == std::vector<std::string>{"first", "second", "more"});
}

TEST_CASE("lines: blocks do not show", "[traces][lines]") {
  std::string content;
  for (int i = 0; i < 300000; ++i) content += "line " + std::to_string(i) + (i % 3 == 0 ? "\r\n" : "\n");
  MemoryFile file(content);
  LineSource source(file.fd());
  std::string_view line;
  int count = 0;
  bool right = true;
  while (source.next(line)) right &= line == "line " + std::to_string(count++);
  CHECK(right);
  CHECK(count == 300000);
  CHECK(source.offset() == content.size());
}

TEST_CASE("lines: one of 80 MB is cut, the next one whole, memory bounded", "[traces][lines]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::thread feeder([fd = ends[1]] {
    const std::string piece(1 << 20, 'x');
    auto put = [fd](std::string_view text) {
      while (!text.empty()) {
        const ssize_t done = ::write(fd, text.data(), text.size());
        if (done <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(done));
      }
    };
    put("before\n");
    for (int i = 0; i < 80; ++i) put(piece);
    put("\nafter\n");
    ::close(fd);
  });
  const long before = peak_kilobytes();
  LineSource source(ends[0]);
  std::string_view line;
  REQUIRE(source.next(line));
  CHECK(line == "before");
  CHECK_FALSE(source.cut());
  REQUIRE(source.next(line));
  CHECK(source.cut());
  CHECK(line.size() == LineSource::kLongestLine);
  REQUIRE(source.next(line));
  CHECK(line == "after");
  CHECK_FALSE(source.cut());
  CHECK(source.line_number() == 3);
  CHECK_FALSE(source.next(line));
  CHECK(source.offset() == (std::uint64_t{80} << 20) + 14);
  CHECK(peak_kilobytes() - before < 16 * 1024);
  feeder.join();
  ::close(ends[0]);
}

TEST_CASE("lines: an endless line that ends with the file", "[traces][lines]") {
  MemoryFile file(std::string(3 << 20, 'y'));
  LineSource source(file.fd());
  std::string_view line;
  REQUIRE(source.next(line));
  CHECK(source.cut());
  CHECK(source.unterminated());
  CHECK_FALSE(source.next(line));
  CHECK(source.offset() == (3u << 20));
}

TEST_CASE("lines: a text trace of one long line is refused, ftrace passes it over", "[traces][lines]") {
  const std::string noise(5 << 20, 'z');
  const Judged text = judge_text("T acquire A\n" + noise + "\nT acquire B\n");
  CHECK(text.status.partial());
  CHECK(text.status.position == 2);
  CHECK(text.status.cause == "a line of more than 1048576 bytes: not a text trace");
  const Judged ftrace = judge_ftrace(
      " a-1 [000] .... 1.0: lock_acquire: ffff0010 A\n" + noise + "\n a-1 [000] .... 1.1: lock_acquire: ffff0020 B\n");
  CHECK(ftrace.status.ok());
  CHECK(ftrace.found.has_dependency("A", "B"));
  CHECK(ftrace.noted("1 line is no ftrace event and was passed over, line 2"));
}
