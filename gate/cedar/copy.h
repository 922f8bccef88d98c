/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h: copies of policies into another arena. Private to gate/cedar. */
#ifndef PAWL_CEDAR_COPY_H
#define PAWL_CEDAR_COPY_H

#include "gate/cedar/set.h"

/* A set with the same policies and room for more behind them, not finished yet (cedar_finish). It
 * shares no memory with the first one. Error: NO_MEMORY. Owns: the caller frees *ret. */
err_code cedar_copy(const struct cedar_policies *policies, size_t more,
                    struct cedar_policies **ret);

#endif
