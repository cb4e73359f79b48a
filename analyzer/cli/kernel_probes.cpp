// SPDX-License-Identifier: MIT
//
// `crossdep kernel-probes`: the probe definitions for a recording that tells lock classes, completions, semaphores and wait
// queues; written to tracefs' dynamic_events (examples/kernel shows how).
//
// Threading: one thread.  Allocation: the heap.
#include "traces/kernel_probes.h"

#include <sys/utsname.h>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/output.h"

namespace crossdep::cli {
namespace {

struct Request {
  std::string arch;
  bool registers = false;
};

int kernel_probes(const Request& request) {
  std::string arch = request.arch;
  if (arch.empty()) {
    utsname machine{};
    if (::uname(&machine) == 0) arch = machine.machine;
  }
  if (!traces::kernel_probes_know(arch)) {
    error("no probes are known for the architecture '" + arch + "', only for " + std::string(traces::kernel_probe_archs()));
    hint("--arch names another one; trace-cmd and perf record the stock lock events everywhere");
    return kUnusable;
  }
  return write_text("-", traces::kernel_probes(arch, request.registers)) ? kQuiet : kUnusable;
}

}  // namespace

void add_kernel_probes(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("kernel-probes", "Print the kernel probes that tell what the stock tracepoints lack");
  auto request = std::make_shared<Request>();
  command->add_option("--arch", request->arch, "Of the kernel to be recorded, default this machine's: " + std::string(traces::kernel_probe_archs()))
      ->type_name("ARCH");
  command->add_flag("--registers", request->registers, "Name arguments by register, for kernels before 4.20");
  command->footer(
      "Each line goes to /sys/kernel/tracing/dynamic_events (older kernels: kprobe_events), by itself, as root: a kernel may lack\n"
      "some of the functions. lock_acquire needs CONFIG_LOCKDEP; the waits work on any kernel with CONFIG_KPROBE_EVENTS.\n"
      "examples/kernel/record does it all. Exit status: 0 printed; 2 usage, or no such architecture.");
  command->callback([request, &action] { action = [request] { return kernel_probes(*request); }; });
}

}  // namespace crossdep::cli
