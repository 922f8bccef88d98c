/* SPDX-License-Identifier: Apache-2.0 */
/* audit_walk.h: the inside of an audit, for its files. */
#ifndef PAWL_LEDGER_AUDIT_WALK_H
#define PAWL_LEDGER_AUDIT_WALK_H

#include "gate/ledger/audit_log.h"
#include "gate/ledger/audit_unit.h"
#include "gate/ledger/succession.h"

/* A head that the walk will pass, and what it means when the root is another one there. */
struct audit_stop {
    struct checkpoint head;
    enum audit_kind kind;
    bool has_index;
    uint64_t index; /* named with that */
    const char *file;
};

/* Which epoch the log itself says is in force. */
struct audit_epochs {
    bool sure;          /* every install so far was read */
    uint64_t installed; /* by the last install; 0: none yet */
    uint64_t stepped;   /* to that the hardware was stepped last, as a bump says */
};

struct audit {
    const struct audit_job *job;
    struct audit_dir dir;
    struct audit_journal journal;
    struct hasher hasher;
    struct audit_tree *tree;
    struct audit_report report;
    struct audit_finding first; /* kind NONE: none yet */

    /* Entries that must be there, by the checkpoint and the journal; that are there, by the names
     * of files; whose tiles must be there. */
    uint64_t size, extent, published;
    uint64_t from;              /* entries before it are not read */
    struct audit_room cosigned; /* the file that witnesses signed last */
    bool cosigned_found;
    struct audit_room seal; /* the file, and the entry that it proves */
    bool seal_found;
    struct buf last;
    struct audit_stop *stops; /* by size */
    size_t n_stops, next_stop;

    /* Findings about the unit that is being judged, until they are in order. */
    struct audit_finding *held;
    size_t n_held, held_cap;

    struct succession chain;
    struct audit_epochs epochs;
    struct hw_pubkey session_key;
    bool has_session_key;
    struct record *record;
    struct buf preimage;    /* of that record, if it is a hash envelope */
    struct hw_pubkey *keys; /* of the unit's records, when signatures are judged */
    bool *judged;           /* keys[i] is there */
    bool *shown;            /* of what was disclosed: a record was found that it is of */
    bool holes;             /* an entry was not readable, so what follows may lack what it was */
    uint64_t last_hole;
    uint64_t *seen; /* by agent: one above the entry of its last record */
    size_t n_seen;
};

/* Remembers a finding about the unit that is being judged, or of none. index UINT64_MAX: of no
 * entry. */
[[gnu::format(printf, 5, 6)]] err_code audit_hold(struct audit *a, enum audit_kind kind,
                                                  uint64_t index, const char *file,
                                                  const char *format, ...);
/* Reports them in the order of entries. Error: that of the first finding, unless the walk is to go
 * on after it. */
err_code audit_release(struct audit *a);

#define AUDIT_NO_INDEX UINT64_MAX

/* Holds a unit's entries against its tile and the journal, and says which leaves are the right
 * ones. *ret_n: how many there are of want. changed[i]: entry i is not the one that was logged. */
err_code audit_judge_unit(struct audit *a, const struct audit_unit *unit, unsigned want,
                          struct digest truth[static AUDIT_WIDTH], bool changed[static AUDIT_WIDTH],
                          unsigned *ret_n, struct why *why);

/* Compares a full tile, and every partial one beside it, with what it must be. */
err_code audit_judge_tile(struct audit *a, unsigned level, uint64_t tile,
                          const struct digest *hashes, unsigned n, struct why *why);

/* payload_record() of an entry of this log, into a->record. */
err_code audit_record(struct audit *a, struct slice entry, struct why *why);

/* Holds one record against those before it. */
err_code audit_chain_take(struct audit *a, const struct audit_unit *unit, unsigned at,
                          struct why *why);
/* Holds its epoch against those that bumps and installs brought into force. */
err_code audit_epoch(struct audit *a, uint64_t index, const struct record *record);
/* What the end of the log says about sessions and attempts. */
err_code audit_chain_end(struct audit *a);
/* Begins behind an entry that was verified before. */
err_code audit_chain_resume(struct audit *a, struct slice entry, struct why *why);
/* The same with all that is remembered of those before. Error: FORMAT. */
err_code audit_chain_remember(struct audit *a, struct why *why);
/* An entry cannot be read. */
void audit_chain_hole(struct audit *a, uint64_t index);

/* Every signature of a unit whose records have been taken. */
err_code audit_signatures(struct audit *a, const struct audit_unit *unit,
                          const bool changed[static AUDIT_WIDTH], struct why *why);

/* What was disclosed and is of no record. */
err_code audit_disclosures(struct audit *a);

/* Reads checkpoint, seal and journal, and lists the heads that the walk will pass. */
err_code audit_heads(struct audit *a, struct why *why);

/* Judges the seal, once the walk has passed the entry that it proves. */
err_code audit_seal(struct audit *a);

/* Runs the same on both, side by side where that is possible. */
void audit_both(void (*run)(void *), void *one, void *other);

#endif
