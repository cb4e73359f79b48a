# SPDX-License-Identifier: MIT
#
# The example programs do what their first lines say.
import re

from harness import test

SEVEN = ["cpu_hotplug_lock.rw_sem", "cpuhp_state_mutex", "cpuhp_state", "(complete)&req.done",
         "&sb->s_type->i_mutex_key#5", "&mm->mmap_sem", "&dev_priv->mm_lock"]


def chain(text):
    """The classes of `-> #n (CLASS){usage}...` lines, #0 first."""
    links = re.findall(r"^-> #(\d+) \((.*)\)\{[^}]*\}(?:-\{[^}]*\})?:$", text, re.M)
    return [name for _, name in sorted((int(n), name) for n, name in links)]


def hotplug_splat(box, text):
    box.equal(text.count("WARNING: possible circular locking dependency detected"), 1, "splats")
    box.equal(chain(text), SEVEN, "the chain, #0 first")
    box.has(text, "prime_mmap/")
    box.has(text, "is trying to acquire lock:")
    box.has(text, "cpu_hotplug_lock.rw_sem --> &mm->mmap_sem --> &dev_priv->mm_lock")
    box.has(text, "2 locks held by prime_mmap/")
    for function in ("apply_workqueue_attrs", "copy_to_user", "handle_create", "devtmpfsd", "devtmpfs_create_node",
                     "cpuhp_issue_call", "cpuhp_setup_state", "driver_init_notifier"):
        box.has(text, function)
    box.has(text, "before.c:")


@test
def hotplug_before_live(box):
    done = box.under(box.build / "examples" / "hotplug-before")
    box.equal(done.status, 66, "status")
    hotplug_splat(box, done.err)
    found = box.findings()
    box.equal(len(found), 1, "findings at the default policy")
    box.equal(found[0]["check"], "cross-release-cycle", "check")
    box.equal(found[0]["classes"], SEVEN, "classes")
    box.equal(found[0]["verdict"], "possible", "verdict")


@test
def hotplug_before_recorded(box):
    done = box.under(box.build / "examples" / "hotplug-before", options=["--record"])
    box.equal(done.status, 66, "status")
    traces = list((box.folder / "results").glob("*.cdtrace"))
    box.equal(len(traces), 1, "traces")
    judged = box.run(box.crossdep, "check", "-o", box.folder / "judged.cdgraph", *traces)
    box.equal(judged.status, 1, "status of check")
    hotplug_splat(box, judged.out)
    box.equal([f["id"] for f in box.findings("judged.cdgraph")], [f["id"] for f in box.findings()], "ids")


@test
def hotplug_after(box):
    done = box.under(box.build / "examples" / "hotplug-after", options=["--record"])
    box.equal(done.status, 0, "status")
    box.lacks(done.err, "WARNING:")
    box.equal(box.findings(at_least="refuted"), [], "findings of any verdict")
    traces = list((box.folder / "results").glob("*.cdtrace"))
    judged = box.run(box.crossdep, "check", *traces)
    box.equal(judged.status, 0, "status of check")
    box.lacks(judged.out, "WARNING:")
    names = {c["name"] for c in box.graph()["classes"]}
    box.check(set(SEVEN) <= names, f"classes in the graph: {sorted(names)}")


@test
def hotplug_plain_preload(box):
    """Without the supervisor: the same splat, and a graph file is written at exit."""
    done = box.run(box.build / "examples" / "hotplug-before",
                   env={"LD_PRELOAD": "libcrossdep.so", "LD_LIBRARY_PATH": str(box.library.parent),
                        "CROSSDEP_OPTIONS": "out=plain.cdgraph"})
    box.equal(done.status, 66, "status")
    hotplug_splat(box, done.err)
    box.equal([f["classes"] for f in box.findings("plain.cdgraph")], [SEVEN], "classes")


@test
def hotplug_without_crossdep(box):
    """The annotations need no library and do nothing without one."""
    done = box.run(box.build / "examples" / "hotplug-before")
    box.equal(done.status, 0, "status")
    box.equal(done.err, "", "standard error")


@test
def abba(box):
    done = box.under(box.build / "examples" / "abba")
    box.equal(done.status, 66, "status")
    found = box.findings()
    box.equal([f["check"] for f in found], ["lock-order-cycle"], "checks")
    box.equal(sorted(found[0]["classes"]), ["account_a", "account_b"], "classes")
    box.has(done.err, "abba.c:")


@test
def condvar(box):
    done = box.under(box.build / "examples" / "condvar")
    box.equal(done.status, 66, "status")
    found = box.findings()
    box.equal([f["check"] for f in found], ["cross-release-cycle"], "checks")
    box.equal(sorted(found[0]["classes"]), ["(cond)ready", "cache"], "classes")
