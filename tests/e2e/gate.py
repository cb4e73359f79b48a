# SPDX-License-Identifier: MIT
#
# The gate: the story of examples/ci/project from the first baseline on, and each thing a baseline can say or get wrong.
import json
import shutil
import xml.etree.ElementTree

from commands import ABBA, ORDERED, one_error
from harness import SOURCE, test

DAY = {"SOURCE_DATE_EPOCH": "1764200000"}   # 2025-11-26


def graph(box, name, text):
    box.write(name + ".cdt", text)
    box.run(box.crossdep, "check", "-o", name + ".cdgraph", name + ".cdt")
    return name + ".cdgraph"


def renamed(text, **names):
    for old, new in names.items():
        text = text.replace(f" {old} ", f" {new} ").replace(f" {old}\n", f" {new}\n")
    return text


def gate(box, *arguments, baseline="base.json", env=None):
    return box.run(box.crossdep, "gate", "--baseline", baseline, *arguments, env={**DAY, **(env or {})})


def init(box, *graphs):
    done = gate(box, "--init", *graphs)
    box.equal(done.status, 0, "status of --init")


def accept(box, *arguments, status=0):
    done = box.run(box.crossdep, "accept", "--baseline", "base.json", *arguments, env=DAY)
    box.equal(done.status, status, "status of accept")
    return done


def only_id(box, path):
    return box.findings(path)[0]["id"]


@test
def gate_story_of_the_example_project(box):
    """init, green, new inversion, red with the right line, accept, green, fixed, stale."""
    box.needs("cmake")
    prefix = box.folder / "prefix"
    box.equal(box.run("cmake", "--install", box.build, "--prefix", prefix).status, 0, "install")
    project = box.folder / "project"
    shutil.copytree(SOURCE / "examples" / "ci" / "project", project)
    (project / "lock-order.json").unlink(missing_ok=True)
    program = prefix / "bin" / "crossdep"

    def build(*options):
        done = box.run("cmake", "-S", project, "-B", "out", f"-DCMAKE_PREFIX_PATH={prefix}", *options)
        box.equal(done.status, 0, "configure")
        box.equal(box.run("cmake", "--build", "out").status, 0, "build")

    def ctest():
        return box.run("ctest", "--test-dir", "out", "--output-on-failure", "-R", ".")

    def last():
        return (box.folder / "out" / "Testing" / "Temporary" / "LastTest.log").read_text()

    build()
    box.equal(box.run("cmake", "--build", "out", "--target", "lock-order-init").status, 0, "init")
    baseline = json.loads((project / "lock-order.json").read_text())
    box.equal(baseline["findings"], [], "findings accepted at first")
    box.check({"from": "accounts_lock", "to": "journal_lock"} in baseline["dependencies"], "a dependency is missing")
    box.equal(ctest().status, 0, "ctest, nothing new")

    build("-DNEW_REPORT=ON")
    done = ctest()
    box.check(done.status != 0, "ctest passes with an inversion")
    box.has(done.out, "lock-order (Failed)")
    box.lacks(done.out, "report (Failed)")
    text = last()
    box.has(text, "new: cd-")
    line = next(n for n, line in enumerate((project / "bank.c").read_text().splitlines(), 1)
                if line.startswith("long bank_balance")) + 2
    box.has(text, f"the new dependency: journal_lock -> accounts_lock at bank.c:{line} (bank_balance)")
    sarif = json.loads((box.folder / "out" / "lock-order.sarif").read_text())
    where = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    box.equal((where["artifactLocation"]["uri"], where["region"]["startLine"]), ("bank.c", line), "primary location")
    # Two: the pair itself, and the way back over rates_lock. Both are blamed on the same line.
    commands = [line.split("to accept it: ")[1] for line in text.splitlines() if "to accept it: " in line]
    box.equal((len(commands), text.count("the new dependency: journal_lock -> accounts_lock")), (2, 2), "findings")
    for command in commands:
        command = command.replace("crossdep accept", f"'{program}' accept").replace("WHY", "until the report is rewritten")
        box.equal(box.run("sh", "-c", command).status, 0, "the printed command")
    box.equal(ctest().status, 0, "ctest, accepted")
    box.has(last(), "gate: passed: 0 new, 2 known")

    build("-DNEW_REPORT=OFF")
    box.equal(ctest().status, 0, "ctest, fixed")
    box.has(last(), "fixed: cd-")
    box.has(last(), "gate: passed: 0 new, 0 known, 2 fixed, 0 stale")

    source = project / "bank.c"
    source.write_text(source.read_text().replace("journal_lock", "diary_lock"))
    build()
    box.equal(ctest().status, 0, "ctest, renamed")
    box.has(last(), "stale: cd-")
    box.has(last(), "journal_lock was not seen")


