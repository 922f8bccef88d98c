/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_journal.h"

#include "gate/tlog/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "pawl-journal-v1\n"
#define MAGIC_LEN 16
#define HEADER (MAGIC_LEN + 8 + SHA256_LEN + 8 + SHA256_LEN)
#define FRONT (4 + 8 + 8 + 4 + SHA256_LEN) /* of a frame, before its entries */
#define FRAME_FIXED ((size_t)8 + 8 + 4 + SHA256_LEN + SHA256_LEN) /* behind the length */

void audit_journal_free(struct audit_journal *journal)
{
    audit_room_free(&journal->bytes);
    free(journal->heads);
    free(journal->entries);
    *journal = (struct audit_journal){0};
}

[[gnu::format(printf, 2, 3)]] static void damaged(struct audit_journal *j, const char *format, ...)
{
    va_list args;

    j->damaged = true;
    j->at = j->base.checkpoint.size + j->n_entries;
    va_start(args, format);
    (void)vsnprintf(j->text, sizeof j->text, format, args);
    va_end(args);
}

static err_code header(struct audit_journal *j, struct slice bytes)
{
    struct reader r = reader_of(bytes);
    struct digest want, got;

    if (!slice_eq(reader_bytes(&r, MAGIC_LEN), slice_str(MAGIC))) {
        damaged(j, "does not begin as a journal");
        return ERR_OK;
    }
    j->base.checkpoint.size = reader_u64(&r);
    reader_copy(&r, j->base.checkpoint.root.bytes, SHA256_LEN);
    j->base.round = reader_u64(&r);
    reader_copy(&r, want.bytes, SHA256_LEN);
    TRY(hash_sha256(slice_part(bytes, 0, HEADER - SHA256_LEN), &got));
    if (!digest_eq(&want, &got)) {
        j->base = (struct tlog_head){0};
        damaged(j, "the header's hash is another");
    }
    return ERR_OK;
}

/* Room for what cannot be more than this many. */
static err_code reserve(struct audit_journal *j, size_t len)
{
    j->heads = calloc(len / FRAME_FIXED + 1, sizeof *j->heads);
    j->entries = calloc(len / 3 + 1, sizeof *j->entries); /* a length and an octet each */
    return j->heads == NULL || j->entries == NULL ? ERR_NO_MEMORY : ERR_OK;
}

/* The entries of a frame whose hash fits: what they are was the writer's word. */
static bool entries(struct audit_journal *j, struct reader *r, uint32_t count)
{
    size_t n = j->n_entries;

    for (uint32_t i = 0; i < count; i++) {
        struct slice entry = reader_bytes(r, reader_u16(r));

        if (entry.len == 0 || r->err != ERR_OK)
            return false;
        j->entries[n++] = entry;
    }
    if (reader_done(r) != ERR_OK)
        return false;
    j->n_entries = n;
    return true;
}

/* One frame of this content (without length and hash). False, with the reason, when it is not one;
 * without a reason when its entries do not fill it. */
static bool frame(struct audit_journal *j, struct slice content)
{
    struct reader r = reader_of(content);
    struct tlog_head head = {0}, last = j->n_heads > 0 ? j->heads[j->n_heads - 1] : j->base;
    uint64_t first;
    uint32_t count;

    head.round = reader_u64(&r);
    first = reader_u64(&r);
    count = reader_u32(&r);
    reader_copy(&r, head.checkpoint.root.bytes, SHA256_LEN);
    head.checkpoint.size = first + count;
    if (r.err != ERR_OK || count == 0 || count > r.rest.len || first != last.checkpoint.size)
        damaged(j, "a frame of %u entries from %llu on, where %llu was due", (unsigned)count,
                (unsigned long long)first, (unsigned long long)last.checkpoint.size);
    else if (head.round <= last.round)
        damaged(j, "a frame of round %llu, after one of round %llu", (unsigned long long)head.round,
                (unsigned long long)last.round);
    else if (entries(j, &r, count)) {
        j->heads[j->n_heads++] = head;
        return true;
    }
    return false;
}

/* A frame's check covers the one before, so that frames cannot change places, and its front, whose
 * root covers the entries. */
static err_code hash_of(const struct digest *before, struct slice frame, struct digest *ret)
{
    const struct slice parts[] = {digest_slice(before), frame};

    return hash_sha256_parts(parts, 2, ret);
}

/* What stands at an offset is no frame. Only the last one can have been interrupted. */
static err_code stop_at(struct audit_journal *j, struct slice bytes, size_t at,
                        const struct digest *before)
{
    const struct tlog_head *last = j->n_heads > 0 ? &j->heads[j->n_heads - 1] : &j->base;
    bool more = false;

    TRY(journal_goes_on(bytes, at, last, before, &more));
    if (more)
        damaged(j, "a commit is damaged, and others follow it");
    else
        j->torn = bytes.len - at;
    return ERR_OK;
}

