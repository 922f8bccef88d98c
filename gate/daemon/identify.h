/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.h: who asks for whom. A request is looked at when it arrives, by the roster as it is
 * then, and once more by the keeper if agents were enrolled or removed before it was decided.
 */
#ifndef PAWL_DAEMON_IDENTIFY_H
#define PAWL_DAEMON_IDENTIFY_H

#include "gate/daemon/demand.h"

/* May this caller ask for this subject, and which enrolled agent is it? An agent asks for himself
 * alone, and is who the kernel says. An enforcement point asks for anybody; {0} for a subject that
 * nobody enrolled, of whom policies know no more than his name. Errors: AGENT_UNKNOWN,
 * SUBJECT_MISMATCH, CALLER_REFUSED, NO_MEMORY. Owns: known_free(). */
err_code identify_one(struct registry *registry, const struct caller *caller,
                      const struct request *request, struct known *ret, struct why *why);

/* The same for what a demand's caller (`who`) asks: whatever he may not ask becomes malformed.
 * Before the gate was opened for the first time nobody is known: then nothing is looked up, and
 * demand->roster stays 0. */
void identify_all(struct registry *registry, struct demand *demand);

#endif
