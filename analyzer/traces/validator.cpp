// SPDX-License-Identifier: MIT
//
// See validator.h. A lock's entry knows its writer exactly and counts its readers; of those only the last is known by
// name, which is enough to accuse nobody wrongly.
#include "traces/validator.h"

#include <algorithm>
#include <cstdio>

namespace crossdep::traces {

using engine::Kind;
using engine::Mode;

ValidatorRules ValidatorRules::of(Format format) {
  ValidatorRules rules;
  switch (format) {
    case Format::kRapid:
    case Format::kRapidBinary:
      rules.releases = true;
      rules.monitors = false;   // its reader knows how waits are logged there
      break;
    case Format::kText:
      break;
    case Format::kNative:
      rules.monitors = false;
      rules.leave_out = false;
      break;
    default:   // kernels: their maps stand for more than locks, and what was held before the recording is not known
      rules.exclusion = rules.monitors = rules.contexts = false;
      break;
  }
  return rules;
}

Validator::Validator(EventConsumer& next, const ValidatorRules& rules, std::string file, Status::Unit unit)
    : next_(next), rules_(rules), file_(std::move(file)), unit_(unit),
      passive_(!rules.exclusion && !rules.releases && !rules.monitors && !rules.contexts) {}

// --- words -----------------------------------------------------------------------------------------------------------

std::string Validator::place(std::uint64_t position) const {
  return unit_ == Status::Unit::kLine ? file_ + ":" + std::to_string(position) : "offset " + std::to_string(position);
}

std::string Validator::name_of_lock(InstanceId id) const {
  if (id >= lock_names_.size()) return "lock #" + std::to_string(id);
  if (!lock_names_[id].name.empty()) return lock_names_[id].name;
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(lock_names_[id].address));
  return text;
}

std::string Validator::name_of(ContextId id) const {
  return id < contexts_.size() && !contexts_[id].name.empty() ? contexts_[id].name : "context #" + std::to_string(id);
}

void Validator::problem(std::uint64_t position, const std::string& what, const std::string& why, std::uint64_t earlier,
                        const std::string& consequence) {
  if (stopped_) return;
  ++count_;
  std::string cause = what;
  if (!why.empty()) cause += " " + why + (earlier != 0 ? " " + place(earlier) : "");
  if (rules_.strict) {
    stopped_ = true;
    status_ = {Status::Outcome::kPartial, unit_, file_, position, std::move(cause)};
    return;
  }
  if (!on_warning) return;
  if (!consequence.empty()) cause += "; " + consequence;
  on_warning(Status{Status::Outcome::kOk, unit_, file_, position, std::move(cause)}.text());
}

void Validator::on_problem(const Problem& found) {
  problem(found.position, std::string(found.what), std::string(found.why), found.earlier, std::string(found.consequence));
}

// --- definitions -----------------------------------------------------------------------------------------------------

void Validator::on_lock(const LockDefinition& definition) {
  if (stopped_) return;
  const InstanceId id = definition.id;
  if (id < locks_.size() || id - locks_.size() <= kLargestGap) {
    if (id >= locks_.size()) {
      locks_.resize(std::size_t{id} + 1);
      lock_names_.resize(locks_.size());
    }
    if ((locks_[id].flags & kLeftOut) != 0) ignored_.erase(ignored_.lower_bound({id, 0}), ignored_.upper_bound({id, kNone}));
    locks_[id] = {};
    if (definition.kind <= Kind::kRwsem && (definition.flags & engine::kOfProcess) == 0) locks_[id].flags = kExcludes;
    lock_names_[id].name = definition.name;
    lock_names_[id].address = definition.address;
  }
  next_.on_lock(definition);
}

void Validator::on_context(const ContextDefinition& definition) {
  if (stopped_) return;
  const ContextId id = definition.id;
  if (id < contexts_.size() || id - contexts_.size() <= kLargestGap) {
    if (id >= contexts_.size()) contexts_.resize(std::size_t{id} + 1);
    const std::uint32_t before = contexts_[id].void_generation;   // of who had this number
    contexts_[id] = {};
    contexts_[id].void_generation = before;
    contexts_[id].unsure = definition.middle;
    contexts_[id].name = definition.name;
  }
  next_.on_context(definition);
}

