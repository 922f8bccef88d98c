/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/gate_head.h"

#include "hw/head.h"

#include <stdlib.h>

/* The same heads in the ledger's words and in the hardware's. */
struct heads {
    struct tlog_head *ledger;
    struct hw_head *hardware;
    size_t n;
};

static void heads_free(struct heads *heads)
{
    free(heads->ledger);
    free(heads->hardware);
}

/* An empty ledger has no head. */
static err_code read_heads(const struct ledger *ledger, struct heads *ret)
{
    size_t n;

    ret->ledger = calloc(HW_HEADS_MAX, sizeof *ret->ledger);
    if (ret->ledger == NULL)
        return ERR_NO_MEMORY;
    n = ledger_heads(ledger, ret->ledger, HW_HEADS_MAX);
    ret->hardware = calloc(n + 1, sizeof *ret->hardware);
    if (ret->hardware == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const struct tlog_head *head = &ret->ledger[i];
        if (head->checkpoint.size > 0)
            ret->hardware[ret->n++] =
                (struct hw_head){head->round, head->checkpoint.size, head->checkpoint.root};
    }
    return ERR_OK;
}

err_code gate_head_check(struct gate *gate, const struct ledger *ledger, struct hw_kept *ret,
                         struct why *why)
{
    CLEANUP(heads_free) struct heads heads = {0};

    TRY(read_heads(ledger, &heads));
    return gate->hw->ops->head_check(gate->hw, heads.hardware, heads.n, ret, why);
}
