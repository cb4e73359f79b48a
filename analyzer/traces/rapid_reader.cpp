// SPDX-License-Identifier: MIT
//
// See rapid_reader.h. Both forms are taken apart into (thread, operation, operand, location); one model makes events of that.
#include "traces/rapid_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "traces/text_state.h"

namespace crossdep::traces {

using engine::Kind;

namespace {

constexpr std::string_view kOperations[] = {"acq", "rel", "r", "w", "fork", "join", "begin", "end", "req",
                                            "wait", "notify", "notifyAll"};
enum Operation : unsigned { kAcq, kRel, kR, kW, kFork, kJoin, kBegin, kEnd, kReq, kWait, kNotify, kNotifyAll, kUnknown };
constexpr unsigned kBinaryOperations = kReq + 1;

Operation operation_of(std::string_view name) {
  for (unsigned i = 0; i < std::size(kOperations); ++i)
    if (kOperations[i] == name) return static_cast<Operation>(i);
  return kUnknown;
}

class RapidModel {
 public:
  explicit RapidModel(EventConsumer& consumer) : consumer_(consumer), state_(consumer) {}

  /// False: impossible, cause() says why.
  bool event(std::uint64_t position, std::string_view thread, Operation operation, std::string_view operand, std::string_view location);
  const std::string& cause() const { return cause_; }
  bool delivered() const { return delivered_; }

 private:
  struct Owned {
    ContextId by = kNone;
    unsigned depth = 0;
    std::string name;
  };
  bool fail(std::string cause) {
    cause_ = std::move(cause);
    return false;
  }
  void tell(Event& event) {
    consumer_.on_event(event);
    delivered_ = true;
  }
  bool acquire(TextTask& task, Event& out, std::string_view operand);
  void end_wait(TextTask& task, Event out, std::string_view operand);
  bool join(TextTask& task, Event& out, std::string_view operand);
  InstanceId monitor(std::string_view operand) { return state_.lock("(cond)" + prefixed('L', operand), plain_, Kind::kCond); }
  InstanceId lock(std::string_view operand) { return state_.lock(prefixed('L', operand), plain_, Kind::kMutex); }

  /// "L5" for 5 and L5 alike.
  static std::string prefixed(char letter, std::string_view id) {
    const bool bare = !id.empty() && id.front() >= '0' && id.front() <= '9';
    return (bare ? std::string(1, letter) : std::string()) + std::string(id);
  }

