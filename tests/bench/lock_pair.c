// SPDX-License-Identifier: MIT
//
// Nanoseconds of processor time per uncontended lock+unlock pair: of one mutex, of 1 000 mutexes in random order, of a
// pair nested in another, and of two threads at once on 500 mutexes each. One line a row, the best of a few rounds. `pair`
// runs it many times by turns: natively, under a preload that only forwards, and so on.
//
//   lock_pair [PAIRS [ROUNDS]]
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kLocks = 1000, kOrder = 1 << 14 };

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;
static struct {
  _Alignas(64) pthread_mutex_t mutex;   // a line each: the threads share nothing
} many[kLocks];
static unsigned short order[kOrder];
static long pairs = 2000000, rounds = 9;

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void single(void) {
  for (long i = 0; i < pairs; ++i) {
    pthread_mutex_lock(&one);
    pthread_mutex_unlock(&one);
  }
}

static void random_order(void) {
  for (long i = 0; i < pairs; ++i) {
    pthread_mutex_t* lock = &many[order[i % kOrder]].mutex;
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
  }
}

static void nested(void) {
  for (long i = 0; i < pairs / 2; ++i) {
    pthread_mutex_lock(&outer);
    pthread_mutex_lock(&one);
    pthread_mutex_unlock(&one);
    pthread_mutex_unlock(&outer);
  }
}

// Half of the locks: the even or the odd ones.
static void* half(void* first) {
  const unsigned own = first == NULL ? 0 : 1;
  for (long i = 0; i < pairs / 2; ++i) {
    pthread_mutex_t* lock = &many[order[i % kOrder] / 2 * 2 + own].mutex;
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
  }
  return NULL;
}

static void two_threads(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, half, &one);
  half(NULL);
  pthread_join(thread, NULL);
}

static void measure(const char* name, void (*body)(void)) {
  double best = 1e30;
  for (long round = 0; round < rounds; ++round) {
    const double begin = now(CLOCK_PROCESS_CPUTIME_ID);
    body();
    const double taken = (now(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)pairs;
    if (taken < best) best = taken;
  }
  printf("%s %.2f\n", name, best);
}

static void* idle(void* unused) { return unused; }

int main(int argc, char** argv) {
  if (argc > 1) pairs = atol(argv[1]);
  if (argc > 2) rounds = atol(argv[2]);
  pthread_t thread;   // a process that never made a thread takes short cuts
  pthread_create(&thread, NULL, idle, NULL);
  pthread_join(thread, NULL);
  for (int i = 0; i < kLocks; ++i) pthread_mutex_init(&many[i].mutex, NULL);
  srand(1);
  for (unsigned i = 0; i < kOrder; ++i) order[i] = (unsigned short)(rand() % kLocks);
  measure("one-lock", single);
  measure("1000-random-locks", random_order);
  measure("nested-pair", nested);
  measure("2-threads", two_threads);
  return 0;
}
