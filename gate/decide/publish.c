/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/publish.h"

#include "gate/decide/log_key.h"
#include "gate/tlog/checkpoint_text.h"

err_code publish_head(const struct gate *gate, struct ledger *ledger, struct slice sealed,
                      struct why *why)
{
    CLEANUP(log_key_free) struct log_key key = {0};
    CLEANUP(buf_free) struct buf note = {0};
    const struct tlog_head head = ledger_head(ledger);
    const struct note_signer signer = {.key = &key.key, .pair = &key.pair};

    TRY(log_key_load(gate->state_dir, gate->enrolment.log, &key, why));
    TRY(checkpoint_note_make(&head.checkpoint, &signer, &note, why));
    return ledger_publish(ledger, buf_slice(&note), sealed, why);
}
