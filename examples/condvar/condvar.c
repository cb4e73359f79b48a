// SPDX-License-Identifier: MIT
//
// A deadlock through a condition variable. The writer of a report keeps the cache locked while it waits for the loader's
// "ready"; the loader, now and then, wants the cache before it says "ready". There are no two lock orders here: `cache`
// and `state` are taken in one order only, and so tools that compare lock orders (ThreadSanitizer, Helgrind) say
// nothing. What goes round is the wait: cache -> ready (the report), ready -> cache (the loader).
//
// As it runs, the loader needs the cache in its first round, when only the greeter waits, holding nothing; the report
// waits for the second round, when the loader has no need of the cache. Were the rounds to meet, neither would end.
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t cache = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static unsigned loaded;   // rounds the loader has finished; guarded by state
static int entries;       // guarded by cache

static void wait_until_ready(unsigned round) {
  pthread_mutex_lock(&state);
  while (loaded < round) pthread_cond_wait(&ready, &state);
  pthread_mutex_unlock(&state);
}

static void say_ready(void) {
  pthread_mutex_lock(&state);
  ++loaded;
  pthread_cond_signal(&ready);
  pthread_mutex_unlock(&state);
}

static void* loader(void* unused) {
  usleep(200 * 1000);
  pthread_mutex_lock(&cache);   // first round: something new for the cache
  ++entries;
  pthread_mutex_unlock(&cache);
  say_ready();

  usleep(400 * 1000);
  say_ready();                  // second round: nothing new
  return unused;
}

static void* greeter(void* unused) {
  wait_until_ready(1);
  return unused;
}

static void* report(void* unused) {
  usleep(400 * 1000);
  pthread_mutex_lock(&cache);
  wait_until_ready(2);          // holds the cache while it waits
  --entries;
  pthread_mutex_unlock(&cache);
  return unused;
}

int main(void) {
  pthread_t threads[3];
  pthread_create(&threads[0], NULL, loader, NULL);
  pthread_create(&threads[1], NULL, greeter, NULL);
  pthread_create(&threads[2], NULL, report, NULL);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  return entries;
}
