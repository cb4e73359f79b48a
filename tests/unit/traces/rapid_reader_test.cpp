// SPDX-License-Identifier: MIT
//
// RAPID's traces in both forms: the public ones with known deadlocks (tests/data/rapid), and what cannot be.
#include "catch.hpp"
#include "run_trace.h"
#include "traces/rapid_reader.h"

using namespace crossdep;
using namespace crossdep::traces_test;

namespace {

Judged judge_std(const std::string& text) {
  return judge_with(text, [](traces::LineSource& source, traces::EventConsumer& consumer) {
    return traces::read_rapid_text(source, "trace", consumer);
  });
}
Judged judge_bin(const std::string& bytes) {
  return judge_file(bytes, [](int fd, traces::EventConsumer& consumer) { return traces::read_rapid_binary(fd, {}, "trace", consumer); });
}

}  // namespace

TEST_CASE("rapid: the public traces have their cycles", "[traces][rapid]") {
  for (const std::string name : {"Deadlock", "Transfer", "Bensalem", "StringBuffer", "Dbcp1"}) {
    INFO(name);
    const std::string bytes = load("rapid/" + name + ".data");
    CHECK(traces::looks_like_rapid_binary(bytes));
    const Judged judged = judge_bin(bytes);
    CHECK(judged.status.ok());
    CHECK(judged.consistent);
    REQUIRE(judged.summary().size() == 1);
    // StringBuffer's ends with both threads blocked for good.
    CHECK(judged.summary()[0].find(name == "StringBuffer" ? "lock-order-cycle deadlock" : "lock-order-cycle possible") == 0);
  }
  CHECK(judge_bin(load("rapid/Account.data")).summary().size() == 2);
  const Judged philosophers = judge_bin(load("rapid/DiningPhil.data"));
  REQUIRE(philosophers.summary().size() == 1);
  CHECK(philosophers.found.findings.begin()->second.cycle.size() == 6);
  const Judged text = judge_std(load("rapid/Bensalem.std"));
  CHECK(text.status.ok());
  CHECK(text.summary().size() == 1);
}

TEST_CASE("rapid: re-entrant acquisitions, waits and their end", "[traces][rapid]") {
  const Judged again = judge_std("T1|acq(L1)|1\nT1|acq(L1)|2\nT1|rel(L1)|3\nT1|acq(L2)|4\nT1|rel(L2)|5\nT1|rel(L1)|6\n");
  CHECK(again.status.ok());
  CHECK(again.summary().empty());
  CHECK(again.found.has_dependency("L1", "L2"));
  // T1 waits on m under A; T2, which is to notify, takes A first.
  const Judged waits = judge_std(
      "1|acq(5)|1\n1|acq(7)|2\n1|rel(7)|3\n1|wait(7)|3\n2|req(5)|9\n2|acq(7)|10\n2|notify(7)|11\n2|rel(7)|12\n1|req(7)|4\n1|acq(7)|4\n");
  CHECK(waits.status.ok());
  CHECK(waits.found.has_dependency("L5", "(cond)L7"));
  CHECK(waits.found.has_dependency("(cond)L7", "L5"));
  const Judged names = judge_std("main|acq(list.lock)|A.java:3\nmain|acq(007)|4\nmain|rel(007)|5\n");
  CHECK(names.status.ok());
  CHECK(names.found.has_dependency("list.lock", "L007"));
}

TEST_CASE("rapid: what cannot be read is named with its place", "[traces][rapid]") {
  CHECK(judge_std("T1|acq(L1)|1\nnonsense\n").status.position == 2);
  const std::string whole = load("rapid/Deadlock.data");
  const Judged cut = judge_bin(whole.substr(0, whole.size() - 13));
  CHECK(cut.status.partial());
  CHECK(cut.status.cause == "ends after 37 of the 39 events its header promises");
  std::string odd = whole;
  odd[18 + 8 * 20 + 6] = static_cast<char>(0x3c);
  CHECK(judge_bin(odd).status.cause == "operation 15 is not known");
  CHECK_FALSE(traces::looks_like_rapid_binary(std::string(64, '\0')));
  CHECK_FALSE(traces::looks_like_rapid_text("T1 acquire A"));
  CHECK_FALSE(traces::looks_like_rapid_text("T1|acq"));
  CHECK_FALSE(traces::looks_like_rapid_text("T1|acq(L1|x"));
  CHECK(traces::looks_like_rapid_text("T1|acq(L1)"));
  CHECK(traces::looks_like_rapid_text("1|begin"));
}
