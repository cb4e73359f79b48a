# SPDX-License-Identifier: MIT
#
# The command line: help, exit statuses, bad input, where output goes.
import json
import os

from harness import SOURCE, test

ABBA = """# crossdep-text 1
T1 acquire A site=a.c:1
T1 acquire B site=a.c:2
T1 release B
T1 release A
T2 acquire B site=b.c:1
T2 acquire A site=b.c:2
T2 release A
T2 release B
"""
ORDERED = """# crossdep-text 1
T1 acquire A
T1 acquire B
T1 release B
T1 release A
"""
COMMANDS = ["run", "check", "report", "merge", "gate", "accept", "explain", "scan", "coverage", "rules", "kernel-probes"]


def one_error(box, done, status=2, *parts):
    """One `crossdep: error:` line (a hint may follow), nothing on standard output."""
    box.equal(done.status, status, "status")
    box.equal(done.out, "", "standard output")
    lines = done.err.splitlines()
    errors = [line for line in lines if line.startswith("crossdep: error: ")]
    box.equal(len(errors), 1, "error lines")
    box.check(all(line.startswith(("crossdep: error: ", "crossdep: hint: ")) for line in lines), "other lines")
    for part in parts:
        box.has(errors[0], str(part))


@test
def help_on_every_command(box):
    top = box.run(box.crossdep, "--help")
    box.equal(top.status, 0, "status")
    for command in COMMANDS:
        box.has(top.out, f"  {command}")
        done = box.run(box.crossdep, command, "--help")
        box.equal(done.status, 0, f"status of {command} --help")
        box.has(done.out, "Usage: crossdep " + command)
        box.equal(done.err, "", "standard error")


@test
def version(box):
    done = box.run(box.crossdep, "--version")
    box.equal(done.status, 0, "status")
    box.check(done.out.startswith("crossdep "), "name and number")


@test
def no_command_is_a_usage_error(box):
    one_error(box, box.run(box.crossdep))


@test
def unknown_command_names_the_nearest(box):
    done = box.run(box.crossdep, "chekc")
    one_error(box, done, 2, "chekc")
    box.has(done.err, "did you mean 'crossdep check'?")


@test
def unknown_option_names_the_nearest(box):
    done = box.run(box.crossdep, "report", "--fromat", "json", "x")
    one_error(box, done, 2, "--fromat")
    box.has(done.err, "--format")


@test
def unknown_format_is_refused(box):
    box.write("t.cdt", ABBA)
    one_error(box, box.run(box.crossdep, "report", "--format", "yaml", "t.cdt"), 2, "yaml")


@test
def check_takes_the_input_format(box):
    box.write("t.cdt", ABBA)
    for word in ("auto", "text", "cdt"):
        done = box.run(box.crossdep, "check", "--format", word, "t.cdt")
        box.equal(done.status, 1, "status with " + word)
        box.has(done.out, "WARNING: possible circular")
    one_error(box, box.run(box.crossdep, "check", "--format", "yaml", "t.cdt"), 2, "yaml")
    done = box.run(box.crossdep, "check", "--format", "rapid-std", "t.cdt")
    one_error(box, done, 2, "t.cdt:")
    help_text = box.run(box.crossdep, "check", "--help").out
    for word in ("native", "text", "ftrace", "perf", "trace.dat", "lttng", "rapid-std", "rapid-bin"):
        box.has(help_text, word)


@test
def check_prints_in_the_form_asked_for(box):
    box.write("t.cdt", ABBA)
    box.run(box.crossdep, "check", "-o", "g.cdgraph", "t.cdt")
    box.has(box.run(box.crossdep, "check", "--print", "text", "t.cdt").out, "cycle: ")
    json.loads(box.run(box.crossdep, "check", "--print", "json", "t.cdt").out)
    box.has(box.run(box.crossdep, "check", "--print", "dot", "t.cdt").out, "digraph")
    # The words that --format once took.
    json.loads(box.run(box.crossdep, "check", "--format", "json", "t.cdt").out)
    box.has(box.run(box.crossdep, "check", "--format", "dot", "t.cdt").out, "digraph")
    box.has(box.run(box.crossdep, "check", "--format", "text", "g.cdgraph").out, "cycle: ")
    box.has(box.run(box.crossdep, "check", "--format", "splat", "t.cdt").out, "WARNING")
    one_error(box, box.run(box.crossdep, "check", "--print", "yaml", "t.cdt"), 2, "yaml")


