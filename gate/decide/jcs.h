/* SPDX-License-Identifier: Apache-2.0 */
/* jcs.h: JSON in its canonical form (RFC 8785), for digests. */
#ifndef PAWL_DECIDE_JCS_H
#define PAWL_DECIDE_JCS_H

#include "gate/base/bytes.h"

#include <jansson.h>

/* Appends the canonical form of a value. Numbers must be whole and within +-(2^53 - 1), where the
 * canonical form needs no floating point: others are REQUEST_MALFORMED, and so is null, which
 * AuthZEN does not use (I-JSON). Depth is limited to 32: TOO_LARGE. */
err_code jcs_put(const json_t *value, struct buf *ret);

#endif
