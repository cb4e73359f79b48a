# SPDX-License-Identifier: MIT
#
# The source analyzer on small programs: tests/data/source/*.cases says what each is to give (see the README there).
import json
import re

from harness import SOURCE, add, test

CASES = SOURCE / "tests" / "data" / "source"


def programs(path):
    """[(name, text)] of a file of cases."""
    out = []
    for part in re.split(r"^=== ", path.read_text(), flags=re.M)[1:]:
        name, text = part.split("\n", 1)
        out.append((name.strip(), text))
    return out


def wanted(text, key):
    return [m.strip() for m in re.findall(rf"^// {key}: (.*)$", text, flags=re.M)]


def rotation(classes):
    at = classes.index(min(classes))
    return classes[at:] + classes[:at]


def judge(name, text, graph, messages):
    """What is wrong, as lines."""
    wrong = []

    def compare(what, expected, found):
        for one in sorted(set(expected) - set(found)):
            wrong.append(f"{name}: no {what}: {one}")
        for one in sorted(set(found) - set(expected)):
            wrong.append(f"{name}: unexpected {what}: {one}")

    compare("dependency", wanted(text, "expect"), [f"{d['from']} -> {d['to']}" for d in graph["dependencies"]])
    cycles = [" ".join([line.split()[0]] + rotation(line.split()[1:])) for line in wanted(text, "cycle")]
    compare("cycle", cycles, [" ".join([f["verdict"]] + rotation(f["classes"])) for f in graph["findings"] if f["dependencies"]])
    for code in wanted(text, "reason"):
        if any(f["reason_code"] != code for f in graph["findings"]):
            wrong.append(f"{name}: a finding is not {code}")
    single = [(f["check"], f"{f['verdict']} {f['classes'][0]}") for f in graph["findings"] if not f["dependencies"]]
    compare("nesting", wanted(text, "nested"), [what for check, what in single if check != "exit-held"])
    compare("lock left held", wanted(text, "left"), [what for check, what in single if check == "exit-held"])
    for part in wanted(text, "warn"):
        if part not in messages:
            wrong.append(f"{name}: standard error lacks: {part}")
    return wrong


def run_cases(box, path):
    if not (box.build / "bin" / "crossdep-scan").exists():
        box.skip("built without libclang")
    wrong = []
    for name, text in programs(path):
        box.write(name, text)
        done = box.run(box.crossdep, "scan", "-o", "-", name, "--", "-I", SOURCE / "runtime" / "include", *wanted(text, "flags"))
        try:
            graph = json.loads(done.out)
        except ValueError:
            wrong.append(f"{name}: no graph: {done.err.strip()}")
            continue
        wrong += judge(name, text, graph, done.err)
    box.check(not wrong, "\n".join(wrong))


def scanned(box, *words):
    if not (box.build / "bin" / "crossdep-scan").exists():
        box.skip("built without libclang")
    return box.run(box.crossdep, "scan", *words)


HOTPLUG = SOURCE / "examples" / "hotplug-workqueue"
INCLUDE = ["--", "-I", str(SOURCE / "runtime" / "include")]


@test
def hotplug_before_is_wrong_by_its_source(box):
    done = scanned(box, "-o", "before.cdgraph", HOTPLUG / "kernel.c", HOTPLUG / "before.c", *INCLUDE)
    box.equal(done.status, 1, "status")
    graph = json.loads((box.folder / "before.cdgraph").read_text())
    circle = [f for f in graph["findings"] if f["verdict"] == "possible" and f["check"] == "cross-release-cycle"]
    box.check(circle, "no cycle through the completion")
    classes = circle[0]["classes"]
    for name in ["&mm->mmap_sem", "(complete)&req.done", "cpu_hotplug_lock.rw_sem"]:
        box.check(name in classes, f"{name} is not in {classes}")
    for call in ["userptr_ioctl", "driver_init_notifier", "alloc_workqueue", "apply_workqueue_attrs"]:
        box.has(done.out, call)


@test
def hotplug_after_is_right_by_its_source(box):
    done = scanned(box, HOTPLUG / "kernel.c", HOTPLUG / "after.c", *INCLUDE)
    box.equal(done.status, 0, "status")


