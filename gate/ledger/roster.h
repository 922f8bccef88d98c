/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster.h: the agents that are enrolled: what the records agent_enrol and agent_remove of a ledger
 * come to. All of them are in memory, in the order of their ids; found by id, and by the processes
 * that they are.
 */
#ifndef PAWL_LEDGER_ROSTER_H
#define PAWL_LEDGER_ROSTER_H

#include "gate/ledger/record.h"

#define ROSTER_MAX 65536                    /* agents */
#define ROSTER_BYTES_MAX ((size_t)64 << 20) /* of all their texts together */

/* An enrolment. Members as in struct record_agent. */
struct enrolled {
    struct slice id, name, cgroup, zone, parent;
    bool has_uid;
    uint64_t uid, admin;
    size_t n_aliases;
    const struct slice *aliases;
    uint64_t entry, since_ms; /* of the record: its index, its time */
    struct digest sum;        /* over all of that */
    size_t bytes;             /* of its texts */
    size_t children;          /* agents that belong to it; kept by the roster */
};

/* {0} is an empty one. */
struct roster {
    struct enrolled **list;   /* ascending by id */
    struct enrolled **places; /* those that are processes; by control group, then uid */
    size_t n, n_places, cap, bytes;
    uint64_t changed; /* the ledger's entries as of the last change; 0: none since it was loaded */
};

void roster_free(struct roster *roster);

/* NULL: there is none. Borrows: until the roster changes. */
const struct enrolled *roster_find(const struct roster *roster, struct slice id);

/* Whose a process is: of the agents whose control group it is in, the one whose is the innermost;
 * of those with the same one, the one with its uid, and else the one with none. NULL: nobody's.
 * cgroup: empty if it is not known, which fits agents without one. Borrows: until the roster
 * changes. */
const struct enrolled *roster_whose(const struct roster *roster, uint64_t uid, struct slice cgroup);

/* Whether an agent could be enrolled, or removed. Errors: EXISTS for an id, or a pair of uid and
 * control group, that is taken; NOT_FOUND for a parent, or an agent to remove, that is not
 * enrolled; AGENT_PARENT for one that others belong to; TOO_LARGE. */
err_code roster_admits(const struct roster *roster, const struct record_agent *agent,
                       struct why *why);
err_code roster_releases(const struct roster *roster, struct slice id, struct why *why);

/* Over every enrolment, in order: two rosters with the same one are the same. */
err_code roster_sum(const struct roster *roster, struct digest *ret);

/* ---- for the succession of records, and the database ----------------------------------------- */

/* An enrolment with its own copy of all texts. Error: NO_MEMORY. Owns: enrolled_free(). */
err_code enrolled_make(const struct record_agent *agent, uint64_t entry, uint64_t since_ms,
                       struct enrolled **ret);
void enrolled_free(struct enrolled **enrolled);

/* Makes room for one more. Errors: NO_MEMORY. */
err_code roster_room(struct roster *roster);

/* Puts one in that roster_admits(), where there is room. Owns: it, from now on. */
void roster_put(struct roster *roster, struct enrolled *enrolled);

/* Fills an empty roster: each behind the one before, in the order of a roster, where there is room;
 * then all at once what follows from them. False: a parent is not there, or they are not in order.
 * Owns: as roster_put(). */
void roster_append(struct roster *roster, struct enrolled *enrolled);
bool roster_complete(struct roster *roster);

/* Takes out one that is there. There is room for it as long as no other is put in its place. Owns:
 * the caller frees what is returned. */
struct enrolled *roster_take(struct roster *roster, struct slice id);

#endif
