# SPDX-License-Identifier: MIT
#
# Rule files: on live runs, on recordings and on graphs; what comes with crossdep; errors; the learnt order.
import json
import re

from commands import one_error
from harness import SOURCE, test

FORBIDDEN = "WARNING: forbidden operation under a lock"
BA = "T1 acquire b site=a.c:1\nT1 acquire a site=a.c:2\nT1 release a\nT1 release b\n"
ORDER = '{ "order": [["^a$", "^b$"]] } // a before b\n'


def preloaded(box, program, options):
    return box.run(program, env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent), "CROSSDEP_OPTIONS": options})


def checks(box, path="results/crossdep.cdgraph"):
    return sorted(f["check"] for f in box.findings(path))


@test
def the_seeds_rule_live_and_recorded(box):
    done = box.under(box.build / "examples" / "hotplug-before", options=["--rules", "hotplug-workqueue", "--record"])
    box.equal(done.status, 66, "status")
    box.equal(checks(box), ["cross-release-cycle", "forbidden-operation"], "checks")
    trace = next((box.folder / "results").glob("*.cdtrace"))
    judged = box.run(box.crossdep, "check", "-o", "judged.cdgraph", "--rules", "hotplug-workqueue", trace)
    for text in (done.err, judged.out):
        box.equal(text.count(FORBIDDEN), 1, "splats")
        for part in ("performs alloc_workqueue, at: driver_init_notifier", "before.c:15", "(&dev_priv->mm_lock)", "(&mm->mmap_sem)",
                     "while it held &mm->mmap_sem, &dev_priv->mm_lock, which is forbidden (hotplug-workqueue.json:",
                     "&dev_priv->mm_lock was acquired at:"):
            box.has(text, part)
    box.equal([(f["id"], f["verdict"]) for f in box.findings("judged.cdgraph")], [(f["id"], f["verdict"]) for f in box.findings()], "ids")
    found = next(f for f in box.findings() if f["check"] == "forbidden-operation")
    box.equal((found["verdict"], found["classes"]), ("confirmed", ["(op)alloc_workqueue", "&mm->mmap_sem", "&dev_priv->mm_lock"]), "finding")


@test
def the_seeds_rule_mended(box):
    done = box.under(box.build / "examples" / "hotplug-after", options=["--rules", "hotplug-workqueue", "--rules", "posix", "--record"])
    box.equal((done.status, checks(box)), (0, []), "status and checks")
    trace = next((box.folder / "results").glob("*.cdtrace"))
    box.equal(box.run(box.crossdep, "check", "--rules", "hotplug-workqueue", trace).status, 0, "status of check")


PROGRAM = """#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "crossdep.h"
static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
static void child(void) { pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, 0, 0); }
static void nap(void) { struct timespec t = {0, 1000}; nanosleep(&t, 0); }
static void open_library(void) { void* l = dlopen("libm.so.6", RTLD_NOW); if (l) dlclose(l); }
static void call_back(void) { crossdep_operation("callback"); }
int main(int argc, char** argv) {
  (void)argv;
  pthread_mutex_t* held = argc > 1 ? &outer : &inner;
  pthread_mutex_lock(held);
  if (argc <= 1) pthread_mutex_unlock(held);
  child(); nap(); open_library(); call_back();
  if (argc > 1) pthread_mutex_unlock(held);
  puts("after");
  return 0;
}
"""


@test
def operations_under_a_lock(box):
    """fork, sleep and loading a library are seen by themselves, a callback because the program says so."""
    program = box.compile("ops.c", name="ops", text=PROGRAM, flags=["-ldl"])
    rules = box.write("my rules.json", '{ "no_lock": [{ "operation": ["fork", "dl*", "*sleep", "callback"] }] }')
    done = box.under(program, "under", options=["--rules", rules])
    box.equal((done.status, done.out), (66, "after\n"), "status and output")
    wanted = ["callback", "dlclose", "dlopen", "fork", "nanosleep"]
    box.equal(sorted(f["classes"][0] for f in box.findings()), [f"(op){name}" for name in wanted], "operations")
    for name in wanted:
        box.has(done.err, f" performs {name}, at: ")
    box.equal(done.err.count("outer was acquired at:"), len(wanted), "where the lock was taken")
    done = box.under(program, options=["--rules", rules], output="free")
    box.equal((done.status, done.out, checks(box, "free/crossdep.cdgraph")), (0, "after\n", []), "status, output and checks without a lock")
    # The graph of a run without rules can be judged later: what was done under a lock is in it.
    done = box.under(program, "under", output="plain")
    box.equal((done.status, checks(box, "plain/crossdep.cdgraph")), (0, []), "status and checks without rules")
    box.equal(box.run(box.crossdep, "report", "--rules", rules, "plain/crossdep.cdgraph").out.count("no-lock-allowed:"), len(wanted), "findings")


