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

/* The two records that tell who signed the last entry. */
struct proof {
    struct ledger_room room, rotation_room;
    struct record last, rotation;
};

static void proof_free(struct proof **proof)
{
    if (*proof == NULL)
        return;
    ledger_room_free(&(*proof)->room);
    ledger_room_free(&(*proof)->rotation_room);
    free(*proof);
}

/* Signed by the session's key, which only the process had that wrote it; and that key by the
 * hardware. A token's key changes with its epoch, and it knows the head itself. */
static err_code check_signed(const struct gate *gate, const struct ledger *ledger,
                             struct proof *proof, struct why *why)
{
    const struct hw_pubkey *hardware = &gate->enrolment.hw.receipt;
    bool is_rotation = proof->last.kind == RECORD_KEY_ROTATION;

    if (strcmp(gate->enrolment.hw.about.kind, "pkcs11") == 0)
        return ERR_OK;
    TRY(ledger_record(ledger, ledger_state(ledger)->began, &proof->rotation_room, &proof->rotation,
                      why));
    TRY(record_verify(&proof->rotation, hardware, why));
    return record_verify(&proof->last, is_rotation ? hardware : &proof->rotation.key, why);
}

/* The number that the journal gives to its last commit is nobody's word, and all that a TPM knows
 * of it after a restart. The last entry says it, too, and is signed. */
static err_code check_number(const struct gate *gate, const struct ledger *ledger,
                             const struct tlog_head *head, struct why *why)
{
    CLEANUP(proof_free) struct proof *proof = calloc(1, sizeof *proof);
    struct why inner = {0};
    err_code err;

    if (proof == NULL)
        return ERR_NO_MEMORY;
    TRY(ledger_record(ledger, head->checkpoint.size - 1, &proof->room, &proof->last, why));
    if (proof->last.round != head->round)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the journal's last commit is said to be of round %" PRIu64
                       ", its last entry says %" PRIu64,
                       head->round, proof->last.round);
    err = check_signed(gate, ledger, proof, &inner);
    if (err == ERR_OK || err == ERR_NO_MEMORY)
        return err;
    return why_say(why, ERR_LEDGER_INCONSISTENT, "nobody signed the round of the last entry: %s",
                   why_text(&inner, err));
}

err_code gate_head_check(struct gate *gate, const struct ledger *ledger, struct hw_kept *ret,
                         struct why *why)
{
    CLEANUP(heads_free) struct heads heads = {0};

    TRY(read_heads(ledger, &heads));
    if (heads.n > 0)
        TRY(check_number(gate, ledger, &heads.ledger[heads.n_ledger - 1], why));
    return gate->hw->ops->head_check(gate->hw, heads.hardware, heads.n, ret, why);
}
