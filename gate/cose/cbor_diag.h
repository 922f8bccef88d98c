/* SPDX-License-Identifier: Apache-2.0 */
/* cbor_diag.h: CBOR for people, in the diagnostic notation of RFC 8949 8. */
#ifndef PAWL_COSE_CBOR_DIAG_H
#define PAWL_COSE_CBOR_DIAG_H

#include "gate/cose/cbor.h"

#define CBOR_DIAG_MAX ((size_t)1 << 20)

/* Appends the notation of one item, without a newline at the end. Arrays and maps that are short
 * stay on one line, others are indented. Control characters and those that turn the direction of
 * writing are escaped, so that a hostile text cannot rewrite a terminal. The item is judged first,
 * by the rules for foreign messages: CBOR_*. Longer than CBOR_DIAG_MAX: TOO_LARGE. On failure
 * nothing is appended. */
err_code cbor_diag(struct slice bytes, struct buf *ret);

#endif
