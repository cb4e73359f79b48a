# SPDX-License-Identifier: MIT
#
# Real programs: the same output and status as without crossdep, no crash, no finding at the default policy, and their
# locks in the graph.
import json
import random
import shutil
import socket
import subprocess
import time

from harness import test


def quiet(box, done, native):
    box.equal(done.status, native.status, "status")
    box.check(done.out == native.out, "the output differs from that without crossdep")
    box.lacks(done.err, "WARNING:")
    box.equal([(f["check"], f["verdict"], f["classes"]) for f in box.findings()], [], "findings")
    graph = box.graph()
    box.check(len(graph["classes"]) > 0 and len(graph["runs"]) > 0, "there are no locks in the graph")


SQL = """
create table t(id integer primary key, name text, n real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 20000)
  insert into t select i, 'name ' || i, i * 0.5 from c;
create index by_name on t(name);
select count(*), sum(n), min(name), max(name) from t;
begin; update t set n = n + 1 where id % 3 = 0; rollback;
delete from t where id % 2 = 0;
select count(*), total(n) from t;
vacuum;
pragma integrity_check;
"""


@test
def sqlite3(box):
    program = box.needs("sqlite3")
    native = box.run(program, "native.db", stdin=SQL.encode())
    done = box.under(program, "watched.db", stdin=SQL.encode())
    quiet(box, done, native)
    box.equal((box.folder / "watched.db").read_bytes()[100:], (box.folder / "native.db").read_bytes()[100:], "database")


@test
def xz_two_threads_round_trip(box):
    program = box.needs("xz")
    numbers = random.Random(1)
    data = bytes(numbers.choice(b"abcdefgh \n") for _ in range(200_000)) * 40
    box.write("data", data)
    arguments = [program, "-T2", "-1", "--block-size=1MiB", "-c", "data"]
    native = box.run(*arguments, binary=True)
    done = box.under(*arguments, binary=True, options=["--record"])
    quiet(box, done, native)
    box.write("data.xz", done.out)
    back = box.under(program, "-T2", "-dc", "data.xz", binary=True, output="back")
    box.equal(back.status, 0, "status of -d")
    box.check(back.out == data, "the round trip changed the data")
    for trace in (box.folder / "results").glob("*.cdtrace"):
        box.equal(box.run(box.crossdep, "check", trace).status, 0, "status of check on the record")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(b"PING\r\n")
            return s.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@test
