// SPDX-License-Identifier: MIT
//
// The text trace: what each event does when it is judged, and what each impossible line is told.
#include "catch.hpp"
#include "run_trace.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;

TEST_CASE("text: two orders in two contexts are a possible deadlock", "[traces][text]") {
  const Judged judged = judge_text(
      "# crossdep-text 1\n"
      "T1 acquire A site=a.c:1\n"
      "T1 acquire B site=a.c:2   # a comment\n"
      "T1 release B\n"
      "T1 release A\n"
      "\n"
      "T2 acquire B\n"
      "T2 acquire A\n");
  CHECK(judged.status.ok());
  CHECK(judged.events == 10);
  CHECK(judged.summary() == Lines{"lock-order-cycle possible B -> A -> B"});
  CHECK(judged.undefined == 0);
}

TEST_CASE("text: the same in one context is latent", "[traces][text]") {
  const Judged judged = judge_text("T acquire A\nT acquire B\nT release B\nT release A\nT acquire B\nT acquire A\n");
  CHECK(judged.summary() == Lines{"lock-order-cycle latent B -> A -> B"});
}

TEST_CASE("text: class= puts instances into one class, sub= makes another of it", "[traces][text]") {
  const Judged same = judge_text("T acquire a1 class=inode\nT acquire a2 class=inode\n");
  CHECK(same.summary() == Lines{"recursive-lock latent inode"});
  const Judged sub = judge_text("T acquire a1 class=inode\nT acquire a2 class=inode sub=1\n");
  CHECK(sub.summary().empty());
  CHECK(sub.found.has_dependency("inode", "inode/1"));
}

TEST_CASE("text: an acquisition under another class re-classes that one only", "[traces][text]") {
  const Judged judged = judge_text(
      "T init L class=C0\n"
      "T acquire A\n"
      "T acquire L class=C1\n"
      "T release L\n"
      "T acquire L\n");
  CHECK(judged.found.has_dependency("A", "C1"));
  CHECK(judged.found.has_dependency("A", "C0"));
}

TEST_CASE("text: request and acquired apart; a try makes no incoming dependency", "[traces][text]") {
  const Judged judged = judge_text(
      "T request A\nT acquired A\n"
      "T acquire B try\n"
      "T request C timed\n"
      "T request D\nT acquired D\n");
  CHECK(judged.status.ok());
  CHECK_FALSE(judged.found.has_dependency("A", "B"));
  CHECK(judged.found.has_dependency("B", "C"));
  CHECK(judged.found.has_dependency("B", "D"));
  CHECK_FALSE(judged.found.has_dependency("C", "D"));   // C was never got
}

TEST_CASE("text: a completion that needs what its waiter holds", "[traces][text]") {
  const Judged judged = judge_text(
      "W acquire L\n"
      "W wait done\n"
      "S acquire L2\nS release L2\n"
      "S signal done\n"
      "W wake done by=S\n"
      "W release L\n"
      "V wait done\n"
      "S acquire L\nS release L\n"
      "S signal done\n"
      "V wake done by=S\n");
  CHECK(judged.found.has_dependency("L", "done"));
  CHECK(judged.found.origins("done", "L2") == std::set<engine::Origin>{engine::Origin::kOverlap});
  REQUIRE(judged.summary().size() == 1);
  CHECK(judged.summary()[0] == "cross-release-cycle possible done -> L -> done");
}

TEST_CASE("text: a condition variable's wait gives its mutex back", "[traces][text]") {
  const Judged judged = judge_text(
      "W acquire M\nW acquire outer\n"
      "W wait cv mutex=M timed\n"
      "S acquire M\nS signal cv all\nS release M\n"
      "W wake cv by=S\n"
      "W release outer\nW release M\n");
  CHECK(judged.status.ok());
  CHECK_FALSE(judged.found.has_dependency("M", "cv"));
  CHECK(judged.found.has_dependency("outer", "cv"));
  for (const std::string& line : judged.summary()) CHECK(line.find("bad-unlock") == std::string::npos);
}

TEST_CASE("text: fork and join order what they order", "[traces][text]") {
  const Judged ordered = judge_text(
      "M fork T\n"
      "T acquire A\nT acquire B\nT release B\nT release A\n"
      "M join T\n"
      "M acquire B\nM acquire A\n");
  CHECK(ordered.summary() == Lines{"lock-order-cycle latent B -> A -> B"});
  const Judged held = judge_text(
      "M fork T\n"
      "M acquire A\n"
      "T request A\n"
      "M join T failed\n");
  REQUIRE(held.summary(engine::Verdict::kPossible).size() == 1);
  CHECK(held.summary(engine::Verdict::kPossible)[0].find("(thread)T") != std::string::npos);
}

