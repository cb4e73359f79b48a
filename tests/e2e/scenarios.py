# SPDX-License-Identifier: MIT
#
# tests/scenarios/*.c|*.cpp: small programs, each of which says in its first lines what is to be found in it:
#     // EXPECT <check> <verdict>: reason          one line per finding
#     // EXPECT none: reason
#     // REASONS <codes>        of all findings, refuted ones too, in alphabetical order; where they are the point
#     // FLAGS <compiler flags>   // OPTIONS <options of run>   // PROCESSES <how many of them>   // LONG     where needed
#     // ENVIRONMENT NAME=VALUE
#     // LIBRARY      also made into a shared library, with -DLIBRARY; the program knows its name as LIBRARY_PATH
# Each is run live, and recorded; the record must be judged alike: ids, verdicts and reasons, of refuted findings too.
import re

import harness

FOLDER = harness.SOURCE / "tests" / "scenarios"
EXPECT = re.compile(r"// EXPECT (?:(none)|([a-z-]+) ([a-z]+)): .+")


def header(path):
    expected, fields, said = [], {}, False
    for line in path.read_text().splitlines():
        if not line.startswith("//"):
            break
        match = EXPECT.match(line)
        if match:
            said = True
            if not match[1]:
                expected.append((match[2], match[3]))
        for word in ("FLAGS", "OPTIONS", "PROCESSES", "ENVIRONMENT", "REASONS"):
            if line.startswith(f"// {word} "):
                fields[word] = line.split()[2:]
        for word in ("LONG", "LIBRARY"):
            if line.strip() == f"// {word}":
                fields[word] = True
    if not said:
        raise ValueError(f"{path.name}: no EXPECT line")
    return sorted(expected), fields


def seen(box, path):
    """(check, verdict) of what is at or above `latent`."""
    return sorted((f["check"], f["verdict"]) for f in box.findings(path, at_least="latent"))


def told(box, path):
    """All that is said of each finding."""
    return sorted((f["id"], f["check"], f["verdict"], f["reason_code"], f["reason"]) for f in box.findings(path, at_least="refuted"))


def build(box, path, fields, name=None, more=()):
    """Its program, and before it the library that it may want; with `more` flags for both."""
    source, flags, name = path.relative_to(harness.SOURCE), [*fields.get("FLAGS", []), *more], name or path.stem
    if "LIBRARY" in fields:
        library = box.compile(source, name=name + ".so", flags=[*flags, "-DLIBRARY", "-shared", "-fPIC"])
        flags = [*flags, f'-DLIBRARY_PATH="{library}"', "-rdynamic"]
    return box.compile(source, name=name, flags=flags)


def environment_of(fields):
    return dict(word.split("=", 1) for word in fields.get("ENVIRONMENT", []))


def scenario(path):
    def body(box):
        expected, fields = header(path)
        program = build(box, path, fields)
        native = box.run(program)
        options = fields.get("OPTIONS", [])
        environment = environment_of(fields)
        fails = any(verdict != "latent" for _, verdict in expected)

        live = box.under(program, options=options, env=environment)
        box.equal(seen(box, "results/crossdep.cdgraph"), expected, "findings, live")
        if "REASONS" in fields:
            reasons = sorted(f["reason_code"] for f in box.findings(at_least="refuted"))
            box.equal(reasons, fields["REASONS"], "reasons, live")
        box.equal(live.status, native.status or (66 if fails else 0), "status of run")
        box.equal(live.out, native.out, "what the program printed")
        if fails:
            box.has(live.err, "WARNING: ")
        else:
            box.lacks(live.err, "WARNING:")

        box.under(program, options=["--record", *options], output="recorded", env=environment)
        traces = list((box.folder / "recorded").glob("*.cdtrace"))
        box.equal(len(traces), int(fields.get("PROCESSES", ["1"])[0]), "traces recorded")
        judged = box.run(box.crossdep, "check", "-o", box.folder / "judged.cdgraph", *traces)
        box.equal(judged.status, 1 if fails else 0, "status of check")
        box.equal(seen(box, "recorded/crossdep.cdgraph"), expected, "findings, live while recording")
        box.equal(told(box, "judged.cdgraph"), told(box, "recorded/crossdep.cdgraph"), "findings of the record")
    return body


def collect():
    for path in sorted([*FOLDER.glob("*.c"), *FOLDER.glob("*.cpp")]):
        _, fields = header(path)
        harness.add(f"scenarios: {path.stem}", scenario(path), long="LONG" in fields)
