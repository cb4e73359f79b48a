// SPDX-License-Identifier: MIT
//
// What a trace says against itself: each kind in each format, and what looks like it and is none.
#include "catch.hpp"
#include "run_trace.h"
#include "traces/validator.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using traces::Format;

namespace {

struct Checked {
  std::vector<std::string> warnings, findings;
  traces::Status status;
  std::uint64_t count = 0, events = 0;
  Collector found;
};

Checked check(std::string_view content, Format format, bool strict = false) {
  Checked out;
  MemoryFile memory(content);
  traces::TraceFile file;
  out.status = file.open(memory.path(), format);
  traces::ValidatorRules rules = traces::ValidatorRules::of(file.format());
  rules.strict = strict;
  traces::Replay replay(out.found);
  traces::Validator validator(replay, rules, "t", file.position_unit());
  validator.on_warning = [&out](const std::string& line) { out.warnings.push_back(line); };
  file.stop_when(&validator.stopped());
  if (out.status.ok()) out.status = file.read_events(validator);
  if (validator.stopped()) out.status = validator.status();
  replay.finish();
  CHECK(replay.engine().check_invariants());
  out.count = validator.total();
  out.events = replay.total_event_count();
  out.findings = out.found.summary(engine::Verdict::kPossible);
  return out;
}
Checked text(std::string_view content, bool strict = false) { return check(content, Format::kText, strict); }
Checked rapid(std::string_view content, bool strict = false) { return check(content, Format::kRapid, strict); }
using Lines = std::vector<std::string>;

constexpr const char* kAbba = "T1 acquire A\nT1 acquire B\nT1 release B\nT1 release A\n"
                              "T2 acquire B\nT2 acquire A\nT2 release A\nT2 release B\n";

}  // namespace

TEST_CASE("validator: two holders of a lock", "[traces][validator]") {
  CHECK(text("T1 acquire L\nT3 acquire L\n").warnings == Lines{"t:2: T3 acquires L while T1 holds it since t:1; L is left out"});
  CHECK(rapid("T1|acq(L1)|1\nT2|acq(L1)|2\n").warnings == Lines{"t:2: T2 acquires L1 while T1 holds it since t:1; L1 is left out"});
  CHECK(text("T1 acquire L mode=read\nT3 acquire L\n").warnings ==
        Lines{"t:2: T3 acquires L while T1 reads it since t:1; L is left out"});
  CHECK(text("T1 acquire L kind=rwlock\nT3 acquire L mode=read\n").count == 1);
  CHECK(text("T1 acquire L\nT1 acquire L\nT2 acquire M\n").count == 0);   // recursive locking is a finding, no contradiction
}

TEST_CASE("validator: the rest of the trace is judged, without the lock", "[traces][validator]") {
  const Checked rest = text(std::string("T8 acquire X\nT9 acquire X\n") + kAbba + "T9 acquire Y\nT9 release Y\nT9 release X\nT8 release X\n");
  CHECK(rest.status.ok());
  CHECK(rest.count == 1);
  CHECK(rest.findings == Lines{"lock-order-cycle possible B -> A -> B"});
  CHECK_FALSE(rest.found.has_dependency("X", "Y"));   // nobody is taken to hold X any more
  // Each lock is named once, and one that comes back after its end is judged again.
  const Checked again = text("T1 acquire X\nT2 acquire X\nT3 acquire X\nT1 destroy X\nT1 acquire X\nT1 acquire Z\n");
  CHECK(again.count == 1);
  CHECK(again.found.has_dependency("X", "Z"));
}

