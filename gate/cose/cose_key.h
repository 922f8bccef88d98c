/* SPDX-License-Identifier: Apache-2.0 */
/* cose_key.h: COSE_Key (RFC 9052 7, RFC 9053 7, RFC 8230) and its thumbprint (RFC 9679). */
#ifndef PAWL_COSE_COSE_KEY_H
#define PAWL_COSE_COSE_KEY_H

#include "gate/base/hash.h"
#include "gate/cose/cbor.h"
#include "hw/key.h"

/* Writes a COSE_Key map of the required members and alg: EC2 {1, 3, -1, -2, -3}, RSA {1, 3, -1,
 * -2}. No kid: the thumbprint is the key id. */
void cose_key_put(struct cbor_writer *w, const struct hw_pubkey *key);

/* Reads one COSE_Key map. kid, key_ops and unknown members are allowed; alg, if present, must fit
 * kty and crv; key_ops, if present, must allow verify; y may be a bool (compressed point). The key
 * is checked to be on its curve. Errors: KEY_MALFORMED, COSE_ALG. */
err_code cose_key_get(struct cbor_reader *r, struct hw_pubkey *ret, struct why *why);

/* Reads one COSE_Key map that is octet for octet what cose_key_put() writes: so none of it can
 * vary. Errors: FORMAT, and those of cose_key_get(). */
err_code cose_key_get_plain(struct cbor_reader *r, struct hw_pubkey *ret, struct why *why);

/* SHA-256 over the deterministic CBOR of the required members only (RFC 9679 4). */
err_code cose_key_thumbprint(const struct hw_pubkey *key, struct digest *ret);

#endif