@test
def gate_init_accepts_what_there_is(box):
    path = graph(box, "g", ABBA)
    init(box, path)
    text = (box.folder / "base.json").read_text()
    entry = json.loads(text)["findings"][0]
    box.equal((entry["id"], entry["date"], entry["check"]), (only_id(box, path), "2025-11-26", "lock-order-cycle"), "entry")
    done = gate(box, path)
    box.equal((done.status, done.err), (0, ""), "status")
    box.equal(done.out, "gate: passed: 0 new, 1 known, 0 fixed, 0 stale\n", "text")
    one_error(box, gate(box, "--init", path), 2, "base.json", "there already")
    box.equal((box.folder / "base.json").read_text(), text, "the file")


@test
def gate_fails_on_what_is_new_only(box):
    init(box, graph(box, "old", ORDERED))
    new = graph(box, "new", ABBA)
    done = gate(box, new, "--sarif", "out.sarif")
    box.equal(done.status, 1, "status")
    box.has(done.out, "the new dependency: B -> A at b.c:2")
    box.has(done.out, f"crossdep accept --baseline base.json --reason 'WHY' --graph {new} {only_id(box, new)}")
    box.check(len(done.out.splitlines()) <= 13, "more than a screen's part")
    result = json.loads((box.folder / "out.sarif").read_text())["runs"][0]["results"][0]
    box.equal((result["baselineState"], result["level"]), ("new", "error"), "SARIF")
    box.equal(gate(box, "old.cdgraph").status, 0, "status of the old graph")
    box.equal(gate(box, new, "--fail-on", "feasible").status, 0, "status under a laxer policy")


@test
def gate_blames_the_dependency_that_is_new_whichever_closed_the_cycle(box):
    """The inversion that was there first is not to blame, though its request completes the cycle in this trace."""
    first, second = ABBA.split("T2 ", 1)
    reverse = "# crossdep-text 1\nT2 " + second
    init(box, graph(box, "old", reverse))
    done = gate(box, graph(box, "new", ABBA))
    box.equal(done.status, 1, "status")
    box.has(done.out, "the new dependency: A -> B at a.c:2")


@test
def gate_accept_expires(box):
    init(box, graph(box, "old", ORDERED))
    new = graph(box, "new", ABBA)
    number = only_id(box, new)
    accept(box, "--reason", "we know", "--owner", "anna", "--until", "2025-11-26", "--graph", new, number)
    done = gate(box, "-v", new)
    box.equal(done.status, 0, "status on the last day")
    box.has(done.out, "accepted: we know (anna), until 2025-11-26")
    done = gate(box, new, env={"SOURCE_DATE_EPOCH": "1764300000"})
    box.equal(done.status, 1, "status the day after next")
    box.has(done.out, f"expired: {number}")


