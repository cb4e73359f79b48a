# SPDX-License-Identifier: MIT
#
# CROSSDEP_OPTIONS: what each option does to a program under plain preload, and that it does not without it.
import os
import signal
import subprocess
import time

from commands import ABBA, one_error
from harness import test
from supervision import ABBA_BODY, abba_program

AFTER = 'puts("after"); fflush(stdout); return 0;'


def preloaded(box, program, options, *arguments, env_more=None, **more):
    """Under the library alone. By its bare name: a path with a blank cannot be preloaded."""
    return box.run(program, *arguments, env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent),
                                             "CROSSDEP_OPTIONS": options, **(env_more or {})}, **more)


@test
def halt_on_finding_ends_the_program_at_the_first(box):
    done = preloaded(box, abba_program(box, AFTER), "out=g.cdgraph:halt_on_finding=1")
    box.equal(done.status, 66, "status")
    box.equal(done.out, "", "what the program printed")
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.equal(len(box.findings("g.cdgraph")), 1, "findings in the graph")


@test
def without_halt_on_finding_the_program_goes_on(box):
    done = preloaded(box, abba_program(box, AFTER), "out=g.cdgraph:halt_on_finding=0")
    box.equal(done.status, 66, "status")
    box.equal(done.out, "after\n", "what the program printed")


@test
def halt_on_finding_heeds_the_policy_and_the_exit_code(box):
    program = abba_program(box, AFTER)
    done = preloaded(box, program, "out=g.cdgraph:halt_on_finding=1:fail_on=deadlock")
    box.equal((done.status, done.out), (0, "after\n"), "below the policy")
    done = preloaded(box, program, "out=h.cdgraph:halt_on_finding=1:exitcode=9")
    box.equal((done.status, done.out), (9, ""), "status of its own")


@test
def halt_on_finding_under_run(box):
    done = box.under(abba_program(box, AFTER), options=["--record", "--exitcode", "9"],
                     env={"CROSSDEP_OPTIONS": "halt_on_finding=1"})
    box.equal((done.status, done.out), (9, ""), "status and output")
    box.equal(len(box.findings()), 1, "findings in the graph")
    traces = list((box.folder / "results").glob("*.cdtrace"))
    box.equal(len(traces), 1, "traces")
    box.equal(box.run(box.crossdep, "check", traces[0]).status, 1, "status of check on the record")


@test
def verbosity_is_the_sanitizers_word_for_verbose(box):
    program = abba_program(box, AFTER)
    box.has(preloaded(box, program, "out=a.cdgraph:verbosity=1").err, "crossdep: observing process")
    box.lacks(preloaded(box, program, "out=b.cdgraph:verbosity=0").err, "crossdep: observing process")


@test
def help_lists_every_option(box):
    done = preloaded(box, abba_program(box), "help=1:enabled=0")
    for name in ("halt_on_finding", "hang_timeout", "suppressions", "verbosity"):
        box.has(done.err, f"  {name} ")


HOOK = """
#include <crossdep.h>
void __crossdep_on_report(const char* check, const char* verdict, const char* text) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock); printf("[%s] [%s] %d\\n", check, verdict, strstr(text, "WARNING: ") != 0); fflush(stdout);
  pthread_mutex_unlock(&lock);
}
int main(void) { both(); puts("after"); return 0; }
"""


def hook_program(box, *flags):
    return box.compile("hook.c", name="hook", text="#include <string.h>\n" + ABBA_BODY + HOOK, flags=flags)


@test
def hook_is_called_for_a_finding(box):
    done = preloaded(box, hook_program(box, "-rdynamic"), "out=g.cdgraph")
    box.equal(done.out, "[lock-order-cycle] [possible] 1\nafter\n", "what the hook printed")
    box.equal(done.err.count("WARNING: "), 1, "reports printed")
    box.equal(done.status, 66, "status")


