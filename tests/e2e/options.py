# SPDX-License-Identifier: MIT
#
# CROSSDEP_OPTIONS: what each option does to a program under plain preload, and that it does not without it.
from harness import test
from supervision import ABBA_BODY, abba_program

AFTER = 'puts("after"); fflush(stdout); return 0;'


def preloaded(box, program, options, *arguments, **more):
    """Under the library alone. By its bare name: a path with a blank cannot be preloaded."""
    return box.run(program, *arguments, env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent),
                                             "CROSSDEP_OPTIONS": options}, **more)


@test
def halt_on_finding_ends_the_program_at_the_first(box):
    done = preloaded(box, abba_program(box, AFTER), "out=g.cdgraph:halt_on_finding=1")
    box.equal(done.status, 66, "status")
    box.equal(done.out, "", "what the program printed")
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.equal(len(box.findings("g.cdgraph")), 1, "findings in the graph")


@test
def without_halt_on_finding_the_program_goes_on(box):
    done = preloaded(box, abba_program(box, AFTER), "out=g.cdgraph:halt_on_finding=0")
    box.equal(done.status, 66, "status")
    box.equal(done.out, "after\n", "what the program printed")


@test
def halt_on_finding_heeds_the_policy_and_the_exit_code(box):
    program = abba_program(box, AFTER)
    done = preloaded(box, program, "out=g.cdgraph:halt_on_finding=1:fail_on=deadlock")
    box.equal((done.status, done.out), (0, "after\n"), "below the policy")
    done = preloaded(box, program, "out=h.cdgraph:halt_on_finding=1:exitcode=9")
    box.equal((done.status, done.out), (9, ""), "status of its own")


@test
def halt_on_finding_under_run(box):
    done = box.under(abba_program(box, AFTER), options=["--record", "--exitcode", "9"],
                     env={"CROSSDEP_OPTIONS": "halt_on_finding=1"})
    box.equal((done.status, done.out), (9, ""), "status and output")
    box.equal(len(box.findings()), 1, "findings in the graph")
    traces = list((box.folder / "results").glob("*.cdtrace"))
    box.equal(len(traces), 1, "traces")
    box.equal(box.run(box.crossdep, "check", traces[0]).status, 1, "status of check on the record")
