# SPDX-License-Identifier: MIT
#
# A program's own primitives, named by a rule file: seen where they are called through a symbol table, in a program, its
# libraries, and what it loads later; live and recorded; GLib's and Abseil's by the files that come with crossdep.
import glob
import json
import re

from harness import test
from rules import checks, preloaded

# A lock made of a futex-free spin, with everything a lock function may be: a try that answers, a float argument, a throw.
HEADER = """#pragma once
typedef struct { int word; } own_lock;
typedef struct { int turns; } own_event;
#ifdef __cplusplus
extern "C" {
#endif
double own_acquire(int how, own_lock* lock, double scale);
int own_try(own_lock* lock);
void own_release(own_lock* lock);
void own_wait(own_event* event, own_lock* lock);
void own_wake(own_event* event);
void own_throw(own_lock* lock);
#ifdef __cplusplus
}
#endif
"""
LIBRARY = """#include "own.h"
#include <pthread.h>
#include <sched.h>
static pthread_mutex_t inside = PTHREAD_MUTEX_INITIALIZER;   // what it is made of does not concern anybody
extern "C" double own_acquire(int how, own_lock* lock, double scale) {
  pthread_mutex_lock(&inside);
  pthread_mutex_unlock(&inside);
  while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE)) sched_yield();
  return how * scale;
}
extern "C" int own_try(own_lock* lock) { return __atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) == 0; }
extern "C" void own_release(own_lock* lock) { __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE); }
extern "C" void own_wait(own_event* event, own_lock* lock) {
  const int turn = __atomic_load_n(&event->turns, __ATOMIC_ACQUIRE);
  own_release(lock);
  while (__atomic_load_n(&event->turns, __ATOMIC_ACQUIRE) == turn) sched_yield();
  own_acquire(1, lock, 1);
}
extern "C" void own_wake(own_event* event) { __atomic_fetch_add(&event->turns, 1, __ATOMIC_RELEASE); }
extern "C" void own_throw(own_lock*) { throw 1; }
"""
PROGRAM = """#include "own.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static own_lock a, b;
static own_event event;
static int waiting;   // under a
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void both(own_lock* outer, own_lock* inner) {
  if (own_acquire(2, outer, 1.5) != 3.0) printf("a wrong result\\n");
  if (TRY ? own_try(inner) : (own_acquire(1, inner, 1), 1)) own_release(inner);
  own_release(outer);
}
static void* forward(void* p) { both(&a, &b); return p; }
static void* backward(void* p) { usleep(100000); both(&b, &a); return p; }
static void* waiter(void* p) {
  pthread_mutex_lock(&m);
  own_acquire(1, &a, 1);
  waiting = 1;
  own_wait(&event, &a);
  own_release(&a);
  pthread_mutex_unlock(&m);
  return p;
}
static void* waker(void* p) {
  usleep(200000);
  own_acquire(1, &a, 1);
  while (!waiting) {   // a wake-up that comes first is lost
    own_release(&a);
    usleep(10000);
    own_acquire(1, &a, 1);
  }
  own_wake(&event);
  own_release(&a);
  return p;
}
static void run(void* (*f)(void*), void* (*g)(void*)) {
  pthread_t t, u;
  pthread_create(&t, 0, f, 0);
  pthread_create(&u, 0, g, 0);
  pthread_join(t, 0);
  pthread_join(u, 0);
}
int main(int argc, char** argv) {
  if (argc > 1) {
    void* plugin = dlopen(argv[1], RTLD_NOW);
    ((void (*)(own_lock*, own_lock*))dlsym(plugin, "plug"))(&a, &b);
    ((void (*)(own_lock*, own_lock*))dlsym(plugin, "plug"))(&b, &a);
    return 0;
  }
  if (WAITS) run(waiter, waker);
  else run(forward, backward);
  // Left by an exception: what comes after is seen again.
  try { own_throw(&a); } catch (int) { pthread_mutex_lock(&m); own_acquire(1, &b, 1); own_release(&b); pthread_mutex_unlock(&m); }
  return 0;
}
"""
PLUGIN = """#include "own.h"
extern "C" void plug(own_lock* outer, own_lock* inner) {
  own_acquire(1, outer, 1);
  own_acquire(1, inner, 1);
  own_release(inner);
  own_release(outer);
}
"""
RULES = {"primitives": [
    {"acquire": ["own_acq*re"], "arg": 1},
    {"acquire": "own_throw"},
    {"try": "own_try", "success": "nonzero"},
    {"release": "own_release"},
    {"wait": "own_wait", "mutex": 1},
    {"broadcast": "own_wake", "kind": "cond"}]}


