// SPDX-License-Identifier: MIT
//
// Classes, dependencies, witnesses, stacks; see graph.h.
//
// Threading: serialised by the engine.  Allocation: names, held sets and stacks are copied into blocks of their own.
#include "engine/graph.h"

namespace crossdep::engine {

namespace {

std::uint64_t hash_bytes(std::uint64_t key, const char* bytes, std::uint32_t length) {
  for (std::uint32_t i = 0; i < length; ++i) key = chain_step(key, static_cast<unsigned char>(bytes[i]));
  return key;
}

bool same_class(const ClassInfo& a, const ClassInfo& b) {
  if (a.key_kind != b.key_kind || a.subclass != b.subclass) return false;
  if (a.key_kind != ClassKey::kNamed) return a.key == b.key && a.ordinal == b.ordinal && a.kind == b.kind;
  return a.name_length == b.name_length && std::memcmp(a.name, b.name, a.name_length) == 0;
}

std::uint64_t class_key(const ClassInfo& info, std::uint64_t salt) {
  std::uint64_t key = chain_step(salt, (std::uint64_t{info.subclass} << 8) | static_cast<unsigned>(info.key_kind));
  if (info.key_kind == ClassKey::kNamed) return hash_bytes(key, info.name, info.name_length) | 1;
  key = chain_step(key, info.key);
  return chain_step(key, (std::uint64_t{info.ordinal} << 8) | static_cast<unsigned>(info.kind)) | 1;
}

bool same_held(const WitnessInfo& a, const WitnessInfo& b) {
  if (a.held_count != b.held_count) return false;
  for (std::uint32_t i = 0; i < a.held_count; ++i)
    if (a.held[i].instance != b.held[i].instance || a.held[i].mode != b.held[i].mode) return false;
  return true;
}

template <class T>
T* copy_of(Allocator& memory, const T* from, std::uint32_t count, bool& ok) {
  auto* copy = count == 0 ? nullptr : static_cast<T*>(memory.allocate(count * sizeof(T)));
  ok = ok && (count == 0 || copy != nullptr);
  if (copy != nullptr) std::memcpy(static_cast<void*>(copy), from, count * sizeof(T));
  return copy;
}

bool same_passed(const Background& a, const Background& b) {
  if (a.passed_count != b.passed_count) return false;
  for (std::uint32_t i = 0; i < a.passed_count; ++i)
    if (!(a.passed[i] == b.passed[i])) return false;
  return true;
}

}  // namespace

Graph::~Graph() {
  for (LockClass* lock_class : classes_)
    memory_->deallocate(const_cast<char*>(lock_class->info.name), lock_class->info.name_length);
  for (const Dependency& dependency : dependencies_) {
    for (Witness* witness = dependency.witnesses; witness != nullptr; witness = witness->next) empty(*witness);
    memory_->deallocate(dependency.gates, dependency.gate_capacity * sizeof(HeldInfo));
  }
  for (const Stack& stack : stacks_) memory_->deallocate(stack.frames, stack.count * sizeof(Site));
}

ClassId Graph::find_class(const ClassInfo& identity) const noexcept {
  std::uint64_t salt = 1;
  std::uint64_t key = class_key(identity, salt);
  while (const ClassId* found = class_ids_.find(key)) {
    if (same_class(classes_[*found]->info, identity)) return *found;
    key = class_key(identity, ++salt);
  }
  return kNone;
}

ClassId Graph::intern_class(const ClassInfo& identity, bool& fresh) noexcept {
  fresh = false;
  std::uint64_t salt = 1;
  std::uint64_t key = class_key(identity, salt);
  while (const ClassId* found = class_ids_.find(key)) {
    if (same_class(classes_[*found]->info, identity)) return *found;
    key = class_key(identity, ++salt);  // two identities, one hash: try the next
  }
  auto* made = static_cast<LockClass*>(class_pool_.take());
  if (made == nullptr) return kNone;
  *made = LockClass{};
  made->info = identity;
  made->info.id = classes_.size();
  made->info.name = nullptr;
  if (identity.name_length != 0) {
    char* name = static_cast<char*>(memory_->allocate(identity.name_length));
    if (name == nullptr) return class_pool_.give_back(made), kNone;
    std::memcpy(name, identity.name, identity.name_length);
    made->info.name = name;
  }
  ClassId* slot = classes_.make_room() && order_.make_room() ? class_ids_.insert(key) : nullptr;
  if (slot == nullptr) {
    memory_->deallocate(const_cast<char*>(made->info.name), made->info.name_length);
    class_pool_.give_back(made);
    return kNone;
  }
  *slot = order_.add_node();
  fresh = classes_.push(made);
  return *slot;
}

DependencyId Graph::find_dependency(ClassId from, ClassId to) const noexcept {
  const DependencyId* found = dependency_ids_.find((std::uint64_t{from} + 1) << 32 | to);
  return found == nullptr ? kNone : *found;
}

Graph::AddedDependency Graph::add_dependency(ClassId from, ClassId to, std::uint8_t mode) noexcept {
  const DependencyId known = find_dependency(from, to);
  if (known != kNone) {
    const bool grown = (dependencies_[known].modes & mode) == 0;
    dependencies_[known].modes |= mode;
    return {known, false, grown, order_.same_component(from, to)};
  }
  const DependencyId id = dependencies_.size();
  const Dependency fresh{from, to, mode, 0, false, true, false, 0, 0, nullptr, kNone, nullptr, 0, 0, false};
  const bool room = dependencies_.make_room() && order_.make_room_for_edge(id);
  DependencyId* slot = room ? dependency_ids_.insert((std::uint64_t{from} + 1) << 32 | to) : nullptr;
  if (slot == nullptr || !dependencies_.push(fresh)) return {kNone, false, false, false};
  *slot = id;
  const OrderGraph::Added added = order_.add_edge(from, to, id);
  return {id, true, true, added == OrderGraph::Added::kInComponent};
}

// The locks held at every occurrence; what one occurrence held only for reading counts as read.
void Graph::narrow_gates(Dependency& dependency, const WitnessInfo& info) noexcept {
  if (!dependency.gates_known) {
    dependency.gates_known = true;
    if (info.held_count == 0) return;
    dependency.gates = static_cast<HeldInfo*>(memory_->allocate(info.held_count * sizeof(HeldInfo)));
    if (dependency.gates == nullptr) return;
    dependency.gate_capacity = info.held_count;
    for (std::uint32_t i = 0; i < info.held_count; ++i)
      if (!info.held[i].pseudo) dependency.gates[dependency.gate_count++] = info.held[i];
    return;
  }
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < dependency.gate_count; ++i) {
    HeldInfo gate = dependency.gates[i];
    bool held = false;
    for (std::uint32_t j = 0; j < info.held_count && !held; ++j) {
      held = info.held[j].instance == gate.instance;
      if (held && info.held[j].mode != Mode::kWrite) gate.mode = Mode::kRead;
    }
    if (held) dependency.gates[kept++] = gate;
  }
  dependency.gate_count = kept;
}

