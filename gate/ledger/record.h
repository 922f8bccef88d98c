/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h: one entry of the ledger: an AIR record (schema air-1.0) as a COSE_Sign1 with an empty
 * unprotected header. The payload is a CBOR map with AIR's text keys and one member of pawl's own,
 * "pawl"; the integrity envelope stands in the protected header under text labels. Every agent has
 * its own hash chain, of attempts and decisions; the gate's own records (all others) form the chain
 * of the agent that is named like the issuer. Bytes: docs/ledger.cddl; meaning: docs/ledger.md.
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

#define RECORD_CERTS_MAX 8        /* certificates that a key_rotation carries */
#define RECORD_CERT_MAX 8192      /* bytes of each */
#define RECORD_SIGNERS_MAX 16     /* keys that stand behind an approval or an override */
#define RECORD_REDACTIONS_MAX 8   /* members of one record that were taken out */
#define RECORD_ALIASES_MAX 64     /* policies that an agent is enrolled with */
#define RECORD_CGROUP_MAX 511     /* bytes */
#define RECORD_UID_MAX 4294967294 /* the one above is nobody's */
#define RECORD_PREIMAGE_MAX ((size_t)1 << 20) /* payload of a record that is a hash envelope */

/* All but attempt and decision are the gate's own and stand in the issuer's chain. AIR's
 * action_type is "key_rotation" of that kind, "dev.pawl.<name>" of the others. */
enum record_kind {
    RECORD_NONE = 0,
    RECORD_DECISION,        /* the one outcome of an attempt: permitted or denied */
    RECORD_KEY_ROTATION,    /* begins a session; signed by the hardware's receipt key */
    RECORD_INSTALL,         /* a snapshot took effect */
    RECORD_ENROL,           /* the gate was enrolled */
    RECORD_ATTEMPT,         /* a request came in; written before it is evaluated */
    RECORD_START,           /* second of a session: what runs, and what may have been lost */
    RECORD_STOP,            /* last of a session that ended in order */
    RECORD_BUMP,            /* the hardware stepped to a new epoch */
    RECORD_INSTALL_REFUSED, /* a bundle was not installed */
    RECORD_OVERRIDE,        /* people overrode a denial or an obligation */
    RECORD_APPROVAL,        /* people approved something */
    RECORD_REVOCATION,      /* a snapshot revoked a key or an object */
    RECORD_HARDWARE_LOST,   /* the hardware root failed: nothing is permitted from here on */
    RECORD_HARDWARE_BACK,   /* it works again */
    RECORD_AGENT_ENROL,     /* an administrator made an agent known */
    RECORD_AGENT_REMOVE,    /* and did away with one */
};
#define RECORD_KINDS 17 /* with NONE */

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

/* What was asked. The subject's id is the record's agent_id, the digest of the request its input.
 */
struct record_attempt {
    struct slice class_; /* "execute", "mutate", "delegate", "propagate" */
    struct slice subject_type, action, resource_type, resource_id;
    struct slice input_type; /* the form of the request: RECORD_INPUT_AUTHZEN */
};
#define RECORD_INPUT_AUTHZEN "authzen-1.0"

/* What was asked and answered. The subject's id is the record's agent_id. */
struct record_decision {
    struct slice attempt; /* record_id of the attempt whose outcome this is */
    bool permit;
    bool error;          /* of a denial: nobody judged the request, for want of an evaluation */
    struct slice class_; /* "execute", "mutate", "delegate", "propagate" */
    struct slice reason; /* the stable error name of a denial; "OK" for a permit */
    struct slice subject_type, action, resource_type, resource_id;
    size_t n_policies, n_determining;
    struct record_policy
        policies[RECORD_POLICIES_MAX];                /* each candidate, in the order of judging */
    struct slice determining[RECORD_DETERMINING_MAX]; /* "alias/policy-id", as many as fit */
};

/* The certificate of the key comes first, then what certifies it. None: n_certs 0. */
struct record_rotation {
    size_t n_certs;
    struct slice certs[RECORD_CERTS_MAX]; /* DER */
};

struct record_start {
    struct slice version, firmware; /* of pawl; of the hardware */
    bool clean;                     /* the session before ended with a stop, or there is none */
    uint64_t missing;               /* at most so many rounds are gone unnoticed; 0: none */
    uint64_t last_round, last_size; /* the head that was found at start; 0, 0: an empty ledger */
};

struct record_stop {
    struct slice reason; /* "signal", "epoch", ... */
};

struct record_refused {
    struct slice error;   /* stable name of the error */
    struct digest bundle; /* SHA-256 of what was offered */
    uint64_t claimed;     /* epoch of its snapshot; 0: it could not be read. The record's epoch is
                             the one in force */
};

