/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/roster.h"

#include "gate/base/hash.h"
#include "gate/base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- one enrolment --------------------------------------------------------------------------- */

static bool is_process(const struct enrolled *e)
{
    return e->has_uid || e->cgroup.len > 0;
}

static size_t bytes_of(const struct record_agent *agent)
{
    size_t n =
        agent->id.len + agent->name.len + agent->cgroup.len + agent->zone.len + agent->parent.len;

    for (size_t i = 0; i < agent->n_aliases; i++)
        n += agent->aliases[i].len;
    return n;
}

/* The copy of a text, behind those before it. */
static struct slice keep(struct slice text, uint8_t **end)
{
    struct slice ret = {*end, text.len};

    if (text.len > 0)
        memcpy(*end, text.ptr, text.len);
    *end += text.len;
    return ret;
}

static err_code sum_of(const struct enrolled *e, struct digest *ret)
{
    const struct slice texts[] = {e->id, e->name, e->cgroup, e->zone, e->parent};
    const uint64_t numbers[] = {e->entry, e->since_ms, e->has_uid, e->uid, e->admin, e->n_aliases};
    CLEANUP(buf_free) struct buf all = {0};
    struct slice whole;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(buf_add_u64(&all, numbers[i]));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        TRY(buf_add_u64(&all, texts[i].len));
        TRY(buf_add_slice(&all, texts[i]));
    }
    for (size_t i = 0; i < e->n_aliases; i++) {
        TRY(buf_add_u64(&all, e->aliases[i].len));
        TRY(buf_add_slice(&all, e->aliases[i]));
    }
    whole = buf_slice(&all);
    return hash_tagged("pawl-state-enrolled-v1", &whole, 1, ret);
}

/* In one piece: the struct, its aliases, the texts. */
err_code enrolled_make(const struct record_agent *agent, uint64_t entry, uint64_t since_ms,
                       struct enrolled **ret)
{
    const size_t bytes = bytes_of(agent), n = agent->n_aliases;
    CLEANUP(enrolled_free) struct enrolled *e = NULL;
    struct slice *aliases;
    uint8_t *end;

    e = calloc(1, sizeof *e + n * sizeof *aliases + bytes);
    if (e == NULL)
        return ERR_NO_MEMORY;
    aliases = (struct slice *)(e + 1);
    end = (uint8_t *)(aliases + n);
    *e = (struct enrolled){
        .id = keep(agent->id, &end),
        .name = keep(agent->name, &end),
        .cgroup = keep(agent->cgroup, &end),
        .zone = keep(agent->zone, &end),
        .parent = keep(agent->parent, &end),
        .has_uid = agent->has_uid,
        .uid = agent->has_uid ? agent->uid : 0,
        .admin = agent->admin,
        .n_aliases = n,
        .aliases = aliases,
        .entry = entry,
        .since_ms = since_ms,
        .bytes = bytes,
    };
    for (size_t i = 0; i < n; i++)
        aliases[i] = keep(agent->aliases[i], &end);
    TRY(sum_of(e, &e->sum));
    *ret = e;
    e = NULL; /* transferred */
    return ERR_OK;
}

void enrolled_free(struct enrolled **enrolled)
{
    free(*enrolled);
    *enrolled = NULL;
}

err_code roster_sum(const struct roster *roster, struct digest *ret)
{
    CLEANUP(buf_free) struct buf sums = {0};
    struct slice all;

    for (size_t i = 0; i < roster->n; i++)
        TRY(buf_add_slice(&sums, digest_slice(&roster->list[i]->sum)));
    all = buf_slice(&sums);
    return hash_sha256_parts(&all, 1, ret);
}

void roster_free(struct roster *roster)
{
    for (size_t i = 0; i < roster->n; i++)
        enrolled_free(&roster->list[i]);
    free(roster->list);
    free(roster->places);
    *roster = (struct roster){0};
}

/* ---- where one stands ------------------------------------------------------------------------ */

