// SPDX-License-Identifier: MIT
//
// The system calls the recorder needs, made without libc: libc's functions can be interposed, are cancellation points,
// touch errno and may not be up before main or after exit began.
//
// Errors are returned as the kernel does: -errno.
//
// Threading: safe anywhere, signal handlers included.  Allocation: none.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace crossdep::record::sys {

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "crossdep: system calls are written for x86-64 and aarch64"
#endif
}

inline bool failed(long result) noexcept { return result < 0 && result > -4096; }
inline long pointer(const void* p) noexcept { return reinterpret_cast<long>(p); }

inline long open(const char* path, int flags, int mode) noexcept {
  return call(SYS_openat, AT_FDCWD, pointer(path), flags, mode);
}
inline long close(int fd) noexcept { return call(SYS_close, fd); }
inline long write(int fd, const void* data, std::size_t size) noexcept {
  return call(SYS_write, fd, pointer(data), static_cast<long>(size));
}
inline long pread(int fd, void* data, std::size_t size, std::uint64_t offset) noexcept {
  return call(SYS_pread64, fd, pointer(data), static_cast<long>(size), static_cast<long>(offset));
}
/// Writes `size` zeros, a multiple of 4096 and at most 64 KiB; returns how many were written.
inline long write_zeros(int fd, std::size_t size, std::uint64_t offset) noexcept {
  static const unsigned char page[4096] = {};
  iovec pages[16];
  for (iovec& one : pages) one = {const_cast<unsigned char*>(page), sizeof page};
  return call(SYS_pwritev, fd, pointer(pages), static_cast<long>(size / sizeof page), static_cast<long>(offset),
              static_cast<long>(offset >> 32 >> 32));
}
inline long fallocate(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
  return call(SYS_fallocate, fd, 0, static_cast<long>(offset), static_cast<long>(size));
}
inline long unlink(const char* path) noexcept { return call(SYS_unlinkat, AT_FDCWD, pointer(path), 0); }
inline long duplicate_above(int fd, int least) noexcept { return call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least); }
inline long file_size_limit(rlimit* out) noexcept {
  return call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, pointer(out));
}
/// Device and inode of an open file.
inline long identity(int fd, std::uint64_t* device, std::uint64_t* inode) noexcept {
  struct statx info;
  const long result = call(SYS_statx, fd, pointer(""), AT_EMPTY_PATH, STATX_INO, pointer(&info));
  if (failed(result)) return result;
  *device = std::uint64_t{info.stx_dev_major} << 32 | info.stx_dev_minor;
  *inode = info.stx_ino;
  return 0;
}
/// nullptr on failure; `error` then is the -errno.
inline void* map(std::size_t size, int flags, int fd, std::uint64_t offset, long* error = nullptr) noexcept {
  const long result = call(SYS_mmap, 0, static_cast<long>(size), PROT_READ | PROT_WRITE, flags, fd,
                           static_cast<long>(offset));
  if (!failed(result)) return reinterpret_cast<void*>(result);
  if (error != nullptr) *error = result;
  return nullptr;
}
inline void unmap(void* memory, std::size_t size) noexcept {
  call(SYS_munmap, pointer(memory), static_cast<long>(size));
}
inline long advise(void* memory, std::size_t size, int advice) noexcept {
  return call(SYS_madvise, pointer(memory), static_cast<long>(size), advice);
}
inline std::uint64_t wall_clock() noexcept {
  timespec now{};
  call(SYS_clock_gettime, CLOCK_REALTIME, pointer(&now));
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}
inline void yield() noexcept { call(SYS_sched_yield); }

}  // namespace crossdep::record::sys
