/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: opening a ledger, and what it says about itself. */
#include "gate/ledger/log.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/ledger/log_state.h"
#include "gate/ledger/payload.h"

#include <stdlib.h>

#define READ_TRIES 8 /* a writer folds once in thousands of records */

err_code ledger_paths(const char *state_dir, struct buf *ret_dir, struct buf *ret_state)
{
    TRY(path_join(state_dir, "ledger", ret_dir));
    return path_join(state_dir, "state.db", ret_state);
}

/* ---- opening --------------------------------------------------------------------------------- */

static err_code open_state(struct ledger *ledger, struct why *why)
{
    const char *path = (const char *)ledger->state_path.ptr;
    bool fresh = ledger->mode == LEDGER_CREATE && tlog_head(ledger->tlog).checkpoint.size == 0;
    err_code err;

    if (fresh && !file_exists(path))
        TRY(state_make(path, why));
    err = state_open(path, ledger->mode == LEDGER_READ ? STATE_READ : STATE_WRITE, &ledger->state,
                     why);
    if (err != ERR_NOT_FOUND)
        return err;
    return why_say(why, ERR_STATE_CORRUPT, "\"%s\" is gone: make it anew with pawl log rebuild",
                   path);
}

/* The state must be one that this log was in, and not older than what the journal can add. */
static err_code check_state(const struct ledger *ledger, struct why *why)
{
    struct checkpoint have = state_head(ledger->state).checkpoint;
    uint64_t first = tlog_folded(ledger->tlog), last = ledger_size(ledger);
    const char *path = (const char *)ledger->state_path.ptr;
    char got[DIGEST_TEXT], want[DIGEST_TEXT];
    struct digest root;

    if (have.size > last)
        return why_say(why, ERR_LEDGER_ROLLBACK,
                       "\"%s\" is the state after %llu entries, but the ledger has %llu", path,
                       (unsigned long long)have.size, (unsigned long long)last);
    if (have.size < first)
        return why_say(why, ERR_STATE_CORRUPT,
                       "\"%s\" is the state after %llu entries, but the journal begins after %llu: "
                       "make it anew with pawl log rebuild",
                       path, (unsigned long long)have.size, (unsigned long long)first);
    TRY(tree_root(ledger_tree(ledger), have.size, &root, why));
    if (digest_eq(&root, &have.root))
        return ERR_OK;
    digest_text(&have.root, got);
    digest_text(&root, want);
    return why_say(why, ERR_STATE_CORRUPT,
                   "\"%s\" is the state of a ledger with the root %s after %llu entries, but here "
                   "it is %s: make it anew with pawl log rebuild",
                   path, got, (unsigned long long)have.size, want);
}

