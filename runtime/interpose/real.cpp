// SPDX-License-Identifier: MIT
//
// See real.h.
//
// Threading and allocation: see real.h.
#include "interpose/real.h"

#include <atomic>

#include "core/elf_lookup.h"

namespace crossdep::runtime {

constinit RealFunctions real{};
#ifdef CROSSDEP_OLD_COND
constinit OldCondFunctions real_old_cond{};
#endif

namespace {

template <typename Function>
void find(Function& function, const char* name, const char* version = nullptr) noexcept {
  function = reinterpret_cast<Function>(next_definition(name, version));
}

}  // namespace

void find_real_functions() noexcept {
  static std::atomic<bool> done{false};
  if (done.load(std::memory_order_acquire)) return;
#define CROSSDEP_FIND(name) find(real.name, #name);
  CROSSDEP_REAL_FUNCTIONS(CROSSDEP_FIND)
#undef CROSSDEP_FIND
#define CROSSDEP_FIND(name) find(real.name, #name, CROSSDEP_COND_VERSION);
  CROSSDEP_REAL_COND_FUNCTIONS(CROSSDEP_FIND)
#undef CROSSDEP_FIND
  find(real.pthread_cond_clockwait, "pthread_cond_clockwait");
  find(real._Fork, "_Fork");
  find(real.daemon, "daemon");
  find(real.longjmp, "longjmp");
  find(real._longjmp, "_longjmp");
  find(real.siglongjmp, "siglongjmp");
  find(real.__longjmp_chk, "__longjmp_chk");
#ifdef CROSSDEP_OLD_COND
#define CROSSDEP_FIND(name) find(real_old_cond.name, #name, "GLIBC_2.2.5");
  CROSSDEP_REAL_COND_FUNCTIONS(CROSSDEP_FIND)
#undef CROSSDEP_FIND
#endif
  done.store(true, std::memory_order_release);
}

}  // namespace crossdep::runtime
