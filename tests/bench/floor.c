// SPDX-License-Identifier: MIT
//
// The floor: the least a preload can do that knows lock orders, to measure crossdep against. One source, two libraries:
//   libfloor.so         a held stack per thread, the lock's class by its address, a look-up of the chain key (a hash of the
//                       classes held, the one asked for and the place) among those seen
//   libfloor_record.so  (FLOOR_RECORD) also a 16-byte record per lock and per unlock, with a sequence number of the lock's
// It judges nothing, never forgets a lock, and writes its records round and round in 64 KB.
//
// Threading: the address table is filled under a lock and read without; the rest is each thread's own.
// Allocation: none; fixed tables, which end the program when they are full.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { kObjectBits = 16, kKeyBits = 11, kDeepest = 4096, kRecords = 4096 };

struct object {
  _Atomic(uintptr_t) address;
  uint32_t class_id;
#ifdef FLOOR_RECORD
  uint32_t sequence;
#endif
};
struct held {
  struct object* object;
  uint64_t chain;
};
struct record {
  uint32_t lock, sequence;
  uint64_t site_and_kind;
};

static struct object objects[1 << kObjectBits];
static atomic_flag filling = ATOMIC_FLAG_INIT;
static uint32_t classes;

static __thread struct {
  struct held held[kDeepest];
  uint32_t depth;
  uint64_t keys[1 << kKeyBits];
#ifdef FLOOR_RECORD
  uint32_t written;
  struct record records[kRecords];
#endif
} self __attribute__((tls_model("initial-exec")));

static int (*real_lock)(pthread_mutex_t*);
static int (*real_unlock)(pthread_mutex_t*);

__attribute__((constructor)) static void find_real(void) {
  real_lock = (int (*)(pthread_mutex_t*))dlsym(RTLD_NEXT, "pthread_mutex_lock");
  real_unlock = (int (*)(pthread_mutex_t*))dlsym(RTLD_NEXT, "pthread_mutex_unlock");
}

static uint64_t mix(uint64_t value) { return value * 0x9e3779b97f4a7c15u; }

__attribute__((noinline)) static struct object* find_slowly(uintptr_t address, uint64_t at) {
  while (atomic_flag_test_and_set(&filling)) {}
  for (unsigned tried = 0; tried < 1u << kObjectBits; ++tried, at = (at + 1) % (1 << kObjectBits)) {
    const uintptr_t found = atomic_load(&objects[at].address);
    if (found == 0) {
      objects[at].class_id = ++classes;
      atomic_store(&objects[at].address, address);
    }
    if (found == 0 || found == address) {
      atomic_flag_clear(&filling);
      return &objects[at];
    }
  }
  abort();
}

static inline struct object* find(pthread_mutex_t* mutex) {
  const uintptr_t address = (uintptr_t)mutex;
  const uint64_t at = mix(address) >> (64 - kObjectBits);
  struct object* object = &objects[at];
  if (__builtin_expect(atomic_load_explicit(&object->address, memory_order_acquire) == address, 1)) return object;
  return find_slowly(address, at);
}

static inline void record(struct object* object, uintptr_t site, unsigned kind) {
#ifdef FLOOR_RECORD
  struct record* next = &self.records[self.written++ % kRecords];
  next->lock = (uint32_t)(object - objects);
  next->sequence = ++object->sequence;
  next->site_and_kind = (uint64_t)site << 8 | kind;
#else
  (void)object, (void)site, (void)kind;
#endif
}

__attribute__((noinline)) static void judge(uint64_t key) { self.keys[key >> (64 - kKeyBits)] = key; }

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (__builtin_expect(real_lock == NULL, 0)) find_real();
  const uintptr_t site = (uintptr_t)__builtin_return_address(0);
  struct object* object = find(mutex);
  const uint32_t depth = self.depth;
  const uint64_t outer = depth == 0 ? 0 : self.held[depth - 1].chain;
  const uint64_t key = mix((outer ^ site) + object->class_id) | 1;
  if (__builtin_expect(self.keys[key >> (64 - kKeyBits)] != key, 0)) judge(key);
  const int result = real_lock(mutex);
  if (result != 0) return result;
  if (depth == kDeepest) abort();
  self.held[depth] = (struct held){object, mix(outer ^ object->class_id)};
  self.depth = depth + 1;
  record(object, site, 1);
  return 0;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  if (__builtin_expect(real_unlock == NULL, 0)) find_real();
  uint32_t at = self.depth;
  while (at > 0 && atomic_load_explicit(&self.held[at - 1].object->address, memory_order_relaxed) != (uintptr_t)mutex) --at;
  if (at > 0) {
    record(self.held[at - 1].object, (uintptr_t)__builtin_return_address(0), 2);
    for (; at < self.depth; ++at) self.held[at - 1] = self.held[at];
    --self.depth;
  }
  return real_unlock(mutex);
}