@test
def seeds_rule_is_broken_by_the_source(box):
    done = scanned(box, "--rules", "hotplug-workqueue", "-o", "g.cdgraph", HOTPLUG / "kernel.c", HOTPLUG / "before.c", *INCLUDE)
    box.equal(done.status, 1, "status")
    graph = json.loads((box.folder / "g.cdgraph").read_text())
    broken = [f for f in graph["findings"] if f["check"] == "forbidden-operation"]
    box.check(broken and all(f["verdict"] == "possible" for f in broken), "no forbidden operation, or surer than a source can be")
    box.has(broken[0]["reason"], "source only: ")
    box.has(done.out, "alloc_workqueue")
    box.has(done.out, "driver_init_notifier")
    done = scanned(box, "--rules", "hotplug-workqueue", HOTPLUG / "kernel.c", HOTPLUG / "after.c", *INCLUDE)
    box.equal(done.status, 0, "status of after.c")


RULED = """#include <pthread.h>
#include <unistd.h>
pthread_mutex_t config, log_lock, row;
static void deeper(void) { usleep(1); }
void bad(void) { pthread_mutex_lock(&config); deeper(); pthread_mutex_unlock(&config); }
void good(void) { pthread_mutex_lock(&config); pthread_mutex_unlock(&config); deeper(); }
void leafy(void) { pthread_mutex_lock(&log_lock); pthread_mutex_lock(&row); pthread_mutex_unlock(&row); pthread_mutex_unlock(&log_lock); }
void modify(int);
void unguarded(void) { modify(1); }
void guarded(void) { pthread_mutex_lock(&row); modify(2); pthread_mutex_unlock(&row); }
"""


@test
def rules_are_judged_on_the_source(box):
    box.write("ruled.c", RULED)
    box.write("rules.json", """{ "schema": 1,
  "leaf": ["log_lock"],
  "forbid": [{ "operation": "usleep", "under": "config" }],
  "require": [{ "call": "modify", "lock": "^row$" }] }""")
    done = scanned(box, "--rules", "rules.json", "-o", "g.cdgraph", "ruled.c")
    box.equal(done.status, 1, "status")
    graph = json.loads((box.folder / "g.cdgraph").read_text())
    found = sorted((f["check"], graph["findings"].index(f)) for f in graph["findings"])
    box.equal([check for check, _ in found], ["forbidden-operation", "leaf-lock", "lock-required"], "checks")
    box.has(done.out, "deeper")
    box.has(done.out, "unguarded")
    box.check("guarded+" not in done.out.replace("unguarded+", ""), "a guarded call is reported")


BROKEN_ORDER = """#include <mutex>
#include <thread>
struct T { std::mutex first; std::mutex second __attribute__((acquired_after(first))); };
static T t;
int main() {
  std::thread one([] {
    std::lock_guard<std::mutex> x(t.second);
    std::lock_guard<std::mutex> y(t.first);
  });
  one.join();
}
"""


@test
def declared_order_is_judged_by_what_runs_do(box):
    box.write("broken.cpp", BROKEN_ORDER)
    scanned(box, "broken.cpp", "-o", "source.cdgraph")
    built = box.run("c++", "-g", "-O0", "-pthread", box.folder / "broken.cpp", "-o", "broken")
    box.equal(built.status, 0, "status of c++")
    box.run(box.crossdep, "run", "-o", "run", "--", "./broken")
    box.run(box.crossdep, "merge", "-o", "all.cdgraph", "source.cdgraph", "run/crossdep.cdgraph")
    graph = json.loads((box.folder / "all.cdgraph").read_text())
    box.equal([(f["check"], f["verdict"]) for f in graph["findings"]][:1], [("declared-order", "confirmed")], "the first finding")
    box.has(graph["findings"][0]["reason"], "broken.cpp:3")


ORDER = "#include <pthread.h>\npthread_mutex_t a, b;\nvoid {0}(void) {{ pthread_mutex_lock(&{1}); pthread_mutex_lock(&{2}); pthread_mutex_unlock(&{2}); pthread_mutex_unlock(&{1}); }}\n"


