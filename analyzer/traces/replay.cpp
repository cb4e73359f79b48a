// SPDX-License-Identifier: MIT
//
// See replay.h. One switch over the events; everything that is judged is judged in the engine.
#include "traces/replay.h"

namespace crossdep::traces {

using engine::Context;
using engine::LockInstance;

Replay::Replay(engine::Sink& sink, const engine::Options& options) : options_(options), sink_(&sink) { reset(sink); }

Replay::~Replay() = default;

void Replay::reset(engine::Sink& sink) {
  engine_.reset();   // before its successor: its memory is given back first
  sink_ = &sink;
  engine_ = std::make_unique<engine::Engine>(memory_, sink, options_);
  locks_.clear();
  classes_.clear();
  names_.clear();
  contexts_.clear();
  peers_.clear();
  by_address_.clear();
  indexed_ = false;
  sites_.clear();
  modules_.clear();
  process_ = {};
  total_events_ += events_;
  total_lock_events_ += lock_events_;
  events_ = lock_events_ = 0;
  case_open_ = true;
}

void Replay::finish() {
  if (!case_open_) return;
  case_open_ = false;
  engine_->finish();
  if (on_case_end) on_case_end(case_name_, *engine_);
}

void Replay::on_case(std::string_view name) {
  const bool empty = case_name_.empty() && events_ == 0;   // what lies before the first %case is no case of its own
  if (!empty) finish();
  case_name_ = name;
  engine_.reset();   // it refers to the sink, which the next line may replace
  reset(on_case_begin ? on_case_begin(name) : *sink_);
}

void Replay::on_expect(std::string_view text) {
  if (on_case_expect) on_case_expect(text);
}

void Replay::on_note(std::string_view text) {
  if (notes_given_.emplace(text).second) notes_.emplace_back(text);
}

template <class T>
bool Replay::make_room(std::vector<T>& table, std::uint32_t id) {
  if (id < table.size()) return true;
  if (id - table.size() > kLargestGap) return false;
  table.resize(std::size_t{id} + 1);
  return true;
}

void Replay::on_class(const ClassDefinition& definition) {
  if (!make_room(classes_, definition.id)) {
    ++undefined_;
    return;
  }
  engine::Engine::ClassSpec spec;
  spec.key_kind = definition.key_kind;
  spec.kind = definition.kind;
  spec.subclass = definition.subclass;
  spec.wait_outer = definition.wait_outer;
  spec.wait_inner = definition.wait_inner;
  spec.ordinal = definition.ordinal;
  spec.key = definition.key;
  spec.name = definition.name.data();
  spec.name_length = static_cast<std::uint32_t>(definition.name.size());
  for (std::uint32_t i = 0; i < definition.caller_count && i < engine::Engine::ClassSpec::kMostCallers; ++i)
    spec.callers[spec.caller_count++] = definition.callers[i];
  classes_[definition.id] = {engine_->declare_class(spec), definition.flags};
}

void Replay::on_lock(const LockDefinition& definition) {
  if (definition.class_id >= classes_.size() || !make_room(locks_, definition.id)) {
    ++undefined_;
    return;
  }
  const Class& its_class = classes_[definition.class_id];
  const auto flags = static_cast<std::uint8_t>(definition.flags | its_class.flags);
  Lock& lock = locks_[definition.id];
  lock = {engine_->create(its_class.id, definition.kind, definition.address, flags, definition.site), its_class.id, definition.address};
  if (indexed_) by_address_.emplace(definition.address, definition.id);
}

void Replay::on_context(const ContextDefinition& definition) {
  if (!make_room(contexts_, definition.id) || !make_room(peers_, definition.id)) {
    ++undefined_;
    return;
  }
  Context* begun = engine_->begin_context(peer(definition.parent), definition.kind, definition.tid,
                                          definition.name.data(), static_cast<std::uint32_t>(definition.name.size()),
                                          lock(definition.end).instance);
  contexts_[definition.id] = begun;
  peers_[definition.id] = begun;
  if (definition.middle && begun != nullptr) engine_->tolerate_unmatched(begun);
}

void Replay::on_context_name(ContextId id, std::string_view name) {
  if (Context* known = context(id))
    engine_->rename_context(known, name.data(), static_cast<std::uint32_t>(name.size()));
}

void Replay::on_name(NameId id, std::string_view name) {
  if (make_room(names_, id)) names_[id] = name;
}

void Replay::on_site(Site site, std::string_view text) { sites_.insert_or_assign(site, std::string(text)); }

std::string_view Replay::site_text(Site site) const {
  const auto at = sites_.find(site);
  return at == sites_.end() ? std::string_view() : std::string_view(at->second);
}

void Replay::on_module(const ModuleDefinition& definition) {
  modules_.push_back({definition.begin, definition.end, definition.offset, definition.bias,
                      std::string(definition.path), std::string(definition.build_id)});
}

void Replay::on_process(const ProcessDefinition& definition) {
  process_ = {definition.pid, std::string(definition.executable), std::string(definition.arguments)};
}

ClassId Replay::other_class(const Event& event, const Lock& lock) const {
  if (event.class_id == kNone || event.class_id >= classes_.size()) return kNone;
  const ClassId named = classes_[event.class_id].id;
  return named == lock.class_id ? kNone : named;
}

void Replay::destroy(const Event& event) {
  if (event.lock >= locks_.size() || locks_[event.lock].instance == nullptr) {
    ++undefined_;
    return;
  }
  Lock& ended = locks_[event.lock];
  engine_->destroy(context(event.context), ended.instance, event.site);
  if (indexed_) {
    auto [at, end] = by_address_.equal_range(ended.address);
    for (; at != end; ++at) {
      if (at->second != event.lock) continue;
      by_address_.erase(at);
      break;
    }
  }
  ended = Lock{};
}

void Replay::free_range(const Event& event) {
  if (!indexed_) {
    indexed_ = true;
    for (InstanceId id = 0; id < locks_.size(); ++id)
      if (locks_[id].instance != nullptr) by_address_.emplace(locks_[id].address, id);
  }
  auto at = by_address_.lower_bound(event.number);
  while (at != by_address_.end() && at->first < event.number2) {
    Lock& ended = locks_[at->second];
    engine_->destroy(context(event.context), ended.instance, event.site);
    ended = Lock{};
    at = by_address_.erase(at);
  }
}

void Replay::on_event(const Event& event) {
  ++events_;
  apply(event);
}

void Replay::on_events(const Event* events, std::size_t count) {
  events_ += count;
  for (std::size_t i = 0; i < count; ++i) apply(events[i]);
}

void Replay::apply(const Event& event) {
  Context* const in = context(event.context);
  if (in == nullptr) {
    if (event.kind == EventKind::kLost) lost_ += event.number;
    else ++undefined_;
    return;
  }
  const Lock& object = lock(event.lock);
  LockInstance* const instance = object.instance;
  engine::Engine& engine = *engine_;

  switch (event.kind) {
    case EventKind::kRequest: {
      ++lock_events_;
      if (instance == nullptr) { ++undefined_; return; }
      const ClassId other = other_class(event, object);
      if (other == kNone && event.other == kNone) {
        engine.request(in, instance, event.mode, event.flags, event.site);
      } else {
        engine.request_as(in, instance, other == kNone ? object.class_id : other, event.mode, event.flags, event.site,
                          lock(event.other).instance);
      }
      return;
    }
    case EventKind::kAcquired: {
      if (instance == nullptr) { ++undefined_; return; }
      const ClassId other = other_class(event, object);
      if (event.other != kNone)
        engine.acquired_under(in, instance, other == kNone ? object.class_id : other, event.mode, event.flags, event.site,
                              lock(event.other).instance);
      else if (other == kNone) engine.acquired(in, instance, event.mode, event.flags, event.site);
      else engine.acquired_as(in, instance, other, event.mode, event.flags, event.site);
      return;
    }
    case EventKind::kRelease:
      if (instance == nullptr) { ++undefined_; return; }
      engine.release(in, instance, event.site);
      return;
    case EventKind::kFailed:
      engine.failed(in);   // the request was judged when it was made; nothing is held
      return;
    case EventKind::kContextEnd:
      engine.end_context(in, event.site);
      contexts_[event.context] = nullptr;
      if ((event.flags & kUnjoined) != 0) {
        peers_[event.context] = nullptr;
        engine.release_context(in);
      }
      return;
    case EventKind::kEnter:
      engine.enter(in, event.nested, instance, lock(event.other).instance, event.site, static_cast<unsigned>(event.number),
                   (event.flags & kThreaded) != 0);
      return;
    case EventKind::kLeave:
      engine.leave(in, event.site);
      return;
    case EventKind::kMask:
      engine.mask(in, event.nested, static_cast<unsigned>(event.number), true);
      return;
    case EventKind::kUnmask:
      engine.mask(in, event.nested, static_cast<unsigned>(event.number), false);
      return;
    case EventKind::kDowngrade:
      if (instance != nullptr) engine.downgrade(in, instance, event.site);
      return;
    case EventKind::kSync:
      ++lock_events_;
      if (instance != nullptr) engine.sync(in, instance, event.mode, event.site);
      return;
    case EventKind::kMightLock:
      ++lock_events_;
      if (instance != nullptr) engine.might_lock(in, instance, event.mode, event.site);
      return;
    case EventKind::kAssertHeld:
      ++lock_events_;
      if (instance != nullptr) engine.assert_held(in, instance, event.mode, event.site);
      return;
    case EventKind::kReinit: {
      if (instance == nullptr) { ++undefined_; return; }
      const ClassId other = other_class(event, object);
      const ClassId now = other == kNone ? object.class_id : other;
      engine.reinit(in, instance, now, event.site);
      locks_[event.lock].class_id = now;
      return;
    }
    case EventKind::kDestroy:
      destroy(event);
      return;
    case EventKind::kFree:
      free_range(event);
      return;
    case EventKind::kWaitBegin:
      ++lock_events_;
      if (instance == nullptr) { ++undefined_; return; }
      engine.wait_begin(in, instance, lock(event.other).instance, event.flags, event.site);
      return;
    case EventKind::kWaitEnd:
      if (instance == nullptr) { ++undefined_; return; }
      engine.wait_end(in, instance, peer(event.peer), (event.flags & kFailedWait) == 0, event.site);
      return;
    case EventKind::kSignal:
      ++lock_events_;
      if (instance == nullptr) { ++undefined_; return; }
      engine.signal(in, instance, event.number >= kNone ? kNone : static_cast<std::uint32_t>(event.number), event.site);
      return;
    case EventKind::kJoinBegin:
      ++lock_events_;
      if (Context* child = peer(event.peer)) engine.join_begin(in, child, event.flags, event.site);
      else ++undefined_;
      return;
    case EventKind::kJoinEnd:
      if (Context* child = peer(event.peer)) engine.join_end(in, child, (event.flags & kFailedWait) == 0);
      else ++undefined_;
      return;
    case EventKind::kLost:
      lost_ += event.number;
      engine.lost(in, event.number);
      return;
    case EventKind::kSetStack:
      if (event.frames != nullptr && event.number != 0)
        engine.set_stack(in, event.frames, static_cast<unsigned>(event.number));
      return;
    case EventKind::kOperation:
      if (event.name >= names_.size()) { ++undefined_; return; }
      engine.operation(in, names_[event.name].data(), static_cast<std::uint32_t>(names_[event.name].size()), event.site);
      return;
    case EventKind::kRead:
    case EventKind::kWrite:
      return;   // carried for data-aware prediction; they order nothing
  }
  ++undefined_;
}

}  // namespace crossdep::traces
