// EXPECT destroy-held confirmed: the mutex is destroyed by the thread that holds it
// SPDX-License-Identifier: MIT
#include "pair.h"

int main(void) {
  pthread_mutex_t m;
  pthread_mutex_init(&m, NULL);
  pthread_mutex_lock(&m);
  pthread_mutex_destroy(&m);
  return 0;
}
