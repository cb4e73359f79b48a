// SPDX-License-Identifier: MIT
//
// See report_hook.h. The function is a weak symbol that stays undefined here: the loader finds the program's when it
// loads us, and no search is made at run time. The helper prints into an anonymous file, which is then mapped.
//
// Threading and allocation: see report_hook.h.
#include "core/report_hook.h"

#include "core/syscalls.h"

extern "C" void __crossdep_on_report(const char* check, const char* verdict, const char* text)
    __attribute__((weak, visibility("default")));

namespace crossdep::runtime {

using engine::Check;
using engine::Verdict;

const char* check_name(Check check) noexcept {
  switch (check) {
    case Check::kLockOrderCycle: return "lock-order-cycle";
    case Check::kCrossReleaseCycle: return "cross-release-cycle";
    case Check::kRecursiveLock: return "recursive-lock";
    case Check::kBadUnlock: return "bad-unlock";
    case Check::kDestroyHeld: return "destroy-held";
    case Check::kExitHeld: return "exit-held";
    case Check::kAssertHeld: return "assert-held";
    case Check::kSignalUnsafeLock: return "signal-unsafe-lock";
    case Check::kWaitContext: return "wait-context";
    case Check::kRcuUsage: return "rcu-usage";
    case Check::kLockMisuse: return "lock-misuse";
    case Check::kDeclaredOrder: return "declared-order";
    case Check::kLeafLock: return "leaf-lock";
    case Check::kForbiddenOperation: return "forbidden-operation";
    case Check::kLockRequired: return "lock-required";
    case Check::kNoLockAllowed: return "no-lock-allowed";
    case Check::kForkHeldLock: return "fork-held-lock";
  }
  return "finding";
}

const char* verdict_name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kRefuted: return "refuted";
    case Verdict::kLatent: return "latent";
    case Verdict::kPossible: return "possible";
    case Verdict::kFeasible: return "feasible";
    case Verdict::kConfirmed: return "confirmed";
    case Verdict::kDeadlock: return "deadlock";
  }
  return "possible";
}

bool report_hook_present() noexcept { return __crossdep_on_report != nullptr; }

void call_report_hook(const engine::FindingInfo& finding, const char* text) noexcept {
  __crossdep_on_report(check_name(finding.check), verdict_name(finding.verdict), text);
}

ReportText::ReportText() noexcept {
  const long made = system_call(SYS_memfd_create, word("crossdep report"), 1 /* MFD_CLOEXEC */);
  fd_ = made < 0 ? -1 : static_cast<int>(made);
}

ReportText::~ReportText() {
  if (pages_ != nullptr) system_release_pages(pages_, size_);
  if (fd_ >= 0) system_close(fd_);
}

const char* ReportText::text() noexcept {
  if (pages_ != nullptr) return pages_;
  struct stat info;
  if (fd_ < 0 || system_fstat(fd_, &info) != 0 || info.st_size <= 0) return nullptr;
  const auto bytes = static_cast<unsigned long>(info.st_size) + 1;   // and the zero at the end
  if (system_call(SYS_ftruncate, fd_, static_cast<long>(bytes)) != 0) return nullptr;
  const long mapped = system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ, MAP_PRIVATE, fd_, 0);
  if (mapped < 0 && mapped > -4096) return nullptr;
  pages_ = reinterpret_cast<char*>(mapped);
  size_ = bytes;
  return pages_;
}

}  // namespace crossdep::runtime
