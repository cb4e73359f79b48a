/* SPDX-License-Identifier: MIT
 *
 * Ten tests: `bank_test NAME` runs one and exits with 0 if it passes. None of them hangs or fails, with the inversion or
 * without: each runs alone. */
#include <stdio.h>
#include <string.h>

#include "bank.h"

static int deposit(void) { bank_deposit(1, 10); return bank_balance(1) == 10; }
static int withdraw(void) { bank_deposit(1, 10); return bank_withdraw(1, 4) && !bank_withdraw(1, 7); }
static int transfer(void) { bank_deposit(1, 10); return bank_transfer(1, 2, 10) && bank_balance(2) == 10; }
static int rates(void) { bank_set_rate(3); return bank_rate() == 3; }
static int rate_of(void) { return bank_rate() == 1; }
static int interest(void) { bank_deposit(1, 100); bank_add_interest(); return bank_balance(1) == 101; }
static int history(void) { bank_deposit(1, 1); return bank_entries() == 1; }
static int statement(void) { bank_deposit(2, 5); return bank_balance(2) == 5 && bank_entries() == 1; }
static int report(void) { bank_deposit(1, 7); return bank_report() == 7; }
static int close_account(void) { bank_deposit(1, 7); bank_close(1); return bank_balance(1) == 0; }

int main(int argc, char** argv) {
  static const struct { const char* name; int (*run)(void); } tests[] = {
      {"deposit", deposit},   {"withdraw", withdraw}, {"transfer", transfer},   {"rates", rates},   {"rate_of", rate_of},
      {"interest", interest}, {"history", history},   {"statement", statement}, {"report", report}, {"close", close_account},
  };
  unsigned i;
  for (i = 0; argc == 2 && i < sizeof tests / sizeof *tests; ++i)
    if (strcmp(argv[1], tests[i].name) == 0) return tests[i].run() ? 0 : 1;
  fprintf(stderr, "usage: bank_test NAME\n");
  return 2;
}