def redis_under_load(box):
    server = shutil.which("redis-server")
    if server is None:   # the tools' package has the same program under another name
        checker = box.needs("redis-check-rdb")
        server = box.folder / "redis-server"
        server.symlink_to(checker)
    bench, client = box.needs("redis-benchmark"), box.needs("redis-cli")
    port = free_port()
    with open(box.folder / "log", "wb") as log:
        process = box.start(box.crossdep, "run", "-o", "results", "--", server, "--port", port, "--bind", "127.0.0.1",
                            "--save", "", "--appendonly", "yes", "--io-threads", "2", "--dir", box.folder,
                            "--daemonize", "no", stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            box.check(process.poll() is None and time.monotonic() < deadline, "the server does not answer")
            time.sleep(0.1)
        load = box.run(bench, "-p", port, "-n", 5000, "-c", 20, "-q", "-t", "set,get,incr,lpush,sadd")
        box.equal(load.status, 0, "status of the load")
        box.has(load.out, "GET")
        box.run(client, "-p", port, "bgrewriteaof")
        box.equal(box.run(client, "-p", port, "get", "counter:__rand_int__").status, 0, "status of get")
        box.run(client, "-p", port, "flushall", "async")
        box.run(client, "-p", port, "shutdown", "nosave")
        status = process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
        box.log.append((box.folder / "log").read_text(errors="replace"))
    box.equal(status, 0, "status of the server")
    text = (box.folder / "log").read_text(errors="replace")
    box.lacks(text, "WARNING: possible")
    box.equal([(f["check"], f["verdict"], f["classes"]) for f in box.findings()], [], "findings")
    box.check(len(box.graph()["classes"]) >= 3, "there are no locks of the server in the graph")


@test
def threaded_python(box):
    """An interpreter: many semaphores or condition variables, threads started and joined."""
    program = box.needs("python3")
    script = box.write("work.py", """
import threading, queue
q, done = queue.Queue(), queue.Queue()
def work():
    for item in iter(q.get, None):
        done.put(item * item)
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for i in range(2000): q.put(i)
for t in threads: q.put(None)
for t in threads: t.join()
print(sum(done.get() for _ in range(2000)))
""")
    native = box.run(program, script)
    quiet(box, box.under(program, script), native)


@test
def elements_of_a_static_array_are_one_problem(box):
    """Which of them met is chance: one id, printed once; each is named by its index and member."""
    program = box.compile("tests/scenarios/static_array.c")
    done = box.under(program)
    box.equal(done.err.count("WARNING: "), 1, "splats")
    box.has(done.err, "accounts[0].lock")
    box.lacks(done.err, "accounts+")
    names = {c["name"] for c in box.graph()["classes"]}
    box.check({f"accounts[{i}].lock" for i in range(4)} <= names, f"the classes are {names}")
    box.equal(len(box.findings()), 1, "findings")


@test
def names_of_threads_do_not_depend_on_the_optimiser(box):
    """std::thread's own functions are frames of the program or are not."""
    text = """#include <mutex>
#include <thread>
std::mutex a;
static void body(int) { std::lock_guard lock(a); }
static void helper() { std::thread(body, 1).join(); }
int main() {
  std::thread(body, 2).join();
  std::thread([] { std::lock_guard lock(a); }).join();
  helper();
}
"""
    names = []
    for level in ("-O0", "-O2"):
        program = box.compile("threads.cpp", name=f"threads{level}", flags=[level], text=text)
        box.equal(box.under(program, output=f"results{level}").status, 0, "status")
        names.append([c["name"] for c in box.graph(f"results{level}/crossdep.cdgraph")["classes"]])
    box.equal(names[0], ["a", "thread@helper", "thread@main", "thread@main:2"], "classes")
    box.equal(names[1], names[0], "classes of the optimised program")


@test
def a_program_with_gaps_between_its_segments_is_one_module(box):
    """The loader knows such a program by its segments, each for itself, none of which begins with its headers but the first."""
    text = """#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b;
__attribute__((noinline)) static void both(pthread_mutex_t* first, pthread_mutex_t* second) {
  pthread_mutex_lock(first);
  pthread_mutex_lock(second);
  pthread_mutex_unlock(second);
  pthread_mutex_unlock(first);
}
static void* other(void* unused) {
  both(&b, &a);
  return unused;
}
int main(void) {
  pthread_t thread;
  pthread_mutex_init(&b, 0);
  pthread_create(&thread, 0, other, 0);
  pthread_join(thread, 0);
  both(&a, &b);
  return 0;
}
"""
    seen = {}
    for name, flags in {"dense": [], "gaps": ["-Wl,-z,max-page-size=65536"], "fixed": ["-no-pie", "-Wl,-z,max-page-size=65536"],
                        "bare": ["-s"], "baregaps": ["-s", "-Wl,-z,max-page-size=65536"]}.items():
        program = box.compile("gaps.c", name=name, flags=[*flags, "-pthread"], text=text)
        done = box.under(program, output=f"{name}.results")
        box.equal(done.status, 0, f"{name}: status\n{done.err}")
        graph = box.graph(f"{name}.results/crossdep.cdgraph")
        seen[name] = ([c["name"] for c in graph["classes"]], [f["id"] for f in graph["findings"]])
        nowhere = [f for f in graph["frames"] if not f.get("module") and not f.get("function")]
        box.check(not nowhere, f"{name}: frames of no module: {nowhere}")
    box.equal(len(seen["dense"][1]), 1, "findings")
    box.equal(seen["gaps"], seen["dense"], "classes and ids with gaps")
    box.equal(seen["fixed"], seen["dense"], "classes and ids at a fixed address")
    for name in ("bare", "baregaps"):
        box.check(not any("0x5" in c or "0x7" in c for c in seen[name][0]), f"{name}: addresses of this run as names: {seen[name][0]}")


@test
def a_sandbox_that_refuses_our_system_calls_only_loses_us_data(box):
    """A browser's: open() is trapped and refused by a handler, and what the sandboxed process did not open itself is closed."""
    text = """#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
static volatile int trapped;
static void refuse(int number, siginfo_t* info, void* state) {
  (void)number, (void)info;
  ++trapped;
  ((ucontext_t*)state)->uc_mcontext.gregs[REG_RAX] = -EACCES;
}
int main(void) {
  struct sigaction action = {.sa_sigaction = refuse, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, 0);
  for (int fd = 3; fd < 2000; ++fd) close(fd);
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unlinkat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog all = {sizeof program / sizeof *program, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) != 0) return 3;
  enum { kMany = 20000 };
  static pthread_mutex_t locks[kMany];   // a class each: more than the trace has room for
  for (int i = 0; i < kMany; ++i) {
    pthread_mutex_lock(&locks[i]);
    pthread_mutex_unlock(&locks[i]);
  }
  printf("done, %s\\n", trapped > 0 ? "trapped" : "never trapped");
  return 0;
}
"""
    program = box.compile("sandbox.c", flags=["-pthread"], text=text)
    native = box.run(program)
    if native.status == 3:
        box.skip("no seccomp filters here")
    box.equal(native.out, "done, never trapped\n", "the program alone")
    done = box.under(program)
    box.equal(done.status, 0, f"status\n{done.err}")
    box.equal(done.out, "done, trapped\n", "its output")
    box.has(done.err, "the trace was closed by the program")


@test
def locks_made_by_one_function_for_others_keep_their_names(box):
    """Which of them a run makes first is chance: a number in that order would take another run's locks for these."""
    text = """#include <pthread.h>
#include <stdlib.h>
__attribute__((noinline)) static pthread_mutex_t* make(void) {
  pthread_mutex_t* mutex = malloc(sizeof *mutex);
  pthread_mutex_init(mutex, 0);
  return mutex;
}
__attribute__((noinline)) static pthread_mutex_t* log_open(void) { pthread_mutex_t* m = make(); __asm__ volatile("" ::: "memory"); return m; }
__attribute__((noinline)) static pthread_mutex_t* cache_new(void) { pthread_mutex_t* m = make(); __asm__ volatile("" ::: "memory"); return m; }
__attribute__((noinline)) static pthread_mutex_t* user_new(void) { pthread_mutex_t* m = make(); __asm__ volatile("" ::: "memory"); return m; }
int main(int count, char** words) {
  pthread_mutex_t *log, *cache;
  (void)words;
  if (count > 1) log = log_open(), cache = cache_new();
  else user_new(), cache = cache_new(), log = log_open();
  pthread_mutex_lock(cache);
  pthread_mutex_lock(log);
  pthread_mutex_unlock(log);
  pthread_mutex_unlock(cache);
  return 0;
}
"""
    program = box.compile("makers.c", flags=["-pthread"], text=text)
    names = []
    for words in ([], ["other"]):
        output = f"results{len(words)}"
        box.equal(box.under(program, *words, output=output).status, 0, "status")
        names.append({c["name"] for c in box.graph(f"{output}/crossdep.cdgraph")["classes"]})
    box.equal(names[0], {"mutex@make<-user_new", "mutex@make<-cache_new", "mutex@make<-log_open"}, "classes")
    box.equal(names[1], names[0] - {"mutex@make<-user_new"}, "classes of the other run")
    united = box.run(box.crossdep, "merge", "-o", "all.cdgraph", "results0/crossdep.cdgraph", "results1/crossdep.cdgraph")
    box.equal(united.status, 0, united.err)
    box.equal(len(box.findings("all.cdgraph", at_least="refuted")), 0, "findings of the union")


@test
def the_c_library_is_in_no_name(box):
    """Two locks that main makes by one function: what called main differs between C libraries, and tells them apart nowhere."""
    program = box.compile("two.c", flags=["-pthread"], text="""#include <pthread.h>
#include <stdlib.h>
__attribute__((noinline)) static pthread_mutex_t* make(void) {
  pthread_mutex_t* mutex = malloc(sizeof *mutex);
  pthread_mutex_init(mutex, 0);
  return mutex;
}
static void* start(void* unused) {
  pthread_mutex_t* mutex = make();
  pthread_mutex_lock(mutex);
  pthread_mutex_unlock(mutex);
  return unused;
}
int main(void) {
  pthread_mutex_t *one = make(), *two = make();
  pthread_mutex_lock(one);
  pthread_mutex_lock(two);
  pthread_mutex_unlock(two);
  pthread_mutex_unlock(one);
  pthread_t thread;
  pthread_create(&thread, 0, start, 0);
  pthread_join(thread, 0);
  return 0;
}
""")
    box.equal(box.under(program).status, 0, "status")
    names = {c["name"] for c in box.graph("results/crossdep.cdgraph")["classes"]}
    box.equal({name for name in names if name.startswith("mutex@")}, {"mutex@make<-main", "mutex@make:2<-main", "mutex@make<-start"}, "classes")


@test
def a_place_is_the_users_also_where_nothing_is_inlined(box):
    """std::mutex's functions and those of its guards are calls then, and the request's own place a header of the C++ library."""
    text = """#include <mutex>
#include <thread>
std::mutex a, b;
static void first() {
  std::lock_guard<std::mutex> x(a);
  std::unique_lock<std::mutex> y(b);   // line 6
}
static void second() {
  std::unique_lock<std::mutex> x(b);
  std::lock_guard<std::mutex> y(a);    // line 10
}
int main() {
  std::thread(first).join();
  std::thread(second).join();
}
"""
    ids = []
    for name, flags in {"plain": ["-O0"], "optimised": ["-O2"], "bare": ["-O0", "-g0"]}.items():
        program = box.compile("places.cpp", name=name, flags=flags, text=text)
        box.equal(box.under(program, output=name + ".results").status, 0, "status")
        graph = f"{name}.results/crossdep.cdgraph"
        ids.append([f["id"] for f in box.findings(graph, at_least="latent")])
        lines = box.run(box.crossdep, "report", "--fail-on", "latent", "--format", "gcc", graph).out
        listing = box.run(box.crossdep, "report", "--fail-on", "latent", graph).out
        box.lacks(lines + listing, "gthr")
        box.has(listing, "requests a at second")
        if name == "optimised":
            continue
        box.has(lines, "holds a in first")
        if name == "plain":
            box.has(lines, "places.cpp:10:")
            box.has(lines, "places.cpp:6:")
            sarif = json.loads(box.run(box.crossdep, "report", "--fail-on", "latent", "--format", "sarif", graph).out)
            place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
            box.equal((place["artifactLocation"]["uri"].rsplit("/", 1)[-1], place["region"]["startLine"]), ("places.cpp", 10), "the primary place")
    box.equal(len(ids[0]), 1, "findings")
    box.check(ids[0] == ids[1] == ids[2], f"ids differ: {ids}")
