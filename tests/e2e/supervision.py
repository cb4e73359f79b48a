# SPDX-License-Identifier: MIT
#
# What `crossdep run` does with the program it runs: status, streams, signals, children, what cannot be observed.
import os
import shutil
import signal
import subprocess
import time

from harness import test

LOCKS = """#include <pthread.h>
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static void use_locks(void) { pthread_mutex_lock(&one); pthread_mutex_unlock(&one); }
"""
ABBA_BODY = """#include <pthread.h>
#include <unistd.h>
#include <stdlib.h>
#include <signal.h>
#include <stdio.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* u) { pthread_mutex_lock(&a); pthread_mutex_lock(&b); pthread_mutex_unlock(&b); pthread_mutex_unlock(&a); return u; }
static void* ba(void* u) { usleep(100000); pthread_mutex_lock(&b); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); pthread_mutex_unlock(&b); return u; }
static void both(void) { pthread_t t[2]; pthread_create(&t[0], 0, ab, 0); pthread_create(&t[1], 0, ba, 0); pthread_join(t[0], 0); pthread_join(t[1], 0); }
"""


def quiet_program(box, body="use_locks(); return argc > 1 ? atoi(argv[1]) : 0;", name="quiet", flags=()):
    text = "#include <stdlib.h>\n#include <stdio.h>\n#include <unistd.h>\n#include <signal.h>\n" + LOCKS + \
           "int main(int argc, char** argv) { (void)argc; (void)argv; " + body + " }\n"
    return box.compile(f"{name}.c", name=name, text=text, flags=flags)


def abba_program(box, end="return 0;", name="cycle"):
    return box.compile(f"{name}.c", name=name, text=ABBA_BODY + "int main(void) { both(); " + end + " }\n")


@test
def quiet_program_is_0(box):
    done = box.under(quiet_program(box))
    box.equal(done.status, 0, "status")
    box.has(done.err, "crossdep.cdgraph")
    box.graph()


@test
def own_status_is_kept(box):
    program = quiet_program(box)
    for status in (1, 7, 66, 255):
        box.equal(box.under(program, status).status, status, "status")


@test
def findings_make_66(box):
    box.equal(box.under(abba_program(box)).status, 66, "status")


@test
def exitcode_option(box):
    program = abba_program(box)
    box.equal(box.under(program, options=["--exitcode", "9"]).status, 9, "status")
    box.equal(box.under(program, options=["--exitcode", "0"]).status, 0, "status")


@test
def fail_on_option(box):
    done = box.under(abba_program(box), options=["--fail-on", "deadlock"])
    box.equal(done.status, 0, "status")
    box.lacks(done.err, "WARNING")
    box.equal(len(box.findings()), 1, "findings in the graph")


@test
def own_status_beats_findings(box):
    box.equal(box.under(abba_program(box, "return 5;")).status, 5, "status")


@test
def killed_by_a_signal_is_128_and_n(box):
    program = abba_program(box, "fflush(stdout); raise(SIGSEGV); return 0;")
    done = box.under(program)
    box.equal(done.status, 128 + signal.SIGSEGV, "status")
    box.equal(len(box.findings()), 1, "findings in the graph")


@test
def kill_9_loses_nothing_committed(box):
    done = box.under(abba_program(box, "raise(SIGKILL); return 0;"))
    box.equal(done.status, 137, "status")
    box.equal(len(box.findings()), 1, "findings in the graph")


@test
def abort_and_quick_exits_keep_the_graph(box):
    for end, status in (("abort();", 134), ("_exit(3);", 3), ("_Exit(4);", 4), ("quick_exit(5);", 5)):
        done = box.under(abba_program(box, end))
        box.equal(done.status, status, f"status of {end}")
        box.equal(len(box.findings()), 1, f"findings in the graph after {end}")
        shutil.rmtree(box.folder / "results")


@test
def not_found_is_127(box):
    done = box.under("no-such-program-anywhere")
    box.equal(done.status, 127, "status")
    box.has(done.err, "crossdep: error: no-such-program-anywhere")
    box.equal(box.under("./no/such/path").status, 127, "status of a path")


