// SPDX-License-Identifier: MIT
//
// The door to all formats: what is recognised, what is refused and in which words.
#include "catch.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "run_trace.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using traces::Format;

namespace {

Format format_of(std::string_view bytes) {
  std::string cause;
  return traces::recognise(bytes, cause);
}

std::string refusal(std::string_view bytes) {
  std::string cause;
  CHECK(traces::recognise(bytes, cause) == Format::kUnknown);
  return cause;
}

}  // namespace

TEST_CASE("open: formats by content", "[traces][open]") {
  CHECK(format_of("# crossdep-text 1\n") == Format::kText);
  CHECK(format_of("# mine\n\nT1 acquire A\n") == Format::kText);
  CHECK(format_of("T1 acquire A\r\n") == Format::kText);
  CHECK(format_of("%case one\n") == Format::kText);
  CHECK(format_of("# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:2\n") == Format::kFtrace);
  CHECK(format_of("[    7.3] a message\n\n a-1 [000] ..... 1.0: lock_acquire: ff10 a\n") == Format::kFtrace);
  CHECK(format_of("  {\"schema\": 1}") == Format::kGraph);
  CHECK(format_of(load("kernel/xrelease.ftrace").substr(0, 65536)) == Format::kFtrace);
  CHECK(format_of(load("kernel/selftest.cdt").substr(0, 65536)) == Format::kText);
  CHECK(traces::format_by_name("ftrace") == Format::kFtrace);
  CHECK(traces::format_by_name("elf") == Format::kUnknown);
  CHECK(traces::format_name(Format::kText) == "text");
}

TEST_CASE("open: what is no trace", "[traces][open]") {
  CHECK(refusal(std::string_view("\x7f"
                                 "ELF\0\0\0\0", 8)) == "not a trace: binary data of no known format");
  CHECK(refusal("\x1f\x8b...") == "compressed with gzip more than once");
  CHECK(refusal(" \n\n").find("nothing but blanks") != std::string::npos);
  CHECK(refusal("# only\n# comments\n").find("nothing but comments") != std::string::npos);
  CHECK(refusal("Dear reader,\nthis is a letter.\n") == "not a trace: no line is an event of a known format");
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 4096; ++i) noise += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  CHECK(refusal(noise) == "not a trace: binary data of no known format");
}

TEST_CASE("open: files that cannot be read", "[traces][open]") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("crossdep-open-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto status_of = [](const std::string& path) {
    traces::TraceFile file;
    return file.open(path);
  };
  CHECK(status_of(folder).text() == folder.string() + ": is a directory, not a trace");
  CHECK(status_of((folder / "absent").string()).text() == (folder / "absent").string() + ": cannot be opened: No such file or directory");
  const std::string empty = (folder / "with blank, empty").string();
  std::ofstream(empty).close();
  CHECK(status_of(empty).text() == empty + ": is empty");
  const std::string letter = (folder / "letter").string();
  std::ofstream(letter) << "Dear reader\n";
  CHECK(status_of(letter).text() == letter + ": offset 0: not a trace: no line is an event of a known format");
  CHECK(status_of(letter).failed());
  if (::geteuid() != 0) {
    ::chmod(letter.c_str(), 0);
    CHECK(status_of(letter).text() == letter + ": cannot be opened: Permission denied");
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("open: a forced format is believed", "[traces][open]") {
  MemoryFile letter("Dear reader\n");
  traces::TraceFile file;
  REQUIRE(file.open(letter.path(), Format::kText).ok());
  traces::TextWriter nowhere([](std::string_view) { return true; });
  const traces::Status status = file.read_events(nowhere);
  CHECK(status.failed());
  CHECK(status.position == 1);
}

TEST_CASE("open: a graph is no trace", "[traces][open]") {
  MemoryFile graph("{\"schema\": 1}\n");
  traces::TraceFile file;
  REQUIRE(file.open(graph.path()).ok());
  CHECK(file.format() == Format::kGraph);
  traces::TextWriter nowhere([](std::string_view) { return true; });
  CHECK(file.read_events(nowhere).failed());
  std::string content;
  CHECK(file.read_all(content).ok());
  CHECK(content == "{\"schema\": 1}\n");
}

TEST_CASE("open: standard input, longer than what recognition reads", "[traces][open]") {
  std::string content;
  for (int i = 0; i < 20000; ++i) content += "T acquire A\nT release A\n";
  content += "T acquire A\nT acquire B\n";
  MemoryFile input(content);
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(input.fd(), STDIN_FILENO);
  Collector found;
  {
    traces::Replay replay(found);
    traces::TraceFile file;
    CHECK(file.open("-").ok());
    CHECK(file.name() == "standard input");
    CHECK(file.read_events(replay).ok());
    CHECK(replay.total_event_count() == 3 * 20000 + 4);
  }
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  CHECK(found.has_dependency("A", "B"));
}

TEST_CASE("open: messages of a status", "[traces][open]") {
  using traces::Status;
  CHECK(Status::fail("f", "is empty").text() == "f: is empty");
  CHECK(Status::at_line(Status::Outcome::kFailed, "f", 3, "why").text() == "f:3: why");
  CHECK(Status::at_offset(Status::Outcome::kPartial, "f", 64, "cut").text() == "f: offset 64: cut (the result is partial: judged up to there)");
}
