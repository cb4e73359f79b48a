// SPDX-License-Identifier: MIT
//
// Input and output, and waiting for either, as operations: they order nothing, but a rule may forbid them while a lock is
// held. Told only if a rule names one of them (rules/needs.h has the list). Those that read or write may block on a channel
// whose other end is in this process (interpose/channels.h), if that is asked for. Otherwise each costs two loads and branches.
//
// What the C library does inside itself - fwrite() writing - is not seen: those calls do not come by here. All of them are
// cancellation points, so none may be noexcept. The real functions are looked up at their first use, so that a program
// without such rules starts no later.
//
// Threading: any thread.  Allocation: none here.
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/elf_lookup.h"
#include "interpose/channels.h"
#include "interpose/operation.h"

using namespace crossdep::runtime;

// The exported function `name` performs the operation `operation`.
#define CROSSDEP_IO_FUNCTION(operation, result, name, parameters, call)                                                \
  CROSSDEP_EXPORT result name parameters {                                                                             \
    static constinit std::atomic<result(*) parameters> known{nullptr};                                                 \
    const Site site = CROSSDEP_CALLER;                                                                                 \
    if (runtime.io_wanted) [[unlikely]] perform(operation, site);                                                      \
    auto* const function = late_definition(known, #name);                                                              \
    if (function == nullptr) [[unlikely]] return errno = ENOSYS, -1;                                                   \
    return call;                                                                                                       \
  }
#define CROSSDEP_IO_AS(operation, result, name, parameters, arguments)                                                 \
  CROSSDEP_IO_FUNCTION(operation, result, name, parameters, function arguments)
#define CROSSDEP_IO(result, name, parameters, arguments) CROSSDEP_IO_AS(#name, result, name, parameters, arguments)
// Those that read or write a stream of bytes; `blocks` is false for a call that is told not to.
#define CROSSDEP_READS(operation, result, name, parameters, arguments, blocks)                                         \
  CROSSDEP_IO_FUNCTION(operation, result, name, parameters, reading(fd, blocks, site, [=] { return function arguments; }))
#define CROSSDEP_WRITES(operation, result, name, parameters, arguments, blocks)                                        \
  CROSSDEP_IO_FUNCTION(operation, result, name, parameters, writing(fd, blocks, site, [=] { return function arguments; }))

// --- files -----------------------------------------------------------------------------------------------------------------
CROSSDEP_READS("read", ssize_t, read, (int fd, void* to, size_t n), (fd, to, n), true)
CROSSDEP_WRITES("write", ssize_t, write, (int fd, const void* from, size_t n), (fd, from, n), true)
CROSSDEP_IO(ssize_t, pread, (int fd, void* to, size_t n, off_t at), (fd, to, n, at))
CROSSDEP_IO(ssize_t, pwrite, (int fd, const void* from, size_t n, off_t at), (fd, from, n, at))
CROSSDEP_IO_AS("pread", ssize_t, pread64, (int fd, void* to, size_t n, off64_t at), (fd, to, n, at))
CROSSDEP_IO_AS("pwrite", ssize_t, pwrite64, (int fd, const void* from, size_t n, off64_t at), (fd, from, n, at))
CROSSDEP_READS("readv", ssize_t, readv, (int fd, const iovec* to, int n), (fd, to, n), true)
CROSSDEP_WRITES("writev", ssize_t, writev, (int fd, const iovec* from, int n), (fd, from, n), true)
CROSSDEP_IO(ssize_t, preadv, (int fd, const iovec* to, int n, off_t at), (fd, to, n, at))
CROSSDEP_IO(ssize_t, pwritev, (int fd, const iovec* from, int n, off_t at), (fd, from, n, at))
CROSSDEP_IO_AS("preadv", ssize_t, preadv64, (int fd, const iovec* to, int n, off64_t at), (fd, to, n, at))
CROSSDEP_IO_AS("pwritev", ssize_t, pwritev64, (int fd, const iovec* from, int n, off64_t at), (fd, from, n, at))
CROSSDEP_IO(int, fsync, (int fd), (fd))
CROSSDEP_IO(int, fdatasync, (int fd), (fd))
CROSSDEP_IO(ssize_t, sendfile, (int to, int from, off_t* at, size_t n), (to, from, at, n))
CROSSDEP_IO_AS("sendfile", ssize_t, sendfile64, (int to, int from, off64_t* at, size_t n), (to, from, at, n))

// --- sockets ---------------------------------------------------------------------------------------------------------------
CROSSDEP_IO(int, connect, (int fd, const sockaddr* to, socklen_t n), (fd, to, n))
CROSSDEP_IO(int, accept, (int fd, sockaddr* from, socklen_t* n), (fd, from, n))
CROSSDEP_IO(int, accept4, (int fd, sockaddr* from, socklen_t* n, int flags), (fd, from, n, flags))
CROSSDEP_WRITES("send", ssize_t, send, (int fd, const void* from, size_t n, int flags), (fd, from, n, flags), (flags & MSG_DONTWAIT) == 0)
CROSSDEP_WRITES("sendto", ssize_t, sendto, (int fd, const void* from, size_t n, int flags, const sockaddr* to, socklen_t length),
                (fd, from, n, flags, to, length), (flags & MSG_DONTWAIT) == 0)
CROSSDEP_WRITES("sendmsg", ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags), (flags & MSG_DONTWAIT) == 0)
CROSSDEP_IO(int, sendmmsg, (int fd, mmsghdr* messages, unsigned n, int flags), (fd, messages, n, flags))
CROSSDEP_READS("recv", ssize_t, recv, (int fd, void* to, size_t n, int flags), (fd, to, n, flags), (flags & MSG_DONTWAIT) == 0)
CROSSDEP_READS("recvfrom", ssize_t, recvfrom, (int fd, void* to, size_t n, int flags, sockaddr* from, socklen_t* length),
               (fd, to, n, flags, from, length), (flags & MSG_DONTWAIT) == 0)