@test
def gate_fixed_and_stale(box):
    init(box, graph(box, "g", ABBA))
    number = only_id(box, "g.cdgraph")
    done = gate(box, graph(box, "mended", ORDERED))
    box.equal(done.status, 0, "status")
    box.has(done.out, f"fixed: {number} ")
    done = gate(box, graph(box, "other", renamed(ORDERED, A="C")))
    box.has(done.out, f"stale: {number} ")
    box.has(done.out, "A was not seen")
    box.equal(gate(box, "--fail-on-stale", "other.cdgraph").status, 1, "status of --fail-on-stale")
    accept(box, "--remove", number)
    box.equal(gate(box, "mended.cdgraph").out, "gate: passed: 0 new, 0 known, 0 fixed, 0 stale\n", "text")
    one_error(box, accept(box, "--remove", number, status=2), 2, number)


@test
def gate_patterns_and_suppression_files(box):
    init(box, graph(box, "old", renamed(ORDERED, A="x_lock", B="y_lock")))
    new = graph(box, "new", renamed(ABBA, A="x_lock", B="y_lock"))
    box.write("tsan.txt", "# for ThreadSanitizer\nrace:foo\ndeadlock:x_lo*k\nmutex:nobody\n")
    done = gate(box, "--suppressions", "tsan.txt", new)
    box.equal(done.status, 0, "status")
    box.has(done.out, "stale: tsan.txt:4: 'mutex:nobody' matches nothing")
    box.lacks(done.out, "tsan.txt:3")
    accept(box, "--reason", "a test", "deadlock:y_lock")
    box.equal(gate(box, new).status, 0, "status by a pattern of the baseline")
    accept(box, "--reason", "a test", "deadlock:*")
    box.has(gate(box, new).out, "too broad: 'deadlock:*'")


@test
def gate_suppressions_name_files_as_in_thread_sanitizer(box):
    init(box, graph(box, "old", ORDERED))
    new = graph(box, "new", ABBA)
    box.write("tsan.txt", "deadlock:b.c$\n")
    done = gate(box, "--suppressions", "tsan.txt", new)
    box.equal((done.status, done.out), (0, "gate: passed: 0 new, 1 known, 0 fixed, 0 stale\n"), "status and text")
    # One whole name, however short, is no broad pattern; a single letter anywhere is.
    box.write("tsan.txt", "deadlock:^B$\n")
    box.equal(gate(box, "--suppressions", "tsan.txt", new).out, "gate: passed: 0 new, 1 known, 0 fixed, 0 stale\n", "text")
    box.write("tsan.txt", "deadlock:B\n")
    box.has(gate(box, "--suppressions", "tsan.txt", new).out, "too broad: tsan.txt:1: 'deadlock:B'")


@test
def accepting_again_keeps_what_the_entry_is_about(box):
    """By its id alone: reason and date are new, check and classes stay, and the gate still tells fixed from stale."""
    path = graph(box, "g", ABBA)
    init(box, path)
    number = only_id(box, path)
    box.equal(accept(box, "--reason", "second thoughts", number).err, "", "advice")
    entry = json.loads((box.folder / "base.json").read_text())["findings"][0]
    box.equal((entry["reason"], entry["check"], entry["classes"]), ("second thoughts", "lock-order-cycle", ["A", "B"]), "entry")
    box.has(gate(box, graph(box, "mended", ORDERED)).out, f"fixed: {number} A -> B -> A")
    before = (box.folder / "base.json").read_text()
    one_error(box, accept(box, "--reason", "x", "--until", "2025-11-25", number, status=2), 2, "2025-11-25", "over already")
    box.equal((box.folder / "base.json").read_text(), before, "the file")


@test
def gate_new_dependencies(box):
    init(box, graph(box, "old", ORDERED))
    new = graph(box, "new", ORDERED.replace("T1 acquire B", "T1 acquire B\nT1 acquire C site=c.c:7\nT1 release C"))
    box.equal(gate(box, new).out, "gate: passed: 0 new, 0 known, 0 fixed, 0 stale\n", "ignored")
    done = gate(box, "--new-dependencies", "warn", new)
    box.equal(done.status, 0, "status of warn")
    box.has(done.out, "warning: new dependency: B -> C at c.c:7")
    done = gate(box, "--new-dependencies", "fail", "--junit", "j.xml", new)
    box.equal(done.status, 1, "status of fail")
    failures = xml.etree.ElementTree.parse(box.folder / "j.xml").getroot().get("failures")
    box.equal(failures, "2", "failures in the JUnit report")
    accept(box, "--reason", "reviewed", "--graph", new, "B -> C")
    done = gate(box, "--new-dependencies", "fail", new)
    box.lacks(done.out, "B -> C")
    accept(box, "--reason", "reviewed", "--graph", new, "--dependencies")
    box.equal(gate(box, "--new-dependencies", "fail", new).status, 0, "status when all are accepted")
    one_error(box, accept(box, "--reason", "x", "--graph", new, "B -> D", status=2), 2, "B -> D")