def build(box, name, flags=(), **macros):
    box.write("own.h", HEADER)
    box.write("own.json", json.dumps(RULES))
    library = box.compile("own.cpp", "libown.so", ["-shared", "-fPIC"], text=LIBRARY)
    values = {"TRY": 0, "WAITS": 0, **macros}
    flags = [*flags, *(f"-D{key}={value}" for key, value in values.items()), "-Wl,--no-as-needed", library, f"-Wl,-rpath,{box.folder}", "-ldl", "-no-pie"]
    return box.compile(name + ".cpp", name, flags, text=PROGRAM)


@test
def an_order_of_own_locks(box):
    for name, flags in (("lazy", ["-Wl,-z,lazy"]), ("now", ["-Wl,-z,relro,-z,now"]), ("direct", ["-fno-plt"])):
        program = build(box, name, flags)
        done = box.under(program, options=["--rules", "own.json", "--record"], output=f"of-{name}")
        box.equal((done.status, done.out), (66, ""), f"status and output, {name}")
        box.equal(checks(box, f"of-{name}/crossdep.cdgraph"), ["lock-order-cycle"], f"checks, {name}")
        box.equal(sorted(c["name"] for c in box.graph(f"of-{name}/crossdep.cdgraph")["classes"] if c["name"] in "a b m inside".split()),
                  ["a", "b", "m"], "classes: not what the locks are made of")
        trace = next((box.folder / f"of-{name}").glob("*.cdtrace"))
        box.equal(box.run(box.crossdep, "check", "-o", "judged.cdgraph", trace).status, 1, "status of check")
        box.equal([f["id"] for f in box.findings("judged.cdgraph")], [f["id"] for f in box.findings(f"of-{name}/crossdep.cdgraph")], "ids")


@test
def what_is_tried_is_no_order(box):
    done = box.under(build(box, "tried", TRY=1), options=["--rules", "own.json"])
    box.equal((done.status, checks(box)), (0, []), "status and checks")


@test
def without_a_rule_file_they_are_not_there(box):
    done = box.under(build(box, "alone"))
    box.equal((done.status, checks(box)), (0, []), "status and checks")


@test
def a_wait_of_its_own_with_a_mutex(box):
    done = box.under(build(box, "waits", WAITS=1), options=["--rules", "own.json"])
    box.equal(done.status, 0, "status: the wait gave up its mutex")
    graph = box.graph()
    orders = {(d["from"], d["to"]) for d in graph["dependencies"]}
    box.check(("m", "(cond)event") in orders and ("a", "(cond)event") not in orders, f"orders: {sorted(orders)}")


@test
def a_plugin_loaded_later(box):
    program = build(box, "host")
    plugin = box.compile("plug.cpp", "plug.so", ["-shared", "-fPIC", box.folder / "libown.so"], text=PLUGIN)
    done = box.under(program, plugin, options=["--rules", "own.json", "--fail-on", "latent"])
    box.equal([f["verdict"] for f in box.findings(at_least="latent")], ["latent"], "one thread, both orders")
    box.equal(done.status, 66, "status")


@test
def plain_preload_asks_the_analyzer(box):
    done = preloaded(box, build(box, "plain"), f"rules='{box.folder}/own.json'")
    box.equal(done.status, 66, "status")
    box.has(done.err, "WARNING: possible circular locking dependency detected")


@test
def primitives_that_nobody_calls_are_named(box):
    box.write("none.json", json.dumps({"primitives": [{"acquire": "no_such_lock"}]}))
    done = box.under(build(box, "unseen"), options=["--rules", "none.json"])
    box.has(done.err, "crossdep: warning: no module calls any of the rule files' primitives")


