// SPDX-License-Identifier: MIT
//
// Names for inputs that already speak in words: text traces and kernel traces, whose Sites are numbers of interned
// strings. Understood are FILE:LINE, FILE:LINE:COLUMN, SYM, SYM+0xOFF, SYM+0xOFF/0xLEN, each with an optional [module], a
// (FILE:LINE) and an [inline] behind it, in this order; anything else is taken as a function's name.
//
// Threading: none of its own.  Allocation: the heap.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/graph_builder.h"

namespace crossdep::reports {

/// Reads one place as described above.
Frame parse_site(std::string_view text);

class SiteTextResolver final : public FrameResolver {
 public:
  /// `text_of` gives the string behind a Site, empty if there is none.
  explicit SiteTextResolver(std::function<std::string_view(engine::Site)> text_of) : text_of_(std::move(text_of)) {}

  void frames(engine::Site site, std::vector<Frame>& out) override;
  std::string object_name(std::uint64_t) override { return {}; }
  std::string object_file(std::uint64_t) override { return {}; }
  std::string function_name(std::uint64_t address) override;

 private:
  std::function<std::string_view(engine::Site)> text_of_;
};

}  // namespace crossdep::reports
