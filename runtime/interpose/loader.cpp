// SPDX-License-Identifier: MIT
//
// dlclose: the static objects of a module that is gone are gone; what is loaded to the same place later has other ones.
// dlopen needs nothing - modules are noticed when an address of theirs turns up - and must not be interposed: it looks at
// who called it. It is only noted as an operation, by code that leaves no frame of its own behind.
//
// Threading: any thread.  Allocation: none here.
#include "core/modules.h"
#include "interpose/lock_call.h"
#include "interpose/operation.h"

using namespace crossdep::runtime;

CROSSDEP_EXPORT int dlclose(void* handle) noexcept {
  perform("dlclose", CROSSDEP_CALLER);
  const int result = call_real(real.dlclose, handle);
  if (runtime.state.load(std::memory_order_acquire) != State::kStarted) return result;
  if (Inside inside = Inside::enter()) {
    constexpr unsigned kMost = 64;
    struct { std::uint64_t begin, end; } ranges[kMost];
    unsigned count = 0;
    runtime.serial.lock();
    modules.forget_unloaded(runtime.journal, [&](std::uint64_t begin, std::uint64_t end) {
      if (count < kMost) ranges[count++] = {begin, end};
    });
    runtime.serial.unlock();
    for (unsigned i = 0; i < count; ++i) identity.gone(inside, ranges[i].begin, ranges[i].end, CROSSDEP_CALLER);
  }
  return result;
}

// Returns the real function, to which dlopen() below jumps: it then sees the program's return address.
extern "C" __attribute__((visibility("hidden"), used)) void* crossdep_note_dlopen(std::uint64_t caller) noexcept {
  find_real_functions();
  perform("dlopen", caller);
  return reinterpret_cast<void*>(real.dlopen);
}

#if defined(__x86_64__)
__asm__(R"(
  .text
  .globl dlopen
  .type dlopen, @function
dlopen:
  .cfi_startproc
  endbr64
  pushq %rdi
  .cfi_adjust_cfa_offset 8
  pushq %rsi
  .cfi_adjust_cfa_offset 8
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  movq 24(%rsp), %rdi
  call crossdep_note_dlopen
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %rsi
  .cfi_adjust_cfa_offset -8
  popq %rdi
  .cfi_adjust_cfa_offset -8
  jmp *%rax
  .cfi_endproc
  .size dlopen, .-dlopen
)");
#elif defined(__aarch64__)
__asm__(R"(
  .text
  .globl dlopen
  .type dlopen, %function
dlopen:
  .cfi_startproc
  stp x29, x30, [sp, #-32]!
  .cfi_adjust_cfa_offset 32
  .cfi_rel_offset x29, 0
  .cfi_rel_offset x30, 8
  mov x29, sp
  stp x0, x1, [sp, #16]
  mov x0, x30
  bl crossdep_note_dlopen
  mov x16, x0
  ldp x0, x1, [sp, #16]
  ldp x29, x30, [sp], #32
  .cfi_restore x29
  .cfi_restore x30
  .cfi_adjust_cfa_offset -32
  br x16
  .cfi_endproc
  .size dlopen, .-dlopen
)");
#endif
