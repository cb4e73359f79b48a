// SPDX-License-Identifier: MIT
//
// See rapid_reader.h. Both forms are taken apart into (thread, operation, operand, location); one model makes events of that.
#include "traces/rapid_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <vector>

#include "traces/address_map.h"
#include "traces/text_state.h"

namespace crossdep::traces {

using engine::Kind;

namespace {

constexpr std::string_view kOperations[] = {"acq", "rel", "r", "w", "fork", "join", "begin", "end", "req",
                                            "wait", "notify", "notifyAll"};
enum Operation : unsigned { kAcq, kRel, kR, kW, kFork, kJoin, kBegin, kEnd, kReq, kWait, kNotify, kNotifyAll, kUnknown };
constexpr unsigned kBinaryOperations = kReq + 1;

Operation operation_of(std::string_view name) {
  if (name.size() == 1) return name.front() == 'r' ? kR : name.front() == 'w' ? kW : kUnknown;   // nearly all there are
  for (unsigned i = 0; i < std::size(kOperations); ++i)
    if (kOperations[i] == name) return static_cast<Operation>(i);
  return kUnknown;
}

/// What stands for a thread, lock, variable or place: `L5` and `5` are the number 5, anything else is a name. The binary
/// form has numbers without text.
struct Id {
  std::string_view text;
  std::uint64_t number = 0;
  bool numeric = false;
};

Id id_of(char letter, std::string_view text) {
  Id out{text};
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == letter) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > 18 || (digits.front() == '0' && digits.size() > 1)) return out;
  for (const char c : digits) {
    if (c < '0' || c > '9') return out;
    out.number = out.number * 10 + static_cast<unsigned>(c - '0');
  }
  out.numeric = true;
  return out;
}

/// What numbers stand for, once it has been made.
template <class Value>
class ByNumber {
 public:
  /// make() gives the value of a number that is new.
  template <class Make>
  Value get(const Id& id, Make&& make) {
    if (!id.numeric) return make();
    if (id.number == last_key_) return last_;
    const std::uint32_t at = numbers_.find(id.number);
    if (at == AddressMap::kAbsent) {
      numbers_.insert(id.number, static_cast<std::uint32_t>(values_.size()));
      values_.push_back(make());
      last_ = values_.back();
    } else {
      last_ = values_[at];
    }
    last_key_ = id.number;
    return last_;
  }

 private:
  AddressMap numbers_;
  std::vector<Value> values_;
  std::uint64_t last_key_ = ~std::uint64_t{0};
  Value last_{};
};

class RapidModel {
 public:
  explicit RapidModel(EventConsumer& consumer) : consumer_(consumer), state_(consumer) {}

  void event(std::uint64_t position, const Id& thread, Operation operation, const Id& operand, const Id& location);
  bool delivered() const { return delivered_; }

 private:
  struct Owned {
    ContextId by = kNone;
    unsigned depth = 0;
  };
  struct Thread {
    std::string name;
    TextTask* task = nullptr;
    InstanceId released = kNone;      // by its last lock event
    InstanceId waited = kNone;        // the monitor it gave up for a wait ...
    unsigned after_wait = 0;          // ... how often it holds it again when that is over ...
    bool silent = false;              // ... and whether it gave it up without a `rel`
    std::uint64_t joined_at = 0;
    std::string joiner;
    bool told = false;
  };
  void tell(const Event& event) {
    consumer_.on_event(event);
    delivered_ = true;
  }
  void problem(const Event& at, const std::string& what, const std::string& why, std::uint64_t earlier, const char* consequence) {
    consumer_.on_problem({at.position, what, why, earlier, consequence});
  }
  Thread* thread(const Id& id) {
    return threads_.get(id, [&] {
      bool fresh = false;
      const std::uint32_t number = thread_names_.add(prefixed('T', id), fresh);
      if (fresh) all_threads_.emplace_back().name = thread_names_[number];
      return &all_threads_[number];
    });
  }
  InstanceId lock(const Id& id) {
    const InstanceId out = locks_.get(id, [&] { return state_.lock(prefixed('L', id), plain_, Kind::kMutex); });
    if (out >= owned_.size()) owned_.resize(std::size_t{out} + 1);
    return out;
  }
  InstanceId monitor(const Id& id) { return state_.lock("(cond)" + prefixed('L', id), plain_, Kind::kCond); }
  Site site(const Id& id) {
    return sites_.get(id, [&] { return state_.site(id.numeric ? std::to_string(id.number) : std::string(id.text)); });
  }
  bool goes_on(Thread& in, const Event& out);
  void acquire(Thread& in, Event& out, const Id& operand);
  void release(Thread& in, Event& out, const Id& operand);
  void request(Thread& in, Event& out, const Id& operand);
  void fork(Thread& in, const Event& out, const Id& operand);
  void join(Thread& in, Event& out, const Id& operand);
  void wait(Thread& in, Event& out, const Id& operand);
  void end_wait(Thread& in, Event out, const Id& operand);

