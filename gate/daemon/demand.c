/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/demand.h"

#include <stdlib.h>

err_code demand_new(size_t n_items, struct demand **ret)
{
    CLEANUP(demand_free) struct demand *out = calloc(1, sizeof *out);

    if (n_items == 0 || n_items > DEMAND_ITEMS_MAX)
        return ERR_TOO_LARGE;
    if (out == NULL)
        return ERR_NO_MEMORY;
    out->items = calloc(n_items, sizeof *out->items);
    if (out->items == NULL)
        return ERR_NO_MEMORY;
    out->n_items = n_items;
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

void demand_free(struct demand **demand)
{
    struct demand *d = *demand;

    if (d == NULL)
        return;
    for (size_t i = 0; i < d->n_items; i++) {
        request_free(&d->items[i].request);
        known_free(&d->items[i].known);
        json_decref(d->items[i].context);
        buf_free(&d->items[i].permit_file);
    }
    free(d->items);
    free(d->caller);
    free(d);
    *demand = NULL;
}

/* Whether nothing behind this one is asked any more. */
static bool ends_batch(enum demand_semantic semantic, bool permit)
{
    switch (semantic) {
    case DEMAND_EXECUTE_ALL:
        return false;
    case DEMAND_DENY_ON_FIRST_DENY:
        return !permit;
    case DEMAND_PERMIT_ON_FIRST_PERMIT:
        return permit;
    }
    return true;
}

static void judge_item(struct demand_item *item, const struct in_force *force, int64_t now)
{
    if (item->malformed != ERR_OK)
        return;
    if (item->barred != ERR_OK)
        item->answer = (struct answer){.reason = item->barred, .why = item->barred_why};
    else
        evaluate_for(force, &item->request,
                     item->known.enrolled != NULL ? &item->known.facts : NULL, now, &item->answer);
}

/* What is not asked, or is no request, comes into no round. */
static uint32_t least_window(const struct demand *demand)
{
    uint32_t least = UINT32_MAX;

    for (size_t i = 0; i < demand->n_items; i++) {
        const struct demand_item *item = &demand->items[i];
        if (item->judged && item->malformed == ERR_OK && item->answer.fresh_ms < least)
            least = item->answer.fresh_ms;
    }
    return least < UINT32_MAX ? least : 0;
}

void demand_judge(struct demand *demand, const struct in_force *force, int64_t now)
{
    bool over = false;

    for (size_t i = 0; i < demand->n_items; i++) {
        struct demand_item *item = &demand->items[i];

        item->answer = (struct answer){0};
        item->judged = !over;
        if (over)
            continue;
        judge_item(item, force, now);
        over = ends_batch(demand->semantic, item->answer.permit);
    }
    demand->fresh_ms = least_window(demand);
    demand->judged_at = now;
}