def database(box, *files):
    entries = [{"directory": str(box.folder), "file": name, "arguments": ["gcc", "-fno-tree-vectorize", "-Wno-odd", "-c", name]} for name in files]
    box.write("compile_commands.json", json.dumps(entries))


@test
def database_with_gone_and_broken_files(box):
    box.write("one.c", ORDER.format("f", "a", "b"))
    box.write("broken.c", "int f( {\n")
    box.write("header.c", "#include \"not-there.h\"\n")
    database(box, "one.c", "broken.c", "header.c", "gone.c")
    done = scanned(box, "-p", ".", "-o", "g.cdgraph")
    box.equal(done.status, 2, "status")
    box.has(done.err, "broken.c:1:")
    box.has(done.err, "header.c:1:")
    box.has(done.err, "gone.c")
    box.has(done.err, "scanned 1 of 3 files")
    box.equal(len(json.loads((box.folder / "g.cdgraph").read_text())["dependencies"]), 1, "dependencies")


@test
def same_bytes_whatever_the_jobs_and_order(box):
    for name, first, second in [("one", "a", "b"), ("two", "b", "a"), ("three", "a", "b")]:
        box.write(name + ".c", ORDER.format(name, first, second).replace("pthread_mutex_t a", "extern pthread_mutex_t a" if name != "one" else "pthread_mutex_t a"))
    database(box, "one.c", "two.c", "three.c")
    scanned(box, "-p", ".", "-o", "g1", "-j", "1")
    database(box, "three.c", "two.c", "one.c")
    scanned(box, "-p", ".", "-o", "g2", "-j", "3")
    scanned(box, "-p", ".", "-o", "g3", "--cache", "cache")
    scanned(box, "-p", ".", "-o", "g4", "--cache", "cache")
    first = (box.folder / "g1").read_bytes()
    for other in ["g2", "g3", "g4"]:
        box.check((box.folder / other).read_bytes() == first, f"{other} differs from g1")


@test
def weak_cycles_are_shown_on_request(box):
    """One order is there only if a virtual call leads to one of two functions."""
    box.write("weak.cpp", "#include <mutex>\nstd::mutex a, b;\nstruct Base { virtual void go() = 0; };\n"
                          "struct One : Base { void go() override { b.lock(); b.unlock(); } };\n"
                          "struct Two : Base { void go() override {} };\n"
                          "void f(Base *p) { a.lock(); p->go(); a.unlock(); }\nvoid g() { b.lock(); a.lock(); a.unlock(); b.unlock(); }\n")
    done = scanned(box, "weak.cpp", "-o", "weak.cdgraph")
    box.equal(done.status, 0, "status")
    box.check("and weak" not in done.out, "a weak cycle is printed")
    box.has(done.out, "1 finding: 1 weak (--verbose shows it)")
    for words in [["--fail-on", "latent"], ["--verbose"]]:
        box.has(scanned(box, "weak.cpp", "-o", "weak.cdgraph", *words).out, "and weak")
    box.equal(scanned(box, "weak.cpp", "-o", "weak.cdgraph", "--fail-on", "latent").status, 1, "status for the policy latent")


@test
def inline_function_of_a_header_is_read_once(box):
    box.write("locks.h", "#include <pthread.h>\nstatic inline void get(pthread_mutex_t *m) { pthread_mutex_lock(m); }\n"
                         "static void put(pthread_mutex_t *m) { pthread_mutex_unlock(m); }\n")
    for name in ["one", "two", "three"]:
        box.write(f"{name}.c", f"#include \"locks.h\"\npthread_mutex_t {name}_a, {name}_b;\n"
                               f"void {name}(void) {{ get(&{name}_a); get(&{name}_b); put(&{name}_b); put(&{name}_a); }}\n")
    done = scanned(box, "one.c", "two.c", "three.c", "-o", "-")
    box.has(done.err, "3 of 3 files: 7 functions, 6 lock classes, 3 dependencies")


