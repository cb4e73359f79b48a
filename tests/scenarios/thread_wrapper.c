// EXPECT none: one function starts the threads of two parts of the program; that one part joins its thread before it wakes the other's is no cycle
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct part {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  int stop;
};

static void* run(void* data) {
  struct part* part = data;
  pthread_mutex_lock(&part->lock);
  while (!part->stop) pthread_cond_wait(&part->wake, &part->lock);
  pthread_mutex_unlock(&part->lock);
  return data;
}

__attribute__((noinline)) static void start(struct part* part) {
  pthread_create(&part->thread, 0, run, part);
  __asm__ volatile("" ::: "memory");
}

static struct part bans = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
static struct part expiry = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

__attribute__((noinline)) static void start_bans(void) {
  start(&bans);
  __asm__ volatile("" ::: "memory");
}
__attribute__((noinline)) static void start_expiry(void) {
  start(&expiry);
  __asm__ volatile("" ::: "memory");
}

static void stop(struct part* part) {
  pthread_mutex_lock(&part->lock);
  part->stop = 1;
  pthread_cond_signal(&part->wake);
  pthread_mutex_unlock(&part->lock);
  pthread_join(part->thread, 0);
}

int main(void) {
  start_bans();
  start_expiry();
  usleep(50000);   // both wait
  stop(&bans);
  stop(&expiry);
  return 0;
}
