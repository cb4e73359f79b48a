// SPDX-License-Identifier: MIT
//
// See declared_orders.h. Each pair becomes an order rule of two exact names; a lock inside a declared object (a mutex class
// of the program's own) counts as that object. What is declared of two members holds in each object that has a class of its
// own, between that object's two.
//
// Threading: none.  Allocation: the heap.
#include "source/declared_orders.h"

#include <filesystem>
#include <set>

#include "rules/declared_order.h"
#include "rules/evaluate.h"

namespace crossdep::source {

void declare_orders(Program& program, reports::Graph& graph) {
  Places& places = program.places();
  const auto place_of = [&](const Declared::End& end) {
    if (!end.symbol.empty()) return places.intern({PlaceKind::kGlobal, kNoPlace, program.symbol(end.symbol), -1, -1});
    const std::int32_t record = places.text(end.record);
    return places.member(places.of_type(record), places.text(end.member), record);
  };
  // The names of the two, in each object there is.
  const auto pairs_of = [&](const Declared& d) {
    std::set<std::pair<std::string, std::string>> out{{program.class_name(place_of(d.first)), program.class_name(place_of(d.then))}};
    if (!d.first.symbol.empty() || !d.then.symbol.empty() || d.first.record != d.then.record) return out;
    const std::int32_t record = places.text(d.first.record), first = places.text(d.first.member), then = places.text(d.then.member);
    for (PlaceId id = 0, end = places.size(); id < end; ++id) {
      const Place place = places.at(id);
      if (place.kind != PlaceKind::kMember || place.record != record || (place.number != first && place.number != then)) continue;
      out.emplace(program.class_name(places.member(place.parent, first, record)), program.class_name(places.member(place.parent, then, record)));
    }
    return out;
  };
  const auto patterns = [](const std::string& name) { return rules::Patterns{"^" + name + "$", "^" + name + ".*"}; };
  std::vector<rules::OrderRule> orders;
  std::vector<reports::Index> sites;
  for (const Declared& d : program.declared()) {
    const std::string& file = program.files()[d.site.file];
    const auto pairs = pairs_of(d);
    for (const auto& [first, then] : pairs) {
      rules::OrderRule rule;
      rule.place = std::filesystem::path(file).filename().string() + ":" + std::to_string(d.site.line);
      rule.reason = "declared there";
      rule.classes = {patterns(first), patterns(then)};
      orders.push_back(std::move(rule));
    }
    reports::Frame frame;
    frame.file = file;
    frame.line = d.site.line;
    frame.column = d.site.column;
    graph.frames.push_back(std::move(frame));
    graph.stacks.push_back({static_cast<reports::Index>(graph.frames.size() - 1)});
    sites.insert(sites.end(), pairs.size(), static_cast<reports::Index>(graph.stacks.size() - 1));
  }
  rules::judge_orders(orders, graph);
  for (reports::Dependency& d : graph.dependencies) {
    if (d.modes.size() != 1 || d.modes[0].origin != engine::Origin::kDeclared) continue;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      const std::vector<int> at = rules::positions_of(orders[i], graph);
      if (at[d.from] != 0 || at[d.to] != 1) continue;
      reports::Witness w;
      w.run = 0;
      w.origin = engine::Origin::kDeclared;
      w.to_site = sites[i];
      d.runs = {0};
      d.witnesses.push_back(std::move(w));
      break;
    }
  }
}

}  // namespace crossdep::source
