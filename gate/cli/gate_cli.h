/* SPDX-License-Identifier: Apache-2.0 */
/* gate_cli.h: what several verbs print about a gate, from the members of their JSON answer, which
 * this process made or the service (manage.h). */
#ifndef PAWL_CLI_GATE_CLI_H
#define PAWL_CLI_GATE_CLI_H

#include "gate/cli/verb.h"

/* A member of an answer. Without it "", 0. */
const char *get_text(const json_t *object, const char *key);
unsigned long long get_uint(const json_t *object, const char *key);

/* The policies in force, as a table. what: "In force", or "On disk" where the hardware is
 * elsewhere. */
void say_snapshot(struct call *call, const char *what);

/* The hardware root: kind, model, guarantees. */
void say_hardware(struct call *call);

/* What went wrong behind the answer, if anything did. */
void say_published(struct call *call);

#endif
