// SPDX-License-Identifier: MIT
//
// What is known to have happened before what: vector clocks over create, join and signal -> wait return. Lock operations
// make no edges here: the order of two critical sections is what we judge, not what we believe.
//
// Create and join always order (the strict clock). A signal orders only while it is the only one its object ever got: once
// there are two, either may end the wait under another schedule. Both kinds together are the wide clock.
//
// A context's life is cut into segments at each such edge; a Segment is the immutable clock that holds from one edge to
// the next. Order edges only excuse (verdict `latent`), they never accuse, so forgetting some is safe: beyond kMaxSlots
// living contexts, or without memory, a context has no clock and is ordered with nothing.
//
// Slots are reused: a new context gets the slot of an ended one only if its creator already knows that one's end, so
// that one number per slot keeps telling the truth.
//
// Source: F. Mattern, "Virtual Time and Global States of Distributed Systems" (1989).
// Threading: serialised by the engine, except that Segments are read-only once made.
#pragma once

#include "engine/containers.h"

namespace crossdep::engine {

struct Segment {
  std::uint32_t slot;        // whose
  std::uint32_t tick;        // its place in that slot's life
  std::uint32_t references;  // witnesses and waits that need it
  std::uint32_t size;        // entries of each clock
  Segment* older;            // of the same context, still listed
  Segment* next;             // all segments, for the end
  Segment* previous;
  std::uint32_t* clock(bool wide) noexcept { return reinterpret_cast<std::uint32_t*>(this + 1) + (wide ? size : 0); }
  const std::uint32_t* clock(bool wide) const noexcept { return const_cast<Segment*>(this)->clock(wide); }
  /// True if everything `other` did up to the end of its segment is known here.
  bool knows(const Segment& other, bool wide) const noexcept {
    if (other.slot == slot) return tick > other.tick;
    return other.slot < size && clock(wide)[other.slot] >= other.tick;
  }
};

class Clocks {
 public:
  static constexpr std::uint32_t kMaxSlots = 1024;

  explicit Clocks(Allocator& memory) noexcept : memory_(&memory), ends_(memory) {}
  ~Clocks();
  Clocks(const Clocks&) = delete;
  Clocks& operator=(const Clocks&) = delete;

  /// The first segment of a context created in segment `creator` (nullptr: nobody known). nullptr: no clock.
  Segment* begin(const Segment* creator) noexcept;
  /// The context's next segment: after it told others (`learned` nullptr) or learned what `learned` knew, by a signal
  /// (wide only) or by a join. nullptr when memory is out; the context then goes on without a clock. `keep_old`: locks
  /// held refer to the present one.
  Segment* advance(Segment* present, const Segment* learned, bool by_signal, bool keep_old) noexcept;
  /// What `all` knew (nullptr: nothing yet) and `more` besides: as a signal tells it, nobody's present. It takes the place
  /// of `all`, and ends with discard(). Without memory it knows less.
  Segment* gather(Segment* all, const Segment* more) noexcept;
  void discard(Segment* gathered) noexcept {
    if (gathered != nullptr) free(gathered);
  }
  /// The context ended: its slot is free for contexts whose creator knows `last`.
  void end(Segment* last) noexcept;

  /// After the last drop() of an ended context's segment.
  void forget(Segment* last) noexcept;

  static void hold(const Segment* segment) noexcept {
    if (segment != nullptr) ++const_cast<Segment*>(segment)->references;
  }
  static void drop(const Segment* segment) noexcept {
    if (segment != nullptr) --const_cast<Segment*>(segment)->references;
  }

 private:
  Segment* make(std::uint32_t slot, std::uint32_t tick, const Segment* base, const Segment* learned,
                bool by_signal) noexcept;
  void release_older(Segment* segment) noexcept;
  void free(Segment* segment) noexcept;

  Allocator* memory_;
  Segment* all_ = nullptr;
  Vec<std::uint32_t> ends_;   // per slot: last tick of its ended owner, 0 while it lives
};

}  // namespace crossdep::engine