@test
def every_place_that_acquires_is_in_the_map(box):
    """Also those that say nothing new of the order, and those on ways that were gone before."""
    box.write("sites.c", "#include <pthread.h>\nstatic pthread_mutex_t g;\n"
                         "static void one(void) {\n  pthread_mutex_lock(&g);\n  pthread_mutex_unlock(&g);\n"
                         "  pthread_mutex_lock(&g);\n  pthread_mutex_unlock(&g);\n}\n"
                         "static void two(void) {\n  pthread_mutex_lock(&g);\n  pthread_mutex_unlock(&g);\n}\n"
                         "void all(void) {\n  one();\n  two();\n  pthread_mutex_lock(&g);\n  pthread_mutex_unlock(&g);\n}\n")
    graph = json.loads(scanned(box, "sites.c", "-o", "-").out)
    box.equal(sorted((s["line"], s["class"]) for s in graph["lock_sites"]), [(line, "sites.c:g") for line in [4, 6, 10, 16]], "sites")


@test
def unusable_input_is_told_in_one_line(box):
    done = scanned(box, "-p", ".")
    box.equal(done.status, 2, "status")
    box.has(done.err, "compile_commands.json: cannot be read")
    box.has(done.err, "hint: ")
    box.write("compile_commands.json", "[{]")
    done = scanned(box, "-p", ".")
    box.equal(done.status, 2, "status")
    box.has(done.err, "compile_commands.json:1: not JSON")
    box.write("compile_commands.json", '[{"file": "x.c", "directory": "."}]')
    box.has(scanned(box, "-p", ".").err, 'entry 0: has neither "arguments" nor "command"')
    box.write("none.c", "int main(void) { return 0; }\n")
    box.equal(scanned(box, "none.c").status, 3, "status without a lock")


HALVES = """#include <pthread.h>
struct account { pthread_mutex_t mu; };
static struct account *one;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
#include <stdlib.h>
static void seen(struct account *x) {
  pthread_mutex_lock(&x->mu);
  pthread_mutex_lock(&log_lock);
  pthread_mutex_unlock(&log_lock);
  pthread_mutex_unlock(&x->mu);
}
static void never(struct account *x) {
  pthread_mutex_lock(&log_lock);
  pthread_mutex_lock(&x->mu);
  pthread_mutex_unlock(&x->mu);
  pthread_mutex_unlock(&log_lock);
}
static void *run(void *u) { if (u == NULL) never(one); return u; }
int main(int argc, char **argv) {
  (void)argv;
  one = malloc(sizeof *one);
  pthread_mutex_init(&one->mu, NULL);
  pthread_t t;
  pthread_create(&t, NULL, run, argc > 5 ? NULL : (void *)1);
  seen(one);
  pthread_join(t, NULL);
  return 0;
}
"""


@test
def half_observed_cycle_is_named_by_the_source(box):
    box.write("halves.c", HALVES)
    scanned(box, "halves.c", "-o", "source.cdgraph")
    built = box.run("cc", "-g", "-O0", "-pthread", box.folder / "halves.c", "-o", "halves")
    box.equal(built.status, 0, "status of cc")
    box.run(box.crossdep, "run", "-o", "run", "--", "./halves")
    merged = box.run(box.crossdep, "merge", "-o", "all.cdgraph", "source.cdgraph", "run/crossdep.cdgraph")
    box.equal(merged.status, 0, "status of merge")
    graph = json.loads((box.folder / "all.cdgraph").read_text())
    box.equal([f["reason_code"] for f in graph["findings"] if f["verdict"] == "possible"], ["half-observed"], "possible findings")
    box.has(graph["findings"][0]["reason"], "halves.c:log_lock -> account::mu")
    path = "only in the source: halves.c:log_lock -> account::mu, by run (halves.c:18) > never (halves.c:14)"
    box.has(box.run(box.crossdep, "report", "all.cdgraph").out, "  " + path)
    box.has(box.run(box.crossdep, "report", "--format", "splat", "all.cdgraph").out, "crossdep: " + path)
    box.run(box.crossdep, "gate", "--init", "--baseline", "base.json", "run")
    box.has(box.run(box.crossdep, "gate", "--baseline", "base.json", "all.cdgraph").out, "  " + path)
    coverage = box.run(box.crossdep, "coverage", "source.cdgraph", "run/crossdep.cdgraph")
    box.has(coverage.out, "  halves.c:log_lock -> account::mu (")


