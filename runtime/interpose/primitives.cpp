// SPDX-License-Identifier: MIT
//
// See primitives.h. Each function gets a stub, to which the callers' tables of symbol addresses are made to lead
// (core/plt.h): the stub says which one it is, and the common part below keeps the arguments, calls before(), the real
// function with the arguments as they were, and after(). Arguments on the stack are not passed on: such a function cannot
// be named (there is none among locks). While the real one runs nothing of its inside is observed - the mutexes and
// futexes it is made of - unless it has been left by an exception or jump, which the stack tells.
//
// The analyzer reads the rule file; to us it hands lines "OP PATTERN ARG MODE KIND SUCCESS FLAGS MUTEX", see rules/needs.h.
//
// Threading: the table is filled while alone, and by one thread at a time later; hooks on any thread.  Allocation: none.
#include "interpose/primitives.h"

#include <errno.h>

#include "core/elf_lookup.h"
#include "core/output.h"
#include "core/plt.h"
#include "core/rule_needs.h"
#include "core/syscalls.h"
#include "core/text.h"
#include "interpose/lock_call.h"

namespace crossdep::runtime {
namespace {

using engine::Kind;
using engine::kNone;

enum class Op : std::uint8_t { kAcquire, kTry, kTimed, kRelease, kInit, kDestroy, kWait, kTimedWait, kSignal, kBroadcast };
constexpr const char* kOps[] = {"acquire", "try", "timed", "release", "init", "destroy", "wait", "timed_wait", "signal", "broadcast"};
enum class Success : std::uint8_t { kAlways, kZero, kNonzero };
constexpr const char* kSuccess[] = {"always", "zero", "nonzero"};
constexpr const char* kModes[] = {"write", "read", "rread"};

struct Primitive {
  const char* pattern;
  Op op;
  std::uint8_t argument;
  Mode mode;
  Kind kind;
  Success success;
  std::uint8_t flags;     // InstanceFlag
  std::int8_t mutex;      // the argument that is a condition variable's mutex, -1: none
};

struct Stub {
  const Primitive* primitive;
  void* real;
};

constexpr unsigned kMostPrimitives = 256, kMostStubs = 256;
Primitive primitives[kMostPrimitives];
unsigned primitive_count = 0;
FutexLock stub_lock;
Stub stubs[kMostStubs];
std::atomic<unsigned> stub_count{0};
std::atomic<unsigned long long> modules_seen{0};

// --- the table -------------------------------------------------------------------------------------------------------------

/// The next word of `at`, terminated in place; nullptr at the end of the line.
char* word_of(char*& at) noexcept {
  while (*at == ' ') ++at;
  if (*at == 0 || *at == '\n') return nullptr;
  char* const begin = at;
  while (*at != 0 && *at != ' ' && *at != '\n') ++at;
  const bool ends = *at != ' ';
  if (!ends) *at++ = 0;
  return begin;
}

template <std::size_t N>
unsigned index_of(const char* const (&words)[N], const char* word) noexcept {
  for (unsigned i = 0; i < N; ++i)
    if (equal(words[i], word)) return i;
  return 0;
}

unsigned number_of(const char* word) noexcept {
  unsigned value = 0;
  for (; *word >= '0' && *word <= '9'; ++word) value = value * 10 + static_cast<unsigned>(*word - '0');
  return value;
}

void parse(char* lines) noexcept {
  for (char* at = lines; *at != 0;) {
    char* line = at;
    while (*at != 0 && *at != '\n') ++at;
    if (*at == '\n') *at++ = 0;
    char* words[8];
    unsigned count = 0;
    while (count < 8 && (words[count] = word_of(line)) != nullptr) ++count;
    if (count != 8 || primitive_count == kMostPrimitives) continue;
    primitives[primitive_count++] = {words[1], static_cast<Op>(index_of(kOps, words[0])), static_cast<std::uint8_t>(number_of(words[2]) % 6),
                                     static_cast<Mode>(index_of(kModes, words[3])), static_cast<Kind>(number_of(words[4]) % engine::kKindCount),
                                     static_cast<Success>(index_of(kSuccess, words[5])),
                                     static_cast<std::uint8_t>(number_of(words[6])),
                                     words[7][0] == '-' ? std::int8_t{-1} : static_cast<std::int8_t>(number_of(words[7]) % 6)};
  }
}

bool matches(const char* pattern, const char* name) noexcept {
  for (; *pattern != 0 && *pattern != '*'; ++pattern, ++name)
    if (*pattern != *name) return false;
  if (*pattern == 0) return *name == 0;
  while (*pattern == '*') ++pattern;
  if (*pattern == 0) return true;
  for (; *name != 0; ++name)
    if (matches(pattern, name)) return true;
  return false;
}

extern "C" __attribute__((visibility("hidden"))) char crossdep_stubs[];
extern "C" __attribute__((visibility("hidden"))) char crossdep_stubs_end[];
constexpr std::size_t kStubSize = 16;
constexpr std::size_t kReturnSlot = 7;   // above the six arguments kept: the frame pointer, then the return address

void* stub_for(const char* name, void* now) noexcept {
  if (now >= crossdep_stubs && now < crossdep_stubs_end) return nullptr;
  const Primitive* primitive = nullptr;
  for (unsigned i = 0; i < primitive_count && primitive == nullptr; ++i)
    if (matches(primitives[i].pattern, name)) primitive = &primitives[i];
  if (primitive == nullptr) return nullptr;
  void* const target = now != nullptr ? now : first_definition(name);
  if (target == nullptr) return nullptr;
  const unsigned count = stub_count.load(std::memory_order_relaxed);
  unsigned index = 0;
  while (index < count && (stubs[index].primitive != primitive || stubs[index].real != target)) ++index;
  if (index == kMostStubs) return nullptr;
  if (index == count) {
    stubs[index] = {primitive, target};
    stub_count.store(count + 1, std::memory_order_release);
  }
  return crossdep_stubs + index * kStubSize;
}

int count_modules(dl_phdr_info* info, std::size_t, void* out) noexcept {
  *static_cast<unsigned long long*>(out) = info->dlpi_adds;
  return 1;
}

// --- the two hooks ------------------------------------------------------------------------------------------------------------

LockInstance* instance(Token inside, const void* object, Kind kind, std::uint8_t flags, Site site) noexcept {
  if (LockInstance* lock = identity.find(object)) {
    if (!lock->fleeting) return lock;
    return identity.still(inside, lock, object, kind, flags, site);
  }
  return identity.first_sight(inside, object, kind, flags, site);
}
LockInstance* instance(Token inside, const Primitive& primitive, const void* object, Site site) noexcept {
  return instance(inside, object, primitive.kind, primitive.flags, site);
}

std::uint8_t flags_of(Op op) noexcept {
  return op == Op::kTry ? engine::kTry : op == Op::kTimed || op == Op::kTimedWait ? engine::kTimed : 0;
}

bool succeeded(Success success, std::uint64_t result) noexcept {
  const bool zero = static_cast<std::uint32_t>(result) == 0;   // bool and int leave the upper half undefined
  return success == Success::kAlways || (success == Success::kZero) == zero;
}

LockInstance* mutex_of(Token inside, const Primitive& primitive, const std::uint64_t* arguments, Site site) noexcept {
  if (primitive.mutex < 0) return nullptr;
  return instance(inside, reinterpret_cast<const void*>(arguments[primitive.mutex]), Kind::kMutex, 0, site);
}

}  // namespace
}  // namespace crossdep::runtime

