# SPDX-License-Identifier: MIT
#
# `crossdep explain`: other tools' reports as findings of ours, with our ids; and /proc/lockdep as input of `check`.
import json
import lzma

from commands import ABBA, one_error
from harness import SOURCE, test

DATA = SOURCE / "tests" / "data"
KERNEL_CASES = ["abba_mutex", "abba_spin", "abcd_mixed", "cpuhp_wq", "gate", "irq_hard", "irq_inversion", "irq_rw", "irq_soft",
                "mmap_fault", "one_task_abba", "rec_mutex", "rwlock_abba_read", "rwsem_rr", "seq_irq", "unlock_spin",
                "wq_cancel_sync", "wq_flush_queue", "wq_flush_work"]


def found(box, *command):
    """{id: classes} of a command's JSON."""
    done = box.run(box.crossdep, *command, "--format", "json")
    return {f["id"]: sorted(f["classes"]) for f in json.loads(done.out)["findings"]}


@test
def explain_turns_a_kernel_log_into_findings(box):
    done = box.run(box.crossdep, "explain", DATA / "splats" / "circular3.txt")
    box.equal(done.status, 1, "status")
    box.has(done.out, "possible  lock-order-cycle")
    box.has(done.out, "why: reported by lockdep of Linux 6.1.192")
    box.has(done.out, "cycle: lock_alpha -> lock_beta -> lock_gamma -> lock_alpha")
    box.has(done.out, "insmod/40 holds lock_gamma at lu+0x14/0x40 [ldtest]")
    box.equal(done.err, "", "standard error")


@test
def explain_finds_what_check_finds_in_the_same_kernels_trace(box):
    """The kernel's splat and the recording of the same boot: the same ids, the same classes."""
    box.needs("xz")
    for name in KERNEL_CASES:
        told = found(box, "explain", DATA / "kernel" / f"{name}.splat.txt")
        judged = found(box, "check", "--fail-on", "latent", DATA / "kernel" / f"{name}.ftrace.xz")
        box.equal(len(told), 1, f"{name}: findings of its splat")
        for finding, classes in told.items():
            box.check(finding in judged, f"{name}: {finding} {classes} is not among {judged}")
            box.equal(classes, judged[finding], f"{name}: classes")


@test
def explain_reads_our_own_splats_to_the_same_ids(box):
    rules = [line.split()[0] for line in box.run(box.crossdep, "rules").out.splitlines()]
    inputs = [DATA / "kernel" / f"{name}.ftrace.xz" for name in KERNEL_CASES] + [DATA / "kernel" / "xrelease.ftrace"]
    for rule in rules:
        text = box.run(box.crossdep, "rules", rule).out
        if "(crossdep check FILE)" in text:
            inputs.append(box.write(f"{rule}.cdt", text.split("(crossdep check FILE):\n\n")[1]))
    box.check(len(inputs) > 25, "too few inputs")
    for path in inputs:
        judged = found(box, "check", path)
        log = box.write("own.log", box.run(box.crossdep, "check", "--format", "splat", "--verbose", path).out)
        told = found(box, "explain", log)
        box.equal(told, judged, f"{path.name}: findings")


@test
def explain_keeps_the_verdict_of_our_own_splats(box):
    box.write("t.cdt", ABBA)
    graph = json.loads(box.run(box.crossdep, "check", "--format", "json", "t.cdt").out)
    log = box.write("own.log", box.run(box.crossdep, "check", "t.cdt").out)
    told = json.loads(box.run(box.crossdep, "explain", "--format", "json", log).out)
    for key in ("verdict", "reason", "check", "classes"):
        box.equal(told["findings"][0][key], graph["findings"][0][key], key)


@test
def explain_counts_equal_reports(box):
    log = (DATA / "splats" / "circular3.txt").read_text() * 200
    done = box.run(box.crossdep, "explain", "-", stdin=log.encode())
    box.equal(done.status, 1, "status")
    box.has(done.out, "reported 200 times by lockdep of Linux 6.1.192")
    box.has(done.out, "1 finding: 1 possible")


@test
def explain_reads_compressed_logs(box):
    log = (DATA / "splats" / "freed.txt").read_bytes()
    done = box.run(box.crossdep, "explain", box.write("dmesg.xz", lzma.compress(log)))
    box.equal(done.status, 1, "status")
    box.has(done.out, "destroy-held")


@test
def explain_writes_a_graph_that_merges(box):
    box.write("t.cdt", ABBA)
    box.run(box.crossdep, "check", "-o", "trace.cdgraph", "t.cdt")
    done = box.run(box.crossdep, "explain", "-o", "log.cdgraph", DATA / "splats" / "circular3.txt")
    box.equal(done.status, 1, "status")
    box.equal(box.run(box.crossdep, "merge", "-o", "all.cdgraph", "trace.cdgraph", "log.cdgraph").status, 0, "merge")
    ids = {f["id"] for f in box.graph("all.cdgraph")["findings"]}
    box.equal(ids, {f["id"] for name in ("trace.cdgraph", "log.cdgraph") for f in box.graph(name)["findings"]}, "ids")
    box.equal(box.run(box.crossdep, "report", "all.cdgraph").status, 1, "report")


