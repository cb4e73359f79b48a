// SPDX-License-Identifier: MIT
//
// symbolizer.h by elfutils (elf_module.h): finds the module, opens it on first use, marks what is a library's.
//
// Threading: one thread.  Allocation: the heap.
#include "symbols/elf_module.h"
#include "symbols/module_map.h"
#include "symbols/symbolizer.h"

namespace crossdep::symbols {

class Symbolizer::Impl {
 public:
  Impl(std::vector<Module> modules, std::string executable, std::function<void(const std::string&)> note)
      : map_(std::move(modules), std::move(executable)), note_(std::move(note)), opened_(map_.size()) {}

  std::vector<Frame> frames(std::uint64_t return_address) {
    std::vector<Frame> out;
    const std::size_t index = map_.find_code(return_address - 1);
    // Nobody looks for lines of the C library, whose debug data takes longer to unpack than a small program to run.
    const bool library = index != ModuleMap::kNowhere && map_.is_library(index);
    if (index == ModuleMap::kNowhere || !open(index).frames(return_address, !library, out)) {
      out.assign(1, map_.bare_frame(return_address, index));
      return out;
    }
    const std::string label = map_.label(index);
    for (Frame& frame : out) {
      frame.module = frame.function.empty() ? map_.file_name(index) : label;
      if (frame.function.empty()) frame.offset = return_address - map_[index].bias;
      frame.library = library || is_library_function(frame.function) || (frame.inlined && is_library_file(frame.file));
    }
    return out;
  }

  // The module whose segments hold the address: data lies outside the executable ranges, only the file tells.
  std::size_t find_any(std::uint64_t address) {
    const std::size_t code = map_.find_code(address);
    if (code != ModuleMap::kNowhere) return code;
    for (std::size_t i = map_.size(); i-- > 0;)
      if (open(i).covers(address)) return i;
    return ModuleMap::kNowhere;
  }

  bool symbol(std::uint64_t address, std::size_t& index, ElfModule::SymbolAt& out) {
    index = find_any(address);
    return index != ModuleMap::kNowhere && open(index).symbol(address, out);
  }

  std::string path_in(std::size_t index, const ElfModule::SymbolAt& symbol) { return open(index).path_in(symbol); }

  const ModuleMap& map() const { return map_; }

  std::string object_file(std::uint64_t address) {
    std::size_t index = 0;
    ElfModule::SymbolAt found;
    if (!symbol(address, index, found)) return {};
    const std::string file = found.local ? open(index).file_of_local(found) : std::string();
    return file.empty() ? map_.file_name(index) : file;
  }

 private:
  ElfModule& open(std::size_t index) {
    std::unique_ptr<ElfModule>& module = opened_[index];
    if (module) return *module;
    module = std::make_unique<ElfModule>(map_[index]);
    if (!module->trouble().empty() && !map_[index].path.empty() && note_) note_(module->trouble());
    return *module;
  }

  ModuleMap map_;
  std::function<void(const std::string&)> note_;
  std::vector<std::unique_ptr<ElfModule>> opened_;
};

Symbolizer::Symbolizer(std::vector<Module> modules, std::string executable, std::function<void(const std::string&)> note)
    : impl_(std::make_unique<Impl>(std::move(modules), std::move(executable), std::move(note))) {}
Symbolizer::~Symbolizer() = default;

const std::vector<Frame>& Symbolizer::frames(std::uint64_t return_address) {
  const auto [at, fresh] = cache_.try_emplace(return_address);
  if (fresh) at->second = impl_->frames(return_address);
  return at->second;
}

std::string Symbolizer::function_name(std::uint64_t address) {
  std::size_t index = 0;
  ElfModule::SymbolAt found;
  return impl_->symbol(address, index, found) ? found.name : impl_->map().bare_name(address, index);
}

std::string Symbolizer::object_name(std::uint64_t address) {
  std::size_t index = 0;
  ElfModule::SymbolAt found;
  if (!impl_->symbol(address, index, found)) return impl_->map().bare_name(address, index);
  return found.name + impl_->path_in(index, found);
}

std::string Symbolizer::object_file(std::uint64_t address) { return impl_->object_file(address); }
bool Symbolizer::available() { return true; }

}  // namespace crossdep::symbols
