/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h: every Name and policy digest of a gate's counter and keys, computed without a TPM, and
 * the grants that approve them. The authority makes grants with this, the gate and any verifier
 * check them with it, and the TPM arrives at the same octets on its own.
 *
 * Three purposes, one ratchet: "bump" guards the counter, "sign" the receipt key, "certify" the
 * seal key. Each is PolicyOR over one PolicyAuthorize(ratchet key, policyRef) per ratchet key, so
 * that what it allows is for the authority to say later, in grants. policyRef carries the digest of
 * root metadata version 1, and so do all Names. The counter's PolicyOR has one branch more, which
 * no session reaches and which is made of the base: so the counter's Name says where epoch 0 is,
 * and every grant, which names the counter, is of that base and no other. A grant to sign or to
 * certify ends with a PolicyOR of the same make: its dead branch is made of the snapshot, so a
 * grant that was made for one snapshot is none for another of the same epoch. Sources: TPM 2.0 part
 * 1 clauses 16 (Names) and 19.7 (policy), part 3 clause 23 (the commands' digest updates).
 */
#ifndef PAWL_TPM_POLICY_H
#define PAWL_TPM_POLICY_H

#include "hw/root.h"

enum tpm_purpose {
    TPM_PURPOSE_NONE = 0,
    TPM_PURPOSE_BUMP,    /* TPM2_NV_Increment of the counter */
    TPM_PURPOSE_SIGN,    /* TPM2_Sign with the receipt key */
    TPM_PURPOSE_CERTIFY, /* TPM2_NV_Certify with the seal key */
};
#define TPM_PURPOSES 4

/* What is known of a gate before any TPM is asked. All of it but the index is in root metadata
 * version 1; the domain is pinned by name as well, so that nobody has to find it out from there. */
struct tpm_facts {
    const char *domain;              /* borrowed for the call */
    struct digest root;              /* of root metadata version 1, as received */
    const struct hw_pubkey *ratchet; /* of version 1, in its order. Borrowed for the call. */
    size_t n_ratchet;                /* 2 to 7: what PolicyOR takes, less the branch of the base */
    uint32_t index;                  /* NV index of the counter */
    uint64_t base;                   /* what the counter stands at in epoch 0 */
};
#define TPM_BRANCH_MAX (HW_RATCHET_MAX + 1)

/* All that follows from the facts; plain values. The arrays by purpose are indexed with it. */
struct tpm_plan {
    uint32_t index;
    uint64_t base;
    size_t n_ratchet;
    uint8_t ratchet_name[HW_RATCHET_MAX][HW_TPM_NAME_LEN];
    struct digest ref[TPM_PURPOSES]; /* policyRef */
    /* What PolicyOR takes: after PolicyAuthorize, one for each ratchet key; BUMP: and the base. */
    struct digest branch[TPM_PURPOSES][TPM_BRANCH_MAX];
    size_t n_branches[TPM_PURPOSES];
    struct digest auth[TPM_PURPOSES];    /* authPolicy, after PolicyOR */
    struct digest unique[TPM_PURPOSES];  /* sets the primary keys of a root apart */
    uint8_t fresh_name[HW_TPM_NAME_LEN]; /* of the counter before its first increment */
    uint8_t index_name[HW_TPM_NAME_LEN]; /* and ever after */
};

/* Errors: GRANT_INVALID for a ratchet that the TPM cannot hold (number of keys; ES384, whose digest
 * does not have the length of a SHA-256 policy); KEY_MALFORMED. */
err_code tpm_plan_make(const struct tpm_facts *facts, struct tpm_plan *ret, struct why *why);

/* The same plan for another base: changes what belongs to the counter, not the keys. */
err_code tpm_plan_rebase(struct tpm_plan *plan, uint64_t base);

/* The public area (part 2, 12.2.4 TPMT_PUBLIC) of an authority's key as pawl loads it into the TPM
 * for TPM2_VerifySignature, and its Name. Appends. Error: KEY_MALFORMED. */
err_code tpm_verifier_public(const struct hw_pubkey *key, struct buf *ret);
err_code tpm_verifier_name(const struct hw_pubkey *key, uint8_t ret[static HW_TPM_NAME_LEN]);

/* The public area of the receipt key (SIGN) or the seal key (CERTIFY): P-256, bound to the plan.
 * point: the public point; NULL for the template that TPM2_CreatePrimary takes, whose unique field
 * is SHA-256("pawl-key-v1" 00, purpose, 00, root, domain) and zeroes. Appends. */
err_code tpm_key_public(const struct tpm_plan *plan, enum tpm_purpose purpose,
                        const struct hw_pubkey *point, struct buf *ret);
err_code tpm_key_name(const struct tpm_plan *plan, enum tpm_purpose purpose,
                      const struct hw_pubkey *point, uint8_t ret[static HW_TPM_NAME_LEN]);

/* The public area of the counter (part 2, 13.5 TPMS_NV_PUBLIC). Appends. */
err_code tpm_counter_public(const struct tpm_plan *plan, bool written, struct buf *ret);

/* The public area of the counter that enrol makes for a moment, to learn where the next one will
 * begin, and its Name. It has no authorization, and a policy that nothing satisfies marks it as
 * pawl's. public: appends. */
err_code tpm_scratch_public(uint32_t index, bool written, struct buf *ret);
err_code tpm_scratch_name(uint32_t index, bool written, uint8_t ret[static HW_TPM_NAME_LEN]);

/* What a grant says: allow this while the counter stands so, for who serves this snapshot. */
struct tpm_terms {
    enum hw_grant_kind kind;
    uint64_t base;          /* that of the plan; 0 for FIRST, which speaks of no value */
    uint64_t epoch;         /* 0 for FIRST */
    struct digest snapshot; /* SIGN, CERTIFY: its digest (docs/formats.md); else not looked at */
};

/* The purpose that a kind of grant serves; NONE for an unknown kind. */
enum tpm_purpose tpm_grant_purpose(enum hw_grant_kind kind);

/* Whether grants of this kind name a snapshot: SIGN and CERTIFY. */
bool tpm_grant_serves(enum hw_grant_kind kind);

/* What PolicyOR takes at the end of such a grant's policy: what the session holds by then, and the
 * branch of the snapshot. Errors: those of tpm_approved; GRANT_INVALID for the other kinds. */
#define TPM_SERVED_BRANCHES 2
err_code tpm_served(const struct tpm_plan *plan, const struct tpm_terms *terms,
                    struct digest ret[static TPM_SERVED_BRANCHES], struct why *why);

/* The policy digest that a grant of these terms approves: what the TPM's session holds before
 * PolicyAuthorize. Errors: GRANT_INVALID for terms that no grant has (overflow, unknown kind, no
 * snapshot) or that are of another base than the plan. */
err_code tpm_approved(const struct tpm_plan *plan, const struct tpm_terms *terms,
                      struct digest *ret, struct why *why);

/* aHash = SHA-256(approved policy || policyRef): the digest that a ratchet key signs (part 3, 23.16
 * TPM2_PolicyAuthorize). */
err_code tpm_approval(const struct tpm_plan *plan, enum tpm_purpose purpose,
                      const struct digest *approved, struct digest *ret);

/* Signs a grant. Errors: GRANT_INVALID when the signer is not a ratchet key of the plan; KEY_SIGN.
 */
err_code tpm_grant_make(const struct tpm_plan *plan, const struct tpm_terms *terms,
                        struct hw_signer *signer, struct hw_grant *ret, struct why *why);

/* Everything about a grant but its signature: that it is for this index, that its policy digest is
 * the one its terms and the snapshot give (which is what is served, and nothing that came with the
 * grant), that a ratchet key is named. snapshot: not looked at where the kind names none.
 * ret_statement: what remains to be verified. Error: GRANT_INVALID. */
err_code tpm_grant_read(const struct tpm_plan *plan, const struct hw_grant *grant,
                        const struct digest *snapshot, struct hw_statement *ret_statement,
                        struct why *why);

/* The same with the signature, in software. Error: GRANT_INVALID. */
err_code tpm_grant_check(const struct tpm_plan *plan, const struct hw_grant *grant,
                         const struct digest *snapshot, struct why *why);

#endif
