// SPDX-License-Identifier: MIT
//
// Splats the recorded kernel cannot show: the seven classes of the hotplug story, cross-release at a commit, and the
// layouts for a context that ends or an assertion that fails. Compared with tests/golden.
#include "reports/splat.h"

#include "reports/dot.h"
#include "reports/text.h"
#include "unit/reports/golden.h"
#include "unit/reports/graph_maker.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports::test;
using engine::Check;
using engine::Kind;
using engine::Mode;
using engine::Origin;
using engine::Reason;
using engine::Verdict;

constexpr std::uint8_t kReadToo = engine::kEnabledHard | engine::kEnabledSoft | engine::kEnabledHardRead | engine::kEnabledSoftRead;

std::string splat(const reports::Graph& graph) {
  REQUIRE(graph.findings.size() == 1);
  return reports::render_splat(graph, graph.findings.front(), {});
}

// The seed: a driver allocates a work queue under mmap_sem and mm_lock.
struct Hotplug {
  GraphMaker m;
  engine::ClassId hotplug = m.lock_class("cpu_hotplug_lock.rw_sem", Kind::kRwsem, 0, kReadToo);
  engine::ClassId state_mutex = m.lock_class("cpuhp_state_mutex");
  engine::ClassId state = m.lock_class("cpuhp_state", Kind::kWork);
  engine::ClassId done = m.lock_class("(complete)&req.done", Kind::kCompletion);
  engine::ClassId inode = m.lock_class("&sb->s_type->i_mutex_key#5", Kind::kRwsem, 0, kReadToo);
  engine::ClassId mmap = m.lock_class("&mm->mmap_sem", Kind::kRwsem, 0, kReadToo);
  engine::ClassId mm_lock = m.lock_class("&dev_priv->mm_lock");
  engine::ContextId boot = m.context("swapper", 1), cpuhp = m.context("cpuhp/1", 20), devtmpfsd = m.context("kdevtmpfs", 13),
                    ls = m.context("ls", 900), prime = m.context("prime_mmap", 1551);
  std::map<engine::ClassId, engine::InstanceId> one;

  engine::InstanceId lock(engine::ClassId c) {
    const auto [at, fresh] = one.try_emplace(c, 0u);
    if (fresh) at->second = m.instance(c, 0xffff888000000000 + 0x100 * c);
    return at->second;
  }
  engine::LinkInfo link(engine::ClassId from, Mode from_mode, engine::ClassId to, Mode to_mode, engine::ContextId who, const Lines& stack) {
    auto w = m.witness(from, to, who);
    w.from = lock(from);
    w.to = lock(to);
    w.from_mode = from_mode;
    w.to_mode = to_mode;
    w.to_site = m.site(stack.front());
    w.to_stack = m.stack(stack);
    if (from != done) return m.add(w);
    w.origin = Origin::kOverlap;
    w.waiter = cpuhp;
    w.wait_site = m.site("devtmpfs_create_node+0x110/0x150");
    w.wait_stack = m.stack({"devtmpfs_create_node+0x110/0x150", "device_add+0x3c0/0x660", "msr_device_create+0x20/0x40"});
    w.release_stack = m.stack({"devtmpfsd+0x1b2/0x330", "kthread+0x111/0x130"});
    return m.add(w);
  }
  reports::Graph graph() {
    const auto l1 = link(hotplug, Mode::kRead, state_mutex, Mode::kWrite, boot, {"__cpuhp_setup_state_cpuslocked+0x51/0x2a0", "page_alloc_init+0x28/0x30"});
    const auto l2 = link(state_mutex, Mode::kWrite, state, Mode::kWrite, boot, {"cpuhp_issue_call+0x133/0x1c0", "page_writeback_init+0x43/0x67"});
    const auto l3 = link(state, Mode::kWrite, done, Mode::kWrite, cpuhp, {"devtmpfs_create_node+0x110/0x150", "device_add+0x3c0/0x660"});
    const auto l4 = link(done, Mode::kWrite, inode, Mode::kWrite, devtmpfsd, {"handle_create+0x5f/0x1e0", "devtmpfsd+0x12a/0x330", "kthread+0x111/0x130"});
    const auto l5 = link(inode, Mode::kRead, mmap, Mode::kRead, ls, {"filldir+0xa5/0x120", "dcache_readdir+0x12d/0x5e0", "iterate_dir+0x4b/0x5d0"});
    const auto l6 = link(mmap, Mode::kWrite, mm_lock, Mode::kWrite, prime, {"i915_gem_userptr_init__mmu_notifier+0x14a/0x270 [i915]"});
    const Lines top = {"apply_workqueue_attrs+0x17/0x50", "__alloc_workqueue_key+0x1d8/0x4d9", "i915_gem_userptr_init__mmu_notifier+0x1fb/0x270 [i915]"};
    const auto l0 = link(mm_lock, Mode::kWrite, hotplug, Mode::kRead, prime, top);
    auto f = m.finding(Check::kCrossReleaseCycle, Verdict::kPossible, Reason::kNoneExcluded, prime);
    f.instance = lock(hotplug);
    f.mode = Mode::kRead;
    f.site = m.site(top.front());
    f.stack = m.stack(top);
    m.add(f, {l0, l1, l2, l3, l4, l5, l6},
          {{lock(mmap), mmap, "i915_gem_userptr_init__mmu_notifier+0x138/0x270 [i915]"},
           {lock(mm_lock), mm_lock, "i915_gem_userptr_init__mmu_notifier+0x14a/0x270 [i915]"}});
    return m.graph("hotplug", 1551);
  }
};

