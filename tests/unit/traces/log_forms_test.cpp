// SPDX-License-Identifier: MIT
//
// What mailers, commit messages, the kernel's own broken lines and decoders make of a report: the same finding comes out.
#include <cctype>
#include <functional>

#include "catch.hpp"
#include "reports/splat.h"
#include "told.h"
#include "unit/reports/golden.h"

using namespace crossdep;
using namespace crossdep::traces_test;

namespace {

const char* const kFiles[] = {"splats/circular3.txt", "splats/irq_inversion.txt", "splats/freed.txt", "splats/recursive.txt", "splats/balance.txt",
                              "kernel/irq_hard.splat.txt", "kernel/rcu_sleep.splat.txt", "kernel/sys_exit_held.splat.txt",
                              "splats/forms/4.9-irq-order.txt", "splats/forms/2.6.18-circular.txt"};

// Everything that is told of the only finding, besides its id.
std::string told_of(const Told& told) {
  std::string out;
  for (const reports::Finding& f : told.graph.findings) {
    out += f.id + " by " + reports::context_name(told.graph, f.context) + " at " + reports::short_place(told.graph, f.site);
    for (const reports::Held& h : f.held) out += " holds " + told.graph.classes[h.class_index].name + " " + reports::short_place(told.graph, h.site);
    for (const reports::Link& link : f.links)
      out += " to " + reports::short_place(told.graph, link.witness.to_site) + " " +
             std::to_string(link.witness.to_stack == reports::kNoIndex ? 0 : told.graph.stacks[link.witness.to_stack].size());
    out += "\n";
  }
  for (const std::string& note : told.notes) out += note.substr(note.find(": ") + 1) + "\n";
  return out;
}

std::string changed(const std::string& name, const std::function<std::string(const std::string&)>& change) {
  std::string out;
  for (const std::string& line : reports::test::lines_of(load(name))) out += change(line) + "\n";
  return out;
}

// As a mailer breaks long lines: at the last blank before column 72.
std::string folded(std::string line) {
  std::string out;
  while (line.size() > 72) {
    const std::size_t text = line.find_first_not_of(' ');
    const std::size_t blank = line.rfind(' ', 72);
    if (blank == std::string::npos || blank <= text) break;
    out += line.substr(0, blank) + "\n";
    line = line.substr(blank + 1);
  }
  return out + line;
}

std::string bare(const std::string& line) {
  const std::size_t end = line.find("] ");
  return line.starts_with("[ ") && end != std::string::npos && (std::isdigit(static_cast<unsigned char>(line[end - 1])) != 0) ? line.substr(end + 2) : line;
}

std::string quoted_printable(const std::string& line) {
  std::string out, piece;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool last = i + 1 == line.size();
    std::string coded(1, line[i]);
    if (line[i] == '=') coded = "=3D";
    else if (line[i] == ' ' && last) coded = "=20";
    if (piece.size() + coded.size() > 75) {
      out += piece + "=\n";
      piece.clear();
    }
    piece += coded;
  }
  return out + piece;
}

// Kernels 4.9 to 4.13: each part of a lock is a line.
std::string split(const std::string& line) {
  const std::size_t open = line.find(" ("), close = line.find("){");
  if (open == std::string::npos || close == std::string::npos || open > close || line.find("-> (") != std::string::npos ||
      line.find("} -> ") != std::string::npos)
    return line;
  std::string out = line.substr(0, open + 2) + "\n" + line.substr(open + 2, close - open - 2) + "\n" + line.substr(close);
  if (const std::size_t at = out.find(", at: "); at != std::string::npos) out.insert(at, "\n");
  return out;
}

}  // namespace

TEST_CASE("logs: mailers change nothing", "[traces][explain]") {
  for (const std::string name : kFiles) {
    CAPTURE(name);
    const std::string expected = told_of(tell(changed(name, bare)));
    CHECK(told_of(tell(changed(name, [](const std::string& line) { return folded(bare(line)); }))) == expected);
    CHECK(told_of(tell(changed(name, [](const std::string& line) {
            std::string out = "> " + folded(bare(line));
            for (std::size_t at = out.find('\n'); at != std::string::npos; at = out.find('\n', at + 1)) out.insert(at + 1, "> ");
            return out;
          }))) == expected);
    CHECK(told_of(tell("Content-Transfer-Encoding: quoted-printable\n\n" +
                       changed(name, [](const std::string& line) { return quoted_printable(bare(line)); }))) == expected);
    CHECK(told_of(tell(changed(name, [](const std::string& line) { return split(bare(line)); }))) == expected);
    std::string one_line = "Nov 27 10:00:00 host kernel: ";
    for (const std::string& line : reports::test::lines_of(load(name))) one_line += bare(line) + "#012";
    CHECK(told_of(tell(one_line + "\n")) == expected);
  }
}

