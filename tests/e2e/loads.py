# SPDX-License-Identifier: MIT
#
# Real programs under load, only with --long: the same output and status as without crossdep, no crash, no finding, and how
# much more processor time they take, detecting and recording. Machines are noisy: native, detecting and recording take
# turns, and the medians are compared. The slow-down is printed beside its goals (1.15 and 1.3), it fails no test.
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from harness import Failed, long_test

GOALS = {"detecting": 1.15, "recording": 1.3}
VARIANTS = ("native", *GOALS)


def environment(box, variant, output):
    """Of the program itself, as `crossdep run` sets it: what it leaves is judged after its end, by others."""
    if variant == "native":
        return dict(os.environ)
    output.mkdir(exist_ok=True)
    options = f"supervised=1:out='{output}':log_path='{output}/log':record={int(variant == 'recording')}"
    # A preload list is split at blanks, which the path may hold.
    link = box.folder.parent / f"crossdep-{os.getpid()}-{box.folder.name.split()[-1]}.so"
    if not link.is_symlink():
        link.symlink_to(box.library)
        box.links = getattr(box, "links", []) + [link]
    return dict(os.environ, LD_PRELOAD=str(link), CROSSDEP_OPTIONS=options)


class Program:
    """What is run. A server is one with `load`: it is started, loaded once it `answers`, and ended by `stop`."""

    def __init__(self, command, *, stdin=None, load=None, answers=None, stop=None, prepare=None, compare=lambda out: out):
        self.command, self.stdin, self.load, self.answers = command, stdin, load, answers
        self.stop = stop or (lambda process: process.send_signal(signal.SIGTERM))
        self.prepare, self.compare = prepare or (lambda: None), compare


def wait(process, seconds, what):
    """Its status as a shell sees it, and the processor time it and its children took."""
    deadline = time.monotonic() + seconds
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            process.returncode = os.waitstatus_to_exitcode(status)
            code = process.returncode
            return (code if code >= 0 else 128 - code), used.ru_utime + used.ru_stime
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failed(f"no end of {what}")
        time.sleep(0.01)


def execute(box, program, command, name, env, seconds=300):
    """(status, what is compared, processor time) of one run."""
    program.prepare()
    log = box.folder / f"{name}.out"
    with open(log, "wb") as out:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE if program.stdin else subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, env=env, cwd=box.folder, start_new_session=True)
        try:
            if program.stdin:
                process.stdin.write(program.stdin.encode())
                process.stdin.close()
            loaded = ""
            if program.load is not None:
                deadline = time.monotonic() + 120
                while not program.answers():
                    box.check(process.poll() is None and time.monotonic() < deadline, f"{name}: the server does not answer")
                    time.sleep(0.05)
                loaded = program.load()
                program.stop(process)
            status, used = wait(process, seconds, name)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            box.log.append(f"$ {' '.join(map(str, command))}\n{log.read_text(errors='replace')[-6000:]}")
    return status, program.compare(log.read_text(errors="replace")) if program.load is None else loaded, used