@test
def halves_from_a_log_and_from_another_make_a_cycle(box):
    """A log has lock_alpha before lock_beta; another says lock_beta before lock_gamma before lock_alpha."""
    log = (DATA / "splats" / "circular3.txt").read_text()
    box.write("other.txt", log.replace("lock_beta", "lock_x").replace("lock_alpha --> lock_x", ""))
    box.run(box.crossdep, "explain", "-o", "one.cdgraph", DATA / "splats" / "circular3.txt")
    box.run(box.crossdep, "explain", "-o", "two.cdgraph", "other.txt")
    box.run(box.crossdep, "merge", "-o", "all.cdgraph", "one.cdgraph", "two.cdgraph")
    box.equal(len(box.graph("one.cdgraph")["findings"]), 1, "findings of the first")
    box.check(len(box.graph("all.cdgraph")["findings"]) >= 2, "both cycles")


@test
def explain_reads_thread_sanitizer(box):
    for compiler in ("gcc", "clang"):
        done = box.run(box.crossdep, "explain", DATA / "tools" / f"tsan-{compiler}-order.txt")
        box.equal(done.status, 1, "status")
        box.has(done.out, "2 findings: 2 possible")
        box.has(done.out, "reported by ThreadSanitizer: lock-order-inversion (potential deadlock)")
        misuse = box.run(box.crossdep, "explain", DATA / "tools" / f"tsan-{compiler}-misuse.txt").out
        for part in ("destroy-held", "lock: mutex@main", "bad-unlock", "lock: g_unheld", "lock: g_other", "lock-misuse",
                     "signal-unsafe-lock"):
            box.has(misuse, part)


@test
def explain_reads_helgrind_and_drd(box):
    done = box.run(box.crossdep, "explain", DATA / "tools" / "helgrind-order.txt")
    box.equal(done.status, 1, "status")
    for part in ("cycle: g_a -> g_b -> g_a", "mutex@make_lock", "reported by Helgrind 3.19.0", "thread/3 holds g_b at take (abba.c:7)"):
        box.has(done.out, part)
    for tool in ("helgrind", "drd"):
        misuse = box.run(box.crossdep, "explain", DATA / "tools" / f"{tool}-misuse.txt").out
        for part in ("destroy-held", "bad-unlock", "exit-held", "recursive-lock"):
            box.has(misuse, part)


@test
def explain_without_a_report_is_nothing_recorded(box):
    done = box.run(box.crossdep, "explain", box.write("dmesg.txt", "[    0.000000] Linux version 6.1.0\n[    1.0] usb 1-1: new\n"))
    box.equal(done.status, 3, "status")
    box.has(done.err, "nothing recorded: no report of a lock was found")


@test
def explain_refuses_what_is_no_log(box):
    one_error(box, box.run(box.crossdep, "explain", box.write("noise", bytes(range(256)) * 400)), 2, "noise", "binary data")
    one_error(box, box.run(box.crossdep, "explain", "missing.txt"), 2, "missing.txt")
    one_error(box, box.run(box.crossdep, "explain", box.write("empty", "")), 2, "empty")
    one_error(box, box.run(box.crossdep, "explain", box.folder), 2, "directory")
    one_error(box, box.run(box.crossdep, "explain"), 2, "logs")


@test
def explain_reads_a_log_with_noise_in_it(box):
    log = bytes(range(256)) * 40 + b"\n" + (DATA / "splats" / "recursive.txt").read_bytes() + b"\0\0\0\xff\n"
    done = box.run(box.crossdep, "explain", box.write("serial.log", log))
    box.equal(done.status, 1, "status")
    box.has(done.out, "recursive-lock")


@test
def explain_says_that_a_cut_log_is_partial(box):
    lines = (DATA / "splats" / "circular3.txt").read_text().splitlines(keepends=True)
    done = box.run(box.crossdep, "explain", box.write("cut.txt", "".join(lines[:30])))
    box.equal(done.status, 2, "status")
    box.has(done.err, "cut.txt:3: the log ends before the report that begins here does")
    box.has(done.err, "partial")
    box.has(done.out, "the report is partial")


@test
def other_commands_take_logs_too(box):
    done = box.run(box.crossdep, "report", DATA / "splats" / "circular3.txt")
    box.equal(done.status, 1, "status")
    box.has(done.out, "lock_alpha")


@test
def check_takes_the_kernels_own_graph(box):
    box.needs("xz")
    done = box.run(box.crossdep, "check", "-o", "graph.cdgraph", DATA / "kernel" / "proc-lockdep.txt.xz")
    box.equal(done.status, 0, "status")
    box.has(done.err, "without modes, contexts and stacks its cycles are candidates")
    box.equal(len(box.graph("graph.cdgraph")["classes"]), 416, "classes")
    done = box.run(box.crossdep, "check", box.write("lockdep", "all lock classes:\n"
                   "ffffffff81cbe100 FD: 2 BD: 1 ....: a\n -> [ffffffff81cbe200] b\n\n"
                   "ffffffff81cbe200 FD: 2 BD: 1 ....: b\n -> [ffffffff81cbe100] a\n"))
    box.equal(done.status, 1, "status")
    box.has(done.out, "possible circular locking dependency detected")
    box.has(done.out, "the kernel lists these dependencies")
    done = box.run(box.crossdep, "check", box.write("none", "all lock classes:\n"))
    box.equal(done.status, 2, "status")
    box.has(done.err, "lists no lock class")
