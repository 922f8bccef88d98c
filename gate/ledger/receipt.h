/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt.h: RFC 9942 receipts over the tree of RFC 9162 (vds 1): proof that an entry is in the
 * ledger (inclusion), or that one tree continues another (consistency), signed by the hardware's
 * receipt key over the root, which is detached. pawl's own carry the size of the tree, epoch,
 * round, snapshot and statement key under text labels in the protected header: RFC 9942 signs the
 * root alone, and most paths lead to one root for several sizes. One signature serves every entry
 * of a round; what stands in the ledger beside them is there, but this head permits nothing that
 * another key has signed.
 * Bytes: docs/ledger.cddl.
 */
#ifndef PAWL_LEDGER_RECEIPT_H
#define PAWL_LEDGER_RECEIPT_H

#include "gate/cose/cose.h"
#include "gate/cose/x509.h"
#include "gate/tlog/tree.h"

#define RECEIPT_SIZE_MAX (8192 + X509_CHAIN_BYTES_MAX) /* and the certificates of its key */
#define RECEIPT_SUB "ledger"
#define RECEIPT_TIME_MAX 253402300799 /* seconds since 1970: the end of the year 9999 */

/* What the hardware is asked to sign in a round. Slices are borrowed. */
struct receipt_head {
    struct slice issuer; /* "<domain>/<gate>" */
    int64_t iat;         /* seconds since 1970 */
    uint64_t epoch;
    uint64_t round;       /* of the hardware, that the tree was committed in */
    struct digest signer; /* thumbprint of the statement key that signs the records of this round */
    struct digest snapshot;
    bool simulated;
    struct checkpoint checkpoint; /* of the tree that the receipts prove membership of */
    struct x509_chain chain;      /* of the receipt key: its own first; n 0: none */
    struct x509_known *known;     /* from rounds before, as for receipt_parse_known(); NULL: none */
};

/* A tree head laid out for its signature, and receipts made from it. */
struct receipt_draft {
    struct buf protected_;
    struct buf x5chain; /* encoded; empty: none */
    struct checkpoint checkpoint;
    struct digest tbs; /* SHA-256 of the Sig_structure: what has to be signed, ES256 */
};
void receipt_draft_free(struct receipt_draft *draft);

/* Errors: COSE_ALG unless the key is ES256; CERT_CHAIN when the first certificate is of another
 * key; INTERNAL for a tree of fewer than two entries, which RFC 9942 cannot express (a path has at
 * least one hash). Owns: the caller frees *ret. */
err_code receipt_prepare(const struct hw_pubkey *key, const struct receipt_head *head,
                         struct receipt_draft *ret, struct why *why);

/* The receipt of the entry that the path proves. Appends to ret. Error: INTERNAL when the path is
 * empty. */
err_code receipt_finish(const struct receipt_draft *draft, uint64_t leaf_index,
                        const struct tree_path *path, const uint8_t sig[static 64],
                        struct buf *ret);

enum receipt_rules {
    RECEIPT_OWN = 0, /* as written here: deterministic, every label in its place, nothing else */
    RECEIPT_FOREIGN, /* any RFC 9942 receipt with one proof: labels of pawl's may be missing */
};

enum receipt_kind {
    RECEIPT_NONE = 0,
    RECEIPT_INCLUSION,
    RECEIPT_CONSISTENCY, /* always by RECEIPT_FOREIGN */
};

struct receipt;

/* The receipt of another entry of the same tree: the hardware signed the root, not the entry.
 * Appends to ret. Errors: INTERNAL when the path is empty; FORMAT when the tree has no such entry.
 */
err_code receipt_again(const struct receipt *receipt, uint64_t leaf_index,
                       const struct tree_path *path, struct buf *ret);

/* A receipt of consistency: the signed tree continues its first so many entries. It is read by
 * RECEIPT_FOREIGN: nothing that permits anything rests on one. Appends to ret. Errors: INTERNAL
 * when the path is empty; FORMAT unless earlier is from 1 up to below the tree's size. */
err_code receipt_continues(const struct receipt *receipt, uint64_t earlier,
                           const struct tree_path *path, struct buf *ret);

/* A parsed receipt, about 3 KiB. Borrows from the bytes. */
struct receipt {
    enum receipt_kind kind;
    enum receipt_rules rules; /* that it was read by */
    struct cose_sign1 message;
    struct slice issuer;     /* empty: a foreign one without */
    struct slice kid;        /* of an own one: a thumbprint; empty: a foreign one without */
    struct x509_chain chain; /* of an own one: certificates of the key that kid names; n 0: none.
                                Nobody has judged them yet */
    int64_t iat;             /* of an own one */
    uint64_t epoch;          /* of an own one, as are round, signer, snapshot and simulated */
    uint64_t round;
    struct digest signer, snapshot;
    bool simulated;

    uint64_t tree_size;
    uint64_t leaf_index;   /* inclusion: below tree_size */
    uint64_t earlier_size; /* consistency: from 1 up to tree_size */
    struct tree_path path;
};

/* Reads one tagged receipt with one proof. Not the signature. Errors: CBOR_*, COSE_*, FORMAT,
 * TOO_LARGE, UNSUPPORTED (another kind of tree); *ret is then all zero. Borrows: *ret from bytes.
 */
err_code receipt_parse(struct slice bytes, enum receipt_rules rules, struct receipt *ret,
                       struct why *why);

/* The same, of pawl's own; certificates that are octet for octet those in known are not judged once
 * more. Borrows: *ret from bytes and from known, until another chain is read with it. */
err_code receipt_parse_known(struct slice bytes, struct x509_known *known, struct receipt *ret,
                             struct why *why);

/* For the hardware to judge: the signature over the root that an inclusion receipt leads to from
 * this entry, and that tree head. What the entry is, raw statement or its digest, RFC 9942 and 9943
 * leave to each log. Errors: SIGNER_UNKNOWN when an own one's kid is not the key's (what a foreign
 * log means by a kid, only who chose the key can know); FORMAT when the path has another length
 * than a proof for this place, or it is no inclusion. */
err_code receipt_statement(const struct receipt *receipt, struct slice entry,
                           const struct hw_pubkey *key, struct checkpoint *ret_checkpoint,
                           struct hw_statement *ret, struct why *why);

/* The same, judged in software: the entry was in the ledger when it had that head. Error:
 * SIGNATURE_INVALID, also when the path leads to another root. An
 * own one's certificates must lead from the first to the last, at the time that it names; whether
 * the last is anybody's is not said. */
err_code receipt_verify(const struct receipt *receipt, struct slice entry,
                        const struct hw_pubkey *key, struct checkpoint *ret_checkpoint,
                        struct why *why);

/* Judges a consistency receipt in software: the signed later tree continues the earlier. Errors:
 * SIGNATURE_INVALID, LEDGER_INCONSISTENT, FORMAT when the sizes are not the receipt's. */
err_code receipt_verify_consistency(const struct receipt *receipt, const struct checkpoint *earlier,
                                    const struct checkpoint *later, const struct hw_pubkey *key,
                                    struct why *why);

#endif
