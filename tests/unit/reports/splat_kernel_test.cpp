// SPDX-License-Identifier: MIT
//
// Our splat against the kernel's own text (tests/data/splats): the same facts in, the same lines out. What differs for a
// reason is masked by kernel_lines(): time stamps, the ident and CPU lines, registers, unreliable frames.
#include <cctype>

#include "reports/splat.h"
#include "unit/reports/golden.h"
#include "unit/reports/graph_maker.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports::test;
using engine::Check;
using engine::Reason;
using engine::Verdict;

// A console line without "[    6.749450] ".
std::string without_stamp(const std::string& line) {
  const auto end = line.find("] ");
  return line.starts_with("[ ") && end != std::string::npos ? line.substr(end + 2) : line;
}

bool is_register_line(const std::string& line) {
  for (const char* name : {"RIP: ", "Code: ", "RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: "})
    if (line.starts_with(name)) return true;
  return false;
}

// The kernel's report up to the end of the call trace, with what must differ masked. `report` is a console or our splat.
std::vector<std::string> kernel_lines(const std::string& report) {
  std::vector<std::string> out;
  std::vector<std::string> lines = lines_of(report);
  bool title_before = false;
  for (std::string line : lines) {
    line = without_stamp(line);
    if (title_before) line = "<ident>";
    title_before = line.starts_with("WARNING: ");
    if (line.starts_with("CPU: ")) line = "<cpu>";
    if (line.starts_with(" ? ") || is_register_line(line)) continue;
    out.push_back(line);
    if (line == " </TASK>") break;
  }
  return out;
}

struct Console {
  explicit Console(const std::string& name) : text(read_text(std::string(CROSSDEP_TEST_DATA) + "/data/splats/" + name)) {
    for (const std::string& line : lines_of(text)) lines.push_back(without_stamp(line));
  }
  // The stack that follows the line beginning with `head`: 7 blanks of indentation in the chain, 1 in the call trace.
  Lines stack(const std::string& head, const std::string& indent) const {
    Lines out;
    bool inside = false;
    for (const std::string& line : lines) {
      if (line.starts_with(head)) {
        inside = true;
      } else if (inside) {
        const bool frame = line.starts_with(indent) && line.size() > indent.size() && !std::isspace(line[indent.size()]);
        if (!frame && indent == "       ") break;
        if (line == " </TASK>") break;
        if (frame && line[1] != '?' && line != " <TASK>") out.push_back(line.substr(indent.size()));
      }
    }
    return out;
  }
  Lines chain(unsigned i) const { return stack("-> #" + std::to_string(i), "       "); }
  Lines trace() const { return stack("Call Trace:", " "); }

  std::string text;
  std::vector<std::string> lines;
};

void check_against(const Console& console, const reports::Graph& graph) {
  REQUIRE(graph.findings.size() == 1);
  const std::string ours = reports::render_splat(graph, graph.findings.front(), {});
  INFO(ours);
  const std::vector<std::string> expected = kernel_lines(console.text);
  REQUIRE(expected.back() == " </TASK>");
  REQUIRE(expected.size() > 15);
  const std::string diff = difference(expected, kernel_lines(ours));
  INFO(diff);
  CHECK(diff.empty());
}

constexpr unsigned kSleep = 4;   // the wait type of a mutex

}  // namespace

TEST_CASE("circular splat: three classes, line by line the kernel's", "[splat]") {
  const Console console("circular3.txt");
  GraphMaker m;
  const auto alpha = m.lock_class("lock_alpha", engine::Kind::kMutex, kSleep);
  const auto beta = m.lock_class("lock_beta", engine::Kind::kMutex, kSleep);
  const auto gamma = m.lock_class("lock_gamma", engine::Kind::kMutex, kSleep);
  const auto a = m.instance(alpha, 0xffffffffa00025b0), b = m.instance(beta, 0xffffffffa0002510), c = m.instance(gamma, 0xffffffffa0002470);
  const auto ab = m.context("ab", 38), bc = m.context("bc", 39), insmod = m.context("insmod", 40);
  auto dep = [&](auto from, auto to, auto from_class, auto to_class, auto context, unsigned link) {
    auto w = m.witness(from_class, to_class, context);
    w.from = from;
    w.to = to;
    w.to_stack = m.stack(console.chain(link));
    w.to_site = m.site("lu+0x1e/0x40 [ldtest]");
    w.from_site = m.site("lu+0x14/0x40 [ldtest]");
    return m.add(w);
  };
  const auto link1 = dep(a, b, alpha, beta, ab, 1);
  const auto link2 = dep(b, c, beta, gamma, bc, 2);
  const auto link0 = dep(c, a, gamma, alpha, insmod, 0);
  auto f = m.finding(Check::kLockOrderCycle, Verdict::kPossible, Reason::kNoneExcluded, insmod);
  f.instance = a;
  f.site = m.site("lu+0x1e/0x40 [ldtest]");
  f.stack = m.stack(console.trace());
  m.add(f, {link0, link1, link2}, {{c, gamma, "lu+0x14/0x40 [ldtest]"}});
  check_against(console, m.graph());
}

