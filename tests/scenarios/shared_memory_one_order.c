// EXPECT none: two processes take two locks in shared memory in one order, and one is held over the fork
// PROCESSES 2
// SPDX-License-Identifier: MIT
#include <crossdep.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "pair.h"

static void* hold(void* lock) {   // not left behind by the fork: it is given up for both
  pthread_mutex_lock(lock);
  usleep(200 * 1000);
  pthread_mutex_unlock(lock);
  return NULL;
}
int main(void) {
  pthread_mutex_t* locks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&locks[0], &shared);
  pthread_mutex_init(&locks[1], &shared);
  crossdep_name(&locks[0], "first");
  crossdep_name(&locks[1], "second");
  pthread_t holder;
  pthread_create(&holder, NULL, hold, locks);
  usleep(100 * 1000);
  const pid_t child = fork();
  if (child == 0) {
    usleep(100 * 1000);
    lock_both(&locks[0], &locks[1]);
    return 0;
  }
  lock_both(&locks[0], &locks[1]);
  pthread_join(holder, NULL);
  waitpid(child, NULL, 0);
  return 0;
}
