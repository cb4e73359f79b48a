// SPDX-License-Identifier: MIT
//
// See native_journal.h; the grammar is runtime/record/FORMAT.md. One record is decoded at a time, out of a buffer that
// holds one chunk.
//
// Threading: one thread.  Allocation: the heap.
#include "traces/native_journal.h"

#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace crossdep::traces {
namespace {

using namespace engine;
using record::JournalOp;

/// The fields of one record. The first that is not there or not possible makes it bad, with a reason.
class Fields {
 public:
  Fields(const std::uint8_t* at, const std::uint8_t* end) : at_(at), end_(end) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return bad("a record is too short"), 0;
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return bad("a number is too long"), 0;
  }
  std::uint32_t small(std::uint64_t limit = 0xffffffffu) {
    const std::uint64_t value = number();
    if (value > limit) return bad("a field has an impossible value"), 0;
    return static_cast<std::uint32_t>(value);
  }
  std::uint32_t optional() { return static_cast<std::uint32_t>(small() - 1); }
  template <class Enum>
  Enum one_of(Enum last) {
    return static_cast<Enum>(small(static_cast<std::uint64_t>(last)));
  }
  bool more() const { return at_ != end_; }
  std::uint64_t after(std::uint64_t from) {
    const std::uint64_t coded = number();
    return from + ((coded >> 1) ^ (0 - (coded & 1)));
  }
  std::string_view text() {
    const std::uint64_t length = number();
    if (length > static_cast<std::uint64_t>(end_ - at_)) return bad("a text reaches beyond its record"), std::string_view();
    const std::string_view text(reinterpret_cast<const char*>(at_), length);
    at_ += length;
    return text;
  }
  /// The length of a list whose entries have at least `least` bytes.
  std::uint32_t count(unsigned least) {
    const std::uint64_t length = number();
    if (length > static_cast<std::uint64_t>(end_ - at_) / least) return bad("a list reaches beyond its record"), 0;
    return static_cast<std::uint32_t>(length);
  }
  /// `condition` must hold of what was read.
  void need(bool condition, const char* cause) {
    if (!condition) bad(cause);
  }
  void bad(const char* cause) {
    if (cause_ == nullptr) cause_ = cause;
    at_ = end_;
  }
  const char* cause() const { return cause_; }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  const char* cause_ = nullptr;
};

class Reader {
 public:
  Reader(const Container& container, Sink& sink, JournalFacts& facts)
      : container_(container), sink_(sink), facts_(facts) {}

  Status read() {
    facts_.start_time = container_.header().start_time;
    facts_.pid = container_.header().pid;
    facts_.parent_pid = container_.header().parent_pid;
    Status status;
    status.file = container_.path();
    std::vector<std::uint8_t> buffer(record::kChunkSize);
    for (const Container::Extent& extent : container_.journal()) {
      const std::size_t wanted = extent.end - extent.begin;
      const std::size_t got = container_.read(extent.begin, buffer.data(), wanted);
      std::size_t at = 0;
      while (at < got) {
        std::size_t begin = at;
        std::uint64_t size = 0;
        for (unsigned shift = 0; at < got && shift < 28; shift += 7) {
          const std::uint8_t byte = buffer[at++];
          size |= static_cast<std::uint64_t>(byte & 127) << shift;
          if (byte < 128) break;
        }
        // A commit covers whole records, so half a record in a whole chunk is damage; in a cut one it is the cut.
        const char* cause = nullptr;
        if (size == 0 || size > got - at) cause = "a journal record is cut short";
        else cause = apply(buffer.data() + at, buffer.data() + at + size);
        if (cause != nullptr)
          return Status::at_offset(Status::Outcome::kPartial, container_.path(), extent.begin + begin, cause);
        ++facts_.records;
        at += size;
      }
      if (got < wanted)
        return Status::at_offset(Status::Outcome::kPartial, container_.path(), extent.begin + got, "cannot be read");
    }
    return status;
  }

 private:
  bool has_class(std::uint32_t id) const { return id == kNone || classes_.contains(id); }
  bool has_instance(std::uint32_t id) const { return id == kNone || instances_.contains(id); }
  bool has_context(std::uint32_t id) const { return id == kNone || contexts_.contains(id); }
  bool has_stack(std::uint32_t id) const { return id == 0 || stacks_.contains(id); }

  const char* apply(const std::uint8_t* at, const std::uint8_t* end);
  void held(Fields& f, std::uint32_t& count, const HeldInfo*& out);
  void witness(Fields& f);
  void finding(Fields& f);
  void module(Fields& f);

  const Container& container_;
  Sink& sink_;
  JournalFacts& facts_;
  std::unordered_set<std::uint32_t> classes_, instances_, contexts_, stacks_, findings_;
  std::unordered_map<std::uint32_t, std::uint32_t> witnesses_;   // dependency -> how many of its witnesses were announced
  std::vector<HeldInfo> held_;
  std::vector<LinkInfo> links_;
  std::vector<Site> frames_;
};