void Validator::on_context_name(ContextId id, std::string_view name) {
  if (id < contexts_.size()) contexts_[id].name = name;
  if (!stopped_) next_.on_context_name(id, name);
}

void Validator::on_case(std::string_view name) {
  if (stopped_) return;
  next_.on_case(name);   // first: who listens to it may still ask for the count of the case that ends
  locks_.clear();
  lock_names_.clear();
  contexts_.clear();
  ignored_.clear();
  pending_.clear();
  generation_ = 0;
  any_left_out_ = false;
  total_ += count_;
  count_ = 0;
}

void Validator::on_class(const ClassDefinition& definition) {
  if (!stopped_) next_.on_class(definition);
}
void Validator::on_name(NameId id, std::string_view name) { next_.on_name(id, name); }
void Validator::on_site(Site site, std::string_view text) { next_.on_site(site, text); }
void Validator::on_module(const ModuleDefinition& definition) { next_.on_module(definition); }
void Validator::on_process(const ProcessDefinition& definition) { next_.on_process(definition); }
void Validator::on_expect(std::string_view text) {
  if (!stopped_) next_.on_expect(text);
}
void Validator::on_note(std::string_view text) { next_.on_note(text); }

// --- events ----------------------------------------------------------------------------------------------------------

void Validator::on_event(const Event& event) {
  if (stopped_) return;
  const bool pass = passive_ || look(event);
  give_pending();
  if (!pass || stopped_) return;
  if (any_left_out_) forward(event);
  else next_.on_event(event);
}

void Validator::on_events(const Event* events, std::size_t count) {
  if (passive_ && !stopped_) return next_.on_events(events, count);
  std::size_t from = 0;
  for (std::size_t i = 0; i < count && !stopped_; ++i) {
    if (any_left_out_) {
      on_event(events[i]);
      from = i + 1;
      continue;
    }
    const bool pass = look(events[i]);
    if (pass && pending_.empty()) [[likely]] continue;
    if (i > from) next_.on_events(events + from, i - from);   // before what ends in consequence
    give_pending();
    if (pass) forward(events[i]);
    from = i + 1;
  }
  if (!stopped_ && from < count) next_.on_events(events + from, count - from);
}

void Validator::give_pending() {
  if (pending_.empty()) [[likely]] return;
  for (const Event& event : pending_) next_.on_event(event);
  pending_.clear();
}

/// Passes it on without the locks that are left out.
void Validator::forward(const Event& event) {
  if (event.other == kNone || event.other >= locks_.size() || (locks_[event.other].flags & kLeftOut) == 0)
    return next_.on_event(event);
  Event without = event;
  without.other = kNone;
  next_.on_event(without);
}

bool Validator::look(const Event& event) {
  if (event.context >= contexts_.size()) return true;
  Context& context = contexts_[event.context];
  if (context.joined && rules_.contexts) [[unlikely]] {
    if (!context.told)
      problem(event.position, context.name + " goes on", "after " + name_of(context.joiner) + " has joined it at",
              context.joined_at, rules_.leave_out ? "what it does from here on is left out" : "");
    context.told = true;
    return !rules_.leave_out;
  }
  if (event.lock < locks_.size()) {
    Lock& lock = locks_[event.lock];
    if (lock.flags == kExcludes && rules_.exclusion) [[likely]] {
      // The usual: a free lock is got for writing, and released by who has it.
      if (event.kind == EventKind::kRequest) return true;
      if (event.kind == EventKind::kAcquired && event.mode == Mode::kWrite && lock.writer == kNone && lock.readers == 0) {
        lock.writer = event.context;
        lock.generation = generation_;
        lock.since = event.position;
        return true;
      }
      if (event.kind == EventKind::kRelease && lock.writer == event.context && lock.depth == 0) {
        lock.writer = kNone;
        lock.last = event.context;
        lock.since = event.position;
        return true;
      }
    }
  }
  return look_closer(event);
}

