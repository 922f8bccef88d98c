/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/gate_head.h"

#include "hw/head.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The same heads in the ledger's words and in the hardware's. */
struct heads {
    struct tlog_head *ledger;
    struct hw_head *hardware;
    size_t n_ledger, n; /* an empty ledger has one of its own, and none of the hardware's */
};

static void heads_free(struct heads *heads)
{
    free(heads->ledger);
    free(heads->hardware);
}

/* An empty ledger has no head. */
static err_code read_heads(const struct ledger *ledger, struct heads *ret)
{
    ret->ledger = calloc(HW_HEADS_MAX, sizeof *ret->ledger);
    if (ret->ledger == NULL)
        return ERR_NO_MEMORY;
    ret->n_ledger = ledger_heads(ledger, ret->ledger, HW_HEADS_MAX);
    ret->hardware = calloc(ret->n_ledger + 1, sizeof *ret->hardware);
    if (ret->hardware == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < ret->n_ledger; i++) {
        const struct tlog_head *head = &ret->ledger[i];
        if (head->checkpoint.size > 0)
            ret->hardware[ret->n++] =
                (struct hw_head){head->round, head->checkpoint.size, head->checkpoint.root};
    }
    return ERR_OK;
}

static void record_drop(struct record **record)
{
    free(*record);
    *record = NULL;
}

/* The number that the journal gives to its last commit is nobody's word, and all that a TPM knows
 * of it after a restart. A commit that begins a session holds one that the hardware signed. */
static err_code check_number(const struct gate *gate, const struct ledger *ledger,
                             const struct heads *heads, struct why *why)
{
    CLEANUP(record_drop) struct record *record = malloc(sizeof *record);
    CLEANUP(ledger_room_free) struct ledger_room room = {0};
    const struct tlog_head *last;
    struct why inner = {0};

    if (record == NULL)
        return ERR_NO_MEMORY;
    if (heads->n_ledger < 2)
        return ERR_OK; /* folded: where its last commit began is not known any more */
    last = &heads->ledger[heads->n_ledger - 1];
    TRY(ledger_record(ledger, last[-1].checkpoint.size, &room, record, why));
    if (record->kind != RECORD_KEY_ROTATION)
        return ERR_OK;
    if (record->rotation.round != last->round)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the journal's last commit is said to be of round %" PRIu64
                       ", its key_rotation says %" PRIu64,
                       last->round, record->rotation.round);
    if (strcmp(gate->enrolment.hw.about.kind, "tpm") == 0 && /* a token knows the head itself */
        record_verify(record, &gate->enrolment.hw.receipt, &inner) != ERR_OK)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the key_rotation of the journal's last commit: %s", inner.text);
    return ERR_OK;
}

err_code gate_head_check(struct gate *gate, const struct ledger *ledger, struct hw_kept *ret,
                         struct why *why)
{
    CLEANUP(heads_free) struct heads heads = {0};

    TRY(read_heads(ledger, &heads));
    TRY(check_number(gate, ledger, &heads, why));
    return gate->hw->ops->head_check(gate->hw, heads.hardware, heads.n, ret, why);
}
