/* SPDX-License-Identifier: Apache-2.0 */
/* state_roster.c: the rows of the agents that are enrolled. There are few changes to them: after
 * one, all are written again. */
#include "gate/ledger/state_rows.h"

#include <string.h>

#define COLUMNS "id, entry, since_ms, admin, name, uid, cgroup, zone, parent, aliases"
enum column {
    COLUMN_ID = 0,
    COLUMN_ENTRY,
    COLUMN_SINCE,
    COLUMN_ADMIN,
    COLUMN_NAME,
    COLUMN_UID,
    COLUMN_CGROUP,
    COLUMN_ZONE,
    COLUMN_PARENT,
    COLUMN_ALIASES, /* one a line: none holds an end of line */
};

err_code state_prepare_roster(struct state *s, struct why *why)
{
    TRY(sql_prepare(&s->sql,
                    "INSERT INTO enrolled (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    &s->put_enrolled, why));
    TRY(sql_prepare(&s->sql, "DELETE FROM enrolled", &s->no_enrolled, why));
    return sql_prepare(&s->sql, "SELECT " COLUMNS " FROM enrolled ORDER BY id", &s->enrolled, why);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* False if there are too many. */
static bool split(struct slice lines, struct record_agent *ret)
{
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.ptr);

        if (ret->n_aliases == RECORD_ALIASES_MAX)
            return false;
        ret->aliases[ret->n_aliases++] = slice_part(lines, 0, len);
        lines = end == NULL ? (struct slice){0} : slice_part(lines, len + 1, lines.len - len - 1);
    }
    return true;
}

static err_code read_row(const struct state *s, sqlite3_stmt *row, struct roster *ret,
                         struct why *why)
{
    struct record_agent agent = {
        .id = sql_bytes(row, COLUMN_ID),
        .name = sql_bytes(row, COLUMN_NAME),
        .has_uid = !sql_is_null(row, COLUMN_UID),
        .uid = sql_number(row, COLUMN_UID),
        .cgroup = sql_bytes(row, COLUMN_CGROUP),
        .zone = sql_bytes(row, COLUMN_ZONE),
        .parent = sql_bytes(row, COLUMN_PARENT),
        .admin = sql_number(row, COLUMN_ADMIN),
    };
    struct enrolled *enrolled;

    if (!split(sql_bytes(row, COLUMN_ALIASES), &agent) || ret->n >= ROSTER_MAX)
        return state_damaged(s, "the row of an enrolled agent", why);
    TRY(roster_room(ret));
    TRY(enrolled_make(&agent, sql_number(row, COLUMN_ENTRY), sql_number(row, COLUMN_SINCE),
                      &enrolled));
    roster_append(ret, enrolled);
    return ERR_OK;
}

err_code state_load_roster(const struct state *s, struct roster *ret, struct why *why)
{
    CLEANUP(sql_done) sqlite3_stmt *rows = s->enrolled;
    bool row = false;

    for (;;) {
        TRY(sql_step(&s->sql, rows, &row, why));
        if (!row)
            break;
        TRY(read_row(s, rows, ret, why));
    }
    return roster_complete(ret) ? ERR_OK : state_damaged(s, "the row of an enrolled agent", why);
}

/* ---- writing --------------------------------------------------------------------------------- */

static err_code put_row(const struct state *s, const struct enrolled *e, struct why *why)
{
    CLEANUP(buf_free) struct buf aliases = {0};
    CLEANUP(sql_done) sqlite3_stmt *put = s->put_enrolled; /* goes first */

    for (size_t i = 0; i < e->n_aliases; i++) {
        if (i > 0)
            TRY(buf_add_u8(&aliases, '\n'));
        TRY(buf_add_slice(&aliases, e->aliases[i]));
    }
    sql_put_bytes(put, COLUMN_ID + 1, e->id);
    sql_put_number(put, COLUMN_ENTRY + 1, e->entry);
    sql_put_number(put, COLUMN_SINCE + 1, e->since_ms);
    sql_put_number(put, COLUMN_ADMIN + 1, e->admin);
    sql_put_bytes(put, COLUMN_NAME + 1, e->name);
    if (e->has_uid)
        sql_put_number(put, COLUMN_UID + 1, e->uid);
    else
        sql_put_null(put, COLUMN_UID + 1);
    sql_put_bytes(put, COLUMN_CGROUP + 1, e->cgroup);
    sql_put_bytes(put, COLUMN_ZONE + 1, e->zone);
    sql_put_bytes(put, COLUMN_PARENT + 1, e->parent);
    sql_put_bytes(put, COLUMN_ALIASES + 1, buf_slice(&aliases));
    return sql_write(&s->sql, put, why);
}

err_code state_put_roster(const struct state *s, const struct roster *roster, struct why *why)
{
    CLEANUP(sql_done) sqlite3_stmt *none = s->no_enrolled;

    if (roster->changed <= s->head.checkpoint.size)
        return ERR_OK;
    TRY(sql_write(&s->sql, none, why));
    for (size_t i = 0; i < roster->n; i++)
        TRY(put_row(s, roster->list[i], why));
    return ERR_OK;
}
