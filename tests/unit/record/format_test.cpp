// SPDX-License-Identifier: MIT
//
// The worked example in runtime/record/FORMAT.md, made anew: writes the file it describes, dumps it, compares.
// UPDATE_GOLDEN=1 writes the dump into the document.
//
// Threading: none.  Allocation: the heap.
#include <cstring>

#include "../traces/native_support.h"
#include "catch.hpp"

using namespace native_test;
using engine::Kind;
using engine::kNone;
using engine::Mode;

namespace {

/// Dumps what a file gains, step by step.
class Dump {
 public:
  explicit Dump(std::string path) : path_(std::move(path)) {}

  /// What was committed since the last call, `meaning` beside it.
  void step(const std::string& meaning) {
    const std::string bytes = read_file(path_);
    for (std::size_t chunk = 1; chunk * record::kChunkSize < bytes.size(); ++chunk) {
      record::ChunkHeader header;
      std::memcpy(&header, bytes.data() + chunk * record::kChunkSize, sizeof header);
      if (header.magic == 0) continue;
      if (done_.size() <= chunk) done_.resize(chunk + 1, sizeof header);
      if (header.committed == done_[chunk]) continue;
      print(bytes, chunk * record::kChunkSize + done_[chunk], header.committed - done_[chunk], meaning);
      done_[chunk] = header.committed;
    }
  }

  void bytes(std::size_t offset, std::size_t size, const std::string& meaning) {
    std::string bytes = read_file(path_);
    // Two runs differ in their times, and so in the check.
    record::FileHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    header.start_time = 0;
    header.check = record::header_check(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    print(bytes, offset, size, meaning);
  }

  const std::string& text() const { return text_; }

 private:
  void print(const std::string& bytes, std::size_t offset, std::size_t size, const std::string& meaning) {
    for (std::size_t at = 0; at < size; at += 16) {
      char field[16];
      std::snprintf(field, sizeof field, "%05zx ", offset + at);
      text_ += field;
      for (std::size_t i = at; i < std::min(at + 16, size); ++i) {
        std::snprintf(field, sizeof field, " %02x", static_cast<unsigned char>(bytes[offset + i]));
        text_ += field;
      }
      if (at == 0) text_ += std::string(3 * (16 - std::min<std::size_t>(16, size)) + 2, ' ') + meaning;
      text_ += "\n";
    }
  }

  std::string path_;
  std::vector<std::size_t> done_;
  std::string text_;
};

std::string example() {
  Directory directory;
  const std::string path = directory.file("a");
  Dump dump(path);
  record::Journal journal;
  REQUIRE(journal.open(path.c_str(), {42, 1, "/bin/a", "a", 2}));
  record::Stream stream{};
  REQUIRE(stream.open(journal, 0));
  dump.bytes(0, 48, "file header: magic, 1.2, 48, 65536, flags,");
  dump.bytes(0x10000, 24, "journal chunk: magic, chunk 1, kind 1, ordinal 0, committed, no segments");
  dump.step("process: 13 bytes, op 1, pid 42, parent 1, \"/bin/a\", \"a\\0\"");
  journal.on_class({0, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, "m", 1});
  dump.step("class: id 0, named, mutex, 0, 0, 0, 0, 0, \"m\"");
  journal.on_context({0, kNone, engine::ContextKind::kThread, 42, "a", 1});
  dump.step("context: id 0, no parent, thread, tid 42, \"a\"");
  journal.on_instance({0, 0, Kind::kMutex, 0, 0x404040});
  dump.step("instance: id 0, class 0, mutex, no flags, at 0x404040");
  dump.bytes(0x20000, 24, "event chunk: magic, chunk 2, kind 2, 0, committed, 1 segment");
  dump.bytes(0x20040, 12, "segment: stream 0, ordinal 0, from 1024 (and a time)");
  stream.context_begin(kNone, engine::ContextKind::kThread, 42, kNone, false, journal.tick());
  dump.step("context begin: no parent, thread, tid 42, no end, new, tick 1");
  stream.init(0, 0, Kind::kMutex, 0, 0x404040, 1, 0x401136);
  dump.step("init: lock 0, class 0, mutex, no flags, 0x404040, number 1, site 0x401136");
  stream.request(0, 1, Mode::kWrite, 0, 0x401150);
  dump.step("request: slot 0, number (+1), place: write, site +0x1a");
  stream.acquired(0, 2, Mode::kWrite, 0, 0x401150);
  dump.step("acquired: as requested, number 2 as expected");
  stream.release(0, 3, 0x401160);
  dump.step("release: slot 0, place: site +0x10");
  stream.request(0, 3, Mode::kWrite, 0, 0x401150);
  dump.step("the second time: request");
  stream.acquired(0, 4, Mode::kWrite, 0, 0x401150);
  dump.step("acquired");
  stream.release(0, 5, 0x401160);
  dump.step("release");
  stream.close();
  dump.step("end of the stream");
  journal.finish({}, 2);
  dump.step("totals: nothing lost, 2 requests, all records written");
  journal.close();

  traces::TraceFacts facts;
  Log log;
  CHECK(traces::read_native_trace(path, log, facts).ok());
  CHECK(facts.events == 6);
  return dump.text();
}

}  // namespace

TEST_CASE("the worked example of the format's description is what is written", "[record]") {
  const std::string path = std::string(CROSSDEP_TEST_DATA) + "/../runtime/record/FORMAT.md";
  std::string document = read_file(path);
  const std::string heading = "## A worked example";
  const std::size_t section = document.find(heading);
  REQUIRE(section != std::string::npos);
  const std::size_t begin = document.find("```\n", section) + 4;
  const std::size_t end = document.find("```", begin);
  REQUIRE(end != std::string::npos);
  const std::string dump = example();
  if (std::getenv("UPDATE_GOLDEN") != nullptr) write_file(path, document.replace(begin, end - begin, dump));
  else CHECK(document.substr(begin, end - begin) == dump);
}
