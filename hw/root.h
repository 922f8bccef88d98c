/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.h: the hardware root as the rest of pawl sees it. A root keeps one number, the epoch, that
 * only goes up and only with the authority's consent, and signs only while the number agrees.
 *
 * Life: open (tpm_root_open, hsm_root_open) -> enrol once -> attach at each start -> per snapshot:
 * verify its signatures, step, prepare -> once: head_check -> per round: begin, the ledger's
 * commit, head_bind, then sign and seal as often as needed. A service that stops: rest.
 *
 * Every operation may fail with the errors of its hardware (TPM_*, HSM_*, COUNTER_*, HANDLE_*,
 * ANCHOR_*); an error changes nothing that was stored, and the caller denies. A root is used by one
 * thread. A TPM times out by itself. A PKCS#11 call takes as long as the
 * module takes: C_* has no deadline, so a module that hangs hangs the gate, which permits nothing.
 */
#ifndef PAWL_HW_ROOT_H
#define PAWL_HW_ROOT_H

#include "hw/key.h"

#define HW_NAME_MAX 256    /* domain, gate and model names, bytes without the terminator */
#define HW_RATCHET_MAX 7   /* PolicyOR takes 8 branches (TPM 2.0 part 3, 23.6): keys and base */
#define HW_ANCHOR_MAX 64   /* authority keys that a token is asked to trust */
#define HW_SIGNERS_MAX 16  /* signatures counted on one object */
#define HW_SESSIONS 4      /* of a token, that a gate uses side by side */
#define HW_TPM_NAME_LEN 34 /* nameAlg (2 bytes) and SHA-256 */

/* What the hardware is and which promises it can keep. */
struct hw_description {
    char kind[16];               /* "tpm", "pkcs11" or "fake" */
    char model[HW_NAME_MAX + 1]; /* manufacturer and model, printable ASCII */
    char firmware[HW_NAME_MAX + 1];
    bool simulator;        /* its state is a file: restoring that file rolls back */
    bool refuses_rollback; /* the hardware itself refuses, not the host */
    bool verifies;         /* checks the authority's signatures inside */
    bool seals;            /* attests the epoch of a tree head */
    bool es384, ps256;     /* verifies these, too (ES256 always) */
};

/* A signature of the authority that the hardware consumes: for a TPM, over
 * SHA-256(policy digest || policyRef), by one ratchet key. */
enum hw_grant_kind {
    HW_GRANT_NONE = 0,
    HW_GRANT_FIRST,   /* first increment of a fresh counter: PolicyNvWritten(NO) */
    HW_GRANT_BUMP,    /* increment while counter < base + epoch */
    HW_GRANT_SIGN,    /* receipt key while counter <= base + epoch */
    HW_GRANT_CERTIFY, /* seal key while counter <= base + epoch */
};
struct hw_grant {
    enum hw_grant_kind kind;
    uint64_t epoch;       /* 0 for FIRST */
    uint32_t index;       /* NV index that the policy names */
    uint64_t base;        /* counter = base + epoch */
    struct digest policy; /* the approved policy digest */
    struct hw_pubkey key; /* the ratchet key that signed */
    uint8_t sig[HW_SIG_MAX];
    size_t sig_len;
};

/* What the authority said about one epoch, in the form that hardware checks. Borrowed by step and
 * prepare for the call only. */
struct hw_mandate {
    uint64_t epoch;
    struct digest snapshot;                         /* of the snapshot (docs/formats.md) */
    struct hw_statement statements[HW_SIGNERS_MAX]; /* its signatures that count */
    size_t n_statements;
    const struct hw_grant *grants; /* every grant that came along; the root picks */
    size_t n_grants;
};

/* Whose root this is to be. From the first root metadata, never from the machine. */
struct hw_owner {
    char domain[HW_NAME_MAX + 1];
    char gate[HW_NAME_MAX + 1];               /* name of this gate within the domain */
    struct digest root;                       /* of root metadata version 1, as received */
    struct hw_pubkey ratchet[HW_RATCHET_MAX]; /* of version 1, in its order; at least 2 */
    size_t n_ratchet;
    struct hw_pubkey anchors[HW_ANCHOR_MAX]; /* authority keys in force, root keys before */
    size_t n_anchors;
    const struct hw_grant *grants; /* FIRST, and BUMP of epoch 0, for enrol */
    size_t n_grants;
};

/* The public facts of an enrolled root: what the authority needs to make grants and a verifier to
 * judge permits. Holds no secret. */