@test
def hook_is_not_called_below_the_policy_or_if_not_exported(box):
    box.equal(preloaded(box, hook_program(box, "-rdynamic"), "out=g.cdgraph:fail_on=deadlock").out, "after\n", "policy")
    box.equal(preloaded(box, hook_program(box), "out=h.cdgraph").out, "after\n", "not exported")
    box.equal(box.run(box.folder / "hook").out, "after\n", "without the runtime")


@test
def hook_gets_a_line_where_there_is_no_helper(box):
    done = preloaded(box, hook_program(box, "-rdynamic"), "out=g.cdgraph:helper=/nonexistent")
    box.equal(done.out, "[lock-order-cycle] [possible] 0\nafter\n", "what the hook printed")
    box.has(done.err, "crossdep: lock-order-cycle: lock instance")


@test
def hook_is_called_before_the_halt(box):
    done = preloaded(box, hook_program(box, "-rdynamic"), "out=g.cdgraph:halt_on_finding=1")
    box.equal((done.status, done.out), (66, "[lock-order-cycle] [possible] 1\n"), "status and output")


@test
def missing_output_folder_loses_no_verdict(box):
    for where in ("/nonexistent/dir/x", "/nonexistent/dir/", "/nonexistent/g.cdgraph"):
        done = preloaded(box, abba_program(box, AFTER), f"out={where}", env_more={"TMPDIR": str(box.folder)})
        errors = [line for line in done.err.splitlines() if line.startswith("crossdep: error: ")]
        box.equal(len(errors), 1, "error lines")
        box.has(errors[0], "/nonexistent/")
        box.has(errors[0], "No such file or directory")
        box.has(done.err, "no graph will be written")
        box.has(done.err, "WARNING: possible circular locking dependency detected")
        box.equal((done.status, done.out), (66, "after\n"), "status and output")
        box.equal([path.name for path in box.folder.glob("*.cdjournal")], [], "journals left")


@test
def output_that_is_full_loses_no_verdict(box):
    if not os.path.exists("/dev/full"):
        box.skip("no /dev/full")
    os.symlink("/dev/full", box.folder / "full")
    done = preloaded(box, abba_program(box, AFTER), "out=full")
    box.has(done.err, "full: No space left on device")
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.equal((done.status, done.out), (66, "after\n"), "status and output")


@test
def log_that_cannot_be_written_gives_way_to_standard_error(box):
    for program in (abba_program(box, AFTER), hook_program(box, "-rdynamic")):
        for where, cause in (("/dev/full", "No space left on device"), ("/nonexistent/log", "No such file or directory")):
            done = preloaded(box, program, f"out=g.cdgraph:log_path={where}")
            box.equal(done.err.count(f"crossdep: error: {where}: cannot write the log: {cause}"), 1, "error lines")
            box.equal(done.err.count("WARNING: possible circular locking dependency detected"), 1, "reports")
            box.equal(done.status, 66, "status")


@test
def log_takes_the_findings(box):
    done = preloaded(box, abba_program(box, AFTER), "out=g.cdgraph:log_path=the.log")
    box.equal(done.err, "", "standard error")
    box.has((box.folder / "the.log").read_text(), "WARNING: possible circular locking dependency detected")


KNOWN = "# known, see the tracker\nrace:whatever\ndeadlock:^ba$\n"
OTHER = "deadlock:elsewhere\nmutex:ba\n"


@test
def suppressed_finding_is_not_printed_and_does_not_fail(box):
    program = abba_program(box, AFTER)
    box.write("known", KNOWN)
    done = preloaded(box, program, "out=g.cdgraph:suppressions=known:halt_on_finding=1")
    box.equal((done.status, done.out, done.err), (0, "after\n", ""), "status and output")
    box.equal(len(box.findings("g.cdgraph")), 1, "findings in the graph")
    box.write("other", OTHER)
    done = preloaded(box, program, "out=h.cdgraph:suppressions=other")
    box.equal(done.status, 66, "status with other suppressions")
    box.has(done.err, "WARNING: possible circular locking dependency detected")