TEST_CASE("text: a nested context does not carry the held stack", "[traces][text]") {
  const Judged judged = judge_text(
      "T acquire A\n"
      "T begin hardirq threaded\nT acquire B\nT release B\nT end\n"
      "T begin signal 10\nT acquire C\nT release C\nT end\n"
      "T begin work w queue=q\nT acquire D\nT release D\nT end\n"
      "T mask softirq\nT unmask softirq\nT mask signal 10\n"
      "T acquire E\n");
  CHECK(judged.status.ok());
  for (const char* inner : {"B", "C", "D"}) CHECK_FALSE(judged.found.has_dependency("A", inner));
  CHECK(judged.found.has_dependency("A", "E"));
  CHECK(judged.found.has_dependency("w", "D"));
}

TEST_CASE("text: ends of locks", "[traces][text]") {
  CHECK(judge_text("T acquire A\nT destroy A\n").summary() == Lines{"destroy-held confirmed A"});
  CHECK(judge_text("T acquire A\nT init A\n").summary() == Lines{"destroy-held confirmed A"});
  CHECK(judge_text("T acquire 0x1010\nT free 0x1000 0x1020\n").summary() == Lines{"destroy-held confirmed 0x1010"});
  CHECK(judge_text("T acquire 0x1020\nT free 0x1000 0x1020\n").summary().empty());
  CHECK(judge_text("T acquire A\nT release A\nT release A\n").summary() == Lines{"bad-unlock confirmed A"});
  CHECK(judge_text("T acquire A\nT exit\n").summary() == Lines{"exit-held confirmed A"});
  CHECK(judge_text("T assert_held A\n").summary() == Lines{"assert-held confirmed A"});
}

TEST_CASE("text: lost events forget what is held and excuse what does not fit", "[traces][text]") {
  const Judged judged = judge_text("T acquire A\nT lost n=7\nT acquired B\nT acquire C\nT wake X\nT join Z\nT end\n");
  CHECK(judged.status.ok());
  CHECK(judged.lost == 7);
  CHECK_FALSE(judged.found.has_dependency("A", "C"));
  CHECK(judged.found.has_dependency("B", "C"));
}

TEST_CASE("text: recursive and errorcheck locks, declared classes", "[traces][text]") {
  CHECK(judge_text("T init A held=write\nT acquire A\n").summary() == Lines{"fork-held-lock deadlock A"});
  CHECK(judge_text("T init A kind=rwlock held=read\nT acquire A mode=rread\n").summary().empty());
  CHECK(judge_text("T init A recursive\nT acquire A\nT acquire A\nT release A\nT release A\n").summary().empty());
  CHECK(judge_text("T acquire A\nT request A\n").summary().size() == 1);
  CHECK(judge_text("T class inode nest_ok\nT acquire a class=inode\nT acquire b class=inode\n").summary().empty());
  CHECK(judge_text("T class dir order=address\nT acquire 0x10 class=dir\nT acquire 0x20 class=dir\n").summary().empty());
  CHECK_FALSE(judge_text("T class dir order=address\nT acquire 0x20 class=dir\nT acquire 0x10 class=dir\n").summary().empty());
}

TEST_CASE("text: a case carries nothing over", "[traces][text]") {
  MemoryFile file("%case one\n%expect quiet \"none\"\nT acquire A\nT acquire B\n%case two\nT acquire B\nT acquire A\n");
  traces::LineSource source(file.fd());
  Collector unused;
  std::vector<Collector> cases;
  cases.reserve(2);
  traces::Replay replay(unused);
  Lines told;
  replay.on_case_begin = [&](std::string_view name) -> engine::Sink& {
    told.push_back("begin " + std::string(name));
    cases.emplace_back();
    return cases.back();
  };
  replay.on_case_end = [&](std::string_view name, const engine::Engine& engine) {
    told.push_back("end " + std::string(name) + " " + std::to_string(engine.dependency_count()));
  };
  replay.on_case_expect = [&](std::string_view text) { told.push_back("expect " + std::string(text)); };
  CHECK(traces::read_text(source, "test.cdt", replay).ok());
  replay.finish();
  CHECK(told == Lines{"begin one", "expect quiet \"none\"", "end one 1", "begin two", "end two 1"});
  for (const Collector& found : cases) CHECK(found.summary().empty());
  CHECK(replay.total_event_count() == 8);
}

