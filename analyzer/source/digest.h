// SPDX-License-Identifier: MIT
//
// One number for what summaries and states are made of, without call chains: equal parts have equal numbers, and in 64 bits
// others hardly ever do. Of use within one run only.
//
// Threading: values.  Allocation: none.
#pragma once

#include <cstdint>
#include <vector>

#include "source/summary.h"

namespace crossdep::source {

class Digest {
 public:
  void add(std::uint64_t part) {
    hash_ = (hash_ ^ part) * 0x9e3779b97f4a7c15u;
    hash_ ^= hash_ >> 29;
  }
  void add(const Values& values) {
    add(values.size());
    for (const Value& v : values) add(static_cast<std::uint64_t>(v.kind)), add(static_cast<std::uint64_t>(v.number));
  }
  void add(const std::vector<PlaceId>& places) {
    add(places.size());
    for (const PlaceId place : places) add(static_cast<std::uint64_t>(place));
  }
  void add(const std::vector<HeldLock>& locks) {
    add(locks.size());
    for (const HeldLock& lock : locks) {
      add(static_cast<std::uint64_t>(lock.place));
      add(static_cast<std::uint64_t>(lock.mode) | static_cast<std::uint64_t>(lock.kind) << 8 | static_cast<std::uint64_t>(lock.count) << 16 |
          static_cast<std::uint64_t>(lock.may) << 32 | static_cast<std::uint64_t>(lock.ordered + 1) << 40);
    }
  }
  void add(const Assumption& a) {
    add(static_cast<std::uint64_t>(a.parameter));
    add(static_cast<std::uint64_t>(a.number));
    add(static_cast<std::uint64_t>(a.mask));
    add(std::uint64_t{a.equal});
  }
  void add(const std::vector<Assumption>& all) {
    add(all.size());
    for (const Assumption& a : all) add(a);
  }
  void add(const std::vector<Fact>& all) {
    add(all.size());
    for (const Fact& fact : all) add(static_cast<std::uint64_t>(fact.cell)), add(fact.is);
  }
  /// What events, ways out and states have in common of the way that leads there.
  template <typename Way>
  void add_way(const Way& way) {
    add(way.released);
    add(way.assumptions);
    add(way.entry);
    add(way.live);
    add(way.joined);
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0x243f6a8885a308d3u;   // not 0: leading zeros count, too
};

}  // namespace crossdep::source
