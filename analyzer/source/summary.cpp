// SPDX-License-Identifier: MIT
//
// See summary.h.
//
// Threading: values.  Allocation: the heap.
#include "source/summary.h"

#include <algorithm>

#include "source/digest.h"

namespace crossdep::source {
namespace {

std::uint64_t digest_of(const Event& e) {
  Digest out;
  out.add(static_cast<std::uint64_t>(e.what) | static_cast<std::uint64_t>(e.kind) << 8 | static_cast<std::uint64_t>(e.mode) << 16 | static_cast<std::uint64_t>(e.flags) << 24 |
          static_cast<std::uint64_t>(e.threads) << 40 | static_cast<std::uint64_t>(e.may) << 41);
  out.add(static_cast<std::uint64_t>(e.place));
  out.add(e.values);
  for (const Values& one : e.args) out.add(one);
  out.add(e.held);
  out.add(e.history);
  out.add_way(e);
  return out.value();
}

std::uint64_t digest_of(const Summary& summary) {
  Digest out;
  out.add(summary.events.size());
  for (const Event& e : summary.events) out.add(e.digest);
  out.add(summary.required);
  out.add(summary.exits.size());
  for (const Exit& e : summary.exits) {
    out.add(e.acquired);
    out.add_way(e);
    out.add(e.leaves);
    out.add(e.history);
    for (const auto& [cell, stored] : e.stores) out.add(static_cast<std::uint64_t>(cell)), out.add(stored);
    out.add(e.result);
    out.add(static_cast<std::uint64_t>(e.threads) | static_cast<std::uint64_t>(e.let_go) << 8);
  }
  return out.value();
}

bool fixed(const Places& places, PlaceId place) { return place == kNoPlace || places.root(place) != PlaceKind::kParam; }

bool fixed(const Places& places, const Values& values) {
  return std::all_of(values.begin(), values.end(), [&](const Value& v) {
    if (v.kind == Value::Kind::kParameter || v.kind == Value::Kind::kContent) return false;
    return v.kind != Value::Kind::kAddress || fixed(places, static_cast<PlaceId>(v.number));
  });
}

bool fixed(const Places& places, const std::vector<PlaceId>& all) {
  return std::all_of(all.begin(), all.end(), [&](PlaceId place) { return fixed(places, place); });
}

bool fixed(const Places& places, const std::vector<HeldLock>& locks) {
  return std::all_of(locks.begin(), locks.end(), [&](const HeldLock& lock) { return fixed(places, lock.place); });
}

}  // namespace

bool is_closed(const Event& e, const Places& places) {
  return e.what != Event::What::kCallLater && e.assumptions.empty() && e.entry.empty() && fixed(places, e.place) && fixed(places, e.values) && fixed(places, e.held) && fixed(places, e.released) &&
         fixed(places, e.history) && fixed(places, e.live) && fixed(places, e.joined) &&
         std::all_of(e.args.begin(), e.args.end(), [&](const Values& one) { return fixed(places, one); });
}

void finish(Summary& summary) {
  for (Event& e : summary.events) e.digest = digest_of(e);
  summary.digest = digest_of(summary);
}

}  // namespace crossdep::source
