/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h: the state of an HSM root, shared by the files that work on it. */
#ifndef PAWL_PKCS11_INTERNAL_H
#define PAWL_PKCS11_INTERNAL_H

#include "pkcs11/anchor.h"
#include "pkcs11/cert_object.h"
#include "pkcs11/epoch_cert.h"
#include "pkcs11/epoch_key.h"
#include "pkcs11/head.h"
#include "pkcs11/root.h"

#include <sys/types.h>
#include <time.h>

#define HSM_KEYS_MAX 256 /* epoch keys of one gate on one token; normally 1, in a step 2 */

/* Tells one version of the chain's file from another: each is a new file, renamed into place. */
struct hsm_chain_file {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

/* A signature that is made in another session before it is asked for. */
struct hsm_ahead {
    bool given;
    CK_OBJECT_HANDLE key;
    struct digest digest;
    uint8_t sig[64];
};

struct hsm_root {
    struct hw_root base;
    struct hw_options options;
    struct hsm_uri uri;
    struct hsm_token token;

    /* From attach; owner is NULL before. */
    struct hw_owner *owner;
    struct hw_enrolment enrolment;
    struct hsm_space space;

    /* What hsm_sync() found. Dropped with the session, since it speaks of handles. */
    bool synced;
    struct buf chain;           /* verified against the enrolment */
    struct hsm_cert top;        /* its last certificate */
    struct hsm_chain_file file; /* that it was read from */
    CK_OBJECT_HANDLE identity;
    CK_OBJECT_HANDLE key; /* of the epoch below, proved; 0 when it is not certified */
    uint64_t epoch;       /* the hardware's */

    /* From prepare; NULL before. Anchors are found again when they are 0. */
    struct hw_mandate *prepared;
    CK_OBJECT_HANDLE anchors[HW_SIGNERS_MAX];
    bool begun;
    unsigned slow_rounds; /* in a row, up to HSM_SLOW_ROUNDS: abreast.c */
    struct hsm_ahead ahead;

    struct hsm_heads heads;
};

/* The description of the opened token. */
void hsm_describe(const struct hsm_root *root, struct hw_description *ret);

/* Reads store_dir/epochs, the chain of certificates. Error: NOT_FOUND when there is none yet. */
err_code hsm_chain_load(struct hsm_root *root, struct buf *ret, struct why *why);
/* True while the file is the one that was loaded last. */
bool hsm_chain_same(const struct hsm_root *root);
/* TOO_LARGE when it can take no further certificate, so that there is no further step. */
err_code hsm_chain_room(const struct hsm_root *root, struct why *why);
/* Replaces it durably. */
err_code hsm_chain_store(const struct hsm_root *root, struct slice chain, struct why *why);

/* Drops every handle and what is known through handles. */
void hsm_drop(struct hsm_root *root);

/* HSM_CHAIN_STALE: the token is at an epoch that the certificates do not reach. */
err_code hsm_behind(const struct hsm_root *root, struct why *why);

/* Opens token and session again if need be, logs in, and establishes everything that the operations
 * rely on: identity key, chain, epoch key, anchors. Finishes the destruction that a killed step
 * left. Where the file of certificates ends before the token's epoch (an older disk was put back),
 * it is extended from the token. Errors: HSM_KEY_MISSING, HSM_KEY_FOREIGN, HSM_KEY_WEAK, ANCHOR_*,
 * STATE_CORRUPT. */
err_code hsm_sync(struct hsm_root *root, struct why *why);

/* Looks whether the key of the epoch is still there, and syncs if it is not. A round that is open
 * stays open while nothing has changed. */
err_code hsm_look(struct hsm_root *root, struct why *why);

/* Runs op on a synced root. When it finds every handle void (HSM_TOKEN_LOST), syncs and runs it
 * once more; what then fails stays failed. Error: NOT_ENROLLED before attach. */
typedef err_code (*hsm_op)(struct hsm_root *root, const void *in, void *out, struct why *why);
err_code hsm_run(struct hsm_root *root, hsm_op op, const void *in, void *out, struct why *why);

/* The operations, one file each for enrolling, stepping and the round. */
err_code hsm_enrol(struct hw_root *root, const struct hw_owner *owner, struct hw_enrolment *ret,
                   struct why *why);
err_code hsm_step(struct hw_root *root, const struct hw_mandate *mandate, struct why *why);
err_code hsm_verify(struct hw_root *root, const struct hw_statement *statement, struct why *why);
err_code hsm_prepare(struct hw_root *root, const struct hw_mandate *mandate, struct why *why);
err_code hsm_begin(struct hw_root *root, struct why *why);
err_code hsm_sign(struct hw_root *root, const struct digest *digest, uint8_t ret[static 64],
                  struct why *why);
err_code hsm_device_sign(struct hw_root *root, const struct digest *digest, uint8_t ret[static 64],
                         struct why *why);
err_code hsm_seal(struct hw_root *root, const struct digest *binding, struct hw_seal *ret,
                  struct why *why);

/* Opens the round anew when the token had to be opened anew in it; why there is none. */
err_code hsm_reopen_round(struct hsm_root *root, struct why *why);
err_code hsm_no_round(const struct hsm_root *root, struct why *why);

/* The mandate's signatures, each judged by the token against its anchor. handles: the anchors
 * found, n_statements of them. Errors: GRANT_INVALID when there is none, ANCHOR_*,
 * SIGNATURE_INVALID. */
err_code hsm_mandate_verify(struct hsm_root *root, const struct hw_mandate *mandate,
                            CK_OBJECT_HANDLE *handles, struct why *why);

#define HSM_SLOW_ROUNDS 8

/* The same in every round, with the anchors found then, in several sessions where that is faster.
 */
err_code hsm_verify_abreast(struct hsm_root *root, struct why *why);

/* The epoch key signs this meanwhile, in another session; hsm_sign() takes the signature. Anything
 * but a signature over the same digest counts for nothing. */
void hsm_sign_ahead(struct hw_root *root, const struct digest *digest);
bool hsm_ahead_take(struct hsm_root *root, const struct digest *digest, uint8_t ret[static 64]);
void hsm_ahead_drop(struct hsm_root *root);

/* Is this snapshot, of the epoch that the token is at, the one that the epoch's certificate names?
 * Anything goes in the epoch of the enrolment, whose certificate names none. Error: EQUIVOCATION,
 * naming both. */
err_code hsm_snapshot_check(const struct hsm_root *root, const struct hw_mandate *mandate,
                            struct why *why);

/* Appends the certificate of a key to a chain. previous: the key of the chain's last certificate; 0
 * for the first of a chain. */
struct hsm_successor {
    CK_OBJECT_HANDLE key, previous, identity;
    uint64_t epoch;
    struct digest snapshot; /* zero for the first of a chain */
    struct hw_pubkey pub;
};
err_code hsm_chain_extend(struct hsm_token *token, const struct hsm_successor *next,
                          struct buf *chain, struct why *why);

#endif
