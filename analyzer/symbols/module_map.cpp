// SPDX-License-Identifier: MIT
//
// See module_map.h.
//
// Threading: a value.  Allocation: the heap.
#include "symbols/module_map.h"

#include <charconv>
#include <string_view>

namespace crossdep::symbols {

std::size_t ModuleMap::find_code(std::uint64_t address) const {
  for (std::size_t i = modules_.size(); i-- > 0;)
    for (const Module::Range& range : modules_[i].ranges)
      if (range.begin <= address && address < range.end) return i;
  return kNowhere;
}

std::string ModuleMap::file_name(std::size_t index) const {
  const std::string& path = modules_[index].path;
  if (path.empty()) return "vdso";
  return path.substr(path.rfind('/') + 1);
}

std::string ModuleMap::label(std::size_t index) const {
  return modules_[index].path == executable_ ? std::string() : file_name(index);
}

bool ModuleMap::is_library(std::size_t index) const {
  if (modules_[index].path.empty()) return true;
  const std::string name = file_name(index);
  for (const std::string_view library :
       {"libc.so", "libc-", "libpthread", "libstdc++", "libc++", "libgcc_s", "libm.so", "libm-", "ld-linux", "ld-", "libcrossdep",
        "libasan", "libtsan", "libubsan", "liblsan", "librt.so", "librt-", "libdl.so", "libdl-"})
    if (name.starts_with(library)) return true;
  return false;
}

Frame ModuleMap::bare_frame(std::uint64_t address, std::size_t index) const {
  Frame frame;
  if (index == kNowhere) {
    frame.offset = address;
    return frame;
  }
  frame.module = file_name(index);   // of the main program too: an offset needs something to be an offset of
  frame.offset = address - modules_[index].bias;
  frame.library = is_library(index);
  return frame;
}

std::string ModuleMap::bare_name(std::uint64_t address, std::size_t index) const {
  return index == kNowhere ? std::string() : with_offset(file_name(index), address - modules_[index].bias);
}

std::string with_offset(const std::string& name, std::uint64_t offset) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, offset, 16).ptr;
  return name + "+0x" + std::string(digits, end);
}

bool is_library_function(const std::string& function) {
  for (const std::string_view prefix : {"std::", "__gnu_cxx::", "__cxxabiv1::", "__gthread_", "__gthrw_", "__libc_start", "__cxa_"})
    if (function.starts_with(prefix)) return true;
  return function == "_start" || function == "_init" || function == "__libc_csu_init";
}

bool is_library_file(const std::string& file) {
  return file.find("/include/c++/") != std::string::npos || file.find("/bits/gthr") != std::string::npos || file.ends_with("/crossdep.h");
}

}  // namespace crossdep::symbols
