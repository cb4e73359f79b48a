// SPDX-License-Identifier: MIT
//
// See text_state.h.
#include "traces/text_state.h"

namespace crossdep::traces {

using engine::Kind;

void TextState::reset() {
  task_names_.clear();
  lock_names_.clear();
  site_names_.clear();
  op_names_.clear();
  tasks_.clear();
  locks_.clear();
  classes_.clear();
  class_names_.clear();
  next_context_ = 0;
}

void TextState::problem(const std::string& what, const std::string& why, std::uint64_t earlier, const char* consequence) {
  consumer_.on_problem({line, what, why, earlier, consequence});
}

TextTask* TextState::find_task(std::string_view name) {
  const std::uint32_t number = task_names_.find(name);
  return number == NameTable::kAbsent ? nullptr : tasks_[number].get();
}

TextTask& TextState::task(std::string_view name, ContextId parent, std::optional<std::string_view> end_class) {
  bool fresh = false;
  const std::uint32_t number = task_names_.add(name, fresh);
  if (fresh) tasks_.push_back(std::make_unique<TextTask>());
  TextTask& in = *tasks_[number];
  if (!fresh && !in.exited) return in;
  if (in.joined_line != 0 && parent == kNone)
    problem(std::string(name) + " goes on", "after " + std::string(in.joiner) + " has joined it at", in.joined_line,
            "a new context of that name begins");
  in = TextTask{};
  in.id = next_context_++;
  in.name = task_names_[number];
  in.first_line = line;
  in.levels.resize(1);

  ContextDefinition definition;
  definition.id = in.id;
  definition.parent = parent;
  unsigned long long tid = 0;
  definition.tid = parse_text_number(name, tid) ? tid : in.id + 1;
  definition.name = name;
  definition.position = line;
  if (parent != kNone) {   // somebody may wait for its end
    const std::string end = "(thread)" + std::string(name);
    const InstanceId before = find_lock(end);
    if (before != kNone) {   // the end of the thread that had this name before
      Event ended;
      ended.kind = EventKind::kDestroy;
      ended.context = parent;
      ended.lock = before;
      ended.position = line;
      consumer_.on_event(ended);
      end_lock(before);
    }
    TextArguments of_end;
    of_end.class_name = end_class;
    definition.end = lock(end, of_end, Kind::kThread);
  }
  consumer_.on_context(definition);
  return in;
}

std::string TextState::class_key(std::string_view name, unsigned subclass) {
  return std::to_string(subclass) + "/" + std::string(name);
}

std::uint64_t TextState::class_line(std::string_view name, unsigned subclass) const {
  const auto known = classes_.find(class_key(name, subclass));
  return known == classes_.end() ? 0 : known->second.line;
}

ClassId TextState::lock_class(std::string_view name, unsigned subclass, Kind kind, const TextArguments& from,
                              std::uint8_t flags) {
  const auto next = static_cast<ClassId>(class_names_.size());
  const auto [at, fresh] = classes_.try_emplace(class_key(name, subclass), Class{next, line});
  if (!fresh) return at->second.id;
  class_names_.push_back({std::string(name), subclass});
  ClassDefinition definition;
  definition.id = next;
  definition.kind = kind;
  definition.subclass = static_cast<std::uint8_t>(subclass);
  definition.flags = flags;
  definition.wait_outer = static_cast<std::uint8_t>(from.wait_outer);
  definition.wait_inner = static_cast<std::uint8_t>(from.wait_inner);
  definition.name = name;
  consumer_.on_class(definition);
  return next;
}

InstanceId TextState::find_lock(std::string_view name) const {
  const std::uint32_t number = lock_names_.find(name);
  return number == NameTable::kAbsent || !locks_[number].alive ? kNone : number;
}

InstanceId TextState::lock(std::string_view name, const TextArguments& from, Kind kind) {
  bool fresh = false;
  const InstanceId id = lock_names_.add(name, fresh);
  if (fresh) locks_.emplace_back();
  if (locks_[id].alive) return id;
  LockDefinition definition;
  definition.id = id;
  definition.kind = from.kind.value_or(kind);
  definition.flags = from.lock_flags;
  definition.class_id = lock_class(from.class_name.value_or(name), from.subclass.value_or(0), definition.kind, from, 0);
  unsigned long long address = 0;
  definition.address = parse_text_number(name, address) ? address : id + 1;
  definition.name = name;
  definition.site = site(from.site);
  definition.position = line;
  locks_[id] = {definition.class_id, definition.address, true};
  consumer_.on_lock(definition);
  return id;
}

void TextState::end_locks(std::uint64_t begin, std::uint64_t end) {
  for (Lock& lock : locks_)
    if (lock.address >= begin && lock.address < end) lock.alive = false;
}

ClassId TextState::class_asked_for(InstanceId id, const TextArguments& from) {
  if (!from.class_name && !from.subclass) return kNone;
  const ClassId own = locks_[id].class_id;
  const std::string_view name = from.class_name.value_or(class_names_[own].name);
  const unsigned subclass = from.subclass.value_or(0);
  if (name == class_names_[own].name && subclass == class_names_[own].subclass) return kNone;   // as nearly always
  return lock_class(name, subclass, from.kind.value_or(Kind::kMutex), from, 0);
}

Site TextState::site(std::string_view text) {
  if (text.empty()) return 0;
  bool fresh = false;
  const Site number = Site{site_names_.add(text, fresh)} + 1;
  if (fresh) consumer_.on_site(number, text);
  return number;
}

NameId TextState::name(std::string_view text) {
  bool fresh = false;
  const NameId number = op_names_.add(text, fresh);
  if (fresh) consumer_.on_name(number, text);
  return number;
}

}  // namespace crossdep::traces
