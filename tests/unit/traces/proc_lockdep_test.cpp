// SPDX-License-Identifier: MIT
//
// /proc/lockdep and /proc/lockdep_chains: a real kernel's, and small ones with what must be found in them.
#include <chrono>

#include "catch.hpp"
#include "reports/graph_builder.h"
#include "reports/site_text.h"
#include "run_trace.h"
#include "traces/proc_lockdep.h"

using namespace crossdep;
using namespace crossdep::traces_test;

namespace {

struct Listed {
  traces::Status status;
  traces::ProcLockdepFacts facts;
  reports::Graph graph;

  std::vector<std::string> cycles() const {
    std::vector<std::string> out;
    for (const reports::Finding& f : graph.findings) {
      std::string text;
      for (const reports::Index c : f.classes) text += (text.empty() ? "" : " ") + graph.classes[c].name;
      out.push_back(text);
    }
    return out;
  }
};

Listed list(std::string_view content) {
  Listed out;
  MemoryFile file(content);
  traces::LineSource source(file.fd());
  reports::SiteTextResolver resolver([](engine::Site) { return std::string_view(); });
  reports::GraphBuilder builder(resolver);
  out.status = traces::read_proc_lockdep(source, "lockdep", builder, out.facts);
  out.graph = builder.build();
  return out;
}

}  // namespace

TEST_CASE("proc lockdep: a healthy kernel's graph has no cycle", "[traces][lockdep]") {
  const Listed classes = list(load("kernel/proc-lockdep.txt.xz"));
  REQUIRE(classes.status.ok());
  CHECK(classes.graph.classes.size() == 414 + 2);   // and the two interrupts
  std::size_t orders = 0;
  for (const reports::Dependency& d : classes.graph.dependencies)
    orders += classes.graph.classes[d.from].kind != engine::Kind::kInterrupt && classes.graph.classes[d.to].kind != engine::Kind::kInterrupt;
  CHECK(orders == 988);
  CHECK(classes.graph.findings.empty());
  CHECK(classes.facts.requests > 34565);
  CHECK(classes.facts.skipped == 0);
  const Listed chains = list(load("kernel/proc-lockdep_chains.txt.xz"));
  REQUIRE(chains.status.ok());
  CHECK(chains.graph.classes.size() > 200);
  CHECK(chains.graph.dependencies.size() > 500);
}

TEST_CASE("proc lockdep: a cycle is a candidate and says so", "[traces][lockdep]") {
  const Listed listed = list(
      "all lock classes:\n"
      "ffffffff81cbe100 OPS:     849 FD:   20 BD:    6 +.+.: a\n -> [ffffffff81cbe200] b/1\n\n"
      "ffffffff81cbe200 FD:    2 BD:    9 +.+.: b/1\n -> [ffffffff81cbe300] c#2\n\n"
      "ffffffff81cbe300 OPS:       1 FD:    2 BD:    9 ....: c#2\n -> [ffffffff81cbe100] a\n -> [ffffffff81cbe400] d\n\n"
      "ffffffff81cbe400 OPS:       1 FD:    1 BD:    9 ....: d\n");
  REQUIRE(listed.cycles().size() == 1);
  const reports::Finding& f = listed.graph.findings.front();
  CHECK(f.check == engine::Check::kLockOrderCycle);
  CHECK(f.verdict == engine::Verdict::kPossible);
  CHECK(f.reason.find("modes, contexts and instances") != std::string::npos);
  CHECK(f.classes.size() == 3);
  CHECK(f.context == reports::kNoIndex);
  CHECK(f.links.front().witness.context == reports::kNoIndex);
}

TEST_CASE("proc lockdep: interrupt use from the usage characters", "[traces][lockdep]") {
  const std::string chain = "\n -> [ffffffff81cbe200] unsafe\n\nffffffff81cbe200 FD: 1 BD: 2 +.+.: unsafe\n";
  CHECK(list("ffffffff81cbe100 FD: 2 BD: 1 -...: safe" + chain).cycles().size() == 1);
  CHECK(list("ffffffff81cbe100 FD: 2 BD: 1 ....: safe" + chain).cycles().empty());
  CHECK(list("ffffffff81cbe100 FD: 2 BD: 1 +...: safe" + chain).cycles().empty());
  CHECK(list("ffffffff81cbe100 FD: 1 BD: 1 ?...: both\n").cycles().size() == 1);
  CHECK(list("ffffffff81cbe100 FD: 1 BD: 1 .?..: readers\n").cycles().empty());
}

TEST_CASE("proc lockdep: hidden addresses, chains, and lines of others", "[traces][lockdep]") {
  const Listed hidden = list("0000000000000000 FD: 2 BD: 1 ....: a\n -> [0000000000000000] b\n\n0000000000000000 FD: 2 BD: 1 ....: b\n -> [0000000000000000] a\n");
  CHECK(hidden.facts.hashed);
  CHECK(hidden.cycles().size() == 1);
  const Listed chains = list(
      "all lock chains:\nirq_context: 0\n[ffffffff81cbe100] a\n[ffffffff81cbe200] b\n[ffffffff81cbe300] c\n\n"
      "irq_context: softirq\n[ffffffff81cbe300] c\nrandom: crng init done\n[ffffffff81cbe100] a\n\nnr_chain_hlocks: 12\n");
  CHECK(chains.cycles().size() == 1);
  CHECK(chains.graph.dependencies.size() == 3);
  CHECK(chains.facts.skipped == 2);
  CHECK(list("nothing of the kind\n").status.failed());
  CHECK(traces::looks_like_proc_lockdep("ffffffff81cbe158 OPS:    1699 FD:    1 BD:   24 ....: (console_sem).lock"));
  CHECK_FALSE(traces::looks_like_proc_lockdep("T1 acquire a"));
}

TEST_CASE("proc lockdep: thousands of classes take no time", "[traces][lockdep]") {
  std::string text = "all lock classes:\n";
  char line[120];
  for (unsigned i = 0; i < 4000; ++i) {
    std::snprintf(line, sizeof line, "%016x FD: 1 BD: 1 ....: lock%u\n", 0x1000 + i, i);
    text += line;
    for (unsigned j = 1; j <= 10 && i + j * 7 < 4000; ++j) {
      std::snprintf(line, sizeof line, " -> [%016x] lock%u\n", 0x1000 + i + j * 7, i + j * 7);
      text += line;
    }
    text += "\n";
  }
  const auto began = std::chrono::steady_clock::now();
  const Listed listed = list(text);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  CHECK(listed.graph.classes.size() == 4000);
  CHECK(listed.graph.findings.empty());
}
