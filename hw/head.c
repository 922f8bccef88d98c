/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/head.h"

#include <inttypes.h>
#include <string.h>

bool hw_head_eq(const struct hw_head *a, const struct hw_head *b)
{
    return a->round == b->round && a->size == b->size && digest_eq(&a->root, &b->root);
}

void hw_head_put(const struct hw_head *head, uint8_t ret[static HW_HEAD_LEN])
{
    put_u64(ret, head->round);
    put_u64(ret + 8, head->size);
    memcpy(ret + 16, head->root.bytes, sizeof head->root.bytes);
}

void hw_head_get(const uint8_t from[static HW_HEAD_LEN], struct hw_head *ret)
{
    ret->round = get_u64(from);
    ret->size = get_u64(from + 8);
    memcpy(ret->root.bytes, from + 16, sizeof ret->root.bytes);
}

err_code hw_head_check_put(const char *tag, uint8_t *octets, size_t len)
{
    const struct slice body = {octets, len - HW_HEAD_CHECK_LEN};
    struct digest digest;

    TRY(hash_tagged(tag, &body, 1, &digest));
    memcpy(octets + body.len, digest.bytes, HW_HEAD_CHECK_LEN);
    return ERR_OK;
}

err_code hw_head_check_see(const char *tag, struct slice octets)
{
    struct slice body = slice_part(octets, 0, octets.len - HW_HEAD_CHECK_LEN);
    struct digest digest;

    if (octets.len < HW_HEAD_CHECK_LEN)
        return ERR_FORMAT;
    TRY(hash_tagged(tag, &body, 1, &digest));
    return memcmp(octets.ptr + body.len, digest.bytes, HW_HEAD_CHECK_LEN) == 0 ? ERR_OK
                                                                               : ERR_FORMAT;
}

#define NO_HEAD 1
#define A_HEAD 2
static const char RECORD[] = "pawl-head-record-v1";

err_code hw_head_record_write(const struct hw_head_record *record,
                              uint8_t ret[static HW_HEAD_RECORD_LEN])
{
    ret[0] = record->has_head ? A_HEAD : NO_HEAD;
    put_u64(ret + 1, record->first);
    hw_head_put(&record->head, ret + 9);
    return hw_head_check_put(RECORD, ret, HW_HEAD_RECORD_LEN);
}

err_code hw_head_record_read(struct slice from, struct hw_head_record *ret)
{
    struct hw_head_record out = {0};

    if (from.len != HW_HEAD_RECORD_LEN || (from.ptr[0] != A_HEAD && from.ptr[0] != NO_HEAD))
        return ERR_FORMAT;
    TRY(hw_head_check_see(RECORD, from));
    out.has_head = from.ptr[0] == A_HEAD;
    out.first = get_u64(from.ptr + 1);
    hw_head_get(from.ptr + 9, &out.head);
    *ret = out;
    return ERR_OK;
}

/* What is compared, with the disk's last head worked out. */
struct judging {
    const struct hw_head_facts *facts;
    const struct hw_head *heads;
    size_t n;
    struct hw_head last; /* of an empty disk: first, nothing */
};

/* The last head whose size the hardware knows. */
static const struct hw_head *sized(const struct hw_head_facts *facts)
{
    if (facts->has_bound)
        return &facts->bound;
    return facts->has_durable ? &facts->durable : NULL;
}

static err_code rollback(const struct judging *j, struct why *why)
{
    const struct hw_head_facts *f = j->facts;
    const struct hw_head *known = sized(f);

    if (known != NULL && known->size > j->last.size)
        return why_say(why, ERR_LEDGER_ROLLBACK,
                       "the ledger on disk has %" PRIu64 " entries and ends with round %" PRIu64
                       ", the hardware knows of %s%" PRIu64 " entries in round %" PRIu64
                       " and counted to round %" PRIu64,
                       j->last.size, j->last.round, f->has_bound ? "" : "at least ", known->size,
                       known->round, f->least);
    return why_say(why, ERR_LEDGER_ROLLBACK,
                   "the ledger on disk has %" PRIu64 " entries and ends with round %" PRIu64
                   ", the hardware counted to round %" PRIu64 ": at least %" PRIu64 " entries",
                   j->last.size, j->last.round, f->least, j->last.size + 1);
}

