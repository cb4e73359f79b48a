// SPDX-License-Identifier: MIT
//
// Vector clocks; see clock.h.
//
// Allocation: one block per segment, given back when its context has moved on and no witness or wait refers to it.
#include "engine/clock.h"

#include <algorithm>

namespace crossdep::engine {

namespace {
std::size_t segment_bytes(std::uint32_t size) { return sizeof(Segment) + 2 * size * sizeof(std::uint32_t); }
}  // namespace

Clocks::~Clocks() {
  while (all_ != nullptr) free(all_);
}

void Clocks::free(Segment* segment) noexcept {
  if (segment->previous != nullptr) segment->previous->next = segment->next;
  else all_ = segment->next;
  if (segment->next != nullptr) segment->next->previous = segment->previous;
  memory_->deallocate(segment, segment_bytes(segment->size));
}

Segment* Clocks::make(std::uint32_t slot, std::uint32_t tick, const Segment* base, const Segment* learned,
                      bool by_signal) noexcept {
  std::uint32_t size = slot + 1;
  if (base != nullptr) size = std::max(size, base->size);
  if (learned != nullptr) size = std::max(size, learned->size);
  auto* made = static_cast<Segment*>(memory_->allocate(segment_bytes(size)));
  if (made == nullptr) return nullptr;
  made->slot = slot;
  made->tick = tick;
  made->references = 0;
  made->size = size;
  made->older = nullptr;
  made->previous = nullptr;
  made->next = all_;
  if (all_ != nullptr) all_->previous = made;
  all_ = made;
  for (const bool wide : {false, true}) {
    const Segment* from = by_signal && !wide ? nullptr : learned;
    std::uint32_t* clock = made->clock(wide);
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::uint32_t mine = base != nullptr && i < base->size ? base->clock(wide)[i] : 0;
      const std::uint32_t theirs = from != nullptr && i < from->size ? from->clock(wide)[i] : 0;
      clock[i] = std::max(mine, theirs);
    }
    if (from != nullptr) clock[from->slot] = std::max(clock[from->slot], from->tick);
    clock[slot] = tick;
  }
  return made;
}

Segment* Clocks::begin(const Segment* creator) noexcept {
  std::uint32_t slot = 0;
  if (creator != nullptr) {
    for (; slot < ends_.size(); ++slot) {
      const std::uint32_t known = slot < creator->size ? creator->clock(false)[slot] : 0;
      if (ends_[slot] != 0 && known >= ends_[slot]) break;
    }
  } else {
    slot = ends_.size();
  }
  std::uint32_t tick = 1;
  if (slot < ends_.size()) {
    tick = ends_[slot] + 1;
    ends_[slot] = 0;
  } else if (slot >= kMaxSlots || !ends_.push(0)) {
    return nullptr;
  }
  return make(slot, tick, nullptr, creator, false);
}

Segment* Clocks::advance(Segment* present, const Segment* learned, bool by_signal, bool keep_old) noexcept {
  if (present == nullptr) return nullptr;
  Segment* next = make(present->slot, present->tick + 1, present, learned, by_signal);
  if (next == nullptr) return nullptr;
  next->older = present;
  if (!keep_old) release_older(next);
  return next;
}

Segment* Clocks::gather(Segment* all, const Segment* more) noexcept {
  if (more == nullptr) return all;
  Segment* gathered = make(more->slot, more->tick, more, all, true);
  discard(all);
  return gathered;
}

// Frees the older segments nobody refers to; the others stay listed (witnesses keep few, waits let go soon).
void Clocks::release_older(Segment* segment) noexcept {
  Segment** link = &segment->older;
  while (*link != nullptr) {
    Segment* old = *link;
    if (old->references != 0) {
      link = &old->older;
      continue;
    }
    *link = old->older;
    free(old);
  }
}

void Clocks::end(Segment* last) noexcept {
  if (last == nullptr) return;
  ends_[last->slot] = last->tick;
  release_older(last);
}

void Clocks::forget(Segment* last) noexcept {
  release_older(last);
  if (last->references == 0 && last->older == nullptr) free(last);
}

}  // namespace crossdep::engine