struct hw_enrolment {
    struct hw_description about;
    struct hw_pubkey receipt; /* TPM: the receipt key; HSM: the key of the epoch at enrolment */
    struct hw_pubkey seal;    /* TPM: the seal key; HSM: the device identity key */
    uint64_t epoch;           /* at enrolment */
    /* TPM only */
    uint32_t index, receipt_handle, seal_handle;
    uint64_t base;
    uint8_t index_name[HW_TPM_NAME_LEN], receipt_name[HW_TPM_NAME_LEN], seal_name[HW_TPM_NAME_LEN];
    /* HSM only */
    char serial[HW_NAME_MAX + 1];
};

/* The hardware's own word about the epoch. */
enum hw_seal_kind {
    HW_SEAL_NONE = 0,    /* the hardware has no such command */
    HW_SEAL_TPM_CERTIFY, /* statement: TPMS_ATTEST; sig: by the seal key, over SHA-256(statement) */
    HW_SEAL_EPOCH_CHAIN, /* statement: epoch certificates from enrolment on; no further signature */
    HW_SEAL_FAKE,
};
struct hw_seal {
    enum hw_seal_kind kind;
    struct buf statement, sig;
};
void hw_seal_free(struct hw_seal *seal);

/* The head of the ledger after a round: what the hardware keeps so that nobody can shorten it. */
struct hw_head {
    uint64_t round; /* rises with every head, not always by one */
    uint64_t size;  /* entries */
    struct digest root;
};

enum hw_keep {
    HW_KEEP_ROUND = 0, /* cheap, every round: may be lost when the hardware loses power uncleanly */
    HW_KEEP_DURABLE,   /* survives everything, and wears the hardware: docs/hardware-wear.md */
};

/* What the hardware says about the head. */
struct hw_kept {
    bool none;        /* no head was ever kept */
    uint64_t round;   /* the last one counted; the next head has round + 1 */
    uint64_t missing; /* so many rounds at most may have been taken off the disk's end unnoticed:
                         0 unless the hardware lost power uncleanly. Stays until the next bind. */
    bool has_durable;
    struct hw_head durable; /* the last one kept durably */
};

struct hw_root;

/* No member is NULL. */
struct hw_root_ops {
    const char *name; /* the kind */

    err_code (*describe)(struct hw_root *root, struct hw_description *ret, struct why *why);

    /* Makes counter, keys and anchors, or finds those that an earlier enrol made and finishes its
     * work. Never deletes or changes what it did not make. Errors: COUNTER_FOREIGN, HANDLE_FOREIGN,
     * ANCHOR_FOREIGN, GRANT_INVALID, NV_SPACE; GATE_EXISTS when the hardware holds a gate of this
     * owner whose traces are not in store_dir, unless take_over. */
    err_code (*enrol)(struct hw_root *root, const struct hw_owner *owner, struct hw_enrolment *ret,
                      struct why *why);

    /* Finds what enrol made and compares all of it with the owner and the enrolment. After this,
     * and only then, the operations below work. Errors: COUNTER_MISSING, COUNTER_FOREIGN,
     * HANDLE_FOREIGN, HSM_KEY_MISSING, HSM_KEY_FOREIGN, HSM_KEY_WEAK. */
    err_code (*attach)(struct hw_root *root, const struct hw_owner *owner,
                       const struct hw_enrolment *enrolment, struct why *why);

    /* Has the hardware judge an authority's signature. Errors: SIGNATURE_INVALID; ANCHOR_MISSING
     * (HSM: the key has no trusted anchor); UNSUPPORTED (algorithm). */
    err_code (*verify)(struct hw_root *root, const struct hw_statement *statement, struct why *why);

    /* Reads the epoch, now. */
    err_code (*epoch)(struct hw_root *root, uint64_t *ret, struct why *why);

    /* Raises the epoch to mandate->epoch, finishing what a killed step began; nothing to do if it
     * is there already. On success no session or key of an earlier epoch works any more. Errors:
     * ROLLBACK when the hardware is beyond it, GRANT_INVALID, ANCHOR_MISSING, SIGNATURE_INVALID.
     * After an error the epoch is either the old one or the new one: read it. */
    err_code (*step)(struct hw_root *root, const struct hw_mandate *mandate, struct why *why);

    /* Takes the mandate of the current epoch for the rounds that follow: checks the grants (TPM) or
     * the snapshot's signatures (HSM). Also before step, for the epoch that is to come. */
    err_code (*prepare)(struct hw_root *root, const struct hw_mandate *mandate, struct why *why);

    /* Opens a round: the hardware's epoch equals the prepared one, and the authority's signature
     * holds, as of now. Error: ROLLBACK when the hardware has moved on. */
    err_code (*begin)(struct hw_root *root, struct why *why);

    /* This is what sign will be asked for, once the head is kept: a root that can may make the
     * signature meanwhile. It leaves the root by sign alone; without that it is forgotten. */
    void (*sign_ahead)(struct hw_root *root, const struct digest *digest);

