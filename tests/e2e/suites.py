# SPDX-License-Identifier: MIT
#
# Whole test suites: graphs of many processes united, at exit or afterwards; ctest's own ways to run tests under a tool; the
# templates for continuous integration, as far as they can be run here.
import concurrent.futures
import json
import os
import re
import shutil

from commands import ABBA, ORDERED, one_error
from harness import SOURCE, test

HALF = """#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
int main(int argc, char** argv) {
  pthread_mutex_t *first = argc > 1 ? &b : &a, *second = argc > 1 ? &a : &b;
  (void)argv;
  pthread_mutex_lock(first); pthread_mutex_lock(second);
  pthread_mutex_unlock(second); pthread_mutex_unlock(first);
  return 0;
}
"""


def preload(box, options):
    return {"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent), "CROSSDEP_OPTIONS": options}


def left_over(box, *patterns):
    return sorted(path.name for pattern in patterns for path in box.folder.rglob(pattern))


# --- one graph of many processes -------------------------------------------------------------------------------------------
@test
def two_hundred_processes_merge_at_exit(box):
    """Half of them take a then b, half b then a: no process sees the cycle, their one graph has it."""
    program = box.compile("half.c", name="half", text=HALF)
    environment = preload(box, "out=suite.cdgraph:merge=1")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda i: box.run(program, *(["turned"] if i % 2 else []), env=environment), range(200)))
    box.equal([d for d in done if d.status != 0 or d.err], [], "processes that failed or said something")
    graph = box.graph("suite.cdgraph")
    box.equal(len({run["pid"] for run in graph["runs"]}), 200, "runs in the graph")
    box.equal([(f["check"], sorted(f["classes"])) for f in box.findings("suite.cdgraph")], [("lock-order-cycle", ["a", "b"])], "findings")
    box.equal(left_over(box, "*.lock", "*.cdjournal", "*.tmp.*"), [], "files left over")
    # A second suite adds to it; %p and a folder work as ever.
    (box.folder / "folder").mkdir()
    for target, wanted in (("suite.cdgraph", "suite.cdgraph"), ("folder", "folder/crossdep.cdgraph"), ("own.%%.cdgraph", "own.%.cdgraph")):
        box.equal(box.run(program, env=preload(box, f"out={target}:merge=1")).status, 0, "status")
        box.check((box.folder / wanted).exists(), f"there is no {wanted}")
    box.equal(len(box.graph("suite.cdgraph")["runs"]), 201, "runs after one more")


@test
def fork_children_merge_at_exit(box):
    program = box.compile("forks.c", name="forks", text=HALF.replace("#include", "#include <sys/wait.h>\n#include <unistd.h>\n#include", 1)
                          .replace("  (void)argv;", "  (void)argv;\n  if (fork() == 0) first = &b, second = &a;"))
    box.equal(box.run(program, env=preload(box, "out=suite.cdgraph:merge=1")).status, 0, "status")
    for _ in range(100):
        if len(box.graph("suite.cdgraph")["runs"]) == 2:
            break
        box.run("sleep", "0.1")
    box.equal(len(box.findings("suite.cdgraph")), 1, "findings of parent and child")


@test
def merging_at_exit_never_spoils_a_file(box):
    program = box.compile("half.c", name="half", text=HALF)
    for text in ("no graph\n", '{"format": "crossdep-graph", "schema": 99, "tool": "later"}', "", '{"format": "crossdep-graph", "sch'):
        box.write("suite.cdgraph", text)
        done = box.run(program, env=preload(box, "out=suite.cdgraph:merge=1"))
        box.equal(done.status, 0, "status")
        box.has(done.err, "suite.cdgraph: ")
        box.has(done.err, "nothing is added to it")
        box.equal((box.folder / "suite.cdgraph").read_text(), text, "the file")
        journals = list(box.folder.glob("suite.cdgraph.*.cdjournal"))
        box.equal(len(journals), 1, "journals kept")
        box.equal(box.run(box.crossdep, "report", journals[0]).status, 0, "status of report on the journal")
        journals[0].unlink()
    box.equal(left_over(box, "*.lock", "*.tmp.*"), [], "files left over")


@test
def merging_at_exit_without_the_tool_keeps_the_journals(box):
    program = box.compile("half.c", name="half", text=HALF)
    for turned in ([], ["turned"]):
        done = box.run(program, *turned, env=preload(box, "out=suite.cdgraph:merge=1:helper=/nonexistent"))
        box.equal(done.status, 0, "status")
        box.has(done.err, "not written; the journal is ")
    box.check(not (box.folder / "suite.cdgraph").exists(), "a graph was written")
    journals = sorted(box.folder.glob("*.cdjournal"))
    box.equal(len(journals), 2, "journals")
    box.equal(box.run(box.crossdep, "merge", "-o", "later.cdgraph", *journals).status, 0, "merge of the journals")
    box.equal(len(box.findings("later.cdgraph")), 1, "findings of both")


