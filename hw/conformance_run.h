/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_run.h: what the files of the conformance test share; for nobody else. */
#ifndef PAWL_HW_CONFORMANCE_RUN_H
#define PAWL_HW_CONFORMANCE_RUN_H

#include "hw/conformance.h"

/* One run. */
struct conform {
    const struct hw_bench *bench;
    struct hw_root *root;
    struct hw_signer *stranger; /* ES256, in nobody's trust */
    struct hw_description about;
    struct hw_enrolment enrolment;
    struct hw_mandate *mandates[HW_BENCH_EPOCHS], *bad;
    struct hw_grant *bad_grants;
    struct hw_owner *other; /* scratch: an owner to be changed */
    struct why why;         /* of the last call */
    char kind[16];
    unsigned checks, failures;
    uint64_t epoch; /* that the life ended at */
    bool fatal;     /* going on makes no sense */
};

/* The stages. */
void conform_enrolment(struct conform *c);
void conform_verify(struct conform *c);
void conform_life(struct conform *c);
void conform_heads(struct conform *c);

/* Count one check, and print it if it failed. Each returns whether it held. */
[[gnu::format(printf, 4, 5)]] bool conform_true(struct conform *c, const char *check, bool ok,
                                                const char *format, ...);
bool conform_ok(struct conform *c, const char *check, err_code got);
/* Refused with one of these, or with any error if there are none; and why tells the same. */
bool conform_refused(struct conform *c, const char *check, err_code got, const err_code *wanted,
                     size_t n_wanted);

/* An emptied why, to be handed to the next call. */
struct why *conform_why(struct conform *c);

/* The good mandate of this epoch. Borrows: until the run ends. */
const struct hw_mandate *conform_mandate(struct conform *c, uint64_t epoch);

enum conform_spoil {
    SPOIL_EMPTY,    /* no statement and no grant */
    SPOIL_BIT,      /* one bit of every signature */
    SPOIL_DIGEST,   /* one bit of everything signed */
    SPOIL_STRANGER, /* everything signed by another key */
    N_SPOILS,
};
/* A copy of it with something wrong. Borrows: until the next call. */
struct hw_mandate *conform_spoilt(struct conform *c, uint64_t epoch, enum conform_spoil how);

/* A good mandate of this epoch for another snapshot: the authority has signed two. Its grants are
 * those of the first. Borrows: until the next call of this or of conform_spoilt(). */
struct hw_mandate *conform_twin(struct conform *c, uint64_t epoch);

void conform_sign(struct conform *c, struct hw_signer *signer, const uint8_t *digest,
                  struct hw_statement *ret);

/* The epoch reads back as wanted. */
void conform_epoch(struct conform *c, const char *check, uint64_t wanted);

/* Closes the root, if any, and opens it anew; attaches it for the right owner. */
bool conform_open(struct conform *c);
bool conform_attach(struct conform *c, const char *check);

/* begin and sign work and the signature verifies under receipt_key. */
void conform_round(struct conform *c, const char *check);

#endif