TEST_CASE("validator: what shares or changes hands is no contradiction", "[traces][validator]") {
  for (const char* fine : {
           "T1 acquire L mode=read\nT2 acquire L mode=read\nT1 release L\nT2 release L\nT3 acquire L\n",
           "T1 acquire L kind=rwsem\nT1 downgrade L\nT2 acquire L mode=read\nT1 release L\nT2 release L\nT3 acquire L\n",
           "T1 acquire L\nT2 request L try\nT2 acquire M\nT1 release L\n",                      // the trylock failed
           "T1 init S kind=sem\nT1 acquire S\nT2 acquire S\n",                                  // counts to more than one
           "T1 acquire L\nT2 release L\nT2 acquire L\n",                                        // bad-unlock, and free
           "T1 acquire L\nT1 exit\nT2 acquire L\n",                                             // exit-held
           "T1 acquire L\nT1 lost n=3\nT2 acquire L\n",
           "T1 acquire M\nT1 wait C mutex=M\nT2 acquire M\nT2 signal C\nT2 release M\nT1 wake C\nT1 release M\nT2 acquire M\n",
           "T1 acquire M\nT1 wait C mutex=M\nT2 acquire M\nT2 signal C\nT1 wake C\nT2 release M\nT1 release M\n",
           "T1 acquire M\nT1 wait C mutex=M timed\nT1 wake C failed\nT1 release M\nT2 acquire M\n",
           "T1 acquire L mode=read\nT1 acquire L\n",                                            // it blocks itself: a finding
           "T1 lost\nT1 wait C mutex=M\n",
           "T1 fork T2\nT2 acquire L\nT1 join T2\nT1 acquire L\nT1 fork T2\nT2 release M\n",
       }) {
    INFO(fine);
    CHECK(text(fine).warnings == Lines{});
  }
}

TEST_CASE("validator: a bad unlock is a finding of our own recordings and a contradiction of others'", "[traces][validator]") {
  const Checked own = text("T1 acquire L\nT2 release L\n");
  CHECK(own.count == 0);
  CHECK(own.found.summary().size() == 1);
  CHECK(rapid("T1|rel(L1)|1\n").warnings == Lines{"t:1: T1 releases L1 which was never acquired; L1 is left out"});
  const Checked other = rapid("T1|acq(L1)|1\nT2|rel(L1)|2\nT1|rel(L1)|3\n");
  CHECK(other.warnings == Lines{"t:2: T2 releases L1 while T1 holds it since t:1; L1 is left out"});
  CHECK(other.found.summary().empty());
  CHECK(rapid("T1|acq(L1)|1\nT1|rel(L1)|2\nT1|rel(L1)|3\n").warnings ==
        Lines{"t:3: T1 releases L1 which nobody holds since T1 has released it at t:2; L1 is left out"});
}

TEST_CASE("validator: a wait without its monitor", "[traces][validator]") {
  CHECK(text("T1 wait C mutex=M\nT1 wake C\n").warnings ==
        Lines{"t:1: T1 waits for C without its mutex M which nobody has acquired; C is left out"});
  CHECK(text("T2 acquire M\nT1 wait C mutex=M\n").warnings ==
        Lines{"t:2: T1 waits for C without its mutex M which T2 holds since t:1; C is left out"});
  CHECK(rapid("T1|wait(L1)|1\n").warnings == Lines{"t:1: T1 waits on L1 without holding it; the wait is passed over"});
  CHECK(rapid("1|acq(7)|2\n1|rel(7)|3\n1|wait(7)|3\n2|acq(7)|1\n2|notify(7)|1\n2|rel(7)|1\n1|req(7)|4\n1|acq(7)|4\n1|rel(7)|5\n").count == 0);
  CHECK(rapid("1|acq(7)|2\n1|wait(7)|3\n2|acq(7)|1\n2|notify(7)|1\n2|rel(7)|1\n1|acq(7)|4\n1|rel(7)|5\n").count == 0);
  CHECK(rapid("1|acq(7)|2\n1|wait(7)|3\n2|acq(7)|1\n2|notify(7)|1\n2|rel(7)|1\n1|rel(7)|5\n2|acq(7)|1\n").count == 0);
  // Got twice: the wait gives up both, and has both again.
  CHECK(rapid("1|acq(7)|1\n1|acq(7)|2\n1|rel(7)|3\n1|wait(7)|3\n2|acq(7)|1\n2|rel(7)|1\n1|req(7)|4\n1|acq(7)|4\n1|rel(7)|5\n1|rel(7)|6\n2|acq(7)|1\n").count == 0);
}

