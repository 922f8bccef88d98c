/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cast_testing.h: the people of the tests: a few keys for each role, a stranger, and a way to have
 * them sign anything at all, also what no honest writer makes.
 */
#ifndef PAWL_POLICY_CAST_TESTING_H
#define PAWL_POLICY_CAST_TESTING_H

#include "gate/policy/object.h"
#include "gate/policy/root_meta.h"
#include "gate/policy/snapshot.h"

enum person {
    ROOT_A,
    ROOT_B,
    ROOT_C,
    POLICY_A,
    POLICY_B,
    POLICY_C,
    SNAP_A,
    SNAP_B,
    RATCHET_A,
    RATCHET_B,
    STRANGER,
    LATECOMER, /* ES384 */
    CAST_END,
};
/* A set of people, as bits; they sign in the order of their numbers. */
#define BY(person) (1u << (person))

struct cast {
    struct hw_signer *signers[CAST_END];
    struct digest kids[CAST_END];
};
void cast_make(struct cast *cast);
void cast_free(struct cast *cast);

/* CBOR from its diagnostic notation, without any check of order or sense: maps, arrays, "text",
 * integers, h'hex', null, true, kid(3) and key(3) for a person's thumbprint and COSE_Key. */
struct buf cast_cbor(const struct cast *cast, const char *notation);

/* Domain "example.org"; root 2 of 3, policy 2 of 3, snapshot 1 of 2, ratchet 1 of 2. Not signed. */
struct root_meta *cast_root_meta(const struct cast *cast);
struct buf cast_sign_root(const struct cast *cast, const struct root_meta *meta, unsigned by);
/* The same, signed by two root keys and parsed; *bytes must outlive it. */
struct root_meta *cast_root(const struct cast *cast, struct buf *bytes);

/* Signs a payload as a type with its usual claims (iat 1000, nbf 1000, exp 9000). */
struct buf cast_sign(const struct cast *cast, enum envelope_type type, const char *subject,
                     struct slice payload, unsigned by);

/* A policy "deploy", version 1, execute only, 1000 to 9000. */
struct policy_object cast_policy(void);
struct buf cast_sign_policy(const struct cast *cast, const struct policy_object *object,
                            unsigned by);

/* The last signature in its other form, (r, n - s). It must be ES256. */
void cast_turn(struct buf *message);

struct buf cast_sign_snapshot(const struct cast *cast, const struct snapshot *snapshot,
                              unsigned by);

/* Calls fn for the bytes cut at every length and with every bit flipped, or every step-th; fails
 * the test if fn ever answers OK. */
void cast_damage(struct slice bytes, size_t step, err_code (*fn)(void *ctx, struct slice bytes),
                 void *ctx);

#endif
