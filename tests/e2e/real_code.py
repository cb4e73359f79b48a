# SPDX-License-Identifier: MIT
#
# The source analyzer on real programs, only with --long: source packages of Debian 12, fetched with apt into the test's own
# folder (no entry in the system's lists is needed). What cannot be fetched is skipped, with a line.
import json
import pathlib
import re
import shutil
import tempfile

from harness import SOURCE, long_test

LISTS = "deb-src http://deb.debian.org/debian {} main\n"


def package(box, name, release="bookworm"):
    """The unpacked source of a Debian package."""
    apt, unpack = box.needs("apt-get"), box.needs("dpkg-source")
    if not (box.build / "bin" / "crossdep-scan").exists():
        box.skip("built without libclang")
    for folder in ["lists/partial", "cache/archives/partial"]:
        (box.folder / folder).mkdir(parents=True)
    box.write("sources.list", LISTS.format(release))
    options = ["-o", f"Dir::Etc::sourcelist={box.folder}/sources.list", "-o", "Dir::Etc::sourceparts=-",
               "-o", f"Dir::State::lists={box.folder}/lists", "-o", f"Dir::Cache={box.folder}/cache"]
    for words in (["update"], ["source", "--download-only", name]):
        if box.run(apt, *options, *words, timeout=600).status != 0:
            box.skip(f"the source package {name} cannot be fetched")
    described = next(box.folder.glob(f"{name}_*.dsc"))
    box.equal(box.run(unpack, "-x", described, box.folder / "code", timeout=600).status, 0, "status of dpkg-source")
    return box.folder / "code"


def scan(box, *words, megabytes=None):
    """The graph; the largest process of the scan may have this much memory."""
    done = box.run(box.crossdep, "scan", "-o", "g.cdgraph", *words, timeout=3600)
    box.check("scanned " in done.err, done.err[-500:])
    used = int(re.search(r"^crossdep: scanned .* (\d+) MB$", done.err, flags=re.M).group(1))
    box.check(megabytes is None or used <= megabytes, f"{used} MB")
    return json.loads((box.folder / "g.cdgraph").read_text())


def possible(graph):
    return [f for f in graph["findings"] if f["verdict"] == "possible"]


@long_test
def memcached_inverts_the_crawler_and_the_lru_maintainer(box):
    """A dump takes the hash table's lock under the crawler's; an expansion stops the LRU maintainer and the crawler under it."""
    box.needs("bear")
    with tempfile.TemporaryDirectory() as folder:   # its makefile knows no blanks in paths
        code = shutil.copytree(package(box, "memcached"), pathlib.Path(folder) / "code", symlinks=True)
        if box.run("sh", "-c", "./configure && bear -- make -j2 memcached", cwd=code, timeout=1800).status != 0:
            box.skip("memcached cannot be built here")
        graph = scan(box, "-p", code)
    cycles = [f for f in possible(graph) if f["dependencies"]]
    for classes in [{"crawler.c:lru_crawler_lock", "assoc.c:maintenance_lock"},
                    {"crawler.c:lru_crawler_lock", "assoc.c:maintenance_lock", "items.c:lru_maintainer_lock"}]:
        box.check(any(set(f["classes"]) == classes for f in cycles), f"not found: {sorted(classes)}")
    box.check(not any("lru_locks[]" in f["classes"] for f in cycles), "a cycle through an LRU's lock, which the crawler gives back")
    box.check(len(cycles) <= 8, f"{len(cycles)} cycles")


@long_test
def leveldb_is_in_order(box):
    code = package(box, "leveldb")
    made = box.run("cmake", "-S", code, "-B", box.folder / "made", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DLEVELDB_BUILD_TESTS=OFF",
                   "-DLEVELDB_BUILD_BENCHMARKS=OFF", timeout=600)
    if made.status != 0:
        box.skip("leveldb cannot be configured here")
    graph = scan(box, "-p", box.folder / "made")
    cycles = [f for f in possible(graph) if f["dependencies"]]
    box.check(not cycles, "cycles: " + ", ".join(" ".join(f["classes"]) for f in cycles))