using namespace crossdep::runtime;

// Answers the real function. errno is the caller's when it comes to us, and the real function's when it goes back.
extern "C" __attribute__((visibility("hidden"), used)) void* crossdep_before_primitive(unsigned index, const std::uint64_t* arguments,
                                                                                       std::uint64_t site) noexcept {
  const Primitive& primitive = *stubs[index].primitive;
  const void* const object = reinterpret_cast<const void*>(arguments[primitive.argument]);
  const std::uint64_t* const return_slot = arguments + kReturnSlot;
  ThreadState& self = this_thread();
  // The last call from here was left by an exception.
  if (self.phase == Phase::kMasked && self.masked_by == return_slot) self.resting = self.phase = Phase::kReady;
  if (Inside inside = Inside::enter(); inside && object != nullptr) {
    switch (primitive.op) {
      case Op::kAcquire:
      case Op::kTry:
      case Op::kTimed: request(inside, instance(inside, primitive, object, site), primitive.mode, flags_of(primitive.op), site); break;
      case Op::kRelease: release(inside, instance(inside, primitive, object, site), site); break;
      case Op::kDestroy: identity.destroyed(inside, object, site); break;
      case Op::kWait:
      case Op::kTimedWait:
        wait_begin(inside, instance(inside, primitive, object, site), mutex_of(inside, primitive, arguments, site), flags_of(primitive.op), site);
        break;
      case Op::kSignal:
      case Op::kBroadcast: signal(inside, instance(inside, primitive, object, site), primitive.op == Op::kSignal ? 1 : kNone, site); break;
      case Op::kInit: break;
    }
  }
  if (self.phase == Phase::kReady) {
    self.masked_by = return_slot;
    self.masked_return = site;
    self.resting = self.phase = Phase::kMasked;
  }
  return stubs[index].real;
}