TEST_CASE("validator: forks and joins", "[traces][validator]") {
  CHECK(rapid("T1|fork(T2)|1\nT2|acq(L1)|2\nT2|rel(L1)|2\nT1|join(T2)|3\nT2|acq(L1)|4\nT2|rel(L1)|5\n").warnings ==
        Lines{"t:5: T2 goes on after T1 has joined it at t:4; what it does from here on is left out"});
  CHECK(rapid("T2|w(V1)|2\nT1|fork(T2)|1\n").warnings == Lines{"t:2: T1 forks T2 which runs since t:1; the fork is passed over"});
  CHECK(rapid("T1|join(T9)|2\n").warnings == Lines{"t:1: T1 joins T9 which never began; the join is passed over"});
  CHECK(text("T1 fork T2\nT1 join T2\nT2 acquire L\n").warnings ==
        Lines{"t:3: T2 goes on after T1 has joined it at t:2; a new context of that name begins"});
  CHECK(text("T1 acquire L\nT1 exit\nT1 acquire L\n").count == 0);
  CHECK(rapid("T1|fork(T2)|1\nT2|begin()|0\nT2|w(V1)|2\nT2|end()|0\nT1|join(T2)|3\n").count == 0);
}

TEST_CASE("validator: time goes backwards", "[traces][validator]") {
  const auto line = [](const char* cpu, const char* time, const char* what) {
    return std::string(" a-1 [00") + cpu + "] d..2. " + time + ": " + what + "\n";
  };
  const Checked back = check(line("0", "5.000002", "lock_acquire: ff10 a") + line("0", "5.000001", "lock_release: ff10 a"), Format::kFtrace);
  CHECK(back.warnings == Lines{"t:2: time goes backwards on processor 0 since t:1; the lines' order is kept"});
  CHECK(check(line("0", "5.000002", "lock_acquire: ff10 a") + line("1", "5.000001", "lock_acquire: ff20 b"), Format::kFtrace).count == 0);
  const Checked far = check(line("0", "9.000002", "lock_acquire: ff10 a") + line("1", "5.000001", "lock_acquire: ff20 b"), Format::kFtrace);
  CHECK(far.warnings == Lines{"t:2: time goes backwards on processor 1 since t:1; what tasks hold is forgotten"});
  CHECK_FALSE(far.found.has_dependency("a", "b"));
  CHECK(check(line("0", "9.000002", "lock_acquire: ff10 a") + line("0", "9.000002", "lock_acquire: ff20 b"), Format::kFtrace).count == 0);
}

TEST_CASE("validator: more threads than RapidBin tells apart", "[traces][validator]") {
  std::string bytes = load("rapid/Deadlock.data");
  bytes[0] = 8;
  const Checked many = check(bytes, Format::kRapidBinary);
  CHECK(many.status.failed());
  CHECK(many.status.cause.find("1024 apart") != std::string::npos);
}

TEST_CASE("validator: strict stops at the first", "[traces][validator]") {
  const Checked strict = rapid("T1|acq(L1)|1\nT2|acq(L1)|2\nT3|acq(L2)|3\nT4|acq(L2)|4\n", true);
  CHECK(strict.warnings.empty());
  CHECK(strict.status.partial());
  CHECK(strict.status.text() == "t:2: T2 acquires L1 while T1 holds it since t:1 (the result is partial: judged up to there)");
  CHECK(strict.events == 3);
  CHECK(text(kAbba, true).status.ok());
}

TEST_CASE("validator: the recorded and the public traces do not contradict themselves", "[traces][validator]") {
  for (const std::string name : {"Account", "Bensalem", "Dbcp1", "Deadlock", "DiningPhil", "StringBuffer", "Transfer"})
    CHECK(check(load("rapid/" + name + ".data"), Format::kRapidBinary).warnings == Lines{});
  CHECK(check(load("rapid/Bensalem.std"), Format::kRapid).warnings == Lines{});
  CHECK(check(load("kernel/selftest.cdt"), Format::kText).warnings == Lines{});
  for (const std::string name : {"xrelease.ftrace", "stock.ftrace", "gate.ftrace.xz", "irq_inversion.ftrace.xz"})
    CHECK(check(load("kernel/" + name), Format::kFtrace).warnings == Lines{});
}

TEST_CASE("validator: cases are independent", "[traces][validator]") {
  CHECK(text("%case a\nT1 acquire L\n%case b\nT2 acquire L\n").count == 0);
  CHECK(text("%case a\nT1 acquire L\nT2 acquire L\n%case b\nT1 acquire L\nT2 acquire L\n").count == 2);
}
