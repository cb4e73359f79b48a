/* SPDX-License-Identifier: MIT */
#include "bank.h"

#include <pthread.h>

enum { kAccounts = 8 };

static pthread_mutex_t accounts_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t rates_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;
static long balances[kAccounts];
static int rate = 1, entries;

static void enter_in_journal(void) {
  pthread_mutex_lock(&journal_lock);
  ++entries;
  pthread_mutex_unlock(&journal_lock);
}

void bank_deposit(int account, long amount) {
  pthread_mutex_lock(&accounts_lock);
  balances[account] += amount;
  enter_in_journal();
  pthread_mutex_unlock(&accounts_lock);
}

int bank_withdraw(int account, long amount) { return bank_transfer(account, 0, amount); }

int bank_transfer(int from, int to, long amount) {
  int enough;
  pthread_mutex_lock(&accounts_lock);
  enough = balances[from] >= amount;
  if (enough) {
    balances[from] -= amount;
    balances[to] += amount;
    enter_in_journal();
  }
  pthread_mutex_unlock(&accounts_lock);
  return enough;
}

void bank_set_rate(int percent) {
  pthread_mutex_lock(&rates_lock);
  rate = percent;
  enter_in_journal();
  pthread_mutex_unlock(&rates_lock);
}

int bank_rate(void) {
  int result;
  pthread_mutex_lock(&rates_lock);
  result = rate;
  pthread_mutex_unlock(&rates_lock);
  return result;
}

void bank_add_interest(void) {
  int i;
  pthread_mutex_lock(&accounts_lock);
  for (i = 0; i < kAccounts; ++i) balances[i] += balances[i] * bank_rate() / 100;
  pthread_mutex_unlock(&accounts_lock);
}

long bank_balance(int account) {
  long result;
  pthread_mutex_lock(&accounts_lock);
  result = balances[account];
  pthread_mutex_unlock(&accounts_lock);
  return result;
}

int bank_entries(void) {
  int result;
  pthread_mutex_lock(&journal_lock);
  result = entries;
  pthread_mutex_unlock(&journal_lock);
  return result;
}

long bank_report(void) {
  long sum = 0;
  int i;
#ifdef NEW_REPORT /* nothing may be entered while the accounts are read */
  pthread_mutex_lock(&journal_lock);
  for (i = 0; i < kAccounts; ++i) sum += bank_balance(i); /* the inversion: accounts under journal */
  ++entries;
  pthread_mutex_unlock(&journal_lock);
#else
  for (i = 0; i < kAccounts; ++i) sum += bank_balance(i);
  enter_in_journal();
#endif
  return sum;
}

void bank_close(int account) {
  pthread_mutex_lock(&accounts_lock);
  balances[account] = 0;
  enter_in_journal();
  pthread_mutex_unlock(&accounts_lock);
}
