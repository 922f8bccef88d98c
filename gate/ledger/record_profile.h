/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_profile.h: the seam between what a record means (struct record) and how it is written. A
 * profile lays out the payload and the protected header; the COSE_Sign1 around it, its signature,
 * the hash envelope (RFC 9995) and the rules of what a record may say are the same for each. The
 * first profile is AIR (record_air.h). Which one a record is of, its typ says.
 */
#ifndef PAWL_LEDGER_RECORD_PROFILE_H
#define PAWL_LEDGER_RECORD_PROFILE_H

#include "gate/ledger/record.h"

/* The octets that the COSE_Sign1 carries as its payload: those of write_payload(), or their SHA-256
 * if the record is a hash envelope. */
struct record_content {
    struct slice octets;
    bool enveloped;           /* labels 258 and 259 go into the header */
    const struct digest *kid; /* thumbprint of the key that will sign; NULL: not known yet */
};

struct record_profile {
    const char *name; /* schema and version: "air-1.0" */
    const char *typ;  /* of the protected header; no two profiles have the same */

    /* Appends the payload. kid: thumbprint of the key that is going to sign. */
    err_code (*write_payload)(const struct record *record, const struct digest *kid,
                              struct buf *ret);

    /* Appends the protected header, and gives what the agent's next record links to. */
    err_code (*write_protected)(const struct hw_pubkey *key, const struct record *record,
                                const struct record_content *content, struct buf *ret,
                                struct digest *ret_chain_hash);

    /* Fills the record from its message, which is parsed already, with alg ES256 and this typ, and
     * from the payload, which of a hash envelope is the pre-image and fits the message. Everything
     * in both is to be judged that is the profile's own. Borrows: from both. */
    err_code (*read)(struct record *record, struct slice payload, struct why *why);
};

/* As record_prepare() and record_parse(), with profiles that the caller names. */
err_code record_prepare_as(const struct record_profile *profile, const struct hw_pubkey *key,
                           const struct record *record, struct record_draft *ret, struct why *why);

struct record_source {
    struct slice bytes, preimage; /* preimage: empty, or the payload of a hash envelope */
    const struct record_profile *const *profiles;
    size_t n_profiles;
};
err_code record_parse_as(const struct record_source *source, struct record *ret, struct why *why);

#endif
