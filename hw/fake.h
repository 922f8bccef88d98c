/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake.h: a hardware root in memory, for tests only: never installed and not part of hw_lib. It
 * keeps the promises of hw/root.h within one process, passes the conformance test, and can be told
 * to fail. It says of itself that it is a simulator.
 *
 * What a real chip keeps in non-volatile memory lives in struct hw_fake_nv, so that a test can
 * close the root and open it again, or hold two roots on one "chip".
 */
#ifndef PAWL_HW_FAKE_H
#define PAWL_HW_FAKE_H

#include "hw/root.h"

struct hw_fake_nv;

/* A chip as it comes from the factory. Errors: NO_MEMORY. Owns: the caller frees it, after every
 * root on it is closed. */
err_code hw_fake_nv_new(struct hw_fake_nv **ret);
void hw_fake_nv_free(struct hw_fake_nv **nv);

/* Owns: *ret is closed with hw_root_close(). Borrows: nv, for the life of the root. */
err_code hw_fake_open(struct hw_fake_nv *nv, struct hw_root **ret);

/* verify then judges signatures of any key, as a TPM does, instead of those of the owner's anchors
 * alone. A mandate still needs anchors, as a TPM's grants need ratchet keys. */
void hw_fake_verify_any_key(struct hw_fake_nv *nv);

/* The device's key is then the receipt key, as in a TPM, and not the seal key, as on a token. */
void hw_fake_one_key(struct hw_fake_nv *nv);

enum hw_fake_op {
    HW_FAKE_DESCRIBE,
    HW_FAKE_ENROL,
    HW_FAKE_ATTACH,
    HW_FAKE_VERIFY,
    HW_FAKE_EPOCH,
    HW_FAKE_STEP,
    HW_FAKE_PREPARE,
    HW_FAKE_BEGIN,
    HW_FAKE_SIGN,
    HW_FAKE_SEAL,
    HW_FAKE_RECEIPT_KEY,
    HW_FAKE_DEVICE_KEY,
    HW_FAKE_DEVICE_SIGN,
    HW_FAKE_HEAD_CHECK,
    HW_FAKE_HEAD_BIND,
    HW_FAKE_N_OPS,
};

/* How often an operation was called on this chip, refused calls included. */
unsigned hw_fake_calls(const struct hw_fake_nv *nv, enum hw_fake_op op);

/* Makes the operation fail with err until it is set to ERR_OK again. late: it does its work first
 * and then reports the failure, as when the answer is lost on the way. */
void hw_fake_fail(struct hw_fake_nv *nv, enum hw_fake_op op, err_code err, bool late);

/* The epoch on the chip, past every check and not counted; and setting it, as a thief with the
 * chip's memory in his hands would: no snapshot is bound to it then. */
uint64_t hw_fake_epoch(const struct hw_fake_nv *nv);
void hw_fake_set_epoch(struct hw_fake_nv *nv, uint64_t epoch);

/* Heads: the chip counts rounds from HW_FAKE_FIRST on. It restarts; every root on it is closed
 * before. Clean: the count stays. Unclean: as with a TPM's orderly counter only blocks of
 * HW_FAKE_BLOCK rounds are told apart, so the count goes to the end of its block. */
#define HW_FAKE_FIRST 100
#define HW_FAKE_BLOCK 16
void hw_fake_restart(struct hw_fake_nv *nv, bool clean);
/* Somebody removed what keeps the heads. */
void hw_fake_forget_heads(struct hw_fake_nv *nv);

/* The statement of HW_SEAL_FAKE: "pawl-fake-v1" 00, epoch u64, binding; sig: raw ES256 by the
 * enrolment's seal key over its SHA-256. */
#define HW_FAKE_SEAL_LEN (13 + 8 + 32)

#endif
