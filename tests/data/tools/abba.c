#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
static pthread_mutex_t g_a = PTHREAD_MUTEX_INITIALIZER, g_b = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t* heap_lock;
static pthread_mutex_t* make_lock(void) { pthread_mutex_t* m = malloc(sizeof *m); pthread_mutex_init(m, 0); return m; }
static void take(pthread_mutex_t* x, pthread_mutex_t* y) { pthread_mutex_lock(x); pthread_mutex_lock(y); pthread_mutex_unlock(y); pthread_mutex_unlock(x); }
static void* one(void* p) { (void)p; take(&g_a, &g_b); take(&g_b, heap_lock); return 0; }
static void* two(void* p) { (void)p; take(&g_b, &g_a); take(heap_lock, &g_a); return 0; }
int main(void) {
  heap_lock = make_lock();
  pthread_t t;
  pthread_create(&t, 0, one, 0); pthread_join(t, 0);
  pthread_create(&t, 0, two, 0); pthread_join(t, 0);
  puts("done");
  return 0;
}
