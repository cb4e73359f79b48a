/* SPDX-License-Identifier: MIT
 *
 * A bank with three locks. Their order is: accounts, then rates, then journal. All functions may be called by any
 * thread. */
#ifndef BANK_H
#define BANK_H

void bank_deposit(int account, long amount);
int bank_withdraw(int account, long amount);      /* 0 if there is not enough */
int bank_transfer(int from, int to, long amount); /* the same */
void bank_set_rate(int percent);
int bank_rate(void);
void bank_add_interest(void);
long bank_balance(int account);
int bank_entries(void);      /* in the journal */
long bank_report(void);      /* the sum of all accounts, entered in the journal */
void bank_close(int account);

#endif
