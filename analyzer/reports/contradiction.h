// SPDX-License-Identifier: MIT
//
// Whether graphs that are to be united mean the same by the names of their classes. They do not if
//   - a class somebody named himself is one kind of lock in one graph and another kind in the other: findings of the two
//     have the same ids;
//   - one class has two wait types, of which both are known;
//   - two classes print alike, "a/1" being subclass 1 of "a" here and a class of its own there.
// Names that come from symbols or places may be of several kinds: every program has its own `lock`.
//
// Threading: a value.  Allocation: the heap.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "reports/graph.h"

namespace crossdep::reports {

class ContradictionCheck {
 public:
  /// False: `cause` is one line, "NAME: class … here and … in OTHER". The answer does not depend on the order of the
  /// graphs, only who is `here` does.
  bool add(const Graph& graph, const std::string& name, std::string& cause);

 private:
  struct Kinds {
    std::uint32_t mask;
    std::string graph;
  };
  struct Wait {
    std::uint8_t outer = 0, inner = 0;
    std::string graph;
  };
  struct Spelling {
    std::string base;
    std::uint8_t subclass = 0;
    std::string graph;
  };

  // Keys are (base, subclass, crosslock), (base, subclass, kind) and (printed name, kind).
  std::map<std::tuple<std::string, std::uint8_t, bool>, std::vector<Kinds>> kinds_;
  std::map<std::tuple<std::string, std::uint8_t, engine::Kind>, Wait> waits_;
  std::map<std::pair<std::string, engine::Kind>, Spelling> spellings_;
};

}  // namespace crossdep::reports
