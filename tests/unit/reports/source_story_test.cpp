// SPDX-License-Identifier: MIT
//
// What needs the source, in words: the way to what no run has shown, and cycles in groups.
#include "reports/source_story.h"

#include "reports/canonical.h"
#include "reports/source_join.h"
#include "reports/text.h"
#include "unit/reports/golden.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports;
using namespace crossdep::reports::test;

// Classes a to h; findings are cycles of the source.
class Sources {
 public:
  Sources() {
    graph_.runs.emplace_back();
    graph_.runs[0].source = "source";
    for (const char name : std::string("abcdefgh")) {
      Class c;
      c.base = c.name = std::string(1, name);
      graph_.classes.push_back(c);
    }
  }

  Index stack(const std::vector<std::string>& functions) {   // innermost first
    Stack out;
    for (const std::string& function : functions) {
      Frame frame;
      frame.function = function;
      frame.file = "/src/" + function + ".c";
      frame.line = static_cast<std::uint32_t>(10 + graph_.frames.size());
      out.push_back(static_cast<Index>(graph_.frames.size()));
      graph_.frames.push_back(frame);
    }
    graph_.stacks.push_back(out);
    return static_cast<Index>(graph_.stacks.size() - 1);
  }

  Finding& cycle(const std::string& classes, const char* code = "source-only") {
    Finding f;
    f.id = "cd-" + classes;
    f.reason_code = code;
    f.reason = code == std::string(kHalfObserved) ? "half observed" : "source only: nothing excludes it";
    for (std::size_t i = 0; i < classes.size(); ++i) {
      Link link;
      link.from = static_cast<Index>(classes[i] - 'a');
      link.to = static_cast<Index>(classes[(i + 1) % classes.size()] - 'a');
      link.witness.origin = engine::Origin::kStatic;
      link.witness.run = 0;
      link.witness.to_site = link.witness.to_stack = stack({std::string("takes_") + static_cast<char>('a' + link.to)});
      f.links.push_back(link);
      f.classes.push_back(link.to);
    }
    graph_.findings.push_back(f);
    return graph_.findings.back();
  }

  const Graph& graph() const { return graph_; }
  std::vector<std::pair<std::string, std::string>> order() const {
    std::vector<const Finding*> all;
    for (const Finding& f : graph_.findings) all.push_back(&f);
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [heading, finding] : in_groups(graph_, all)) out.emplace_back(heading.substr(0, heading.find(" (")), finding->id);
    return out;
  }

 private:
  Graph graph_;
};

using Order = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("the largest group of source cycles comes first, and each cycle once", "[source-story]") {
  Sources s;
  s.cycle("gh");
  s.cycle("ab");
  s.cycle("abc");
  s.cycle("cde");
  s.cycle("abf");
  CHECK(s.order() == Order{{"3 cycles share a -> b", "cd-ab"}, {"", "cd-abc"}, {"", "cd-abf"}, {"", "cd-gh"}, {"", "cd-cde"}});
}

TEST_CASE("a cycle that two groups could have is in the larger one", "[source-story]") {
  Sources s;
  s.cycle("abc");
  s.cycle("abd");
  s.cycle("bce");   // shares b -> c with the first
  s.cycle("bcf");
  s.cycle("bcg");
  const Order order = s.order();
  CHECK(order[0].first == "4 cycles share b -> c");
  CHECK(order[4] == std::pair<std::string, std::string>{"", "cd-abd"});
}

TEST_CASE("weak cycles and those that runs have seen are in no group of the source's", "[source-story]") {
  Sources s;
  s.cycle("abc", kHalfObserved);
  s.cycle("ab");
  s.cycle("abd", kSourceMay);
  CHECK(s.order() == Order{{"", "cd-abc"}, {"", "cd-ab"}, {"", "cd-abd"}});
}

TEST_CASE("of a half observed cycle, the way to what no run has shown is told", "[source-story]") {
  Sources s;
  Finding& f = s.cycle("ab", kHalfObserved);
  f.links[0].witness.origin = engine::Origin::kHeld;
  f.links[1].witness.to_stack = s.stack({"take", "second", "first", "run"});
  CHECK(only_in_source(s.graph(), f) == std::vector<std::string>{"b -> a, by run (run.c:15) > first (first.c:14) > second (second.c:13) > take (take.c:12)"});
  f.links[1].witness.to_stack = s.stack({"take", "f8", "f7", "f6", "f5", "f4", "f3", "f2", "run"});
  CHECK(only_in_source(s.graph(), f) == std::vector<std::string>{"b -> a, by run (run.c:24) > f2 (f2.c:23) > (3 more) > f6 (f6.c:19) > f7 (f7.c:18) > f8 (f8.c:17) > take (take.c:16)"});
}

TEST_CASE("a report of the source alone is in groups", "[source-story]") {
  Sources s;
  s.cycle("abc", kHalfObserved);
  s.cycle("gh");
  s.cycle("ab");
  s.cycle("abd");
  check_golden("text_source_groups.txt", render_text(s.graph(), {}));
}

TEST_CASE("what nothing excuses comes before what is seen but doubtful, half observed or not", "[source-story]") {
  const std::vector<std::pair<const char*, const char*>> order = {
      {"aa", "none-excluded"}, {"bb", kHalfObserved}, {"cc", "timed"}, {"dd", "history-only"}, {"ee", "other-releasers"},
      {"ff", "instances-differ"}, {"gg", "budget-spent"}, {"hh", "source-only"}, {"ab", kSourceMay}};
  Sources s;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& [classes, reason] = order[(i * 4 + 3) % order.size()];   // 4 and 9 have no common factor: each once, out of order
    Finding& f = s.cycle(classes, reason);
    if (!std::string(reason).starts_with(kSourcePrefix)) f.reason = "what the run says";
  }
  Graph graph = s.graph();
  canonicalise(graph);
  REQUIRE(graph.findings.size() == order.size());
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(graph.findings[i].reason_code == order[i].second);
}

TEST_CASE("a stronger verdict comes first whatever its reason", "[source-story]") {
  Sources s;
  s.cycle("ab", "none-excluded").reason = "what the run says";
  Finding& doubtful = s.cycle("cd", "other-releasers");
  doubtful.reason = "what the run says";
  doubtful.verdict = engine::Verdict::kFeasible;
  Graph graph = s.graph();
  canonicalise(graph);
  CHECK(graph.findings.front().id == "cd-cd");
}
