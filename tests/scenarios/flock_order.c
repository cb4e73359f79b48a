// EXPECT lock-order-cycle possible: two files locked by flock in both orders
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "pair.h"

static char first[] = "/tmp/crossdep-XXXXXX", second[] = "/tmp/crossdep-XXXXXX";
static void lock_files(const char* outer, const char* inner) {
  const int a = open(outer, O_RDWR), b = open(inner, O_RDWR);
  flock(a, LOCK_EX);
  flock(b, LOCK_EX);
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