    /* Signs SHA-256 digests with the receipt key (P-256) of the prepared epoch; raw r || s. The
     * hardware refuses if the epoch has passed: TPM_POLICY, HSM_KEY_MISSING. */
    err_code (*sign)(struct hw_root *root, const struct digest *digest, uint8_t ret[static 64],
                     struct why *why);

    /* Has the hardware certify the epoch, bound to these 32 bytes where it can. A root that does
     * not seal answers OK with HW_SEAL_NONE. Owns: the caller frees *ret. */
    err_code (*seal)(struct hw_root *root, const struct digest *binding, struct hw_seal *ret,
                     struct why *why);

    /* The key that sign uses now (an HSM changes it at each step). */
    err_code (*receipt_key)(struct hw_root *root, struct hw_pubkey *ret, struct why *why);

    /* The key that stands for this device whatever the epoch, as the enrolment names it (see
     * hw_enrolment_device()), and a signature by it, as sign makes one: in an open round. With a
     * TPM both are those of the receipt key. With a token it is the identity key, which no step
     * destroys: so what it signs says which device, and never that an epoch is in force. */
    err_code (*device_key)(struct hw_root *root, struct hw_pubkey *ret, struct why *why);
    err_code (*device_sign)(struct hw_root *root, const struct digest *digest,
                            uint8_t ret[static 64], struct why *why);

    /* Compares the heads that the disk holds (oldest first and with none left out, the last is the
     * newest; none: an empty ledger) with what the hardware kept. A disk that is one head ahead was
     * interrupted between commit and head_bind: that is made good. Needed once after attach, and
     * after a head_bind that failed or was refused. Errors: LEDGER_ROLLBACK when the hardware knows
     * of a later head, naming both sizes (rounds, where only those are known); LEDGER_INCONSISTENT
     * when a round has another content than the hardware was given; HEAD_MISSING when what keeps it
     * is gone, or knows less than the disk. */
    err_code (*head_check)(struct hw_root *root, const struct hw_head *heads, size_t n,
                           struct hw_kept *ret, struct why *why);

    /* Keeps a head that is durable on disk, in an open round. Its round is the last one + 1: what
     * head_check said, and one more with each bind. Errors: LEDGER_INCONSISTENT for another round,
     * or without head_check; TPM_*, HSM_*: whether it was kept is unknown until head_check. */
    err_code (*head_bind)(struct hw_root *root, const struct hw_head *head, enum hw_keep keep,
                          struct why *why);

    /* The service that used the root all the time ends in order. What the hardware keeps in memory
     * is made to last as when a machine is switched off, unless somebody else sees to that; the
     * root is only closed after this. Nothing to do is OK. */
    err_code (*rest)(struct hw_root *root, struct why *why);

    void (*close)(struct hw_root *root);
};

struct hw_root {
    const struct hw_root_ops *ops; /* first member of every root's own struct */
};

/* A secret that a root may keep in its store_dir. Whoever sets a store_dir aside and begins anew
 * puts it into the new one under the second name, so that enrol can go on with what is in the
 * hardware instead of removing it. */
#define HW_STORE_SECRET "head-auth"
#define HW_STORE_SECRET_BEFORE "head-auth-before"

/* How to open a root. Strings are borrowed for the life of the root. */
struct hw_options {
    bool allow_simulator;        /* only ever set by the explicit development switch */
    bool take_over;              /* enrol: in the place of a gate that store_dir is not of */
    const char *store_dir;       /* directory for the root's own evidence and caches */
    const char *owner_auth_file; /* TPM owner authorization, for enrol; NULL: empty */
    const char *so_pin_file;     /* PKCS#11 security officer's PIN, for enrol; NULL: none */
    unsigned sessions;           /* PKCS#11: used side by side at most; 0: one */
    unsigned timeout_ms;         /* deadline of one command; 0: the default, 30 s */
};

/* The device's own key: of a TPM the receipt key, of anything else the one that says which key
 * signs receipts. Borrows: enrolment. */
const struct hw_pubkey *hw_enrolment_device(const struct hw_enrolment *enrolment);

/* Closes and nulls the caller's pointer; accepts NULL inside. */
void hw_root_close(struct hw_root **root);

/* What a seal is bound to: the tree head, what was in force, and who signs the records of the
 * round. The key is among it so that nobody can slip a record of an older session into the ledger
 * and have the hardware certify it with a newer epoch. */
struct hw_seal_head {
    uint64_t tree_size, round, epoch;
    struct digest tree_root, snapshot;
    struct digest signer; /* thumbprint of the statement key */
};
/* SHA-256("pawl-seal-v1" 00, tree size u64, round u64, tree root, snapshot, epoch u64, signer). */
err_code hw_seal_binding(const struct hw_seal_head *head, struct digest *ret);

#endif
