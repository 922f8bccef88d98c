/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/reserve.h"

#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

union slot {
    union slot *next; /* while it is free */
    max_align_t align;
    uint8_t bytes[RESERVE_SLOT];
};

/* libevent passes no context. Pages that nobody took a slot of cost nothing. */
static struct {
    union slot slots[RESERVE_SLOTS];
    size_t fresh; /* slots that were never taken begin here */
    union slot *freed;
    size_t used;
} reserve;

static bool is_slot(const void *memory)
{
    const uintptr_t at = (uintptr_t)memory, begin = (uintptr_t)reserve.slots;

    return at >= begin && at - begin < sizeof reserve.slots;
}

static void *take(size_t size)
{
    union slot *slot = reserve.freed;

    if (size > RESERVE_SLOT)
        return NULL;
    if (slot != NULL)
        reserve.freed = slot->next;
    else if (reserve.fresh < RESERVE_SLOTS)
        slot = &reserve.slots[reserve.fresh++];
    reserve.used += slot != NULL;
    return slot;
}

void *reserve_malloc(size_t size)
{
    void *made = malloc(size);

    return made != NULL ? made : take(size);
}

void reserve_free(void *memory)
{
    union slot *slot = memory;

    if (!is_slot(memory)) {
        free(memory);
        return;
    }
    slot->next = reserve.freed;
    reserve.freed = slot;
    reserve.used--;
}

void *reserve_realloc(void *old, size_t size)
{
    void *made;

    if (old == NULL)
        return reserve_malloc(size);
    if (!is_slot(old))
        return realloc(old, size);
    if (size <= RESERVE_SLOT)
        return old;
    made = malloc(size);
    if (made == NULL)
        return NULL;
    memcpy(made, old, RESERVE_SLOT);
    reserve_free(old);
    return made;
}

void reserve_for_events(void)
{
    event_set_mem_functions(reserve_malloc, reserve_realloc, reserve_free);
}

bool reserve_is_low(void)
{
    return reserve.used >= RESERVE_SLOTS / 2;
}
