// SPDX-License-Identifier: MIT
//
// A lock used inside an interrupt and held where that can come is one finding, whatever lies on longer ways between the two.
#include "catch.hpp"
#include "run_trace.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;

TEST_CASE("interrupts: a lock map held around the handler is no second way", "[traces][interrupts]") {
  const std::string open = "T1 acquire sa\nT1 release sa\n";
  const std::string timer = "T2 begin softirq\nT2 acquire tl\nT2 acquire sa\nT2 release sa\nT2 release tl\nT2 end\n";
  CHECK(judge_text(open + timer).summary().size() == 1);
  CHECK(judge_text(timer + open).summary().size() == 1);
}

TEST_CASE("interrupts: one interrupt over another's lock is no second way", "[traces][interrupts]") {
  const std::string handlers = "T2 begin hardirq\nT2 acquire sa\nT2 release sa\nT2 end\n"
                               "T2 begin softirq\nT2 acquire tl\nT2 release tl\nT2 end\n";
  const std::string open = "T1 acquire sa\nT1 release sa\n";
  CHECK(judge_text(handlers + open).summary().size() == 1);
  CHECK(judge_text(open + handlers).summary().size() == 1);
}

TEST_CASE("interrupts: a lock the interrupt's lock leads to is a finding of its own", "[traces][interrupts]") {
  const std::string safe = "T2 begin hardirq\nT2 acquire sa\nT2 release sa\nT2 end\n";
  const std::string leads = "T1 mask hardirq\nT1 acquire sa\nT1 acquire sb\nT1 release sb\nT1 release sa\nT1 unmask hardirq\n";
  const std::string open = "T3 acquire sb\nT3 release sb\n";
  CHECK(judge_text(safe + leads + open).summary().size() == 1);
  CHECK(judge_text(open + leads + safe).summary().size() == 1);
}
