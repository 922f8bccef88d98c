/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/once.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 8192
#define BYTES_MAX ((size_t)64 << 20)
#define KEEP_NS UINT64_C(600000000000)
#define SWEEP_NS UINT64_C(1000000000)
#define BUCKETS 1024

struct holder;

struct once_entry {
    struct once_entry *next;          /* in its bucket */
    struct once_entry *older, *newer; /* of its holder */
    struct holder *holder;
    struct digest id, body;
    bool answered;
    uint64_t until_ns;
    struct once_law law; /* that the answer rests on */
    struct buf answer;
    struct once_wait *waits;
};

/* A caller who has keys. */
struct holder {
    struct holder *next;
    char *caller;
    struct once_entry *oldest, *newest;
    size_t n, n_answered, bytes;
};

struct once {
    struct once_limits limits;
    struct once_entry *buckets[BUCKETS];
    struct holder *holders;
    size_t n, bytes;
    uint64_t sweep_ns;
};

/* ---- lists ----------------------------------------------------------------------------------- */

static struct once_entry **bucket_of(struct once *once, const struct digest *id)
{
    return &once->buckets[(id->bytes[0] | (unsigned)id->bytes[1] << 8) % BUCKETS];
}

static void holder_drop(struct once *once, struct holder *holder)
{
    struct holder **at = &once->holders;

    while (*at != holder)
        at = &(*at)->next;
    *at = holder->next;
    free(holder->caller);
    free(holder);
}

/* NULL: he has no keys. */
static struct holder *holder_find(const struct once *once, const char *caller)
{
    struct holder *holder = once->holders;

    while (holder != NULL && strcmp(holder->caller, caller) != 0)
        holder = holder->next;
    return holder;
}

static err_code holder_of(struct once *once, const char *caller, struct holder **ret)
{
    struct holder *holder = holder_find(once, caller);

    if (holder == NULL) {
        holder = calloc(1, sizeof *holder);
        if (holder == NULL || (holder->caller = strdup(caller)) == NULL) {
            free(holder);
            return ERR_NO_MEMORY;
        }
        holder->next = once->holders;
        once->holders = holder;
    }
    *ret = holder;
    return ERR_OK;
}

static void drop(struct once *once, struct once_entry *entry)
{
    struct once_entry **at = bucket_of(once, &entry->id);
    struct holder *holder = entry->holder;

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    *(entry->older != NULL ? &entry->older->newer : &holder->oldest) = entry->newer;
    *(entry->newer != NULL ? &entry->newer->older : &holder->newest) = entry->older;
    once->n--;
    once->bytes -= entry->answer.len;
    holder->bytes -= entry->answer.len;
    holder->n_answered -= entry->answered;
    if (--holder->n == 0)
        holder_drop(once, holder);
    buf_free(&entry->answer);
    free(entry);
}

/* ---- room ------------------------------------------------------------------------------------ */

static void sweep(struct once *once, uint64_t now_ns)
{
    if (now_ns < once->sweep_ns)
        return;
    once->sweep_ns = now_ns + SWEEP_NS;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct once_entry *entry = once->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            if (entry->answered && now_ns >= entry->until_ns)
                drop(once, entry);
        }
}

/* What each caller is assured of. */
static size_t part_of(size_t all)
{
    return all / (2 * ONCE_CALLERS);
}

static size_t use_of(const struct holder *holder, bool of_bytes)
{
    return of_bytes ? holder->bytes : holder->n;
}

/* The oldest answer of whoever has the most keys, or bytes, of those who have more than their part;
 * or of this one, whom it is for. False: there is none. */
static bool make_room(struct once *once, struct holder *own, bool of_bytes)
{
    const size_t part = part_of(of_bytes ? once->limits.bytes : once->limits.keys);
    struct holder *most = NULL;
    struct once_entry *entry;

    for (struct holder *h = once->holders; h != NULL; h = h->next)
        if (h->n_answered > 0 && use_of(h, of_bytes) > part &&
            (most == NULL || use_of(h, of_bytes) > use_of(most, of_bytes)))
            most = h;
    if (most == NULL && own != NULL && own->n_answered > 0)
        most = own;
    if (most == NULL)
        return false;
    entry = most->oldest;
    while (!entry->answered)
        entry = entry->newer;
    drop(once, entry);
    return true;
}

/* Keys of requests that are still being decided, of all callers, beyond their parts. */
static size_t beyond_parts(const struct once *once)
{
    const size_t part = part_of(once->limits.keys);
    size_t all = 0;

    for (const struct holder *h = once->holders; h != NULL; h = h->next)
        all += h->n - h->n_answered > part ? h->n - h->n_answered - part : 0;
    return all;
}

static err_code make_room_for_key(struct once *once, struct holder *own, struct why *why)
{
    const size_t keys = once->limits.keys, part = part_of(keys), most = keys - ONCE_CALLERS * part;
    const size_t running = own == NULL ? 0 : own->n - own->n_answered;

    if (running >= part && beyond_parts(once) >= most)
        return why_say(
            why, ERR_OVERLOADED,
            "%zu requests of this caller wait with a key, and the room of all beyond %zu "
            "each, %zu, is taken",
            running, part, most);
    if (once->n >= keys && !make_room(once, own, false))
        return why_say(why, ERR_OVERLOADED, "%zu requests with a key wait, the limit is %zu",
                       once->n, keys);
    return ERR_OK;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static err_code check_key(const char *key, struct why *why)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < len; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return why_say(why, ERR_REQUEST_MALFORMED,
                           "Idempotency-Key has a character that is not visible ASCII");
    if (len == 0 || len > ONCE_KEY_MAX)
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "Idempotency-Key has %zu characters, wanted 1 to %d", len, ONCE_KEY_MAX);
    return ERR_OK;
}

