// SPDX-License-Identifier: MIT
//
// See frames.h. The stack's upper end is where glibc keeps the thread's own block; the first thread's is __libc_stack_end.
// In the unwinder's words a frame reaches from its own stack pointer (what _Unwind_GetCFA answers there) to the next
// outer one's.
//
// Threading and allocation: see frames.h.
#include "core/frames.h"

#include <unistd.h>

#include "core/stacks.h"
#include "core/syscalls.h"
#include "core/unwind.h"

extern "C" void* __libc_stack_end;

namespace crossdep::runtime {
namespace {

std::uint64_t number(const void* pointer) noexcept { return reinterpret_cast<std::uint64_t>(pointer); }

struct Search {
  std::uint64_t address;
  std::uint64_t function, begin;   // of the frame looked at before
  Frame found;
};

_Unwind_Reason_Code step(_Unwind_Context* context, void* data) {
  auto& search = *static_cast<Search*>(data);
  const std::uint64_t begin = _Unwind_GetCFA(context);
  if (search.begin != 0 && search.begin <= search.address && search.address < begin) {
    search.found.function = search.function;
    search.found.slot = begin - search.address;
#if defined(__x86_64__)
    search.found.return_slot = begin - 8;
    search.found.return_address = *reinterpret_cast<const std::uint64_t*>(begin - 8);
#endif
    return _URC_END_OF_STACK;
  }
  search.begin = begin;
  search.function = number(reinterpret_cast<const void*>(_Unwind_GetRegionStart(context)));
  return begin > search.address ? _URC_END_OF_STACK : _URC_NO_REASON;
}

}  // namespace

std::uint64_t end_of_stack() noexcept {
  const std::uint64_t here = number(__builtin_frame_address(0));
  const std::uint64_t end = system_gettid() == system_getpid() ? number(__libc_stack_end) : number(__builtin_thread_pointer());
  return here < end ? end : 0;
}

bool on_own_stack(std::uint64_t address) noexcept {
  const std::uint64_t here = number(__builtin_frame_address(0));
  return address >= here && address < stack_limit(here);
}

Frame frame_of(std::uint64_t address) noexcept {
  Frame found;
  const bool known = walk_known([address, &found](std::uint64_t at, std::uint64_t begin, std::uint64_t end) {
    if (end <= address) return end != 0;
    if (begin > address) return false;
    frame_rule(at - 1, found.function);
    found.slot = end - address;
    found.return_slot = end - 8;
    found.return_address = *reinterpret_cast<const std::uint64_t*>(end - 8);
    return false;
  });
  if (known) return found;
  Search search{address, 0, 0, {}};
  walk_stack(step, &search);
  return search.found;
}

}  // namespace crossdep::runtime
