// SPDX-License-Identifier: MIT
//
// What lies at an offset in a static object, in the words of its source: "[3].mutex". From the object's type in the debug
// information (DWARF 2 to 5), which is looked for once a module, at the first question.
//
// Threading: one thread.  Allocation: the heap and elfutils' own.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace crossdep::symbols {

class ObjectPaths {
 public:
  /// The path from the object at link-time address `object` to what lies `offset` bytes in: elements, then members, until
  /// one begins there. "" for the object itself; nothing where the debug information does not know.
  std::optional<std::string> path(Dwarf* debug, std::uint64_t object, std::uint64_t offset);

 private:
  void read(Dwarf* debug);
  void read_children(Dwarf_Die* parent);
  void read_variable(Dwarf_Die* die);

  bool read_ = false;
  std::unordered_map<std::uint64_t, Dwarf_Die> types_;   // of the variables, by link-time address
};

}  // namespace crossdep::symbols
