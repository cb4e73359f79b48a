// SPDX-License-Identifier: MIT
//
// The few facts of an ELF program that decide how it is started: its loader, its needed libraries. Headers only; every
// offset is checked against the file, so a damaged file is "not ELF", never a crash.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

namespace crossdep::cli {

struct ElfFacts {
  bool is_elf = false;
  bool native = false;                 // this machine's class and architecture
  std::string interpreter;             // the dynamic loader, empty for a static program
  std::string soname;                  // the loader itself has one and no interpreter
  std::vector<std::string> needed;     // DT_NEEDED
};

ElfFacts read_elf(const std::string& path);

}  // namespace crossdep::cli
