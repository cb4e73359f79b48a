# SPDX-License-Identifier: MIT
#
# What takes long, only with --long: the sanitized builds with their unit tests, the analyzer under valgrind, the unit
# tests marked long, the comparison with other tools.
from harness import SOURCE, add, long_test


def sanitized(kind):
    def body(box):
        build = box.folder / "build"
        done = box.run(SOURCE / "tests" / "build", build, "-DCROSSDEP_WERROR=ON", f"-DCROSSDEP_SANITIZE={kind}",
                       timeout=3000)
        box.check(done.status == 0, "the build failed")
        leaks = box.write("leaks", "leak:libtraceevent\n")   # it loses a few bytes of a format it cannot parse
        done = box.run(build / "bin" / "unit_tests", timeout=3000,
                       env={"TSAN_OPTIONS": "halt_on_error=1", "ASAN_OPTIONS": "detect_leaks=1",
                            "LSAN_OPTIONS": f"suppressions='{leaks}':print_suppressions=0"})
        box.check(done.status == 0, "the unit tests failed")
        # The runtime of this build is not instrumented: it must load into any program.
        before = box.run(build / "bin" / "crossdep", "run", "-o", "results", "--", build / "examples" / "hotplug-before")
        box.equal(before.status, 66, "status of hotplug-before")
    return body


@long_test
def analyzer_under_valgrind(box):
    valgrind = box.needs("valgrind")
    box.under(box.build / "examples" / "hotplug-before", options=["--record"])
    trace = next((box.folder / "results").glob("*.cdtrace"))
    done = box.run(valgrind, "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite", "-q",
                   box.crossdep, "check", trace, timeout=1200)
    box.equal(done.status, 1, "status")


@long_test
def unit_tests_marked_long(box):
    done = box.run(box.build / "bin" / "unit_tests", "[long]", timeout=3000)
    box.check(done.status == 0, "a long unit test failed")


@long_test
def comparison_with_other_tools(box):
    """What crossdep says of every scenario is right; the others' columns are for information."""
    done = box.run(SOURCE / "tests" / "compare-tools", "--build", box.build, timeout=3000)
    box.equal(done.status, 0, "status of tests/compare-tools")
    box.has(done.out, "| abba | lock-order-cycle possible | finds |")
    box.has(done.out, "| gate_lock | none | silent |")


def collect():
    for kind in ("address", "thread"):
        add(f"long_tests: {kind} sanitizer", sanitized(kind), long=True)