TEST_CASE("circular splat: a flushed work item, line by line the kernel's", "[splat]") {
  const Console console("wqflush.txt");
  GraphMaker m;
  const auto alpha = m.lock_class("lock_alpha", engine::Kind::kMutex, kSleep);
  const auto work = m.lock_class("my_work", engine::Kind::kWork);
  const auto a = m.instance(alpha, 0xffffffffa00025b0), x = m.instance(work, 0xffffffffa0002120);
  const auto worker = m.context("kworker/0:1", 12), insmod = m.context("insmod", 40);
  auto first = m.witness(work, alpha, worker);
  first.from = x;
  first.to = a;
  first.to_stack = m.stack(console.chain(1));
  const auto link1 = m.add(first);
  auto closing = m.witness(alpha, work, insmod);
  closing.from = a;
  closing.to = x;
  closing.to_site = m.site("__flush_work+0x54/0x490");
  closing.to_stack = m.stack(console.chain(0));
  const auto link0 = m.add(closing);
  auto f = m.finding(Check::kCrossReleaseCycle, Verdict::kPossible, Reason::kNoneExcluded, insmod);
  f.instance = x;
  f.site = closing.to_site;
  f.stack = m.stack(console.trace());
  m.add(f, {link0, link1}, {{a, alpha, "ldt_init+0x509/0x1000 [ldtest]"}});
  check_against(console, m.graph());
}

TEST_CASE("recursive splat: line by line the kernel's", "[splat]") {
  const Console console("recursive.txt");
  GraphMaker m;
  const auto c = m.lock_class("&v[i]->m", engine::Kind::kMutex, kSleep);
  const auto first = m.instance(c, 0xff11000004c91ce8), second = m.instance(c, 0xff11000004c91d90);
  auto f = m.finding(Check::kRecursiveLock, Verdict::kPossible, Reason::kNestedUnordered, m.context("insmod", 40));
  f.instance = second;
  f.other = first;
  f.site = m.site("lu+0x1e/0x40 [ldtest]");
  f.stack = m.stack(console.trace());
  m.add(f, {}, {{first, c, "lu+0x14/0x40 [ldtest]"}});
  check_against(console, m.graph());
}

TEST_CASE("freed splat: line by line the kernel's", "[splat]") {
  const Console console("freed.txt");
  GraphMaker m;
  const auto c = m.lock_class("&a->m", engine::Kind::kMutex, kSleep);
  const auto lock = m.instance(c, 0xff110000004db070);
  auto f = m.finding(Check::kDestroyHeld, Verdict::kConfirmed, Reason::kObserved, m.context("insmod", 40));
  f.instance = lock;
  f.range_begin = 0xff110000004db000;
  f.range_end = 0xff110000004dc000;
  f.site = m.site("ldt_init+0x348/0x1000 [ldtest]");
  f.stack = m.stack(console.trace());
  m.add(f, {}, {{lock, c, "ldt_init+0x33e/0x1000 [ldtest]"}});
  check_against(console, m.graph());
}

TEST_CASE("unlock balance splat: line by line the kernel's", "[splat]") {
  const Console console("balance.txt");
  GraphMaker m;
  const auto alpha = m.lock_class("lock_alpha", engine::Kind::kMutex, kSleep);
  const auto beta = m.lock_class("lock_beta", engine::Kind::kMutex, kSleep);
  const auto a = m.instance(alpha, 0xffffffffa00025b0), b = m.instance(beta, 0xffffffffa0002510);
  auto f = m.finding(Check::kBadUnlock, Verdict::kConfirmed, Reason::kObserved, m.context("insmod", 40));
  f.instance = a;
  f.site = m.site("ldt_init+0x2f2/0x1000 [ldtest]");
  f.stack = m.stack(console.trace());
  m.add(f, {}, {{b, beta, "ldt_init+0x2e4/0x1000 [ldtest]"}});
  reports::Graph graph = m.graph();
  graph.findings.front().address = 0xffffffffa00062f2;   // a text site has none
  check_against(console, graph);
}

TEST_CASE("what our splat adds stands outside the kernel's lines", "[splat]") {
  GraphMaker m;
  const auto c = m.lock_class("a");
  const auto lock = m.instance(c, 1);
  auto f = m.finding(Check::kRecursiveLock, Verdict::kDeadlock, Reason::kSelfBlocked, m.context("T1", 1));
  f.instance = f.other = lock;
  f.site = m.site("main.c:2");
  m.add(f, {}, {{lock, c, "main.c:1"}});
  const reports::Graph graph = m.graph();
  reports::SplatOptions options;
  options.graph_path = "/tmp/a b.cdgraph";
  const std::vector<std::string> lines = lines_of(reports::render_splat(graph, graph.findings.front(), options));
  REQUIRE(lines.size() > 5);
  CHECK(lines[0].empty());
  CHECK(lines[1] == std::string(44, '='));
  CHECK(lines[2] == "WARNING: possible recursive locking detected");
  CHECK(lines[3].find(" deadlock: T1/1 waits for a lock it holds itself") != std::string::npos);
  CHECK(lines[4] == std::string(44, '-'));
  CHECK(lines.back() == "crossdep: next: crossdep report --verbose '/tmp/a b.cdgraph'");
}