@test
def not_executable_is_126(box):
    path = box.write("text", "just text\n")
    path.chmod(0o644)
    box.equal(box.under(path).status, 126, "status")
    box.equal(box.under(box.folder).status, 126, "status of a folder")


@test
def own_failure_is_125(box):
    file = box.write("file", "")
    done = box.run(box.crossdep, "run", "-o", file / "below", "--", "true")
    box.equal(done.status, 125, "status")
    box.has(done.err, "crossdep: error: ")


@test
def nothing_recorded_is_3(box):
    """A program that takes no lock: silence is not success."""
    program = box.compile("none.c", text="int main(int c, char** v) { (void)v; return c - 1; }\n")
    done = box.under(program)
    box.equal(done.status, 3, "status")
    box.has(done.err, "no lock event")
    box.equal(box.under(program, "x", "y", "z", "u").status, 4, "the program's own status")


@test
def static_program_is_detected(box):
    program = quiet_program(box, "puts(\"ran\"); return 0;", name="static", flags=["-static"])
    done = box.under(program)
    box.equal(done.status, 3, "status")
    box.equal(done.out, "ran\n", "output")
    box.has(done.err, "static")
    box.lacks(done.err, "ERROR: ld.so")


@test
def privileged_program_is_detected(box):
    if os.geteuid() != 0:
        box.skip("needs root to make a setuid program of another user")
    program = quiet_program(box)
    os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    box.folder.chmod(0o755)
    done = box.under(program)
    box.equal(done.status, 3, "status")
    box.has(done.err, "setuid")


@test
def script_is_followed(box):
    program = abba_program(box)
    script = box.write("script.sh", f'#!/bin/sh\necho begun\n"{program}"\nexit 0\n')
    script.chmod(0o755)
    done = box.under(script)
    box.equal(done.status, 66, "status")
    box.equal(done.out, "begun\n", "output")


@test
def script_without_first_line(box):
    program = abba_program(box)
    script = box.write("script", f'"{program}" && echo "$1"\n')
    script.chmod(0o755)
    done = box.under(script, "word")
    box.equal(done.status, 66, "status")
    box.equal(done.out, "word\n", "output")


@test
def children_and_grandchildren_are_followed(box):
    first, second = abba_program(box), quiet_program(box)
    done = box.under("sh", "-c", f'"{second}" & sh -c \'"{first}"; "{second}"\'; wait')
    box.equal(done.status, 66, "status")
    executables = sorted(os.path.basename(run["executable"]) for run in box.graph()["runs"])
    box.check(executables.count("quiet") == 2 and executables.count("cycle") == 1, f"runs: {executables}")
    graphs = list((box.folder / "results").glob("*.cdgraph"))
    box.check(len(graphs) >= 4, f"a graph for each process and one for all: {[g.name for g in graphs]}")


@test
def fork_without_exec_is_followed(box):
    program = box.compile("fork.c", name="forks", text=ABBA_BODY + """
#include <sys/wait.h>
int main(void) {
  pthread_mutex_lock(&a); pthread_mutex_unlock(&a);
  pid_t child = fork();
  if (child == 0) { both(); _exit(0); }
  int status; waitpid(child, &status, 0); return WEXITSTATUS(status);
}
""")
    done = box.under(program)
    box.equal(done.status, 66, "status")
    box.equal(done.err.count("WARNING: possible"), 1, "splats")
    box.equal(len(box.findings()), 1, "findings")


@test
def standard_input_is_passed(box):
    done = box.under("sh", "-c", "cat; echo end", stdin=b"one\ntwo\n")
    box.equal(done.out, "one\ntwo\nend\n", "output")


@test
def standard_error_of_the_program_is_its_own(box):
    program = quiet_program(box, 'use_locks(); fputs("words\\n", stderr); puts("out"); return 0;')
    done = box.under(program)
    box.equal(done.out, "out\n", "standard output")
    box.has(done.err, "words\n")