// Copies what an empty witness is to keep. False without memory.
bool Graph::fill(Witness& witness, const WitnessInfo& info, const Background& background) noexcept {
  bool ok = true;
  witness.info = info;
  witness.info.held = copy_of(*memory_, info.held, info.held_count, ok);
  witness.background = background;
  witness.background.passed = copy_of(*memory_, background.passed, background.passed_count, ok);
  if (!ok) {
    empty(witness);
    return false;
  }
  Clocks::hold(background.from_segment);
  Clocks::hold(background.request_segment);
  GuardBook::hold(background.guards);
  return true;
}

void Graph::empty(Witness& witness) noexcept {
  memory_->deallocate(const_cast<HeldInfo*>(witness.info.held), witness.info.held_count * sizeof(HeldInfo));
  memory_->deallocate(const_cast<Passed*>(witness.background.passed), witness.background.passed_count * sizeof(Passed));
}

Witness* Graph::add_witness(DependencyId id, const WitnessInfo& info, const Background& background,
                            unsigned limit) noexcept {
  Dependency& dependency = dependencies_[id];
  narrow_gates(dependency, info);
  // Two witnesses of one kind differ at most in context, place and time. Room goes to different kinds first, then to
  // different contexts; where it is short, what holds more excludes more and so tells less.
  const auto same_kind = [](const WitnessInfo& a, const WitnessInfo& b) {
    return a.from == b.from && a.to == b.to && a.from_mode == b.from_mode && a.to_mode == b.to_mode &&
           a.origin == b.origin && (a.flags & kTimed) == (b.flags & kTimed) && same_held(a, b);
  };
  Witness* victim = nullptr;
  bool kind_known = false;
  Witness** link = &dependency.witnesses;
  for (; *link != nullptr; link = &(*link)->next) {
    Witness& other = **link;
    if (!same_kind(other.info, info) || !same_passed(other.background, background)) continue;
    if (other.info.context == info.context && other.background.request_segment == background.request_segment) return nullptr;
    kind_known = true;
  }
  if (dependency.witness_count >= limit) {
    dependency.contexts_missing = true;
    if (kind_known) return nullptr;
    for (Witness* a = dependency.witnesses; a != nullptr && victim == nullptr; a = a->next)
      for (Witness* b = a->next; b != nullptr && victim == nullptr; b = b->next)
        if (same_kind(a->info, b->info) && same_passed(a->background, b->background)) victim = b;
    if (victim == nullptr) {
      dependency.complete = false;
      for (Witness* w = dependency.witnesses; w != nullptr; w = w->next)
        if (w->info.held_count > info.held_count && (victim == nullptr || w->info.held_count > victim->info.held_count))
          victim = w;
    }
    if (victim == nullptr) return nullptr;
  }
  Witness fresh{};
  if (!fill(fresh, info, background)) return nullptr;
  Witness* kept = victim;
  if (victim == nullptr) {
    kept = static_cast<Witness*>(witness_pool_.take());
    if (kept == nullptr) {
      empty(fresh);   // what it refers to stays until the end
      return nullptr;
    }
    *link = kept;
    ++dependency.witness_count;
  } else {
    Clocks::drop(victim->background.from_segment);
    Clocks::drop(victim->background.request_segment);
    GuardBook::drop(victim->background.guards);
    empty(*victim);
    fresh.next = victim->next;
  }
  *kept = fresh;
  kept->info.dependency = id;
  kept->ordinal = dependency.announced++;
  dependency.origins |= static_cast<std::uint8_t>(1u << static_cast<unsigned>(info.origin));
  return kept;
}