void Reader::held(Fields& f, std::uint32_t& count, const HeldInfo*& out) {
  held_.clear();
  count = f.count(5);
  for (std::uint32_t i = 0; i < count && f.cause() == nullptr; ++i) {
    HeldInfo h{};
    h.instance = f.optional();
    h.class_id = f.optional();
    const std::uint32_t how = f.small(7);
    f.need((how & 3) <= static_cast<unsigned>(Mode::kRecursiveRead), "a field has an impossible value");
    h.mode = static_cast<Mode>(how & 3);
    h.pseudo = (how & 4) != 0;
    h.flags = static_cast<std::uint8_t>(f.small(255));
    h.site = f.number();
    f.need(has_instance(h.instance) && has_class(h.class_id), "a held lock was never announced");
    held_.push_back(h);
  }
  out = held_.data();
}

void Reader::witness(Fields& f) {
  WitnessInfo w{};
  w.dependency = f.small();
  w.origin = f.one_of(Origin::kStatic);
  w.from_mode = f.one_of(Mode::kRecursiveRead);
  w.to_mode = f.one_of(Mode::kRecursiveRead);
  w.flags = static_cast<std::uint8_t>(f.small(255));
  w.context = f.optional();
  w.from = f.optional();
  w.to = f.optional();
  w.from_site = f.number();
  w.to_site = f.number();
  w.to_stack = f.small();
  w.waiter = f.optional();
  w.wait_site = f.number();
  w.wait_stack = f.small();
  w.release_stack = f.small();
  w.ordinal = f.number();
  held(f, w.held_count, w.held);
  const auto dependency = witnesses_.find(w.dependency);
  f.need(dependency != witnesses_.end(), "a witness of a dependency that was never announced");
  f.need(has_context(w.context) && has_context(w.waiter), "a witness names a context that was never announced");
  f.need(has_instance(w.from) && has_instance(w.to), "a witness names a lock that was never announced");
  f.need(has_stack(w.to_stack) && has_stack(w.wait_stack) && has_stack(w.release_stack),
         "a witness names a stack that was never announced");
  if (f.cause() != nullptr) return;
  ++dependency->second;
  sink_.on_witness(w);
}

void Reader::finding(Fields& f) {
  FindingInfo info{};
  info.id = f.small();
  info.check = f.one_of(static_cast<Check>(kCheckCount - 1));
  info.verdict = f.one_of(Verdict::kDeadlock);
  info.reason = f.one_of(static_cast<Reason>(static_cast<unsigned>(Reason::kReported) - 1));
  info.reason_site[0] = f.number();
  info.reason_site[1] = f.number();
  info.reason_instance = f.optional();
  info.context = f.optional();
  info.instance = f.optional();
  info.mode = f.one_of(Mode::kRecursiveRead);
  info.site = f.number();
  info.stack = f.small();
  info.at_commit = f.small(1) != 0;
  info.other = f.optional();
  info.range_begin = f.number();
  info.range_end = f.number();
  held(f, info.held_count, info.held);
  links_.clear();
  info.link_count = f.count(2);
  for (std::uint32_t i = 0; i < info.link_count && f.cause() == nullptr; ++i) {
    LinkInfo link{f.small(), f.small()};
    const auto dependency = witnesses_.find(link.dependency);
    f.need(dependency != witnesses_.end() && link.witness < dependency->second,
           "a finding names a dependency or witness that was never announced");
    links_.push_back(link);
  }
  info.links = links_.data();
  info.reason_context = f.more() ? f.optional() : kNone;   // not in version 1.0
  f.need(has_context(info.reason_context), "a finding names a context that was never announced");
  f.need(has_context(info.context), "a finding names a context that was never announced");
  f.need(has_instance(info.instance) && has_instance(info.other) && has_instance(info.reason_instance),
         "a finding names a lock that was never announced");
  f.need(has_stack(info.stack), "a finding names a stack that was never announced");
  if (f.cause() == nullptr) sink_.on_finding(info);
}

void Reader::module(Fields& f) {
  Module module;
  module.serial = f.small();
  module.loaded = f.number();
  module.path = f.text();
  module.build_id = f.text();
  module.bias = f.number();
  const std::uint32_t count = f.count(3);
  for (std::uint32_t i = 0; i < count && f.cause() == nullptr; ++i) {
    Module::Range range;
    range.begin = f.number();
    const std::uint64_t size = f.number();
    range.end = range.begin + size;
    range.file_offset = f.number();
    f.need(range.end >= range.begin, "a module's range has an impossible size");
    module.ranges.push_back(range);
  }
  if (f.cause() == nullptr) facts_.modules.add(std::move(module));
}

