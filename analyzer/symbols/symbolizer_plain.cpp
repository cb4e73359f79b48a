// SPDX-License-Identifier: MIT
//
// symbolizer.h without elfutils: every address is an offset into its module.
//
// Threading: one thread.  Allocation: the heap.
#include "symbols/module_map.h"
#include "symbols/symbolizer.h"

namespace crossdep::symbols {

class Symbolizer::Impl {
 public:
  Impl(std::vector<Module> modules, std::string executable) : map_(std::move(modules), std::move(executable)) {}
  ModuleMap map_;
};

Symbolizer::Symbolizer(std::vector<Module> modules, std::string executable, std::function<void(const std::string&)>)
    : impl_(std::make_unique<Impl>(std::move(modules), std::move(executable))) {}
Symbolizer::~Symbolizer() = default;

const std::vector<Frame>& Symbolizer::frames(std::uint64_t return_address) {
  const auto [at, fresh] = cache_.try_emplace(return_address);
  if (fresh) at->second.push_back(impl_->map_.bare_frame(return_address, impl_->map_.find_code(return_address - 1)));
  return at->second;
}

std::string Symbolizer::function_name(std::uint64_t address) {
  return impl_->map_.bare_name(address, impl_->map_.find_code(address));
}
std::string Symbolizer::object_name(std::uint64_t address) {
  return impl_->map_.bare_name(address, impl_->map_.find_code(address));
}
std::string Symbolizer::object_file(std::uint64_t) { return {}; }
bool Symbolizer::available() { return false; }

}  // namespace crossdep::symbols