@test
def gate_bad_baselines(box):
    path = graph(box, "g", ABBA)
    init(box, path)
    good = (box.folder / "base.json").read_text()
    one_error(box, gate(box, path, baseline="none.json"), 2, "none.json")
    for text, parts in [
            ("", ["base.json:1:", "empty"]),
            (good[:len(good) // 2], ["base.json:", "not JSON"]),
            ("\x00\x7fELF\x02", ["base.json:1:", "not JSON"]),
            ("[]", ["base.json:1:", "not an object"]),
            (good.replace('"reason"', '"reasn"'), ["base.json:10:", 'unknown key "reasn"', 'did you mean "reason"?']),
            (good.replace('"schema": 1', '"schema": 2'), ["base.json:3:", "newer"]),
            (good.replace('"date": "2025-11-26"', '"date": "2025-02-30"'), ["base.json:11:", "not a date"]),
            (good.replace('"lock-order-cycle"', '"lock-ordr-cycle"'), ["base.json:7:", 'did you mean "lock-order-cycle"?']),
            (good.replace('"id": "cd-', '"id": "xy-'), ["base.json:6:", "no finding's id"]),
            (path and (box.folder / path).read_text(), ["base.json:", "unknown key"])]:
        box.write("base.json", text)
        one_error(box, gate(box, path), 2, *parts)
        one_error(box, accept(box, "--reason", "x", "cd-0123456789ab", status=2), 2, *parts)
        box.equal((box.folder / "base.json").read_text(), text, "the broken file")


@test
def accept_is_all_or_nothing(box):
    path = graph(box, "g", ABBA)
    init(box, graph(box, "old", ORDERED))
    before = (box.folder / "base.json").read_text()
    number = only_id(box, path)
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    done = accept(box, "--reason", "x", "--graph", path, number, wrong, status=2)
    one_error(box, done, 2, wrong)
    box.has(done.err, f"did you mean {number}?")
    one_error(box, accept(box, "--graph", path, number, status=2), 2, "--reason")
    one_error(box, accept(box, "--reason", "x", "--until", "tomorrow", number, status=2), 2, "tomorrow")
    one_error(box, accept(box, "--reason", "x", "nonsense", status=2), 2, "nonsense")
    box.equal((box.folder / "base.json").read_text(), before, "the file")
    box.equal([p.name for p in box.folder.glob("*.tmp.*")], [], "files left over")


@test
def gate_nothing_recorded_and_partial_input(box):
    init(box, graph(box, "old", ORDERED))
    empty = graph(box, "empty", "# crossdep-text 1\nT1 fork T2\nT2 end\n")
    box.equal(gate(box, empty).status, 3, "status of an empty graph")
    (box.folder / "folder").mkdir()
    box.equal(gate(box, "folder").status, 3, "status of an empty folder")
    box.write("cut.cdgraph", (box.folder / "old.cdgraph").read_text()[:200])
    done = gate(box, "old.cdgraph", "cut.cdgraph")
    box.equal(done.status, 2, "status of a graph that is cut")
    box.has(done.err, "cut.cdgraph")
    # What is missing might hold anything: no pass.
    box.has(done.out, "gate: incomplete: 0 new")
    # Nor is it known of what is gone.
    accept(box, "--reason", "x", "cd-0123456789ab")
    done = gate(box, "old.cdgraph", "cut.cdgraph")
    box.has(done.out, "it may be in what is missing")
    box.lacks(done.out, "--remove")
    box.has(gate(box, "old.cdgraph").out, "--remove cd-0123456789ab")
    newer = json.loads((box.folder / "old.cdgraph").read_text())
    newer["schema"] = 99
    box.write("newer.cdgraph", json.dumps(newer))
    one_error(box, gate(box, "newer.cdgraph"), 2, "newer.cdgraph", "99")


@test
def gate_judges_by_rules(box):
    """What rules find is new, can be accepted, and is fixed when it is gone, like every other finding."""
    box.write("order.json", '{ "order": [["^B$", "^A$"]] }')
    path = graph(box, "g", ORDERED)
    init(box, path)
    box.equal(gate(box, path).status, 0, "status without rules")
    done = gate(box, "--rules", "order.json", "--sarif", "out.sarif", path)
    box.equal(done.status, 1, "status with rules")
    box.has(done.out, "confirmed declared-order: ")
    box.has(done.out, "(order.json:1)")
    box.has((box.folder / "out.sarif").read_text(), '"declared-order"')
    command = next(line for line in done.out.splitlines() if "to accept it: " in line).split("to accept it: ")[1]
    box.has(command, "--rules order.json")
    box.equal(box.run("sh", "-c", command.replace("crossdep accept", f"'{box.crossdep}' accept"), env=DAY).status, 0, "the printed command")
    done = gate(box, "--rules", "order.json", path)
    box.equal((done.status, done.out), (0, "gate: passed: 0 new, 1 known, 0 fixed, 0 stale\n"), "status when accepted")
    box.has(gate(box, path).out, "0 new, 0 known, 1 fixed")
    (box.folder / "base.json").unlink()
    init(box, "--rules", "order.json", path)
    box.equal(gate(box, "--rules", "order.json", path).status, 0, "status of a baseline made with the rules")
    box.write("typo.json", '{ "ordr": [] }')
    one_error(box, gate(box, "--rules", "typo.json", path), 2, 'typo.json:1:3: unknown key "ordr"; did you mean "order"?')
    done = gate(box, "--rules", "posx", path)
    one_error(box, done, 2, "posx: no such rule file")
    box.has(done.err, "did you mean 'posix'?")


@test
def gate_tells_rules_that_do_nothing(box):
    path = graph(box, "g", ORDERED)
    init(box, path)
    box.write("r.json", '{ "order": [["^A$", "^B$"]],\n  "leaf": ["log_lcok"] }')
    done = gate(box, "--rules", "r.json", "--markdown", "out.md", path)
    box.equal((done.status, done.out), (0, "warning: rules: r.json:2: 'log_lcok' fits no lock class\ngate: passed: 0 new, 0 known, 0 fixed, 0 stale\n"), "status and text")
    box.has((box.folder / "out.md").read_text(), "r.json:2: ")
    box.write("r.json", '{ "order": [["^A$", "^B$"]] }')
    box.equal(gate(box, "--rules", "r.json", path).out, "gate: passed: 0 new, 0 known, 0 fixed, 0 stale\n", "text without idle rules")
    box.write("back.json", '{ "order": [["^B$", "^A$"]] }')
    box.has(gate(box, "--rules", "r.json", "--rules", "back.json", path).out,
            "warning: rules: orders contradict each other: A before B (r.json:1), B before A (back.json:1)")


@test
def graphs_that_contradict_each_other(box):
    first = graph(box, "first", ORDERED)
    second = graph(box, "second", ORDERED)
    other = json.loads((box.folder / second).read_text())
    other["classes"][0]["kind"] = "rwlock"
    other["runs"][0]["id"] = "0123456789abcdef"
    box.write("second.cdgraph", json.dumps(other))
    init(box, first)
    for command in (["merge", "-o", "out.cdgraph"], ["gate", "--baseline", "base.json"]):
        for order in ([first, second], [second, first]):
            one_error(box, box.run(box.crossdep, *command, *order), 2, 'class "A"', "rwlock", "contradict")
    box.check(not (box.folder / "out.cdgraph").exists(), "something was written")
    box.equal(box.run(box.crossdep, "merge", "-o", "out.cdgraph", second, second).status, 0, "a graph with itself")


@test
def files_are_replaced_whole_or_not_at_all(box):
    """A disk that is full (here: a limit of 512 bytes a file) leaves what was there, and no rest beside it."""
    path = graph(box, "g", ABBA)
    init(box, graph(box, "old", ORDERED))
    limited = lambda *words: box.run("sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@" >/dev/null', "sh", box.crossdep, *words, env=DAY)
    wide = graph(box, "wide", "".join(f"T1 acquire a_lock{i} site=a.c:{i}\n" for i in range(60)))
    for words in (["report", "--format", "sarif", "-o", "kept", path], ["rules", "--learn", wide, "-o", "kept"], ["merge", "-o", "kept", path],
                  ["gate", "--baseline", "base.json", "--sarif", "kept", path], ["gate", "--baseline", "kept.json", "--init", wide],
                  ["accept", "--baseline", "base.json", "--reason", "x", "--graph", wide, "--dependencies"]):
        box.write("kept", "as it was\n")
        before = (box.folder / "base.json").read_text()
        done = limited(*words)
        box.equal(done.status, 2, f"status of {words[0]}")
        box.has(done.err, "cannot write: File too large")
        box.equal((box.folder / "kept").read_text(), "as it was\n", f"the file of {words[0]}")
        box.equal((box.folder / "base.json").read_text(), before, "the baseline")
        box.check(not (box.folder / "kept.json").exists(), "half a baseline")
        box.equal([p.name for p in box.folder.glob("*.tmp.*")], [], "files left over")


@test
def links_modes_and_open_files_stay(box):
    """What a link leads to is replaced, with the rights it had; what is open already is written to."""
    path = graph(box, "g", ABBA)
    init(box, graph(box, "old", ORDERED))
    (box.folder / "base.json").rename(box.folder / "real.json")
    (box.folder / "real.json").chmod(0o640)
    (box.folder / "base.json").symlink_to("real.json")
    accept(box, "--reason", "x", "--graph", path, only_id(box, path))
    box.check((box.folder / "base.json").is_symlink(), "the link is gone")
    box.has((box.folder / "real.json").read_text(), only_id(box, path))
    box.equal((box.folder / "real.json").stat().st_mode & 0o777, 0o640, "rights")
    box.run("sh", "-c", f'"{box.crossdep}" report --format gcc -o /dev/fd/3 {path} 3>both; echo after >>both')
    text = (box.folder / "both").read_text()
    box.check(" error: " in text and text.endswith("after\n"), f"the open file: {text}")


@test
def markdown_fits_a_summary_page(box):
    """GitHub refuses a summary of more than a mebibyte."""
    lines = ["# crossdep-text 1"]
    for i in range(5000):
        for thread, first, second in (("T1", f"a{i}", f"b{i}"), ("T2", f"b{i}", f"a{i}")):
            lines += [f"{thread} acquire {first} site=dir/a.c:{i}", f"{thread} acquire {second} site=dir/b.c:{i}",
                      f"{thread} release {second}", f"{thread} release {first}"]
    path = graph(box, "g", "\n".join(lines) + "\n")
    init(box, graph(box, "old", ORDERED))
    done = gate(box, "--new-dependencies", "fail", "--markdown", "out.md", path)
    box.equal(done.status, 1, "status")
    text = (box.folder / "out.md").read_text()
    box.check(500000 < len(text.encode()) <= 1 << 20, f"{len(text.encode())} bytes")
    rows = sum(line.startswith("| **new** |") for line in text.splitlines())
    box.check(rows >= 3000, f"{rows} rows")
    if rows < 5000: box.has(text, f"and {5000 - rows} more findings")
    box.has(text, "### crossdep gate: 5000 findings fail")
    box.equal(text.count("<details>"), text.count("</details>"), "folded stories")
    box.has(text, f"{rows - text.count('<details>')} findings of the table without a story here")
    box.has(text, "more commands")


@test
def standard_output_takes_one_report(box):
    init(box, graph(box, "old", ORDERED))
    one_error(box, gate(box, "--sarif", "-", "--gcc", "-", "old.cdgraph"), 2, "standard output takes one report only")


@test
def every_format_is_well_formed(box):
    """With names that mean something in each of them."""
    jsonschema = None
    try:
        import jsonschema
    except ImportError:
        box.skip("python3-jsonschema is not installed")
    evil = renamed(ABBA, A="a<b>&\"'`|*_[x](y)", B="ü\\]]>").replace("site=b.c:2", "site=dir/sp:ace/b.c:2:5")
    path = graph(box, "g", evil)
    out = {name: box.run(box.crossdep, "report", "--format", name, path)
           for name in ("sarif", "junit", "gitlab", "markdown", "gcc", "html")}
    for name, done in out.items():
        box.equal((done.status, done.err), (1, ""), f"status of {name}")
    schema = json.loads((SOURCE / "tests" / "data" / "sarif" / "sarif-schema-2.1.0.json").read_text())
    log = json.loads(out["sarif"].out)
    jsonschema.validate(log, schema)
    result = log["runs"][0]["results"][0]
    box.equal(result["partialFingerprints"]["primaryLocationLineHash"], only_id(box, path)[3:] + ":1", "hash")
    box.equal(len(result["codeFlows"][0]["threadFlows"]), 2, "thread flows")
    box.check(len(result["message"]["text"]) <= 1024, "message too long")
    box.equal(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "dir/sp%3Aace/b.c", "uri")
    suite = xml.etree.ElementTree.fromstring(out["junit"].out)
    box.equal((suite.get("tests"), suite.get("failures")), ("1", "1"), "JUnit counts")
    quality = json.loads(out["gitlab"].out)
    box.equal((quality[0]["location"]["path"], quality[0]["location"]["lines"]["begin"]), ("dir/sp:ace/b.c", 2), "GitLab")
    box.check(out["gcc"].out.startswith("dir/sp:ace/b.c:2:5: error: "), "GCC line")
    for name in ("html", "markdown"):
        box.lacks(out[name].out, "a<b>")
    for word in ("http://", "https://", "src=", "@import"):
        box.lacks(out["html"].out, word)
    baseline = json.loads((SOURCE / "analyzer" / "gate" / "baseline.schema.json").read_text())
    init(box, path)
    jsonschema.validate(json.loads((box.folder / "base.json").read_text()), baseline)


@test
def sarif_of_many_findings(box):
    """Distinct primary locations while there are places enough; paths below the source root only are relative."""
    lines = ["# crossdep-text 1"]
    for i in range(30):
        for thread, first, second in (("T1", f"a{i}", f"b{i}"), ("T2", f"b{i}", f"a{i}")):
            lines += [f"{thread} acquire {first} site=/build/x/src/f.c:{i * 4 + (thread == 'T2')}",
                      f"{thread} acquire {second} site=/build/x/src/one.c:7",
                      f"{thread} release {second}", f"{thread} release {first}"]
    path = graph(box, "g", "\n".join(lines) + "\n")
    done = box.run(box.crossdep, "report", "--format", "sarif", "--source-root", "/build/x", path)
    results = json.loads(done.out)["runs"][0]["results"]
    box.equal(len(results), 30, "results")
    places = {(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
               r["locations"][0]["physicalLocation"].get("region", {}).get("startLine")) for r in results}
    box.equal(len(places), 30, "distinct places")
    box.check(all(uri.startswith("src/") for uri, _ in places), "a path is not relative")
    done = box.run(box.crossdep, "report", "--format", "gcc", "--source-root", "/elsewhere", path)
    box.has(done.out, "/build/x/src/one.c:7: error:")
