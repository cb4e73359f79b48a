// SPDX-License-Identifier: MIT
//
// See declared_orders.h. Each pair becomes an order rule of two exact names; a lock inside a declared object (a mutex class
// of the program's own) counts as that object.
//
// Threading: none.  Allocation: the heap.
#include "source/declared_orders.h"

#include <filesystem>

#include "rules/declared_order.h"
#include "rules/evaluate.h"

namespace crossdep::source {

void declare_orders(Program& program, reports::Graph& graph) {
  Places& places = program.places();
  const auto patterns = [&](const Declared::End& end) {
    PlaceId place;
    if (end.symbol.empty()) {
      const std::int32_t record = places.text(end.record);
      place = places.member(places.of_type(record), places.text(end.member), record);
    } else {
      place = places.intern({PlaceKind::kGlobal, kNoPlace, program.symbol(end.symbol), -1, -1});
    }
    const std::string name = program.class_name(place);
    return rules::Patterns{"^" + name + "$", "^" + name + ".*"};
  };
  std::vector<rules::OrderRule> orders;
  std::vector<reports::Index> sites;
  for (const Declared& d : program.declared()) {
    rules::OrderRule rule;
    const std::string& file = program.files()[d.site.file];
    rule.place = std::filesystem::path(file).filename().string() + ":" + std::to_string(d.site.line);
    rule.reason = "declared there";
    rule.classes = {patterns(d.first), patterns(d.then)};
    orders.push_back(std::move(rule));
    reports::Frame frame;
    frame.file = file;
    frame.line = d.site.line;
    frame.column = d.site.column;
    graph.frames.push_back(std::move(frame));
    graph.stacks.push_back({static_cast<reports::Index>(graph.frames.size() - 1)});
    sites.push_back(static_cast<reports::Index>(graph.stacks.size() - 1));
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
