// SPDX-License-Identifier: MIT
//
// Named operations: what is done under locks besides taking locks - fork, sleep, I/O, a call that a program announces.
// An operation is a class of its own that every lock held leads to (X -> operation: it was performed while X was held),
// and where none is held the class of the process does. Nothing leads away from it, so it is in no cycle. Rules are
// judged on the graph (rules/evaluate.h): only there classes have names.
//
// A context notes an operation once for each chain of held classes, place and name; again costs one look into a table of
// its own.
//
// Threading: see engine.h.  Allocation: one table per context that performs any, one instance per operation.
#include "engine/engine.h"
#include "engine/serial.h"

namespace crossdep::engine {

namespace {

constexpr char kPrefix[] = "(op)";
constexpr char kProcess[] = "(process)";
constexpr std::uint32_t kLongestName = 255;

std::uint64_t hash_name(std::uint64_t key, const char* name, std::uint32_t length) {
  for (std::uint32_t i = 0; i < length; ++i) key = chain_step(key, static_cast<unsigned char>(name[i]));
  return key | 1;
}

}  // namespace

LockInstance* Engine::named_instance(const char* name, std::uint32_t name_length, Kind kind) noexcept {
  LockInstance** known = operations_.insert(hash_name(static_cast<unsigned>(kind), name, name_length));
  if (known == nullptr || *known != nullptr) return known == nullptr ? nullptr : *known;
  ClassInfo info{};
  info.key_kind = ClassKey::kNamed;
  info.kind = kind;
  info.name = name;
  info.name_length = name_length;
  bool fresh = false;
  const ClassId id = graph_.intern_class(info, fresh);
  if (id == kNone) return nullptr;
  if (fresh) sink_.on_class(graph_.lock_class(id).info);
  void* memory = instances_.take();
  if (memory == nullptr) return nullptr;
  auto* instance = new (memory) LockInstance{};
  instance->id = next_instance_++;
  instance->class_id = id;
  instance->kind = kind;
  instance->alive = true;
  return *known = instance;
}

LockInstance* Engine::operation_of(const char* name, std::uint32_t name_length) noexcept {
  char text[sizeof kPrefix + kLongestName];
  std::memcpy(text, kPrefix, sizeof kPrefix - 1);
  std::memcpy(text + sizeof kPrefix - 1, name, name_length);
  return named_instance(text, static_cast<std::uint32_t>(sizeof kPrefix - 1) + name_length, Kind::kOperation);
}

// Where the lock at `index` of the held stack was taken: the stack its request had when it was first seen.
StackId Engine::stack_of_held(Context* context, std::uint32_t index) noexcept {
  const Held& held = context->held()[index];
  const std::uint64_t below = context->held()[index - 1].chain;
  const std::uint8_t flags = held.flags;
  Seen** seen = context->chains_->find(context->request_key(below, held.class_id, held.mode, flags, held.site));
  return seen == nullptr ? 0 : (*seen)->stack;
}

void Engine::operation(Context* context, const char* name, std::uint32_t name_length, Site site) noexcept {
  if (context == nullptr || context->ended_ || name_length == 0) return;
  if (name_length > kLongestName) name_length = kLongestName;
  const std::uint64_t chain = context->held()[context->top() - 1].chain;
  const std::uint64_t key = hash_name(chain_step(chain, site), name, name_length);
  if (context->operations_ != nullptr && context->operations_->find(key) != nullptr) {
    context->pending_count_ = 0;   // a stack given for it is not another request's
    return;
  }
  Site frames[kMaxFrames];
  const unsigned count = capture(context, site, frames);
  Lock serial(*this);
  if (context->operations_ == nullptr) {
    void* memory = memory_.allocate(sizeof(FlatMap<bool>));
    if (memory != nullptr) context->operations_ = new (memory) FlatMap<bool>(memory_);
  }
  LockInstance* const operation = operation_of(name, name_length);
  if (operation == nullptr || context->operations_ == nullptr || context->operations_->insert(key) == nullptr) {
    ++losses_.memory;
    return;
  }
  gather_held(context);
  const Cause cause{context, operation, operation->class_id, Mode::kWrite, 0, site, graph_.intern_stack(frames, count), false};
  WitnessInfo witness{};
  witness.origin = Origin::kHeld;
  witness.context = context->id_;
  witness.to = operation->id;
  witness.to_site = site;
  witness.to_stack = cause.stack;
  witness.waiter = kNone;
  witness.ordinal = context->requests_;
  bool under_a_lock = false;
  for (std::uint32_t i = context->floor_ + 1; i < context->top(); ++i) {
    const Held& held = context->held()[i];
    if (held.pseudo || held.breaks != held.lock->breaks.load(std::memory_order_relaxed)) continue;
    under_a_lock = true;
    witness.from_mode = held.mode;
    witness.from = held.lock->id;
    witness.from_site = held.site;
    witness.wait_stack = stack_of_held(context, i);
    announce(held.lock);
    depend(cause, witness, held.class_id, operation->class_id, held.segment);
  }
  if (under_a_lock) return;
  LockInstance* const process = named_instance(kProcess, sizeof kProcess - 1, Kind::kProcess);
  if (process == nullptr) {
    ++losses_.memory;
    return;
  }
  witness.origin = Origin::kOverlap;
  witness.from = process->id;
  announce(process);
  depend(cause, witness, process->class_id, operation->class_id, nullptr);
}

}  // namespace crossdep::engine