@long_test
def redis_is_read(box):
    code = package(box, "redis")
    files = sorted(str(p) for p in (code / "src").glob("*.c") if not p.name.startswith(("redis-cli", "redis-benchmark")))
    deps = [f"-I{code}/deps/{name}" for name in ["hiredis", "lua/src", "linenoise", "hdr_histogram"]]
    graph = scan(box, *files, "--", "-std=gnu11", *deps, "-DUSE_PROCESSOR_CLOCK=0")
    box.check(len(graph["classes"]) > 5, "hardly any lock is found")


def rocksdb(box):
    code = package(box, "rocksdb")
    off = [f"-DWITH_{what}=OFF" for what in ["TESTS", "BENCHMARK_TOOLS", "TOOLS", "CORE_TOOLS", "GFLAGS"]]
    made = box.run("cmake", "-S", code, "-B", box.folder / "made", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DFAIL_ON_WARNINGS=OFF",
                   "-DROCKSDB_BUILD_SHARED=OFF", "-DPORTABLE=ON", *off, timeout=600)
    if made.status != 0:
        box.skip("rocksdb cannot be configured here")
    return code


def check_log_lock(box, graph):
    """7.8.3's LockWAL() reports a failed write under log_write_mutex_, which takes mutex_; everything else goes the other way
    (rocksdb's pull request 11020)."""
    cycles = [f for f in possible(graph) if f["dependencies"]]
    inverted = [f for f in cycles if all("DBImpl::" in name for name in f["classes"]) and
                sorted(re.search(r"DBImpl::(\w+)", name).group(1) for name in f["classes"]) == ["log_write_mutex_", "mutex_"]]
    box.check(len(inverted) == 1, "LockWAL's inversion is not found")
    return cycles


@long_test
def rocksdb_locks_its_log_before_its_mutex(box):
    code = rocksdb(box)
    core = [p for p in sorted((code / "db" / "db_impl").glob("db_impl*.cc")) if "test" not in p.name]
    core += [code / name for name in ["db/error_handler.cc", "db/write_thread.cc", "monitoring/instrumented_mutex.cc", "port/port_posix.cc"]]
    graph = scan(box, "-p", box.folder / "made", *core, megabytes=600)
    cycles = check_log_lock(box, graph)
    box.check(len(cycles) <= 16, f"{len(cycles)} cycles")


@long_test
def all_of_rocksdb_is_read(box):
    rocksdb(box)
    graph = scan(box, "-p", box.folder / "made", megabytes=800)
    strong = [f for f in check_log_lock(box, graph) if f["reason_code"] != "source-may"]
    box.check(len(strong) <= 20, f"{len(strong)} cycles that are not weak")


@long_test
def openvswitch_is_in_order(box):
    """Debian 12's tarball is gone; the next release's is there."""
    for tool in ["autoreconf", "make", "python3"]:
        box.needs(tool)
    with tempfile.TemporaryDirectory() as folder:   # its makefile knows no blanks in paths
        code = shutil.copytree(package(box, "openvswitch", "forky"), pathlib.Path(folder) / "code", symlinks=True)
        made = "lib/vswitch-idl.h lib/ovsdb-server-idl.h lib/dirs.c include/odp-netlink.h include/odp-netlink-macros.h " + \
               "lib/ofp-actions.inc1 lib/ofp-actions.inc2 lib/ofp-errors.inc lib/ofp-msgs.inc lib/meta-flow.inc lib/nx-match.inc"
        command = f"./boot.sh && ./configure && make ACLOCAL=true AUTOMAKE=true AUTOCONF=true AUTOHEADER=true {made}"
        if box.run("sh", "-c", command, cwd=code, timeout=1800).status != 0:
            box.skip("openvswitch cannot be configured here")
        other = re.compile("windows|bsd|afxdp|dpdk|route-table-stub|if-notifier-manual|dns-resolve.c")   # of other systems
        files = [p for p in sorted((code / "lib").glob("*.c")) if not other.search(p.name)]
        graph = scan(box, *files, "--", "-DHAVE_CONFIG_H", *[f"-I{code}/{name}" for name in [".", "include", "lib"]], "-std=gnu11", megabytes=800)
    box.check(len(graph["dependencies"]) > 300, "hardly any order is found")
    box.check(len(possible(graph)) <= 5, f"{len(possible(graph))} findings")
