// SPDX-License-Identifier: MIT
//
// See contradiction.h. Of each name the sets of kinds that single graphs have are kept, each once: two graphs contradict
// each other if their sets have nothing in common.
//
// Threading: none of its own.  Allocation: the heap.
#include "reports/contradiction.h"

#include <algorithm>

#include "reports/format.h"
#include "reports/names.h"

namespace crossdep::reports {
namespace {

std::string kinds_in(std::uint32_t mask) {
  std::string out;
  for (unsigned i = 0; i < engine::kKindCount; ++i)
    if ((mask >> i & 1) != 0) out += (out.empty() ? "" : " and ") + std::string(word(static_cast<engine::Kind>(i)));
  return out;
}

std::string waits(std::uint8_t outer, std::uint8_t inner) { return std::to_string(outer) + ":" + std::to_string(inner); }

}  // namespace

bool ContradictionCheck::add(const Graph& graph, const std::string& name, std::string& cause) {
  const auto fail = [&](const std::string& shown, const std::string& here, const std::string& there, const std::string& other) {
    cause = name + ": class \"" + printable(shown) + "\" " + here + " here and " + there + " in " + other + "; these graphs contradict each other";
    return false;
  };
  std::map<std::tuple<std::string, std::uint8_t, bool>, std::uint32_t> own;
  for (const Class& c : graph.classes) {
    const std::string shown = display_name(c.base, c.subclass);
    if (c.key_kind == engine::ClassKey::kNamed)
      own[{c.base, c.subclass, engine::is_crosslock(c.kind)}] |= 1u << static_cast<unsigned>(c.kind);
    if (c.wait_outer != 0 || c.wait_inner != 0) {
      const auto [at, fresh] = waits_.try_emplace({c.base, c.subclass, c.kind}, Wait{c.wait_outer, c.wait_inner, name});
      if (!fresh && (at->second.outer != c.wait_outer || at->second.inner != c.wait_inner))
        return fail(shown, "has wait type " + waits(c.wait_outer, c.wait_inner), waits(at->second.outer, at->second.inner), at->second.graph);
    }
    const auto [at, fresh] = spellings_.try_emplace({shown, c.kind}, Spelling{c.base, c.subclass, name});
    if (!fresh && (at->second.base != c.base || at->second.subclass != c.subclass))
      return fail(shown, "is subclass " + std::to_string(c.subclass) + " of \"" + printable(c.base) + "\"",
                  "subclass " + std::to_string(at->second.subclass) + " of \"" + printable(at->second.base) + "\"", at->second.graph);
  }
  for (const auto& [key, mask] : own) {
    std::vector<Kinds>& known = kinds_[key];
    for (const Kinds& other : known)
      if ((other.mask & mask) == 0) return fail(display_name(std::get<0>(key), std::get<1>(key)), "is a " + kinds_in(mask), "a " + kinds_in(other.mask), other.graph);
    if (std::none_of(known.begin(), known.end(), [m = mask](const Kinds& k) { return k.mask == m; })) known.push_back({mask, name});
  }
  return true;
}

}  // namespace crossdep::reports
