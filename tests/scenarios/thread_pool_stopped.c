// EXPECT cross-release-cycle possible: as thread_wrapper.c, but both threads are made at one place, and are one class: one is joined before the other is woken
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

static struct part parts[2] = {{.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER},
                               {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER}};

static void stop(struct part* part) {
  pthread_mutex_lock(&part->lock);
  part->stop = 1;
  pthread_cond_signal(&part->wake);
  pthread_mutex_unlock(&part->lock);
  pthread_join(part->thread, 0);
}

int main(void) {
  for (struct part* part = parts; part != parts + 2; ++part) start(part);
  usleep(50000);   // both wait
  stop(&parts[0]);
  stop(&parts[1]);
  return 0;
}
