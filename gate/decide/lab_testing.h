/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab_testing.h: permits of a TPM and of a token made in software, where everything that a real one
 * would not do can be signed.
 */
#ifndef PAWL_DECIDE_LAB_TESTING_H
#define PAWL_DECIDE_LAB_TESTING_H

#include "gate/decide/verify.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/policy/cast_testing.h"

#define LAB_EPOCH 7 /* that the records of ledger_testing.h speak of */
#define LAB_INDEX 0x01800100u
#define LAB_BASE 64u

enum lab_kind {
    LAB_TPM,
    LAB_TOKEN,
};

/* Everything that a permit is made of, good until a test changes it. */
struct lab {
    enum lab_kind kind;
    struct testing t; /* .hardware is the receipt key */
    struct hw_signer *seal_key, *first_key;
    struct root_meta *root;
    struct buf root_bytes;
    struct enrolment enrolment;

    struct hw_signer *seal_by;      /* of the attestation, or identity key */
    struct hw_signer *certified_by; /* a token's key: the device's */
    bool uncertified;               /* without any certificate */
    struct hw_signer
        *entry_by; /* of the record, in the name of the statement key; NULL: that key */
    struct hw_signer *rotation_by,
        *receipt_by; /* with the kid of their own; NULL: the receipt key */
    uint64_t sealed_epoch, sealed_size;
    const char *stepped_for;            /* what the token's certificate names; "": nothing */
    const struct digest *request;       /* that the records are about; NULL: any */
    uint64_t index, size;               /* of the record, and of the tree that is signed */
    enum hw_seal_kind seal_kind, label; /* as it is made, as it is called; NONE: the same */
    bool with_sig;                      /* a seal of a token that carries a signature as well */
};

/* Borrows: cast, for the life of the lab. Owns: lab_free(). */
struct lab *lab_new(const struct cast *cast, enum lab_kind kind);
void lab_free(struct lab **lab);

/* A permit of the lab as it is. Owns: the caller frees. */
struct buf lab_permit(struct lab *lab);

/* What the verifier says of it under the lab's enrolment. ret_sealed: may be NULL. */
err_code lab_verify(struct lab *lab, struct slice permit, bool *ret_sealed);

#endif