@test
def merge_is_the_same_however_many_read(box):
    lines = ABBA.splitlines(keepends=True)
    texts = {"one": "".join(lines[:5]), "two": "".join(lines[:1] + lines[5:]), "three": ORDERED}
    for name, text in texts.items():
        box.write(f"{name}.cdt", text)
        box.run(box.crossdep, "check", "-o", f"{name}.cdgraph", f"{name}.cdt")
    for i in range(20):   # the same bytes under other names
        shutil.copy(box.folder / f"{list(texts)[i % 3]}.cdgraph", box.folder / f"copy{i}.cdgraph")
    graphs = sorted(box.folder.glob("*.cdgraph"))
    merged = []
    for jobs in (1, 2, 8):
        box.equal(box.run(box.crossdep, "merge", "-j", jobs, "-o", f"union{jobs}", *graphs).status, 0, f"merge -j {jobs}")
        merged.append((box.folder / f"union{jobs}").read_text())
    box.check(merged[0] == merged[1] == merged[2], "the unions differ")
    box.equal(len(box.findings("union1")), 1, "findings")
    # What is broken is told in the order of the arguments, and what can be read is not written half.
    box.write("broken.cdgraph", "{")
    for jobs in (1, 8):
        done = box.run(box.crossdep, "merge", "-j", jobs, "-o", "none", "one.cdgraph", "broken.cdgraph", "nowhere.cdgraph", "two.cdgraph")
        box.equal(done.status, 2, "status")
        box.check(done.err.index("broken.cdgraph: offset 1: not JSON") < done.err.index("nowhere.cdgraph"), "order of the errors")
        box.check(not (box.folder / "none").exists(), "something was written")


# --- ctest -----------------------------------------------------------------------------------------------------------------
def installed_project(box):
    box.needs("cmake")
    prefix = box.folder / "prefix"
    box.equal(box.run("cmake", "--install", box.build, "--prefix", prefix).status, 0, "install")
    shutil.copytree(SOURCE / "examples" / "ci" / "project", box.folder / "project")
    return prefix


@test
def ctest_memcheck_counts_findings(box):
    """A test with a cycle has a defect, one without has none; the finding is in the log that ctest names."""
    prefix = installed_project(box)
    (box.folder / "project" / "CMakeLists.txt").unlink()
    box.write("project/cycle.c", (SOURCE / "examples" / "abba" / "abba.c").read_text())
    box.write("project/CMakeLists.txt", "cmake_minimum_required(VERSION 3.22)\nproject(bank C)\nset(MEMORYCHECK_TYPE ThreadSanitizer)\n"
              "include(CTest)\nfind_package(Threads REQUIRED)\nfind_package(Crossdep REQUIRED)\n"
              "add_executable(bank_test bank.c bank_test.c)\nadd_executable(cycle cycle.c)\n"
              "target_link_libraries(bank_test PRIVATE Threads::Threads)\ntarget_link_libraries(cycle PRIVATE Threads::Threads)\n"
              "add_test(NAME good COMMAND bank_test deposit)\nadd_test(NAME bad COMMAND cycle)\n"
              "crossdep_wrap_tests(GRAPHS ${CMAKE_BINARY_DIR}/graphs TESTS good bad)\n")
    box.equal(box.run("cmake", "-S", "project", "-B", "out", f"-DCMAKE_PREFIX_PATH={prefix}").status, 0, "configure")
    box.equal(box.run("cmake", "--build", "out").status, 0, "build")
    (box.folder / "out" / "graphs").mkdir()
    done = box.run("ctest", "-T", "memcheck", cwd=box.folder / "out")
    box.has(done.out, "lock-order-cycle - 1")
    box.check(re.search(r"bad \.+ *Defects: 1", done.out), "the test with a cycle has not one defect")
    box.check(not re.search(r"good \.+ *Defects", done.out), "the test without has one")
    logs = "".join(path.read_text() for path in (box.folder / "out" / "Testing" / "Temporary").glob("MemoryChecker.*"))
    box.has(logs, "WARNING: ThreadSanitizer: lock-order-cycle (pid=")
    box.has(logs, "WARNING: possible circular locking dependency detected")
    # As tests alone nothing changes.
    done = box.run("ctest", cwd=box.folder / "out")
    box.equal(done.status, 0, "status of ctest")


@test
def memcheck_says_nothing_where_ctest_does_not_ask(box):
    program = box.build / "examples" / "abba"
    done = box.run(program, env=preload(box, "out=g.cdgraph:memcheck=1"))
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.lacks(done.err, "ThreadSanitizer")
    done = box.run(program, env={**preload(box, "out=g.cdgraph:memcheck=1"), "TSAN_OPTIONS": f"verbosity=1:log_path='{box.folder}/a log':x=1"})
    box.equal(done.err, "", "standard error")
    logs = list(box.folder.glob("a log.*"))
    box.equal(len(logs), 1, "logs")
    box.equal(logs[0].read_text().count("WARNING: ThreadSanitizer: "), 1, "headings")


