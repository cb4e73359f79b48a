// EXPECT none: an atfork handler takes the lock before the fork: no other thread can hold it then
// PROCESSES 2
// SPDX-License-Identifier: MIT
#include <semaphore.h>
#include <sys/wait.h>

#include "pair.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t held;
static void* hold(void* unused) {
  pthread_mutex_lock(&lock);
  sem_post(&held);
  pthread_mutex_unlock(&lock);
  return unused;
}
static void before(void) { pthread_mutex_lock(&lock); }
static void after(void) { pthread_mutex_unlock(&lock); }
int main(void) {
  sem_init(&held, 0, 0);
  pthread_atfork(before, after, after);
  pthread_t thread;
  pthread_create(&thread, NULL, hold, NULL);
  sem_wait(&held);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&lock);
    _exit(0);
  }
  pthread_join(thread, NULL);
  waitpid(child, NULL, 0);
  return 0;
}
