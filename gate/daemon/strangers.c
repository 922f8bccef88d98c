/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/strangers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN UINT64_C(1000000000) /* a second of one per second */

struct strangers {
    struct keeper *keeper;
    uint64_t (*clock_ms)(void);
    const char *class_;
    struct stranger_rates rates;
    struct strangers_counts counts;
};

/* ---- the rate -------------------------------------------------------------------------------- */

static void fill(struct bucket *bucket, uint64_t now_ns, uint64_t per_second, uint64_t burst)
{
    uint64_t most = burst * TOKEN;
    uint64_t ns = now_ns > bucket->at_ns ? now_ns - bucket->at_ns : 0;

    bucket->at_ns = now_ns;
    if (ns >= most / per_second || bucket->tokens > most - ns * per_second)
        bucket->tokens = most;
    else
        bucket->tokens += ns * per_second;
}

/* This user's bucket, or an unused one. A full one says no more than none, and makes room. NULL:
 * there is no room. */
static struct stranger *find(struct stranger_rates *rates, uid_t uid, uint64_t now_ns)
{
    struct stranger *room = NULL;

    for (size_t i = 0; i < STRANGERS_KNOWN; i++) {
        struct stranger *one = &rates->list[i];
        if (one->known && one->uid == uid)
            return one;
        if (one->known)
            fill(&one->bucket, now_ns, STRANGER_PER_SECOND, STRANGER_BURST);
        if (!one->known || one->bucket.tokens == STRANGER_BURST * TOKEN)
            room = one;
    }
    if (room != NULL)
        *room = (struct stranger){true, uid, {STRANGER_BURST * TOKEN, now_ns}};
    return room;
}

bool stranger_rate_take(struct stranger_rates *rates, uid_t uid, uint64_t now_ns)
{
    struct stranger *stranger;

    if (!rates->begun)
        rates->all = (struct bucket){STRANGERS_BURST * TOKEN, now_ns};
    rates->begun = true;
    fill(&rates->all, now_ns, STRANGERS_PER_SECOND, STRANGERS_BURST);
    stranger = find(rates, uid, now_ns);
    if (stranger == NULL)
        return false;
    fill(&stranger->bucket, now_ns, STRANGER_PER_SECOND, STRANGER_BURST);
    if (stranger->bucket.tokens < TOKEN || rates->all.tokens < TOKEN)
        return false;
    stranger->bucket.tokens -= TOKEN;
    rates->all.tokens -= TOKEN;
    return true;
}

/* ---- records --------------------------------------------------------------------------------- */

static void done(struct demand *demand)
{
    struct strangers *strangers = demand->ctx;

    for (size_t i = 0; i < demand->n_items; i++)
        if (demand->items[i].recorded)
            strangers->counts.recorded++;
        else
            strangers->counts.unrecorded++;
    demand_free(&demand);
}

/* The same request of the subject that the kernel names. */
static err_code take_request(const struct strangers *strangers, const struct caller *caller,
                             const struct demand_item *from, struct demand_item *ret)
{
    json_t *copy = json_copy(from->request.json);
    char id[32];

    (void)snprintf(id, sizeof id, "uid:%lu", (unsigned long)caller->uid);
    if (copy == NULL ||
        json_object_set_new(copy, "subject",
                            json_pack("{s:s, s:s}", "type", STRANGER_TYPE, "id", id)) != 0) {
        json_decref(copy);
        return ERR_NO_MEMORY;
    }
    ret->barred = from->malformed;
    ret->barred_why = from->malformed_why;
    return request_take(copy, strangers->class_, &ret->request, &(struct why){0});
}

static bool is_strangers(const struct demand_item *item)
{
    return item->malformed == ERR_AGENT_UNKNOWN && !item->noted && item->request.json != NULL;
}

static err_code submit(struct strangers *s, const struct caller *caller,
                       const struct demand *demand, size_t n)
{
    CLEANUP(demand_free) struct demand *out = NULL;
    size_t at = 0;

    TRY(demand_new(n, &out));
    for (size_t i = 0; i < demand->n_items && at < n; i++)
        if (is_strangers(&demand->items[i]))
            TRY(take_request(s, caller, &demand->items[i], &out->items[at++]));
    out->caller = strdup(caller->key);
    if (out->caller == NULL)
        return ERR_NO_MEMORY;
    out->asked_ms = s->clock_ms();
    out->due_ns = keeper_now_ns() + STRANGERS_WAIT_S * TOKEN;
    out->done = done;
    out->ctx = s;
    TRY(keeper_submit(s->keeper, out, &(struct why){0}));
    out = NULL; /* transferred */
    return ERR_OK;
}

void strangers_record(struct strangers *strangers, const struct caller *caller,
                      struct demand *demand)
{
    uint64_t now_ns = keeper_now_ns();
    size_t asked = 0, n = 0;

    for (size_t i = 0; i < demand->n_items; i++)
        if (is_strangers(&demand->items[i])) {
            asked++;
            n += stranger_rate_take(&strangers->rates, caller->uid, now_ns);
        }
    strangers->counts.unrecorded += asked - n;
    if (n > 0 && submit(strangers, caller, demand, n) != ERR_OK)
        strangers->counts.unrecorded += n;
    for (size_t i = 0; i < demand->n_items; i++)
        demand->items[i].noted = true;
}

struct strangers_counts strangers_count(const struct strangers *strangers)
{
    return strangers->counts;
}

/* ---- life ------------------------------------------------------------------------------------ */

err_code strangers_new(struct keeper *keeper, uint64_t (*clock_ms)(void), const char *class_,
                       struct strangers **ret)
{
    struct strangers *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    out->keeper = keeper;
    out->clock_ms = clock_ms;
    out->class_ = class_;
    *ret = out;
    return ERR_OK;
}

void strangers_free(struct strangers **strangers)
{
    free(*strangers);
    *strangers = NULL;
}
