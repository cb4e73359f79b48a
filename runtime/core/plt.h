// SPDX-License-Identifier: MIT
//
// Calls that leave a module go through its table of symbol addresses (the global offset table); whoever writes there
// comes in between. For functions whose names are known only at run time: those a rule file names.
//
// The format: System V ABI, AMD64 supplement, "Relocation Types" (JUMP_SLOT, GLOB_DAT); tables that the loader has made
// read-only after relocation (PT_GNU_RELRO) are opened for the write and closed again.
//
// Threading: one thread at a time; others may be calling through the table meanwhile.  Allocation: none.
#pragma once

namespace crossdep::runtime {

/// What the entry of function `name` is to hold; `now` is what it holds, or nullptr while the loader has not bound it.
/// nullptr: leave it.
using Replace = void* (*)(const char* name, void* now);

/// Goes through the tables of all modules but ours and the loader; answers how many entries were replaced.
unsigned replace_calls(Replace replace) noexcept;

}  // namespace crossdep::runtime