err_code ledger_replay(const struct replay *replay, uint64_t index, struct why *why)
{
    CLEANUP(buf_free) struct buf entry = {0}, preimage = {0};
    struct why inner = {0};
    err_code err;

    TRY(tlog_entry(replay->tlog, index, &entry, why));
    err = payload_record(replay->dir, buf_slice(&entry), &preimage, replay->record, &inner);
    if (err == ERR_OK)
        err = succession_take(replay->succession, replay->record, &inner);
    succession_settle(replay->succession);
    if (err == ERR_OK || err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    if (err == ERR_STORAGE || err == ERR_STATE_CORRUPT || err == ERR_BUSY) /* of the database */
        return why_say(why, err, "%s", inner.text);
    return why_say(why, ERR_LEDGER_INCONSISTENT, "\"%s\": entry %llu: %s", replay->dir,
                   (unsigned long long)index, why_text(&inner, err));
}

static err_code replay_journal(struct ledger *ledger, struct why *why)
{
    const struct replay replay = {ledger->tlog, (const char *)ledger->dir.ptr, ledger->record,
                                  &ledger->succession};

    for (uint64_t i = ledger->succession.head.entries; i < ledger_size(ledger); i++)
        TRY(ledger_replay(&replay, i, why));
    ledger->installed = ledger->succession.head.installed;
    return ERR_OK;
}

static err_code open_once(const char *state_dir, enum ledger_mode mode, struct ledger **ret,
                          struct why *why)
{
    static const enum tlog_mode MODES[] = {
        [LEDGER_READ] = TLOG_READ,
        [LEDGER_APPEND] = TLOG_APPEND,
        [LEDGER_CREATE] = TLOG_CREATE,
    };
    CLEANUP(ledger_close) struct ledger *ledger = calloc(1, sizeof *ledger);

    if (ledger == NULL)
        return ERR_NO_MEMORY;
    ledger->mode = mode;
    ledger->record = calloc(1, sizeof *ledger->record);
    if (ledger->record == NULL)
        return ERR_NO_MEMORY;
    TRY(ledger_paths(state_dir, &ledger->dir, &ledger->state_path));
    TRY(tlog_open((const char *)ledger->dir.ptr, MODES[mode], &ledger->tlog, why));
    TRY(open_state(ledger, why));
    TRY(check_state(ledger, why));
    TRY(state_load(ledger->state, &ledger->succession, why));
    TRY(replay_journal(ledger, why));
    *ret = ledger;
    ledger = NULL; /* transferred */
    return ERR_OK;
}

/* A reader comes upon a state that is ahead of the log when the writer folds just then. */
err_code ledger_open(const char *state_dir, enum ledger_mode mode, struct ledger **ret,
                     struct why *why)
{
    err_code err = open_once(state_dir, mode, ret, why);

    for (int i = 1; i < READ_TRIES && mode == LEDGER_READ && err == ERR_LEDGER_ROLLBACK; i++)
        err = open_once(state_dir, mode, ret, why);
    return err;
}

void ledger_close(struct ledger **ledger)
{
    struct ledger *l = *ledger;

    if (l == NULL)
        return;
    tlog_close(&l->tlog);
    succession_free(&l->succession);
    state_close(&l->state);
    buf_free(&l->dir);
    buf_free(&l->state_path);
    free(l->record);
    free(l);
    *ledger = NULL;
}

/* ---- what it says ---------------------------------------------------------------------------- */

struct tlog_head ledger_head(const struct ledger *ledger)
{
    return tlog_head(ledger->tlog);
}

size_t ledger_heads(const struct ledger *ledger, struct tlog_head *ret, size_t max)
{
    return tlog_heads(ledger->tlog, ret, max);
}

uint64_t ledger_size(const struct ledger *ledger)
{
    return ledger_head(ledger).checkpoint.size;
}

uint64_t ledger_torn(const struct ledger *ledger)
{
    return tlog_torn(ledger->tlog);
}

uint64_t ledger_installed(const struct ledger *ledger)
{
    return ledger->installed;
}

struct tree_source ledger_tree(const struct ledger *ledger)
{
    return tlog_tree(ledger->tlog);
}

const struct succession_head *ledger_state(const struct ledger *ledger)
{
    return &ledger->succession.head;
}

err_code ledger_link(const struct ledger *ledger, struct slice agent_id, struct record_link *ret,
                     struct why *why)
{
    return succession_link(&ledger->succession, agent_id, ret, why);
}

const struct roster *ledger_roster(const struct ledger *ledger)
{
    return &ledger->succession.roster;
}

const struct enrolled *ledger_enrolled(const struct ledger *ledger, struct slice id)
{
    return roster_find(ledger_roster(ledger), id);
}

err_code ledger_entry(const struct ledger *ledger, uint64_t index, struct buf *ret, struct why *why)
{
    return tlog_entry(ledger->tlog, index, ret, why);
}

void ledger_room_free(struct ledger_room *room)
{
    buf_free(&room->entry);
    buf_free(&room->preimage);
}

err_code ledger_record(const struct ledger *ledger, uint64_t index, struct ledger_room *room,
                       struct record *ret, struct why *why)
{
    TRY(ledger_entry(ledger, index, &room->entry, why));
    return payload_record((const char *)ledger->dir.ptr, buf_slice(&room->entry), &room->preimage,
                          ret, why);
}

err_code ledger_time(const struct ledger *ledger, uint64_t index, uint64_t *ret_ms, struct why *why)
{
    CLEANUP(ledger_room_free) struct ledger_room room = {0};

    TRY(ledger_record(ledger, index, &room, ledger->record, why));
    *ret_ms = ledger->record->action_ms;
    return ERR_OK;
}

err_code ledger_ready(const struct ledger *ledger, uint64_t now_ms, uint64_t epoch,
                      const struct digest *snapshot, struct why *why)
{
    return succession_ready(&ledger->succession, now_ms, epoch, snapshot, why);
}

err_code ledger_check_checkpoint(const struct ledger *ledger, const struct checkpoint *earlier,
                                 struct why *why)
{
    char got[DIGEST_TEXT], want[DIGEST_TEXT];
    struct digest root;

    if (earlier->size > ledger_size(ledger))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the ledger has %llu entries, but had %llu: entries were removed",
                       (unsigned long long)ledger_size(ledger), (unsigned long long)earlier->size);
    TRY(tree_root(ledger_tree(ledger), earlier->size, &root, why));
    if (digest_eq(&root, &earlier->root))
        return ERR_OK;
    digest_text(&root, got);
    digest_text(&earlier->root, want);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "the root over the first %llu entries is %s, but was %s",
                   (unsigned long long)earlier->size, got, want);
}