def observe(box, program, rounds=3, known=()):
    """Everything this module tests of one program. `known`: (check, verdict) of findings that are right."""
    try:
        taken = {variant: [] for variant in VARIANTS}
        wanted = None
        for turn in range(rounds):
            for variant in VARIANTS:
                output = box.folder / f"{variant}.{turn}"
                status, out, used = execute(box, program, program.command, f"{variant} {turn}", environment(box, variant, output))
                if wanted is None:
                    wanted = (status, out)
                box.equal(status, wanted[0], f"status, {variant}")
                box.check(out == wanted[1], f"the output, {variant}, differs from that without crossdep:\n{out}\n---\n{wanted[1]}")
                taken[variant].append(used)
                shutil.rmtree(output, ignore_errors=True)
        status, out, _ = execute(box, program, [box.crossdep, "run", "--exitcode", "0", "-o", "results", "--", *program.command],
                                 "run", dict(os.environ))
        box.equal(status, wanted[0], "status under run")
        found = sorted((f["check"], f["verdict"], *f["classes"]) for f in box.findings())
        graph = box.graph()
        times = {variant: statistics.median(values) for variant, values in taken.items()}
        words = [f"{times['native']:.2f} s of processor time"]
        for variant, goal in GOALS.items():
            ratio = times[variant] / times["native"]
            words.append(f"{variant} {ratio:.2f}x" + ("" if ratio <= goal else f" (goal {goal})"))
        box.note(", ".join(words) + f"; {len(graph['classes'])} classes, {len(graph['dependencies'])} dependencies")
        for check, verdict, *classes in found:
            box.note(f"{check} {verdict}: {' -> '.join(classes)}")
        box.equal([f for f in found if f[:2] not in known], [], "findings")
        box.check(len(graph["classes"]) > 0, "there are no locks in the graph")
    finally:
        for link in getattr(box, "links", []):
            link.unlink(missing_ok=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


# --- programs that end by themselves -----------------------------------------------------------------------------------------

@long_test
def sqlite3(box):
    observe(box, Program([box.needs("sqlite3"), ":memory:"], stdin="""
pragma threads=2;
pragma cache_size=-1000;
create table a(id integer primary key, n integer, t text);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 150000)
  insert into a select i, (i * 7919) % 100003, printf('%08d text', (i * 31) % 65537) from c;
create index by_n on a(n);
create index by_t on a(t);
select count(*), sum(n), min(t), max(t) from a;
select count(*) from a x join a y on x.id = y.n where x.n > 1000;
update a set n = n + 1 where n % 3 = 0;
select t, count(*) from a group by t order by 2 desc, 1 limit 3;
delete from a where id % 5 = 0;
select count(*), total(n) from a;
vacuum;
pragma integrity_check;
"""))


@long_test
def node_with_workers(box):
    script = box.write("work.js", """
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), zlib = require('zlib');
if (isMainThread) {
  const sums = [];
  let left = 4;
  for (let i = 0; i < 4; ++i) {
    const worker = new Worker(__filename, { workerData: i });
    worker.on('message', (sum) => { sums[i] = sum; });
    worker.on('exit', () => { if (--left === 0) console.log(sums.join('\\n')); });
  }
} else {
  let state = workerData + 1, text = '';
  for (let i = 0; i < 60000; ++i) { state = (state * 1103515245 + 12345) % 2147483648; text += state.toString(36); }
  zlib.deflate(text, (error, packed) => {
    crypto.pbkdf2(text, 'salt', 2000, 32, 'sha256', (e, key) => {
      const kept = [];
      for (let i = 0; i < 40; ++i) kept.push(Buffer.from(zlib.inflateSync(packed)).toString().length);
      parentPort.postMessage(key.toString('hex') + ' ' + kept.reduce((a, b) => a + b, 0));
    });
  });
}
""")
    # Each worker's isolate has a lock like the main one's, which that holds while it joins the workers (instances differ).
    observe(box, Program([box.needs("node"), script]), known=[("cross-release-cycle", "possible")])


@long_test
def python_queue(box):
    script = box.write("work.py", """
import queue, threading
todo, done = queue.Queue(100), queue.Queue()
def work():
    for item in iter(todo.get, None):
        done.put(item * item % 1000003)
        todo.task_done()
    todo.task_done()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for item in range(60000): todo.put(item)
for thread in threads: todo.put(None)
todo.join()
for thread in threads: thread.join()
print(sum(done.get() for _ in range(60000)))
""")
    # The interpreter's lock is a condition variable: who gives it up may have got another lock before it had this one, and
    # after somebody began to wait for it.
    observe(box, Program([box.needs("python3"), script]), known=[("cross-release-cycle", "possible")])


def numbers(count):
    state, out = 1, bytearray()
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out += b"%d %x\n" % (state >> 40, state >> 52)
    return bytes(out)


@long_test
def xz_two_threads(box):
    box.write("data", numbers(300_000))
    observe(box, Program([box.needs("xz"), "-T2", "-2", "--block-size=512KiB", "-k", "-f", "data"],
                         prepare=lambda: (box.folder / "data.xz").unlink(missing_ok=True),
                         compare=lambda out: (out, (box.folder / "data.xz").read_bytes())))


@long_test
def zstd_two_threads(box):
    box.write("data", numbers(600_000))
    observe(box, Program([box.needs("zstd"), "-T2", "-12", "-B1MiB", "-q", "-f", "-k", "data", "-o", "data.zst"],
                         prepare=lambda: (box.folder / "data.zst").unlink(missing_ok=True),
                         compare=lambda out: (out, (box.folder / "data.zst").read_bytes())),
            # Its pools are of one code and ended one after the other: who joins the first still has to wake the second.
            known=[("cross-release-cycle", "possible")])


@long_test
def java(box):
    program = box.needs("java")
    source = box.write("Work.java", """
import java.util.*;
import java.util.concurrent.*;
public class Work {
  public static void main(String[] arguments) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    List<Future<Long>> sums = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      final int from = i;
      sums.add(pool.submit(() -> {
        long sum = 0;
        List<String> kept = new ArrayList<>();
        for (int k = 0; k < 3000; k++) { kept.add("item " + (from * k)); sum += kept.get(k).hashCode(); }
        synchronized (pool) { return sum; }
      }));
    }
    long total = 0;
    for (Future<Long> sum : sums) total += sum.get();
    pool.shutdown();
    System.out.println(total);
  }
}
""")
    if shutil.which("javac"):
        box.check(box.run("javac", source).status == 0, "Work.java does not compile")
        command = [program, "-cp", box.folder, "Work"]
    else:
        command = [program, source]
    # The virtual machine's own thread ends holding the lock that tells of its end; every thread waits for everything on two
    # condition variables of its own, so that all of Java's waits are two classes.
    observe(box, Program(command), known=[("exit-held", "confirmed"), ("cross-release-cycle", "possible")])


# --- servers -------------------------------------------------------------------------------------------------------------------

def speak(port, text, end):
    """Sends text over one connection and reads until `end`."""
    with socket.create_connection(("127.0.0.1", port), 20) as s:
        s.sendall(text)
        got = b""
        while not got.endswith(end):
            part = s.recv(65536)
            if not part:
                break
            got += part
        return got


@long_test
def memcached(box):
    port = free_port()

    def load():
        import threading
        answers = {}

        def client(number):
            text = b"".join(b"set k%d_%d 0 0 6\r\nvalue%d\r\nget k%d_%d\r\n" % (number, i % 500, i % 10, number, i % 500)
                            for i in range(1000))
            with socket.create_connection(("127.0.0.1", port), 20) as s:
                got = 0
                for _ in range(40):
                    s.sendall(text)
                    seen = b""
                    while seen.count(b"END\r\n") < 1000:
                        part = s.recv(1 << 20)
                        if not part:
                            break
                        seen += part
                    got += seen.count(b"VALUE")
                answers[number] = got
        clients = [threading.Thread(target=client, args=(i,)) for i in range(4)]
        for c in clients:
            c.start()
        for c in clients:
            c.join()
        return str(sorted(answers.items()))
    observe(box, Program([box.needs("memcached"), "-u", "root", "-l", "127.0.0.1", "-p", port, "-U", "0", "-t", "4", "-m", "64"],
                         load=load, answers=lambda: connects(port)))


@long_test
def redis(box):
    bench = box.needs("redis-benchmark")
    server = shutil.which("redis-server")
    if server is None:   # the tools' package has the same program under another name
        server = box.folder / "redis-server"
        server.symlink_to(box.needs("redis-check-rdb"))
    port = free_port()

    def load():
        done = box.run(bench, "-p", port, "-n", 40000, "-c", 20, "-P", 8, "-q", "-t", "set,get,incr,lpush,sadd")
        speak(port, b"FLUSHALL ASYNC\r\n", b"OK\r\n")
        return str(done.status)
    observe(box, Program([server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--io-threads", "2",
                          "--dir", box.folder, "--daemonize", "no"], load=load, answers=lambda: connects(port)))


@long_test
def nginx_with_a_thread_pool(box):
    program = box.needs("nginx")
    port = free_port()
    box.write("index.html", "x" * 300_000)
    box.write("nginx.conf", f"""
daemon off; master_process off; pid nginx.pid; error_log stderr error;
thread_pool pool threads=4;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {{ listen 127.0.0.1:{port}; root "{box.folder}"; aio threads=pool; sendfile off; output_buffers 2 16k; }}
}}
""")

    def load():
        request = b"GET /index.html HTTP/1.0\r\n\r\n"
        return str({len(speak(port, request, b"never").split(b"\r\n\r\n", 1)[1]) for _ in range(200)})
    observe(box, Program([program, "-p", box.folder, "-c", box.folder / "nginx.conf"], load=load, answers=lambda: connects(port),
                         stop=lambda process: process.send_signal(signal.SIGQUIT)))


@long_test
def mariadb_under_mysqlslap(box):
    server = shutil.which("mariadbd") or box.needs("mysqld")
    install, slap, admin = box.needs("mariadb-install-db"), box.needs("mysqlslap"), box.needs("mysqladmin")
    place = pathlib.Path(tempfile.mkdtemp(prefix="crossdep-mariadb-"))   # its scripts know no blanks in paths
    try:
        mariadb(box, server, install, slap, admin, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def mariadb(box, server, install, slap, admin, place):
    fresh, data, sock = place / "fresh", place / "data", place / "socket"
    done = box.run(install, "--no-defaults", "--user=root", f"--datadir={fresh}", "--auth-root-authentication-method=normal",
                   "--skip-test-db", timeout=300)
    box.equal(done.status, 0, "status of mariadb-install-db")

    def prepare():
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(fresh, data)

    def load():
        done = box.run(slap, "--no-defaults", "-uroot", f"--socket={sock}", "--concurrency=8", "--iterations=1", "--auto-generate-sql",
                       "--auto-generate-sql-load-type=mixed", "--number-of-queries=4000", "--auto-generate-sql-add-autoincrement",
                       timeout=300)
        return str(done.status) + re.sub(r"[0-9.]+ seconds", "", done.out)

    def stop(process):
        box.run(admin, "--no-defaults", "-uroot", f"--socket={sock}", "shutdown", timeout=120)

    def answers():
        return sock.exists() and box.run(admin, "--no-defaults", "-uroot", f"--socket={sock}", "ping").status == 0
    observe(box, Program([server, "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={sock}", "--skip-networking",
                          "--innodb-buffer-pool-size=32M", f"--pid-file={place}/pid"],
                         load=load, answers=answers, stop=stop, prepare=prepare), rounds=1,
            # The workers of its pool wake one another, each on a condition variable of its own; whoever brings a task can too.
            known=[("cross-release-cycle", "possible")])
