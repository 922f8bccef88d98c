/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log_prove.c: pawl log prove: that an entry is in the log, or that the log continues an older
 * one, in forms that other programs verify. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/log_prove.h"
#include "gate/cli/verbs.h"
#include "gate/ledger/permit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAIR_TRIES 100
#define PAIR_WAIT_MS 20

static const struct opt PROVE_OPTIONS[] = {
    {"receipt", 0, OPT_FLAG, NULL,
     "the hardware's receipt (RFC 9942) instead of a proof file: needs --output"},
    {"consistency", 0, OPT_VALUE, "SIZE",
     "that the published log continues its first SIZE entries; no INDEX then"},
    {"output", 'o', OPT_VALUE, "FILE", "write here instead of to standard output"},
    LOG_OPTION,
    {0},
};

/* ---- the published log ----------------------------------------------------------------------- */

void published_free(struct published *log)
{
    tiles_close(&log->tiles);
    buf_free(&log->note_bytes);
    buf_free(&log->seal_bytes);
    *log = (struct published){0};
}

static err_code read_beside(struct call *call, const char *dir, const char *name, size_t max,
                            struct buf *ret)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(dir, name, &path));
    return file_read((const char *)path.ptr, max, ret, &call->why);
}

/* Checkpoint and seal. *ret_pair: they are of one head, or nothing can be said of the seal. */
static err_code read_pair(struct call *call, const char *dir, struct published *ret, bool *ret_pair)
{
    struct sealed sealed;

    buf_cut(&ret->note_bytes, 0);
    buf_cut(&ret->seal_bytes, 0);
    TRY(read_beside(call, dir, "checkpoint", NOTE_SIZE_MAX, &ret->note_bytes));
    TRY(checkpoint_claimed(buf_slice(&ret->note_bytes), &ret->head, &call->why));
    TRY(read_beside(call, dir, "seal", SEALED_SIZE_MAX, &ret->seal_bytes));
    *ret_pair = sealed_parse(buf_slice(&ret->seal_bytes), &sealed, NULL) != ERR_OK ||
                sealed.receipt.tree_size == ret->head.size;
    return ERR_OK;
}

static err_code read_both(struct call *call, const char *dir, struct published *ret)
{
    const struct timespec wait = {.tv_nsec = PAIR_WAIT_MS * 1000000L};
    bool pair = false;

    for (int tries = 0; !pair; tries++) {
        if (tries == PAIR_TRIES)
            return why_say(&call->why, ERR_LEDGER_INCONSISTENT,
                           "the seal in \"%s\" is not for the %llu entries of the checkpoint", dir,
                           (unsigned long long)ret->head.size);
        if (tries > 0)
            (void)nanosleep(&wait, NULL);
        TRY(read_pair(call, dir, ret, &pair));
    }
    return ERR_OK;
}

err_code published_open(struct call *call, const char *dir, bool sealed, struct published *ret)
{
    if (sealed) {
        TRY(read_both(call, dir, ret));
    } else {
        TRY(read_beside(call, dir, "checkpoint", NOTE_SIZE_MAX, &ret->note_bytes));
        TRY(checkpoint_claimed(buf_slice(&ret->note_bytes), &ret->head, &call->why));
    }
    TRY(tiles_open(dir, ret->head.size, &ret->tiles, &call->why));
    ret->tree = tiles_tree(ret->tiles);
    return ERR_OK;
}

static err_code path_of(struct call *call, const struct published *log, uint64_t index,
                        struct tree_path *ret)
{
    struct digest leaf, root;

    if (index >= log->head.size)
        return why_say(&call->why, ERR_NOT_FOUND, "the published log has %llu entries",
                       (unsigned long long)log->head.size);
    TRY(tree_prove_inclusion(log->tree, index, log->head.size, ret, &call->why));
    TRY(tree_hash(log->tree, 0, index, &leaf, &call->why));
    TRY(tree_root_from(&leaf, index, log->head.size, ret, &root));
    if (!digest_eq(&root, &log->head.root))
        return why_say(&call->why, ERR_LEDGER_INCONSISTENT,
                       "the tiles do not lead to the checkpoint's root: pawl log audit");
    return ERR_OK;
}

static err_code parse_seal(struct call *call, const char *dir, const struct published *log,
                           struct sealed *ret)
{
    TRY(why_reading(&call->why, sealed_parse(buf_slice(&log->seal_bytes), ret, &call->why),
                    "\"%s/seal\"", dir));
    if (ret->receipt.tree_size != log->head.size)
        return why_say(&call->why, ERR_LEDGER_INCONSISTENT,
                       "the seal is for %llu entries, the checkpoint for %llu",
                       (unsigned long long)ret->receipt.tree_size,
                       (unsigned long long)log->head.size);
    return ERR_OK;
}

err_code published_receipt(struct call *call, const char *dir, const struct published *log,
                           uint64_t index, struct buf *ret)
{
    struct tree_path path;
    struct sealed sealed;

    TRY(path_of(call, log, index, &path));
    TRY(parse_seal(call, dir, log, &sealed));
    return receipt_again(&sealed.receipt, index, &path, ret);
}

err_code published_continues(struct call *call, const char *dir, const struct published *log,
                             uint64_t old, struct buf *ret)
{
    struct checkpoint earlier = {.size = old};
    struct tree_path path;
    struct sealed sealed;

    if (old == log->head.size)
        return why_say(
            &call->why, ERR_USAGE,
            "the published log has %llu entries itself: RFC 9942 has no receipt for that",
            (unsigned long long)old);
    TRY(tree_prove_consistency(log->tree, old, log->head.size, &path, &call->why));
    TRY(tree_root(log->tree, old, &earlier.root, &call->why));
    if (tree_check_consistency(&earlier, &log->head, &path) != ERR_OK)
        return why_say(&call->why, ERR_LEDGER_INCONSISTENT,
                       "the tiles do not lead to the checkpoint's root: pawl log audit");
    TRY(parse_seal(call, dir, log, &sealed));
    return receipt_continues(&sealed.receipt, old, &path, ret);
}

