// SPDX-License-Identifier: MIT
//
// What many locks cost. Prints one line, `NAME VALUE...`:
//   lock_scale init N      N mutexes alive, made by pthread_mutex_init, each used once: bytes of memory per lock
//   lock_scale static N    the same of mutexes in a heap array that nobody initialised by a call
//   lock_scale churn N     N times init, lock, unlock, destroy: KB the process grew by after the first tenth
//   lock_scale held N      N locks held at once, got and given back ten times: ns per pair
//   lock_scale cycle N     N distinct locks, each got under the one before it, the last circle closed by another thread:
//                          seconds for all, and seconds for the request that closes it
// Times are processor time of the process: on a shared machine others do not count. The memory is what the kernel says is
// resident; the mutexes' own memory was touched before.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t* locks;
static long count;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long resident_kb(void) {
  char line[128];
  long kb = 0;
  FILE* status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "VmRSS: %ld", &kb) == 1) break;
  if (status != NULL) fclose(status);
  return kb;
}

static void use(pthread_mutex_t* lock) {
  pthread_mutex_lock(lock);
  pthread_mutex_unlock(lock);
}

static void alive(int initialise) {
  pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
  use(&first);   // what a preload sets up once is not counted
  const long before = resident_kb();
  for (long i = 0; i < count; ++i) {
    if (initialise) pthread_mutex_init(&locks[i], NULL);
    use(&locks[i]);
  }
  printf("%.0f\n", (double)(resident_kb() - before) * 1024 / (double)count);
}

static void churn(void) {
  long before = 0;
  for (long i = 0; i < count; ++i) {
    if (i == count / 10) before = resident_kb();
    pthread_mutex_init(&locks[i % 64], NULL);
    use(&locks[i % 64]);
    pthread_mutex_destroy(&locks[i % 64]);
  }
  printf("%ld\n", resident_kb() - before);
}

static void held(void) {
  enum { kRounds = 10 };
  double best = 1e30;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = now();
    for (long i = 0; i < count; ++i) pthread_mutex_lock(&locks[i]);
    for (long i = count; i-- > 0;) pthread_mutex_unlock(&locks[i]);
    if (now() - begin < best) best = now() - begin;
  }
  printf("%.1f\n", best * 1e9 / (double)count);
}

static void* close_circle(void* seconds) {
  pthread_mutex_lock(&locks[count - 1]);
  const double begin = now();
  pthread_mutex_lock(&locks[0]);
  *(double*)seconds = now() - begin;
  pthread_mutex_unlock(&locks[0]);
  pthread_mutex_unlock(&locks[count - 1]);
  return NULL;
}

static void cycle(void) {
  const double begin = now();
  for (long i = 0; i + 1 < count; ++i) {
    pthread_mutex_lock(&locks[i]);
    use(&locks[i + 1]);
    pthread_mutex_unlock(&locks[i]);
  }
  double closing = 0;
  pthread_t thread;
  pthread_create(&thread, NULL, close_circle, &closing);
  pthread_join(thread, NULL);
  printf("%.3f %.3f\n", now() - begin, closing);
}

int main(int argc, char** argv) {
  const char* what = argc == 3 ? argv[1] : "";
  count = argc == 3 ? atol(argv[2]) : 0;
  locks = count > 1 ? calloc((size_t)count, sizeof *locks) : NULL;
  if (locks == NULL) {
    fprintf(stderr, "usage: lock_scale init|static|churn|held|cycle N\n");
    return 2;
  }
  memset(locks, 1, (size_t)count * sizeof *locks);   // resident
  memset(locks, 0, (size_t)count * sizeof *locks);   // glibc's PTHREAD_MUTEX_INITIALIZER
  printf("%s ", what);
  if (strcmp(what, "init") == 0) alive(1);
  else if (strcmp(what, "static") == 0) alive(0);
  else if (strcmp(what, "churn") == 0) churn();
  else if (strcmp(what, "held") == 0) held();
  else if (strcmp(what, "cycle") == 0) cycle();
  return 0;
}
