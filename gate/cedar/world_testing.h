/* SPDX-License-Identifier: Apache-2.0 */
/* world_testing.h: policies, entities and a request from texts, and the answer as one line. For
 * tests only. */
#ifndef PAWL_CEDAR_WORLD_TESTING_H
#define PAWL_CEDAR_WORLD_TESTING_H

#include "gate/cedar/authorize.h"

struct world {
    struct cedar_policies *policies;
    struct cedar_entities *entities;
    struct cedar_owned_value *context;
    struct cedar_request request;
    struct cedar_worker *worker; /* borrowed */
};

/* NULL for the defaults: no policies, no entities, User::"alice", Action::"view", Doc::"readme",
 * {}. The test fails where a text is refused. Names of the request are borrowed. */
struct world_texts {
    const char *policies, *entities, *context;
    const char *principal, *action, *resource; /* Type::id, without quotes */
};
void world_open(struct world *ret, const struct world_texts *texts);
void world_close(struct world *world);

/* "permit 0 2", "deny", "deny 1 errors 0 3", or the name of an error. */
#define WORLD_LINE 512
void world_decide(struct world *world, enum cedar_mode mode, char ret[static WORLD_LINE]);
/* The same in Cedar mode, from cedar_explain: without the index, and policy by policy. */
void world_explain(struct world *world, char ret[static WORLD_LINE]);

#endif
