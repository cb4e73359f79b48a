// SPDX-License-Identifier: MIT
//
// Completions of a recorded kernel: wait_for_completion() and complete() told apart by address.
//
// A completion is known by its address only, so each is a class of its own, shown as `(completion)0x…`. Most completions
// live on a stack: the same address soon is another completion. Therefore, on an address of a stack, a wait or a complete
// begins a new instance and class once everything before it is matched (every signal consumed, nobody waiting).
// An initialisation event says so for every address.
//
// complete() releases one wait, complete_all() all, present and future. The signals not yet consumed are kept in order,
// so that the return of a wait can name who released it.
//
// Wait queues (prepare_to_wait_event, finish_wait, __wake_up) are told apart in the same way, shown as `(wait queue)0x…`; a
// wake-up that nobody waits for means nothing there, and wakes all who do.
//
// Stacks are recognised by address on x86-64 without address randomisation of the vmalloc area (CONFIG_RANDOMIZE_MEMORY
// off, or no entropy): elsewhere a reused address is taken for the same completion.
//
// Threading: one thread.  Allocation: one entry per address.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "traces/address_map.h"
#include "traces/event.h"

namespace crossdep::traces {

/// Numbers handed out by all parts of one kernel reader.
struct KernelIds {
  ClassId next_class = 0;
  InstanceId next_lock = 0;
  ContextId next_context = 0;
};

class KernelCompletions {
 public:
  static constexpr std::uint32_t kNoCompletion = 0xffffffffu;

  /// `prefix` names the classes; static.
  KernelCompletions(EventConsumer& consumer, KernelIds& ids, engine::Kind kind, const char* prefix)
      : consumer_(consumer), ids_(ids), kind_(kind), prefix_(prefix) {}

  /// A wait begins; the handle is for end_wait(). `event` has context, site, flags and position.
  std::uint32_t begin_wait(std::uint64_t address, Event event);
  /// It returned, with or without a signal.
  void end_wait(std::uint32_t completion, bool matched, Event event);
  /// A try_wait_for_completion() that consumed a signal.
  void try_wait(std::uint64_t address, Event event);
  void complete(std::uint64_t address, bool all, Event event);
  /// Ends every wait under way, and is forgotten if there is none.
  void wake_all(std::uint64_t address, Event event);
  /// A signal was given to this open wait or to all of them.
  bool signalled(std::uint32_t completion) const { return !completions_[completion].signals.empty(); }
  void initialise(std::uint64_t address, Event event);
  /// Events are missing: who signalled what is unknown from here on.
  void forget_signals();

 private:
  struct Completion {
    std::uint64_t address;
    InstanceId id;
    std::uint32_t generation;
    std::uint32_t waits;                  // open now
    bool used;                            // a wait on it has ended, or it was signalled
    bool all;                             // complete_all()
    std::deque<ContextId> signals;        // not yet consumed, oldest first
    ContextId all_by;
  };

  static bool on_a_stack(std::uint64_t address);
  std::uint32_t find_or_make(std::uint64_t address, const Event& event);
  void define(Completion& completion, const Event& event);
  void renew(Completion& completion, const Event& event);
  void renew_if_over(Completion& completion, const Event& event);

  EventConsumer& consumer_;
  KernelIds& ids_;
  engine::Kind kind_;
  const char* prefix_;
  AddressMap numbers_;
  std::vector<Completion> completions_;
};

}  // namespace crossdep::traces