/* The first that is not before this id. */
static size_t place_of_id(const struct roster *roster, struct slice id)
{
    size_t from = 0, to = roster->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (slice_cmp(roster->list[middle]->id, id) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

struct place {
    struct slice cgroup;
    bool has_uid;
    uint64_t uid;
};

static int compare(const struct enrolled *e, const struct place *place)
{
    int order = slice_cmp(e->cgroup, place->cgroup);

    if (order != 0)
        return order;
    if (e->has_uid != place->has_uid)
        return e->has_uid ? 1 : -1;
    if (e->has_uid && e->uid != place->uid)
        return e->uid < place->uid ? -1 : 1;
    return 0;
}

static size_t place_of(const struct roster *roster, const struct place *place)
{
    size_t from = 0, to = roster->n_places;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (compare(roster->places[middle], place) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct enrolled *find(const struct roster *roster, struct slice id)
{
    size_t at = place_of_id(roster, id);

    return at < roster->n && slice_eq(roster->list[at]->id, id) ? roster->list[at] : NULL;
}

static const struct enrolled *at_place(const struct roster *roster, const struct place *place)
{
    size_t at = place_of(roster, place);

    return at < roster->n_places && compare(roster->places[at], place) == 0 ? roster->places[at]
                                                                            : NULL;
}

const struct enrolled *roster_find(const struct roster *roster, struct slice id)
{
    return find(roster, id);
}

const struct enrolled *roster_whose(const struct roster *roster, uint64_t uid, struct slice cgroup)
{
    for (;;) {
        const struct enrolled *e = at_place(roster, &(struct place){cgroup, true, uid});

        if (e == NULL && cgroup.len > 0)
            e = at_place(roster, &(struct place){cgroup, false, 0});
        if (e != NULL || cgroup.len == 0)
            return e;
        do /* the one around it */
            cgroup.len--;
        while (cgroup.len > 0 && cgroup.ptr[cgroup.len] != '/');
    }
}

/* ---- what may change ------------------------------------------------------------------------- */

#define ARG(slice) (int)(slice).len, (const char *)(slice).ptr

err_code roster_admits(const struct roster *roster, const struct record_agent *agent,
                       struct why *why)
{
    const struct place place = {agent->cgroup, agent->has_uid, agent->uid};
    const struct enrolled *other = NULL;

    if (find(roster, agent->id) != NULL)
        return why_say(why, ERR_EXISTS, "agent \"%.*s\" is enrolled already", ARG(agent->id));
    if (agent->has_uid || agent->cgroup.len > 0)
        other = at_place(roster, &place);
    if (other != NULL)
        return why_say(why, ERR_EXISTS,
                       "agent \"%.*s\" would be the processes that agent \"%.*s\" is",
                       ARG(agent->id), ARG(other->id));
    if (agent->parent.len > 0 && find(roster, agent->parent) == NULL)
        return why_say(why, ERR_NOT_FOUND,
                       "agent \"%.*s\" belongs to \"%.*s\", who is not enrolled", ARG(agent->id),
                       ARG(agent->parent));
    if (roster->n >= ROSTER_MAX || bytes_of(agent) > ROSTER_BYTES_MAX - roster->bytes)
        return why_say(why, ERR_TOO_LARGE,
                       "%zu agents with %zu bytes are enrolled, the limits are %d and %zu",
                       roster->n, roster->bytes, ROSTER_MAX, ROSTER_BYTES_MAX);
    return ERR_OK;
}

err_code roster_releases(const struct roster *roster, struct slice id, struct why *why)
{
    const struct enrolled *e = find(roster, id);

    if (e == NULL)
        return why_say(why, ERR_NOT_FOUND, "no agent \"%.*s\" is enrolled", ARG(id));
    if (e->children > 0)
        return why_say(why, ERR_AGENT_PARENT, "%zu agents belong to agent \"%.*s\"", e->children,
                       ARG(id));
    return ERR_OK;
}

/* ---- changing -------------------------------------------------------------------------------- */

static err_code grow(struct enrolled ***list, size_t cap)
{
    struct enrolled **bigger = reallocarray(*list, cap, sizeof *bigger);

    if (bigger == NULL)
        return ERR_NO_MEMORY;
    *list = bigger;
    return ERR_OK;
}

err_code roster_room(struct roster *roster)
{
    size_t cap = roster->cap == 0 ? 16 : roster->cap * 2;

    if (roster->n < roster->cap)
        return ERR_OK;
    TRY(grow(&roster->list, cap));
    TRY(grow(&roster->places, cap));
    roster->cap = cap;
    return ERR_OK;
}

static void insert(struct enrolled **list, size_t *n, size_t at, struct enrolled *e)
{
    memmove(list + at + 1, list + at, (*n - at) * sizeof *list);
    list[at] = e;
    ++*n;
}

static void drop(struct enrolled **list, size_t *n, size_t at)
{
    --*n;
    memmove(list + at, list + at + 1, (*n - at) * sizeof *list);
}

static struct place where_is(const struct enrolled *e)
{
    return (struct place){e->cgroup, e->has_uid, e->uid};
}

void roster_put(struct roster *roster, struct enrolled *enrolled)
{
    const struct place place = where_is(enrolled);
    struct enrolled *parent = find(roster, enrolled->parent);

    insert(roster->list, &roster->n, place_of_id(roster, enrolled->id), enrolled);
    if (is_process(enrolled))
        insert(roster->places, &roster->n_places, place_of(roster, &place), enrolled);
    if (parent != NULL)
        parent->children++;
    roster->bytes += enrolled->bytes;
}

void roster_append(struct roster *roster, struct enrolled *enrolled)
{
    roster->list[roster->n++] = enrolled;
    if (is_process(enrolled))
        roster->places[roster->n_places++] = enrolled;
    roster->bytes += enrolled->bytes;
}

static int by_place(const void *a, const void *b)
{
    const struct enrolled *const *x = a, *const *y = b;
    const struct place place = where_is(*y);

    return compare(*x, &place);
}

bool roster_complete(struct roster *roster)
{
    if (roster->n_places > 0)
        qsort(roster->places, roster->n_places, sizeof *roster->places, by_place);
    for (size_t i = 0; i < roster->n; i++) {
        const struct enrolled *e = roster->list[i];
        struct enrolled *parent = find(roster, e->parent);

        if (i > 0 && slice_cmp(roster->list[i - 1]->id, e->id) >= 0)
            return false;
        if (parent != NULL)
            parent->children++;
        else if (e->parent.len > 0)
            return false;
    }
    return true;
}

struct enrolled *roster_take(struct roster *roster, struct slice id)
{
    size_t at = place_of_id(roster, id);
    struct enrolled *e = roster->list[at], *parent = find(roster, e->parent);
    const struct place place = where_is(e);

    drop(roster->list, &roster->n, at);
    if (is_process(e))
        drop(roster->places, &roster->n_places, place_of(roster, &place));
    if (parent != NULL)
        parent->children--;
    roster->bytes -= e->bytes;
    return e;
}
