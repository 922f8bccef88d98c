/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h: what @freshness says of a policy: an answer that it determines may rest on a check by
 * the hardware that was made before the request came, if that check is not older than this.
 */
#ifndef PAWL_CEDAR_WINDOW_H
#define PAWL_CEDAR_WINDOW_H

#include "gate/cedar/ast.h"

#define CEDAR_WINDOW "freshness" /* the annotation's name */
#define CEDAR_WINDOW_MAX_MS (UINT32_C(60) * 60 * 1000)

/* Reads "500ms", "5s" or "2m": a decimal number without sign or leading zeros, and its unit. 0 is
 * allowed and means none. Errors: CEDAR_ANNOTATION, also above CEDAR_WINDOW_MAX_MS. */
err_code cedar_window_parse(struct slice value, uint32_t *ret_ms);

/* The window of a policy in milliseconds; 0, so none, without the annotation and if it is not
 * valid. */
uint32_t cedar_window(const struct cedar_policy *policy);

#endif
