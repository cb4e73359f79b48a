// SPDX-License-Identifier: MIT
//
// One line of ftrace text: comms of all kinds, both flag widths, optional columns, probes.
#include "catch.hpp"
#include "traces/ftrace_line.h"

using namespace crossdep::traces;

namespace {

FtraceLine parsed(std::string_view line) {
  FtraceLine out;
  INFO(line);
  REQUIRE(parse_ftrace_line(line, out));
  return out;
}

}  // namespace

TEST_CASE("ftrace line: the usual form", "[traces][ftrace]") {
  const FtraceLine line = parsed("          insmod-63      [001] d.h2.     6.546888: lock_acquire: ffffffffa0007b10 mx_a");
  CHECK(line.comm == "insmod");
  CHECK(line.pid == 63);
  CHECK(line.cpu == 1);
  CHECK(line.flags == "d.h2.");
  CHECK(line.context() == 'h');
  CHECK(line.event == "lock_acquire");
  CHECK(line.body == "ffffffffa0007b10 mx_a");
}

TEST_CASE("ftrace line: comms with blanks, dashes, brackets and colons", "[traces][ftrace]") {
  CHECK(parsed("   kworker/u4:0-8       [000] .....  1.0: e: b").comm == "kworker/u4:0");
  CHECK(parsed("   my-own task-12-99    [000] .....  1.0: e: b").comm == "my-own task-12");
  CHECK(parsed("   my-own task-12-99    [000] .....  1.0: e: b").pid == 99);
  CHECK(parsed("   a[003] b-7           [012] .....  1.0: e: b").comm == "a[003] b");
  CHECK(parsed("   a[003] b-7           [012] .....  1.0: e: b").cpu == 12);
  CHECK(parsed("   x [0] y: 1.0: z-7    [001] .....  1.0: e: b").pid == 7);
  CHECK(parsed("          <idle>-0       [000] d..2.  1.0: e: b").pid == 0);
  CHECK(parsed("           <...>-4711    [000] d..2.  1.0: e: b").comm == "<...>");
}

TEST_CASE("ftrace line: four flags, more flags, none, and a tgid", "[traces][ftrace]") {
  CHECK(parsed(" a-1 [000] d.s2 1.0: e: b").context() == 's');
  CHECK(parsed(" a-1 [000] dNZff. 1.0: e: b").context() == 'Z');
  CHECK(parsed(" a-1 [000] 123.456789: e: b").flags.empty());
  CHECK(parsed(" a-1 [000] 123.456789: e: b").context() == '.');
  const FtraceLine tgid = parsed("            bash-1977    ( 1900) [000] .....  1.0: e: b");
  CHECK(tgid.pid == 1977);
  CHECK(tgid.comm == "bash");
  CHECK(parsed(" a-1 (-----) [000] .....  1.0: e: b").pid == 1);
  CHECK(parsed(" a-1 [000] .....  12345: e: b").event == "e");   // clock `counter`
}

TEST_CASE("ftrace line: what is none", "[traces][ftrace]") {
  FtraceLine out;
  for (const char* line :
       {"", " ", "# tracer: nop", "[    7.334892] ldtest: loading", "13666 /sys/kernel/tracing/trace", " => do_fork", "T1 acquire A",
        "CPU:1 [LOST 12 EVENTS]", " a-1 [000", " a-1 [000]", " a-1 [000] .....", " a-1 [000] ..... 1.0", " a-1 [000] ..... 1.0:",
        " a-1 [000] ..... 1.0: event", " a-1 [000] ..... x.0: e: b", " a1 [000] ..... 1.0: e: b", "a-99999999999 [000] ..... 1.0: e: b",
        "[000] ..... 1.0: e: b"}) {
    INFO(line);
    CHECK_FALSE(parse_ftrace_line(line, out));
  }
}

TEST_CASE("ftrace line: cut anywhere it does not read beyond its end", "[traces][ftrace]") {
  const std::string whole = " kworker/0:0-6 ( 12) [000] d.h2.  8.077481: lock_acquire: ffffffff81c0bb58 read jiffies_lock";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);   // its own allocation, for the sanitizer
    FtraceLine out;
    if (!parse_ftrace_line(cut, out)) continue;
    CHECK(out.body.data() + out.body.size() == cut.data() + cut.size());
  }
}

TEST_CASE("ftrace line: a probe's place", "[traces][ftrace]") {
  FtraceProbe probe;
  REQUIRE(parse_ftrace_probe("(wait_for_completion+0x0/0x30) x=0xffff0010", probe));
  CHECK(probe.function == "wait_for_completion");
  CHECK(probe.place == "wait_for_completion+0x0/0x30");
  CHECK_FALSE(probe.is_return);
  CHECK(probe.fields == " x=0xffff0010");
  REQUIRE(parse_ftrace_probe("(in_thread+0x70/0x87 [locksplat] <- try_wait_for_completion) ret=0x1", probe));
  CHECK(probe.function == "try_wait_for_completion");
  CHECK(probe.place == "in_thread+0x70/0x87 [locksplat]");
  CHECK(probe.is_return);
  REQUIRE(parse_ftrace_probe("(0xffffffffa000aa25 <- wait_for_completion)", probe));
  CHECK(probe.place == "0xffffffffa000aa25");
  CHECK_FALSE(parse_ftrace_probe("flags=3", probe));
  CHECK_FALSE(parse_ftrace_probe("(unclosed", probe));
}

TEST_CASE("ftrace line: fields and numbers", "[traces][ftrace]") {
  std::string_view text = " map=0xff name=\"lock alpha\" sub=3 rest", key, value;
  REQUIRE(take_field(text, key, value));
  CHECK((key == "map" && value == "0xff"));
  REQUIRE(take_field(text, key, value));
  CHECK((key == "name" && value == "lock alpha"));
  REQUIRE(take_field(text, key, value));
  CHECK((key == "sub" && value == "3"));
  CHECK_FALSE(take_field(text, key, value));
  std::uint64_t number = 0;
  std::string_view hex = "ffffffff81c0bb58 x";
  CHECK((take_hex(hex, number) && number == 0xffffffff81c0bb58u && hex == " x"));
  hex = "0x10";
  CHECK((take_hex(hex, number) && number == 0x10));
  hex = "12345678901234567";   // too long for an address
  CHECK_FALSE(take_hex(hex, number));
  hex = "(____ptrval____)";
  CHECK_FALSE(take_hex(hex, number));
  CHECK(last_field("comm=a pid=1 child_comm=b c child_pid=62", "child_pid=") == "62");
  CHECK(last_field("x", "pid=").empty());
}
