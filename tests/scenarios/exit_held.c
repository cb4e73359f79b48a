// EXPECT exit-held confirmed: the thread ends, nobody can unlock it any more
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void* take(void* unused) { pthread_mutex_lock(&m); return unused; }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, take, NULL);
  pthread_join(thread, NULL);
  return 0;
}