  EventConsumer& consumer_;
  TextState state_;
  TextArguments plain_;
  std::unordered_map<InstanceId, Owned> owned_;
  std::string cause_;
  bool delivered_ = false;
};

void RapidModel::end_wait(TextTask& task, Event out, std::string_view operand) {
  TextLevel& level = task.levels.back();
  if (level.waits_for == kNone || level.waits_for != monitor(operand)) return;
  out.kind = EventKind::kWaitEnd;
  out.lock = level.waits_for;
  level.waits_for = kNone;
  tell(out);
}

bool RapidModel::acquire(TextTask& task, Event& out, std::string_view operand) {
  out.lock = lock(operand);
  Owned& owned = owned_[out.lock];
  if (owned.depth != 0 && owned.by != task.id)
    return fail("acq of " + prefixed('L', operand) + ", which " + owned.name + " holds: mutual exclusion is broken");
  if (owned.depth++ != 0) return true;
  end_wait(task, out, operand);
  owned.by = task.id;
  TextLevel& level = task.levels.back();
  if (level.requested != out.lock) {
    out.kind = EventKind::kRequest;
    tell(out);
  }
  level.requested = kNone;
  out.kind = EventKind::kAcquired;
  tell(out);
  return true;
}

bool RapidModel::join(TextTask& task, Event& out, std::string_view operand) {
  TextTask* const child = state_.find_task(prefixed('T', operand));
  if (child == nullptr) return fail("join of " + prefixed('T', operand) + ", which never began");
  if (child == &task) return fail(prefixed('T', operand) + " joins itself");
  out.kind = EventKind::kJoinBegin;
  out.peer = child->id;
  tell(out);
  if (!child->exited) {
    Event ended;
    ended.kind = EventKind::kContextEnd;
    ended.context = child->id;
    ended.position = out.position;
    tell(ended);
    child->exited = true;
  }
  out.kind = EventKind::kJoinEnd;
  tell(out);
  return true;
}

bool RapidModel::event(std::uint64_t position, std::string_view thread, Operation operation, std::string_view operand,
                       std::string_view location) {
  if (operation == kBegin || operation == kEnd) return true;   // some recorders begin all threads at once: fork and use tell
  state_.line = position;
  const std::string name = prefixed('T', thread);
  TextTask* const known = state_.find_task(name);
  if (known != nullptr && known->exited) return fail(name + " goes on after it was joined");
  TextTask& task = state_.task(name, kNone);
  Event out;
  out.context = task.id;
  out.position = position;
  out.site = state_.site(location);
  switch (operation) {
    case kAcq: {
      const bool done = acquire(task, out, operand);
      if (done) owned_[out.lock].name = name;
      return done;
    }
    case kRel: {
      out.lock = lock(operand);
      Owned& owned = owned_[out.lock];
      if (owned.depth == 0 || owned.by != task.id) return fail("rel of " + prefixed('L', operand) + ", which " + name + " does not hold");
      if (--owned.depth != 0) return true;
      out.kind = EventKind::kRelease;
      break;
    }
    case kReq: {
      out.lock = lock(operand);
      const Owned& owned = owned_[out.lock];
      if (owned.depth != 0 && owned.by == task.id) return true;   // its re-entrant acq follows
      end_wait(task, out, operand);
      out.kind = EventKind::kRequest;
      task.levels.back().requested = out.lock;
      break;
    }
    case kR:
    case kW:
      out.kind = operation == kR ? EventKind::kRead : EventKind::kWrite;
      out.name = state_.name(prefixed('V', operand));
      break;
    case kFork: {
      const std::string child = prefixed('T', operand);
      const TextTask* running = state_.find_task(child);
      if (running != nullptr && !running->exited) return fail("fork of " + child + ", which runs already");
      state_.task(child, task.id);
      return true;
    }
    case kJoin: return join(task, out, operand);
    case kWait:
      out.kind = EventKind::kWaitBegin;
      out.lock = monitor(operand);
      task.levels.back().waits_for = out.lock;
      break;
    case kNotify:
    case kNotifyAll:
      out.kind = EventKind::kSignal;
      out.lock = monitor(operand);
      out.number = operation == kNotify ? 1 : kAllWaits;
      break;
    case kBegin:
    case kEnd:
    case kUnknown: return fail("an operation that is not known");
  }
  tell(out);
  return true;
}

/// T3|acq(L5)|loc, in its parts.
bool split(std::string_view line, std::string_view& thread, std::string_view& operation, std::string_view& operand,
           std::string_view& location) {
  const std::size_t first = line.find('|');
  if (first == std::string_view::npos || first == 0) return false;
  const std::size_t second = line.find('|', first + 1);
  thread = line.substr(0, first);
  std::string_view call = line.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  location = second == std::string_view::npos ? std::string_view() : line.substr(second + 1);
  if (const std::size_t further = location.find('|'); further != std::string_view::npos) location = location.substr(0, further);
  const std::size_t open = call.find('(');
  operation = call.substr(0, open);
  operand = {};
  if (open != std::string_view::npos) {
    if (call.back() != ')') return false;
    operand = call.substr(open + 1, call.size() - open - 2);
  }
  return thread.find_first_of(" \t=") == std::string_view::npos && operation_of(operation) != kUnknown;
}

std::uint64_t big_endian(const char* bytes, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

constexpr std::size_t kHeader = 18, kWord = 8;

struct Packed {
  unsigned thread, operation;
  std::uint64_t operand, location;
};
Packed unpack(const char* bytes) {
  const std::uint64_t word = big_endian(bytes, kWord);
  return {static_cast<unsigned>(word & 1023), static_cast<unsigned>(word >> 10 & 15), word >> 14 & 0x3ffffffff, word >> 48 & 0x7fff};
}

}  // namespace

bool looks_like_rapid_text(std::string_view line) {
  std::string_view thread, operation, operand, location;
  if (!split(line, thread, operation, operand, location)) return false;
  if (thread.front() == 'T') thread.remove_prefix(1);
  return !thread.empty() && thread.find_first_not_of("0123456789") == std::string_view::npos;
}

bool looks_like_rapid_binary(std::string_view bytes) {
  if (bytes.size() < kHeader + kWord) return false;
  const std::uint64_t threads = big_endian(bytes.data(), 2), events = big_endian(bytes.data() + 10, 8);
  if (threads == 0 || events == 0 || events > (std::uint64_t{1} << 40)) return false;
  for (std::size_t at = kHeader; at + kWord <= bytes.size(); at += kWord)
    if (unpack(bytes.data() + at).operation >= kBinaryOperations || (bytes[at] & 0x80) != 0) return false;
  return true;
}

Status read_rapid_text(LineSource& source, const std::string& file, EventConsumer& consumer) {
  RapidModel model(consumer);
  std::string_view line;
  const auto outcome = [&] { return model.delivered() ? Status::Outcome::kPartial : Status::Outcome::kFailed; };
  while (source.next(line)) {
    if (line.empty() || line.front() == '#') continue;
    std::string_view thread, operation, operand, location;
    const bool readable = !source.cut() && split(line, thread, operation, operand, location);
    if (readable && model.event(source.line_number(), thread, operation_of(operation), operand, location)) continue;
    std::string cause = readable ? model.cause() : "no event of the form THREAD|OPERATION(OPERAND)|LOCATION";
    if (source.unterminated()) cause += " (the last line, which is not ended: the file may have been cut)";
    return Status::at_line(outcome(), file, source.line_number(), cause);
  }
  if (source.error() != 0)
    return Status::at_line(outcome(), file, source.line_number(), std::string("cannot be read on: ") + std::strerror(source.error()));
  return {};
}

Status read_rapid_binary(int fd, std::string_view prefix, const std::string& file, EventConsumer& consumer) {
  RapidModel model(consumer);
  const auto outcome = [&] { return model.delivered() ? Status::Outcome::kPartial : Status::Outcome::kFailed; };
  std::string block(prefix);
  ssize_t got = 1;
  const auto more = [&] {
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    const std::size_t before = block.size();
    block.resize(before + kBlock);
    while ((got = ::read(fd, block.data() + before, kBlock)) < 0 && errno == EINTR) {}
    block.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
  };
  while (block.size() < kHeader && got > 0) more();
  if (block.size() < kHeader) return Status::at_offset(Status::Outcome::kFailed, file, 0, "too short for a RapidBin header");
  const std::uint64_t events = big_endian(block.data() + 10, 8);
  std::uint64_t offset = 0, seen = 0;
  std::size_t at = kHeader;
  for (;;) {
    for (; at + kWord <= block.size() && seen < events; at += kWord, ++seen) {
      const Packed packed = unpack(block.data() + at);
      if (packed.operation >= kBinaryOperations)
        return Status::at_offset(outcome(), file, offset + at, "operation " + std::to_string(packed.operation) + " is not known");
      if (!model.event(offset + at, std::to_string(packed.thread), static_cast<Operation>(packed.operation),
                       std::to_string(packed.operand), std::to_string(packed.location)))
        return Status::at_offset(outcome(), file, offset + at, model.cause());
    }
    if (seen == events) return {};
    offset += at;
    block.erase(0, at);
    at = 0;
    more();
    if (got < 0) return Status::at_offset(outcome(), file, offset, std::string("cannot be read on: ") + std::strerror(errno));
    if (got == 0)
      return Status::at_offset(outcome(), file, offset, "ends after " + std::to_string(seen) + " of the " + std::to_string(events) + " events its header promises");
  }
}

}  // namespace crossdep::traces
