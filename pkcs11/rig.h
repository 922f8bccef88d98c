/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.h: what every test of the HSM root begins with: a SoftHSM, an authority with two keys, a gate
 * that is enrolled, and mandates. For tests only; every step asserts that it worked.
 */
#ifndef PAWL_PKCS11_RIG_H
#define PAWL_PKCS11_RIG_H

#include "pkcs11/root.h"
#include "test-env/faults/p11_fault.h"
#include "test-env/fixtures/softhsm.h"

struct rig {
    struct softhsm hsm;
    char uri[512]; /* of the token; a test may point it at another module */
    struct hw_options options;
    struct hw_signer *authority[3]; /* ES256, ES256, and one that is no anchor */
    struct hw_owner *owner;
    struct hw_enrolment enrolment;
    struct hw_mandate *mandate; /* of the last rig_mandate() */
    struct p11_fault *fault;
};

/* A token "gate" and an authority; nothing enrolled yet. */
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);

struct hw_root *rig_open(struct rig *rig);
/* Opens, enrols with the officer's PIN, closes. */
void rig_enrol(struct rig *rig);
/* Opens and attaches. */
struct hw_root *rig_attach(struct rig *rig);

/* Puts p11_fault.so between the rig and SoftHSM. Borrows: the switches live until rig_stop(). */
struct p11_fault *rig_fault(struct rig *rig);
/* From the next call of fn on, `times` calls answer rv; until healed. */
void rig_strike(struct p11_fault *fault, enum p11_fault_fn fn, uint64_t rv, uint32_t times);
void rig_heal(struct p11_fault *fault);

/* The mandate of an epoch, signed by authority[0]. Borrows: until the next call. */
const struct hw_mandate *rig_mandate(struct rig *rig, uint64_t epoch);

/* Steps to the epoch and prepares it. */
void rig_step(struct rig *rig, struct hw_root *root, uint64_t epoch);

/* One round; the signature must verify with the receipt key, and the seal must lead to that key. */
void rig_round(struct rig *rig, struct hw_root *root, uint64_t epoch);

/* Asserts that a call gave this error, printing what it said. */
#define expect_err(call, wanted) rig_expect((call), (wanted), &why, #call, __FILE__, __LINE__)
void rig_expect(err_code got, err_code wanted, const struct why *why, const char *call,
                const char *file, int line);

#endif
