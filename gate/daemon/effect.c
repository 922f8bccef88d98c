/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/effect.h"

#include <string.h>

void effect_take(const struct snapshot *snapshot, struct effect *ret)
{
    *ret =
        (struct effect){.any = true, .expires = snapshot->exp, .n_policies = snapshot->n_policies};
    while (ret->n < snapshot->n_policies && ret->n < EFFECT_POLICIES_MAX) {
        const struct snapshot_policy *from = &snapshot->policies[ret->n];
        if (from->alias.len > TERM_NAME_MAX)
            return; /* no snapshot has one */
        memcpy(ret->policies[ret->n].alias, from->alias.ptr, from->alias.len);
        ret->policies[ret->n].version = from->version;
        ret->n++;
    }
}
