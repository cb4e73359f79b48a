// SPDX-License-Identifier: MIT
//
// Which module (program or shared library) an address lies in, and announcing that module in the journal before the
// address is used there. Asks glibc's _dl_find_object for every address - lock-free and async-signal-safe, where
// dl_iterate_phdr would take the loader's lock under ours - and remembers what it has announced. A module loaded where
// another one lay before is noticed by its link_map.
//
// Threading: announce(), forget_unloaded() with the engine's Serialiser held (or alone); the others from any thread.
// Allocation: Memory, one record a module.
#pragma once

#include <cstdint>

#include "record/journal.h"

struct link_map;

namespace crossdep::runtime {

class Modules {
 public:
  /// The journal's next module is number 0 and none is announced: at start, and in a fork child.
  void restart() noexcept;
  /// All modules there are now: at start, while nobody loads any.
  void announce_all(record::Journal& journal) noexcept;
  /// The module `address` lies in, if any, unless that is known already.
  void announce(std::uint64_t address, record::Journal& journal) noexcept;

  /// Calls gone(begin, end) for every announced module that is not there any more, and forgets it.
  template <typename Gone>
  void forget_unloaded(record::Journal& journal, Gone gone) noexcept {
    for (Known** at = &known_; *at != nullptr;) {
      Known* known = *at;
      if (is_loaded(*known)) {
        at = &known->next;
        continue;
      }
      journal.module_unloaded(known->serial);
      *at = known->next;
      gone(known->begin, known->end);
      drop(known);
    }
  }

  /// In the data of a module: an object with a static lifetime. `module` tells modules apart that were loaded to the same
  /// place one after the other (a hash of the path).
  bool is_static_object(std::uint64_t address, std::uint32_t& module) const noexcept;
  /// In libcrossdep.so itself.
  bool is_own(std::uint64_t address) const noexcept;
  /// In a C++ standard library: a wrapper's frame, not the user's.
  bool is_cxx_library(std::uint64_t address) const noexcept;
  /// Path of the module that `address` lies in; "" if unknown or the main program.
  const char* path_of(std::uint64_t address) const noexcept;

 private:
  struct Known {
    std::uint64_t begin, end;
    const link_map* map;
    std::uint32_t serial;
    Known* next;
  };
  static bool is_loaded(const Known&) noexcept;
  static void drop(Known*) noexcept;

  Known* known_ = nullptr;
  std::uint32_t next_serial_ = 0;
};

extern Modules modules;

}  // namespace crossdep::runtime
