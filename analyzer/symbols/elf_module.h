// SPDX-License-Identifier: MIT
//
// One module's ELF and DWARF data, by elfutils: its own Dwfl session at the recorded bias, so that modules which lay at
// the same addresses at different times do not get in each other's way.
//
// Threading: one thread.  Allocation: the heap and elfutils' own.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "symbols/frame.h"
#include "symbols/module.h"
#include "symbols/object_path.h"
#include "symbols/symbol_table.h"

namespace crossdep::symbols {

class ElfModule {
 public:
  explicit ElfModule(const Module& module);

  /// Why nothing can be looked up, empty if it can.
  const std::string& trouble() const { return trouble_; }
  /// The address lies in one of its segments, data included.
  bool covers(std::uint64_t address) const { return begin_ <= address && address < end_; }

  struct SymbolAt {
    std::string name;          // demangled
    std::uint64_t offset = 0, size = 0;
    bool local = false;        // to a source file
    std::uint64_t value = 0;   // link-time address
    int index = 0;             // in the symbol table
  };
  /// The function or object at the address. false if there is no symbol.
  bool symbol(std::uint64_t address, SymbolAt& out) const;

  /// The frames of the instruction before `return_address`: inlined ones, then the function's own. Frames carry
  /// function, offset, size, and, if `lines` are wanted, file, line, column and inlined ones. false if nothing is known but
  /// the module.
  bool frames(std::uint64_t return_address, bool lines, std::vector<Frame>& out) const;

  /// The place in the object that the symbol is of: "[3].mutex" by the debug information, else "+0x28", "" for its begin.
  std::string path_in(const SymbolAt& symbol);

  /// The source file whose local symbol this is; empty if unknown.
  std::string file_of_local(const SymbolAt& symbol) const;

 private:
  struct End {
    void operator()(Dwfl* session) const { dwfl_end(session); }
  };
  std::unique_ptr<Dwfl, End> session_;
  Dwfl_Module* module_ = nullptr;
  mutable std::optional<SymbolTable> symbols_;   // made when first asked
  ObjectPaths paths_;
  std::uint64_t begin_ = 0, end_ = 0;
  std::string trouble_;
};

}  // namespace crossdep::symbols
