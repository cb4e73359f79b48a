// SPDX-License-Identifier: MIT
//
// See freshness.h.
//
// Threading: none.  Allocation: the heap.
#include "source/freshness.h"

#include <algorithm>

namespace crossdep::source {
namespace {

template <typename T>
void make_set(std::vector<T>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  all.shrink_to_fit();
}

}  // namespace

void Freshness::begin(FunctionId id) {
  making_ = id;
  of(id).at = ++time_;
  now_ = {};
}

void Freshness::end(const Summary& summary) {
  Made& made = of(making_);
  // Later than its beginning: what calls itself is stale then.
  if (made.changed == 0 || made.variants || summary.digest != made.digest) made.changed = ++time_;
  made.digest = summary.digest;
  make_set(now_.summaries);
  make_set(now_.places);
  made.from = std::move(now_);
  making_ = -1;
}

void Freshness::place_changed(PlaceId place) {
  const auto at = static_cast<std::size_t>(place);
  if (at >= places_.size()) places_.resize(std::max(at + 1, 2 * places_.size()));
  places_[at] = ++time_;
}

bool Freshness::stale(FunctionId id) const {
  const Made& made = of(id);
  if (made.at == 0) return true;
  return std::any_of(made.from.summaries.begin(), made.from.summaries.end(), [&](FunctionId from) { return of(from).changed > made.at; }) ||
         std::any_of(made.from.places.begin(), made.from.places.end(), [&](PlaceId place) {
           const auto at = static_cast<std::size_t>(place);
           return at < places_.size() && places_[at] > made.at;
         });
}

}  // namespace crossdep::source
