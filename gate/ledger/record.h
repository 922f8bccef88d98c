/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h: one entry of the ledger: an AIR record (schema air-1.0) as a COSE_Sign1 with an empty
 * unprotected header. The payload is a CBOR map with AIR's text keys and one member of pawl's own,
 * "pawl"; the integrity envelope stands in the protected header under text labels. Every agent has
 * its own hash chain; the gate's own records (key rotations, installs, enrolment) form the chain of
 * the agent that is named like the issuer. Bytes: docs/ledger.cddl.
 */
#ifndef PAWL_LEDGER_RECORD_H
#define PAWL_LEDGER_RECORD_H

#include "gate/cose/cose.h"

#define RECORD_SIZE_MAX 65535     /* an entry of a C2SP tlog-tiles bundle has a 16-bit length */
#define RECORD_ID_MAX 1024        /* bytes: ids, types, action, issuer, operator, agent version */
#define RECORD_NAME_MAX 256       /* bytes: class, reason, policy id, model */
#define RECORD_ALIAS_MAX 128      /* bytes */
#define RECORD_POLICIES_MAX 64    /* policy objects that one decision rests on */
#define RECORD_DETERMINING_MAX 32 /* Cedar policies named as the cause */
#define RECORD_TIME_MAX 253402300799999 /* milliseconds since 1970: the end of the year 9999 */
#define RECORD_UUID_TEXT 37             /* 36 characters and the terminator */
#define RECORD_TYP "application/pawl-record+cose"

/* AIR's action_type of each: dev.pawl.decision, key_rotation, dev.pawl.install, dev.pawl.enrol. */
enum record_kind {
    RECORD_NONE = 0,
    RECORD_DECISION,     /* a request was permitted or denied */
    RECORD_KEY_ROTATION, /* introduces a statement key; signed by the hardware's receipt key */
    RECORD_INSTALL,      /* a snapshot took effect */
    RECORD_ENROL,        /* the gate was enrolled */
};

/* A place in an agent's chain: the chain hash of the record before (zero for the first) and the
 * number of this one (0 for the first). */
struct record_link {
    struct digest prev;
    uint64_t sequence;
};

struct record_policy {
    struct slice alias;
    uint64_t version;
    struct digest digest;
};

/* What was asked and answered. The subject's id is the record's agent_id. */
struct record_decision {
    bool permit;
    struct slice class_; /* "execute", "mutate", "delegate", "propagate" */
    struct slice reason; /* the stable error name of a denial; "OK" for a permit */
    struct slice subject_type, action, resource_type, resource_id;
    size_t n_policies, n_determining;
    struct record_policy
        policies[RECORD_POLICIES_MAX];                /* each candidate, in the order of judging */
    struct slice determining[RECORD_DETERMINING_MAX]; /* "alias/policy-id", as many as fit */
};

/* A record, to be written or as read. About 6 KiB. Slices are borrowed: from the caller when
 * writing, from the record's bytes when read. */
struct record {
    enum record_kind kind;
    struct slice issuer;          /* "<domain>/<gate>" */
    struct slice agent_id;        /* of a decision: the subject's id; else the issuer */
    struct slice agent_version;   /* the agent's model and framework, as far as known */
    struct slice operator_id;     /* the domain */
    struct slice record_id;       /* UUIDv7 text, see record_uuid() */
    struct slice session_id;      /* UUIDv7 text, one per statement key */
    struct slice jurisdiction;    /* ISO 3166-1 alpha-2, "ZZ": unknown */
    struct slice retention_class; /* regulatory_{3,5,7}yr, operational_1yr, custom */
    uint64_t action_ms,
        captured_ms; /* milliseconds since 1970; the action is not after its capture */
    struct record_link link;

    struct digest input;   /* decision: digest of the request; install: the snapshot; enrol: the
                              enrolment file; key_rotation: thumbprint of the key */
    struct slice hardware; /* manufacturer and model of the hardware root */
    bool simulated;
    uint64_t epoch; /* that was in force; of an install: the new one */

    bool has_snapshot; /* decision, install: always; key_rotation: if there was one */
    struct digest snapshot;
    struct record_decision decision; /* of kind DECISION */
    struct hw_pubkey key;            /* of kind KEY_ROTATION: the statement key, ES256 */
    uint64_t from_epoch;             /* of kind INSTALL */
    struct digest root;              /* of kind ENROL: root metadata version 1 */

    /* Filled by record_parse(), ignored when writing. */
    struct cose_sign1 message;
    struct digest kid; /* thumbprint of the key that signed */
    struct digest content_hash, chain_hash;
};

/* AIR's hash chain: SHA-256 over content hash, previous chain hash, time (u64), length of the agent
 * id (u32) and the agent id. */
err_code record_chain_hash(const struct digest *content_hash, const struct digest *prev,
                           uint64_t action_ms, struct slice agent_id, struct digest *ret);

/* A fresh UUIDv7 (RFC 9562 5.7) of this time. Errors: FORMAT after RECORD_TIME_MAX, INTERNAL when
 * there is no randomness. */
err_code record_uuid(uint64_t now_ms, char ret[static RECORD_UUID_TEXT]);

/* A record ready for its signature. */
struct record_draft {
    struct buf protected_, payload;
    struct digest tbs;        /* SHA-256 of the Sig_structure: what has to be signed, ES256 */
    struct digest chain_hash; /* what the agent's next record links to */
};
void record_draft_free(struct record_draft *draft);

/* Lays a record out for the key that is going to sign it, in memory or in hardware. Errors: FORMAT
 * (a member is empty or not what it should be), TOO_LARGE (longer than its limit, or the whole).
 * Owns: the caller frees *ret. */
err_code record_prepare(const struct hw_pubkey *key, const struct record *record,
                        struct record_draft *ret, struct why *why);

/* Puts the signature (raw r || s) in and appends the finished record to ret. */
err_code record_finish(const struct record_draft *draft, const uint8_t sig[static 64],
                       struct buf *ret);

/* Both with a key in memory, and the record's chain hash. Appends to ret. */
err_code record_make(struct hw_signer *signer, const struct record *record, struct buf *ret,
                     struct digest *ret_chain_hash, struct why *why);

/* Reads a record: every member known, in its place and of its type, the envelope in agreement with
 * the payload, both hashes recomputed. Not the signature. Errors: CBOR_*, COSE_*, FORMAT,
 * TOO_LARGE; *ret is then all zero. Borrows: *ret from bytes. */
err_code record_parse(struct slice bytes, struct record *ret, struct why *why);

/* The signature of a parsed record as a statement for the hardware, and judged in software. Errors:
 * SIGNER_UNKNOWN when another key signed it; SIGNATURE_INVALID. */
err_code record_statement(const struct record *record, const struct hw_pubkey *key,
                          struct hw_statement *ret, struct why *why);
err_code record_verify(const struct record *record, const struct hw_pubkey *key, struct why *why);

/* Whether part can be the beginning of a record of len bytes: its outer lengths, as far as they are
 * there, add up to len. Tells a write that was interrupted from a damaged length. */
bool record_could_begin(struct slice part, size_t len);

/* "decision", "key_rotation", "install", "enrol"; "none". Borrows: static storage. */
const char *record_kind_name(enum record_kind kind);

#endif
