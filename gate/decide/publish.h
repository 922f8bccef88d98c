/* SPDX-License-Identifier: Apache-2.0 */
/* publish.h: writes what anybody may fetch of a gate's ledger: tiles, the checkpoint signed with
 * the log's key, and the hardware's word on the same head beside it. */
#ifndef PAWL_DECIDE_PUBLISH_H
#define PAWL_DECIDE_PUBLISH_H

#include "gate/decide/gate.h"
#include "gate/ledger/log.h"

/* Publishes the durable head. sealed: the file "seal" for it (gate/ledger/seal.h). Errors: those of
 * log_key_load() and ledger_publish(). */
err_code publish_head(const struct gate *gate, struct ledger *ledger, struct slice sealed,
                      struct why *why);

#endif
