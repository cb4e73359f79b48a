// SPDX-License-Identifier: MIT
//
// See kernel_completions.h.
#include "traces/kernel_completions.h"

#include <cstdio>

namespace crossdep::traces {

// The vmalloc area, where stacks lie (CONFIG_VMAP_STACK), with four and with five levels of page tables.
bool KernelCompletions::on_a_stack(std::uint64_t address) {
  return (address >= 0xffffc90000000000u && address < 0xffffe90000000000u) ||
         (address >= 0xffa0000000000000u && address < 0xffd2000000000000u);
}

void KernelCompletions::define(Completion& completion, const Event& event) {
  char name[48];
  const int length = std::snprintf(name, sizeof name, "%s0x%llx", prefix_, static_cast<unsigned long long>(completion.address));
  ClassDefinition its_class;
  its_class.id = ids_.next_class++;
  its_class.key_kind = engine::ClassKey::kInstance;
  its_class.kind = kind_;
  its_class.key = completion.address;
  its_class.ordinal = completion.generation;
  its_class.name = std::string_view(name, static_cast<std::size_t>(length));
  consumer_.on_class(its_class);
  LockDefinition lock;
  lock.id = completion.id;
  lock.class_id = its_class.id;
  lock.kind = kind_;
  lock.address = completion.address;
  lock.context = event.context;
  lock.position = event.position;
  consumer_.on_lock(lock);
}

void KernelCompletions::renew(Completion& completion, const Event& event) {
  Event ended;
  ended.kind = EventKind::kDestroy;
  ended.context = event.context;
  ended.lock = completion.id;
  ended.position = event.position;
  consumer_.on_event(ended);
  ++completion.generation;
  completion.used = completion.all = false;
  completion.signals.clear();
  define(completion, event);
}

void KernelCompletions::renew_if_over(Completion& completion, const Event& event) {
  if (completion.waits == 0 && completion.used && completion.signals.empty() && on_a_stack(completion.address))
    renew(completion, event);
}

std::uint32_t KernelCompletions::find_or_make(std::uint64_t address, const Event& event) {
  const std::uint32_t known = numbers_.find(address);
  if (known != AddressMap::kAbsent) return known;
  const auto number = static_cast<std::uint32_t>(completions_.size());
  completions_.push_back({address, ids_.next_lock++, 0, 0, false, false, {}, kNone});
  numbers_.insert(address, number);
  define(completions_.back(), event);
  return number;
}

std::uint32_t KernelCompletions::begin_wait(std::uint64_t address, Event event) {
  const std::uint32_t number = find_or_make(address, event);
  Completion& completion = completions_[number];
  renew_if_over(completion, event);
  ++completion.waits;
  event.kind = EventKind::kWaitBegin;
  event.lock = completion.id;
  consumer_.on_event(event);
  return number;
}

void KernelCompletions::end_wait(std::uint32_t number, bool matched, Event event) {
  Completion& completion = completions_[number];
  if (completion.waits > 0) --completion.waits;
  event.kind = EventKind::kWaitEnd;
  event.lock = completion.id;
  if (!matched) {
    event.flags |= kFailedWait;
  } else {
    completion.used = true;
    if (!completion.signals.empty()) {
      event.peer = completion.signals.front();
      completion.signals.pop_front();
    } else if (completion.all) {
      event.peer = completion.all_by;
    }
  }
  consumer_.on_event(event);
}

void KernelCompletions::try_wait(std::uint64_t address, Event event) {
  event.flags |= engine::kTry;
  end_wait(begin_wait(address, event), true, event);
}

void KernelCompletions::complete(std::uint64_t address, bool all, Event event) {
  const std::uint32_t number = find_or_make(address, event);
  Completion& completion = completions_[number];
  // A second signal on a stack address that nobody was seen to wait for: its wait was of a kind not recorded.
  if (completion.waits == 0 && !completion.signals.empty() && on_a_stack(address)) renew(completion, event);
  else renew_if_over(completion, event);
  if (all) {
    completion.all = true;
    completion.all_by = event.context;
    completion.used = true;
    completion.signals.clear();
  } else {
    completion.signals.push_back(event.context);
    if (completion.signals.size() > 4096) completion.signals.pop_front();   // never waited for: bounded
  }
  event.kind = EventKind::kSignal;
  event.lock = completion.id;
  event.number = all ? kAllWaits : 1;
  consumer_.on_event(event);
}

void KernelCompletions::wake_all(std::uint64_t address, Event event) {
  const std::uint32_t known = numbers_.find(address);
  if (known == AddressMap::kAbsent || completions_[known].waits == 0) return;
  Completion& completion = completions_[known];
  completion.signals.assign(completion.waits, event.context);
  event.kind = EventKind::kSignal;
  event.lock = completion.id;
  event.number = kAllWaits;
  consumer_.on_event(event);
}

void KernelCompletions::initialise(std::uint64_t address, Event event) {
  const std::uint32_t known = numbers_.find(address);
  if (known == AddressMap::kAbsent) return;   // made at its first use
  Completion& completion = completions_[known];
  if (completion.waits == 0) renew(completion, event);
}

void KernelCompletions::forget_signals() {
  for (Completion& completion : completions_) {
    completion.signals.clear();
    completion.all = false;
  }
}

}  // namespace crossdep::traces
