// EXPECT lock-order-cycle possible: two processes take two locks in shared memory, each in its own order
// PROCESSES 2
// SPDX-License-Identifier: MIT
#include <crossdep.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "pair.h"

int main(void) {
  pthread_mutex_t* locks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&locks[0], &shared);
  pthread_mutex_init(&locks[1], &shared);
  crossdep_name(&locks[0], "first");
  crossdep_name(&locks[1], "second");
  const pid_t child = fork();
  if (child == 0) {
    usleep(100 * 1000);
    lock_both(&locks[1], &locks[0]);
    return 0;
  }
  lock_both(&locks[0], &locks[1]);
  waitpid(child, NULL, 0);
  return 0;
}
