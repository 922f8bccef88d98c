/* SPDX-License-Identifier: Apache-2.0 */
/* log_rebuild.c: the database made again from the log, and its canonical form. */
#include "gate/ledger/log.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/ledger/log_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP 8192 /* entries between two saves: bounds the agents and hashes in memory */

struct rebuild {
    struct buf dir, path;
    struct tlog *tlog;
    struct state *state;
    struct succession succession;
    struct tree tree; /* of the entries so far, from their leaf hashes */
    struct record *record;
};

static void rebuild_free(struct rebuild *r)
{
    tlog_close(&r->tlog);
    succession_free(&r->succession);
    state_close(&r->state);
    buf_free(&r->dir);
    buf_free(&r->path);
    tree_free(&r->tree);
    free(r->record);
}

/* What lies in the tiles may be other entries than those whose head is in the journal. */
static err_code check_root(const struct rebuild *r, const struct checkpoint *want, struct why *why)
{
    char got_text[DIGEST_TEXT], want_text[DIGEST_TEXT];
    struct digest root;

    TRY(tree_root(tree_of(&r->tree), want->size, &root, why));
    if (digest_eq(&root, &want->root))
        return ERR_OK;
    digest_text(&root, got_text);
    digest_text(&want->root, want_text);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "the root over the %llu entries of \"%s\" is %s, but its head says %s",
                   (unsigned long long)want->size, (const char *)r->dir.ptr, got_text, want_text);
}

static err_code add_entry(struct rebuild *r, uint64_t index, struct why *why)
{
    const struct replay replay = {r->tlog, (const char *)r->dir.ptr, r->record, &r->succession};
    struct digest leaf;

    TRY(ledger_replay(&replay, index, why));
    TRY(tree_hash(tlog_tree(r->tlog), 0, index, &leaf, why)); /* compared with the entry before */
    return tree_append(&r->tree, &leaf);
}

static err_code save(struct rebuild *r, uint64_t round, struct why *why)
{
    const uint64_t size = tree_size(&r->tree);
    struct tlog_head head = {round, {.size = size}};

    TRY(tree_root(tree_of(&r->tree), size, &head.checkpoint.root, why));
    TRY(state_save(r->state, &r->succession, &head, why));
    agents_cut(&r->succession.agents, 0);
    for (unsigned level = 0; level < TREE_LEVELS && size >> level > 0; level++)
        tree_forget(&r->tree, level, (size >> level) - 1); /* the right edge is enough */
    return ERR_OK;
}

static err_code go_through(struct rebuild *r, const struct ledger_progress *progress,
                           struct why *why)
{
    struct tlog_head head = tlog_head(r->tlog);

    TRY(state_load(r->state, &r->succession, why));
    for (uint64_t i = 0; i < head.checkpoint.size; i++) {
        TRY(add_entry(r, i, why));
        if ((i + 1) % STEP == 0)
            TRY(save(r, 0, why));
        if (progress != NULL && ((i + 1) % STEP == 0 || i + 1 == head.checkpoint.size))
            progress->step(progress->context, i + 1, head.checkpoint.size);
    }
    TRY(check_root(r, &head.checkpoint, why));
    return save(r, head.round, why);
}

static err_code beside(const char *path, const char *ending, struct buf *ret)
{
    TRY(buf_add_str(ret, path));
    TRY(buf_add_str(ret, ending));
    return buf_terminate(ret);
}

/* The canonical form of what was built becomes the database. */
static err_code put_in_place(struct rebuild *r, const char *built, struct why *why)
{
    CLEANUP(buf_free) struct buf tidy = {0};
    err_code err;

    TRY(beside((const char *)r->path.ptr, ".tidy", &tidy));
    if (unlink((const char *)tidy.ptr) != 0 && errno != ENOENT)
        return why_errno(why, errno, "remove", (const char *)tidy.ptr);
    err = state_dump(r->state, (const char *)tidy.ptr, why);
    succession_free(&r->succession);
    state_close(&r->state);
    (void)unlink(built);
    TRY(err);
    return state_replace((const char *)r->path.ptr, (const char *)tidy.ptr, why);
}

err_code ledger_rebuild(const char *state_dir, const struct ledger_progress *progress,
                        struct why *why)
{
    CLEANUP(rebuild_free) struct rebuild r = {.record = calloc(1, sizeof *r.record)};
    CLEANUP(buf_free) struct buf name = {0};

    if (r.record == NULL)
        return ERR_NO_MEMORY;
    TRY(ledger_paths(state_dir, &r.dir, &r.path));
    TRY(tlog_open((const char *)r.dir.ptr, TLOG_READ, &r.tlog, why));
    TRY(state_make_new((const char *)r.path.ptr, &name, why));
    TRY(state_open((const char *)name.ptr, STATE_BUILD, &r.state, why));
    TRY(go_through(&r, progress, why));
    return put_in_place(&r, (const char *)name.ptr, why);
}

/* ---- the canonical form of a state in use ---------------------------------------------------- */

static err_code bring_up_to(const struct ledger *ledger, const char *path, struct why *why)
{
    CLEANUP(state_close) struct state *copy = NULL;
    struct tlog_head head = ledger_head(ledger);

    TRY(state_open(path, STATE_BUILD, &copy, why));
    return state_save(copy, &ledger->succession, &head, why);
}

static err_code dump_copy(const char *from, const char *path, struct why *why)
{
    CLEANUP(state_close) struct state *copy = NULL;

    TRY(state_open(from, STATE_READ, &copy, why));
    return state_dump(copy, path, why);
}

err_code ledger_state_dump(const char *state_dir, const char *path, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf part = {0};
    err_code err;

    TRY(beside(path, ".part", &part));
    TRY(ledger_open(state_dir, LEDGER_READ, &ledger, why));
    TRY(state_dump(ledger->state, (const char *)part.ptr, why));
    err = bring_up_to(ledger, (const char *)part.ptr, why);
    if (err == ERR_OK)
        err = dump_copy((const char *)part.ptr, path, why);
    (void)unlink((const char *)part.ptr);
    return err;
}
