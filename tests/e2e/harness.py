# SPDX-License-Identifier: MIT
#
# What the end-to-end tests share: a registry of test functions, a helper that runs a program and keeps what it said, and
# a runner that works on several tests at once and prints the output of those that fail.
#
# A test is a function `def some_name(box)` under @test; its `box` is a fresh folder of its own and knows the build tree.
# It fails by a false `assert`-like call of the box, it is skipped by box.skip(reason).
import concurrent.futures
import dataclasses
import errno
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import traceback

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TESTS = []


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


@dataclasses.dataclass
class Test:
    name: str
    body: object
    long: bool


def add(name, body, long=False):
    TESTS.append(Test(name, body, long))


def test(body):
    """Registers body under 'module: words of its name'."""
    add(f"{body.__module__}: {body.__name__.replace('_', ' ')}", body)
    return body


def long_test(body):
    add(f"{body.__module__}: {body.__name__.replace('_', ' ')}", body, long=True)
    return body


@dataclasses.dataclass
class Result:
    command: list
    status: int      # as a shell sees it
    out: str
    err: str
    seconds: float

    def __str__(self):
        words = " ".join(str(word) for word in self.command)
        return (f"$ {words}\n[status {self.status}, {self.seconds:.1f} s]\n"
                f"--- stdout ---\n{self.out[-6000:]}\n--- stderr ---\n{self.err[-12000:]}")


class Box:
    def __init__(self, build, folder):
        self.build = pathlib.Path(build)
        self.folder = pathlib.Path(folder)
        self.crossdep = self.build / "bin" / "crossdep"
        self.library = self.build / "lib" / "libcrossdep.so"
        self.log = []
        self.notes = []   # lines worth reading although the test passed

    # --- doing -------------------------------------------------------------------------------------------------------
    def run(self, *command, stdin=None, env=None, timeout=120, cwd=None, binary=False):
        """Runs it to its end; the status of a killed program is 128 + signal."""
        command = [str(word) for word in command]
        environment = dict(os.environ, **(env or {}))
        began = time.monotonic()
        try:
            # A program that this test has just copied may still be open for writing in a child that another test forked.
            for attempt in range(10):
                try:
                    done = subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=timeout,
                                          cwd=cwd or self.folder, start_new_session=True)
                    break
                except OSError as busy:
                    if busy.errno != errno.ETXTBSY or attempt == 9:
                        raise
                    time.sleep(0.1)
        except subprocess.TimeoutExpired as late:
            self.log.append(f"$ {' '.join(command)}\n--- stdout ---\n{late.stdout}\n--- stderr ---\n{late.stderr}")
            raise Failed(f"no end within {timeout} s: {' '.join(command)}")
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        out = done.stdout if binary else done.stdout.decode(errors="replace")
        result = Result(command, status, out, done.stderr.decode(errors="replace"), time.monotonic() - began)
        self.log.append(str(result) if not binary else f"$ {' '.join(command)}\n[status {status}]\n{result.err}")
        return result

    def start(self, *command, env=None, **options):
        """Starts it; the caller ends it."""
        command = [str(word) for word in command]
        self.log.append(f"$ {' '.join(command)} &")
        return subprocess.Popen(command, env=dict(os.environ, **(env or {})), cwd=self.folder, **options)

    def under(self, *command, options=(), output="results", **more):
        """`crossdep run -o results OPTIONS -- COMMAND`."""
        return self.run(self.crossdep, "run", "-o", self.folder / output, *options, "--", *command, **more)

    def compile(self, source, name=None, flags=(), compiler=None, text=None):
        """Compiles a source file of the project, or `text` under that name."""
        path = SOURCE / source if text is None else self.write(source, text)
        cpp = str(path).endswith(".cpp")
        program = self.folder / (name or path.stem)
        compiler = compiler or ("g++" if cpp else "gcc")
        done = self.run(compiler, *(["-std=c++20"] if cpp else []), "-g", "-O1", "-fno-optimize-sibling-calls", "-pthread",
                        f"-I{SOURCE}/runtime/include", *flags, path, "-o", program)
        self.check(done.status == 0, f"{path.name} does not compile")
        return program

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        return path

    # --- looking -----------------------------------------------------------------------------------------------------
    def graph(self, path="results/crossdep.cdgraph"):
        path = self.folder / path
        self.check(path.exists(), f"there is no {path.name} in {path.parent.name}")
        return json.loads(path.read_text())

    def findings(self, path="results/crossdep.cdgraph", at_least="possible"):
        order = ["refuted", "latent", "possible", "feasible", "confirmed", "deadlock"]
        return [f for f in self.graph(path)["findings"] if order.index(f["verdict"]) >= order.index(at_least)]

    def check(self, truth, otherwise):
        if not truth:
            raise Failed(otherwise)

    def equal(self, got, wanted, what="value"):
        if got != wanted:
            raise Failed(f"{what}: got {got!r}, wanted {wanted!r}")

    def has(self, text, part):
        if part not in text:
            raise Failed(f"not there: {part!r}")

    def lacks(self, text, part):
        if part in text:
            raise Failed(f"should not be there: {part!r}")

    def needs(self, program):
        found = shutil.which(program)
        if found is None:
            raise Skipped(f"{program} is not installed")
        return found

    def skip(self, reason):
        raise Skipped(reason)

    def note(self, text):
        self.notes.append(text)


def run_one(test, build):
    """('passed' | 'failed' | 'skipped', text)."""
    with tempfile.TemporaryDirectory(prefix="crossdep test ") as folder:
        box = Box(build, folder)
        try:
            test.body(box)
            return "passed", "; ".join(box.notes)
        except Skipped as why:
            return "skipped", str(why)
        except Failed as why:
            return "failed", f"{why}\n" + "\n".join([*box.notes, *box.log])
        except Exception:
            return "failed", traceback.format_exc() + "\n".join(box.log)


def run_all(build, words, long, jobs):
    chosen = [t for t in TESTS if (long or not t.long) and (not words or any(w in t.name for w in words))]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    failed = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(run_one, t, build): t for t in chosen}
        for done in concurrent.futures.as_completed(pending):
            test, (state, text) = pending[done], done.result()
            count[state] += 1
            if state == "failed":
                failed.append(test.name)
                print(f"\nFAILED {test.name}\n" + "\n".join("    " + line for line in text.splitlines()), flush=True)
            elif state == "skipped":
                print(f"skipped {test.name}: {text}", flush=True)
            elif text:
                print(f"passed {test.name}: {text}", flush=True)
            elif os.environ.get("VERBOSE"):
                print(f"passed {test.name}", flush=True)
    return count, failed
