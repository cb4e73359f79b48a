// SPDX-License-Identifier: MIT
//
// Starts a process or thread that runs one function in our memory, on a stack of its own, and ends with it. It has the
// thread pointer of whoever started it: it must touch no thread-local data, so nothing of libc but plain string
// functions, no guard (core/thread.h), no errno.
//
// Threading: any thread.  Allocation: none; the stack is the caller's.
#pragma once

#include "core/syscalls.h"

namespace crossdep::runtime {

// clone() in libc would do, but it can be interposed, and its child would return through libc.
__attribute__((noinline)) inline long start_clone(int (*function)(void*) noexcept, char* stack_top, void* argument, long flags) noexcept {
#if defined(__x86_64__)
  auto** top = reinterpret_cast<void**>(stack_top);
  *--top = argument;
  *--top = reinterpret_cast<void*>(function);
  long result;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "pop %%rax\n\t"
      "pop %%rdi\n\t"
      "call *%%rax\n\t"
      "mov %%eax, %%edi\n\t"
      "mov %[leave], %%eax\n\t"
      "syscall\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone), "D"(flags), "S"(top), "d"(0), [leave] "i"(SYS_exit)
      : "rcx", "r11", "memory");
  return result;
#else
  auto** top = reinterpret_cast<void**>(stack_top);
  *--top = argument;
  *--top = reinterpret_cast<void*>(function);
  register long x8 __asm__("x8") = SYS_clone;
  register long x0 __asm__("x0") = flags;
  register long x1 __asm__("x1") = reinterpret_cast<long>(top);
  register long x2 __asm__("x2") = 0;
  register long x3 __asm__("x3") = 0;
  register long x4 __asm__("x4") = 0;
  __asm__ volatile(
      "svc 0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "ldp x1, x0, [sp], #16\n\t"
      "blr x1\n\t"
      "mov x8, %[leave]\n\t"
      "svc 0\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [leave] "i"(SYS_exit)
      : "memory", "x30");
  return x0;
#endif
}

}  // namespace crossdep::runtime