@test
def rules_under_plain_preload(box):
    program = box.compile("ops.c", name="ops", text=PROGRAM, flags=["-ldl"])
    box.write("one.json", '{ "forbid": [{ "operation": "fork", "under": "outer" }] }')
    box.write("two.json", '{ "forbid": [{ "operation": "callback", "under": "outer" }] }')
    for options in ("rules=one.json,two.json", "rules=one.json:rules='two.json'"):
        done = box.run(program, "under", env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent),
                                              "CROSSDEP_OPTIONS": "out=g.cdgraph:" + options})
        box.equal((done.status, done.out, done.err.count(FORBIDDEN)), (66, "after\n", 2), "status, output and splats")
        box.equal(checks(box, "g.cdgraph"), ["forbidden-operation"] * 2, "checks in the graph")
    done = preloaded(box, program, "out=h.cdgraph:rules=one.json")
    box.equal((done.status, done.out, done.err), (0, "after\n", ""), "status and output without a lock held")
    box.write("known", "forbidden-operation:outer\n")
    done = box.run(program, "under", env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent),
                                          "CROSSDEP_OPTIONS": "out=g.cdgraph:suppressions=known:rules=one.json"})
    box.equal((done.status, done.err), (0, ""), "status and output of a suppressed one")


@test
def rules_on_a_trace_and_on_a_graph(box):
    box.write("t.cdt", BA)
    box.write("order.json", ORDER)
    box.write("other.json", '{ "leaf": ["^b$"] }')
    box.equal(box.run(box.crossdep, "check", "-o", "plain.cdgraph", "t.cdt").status, 0, "status without rules")
    done = box.run(box.crossdep, "check", "--rules", "order.json", "-o", "g.cdgraph", "t.cdt")
    box.equal((done.status, checks(box, "g.cdgraph")), (1, ["declared-order"]), "status and checks")
    box.has(done.out, "WARNING: declared lock order violated")
    box.has(done.out, "requested a while it held b, but a comes first (order.json:1)")
    done = box.run(box.crossdep, "report", "--rules", "order.json", "--rules", "other.json", "plain.cdgraph")
    box.equal(done.status, 1, "status of report")
    box.has(done.out, "declared-order")
    box.has(done.out, "leaf-lock")
    ab = box.write("ab.cdt", "T1 acquire a\nT1 acquire b\nT1 release b\nT1 release a\n")
    box.equal(box.run(box.crossdep, "check", "--rules", "order.json", ab).status, 0, "status of the declared order")


@test
def bad_rule_files(box):
    box.write("t.cdt", BA)
    program = box.build / "examples" / "abba"
    cases = {"typo.json": ('{\n  "leafs": []\n}', 'typo.json:2:3: unknown key "leafs"; did you mean "leaf"?'),
             "kind.json": ('{ "leaf": "a" }', 'kind.json:1:11: "leaf" is text where a list belongs'),
             "cut.json": ('{ "leaf": [', "cut.json:1:"),
             "binary.json": (b"\x7fELF\x00\x01", "binary.json:1:"),
             "empty.json": ("", "empty.json:1:")}
    for name, (text, cause) in cases.items():
        box.write(name, text)
        one_error(box, box.run(box.crossdep, "check", "--rules", name, "t.cdt"), 2, cause)
        one_error(box, box.run(box.crossdep, "report", "--rules", name, "t.cdt"), 2, cause)
        one_error(box, box.under(program, options=["--rules", name]), 125, cause)
    done = box.run(box.crossdep, "check", "--rules", "posx", "t.cdt")
    one_error(box, done, 2, "posx: no such rule file")
    box.has(done.err, "crossdep: hint: did you mean 'posix'?")
    one_error(box, box.run(box.crossdep, "check", "--rules", "./nowhere.json", "t.cdt"), 2, "nowhere.json: No such file or directory")
    done = preloaded(box, program, "out=g.cdgraph:rules=typo.json")
    box.equal(done.err.count('typo.json:2:3: unknown key "leafs"; did you mean "leaf"?; no rules are applied'), 1, "error lines")
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.equal(done.status, 66, "status")


@test
def the_files_that_come_with_it(box):
    box.write("t.cdt", BA)
    for path in sorted((SOURCE / "rules").glob("*.json")):
        if path.name != "rules.schema.json":
            box.equal(box.run(box.crossdep, "check", "--rules", path.stem, "t.cdt").status, 0, f"status of check with {path.stem}")


