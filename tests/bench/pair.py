# SPDX-License-Identifier: MIT
#
# What a lock+unlock pair costs, against everything it can be compared with, and what many locks cost:
#     pair.py BUILD_DIRECTORY [ROUNDS]
# Machines are noisy and shared: in each round every variant runs once, one after the other, in processor time; a number is
# the least of all rounds, and a ratio is made of two such numbers of the same minutes. Prints, asserts nothing.
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PAIRS = 200_000


def run(command, preload=None, options=None):
    environment = dict(os.environ)
    if options is not None:
        environment["CROSSDEP_OPTIONS"] = options
    if preload is not None:   # the loader splits LD_PRELOAD at blanks, which a path may hold
        environment.update(LD_PRELOAD=preload.name, LD_LIBRARY_PATH=str(preload.parent))
    done = subprocess.run([str(word) for word in command], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, timeout=600)
    return [line.split() for line in done.stdout.splitlines()]


def tsan_build(folder):
    """The loop built with ThreadSanitizer, or None with a line saying why."""
    program = folder / "lock_pair_tsan"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        print("  skipped ThreadSanitizer: there is no gcc")
        return None
    built = subprocess.run([compiler, "-O2", "-fsanitize=thread", "-pthread", HERE / "lock_pair.c", "-o", program],
                           capture_output=True)
    if built.returncode != 0 or not run([program, 1000, 1]):
        print("  skipped ThreadSanitizer: this machine does not build or run its programs")
        return None
    return program


def pairs(bench, crossdep, folder, rounds):
    loop = bench / "lock_pair"
    variants = {
        "native": lambda n: run([loop, n, 2]),
        "forwarding": lambda n: run([loop, n, 2], bench / "libforward.so"),
        "floor": lambda n: run([loop, n, 2], bench / "libfloor.so"),
        "detecting": lambda n: run([crossdep, "run", "-o", folder / "detect", "--", loop, n, 2]),
        "floor+record": lambda n: run([loop, n, 2], bench / "libfloor_record.so"),
        "recording": lambda n: run([crossdep, "run", "--record", "-o", folder / "record", "--", loop, n, 2]),
    }
    tsan = tsan_build(folder)
    if tsan is not None:
        variants["gcc TSan"] = lambda n: run([tsan, n // 10, 2])
    best = {}
    for _ in range(rounds):
        for variant, measure in variants.items():
            for row, ns in measure(PAIRS):
                best[row, variant] = min(float(ns), best.get((row, variant), float("inf")))
        shutil.rmtree(folder / "detect", ignore_errors=True)
        shutil.rmtree(folder / "record", ignore_errors=True)

    print(f"ns of processor time per uncontended lock+unlock pair: native, then added to it; the least of {rounds} rounds")
    print("| | " + " | ".join(variants) + " | detecting / floor | recording / floor+record |")
    print("|---" * (len(variants) + 3) + "|")

    def added(row, variant):
        return best[row, variant] - best[row, "native"]

    def ratio(row, ours, floor):
        return f"{added(row, ours) / added(row, floor):.1f}x" if added(row, floor) > 0.05 else "-"

    rows = list(dict.fromkeys(row for row, _ in best))
    for row in rows[:-1]:
        cells = [f"{best[row, 'native']:.1f}"] + [f"{added(row, v):+.1f}" for v in variants if v != "native"]
        cells += [ratio(row, "detecting", "floor"), ratio(row, "recording", "floor+record")]
        print(f"| {row.replace('-', ' ')} | " + " | ".join(cells) + " |")
    print("a new thread's first visit to a lock, ns: " + ", ".join(f"{v} {best[rows[-1], v]:.0f}" for v in variants))
    print("two threads, ns per pair / ns of one thread on 1 000 random locks (1.0: they do not disturb each other):")
    print("  " + ", ".join(f"{v} {best['2-threads', v] / best['1000-random-locks', v]:.2f}" for v in variants))


def many(bench, library, folder):
    print("many locks: native, detecting, recording")

    def row(text, *arguments, options=""):
        values = []
        for record in (None, 0, 1):   # as under `crossdep run`, but nobody judges what is left: that is not the program's time
            output = folder / "many"
            output.mkdir()
            program = [bench / "lock_scale", *arguments]
            lines = run(program) if record is None else run(program, library, f"supervised=1:out='{output}':record={record}{options}")
            values.append(" and ".join(lines[0][1:]) if lines else "failed")
            shutil.rmtree(output)
        print(f"  {text}: " + ", ".join(values), flush=True)

    row("bytes per live lock, 100 000 made by pthread_mutex_init", "init", 100_000)
    row("bytes per live lock, 100 000 of one array, never initialised by a call", "static", 100_000)
    row("bytes per live lock, the same with a class each", "static", 100_000, options=":class_by=object")
    row("KB grown over 900 000 times init, lock, unlock, destroy", "churn", 1_000_000)
    row("ns per pair, 1 000 locks held at once", "held", 1_000)
    row("seconds for 100 000 locks of a class each nested in a circle, and of these the closing request", "cycle", 100_000,
        options=":class_by=object")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    with tempfile.TemporaryDirectory() as folder:
        pairs(build / "bench", build / "bin" / "crossdep", pathlib.Path(folder), rounds)
        many(build / "bench", build / "lib" / "libcrossdep.so", pathlib.Path(folder))


main()