@test
def closed_standard_streams(box):
    program = quiet_program(box)
    done = box.run("sh", "-c", f'"{box.crossdep}" run -o results -- "{program}" 4 <&- >&- 2>&-')
    box.equal(done.status, 4, "status")


@test
def arguments_and_environment_arrive(box):
    program = quiet_program(box, 'use_locks(); for (int i = 1; i < argc; i++) printf("[%s]\\n", argv[i]); printf("%s\\n", getenv("WORD")); return 0;')
    done = box.under(program, "a b", "", "--record", "-o", "*", env={"WORD": "some value"})
    box.equal(done.out, "[a b]\n[]\n[--record]\n[-o]\n[*]\nsome value\n", "output")


def started(box, program, *options):
    """crossdep run in a session of its own, once the program has printed a line."""
    process = box.start(box.crossdep, "run", "-o", "results", *options, "--", program, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, start_new_session=True)
    box.equal(process.stdout.readline(), b"ready\n", "first line")
    return process


def ended(box, process):
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    box.log.append((out + err).decode())
    status = process.returncode
    return status if status >= 0 else 128 - status, out.decode(), err.decode()


WAITING = 'use_locks(); puts("ready"); fflush(stdout); for (;;) pause();'


@test
def signals_are_passed_on(box):
    program = quiet_program(box, WAITING)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        process = started(box, program)
        process.send_signal(number)
        status, _, err = ended(box, process)
        box.equal(status, 128 + number, f"status after {number.name}")
        box.has(err, "crossdep.cdgraph")
        shutil.rmtree(box.folder / "results")


@test
def handled_signal_reaches_the_handler(box):
    text = LOCKS + """#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static volatile sig_atomic_t got;
static void on(int n) { got = n; }
int main(void) { struct sigaction s = {.sa_handler = on}; sigaction(SIGTERM, &s, 0); use_locks();
  puts("ready"); fflush(stdout); while (!got) pause(); printf("got %d\\n", (int)got); return 11; }
"""
    process = started(box, box.compile("handler.c", name="handler", text=text))
    process.send_signal(signal.SIGTERM)
    status, out, _ = ended(box, process)
    box.equal(status, 11, "status")
    box.has(out, "got 15")


@test
def keyboard_interrupt_reaches_the_program_once(box):
    """^C goes to the whole foreground group: the program gets it from the terminal, not a second time from us."""
    text = LOCKS + """#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static volatile sig_atomic_t times;
static void on(int n) { (void)n; ++times; }
int main(void) { struct sigaction s = {.sa_handler = on}; sigaction(SIGINT, &s, 0); use_locks();
  puts("ready"); fflush(stdout); while (!times) pause(); usleep(300000); printf("times %d\\n", (int)times); fflush(stdout); return 0; }
"""
    program = box.compile("keyboard.c", name="keyboard", text=text)
    import pty
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(box.folder)
        os.execv(box.crossdep, [str(box.crossdep), "run", "-o", "results", "--", str(program)])
    seen = b""
    sent = False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
        if b"ready" in seen and not sent:
            os.write(terminal, b"\x03")
            sent = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    box.log.append(seen.decode(errors="replace"))
    box.equal(os.waitstatus_to_exitcode(status), 0, "status")
    box.has(seen.decode(errors="replace"), "times 1")


@test
def stop_and_continue(box):
    """A program stopped by the terminal stops us too; continuing the job continues both."""
    program = quiet_program(box, WAITING)
    process = started(box, program)
    child = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()[0]) \
        if shutil.which("pgrep") else None
    if child is None:
        process.kill()
        box.skip("no pgrep")
    os.kill(child, signal.SIGTSTP)
    deadline = time.monotonic() + 20
    # An orphaned process group is not stopped by the terminal's signals: then the program goes on, and so do we.
    state = ""
    while time.monotonic() < deadline:
        state = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[0]
        stopped = open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0]
        if state == "T" or stopped != "T":
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    status, _, _ = ended(box, process)
    box.equal(status, 143, "status")
    box.check(state == "T" or stopped != "T", "we did not stop with the program")


