# SPDX-License-Identifier: MIT
#
# The unit tests: each Catch2 test case is one test here, run in a process of its own, so that a crash fails one of them.
import os
import subprocess

import harness


def cases(program):
    """Names of the test cases; both Catch2 2.13 and 3 print one a line."""
    listed = subprocess.run([program, "--list-test-names-only"], capture_output=True, text=True)
    if listed.returncode not in range(0, 256) or not listed.stdout:   # Catch2 3 dropped the option's name
        listed = subprocess.run([program, "--list-tests", "--verbosity", "quiet"], capture_output=True, text=True)
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()]


def escape(name):
    return "".join("\\" + c if c in ',[]\\"' else c for c in name)


def collect(build):
    program = os.path.join(build, "bin", "unit_tests")
    if not os.path.exists(program):
        harness.add("unit: tests", lambda box: box.skip("not built (catch2 is missing)"))
        return
    for name in cases(program):
        def body(box, name=name):
            done = box.run(program, escape(name), timeout=600)
            box.check(done.status == 0, "the unit test fails")
            box.check("No test cases matched" not in done.out + done.err, "the test case is not found by its name")
        harness.add(f"unit: {name}", body)