TEST_CASE("logs: the report of a quoted-printable mail without its header", "[traces][explain]") {
  const Told told = tell("[    2.1] =3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=3D=\n=3D=3D=3D=3D=3D\n"
                         "[    2.1] WARNING: possible recursive locking detected\n[    2.1] 5.3.0 #7 Not tainted\n"
                         "[    2.1] irq/9-button/12 is trying to acquire lock:\n[    2.1] 00000000801d4de8 (&b->lock){.+.+}, at: button_pre=\nss+0x1b/0x80\n"
                         "[    2.1]=20\n          but task is already holding lock:\n[    2.1] 00000000899e2ebc (&b->lock){.+.+}, at: button_ist+0=\nxaf/0x1c0\n"
                         "[    2.1]=20\n          stack backtrace:\n[    2.1]  button_press+0x1b/0x80\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told_of(told).find("by irq/9-button/12 at button_press+0x1b/0x80 holds &b->lock button_ist+0xaf/0x1c0") != std::string::npos);
}

TEST_CASE("logs: a journal behind a mailer, with no-break blanks in its times", "[traces][explain]") {
  const std::string text =
      "[=A0=A0=A07.886] f.local kernel:\n------\n[=A0=A0=A07.886] f.local kernel: WARNING: possible circular locking\ndependency detected\n"
      "[=A0=A0=A07.886] f.local kernel: 5.2.0 #1 Not tainted\n[=A0=A0=A07.886] f.local kernel: journal/642 is trying to acquire lock:\n"
      "[=A0=A0=A07.886] f.local kernel: (____ptrval____)\n(&f->reloc){+.+.}, at:\nrecord_root+0x44/0x70 [b]\n[=A0=A0=A07.886] f.local kernel:\n"
      "                                  but task is already holding lock:\n[=A0=A0=A07.886] f.local kernel: (____ptrval____)\n"
      "(faults){.+.+}, at: mkwrite+0x69/0x570 [b]\n[=A0=A0=A07.886] f.local kernel:\n                                  the existing dependency chain (in\n"
      "reverse order) is:\n[=A0=A0=A07.886] f.local kernel:\n                                  -> #1 (faults){.+.+}:\n"
      "[=A0=A0=A07.886] f.local kernel:=A0=A0=A0=A0=A0=A0=A0=A0start_write+0x12b/0x1b0\n[=A0=A0=A07.886] f.local kernel:\nmkwrite+0x69/0x570 [b]\n"
      "[=A0=A0=A07.886] f.local kernel:\n                                  -> #0 (&f->reloc){+.+.}:\n"
      "[=A0=A0=A07.886] f.local kernel:=A0=A0=A0=A0=A0=A0=A0=A0record_root+0x44/=\n0x70 [b]\n[=A0=A0=A07.886] f.local kernel:\n"
      "                                  stack backtrace:\n[=A0=A0=A07.886] f.local kernel: Call Trace:\n"
      "[=A0=A0=A07.886] f.local kernel:=A0=A0?\nrecord_root+0x44/0x70 [b]\n[=A0=A0=A07.886] f.local kernel:=A0=A0? idle+0x1/0x2\n"
      "[=A0=A0=A07.886] f.local kernel:=A0=A0record_root+0x44/0x70 [b]\n";
  const Told told = tell("Content-Transfer-Encoding: quoted-printable\n\n" + text);
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.cycle(told.only()) == "&f->reloc -> faults");
  INFO(told_of(told));
  CHECK(told_of(told).find("at record_root+0x44/0x70 [b] holds faults mkwrite+0x69/0x570 [b] to record_root+0x44/0x70 [b] 1 to "
                           "start_write+0x12b/0x1b0 2") != std::string::npos);
  CHECK(told.graph.stacks.at(told.only().stack).size() == 1);   // what the kernel doubts is left out
  CHECK(told.notes.empty());
}

TEST_CASE("logs: several mails in one file, each in its own encoding", "[traces][explain]") {
  const std::string coded = "Content-Transfer-Encoding: quoted-printable\n\n" + changed(kFiles[0], quoted_printable);
  const std::string quoted = changed(kFiles[3], [](const std::string& line) { return "> " + bare(line); });
  std::vector<std::string> expected = tell(load(kFiles[0])).ids();
  expected.push_back(tell(load(kFiles[3])).ids().at(0));
  std::sort(expected.begin(), expected.end());
  CHECK(tell(coded + "\n-- \nFrom: somebody\n\n" + quoted).ids() == expected);
  CHECK(tell(quoted + coded + quoted).ids() == expected);
}

