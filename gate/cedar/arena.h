/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: memory that is given back all at once. Private to gate/cedar. */
#ifndef PAWL_CEDAR_ARENA_H
#define PAWL_CEDAR_ARENA_H

#include "gate/base/bytes.h"

struct cedar_block;
struct cedar_arena {
    struct cedar_block *last;
    uint8_t *fixed;    /* of a fixed arena: all the memory that it has; else NULL */
    size_t used, size; /* of that; whoever sets used back to what it was gives memory back */
};

/* An arena that never grows, so that taking from it is quick and ends. Error: NO_MEMORY. */
err_code cedar_arena_fixed(size_t size, struct cedar_arena *ret);

/* Aligned for anything, and zeroed (but not by a fixed arena, which gives the same memory again).
 * NULL when there is no memory. Borrows: until cedar_arena_free. */
void *cedar_arena_take(struct cedar_arena *arena, size_t size);

/* A copy of these bytes. Error: NO_MEMORY. */
err_code cedar_arena_copy(struct cedar_arena *arena, struct slice bytes, struct slice *ret);

void cedar_arena_free(struct cedar_arena *arena);

#endif
