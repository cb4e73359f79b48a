// EXPECT none: two files locked by flock for reading in both orders, and given back by another thread
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "pair.h"

static char first[] = "/tmp/crossdep-XXXXXX", second[] = "/tmp/crossdep-XXXXXX";
static void* unlock(void* descriptor) {
  flock(*(int*)descriptor, LOCK_UN);   // the process's, not the thread's
  return NULL;
}
static void lock_files(const char* outer, const char* inner) {
  const int a = open(outer, O_RDWR), b = open(inner, O_RDWR);
  flock(a, LOCK_SH);
  flock(b, LOCK_SH);
  pthread_t other;
  pthread_create(&other, NULL, unlock, (int[]){b});
  pthread_join(other, NULL);
  close(b);
  close(a);
}
static void* forward(void* unused) { lock_files(first, second); return unused; }
static void* backward(void* unused) { lock_files(second, first); return unused; }
int main(void) {
  close(mkstemp(first));
  close(mkstemp(second));
  two_threads(forward, backward);
  unlink(first);
  unlink(second);
  return 0;
}
