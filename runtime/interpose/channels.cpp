// SPDX-License-Identifier: MIT
//
// See channels.h. The engine's objects lie at addresses that stand for a channel and a side. Everything is asked of the
// kernel by calls that leave errno alone.
//
// Threading and allocation: see channels.h.
#include "interpose/channels.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "core/elf_lookup.h"
#include "core/object_map.h"
#include "core/stand_in.h"
#include "core/syscalls.h"
#include "core/text.h"

namespace crossdep::runtime {
namespace {

using engine::Kind;

FutexLock pairs_lock;
ObjectMap<void> pairs;   // of sockets made by socketpair(): by one's inode the other's

/// Both ends' names as numbers; 0: nothing that could be told apart.
std::uint64_t address_of(int fd, long number) noexcept {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (system_call(number, fd, word(&name), word(&size)) != 0) return 0;
  if (name.ss_family != AF_INET && name.ss_family != AF_INET6) return 0;
  std::uint64_t hash = 1;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&name);
  const std::size_t length = name.ss_family == AF_INET ? offsetof(sockaddr_in, sin_zero) : sizeof(sockaddr_in6);
  for (std::size_t i = 0; i < length && i < size; ++i) hash = fold(hash, bytes[i]);
  return hash;
}

/// A number for what is read from `fd` (`reads`) or written to it; 0: it is no channel.
std::uint64_t channel_of(int fd, bool reads) noexcept {
  struct stat status;
  if (system_fstat(fd, &status) != 0) return 0;
  const std::uint64_t file = fold(fold(2, status.st_dev), status.st_ino);
  if (S_ISFIFO(status.st_mode)) return file;
  if (S_ISSOCK(status.st_mode)) {
    std::uint64_t other;
    {
      FutexHold hold(pairs_lock);
      other = reinterpret_cast<std::uint64_t>(pairs.find(status.st_ino + 2));
    }
    if (other != 0) return reads ? file : fold(fold(2, status.st_dev), other);
    const std::uint64_t here = address_of(fd, SYS_getsockname), there = address_of(fd, SYS_getpeername);
    if (here == 0 || there == 0) return 0;
    return reads ? fold(fold(3, here), there) : fold(fold(3, there), here);
  }
  Text<64> path;
  char link[32] = {};
  path.add("/proc/self/fd/").number(static_cast<unsigned>(fd));
  if (system_readlink(path.data(), link, sizeof link - 1) <= 0 || !begins_with(link, "anon_inode:[eventfd")) return 0;
  return fold(4, static_cast<std::uint64_t>(fd) + 1);
}

const void* object_of(std::uint64_t channel, Side side) noexcept { return stand_in(fold(channel, static_cast<std::uint64_t>(side))); }

bool would_block(int fd, Side side) noexcept {
  const long flags = system_call(SYS_fcntl, fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) != 0) return false;
  pollfd ask{fd, static_cast<short>(side == Side::kData ? POLLIN : POLLOUT), 0};
  const timespec at_once{0, 0};
  return system_call(SYS_ppoll, word(&ask), 1, word(&at_once), 0) == 0;
}

}  // namespace

Waiting begin_channel_wait(int fd, Side side, bool may_block, Site site) noexcept {
  Waiting waiting;
  waiting.site = site;
  if (!may_block || !would_block(fd, side)) return waiting;
  const std::uint64_t channel = channel_of(fd, side == Side::kData);
  if (channel == 0) return waiting;
  if (Inside inside = Inside::enter()) {
    const void* const object = object_of(channel, side);
    waiting.crosslock = identity.find(object);
    if (waiting.crosslock == nullptr) waiting.crosslock = identity.first_sight(inside, object, Kind::kSemaphore, 0, site);
    wait_begin(inside, waiting.crosslock, nullptr, 0, site);
  }
  return waiting;
}

void signal_channel(int fd, Side side, Site site) noexcept {
  const std::uint64_t channel = channel_of(fd, side == Side::kRoom);   // room is made by reading from it, data by writing
  if (channel == 0) return;
  if (Inside inside = Inside::enter())
    if (LockInstance* known = identity.find(object_of(channel, side))) signal(inside, known, engine::kNone, site);
}

void channel_made(int read_fd, int write_fd, bool both_ways, Site site) noexcept {
  struct stat one, other;
  if (both_ways && system_fstat(read_fd, &one) == 0 && system_fstat(write_fd, &other) == 0) {
    FutexHold hold(pairs_lock);
    for (const auto& [from, to] : {std::pair{one.st_ino, other.st_ino}, std::pair{other.st_ino, one.st_ino}}) {
      if (pairs.find(from + 2) != nullptr) pairs.erase(from + 2);   // that inode's last life
      pairs.insert(from + 2, reinterpret_cast<void*>(to));
    }
  }
  Inside inside = Inside::enter();
  if (!inside) return;
  for (const int fd : {read_fd, write_fd}) {
    const std::uint64_t channel = channel_of(fd, true);
    if (channel == 0) continue;
    for (const Side side : {Side::kData, Side::kRoom}) identity.initialised(inside, object_of(channel, side), Kind::kSemaphore, 0, site);
    if (!both_ways) break;
  }
}

}  // namespace crossdep::runtime

using namespace crossdep::runtime;

// --- what makes channels ------------------------------------------------------------------------------------------------------

#define CROSSDEP_MAKES(name, parameters, arguments, made)                                                              \
  CROSSDEP_EXPORT int name parameters noexcept {                                                                       \
    static constinit std::atomic<int(*) parameters> known{nullptr};                                                    \
    auto* const function = late_definition(known, #name);                                                              \
    if (function == nullptr) [[unlikely]] return errno = ENOSYS, -1;                                                   \
    const int result = function arguments;                                                                             \
    if (result >= 0 && runtime.options.waits_io) [[unlikely]] made;                                                    \
    return result;                                                                                                     \
  }
CROSSDEP_MAKES(pipe, (int* fds), (fds), channel_made(fds[0], fds[1], false, CROSSDEP_CALLER))
CROSSDEP_MAKES(pipe2, (int* fds, int flags), (fds, flags), channel_made(fds[0], fds[1], false, CROSSDEP_CALLER))
CROSSDEP_MAKES(socketpair, (int domain, int type, int protocol, int* fds), (domain, type, protocol, fds), channel_made(fds[0], fds[1], true, CROSSDEP_CALLER))
CROSSDEP_MAKES(eventfd, (unsigned value, int flags), (value, flags), channel_made(result, result, false, CROSSDEP_CALLER))

CROSSDEP_EXPORT int eventfd_read(int fd, eventfd_t* value) {
  static constinit std::atomic<int (*)(int, eventfd_t*)> known{nullptr};
  auto* const function = late_definition(known, "eventfd_read");
  if (function == nullptr) [[unlikely]] return errno = ENOSYS, -1;
  return reading(fd, true, CROSSDEP_CALLER, [=] { return function(fd, value); });
}
CROSSDEP_EXPORT int eventfd_write(int fd, eventfd_t value) {
  static constinit std::atomic<int (*)(int, eventfd_t)> known{nullptr};
  auto* const function = late_definition(known, "eventfd_write");
  if (function == nullptr) [[unlikely]] return errno = ENOSYS, -1;
  return writing(fd, true, CROSSDEP_CALLER, [=] { return function(fd, value); });
}