static err_code frames(struct audit_journal *j, struct slice bytes)
{
    struct digest before, hash;
    size_t at = HEADER;

    memcpy(before.bytes, bytes.ptr + HEADER - SHA256_LEN, SHA256_LEN);
    while (at < bytes.len) {
        struct slice rest = slice_part(bytes, at, bytes.len - at), want;
        struct reader r = reader_of(rest);
        size_t len = reader_u32(&r);

        if (r.err != ERR_OK || len < FRAME_FIXED || len > r.rest.len)
            return stop_at(j, bytes, at, &before);
        want = slice_part(rest, 4 + len - SHA256_LEN, SHA256_LEN);
        TRY(hash_of(&before, slice_part(rest, 0, FRONT), &hash));
        if (!slice_eq(want, digest_slice(&hash)))
            return stop_at(j, bytes, at, &before);
        if (!frame(j, slice_part(rest, 4, len - SHA256_LEN)))
            return j->damaged ? ERR_OK : stop_at(j, bytes, at, &before);
        before = hash;
        j->last_at = at;
        at += 4 + len;
    }
    return ERR_OK;
}

err_code audit_journal_read(const struct audit_dir *dir, struct audit_journal *ret, struct why *why)
{
    struct slice bytes;

    *ret = (struct audit_journal){0};
    TRY(audit_read(dir, "journal", AUDIT_JOURNAL_MAX, &ret->bytes, &ret->found, why));
    if (!ret->found)
        return ERR_OK;
    bytes = (struct slice){ret->bytes.ptr, ret->bytes.len};
    if (bytes.len > AUDIT_JOURNAL_MAX)
        return why_say(why, ERR_TOO_LARGE, "the journal is longer than %zu bytes",
                       AUDIT_JOURNAL_MAX);
    TRY(reserve(ret, bytes.len));
    if (bytes.len < HEADER) {
        damaged(ret, "ends within its header, after %zu bytes", bytes.len);
        return ERR_OK;
    }
    TRY(header(ret, bytes));
    return ret->damaged ? ERR_OK : frames(ret, bytes);
}

/* ---- the last frame -------------------------------------------------------------------------- */

/* Adds entries up to this size, and says whether the root is then this one. */
static err_code grows_to(struct audit_tree *tree, const struct audit_journal *j,
                         const struct checkpoint *head, bool *ret)
{
    struct digest leaf, root;
    struct slice entry;

    while (tree->size < head->size && audit_journal_entry(j, tree->size, &entry)) {
        TRY(tree_leaf_with(tree->hasher, entry, &leaf));
        TRY(audit_tree_leaf(tree, &leaf));
    }
    TRY(audit_tree_root(tree, &root));
    *ret = tree->size == head->size && digest_eq(&root, &head->root);
    return ERR_OK;
}

/* Whether every head but the last has the root that it says, over the tiles that were there when
 * the journal was begun, and the last has not. */
static err_code last_is_torn(const struct audit_journal *j, const struct audit_dir *dir,
                             struct audit_tree *tree, bool *ret, struct why *why)
{
    bool good;

    *ret = false;
    TRY(audit_edge(dir, j->base.checkpoint.size, tree, &good, why));
    if (good)
        TRY(grows_to(tree, j, &j->base.checkpoint, &good));
    for (size_t i = 0; good && i + 1 < j->n_heads; i++)
        TRY(grows_to(tree, j, &j->heads[i].checkpoint, &good));
    if (!good)
        return ERR_OK; /* what is damaged lies further in front */
    TRY(grows_to(tree, j, &j->heads[j->n_heads - 1].checkpoint, &good));
    *ret = !good;
    return ERR_OK;
}

static void tree_done(struct audit_tree **tree)
{
    free(*tree);
}

err_code audit_journal_settle(struct audit_journal *j, const struct audit_dir *dir,
                              struct hasher *hasher, uint64_t promised, struct why *why)
{
    CLEANUP(tree_done) struct audit_tree *tree = NULL;
    const struct tlog_head *before = &j->base;
    bool torn;

    if (j->n_heads > 1)
        before = &j->heads[j->n_heads - 2];
    if (j->n_heads == 0 || j->damaged || j->torn > 0 || before->checkpoint.size < promised)
        return ERR_OK;
    tree = calloc(1, sizeof *tree);
    if (tree == NULL)
        return ERR_NO_MEMORY;
    tree->hasher = hasher;
    TRY(last_is_torn(j, dir, tree, &torn, why));
    if (!torn)
        return ERR_OK;
    j->torn = j->bytes.len - j->last_at;
    j->n_entries = (size_t)(before->checkpoint.size - j->base.checkpoint.size);
    j->n_heads--;
    return ERR_OK;
}

bool audit_journal_entry(const struct audit_journal *journal, uint64_t index, struct slice *ret)
{
    uint64_t base = journal->base.checkpoint.size;

    if (!journal->found || index < base || index - base >= journal->n_entries)
        return false;
    *ret = journal->entries[index - base];
    return true;
}

bool audit_journal_round(const struct audit_journal *journal, uint64_t index, uint64_t *ret)
{
    size_t from = 0, to = journal->n_heads;
    struct slice entry;

    if (!audit_journal_entry(journal, index, &entry))
        return false;
    while (from < to) { /* the first head behind it */
        size_t middle = from + (to - from) / 2;

        if (journal->heads[middle].checkpoint.size > index)
            to = middle;
        else
            from = middle + 1;
    }
    if (from == journal->n_heads)
        return false;
    *ret = journal->heads[from].round;
    return true;
}

uint64_t audit_journal_end(const struct audit_journal *journal)
{
    return journal->found ? journal->base.checkpoint.size + journal->n_entries : 0;
}
