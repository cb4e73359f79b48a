// SPDX-License-Identifier: MIT
//
// Locks on files: fcntl and lockf (record locks, those of an open file description too) and flock. The lock is the file,
// found by device and inode, and for record locks the range's first byte; its class is the file's name without folders, so
// that graphs of several processes join. The process holds it, not a thread: any thread may give it up, closing the file
// does, and so does the end of the process, which is no finding.
//
// Readers are not held up by waiting writers (a recursive reader in the engine's words). A lock held already is converted:
// here it is given up and asked for again, which is what flock does.
//
// Seen are closes by close, fclose, dup2 and dup3. A duplicate descriptor of flock's that stays open keeps the lock in
// truth; here it ends with the descriptor it was got by.
//
// Threading: any thread; one lock over the list of files, not held during real calls.
// Allocation: Memory, a record per file and range; of ranges until they are given up.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>

#include "core/memory.h"
#include "core/stand_in.h"
#include "core/syscalls.h"
#include "core/text.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;
using crossdep::engine::kOfProcess;
using crossdep::engine::kTry;

namespace {

enum class By : std::uint8_t { kRecord, kFlock };

struct FileLock {
  std::uint64_t device, inode, begin;
  By by;
  bool held;
  Mode mode;
  int fd;              // got by
  FileLock* next;
  const void* key() const noexcept { return stand_in(fold(fold(fold(device + 1, inode), begin), static_cast<std::uint64_t>(by))); }
};

FutexLock list_lock;
FileLock* files = nullptr;
int files_of = 0;                              // the process they belong to
std::atomic<std::uint32_t> held_count{0};      // 0: a close is of no interest

LockInstance* instance(Token inside, const FileLock& file, Site site) noexcept {
  if (LockInstance* known = identity.find(file.key())) return known;
  char link[64 + 256];
  Text<64> path;
  path.add("/proc/self/fd/").number(static_cast<unsigned>(file.fd));
  const long size = system_readlink(path.data(), link, sizeof link - 1);
  link[size > 0 ? size : 0] = 0;
  Text<320> name;
  name.add(file.by == By::kFlock ? "flock " : "file ").add(size > 0 ? base_name(link) : "?").add(file.begin == 0 ? "" : " (range)");
  return identity.named(inside, file.key(), name.data(), true, Kind::kRwlock, 0, site, kOfProcess);
}

/// The file behind `fd`, listed; nullptr if it cannot be told.
FileLock* listed(int fd, By by, std::uint64_t begin) noexcept {
  struct stat status;
  if (system_fstat(fd, &status) != 0) return nullptr;
  FutexHold hold(list_lock);
  // The locks of a parent are not a fork child's.
  if (files_of != runtime.pid) {
    files_of = runtime.pid;
    files = nullptr;
    held_count.store(0, std::memory_order_relaxed);
  }
  for (FileLock* file = files; file != nullptr; file = file->next)
    if (file->inode == status.st_ino && file->device == status.st_dev && file->begin == begin && file->by == by) return file;
  auto* file = memory.make<FileLock>();
  if (file == nullptr) return nullptr;
  *file = {status.st_dev, status.st_ino, begin, by, false, Mode::kWrite, fd, files};
  files = file;
  return file;
}

void given_up(Token inside, FileLock& file, Site site) noexcept {
  if (!file.held) return;
  file.held = false;
  held_count.fetch_sub(1, std::memory_order_relaxed);
  release(inside, identity.find(file.key()), site);
}

/// Gives up every lock that matches; those on ranges are forgotten with it.
template <typename Matches>
void give_up(Token inside, Site site, Matches matches) noexcept {
  FutexHold hold(list_lock);
  if (files_of != runtime.pid) return;
  for (FileLock** at = &files; *at != nullptr;) {
    FileLock* file = *at;
    if (!file->held || !matches(*file)) {
      at = &file->next;
      continue;
    }
    given_up(inside, *file, site);
    if (file->begin == 0) {
      at = &file->next;
      continue;
    }
    identity.destroyed(inside, file->key(), site);
    *at = file->next;
    memory.drop(file);
  }
}

/// Asks, calls, and notes what came of it.
template <typename Call>
int take_file(int fd, By by, std::uint64_t begin, Mode mode, std::uint8_t flags, Site site, Call call) {
  FileLock* file = nullptr;
  LockInstance* lock = nullptr;
  bool converted = false;
  Mode before = mode;
  if (Inside inside = Inside::enter()) {
    file = listed(fd, by, begin);
    if (file != nullptr) {
      file->fd = fd;
      lock = instance(inside, *file, site);
    }
    if (lock != nullptr) {
      converted = file->held;
      before = file->mode;
      given_up(inside, *file, site);
      request(inside, lock, mode, flags, site);
    }
  }
  const int result = call();
  if (lock == nullptr) return result;
  if (Inside inside = Inside::enter()) {
    if (result != 0) failed(inside, lock);
    if (result == 0 || converted) {
      file->held = true;
      file->mode = result == 0 ? mode : before;
      held_count.fetch_add(1, std::memory_order_relaxed);
      acquired(inside, lock, file->mode, flags, site);
    }
  }
  return result;
}

/// Before `fd` is closed, or comes to name another file: record locks on its file go whichever descriptor they were got by.
void closing(int fd, Site site) noexcept {
  if (held_count.load(std::memory_order_relaxed) == 0) [[likely]] return;
  if (in_unknown_child()) return;   // of vfork, in our memory: the parent's descriptor stays open
  Inside inside = Inside::enter();
  struct stat status;
  if (!inside || fd < 0 || system_fstat(fd, &status) != 0) return;
  give_up(inside, site, [&](const FileLock& file) noexcept {
    if (file.by == By::kFlock) return file.fd == fd;
    return file.inode == status.st_ino && file.device == status.st_dev;
  });
}

/// Record locks on [begin, end) of the file behind `fd`.
void unlock_range(int fd, std::uint64_t begin, std::uint64_t end, Site site) noexcept {
  if (held_count.load(std::memory_order_relaxed) == 0) return;
  Inside inside = Inside::enter();
  struct stat status;
  if (!inside || system_fstat(fd, &status) != 0) return;
  give_up(inside, site, [&](const FileLock& file) noexcept {
    return file.by == By::kRecord && file.inode == status.st_ino && file.device == status.st_dev && file.begin >= begin && file.begin < end;
  });
}

/// The first byte of a range said relative to something.
std::uint64_t first_byte(int fd, int whence, off_t start) noexcept {
  struct stat status;
  long base = 0;
  if (whence == SEEK_CUR) base = system_call(SYS_lseek, fd, 0, SEEK_CUR);
  else if (whence == SEEK_END) base = system_fstat(fd, &status) == 0 ? status.st_size : 0;
  return static_cast<std::uint64_t>((base > 0 ? base : 0) + start);
}
std::uint64_t range_end(std::uint64_t begin, off_t length) noexcept {
  return length <= 0 ? ~std::uint64_t{0} : begin + static_cast<std::uint64_t>(length);
}

int record_lock(int fd, int command, struct flock* range, Site site) {
  const auto call = [=] { return call_real(real.fcntl, fd, command, range); };
  const bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
  if (range == nullptr || (!waits && command != F_SETLK && command != F_OFD_SETLK)) return call();
  const std::uint64_t begin = first_byte(fd, range->l_whence, range->l_start);
  if (range->l_type == F_UNLCK) {
    unlock_range(fd, begin, range_end(begin, range->l_len), site);
    return call();
  }
  const Mode mode = range->l_type == F_RDLCK ? Mode::kRecursiveRead : Mode::kWrite;
  return take_file(fd, By::kRecord, begin, mode, waits ? 0 : kTry, site, call);
}

int lockf_call(int fd, int command, off_t length, Site site) {
  const auto call = [=] { return call_real(real.lockf, fd, command, length); };
  if (command == F_TEST) return call();
  const std::uint64_t begin = first_byte(fd, SEEK_CUR, length < 0 ? length : 0);
  if (command == F_ULOCK) {
    unlock_range(fd, begin, range_end(begin, length < 0 ? -length : length), site);
    return call();
  }
  return take_file(fd, By::kRecord, begin, Mode::kWrite, command == F_TLOCK ? kTry : 0, site, call);
}

}  // namespace