/* ---- forms ----------------------------------------------------------------------------------- */

static err_code proof_of(struct call *call, const struct published *log, uint64_t index,
                         struct buf *ret)
{
    struct proof_file file = {.index = index, .checkpoint = buf_slice(&log->note_bytes)};

    TRY(path_of(call, log, index, &file.path));
    return proof_file_make(&file, ret, &call->why);
}

static err_code size_of(struct call *call, const struct published *log, const char *text,
                        uint64_t *ret)
{
    if (number_parse(text, UINT64_MAX, ret) != ERR_OK || *ret == 0 || *ret > log->head.size)
        return why_say(&call->why, ERR_USAGE,
                       "--consistency \"%s\" is not a size from 1 to %llu, the published log's",
                       text, (unsigned long long)log->head.size);
    put_uint(call->json, "old_size", *ret);
    return ERR_OK;
}

/* The lines that a witness is sent: old size, hashes, checkpoint (C2SP tlog-witness). */
static err_code consistency_of(struct call *call, const struct published *log, uint64_t old,
                               struct buf *ret)
{
    struct tree_path path;

    TRY(tree_prove_consistency(log->tree, old, log->head.size, &path, &call->why));
    TRY(note_put_number("old ", old, ret));
    for (size_t i = 0; i < path.n; i++)
        TRY(note_put_hash(&path.hashes[i], ret));
    TRY(buf_add_u8(ret, '\n'));
    return buf_add_slice(ret, buf_slice(&log->note_bytes));
}

static void permit_done(struct permit **permit)
{
    if (*permit != NULL)
        permit_free(*permit);
    free(*permit);
}

/* A number, or the file of a permit, whose receipt says it. */
static err_code index_of(struct call *call, const char *text, uint64_t *ret)
{
    CLEANUP(permit_done) struct permit *permit = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};

    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' &&
        number_parse(text, UINT64_MAX, ret) == ERR_OK)
        return ERR_OK;
    permit = calloc(1, sizeof *permit);
    if (permit == NULL)
        return ERR_NO_MEMORY;
    TRY(file_read(text, PERMIT_SIZE_MAX, &bytes, &call->why));
    TRY(in_file(call, permit_parse(buf_slice(&bytes), permit, &call->why), text));
    *ret = permit->receipt.leaf_index;
    return ERR_OK;
}

static err_code hand_out(struct call *call, struct slice content, bool text)
{
    const char *output = args_value(call->args, "output", NULL);

    if (output != NULL) {
        TRY(file_write(output, content, 0644, &call->why));
        say(call, "Wrote \"%s\".", output);
        put_text(call->json, "file", output);
        return ERR_OK;
    }
    if (!text)
        return why_say(&call->why, ERR_USAGE, "a receipt is no text: --output FILE is needed");
    put_slice(call->json, "proof", content);
    if (content.len > 0 && content.ptr[content.len - 1] == '\n')
        content.len--; /* the line's end is added */
    say_text(call, content);
    return ERR_OK;
}

static err_code prove_size(struct call *call, const char *dir, const struct published *log,
                           struct buf *ret)
{
    uint64_t old;

    TRY(size_of(call, log, args_value(call->args, "consistency", NULL), &old));
    return args_flag(call->args, "receipt") ? published_continues(call, dir, log, old, ret)
                                            : consistency_of(call, log, old, ret);
}

static err_code prove_entry(struct call *call, const char *dir, const struct published *log,
                            struct buf *ret)
{
    uint64_t index;

    TRY(index_of(call, call->args->plain[0], &index));
    put_uint(call->json, "index", index);
    return args_flag(call->args, "receipt") ? published_receipt(call, dir, log, index, ret)
                                            : proof_of(call, log, index, ret);
}

static err_code prove_run(struct call *call)
{
    bool size = args_value(call->args, "consistency", NULL) != NULL;
    bool receipt = args_flag(call->args, "receipt");
    CLEANUP(log_place_free) struct log_place place = {0};
    CLEANUP(published_free) struct published log = {0};
    CLEANUP(buf_free) struct buf out = {0};
    const char *dir;

    if (size == (call->args->n_plain == 1))
        return why_say(&call->why, ERR_USAGE, "either an INDEX or PERMIT, or --consistency SIZE");
    TRY(log_place_find(call, NULL, &place));
    dir = (const char *)place.dir.ptr;
    TRY(published_open(call, dir, receipt, &log));
    put_uint(call->json, "size", log.head.size);
    put_digest(call->json, "root", &log.head.root);
    TRY(size ? prove_size(call, dir, &log, &out) : prove_entry(call, dir, &log, &out));
    return hand_out(call, buf_slice(&out), !receipt);
}

const struct verb VERB_LOG_PROVE = {
    .name = "log prove",
    .arguments = "[INDEX|PERMIT]",
    .summary = "prove that an entry is in the log, or that the log continues an older one",
    .details =
        "Without options a tlog-proof file (C2SP), which holds the published checkpoint.\n"
        "With --receipt the hardware's receipt (RFC 9942) for any published entry.\n"
        "With --consistency what a witness is sent: old size, hashes, checkpoint; with both\n"
        "the hardware's receipt of consistency.",
    .opts = PROVE_OPTIONS,
    .most = 1,
    .run = prove_run,
};