@test
def emulator_line_of_cmake(box):
    """The tests of a project run under crossdep though its CMakeLists.txt knows nothing of it; several at a time."""
    prefix = installed_project(box)
    path = box.folder / "project" / "CMakeLists.txt"
    text = path.read_text()
    path.write_text(text[:text.index("crossdep_add_gate")].replace("find_package(Crossdep REQUIRED)\n", ""))
    program = prefix / "bin" / "crossdep"
    graphs = box.folder / "graphs"
    line = f"-DCMAKE_CROSSCOMPILING_EMULATOR={program};run;-o;{graphs};--exitcode;0;--"
    for option in ("OFF", "ON"):
        box.equal(box.run("cmake", "-S", "project", "-B", "out", line, f"-DNEW_REPORT={option}").status, 0, "configure")
        box.equal(box.run("cmake", "--build", "out").status, 0, "build")
        shutil.rmtree(graphs, ignore_errors=True)
        done = box.run("ctest", "--test-dir", "out", "--output-on-failure", "-j", "4")
        box.equal(done.status, 0, "status of ctest")
        made = [json.loads(path.read_text()) for path in graphs.glob("crossdep.[0-9]*.cdgraph")]
        box.equal(len({run["pid"] for graph in made for run in graph["runs"]}), 10, "processes that left a graph")
        done = box.run(program, "gate", *(["--init"] if option == "OFF" else []), "--baseline", "base.json", graphs)
        box.equal(done.status, 0 if option == "OFF" else 1, "status of the gate")


# --- templates -------------------------------------------------------------------------------------------------------------
def yaml_of(box, path):
    try:
        import yaml
    except ImportError:
        box.skip("python3-yaml is not installed")

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))
    return yaml.load((SOURCE / "examples" / "ci" / path).read_text(), Loader)


def baseline_and_graphs(box):
    box.write("old.cdt", ORDERED)
    box.write("new.cdt", ABBA)
    for name in ("old", "new"):
        (box.folder / name).mkdir()
        box.run(box.crossdep, "check", "-o", f"{name}/g.cdgraph", f"{name}.cdt")
    box.equal(box.run(box.crossdep, "gate", "--init", "--baseline", "lock-order.json", "old").status, 0, "init")
    return {"PATH": f"{box.crossdep.parent}:{os.environ['PATH']}"}


@test
def github_action_runs_as_written(box):
    action = yaml_of(box, "github/action.yml")
    box.equal(action["runs"]["using"], "composite", "kind of action")
    gate, upload = action["runs"]["steps"]
    box.check(all(step.get("shell") == "bash" for step in action["runs"]["steps"] if "run" in step), "a step has no shell")
    box.has(upload["uses"], "upload-sarif@")
    named = set(re.findall(r"inputs\.([a-z-]+)", json.dumps(action)))
    box.equal(named, set(action["inputs"]), "inputs that are used")
    environment = baseline_and_graphs(box)
    environment.update({key: str(action["inputs"][re.search(r"inputs\.([a-z-]+)", value)[1]].get("default", ""))
                        for key, value in gate["env"].items()})
    environment.update(GITHUB_WORKSPACE=str(box.folder), RUNNER_TEMP=str(box.folder), GITHUB_STEP_SUMMARY=str(box.folder / "summary"))
    for graphs, status in (("old", 0), ("old new", 1)):
        done = box.run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", gate["run"], env={**environment, "GRAPHS": graphs})
        box.equal(done.status, status, f"status with {graphs}")
        json.loads((box.folder / "crossdep.sarif").read_text())
    box.check("lock-order-cycle" in (box.folder / "summary").read_text(), "the summary does not name the finding")
    done = box.run("bash", "-eo", "pipefail", "-c", gate["run"], env={**environment, "GRAPHS": "old", "BASELINE": "none.json"})
    box.equal(done.status, 2, "status without a baseline")


@test
def gitlab_template_runs_as_written(box):
    job = yaml_of(box, "gitlab/crossdep.gitlab-ci.yml")[".crossdep-gate"]
    environment = {**baseline_and_graphs(box), **job["variables"], "CI_PROJECT_DIR": str(box.folder)}
    for graphs, status in (("old", 0), ("old new", 1)):
        done = box.run("sh", "-ec", "\n".join(job["script"]), env={**environment, "CROSSDEP_GRAPHS": graphs})
        box.equal(done.status, status, f"status with {graphs}")
    box.equal(job["artifacts"]["when"], "always", "when reports are kept")
    for path in [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]:
        box.check((box.folder / path).stat().st_size > 0, f"{path} was not written")


@test
def meson_wrapper_line(box):
    box.needs("meson")
    box.write("p/half.c", HALF)
    box.write("p/meson.build", "project('p', 'c')\nt = executable('half', 'half.c', dependencies: dependency('threads'))\n"
              "test('one', t)\ntest('two', t, args: ['turned'])\n")
    box.equal(box.run("meson", "setup", "out", "p").status, 0, "setup")
    graphs = box.folder / "graphs"
    done = box.run("meson", "test", "-C", "out", "--wrapper", f"'{box.crossdep}' run -o '{graphs}' --exitcode 0 --")
    box.equal(done.status, 0, "status of meson test")
    box.equal(box.run(box.crossdep, "report", graphs).status, 1, "status of report")
