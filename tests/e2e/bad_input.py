# SPDX-License-Identifier: MIT
#
# Input that is damaged, foreign or contradicts itself: one clear line, what can be judged is judged, memory stays bounded.
import gzip
import lzma
import os
import resource
import subprocess
import time

from commands import ABBA, one_error
from harness import SOURCE, test

DATA = SOURCE / "tests" / "data"
RAPID = "T1|acq(L1)|1\nT1|acq(L2)|2\nT1|rel(L2)|3\nT1|rel(L1)|4\nT2|acq(L2)|5\nT2|acq(L1)|6\nT2|rel(L1)|7\nT2|rel(L2)|8\n"
BROKEN = "T8|acq(L9)|1\nT9|acq(L9)|2\n"
MEMORY = 300 << 20


def streamed(box, pieces, *options, limit=MEMORY):
    """`crossdep check -` of what the generator gives, under an address space limit."""
    def bound():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    child = subprocess.Popen([box.crossdep, "check", *options, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, preexec_fn=bound, start_new_session=True)
    try:
        for piece in pieces:
            child.stdin.write(piece)
        child.stdin.close()
    except BrokenPipeError:
        pass
    out, err = child.stdout.read().decode(), child.stderr.read().decode(errors="replace")
    status = child.wait(timeout=300)
    box.log.append(f"[status {status}]\n{out[-3000:]}\n{err[-3000:]}")
    return status, out, err


def errors(text):
    return [line for line in text.splitlines() if line.startswith("crossdep: error: ")]


@test
def a_broken_lock_is_left_out_and_the_rest_judged(box):
    done = box.run(box.crossdep, "check", "-o", "g.cdgraph", box.write("t.std", BROKEN + RAPID))
    box.equal(done.status, 1, "status: the findings decide")
    box.has(done.err, f"crossdep: warning: {box.folder}/t.std:2: T9 acquires L9 while T8 holds it since {box.folder}/t.std:1; "
                      "L9 is left out")
    box.has(done.out, "WARNING: possible circular locking dependency")
    box.has(done.out, "1 contradiction of the input")
    graph = box.graph("g.cdgraph")
    box.equal(graph["losses"]["contradictions"], 1, "losses")
    again = box.run(box.crossdep, "merge", "-o", "m.cdgraph", "g.cdgraph", "g.cdgraph")
    box.equal(again.status, 0, "status of merge")
    box.equal(box.graph("m.cdgraph")["losses"]["contradictions"], 1, "losses after merge")


@test
def strict_stops_at_the_first_contradiction(box):
    done = box.run(box.crossdep, "check", "--strict", box.write("t.std", BROKEN + RAPID))
    box.equal(done.status, 2, "status")
    box.equal(len(errors(done.err)), 1, "error lines")
    box.has(done.err, "t.std:2: T9 acquires L9 while T8 holds it since")
    box.has(done.err, "the result is partial")
    box.lacks(done.out, "WARNING")
    box.equal(box.run(box.crossdep, "check", "--strict", box.write("u.std", RAPID)).status, 1, "status of a good trace")


@test
def many_contradictions_are_counted(box):
    text = "".join(f"T1|acq(L{i})|1\nT2|acq(L{i})|2\n" for i in range(50))
    done = box.run(box.crossdep, "check", box.write("t.std", text))
    box.equal(len([line for line in done.err.splitlines() if ": warning: " in line]), 21, "warnings")
    box.has(done.err, "30 more contradictions, 50 in all")


@test
def cut_in_the_middle_of_a_record(box):
    rapid = RAPID + "T1|acq("
    for name, data in (("t.std", rapid.encode()), ("t.cdt", (ABBA + "T1 acq").encode()),
                       ("t.data", (DATA / "rapid" / "Deadlock.data").read_bytes()[:-5]),
                       ("t.ftrace", (DATA / "kernel" / "stock.ftrace").read_bytes()[:-20])):
        done = box.run(box.crossdep, "check", box.write(name, data))
        box.equal(done.status, 2, f"status of {name}")
        box.equal(len(errors(done.err)), 1, f"error lines of {name}")
        box.has(done.err, "partial")


@test
def a_file_that_is_not_of_the_format_it_is_said_to_be(box):
    """One error that names the file and where it stopped being one, whatever the format."""
    files = {"words": b"hello world\nthis is no trace\n", "noise": os.urandom(20_000) + b"\n", "rapid": RAPID.encode(),
             "ftrace": (DATA / "kernel" / "stacks.ftrace").read_bytes()}
    for name, data in files.items():
        box.write(name, data)
    for kind in ("native", "graph", "ftrace", "perf", "trace.dat", "lttng", "rapid-std", "rapid-bin"):
        for name in files:
            if (kind, name) in (("ftrace", "ftrace"), ("rapid-std", "rapid")):
                continue
            done = box.run(box.crossdep, "check", "--format", kind, name)
            box.equal(done.status, 2, f"status of {name} as {kind}")
            box.equal(len(errors(done.err)), 1, f"error lines of {name} as {kind}")
            box.check(f"error: {name}: " in done.err or f"error: {name}:" in done.err, f"file and place of {name} as {kind}: {done.err}")


@test
def windows_line_ends(box):
    for name, text in (("t.std", RAPID), ("t.cdt", ABBA)):
        done = box.run(box.crossdep, "check", box.write(name, text.replace("\n", "\r\n").encode()))
        box.equal(done.status, 1, f"status of {name}")


@test
def noise_and_nul(box):
    noise = os.urandom(100_000).replace(b"\n", b"\0")
    one_error(box, box.run(box.crossdep, "check", box.write("noise", b"\0" + noise)), 2, "noise", "not a trace")
    for name, text in (("t.std", RAPID), ("t.cdt", ABBA)):
        done = box.run(box.crossdep, "check", box.write(name, text.encode() + b"T1 \0\0\xff\n" + noise))
        box.equal(done.status, 2, f"status of {name}")
        box.equal(len(errors(done.err)), 1, f"error lines of {name}")


@test
def numbers_too_large(box):
    big = "9" * 40
    done = box.run(box.crossdep, "check", box.write("t.std", f"T{big}|acq(L{big})|{big}\nT{big}|acq(L1)|1\n"))
    box.equal(done.status, 0, "status: they are names")
    done = box.run(box.crossdep, "check", box.write("t.cdt", f"T1 acquire A sub={big}\n"))
    box.equal(done.status, 2, "status")
    box.equal(len(errors(done.err)), 1, "error lines")
    line = f" a-{big} [000] d..2. {big}.0: lock_acquire: {big}ff a\n"
    done = box.run(box.crossdep, "check", box.write("t.ftrace", "# tracer: nop\n" + line))
    box.check(done.status in (2, 3), "status")


@test
def one_line_without_end(box):
    for head in (b"T1|acq(L1)|1\nT1|acq(", b"T1 acquire A\nT1 acquire ", b" a-1 [000] d..2. 1.0: lock_acquire: ff10 a\n x-1 "):
        status, out, err = streamed(box, [head] + [b"x" * (1 << 20)] * 1024)
        box.check(status in (0, 2), "status")
        box.check(len(err.splitlines()) <= 3, "few lines")
        box.check("1048576 bytes" in err or "no ftrace event" in err, "the reason is told")


@test
def a_million_tasks(box):
    def rapid():
        for first in range(0, 1_000_000, 10_000):
            yield "".join(f"T{n}|acq(L1)|1\nT{n}|rel(L1)|2\n" for n in range(first, first + 10_000)).encode()
    began = time.monotonic()
    status, _, err = streamed(box, rapid(), limit=3 << 30)
    box.equal(status, 0, "status")
    box.equal(errors(err), [], "errors")
    box.check(time.monotonic() - began < 200, "in time")


@test
def compressed_input_that_is_cut_or_damaged(box):
    text = ("".join(f"T{n % 7}|acq(L{n})|{n}\nT{n % 7}|rel(L{n})|{n}\n" for n in range(20_000))).encode()
    for name, packed in (("t.gz", gzip.compress(text)), ("t.xz", lzma.compress(text))):
        box.equal(box.run(box.crossdep, "check", box.write(name, packed)).status, 0, f"status of the whole {name}")
        done = box.run(box.crossdep, "check", box.write(f"cut.{name}", packed[:len(packed) // 2]))
        box.equal(done.status, 2, f"status of the cut {name}")
        box.equal(len(errors(done.err)), 1, "error lines")
        box.has(done.err, "damaged or cut")


@test
def missing_unpacker_is_named(box):
    packed = box.write("t.xz", lzma.compress(RAPID.encode()))
    one_error(box, box.run(box.crossdep, "check", packed, env={"PATH": "/nowhere"}), 2, "t.xz", "xz", "cannot be run")


@test
def damaged_graphs(box):
    box.run(box.crossdep, "check", "-o", "g.cdgraph", box.write("t.cdt", ABBA))
    whole = (box.folder / "g.cdgraph").read_bytes()
    for number, data in enumerate((whole[:len(whole) // 2], whole.replace(b'"schema": 1', b'"schema": 99').replace(b'"schema":1', b'"schema":99'),
                                   b"{" * 200_000, b'{"format": "crossdep-graph", "schema": 1e400}', whole + b"x",
                                   whole.replace(b"lock-order-cycle", b"lock-\xff-cycle"))):
        path = box.write(f"bad{number}.cdgraph", data)
        one_error(box, box.run(box.crossdep, "report", path), 2, f"bad{number}.cdgraph")
        one_error(box, box.run(box.crossdep, "merge", "-o", "m.cdgraph", path), 2, f"bad{number}.cdgraph")


@test
def damaged_native_traces(box):
    box.under(box.build / "examples" / "hotplug-before", options=["--record"])
    whole = next((box.folder / "results").glob("*.cdtrace")).read_bytes()
    box.equal(box.run(box.crossdep, "check", box.write("whole", whole)).status, 1, "status of the whole")
    step = max(1, len(whole) // 12)
    for at in range(20, len(whole), step):
        cut = box.run(box.crossdep, "check", box.write("cut", whole[:at]))
        box.check(cut.status in (0, 1, 2, 3), f"cut at {at}: status {cut.status}")
        box.check(len(errors(cut.err)) <= 1, f"cut at {at}: one line")
        odd = bytearray(whole)
        odd[at:at + 64] = os.urandom(64)
        done = box.run(box.crossdep, "check", box.write("odd", bytes(odd)))
        box.check(done.status in (0, 1, 2, 3), f"noise at {at}: status {done.status}")
        box.check(len(errors(done.err)) <= 1, f"noise at {at}: one line")
    newer = bytearray(whole)
    newer[8] = 200
    one_error(box, box.run(box.crossdep, "check", box.write("newer", bytes(newer))), 2, "newer")


@test
def memory_does_not_grow_with_the_trace(box):
    block = "".join(f"T{n % 8}|acq(L{n % 50})|{n}\nT{n % 8}|w(V{n})|{n}\nT{n % 8}|rel(L{n % 50})|{n}\n" for n in range(1_000)).encode() * 20
    status, _, err = streamed(box, (block for _ in range(200)), limit=MEMORY)
    box.equal(status, 0, "status")
    box.equal(errors(err), [], "errors")