StackId Graph::intern_stack(const Site* frames, unsigned count) noexcept {
  if (count == 0) return 0;
  std::uint64_t key = count;
  for (unsigned i = 0; i < count; ++i) key = chain_step(key, frames[i]);
  for (key |= 1;; key += 2) {
    StackId* slot = stack_ids_.find(key);
    if (slot == nullptr) break;
    const Stack& known = stacks_[*slot - 1];
    if (known.count == count && std::memcmp(known.frames, frames, count * sizeof(Site)) == 0) return *slot;
  }
  Site* copy = static_cast<Site*>(memory_->allocate(count * sizeof(Site)));
  if (copy == nullptr) return 0;
  std::memcpy(copy, frames, count * sizeof(Site));
  StackId* slot = stacks_.make_room() ? stack_ids_.insert(key) : nullptr;
  if (slot == nullptr || !stacks_.push({copy, count, false})) return memory_->deallocate(copy, count * sizeof(Site)), 0;
  return *slot = stacks_.size();
}

bool Graph::check_invariants() const noexcept {
  if (order_.node_count() != classes_.size()) return false;
  for (DependencyId id = 0; id < dependencies_.size(); ++id) {
    const Dependency& dependency = dependencies_[id];
    if (find_dependency(dependency.from, dependency.to) != id || dependency.modes == 0) return false;
    if (order_.source(id) != dependency.from || order_.target(id) != dependency.to) return false;
    std::uint32_t kept = 0;
    for (const Witness* w = dependency.witnesses; w != nullptr; w = w->next, ++kept)
      if (w->info.dependency != id || (dependency.modes & mode_bit(w->info.from_mode, w->info.to_mode)) == 0) return false;
    if (kept != dependency.witness_count) return false;
  }
  return order_.check_invariants();
}

}  // namespace crossdep::engine
