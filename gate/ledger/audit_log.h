/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_log.h: judges a log as a directory of files, by whoever holds a copy: no gate, no hardware,
 * no database, no trust in who wrote it. Every hash is computed again from the entries, every
 * record is held against the rules of succession, and the heads that somebody signed against the
 * tree.
 *
 * The fast way leaves out what the signed root already binds: the session key's signature on each
 * record and the hashes inside it. What the gate itself wrote wrongly is found by the thorough way
 * alone.
 */
#ifndef PAWL_LEDGER_AUDIT_LOG_H
#define PAWL_LEDGER_AUDIT_LOG_H

#include "gate/ledger/audit_kind.h"
#include "gate/ledger/record_redact.h"
#include "gate/ledger/seal.h"
#include "gate/tlog/store.h"

/* Whom an auditor believes. Members that are NULL or empty are not judged. */
struct auditor {
    /* The hardware's receipt key of this thumbprint, if it is this gate's and was in use in this
     * epoch. Error: SIGNER_UNKNOWN. Always there. */
    err_code (*key)(const struct auditor *auditor, const struct digest *kid, uint64_t epoch,
                    struct hw_pubkey *ret, struct why *why);
    /* The published head, from the signed note. Errors: FORMAT for what is no such note;
     * SIGNATURE_INVALID, SIGNER_UNKNOWN when the log's key did not sign it. */
    err_code (*checkpoint)(const struct auditor *auditor, struct slice note, struct checkpoint *ret,
                           struct why *why);
    /* How many of the witnesses that are known cosigned such a note. Error: SIGNATURE_INVALID when
     * a line of one of them does not verify. */
    err_code (*cosigned)(const struct auditor *auditor, struct slice note, size_t *ret,
                         struct why *why);
    /* Whether the file "seal" is the hardware's word on this head, whose last entry is this. */
    err_code (*seal)(const struct auditor *auditor, const struct sealed *sealed, struct slice entry,
                     const struct checkpoint *head, struct why *why);
    /* Anything that is known of a record besides. *ret_kind says what a refusal means. */
    err_code (*record)(const struct auditor *auditor, const struct record *record,
                       enum audit_kind *ret_kind, struct why *why);
    /* The same of what only a record shows that was read in whole: in a thorough audit, with good
     * signatures. Called from two threads. */
    err_code (*whole)(const struct auditor *auditor, const struct record *record,
                      enum audit_kind *ret_kind, struct why *why);
    void *context;       /* for all of them */
    struct slice issuer; /* that the ledger must be of; empty: any */
};

#define AUDIT_FILE 128

struct audit_finding {
    enum audit_kind kind;
    bool has_index;
    uint64_t index;        /* the first damaged entry */
    char file[AUDIT_FILE]; /* below the directory, or as given; "": no single one */
    char text[320];        /* what disagrees. Both are defused, see text_defuse() */
};

/* A head of the log that somebody holds. */
struct audit_view {
    struct checkpoint head;
    const char *from; /* a file, for messages. Borrows */
};

/* What somebody was shown of a redacted record. */
struct audit_disclosed {
    struct record_disclosures list;
    const char *from; /* a file, for messages. Borrows */
};

struct audit_job {
    const char *dir; /* of the log */
    bool own;        /* it is a gate's, which has a journal; a copy need not */
    const struct auditor *auditor;
    bool thorough; /* every signature, every hash inside every record */
    bool all;      /* go on after the first finding */
    const struct audit_view *views;
    size_t n_views;
    /* Thorough and of the whole log: each must be of one record, all of it. */
    const struct audit_disclosed *disclosed;
    size_t n_disclosed;
    /* A head that was verified before, or size 0. Its root is compared; entries below it are not
     * read again unless the whole log is asked for. memory: what remember took at that head, so
     * that nothing is believed of what follows: every agent's next record continues the one before,
     * the session, its attempts, time and epoch go on; but for enrolments of agents. Without it
     * (empty) what began before the head is taken as it is: the link of an agent's first record
     * behind it, the epoch in force, and outcomes of attempts. */
    struct audit_view since;
    struct slice memory;
    bool whole;
    /* Takes what has to be remembered of the published head, or of the last entry where there is no
     * checkpoint. Left empty when the walk begins behind that head, and when it would be too long.
     * May be NULL. */
    struct buf *remember;
    void (*found)(void *context, const struct audit_finding *finding);         /* may be NULL */
    void (*progress)(void *context, uint64_t done, uint64_t of);               /* may be NULL */
    void (*entry)(void *context, uint64_t index, const struct record *record); /* may be NULL */
    void *context;
};

struct audit_report {
    struct checkpoint head;      /* of all entries that are there */
    struct checkpoint published; /* size 0: there is no checkpoint that holds */
    struct checkpoint cosigned;  /* the newest head that witnesses signed, and how many of them */
    size_t cosignatures;
    uint64_t findings;
    uint64_t read;                /* entries */
    uint64_t kinds[RECORD_KINDS]; /* of those, by kind */
    uint64_t permits;             /* of the decisions */
    uint64_t first_ms, last_ms;   /* times of the first and the last entry that was read */
    uint64_t epoch;
    /* Facts that are no damage. */
    uint64_t interrupted; /* sessions that ended without a stop */
    uint64_t lost;        /* attempts of those without an outcome */
    uint64_t open;        /* attempts at the end that have no outcome yet */
    uint64_t unpublished; /* entries behind the checkpoint */
    uint64_t torn;        /* bytes of an interrupted commit at the journal's end */
    bool running;         /* the last session has no stop */
    bool journal, sealed; /* there is a journal; the hardware's word on the checkpoint holds */
};

/* Judges the log. *ret is written in any case, as far as the walk came. Error: that of the first
 * finding, why naming kind, entry, file and what disagrees; NOT_FOUND, STORAGE, NO_MEMORY when the
 * log cannot be read at all. */
err_code audit_log(const struct audit_job *job, struct audit_report *ret, struct why *why);

#endif
