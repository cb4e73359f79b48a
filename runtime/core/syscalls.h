// SPDX-License-Identifier: MIT
//
// System calls made directly. The runtime may not call libc for these: libc's wrappers set errno, are cancellation
// points, and several of them are interposed by us. Every function answers what the kernel answered: -errno on failure.
//
// Threading: any thread, signal handlers too.  Allocation: none.
#pragma once

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "record/system.h"

namespace crossdep::runtime {

/// The one place that knows the architecture's instruction is the recorder's.
inline long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
  return record::sys::call(number, a, b, c, d, e, f);
}

template <typename T>
long word(T* pointer) noexcept { return reinterpret_cast<long>(pointer); }

inline int system_getpid() noexcept { return static_cast<int>(system_call(SYS_getpid)); }
inline int system_gettid() noexcept { return static_cast<int>(system_call(SYS_gettid)); }
inline long system_open(const char* path, int flags, int mode = 0) noexcept {
  return system_call(SYS_openat, AT_FDCWD, word(path), flags | O_CLOEXEC, mode);
}
inline long system_close(int fd) noexcept { return system_call(SYS_close, fd); }
inline long system_read(int fd, void* data, std::size_t size) noexcept {
  return system_call(SYS_read, fd, word(data), static_cast<long>(size));
}
inline long system_write(int fd, const void* data, std::size_t size) noexcept {
  return system_call(SYS_write, fd, word(data), static_cast<long>(size));
}
inline long system_readlink(const char* path, char* out, std::size_t size) noexcept {
  return system_call(SYS_readlinkat, AT_FDCWD, word(path), word(out), static_cast<long>(size));
}
inline bool system_exists(const char* path, int mode) noexcept {
  return system_call(SYS_faccessat, AT_FDCWD, word(path), mode) == 0;
}
inline long system_unlink(const char* path) noexcept { return system_call(SYS_unlinkat, AT_FDCWD, word(path), 0); }
inline long system_stat(const char* path, struct stat* out) noexcept {
  return system_call(SYS_newfstatat, AT_FDCWD, word(path), word(out), 0);
}
inline long system_fstat(int fd, struct stat* out) noexcept { return system_call(SYS_fstat, fd, word(out)); }

/// Fresh zeroed pages, or nullptr.
inline void* system_pages(std::size_t bytes) noexcept {
  const long result = system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return result < 0 && result > -4096 ? nullptr : reinterpret_cast<void*>(result);
}
inline void system_release_pages(void* pages, std::size_t bytes) noexcept {
  system_call(SYS_munmap, word(pages), static_cast<long>(bytes));
}

inline void futex_wait(std::atomic<std::uint32_t>* at, std::uint32_t value) noexcept {
  system_call(SYS_futex, word(at), FUTEX_WAIT_PRIVATE, value, 0);
}
inline void futex_wake(std::atomic<std::uint32_t>* at, int count) noexcept {
  system_call(SYS_futex, word(at), FUTEX_WAKE_PRIVATE, count);
}

/// The kernel's signal set: 64 bits on every architecture we know. SIGSYS is not blocked: in a sandbox (seccomp) it is the
/// answer to a system call of ours that the program's handler is to allow or refuse; blocked, it kills the process.
inline std::uint64_t system_block_signals() noexcept {
  std::uint64_t all = ~(std::uint64_t{1} << (SIGSYS - 1)), old = 0;
  system_call(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, word(&all), word(&old), sizeof old);
  return old;
}
inline void system_restore_signals(std::uint64_t mask) noexcept {
  system_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, word(&mask), 0, sizeof mask);
}

}  // namespace crossdep::runtime