@test
def default_folder_is_fresh(box):
    program = quiet_program(box)
    for _ in range(2):
        box.equal(box.run(box.crossdep, "run", "--", program).status, 0, "status")
    folders = sorted(p.name for p in box.folder.glob("crossdep-results*"))
    box.equal(len(folders), 2, "folders")
    for name in folders:
        box.graph(f"{name}/crossdep.cdgraph")


@test
def second_run_into_the_same_folder_counts_its_own(box):
    box.equal(box.under(abba_program(box)).status, 66, "status of the first")
    box.equal(box.under(quiet_program(box)).status, 0, "status of the second")


@test
def users_preload_is_kept(box):
    library = box.compile("extra.c", name="libextra.so", flags=["-shared", "-fPIC"],
                          text='#include <stdio.h>\n__attribute__((constructor)) static void hello(void) { puts("preloaded"); }\n')
    link = "/tmp/crossdep-test-%d.so" % os.getpid()   # a path with blanks cannot be preloaded at all
    shutil.copy(library, link)
    try:
        done = box.under(abba_program(box), env={"LD_PRELOAD": link})
    finally:
        os.unlink(link)
    box.equal(done.status, 66, "status")
    box.has(done.out, "preloaded")


@test
def summary_names_the_next_command(box):
    done = box.under(abba_program(box))
    box.has(done.err, "1 possible")
    box.has(done.err, "crossdep report")


@test
def no_journals_are_left(box):
    box.under(abba_program(box))
    left = sorted(p.name for p in (box.folder / "results").iterdir())
    box.check(all(name.endswith(".cdgraph") for name in left), f"files: {left}")


@test
def real_deadlock_is_printed_before_it_strikes(box):
    """Both threads wait for each other for ever; the report is out before, and ^C brings the graph."""
    text = LOCKS.replace("one", "first") + """#include <stdio.h>
#include <unistd.h>
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t met;
static void* other(void* u) { pthread_mutex_lock(&second); pthread_barrier_wait(&met); pthread_mutex_lock(&first); return u; }
int main(void) { pthread_t t; use_locks(); pthread_barrier_init(&met, 0, 2); puts("ready"); fflush(stdout);
  pthread_create(&t, 0, other, 0); pthread_mutex_lock(&first); pthread_barrier_wait(&met); pthread_mutex_lock(&second); return 0; }
"""
    process = started(box, box.compile("stuck.c", name="stuck", text=text))
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    status, _, err = ended(box, process)
    box.equal(status, 143, "status")
    box.has(err, "WARNING: possible circular locking dependency detected")
    box.check(len(box.findings()) >= 1, "a finding in the graph")


@test
def plain_preload_with_one_name_keeps_the_childs_graph(box):
    program = quiet_program(box, body="use_locks(); if (fork() == 0) { use_locks(); return 0; } sleep(1); return 0;", name="forks")
    done = box.run(program, env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent),
                                 "CROSSDEP_OPTIONS": "out=one.cdgraph"})
    box.equal(done.status, 0, "status")
    graphs = sorted(path.name for path in box.folder.glob("one*.cdgraph"))
    box.equal(len(graphs), 2, f"graphs ({graphs})")


@test
def threads_are_called_what_they_call_themselves(box):
    text = ABBA_BODY.replace("#include <pthread.h>", "#define _GNU_SOURCE\n#include <pthread.h>\n#include <sys/prctl.h>", 1)
    text = text.replace("static void* ab(void* u) {", 'static void* ab(void* u) { pthread_setname_np(pthread_self(), "forwards");')
    text = text.replace("static void* ba(void* u) {", 'static void* ba(void* u) { prctl(PR_SET_NAME, "backwards", 0, 0, 0);')
    done = box.under(box.compile("named.c", name="named", text=text + "int main(void) { both(); return 0; }\n"))
    box.has(done.err, "backwards/")
    box.has(done.err, "forwards/")
