#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static pthread_mutex_t g_twice = PTHREAD_MUTEX_INITIALIZER, g_unheld = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t g_rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t g_other = PTHREAD_MUTEX_INITIALIZER, g_leak = PTHREAD_MUTEX_INITIALIZER;
static void* unlock_it(void* p) { pthread_mutex_unlock(p); return 0; }
static void* leave_locked(void* p) { pthread_mutex_lock(p); return 0; }
static void on_signal(int n) { (void)n; free(malloc(17)); }
int main(int argc, char** argv) {
  (void)argc;
  pthread_t t;
  pthread_mutex_t* m = malloc(sizeof *m);
  switch (argv[1][0]) {
    case 't': pthread_mutex_lock(&g_twice); pthread_mutex_trylock(&g_twice);
      { pthread_mutexattr_t a; pthread_mutexattr_init(&a); pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK); pthread_mutex_init(m, &a); pthread_mutex_lock(m); pthread_mutex_lock(m);} break;
    case 'u': pthread_mutex_unlock(&g_unheld); break;
    case 'd': pthread_mutex_init(m, 0); pthread_mutex_lock(m); pthread_mutex_destroy(m); break;
    case 'o': pthread_mutex_lock(&g_other); pthread_create(&t, 0, unlock_it, &g_other); pthread_join(t, 0); break;
    case 'l': pthread_create(&t, 0, leave_locked, &g_leak); pthread_join(t, 0); break;
    case 's': signal(SIGUSR1, on_signal); raise(SIGUSR1); kill(getpid(), SIGUSR1); break;
    case 'f': pthread_mutex_init(m, 0); pthread_mutex_lock(m); free(m); break;
    case 'r': pthread_rwlock_rdlock(&g_rw); pthread_rwlock_unlock(&g_rw); pthread_rwlock_unlock(&g_rw); break;
    case 'x': pthread_mutex_init(m, 0); pthread_mutex_destroy(m); pthread_mutex_lock(m); break;
  }
  puts("done");
  return 0;
}
