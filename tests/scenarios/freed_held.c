// EXPECT destroy-held confirmed: memory is freed with a lock in it that is held
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "pair.h"

struct object { long number; pthread_mutex_t mutex; };
int main(void) {
  struct object* object = malloc(sizeof *object);
  pthread_mutex_init(&object->mutex, NULL);
  pthread_mutex_lock(&object->mutex);
  free(object);
  return 0;
}
