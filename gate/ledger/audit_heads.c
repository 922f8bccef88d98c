/* SPDX-License-Identifier: Apache-2.0 */
/* audit_heads.c: what was said about the log from outside its entries: checkpoint, seal, journal,
 * and the heads that others hold. */
#include "gate/ledger/audit_walk.h"

#include "gate/tlog/note.h"

#include <stdlib.h>

static err_code add_stop(struct audit *a, const struct audit_stop *stop)
{
    if (stop->head.size == 0)
        return ERR_OK; /* nothing was said */
    a->stops[a->n_stops++] = *stop;
    return ERR_OK;
}

/* The lines of witnesses under a note that the log has signed. */
static err_code judge_lines(struct audit *a, struct slice note, const struct checkpoint *head,
                            const char *file)
{
    const struct auditor *auditor = a->job->auditor;
    struct why inner = {0};
    size_t n = 0;
    err_code err;

    if (auditor->cosigned == NULL)
        return ERR_OK;
    err = auditor->cosigned(auditor, note, &n, &inner);
    if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    if (err != ERR_OK)
        return audit_hold(a, AUDIT_COSIGNATURE_INVALID, AUDIT_NO_INDEX, file, "%s",
                          why_text(&inner, err));
    if (n > 0 && head->size >= a->report.cosigned.size) {
        a->report.cosigned = *head;
        a->report.cosignatures = n;
    }
    return ERR_OK;
}

/* A note that the log must have signed. *ret_good: it did; else that was said. */
static err_code judge_note(struct audit *a, struct slice note, const char *file,
                           struct checkpoint *ret, bool *ret_good)
{
    const struct auditor *auditor = a->job->auditor;
    struct why inner = {0};
    err_code err = auditor->checkpoint(auditor, note, ret, &inner);

    *ret_good = err == ERR_OK;
    if (err == ERR_OK)
        return judge_lines(a, note, ret, file);
    if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    return audit_hold(a,
                      err == ERR_SIGNATURE_INVALID || err == ERR_SIGNER_UNKNOWN
                          ? AUDIT_CHECKPOINT_FORGED
                          : AUDIT_CHECKPOINT_DAMAGED,
                      AUDIT_NO_INDEX, file, "%s", why_text(&inner, err));
}

static err_code judge_checkpoint(struct audit *a, struct slice note, bool found)
{
    struct checkpoint head = {0};
    bool good;

    if (a->job->auditor->checkpoint == NULL)
        return ERR_OK;
    if (!found)
        return audit_hold(a, AUDIT_CHECKPOINT_DAMAGED, AUDIT_NO_INDEX, "checkpoint",
                          "is not there");
    TRY(judge_note(a, note, "checkpoint", &head, &good));
    if (!good)
        return ERR_OK;
    a->report.published = head;
    a->published = head.size;
    return add_stop(a, &(struct audit_stop){head, AUDIT_ROOT_MISMATCH, false, 0, "checkpoint"});
}

err_code audit_seal(struct audit *a)
{
    const struct auditor *auditor = a->job->auditor;
    const struct checkpoint *head = &a->report.published;
    struct slice bytes = {a->seal.ptr, a->seal.len};
    struct why inner = {0};
    struct sealed sealed;
    err_code err;

    if (auditor->seal == NULL || head->size == 0)
        return ERR_OK; /* without a checkpoint there is nothing that it could seal */
    if (!a->seal_found)
        return audit_hold(a, AUDIT_SEAL_DAMAGED, AUDIT_NO_INDEX, "seal", "is not there");
    err = sealed_parse(bytes, &sealed, &inner);
    if (err != ERR_OK)
        return audit_hold(a, AUDIT_SEAL_DAMAGED, AUDIT_NO_INDEX, "seal", "%s",
                          why_text(&inner, err));
    if (sealed.receipt.tree_size != head->size)
        return audit_hold(a, AUDIT_SEAL_INVALID, AUDIT_NO_INDEX, "seal",
                          "is for %llu entries, the checkpoint for %llu",
                          (unsigned long long)sealed.receipt.tree_size,
                          (unsigned long long)head->size);
    if (a->last.len == 0)
        return ERR_OK; /* its entry cannot be read, which was said */
    if (audit_record(a, buf_slice(&a->last), NULL) == ERR_OK &&
        a->record->round != sealed.receipt.round)
        return audit_hold(a, AUDIT_SEAL_INVALID, AUDIT_NO_INDEX, "seal",
                          "is of round %llu, the last entry that it covers of round %llu",
                          (unsigned long long)sealed.receipt.round,
                          (unsigned long long)a->record->round);
    err = auditor->seal(auditor, &sealed, buf_slice(&a->last), head, &inner);
    a->report.sealed = err == ERR_OK;
    return err == ERR_OK ? ERR_OK
                         : audit_hold(a, AUDIT_SEAL_INVALID, AUDIT_NO_INDEX, "seal", "%s",
                                      why_text(&inner, err));
}