CROSSDEP_READS("recvmsg", ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags), (flags & MSG_DONTWAIT) == 0)
CROSSDEP_IO(int, recvmmsg, (int fd, mmsghdr* messages, unsigned n, int flags, timespec* limit), (fd, messages, n, flags, limit))

// --- waiting for either ----------------------------------------------------------------------------------------------------
CROSSDEP_IO(int, poll, (pollfd* fds, nfds_t n, int limit), (fds, n, limit))
CROSSDEP_IO(int, ppoll, (pollfd* fds, nfds_t n, const timespec* limit, const sigset_t* mask), (fds, n, limit, mask))
CROSSDEP_IO(int, select, (int n, fd_set* in, fd_set* out, fd_set* urgent, timeval* limit), (n, in, out, urgent, limit))
CROSSDEP_IO(int, pselect, (int n, fd_set* in, fd_set* out, fd_set* urgent, const timespec* limit, const sigset_t* mask), (n, in, out, urgent, limit, mask))
CROSSDEP_IO(int, epoll_wait, (int fd, epoll_event* events, int n, int limit), (fd, events, n, limit))
CROSSDEP_IO(int, epoll_pwait, (int fd, epoll_event* events, int n, int limit, const sigset_t* mask), (fd, events, n, limit, mask))

// --- what _FORTIFY_SOURCE makes of them ------------------------------------------------------------------------------------
CROSSDEP_READS("read", ssize_t, __read_chk, (int fd, void* to, size_t n, size_t room), (fd, to, n, room), true)
CROSSDEP_IO_AS("pread", ssize_t, __pread_chk, (int fd, void* to, size_t n, off_t at, size_t room), (fd, to, n, at, room))
CROSSDEP_IO_AS("pread", ssize_t, __pread64_chk, (int fd, void* to, size_t n, off64_t at, size_t room), (fd, to, n, at, room))
CROSSDEP_READS("recv", ssize_t, __recv_chk, (int fd, void* to, size_t n, size_t room, int flags), (fd, to, n, room, flags), (flags & MSG_DONTWAIT) == 0)
CROSSDEP_READS("recvfrom", ssize_t, __recvfrom_chk,
               (int fd, void* to, size_t n, size_t room, int flags, sockaddr* from, socklen_t* length), (fd, to, n, room, flags, from, length),
               (flags & MSG_DONTWAIT) == 0)
CROSSDEP_IO_AS("poll", int, __poll_chk, (pollfd* fds, nfds_t n, int limit, size_t room), (fds, n, limit, room))
CROSSDEP_IO_AS("ppoll", int, __ppoll_chk, (pollfd* fds, nfds_t n, const timespec* limit, const sigset_t* mask, size_t room),
               (fds, n, limit, mask, room))