CROSSDEP_EXPORT int flock(int fd, int operation) noexcept {
  const Site site = CROSSDEP_CALLER;
  const auto call = [=]() noexcept { return call_real(real.flock, fd, operation); };
  const int what = operation & ~LOCK_NB;
  if (what == LOCK_UN) {
    if (held_count.load(std::memory_order_relaxed) != 0)
      if (Inside inside = Inside::enter())
        give_up(inside, site, [&](const FileLock& file) noexcept { return file.by == By::kFlock && file.fd == fd; });
    return call();
  }
  if (what != LOCK_SH && what != LOCK_EX) return call();
  return take_file(fd, By::kFlock, 0, what == LOCK_SH ? Mode::kRecursiveRead : Mode::kWrite,
                   (operation & LOCK_NB) != 0 ? kTry : 0, site, call);
}

#define CROSSDEP_FCNTL(name)                                                                                           \
  CROSSDEP_EXPORT int name(int fd, int command, ...) {                                                                 \
    va_list rest;                                                                                                      \
    va_start(rest, command);                                                                                           \
    void* const argument = va_arg(rest, void*);                                                                        \
    va_end(rest);                                                                                                      \
    return fcntl_call(fd, command, argument, CROSSDEP_CALLER);                                                         \
  }
namespace {
int fcntl_call(int fd, int command, void* argument, Site site) {
  switch (command) {
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return record_lock(fd, command, static_cast<struct flock*>(argument), site);
    default: return call_real(real.fcntl, fd, command, argument);
  }
}
}  // namespace
CROSSDEP_FCNTL(fcntl)
CROSSDEP_FCNTL(fcntl64)

CROSSDEP_EXPORT int lockf(int fd, int command, off_t length) { return lockf_call(fd, command, length, CROSSDEP_CALLER); }
CROSSDEP_EXPORT int lockf64(int fd, int command, off64_t length) { return lockf_call(fd, command, length, CROSSDEP_CALLER); }

CROSSDEP_EXPORT int close(int fd) {
  closing(fd, CROSSDEP_CALLER);
  return call_real(real.close, fd);
}
CROSSDEP_EXPORT int fclose(FILE* file) {
  if (held_count.load(std::memory_order_relaxed) != 0) closing(fileno(file), CROSSDEP_CALLER);
  return call_real(real.fclose, file);
}
CROSSDEP_EXPORT int dup2(int from, int to) noexcept {
  if (from != to) closing(to, CROSSDEP_CALLER);
  return call_real(real.dup2, from, to);
}
CROSSDEP_EXPORT int dup3(int from, int to, int flags) noexcept {
  if (from != to) closing(to, CROSSDEP_CALLER);
  return call_real(real.dup3, from, to, flags);
}