@test
def kernel_probes(box):
    for arch in ("x86_64", "arm64"):
        done = box.run(box.crossdep, "kernel-probes", "--arch", arch)
        box.equal(done.status, 0, "status")
        box.has(done.out, "p:crossdep/lock_acquire_args lock_acquire map=$arg1:x64")
        box.equal(done.err, "", "standard error")
    box.has(box.run(box.crossdep, "kernel-probes", "--arch", "arm64", "--registers").out, "map=%x0:x64")
    one_error(box, box.run(box.crossdep, "kernel-probes", "--arch", "vax"), 2, "vax")


@test
def check_reads_kernel_and_lttng_recordings(box):
    data = SOURCE / "tests" / "data"
    for name in ("kernel/stock.perf-script", "kernel/stacks.ftrace", "kernel/xrelease.ftrace", "lttng/abba.txt"):
        done = box.run(box.crossdep, "check", str(data / name))
        box.equal(done.status, 0 if "stock" in name else 1, "status of " + name)
        piped = box.run(box.crossdep, "check", "-", stdin=(data / name).read_bytes())
        box.equal(piped.status, done.status, "status of " + name + " on standard input")
    for name in ("kernel/stacks.trace.dat.xz", "lttng/abba"):
        done = box.run(box.crossdep, "check", str(data / name))
        box.check(done.status == 1 or (done.status == 2 and ("trace-cmd report" in done.err or "babeltrace2" in done.err)), "answer to " + name)
    box.write("empty/none", "")
    one_error(box, box.run(box.crossdep, "check", "empty"), 2, "is a directory")


@test
def check_says_what_is_wrong_with_a_ctf_folder(box):
    box.write("ctf/metadata", "no metadata at all")
    one_error(box, box.run(box.crossdep, "check", "ctf"), 2, "babeltrace2")


@test
def recording_a_kernel_says_what_is_missing(box):
    script = SOURCE / "examples" / "kernel" / "record"
    box.equal(box.run(script, "--help").status, 0, "status of --help")
    done = box.run(script, "--nonsense")
    box.equal(done.status, 2, "status of an unknown option")
    box.has(done.err, "--nonsense")
    box.equal(box.run(script).status, 2, "status without a command")
    if os.geteuid() != 0:
        done = box.run(script, "--", "true")
        box.equal(done.status, 2, "status without root")
        box.has(done.err, "root")


@test
def unknown_verdict_is_refused(box):
    box.write("t.cdt", ABBA)
    one_error(box, box.run(box.crossdep, "check", "--fail-on", "maybe", "t.cdt"), 2, "maybe")


@test
def check_prints_findings_to_standard_output(box):
    done = box.run(box.crossdep, "check", box.write("t.cdt", ABBA))
    box.equal(done.status, 1, "status")
    box.has(done.out, "WARNING: possible circular locking dependency detected")
    box.has(done.out, "-> #1 (")
    box.lacks(done.err, "WARNING")


@test
def check_says_so_when_all_is_well(box):
    done = box.run(box.crossdep, "check", box.write("t.cdt", ORDERED))
    box.equal(done.status, 0, "status")
    box.lacks(done.out, "WARNING")


@test
def check_reads_standard_input(box):
    done = box.run(box.crossdep, "check", "-", stdin=ABBA.encode())
    box.equal(done.status, 1, "status")
    box.has(done.out, "WARNING")


@test
def check_writes_a_graph(box):
    box.run(box.crossdep, "check", "-o", "out.cdgraph", box.write("t.cdt", ABBA))
    found = box.findings("out.cdgraph")
    box.equal([f["check"] for f in found], ["lock-order-cycle"], "checks")
    box.equal(sorted(found[0]["classes"]), ["A", "B"], "classes")


@test
def check_writes_a_graph_to_standard_output(box):
    done = box.run(box.crossdep, "check", "-o", "-", box.write("t.cdt", ORDERED))
    box.equal(done.status, 0, "status")
    box.check(done.out.lstrip().startswith("{"), "the graph alone is on standard output")


