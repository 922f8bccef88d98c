/* SPDX-License-Identifier: Apache-2.0 */
/* log_append.c: appends a batch of records: durable at once, or not there; publishes and folds. */
#include "gate/ledger/log.h"
#include "gate/ledger/log_state.h"
#include "gate/ledger/payload.h"
#include "gate/tlog/tile.h"

#include <assert.h>

static_assert(RECORD_SIZE_MAX == TILE_ENTRY_MAX, "a record is an entry of a bundle");

static err_code check_writable(const struct ledger *ledger, struct why *why)
{
    if (ledger->mode != LEDGER_READ)
        return ERR_OK;
    return why_say(why, ERR_INTERNAL, "\"%s\" was opened for reading",
                   (const char *)ledger->dir.ptr);
}

err_code ledger_stage(struct ledger *ledger, struct slice record, struct why *why)
{
    return ledger_stage_whole(ledger, record, (struct slice){0}, why);
}

err_code ledger_stage_whole(struct ledger *ledger, struct slice record, struct slice preimage,
                            struct why *why)
{
    size_t before = ledger->succession.n_undo;
    err_code err;

    TRY(check_writable(ledger, why));
    if (record.len > RECORD_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a record has %zu bytes, the limit is %d", record.len,
                       RECORD_SIZE_MAX);
    TRY(record_parse_whole(record, preimage, ledger->record, why));
    TRY(succession_take(&ledger->succession, ledger->record, why));
    err = preimage.len > 0 ? payload_store((const char *)ledger->dir.ptr, preimage, why) : ERR_OK;
    if (err == ERR_OK)
        err = tlog_stage(ledger->tlog, record, why);
    if (err != ERR_OK)
        succession_undo(&ledger->succession, before);
    return err;
}

uint64_t ledger_next(const struct ledger *ledger)
{
    return tlog_next_size(ledger->tlog);
}

void ledger_abandon(struct ledger *ledger)
{
    succession_undo(&ledger->succession, 0);
    tlog_abandon(ledger->tlog);
}

err_code ledger_commit(struct ledger *ledger, uint64_t round, struct why *why)
{
    err_code err;

    if (ledger->succession.n_undo == 0)
        return ERR_OK;
    err = tlog_commit(ledger->tlog, round, why);
    if (err != ERR_OK) {
        ledger_abandon(ledger);
        return err;
    }
    succession_settle(&ledger->succession);
    ledger->installed = ledger->succession.head.installed;
    return ERR_OK;
}

err_code ledger_publish(struct ledger *ledger, struct slice note, struct slice seal,
                        struct why *why)
{
    TRY(check_writable(ledger, why));
    return tlog_publish(ledger->tlog, note, seal, why);
}

bool ledger_wants_fold(const struct ledger *ledger)
{
    return tlog_wants_fold(ledger->tlog);
}

err_code ledger_fold(struct ledger *ledger, struct why *why)
{
    struct tlog_head head = ledger_head(ledger);

    TRY(check_writable(ledger, why));
    if (ledger->succession.n_undo != 0)
        return why_say(why, ERR_INTERNAL, "\"%s\" cannot be folded with a batch that is open",
                       (const char *)ledger->dir.ptr);
    if (state_head(ledger->state).checkpoint.size != head.checkpoint.size) {
        TRY(state_save(ledger->state, &ledger->succession, &head, why));
        agents_cut(&ledger->succession.agents, 0); /* the database knows them now */
    }
    return tlog_fold(ledger->tlog, why);
}
