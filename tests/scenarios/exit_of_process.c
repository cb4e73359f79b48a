// EXPECT none: the whole process ends with the lock; nobody is left to ask for it
// SPDX-License-Identifier: MIT
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
int main(void) {
  pthread_mutex_lock(&m);
  return 0;
}
