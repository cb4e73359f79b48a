// EXPECT lock-order-cycle possible: two pairs of one static array's elements, each in both orders; one problem, told once
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static struct {
  char what[60];
  pthread_mutex_t lock;
} accounts[4] = {[0 ... 3] = {"", PTHREAD_MUTEX_INITIALIZER}};

static void* transfer(void* argument) {
  const int* pair = argument;
  pthread_mutex_lock(&accounts[pair[0]].lock);
  pthread_mutex_lock(&accounts[pair[1]].lock);
  pthread_mutex_unlock(&accounts[pair[1]].lock);
  pthread_mutex_unlock(&accounts[pair[0]].lock);
  return NULL;
}

int main(void) {
  static int pairs[4][2] = {{0, 1}, {1, 0}, {2, 3}, {3, 2}};
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) {
    pthread_create(&threads[i], NULL, transfer, pairs[i]);
    usleep(50 * 1000);   // apart in time only
  }
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  return 0;
}