@test
def suppressed_finding_is_kept_from_the_hook(box):
    box.write("known", KNOWN)
    done = preloaded(box, hook_program(box, "-rdynamic"), "out=g.cdgraph:suppressions=known")
    box.equal((done.status, done.out, done.err), (0, "after\n", ""), "status and output")


@test
def run_with_suppressions(box):
    program = abba_program(box, AFTER)
    box.write("the known", KNOWN)
    for how, env in ((["--suppressions", "the known"], {}), ([], {"CROSSDEP_OPTIONS": "verbosity=0:suppressions='the known'"})):
        done = box.under(program, options=how, env=env)
        box.equal((done.status, done.out), (0, "after\n"), "status and output")
        box.lacks(done.err, "WARNING")
        box.has(done.err, "1 possible; 1 suppressed")
        box.check(len(box.findings()) == 1, "a finding in the graph")
    done = box.under(program, options=["--suppressions", box.write("other", OTHER)])
    box.equal(done.status, 66, "status with other suppressions")
    box.lacks(done.err, "suppressed")


@test
def check_and_report_with_suppressions(box):
    box.write("t.cdt", ABBA)
    box.write("known", "lock-order-cycle:^A$\n")
    box.write("other", "deadlock:C\nrecursive-lock:*\n")
    for form in ("splat", "text"):
        done = box.run(box.crossdep, "check", "-o", "g.cdgraph", "--format", form, "--suppressions", "known", "t.cdt")
        box.equal(done.status, 0, "status of check")
        box.has(done.out, "1 possible; 1 suppressed")
        box.lacks(done.out, "cd-")
        box.equal(len(box.findings("g.cdgraph")), 1, "findings in the graph")
        box.equal(box.run(box.crossdep, "check", "--format", form, "--suppressions", "other", "t.cdt").status, 1, "others")
    box.equal(box.run(box.crossdep, "report", "--suppressions", "known", "g.cdgraph").status, 0, "status of report")


@test
def suppressions_that_cannot_be_read(box):
    box.write("t.cdt", ABBA)
    program = abba_program(box, AFTER)
    box.write("bad", "deadlock:x\nnonsense\n")
    for name, cause in (("nowhere", "nowhere: No such file or directory"), ("bad", "bad:2: not kind:pattern")):
        one_error(box, box.run(box.crossdep, "check", "--suppressions", name, "t.cdt"), 2, cause)
        one_error(box, box.under(program, options=["--suppressions", name]), 125, cause)
    done = preloaded(box, program, "out=g.cdgraph:suppressions=nowhere")
    box.has(done.err, "nowhere: No such file or directory; the program runs unobserved")
    box.equal((done.status, done.out), (0, "after\n"), "status and output of an unobserved program")
    done = preloaded(box, program, "out=g.cdgraph:suppressions=bad")
    box.equal(done.err.count("bad:2: not kind:pattern; nothing is suppressed"), 1, "error lines")
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.equal(done.status, 66, "status")


STUCK = """#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, tick = PTHREAD_MUTEX_INITIALIZER;
static sem_t never;
static void* other(void* u) { pthread_setname_np(pthread_self(), "other"); pthread_mutex_lock(&first); pthread_mutex_unlock(&first); return u; }
static void stuck(void) { pthread_t t; pthread_mutex_lock(&first); pthread_create(&t, 0, other, 0); usleep(100000);
  puts("ready"); fflush(stdout); sem_wait(&never); }
"""


def stuck_program(box, body, name="stuck"):
    return box.compile(f"{name}.c", name=name, text="#define _GNU_SOURCE\n" + STUCK + "int main(void) { sem_init(&never, 0, 0); " + body + " }\n")


def begun(box, program, options):
    process = box.start(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                        env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent), "CROSSDEP_OPTIONS": options})
    box.equal(process.stdout.readline(), b"ready\n", "first line")
    return process


