#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Runs all tests against a build tree: run.py --build DIR [--long] [WORD...]. The last line is "N passed, N failed"
# (", N skipped" if any were). Each module below registers its tests when it is imported.
import argparse
import os
import signal
import sys
import time

import harness


def main():
    parser = argparse.ArgumentParser(description="Runs the tests whose name contains one of the words, or all.")
    parser.add_argument("--build", required=True, help="the build tree")
    parser.add_argument("--long", action="store_true", help="the long ones too")
    parser.add_argument("--without-unit", action="store_true", help="all but the unit tests")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2))
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()

    # Programs under test get every signal, even where this runs in the background or without a terminal.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)

    build = os.path.abspath(options.build)
    import bad_input  # noqa: F401  damaged, foreign and contradicting input
    import commands  # noqa: F401  the command line
    import supervision  # noqa: F401  what `run` does with processes, signals, statuses
    import options as option_tests  # noqa: F401  what CROSSDEP_OPTIONS does
    import explain  # noqa: F401  other tools' reports, the kernel's own graph
    import examples  # noqa: F401  the example programs, the seven classes first of all
    import gate  # noqa: F401  the gate, its baseline, and the formats for other tools
    import suites  # noqa: F401  whole test suites: graphs of many processes, ctest, templates for CI
    import rules  # noqa: F401  rule files: live, on traces, on graphs
    import primitives  # noqa: F401  a program's own primitives, named by a rule file
    import installation  # noqa: F401  cmake --install, and the installed program
    import programs  # noqa: F401  real programs
    import sanitizers  # noqa: F401  programs built with sanitizers
    import real_code
    import sources  # the source analyzer on small programs
    import scenarios  # small programs that say what is to be found in them
    import unit  # the unit tests
    import loads  # noqa: F401  real programs under load, with their slow-down
    import fuzz
    import long_tests
    scenarios.collect()
    sources.collect()
    if not options.without_unit:
        unit.collect(build)
    long_tests.collect()
    fuzz.collect()

    began = time.monotonic()
    count, failed = harness.run_all(build, options.words, options.long, options.jobs)
    print(f"\n{time.monotonic() - began:.0f} seconds")
    for name in failed:
        print(f"FAILED {name}")
    line = f"{count['passed']} passed, {count['failed']} failed"
    if count["skipped"]:
        line += f", {count['skipped']} skipped"
    print(line)
    sys.exit(1 if count["failed"] or not count["passed"] else 0)


if __name__ == "__main__":
    main()