// A completion's releaser takes `a`, its waiter waits under `a`; found when the releaser completes.
reports::Graph commit_graph(Origin origin) {
  GraphMaker m;
  const auto a = m.lock_class("a"), b = m.lock_class("b"), done = m.lock_class("(complete)done", Kind::kCompletion);
  const auto la = m.instance(a, 0x1000), lb = m.instance(b, 0x1040), x = m.instance(done, 0x2000);
  const auto waiter = m.context("waiter", 11), releaser = m.context("releaser", 12);
  auto w1 = m.witness(a, b, waiter);
  w1.from = la;
  w1.to = lb;
  w1.from_site = m.site("waiter.c:7");
  w1.to_site = m.site("waiter.c:8");
  const auto link1 = m.add(w1);
  auto w2 = m.witness(b, done, waiter);
  w2.from = lb;
  w2.to = x;
  w2.to_stack = m.stack({"wait_here+0x10/0x40", "waiter_main+0x20/0x80"});
  const auto link2 = m.add(w2);
  auto w0 = m.witness(done, a, releaser);
  w0.origin = origin;
  w0.from = x;
  w0.to = la;
  w0.to_site = m.site("prepare+0x8/0x20");
  w0.to_stack = m.stack({"prepare+0x8/0x20", "releaser_main+0x10/0x90"});
  w0.waiter = waiter;
  w0.wait_site = m.site("wait_here+0x10/0x40");
  w0.wait_stack = w2.to_stack;
  w0.release_stack = m.stack({"complete_it+0x4/0x10", "releaser_main+0x30/0x90"});
  const auto link0 = m.add(w0);
  auto f = m.finding(Check::kCrossReleaseCycle, Verdict::kPossible,
                     origin == Origin::kHistory ? Reason::kHistoryOnly : Reason::kNoneExcluded, releaser);
  f.instance = x;
  f.at_commit = true;
  f.site = m.site("complete_it+0x4/0x10");
  f.stack = w0.release_stack;
  m.add(f, {link0, link1, link2}, {});
  return m.graph("commit", 12);
}

reports::Graph simple(Check check, Reason reason, Verdict verdict) {
  GraphMaker m;
  const auto a = m.lock_class("a"), b = m.lock_class("b");
  const auto la = m.instance(a, 0x1000), lb = m.instance(b, 0x1040);
  auto f = m.finding(check, verdict, reason, m.context("worker", 7));
  f.instance = la;
  f.site = m.site("finish+0x1c/0x60 [libwork.so]");
  f.stack = m.stack({"finish+0x1c/0x60 [libwork.so]", "worker_main+0x40/0x90"});
  m.add(f, {}, {{la, a, "begin+0x14/0x40"}, {lb, b, "begin+0x24/0x40"}});
  return m.graph("simple", 7);
}

}  // namespace

