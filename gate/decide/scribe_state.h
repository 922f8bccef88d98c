/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_state.h: the inside of struct scribe, for the files that fill its rounds. */
#ifndef PAWL_DECIDE_SCRIBE_STATE_H
#define PAWL_DECIDE_SCRIBE_STATE_H

#include "gate/decide/scribe_round.h"
#include "gate/decide/session_cert.h"
#include "gate/ledger/permit.h"
#include "gate/ledger/receipt.h"

/* A statement key and what introduces it. It signs records of its epoch, and of no other. */
struct session {
    struct hw_signer *key; /* NULL: there is none */
    uint64_t epoch;
    struct digest snapshot, signer; /* in force when it began; thumbprint of key */
    struct hw_pubkey receipt;       /* the hardware's, of this epoch */
    struct buf rotation;            /* the record that introduces key */
    char id[RECORD_UUID_TEXT];
    struct session_cert cert;
    uint64_t found; /* entries before it */
    bool clean;     /* the one before ended with a stop, or there was none */
    bool durable;   /* rotation is in the ledger */
};

struct scribe {
    struct gate *gate;
    struct ledger *ledger;
    struct buf issuer;
    struct session session;
    struct hw_kept kept; /* as checked, with the round of the last head that was bound */
    uint64_t round;      /* of the ledger's last commit: one more than that while it is proved */
    bool bound;          /* the hardware has the ledger's last head */
    bool proving;        /* it is being given to it: between commit and release */
    bool open;           /* a round is open */
    bool begun;          /* the hardware began it */
    bool last;           /* it ends the session */
    size_t undecided;    /* attempts of the open round */
    uint64_t staged_ms;  /* the time of its last record; 0: none */
    struct outage outage;
    uint64_t worked_ms;        /* when the hardware began the last round; 0: none yet */
    uint64_t durable_ms;       /* when the hardware kept a head durably; 0: not looked up yet */
    struct buf sealed;         /* the file "seal" for the last round; empty: none yet */
    struct permit_known known; /* from permits made before */
};

/* A record of the gate's own, or of an agent, that only lacks what its kind has. id: the caller's,
 * for the record's UUID. */
err_code scribe_begin(const struct scribe *s, enum record_kind kind, struct slice agent,
                      uint64_t now_ms, char id[static RECORD_UUID_TEXT], struct record *ret,
                      struct why *why);

/* Signs a record with the session key and stages it. ret: replaced by the record's bytes; may be
 * NULL. */
err_code scribe_stage(struct scribe *s, struct record *record, struct buf *ret, struct why *why);

/* A record of the gate's own that holds what fill puts in. */
struct own_record {
    enum record_kind kind;
    void (*fill)(const void *from, struct record *record);
    const void *from;
};
err_code scribe_stage_filled(struct scribe *s, const struct own_record *own, uint64_t now_ms,
                             struct why *why);

/* Stages what stands before every other entry: a session, and what is due (scribe.h). The
 * hardware's round is open. */
err_code scribe_stage_own(struct scribe *s, uint64_t now_ms, struct why *why);

/* Whether the next round has to say any of that. */
bool scribe_owes_any(const struct scribe *s);

/* Stages the record that ends the session. */
err_code scribe_stage_stop(struct scribe *s, const char *reason, uint64_t now_ms, struct why *why);

void session_free(struct session *session);

/* ---- rounds ---------------------------------------------------------------------------------- */

/* A round of the gate's own. own: NULL when what is due is all there is to say. ret_index: of the
 * last of its records. */
err_code scribe_own_round(struct scribe *s, const struct own_record *own, uint64_t now_ms,
                          uint64_t *ret_index, struct why *why);

/* The hardware compares its head with the ledger's. */
err_code scribe_check_head(struct scribe *s, struct why *why);

/* The index of the entry that was staged last. */
uint64_t scribe_staged(const struct scribe *s);

/* Commits the open round, has it proved and releases it. durable: its head is kept durably,
 * whenever that was done last. */
struct scribe_end {
    struct docket *dockets;
    size_t n;
    bool durable;
};
err_code scribe_end_round(struct scribe *s, const struct scribe_end *end, uint64_t now_ms,
                          struct why *why);

/* The first failure of an outage is the one that counts. Returns err. */
err_code scribe_note(struct scribe *s, err_code err, uint64_t now_ms);

/* What proves a head. */
struct signed_head {
    struct receipt_draft draft;
    uint8_t sig[64];
    struct hw_seal seal;
};

/* The permit of a docket, under a head that was signed and whose tree the ledger has. rotation: the
 * record that introduces the session's key. */
err_code scribe_permit(struct scribe *s, const struct signed_head *head, struct slice rotation,
                       struct docket *docket, struct why *why);

/* The receipt of an entry under a signed head. Appends to ret. */
err_code scribe_receipt(struct scribe *s, const struct signed_head *head, uint64_t index,
                        struct buf *ret, struct why *why);

#endif
