/* SPDX-License-Identifier: Apache-2.0 */
/* audit_epochs.c: which epoch a record may be of, by what the log itself tells: the hardware steps
 * (bump), a snapshot takes effect (install), and everything that happens is of that epoch until the
 * next step. A gate writes both before anything else in a new epoch, so a record of an epoch that
 * no install brought into force was never made by one that followed the authority. */
#include "gate/ledger/audit_walk.h"

#define NUMBER(n) ((unsigned long long)(n))

/* What a session begins with, and what stands before the install of a new epoch. */
static bool leads_up(enum record_kind kind)
{
    switch (kind) {
    case RECORD_NONE:
    case RECORD_KEY_ROTATION:
    case RECORD_START:
    case RECORD_ENROL:
    case RECORD_HARDWARE_LOST:
    case RECORD_HARDWARE_BACK:
        return true;
    case RECORD_BUMP:
    case RECORD_REVOCATION:
    case RECORD_INSTALL:
    case RECORD_ATTEMPT:
    case RECORD_DECISION:
    case RECORD_STOP:
    case RECORD_INSTALL_REFUSED:
    case RECORD_OVERRIDE:
    case RECORD_APPROVAL:
    case RECORD_AGENT_ENROL:
    case RECORD_AGENT_REMOVE:
        return false;
    }
    return false;
}

static err_code judge_step(struct audit *a, uint64_t index, const struct record *record)
{
    const struct audit_epochs *epochs = &a->epochs;

    if (record->from_epoch != epochs->installed)
        return audit_hold(a, AUDIT_EPOCH_UNKNOWN, index, "",
                          "from epoch %llu to %llu, and epoch %llu was in force",
                          NUMBER(record->from_epoch), NUMBER(record->epoch),
                          NUMBER(epochs->installed));
    if (record->kind == RECORD_INSTALL && record->epoch != epochs->stepped)
        return audit_hold(a, AUDIT_EPOCH_UNKNOWN, index, "",
                          "epoch %llu takes effect, and the hardware was stepped to epoch %llu",
                          NUMBER(record->epoch), NUMBER(epochs->stepped));
    return ERR_OK;
}

static err_code judge(struct audit *a, uint64_t index, const struct record *record)
{
    const struct audit_epochs *epochs = &a->epochs;

    if (record->kind == RECORD_BUMP || record->kind == RECORD_INSTALL)
        return judge_step(a, index, record);
    if (record->epoch == epochs->installed ||
        (record->kind == RECORD_REVOCATION && record->epoch == epochs->stepped))
        return ERR_OK;
    return audit_hold(a, AUDIT_EPOCH_UNKNOWN, index, "",
                      "%s of epoch %llu, and the last install is of epoch %llu",
                      record_kind_name(record->kind), NUMBER(record->epoch),
                      NUMBER(epochs->installed));
}

err_code audit_epoch(struct audit *a, uint64_t index, const struct record *record)
{
    struct audit_epochs *epochs = &a->epochs;
    err_code err = ERR_OK;

    if (leads_up(record->kind))
        return ERR_OK;
    if (epochs->sure)
        err = judge(a, index, record);
    /* Each unknown epoch is named once; and after entries that could not be read, the first that
     * can be is believed. */
    if (record->kind != RECORD_BUMP && record->kind != RECORD_REVOCATION) {
        epochs->installed = record->epoch;
        epochs->sure = true;
    }
    if (record->kind != RECORD_REVOCATION)
        epochs->stepped = record->epoch;
    return err;
}