  /// "L5" for 5 and L5 alike.
  static std::string prefixed(char letter, const Id& id) {
    if (id.numeric) return letter + std::to_string(id.number);
    const bool bare = !id.text.empty() && id.text.front() >= '0' && id.text.front() <= '9';
    return (bare ? std::string(1, letter) : std::string()) + std::string(id.text);
  }

  EventConsumer& consumer_;
  TextState state_;
  TextArguments plain_;
  NameTable thread_names_;
  std::deque<Thread> all_threads_;         // by number of the name
  ByNumber<Thread*> threads_;
  ByNumber<InstanceId> locks_;
  ByNumber<NameId> variables_;
  ByNumber<Site> sites_;
  std::vector<Owned> owned_;               // by InstanceId
  bool delivered_ = false;
};

void RapidModel::end_wait(Thread& in, Event out, const Id& operand) {
  TextLevel& level = in.task->levels.back();
  if (level.waits_for == kNone || level.waits_for != monitor(operand)) return;
  out.kind = EventKind::kWaitEnd;
  out.lock = level.waits_for;
  level.waits_for = kNone;
  tell(out);
}

void RapidModel::acquire(Thread& in, Event& out, const Id& operand) {
  out.lock = lock(operand);
  in.released = kNone;
  Owned& owned = owned_[out.lock];
  if (owned.depth != 0 && owned.by == in.task->id) {
    ++owned.depth;
    return;
  }
  end_wait(in, out, operand);
  owned.by = in.task->id;
  owned.depth = 1;
  if (in.waited == out.lock) {
    owned.depth = in.after_wait;
    in.waited = kNone;
  }
  TextLevel& level = in.task->levels.back();
  if (level.requested != out.lock) {
    out.kind = EventKind::kRequest;
    tell(out);
  }
  level.requested = kNone;
  out.kind = EventKind::kAcquired;
  tell(out);
}

void RapidModel::release(Thread& in, Event& out, const Id& operand) {
  out.lock = lock(operand);
  if (in.silent && in.waited == out.lock) acquire(in, out, operand);   // back from a wait that logged neither
  Owned& owned = owned_[out.lock];
  in.released = out.lock;
  if (owned.by == in.task->id && owned.depth > 1) {
    --owned.depth;
    return;
  }
  if (owned.by == in.task->id) owned.depth = 0;
  out.kind = EventKind::kRelease;
  tell(out);
}

void RapidModel::request(Thread& in, Event& out, const Id& operand) {
  out.lock = lock(operand);
  const Owned& owned = owned_[out.lock];
  if (owned.depth != 0 && owned.by == in.task->id) return;   // its re-entrant acq follows
  in.released = kNone;
  end_wait(in, out, operand);
  out.kind = EventKind::kRequest;
  in.task->levels.back().requested = out.lock;
  tell(out);
}

void RapidModel::fork(Thread& in, const Event& out, const Id& operand) {
  Thread& child = *thread(operand);
  if (child.task != nullptr && !child.task->exited)
    return problem(out, in.name + " forks " + child.name, "which runs since", child.task->first_line, "the fork is passed over");
  child.task = &state_.task(child.name, in.task->id);
  child.told = false;
  child.joined_at = 0;
}

void RapidModel::join(Thread& in, Event& out, const Id& operand) {
  Thread& child = *thread(operand);
  if (child.task == nullptr)
    return problem(out, in.name + " joins " + child.name, "which never began", 0, "the join is passed over");
  if (&child == &in) return problem(out, in.name + " joins itself", "", 0, "the join is passed over");
  out.kind = EventKind::kJoinBegin;
  out.peer = child.task->id;
  tell(out);
  if (!child.task->exited) {
    Event ended;
    ended.kind = EventKind::kContextEnd;
    ended.context = child.task->id;
    ended.position = out.position;
    tell(ended);
    child.task->exited = true;
    child.joined_at = out.position;
    child.joiner = in.name;
  }
  out.kind = EventKind::kJoinEnd;
  tell(out);
}

void RapidModel::wait(Thread& in, Event& out, const Id& operand) {
  const InstanceId mutex = lock(operand);
  Owned& owned = owned_[mutex];
  const bool holds = owned.depth != 0 && owned.by == in.task->id;
  if (!holds && in.released != mutex)
    return problem(out, in.name + " waits on " + prefixed('L', operand), "without holding it", 0, "the wait is passed over");
  in.silent = in.released != mutex;
  in.waited = mutex;
  in.after_wait = (holds ? owned.depth : 0) + (in.silent ? 0 : 1);
  if (holds) {   // all of it is released, however often it was got
    owned.depth = 0;
    out.kind = EventKind::kRelease;
    out.lock = mutex;
    tell(out);
  }
  in.released = kNone;
  out.kind = EventKind::kWaitBegin;
  out.lock = monitor(operand);
  in.task->levels.back().waits_for = out.lock;
  tell(out);
}

/// False: it was joined, and cannot.
bool RapidModel::goes_on(Thread& in, const Event& out) {
  if (in.task == nullptr) in.task = &state_.task(in.name, kNone);
  if (!in.task->exited) [[likely]] return true;
  if (!in.told)
    problem(out, in.name + " goes on", "after " + in.joiner + " has joined it at", in.joined_at, "what it does from here on is left out");
  in.told = true;
  return false;
}

