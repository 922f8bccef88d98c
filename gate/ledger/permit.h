/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permit.h: the file that a requester gets: the record of the decision as it stands in the ledger,
 * and in its unprotected header what proves it: the receipt (394), the key_rotation record that
 * introduced the key it is signed with ("pawl-key"), and the hardware's own word on the epoch
 * ("pawl-seal"). Any COSE verifier reads it as a COSE_Sign1, any SCITT one as a transparent
 * statement. A denial has the same form. Bytes: docs/ledger.cddl.
 */
#ifndef PAWL_LEDGER_PERMIT_H
#define PAWL_LEDGER_PERMIT_H

#include "gate/ledger/receipt.h"
#include "gate/ledger/record.h"
#include "gate/ledger/record_redact.h"
#include "gate/ledger/seal.h"

#define PERMIT_SIZE_MAX ((size_t)2 << 20)

/* What permits of one session have in common, and was read and judged with one of them: octet for
 * octet the same is not judged once more. {0} is ready. */
struct permit_known {
    struct buf rotation_entry;      /* empty: none yet */
    struct record rotation;         /* borrows from it */
    struct x509_known own, receipt; /* certificates of the statement key, of the receipt key */
};
void permit_known_free(struct permit_known *known);

/* What a permit is put together from. Each part is encoded; the seal may be of kind NONE. */
struct permit_parts {
    struct slice record, receipt, rotation;
    const struct hw_seal *seal;
    struct slice disclosures;   /* from record_redact(); empty: nothing is disclosed */
    struct permit_known *known; /* from permits before; NULL: there are none */
};

/* Writes a permit. The certificates of the statement key are taken from the rotation, where the
 * hardware has signed them. The parts must be such that permit_parse() takes the result. Appends to
 * ret. Errors: those of permit_parse(). */
err_code permit_make(const struct permit_parts *parts, struct buf *ret, struct why *why);

/* A parsed permit, about 16 KiB: on the heap or static. */
struct permit {
    struct buf entry;        /* the leaf entry: the record with an empty unprotected header */
    struct record record;    /* borrows from entry; always of kind DECISION */
    struct receipt receipt;  /* borrows from the permit's bytes, as do the next */
    struct record rotation;  /* introduces the key that signed the record */
    struct x509_chain chain; /* of that key; n 0: none. Nobody has judged it yet */
    struct slice rotation_entry;
    struct seal seal;
    struct record_disclosures disclosures; /* n 0: none; each fits the record */
    struct slice disclosed;                /* the same, encoded */
};
void permit_free(struct permit *permit);

/* Reads a permit and holds its parts against each other: record, receipt and rotation are of one
 * issuer, record and receipt of one epoch, snapshot and kind of hardware (simulated or not), record
 * and rotation of one session, and the record names the key that the rotation introduced; the
 * certificates in the header (33) are those of the rotation, the first is of that key, and the
 * receipt carries the others; what is disclosed has its redaction receipt in the record. Judges no
 * signature and no seal: a permit that parses proves nothing yet. Errors: CBOR_*, COSE_*, FORMAT,
 * TOO_LARGE, PERMIT_INVALID when the parts do not belong together; *ret is then all zero. Owns: the
 * caller frees *ret. Borrows: from bytes. */
err_code permit_parse(struct slice bytes, struct permit *ret, struct why *why);

#endif
