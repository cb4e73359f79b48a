// EXPECT lock-order-cycle possible: a file lock is asked for under a mutex, and the mutex under the file lock
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdlib.h>

#include "pair.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char path[] = "/tmp/crossdep-XXXXXX";
static int descriptor;
static void lock_file(short type) {
  struct flock range = {.l_type = type, .l_whence = SEEK_SET};
  fcntl(descriptor, F_SETLKW, &range);
}
static void* file_in_mutex(void* unused) {
  pthread_mutex_lock(&mutex);
  lock_file(F_WRLCK);
  lock_file(F_UNLCK);
  pthread_mutex_unlock(&mutex);
  return unused;
}
static void* mutex_in_file(void* unused) {
  lock_file(F_WRLCK);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  lock_file(F_UNLCK);
  return unused;
}
int main(void) {
  descriptor = mkstemp(path);
  two_threads(file_in_mutex, mutex_in_file);
  unlink(path);
  return 0;
}
