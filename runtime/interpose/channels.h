// SPDX-License-Identifier: MIT
//
// waits=io: a read that blocks on a pipe, eventfd or socket waits for whoever writes to its other end, in this process, and
// a write that blocks waits for whoever reads there. A call that need not block is no wait. Off by default: most programs
// read from outside, where nobody of theirs can be late.
//
// A pipe and a pair of sockets are known by their inodes, a connected inet socket by its two addresses, an eventfd by its
// number. What is not one of these waits unseen, and so do poll, select and epoll.
//
// Threading: any thread; the guard is not held while waiting.  Allocation: the first time a channel is waited for.
#pragma once

#include "core/runtime.h"
#include "interpose/wait_call.h"

namespace crossdep::runtime {

enum class Side : std::uint8_t { kData, kRoom };   // what a reader waits for, and a writer

/// The wait that a call on `fd` is about to begin; without a crosslock if it is none. errno stays as it is.
Waiting begin_channel_wait(int fd, Side side, bool may_block, Site site) noexcept;
/// Whoever waits at the other end of `fd` for data (or room) is about to get it (has got it).
void signal_channel(int fd, Side side, Site site) noexcept;
/// A pipe, pair of sockets or eventfd was made by the program at `site`.
void channel_made(int read_fd, int write_fd, bool both_ways, Site site) noexcept;

template <typename Call>
auto call_waiting(Waiting& waiting, Call call) {
  decltype(call()) result;
  pthread_cleanup_push(wait_cancelled, &waiting);
  result = call();
  pthread_cleanup_pop(0);
  end_wait(waiting, result >= 0);
  return result;
}

/// A call that reads from `fd`; one that writes to it.
template <typename Call>
auto reading(int fd, bool may_block, Site site, Call call) {
  if (!runtime.options.waits_io) [[likely]] return call();
  Waiting waiting = begin_channel_wait(fd, Side::kData, may_block, site);
  const auto result = waiting.crosslock == nullptr ? call() : call_waiting(waiting, call);
  if (result > 0) signal_channel(fd, Side::kRoom, site);
  return result;
}
template <typename Call>
auto writing(int fd, bool may_block, Site site, Call call) {
  if (!runtime.options.waits_io) [[likely]] return call();
  signal_channel(fd, Side::kData, site);
  Waiting waiting = begin_channel_wait(fd, Side::kRoom, may_block, site);
  return waiting.crosslock == nullptr ? call() : call_waiting(waiting, call);
}

}  // namespace crossdep::runtime