extern "C" __attribute__((visibility("hidden"), used)) void crossdep_after_primitive(unsigned index, const std::uint64_t* arguments,
                                                                                      std::uint64_t site, std::uint64_t result) noexcept {
  const Primitive& primitive = *stubs[index].primitive;
  const void* const object = reinterpret_cast<const void*>(arguments[primitive.argument]);
  ThreadState& self = this_thread();
  if (self.phase == Phase::kMasked) {
    if (self.masked_by != arguments + kReturnSlot) return;   // one inside another
    self.resting = self.phase = Phase::kReady;
  }
  Inside inside = Inside::enter();
  if (!inside || object == nullptr) return;
  const bool good = succeeded(primitive.success, result);
  switch (primitive.op) {
    case Op::kAcquire:
    case Op::kTry:
    case Op::kTimed:
      if (good) acquired(inside, instance(inside, primitive, object, site), primitive.mode, flags_of(primitive.op), site);
      else failed(inside, instance(inside, primitive, object, site));
      break;
    case Op::kInit: identity.initialised(inside, object, primitive.kind, primitive.flags, site); break;
    case Op::kWait:
    case Op::kTimedWait:
      wait_end(inside, instance(inside, primitive, object, site), mutex_of(inside, primitive, arguments, site), good, site);
      break;
    default: break;
  }
}

#if defined(__x86_64__)
// 256 stubs of 16 bytes, and what they share. Kept: the six argument registers, rax (the number of vector registers in a
// variadic call) and the eight vector registers; then the results, rax, rdx, xmm0 and xmm1.
__asm__(R"(
  .text
  .balign 16
  .globl crossdep_stubs
  .hidden crossdep_stubs
  .globl crossdep_stubs_end
  .hidden crossdep_stubs_end
crossdep_stubs:
  .set stub, 0
  .rept 256
  .balign 16
  endbr64
  movl $stub, %r11d
  jmp crossdep_primitive
  .set stub, stub + 1
  .endr
  .balign 16
crossdep_stubs_end:

  .type crossdep_primitive, @function
crossdep_primitive:
  .cfi_startproc
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  subq $224, %rsp
  movq %rdi, -48(%rbp)
  movq %rsi, -40(%rbp)
  movq %rdx, -32(%rbp)
  movq %rcx, -24(%rbp)
  movq %r8, -16(%rbp)
  movq %r9, -8(%rbp)
  movq %rax, -56(%rbp)
  movq %r11, -64(%rbp)
  movups %xmm0, -80(%rbp)
  movups %xmm1, -96(%rbp)
  movups %xmm2, -112(%rbp)
  movups %xmm3, -128(%rbp)
  movups %xmm4, -144(%rbp)
  movups %xmm5, -160(%rbp)
  movups %xmm6, -176(%rbp)
  movups %xmm7, -192(%rbp)
  movl %r11d, %edi
  leaq -48(%rbp), %rsi
  movq 8(%rbp), %rdx
  call crossdep_before_primitive
  movq %rax, %r11
  movups -80(%rbp), %xmm0
  movups -96(%rbp), %xmm1
  movups -112(%rbp), %xmm2
  movups -128(%rbp), %xmm3
  movups -144(%rbp), %xmm4
  movups -160(%rbp), %xmm5
  movups -176(%rbp), %xmm6
  movups -192(%rbp), %xmm7
  movq -48(%rbp), %rdi
  movq -40(%rbp), %rsi
  movq -32(%rbp), %rdx
  movq -24(%rbp), %rcx
  movq -16(%rbp), %r8
  movq -8(%rbp), %r9
  movq -56(%rbp), %rax
  call *%r11
  movq %rax, -56(%rbp)
  movq %rdx, -200(%rbp)
  movups %xmm0, -80(%rbp)
  movups %xmm1, -96(%rbp)
  movl -64(%rbp), %edi
  leaq -48(%rbp), %rsi
  movq 8(%rbp), %rdx
  movq %rax, %rcx
  call crossdep_after_primitive
  movq -56(%rbp), %rax
  movq -200(%rbp), %rdx
  movups -80(%rbp), %xmm0
  movups -96(%rbp), %xmm1
  leave
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .size crossdep_primitive, . - crossdep_primitive
)");
#endif

namespace crossdep::runtime {

void load_primitives() noexcept {
  if (runtime.places.rule_count == 0) return;
  char* const lines = ask_rules();
  if (lines == nullptr) {
    Line line;
    say(line.add("crossdep: warning: the rule files' primitives cannot be read; they are not observed\n"));
    return;
  }
  parse(lines);
#if !defined(__x86_64__)
  if (primitive_count != 0) {
    Line line;
    say(line.add("crossdep: warning: primitives of rule files are not observed on this architecture\n"));
    primitive_count = 0;
  }
#endif
  watch_new_modules();
}

void watch_new_modules() noexcept {
#if defined(__x86_64__)
  if (primitive_count == 0) return;
  unsigned long long adds = 0;
  real.dl_iterate_phdr(count_modules, &adds);
  if (adds == modules_seen.exchange(adds, std::memory_order_relaxed)) return;
  FutexHold hold(stub_lock);
  replace_calls(stub_for);
#endif
}

void tell_unseen_primitives() noexcept {
  if (primitive_count == 0 || stub_count.load(std::memory_order_relaxed) != 0) return;
  Line line;
  say(line.add("crossdep: warning: no module calls any of the rule files' primitives through its symbol table: they were not seen\n"));
}

}  // namespace crossdep::runtime
