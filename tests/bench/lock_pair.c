// SPDX-License-Identifier: MIT
//
// Nanoseconds of processor time per uncontended lock+unlock pair: of one mutex, of 1 000 mutexes in random order, and of
// a pair nested in another. Best of several rounds, because machines are noisy. `run` compares it natively, under a preload
// that only forwards, and under crossdep.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kLocks = 1000, kRounds = 9 };

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t many[kLocks];
static unsigned short order[1 << 14];
static long pairs = 2000000;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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
    pthread_mutex_t* lock = &many[order[i & ((1 << 14) - 1)]];
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

static void measure(const char* name, void (*body)(void)) {
  double best = 1e30;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = now();
    body();
    const double taken = (now() - begin) / (double)pairs;
    if (taken < best) best = taken;
  }
  printf("%s %.2f\n", name, best);
}

static void* idle(void* unused) { return unused; }

int main(int argc, char** argv) {
  if (argc > 1) pairs = atol(argv[1]);
  pthread_t thread;   // a process that never made a thread takes short cuts
  pthread_create(&thread, NULL, idle, NULL);
  pthread_join(thread, NULL);
  for (int i = 0; i < kLocks; ++i) pthread_mutex_init(&many[i], NULL);
  srand(1);
  for (unsigned i = 0; i < sizeof order / sizeof order[0]; ++i) order[i] = (unsigned short)(rand() % kLocks);
  measure("one-lock", single);
  measure("1000-random-locks", random_order);
  measure("nested-pair", nested);
  return 0;
}