@test
def primitives_read_strictly(box):
    for text, wanted in (
            ('{"acquire": "f", "release": "g"}', "a primitive needs exactly one of acquire, try, timed"),
            ('{"arg": 1}', "a primitive needs exactly one of"),
            ('{"acquire": "f", "arg": 6}', '"arg" is not the number of an argument, 0 to 5'),
            ('{"acquire": "f g"}', '"f g" is no function\'s name'),
            ('{"acquire": "f", "mutex": 1}', '"mutex" belongs to a wait'),
            ('{"wait": "f", "kind": "mutex"}', '"kind" "mutex" is a lock'),
            ('{"acquire": "f", "sucess": "zero"}', 'did you mean "success"?')):
        box.write("bad.json", '{"primitives": [' + text + "]}")
        done = box.run(box.crossdep, "rules", "--needs", "bad.json")
        box.equal(done.status, 2, "status")
        box.has(done.err, wanted)
        box.has(done.err, "bad.json:1:")


GLIB = """#include <pthread.h>
#include <unistd.h>
typedef struct { void* p; } GMutex; typedef struct { void* p; unsigned i[2]; } GRecMutex;
void g_mutex_lock(GMutex*); void g_mutex_unlock(GMutex*); void g_rec_mutex_lock(GRecMutex*); void g_rec_mutex_unlock(GRecMutex*);
static GMutex mutex;
static GRecMutex recursive;
static void* forward(void* p) {
  g_mutex_lock(&mutex); g_rec_mutex_lock(&recursive); g_rec_mutex_lock(&recursive);
  g_rec_mutex_unlock(&recursive); g_rec_mutex_unlock(&recursive); g_mutex_unlock(&mutex);
  return p;
}
static void* backward(void* p) {
  usleep(100000);
  g_rec_mutex_lock(&recursive); g_mutex_lock(&mutex); g_mutex_unlock(&mutex); g_rec_mutex_unlock(&recursive);
  return p;
}
int main(void) {
  pthread_t t, u;
  pthread_create(&t, 0, forward, 0); pthread_create(&u, 0, backward, 0);
  pthread_join(t, 0); pthread_join(u, 0);
  return 0;
}
"""
ABSEIL = """#include <cstdint>
#include <pthread.h>
#include <unistd.h>
namespace absl { inline namespace LTS { struct Mutex { std::intptr_t word = 0; void Lock(); void Unlock(); ~Mutex(); }; } }
static absl::Mutex one, two;
static void* forward(void* p) { one.Lock(); two.Lock(); two.Unlock(); one.Unlock(); return p; }
static void* backward(void* p) { usleep(100000); two.Lock(); one.Lock(); one.Unlock(); two.Unlock(); return p; }
int main() {
  pthread_t t, u;
  pthread_create(&t, 0, forward, 0); pthread_create(&u, 0, backward, 0);
  pthread_join(t, 0); pthread_join(u, 0);
}
"""


def library(box, pattern):
    found = sorted(glob.glob(f"/usr/lib/*/{pattern}") + glob.glob(f"/lib/*/{pattern}"))
    return found[0] if found else box.skip(f"{pattern} is not installed")


@test
def locks_of_glib(box):
    program = box.compile("locks.c", flags=["-Wl,--no-as-needed", library(box, "libglib-2.0.so.0")], text=GLIB)
    done = box.under(program, options=["--rules", "glib"])
    box.equal((done.status, checks(box)), (66, ["lock-order-cycle"]), "status and checks")
    box.equal(sorted(box.findings()[0]["classes"]), ["mutex", "recursive"], "classes")


@test
def locks_of_abseil(box):
    synchronization = library(box, "libabsl_synchronization.so.*")
    names = box.run(box.needs("nm"), "-D", synchronization).out
    version = re.search(r"_ZN4absl(\d+)(\w+?)5Mutex4LockEv", names)   # the inline namespace is the distribution's choice
    version = version[2][:int(version[1])] if version else box.skip("it exports no Mutex")
    program = box.compile("locks.cpp", flags=[f"-DLTS={version}", "-Wl,--no-as-needed", synchronization, "-Wl,--allow-shlib-undefined"], text=ABSEIL)
    done = box.under(program, options=["--rules", "abseil"])
    box.check(done.status in (66, 134), f"status {done.status}")   # built with assertions, it finds the cycle itself, and dies
    box.equal(checks(box), ["lock-order-cycle"], "checks")
    box.equal(sorted(box.findings()[0]["classes"]), ["one", "two"], "classes")
