// EXPECT lock-order-cycle possible: two threads that name themselves after they were started
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void *forwards(void *unused) {
  pthread_setname_np(pthread_self(), "forwards");
  pthread_mutex_lock(&a);
  pthread_mutex_lock(&b);
  pthread_mutex_unlock(&b);
  pthread_mutex_unlock(&a);
  return unused;
}

static void *backwards(void *unused) {
  prctl(PR_SET_NAME, "backwards", 0, 0, 0);
  usleep(100000);
  pthread_mutex_lock(&b);
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  pthread_mutex_unlock(&b);
  return unused;
}

int main(void) {
  pthread_t one, two;
  pthread_create(&one, NULL, forwards, NULL);
  pthread_create(&two, NULL, backwards, NULL);
  pthread_join(one, NULL);
  pthread_join(two, NULL);
  return 0;
}
