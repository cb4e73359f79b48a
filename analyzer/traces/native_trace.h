// SPDX-License-Identifier: MIT
//
// Reads a recorded trace (record mode): merges the event streams of all threads into one order that can have happened and
// gives it to an EventConsumer.
//
// The order comes from numbers, not from time (record/stream.h): an event is given when its lock's count and the process's
// clock stand where they stood for the thread that recorded it. Events that advance the clock (waits, signals, forks)
// are given only when no stream can go on without, so that each request falls between the same two of them as it did
// live. Where a number is missing (a process killed between taking and writing it, a damaged file) the merge goes on as
// if it had been there, and counts it; the result depends on the file's bytes alone.
//
// Cost: amortised O(1) an event, O(log threads) for one that advances the clock. Memory: ~50 KiB a thread that is alive,
// ~200 bytes a thread that ever was, and the definitions; never the whole file.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>

#include "traces/container.h"
#include "traces/event.h"
#include "traces/native_journal.h"

namespace crossdep::traces {

struct TraceFacts {
  JournalFacts journal;
  std::uint64_t events = 0;
  std::uint64_t streams = 0;
  std::uint64_t unfinished_streams = 0;  // threads that were alive when the recording stopped
  std::uint64_t missing_numbers = 0;     // events of locks that must have been there
  std::uint64_t skipped_ticks = 0;       // clock values no event carries
  std::uint64_t out_of_order = 0;        // numbers seen twice or too late
  std::uint64_t holes = 0;               // pieces of streams missing in the middle
};

/// `container` is open. The status is partial if something is missing; what the journal or the streams hold up to there
/// has been given.
Status read_native_trace(const Container& container, EventConsumer& consumer, TraceFacts& facts);

/// Opens `path` and reads it.
Status read_native_trace(const std::string& path, EventConsumer& consumer, TraceFacts& facts);

}  // namespace crossdep::traces
