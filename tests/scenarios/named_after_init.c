// EXPECT lock-order-cycle possible: a lock may get its class's name after its initialisation; the record follows
// SPDX-License-Identifier: MIT
#include "crossdep.h"
#include "pair.h"

static pthread_mutex_t locks[2];
static void* ab(void* unused) { lock_both(&locks[0], &locks[1]); return unused; }
static void* ba(void* unused) { lock_both(&locks[1], &locks[0]); return unused; }
int main(void) {
  const char* const names[] = {"first", "second"};
  for (int i = 0; i < 2; ++i) {
    pthread_mutex_init(&locks[i], NULL);
    crossdep_name(&locks[i], names[i]);
  }
  two_threads(ab, ba);
  return 0;
}