static err_code rises(const struct judging *j, struct why *why)
{
    for (size_t i = 1; i < j->n; i++)
        if (j->heads[i].round <= j->heads[i - 1].round || j->heads[i].size < j->heads[i - 1].size)
            return why_say(why, ERR_LEDGER_INCONSISTENT,
                           "round %" PRIu64 " with %" PRIu64 " entries stands on disk after round "
                           "%" PRIu64 " with %" PRIu64,
                           j->heads[i].round, j->heads[i].size, j->heads[i - 1].round,
                           j->heads[i - 1].size);
    return ERR_OK;
}

static err_code differs(const struct hw_head *disk, const struct hw_head *kept, struct why *why)
{
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "round %" PRIu64 " has %" PRIu64
                   " entries and root %02x%02x%02x%02x... on disk, the hardware was given %" PRIu64
                   " and %02x%02x%02x%02x...",
                   disk->round, disk->size, disk->root.bytes[0], disk->root.bytes[1],
                   disk->root.bytes[2], disk->root.bytes[3], kept->size, kept->root.bytes[0],
                   kept->root.bytes[1], kept->root.bytes[2], kept->root.bytes[3]);
}

/* A head that the hardware was given must be among those of the disk, if they reach back so far. */
static err_code has(const struct judging *j, const struct hw_head *kept, struct why *why)
{
    if (kept->round < j->heads[0].round)
        return kept->size < j->heads[0].size ? ERR_OK : differs(&j->heads[0], kept, why);
    for (size_t i = 0; i < j->n; i++)
        if (j->heads[i].round == kept->round)
            return hw_head_eq(&j->heads[i], kept) ? ERR_OK : differs(&j->heads[i], kept, why);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "the hardware was given round %" PRIu64 " with %" PRIu64
                   " entries, the disk has rounds before and after, and not this one",
                   kept->round, kept->size);
}

/* The hardware knows less than the disk: it is another, or was made anew. */
static err_code forgotten(const struct judging *j, struct why *why)
{
    const struct hw_head_facts *f = j->facts;

    if (j->n > 0 && !f->has_durable && j->last.round <= f->first)
        return why_say(why, ERR_HEAD_MISSING,
                       "the ledger on disk has %" PRIu64 " entries and ends with round %" PRIu64
                       ", the hardware began to count after round %" PRIu64,
                       j->last.size, j->last.round, f->first);
    if (j->last.round > f->round && j->last.round - f->round > 1)
        return why_say(why, ERR_HEAD_MISSING,
                       "the ledger on disk has %" PRIu64 " entries and ends with round %" PRIu64
                       ", the hardware counted to round %" PRIu64 " only",
                       j->last.size, j->last.round, f->round);
    return ERR_OK;
}

err_code hw_head_judge(const struct hw_head_facts *facts, const struct hw_head *heads, size_t n,
                       struct hw_kept *ret, bool *ret_ahead, struct why *why)
{
    struct judging j = {facts, heads, n, {.round = facts->first}};

    if (n > HW_HEADS_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu heads, at most %d", n, HW_HEADS_MAX);
    if (n > 0)
        j.last = heads[n - 1];
    TRY(rises(&j, why));
    TRY(forgotten(&j, why));
    if (j.last.round < facts->least || (facts->has_bound && j.last.round < facts->bound.round) ||
        (facts->has_durable && j.last.round < facts->durable.round))
        return rollback(&j, why);
    if (n > 0 && facts->has_durable)
        TRY(has(&j, &facts->durable, why));
    if (n > 0 && facts->has_bound)
        TRY(has(&j, &facts->bound, why));
    *ret = (struct hw_kept){
        .none = facts->none && n == 0,
        .round = facts->round,
        .missing = j.last.round < facts->round ? facts->round - j.last.round : 0,
        .has_durable = facts->has_durable,
        .durable = facts->durable,
    };
    *ret_ahead = j.last.round > facts->round;
    return ERR_OK;
}

err_code hw_head_follows(const struct hw_head *head, bool compared, uint64_t last, struct why *why)
{
    if (!compared)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "round %" PRIu64 " is to be kept, and the heads were not compared",
                       head->round);
    if (head->round != last + 1)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "round %" PRIu64 " is to be kept after round %" PRIu64, head->round, last);
    return ERR_OK;
}
