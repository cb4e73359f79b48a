// SPDX-License-Identifier: MIT
//
// Which module an address lies in, and what is known of it without looking into its file.
//
// Threading: a value.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "symbols/frame.h"
#include "symbols/module.h"

namespace crossdep::symbols {

class ModuleMap {
 public:
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  ModuleMap(std::vector<Module> modules, std::string executable)
      : modules_(std::move(modules)), executable_(std::move(executable)) {}

  std::size_t size() const { return modules_.size(); }
  const Module& operator[](std::size_t index) const { return modules_[index]; }

  /// The last module one of whose executable ranges holds the address; kNowhere if none does.
  std::size_t find_code(std::uint64_t address) const;
  /// What its frames are marked with: empty for the main program, else the file's name.
  std::string label(std::size_t index) const;
  /// The file's name, "vdso" for none.
  std::string file_name(std::size_t index) const;
  /// Of the C or C++ library, the loader, a sanitizer or crossdep: nothing a user wrote.
  bool is_library(std::size_t index) const;
  /// "module+0xoffset", or the bare address.
  Frame bare_frame(std::uint64_t address, std::size_t index) const;
  /// "module+0xoffset"; empty for kNowhere.
  std::string bare_name(std::uint64_t address, std::size_t index) const;

 private:
  std::vector<Module> modules_;
  std::string executable_;
};

/// "name+0x18"
std::string with_offset(const std::string& name, std::uint64_t offset);
/// A function of the C++ library or of the start-up code, wherever it was compiled into.
bool is_library_function(const std::string& function);
/// A header of the C++ library, or of the annotations.
bool is_library_file(const std::string& file);

}  // namespace crossdep::symbols
