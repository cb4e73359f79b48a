// SPDX-License-Identifier: MIT
//
// The dynamic loader. It holds a lock of its own while it runs constructors (dlopen) and destructors (dlclose), and another
// while dl_iterate_phdr calls back: both are judged like the program's, as "(loader)" and "(loader list)".
//
// dlopen looks at who called it: the caller's RUNPATH says where to look for a name without a slash, and its folder is
// what $ORIGIN stands for. Such a call is passed on by a jump, with the caller's address where it was; the lock is then
// only said to be taken and given back, and what constructors do under it is not seen. dlsym is always passed on so.
//
// dlclose: the static objects of a module that is gone are gone; what is loaded to the same place later has other ones.
// Modules that are loaded need nothing: they are noticed when an address of theirs turns up.
//
// Threading: any thread.  Allocation: none here.
#include "core/modules.h"
#include "core/unwind.h"
#include "interpose/lock_call.h"
#include "interpose/operation.h"
#include "interpose/primitives.h"

using namespace crossdep::runtime;

namespace {

// The library's own recursive locks, by objects that stand for them.
constinit char load_lock = 0, list_lock = 0;

LockInstance* virtual_lock(Token inside, const char& stands_for, Site site) noexcept {
  if (LockInstance* known = identity.find(&stands_for)) return known;
  const char* const name = &stands_for == &load_lock ? "(loader)" : "(loader list)";
  return identity.named(inside, &stands_for, name, true, crossdep::engine::Kind::kMutex, 0, site, crossdep::engine::kRecursiveLock);
}

void take(const char& stands_for, Site site) noexcept {
  if (Inside inside = Inside::enter()) {
    LockInstance* lock = virtual_lock(inside, stands_for, site);
    request(inside, lock, Mode::kWrite, 0, site);
    acquired(inside, lock, Mode::kWrite, 0, site);
  }
}
void give(const char& stands_for, Site site) noexcept {
  if (Inside inside = Inside::enter()) release(inside, virtual_lock(inside, stands_for, site), site);
}
void take_and_give(const char& stands_for, Site site) noexcept {
  if (Inside inside = Inside::enter()) might_lock(inside, virtual_lock(inside, stands_for, site), Mode::kWrite, site);
}

// Whether dlopen(name) means the same whoever calls it. In a namespace of its own nobody calls us.
bool caller_matters(const char* name) noexcept {
  if (name == nullptr) return false;
  bool folder = false;
  for (const char* at = name; *at != 0; ++at) {
    if (*at == '$') return true;
    folder = folder || *at == '/';
  }
  return !folder;
}

}  // namespace

CROSSDEP_EXPORT int dlclose(void* handle) noexcept {
  const Site site = CROSSDEP_CALLER;
  perform("dlclose", site);
  take(load_lock, site);
  const int result = call_real(real.dlclose, handle);
  give(load_lock, site);
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
    if (count != 0) forget_rules();
    for (unsigned i = 0; i < count; ++i) identity.gone(inside, ranges[i].begin, ranges[i].end, CROSSDEP_CALLER);
  }
  return result;
}

CROSSDEP_EXPORT int dl_iterate_phdr(int (*visit)(dl_phdr_info*, std::size_t, void*), void* data) {
  const Site site = CROSSDEP_CALLER;
  // Sanitizers call this before they are ready for what our start asks of them.
  if (runtime.state.load(std::memory_order_acquire) != State::kStarted) return call_real(real.dl_iterate_phdr, visit, data);
  take(list_lock, site);
  const int result = call_real(real.dl_iterate_phdr, visit, data);
  give(list_lock, site);
  return result;
}

// A call that the assembly below passes on, or what came of it.
struct PassedOn {
  void* function;   // to jump to, with the registers as they were; nullptr: the call is done
  void* result;
};

extern "C" __attribute__((visibility("hidden"), used)) PassedOn crossdep_dlopen(const char* name, int mode, std::uint64_t caller) {
  find_real_functions();
  perform("dlopen", caller);
  if (caller_matters(name)) {
    take_and_give(load_lock, caller);
    return {reinterpret_cast<void*>(real.dlopen), nullptr};
  }
  take(load_lock, caller);
  take_and_give(list_lock, caller);
  void* const result = real.dlopen(name, mode);
  give(load_lock, caller);
  watch_new_modules();
  return {nullptr, result};
}

extern "C" __attribute__((visibility("hidden"), used)) PassedOn crossdep_dlsym(void*, const char*, std::uint64_t caller) {
  find_real_functions();
  if (this_thread().phase == Phase::kReady) take_and_give(load_lock, caller);
  watch_new_modules();   // those of a dlopen that was passed on
  return {reinterpret_cast<void*>(real.dlsym), nullptr};
}

#if defined(__x86_64__)
#define CROSSDEP_PASS_ON(name)                                                                                         \
  __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n.cfi_startproc\nendbr64\n"                 \
          "pushq %rdi\n.cfi_adjust_cfa_offset 8\npushq %rsi\n.cfi_adjust_cfa_offset 8\n"                               \
          "subq $8, %rsp\n.cfi_adjust_cfa_offset 8\nmovq 24(%rsp), %rdx\ncall crossdep_" #name "\n"                    \
          "addq $8, %rsp\n.cfi_adjust_cfa_offset -8\npopq %rsi\n.cfi_adjust_cfa_offset -8\n"                           \
          "popq %rdi\n.cfi_adjust_cfa_offset -8\ntestq %rax, %rax\nje 1f\njmp *%rax\n1: movq %rdx, %rax\nret\n"        \
          ".cfi_endproc\n.size " #name ", .-" #name "\n");
#elif defined(__aarch64__)
#define CROSSDEP_PASS_ON(name)                                                                                         \
  __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n.cfi_startproc\n"                          \
          "stp x29, x30, [sp, #-32]!\n.cfi_adjust_cfa_offset 32\n.cfi_rel_offset x29, 0\n.cfi_rel_offset x30, 8\n"     \
          "mov x29, sp\nstp x0, x1, [sp, #16]\nmov x2, x30\nbl crossdep_" #name "\nmov x16, x0\n"                      \
          "mov x17, x1\nldp x0, x1, [sp, #16]\nldp x29, x30, [sp], #32\n.cfi_restore x29\n.cfi_restore x30\n"          \
          ".cfi_adjust_cfa_offset -32\ncbz x16, 1f\nbr x16\n1: mov x0, x17\nret\n.cfi_endproc\n.size " #name           \
          ", .-" #name "\n");
#endif
#ifdef CROSSDEP_PASS_ON
CROSSDEP_PASS_ON(dlopen)
CROSSDEP_PASS_ON(dlsym)
#endif