/* ---- the journal ----------------------------------------------------------------------------- */

static bool begins_session(struct audit *a, uint64_t index)
{
    struct slice entry;

    return audit_journal_entry(&a->journal, index, &entry) &&
           audit_record(a, entry, NULL) == ERR_OK && a->record->kind == RECORD_KEY_ROTATION;
}

/* Every commit is published before the next one, unless the gate is killed between; then a new
 * session begins. A checkpoint that lies further back was put there. */
static err_code judge_age(struct audit *a)
{
    const struct audit_journal *j = &a->journal;
    uint64_t published = a->report.published.size;

    if (published == 0)
        return ERR_OK;
    if (j->base.checkpoint.size > published)
        return audit_hold(a, AUDIT_CHECKPOINT_STALE, published, "checkpoint",
                          "is of %llu entries, and the journal begins at %llu",
                          (unsigned long long)published,
                          (unsigned long long)j->base.checkpoint.size);
    for (size_t i = 0; i + 1 < j->n_heads; i++)
        if (j->heads[i].checkpoint.size > published &&
            !begins_session(a, j->heads[i].checkpoint.size))
            return audit_hold(a, AUDIT_CHECKPOINT_STALE, published, "checkpoint",
                              "is of %llu entries, and %llu were published before entry %llu",
                              (unsigned long long)published,
                              (unsigned long long)j->heads[i].checkpoint.size,
                              (unsigned long long)j->heads[i + 1].checkpoint.size - 1);
    return ERR_OK;
}

static err_code judge_end(struct audit *a)
{
    const struct audit_journal *j = &a->journal;
    uint64_t end = audit_journal_end(j);

    if (a->report.published.size <= end && a->extent <= end) {
        a->report.torn = j->torn;
        return ERR_OK;
    }
    return audit_hold(a, j->torn > 0 ? AUDIT_JOURNAL_DAMAGED : AUDIT_LOG_SHORTENED, end, "journal",
                      j->torn > 0 ? "cannot be read from here on, and %llu entries were published"
                                  : "ends here, and %llu entries were published",
                      (unsigned long long)(a->report.published.size > a->extent
                                               ? a->report.published.size
                                               : a->extent));
}

static err_code judge_journal(struct audit *a)
{
    const struct audit_journal *j = &a->journal;

    if (!j->found && a->job->own)
        return audit_hold(a, AUDIT_JOURNAL_DAMAGED, AUDIT_NO_INDEX, "journal",
                          "is not there, and this is no copy");
    if (!j->found)
        return ERR_OK;
    a->report.journal = true;
    for (size_t i = 0; i < j->n_heads; i++)
        TRY(add_stop(a, &(struct audit_stop){j->heads[i].checkpoint, AUDIT_JOURNAL_DAMAGED, true,
                                             i > 0 ? j->heads[i - 1].checkpoint.size
                                                   : j->base.checkpoint.size,
                                             "journal"}));
    TRY(add_stop(a, &(struct audit_stop){j->base.checkpoint, AUDIT_JOURNAL_DAMAGED, true,
                                         j->base.checkpoint.size, "journal"}));
    if (j->damaged)
        return audit_hold(a, AUDIT_JOURNAL_DAMAGED, j->at, "journal", "%s", j->text);
    if (a->job->auditor->checkpoint == NULL && a->published < j->base.checkpoint.size)
        a->published = j->base.checkpoint.size;
    TRY(judge_end(a));
    return judge_age(a);
}

/* ---- heads that others hold ------------------------------------------------------------------ */