JOINED = HALVES.replace("if (u == NULL) never(one); ", "seen(one); ").replace("argc > 5 ? NULL : (void *)1", "NULL").replace("  seen(one);\n  pthread_join(t, NULL);\n", "  pthread_join(t, NULL);\n  if (argc > 5) never(one);\n")


@test
def half_of_what_the_source_excuses_is_excused(box):
    box.write("joined.c", JOINED)
    scanned(box, "joined.c", "-o", "source.cdgraph")
    built = box.run("cc", "-g", "-O0", "-pthread", box.folder / "joined.c", "-o", "joined")
    box.equal(built.status, 0, "status of cc")
    box.run(box.crossdep, "run", "-o", "run", "--", "./joined")
    box.run(box.crossdep, "merge", "-o", "all.cdgraph", "source.cdgraph", "run/crossdep.cdgraph")
    graph = json.loads((box.folder / "all.cdgraph").read_text())
    box.check({"joined.c:log_lock", "account::mu"} <= {c["name"] for c in graph["classes"]}, "the classes are not joined")
    box.equal([(f["verdict"], f["reason_code"]) for f in graph["findings"]], [("latent", "source-ordered")], "findings")


INVERTED = HALVES.replace("argc > 5 ? NULL : (void *)1", "NULL").replace("if (u == NULL) ", "")


@test
def run_names_its_classes_by_the_source(box):
    box.write("inverted.c", INVERTED)
    scanned(box, "inverted.c", "-o", "source.cdgraph")
    built = box.run("cc", "-g", "-O0", "-pthread", box.folder / "inverted.c", "-o", "inverted")
    box.equal(built.status, 0, "status of cc")
    plain = box.run(box.crossdep, "run", "-o", "plain", "--", "./inverted")
    named = box.run(box.crossdep, "run", "-o", "named", "--class-by", "source.cdgraph", "--", "./inverted")
    box.equal(named.status, plain.status, "status")
    before, after = (json.loads((box.folder / name / "crossdep.cdgraph").read_text()) for name in ["plain", "named"])
    box.equal(sorted(after["findings"][0]["classes"]), ["account::mu", "inverted.c:log_lock"], "classes")
    box.equal(len(after["classes"]), len(before["classes"]), "number of classes")
    box.check("lock_sites" not in after or not after["lock_sites"], "the source's lock sites are in the run's graph")
    box.check(not any(m["origin"] == "static" for d in after["dependencies"] for m in d["modes"]), "dependencies of the source")
    box.has(named.err, f"by the source's names {before['findings'][0]['id']} is {after['findings'][0]['id']}: ")
    # What is printed whole is printed once.
    box.equal(named.err.count("possible circular locking dependency"), plain.err.count("possible circular locking dependency"), "splats")
    refused = box.run(box.crossdep, "run", "--class-by", "plain/crossdep.cdgraph", "--", "./inverted")
    box.equal(refused.status, 125, "status with a graph that is no source's")
    box.has(refused.err, "has no lock sites")


SHARED = """#include <pthread.h>
pthread_mutex_t a, b, c, d, e, x, y;
#define BOTH(f, p, q) void f(void) { pthread_mutex_lock(&p); pthread_mutex_lock(&q); pthread_mutex_unlock(&q); pthread_mutex_unlock(&p); }
BOTH(alone, x, y)
BOTH(alone_too, y, x)
BOTH(shared, a, b)
BOTH(one, b, a)
BOTH(two, b, c)
BOTH(three, c, a)
BOTH(four, b, d)
BOTH(five, d, e)
BOTH(six, e, a)
"""


@test
def source_cycles_are_grouped_by_what_they_share(box):
    box.write("shared.c", SHARED)
    heading = "3 cycles share a -> b (shared.c:6): without it there would be none of them"
    for done in [scanned(box, "-o", "g.cdgraph", "shared.c"), box.run(box.crossdep, "report", "g.cdgraph")]:
        box.equal(done.out.count("cycles share"), 1, "headings")
        box.has(done.out, heading)
        box.check(done.out.index(heading) < done.out.index("x"), "the lone cycle comes first")


def collect():
    for path in sorted(CASES.glob("*.cases")):
        add(f"sources: {path.stem}", lambda box, path=path: run_cases(box, path))
