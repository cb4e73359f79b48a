// SPDX-License-Identifier: MIT
//
// Files that are not whole: cut at every byte, damaged in every byte, not traces at all. What is given is always a prefix
// of what was written (cuts), reading always ends, and every trouble is one line with file, offset and cause.
//
// Threading: one thread.  Allocation: the heap.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <random>

#include "catch.hpp"
#include "native_support.h"

using namespace native_test;
using engine::ContextKind;
using engine::Kind;
using engine::kNone;
using engine::Mode;

namespace {

/// A small program of two threads that uses every kind of record. Returns the file's bytes.
std::string small_trace(const std::string& path) {
  record::Journal journal;
  REQUIRE(journal.open(path.c_str(), process()));
  journal.on_class({0, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, "outer", 5});
  journal.on_class({1, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, "inner", 5});
  journal.on_context({0, kNone, ContextKind::kThread, 100, "main", 4});
  journal.on_context({1, 0, ContextKind::kThread, 0, "worker", 6});
  journal.on_instance({0, 0, Kind::kMutex, 0, 0x1000});
  journal.on_instance({1, 1, Kind::kMutex, 0, 0x2000});
  const engine::Site frames[] = {0x401000, 0x402000};
  journal.on_stack(1, frames, 2);
  journal.on_dependency({0, 0, 1});
  engine::HeldInfo held{0, 0, Mode::kWrite, 0, false, 0x401000};
  engine::WitnessInfo witness{};
  witness.context = 0;
  witness.from = 0;
  witness.to = 1;
  witness.to_stack = 1;
  witness.waiter = kNone;
  witness.held_count = 1;
  witness.held = &held;
  journal.on_witness(witness);
  const record::ModuleSegment segment{0x400000, 0x500000, 0};
  journal.module({0, "/usr/bin/prog", nullptr, 0, 0, &segment, 1});
  engine::LinkInfo link{0, 0};
  engine::FindingInfo finding{};
  finding.reason_instance = finding.other = kNone;
  finding.stack = 1;
  finding.held_count = 1;
  finding.held = &held;
  finding.link_count = 1;
  finding.links = &link;
  journal.on_finding(finding);

  record::Stream main{}, worker{};
  REQUIRE(main.open(journal, 0));
  main.context_begin(kNone, ContextKind::kThread, 100, kNone, false, journal.tick());
  std::uint64_t number[2] = {0, 0};
  for (std::uint32_t id : {0u, 1u}) main.init(id, id, Kind::kMutex, 0, 0x1000 * (id + 1), ++number[id], 0x401100);
  main.fork(1, kNone, journal.tick());
  REQUIRE(worker.open(journal, 1));
  worker.context_begin(0, ContextKind::kThread, 101, kNone, false, journal.tick());
  for (int i = 0; i < 4; ++i) {
    for (record::Stream* stream : {&main, &worker}) {
      stream->stack(frames, 2);
      for (std::uint32_t id : {0u, 1u}) {
        stream->request(id, number[id], Mode::kWrite, 0, 0x401200 + id);
        stream->acquired(id, ++number[id], Mode::kWrite, 0, 0x401200 + id);
      }
      for (std::uint32_t id : {1u, 0u}) stream->release(id, ++number[id], 0x401300 + id);
    }
    main.wait_begin(0, 1, 0, 0, journal.tick(), 1);
    worker.signal(0, 1, journal.tick(), 2);
    main.wait_end(0, 1, true, 1, 0, journal.tick(), 1);
    main.operation("getenv", 6, 3);
    worker.lost(1);
  }
  worker.context_end(journal.tick(), 4);
  worker.close();
  main.join_begin(1, 0, journal.tick(), 5);
  main.join_end(1, true, journal.tick());
  main.context_end(journal.tick(), 6);
  main.close();
  journal.finish({}, 12);
  journal.close();
  return read_file(path);
}

struct Result {
  traces::Status status;
  SinkLog journal;
  Log trace;
};

void read(const std::string& path, Result& result) {
  traces::Container container;
  result.status = container.open(path);
  if (result.status.failed()) return;
  traces::JournalFacts facts;
  traces::note_trouble(result.status, traces::read_journal(container, result.journal, facts));
  traces::TraceFacts trace_facts;
  traces::note_trouble(result.status, traces::read_native_trace(container, result.trace, trace_facts));
}

template <class T>
bool is_prefix(const std::vector<T>& part, const std::vector<T>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

/// The lines of one context, without those of definitions made up for what the cut took away.
std::map<std::uint32_t, std::vector<std::string>> by_context(const Log& log) {
  std::map<std::uint32_t, std::vector<std::string>> out;
  std::size_t event = 0;
  for (const std::string& line : log.lines)
    if (line.rfind("event", 0) == 0) out[log.events[event++].context].push_back(line.substr(0, line.find(" class ")));
  return out;
}

/// Where bytes that mean something lie.
std::vector<std::size_t> used_bytes(const std::string& bytes) {
  std::vector<std::size_t> used;
  for (std::size_t chunk = 0; chunk * record::kChunkSize < bytes.size(); ++chunk) {
    const std::size_t begin = chunk * record::kChunkSize;
    record::ChunkHeader header;
    std::memcpy(&header, bytes.data() + begin, sizeof header);
    const std::size_t size = chunk == 0 ? sizeof(record::FileHeader) : header.magic == 0 ? 0 : header.committed;
    for (std::size_t i = 0; i < size; ++i) used.push_back(begin + i);
  }
  return used;
}

class MemoryFile {   // cutting and damaging without a disk
 public:
  MemoryFile() : descriptor_(::memfd_create("trace", 0)) { REQUIRE(descriptor_ >= 0); }
  ~MemoryFile() { ::close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void size(std::size_t size) const { REQUIRE(::ftruncate(descriptor_, static_cast<off_t>(size)) == 0); }
  void write(std::size_t offset, const void* bytes, std::size_t size) const {
    REQUIRE(::pwrite(descriptor_, bytes, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size));
  }

 private:
  int descriptor_;
};

}  // namespace

TEST_CASE("a trace cut at every byte gives what was committed before", "[native]") {
  Directory directory;
  const std::string bytes = small_trace(directory.file("a"));
  Result whole;
  read(directory.file("a"), whole);
  CAPTURE(whole.status.text());
  REQUIRE(whole.status.ok());
  REQUIRE(whole.trace.events.size() > 60);
  const auto whole_contexts = by_context(whole.trace);

  MemoryFile file;
  file.size(bytes.size());
  file.write(0, bytes.data(), bytes.size());
  std::vector<std::size_t> cuts = used_bytes(bytes);
  for (std::size_t cut = 0; cut < bytes.size(); cut += 4093) cuts.push_back(cut);   // and where nothing lies
  std::sort(cuts.begin(), cuts.end(), std::greater<>());
  for (const std::size_t cut : cuts) {
    file.size(cut);
    Result part;
    read(file.path(), part);
    const std::string text = part.status.text();
    CAPTURE(cut, text);
    REQUIRE_FALSE(part.status.ok());
    REQUIRE(part.status.failed() == (cut < sizeof(record::FileHeader)));
    REQUIRE(text.find('\n') == std::string::npos);
    REQUIRE(text.rfind(file.path(), 0) == 0);
    if (cut > 0) REQUIRE(text.find("offset") != std::string::npos);
    REQUIRE(is_prefix(part.journal.lines, whole.journal.lines));
    for (const auto& [context, lines] : by_context(part.trace)) REQUIRE(is_prefix(lines, whole_contexts.at(context)));
  }
}

TEST_CASE("a trace damaged in any byte is read to its end without a crash", "[native]") {
  Directory directory;
  const std::string bytes = small_trace(directory.file("a"));
  MemoryFile file;
  file.size(bytes.size());
  file.write(0, bytes.data(), bytes.size());
  const std::vector<std::size_t> used = used_bytes(bytes);
  std::mt19937 random(20240229);
  std::uint64_t noticed = 0;
  const auto damage = [&](std::size_t at, char value) {
    if (value == bytes[at]) return;
    file.write(at, &value, 1);
    Result result;
    read(file.path(), result);
    file.write(at, &bytes[at], 1);
    noticed += !result.status.ok();
    const std::string text = result.status.text();
    CAPTURE(at, int{value}, text);
    REQUIRE(text.find('\n') == std::string::npos);
    REQUIRE(result.trace.events.size() < 1000);
    REQUIRE(result.trace.lines.size() < 3000);
  };
  for (const std::size_t at : used) {
    damage(at, static_cast<char>(random()));
    damage(at, static_cast<char>(bytes[at] ^ (1 << random() % 8)));
  }
  CHECK(noticed > used.size() / 8);   // a wrong site or name cannot be told from a right one
  // Many at once.
  for (int round = 0; round < 300; ++round) {
    std::string broken = bytes;
    const unsigned count = 1 + random() % 50;
    for (unsigned i = 0; i < count; ++i) {
      const std::size_t at = used[random() % used.size()];
      if (at >= sizeof(record::FileHeader)) broken[at] = static_cast<char>(random());
    }
    file.write(0, broken.data(), broken.size());
    Result result;
    read(file.path(), result);
    REQUIRE_FALSE(result.status.failed());
  }
}

TEST_CASE("chunks full of noise end soon and allocate little", "[native]") {
  Directory directory;
  std::string bytes = small_trace(directory.file("a"));
  // All event chunks: their headers as they are, noise behind.
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    for (std::size_t chunk = 1; chunk * record::kChunkSize < bytes.size(); ++chunk) {
      record::ChunkHeader header;
      char* const at = bytes.data() + chunk * record::kChunkSize;
      std::memcpy(&header, at, sizeof header);
      if (header.magic == 0) continue;
      header.committed = record::kChunkSize;
      std::memcpy(at, &header, sizeof header);
      if (header.kind != record::ChunkKind::kEvents) continue;
      for (std::size_t i = header.segments[0].begin; i < record::kChunkSize; ++i)
        at[i] = static_cast<char>(round % 2 == 0 ? random() : random() % 8);   // odd rounds: mostly plausible events
    }
    write_file(directory.file("noise"), bytes);
    const auto begin = std::chrono::steady_clock::now();
    Result result;
    read(directory.file("noise"), result);
    CHECK_FALSE(result.status.ok());
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  }
}

TEST_CASE("files that are not traces are refused in one clear line", "[native]") {
  Directory directory;
  const std::string path = directory.file("a");
  const std::string good = small_trace(path);
  const auto refusal = [&](const std::string& bytes) {
    write_file(path, bytes);
    traces::Container container;
    const traces::Status status = container.open(path);
    CHECK(status.failed());
    return status.text().substr(path.size());
  };
  CHECK(refusal("") == ": is empty");
  CHECK(refusal("cross") == ": offset 5: the file header is cut short (5 of 48 bytes)");
  CHECK(refusal("\x7f" "ELF\2\1\1\0 and so on, a program of some length indeed ............") ==
        ": offset 0: not a crossdep trace");
  std::string newer = good;
  newer[8] = 2;
  CHECK(refusal(newer) == ": offset 8: trace version 2.2 is newer than this program reads (1.x)");
  std::string damaged = good;
  damaged[24] = static_cast<char>(damaged[24] ^ 1);   // the pid
  CHECK(refusal(damaged) == ": offset 0: the file header is damaged");

  traces::Container container;
  CHECK(container.open(directory.file("nothing")).text() == directory.file("nothing") +
                                                             ": cannot open: No such file or directory");
  CHECK(container.open("/tmp").text() == "/tmp: is a directory, not a trace");
  CHECK(container.open("/dev/null").text().find("not a regular file") != std::string::npos);
  CHECK(traces::Container::sniff(good.substr(0, 16)));
  CHECK_FALSE(traces::Container::sniff("# crossdep-text 1"));
}

TEST_CASE("a missing piece of a stream is a lost event, the rest is read", "[native]") {
  Directory directory;
  const std::string path = directory.file("a");
  record::Journal journal;
  REQUIRE(journal.open(path.c_str(), process()));
  journal.on_class({0, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, "only", 4});
  record::Stream stream{};
  REQUIRE(stream.open(journal, 0));
  stream.context_begin(kNone, ContextKind::kThread, 1, kNone, false, journal.tick());
  stream.init(0, 0, Kind::kMutex, 0, 64, 1, 1);
  std::uint64_t number = 1;
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    stream.request(0, number, Mode::kWrite, 0, i);
    stream.acquired(0, ++number, Mode::kWrite, 0, i);
    stream.release(0, ++number, i);
  }
  stream.close();
  journal.close();
  Result whole, holed;
  read(path, whole);
  REQUIRE(whole.status.ok());
  REQUIRE(whole.trace.events.size() == 150'000);
  std::string bytes = read_file(path);
  bytes[3 * record::kChunkSize] = 'x';   // the magic of the stream's second chunk
  write_file(path, bytes);
  read(path, holed);
  CHECK(holed.status.partial());
  CHECK(holed.status.text().find("offset " + std::to_string(3 * record::kChunkSize)) != std::string::npos);
  const auto lost = std::find_if(holed.trace.events.begin(), holed.trace.events.end(),
                                 [](const traces::Event& e) { return e.kind == traces::EventKind::kLost; });
  REQUIRE(lost != holed.trace.events.end());
  const auto before = static_cast<std::size_t>(lost - holed.trace.events.begin());
  const std::size_t after = holed.trace.events.size() - before - 1;
  CHECK(before > 5'000);
  CHECK(after > 50'000);
  CHECK(before + after < 150'000);
  for (std::size_t i = 0; i < after; ++i)
    REQUIRE((lost + 1 + static_cast<std::ptrdiff_t>(i))->site == whole.trace.events[150'000 - after + i].site);
}
