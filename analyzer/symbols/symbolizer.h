// SPDX-License-Identifier: MIT
//
// Addresses of a recorded process -> functions, source lines (inlined calls too) and static objects, from the ELF and
// DWARF data of its modules and of separate debug files on this machine (/usr/lib/debug/.build-id, .gnu_debuglink). The
// network is never asked. By elfutils; built without it, everything is "module+0xoffset" (symbolizer_plain.cpp).
//
// A file that is not the one recorded (its build-id differs), or that cannot be read, is said once and yields offsets.
//
// Threading: one thread.  Allocation: the heap; modules are opened when an address lies in them, answers are cached.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "symbols/frame.h"
#include "symbols/module.h"

namespace crossdep::symbols {

class Symbolizer {
 public:
  /// `modules` in load order: where two overlap, the later one counts. `executable` is the main program's path. `note`
  /// gets one line for each file that cannot be used.
  Symbolizer(std::vector<Module> modules, std::string executable, std::function<void(const std::string&)> note);
  ~Symbolizer();
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;

  /// The frames at a return address (the call is before it), innermost first; at least one.
  const std::vector<Frame>& frames(std::uint64_t return_address);
  /// The function that contains this address, "module+0xoffset" if it has no symbol; empty if it lies in no module.
  std::string function_name(std::uint64_t address);
  /// "symbol", "symbol+0x18" inside a larger object, "module+0xoffset" without a symbol; empty if it lies in no module.
  std::string object_name(std::uint64_t address);
  /// What tells a static object from one of the same name: its source file if it is local to it, else its module.
  std::string object_file(std::uint64_t address);

  /// False if this build cannot do more than offsets.
  static bool available();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  std::unordered_map<std::uint64_t, std::vector<Frame>> cache_;
};

}  // namespace crossdep::symbols
