// EXPECT fork-held-lock deadlock: the child needs the lock that the other thread held at the fork, and does not have that thread
// PROCESSES 2
// SPDX-License-Identifier: MIT
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#include "pair.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t held, forked;
static void* hold(void* unused) {
  pthread_mutex_lock(&lock);
  sem_post(&held);
  sem_wait(&forked);
  pthread_mutex_unlock(&lock);
  return unused;
}
int main(void) {
  sem_init(&held, 0, 0);
  sem_init(&forked, 0, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, hold, NULL);
  sem_wait(&held);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&lock);
    _exit(0);
  }
  sem_post(&forked);
  pthread_join(thread, NULL);
  usleep(500 * 1000);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}
