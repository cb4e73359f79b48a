// EXPECT none: the lock that is held over the fork was held when a thread was made, too; parent and child each give it up
// PROCESSES 2
// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include "pair.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inner = PTHREAD_MUTEX_INITIALIZER;
static void* idle(void* unused) { return unused; }
int main(void) {
  pthread_t thread;
  pthread_mutex_lock(&gate);
  pthread_create(&thread, NULL, idle, NULL);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&inner);
    pthread_mutex_unlock(&inner);
    pthread_mutex_unlock(&gate);
    _exit(0);
  }
  pthread_join(thread, NULL);
  pthread_mutex_unlock(&gate);
  waitpid(child, NULL, 0);
  return 0;
}
