/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_unit.h: 256 entries of a log, or what there is of them, from everywhere they stand: bundle,
 * journal, and the tile with their hashes. Reading a unit depends on no other unit, so that units
 * are read side by side; what they say is judged one after the other.
 */
#ifndef PAWL_LEDGER_AUDIT_UNIT_H
#define PAWL_LEDGER_AUDIT_UNIT_H

#include "gate/ledger/audit_journal.h"
#include "gate/ledger/audit_tree.h"
#include "gate/ledger/record_skim.h"

/* A file of a unit as it was found. */
struct audit_part {
    bool full, found; /* found: full or partial */
    unsigned width;   /* that its name says */
    unsigned n;       /* entries or hashes that it really holds */
    bool damaged;     /* it does not hold exactly width of them */
    char file[AUDIT_PATH];
    struct audit_widths partials; /* beside it */
    struct audit_room bytes;
};

struct audit_unit {
    uint64_t number; /* of its first entry / 256 */
    struct audit_part bundle, tile;
    unsigned n;       /* entries at hand, from the front without a gap */
    unsigned differs; /* the first that bundle and journal have and that is not the same; or 256 */
    struct slice entries[AUDIT_WIDTH];
    struct digest leaves[AUDIT_WIDTH], top; /* top: when n is 256 */
    struct record_skim skims[AUDIT_WIDTH];
    bool skimmed[AUDIT_WIDTH]; /* else record_parse() has to read it */
};

/* Reads and hashes a unit. What is wrong with it is not an error. Errors: STORAGE, NO_MEMORY. */
err_code audit_unit_load(struct audit_unit *unit, const struct audit_dir *dir,
                         const struct audit_journal *journal, struct hasher *hasher,
                         struct why *why);
void audit_unit_free(struct audit_unit *unit);

/* Hash i of the unit's tile. */
struct digest audit_unit_stored(const struct audit_unit *unit, unsigned i);

#endif