TEST_CASE("logs: a report without its title behind the trace of another", "[traces][explain]") {
  const Told told = tell("BUG: sleeping function called from invalid context at mm/a.c:1\nin_atomic(): 1, irqs_disabled(): 0, pid: 3, name: x\n"
                         "Call Trace:\n dump_stack+0x1/0x2\n ___might_sleep+0x1/0x2\n a_free+0x3/0x40\n\n cat/12 is trying to acquire lock:\n"
                         "  (pools){+.+.+.}, at: [<c04ef113>] show_pools+0x43/0x140\n\n but task is already holding lock:\n"
                         "  (active#82){++++.+}, at: [<c0554e1b>] read_file+0xab/0x160\n\n which lock already depends on the new lock.\n\nText.\n");
  CHECK(told.graph.findings.size() == 2);
  CHECK(told.graph.dependencies.size() == 1);
}

TEST_CASE("logs: a commit message that fills up lines and leaves the end out", "[traces][explain]") {
  const Told told = tell("WARNING: possible irq lock inversion dependency\ndetected\n6.11.0+ #59 Tainted: G        W\n"
                         "CPU 0/KVM/1537 just changed the state of lock:\nffffa0f0cff965f0 (&v->irqlock){-...}-{2:2}, at:\n"
                         "v_handler+0x21/0xd0 [v_core] but this lock took another,\nHARDIRQ-unsafe lock in the past: (reclaim){+.+.}-{0:0}\n\n"
                         "and interrupts could create inverse lock ordering between them.\n\nFixes: 25216afc9db5 (\"V: a change\")\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.cycle(told.only()) == "&v->irqlock -> reclaim -> (hardirq)");
  CHECK(reports::context_name(told.graph, told.only().context) == "CPU 0/KVM/1537");
  CHECK(reports::short_place(told.graph, told.only().site) == "v_handler+0x21/0xd0 [v_core]");
  CHECK(told.only().reason.find("the report is partial") != std::string::npos);
  CHECK(told.noted("partial"));
  CHECK(told.status.ok());   // the log goes on after it
}

TEST_CASE("logs: names and builds as fuzzers print them", "[traces][explain]") {
  const Told told = tell("WARNING: bad unlock balance detected!\nsyzkaller #0 Not tainted\n-------------------------------------\n"
                         "syz.0.17/5971 is trying to release lock (&table[i]) at:\n"
                         "[<ffffffff8229b876>] table_put mm/table.c:86 [inline]\n[<ffffffff8229b876>] no_page+0x1986/0x1da0 mm/table.c:170\n"
                         "but there are no more locks to release!\n\nother info that might help us debug this:\n2 locks held by syz.0.17/5971:\n"
                         " #0: ffff88816b85fb88 (vm_lock){++++}-{0:0}, at: vm_get mm/vm.c:3 [inline]\n"
                         " #0: ffff88816b85fb88 (vm_lock){++++}-{0:0}, at: lock_vma+0x1d1/0x500\nmm/vm.c:310\n"
                         " #1: ffff88816079e338 (&table[i]){+.+.}-{4:4}, at: vm_fault\nmm/vm.c:9 [inline]\n"
                         " #1: ffff88816079e338 (&table[i]){+.+.}-{4:4}, at:\nfault+0x317/0x1440 mm/vm.c:5991\n"
                         "\nstack backtrace:\nCPU: 0 UID: 0 PID: 5971 Comm: syz.0.17 Not tainted syzkaller #0 PREEMPT(full)\nCall Trace:\n <TASK>\n"
                         " print_unlock_imbalance_bug+0xdc/0xf0 a.c:1\n no_page+0x1986/0x1da0\nmm/table.c:170\n kill\nfs/kill.c:6 [inline]\n"
                         " sync+0x1/0x2 [table 1f2e3d4c]\n </TASK>\n");
  REQUIRE(told.graph.findings.size() == 1);
  INFO(told_of(told));
  CHECK(told_of(told).find("at table.c:170 holds vm_lock vm.c:310 holds &table[i] vm.c:5991\n") != std::string::npos);
  const auto& stack = told.graph.stacks.at(told.only().stack);
  CHECK(stack.size() == 4);
}

TEST_CASE("logs: traces of other machines", "[traces][explain]") {
  const std::string head = "[ BUG: bad unlock balance detected! ]\n3.2.0 #1 Not tainted\n-------------------------------------\n"
                           "a/1 is trying to release lock (&l) at:\n[<c0184738>] f+0xa8/0x2d0\nbut there are no more locks to release!\n\n"
                           "stack backtrace:\n";
  const auto stack = [&](const std::string& trace) {
    const Told told = tell(head + trace);
    std::string out;
    if (told.graph.findings.size() == 1 && told.only().stack != reports::kNoIndex)
      for (const reports::Index frame : told.graph.stacks[told.only().stack]) out += reports::short_place(told.graph.frames[frame]) + ";";
    return out;
  };
  // 32-bit ARM before and after 5.18, powerpc, s390, sparc.
  CHECK(stack("[<c0112110>] (unwind_backtrace) from [<c010bfa0>] (show_stack+0x10/0x14)\n[<c010bfa0>] (show_stack) from [<c058093c>] (g+0xe8/0x120 [m])\n") ==
        "show_stack+0x10/0x14;g+0xe8/0x120 [m];");
  CHECK(stack("[<c0014c8c>] (unwind_backtrace+0x0/0x14c) from [<c0466dc8>] (f+0x20/0x24)\n") == "f+0x20/0x24;");
  CHECK(stack(" unwind_backtrace from show_stack+0x10/0x14\n show_stack from f+0xe8/0x120\n f from g+0x1/0x20 [m]\n") ==
        "show_stack+0x10/0x14;f+0xe8/0x120;g+0x1/0x20 [m];");
  CHECK(stack("[c000000fe3a3b8a0] [c000000000b0a2b0] f+0xe0/0x14c (unreliable)\n[c000000fe3a3b8e0] [c0000000001b0230] g+0x130/0x160\n") ==
        "f+0xe0/0x14c;g+0x130/0x160;");
  CHECK(stack(" [<000000011a4b7c3e>] f+0x1a6/0x1f8 \n([<0000000000112abc>] g+0x54/0xd0)\n") == "f+0x1a6/0x1f8;g+0x54/0xd0;");
  CHECK(stack(" [0000000000488eb4] f+0x1a6/0x1f8\n") == "f+0x1a6/0x1f8;");
}

TEST_CASE("logs: the paths of kernels that do not count operations", "[traces][explain]") {
  const Told told = tell("WARNING: possible irq lock inversion dependency detected\n6.11.0 #5 Not tainted\n"
                         "swapper/0/0 just changed the state of lock:\nffff0001f2305018 (&r->lock){-...}-{2:2}, at: r_lock+0x18/0x2c\n"
                         "but this lock took another, HARDIRQ-READ-unsafe lock in the past:\n (reclaim){+.+.}-{0:0}\n\n"
                         "the shortest dependencies between 2nd lock and 1st lock:\n-> (reclaim){+.+.}-{0:0} {\n   HARDIRQ-ON-R at:\n"
                         "                     lock_acquire+0x200/0x340\n                     worker+0xdc/0xfc\n   INITIAL USE at:\n"
                         "                    lock_acquire+0x200/0x340\n }\n ... key      at: [<ffff800083097970>] __map+0x0/0x28\n ... acquired at:\n"
                         "   r_init+0xdc/0xfc\n\n-> (&r->lock){-...}-{2:2} {\n   IN-HARDIRQ-W at:\n                    r_lock+0x18/0x2c\n }\n"
                         " ... key      at: [<ffff80007c3e3a58>] _key.6+0x0/0x28\n ... acquired at:\n   mark_lock+0x1/0x2\n\n"
                         "stack backtrace:\nCall trace:\n r_lock+0x18/0x2c\n isr+0x84/0x2a8\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.cycle(told.only()) == "&r->lock -> reclaim -> (hardirq)");
  CHECK(told_of(told).find("to r_lock+0x18/0x2c 2 to r_init+0xdc/0xfc 1 to worker+0xdc/0xfc 2") != std::string::npos);
}

TEST_CASE("logs: work that leaves locks behind", "[traces][explain]") {
  const Told told = tell("BUG: workqueue leaked lock or atomic: kworker/5:21/0x00000000/7596\n     last function: handle_work\n"
                         "2 locks held by kworker/5:21/7596:\n #0: ffff8881051ae448 (writers#3){.+.+}-{0:0}, at: path_locked+0x142/0x660\n"
                         " #1: ffff888130e966c0 (&type->dir_key#3/1){+.+.}-{4:4}, at: path_locked+0x17d/0x660\n"
                         "CPU: 5 PID: 7596 Comm: kworker/5:21 Not tainted 6.1.162 #138\nCall Trace:\n <TASK>\n process_one_work.cold+0x57/0x5c\n </TASK>\n");
  REQUIRE(told.graph.findings.size() == 2);
  CHECK(told.summary().at(0).starts_with("exit-held confirmed"));
  CHECK(reports::context_name(told.graph, told.only().context) == "kworker/5:21/7596");
}

TEST_CASE("logs: an interrupt rule's report that ends before the two ends are named", "[traces][explain]") {
  const std::string head = "WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected\n6.10.0 #13 Not tainted\n"
                           "worker/19 [HC0[0]:SC0[0]:HE0:SE1] is trying to acquire:\nffff88802d3a4018 (&new->a_lock){....}-{2:2}, at: k_rcu\n"
                           "fs/k.c:1028 [inline]\nffff88802d3a4018 (&new->a_lock){....}-{2:2}, at:\nk_async+0x196/0x4d0 fs/k.c:1049\n\n"
                           "and this task is already holding:\nffff88801ca06018 (&h->lock){-.-.}-{2:2}, at:\nqueue+0x8a/0x520 d/h.c:97\n"
                           "which would create a new lock dependency:\n (&h->lock){-.-.}-{2:2} -> (&new->a_lock){....}-{2:2}\n\n[...]\n\n";
  const Told open = tell(head);
  REQUIRE(open.graph.findings.size() == 1);
  CHECK(open.only().links.empty());
  CHECK(told_of(open).find("by worker/19 at k.c:1049 holds &h->lock h.c:97") != std::string::npos);
  CHECK(open.graph.dependencies.size() == 1);
  // The scenario names them.
  const Told told = tell(head + "Chain exists of:\n  &h->lock --> &new->a_lock --> list_lock\n\n Possible interrupt unsafe locking scenario:\n\n"
                                "       CPU0                    CPU1\n       ----                    ----\n  lock(list_lock);\n"
                                "                               local_irq_disable();\n                               lock(&h->lock);\n"
                                "                               lock(&new->a_lock);\n  <Interrupt>\n    lock(&h->lock);\n\n *** DEADLOCK ***\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.cycle(told.only()) == "&new->a_lock -> list_lock -> (hardirq) -> &h->lock");
  CHECK(told.only().reason.find("partial") != std::string::npos);
}

TEST_CASE("logs: the lock between the two ends of an inversion whose paths are left out", "[traces][explain]") {
  const Told told = tell("[...] WARNING: possible irq lock inversion dependency detected\n[...] 5.9.0 #0 Not tainted\n[...] ----\n"
                         "[...] a/102 just changed the state of lock:\n[...] ffff88811f506338 (&f->lock){.+..}-{2:2}, at: send+0x1d/0x200\n"
                         "[...] but this lock was taken by another, HARDIRQ-safe lock in the past:\n[...]  (&dev->lock){-...}-{2:2}\n[...]\n"
                         "[...] other info that might help us debug this:\n[...] Chain exists of:\n[...]   &dev->lock --> &new->lock --> &f->lock\n\nText.\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.cycle(told.only()) == "(hardirq) -> &dev->lock -> &new->lock -> &f->lock");
}

TEST_CASE("logs: places of an interrupt rule are those where it happened", "[traces][explain]") {
  const Told told = tell("WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected\n6.8.0 #0 Not tainted\n"
                         "gp/18 [HC0[0]:SC0[2]:HE0:SE0] is trying to acquire:\nffff88802b5ab020 (&b->lock){+...}-{2:2}, at: b_delete+0xb0/0x300 n.c:9\n\n"
                         "and this task is already holding:\nffffffff8e136558 (node){-.-.}-{2:2}, at: done+0xe/0x140 t.h:1\n"
                         "which would create a new lock dependency:\n (node){-.-.}-{2:2} -> (&b->lock){+...}-{2:2}\n\n"
                         "but this new dependency connects a HARDIRQ-irq-safe lock:\n (node){-.-.}-{2:2}\n\n.. which became HARDIRQ-irq-safe at:\n"
                         "  lock_acquire+0x1e4/0x530 l.c:5\n  __raw_spin_lock_irqsave s.h:1 [inline]\n  report+0x27/0x2f0 t.h:38\n\n"
                         "to a HARDIRQ-irq-unsafe lock:\n (&b->lock){+...}-{2:2}\n\n.. which became HARDIRQ-irq-unsafe at:\n...\n"
                         "  lock_acquire+0x1e4/0x530 l.c:5\n  spin_lock_bh s.h:3 [inline]\n  b_free+0x164/0x820 n.c:54\n\n"
                         "stack backtrace:\nCall Trace:\n <TASK>\n b_delete+0xb0/0x300 n.c:9\n </TASK>\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told_of(told).find("to n.c:9 1 to n.c:54 3 to t.h:38 3") != std::string::npos);
  // What the report says of the requested lock's place and object holds for the last link only.
  for (std::size_t i = 1; i < told.only().links.size(); ++i) CHECK(told.only().links[i].witness.from_site == reports::kNoIndex);
}

TEST_CASE("logs: kernels that end a line at every part of a lock", "[traces][explain]") {
  const Told told = tell("[  215.397] [ INFO: possible circular locking dependency detected ]\n[  215.403] 4.10.0 #191 Not tainted\n"
                         "[  215.414] worker/9821 is trying to acquire lock:\n[  215.419]  (\n[  215.421] &pipe->mutex\n[  215.424] /1\n[  215.425] ){+.+.+.}\n"
                         "[  215.428] , at: \n[  215.430] [<ffffffff81a5ac1c>] pipe_lock+0x5c/0x70\n[  215.435] but task is already holding lock:\n"
                         "[  215.439]  (\n[  215.441] writers\n[  215.443] #6\n[  215.445] ){.+.+.+}\n[  215.447] , at: \n"
                         "[  215.449] [<ffffffff81aff5a2>] to_user+0x132/0x1d0\n[  215.455] which lock already depends on the new lock.\n"
                         "[  215.463] the existing dependency chain (in reverse order) is:\n[  215.471] \n[  215.471] -> #1\n[  215.475]  (\n"
                         "[  215.476] writers\n[  215.479] #6\n[  215.480] ){.+.+.+}\n[  215.483] :\n"
                         "[  215.484]        [<ffffffff81a3cb4e>] start_write+0x2ce/0x450\n[  215.504] \n[  215.504] -> #0\n[  215.508]  (\n"
                         "[  215.510] &pipe->mutex\n[  215.512] /1\n[  215.514] ){+.+.+.}\n[  215.516] :\n"
                         "[  215.531]        [<ffffffff81a5ac1c>] pipe_lock+0x5c/0x70\n[  215.537] \n[  215.560]   lock(\n[  215.562] writers\n[  215.564] #6\n"
                         "[  215.566] );\n[  215.597]  *** DEADLOCK ***\n[  215.603] 1 lock held by worker/9821:\n[  215.608]  #0: \n[  215.610]  (\n"
                         "[  215.611] writers\n[  215.614] #6\n[  215.616] ){.+.+.+}\n[  215.618] , at: \n[  215.620] [<ffffffff81aff5a2>] to_user+0x132/0x1d0\n"
                         "[  215.626] \n[  215.626] stack backtrace:\n[  215.647] Call Trace:\n[  215.650]  pipe_lock+0x5c/0x70\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.cycle(told.only()) == "&pipe->mutex/1 -> writers#6");
  CHECK(told_of(told).find("at pipe_lock+0x5c/0x70 holds writers#6 to_user+0x132/0x1d0 to pipe_lock+0x5c/0x70 1 to start_write+0x2ce/0x450 1") !=
        std::string::npos);
  CHECK(told.notes.empty());
}

TEST_CASE("logs: places are those of the callers of lock functions", "[traces][explain]") {
  const Told told = tell("[ BUG: bad unlock balance detected! ]\n3.10.0 #1 Not tainted\n-------------------------------------\n"
                         "m/3328 is trying to release lock (&d->lock) at:\n[<ffffffff819be5f9>] mutex_unlock+0x9/0x10\nbut there are no more locks to release!\n\n"
                         "stack backtrace:\nCall Trace:\n [<ffffffff819be5f9>] ? mutex_unlock+0x9/0x10\n [<ffffffff819b9029>] dump_stack+0x19/0x1b\n"
                         " [<ffffffff810eb17e>] lock_release_non_nested+0x1ce/0x320\n [<ffffffff819be5f9>] mutex_unlock+0x9/0x10\n"
                         " [<ffffffff81701e20>] d_dqbuf+0x40/0x60\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(reports::short_place(told.graph, told.only().site) == "d_dqbuf+0x40/0x60");
  // Of several places decoders print for one frame the last is the function's own.
  const Told rcu = tell("WARNING: suspicious RCU usage\n6.12.0 #12 Not tainted\n-----------------------------\nnet/a.c:876 list traversed!!\n\n"
                        "stack backtrace:\nCall Trace:\n <TASK>\n lockdep_rcu_suspicious (kernel/l.c:6822)\n"
                        " a_available (./arch/jump.h:27 ./include/x.h:3 (discriminator 7) net/a.c:315) a\n </TASK>\n");
  REQUIRE(rcu.graph.findings.size() == 1);
  CHECK(reports::short_place(rcu.graph, rcu.only().site) == "a.c:315");
}

TEST_CASE("logs: tasks that hang are no findings, but counted", "[traces][explain]") {
  const Told told = tell("[ 1.0] INFO: task a:12 blocked for more than 120 seconds.\n[ 1.0] INFO: task b:13 blocked for more than 120 seconds.\n"
                         "Showing all locks held in the system:\n1 lock held by a/12:\n #0: ffff8880b9f34cd8 (&q->lock){-.-.}-{2:2}, at: f+0x1/0x2\n");
  CHECK(told.reports == 0);
  CHECK(told.noted("2 reports are of tasks that hang"));
}

TEST_CASE("logs: another CPU's warning in the middle, without callers to tell them apart", "[traces][explain]") {
  const std::vector<std::string> lines = reports::test::lines_of(load("splats/circular3.txt"));
  const std::vector<std::string> warning = {"------------[ cut here ]------------", "WARNING: CPU: 1 PID: 7 at fs/inode.c:300 drop_it+0x30/0x40",
                                            "Modules linked in: a b c", "CPU: 1 PID: 7 Comm: other Not tainted 6.1.0 #1", "RIP: 0010:drop_it+0x30/0x40",
                                            "Call Trace:", " <TASK>", " drop_it+0x30/0x40", " other_work+0x11/0x22", " </TASK>",
                                            "---[ end trace 0000000000000000 ]---"};
  const std::string expected = told_of(tell(load("splats/circular3.txt")));
  // Wherever it comes before the splat's own trace; as a whole, and line by line between the splat's.
  std::size_t trace = 0;
  while (trace < lines.size() && lines[trace].find("stack backtrace:") == std::string::npos) ++trace;
  REQUIRE(trace < lines.size());
  for (std::size_t at = 4; at <= trace; ++at) {
    CAPTURE(at);
    std::string whole, mixed;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i == at)
        for (const std::string& line : warning) whole += line + "\n";
      whole += lines[i] + "\n";
      if (i >= at && i - at < warning.size() && i < trace) mixed += warning[i - at] + "\n";
      mixed += lines[i] + "\n";
    }
    const Told told = tell(whole);
    CHECK(told.ids() == tell(load("splats/circular3.txt")).ids());
    CHECK(told.notes.empty());
    CHECK(tell(mixed).ids() == tell(load("splats/circular3.txt")).ids());
  }
  std::string early;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == 7)
      for (const std::string& line : warning) early += line + "\n";
    early += lines[i] + "\n";
  }
  CHECK(told_of(tell(early)) == expected);
}

TEST_CASE("logs: a nested lock whose outer one is not held", "[traces][explain]") {
  const Told told = tell("[  145.6] WARNING: Nested lock was not taken\n[  145.6] 5.0.0 #144 Not tainted\n[  145.6] ----------------------------------\n"
                         "[  145.6] test/1411 is trying to lock:\n[  145.6] 0000000098a1c4d3 (w_mutex){+.+.}, at: reserve+0x46e/0x910 [ttm]\n[  145.6]\n"
                         "          but this task is not holding:\n[  145.6] w_acquire\n[  145.6]\n          stack backtrace:\n[  145.6] Call Trace:\n"
                         "[  145.6]  reserve+0x46e/0x910 [ttm]\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.summary().at(0) == "assert-held confirmed w_mutex");
  CHECK(told.only().reason.find("w_acquire is to be held there") != std::string::npos);
}

TEST_CASE("logs: the mutex debugging that came before lockdep", "[traces][explain]") {
  const Told told = tell("BUG: halt/4781, lock held at task exit time!\n [f7001b34] {md_find}\n.. held by:              halt: 4781 [f7cd4030, 118]\n"
                         "... acquired at:               md_reboot+0x3a/0xa9 [md_mod]\nBUG: halt/4781, lock held at task exit time!\n"
                         " [f7001c34] {md_other}\n.. held by:              halt: 4781 [f7cd4030, 118]\n... acquired at:               md_reboot+0x4a/0xa9 [md_mod]\n");
  REQUIRE(told.graph.findings.size() == 2);
  CHECK(told.notes.empty());
  CHECK(told.status.ok());
  CHECK(told_of(told).find("by halt/4781 at md_reboot+0x3a/0xa9 [md_mod] holds md_find md_reboot+0x3a/0xa9 [md_mod]") != std::string::npos);
}

TEST_CASE("logs: pieces of reports in any order do no harm", "[traces][explain]") {
  // Broken lines that are taken apart and could be joined again for ever.
  const std::string took = "but this lock took another,\n";
  CHECK(tell("WARNING: possible irq lock inversion dependency detected\n" + took + took + took + "f+0x1/0x2 but this lock took another,\n" + took).reports == 0);
  // A context of DEPT's that comes while the stack of another is read.
  CHECK(tell("DEPT: Circular dependency has been detected.\ncontext A\n[W] folio_wait(a:0):\nf+0x1/0x2\ncontext Z\ng+0x1/0x2\nh+0x1/0x2\n").reports == 0);
  std::string all;
  for (const char* name : kFiles) all += load(name);
  const std::vector<std::string> lines = reports::test::lines_of(all);
  unsigned state = 1;
  for (int round = 0; round < 60; ++round) {
    std::string mixed;
    for (int i = 0; i < 300; ++i) {
      state = state * 1664525u + 1013904223u;
      const std::string& line = lines[(state >> 8) % lines.size()];
      mixed += line.substr(0, (state >> 4) % 7 == 0 ? line.size() / 2 : line.size()) + "\n";
    }
    CHECK_NOTHROW(tell(mixed));
  }
}

TEST_CASE("logs: places survive being printed as our splat", "[traces][explain]") {
  for (const std::string& text : {
           // A user's function that has the name of a lock function of the kernel's.
           std::string("WARNING: ThreadSanitizer: unlock of an unlocked mutex (or by a wrong thread) (pid=135)\n"
                       "    #0 pthread_mutex_unlock <null> (libtsan.so.0+0x3b64a)\n    #1 mutex_unlock lib/io.c:161 (x+0x5b392b)\n"
                       "    #2 raw_read lib/io.c:331 (x+0x5b392b)\n\n  Mutex M0 (0x7b4800000110) created at:\n"
                       "    #0 pthread_mutex_init <null> (libtsan.so.0+0x4a616)\n    #1 io_open lib/io.c:729 (x+0x5b1234)\n\nSUMMARY: ThreadSanitizer: x\n"),
           // A trace whose first frames have no names that tell.
           std::string("[ BUG: Invalid wait context ]\n6.11.0 #28 Not tainted\n-----------------------------\nswapper/5/0 is trying to lock:\n"
                       "ffff0004409ab900 (rust/generated.rs:1238){+.+.}-{3:3}, at:\nhelper_lock+0x10/0x18\ncontext-{2:2}\nstack backtrace:\nCall trace:\n"
                       " $x.11+0x98/0xb4\n show_stack+0x14/0x1c\n helper_lock+0x10/0x18\n\n")}) {
    const Told first = tell(text);
    REQUIRE(first.graph.findings.size() == 1);
    const Told again = tell(reports::render_splat(first.graph, first.only(), {}));
    CHECK(again.ids() == first.ids());
  }
}

TEST_CASE("logs: what sleeps in atomic context is named by who allocates, not by the allocator", "[traces][explain]") {
  const auto slept = [](const std::string& frames) {
    return tell("BUG: sleeping function called from invalid context at include/linux/sched/mm.h:274\n"
                "in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 811, name: modprobe\npreempt_count: 1, expected: 0\n1 lock held by modprobe/811:\n"
                " #0: ffffffffc03a50f8 (my_spin){+.+.}-{2:2}, at: my_init+0x1c/0x1000 [mydrv]\nCPU: 3 PID: 811 Comm: modprobe Not tainted 6.5.0 #9\n"
                "Call Trace:\n <TASK>\n dump_stack_lvl+0x60/0xb0\n __might_resched+0x18f/0x2a0\n" + frames + " my_init+0x30/0x1000 [mydrv]\n </TASK>\n");
  };
  const Told direct = slept("");
  REQUIRE(direct.graph.findings.size() == 1);
  CHECK(direct.cycle(direct.only()) == "sleep@my_init");
  CHECK(slept(" __kmem_cache_alloc_node+0x3b5/0x420\n kmalloc_trace+0x25/0x90\n").ids() == direct.ids());
  CHECK(slept(" __alloc_pages+0x3b5/0x420\n alloc_pages_mpol+0x25/0x90\n __get_free_pages+0x1/0x2\n").ids() == direct.ids());
}
