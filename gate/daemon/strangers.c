/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/strangers.h"

#include "gate/base/clock.h"
#include "gate/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN UINT64_C(1000000000) /* a second of one per second */

#define SAVE_MS 1000 /* a count that grows is written so often */

struct strangers {
    struct strangers_options options;
    char *path;
    struct stranger_rates rates;
    struct strangers_counts counts;
    struct strangers_day day;
    bool unsaved;
    uint64_t saved_ms;
    uint64_t telling; /* requests that a record on its way tells of; 0: none is */
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

static struct stranger *find_known(struct stranger_rates *rates, uid_t uid)
{
    for (size_t i = 0; i < STRANGERS_KNOWN; i++)
        if (rates->list[i].known && rates->list[i].uid == uid)
            return &rates->list[i];
    return NULL;
}

/* This user's bucket, or an unused one. A full one says no more than none, and makes room, where
 * nobody else does one that has something to tell. NULL: there is no room. */
static struct stranger *find(struct stranger_rates *rates, uid_t uid, uint64_t now_ns)
{
    struct stranger *room = NULL;

    if ((room = find_known(rates, uid)) != NULL)
        return room;
    for (size_t i = 0; i < STRANGERS_KNOWN; i++) {
        struct stranger *one = &rates->list[i];
        if (one->known)
            fill(&one->bucket, now_ns, STRANGER_PER_SECOND, STRANGER_BURST);
        if ((!one->known || one->bucket.tokens == STRANGER_BURST * TOKEN) &&
            (room == NULL || one->untold < room->untold))
            room = one;
    }
    if (room != NULL)
        *room = (struct stranger){true, uid, {STRANGER_BURST * TOKEN, now_ns}, 0};
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

void stranger_rate_miss(struct stranger_rates *rates, uid_t uid, uint64_t n)
{
    struct stranger *stranger = find_known(rates, uid);

    if (stranger != NULL)
        stranger->untold += n;
}

static struct stranger *most_untold(struct stranger_rates *rates)
{
    struct stranger *most = NULL;

    for (size_t i = 0; i < STRANGERS_KNOWN; i++)
        if (rates->list[i].untold > (most == NULL ? 0 : most->untold))
            most = &rates->list[i];
    return most;
}

void stranger_rates_tell(struct stranger_rates *rates, uint64_t n, char *ret, size_t size)
{
    struct stranger *most;
    size_t len = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < STRANGERS_NAMED && (most = most_untold(rates)) != NULL; i++) {
        len += (size_t)snprintf(ret + len, size - len, "%suid:%lu: %llu", i > 0 ? ", " : "",
                                (unsigned long)most->uid, (unsigned long long)most->untold);
        n -= most->untold < n ? most->untold : n;
        most->untold = 0;
    }
    if (n > 0)
        (void)snprintf(ret + len, size - len, "%sothers: %llu", len > 0 ? ", " : "",
                       (unsigned long long)n);
    for (size_t i = 0; i < STRANGERS_KNOWN; i++)
        rates->list[i].untold = 0;
}

/* ---- the count ------------------------------------------------------------------------------- */

static err_code save(struct strangers *s)
{
    s->unsaved = false;
    s->saved_ms = s->options.clock_ms();
    return strangers_day_save(s->path, &s->day, NULL);
}

/* Not for each of them: who asks without a pause must not have the disk written without one. */
static void save_now_and_then(struct strangers *s)
{
    uint64_t now_ms = s->options.clock_ms();

    if (s->unsaved && (now_ms < s->saved_ms || now_ms - s->saved_ms >= SAVE_MS))
        (void)save(s);
}

static void miss(struct strangers *s, uint64_t n)
{
    s->counts.unrecorded += n;
    strangers_day_miss(&s->day, n, s->options.clock_ms());
    s->unsaved = s->unsaved || n > 0;
}

/* ---- records --------------------------------------------------------------------------------- */

static void done(struct demand *demand)
{
    struct strangers *strangers = demand->ctx;

    for (size_t i = 0; i < demand->n_items; i++)
        if (demand->items[i].recorded)
            strangers->counts.recorded++;
        else
            miss(strangers, 1);
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
    return request_take(copy, strangers->options.class_, &ret->request, &(struct why){0});
}

static bool is_strangers(const struct demand_item *item)
{
    return item->malformed == ERR_AGENT_UNKNOWN && !item->noted && item->request.json != NULL;
}

/* On success the keeper has it. */
static err_code send(struct strangers *s, struct demand *demand, const char *caller,
                     void (*back)(struct demand *demand))
{
    demand->caller = strdup(caller);
    if (demand->caller == NULL)
        return ERR_NO_MEMORY;
    demand->asked_ms = s->options.clock_ms();
    demand->due_ns = clock_steady_ns() + STRANGERS_WAIT_S * TOKEN;
    demand->done = back;
    demand->ctx = s;
    return keeper_submit(s->options.keeper, demand, &(struct why){0});
}

static err_code submit(struct strangers *s, const struct caller *caller,
                       const struct demand *demand, size_t n)
{
    CLEANUP(demand_free) struct demand *out = NULL;
    size_t at = 0;

    TRY(save(s)); /* before it is on record: none of this day's is taken twice */
    TRY(demand_new(n, &out));
    for (size_t i = 0; i < demand->n_items && at < n; i++)
        if (is_strangers(&demand->items[i]))
            TRY(take_request(s, caller, &demand->items[i], &out->items[at++]));
    TRY(send(s, out, caller->key, done));
    out = NULL; /* transferred */
    return ERR_OK;
}

void strangers_record(struct strangers *strangers, const struct caller *caller,
                      struct demand *demand)
{
    struct strangers *s = strangers;
    uint64_t now_ns = s->options.now_ns(), now_ms = s->options.clock_ms();
    size_t asked = 0, n = 0;