TEST_CASE("text: words may be quoted, lines may end in CR LF", "[traces][text]") {
  const Judged judged = judge_text("\"kworker 1\" acquire \"a \\\"b\\\"\" class=\"x\\x20y\"\r\n\"kworker 1\" release \"a \\\"b\\\"\"\r\n");
  CHECK(judged.status.ok());
  CHECK(judged.summary().empty());
  CHECK(judged.found.classes.begin()->second == "x y");
  CHECK(judged.found.contexts.begin()->second == "kworker 1");
}

TEST_CASE("text: the last line need not be ended", "[traces][text]") {
  CHECK(judge_text("T acquire A\nT acquire B").found.has_dependency("A", "B"));
}

TEST_CASE("text: an impossible line is named with its cause", "[traces][text]") {
  struct Wrong {
    const char* line;
    const char* cause;
  };
  const Wrong wrongs[] = {
      {"T acquire", "acquire needs an argument"},
      {"T", "a context without an event"},
      {"T grab A", "unknown event \"grab\""},
      {"T acquire A fast", "unknown argument \"fast\""},
      {"T acquire A speed=9", "unknown argument speed="},
      {"T acquire A mode=exclusive", "mode= is not write, read or rread"},
      {"T acquire A sub=256", "sub= is not a number from 0 to 255"},
      {"T acquire A sub=-1", "sub= is not a number from 0 to 255"},
      {"T acquire A kind=house", "unknown kind=house"},
      {"T acquire A wait=3", "wait= is not OUTER:INNER"},
      {"T acquire A class=", "class= is empty"},
      {"T acquire \"A", "quotation opened in column 11 is not closed"},
      {"T acquire \"A\\n\"", "unknown escape"},
      {"T acquire A\x01", "a control character"},
      {"T acquired B", "acquired B without a request"},
      {"T wake X", "wake X without a wait for it"},
      {"T wait X\nT wake X by=nobody", "by=nobody: there is no such context"},
      {"T destroy X", "destroy of X, which does not exist"},
      {"T join X", "join X, which never began"},
      {"T join T", "T joins itself"},
      {"T fork F", "fork F, which runs already since line 1"},
      {"T end", "end without begin"},
      {"T begin lunch", "\"lunch\" is no kind of nested context"},
      {"T begin signal", "signal needs its number"},
      {"T mask nmi", "\"nmi\" is no kind of nested context"},
      {"T free 1", "free needs two arguments"},
      {"T free 9 1", "free needs two addresses"},
      {"T signal X n=many", "n= is not a number"},
      {"T class Q order=age", "order= is neither address nor parent"},
      {"T class first", "class first is in use since line 1: declare it before"},
      {"%case", "%case without a name"},
      {"%wrong", "unknown directive %wrong"},
      {"T request A\nT acquired B", "acquired B, but the last request is for A"},
  };
  for (const Wrong& wrong : wrongs) {
    const std::string text = std::string("F acquire first\n") + wrong.line + "\nF acquire never\n";
    const Judged judged = judge_text(text);
    INFO(wrong.line << ": " << judged.status.text());
    CHECK(judged.status.partial());   // the first line was judged
    CHECK(judged.status.cause.find(wrong.cause) != std::string::npos);
    const bool two_lines = std::string(wrong.line).find('\n') != std::string::npos;
    CHECK(judged.status.position == (two_lines ? 3u : 2u));
    CHECK(judged.status.text().find("test.cdt:") == 0);
    bool never = false;
    for (const auto& [id, name] : judged.found.classes) never |= name == "never";
    CHECK_FALSE(never);
  }
}

TEST_CASE("text: a wrong first line fails, nothing was judged", "[traces][text]") {
  const Judged judged = judge_text("T grab A\n");
  CHECK(judged.status.failed());
  CHECK(judged.status.text() == "test.cdt:1: unknown event \"grab\"");
}

TEST_CASE("text: a newer version is refused", "[traces][text]") {
  const Judged judged = judge_text("# crossdep-text 2\nT acquire A\n");
  CHECK(judged.status.failed());
  CHECK(judged.status.cause == "written in version 2 of crossdep-text, newer than the 1 this crossdep knows");
}

TEST_CASE("text: cut anywhere, it is judged up to there", "[traces][text]") {
  const std::string whole =
      "%case \"x\"\nT1 acquire A class=\"a b\" site=f.c:1\nT1 begin work w\nT1 wait done timed\nT1 wake done\nT1 end\n";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const Judged judged = judge_text(std::string_view(whole).substr(0, length));
    INFO("cut at " << length << ": " << judged.status.text());
    CHECK(judged.consistent);
    CHECK(judged.undefined == 0);
    if (!judged.status.ok()) CHECK(judged.status.cause.find("the file may have been cut") != std::string::npos);
  }
}
