/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h: what a ledger was at one moment: how many entries, and the root over them. Whoever
 * keeps one can tell later whether the ledger was cut or changed. */
#ifndef PAWL_TLOG_CHECKPOINT_H
#define PAWL_TLOG_CHECKPOINT_H

#include "gate/base/hash.h"

struct checkpoint {
    uint64_t size;
    struct digest root;
};

#endif