TEST_CASE("the hotplug splat has its seven classes in order", "[splat]") {
  Hotplug story;
  const reports::Graph graph = story.graph();
  const std::string text = splat(graph);
  std::vector<std::string> chain;
  for (const std::string& line : lines_of(text))
    if (line.starts_with("-> #")) chain.push_back(line);
  REQUIRE(chain.size() == 7);
  CHECK(chain.front() == "-> #6 (&dev_priv->mm_lock){+.+.}-{0:0}:");
  CHECK(chain[3] == "-> #3 ((complete)&req.done){+.+.}-{0:0}:");
  CHECK(chain.back() == "-> #0 (cpu_hotplug_lock.rw_sem){++++}-{0:0}:");
  CHECK(text.find("Chain exists of:\n  cpu_hotplug_lock.rw_sem --> &mm->mmap_sem --> &dev_priv->mm_lock\n\n") != std::string::npos);
  CHECK(text.find("\n  rlock(cpu_hotplug_lock.rw_sem);\n") != std::string::npos);
  check_golden("splat_hotplug.txt", text);
  check_golden("text_hotplug.txt", reports::render_text(graph, {}));
  check_golden("text_hotplug_verbose.txt", reports::render_text(graph, {true, Verdict::kPossible}));
  check_golden("dot_hotplug.txt", reports::render_dot(graph));
}

TEST_CASE("a finding's first screen is at most 20 lines", "[text]") {
  Hotplug story;
  const reports::Graph graph = story.graph();
  CHECK(lines_of(reports::render_finding(graph, graph.findings.front(), {})).size() <= 20);
}

TEST_CASE("a commit is printed in cross-release's form", "[splat]") {
  check_golden("splat_commit.txt", splat(commit_graph(Origin::kOverlap)));
  check_golden("splat_commit_history.txt", splat(commit_graph(Origin::kHistory)));
}

TEST_CASE("splats of contexts that end and assertions that fail", "[splat]") {
  check_golden("splat_exit_held.txt", splat(simple(Check::kExitHeld, Reason::kObserved, Verdict::kConfirmed)));
  check_golden("splat_assert_held.txt", splat(simple(Check::kAssertHeld, Reason::kObserved, Verdict::kConfirmed)));
}

TEST_CASE("the splat of a lock that a fork left behind", "[splat]") {
  reports::Graph graph = simple(Check::kForkHeldLock, Reason::kHolderLeft, Verdict::kDeadlock);
  graph.findings.front().other_stack = graph.findings.front().held.front().site;
  check_golden("splat_fork_held.txt", splat(graph));
}

TEST_CASE("an unlocked lock that others hold is printed without a range", "[splat]") {
  const std::string text = splat(simple(Check::kDestroyHeld, Reason::kObserved, Verdict::kConfirmed));
  CHECK(text.find("worker/7 is freeing memory 0000000000001000-0000000000001000, with a lock still held there!\n") != std::string::npos);
}

TEST_CASE("library frames are folded unless verbose", "[splat]") {
  reports::Graph graph = simple(Check::kBadUnlock, Reason::kObserved, Verdict::kConfirmed);
  for (reports::Frame& frame : graph.frames)
    if (frame.function == "finish") frame.library = true;
  const std::string folded = reports::render_splat(graph, graph.findings.front(), {});
  const std::string verbose = reports::render_splat(graph, graph.findings.front(), {true, ""});
  CHECK(folded.find("\n finish+0x1c/0x60") == std::string::npos);
  CHECK(folded.find("\n worker_main+0x40/0x90\n") != std::string::npos);
  CHECK(verbose.find("\n finish+0x1c/0x60 [libwork.so]\n") != std::string::npos);
}

TEST_CASE("a stack of library frames only is shown all the same", "[splat]") {
  reports::Graph graph = simple(Check::kBadUnlock, Reason::kObserved, Verdict::kConfirmed);
  for (reports::Frame& frame : graph.frames) frame.library = true;
  CHECK(reports::render_splat(graph, graph.findings.front(), {}).find("\n worker_main+0x40/0x90\n") != std::string::npos);
}