    for (size_t i = 0; i < demand->n_items; i++)
        if (is_strangers(&demand->items[i])) {
            asked++;
            n += stranger_rate_take(&s->rates, caller->uid, now_ns) &&
                 strangers_day_take(&s->day, now_ms);
        }
    if (n > 0 && submit(s, caller, demand, n) != ERR_OK)
        n = 0;
    miss(s, asked - n);
    stranger_rate_miss(&s->rates, caller->uid, asked - n);
    save_now_and_then(s);
    for (size_t i = 0; i < demand->n_items; i++)
        demand->items[i].noted = true;
}

/* ---- what is told together ------------------------------------------------------------------- */

static void told(struct demand *demand)
{
    struct strangers *s = demand->ctx;

    if (demand->items[0].recorded) {
        strangers_day_told(&s->day, s->telling);
        (void)save(s);
    }
    s->telling = 0;
    demand_free(&demand);
}

static err_code take_telling(struct strangers *s, uint64_t n, uint64_t since_ms,
                             struct demand_item *ret)
{
    char of[64 * STRANGERS_NAMED], text[sizeof of + 128], since[TIME_TEXT];
    const struct request_flags flags = {
        STRANGER_TYPE, STRANGERS_TOGETHER, "ask", "execute", "requests", text, NULL, NULL, NULL};

    stranger_rates_tell(&s->rates, n, of, sizeof of);
    time_text((int64_t)(since_ms / 1000), since);
    (void)snprintf(text, sizeof text, "%llu not recorded one by one since %s; %s",
                   (unsigned long long)n, since, of);
    ret->barred = ERR_AGENT_UNKNOWN;
    (void)why_say(&ret->barred_why, ERR_AGENT_UNKNOWN, "no enrolled agent asked these");
    return request_from_flags(&flags, &ret->request, &(struct why){0});
}

static err_code tell(struct strangers *s, uint64_t n, uint64_t since_ms)
{
    CLEANUP(demand_free) struct demand *out = NULL;

    TRY(save(s)); /* before it is on record: not once more after each start */
    TRY(demand_new(1, &out));
    TRY(take_telling(s, n, since_ms, &out->items[0]));
    TRY(send(s, out, STRANGERS_TOGETHER, told));
    out = NULL; /* transferred */
    s->telling = n;
    return ERR_OK;
}

void strangers_tick(struct strangers *strangers)
{
    struct strangers *s = strangers;
    uint64_t since_ms = s->day.since_ms, n;

    save_now_and_then(s);
    if (s->telling == 0 && (n = strangers_day_due(&s->day, s->options.clock_ms())) > 0)
        (void)tell(s, n, since_ms); /* or in an hour */
}

struct strangers_counts strangers_count(const struct strangers *strangers)
{
    struct strangers_counts counts = strangers->counts;

    counts.untold = strangers->day.unrecorded;
    return counts;
}

/* ---- life ------------------------------------------------------------------------------------ */

err_code strangers_new(const struct strangers_options *options, struct strangers **ret,
                       struct why *why)
{
    CLEANUP(strangers_free) struct strangers *out = calloc(1, sizeof *out);

    if (out == NULL || (out->path = strdup(options->path)) == NULL)
        return ERR_NO_MEMORY;
    out->options = *options;
    if (out->options.now_ns == NULL)
        out->options.now_ns = clock_steady_ns;
    TRY(strangers_day_load(out->path, options->clock_ms(), &out->day, why));
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

void strangers_free(struct strangers **strangers)
{
    struct strangers *s = *strangers;

    if (s == NULL)
        return;
    if (s->unsaved)
        (void)save(s);
    free(s->path);
    free(s);
    *strangers = NULL;
}
