/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/journal.h"

#include <string.h>

#define MAGIC "pawl-journal-v1\n"
#define MAGIC_LEN (sizeof MAGIC - 1)
#define CHECKED (JOURNAL_HEADER - SHA256_LEN)
#define FRAME_MIN (JOURNAL_FRONT + 2 + SHA256_LEN) /* one empty entry */

static void put(uint8_t **at, const void *bytes, size_t len)
{
    memcpy(*at, bytes, len);
    *at += len;
}

static void put_number(uint8_t **at, uint64_t value)
{
    put_u64(*at, value);
    *at += 8;
}

err_code journal_header(const struct tlog_head *base, uint8_t ret[static JOURNAL_HEADER],
                        struct digest *ret_check)
{
    uint8_t *at = ret;

    put(&at, MAGIC, MAGIC_LEN);
    put_number(&at, base->checkpoint.size);
    put(&at, base->checkpoint.root.bytes, SHA256_LEN);
    put_number(&at, base->round);
    TRY(hash_sha256((struct slice){ret, CHECKED}, ret_check));
    put(&at, ret_check->bytes, SHA256_LEN);
    return ERR_OK;
}

err_code journal_header_parse(struct slice bytes, struct tlog_head *ret_base,
                              struct digest *ret_check, struct why *why)
{
    struct reader r = reader_of(slice_part(bytes, 0, JOURNAL_HEADER));
    struct slice magic = reader_bytes(&r, MAGIC_LEN);
    struct digest check = {0}, want;
    struct tlog_head base = {0};

    base.checkpoint.size = reader_u64(&r);
    reader_copy(&r, base.checkpoint.root.bytes, SHA256_LEN);
    base.round = reader_u64(&r);
    reader_copy(&r, check.bytes, SHA256_LEN);
    if (r.err != ERR_OK)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "it has %zu bytes, its header alone %d",
                       bytes.len, JOURNAL_HEADER);
    TRY(hash_sha256(slice_part(bytes, 0, CHECKED), &want));
    if (!slice_eq_str(magic, MAGIC) || !digest_eq(&check, &want))
        return why_say(why, ERR_LEDGER_INCONSISTENT, "its header is damaged");
    if (base.checkpoint.size > TREE_SIZE_MAX)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "it begins at %llu entries, the limit is %llu",
                       (unsigned long long)base.checkpoint.size, (unsigned long long)TREE_SIZE_MAX);
    *ret_base = base;
    *ret_check = check;
    return ERR_OK;
}

/* The check covers the front, and the front's root the entries: they need not be hashed twice. */
static err_code check_of(const uint8_t *front, const struct digest *previous, struct digest *ret)
{
    const struct slice parts[] = {digest_slice(previous), {front, JOURNAL_FRONT}};

    return hash_sha256_parts(parts, 2, ret);
}

err_code journal_frame(struct buf *bytes, const struct journal_frame *frame,
                       const struct digest *previous, struct digest *ret_check)
{
    uint8_t *at = bytes->ptr;

    put_u32(at, (uint32_t)(bytes->len + SHA256_LEN - 4));
    at += 4;
    put_number(&at, frame->head.round);
    put_number(&at, frame->first);
    put_u32(at, frame->count);
    at += 4;
    put(&at, frame->head.checkpoint.root.bytes, SHA256_LEN);
    TRY(check_of(bytes->ptr, previous, ret_check));
    return buf_add_slice(bytes, digest_slice(ret_check));
}

/* Reads a frame without looking at its check; false where there cannot be one. */
static bool read_frame(struct slice journal, size_t at, struct journal_frame *ret)
{
    struct reader r = reader_of(slice_part(journal, at, journal.len - at));
    size_t len = reader_u32(&r);

    if (len < FRAME_MIN - 4 || len > JOURNAL_FRAME_MAX - 4 || len > r.rest.len)
        return false;
    ret->head.round = reader_u64(&r);
    ret->first = reader_u64(&r);
    ret->count = reader_u32(&r);
    reader_copy(&r, ret->head.checkpoint.root.bytes, SHA256_LEN);
    ret->entries = reader_bytes(&r, len + 4 - JOURNAL_FRONT - SHA256_LEN);
    reader_copy(&r, ret->check.bytes, SHA256_LEN);
    ret->head.checkpoint.size = ret->first + ret->count;
    ret->end = at + 4 + len;
    return r.err == ERR_OK && ret->count != 0 && ret->count <= ret->entries.len / 2;
}

/* Whether a frame that was read at an offset has the check that belongs behind previous. */
static err_code continues(struct slice journal, size_t at, const struct journal_frame *frame,
                          const struct digest *previous, bool *ret)
{
    struct digest want;

    TRY(check_of(slice_part(journal, at, JOURNAL_FRONT).ptr, previous, &want));
    *ret = digest_eq(&frame->check, &want);
    return ERR_OK;
}

/* The check that a frame at p would continue: the one that stands before it, or the one that
 * belongs there when only that was damaged. */
static err_code before(struct slice journal, size_t at, size_t p, const struct digest *previous,
                       struct digest ret[static 2])
{
    struct journal_frame frame;

    ret[0] = *previous;
    ret[1] = *previous;
    if (p - at < FRAME_MIN)
        return ERR_OK;
    if (read_frame(journal, at, &frame) && frame.end == p)
        TRY(check_of(slice_part(journal, at, JOURNAL_FRONT).ptr, previous, &ret[0]));
    return digest_from(slice_part(journal, p - SHA256_LEN, SHA256_LEN), &ret[1]);
}

/* Whatever the damage, the next frame stands behind the check that it continues, or is the one that
 * should have stood here. Only the last frame can have been interrupted, so that nothing follows
 * it. The comparisons of numbers leave few places where a hash is needed. */
err_code journal_goes_on(struct slice journal, size_t at, const struct tlog_head *last,
                         const struct digest *previous, bool *ret)
{
    uint64_t size = last->checkpoint.size;
    struct journal_frame frame;
    struct digest checks[3];

    *ret = false;
    for (size_t p = at + 1; !*ret && journal.len - at >= FRAME_MIN && p <= journal.len - FRAME_MIN;
         p++) {
        if (!read_frame(journal, p, &frame) || frame.head.round <= last->round ||
            frame.first < size || frame.first - size > (p - at) / 2)
            continue;
        checks[0] = *previous;
        TRY(before(journal, at, p, previous, checks + 1));
        for (size_t i = 0; i < 3 && !*ret; i++)
            TRY(continues(journal, p, &frame, &checks[i], ret));
    }
    return ERR_OK;
}

err_code journal_at(struct slice journal, size_t at, const struct tlog_head *last,
                    const struct digest *previous, struct journal_frame *ret,
                    enum journal_at *ret_at)
{
    struct journal_frame frame = {0};
    bool whole = false, more;

    if (read_frame(journal, at, &frame))
        TRY(continues(journal, at, &frame, previous, &whole));
    if (whole) {
        *ret = frame;
        *ret_at = JOURNAL_WHOLE;
        return ERR_OK;
    }
    TRY(journal_goes_on(journal, at, last, previous, &more));
    *ret_at = more ? JOURNAL_DAMAGED : JOURNAL_TORN;
    return ERR_OK;
}