bool Validator::look_closer(const Event& event) {
  if (any_left_out_ && event.lock < locks_.size() && (locks_[event.lock].flags & kLeftOut) != 0)
    return left_out(event, locks_[event.lock]);
  switch (event.kind) {
    case EventKind::kAcquired: return acquire(event, event.lock, event.mode);
    case EventKind::kRelease: return release(event, event.lock);
    case EventKind::kDowngrade:
      if (event.lock < locks_.size() && holds(locks_[event.lock], event.context)) {
        Lock& lock = locks_[event.lock];
        lock.writer = kNone;
        lock.depth = 0;
        lock.readers = 1;
        lock.last = event.context;
        lock.generation = generation_;
      }
      return true;
    case EventKind::kReinit:
    case EventKind::kDestroy:
      if (event.lock < locks_.size()) {
        const std::uint32_t flags = locks_[event.lock].flags;
        locks_[event.lock] = {};
        locks_[event.lock].flags = flags;
      }
      return true;
    case EventKind::kWaitBegin: return begin_wait(event);
    case EventKind::kWaitEnd: {
      Context& context = contexts_[event.context];
      const InstanceId mutex = context.mutex;
      context.mutex = kNone;
      if (mutex >= locks_.size()) return true;
      // Hand-written traces often let the waiter go on before the signaller has let go of the mutex: no contradiction.
      Lock& lock = locks_[mutex];
      lock.writer = event.context;
      lock.depth = 0;
      lock.readers = 0;
      lock.generation = generation_;
      lock.since = event.position;
      return true;
    }
    case EventKind::kJoinEnd:
      if ((event.flags & kFailedWait) == 0 && event.peer < contexts_.size() && event.peer != event.context) {
        Context& child = contexts_[event.peer];
        child.joined = true;
        child.joiner = event.context;
        child.joined_at = event.position;
      }
      return true;
    case EventKind::kContextEnd:
      forget_holds(event.context);
      return true;
    case EventKind::kLost:
      contexts_[event.context].unsure = true;
      forget_holds(event.context);
      return true;
    default: return true;
  }
}

void Validator::forget_holds(ContextId id) {
  contexts_[id].void_generation = ++generation_;
  contexts_[id].mutex = kNone;
}

bool Validator::acquire(const Event& event, InstanceId id, Mode mode) {
  if (id >= locks_.size() || !rules_.exclusion || (locks_[id].flags & kExcludes) == 0) return true;
  Lock& lock = locks_[id];
  const bool write = mode == Mode::kWrite;
  if (lock.writer == event.context) {
    ++lock.depth;   // re-entrant, or a program's mistake that is judged elsewhere
    return true;
  }
  const bool by_writer = known(lock);
  const bool by_reader = write && readers_known(lock) && lock.last != kNone && lock.last != event.context;
  if ((by_writer || by_reader) && (lock.flags & kNamed) == 0) {
    lock.flags |= kNamed;
    const ContextId holder = by_writer ? lock.writer : lock.last;
    problem(event.position, name_of(event.context) + " acquires " + name_of_lock(id),
            "while " + name_of(holder) + (by_reader && !by_writer ? " reads" : " holds") + " it since", lock.since,
            leaving_out(name_of_lock(id)));
    if (stopped_) return false;
    if (rules_.leave_out) {
      leave_out(id, holder);
      ++ignored_[{id, event.context}];
      Event given_up;   // its request was passed on, and ends here
      given_up.kind = EventKind::kFailed;
      given_up.context = event.context;
      given_up.lock = id;
      given_up.position = event.position;
      pending_.push_back(given_up);
      return false;
    }
  }
  if (write) {
    lock.writer = event.context;
    lock.depth = 0;
    lock.readers = 0;
  } else {
    lock.writer = kNone;
    lock.depth = 0;
    lock.readers = lock.generation == generation_ ? lock.readers + 1 : 1;
    lock.last = event.context;
  }
  lock.generation = generation_;
  lock.since = event.position;
  return true;
}

