/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h: the head of the ledger on a token, which has no counter.
 *
 * Two data objects hold the last two heads; each round overwrites the older one, so that one of
 * them is whole whatever happens. Whoever has the PIN can overwrite both.
 *
 *     CKO_DATA, CKA_TOKEN, CKA_PRIVATE, CKA_APPLICATION: pawl
 *     CKA_LABEL: pawl:<domain>:<gate>:head:<the 8 bytes of CKA_ID (epoch_key.h) in hex>
 *     CKA_VALUE: digest of root metadata 1, struct hw_head_record, 16 octets of check of both
 *
 * So a gate of the same name under another root has objects of its own. One at our place that says
 * it is of another root is refused.
 *
 * A head key is made anew with each durable head. Its label has round and size, the disk notes its
 * public key (store_dir/head-key), and then the one before is destroyed. Nobody makes that one
 * again, so a disk from before a durable head names a key that is gone.
 */
#ifndef PAWL_PKCS11_HEAD_H
#define PAWL_PKCS11_HEAD_H

#include "hw/head.h"
#include "pkcs11/epoch_key.h"

#define HSM_HEAD_OBJECTS 2

/* What a root knows of its heads. */
struct hsm_heads {
    bool known; /* head_check succeeded, and every head_bind since */
    struct hw_head_record newest;
    /* Handles, and with them dropped: the object that is overwritten next, and the other. */
    CK_OBJECT_HANDLE object[HSM_HEAD_OBJECTS];
};

struct hsm_root;

/* --- head_object.c --- */

#define HSM_HEAD_VALUE_LEN (SHA256_LEN + HW_HEAD_RECORD_LEN + HW_HEAD_CHECK_LEN)

/* The objects there are, newest first. whole: how many hold a record; the rest are broken. Error:
 * HEAD_FOREIGN when one is of another root, naming both digests. */
struct hsm_head_found {
    CK_OBJECT_HANDLE object[16];
    struct hw_head_record record[16];
    size_t n, whole;
};
err_code hsm_head_objects(struct hsm_root *root, struct hsm_head_found *ret, struct why *why);

/* Overwrites an object; where the token does not allow that, or there is none (0), makes a new one
 * and destroys it. *object: the one that holds the record now. */
err_code hsm_head_object_put(struct hsm_root *root, const struct hw_head_record *record,
                             CK_OBJECT_HANDLE *object, struct why *why);

/* --- head_key.c --- */

/* Makes the key of a head, notes it, destroys all others. */
err_code hsm_head_key_make(struct hsm_root *root, const struct hw_head *head, struct why *why);

/* Compares the noted key with those on the token; finishes what a kill in hsm_head_key_make() left.
 * ret: the head it was made for. last: of the disk. Errors: LEDGER_ROLLBACK when the noted one is
 * gone and another there, naming both sizes; HEAD_MISSING when there is none. */
err_code hsm_head_key_check(struct hsm_root *root, const struct hw_head *last, struct hw_head *ret,
                            struct why *why);
bool hsm_head_key_noted(const struct hsm_root *root);
/* The head that the newest key on the token was made for; of round 0 when there is none. */
err_code hsm_head_key_newest(struct hsm_root *root, bool *ret_there, struct hw_head *ret,
                             struct why *why);

/* --- head.c --- */

/* Before enrol makes anything. known: store_dir has the gate's certificates, and so only a head is
 * looked for that it has no note of. Error: GATE_EXISTS, unless take_over. */
err_code hsm_not_taken(struct hsm_root *root, const struct hsm_space *space, bool known,
                       struct why *why);
/* Makes objects and key, unless an earlier enrol finished that. Needs a session of the user. */
err_code hsm_heads_make(struct hsm_root *root, const struct hsm_space *space, struct why *why);

err_code hsm_head_check(struct hw_root *hw, const struct hw_head *heads, size_t n,
                        struct hw_kept *ret, struct why *why);
err_code hsm_head_bind(struct hw_root *hw, const struct hw_head *head, enum hw_keep keep,
                       struct why *why);

#endif