const char* Reader::apply(const std::uint8_t* at, const std::uint8_t* end) {
  const auto op = static_cast<JournalOp>(*at);
  Fields f(at + 1, end);
  switch (op) {
    case JournalOp::kProcess: {
      const std::uint32_t pid = f.small(), parent = f.small();
      const std::string_view executable = f.text(), arguments = f.text();
      if (f.cause() != nullptr) break;
      facts_.pid = pid;
      facts_.parent_pid = parent;
      facts_.executable = executable;
      facts_.arguments = arguments;
      break;
    }
    case JournalOp::kModule:
      module(f);
      break;
    case JournalOp::kUnload: {
      const std::uint32_t serial = f.small();
      const std::uint64_t time = f.number();
      if (f.cause() == nullptr) facts_.modules.unload(serial, time);
      break;
    }
    case JournalOp::kClass: {
      ClassInfo info{};
      info.id = f.small();
      info.key_kind = f.one_of(ClassKey::kStack);
      info.kind = f.one_of(Kind::kOperation);
      info.subclass = static_cast<std::uint8_t>(f.small(255));
      info.wait_outer = static_cast<std::uint8_t>(f.small(255));
      info.wait_inner = static_cast<std::uint8_t>(f.small(255));
      info.ordinal = f.small();
      info.key = f.number();
      const std::string_view name = f.text();
      info.name = name.data();
      info.name_length = static_cast<std::uint32_t>(name.size());
      f.need(info.id != kNone, "a field has an impossible value");
      frames_.clear();
      if (f.more()) {   // since version 1.2
        const std::uint32_t count = f.count(1);
        for (std::uint32_t i = 0; i < count && f.cause() == nullptr; ++i) frames_.push_back(f.after(i == 0 ? info.key : frames_.back()));
      }
      if (f.cause() != nullptr) break;
      info.callers = frames_.data();
      info.caller_count = static_cast<std::uint32_t>(frames_.size());
      classes_.insert(info.id);
      sink_.on_class(info);
      break;
    }
    case JournalOp::kClassUsage: {
      const std::uint32_t id = f.small(), usage = f.small(255);
      f.need(classes_.contains(id), "the usage of a class that was never announced");
      if (f.cause() == nullptr) sink_.on_class_usage(id, static_cast<std::uint8_t>(usage));
      break;
    }
    case JournalOp::kInstance: {
      InstanceInfo info{};
      info.id = f.small();
      info.class_id = f.optional();
      info.kind = f.one_of(Kind::kOperation);
      info.flags = static_cast<std::uint8_t>(f.small(255));
      info.address = f.number();
      f.need(info.id != kNone && has_class(info.class_id), "a lock of a class that was never announced");
      if (f.cause() != nullptr) break;
      instances_.insert(info.id);
      sink_.on_instance(info);
      break;
    }
    case JournalOp::kContext: {
      ContextInfo info{};
      info.id = f.small();
      info.parent = f.optional();
      info.kind = f.one_of(ContextKind::kLoader);
      info.tid = f.number();
      const std::string_view name = f.text();
      info.name = name.data();
      info.name_length = static_cast<std::uint32_t>(name.size());
      f.need(info.id != kNone && has_context(info.parent), "a context whose creator was never announced");
      if (f.cause() != nullptr) break;
      contexts_.insert(info.id);
      sink_.on_context(info);
      break;
    }
    case JournalOp::kStack: {
      const std::uint32_t id = f.small();
      const std::uint32_t count = f.count(1);
      frames_.clear();
      for (std::uint32_t i = 0; i < count && f.cause() == nullptr; ++i)
        frames_.push_back(f.after(i == 0 ? 0 : frames_.back()));
      if (f.cause() != nullptr) break;
      stacks_.insert(id);
      sink_.on_stack(id, frames_.data(), count);
      break;
    }
    case JournalOp::kDependency: {
      DependencyInfo info{};
      info.id = f.small();
      info.from = f.small();
      info.to = f.small();
      f.need(classes_.contains(info.from) && classes_.contains(info.to), "a dependency of a class that was never announced");
      if (f.cause() != nullptr) break;
      witnesses_.try_emplace(info.id, 0);
      sink_.on_dependency(info);
      break;
    }
    case JournalOp::kWitness:
      witness(f);
      break;
    case JournalOp::kFinding:
      finding(f);
      break;
    case JournalOp::kFinish: {
      Losses losses{};
      losses.memory = f.number();
      losses.events = f.number();
      losses.unmatched = f.number();
      losses.budget = f.number();
      const std::uint64_t requests = f.number(), unwritten = f.number();
      if (f.cause() != nullptr) break;
      facts_.finished = true;
      facts_.losses = losses;
      facts_.requests = requests;
      facts_.unwritten = unwritten;
      break;
    }
    default:
      break;   // from a newer minor version: skipped
  }
  return f.cause();
}

}  // namespace

Status read_journal(const Container& container, Sink& sink, JournalFacts& facts) {
  return Reader(container, sink, facts).read();
}

}  // namespace crossdep::traces
