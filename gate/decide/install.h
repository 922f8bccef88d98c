/* SPDX-License-Identifier: Apache-2.0 */
/* install.h: takes what the authority published into force: verify, store, step, serve. */
#ifndef PAWL_DECIDE_INSTALL_H
#define PAWL_DECIDE_INSTALL_H

#include "gate/decide/gate.h"

struct install_result {
    uint64_t from_epoch, epoch; /* from: what this disk had in force; 0: nothing */
    bool known;                 /* it was in force already; nothing changed */
};

/* Installs a bundle into an open gate. Everything is verified in hardware before anything is
 * stored; the bundle is durable before the epoch moves; a kill anywhere leaves the old state, or
 * one that gate_open() finishes. Takes bytes. Errors: those of bundle_judge and of the hardware;
 * ROLLBACK for an epoch below the hardware's. */
err_code gate_install(struct gate *gate, struct buf *bytes, struct install_result *ret,
                      struct why *why);

/* The epoch that a bundle says it is of, for the record; nothing of it is verified. 0: it cannot be
 * read, or has no snapshot. */
uint64_t install_claims(struct slice bundle);

#endif
