/* SPDX-License-Identifier: Apache-2.0 */
/*
 * succession.h: whether a record may follow the ones before it. This is the one place where that is
 * judged: for a record that is to be appended, one that is read back, a ledger that is rebuilt, and
 * by an auditor, so nothing is ever written that an audit would refuse. Not judged here:
 * signatures, and that the record is well-formed (record_parse()).
 *
 *   - one issuer;
 *   - a session is: key_rotation, start, anything else but these two, stop; the first entry of all
 *     is a key_rotation, and nothing but one follows a stop. A session that was killed has no stop,
 *     and the start of the next one says so;
 *   - the rounds that entries name never fall, and rise with each key_rotation;
 *   - a session's records are signed by the key that its key_rotation introduced, name its session
 *     and its epoch;
 *   - every agent's records form a chain; the gate's own form the chain of its issuer;
 *   - time does not run back, the epoch never falls, one epoch has one snapshot;
 *   - every outcome belongs to one attempt of the same session, agent and input, and no attempt has
 *     two; a session that stopped in order left none without;
 *   - an agent is enrolled once, until it is removed; no process is two agents; an agent's parent
 * is enrolled as long as it is.
 */
#ifndef PAWL_LEDGER_SUCCESSION_H
#define PAWL_LEDGER_SUCCESSION_H

#include "gate/ledger/agents.h"
#include "gate/ledger/attempts.h"
#include "gate/ledger/roster.h"

enum session_phase {
    SESSION_NONE = 0, /* no entry yet: a key_rotation is due */
    SESSION_BEGUN,    /* a key_rotation: start is due */
    SESSION_RUNNING,
    SESSION_STOPPED, /* in order: a key_rotation is due */
};

/* What the next record has to continue, but for agents and attempts. */
struct succession_head {
    uint64_t entries; /* taken so far: the index of the next */
    uint64_t time_ms; /* of the last entry */
    uint64_t epoch;
    uint64_t installed; /* the epoch that the last install record names; 0: none yet */
    bool has_snapshot;  /* an entry of this epoch named its snapshot */
    struct digest snapshot;
    enum session_phase phase;
    struct digest key; /* of the session: thumbprint, epoch, id */
    uint64_t key_epoch;
    char session_id[RECORD_UUID_TEXT];
    bool clean;           /* the session before it was stopped in order, or there was none */
    uint64_t began;       /* index of its key_rotation */
    uint64_t key_round;   /* of the hardware: that its key_rotation names */
    uint64_t round;       /* that the last entry names */
    uint64_t sessions;    /* key_rotations so far */
    uint64_t open;        /* attempts of this session without an outcome */
    uint64_t interrupted; /* attempts of sessions that are over, without one */
};

/* How to take a record back. */
struct succession_undo {
    struct succession_head head;
    size_t n_agents, agent, n_attempts, closed;
    struct record_link link;
    struct enrolled *came; /* borrowed from the roster */
    struct enrolled *left; /* owned */
    uint64_t roster_changed;
};

struct succession {
    struct succession_head head;
    struct buf issuer; /* of all; empty before the first */
    struct agents agents;
    struct attempts attempts;
    struct roster roster;
    bool roster_unknown; /* not all records were seen: enrolments are neither judged nor kept */
    struct succession_undo *undo;
    size_t n_undo, undo_cap;
};

/* An empty ledger. below: where agents are looked up that were not seen here; may be NULL. Error:
 * INTERNAL. Owns: freed with succession_free(). */
err_code succession_init(struct succession *s, const struct agents_below *below);
void succession_free(struct succession *s);

/* Judges a record that record_parse() read, and takes it as the last one. Errors: CLOCK_BACK when
 * it is older than the last; EQUIVOCATION when it names another snapshot than earlier ones of its
 * epoch; LEDGER_INCONSISTENT for everything else; NO_MEMORY, TOO_LARGE; those of the store below.
 * On an error nothing has changed. */
err_code succession_take(struct succession *s, const struct record *record, struct why *why);

/* Takes records back until keep are left of those taken since succession_settle(). */
void succession_undo(struct succession *s, size_t keep);
/* What was taken stays: it cannot be taken back any more. */
void succession_settle(struct succession *s);

/* Whether a record of this time, epoch and snapshot (NULL: it names none) could come next. Errors:
 * CLOCK_BACK, LEDGER_INCONSISTENT, EQUIVOCATION. */
err_code succession_ready(const struct succession *s, uint64_t now_ms, uint64_t epoch,
                          const struct digest *snapshot, struct why *why);

/* The link for an agent's next record. Errors: INTERNAL, and those of the store below. */
err_code succession_link(const struct succession *s, struct slice agent_id, struct record_link *ret,
                         struct why *why);

#endif