/* Of kinds OVERRIDE and APPROVAL. */
struct record_consent {
    struct slice what;    /* kind of the object: "request", "policy", ... */
    struct digest object; /* digest of what is approved, or overridden */
    size_t n_by;
    struct digest by[RECORD_SIGNERS_MAX]; /* thumbprints, ascending, at least one */
    uint64_t until_ms;                    /* after the action */
    struct slice reason;
};

struct record_revocation {
    struct slice what; /* "key" or "object" */
    struct digest id;  /* thumbprint, or digest */
    uint64_t since_ms; /* what the authority says about the time; for people */
    struct slice reason;
};

/* Of kinds HARDWARE_LOST and HARDWARE_BACK. */
struct record_hardware {
    struct slice error;  /* stable name of what failed */
    uint64_t last_round; /* the last one before it failed */
    uint64_t since_ms;   /* BACK: when it was lost; LOST: when it last worked */
};

/* Of kinds AGENT_ENROL and AGENT_REMOVE; of the second, id and admin alone. Which processes are the
 * agent: those of the uid, if there is one, in the control group or below it, if there is one; none
 * if there is neither. */
struct record_agent {
    struct slice id;   /* what requests name as their subject */
    struct slice name; /* for people; empty: none */
    bool has_uid;
    uint64_t uid;
    struct slice cgroup; /* path in the hierarchy of cgroup v2: "/a/b"; empty: none */
    struct slice zone;   /* empty: the gate's */
    struct slice parent; /* the agent that this one belongs to; empty: none */
    size_t n_aliases;
    struct slice aliases[RECORD_ALIASES_MAX]; /* of policies that it is always asked under;
                                                 ascending */
    uint64_t admin;                           /* uid of whoever did it */
};

/* A member that was taken out: the record says "[REDACTED]" in its place (AIR 1.7). Written by
 * record_redact() (gate/ledger/record_redact.h). */
struct record_redaction {
    struct slice path;      /* "pawl.resource.id" */
    struct slice policy_id; /* the rule that asked for it */
    struct digest hash;     /* of salt and value */
    uint64_t at_ms;
};

/* A record, to be written or as read. About 8 KiB. Slices are borrowed: from the caller when
 * writing, from the record's bytes when read. Members of other kinds than its own are zero. */
struct record {
    enum record_kind kind;
    struct slice issuer;          /* a URI, the issuer of the enrolment */
    struct slice agent_id;        /* of an attempt or decision: the subject's id; else the issuer */
    struct slice agent_version;   /* the agent's model and framework, as far as known */
    struct slice operator_id;     /* the domain */
    struct slice record_id;       /* UUIDv7 text, see record_uuid() */
    struct slice session_id;      /* UUIDv7 text, one per statement key */
    struct slice jurisdiction;    /* ISO 3166-1 alpha-2, "ZZ": unknown */
    struct slice retention_class; /* regulatory_{3,5,7}yr, operational_1yr, custom */
    uint64_t action_ms,
        captured_ms; /* milliseconds since 1970; the action is not after its capture */
    struct record_link link;

    struct digest input;   /* see record_input() */
    struct slice hardware; /* manufacturer and model of the hardware root */
    bool simulated;
    uint64_t epoch; /* that was in force; of an install or bump: the new one */
    uint64_t round; /* of the hardware, that this record is committed in */

    bool has_snapshot; /* attempt, decision, install, bump, revocation: always; enrol: never;
                          else if one was in force */
    struct digest snapshot;
    size_t n_redactions;
    struct record_redaction redactions[RECORD_REDACTIONS_MAX];

    struct record_decision decision;     /* of kind DECISION */
    struct record_attempt attempt;       /* of kind ATTEMPT */
    struct hw_pubkey key;                /* of kind KEY_ROTATION: the statement key, ES256 */
    struct record_rotation rotation;     /* of kind KEY_ROTATION */
    uint64_t from_epoch;                 /* of kinds INSTALL and BUMP */
    struct digest root;                  /* of kind ENROL: root metadata version 1 */
    struct slice log_vkey;               /* of kind ENROL: C2SP vkey of the publishing key */
    struct record_start start;           /* of kind START */
    struct record_stop stop;             /* of kind STOP */
    struct record_refused refused;       /* of kind INSTALL_REFUSED */
    struct record_consent consent;       /* of kinds OVERRIDE and APPROVAL */
    struct record_revocation revocation; /* of kind REVOCATION */
    struct record_hardware root_state;   /* of kinds HARDWARE_LOST and HARDWARE_BACK */
    struct record_agent agent;           /* of kinds AGENT_ENROL and AGENT_REMOVE */