bool Validator::release(const Event& event, InstanceId id) {
  if (id >= locks_.size() || (locks_[id].flags & kExcludes) == 0) return true;
  Lock& lock = locks_[id];
  if (lock.writer == event.context) {
    if (lock.depth != 0) --lock.depth;
    else lock.writer = kNone, lock.last = event.context, lock.since = event.position;
    return true;
  }
  if (lock.readers != 0) {
    --lock.readers;
    if (lock.last == event.context) lock.last = kNone;
    return true;
  }
  if (rules_.releases && !contexts_[event.context].unsure && (lock.flags & kNamed) == 0) {
    lock.flags |= kNamed;
    const std::string name = name_of_lock(id);
    const std::string what = name_of(event.context) + " releases " + name;
    if (known(lock))
      problem(event.position, what, "while " + name_of(lock.writer) + " holds it since", lock.since, leaving_out(name));
    else if (lock.last != kNone)
      problem(event.position, what, "which nobody holds since " + name_of(lock.last) + " has released it at", lock.since, leaving_out(name));
    else
      problem(event.position, what, "which was never acquired", 0, leaving_out(name));
    if (stopped_) return false;
    if (rules_.leave_out) {
      leave_out(id, lock.writer);
      return false;
    }
  }
  lock.writer = kNone;   // a finding of the engine, and free from here on
  lock.depth = 0;
  return true;
}

bool Validator::begin_wait(const Event& event) {
  if (event.other >= locks_.size()) return true;
  Lock& mutex = locks_[event.other];
  Context& context = contexts_[event.context];
  const bool held = mutex.writer == event.context || mutex.readers != 0 || (mutex.flags & kLeftOut) != 0;
  if (held || !rules_.monitors || context.unsure || (mutex.flags & kExcludes) == 0 || event.lock >= locks_.size()) {
    context.mutex = event.other;
    if (mutex.writer == event.context) {
      mutex.writer = kNone;
      mutex.depth = 0;
      mutex.last = event.context;
      mutex.since = event.position;
    }
    return true;
  }
  const std::string name = name_of_lock(event.lock), monitor = name_of_lock(event.other);
  const std::string what = name_of(event.context) + " waits for " + name + " without its mutex " + monitor;
  if (known(mutex))
    problem(event.position, what, "which " + name_of(mutex.writer) + " holds since", mutex.since, leaving_out(name));
  else if (mutex.last != kNone)
    problem(event.position, what, "which " + name_of(mutex.last) + " has released at", mutex.since, leaving_out(name));
  else
    problem(event.position, what, "which nobody has acquired", 0, leaving_out(name));
  if (stopped_) return false;
  if (!rules_.leave_out) return true;
  leave_out(event.lock, kNone);
  return false;
}

/// From here on nothing of it is passed on; `holder` has released it.
void Validator::leave_out(InstanceId id, ContextId holder) {
  Lock& lock = locks_[id];
  if (holder != kNone) {
    Event out;
    out.kind = EventKind::kRelease;
    out.context = holder;
    out.lock = id;
    for (std::uint32_t i = 0; i <= lock.depth; ++i) pending_.push_back(out);
    if (lock.readers != 0) --lock.readers;
    ignored_[{id, holder}] = lock.depth + 1;
  }
  lock.writer = kNone;
  lock.flags |= kLeftOut;
  any_left_out_ = true;
}

bool Validator::left_out(const Event& event, Lock& lock) {
  switch (event.kind) {
    case EventKind::kAcquired:
      ++ignored_[{event.lock, event.context}];
      return false;
    case EventKind::kRelease: {
      const auto ignored = ignored_.find({event.lock, event.context});
      if (ignored != ignored_.end()) {
        if (--ignored->second == 0) ignored_.erase(ignored);
        return false;
      }
      if (lock.readers == 0) return false;
      --lock.readers;   // a reader from before
      return true;
    }
    case EventKind::kDestroy: return true;
    case EventKind::kEnter: return true;   // its work item is a crosslock's, its context goes on
    case EventKind::kSetStack:
    case EventKind::kLost:
    case EventKind::kContextEnd: return true;
    default: return false;
  }
}

}  // namespace crossdep::traces