@test
def fail_on_decides_what_fails(box):
    """One context did both: latent. The default lets it pass, lockdep's strictness does not."""
    one = ABBA.replace("T2", "T1")
    box.equal(box.run(box.crossdep, "check", box.write("t.cdt", one)).status, 0, "status at the default")
    strict = box.run(box.crossdep, "check", "--fail-on", "latent", "t.cdt")
    box.equal(strict.status, 1, "status at latent")
    box.has(strict.out, "WARNING")
    box.equal(box.run(box.crossdep, "check", "--fail-on", "feasible", box.write("u.cdt", ABBA)).status, 0,
              "status of a possible finding at feasible")


@test
def verbose_lists_what_does_not_fail(box):
    box.write("t.cdt", ABBA.replace("T2", "T1"))
    quiet = box.run(box.crossdep, "check", "t.cdt")
    loud = box.run(box.crossdep, "check", "--verbose", "t.cdt")
    box.equal(loud.status, 0, "status")
    box.has(quiet.out + quiet.err, "1 latent")
    box.lacks(quiet.out, "WARNING")
    box.has(loud.out, "WARNING")


@test
def nothing_recorded_is_not_success(box):
    done = box.run(box.crossdep, "check", box.write("t.cdt", "# crossdep-text 1\nT1 op start\n"))
    box.equal(done.status, 3, "status")
    box.has(done.err, "no lock event")


@test
def bad_line_is_named(box):
    done = box.run(box.crossdep, "check", box.write("t.cdt", ABBA + "T1 acquier A\n"))
    box.equal(done.status, 2, "status")
    box.has(done.err, "t.cdt:10: ")
    box.has(done.err, "acquier")
    box.has(done.out, "WARNING")   # what came before it is judged
    box.check(len([line for line in done.err.splitlines() if line.startswith("crossdep: error: ")]) == 1, "one error line")


@test
def missing_file(box):
    one_error(box, box.run(box.crossdep, "check", "nowhere.cdtrace"), 2, "nowhere.cdtrace")
    one_error(box, box.run(box.crossdep, "report", "nowhere.cdgraph"), 2, "nowhere.cdgraph")
    one_error(box, box.run(box.crossdep, "merge", "-o", "g.cdgraph", "nowhere.cdgraph"), 2, "nowhere.cdgraph")


@test
def empty_file(box):
    box.write("empty", "")
    one_error(box, box.run(box.crossdep, "check", "empty"), 2, "empty")
    one_error(box, box.run(box.crossdep, "report", "empty"), 2, "empty")


@test
def folder_instead_of_a_file(box):
    one_error(box, box.run(box.crossdep, "check", "."), 2, ".", "directory")


@test
def unreadable_file(box):
    path = box.write("secret.cdt", ABBA)
    path.chmod(0)
    if os.access(path, os.R_OK):
        # root reads everything; another user has to look
        box.needs("setpriv")
        box.folder.chmod(0o755)
        done = box.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", box.crossdep, "check", path)
        if "setpriv" in done.err or done.status in (126, 127):
            box.skip("cannot become another user here")
    else:
        done = box.run(box.crossdep, "check", path)
    one_error(box, done, 2, "secret.cdt", "ermission denied")


