// SPDX-License-Identifier: MIT
//
// A real kernel's recordings (tests/data/kernel) judged by our engine and compared with what that kernel's own lockdep
// said. Kinds lockdep has and we do not judge yet (interrupt state, wait types) are listed in the golden files, one line a
// difference, so that each that is gained or lost shows.
#include "catch.hpp"
#include "run_trace.h"
#include "unit/reports/golden.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;

namespace {

Judged judge_recording(const std::string& name) {
  const std::string content = load("kernel/" + name);
  INFO(name);
  REQUIRE_FALSE(content.empty());   // a .xz needs the xz program
  Judged judged = judge_ftrace(content);
  CHECK(judged.status.ok());
  CHECK(judged.undefined == 0);
  CHECK(judged.consistent);
  return judged;
}

// Which of our checks is which of lockdep's titles; empty for titles we have no check for.
std::string check_for(const std::string& title) {
  if (title == "none") return "quiet";
  if (title == "possible circular locking dependency detected") return "lock-order-cycle";
  if (title == "possible recursive locking detected") return "recursive-lock";
  if (title == "bad unlock balance detected!") return "bad-unlock";
  if (title == "held lock freed!") return "destroy-held";
  if (title == "Invalid wait context") return "wait-context";
  if (title == "Nested lock was not taken") return "assert-held";
  if (title == "inconsistent lock state" || title == "possible irq lock inversion dependency detected" ||
      title.find("-unsafe lock order detected") != std::string::npos)
    return "signal-unsafe-lock";
  return "";
}

}  // namespace

TEST_CASE("kernel: the completion deadlock lockdep does not see", "[traces][kernel]") {
  const Judged judged = judge_recording("xrelease.ftrace");
  const std::string done = "(completion)0xffffffffa0006e00";
  CHECK(judged.found.has_dependency("lock_alpha", done));
  CHECK(judged.found.origins(done, "lock_alpha").count(engine::Origin::kOverlap) == 1);
  REQUIRE(judged.summary() == Lines{"cross-release-cycle possible lock_alpha -> " + done + " -> lock_alpha"});

  const Collector::Finding& finding = judged.found.findings.begin()->second;
  REQUIRE(finding.witnesses.size() == 2);
  bool waiter_named = false, worker_named = false;
  for (const engine::WitnessInfo& witness : finding.witnesses) {
    const std::string who = judged.found.contexts.at(witness.context);
    if (witness.origin == engine::Origin::kHeld) waiter_named = who == "insmod";
    if (witness.origin == engine::Origin::kOverlap)
      worker_named = who == "xr_worker" && judged.found.contexts.at(witness.waiter) == "insmod";
  }
  CHECK(waiter_named);
  CHECK(worker_named);
}

TEST_CASE("kernel: the stock events of a busy kernel give no finding", "[traces][kernel]") {
  const Judged judged = judge_recording("stock.ftrace");
  CHECK(judged.summary().empty());
  CHECK(judged.lost == 260702 - 33271);
  CHECK(judged.noted("known by name only"));
}

TEST_CASE("kernel: recordings with lockdep's own view", "[traces][kernel]") {
  const char* const names[] = {"abba_mutex", "abba_spin", "abcd_mixed", "bad_subclass", "cpuhp_wq", "down_bad",
                               "freed_held", "gate", "irq_hard", "irq_inversion", "irq_rw", "irq_soft", "mmap_fault",
                               "names_clash", "none", "one_task_abba", "rcu_sleep", "rec_mutex", "rwlock_abba_read",
                               "rwsem_rr", "seq_irq", "spin_in_hardirq", "srcu_abba", "sys_exit_held", "unlock_spin",
                               "wq_cancel_sync", "wq_flush_queue", "wq_flush_work",
                               // of another build of that kernel, what its lockdep cannot see among them
                               "comp_history", "comp_chain", "comp_timeout", "comp_stack", "wq_pair_right", "sem_handoff", "sem_mutex",
                               "wq_event", "kstop_wrong", "nest_wrong", "safe_unsafe", "hard_wrong", "soft_wrong", "timer_sync", "wq_ordered",
                               // with the probes of `crossdep kernel-probes`
                               "probes_right", "probes_cycle3", "probes_nest_right"};
  std::string text;
  for (const char* name : names) {
    const Judged judged = judge_recording(std::string(name) + ".ftrace.xz");
    text += std::string(name) + "\n";
    for (const std::string& line : judged.summary()) text += "  " + line + "\n";
  }
  reports::test::check_golden("traces_kernel_recordings.txt", text);
}

