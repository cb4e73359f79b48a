// SPDX-License-Identifier: MIT
//
// See kernel_probes.h.
#include "traces/kernel_probes.h"

namespace crossdep::traces {
namespace {

// @1 ... @7 stand for the arguments. struct lockdep_map begins with key, class_cache[2], name.
struct Probe {
  const char* name;
  const char* function;
  const char* fields;
  bool returns;            // a return probe too, called NAME_ret
};
constexpr Probe kProbes[] = {
    // lock_acquire(map, subclass, trylock, read, check, nest_lock, ip)
    {"lock_acquire_args", "lock_acquire",
     "map=@1:x64 key=+0(@1):x64 name=+0(+24(@1)):string sub=@2:u32 try=@3:u32 read=@4:u32 check=@5:u32 nest=@6:x64 ip=@7:symbol", false},
    // lock_sync(map, subclass, read, check, nest_lock, ip), since 6.4
    {"lock_sync", "lock_sync",
     "map=@1:x64 key=+0(@1):x64 name=+0(+24(@1)):string sub=@2:u32 read=@3:u32 check=@4:u32 nest=@5:x64 ip=@6:symbol", false},
    {"lock_release_args", "lock_release", "map=@1:x64 ip=@2:symbol", false},
    {"lock_downgrade", "lock_downgrade", "map=@1:x64 ip=@2:symbol", false},
    {"init_completion", "__init_swait_queue_head", "q=@1:x64 name=+0(@2):string key=@3:x64", false},
    {"wait_for_completion", "wait_for_completion", "x=@1:x64", true},
    {"wait_for_completion_timeout", "wait_for_completion_timeout", "x=@1:x64", true},
    {"wait_for_completion_io", "wait_for_completion_io", "x=@1:x64", true},
    {"wait_for_completion_io_timeout", "wait_for_completion_io_timeout", "x=@1:x64", true},
    {"wait_for_completion_interruptible", "wait_for_completion_interruptible", "x=@1:x64", true},
    {"wait_for_completion_interruptible_timeout", "wait_for_completion_interruptible_timeout", "x=@1:x64", true},
    {"wait_for_completion_killable", "wait_for_completion_killable", "x=@1:x64", true},
    {"wait_for_completion_killable_timeout", "wait_for_completion_killable_timeout", "x=@1:x64", true},
    {"try_wait_for_completion", "try_wait_for_completion", "x=@1:x64", true},
    {"complete", "complete", "x=@1:x64", false},
    {"complete_all", "complete_all", "x=@1:x64", false},
    {"synchronize_srcu", "synchronize_srcu", "ssp=@1:x64", true},
    {"synchronize_srcu_expedited", "synchronize_srcu_expedited", "ssp=@1:x64", true},
    {"synchronize_rcu", "synchronize_rcu", "", false},
    {"synchronize_rcu_expedited", "synchronize_rcu_expedited", "", false},
    {"down", "down", "sem=@1:x64", true},
    {"down_interruptible", "down_interruptible", "sem=@1:x64", true},
    {"down_killable", "down_killable", "sem=@1:x64", true},
    {"down_timeout", "down_timeout", "sem=@1:x64", true},
    {"down_trylock", "down_trylock", "sem=@1:x64", true},
    {"up", "up", "sem=@1:x64", false},
    {"prepare_to_wait", "prepare_to_wait", "wq=@1:x64", false},
    {"prepare_to_wait_exclusive", "prepare_to_wait_exclusive", "wq=@1:x64", false},
    {"prepare_to_wait_event", "prepare_to_wait_event", "wq=@1:x64", false},
    {"finish_wait", "finish_wait", "wq=@1:x64", false},
    {"wake_up", "__wake_up", "wq=@1:x64 mode=@2:x32 nr=@3:x32", false},
};

struct Arch {
  std::string_view name, other_name;
  const char* arguments[7];   // at the entry of a function
};
constexpr Arch kArchs[] = {
    {"x86_64", "amd64", {"%di", "%si", "%dx", "%cx", "%r8", "%r9", "$stack1"}},
    {"arm64", "aarch64", {"%x0", "%x1", "%x2", "%x3", "%x4", "%x5", "%x6"}},
};

const Arch* find(std::string_view name) {
  for (const Arch& arch : kArchs)
    if (arch.name == name || arch.other_name == name) return &arch;
  return nullptr;
}

}  // namespace

bool kernel_probes_know(std::string_view arch) { return find(arch) != nullptr; }

std::string_view kernel_probe_archs() { return "x86_64 (amd64), arm64 (aarch64)"; }

std::string kernel_probes(std::string_view name, bool registers) {
  const Arch* const arch = find(name);
  std::string out;
  if (arch == nullptr) return out;
  for (const Probe& probe : kProbes) {
    out.append("p:crossdep/").append(probe.name).append(" ").append(probe.function).append(" ");
    for (const char* at = probe.fields; *at != 0; ++at) {
      if (*at != '@') {
        out.push_back(*at);
        continue;
      }
      ++at;
      if (registers) out.append(arch->arguments[*at - '1']);
      else out.append("$arg").push_back(*at);
    }
    out.append("\n");
    if (probe.returns) out.append("r:crossdep/").append(probe.name).append("_ret ").append(probe.function).append(" ret=$retval:x64\n");
  }
  return out;
}

}  // namespace crossdep::traces
