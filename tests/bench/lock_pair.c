// SPDX-License-Identifier: MIT
//
// Nanoseconds of processor time per uncontended lock+unlock pair: of one mutex, of 1 000 mutexes in random order, of a
// pair nested in another, of two threads at once on 500 mutexes each, and of a new thread's first visit to each of these.
// One line a row, the best of a few rounds. `pair` runs it many times by turns: natively, under a preload that only
// forwards, and so on.
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

// Half of the locks: the even or the odd ones. Not inlined: each copy would be another place that takes locks.
__attribute__((noinline)) static double half(unsigned own, long count) {
  const double begin = now(CLOCK_THREAD_CPUTIME_ID);
  for (long i = 0; i < count; ++i) {
    pthread_mutex_t* lock = &many[order[i % kOrder] / 2 * 2 + own].mutex;
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
  }
  return (now(CLOCK_THREAD_CPUTIME_ID) - begin) / (double)count;
}

static struct two {
  double first, later;
} two[2];

static void* one_of_two(void* mine) {
  struct two* out = mine;
  double begin = now(CLOCK_THREAD_CPUTIME_ID);
  for (unsigned i = 0; i < kLocks; i += 2) {
    pthread_mutex_lock(&many[i + (out != two)].mutex);
    pthread_mutex_unlock(&many[i + (out != two)].mutex);
  }
  out->first = (now(CLOCK_THREAD_CPUTIME_ID) - begin) / (kLocks / 2);
  half(out != two, kOrder);
  out->later = half(out != two, pairs / 2);
  return NULL;
}

static void two_threads(void) {
  double first = 1e30, later = 1e30;
  for (long round = 0; round < rounds; ++round) {
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, one_of_two, &two[i]);
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
    if ((two[0].later + two[1].later) / 2 < later) later = (two[0].later + two[1].later) / 2;
    if ((two[0].first + two[1].first) / 2 < first) first = (two[0].first + two[1].first) / 2;
  }
  printf("2-threads %.2f\nfirst-visit %.2f\n", later, first);
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
  two_threads();
  return 0;
}