TEST_CASE("kernel: the locking self-test, at lockdep's strictness", "[traces][kernel]") {
  const std::string content = load("kernel/selftest.cdt");
  REQUIRE_FALSE(content.empty());
  MemoryFile file(content);
  traces::LineSource source(file.fd());
  Collector before;
  std::unique_ptr<Collector> found;
  std::string expected, differences;
  unsigned same = 0, different = 0, unjudgeable = 0;
  bool consistent = true;
  traces::Replay replay(before);
  replay.on_case_begin = [&](std::string_view) -> engine::Sink& {
    found = std::make_unique<Collector>();
    expected.clear();
    return *found;
  };
  replay.on_case_expect = [&](std::string_view text) { expected = text; };
  replay.on_case_end = [&](std::string_view name, const engine::Engine& engine) {
    consistent &= engine.check_invariants();
    if (found == nullptr) return;
    std::set<std::string> checks;
    for (const std::string& line : found->summary(engine::Verdict::kLatent)) checks.insert(line.substr(0, line.find(' ')));
    if (checks.empty()) checks.insert("quiet");
    const std::size_t quote = expected.find('"');
    REQUIRE(quote != std::string::npos);
    const std::string title = expected.substr(quote + 1, expected.rfind('"') - quote - 1);
    if (expected.compare(0, 11, "unjudgeable") == 0) {
      ++unjudgeable;
    } else if (title == "report" ? checks.count("quiet") == 0 : checks == std::set<std::string>{check_for(title)}) {
      ++same;
    } else {
      ++different;
      differences += std::string(name) + ": lockdep: " + title + "; crossdep:";
      for (const std::string& check : checks) differences += " " + check;
      differences += "\n";
    }
  };
  const traces::Status status = traces::read_text(source, "selftest.cdt", replay);
  replay.finish();
  CHECK(status.ok());
  CHECK(consistent);
  const std::string counts = std::to_string(same) + " same, " + std::to_string(different) + " different, " +
                             std::to_string(unjudgeable) + " unjudgeable\n";
  WARN("self-test: " << counts);
  reports::test::check_golden("traces_kernel_selftest.txt", counts + differences);
}

TEST_CASE("kernel: where lockdep itself is wrong", "[traces][kernel]") {
  const auto judge = [](const std::string& text) {
    const Judged judged = judge_text(text);
    CHECK(judged.status.ok());
    CHECK(judged.consistent);
    return judged.summary();
  };
  SECTION("a recursive reader between: not only from the newest held lock") {
    const Lines found = judge(
        "T1 acquire A\nT1 acquire B mode=rread\nT1 acquire C\n"
        "T2 acquire C\nT2 acquire A\n");
    CHECK(found == Lines{"lock-order-cycle possible C -> A -> C"});
  }
  SECTION("a class reached weakly first is reached strongly later") {
    const Lines found = judge(
        "T1 acquire A\nT1 acquire B mode=rread\nT1 release B\nT1 release A\n"
        "T2 acquire A\nT2 acquire C\nT2 release C\nT2 release A\n"
        "T3 acquire C\nT3 acquire B\nT3 release B\nT3 release C\n"
        "T4 acquire B mode=rread\nT4 acquire A\n");
    CHECK(found == Lines{"lock-order-cycle possible B -> A -> C -> B"});
  }
  SECTION("a lock held by both sides excludes the deadlock") {
    const Lines found = judge(
        "T1 acquire C\nT1 acquire A\nT1 acquire B\nT1 release B\nT1 release A\nT1 release C\n"
        "T2 acquire C\nT2 acquire B\nT2 acquire A\n");
    CHECK(found == Lines{"lock-order-cycle refuted B -> A -> B"});
  }
  SECTION("hand over hand: three tasks can deadlock") {
    const std::string hand_over_hand = " acquire A\nT1 acquire B\nT1 release A\nT1 acquire C\nT1 release B\nT1 release C\n";
    std::string other = "T3" + hand_over_hand;
    for (std::size_t at; (at = other.find("T1")) != std::string::npos;) other.replace(at, 2, "T3");
    const Lines found = judge("T1" + hand_over_hand + other + "T2 acquire C\nT2 acquire A\n");
    CHECK(found == Lines{"lock-order-cycle possible C -> A -> B -> C"});
  }
  SECTION("a lock that was tried for is held like any other") {
    const Lines found = judge(
        "T1 acquire A\nT1 acquire B try\nT1 acquire C\n"
        "T2 acquire C\nT2 acquire A\n");
    CHECK(found == Lines{"lock-order-cycle possible C -> A -> C"});
  }
}