@test
def rule_files_fit_their_schema(box):
    try:
        import jsonschema
    except ImportError:
        box.skip("python3-jsonschema is not installed")
    schema = json.loads((SOURCE / "rules" / "rules.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in (SOURCE / "rules").glob("*.json"):
        if path.name == "rules.schema.json":
            continue
        lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("//")]
        jsonschema.validate(json.loads("\n".join(lines)), schema)
    for wrong in ({"laef": []}, {"order": [["a"]]}, {"forbid": [{"under": "a"}]}):
        box.check(not jsonschema.Draft202012Validator(schema).is_valid(wrong), f"{wrong} is valid")


@test
def learnt_order(box):
    box.write("t.cdt", BA + BA.replace("T1", "T2").replace("a ", "c ").replace("a\n", "c\n"))
    box.run(box.crossdep, "check", "-o", "g.cdgraph", "t.cdt")
    done = box.run(box.crossdep, "rules", "--learn", "g.cdgraph", "-o", "learnt.json")
    box.equal((done.status, done.out, done.err), (0, "", ""), "status and output")
    text = (box.folder / "learnt.json").read_text()
    box.has(text, "learnt from g.cdgraph")
    box.check(text.index('"^b$"') < text.index('"^a$"') and text.index('"^b$"') < text.index('"^c$"'), "levels")
    box.equal(box.run(box.crossdep, "report", "--rules", "learnt.json", "g.cdgraph").status, 0, "status of the graph it was learnt from")
    turned = box.write("turned.cdt", "T1 acquire a\nT1 acquire b\nT1 release b\nT1 release a\n")
    box.equal(box.run(box.crossdep, "check", "--rules", "learnt.json", turned).status, 1, "status of the order turned round")
    one_error(box, box.run(box.crossdep, "rules", "--learn", "nowhere"), 2, "nowhere")


@test
def one_rule_file_for_runs_and_for_the_source(box):
    """The source calls a static lock file.c:name; a pattern tied to its name fits there as it does in a run."""
    if not (box.build / "bin" / "crossdep-scan").exists():
        box.skip("built without libclang")
    program = box.compile("bank.c", text="""#include <pthread.h>
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER, row = PTHREAD_MUTEX_INITIALIZER;
__attribute__((noinline)) static void flush_all(void) { pthread_mutex_lock(&row); pthread_mutex_unlock(&row); }
__attribute__((noinline)) static void modify(void) { pthread_mutex_lock(&row); pthread_mutex_unlock(&row); }
int main(void) {
  pthread_mutex_lock(&table);
  flush_all();
  modify();
  pthread_mutex_unlock(&table);
  return 0;
}
""")
    kept = box.write("kept.json", '{ "order": [["^table$", "^row$"]], "require": [{ "call": "modify", "lock": "^table$" }], "leaf": ["^row$"] }')
    broken = box.write("broken.json", '{ "order": [["^row$", "^table$"]], "forbid": [{ "call": "flush_all", "under": "^table$" }], "leaf": ["^table$"] }')
    for rules, wanted in ((kept, set()), (broken, {"declared-order", "forbidden-operation", "leaf-lock"})):
        name = rules.stem
        box.under(program, options=["--rules", rules], output=name)
        box.equal(set(checks(box, f"{name}/crossdep.cdgraph")), wanted, f"checks of the run, {name}")
        box.run(box.crossdep, "scan", "--rules", rules, "-o", f"{name}.cdgraph", "bank.c")
        box.equal(set(checks(box, f"{name}.cdgraph")), wanted, f"checks of the source, {name}")


# --- while the program runs ------------------------------------------------------------------------------------------------
SLOW = """#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static void io(void) {
  int ends[2];
  char c = 'x';
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) exit(9);
  if (write(ends[0], &c, 1) != 1 || read(ends[1], &c, 1) != 1 || send(ends[0], &c, 1, 0) != 1 || recv(ends[1], &c, 1, 0) != 1) exit(9);
  struct pollfd p = {ends[0], POLLOUT, 0};
  if (poll(&p, 1, 1000) != 1 || fsync(ends[0]) == 0) exit(9);
}
static void* signaller(void* unused) {
  usleep(150000);
  pthread_mutex_lock(&lock); pthread_cond_signal(&cond); pthread_mutex_unlock(&lock);
  return unused;
}
int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "free") == 0) io();
  pthread_mutex_lock(&lock);
  if (strcmp(what, "io") == 0) io();
  if (strcmp(what, "slow") == 0) { pthread_mutex_lock(&other); usleep(120000); pthread_mutex_unlock(&other); }
  if (strcmp(what, "wait") == 0) {
    pthread_t t;
    pthread_create(&t, 0, signaller, 0);
    pthread_cond_wait(&cond, &lock);
    pthread_mutex_unlock(&lock);
    pthread_join(t, 0);
    pthread_mutex_lock(&lock);
  }
  pthread_mutex_unlock(&lock);
  puts("at its end");
  return 0;
}
"""


@test
def rule_findings_halt_at_once(box):
    """The program is ended at the violation, under preload as under run, recorded or not; without violation it is not."""
    program = box.compile("ops.c", name="ops", text=PROGRAM, flags=["-ldl"])
    box.write("r.json", '{ "no_lock": [{ "operation": "fork" }] }')
    done = box.run(program, "under", env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent),
                                          "CROSSDEP_OPTIONS": "out=g.cdgraph:rules=r.json:halt_on_finding=1"})
    box.equal((done.status, done.out), (66, ""), "status and output under preload")
    box.equal(done.err.count("WARNING: "), 1, "splats")
    box.equal((done.err.count("performs fork, at: "), checks(box, "g.cdgraph")), (1, ["no-lock-allowed"]), "finding")
    for record in ([], ["--record"]):
        done = box.under(program, "under", options=["--rules", "r.json", *record], output=f"out{len(record)}",
                         env={"CROSSDEP_OPTIONS": "halt_on_finding=1"})
        box.equal((done.status, done.out, done.err.count("performs fork, at: ")), (66, "", 1), "status, output and splats under run")
        box.equal(checks(box, f"out{len(record)}/crossdep.cdgraph"), ["no-lock-allowed"], "checks under run")
    done = preloaded(box, program, "out=h.cdgraph:rules=r.json:halt_on_finding=1")
    box.equal((done.status, done.out, done.err), (0, "after\n", ""), "status and output without a violation")
    box.equal(sorted(p.name for p in box.folder.rglob("*.told")), [], "files left over")