static err_code judge_view(struct audit *a, const struct audit_view *view)
{
    if (view->head.size > a->size)
        return audit_hold(a, AUDIT_LOG_SHORTENED, a->size, view->from,
                          "knows the log with %llu entries, and it has %llu",
                          (unsigned long long)view->head.size, (unsigned long long)a->size);
    return add_stop(a, &(struct audit_stop){view->head, AUDIT_SPLIT_VIEW, false, 0, view->from});
}

/* What was published stays so. A crash may take the newest checkpoint's name with it, and then the
 * journal holds what it covered. */
static err_code judge_since(struct audit *a)
{
    const struct audit_view *since = &a->job->since;
    uint64_t published = a->report.published.size;

    if (since->head.size == 0)
        return ERR_OK;
    TRY(judge_view(a, since));
    if (published == 0 || published >= since->head.size || since->head.size > a->size ||
        audit_journal_end(&a->journal) >= since->head.size)
        return ERR_OK;
    return audit_hold(a, AUDIT_CHECKPOINT_STALE, published, "checkpoint",
                      "is of %llu entries, and %llu were published and verified",
                      (unsigned long long)published, (unsigned long long)since->head.size);
}

/* The checkpoint that witnesses signed last: the log continues it. */
static err_code judge_cosigned(struct audit *a)
{
    struct audit_view view = {.from = "cosigned"};
    bool good;

    if (!a->cosigned_found || a->job->auditor->checkpoint == NULL)
        return ERR_OK;
    TRY(judge_note(a, (struct slice){a->cosigned.ptr, a->cosigned.len}, view.from, &view.head,
                   &good));
    return good ? judge_view(a, &view) : ERR_OK;
}

static int by_size(const void *one, const void *other)
{
    const struct audit_stop *x = one, *y = other;

    return (x->head.size > y->head.size) - (x->head.size < y->head.size);
}

static err_code make_room(struct audit *a)
{
    a->stops = calloc(a->journal.n_heads + a->job->n_views + 5, sizeof *a->stops);
    return a->stops == NULL ? ERR_NO_MEMORY : ERR_OK;
}

/* A running gate replaces these files one after the other: read in this order, each is at least as
 * new as the ones before, and the journal the newest. */
static err_code read_files(struct audit *a, struct audit_room *note, bool *ret_found,
                           struct why *why)
{
    struct audit_room again = {0};
    bool same = false, there;
    err_code err = ERR_OK;

    TRY(audit_extent(&a->dir, &a->extent, why));
    TRY(audit_read(&a->dir, "cosigned", NOTE_SIZE_MAX, &a->cosigned, &a->cosigned_found, why));
    for (int tries = 0; err == ERR_OK && !same && tries < 8; tries++) {
        err = audit_read(&a->dir, "seal", SEALED_SIZE_MAX, &a->seal, &a->seal_found, why);
        if (err == ERR_OK)
            err = audit_read(&a->dir, "checkpoint", NOTE_SIZE_MAX, note, ret_found, why);
        if (err == ERR_OK)
            err = audit_read(&a->dir, "seal", SEALED_SIZE_MAX, &again, &there, why);
        same = slice_eq((struct slice){a->seal.ptr, a->seal.len},
                        (struct slice){again.ptr, again.len});
    }
    audit_room_free(&again);
    TRY(err);
    return audit_journal_read(&a->dir, &a->journal, why);
}

static err_code judge(struct audit *a, const struct audit_room *note, bool found, struct why *why)
{
    uint64_t end;

    TRY(make_room(a));
    TRY(judge_checkpoint(a, (struct slice){note->ptr, note->len}, found));
    TRY(audit_journal_settle(&a->journal, &a->dir, &a->hasher,
                             a->published > a->extent ? a->published : a->extent, why));
    end = audit_journal_end(&a->journal);
    a->size = a->published > end ? a->published : end;
    a->size = a->size > a->extent ? a->size : a->extent;
    TRY(judge_journal(a));
    for (size_t i = 0; i < a->job->n_views; i++)
        TRY(judge_view(a, &a->job->views[i]));
    TRY(judge_cosigned(a));
    TRY(judge_since(a));
    qsort(a->stops, a->n_stops, sizeof *a->stops, by_size);
    return audit_release(a);
}

err_code audit_heads(struct audit *a, struct why *why)
{
    struct audit_room note = {0};
    bool found = false;
    err_code err = read_files(a, &note, &found, why);

    if (err == ERR_OK)
        err = judge(a, &note, found, why);
    audit_room_free(&note);
    return err;
}
