// SPDX-License-Identifier: MIT
//
// Names for native recordings: the builder's questions answered by symbols/.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include "reports/graph_builder.h"
#include "symbols/symbolizer.h"

namespace crossdep::reports {

class ModuleResolver final : public FrameResolver {
 public:
  /// `symbolizer` must outlive this.
  explicit ModuleResolver(symbols::Symbolizer& symbolizer) : symbolizer_(symbolizer) {}

  void frames(engine::Site site, std::vector<Frame>& out) override {
    const std::vector<Frame>& found = symbolizer_.frames(site);
    out.insert(out.end(), found.begin(), found.end());
  }
  std::string object_name(std::uint64_t address) override { return symbolizer_.object_name(address); }
  std::string object_file(std::uint64_t address) override { return symbolizer_.object_file(address); }
  std::string function_name(std::uint64_t address) override { return symbolizer_.function_name(address); }

 private:
  symbols::Symbolizer& symbolizer_;
};

}  // namespace crossdep::reports