def all_asleep(box, process):
    """Every thread has gone to sleep for good: "ready" comes before the last of them waits."""
    quiet, until = 0, time.monotonic() + 30
    while quiet < 5:
        box.check(time.monotonic() < until, "the threads do not go to sleep")
        tasks = os.listdir(f"/proc/{process.pid}/task")
        states = [open(f"/proc/{process.pid}/task/{task}/stat").read().rpartition(")")[2].split()[0] for task in tasks]
        quiet = quiet + 1 if set(states) == {"S"} else 0
        time.sleep(0.05)


def killed(box, process, number):
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    box.log.append((out + err).decode())
    box.equal(process.returncode, -number, "status")
    return err.decode()


def check_blocked(box, err, since):
    box.equal(err.count("crossdep: 2 threads are blocked"), 1, "reports of blocked threads")
    lines = [line for line in err.splitlines() if line.startswith("crossdep: blocked: ")]
    box.equal(len(lines), 2, "lines")
    box.check(any(line.startswith("crossdep: blocked: other/") and f" requests first{since}, held by stuck/" in line for line in lines),
              "who holds the mutex")
    box.check(any(line.startswith("crossdep: blocked: stuck/") and f" waits for (sem)never{since}; who is to end that is not known" in line
                  for line in lines), "who waits for the semaphore")


@test
def hang_is_reported_once(box):
    program = stuck_program(box, "stuck(); return 0;")
    process = begun(box, program, "out=g.cdgraph:hang_timeout=1")
    box.check(len(os.listdir(f"/proc/{process.pid}/task")) == 3, "a thread of ours")
    time.sleep(4)
    check_blocked(box, killed(box, process, signal.SIGTERM), " for 1 s or more")


@test
def hang_is_not_reported_unless_asked_for(box):
    process = begun(box, stuck_program(box, "stuck(); return 0;"), "out=g.cdgraph")
    box.check(len(os.listdir(f"/proc/{process.pid}/task")) == 2, "no thread of ours")
    time.sleep(2)
    box.lacks(killed(box, process, signal.SIGTERM), "blocked")


@test
def progress_is_no_hang(box):
    """One thread takes a lock all the time: the others may wait for their work."""
    program = stuck_program(box, "pthread_t t; pthread_mutex_lock(&first); pthread_create(&t, 0, other, 0); puts(\"ready\"); fflush(stdout); "
                                 "for (int i = 0; i < 30; i++) { pthread_mutex_lock(&tick); pthread_mutex_unlock(&tick); usleep(100000); } "
                                 "pthread_mutex_unlock(&first); pthread_join(t, 0); return 0;", name="busy")
    process = begun(box, program, "out=g.cdgraph:hang_timeout=1")
    _, err = process.communicate(timeout=60)
    box.equal((process.returncode, err.decode()), (0, ""), "status and standard error")


@test
def quit_signal_says_who_is_blocked(box):
    process = begun(box, stuck_program(box, "stuck(); return 0;"), "out=g.cdgraph")
    all_asleep(box, process)
    err = killed(box, process, signal.SIGQUIT)
    check_blocked(box, err, "")
    box.graph("g.cdgraph")


@test
def hang_of_a_fork_child_is_reported(box):
    program = stuck_program(box, "pthread_mutex_lock(&tick); pthread_mutex_unlock(&tick); pid_t child = fork(); "
                                 "if (child == 0) { alarm(4); stuck(); } int s; waitpid(child, &s, 0); return WIFSIGNALED(s) ? 0 : 1;")
    done = preloaded(box, program, "out=g.cdgraph:hang_timeout=1")
    box.equal(done.status, 0, "status")
    check_blocked(box, done.err, " for 1 s or more")


@test
def process_ends_with_its_last_thread_though_it_is_watched(box):
    program = stuck_program(box, "pthread_t t; pthread_mutex_lock(&tick); pthread_mutex_unlock(&tick); "
                                 "pthread_create(&t, 0, other, 0); pthread_exit(0);", name="last")
    done = preloaded(box, program, "out=g.cdgraph:hang_timeout=60", timeout=20)
    box.equal((done.status, done.err), (0, ""), "status and standard error")
