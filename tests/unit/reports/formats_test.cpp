// SPDX-License-Identifier: MIT
//
// The formats other tools read: goldens of one report with an accepted and a new finding, a wait and a place without a
// file; the spelling of paths, names and limits.
#include <algorithm>

#include "reports/gcc.h"
#include "reports/gitlab.h"
#include "reports/html.h"
#include "reports/junit.h"
#include "reports/listing.h"
#include "reports/markdown.h"
#include "reports/sarif.h"
#include "unit/reports/golden.h"
#include "unit/reports/graph_maker.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports::test;
using engine::Check;
using engine::Reason;
using engine::Verdict;
using reports::Listed;
using reports::Listing;
using reports::Standing;

// Two threads that disagree about a and b, one of which waits for the other; and a lock that is released twice, of which
// no file is known.
reports::Graph story() {
  GraphMaker m;
  const auto a = m.lock_class("mutex@open_<\"file\">"), done = m.lock_class("(completion)done", engine::Kind::kCompletion);
  const auto alone = m.lock_class("alone");
  const auto waiter = m.context("main", 10), worker = m.context("worker", 11);
  auto request = m.witness(done, a, worker);
  request.origin = engine::Origin::kOverlap;
  request.waiter = waiter;
  request.to_site = m.site("/src/lib/work.c:30:5");
  request.to_stack = m.stack({"/src/lib/work.c:30:5", "/src/lib/pool.c:99"});
  request.wait_site = m.site("/src/app/main.c:12");
  const auto l1 = m.add(request);
  auto wait = m.witness(a, done, waiter);
  wait.from_site = m.site("/src/app/main.c:10");
  wait.to_site = m.site("/src/app/main.c:12");
  wait.to_stack = m.stack({"/src/app/main.c:12", "main+0x10/0x40"});
  const auto l0 = m.add(wait);
  auto cycle = m.finding(Check::kCrossReleaseCycle, Verdict::kPossible, Reason::kNoneExcluded, waiter);
  cycle.site = m.site("/src/app/main.c:12");
  m.add(cycle, {l0, l1}, {});
  auto unlock = m.finding(Check::kBadUnlock, Verdict::kConfirmed, Reason::kObserved, worker);
  unlock.instance = m.instance(alone, 0x1000);
  unlock.site = m.site("close_file+0x8/0x20");
  m.add(unlock, {}, {});
  return m.graph("prog", 7);
}

Listing listing_of(const reports::Graph& graph) {
  Listing out = reports::list_findings(graph, Verdict::kPossible, {}, false, reports::SourcePaths({"/src"}));
  for (Listed& listed : out.findings) {
    const bool accepted = listed.finding->check == Check::kBadUnlock;
    listed.standing = accepted ? Standing::kKnown : Standing::kNew;
    listed.fails = !accepted;
    listed.accepted = accepted ? "third-party code (anna)" : "";
    listed.blamed_is_new = !accepted;
  }
  out.gone.push_back({"cd-000000000001", "lock-order-cycle", {"x", "y"}, "fixed", "its lock classes were seen, the finding was not"});
  out.commands.push_back("crossdep accept --baseline base.json --reason 'WHY' cd-000000000002");
  out.remarks.push_back("stale: 'mutex:*<x>' matches nothing");
  return out;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("formats for other tools", "[formats]") {
  const reports::Graph graph = story();
  REQUIRE(graph.findings.size() == 2);
  const Listing listing = listing_of(graph);
  check_golden("formats.sarif", reports::render_sarif(listing));
  check_golden("formats.junit.xml", reports::render_junit(listing));
  check_golden("formats.gitlab.json", reports::render_gitlab(listing));
  check_golden("formats.md", reports::render_markdown(listing));
  check_golden("formats.gcc.txt", reports::render_gcc(listing));
  check_golden("formats.html", reports::render_html(listing));
}

TEST_CASE("formats of nothing are still reports", "[formats]") {
  const reports::Graph graph;
  Listing listing;
  listing.graph = &graph;
  CHECK(contains(reports::render_sarif(listing), "\"results\": []"));
  CHECK(contains(reports::render_junit(listing), "tests=\"1\" failures=\"0\""));
  CHECK(reports::render_gitlab(listing) == "[]\n");
  CHECK(reports::render_gcc(listing).empty());
  CHECK(contains(reports::render_markdown(listing), "nothing fails"));
  CHECK(contains(reports::render_html(listing), "</html>"));
}

TEST_CASE("what is new is where one looks first", "[formats]") {
  const reports::Graph graph = story();
  Listing listing = listing_of(graph);
  Listed& cycle = *std::find_if(listing.findings.begin(), listing.findings.end(), [](const Listed& l) { return l.fails; });
  REQUIRE(cycle.finding->links.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    cycle.blamed = i;
    const bool wait = graph.classes[cycle.finding->links[i].from].kind == engine::Kind::kMutex;
    CHECK(reports::place_text(reports::tell(listing, cycle).primary) == (wait ? "app/main.c:12" : "lib/work.c:30"));
  }
}

TEST_CASE("paths are those of the repository", "[formats]") {
  const reports::SourcePaths paths({"/src", "/src/inner/"});
  CHECK(paths.shown("/src/a.c") == "a.c");
  CHECK(paths.shown("/src/inner/a.c") == "a.c");
  CHECK(paths.shown("/src/x/../a.c") == "a.c");
  CHECK(paths.shown("/srca/a.c") == "/srca/a.c");
  CHECK(paths.shown("./lib/a.c") == "lib/a.c");
  CHECK(paths.shown("") == "");
  CHECK(reports::SourcePaths({"/"}).shown("/usr/a.c") == "usr/a.c");
  CHECK(reports::SourcePaths().shown("/usr/a.c") == "/usr/a.c");
}

TEST_CASE("texts are cut between characters and hold nothing but text", "[formats]") {
  CHECK(reports::shortened("short", 5) == "short");
  CHECK(reports::shortened("longer", 5) == "lo...");
  CHECK(reports::shortened("a\xc3\xbc\xc3\xbc\xc3\xbc", 5) == "a...");
  CHECK(reports::clean("a\x01" "b") == "a\\x01b");
  CHECK(reports::clean("\xff\xc3\xbc\xed\xa0\x80") == "\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(reports::clean("cut \xe2\x82") == "cut \xef\xbf\xbd\xef\xbf\xbd");
  CHECK(reports::escaped("<a b='\"'>&") == "&lt;a b=&#39;&quot;&#39;&gt;&amp;");
}
