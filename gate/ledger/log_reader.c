/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/log_reader.h"

#include "gate/ledger/audit_unit.h"
#include "gate/ledger/payload.h"
#include "gate/tlog/checkpoint_text.h"

#include <stdlib.h>

struct log_reader {
    struct audit_dir dir;
    struct audit_journal journal;
    struct hasher hasher;
    struct audit_unit *unit;
    bool loaded;
    uint64_t size;
    struct record *record;
    struct buf preimage; /* of the record that was read last */
};

void log_reader_close(struct log_reader **reader)
{
    struct log_reader *r = *reader;

    if (r == NULL)
        return;
    audit_dir_close(&r->dir);
    audit_journal_free(&r->journal);
    hasher_free(&r->hasher);
    if (r->unit != NULL)
        audit_unit_free(r->unit);
    free(r->unit);
    free(r->record);
    buf_free(&r->preimage);
    free(r);
    *reader = NULL;
}

/* What the checkpoint says, by whomever it is signed. */
static err_code claimed(struct log_reader *r, uint64_t *ret, struct why *why)
{
    CLEANUP(audit_room_free) struct audit_room bytes = {0};
    struct checkpoint head;
    bool found;

    TRY(audit_read(&r->dir, "checkpoint", NOTE_SIZE_MAX, &bytes, &found, why));
    if (!found)
        return why_say(why, ERR_NOT_FOUND, "\"%s\" has neither journal nor checkpoint",
                       r->dir.path);
    TRY(checkpoint_claimed((struct slice){bytes.ptr, bytes.len}, &head, why));
    *ret = head.size;
    return ERR_OK;
}

/* How many entries others were told of: what is torn behind them never counted. */
static err_code promised(struct log_reader *r, uint64_t *ret, struct why *why)
{
    uint64_t size;

    TRY(audit_extent(&r->dir, ret, why));
    if (claimed(r, &size, NULL) == ERR_OK && size > *ret)
        *ret = size;
    return ERR_OK;
}

err_code log_reader_refresh(struct log_reader *r, struct why *why)
{
    uint64_t size = 0;

    r->loaded = false;
    TRY(promised(r, &size, why)); /* before the journal, which a writer may be making longer */
    audit_journal_free(&r->journal);
    TRY(audit_journal_read(&r->dir, &r->journal, why));
    TRY(audit_journal_settle(&r->journal, &r->dir, &r->hasher, size, why));
    if (!r->journal.found)
        return claimed(r, &r->size, why);
    if (r->journal.damaged)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "\"%s/journal\", entry %llu: %s", r->dir.path,
                       (unsigned long long)r->journal.at, r->journal.text);
    r->size = audit_journal_end(&r->journal);
    if (r->size < size)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s/journal\" ends at entry %llu, and %llu were published", r->dir.path,
                       (unsigned long long)r->size, (unsigned long long)size);
    return ERR_OK;
}

err_code log_reader_open(const char *dir, struct log_reader **ret, struct why *why)
{
    CLEANUP(log_reader_close) struct log_reader *r = calloc(1, sizeof *r);

    if (r == NULL)
        return ERR_NO_MEMORY;
    r->unit = calloc(1, sizeof *r->unit);
    r->record = calloc(1, sizeof *r->record);
    if (r->unit == NULL || r->record == NULL)
        return ERR_NO_MEMORY;
    TRY(audit_dir_open(dir, &r->dir, why));
    TRY(log_reader_refresh(r, why));
    *ret = r;
    r = NULL; /* transferred */
    return ERR_OK;
}

uint64_t log_reader_size(const struct log_reader *reader)
{
    return reader->size;
}

err_code log_reader_entry(struct log_reader *r, uint64_t index, struct slice *ret, struct why *why)
{
    unsigned at = (unsigned)(index % AUDIT_WIDTH);
    struct digest stored;

    if (index >= r->size)
        return why_say(why, ERR_NOT_FOUND, "the log has %llu entries", (unsigned long long)r->size);
    if (!r->loaded || r->unit->number != index / AUDIT_WIDTH) {
        r->unit->number = index / AUDIT_WIDTH;
        r->loaded = false;
        TRY(audit_unit_load(r->unit, &r->dir, &r->journal, &r->hasher, why));
        r->loaded = true;
    }
    if (at >= r->unit->n)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "entry %llu is missing in \"%s/%s\"",
                       (unsigned long long)index, r->dir.path, r->unit->bundle.file);
    stored = audit_unit_stored(r->unit, at);
    if (at < r->unit->tile.n && !digest_eq(&stored, &r->unit->leaves[at]))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "entry %llu has another hash than the one in \"%s/%s\"",
                       (unsigned long long)index, r->dir.path, r->unit->tile.file);
    *ret = r->unit->entries[at];
    return ERR_OK;
}

err_code log_reader_record(struct log_reader *r, uint64_t index, struct record *ret,
                           struct why *why)
{
    struct slice entry;

    TRY(log_reader_entry(r, index, &entry, why));
    return why_reading(why, payload_record(r->dir.path, entry, &r->preimage, ret, why),
                       "entry %llu", (unsigned long long)index);
}

static err_code time_at(struct log_reader *r, uint64_t index, uint64_t *ret, struct why *why)
{
    unsigned at = (unsigned)(index % AUDIT_WIDTH);
    struct slice entry;

    TRY(log_reader_entry(r, index, &entry, why));
    if (r->unit->skimmed[at]) {
        *ret = r->unit->skims[at].action_ms;
        return ERR_OK;
    }
    TRY(log_reader_record(r, index, r->record, why));
    *ret = r->record->action_ms;
    return ERR_OK;
}

err_code log_reader_at(struct log_reader *r, uint64_t time_ms, uint64_t *ret, struct why *why)
{
    uint64_t from = 0, to = r->size, time;

    while (from < to) {
        uint64_t middle = from + (to - from) / 2;

        TRY(time_at(r, middle, &time, why));
        if (time < time_ms)
            from = middle + 1;
        else
            to = middle;
    }
    *ret = from;
    return ERR_OK;
}