/* Nobody can choose keys that meet in one place and are not the same. */
static err_code id_of(const struct once_ask *ask, struct digest *ret)
{
    const struct slice parts[] = {slice_str(ask->caller), slice_str("\n"), slice_str(ask->key)};

    return hash_tagged("pawl-once-v1", parts, sizeof parts / sizeof parts[0], ret);
}

static err_code add(struct once *once, const struct once_ask *ask, const struct digest *id,
                    struct once_entry **ret)
{
    struct once_entry *entry = calloc(1, sizeof *entry), **bucket = bucket_of(once, id);
    struct holder *holder;

    if (entry == NULL || holder_of(once, ask->caller, &holder) != ERR_OK) {
        free(entry);
        return ERR_NO_MEMORY;
    }
    entry->id = *id;
    entry->body = ask->body;
    entry->law = ask->law;
    entry->holder = holder;
    entry->next = *bucket;
    *bucket = entry;
    entry->older = holder->newest;
    *(holder->newest != NULL ? &holder->newest->newer : &holder->oldest) = entry;
    holder->newest = entry;
    holder->n++;
    once->n++;
    *ret = entry;
    return ERR_OK;
}

static bool holds(const struct once_entry *entry, const struct once_ask *ask, uint64_t now_ns)
{
    return !entry->answered || (now_ns < entry->until_ns && entry->law.epoch == ask->law.epoch &&
                                entry->law.roster == ask->law.roster);
}

err_code once_find(struct once *once, const struct once_ask *ask, uint64_t now_ns,
                   enum once_found *ret, struct once_entry **ret_entry, struct why *why)
{
    struct once_entry *entry;
    struct digest id;

    TRY(check_key(ask->key, why));
    TRY(id_of(ask, &id));
    sweep(once, now_ns);
    entry = *bucket_of(once, &id);
    while (entry != NULL && !digest_eq(&entry->id, &id))
        entry = entry->next;
    if (entry != NULL && !holds(entry, ask, now_ns)) {
        drop(once, entry);
        entry = NULL;
    }
    if (entry != NULL && !digest_eq(&entry->body, &ask->body))
        return why_say(why, ERR_EXISTS, "this Idempotency-Key was used with another request");
    *ret = ONCE_FIRST;
    if (entry != NULL) {
        *ret = entry->answered ? ONCE_ANSWERED : ONCE_RUNNING;
    } else {
        TRY(make_room_for_key(once, holder_find(once, ask->caller), why));
        TRY(add(once, ask, &id, &entry));
    }
    *ret_entry = entry;
    return ERR_OK;
}

struct slice once_answer(const struct once_entry *entry)
{
    return buf_slice(&entry->answer);
}

void once_join(struct once_entry *entry, struct once_wait *wait)
{
    wait->next = entry->waits;
    entry->waits = wait;
}

void once_leave(struct once_entry *entry, struct once_wait *wait)
{
    struct once_wait **at = &entry->waits;

    while (*at != NULL && *at != wait)
        at = &(*at)->next;
    if (*at != NULL)
        *at = wait->next;
}

/* ---- the end of the first -------------------------------------------------------------------- */

static bool keep_answer(struct once *once, struct once_entry *entry, struct slice answer)
{
    if (answer.len > once->limits.bytes)
        return false;
    while (once->bytes > once->limits.bytes - answer.len)
        if (!make_room(once, entry->holder, true))
            return false;
    if (buf_add_slice(&entry->answer, answer) != ERR_OK)
        return false;
    entry->answered = true;
    entry->holder->n_answered++;
    entry->holder->bytes += answer.len;
    once->bytes += answer.len;
    return true;
}

void once_end(struct once *once, struct once_entry *entry, uint64_t now_ns,
              const struct once_given *given, void *ctx)
{
    struct once_wait *waits = entry->waits;

    entry->waits = NULL;
    entry->until_ns = now_ns + once->limits.keep_ns;
    if (given != NULL)
        entry->law.epoch = given->epoch;
    if (given == NULL || !keep_answer(once, entry, given->answer))
        drop(once, entry);
    for (struct once_wait *wait; (wait = waits) != NULL;) {
        waits = wait->next;
        wait->answer(wait, ctx);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

err_code once_new(const struct once_limits *limits, struct once **ret)
{
    struct once *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    out->limits = *limits;
    if (out->limits.keys == 0)
        out->limits.keys = KEYS_MAX;
    if (out->limits.bytes == 0)
        out->limits.bytes = BYTES_MAX;
    if (out->limits.keep_ns == 0)
        out->limits.keep_ns = KEEP_NS;
    *ret = out;
    return ERR_OK;
}

void once_free(struct once **once)
{
    if (*once == NULL)
        return;
    while ((*once)->holders != NULL)
        drop(*once, (*once)->holders->oldest);
    free(*once);
    *once = NULL;
}

size_t once_keys(const struct once *once)
{
    return once->n;
}