void RapidModel::event(std::uint64_t position, const Id& by, Operation operation, const Id& operand, const Id& location) {
  if (operation == kBegin || operation == kEnd) return;   // some recorders begin all threads at once: fork and use tell
  state_.line = position;
  Thread& in = *thread(by);
  Event out;
  out.position = position;
  if (!goes_on(in, out)) return;
  out.context = in.task->id;
  out.site = site(location);
  switch (operation) {
    case kAcq: return acquire(in, out, operand);
    case kRel: return release(in, out, operand);
    case kReq: return request(in, out, operand);
    case kR:
    case kW:
      out.kind = operation == kR ? EventKind::kRead : EventKind::kWrite;
      out.name = variables_.get(operand, [&] { return state_.name(prefixed('V', operand)); });
      return tell(out);
    case kFork: return fork(in, out, operand);
    case kJoin: return join(in, out, operand);
    case kWait: return wait(in, out, operand);
    case kNotify:
    case kNotifyAll:
      out.kind = EventKind::kSignal;
      out.lock = monitor(operand);
      out.number = operation == kNotify ? 1 : kAllWaits;
      return tell(out);
    case kBegin:
    case kEnd:
    case kUnknown: return;
  }
}

/// T3|acq(L5)|loc, in its parts; what stands behind a third bar is passed over.
bool split(std::string_view line, std::string_view& thread, Operation& operation, std::string_view& operand,
           std::string_view& location) {
  const char* const end = line.data() + line.size();
  const char* at = line.data();
  for (; at < end && *at != '|'; ++at)
    if (*at == ' ' || *at == '\t' || *at == '=') return false;
  if (at == line.data() || at == end) return false;
  thread = {line.data(), static_cast<std::size_t>(at - line.data())};
  const char* const call = ++at;
  while (at < end && *at != '|' && *at != '(') ++at;
  operation = operation_of({call, static_cast<std::size_t>(at - call)});
  operand = location = {};
  if (operation == kUnknown) return false;
  if (at < end && *at == '(') {
    const char* const inside = ++at;
    while (at < end && *at != '|') ++at;
    if (at[-1] != ')') return false;
    operand = {inside, static_cast<std::size_t>(at - 1 - inside)};
  }
  if (operand.empty() && operation != kBegin && operation != kEnd) return false;   // of what, then?
  if (at == end) return true;
  const char* const place = ++at;
  while (at < end && *at != '|') ++at;
  location = {place, static_cast<std::size_t>(at - place)};
  return true;
}

constexpr char letter_of(Operation operation) {
  return operation == kR || operation == kW ? 'V' : operation == kFork || operation == kJoin ? 'T' : 'L';
}

std::uint64_t big_endian(const char* bytes, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

constexpr std::size_t kHeader = 18, kWord = 8;
constexpr std::uint64_t kMostThreads = 1024;

Id number_id(std::uint64_t number) { return {{}, number, true}; }

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
  std::string_view thread, operand, location;
  Operation operation = kUnknown;
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
    std::string_view thread, operand, location;
    Operation operation = kUnknown;
    if (!source.cut() && split(line, thread, operation, operand, location)) {
      model.event(source.line_number(), id_of('T', thread), operation, id_of(letter_of(operation), operand), id_of(0, location));
      continue;
    }
    std::string cause = source.cut() ? "a line of more than " + std::to_string(LineSource::kLongestLine) + " bytes: not a RAPID trace"
                                     : "no event of the form THREAD|OPERATION(OPERAND)|LOCATION";
    if (source.unterminated()) cause += " (the last line, which is not ended: the file may have been cut)";
    return Status::at_line(outcome(), file, source.line_number(), cause);
  }
  if (source.error() != 0)
    return Status::at_line(outcome(), file, source.line_number(), std::string("cannot be read on: ") + std::strerror(source.error()));
  return {};
}

Status read_rapid_binary(int fd, std::string_view prefix, const std::string& file, EventConsumer& consumer, const bool* stop) {
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
  const std::uint64_t threads = big_endian(block.data(), 2), events = big_endian(block.data() + 10, 8);
  if (threads > kMostThreads)   // their ids would be one another's, and every event somebody else's
    return Status::at_offset(Status::Outcome::kFailed, file, 0,
                             "its header counts " + std::to_string(threads) + " threads, and the format tells only " +
                                 std::to_string(kMostThreads) + " apart");
  std::uint64_t offset = 0, seen = 0;
  std::size_t at = kHeader;
  for (;;) {
    for (; at + kWord <= block.size() && seen < events; at += kWord, ++seen) {
      const Packed packed = unpack(block.data() + at);
      if (packed.operation >= kBinaryOperations)
        return Status::at_offset(outcome(), file, offset + at, "operation " + std::to_string(packed.operation) + " is not known");
      model.event(offset + at, number_id(packed.thread), static_cast<Operation>(packed.operation), number_id(packed.operand),
                  number_id(packed.location));
      if (stop != nullptr && *stop) return {};
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
