// SPDX-License-Identifier: MIT
//
// The smallest deadlock: two locks, two threads, two orders. The threads run at different times, so the program ends;
// nothing but luck keeps them apart, so it need not.
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t account_a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t account_b = PTHREAD_MUTEX_INITIALIZER;
static int balance_a = 100, balance_b = 100;

static void* pay_a_to_b(void* unused) {
  pthread_mutex_lock(&account_a);
  pthread_mutex_lock(&account_b);
  balance_a -= 10;
  balance_b += 10;
  pthread_mutex_unlock(&account_b);
  pthread_mutex_unlock(&account_a);
  return unused;
}

static void* pay_b_to_a(void* unused) {
  usleep(200 * 1000);
  pthread_mutex_lock(&account_b);
  pthread_mutex_lock(&account_a);
  balance_b -= 10;
  balance_a += 10;
  pthread_mutex_unlock(&account_a);
  pthread_mutex_unlock(&account_b);
  return unused;
}

int main(void) {
  pthread_t first, second;
  pthread_create(&first, NULL, pay_a_to_b, NULL);
  pthread_create(&second, NULL, pay_b_to_a, NULL);
  pthread_join(first, NULL);
  pthread_join(second, NULL);
  return balance_a + balance_b == 200 ? 0 : 1;
}
