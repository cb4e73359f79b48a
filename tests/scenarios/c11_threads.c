// EXPECT lock-order-cycle possible: mtx_lock in two orders, in threads of thrd_create
// SPDX-License-Identifier: MIT
#include <threads.h>
#include <unistd.h>

static mtx_t a, b;
static void lock_both(mtx_t* outer, mtx_t* inner) {
  mtx_lock(outer);
  mtx_lock(inner);
  mtx_unlock(inner);
  mtx_unlock(outer);
}
static int forward(void* unused) { (void)unused; lock_both(&a, &b); return 0; }
static int backward(void* unused) { (void)unused; usleep(100 * 1000); lock_both(&b, &a); return 0; }
int main(void) {
  mtx_init(&a, mtx_plain);
  mtx_init(&b, mtx_plain);
  thrd_t threads[2];
  thrd_create(&threads[0], forward, NULL);
  thrd_create(&threads[1], backward, NULL);
  thrd_join(threads[0], NULL);
  thrd_join(threads[1], NULL);
  mtx_destroy(&a);
  mtx_destroy(&b);
  return 0;
}
