// SPDX-License-Identifier: MIT
//
// See guards.h.
#include "engine/guards.h"

namespace crossdep::engine {

namespace {
std::size_t bytes(std::uint32_t count) { return sizeof(Guards) + count * sizeof(Guards::Entry); }
}  // namespace

GuardBook::~GuardBook() {
  while (all_ != nullptr) free(all_);
}

void GuardBook::free(Guards* guards) noexcept {
  if (guards->previous != nullptr) guards->previous->next = guards->next;
  else all_ = guards->next;
  if (guards->next != nullptr) guards->next->previous = guards->previous;
  memory_->deallocate(guards, bytes(guards->count));
}

Guards* GuardBook::make(ContextId parent, ContextId child, const Guards* base, std::uint32_t count) noexcept {
  auto* made = static_cast<Guards*>(memory_->allocate(bytes(count)));
  if (made == nullptr) return nullptr;
  *made = {parent, child, 1, count, true, false, false, base, all_, nullptr, open_};
  hold(base);
  if (all_ != nullptr) all_->previous = made;
  all_ = open_ = made;
  return made;
}

// Visits the open blocks; those that are not open any more leave the list, and go if nobody refers to them.
template <class F>
bool GuardBook::break_open(F&& breaks) noexcept {
  bool any = false;
  for (Guards** link = &open_; *link != nullptr;) {
    Guards* here = *link;
    if (breaks(*here) && here->used) any = true;
    if (here->open) {
      link = &here->next_open;
      continue;
    }
    *link = here->next_open;
    if (here->references == 0) {
      drop(here->base);
      free(here);
    }
  }
  return any;
}

void GuardBook::joined(ContextId parent, ContextId child) noexcept {
  break_open([&](Guards& guards) {
    if (guards.parent == parent && guards.child == child) guards.open = false;
    return false;
  });
}

bool GuardBook::left(ContextId parent, ContextId child) noexcept {
  return break_open([&](Guards& guards) {
    if (guards.parent != parent || guards.child != child) return false;
    guards.open = false;
    return guards.broken = true;
  });
}

bool GuardBook::let_go(ContextId parent, InstanceId lock) noexcept {
  return break_open([&](Guards& guards) {
    if (guards.parent != parent && parent != kNone) return false;
    bool broke = false, whole = guards.base != nullptr;
    for (std::uint32_t i = 0; i < guards.count; ++i) {
      Guards::Entry& entry = guards.entries()[i];
      broke = broke || (entry.lock == lock && !entry.broken);
      entry.broken = entry.broken || entry.lock == lock;
      whole = whole || !entry.broken;
    }
    if (!whole) {
      guards.broken = true;
      guards.open = false;
    }
    return broke;
  });
}

bool GuardBook::ended(ContextId parent) noexcept {
  return break_open([&](Guards& guards) {
    if (guards.parent != parent && parent != kNone) return false;
    guards.open = false;
    return guards.broken = true;
  });
}

// An open one is still listed: it goes when it leaves the list.
void GuardBook::forget(const Guards* given) noexcept {
  auto* guards = const_cast<Guards*>(given);
  if (guards == nullptr || --guards->references != 0 || guards->open) return;
  drop(guards->base);
  free(guards);
}

}  // namespace crossdep::engine