@test
def rule_findings_are_printed_when_they_happen(box):
    """Before the program's own last words, and not again at the end."""
    program = box.compile("loud.c", name="loud", text=PROGRAM.replace('puts("after");', 'fputs("last words\\n", stderr);'), flags=["-ldl"])
    box.write("r.json", '{ "no_lock": [{ "operation": "fork" }] }')
    done = box.under(program, "under", options=["--rules", "r.json"])
    box.equal((done.status, done.err.count("performs fork, at: ")), (66, 1), "status and splats")
    box.check(done.err.index("performs fork, at: ") < done.err.index("last words"), "it is printed at the end only")


@test
def input_and_output_under_a_lock(box):
    program = box.compile("slow.c", name="slow", text=SLOW)
    done = box.under(program, "io", options=["--rules", "io"])
    box.equal((done.status, done.out), (66, "at its end\n"), "status and output")
    wanted = ["fsync", "poll", "read", "recv", "send", "write"]
    box.equal(sorted(f["classes"][0] for f in box.findings()), [f"(op){name}" for name in wanted], "operations")
    for name in wanted:
        box.equal(done.err.count(f" performs {name}, at: io+"), 1, f"splats of {name}")
    done = box.under(program, "free", options=["--rules", "io"], output="free")
    box.equal((done.status, checks(box, "free/crossdep.cdgraph")), (0, []), "status and checks without a lock")
    # Nobody asks, nothing is noted.
    for rules in ([], ["--rules", "posix"]):
        box.under(program, "io", options=rules, output="plain")
        box.lacks(json.dumps(box.graph("plain/crossdep.cdgraph")), "(op)write")


@test
def locks_held_for_too_long(box):
    program = box.compile("slow.c", name="slow", text=SLOW)
    rules = box.write("r.json", '{ "max_hold": [{ "class": "^lock$", "milliseconds": 100, "reason": "readers wait" }] }')
    done = box.under(program, "slow", options=["--rules", rules, "--record"])
    box.equal(done.status, 66, "status")
    box.equal([(f["check"], f["classes"]) for f in box.findings()], [("forbidden-operation", ["(op)hold for long", "lock"])], "findings")
    box.check(re.search(r"held lock for [1-9]\d\d ms; 100 ms are allowed \(r.json:1: readers wait\)", done.err), "the reason")
    box.has(done.err, "lock was acquired at:")
    trace = next((box.folder / "results").glob("*.cdtrace"))
    box.equal(box.run(box.crossdep, "check", "--rules", rules, trace).status, 1, "status of check")
    # Waiting for a condition is not holding its mutex; a limit that is kept; locks of other classes.
    box.equal(box.under(program, "wait", options=["--rules", rules], output="wait").status, 0, "status of a wait")
    box.equal(box.under(program, options=["--rules", rules], output="quick").status, 0, "status of a short hold")
    for name, text in (("long", '{ "max_hold": [{ "class": "^lock$", "milliseconds": 60000 }] }'), ("else", '{ "max_hold": [{ "class": "^x$", "milliseconds": 1 }] }')):
        box.equal(box.under(program, "slow", options=["--rules", box.write(f"{name}.json", text)], output=name).status, 0, f"status, {name}")


