// SPDX-License-Identifier: MIT
//
// See rule_needs.h.
//
// Threading and allocation: see rule_needs.h.
#include "core/rule_needs.h"

#include "core/helper_process.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "core/text.h"

extern "C" char** environ;

namespace crossdep::runtime {
namespace {

constexpr std::size_t kMostText = 32 * 1024;
char text[kMostText];

bool fetch() noexcept {
  constexpr char kName[] = "CROSSDEP_RULE_NEEDS=";
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    if (!begins_with(*at, kName)) continue;
    const char* value = *at + sizeof kName - 1;
    for (std::size_t i = 0; i + 1 < kMostText && value[i] != 0; ++i) text[i] = value[i];
    return true;
  }
  if (runtime.places.helper.length() == 0) return false;
  const long file = system_call(SYS_memfd_create, word("crossdep-rule-needs"), 1 /* MFD_CLOEXEC */);
  if (file < 0) return false;
  const char* arguments[3 + Places::kMostRules + 1] = {runtime.places.helper.data(), "rules", "--needs"};
  for (unsigned i = 0; i < runtime.places.rule_count; ++i) arguments[3 + i] = runtime.places.rule_files[i];
  const int status = run_helper(arguments, -1, static_cast<int>(file));
  const long size = status == 0 ? system_call(SYS_pread64, file, word(text), kMostText - 1, 0) : -1;
  system_close(static_cast<int>(file));
  return size >= 0;
}

}  // namespace

char* ask_rules() noexcept {
  if (!fetch()) return nullptr;
  char* at = text;
  if (begins_with(at, "io\n")) {
    runtime.io_wanted = true;
    at += 3;
  }
  if (begins_with(at, "hold ")) {
    for (at += 5; *at >= '0' && *at <= '9'; ++at) runtime.hold_limit = runtime.hold_limit * 10 + (*at - '0');
    if (*at == '\n') ++at;
  }
  return at;
}

}  // namespace crossdep::runtime
