// SPDX-License-Identifier: MIT
//
// Which file was mapped where, and when. Modules come and go (dlclose) and a later one may lie where an earlier one lay,
// so a look-up takes a time: a value of the process's clock (Journal::tick). Unloaded modules stay known: addresses
// recorded while they were there are resolved long after.
//
// Threading: one thread.  Allocation: the heap; proportional to the module records in the file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace crossdep::traces {

struct Module {
  struct Range {
    std::uint64_t begin = 0, end = 0;      // addresses
    std::uint64_t file_offset = 0;
  };
  static constexpr std::uint64_t kStillLoaded = std::numeric_limits<std::uint64_t>::max();

  std::uint32_t serial = 0;                // position in load order
  std::string path;                        // empty: the vDSO
  std::string build_id;                    // raw bytes, empty if it has none
  std::uint64_t bias = 0;                  // address - link-time address
  std::vector<Range> ranges;               // executable ones
  std::uint64_t loaded = 0;                // clock
  std::uint64_t unloaded = kStillLoaded;
};

class ModuleTable {
 public:
  void add(Module module) {
    const auto index = static_cast<std::uint32_t>(modules_.size());
    by_serial_[module.serial] = index;
    for (const Module::Range& range : module.ranges) {
      by_end_.emplace(range.end, index);
      longest_ = std::max(longest_, range.end - range.begin);
    }
    modules_.push_back(std::move(module));
  }

  void unload(std::uint32_t serial, std::uint64_t time) {
    const auto at = by_serial_.find(serial);
    if (at != by_serial_.end()) modules_[at->second].unloaded = time;
  }

  /// The module that covered `address` at `time`; failing that the last one that ever did. nullptr: none.
  const Module* find(std::uint64_t address, std::uint64_t time = Module::kStillLoaded) const {
    const Module* best = nullptr;
    const auto better = [&](const Module& candidate) {
      if (best == nullptr) return true;
      const bool was = best->loaded <= time && time <= best->unloaded;
      const bool is = candidate.loaded <= time && time <= candidate.unloaded;
      return is != was ? is : candidate.serial > best->serial;
    };
    for (auto at = by_end_.upper_bound(address); at != by_end_.end(); ++at) {
      const Module& candidate = modules_[at->second];
      bool covers = false;
      for (const Module::Range& range : candidate.ranges)
        covers |= range.end == at->first && range.begin <= address && address < range.end;
      if (covers && better(candidate)) best = &candidate;
      if (at->first - address > longest_) break;   // further ends belong to ranges that begin behind it
    }
    return best;
  }

  const std::vector<Module>& all() const { return modules_; }

 private:
  std::vector<Module> modules_;
  std::unordered_map<std::uint32_t, std::uint32_t> by_serial_;
  std::multimap<std::uint64_t, std::uint32_t> by_end_;
  std::uint64_t longest_ = 0;
};

}  // namespace crossdep::traces