# (seconds, task, event): what a kernel holds for how long. With and without the event that tells of an acquisition: then the
# time begins with the task's next lock event.
HOLDS = [(5.0, 7, "lock_acquire: 0xffff888000000010 &long"), (5.4, 7, "lock_acquired: 0xffff888000000010 &long"),
         (5.41, 7, "lock_acquire: 0xffff888000000020 &inner"), (5.411, 8, "lock_acquire: 0xffff888000000030 &short"),
         (5.412, 8, "lock_acquired: 0xffff888000000030 &short"), (5.42, 7, "lock_release: 0xffff888000000020 &inner"),
         (5.43, 7, "lock_acquire: 0xffff888000000020 &inner"), (5.44, 8, "lock_release: 0xffff888000000030 &short"),
         (5.5, 7, "lock_acquired: 0xffff888000000020 &inner"), (5.7, 7, "lock_release: 0xffff888000000010 &long"),
         (5.71, 7, "lock_release: 0xffff888000000020 &inner"), (6.0, 9, "lock_acquire: 0xffff888000000040 &unknown"),
         (6.1, 9, "lock_acquire: 0xffff888000000030 &short"), (6.11, 9, "lock_release: 0xffff888000000030 &short"),
         (6.3, 9, "lock_release: 0xffff888000000040 &unknown")]


@test
def kernel_locks_held_for_too_long(box):
    rules = box.write("r.json", '{ "max_hold": [{ "class": "*", "milliseconds": 150, "reason": "readers wait" }] }')
    lines = {"ftrace": lambda s, pid, event: f"  t-{pid} [000] ..... {s:.6f}: {event}\n",
             "perf": lambda s, pid, event: f"t {pid} [000] {s:.6f}: lock:{event}\n"}
    for kind, line in lines.items():
        trace = box.write(f"long.{kind}", "".join(line(*hold) for hold in HOLDS))
        done = box.run(box.crossdep, "check", "--rules", rules, "-o", box.folder / f"{kind}.cdgraph", trace)
        box.equal(done.status, 1, f"status, {kind}")
        found = sorted(f["reason"] for f in box.graph(f"{kind}.cdgraph")["findings"])
        box.equal([re.sub(r".* held (\S+) for (\d+) ms.*", r"\1 \2", reason) for reason in found],
                  ["&inner 210", "&long 300", "&unknown 200"], f"findings, {kind}")
        box.has(done.out, "150 ms are allowed (r.json:1: readers wait)")
    # The same recording as text and as trace-cmd's file.
    brief = box.write("brief.json", '{ "max_hold": [{ "class": "mx_*", "milliseconds": 10 }] }')
    for name in ("abba_mutex.ftrace.xz", "abba_mutex.trace.dat.xz"):
        done = box.run(box.crossdep, "check", "--rules", brief, "-o", "real.cdgraph", SOURCE / "tests/data/kernel" / name)
        if "which this build cannot read" in done.err: continue
        box.equal(sorted(f["reason"].split(";")[0] for f in box.graph("real.cdgraph")["findings"] if f["check"] == "forbidden-operation"),
                  ["ls_ba/63 held mx_a for 20 ms", "ls_ba/63 held mx_b for 27 ms"], f"findings, {name}")
    # Nobody asks; a clock that does not count in seconds; nothing is held for so long.
    box.equal(box.run(box.crossdep, "check", box.folder / "long.ftrace").status, 0, "status without rules")
    counted = box.write("counter.ftrace", "".join(f"  t-{pid} [000] ..... {round(s * 1e6)}: {event}\n" for s, pid, event in HOLDS))
    box.equal(box.run(box.crossdep, "check", "--rules", rules, counted).status, 0, "status with a counter for a clock")
    patient = box.write("patient.json", '{ "max_hold": [{ "class": "*", "milliseconds": 300 }] }')
    box.equal(box.run(box.crossdep, "check", "--rules", patient, box.folder / "long.ftrace").status, 0, "status of a limit that is kept")
