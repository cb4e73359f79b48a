// EXPECT none: the file is closed, and so unlocked, before the mutex is asked for; and locked again by trying only
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

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
static void* mutex_after_file(void* unused) {
  // Closing any descriptor of the file ends the process's record locks on it.
  lock_file(F_WRLCK);
  close(open(path, O_RDWR));
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  FILE* file = fopen(path, "r+");
  flock(fileno(file), LOCK_EX);
  fclose(file);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  // What is tried is held, but nobody waits for it.
  file = fopen(path, "r+");
  pthread_mutex_lock(&mutex);
  flock(fileno(file), LOCK_EX | LOCK_NB);
  flock(fileno(file), LOCK_UN);
  pthread_mutex_unlock(&mutex);
  flock(fileno(file), LOCK_EX);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  fclose(file);
  return unused;
}
int main(void) {
  descriptor = mkstemp(path);
  two_threads(file_in_mutex, mutex_after_file);
  unlink(path);
  return 0;
}
