/* SPDX-License-Identifier: Apache-2.0 */
/* desk_testing.h: who asks a keeper in tests: gives demands and errands away, and waits for them.
 * One keeper at a time; every step asserts that it worked. */
#ifndef PAWL_DAEMON_DESK_TESTING_H
#define PAWL_DAEMON_DESK_TESTING_H

#include "gate/daemon/keeper.h"

/* A clock of the test's own: each look at it is a millisecond later. It begins at SITE_MS. */
uint64_t desk_clock_ms(void);
void desk_pass_ms(uint64_t ms);

/* Whom everything below is given to. Borrows: keeper. */
void desk_ask_of(struct keeper *keeper);

/* To run a program, of these n agents. Owns: desk_give(). */
struct demand *desk_demand(const char *caller, const char *const *agents, size_t n);

/* Gives it away. *place: NULL until it is back, and then the caller's. */
void desk_give(struct demand *demand, struct demand **place);
void desk_send(struct errand *errand);

/* Demands and errands that have not come back; and waits until so many are left. */
size_t desk_away(void);
void desk_collect(size_t left);

/* Sends an errand of this work, waits until everything is back, and expects that it went well. */
void desk_do(err_code (*run)(struct errand *errand, struct gate *gate, struct scribe *scribe,
                             struct why *why));

/* Work: none, in a gate that is current; and that its hardware can be held from now on
 * (held_testing.h). */
err_code desk_nothing(struct errand *errand, struct gate *gate, struct scribe *scribe,
                      struct why *why);
err_code desk_take_hardware(struct errand *errand, struct gate *gate, struct scribe *scribe,
                            struct why *why);

#endif
