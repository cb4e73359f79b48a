// SPDX-License-Identifier: MIT
//
// LTTng-UST's pthread events: the text of babeltrace2, and the CTF folder through that program where it is installed.
#include "catch.hpp"
#include "run_trace.h"
#include "traces/lttng_reader.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;

namespace {

Judged judge_lttng(std::string_view content) {
  return judge_with(content, [](traces::LineSource& source, traces::EventConsumer& consumer) {
    return traces::read_lttng_text(source, "test.txt", consumer);
  });
}

std::string event(int thread, const std::string& what, const std::string& mutex, int status = 0) {
  const std::string result = what == "lock_req" ? "" : ", status = " + std::to_string(status);
  return "[02:27:43.549441093] (+0.000162495) vm lttng_ust_pthread:pthread_mutex_" + what + ": { cpu_id = 1 }, { vtid = " +
         std::to_string(thread) + ", procname = \"my, app\", vpid = 7 }, { mutex = 0x" + mutex + result + " }\n";
}
std::string lock(int thread, const std::string& mutex) { return event(thread, "lock_req", mutex) + event(thread, "lock_acq", mutex); }

}  // namespace

TEST_CASE("lttng: two orders", "[traces][lttng]") {
  const Judged judged = judge_lttng(load("lttng/abba.txt"));
  CHECK(judged.status.ok());
  REQUIRE(judged.summary().size() == 1);
  CHECK(judged.summary()[0].find("lock-order-cycle possible mutex 0x55f3") == 0);
  CHECK(judged.consistent);
  std::string cause;
  CHECK(traces::recognise(load("lttng/abba.txt"), cause) == traces::Format::kLttng);
}

TEST_CASE("lttng: a CTF folder", "[traces][lttng]") {
  const std::string folder = data_path("lttng");
  CHECK(traces::is_ctf_folder(folder));
  CHECK_FALSE(traces::is_ctf_folder(data_path("rapid")));
  Collector found;
  traces::Replay replay(found);
  traces::TraceFile file;
  REQUIRE(file.open(data_path("lttng/abba")).ok());
  CHECK(file.format() == traces::Format::kLttng);
  const traces::Status status = file.read_events(replay);
  replay.finish();
  if (std::system("command -v babeltrace2 >/dev/null") != 0) {
    CHECK(status.text().find("babeltrace2") != std::string::npos);
    CHECK(status.failed());
    return;
  }
  CHECK(status.ok());
  CHECK(found.summary().size() == 1);
}

TEST_CASE("lttng: what is held", "[traces][lttng]") {
  CHECK(judge_lttng(lock(1, "a0") + lock(1, "b0")).found.has_dependency("mutex 0xa0", "mutex 0xb0"));
  // Tried for, in vain or not.
  CHECK(judge_lttng(lock(1, "a0") + event(1, "trylock", "b0", 16) + lock(1, "c0")).found.dependencies.size() == 1);
  CHECK(judge_lttng(event(1, "trylock", "b0") + lock(1, "c0")).found.has_dependency("mutex 0xb0", "mutex 0xc0"));
  // Not got; recursive; given back before the recording began.
  CHECK(judge_lttng(event(1, "lock_req", "a0") + event(1, "lock_acq", "a0", 22) + lock(1, "b0")).found.dependencies.empty());
  const Judged recursive = judge_lttng(lock(1, "a0") + lock(1, "a0") + event(1, "unlock", "a0") + lock(1, "b0") + event(1, "unlock", "b0") +
                                       event(1, "unlock", "a0") + event(1, "unlock", "c0") + lock(1, "d0"));
  CHECK(recursive.summary().empty());
  CHECK(recursive.found.dependencies.size() == 1);
  // The owner's unlock is recorded after the next one has got it.
  const Judged late = judge_lttng(lock(1, "a0") + lock(2, "a0") + event(1, "unlock", "a0") + lock(2, "b0") + lock(1, "c0"));
  CHECK(late.found.has_dependency("mutex 0xa0", "mutex 0xb0"));
  CHECK_FALSE(late.found.has_dependency("mutex 0xa0", "mutex 0xc0"));
}

TEST_CASE("lttng: losses, no thread, what cannot be read", "[traces][lttng]") {
  const std::string lost = "WARNING: Tracer discarded 12 events between [02:27:43.1] and [02:27:43.2] in trace UUID 1 within stream\n";
  const Judged judged = judge_lttng(lock(1, "a0") + lost + lock(1, "b0"));
  CHECK(judged.found.dependencies.empty());
  CHECK(judged.lost == 12);
  const Judged threadless = judge_lttng("[1] (+0.1) vm lttng_ust_pthread:pthread_mutex_lock_req: { cpu_id = 1 }, { mutex = 0xa0 }\n");
  CHECK(threadless.noted("add-context"));
  CHECK(judge_lttng(lock(1, "a0") + "rubbish\n").noted("1 lines could not be read"));
  CHECK(judge_lttng(lock(1, "a0") + "[02:27:43.5494410").status.partial());
}