@test
def not_a_trace(box):
    box.write("noise", bytes(range(256)) * 40)
    one_error(box, box.run(box.crossdep, "check", "noise"), 2, "noise")
    box.write("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(200))
    one_error(box, box.run(box.crossdep, "check", "picture.png"), 2, "picture.png")
    box.write("other.json", '{"some": "thing"}')
    one_error(box, box.run(box.crossdep, "report", "other.json"), 2, "other.json")


@test
def newer_graph_is_refused(box):
    box.run(box.crossdep, "check", "-o", "g.cdgraph", box.write("t.cdt", ABBA))
    graph = box.graph("g.cdgraph")
    graph["schema"] = 999
    box.write("newer.cdgraph", json.dumps(graph))
    one_error(box, box.run(box.crossdep, "report", "newer.cdgraph"), 2, "newer.cdgraph", "999")


@test
def output_that_cannot_be_written(box):
    box.write("t.cdt", ABBA)
    done = box.run(box.crossdep, "check", "-o", "no/such/folder/g.cdgraph", "t.cdt")
    box.equal(done.status, 2, "status")
    box.has(done.err, "no/such/folder/g.cdgraph")


@test
def full_disk_is_an_error(box):
    if not os.path.exists("/dev/full"):
        box.skip("no /dev/full")
    box.run(box.crossdep, "check", "-o", "g.cdgraph", box.write("t.cdt", ABBA))
    for words in ("report --format json g.cdgraph", "rules", "rules lock-order-cycle", "rules --learn g.cdgraph"):
        done = box.run("sh", "-c", f'"{box.crossdep}" {words} >/dev/full')
        box.equal(done.status, 2, f"status of {words}")
        box.has(done.err, "crossdep: error: standard output: No space left on device")


@test
def report_formats(box):
    box.run(box.crossdep, "check", "-o", "g.cdgraph", box.write("t.cdt", ABBA))
    for name, part in (("text", "possible"), ("json", '"findings"'), ("dot", "digraph")):
        done = box.run(box.crossdep, "report", "--format", name, "g.cdgraph")
        box.equal(done.status, 1, f"status of {name}")
        box.has(done.out, part)
        filed = box.run(box.crossdep, "report", "--format", name, "-o", f"report.{name}", "g.cdgraph")
        box.equal(filed.out, "", "standard output with -o")
        box.equal((box.folder / f"report.{name}").read_text(), done.out, f"{name} in a file")


@test
def report_turns_a_trace_into_text(box):
    box.write("t.cdt", ABBA)
    first = box.run(box.crossdep, "report", "--format", "cdt", "t.cdt")
    box.equal(first.status, 0, "status")
    box.write("again.cdt", first.out)
    box.equal(box.run(box.crossdep, "check", "again.cdt").status, 1, "status of check on it")
    second = box.run(box.crossdep, "report", "--format", "cdt", "again.cdt")
    box.equal(second.out, first.out, "text of the text")


@test
def report_accepts_a_trace_and_a_graph_on_standard_input(box):
    box.run(box.crossdep, "check", "-o", "g.cdgraph", box.write("t.cdt", ABBA))
    graph = (box.folder / "g.cdgraph").read_bytes()
    box.equal(box.run(box.crossdep, "report", "-", stdin=graph).status, 1, "status")
    box.equal(box.run(box.crossdep, "report", "t.cdt").status, 1, "status of a trace")


@test
def merge_is_a_union(box):
    """Half the cycle in each file: neither accuses, together they do; in any order; twice is once."""
    lines = ABBA.splitlines(keepends=True)
    box.write("one.cdt", "".join(lines[:5]))
    box.write("two.cdt", "".join(lines[:1] + lines[5:]))
    for name in ("one", "two"):
        box.equal(box.run(box.crossdep, "check", "-o", f"{name}.cdgraph", f"{name}.cdt").status, 0, name)
    box.equal(box.run(box.crossdep, "merge", "-o", "ab.cdgraph", "one.cdgraph", "two.cdgraph").status, 0, "merge")
    box.run(box.crossdep, "merge", "-o", "ba.cdgraph", "two.cdgraph", "one.cdgraph")
    box.run(box.crossdep, "merge", "-o", "abab.cdgraph", "ab.cdgraph", "ba.cdgraph", "one.cdgraph")
    texts = [(box.folder / f"{name}.cdgraph").read_text() for name in ("ab", "ba", "abab")]
    box.equal(texts[1], texts[0], "the other order")
    box.equal(texts[2], texts[0], "merged with itself")
    box.equal(len(box.findings("ab.cdgraph")), 1, "findings of the union")
    box.equal(box.run(box.crossdep, "report", "ab.cdgraph").status, 1, "status of report")


@test
def check_of_several_traces_judges_their_union(box):
    lines = ABBA.splitlines(keepends=True)
    box.write("one.cdt", "".join(lines[:5]))
    box.write("two.cdt", "".join(lines[:1] + lines[5:]))
    done = box.run(box.crossdep, "check", "one.cdt", "two.cdt")
    box.equal(done.status, 1, "status")
    box.has(done.out, "WARNING")


@test
def cases_are_independent(box):
    lines = ABBA.splitlines(keepends=True)
    text = "".join(lines[:1]) + "%case first\n" + "".join(lines[1:5]) + "%case second\n" + "".join(lines[5:])
    box.equal(box.run(box.crossdep, "check", box.write("t.cdt", text)).status, 0, "status of halves")
    whole = "".join(lines[:1]) + "%case first\n" + "".join(lines[1:5]) + "%case both\n" + "".join(lines[1:])
    done = box.run(box.crossdep, "check", box.write("u.cdt", whole))
    box.equal(done.status, 1, "status of a whole")
    box.has(done.out, "both")


@test
def kernel_trace_of_a_completion_deadlock(box):
    """A module's trace in the layout of the kernel's ftrace, completion probes included."""
    trace = SOURCE / "tests" / "data" / "kernel" / "xrelease.ftrace"
    if not trace.exists():
        box.skip("the recording is not in this tree")
    done = box.run(box.crossdep, "check", "-o", "g.cdgraph", trace)
    box.equal(done.status, 1, "status")
    found = box.findings("g.cdgraph")
    box.equal([f["check"] for f in found], ["cross-release-cycle"], "checks")
    box.has(done.out, "lock_alpha")   # the completion has an address only: the recording does not name it
    box.has(done.out, "(completion)0xffffffffa0006e00")


@test
def no_colour_codes_in_a_pipe(box):
    done = box.run(box.crossdep, "check", box.write("t.cdt", ABBA))
    box.lacks(done.out + done.err, "\x1b[")


@test
def compressed_traces_are_read_as_they_are(box):
    import bz2, gzip, lzma
    plain = box.run(box.crossdep, "check", box.write("a.cdt", ABBA))
    packed = {"a.cdt.gz": gzip.compress(ABBA.encode()), "a.cdt.xz": lzma.compress(ABBA.encode())}
    for name, content in packed.items():
        box.write(name, content)
        done = box.run(box.crossdep, "check", name)
        box.equal(done.status, 1, f"status of {name}")
        box.equal(done.out, plain.out, f"what is said of {name}")
        piped = box.run(box.crossdep, "check", "-", stdin=content)
        box.equal(piped.out, plain.out, f"what is said of {name} from standard input")
    one_error(box, box.run(box.crossdep, "check", box.write("a.cdt.bz2", bz2.compress(ABBA.encode()))), 2, "binary data")
    one_error(box, box.run(box.crossdep, "check", box.write("twice.xz", lzma.compress(packed["a.cdt.gz"]))), 2, "more than once")


@test
def a_compressed_recording_is_read_too(box):
    import lzma
    program = box.compile("tests/scenarios/abba.c")
    box.under(program, options=["--record"])
    trace = next((box.folder / "results").glob("*.cdtrace"))
    plain = box.run(box.crossdep, "check", trace)
    done = box.run(box.crossdep, "check", box.write("trace.xz", lzma.compress(trace.read_bytes())))
    box.equal(done.status, 1, "status")
    box.equal(done.out, plain.out, "what is said")


@test
def a_compressed_trace_that_is_cut_is_judged_up_to_there(box):
    import lzma
    filler = "".join(f"T9 acquire L{i}\nT9 release L{i}\n" for i in range(60000))
    content = lzma.compress((ABBA + filler).encode())
    done = box.run(box.crossdep, "check", box.write("cut.xz", content[:len(content) * 3 // 4]))
    box.equal(done.status, 2, "status")
    box.has(done.out, "possible circular locking dependency")
    box.has(done.err, "cut.xz: the compressed data is damaged or cut, says xz (the result is partial")
    box.check(box.run(box.crossdep, "check", box.write("head.xz", content[:20])).status == 2, "a header alone")


@test
def a_missing_program_to_unpack_is_named(box):
    import lzma
    box.write("a.xz", lzma.compress(ABBA.encode()))
    one_error(box, box.run(box.crossdep, "check", "a.xz", env={"PATH": "/nonexistent"}), 2, "xz that unpacks it cannot be run")


@test
def rules_lists_and_explains_the_checks(box):
    listed = box.run(box.crossdep, "rules")
    box.equal(listed.status, 0, "status")
    for line in listed.out.splitlines():
        check = line.split()[0]
        one = box.run(box.crossdep, "rules", check)
        box.equal(one.status, 0, f"status of {check}")
        command = "explain" if "(crossdep explain FILE):" in one.out else "check"
        example = one.out.split(" FILE):\n\n")[-1]
        rules = one.out.split("(--rules FILE):\n\n")[1].split("\n\n")[0] if "(--rules FILE)" in one.out else "{}"
        more = ["--rules", box.write("example.json", rules)] if command == "check" else []
        found = box.run(box.crossdep, command, "--format", "splat", "--fail-on", "latent", *more, box.write("example", example))
        box.has(found.out, f"({check})")
    wrong = box.run(box.crossdep, "rules", "lock-order-cycel")
    one_error(box, wrong, 2, "unknown check 'lock-order-cycel'")
    box.has(wrong.err, "did you mean 'lock-order-cycle'?")
