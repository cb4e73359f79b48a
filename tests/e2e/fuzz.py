# SPDX-License-Identifier: MIT
#
# Fuzzing, only with --long: each reader for a minute (CROSSDEP_FUZZ_SECONDS), beginning with the recordings of tests/data
# and what the examples record.
import lzma
import os

from harness import SOURCE, add

DATA = SOURCE / "tests" / "data"
KEPT = 200_000   # bytes of a recording: longer inputs only make it slow


def recordings(box):
    """Native traces and a graph, made by the program itself."""
    for example in ("hotplug-before", "abba"):
        program = box.build / "examples" / example
        if program.exists():
            box.under(program, options=["--record"], output=f"recorded {example}")
    return sorted(box.folder.glob("recorded */*"))


# name of the target: what its corpus is made of
CORPUS = {
    "native": lambda box: [p.read_bytes() for p in recordings(box) if p.suffix in (".cdtrace", ".cdjournal")],
    "text": lambda box: [p.read_bytes() for p in DATA.glob("*/*.cdt")] + [p.read_bytes() for p in (SOURCE / "examples").rglob("*.cdt")],
    "ftrace": lambda box: [p.read_bytes() for p in DATA.glob("kernel/*.ftrace")] +
                          [lzma.open(p).read(KEPT) for p in sorted(DATA.glob("kernel/*.ftrace.xz"))],
    "rapid": lambda box: [p.read_bytes() for p in DATA.glob("rapid/*.std")],
    "perf": lambda box: [p.read_bytes() for p in DATA.glob("kernel/*.perf-script")],
    "lttng": lambda box: [p.read_bytes() for p in DATA.glob("lttng/*.txt")],
    "rapidbin": lambda box: [p.read_bytes() for p in DATA.glob("rapid/*.data")],
    "graph": lambda box: [p.read_bytes() for p in recordings(box) if p.suffix == ".cdgraph"],
}


def fuzzed(name):
    def body(box):
        box.needs("clang++")
        build = box.build.parent / "fuzz"   # kept: one build for all targets
        for step in (["-S", SOURCE, "-B", build, "-G", "Ninja", "-DCROSSDEP_FUZZ=ON", "-DCMAKE_CXX_COMPILER=clang++",
                      "-DCMAKE_C_COMPILER=clang"], ["--build", build, "--target", "fuzzers"]):
            done = box.run("cmake", *step, timeout=3000)
            if "has no libFuzzer" in done.out:
                box.skip("this clang has no libFuzzer")
            box.check(done.status == 0, "the build failed")
        inputs = [data[:KEPT] for data in CORPUS[name](box)]
        box.check(inputs, "there is nothing to begin with")
        for number, data in enumerate(inputs):
            box.write(f"corpus/{number}", data)
        seconds = int(os.environ.get("CROSSDEP_FUZZ_SECONDS", "60"))
        done = box.run(build / "bin" / f"fuzz_{name}", "-timeout=20", "-rss_limit_mb=1500", f"-max_total_time={seconds}",
                       f"-artifact_prefix={box.folder}/", box.folder / "corpus", timeout=seconds + 300)
        box.check(done.status == 0, "an input was found that it does not survive")
    return body


def collect():
    def all_of_them(box):   # one after the other: they share the build
        for name in CORPUS:
            fuzzed(name)(box)
            for old in (box.folder / "corpus").glob("*"):
                old.unlink()
    add("fuzz: every reader", all_of_them, long=True)
