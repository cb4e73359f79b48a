#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# merge_bench.py CROSSDEP [--graphs N] [--dependencies D]: makes graphs as a test suite would leave them (one program, most
# dependencies in every run, some in few), unites them, and prints time, rate and peak memory beside the size of the union.
import argparse
import json
import os
import random
import resource
import subprocess
import tempfile
import time


def graph_of(number, pool, share, random):
    classes = [f"lock{i}" for i in range(pool["classes"])]
    run = {"id": f"{random.getrandbits(64):016x}", "tool": "crossdep 0.1.0", "source": "live", "pid": 1000 + number,
           "executable": f"/t/test{number}", "ended": True, "exit_status": 0, "requests": 1000, "contexts": 2, "instances": 2,
           "losses": {"memory": 0, "events": 0, "unmatched": 0, "budget": 0}}
    head = {"format": "crossdep-graph", "schema": 1, "tool": "crossdep 0.1.0", "runs": [run], "losses": run["losses"],
            "counts": {}, "classes": [{"name": c, "base": c, "kind": "mutex", "key": "named", "usage": "++++"} for c in classes],
            "contexts": [{"name": "main", "tid": 1, "kind": "thread", "number": 0, "run": 0}], "instances": [],
            "frames": [{"function": f"function_{i}", "file": f"/src/dir/file{i % 97}.c", "line": i + 1} for i in range(2000)],
            "stacks": [[i, (i * 7 + 1) % 2000] for i in range(2000)]}
    text = json.dumps(head)[:-1]
    chosen = [pool["lines"][i] for i in range(len(pool["lines"])) if random.random() < share]
    return text + ', "dependencies": [\n' + ",\n".join(chosen) + '\n], "findings": []}\n'


def lines_of(count, classes, random):
    out = []
    pairs = set()
    while len(pairs) < count:
        a, b = sorted(random.sample(range(classes), 2))
        pairs.add((a, b))
    for i, (a, b) in enumerate(sorted(pairs)):
        mode = {"origin": "held", "from_mode": "write", "to_mode": "write"}
        witness = dict(mode, run=0, context=0, from_site=i % 2000, to_site=(i * 3) % 2000, to_stack=(i * 3) % 2000, ordinal=i,
                       held=[{"class": f"lock{a}", "mode": "write", "site": i % 2000}])
        out.append(json.dumps({"from": f"lock{a}", "to": f"lock{b}", "modes": [mode], "runs": [0], "witnesses": [witness]}))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("crossdep")
    parser.add_argument("--graphs", type=int, default=500)
    parser.add_argument("--dependencies", type=int, default=20000)
    options = parser.parse_args()
    generator = random.Random(20171)
    share = 0.9
    pool = {"classes": 2000, "lines": lines_of(int(options.dependencies / share), 2000, generator)}
    with tempfile.TemporaryDirectory() as folder:
        size = 0
        for number in range(options.graphs):
            path = os.path.join(folder, f"g{number}.cdgraph")
            with open(path, "w") as out:
                out.write(graph_of(number, pool, share, generator))
            size += os.path.getsize(path)
        began = time.monotonic()
        subprocess.run([options.crossdep, "merge", "-o", os.path.join(folder, "all"), folder], check=True)
        took = time.monotonic() - began
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        union = os.path.getsize(os.path.join(folder, "all"))
        print(f"{options.graphs} graphs of {options.dependencies} dependencies, {size / 1e6:.0f} MB: {took:.1f} s "
              f"({usage.ru_utime + usage.ru_stime:.1f} s of processor, {size / 1e6 / took:.0f} MB/s), "
              f"peak {usage.ru_maxrss / 1024:.0f} MB, union {union / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
