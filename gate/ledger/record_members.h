/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_members.h: what the member "pawl" of each kind of record holds, as a table that writer,
 * reader and rules share: a row is a key, the type of its value, and where struct record keeps it.
 * Rows stand in the order of a deterministic map (RFC 8949 4.2.1).
 */
#ifndef PAWL_LEDGER_RECORD_MEMBERS_H
#define PAWL_LEDGER_RECORD_MEMBERS_H

#include "gate/ledger/record.h"

enum member_type {
    MEMBER_END = 0,
    MEMBER_TEXT, /* plain, 1 to max bytes */
    MEMBER_UUID, /* text of a UUIDv7 */
    MEMBER_UINT, /* at most max, if that is not 0 */
    MEMBER_BOOL,
    MEMBER_DIGEST,
    MEMBER_SNAPSHOT,    /* a digest */
    MEMBER_NAMED,       /* {id, type}: two texts; the id is at "at", the type at "also" */
    MEMBER_ANSWER,      /* "permit", "deny" */
    MEMBER_EVENT,       /* of the refusal-events profile: follows from kind and answer */
    MEMBER_POLICIES,    /* [* [alias, version, digest]] */
    MEMBER_DETERMINING, /* [* text] */
    MEMBER_KEY,         /* COSE_Key */
    MEMBER_CERTS,       /* [* bstr] */
    MEMBER_BY,          /* [+ digest] */
    MEMBER_ALIASES,     /* [* text], ascending */
};

struct record_member {
    const char *key;
    enum member_type type;
    bool optional; /* there if: the record has a snapshot; a text is not empty; the bool at "also"
                      is set, for a number */
    size_t at, also, max;
};

/* The rows of a kind, up to one of type END; NULL if there is no such kind. */
const struct record_member *record_members(enum record_kind kind);

/* A member of a record by its row's offset. */
const void *record_at(const struct record *record, size_t at);
void *record_place(struct record *record, size_t at);

/* Whether the row's value is there. */
bool record_has(const struct record *record, const struct record_member *member);

#endif