    /* Filled by record_parse(), ignored when writing. */
    struct cose_sign1 message;
    bool enveloped;    /* a hash envelope: content_hash is that of the payload's hash */
    struct digest kid; /* thumbprint of the key that signed */
    struct digest content_hash, chain_hash;
};

/* What an event of the refusal-events profile is called: ATTEMPT of an attempt; of a decision
 * GENERATE (permit), DENY, or ERROR (docs/ledger.md). NULL for every other kind. Borrows: static
 * storage. */
const char *record_event(const struct record *record);

/* Whether a denial for this reason is an ERROR: policies (or that none is in force, or no longer),
 * or who asks, did not answer, but something failed on the way to an answer. */
bool record_reason_is_error(err_code reason);

/* What input_hash must be, from the members that the kind has: the snapshot of an install or bump,
 * the bundle of an install_refused, the object of an approval or override, the thumbprint of the
 * new key of a key_rotation, the id of a revocation, SHA-256 of the agent's id of an agent_enrol or
 * agent_remove; SHA-256 of nothing for start, stop, hardware_lost and hardware_back. Of an attempt
 * and a decision (the digest of the request) and of an enrol (SHA-256 of the enrolment file) it is
 * the caller's, and comes back as it is. */
err_code record_input(const struct record *record, struct digest *ret);

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
    struct buf preimage; /* of a hash envelope: what has to be kept beside the ledger; else empty */
    struct digest tbs;   /* SHA-256 of the Sig_structure: what has to be signed, ES256 */
    struct digest chain_hash; /* what the agent's next record links to */
};
void record_draft_free(struct record_draft *draft);

/* Lays a record out for the key that is going to sign it, in memory or in hardware. Errors: FORMAT
 * (a member is empty or not what it should be), TOO_LARGE (longer than its limit, or the whole),
 * INTERNAL (of a kind that is not written yet).
 * Owns: the caller frees *ret. */
err_code record_prepare(const struct hw_pubkey *key, const struct record *record,
                        struct record_draft *ret, struct why *why);

/* Puts the signature (raw r || s) in and appends the finished record to ret. */
err_code record_finish(const struct record_draft *draft, const uint8_t sig[static 64],
                       struct buf *ret);

/* The same with a key in memory, the one that it was laid out for. */
err_code record_sign(struct hw_signer *signer, const struct record_draft *draft, struct buf *ret,
                     struct why *why);

/* All of it with a key in memory, and the record's chain hash. Appends to ret. Error: TOO_LARGE
 * also for what needs a hash envelope: its pre-image is to be had from record_prepare() alone. */
err_code record_make(struct hw_signer *signer, const struct record *record, struct buf *ret,
                     struct digest *ret_chain_hash, struct why *why);

/* Reads a record: every member known, in its place and of its type, the envelope in agreement with
 * the payload, both hashes recomputed. Not the signature. Errors: CBOR_*, COSE_*, FORMAT,
 * TOO_LARGE; *ret is then all zero. Borrows: *ret from bytes. */
err_code record_parse(struct slice bytes, struct record *ret, struct why *why);

/* The same for a record that may be a hash envelope (RFC 9995). preimage: its payload, as kept
 * beside the ledger; empty for any other record. Errors: PREIMAGE_MISSING, which is also what
 * record_parse() says to every envelope; FORMAT when it is not the one that was hashed. Borrows:
 * *ret from both. */
err_code record_parse_whole(struct slice bytes, struct slice preimage, struct record *ret,
                            struct why *why);

/* Whether a record is a hash envelope, and the SHA-256 of its pre-image (else zero). Judges nothing
 * else. Errors: CBOR_*, COSE_*. */
err_code record_preimage(struct slice bytes, bool *ret_needed, struct digest *ret, struct why *why);

/* The signature of a parsed record as a statement for the hardware, and judged in software. Errors:
 * SIGNER_UNKNOWN when another key signed it; SIGNATURE_INVALID. */
err_code record_statement(const struct record *record, const struct hw_pubkey *key,
                          struct hw_statement *ret, struct why *why);
err_code record_verify(const struct record *record, const struct hw_pubkey *key, struct why *why);

/* Whether part can be the beginning of a record of len bytes: its outer lengths, as far as they are
 * there, add up to len. Tells a write that was interrupted from a damaged length. */
bool record_could_begin(struct slice part, size_t len);

/* "decision", "key_rotation", ..., the enumerator in lower case; "none". And back: NONE if there is
 * no such kind. Borrows: static storage. */
const char *record_kind_name(enum record_kind kind);
enum record_kind record_kind_named(const char *name);

/* An attempt or a decision: the only kinds that stand in an agent's chain. */
bool record_is_agents(enum record_kind kind);

#endif
