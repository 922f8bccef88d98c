/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cose_header.h: the two header buckets of one COSE layer (RFC 9052 3), read and written. Used
 * inside the room by the two message types.
 */
#ifndef PAWL_COSE_COSE_HEADER_H
#define PAWL_COSE_COSE_HEADER_H

#include "gate/cose/cose.h"

/* Takes the protected byte string and the unprotected map off the reader and judges both. The empty
 * protected header is the empty slice, however it was written (RFC 9052 4.4). */
err_code cose_headers_take(struct cbor_reader *r, enum cbor_rules rules,
                           struct slice *ret_protected, struct cose_headers *ret, struct why *why);

/* Writes a protected map. key: alg and kid are written for it, or NULL for neither; spec: the rest,
 * or NULL. Nothing at all is the empty string, not an empty map. */
err_code cose_header_write(const struct hw_pubkey *key, const struct cose_header_spec *spec,
                           struct buf *ret);

/* The CWT claims map, encoded. A claim of another type than pawl writes refuses an own object, and
 * counts as absent in a foreign one. */
err_code cose_claims_read(struct slice item, enum cbor_rules rules, struct cose_claims *ret,
                          struct why *why);
size_t cose_claims_count(const struct cose_claims *claims);
void cose_claims_put(struct cbor_writer *w, const struct cose_claims *claims);

#endif
