// SPDX-License-Identifier: MIT
//
// Which symbol an address belongs to. elfutils has that as dwfl_module_addrinfo(), which looks at every symbol for every
// address: a second and more for a process of a compiler, whose library has a hundred thousand of them. Here they are
// sorted once. The choice is elfutils' own: a global symbol that covers the address before a local one; the one that
// begins nearest; of those the stronger binding, then the smaller; where none covers it, a label without a size in the same
// section, if no symbol that ends above the label lies below the address.
//
// Threading: a value; find() is const.  Allocation: 32 bytes a symbol.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crossdep::symbols {

class SymbolTable {
 public:
  /// The module must outlive it.
  explicit SymbolTable(Dwfl_Module* module);

  struct Found {
    const char* name;          // as in the file; lives as long as the module
    std::uint64_t offset;      // of the address in it
    GElf_Sym symbol;
    int index;                 // elfutils' own
  };
  /// false: there is none.
  bool find(std::uint64_t address, Found& out) const;
  /// The source file that the local symbol with this index is of; empty if unknown.
  const char* file_of_local(int index) const;

 private:
  struct Entry {
    std::uint64_t begin, end;  // end is begin for one without a size
    std::uint64_t highest;     // end of any entry up to this one
    int index;                 // elfutils' own
    int binding;               // lower is stronger
  };
  const Entry* covering(const std::vector<Entry>& entries, std::uint64_t address) const;
  static void arrange(std::vector<Entry>& entries);

  Dwfl_Module* module_;
  std::vector<Entry> global_, local_;   // with a size; by begin
  std::vector<Entry> labels_;           // without
  struct File {
    int index;
    const char* name;
  };
  std::vector<File> files_;             // a file's local symbols follow the symbol that names it
};

}  // namespace crossdep::symbols
