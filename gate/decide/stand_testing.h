/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stand_testing.h: a gate on the root in memory, enrolled for the authority of world_testing.h: put
 * together as gate_open() would, so that its hardware can be told to fail and to lie.
 */
#ifndef PAWL_DECIDE_STAND_TESTING_H
#define PAWL_DECIDE_STAND_TESTING_H

#include "gate/decide/install.h"
#include "gate/policy/world_testing.h"
#include "hw/fake.h"

#define STAND_NOW 5000

struct stand {
    struct cast cast;
    struct world world;
    char dir[64]; /* the state directory */
    struct hw_fake_nv *nv;
    struct gate *gate;
};

/* Nothing is published or installed. The gate takes itself for one on a TPM, and so asks for
 * grants. About 50 KB: static. */
void stand_make(struct stand *stand);
void stand_free(struct stand *stand);

/* Publishes the next epoch. Owns: the caller frees. */
struct buf stand_bundle(struct stand *stand);

/* Installs a copy. */
err_code stand_install(struct stand *stand, const struct buf *bundle, struct install_result *ret,
                       struct why *why);

/* Publishes and installs, which works; for what comes before the test. */
void stand_go_on(struct stand *stand);

/* The same gate by a process that was started on a disk without anything installed. */
void stand_forget(struct stand *stand);

#endif
