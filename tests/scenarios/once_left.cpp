// EXPECT none: pthread_once()'s routine is left by an exception, and in another thread by cancellation; each begins again
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_once_t thrown = PTHREAD_ONCE_INIT;
static pthread_once_t cancelled = PTHREAD_ONCE_INIT;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static int throws, cancels;
static void throwing() {
  if (++throws == 1) throw 1;
}
static void sleeping() {
  if (++cancels == 1) pause();
}
static void* body(void* unused) {
  pthread_once(&cancelled, sleeping);
  return unused;
}
int main() {
  try { pthread_once(&thrown, throwing); } catch (int) {}
  pthread_mutex_lock(&a);   // under no lock
  pthread_mutex_unlock(&a);
  pthread_once(&thrown, throwing);
  pthread_t thread;
  pthread_create(&thread, nullptr, body, nullptr);
  usleep(100 * 1000);
  pthread_cancel(thread);
  pthread_join(thread, nullptr);
  pthread_once(&cancelled, sleeping);
  printf("%d %d\n", throws, cancels);
  return throws == 2 && cancels == 2 ? 0 : 1;
}
