/* SPDX-License-Identifier: Apache-2.0 */
/* log_take.c: takes a record into the ledger in memory. */
#include "gate/ledger/log_state.h"

#include <stdlib.h>

err_code ledger_ready(const struct ledger *ledger, uint64_t now_ms, uint64_t epoch,
                      const struct digest *snapshot, struct why *why)
{
    return succession_ready(&ledger->succession, now_ms, epoch, snapshot, why);
}

static err_code make_room(struct ledger *ledger)
{
    size_t want = ledger->n_offsets == 0 ? 64 : ledger->n_offsets * 2;
    uint64_t *offsets;

    if (tree_size(&ledger->tree) < ledger->n_offsets)
        return ERR_OK;
    offsets = reallocarray(ledger->offsets, want, sizeof *offsets);
    if (offsets == NULL)
        return ERR_NO_MEMORY;
    ledger->offsets = offsets;
    ledger->n_offsets = want;
    return ERR_OK;
}

err_code ledger_take(struct ledger *ledger, struct slice bytes, struct why *why)
{
    struct digest leaf;
    err_code err;

    TRY(record_parse(bytes, ledger->record, why));
    TRY(tree_leaf(bytes, &leaf));
    TRY(make_room(ledger));
    TRY(tree_append(&ledger->tree, &leaf));
    err = succession_take(&ledger->succession, ledger->record, why);
    if (err != ERR_OK) {
        tree_cut(&ledger->tree, tree_size(&ledger->tree) - 1);
        return err;
    }
    ledger->offsets[tree_size(&ledger->tree) - 1] = ledger->end;
    ledger->end += FRAME_HEAD + bytes.len;
    return ERR_OK;
}
