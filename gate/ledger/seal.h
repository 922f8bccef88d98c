/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h: the hardware's own word on the epoch, bound to a tree head, as it stands in files; and
 * the file "seal" that lies beside a published checkpoint: the hardware's receipt for the last
 * entry of that tree, and the seal of the same round. With it anyone makes the receipt of any other
 * entry of the tree (receipt_again()), because the hardware signs the root alone. Bytes:
 * docs/ledger.cddl.
 */
#ifndef PAWL_LEDGER_SEAL_H
#define PAWL_LEDGER_SEAL_H

#include "gate/cose/cbor.h"
#include "gate/ledger/receipt.h"
#include "hw/root.h"

/* Room for the longest chain of epoch certificates that a token's seal carries (HSM_CHAIN_MAX of
 * 294 bytes, 1,204,224). */
#define SEAL_PART_MAX ((size_t)1180 << 10) /* statement and signature, each */
#define SEALED_SIZE_MAX ((size_t)2 << 20)

/* A seal as read. Borrows from the bytes. */
struct seal {
    enum hw_seal_kind kind; /* NONE: there is none */
    struct slice statement, sig;
};

/* Writes {"kind", "signature", "statement"}. Error: INTERNAL for a seal of kind NONE. */
err_code seal_put(struct cbor_writer *w, const struct hw_seal *seal);

/* Reads one. Errors: FORMAT; TOO_LARGE beyond SEAL_PART_MAX; the reader's. */
err_code seal_get(struct cbor_reader *r, struct seal *ret);

/* The file beside a checkpoint, about 3 KiB. */
struct sealed {
    struct receipt receipt; /* of the last entry */
    struct seal seal;
};

/* Appends the file to ret. receipt: encoded, for the last entry of its tree. Errors: those of
 * sealed_parse(). */
err_code sealed_make(struct slice receipt, const struct hw_seal *seal, struct buf *ret,
                     struct why *why);

/* The same, with certificates that were read before: see receipt_parse_known(). */
err_code sealed_make_known(struct slice receipt, const struct hw_seal *seal,
                           struct x509_known *known, struct buf *ret, struct why *why);

/* Reads the file. Judges no signature. Errors: CBOR_*, COSE_*, FORMAT, TOO_LARGE; *ret is then all
 * zero. Borrows: from bytes. */
err_code sealed_parse(struct slice bytes, struct sealed *ret, struct why *why);

#endif
