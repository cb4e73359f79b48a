#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# merge_bench.py CROSSDEP [--graphs N] [--dependencies D] [--jobs J]...: makes graphs as a test suite would leave them (one
# program, most dependencies in every run, some in few; a witness each, with stacks, instances and what was held), unites
# them, and prints time, rate and peak memory beside the size of the union. No two graphs are equal.
import argparse
import json
import os
import random
import subprocess
import tempfile
import time


def compact(entry):
    return json.dumps(entry, separators=(",", ":"))


def lines(entries):
    """A table as crossdep writes it: an entry a line."""
    return "[\n  " + ",\n  ".join(map(compact, entries)) + "\n ]"


def graph_of(number, pool, share, random):
    losses = {"memory": 0, "events": 0, "unmatched": 0, "budget": 0}
    run = {"id": f"{random.getrandbits(64):016x}", "tool": "crossdep 0.1.0", "source": "live", "pid": 1000 + number,
           "executable": f"/t/test{number}", "ended": True, "exit_status": 0, "requests": 1000, "contexts": 2, "instances": 2,
           "losses": losses}
    base = random.getrandbits(20) << 24
    tables = {
        "runs": [run], "losses": losses, "counts": {},
        "classes": [{"name": c, "base": c, "kind": "mutex", "key": "named", "usage": "++++"} for c in pool["names"]],
        "contexts": [{"name": "main", "tid": 1, "kind": "thread", "number": i, "run": 0} for i in range(8)],
        "instances": [{"class": c, "kind": "mutex", "address": hex(base + 64 * i), "number": i, "run": 0}
                      for i, c in enumerate(pool["names"])]}
    text = '{"format": "crossdep-graph", "schema": 1, "tool": "crossdep 0.1.0"'
    for key, table in tables.items():
        text += f',\n"{key}": {lines(table) if isinstance(table, list) else compact(table)}'
    chosen = [line for line in pool["lines"] if random.random() < share]
    return text + pool["places"] + ',\n"dependencies": [\n' + ",\n".join(chosen) + '\n], "findings": []}\n'


def pool_of(count, class_count, random):
    names = [f"mutex@subsystem_{i % 50}_object_{i}+{i % 8 * 8}" for i in range(class_count)]
    pairs = set()
    while len(pairs) < count:
        pairs.add(tuple(sorted(random.sample(range(class_count), 2))))
    out = []
    for i, (a, b) in enumerate(sorted(pairs)):
        mode = {"origin": "held", "from_mode": "write", "to_mode": "write"}
        witness = dict(mode, run=0, context=i % 8, **{"from": a, "to": b}, from_site=i % 2000, to_site=(i * 3) % 2000,
                       to_stack=2000 + (i * 3) % 2000, ordinal=i,
                       held=[{"class": names[a], "mode": "write", "instance": a, "site": i % 2000}])
        out.append(compact({"from": names[a], "to": names[b], "modes": [mode], "runs": [0], "witnesses": [witness]}))
    frames = [{"function": f"function_{i}", "offset": hex(i % 200 + 1), "size": "0x100", "module": "program",
               "file": f"/src/dir/file{i % 97}.c", "line": i + 1} for i in range(4000)]
    stacks = [[i] for i in range(2000)] + [[i, (i * 7 + 1) % 4000, (i * 5 + 2) % 4000, (i * 3) % 4000] for i in range(2000)]
    return {"names": names, "lines": out, "places": f',\n"frames": {lines(frames)},\n"stacks": {lines(stacks)}'}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("crossdep")
    parser.add_argument("--graphs", type=int, default=500)
    parser.add_argument("--dependencies", type=int, default=20000)
    parser.add_argument("--jobs", type=int, action="append")
    options = parser.parse_args()
    generator = random.Random(20171)
    share = 0.9
    pool = pool_of(int(options.dependencies / share), 2000, generator)
    with tempfile.TemporaryDirectory() as folder:
        size = 0
        for number in range(options.graphs):
            path = os.path.join(folder, f"g{number}.cdgraph")
            with open(path, "w") as out:
                out.write(graph_of(number, pool, share, generator))
            size += os.path.getsize(path)
        print(f"{options.graphs} graphs of {options.dependencies} dependencies, {size / 1e6:.0f} MB")
        for jobs in options.jobs or [1, 2]:
            merge(options.crossdep, folder, size, jobs)


def merge(crossdep, folder, size, jobs):
    union = os.path.join(folder, "all")
    began = time.monotonic()
    process = subprocess.Popen([crossdep, "merge", "-j", str(jobs), "-o", union, folder])
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    if status != 0:
        raise SystemExit("merge failed")
    print(f"  -j {jobs}: {took:.1f} s ({usage.ru_utime + usage.ru_stime:.1f} s of processor, {size / 1e6 / took:.0f} MB/s), "
          f"peak {usage.ru_maxrss / 1024:.0f} MB, union {os.path.getsize(union) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
