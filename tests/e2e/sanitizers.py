# SPDX-License-Identifier: MIT
#
# Programs that were built with a sanitizer: they run, their sanitizer works, and so do we.

from harness import test

OVERFLOW = """#include <stdlib.h>
int main(void) { volatile char* p = malloc(4); p[4] = 1; free((void*)p); return 0; }
"""


def program(box, kind, compiler="gcc", source="examples/abba/abba.c", text=None, name="program"):
    test_program = box.write("empty.c", "int main(void) { return 0; }\n")
    probe = box.run(compiler, f"-fsanitize={kind}", test_program, "-o", "probe")
    if probe.status != 0 or box.run("./probe").status != 0:
        box.skip(f"{compiler} -fsanitize={kind} does not work here")
    return box.compile(source, name=name, flags=[f"-fsanitize={kind}"], compiler=compiler, text=text)


def finds_the_cycle(box, done):
    box.equal(done.status, 66, "status")
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.lacks(done.err, "runtime does not come first")
    box.equal([f["check"] for f in box.findings()], ["lock-order-cycle"], "checks")


@test
def gcc_address(box):
    finds_the_cycle(box, box.under(program(box, "address")))


@test
def gcc_address_still_works(box):
    done = box.under(program(box, "address", source="overflow.c", text=OVERFLOW))
    box.equal(done.status, 1, "status")
    box.has(done.err, "heap-buffer-overflow")


@test
def gcc_address_as_a_child_of_a_shell(box):
    path = program(box, "address")
    finds_the_cycle(box, box.under("sh", "-c", f'"{path}"; exit'))


@test
def gcc_undefined(box):
    finds_the_cycle(box, box.under(program(box, "undefined")))


@test
def gcc_thread(box):
    done = box.under(program(box, "thread"))
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.check(done.status == 66, "status")   # TSan itself says 66 too for its lock-order-inversion
    box.check(len(box.findings()) == 1, "one finding")


@test
def clang_address(box):
    box.needs("clang")
    finds_the_cycle(box, box.under(program(box, "address", compiler="clang")))


@test
def clang_thread(box):
    box.needs("clang")
    done = box.under(program(box, "thread", compiler="clang"))
    box.has(done.err, "WARNING: possible circular locking dependency detected")
