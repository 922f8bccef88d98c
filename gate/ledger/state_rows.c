/* SPDX-License-Identifier: Apache-2.0 */
/* state_rows.c: the rows of the database: read, looked up and written. */
#include "gate/ledger/state_rows.h"

#include <string.h>

#define SUM_LEN 8 /* bytes: against accidents, not against people */

#define HEAD_COLUMNS                                                                               \
    "round, size, root, issuer, time_ms, epoch, installed, snapshot, phase, key, key_epoch, "      \
    "session, clean, began, key_round, entry_round, sessions, interrupted"
enum head_column {
    HEAD_ROUND = 0,
    HEAD_SIZE,
    HEAD_ROOT,
    HEAD_ISSUER,
    HEAD_TIME,
    HEAD_EPOCH,
    HEAD_INSTALLED,
    HEAD_SNAPSHOT,
    HEAD_PHASE,
    HEAD_KEY,
    HEAD_KEY_EPOCH,
    HEAD_SESSION,
    HEAD_CLEAN,
    HEAD_BEGAN,
    HEAD_KEY_ROUND,
    HEAD_ENTRY_ROUND,
    HEAD_SESSIONS,
    HEAD_INTERRUPTED,
    HEAD_SUM,
};

err_code state_prepare(struct state *s, struct why *why)
{
    TRY(sql_prepare(&s->sql,
                    "SELECT id, sequence, prev, sum FROM agents WHERE id <= ?1 ORDER BY id DESC "
                    "LIMIT 1",
                    &s->at_or_before, why));
    TRY(sql_prepare(&s->sql,
                    "SELECT id, sequence, prev, sum FROM agents WHERE id > ?1 ORDER BY id LIMIT 1",
                    &s->after, why));
    TRY(sql_prepare(&s->sql,
                    "INSERT OR REPLACE INTO agents (id, sequence, prev, sum) VALUES (?, ?, ?, ?)",
                    &s->put_agent, why));
    TRY(sql_prepare(&s->sql, "INSERT INTO attempts (id, entry, agent, input) VALUES (?, ?, ?, ?)",
                    &s->put_attempt, why));
    TRY(sql_prepare(&s->sql, "DELETE FROM attempts", &s->no_attempts, why));
    TRY(sql_prepare(&s->sql, "SELECT id, entry, agent, input FROM attempts ORDER BY entry",
                    &s->attempts, why));
    TRY(state_prepare_roster(s, why));
    TRY(sql_prepare(&s->sql, "SELECT " HEAD_COLUMNS ", sum FROM head WHERE one = 1", &s->get_head,
                    why));
    return sql_prepare(&s->sql,
                       "INSERT OR REPLACE INTO head (" HEAD_COLUMNS ", sum, one) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                       &s->put_head, why);
}

/* What was read when it was opened is not what it is any more. */
static void drop_first(struct state *s)
{
    succession_free(&s->first);
    s->has_first = false;
}

void state_finalize(struct state *s)
{
    sqlite3_stmt **all[] = {&s->at_or_before, &s->after,       &s->put_agent, &s->put_attempt,
                            &s->no_attempts,  &s->attempts,    &s->put_head,  &s->get_head,
                            &s->put_enrolled, &s->no_enrolled, &s->enrolled};

    drop_first(s);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sql_finalize(all[i]);
}

err_code state_damaged(const struct state *s, const char *what, struct why *why)
{
    return why_say(why, ERR_STATE_CORRUPT,
                   "%s in \"%s\" is damaged: make it anew with pawl log rebuild", what,
                   (const char *)s->sql.path.ptr);
}

static err_code check_usable(const struct state *s, struct why *why)
{
    if (!s->broken)
        return ERR_OK;
    return why_say(why, ERR_STORAGE, "what became of the last write to \"%s\" is not known",
                   (const char *)s->sql.path.ptr);
}

/* ---- agents ---------------------------------------------------------------------------------- */

static err_code agent_sum(struct slice id, const struct record_link *link, struct digest *ret)
{
    uint8_t sequence[8];
    const struct slice parts[] = {SLICE_OF(sequence), digest_slice(&link->prev), id};

    put_u64(sequence, link->sequence);
    return hash_tagged("pawl-state-agent-v1", parts, 3, ret);
}

/* The agent in the row that a statement came to; *ret_id borrows from it. */
static err_code read_agent(const struct state *s, sqlite3_stmt *row, struct slice *ret_id,
                           struct record_link *ret, struct why *why)
{
    struct digest sum;

    *ret_id = sql_bytes(row, 0);
    ret->sequence = sql_number(row, 1);
    if (digest_from(sql_bytes(row, 2), &ret->prev) != ERR_OK)
        return state_damaged(s, "the row of an agent", why);
    TRY(agent_sum(*ret_id, ret, &sum));
    if (!slice_eq(sql_bytes(row, 3), (struct slice){sum.bytes, SUM_LEN}))
        return state_damaged(s, "the row of an agent", why);
    return ERR_OK;
}

/* Finds an agent. That there is none is believed only if its neighbours are whole: a damaged id
 * would stand beside the place where it is searched for. */
static err_code find_agent(const struct state *s, struct slice wanted, struct record_link *ret,
                           struct why *why)
{
    CLEANUP(sql_done) sqlite3_stmt *before = s->at_or_before;
    CLEANUP(sql_done) sqlite3_stmt *after = s->after;
    struct record_link link;
    bool row = false;
    struct slice id;

    sql_put_bytes(before, 1, wanted);
    sql_put_bytes(after, 1, wanted);
    TRY(sql_step(&s->sql, before, &row, why));
    if (row) {
        TRY(read_agent(s, before, &id, &link, why));
        if (slice_eq(id, wanted)) {
            *ret = link;
            return ERR_OK;
        }
    }
    TRY(sql_step(&s->sql, after, &row, why));
    if (row)
        TRY(read_agent(s, after, &id, &link, why));
    *ret = (struct record_link){0};
    return ERR_OK;
}

static err_code link_of(void *from, struct slice id, struct record_link *ret, struct why *why)
{
    const struct state *s = from;

    TRY(check_usable(s, why));
    return find_agent(s, id, ret, why);
}

static err_code put_agent(const struct state *s, const struct agent_entry *agent, struct why *why)
{
    CLEANUP(sql_done) sqlite3_stmt *put = s->put_agent;
    const struct slice id = {agent->id, agent->id_len};
    struct digest sum;

    TRY(agent_sum(id, &agent->link, &sum));
    sql_put_bytes(put, 1, id);
    sql_put_number(put, 2, agent->link.sequence);
    sql_put_bytes(put, 3, digest_slice(&agent->link.prev));
    sql_put_bytes(put, 4, (struct slice){sum.bytes, SUM_LEN});
    return sql_write(&s->sql, put, why);
}

/* ---- attempts -------------------------------------------------------------------------------- */

static err_code add_attempt_bytes(const struct attempt *attempt, struct buf *ret)
{
    TRY(buf_add(ret, attempt->id, sizeof attempt->id - 1));
    TRY(buf_add_u64(ret, attempt->entry));
    TRY(buf_add_slice(ret, digest_slice(&attempt->agent)));
    return buf_add_slice(ret, digest_slice(&attempt->input));
}

static err_code load_attempts(const struct state *s, struct succession *to, struct buf *bytes,
                              struct why *why)
{
    CLEANUP(sql_done) sqlite3_stmt *rows = s->attempts;
    bool row = false;

    for (;;) {
        struct attempt attempt = {.session = to->head.sessions};
        struct slice id;

        TRY(sql_step(&s->sql, rows, &row, why));
        if (!row)
            return ERR_OK;
        id = sql_bytes(rows, 0);
        attempt.entry = sql_number(rows, 1);
        if (id.len != sizeof attempt.id - 1 ||
            digest_from(sql_bytes(rows, 2), &attempt.agent) != ERR_OK ||
            digest_from(sql_bytes(rows, 3), &attempt.input) != ERR_OK)
            return state_damaged(s, "the row of an attempt", why);
        memcpy(attempt.id, id.ptr, id.len);
        TRY(attempts_add(&to->attempts, &attempt));
        TRY(add_attempt_bytes(&attempt, bytes));
        to->head.open++;
    }
}

static err_code put_attempt(const struct state *s, const struct attempt *attempt, struct why *why)
{
    CLEANUP(sql_done) sqlite3_stmt *put = s->put_attempt;

    sql_put_bytes(put, 1, (struct slice){(const uint8_t *)attempt->id, sizeof attempt->id - 1});
    sql_put_number(put, 2, attempt->entry);
    sql_put_bytes(put, 3, digest_slice(&attempt->agent));
    sql_put_bytes(put, 4, digest_slice(&attempt->input));
    return sql_write(&s->sql, put, why);
}

/* ---- the head -------------------------------------------------------------------------------- */

/* Over every column, the attempts in order, and the roster. */
static err_code head_sum(const struct succession *succession, const struct tlog_head *at,
                         struct slice attempts, struct digest *ret)
{
    CLEANUP(buf_free) struct buf fixed = {0};
    const struct succession_head *head = &succession->head;
    struct digest roster;
    const uint64_t numbers[] = {
        at->round,       at->checkpoint.size, head->time_ms,   head->epoch,
        head->installed, head->has_snapshot,  head->phase,     head->key_epoch,
        head->clean,     head->began,         head->key_round, head->round,
        head->sessions,  head->interrupted,   attempts.len,    succession->issuer.len,
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(buf_add_u64(&fixed, numbers[i]));
    TRY(roster_sum(&succession->roster, &roster));
    TRY(buf_add_slice(&fixed, digest_slice(&roster)));
    TRY(buf_add_slice(&fixed, digest_slice(&at->checkpoint.root)));
    TRY(buf_add_slice(&fixed, digest_slice(&head->key)));
    TRY(buf_add(&fixed, head->session_id, sizeof head->session_id));
    if (head->has_snapshot)
        TRY(buf_add_slice(&fixed, digest_slice(&head->snapshot)));
    return hash_tagged(
        "pawl-state-head-v2",
        (struct slice[]){buf_slice(&fixed), attempts, buf_slice(&succession->issuer)}, 3, ret);
}

static err_code take_head(const struct state *s, sqlite3_stmt *row, struct succession *ret,
                          struct tlog_head *ret_at, struct why *why)
{
    struct succession_head *head = &ret->head;
    struct slice session = sql_bytes(row, HEAD_SESSION);
    uint64_t phase = sql_number(row, HEAD_PHASE);

    *ret_at = (struct tlog_head){.round = sql_number(row, HEAD_ROUND),
                                 .checkpoint.size = sql_number(row, HEAD_SIZE)};
    *head = (struct succession_head){
        .entries = ret_at->checkpoint.size,
        .time_ms = sql_number(row, HEAD_TIME),
        .epoch = sql_number(row, HEAD_EPOCH),
        .installed = sql_number(row, HEAD_INSTALLED),
        .has_snapshot = !sql_is_null(row, HEAD_SNAPSHOT),
        .phase = phase <= SESSION_STOPPED ? (enum session_phase)phase : SESSION_NONE,
        .key_epoch = sql_number(row, HEAD_KEY_EPOCH),
        .clean = sql_number(row, HEAD_CLEAN) != 0,
        .began = sql_number(row, HEAD_BEGAN),
        .key_round = sql_number(row, HEAD_KEY_ROUND),
        .round = sql_number(row, HEAD_ENTRY_ROUND),
        .sessions = sql_number(row, HEAD_SESSIONS),
        .interrupted = sql_number(row, HEAD_INTERRUPTED),
    };
    if (session.len >= sizeof head->session_id ||
        digest_from(sql_bytes(row, HEAD_KEY), &head->key) != ERR_OK ||
        digest_from(sql_bytes(row, HEAD_ROOT), &ret_at->checkpoint.root) != ERR_OK ||
        (head->has_snapshot &&
         digest_from(sql_bytes(row, HEAD_SNAPSHOT), &head->snapshot) != ERR_OK))
        return state_damaged(s, "the head", why);
    if (session.len > 0)
        memcpy(head->session_id, session.ptr, session.len);
    return buf_add_slice(&ret->issuer, sql_bytes(row, HEAD_ISSUER));
}

static err_code load(const struct state *s, struct succession *ret, struct tlog_head *ret_at,
                     struct why *why)
{
    CLEANUP(buf_free) struct buf attempts = {0};
    CLEANUP(sql_done) sqlite3_stmt *row = s->get_head;
    struct digest sum;
    bool found = false;

    TRY(sql_step(&s->sql, row, &found, why));
    if (!found)
        return state_damaged(s, "the head, which is missing,", why);
    TRY(take_head(s, row, ret, ret_at, why));
    TRY(load_attempts(s, ret, &attempts, why));
    TRY(state_load_roster(s, &ret->roster, why));
    TRY(head_sum(ret, ret_at, buf_slice(&attempts), &sum));
    if (!slice_eq(sql_bytes(row, HEAD_SUM), (struct slice){sum.bytes, SUM_LEN}))
        return state_damaged(s, "the head", why);
    return ERR_OK;
}

err_code state_load(struct state *s, struct succession *ret, struct why *why)
{
    CLEANUP(succession_free) struct succession loaded = {0};
    struct tlog_head at;

    TRY(check_usable(s, why));
    if (s->has_first) {
        loaded = s->first;
        s->first = (struct succession){0}; /* transferred */
        s->has_first = false;
    } else {
        TRY(load(s, &loaded, &at, why));
    }
    TRY(agents_init(&loaded.agents, &(struct agents_below){link_of, s}));
    *ret = loaded;
    loaded = (struct succession){0}; /* transferred */
    return ERR_OK;
}

err_code state_read_head(struct state *s, struct why *why)
{
    err_code err = load(s, &s->first, &s->head, why);

    s->has_first = err == ERR_OK;
    if (err != ERR_OK)
        drop_first(s);
    return err;
}

static err_code put_head(const struct state *s, const struct succession *from,
                         const struct tlog_head *at, struct slice attempts, struct why *why)
{
    CLEANUP(sql_done) sqlite3_stmt *put = s->put_head;
    const struct succession_head *head = &from->head;
    struct digest sum;

    TRY(head_sum(from, at, attempts, &sum));
    sql_put_number(put, HEAD_ROUND + 1, at->round);
    sql_put_number(put, HEAD_SIZE + 1, at->checkpoint.size);
    sql_put_bytes(put, HEAD_ROOT + 1, digest_slice(&at->checkpoint.root));
    sql_put_bytes(put, HEAD_ISSUER + 1, buf_slice(&from->issuer));
    sql_put_number(put, HEAD_TIME + 1, head->time_ms);
    sql_put_number(put, HEAD_EPOCH + 1, head->epoch);
    sql_put_number(put, HEAD_INSTALLED + 1, head->installed);
    if (head->has_snapshot)
        sql_put_bytes(put, HEAD_SNAPSHOT + 1, digest_slice(&head->snapshot));
    else
        sql_put_null(put, HEAD_SNAPSHOT + 1);
    sql_put_number(put, HEAD_PHASE + 1, head->phase);
    sql_put_bytes(put, HEAD_KEY + 1, digest_slice(&head->key));
    sql_put_number(put, HEAD_KEY_EPOCH + 1, head->key_epoch);
    sql_put_bytes(put, HEAD_SESSION + 1, slice_str(head->session_id));
    sql_put_number(put, HEAD_CLEAN + 1, head->clean);
    sql_put_number(put, HEAD_BEGAN + 1, head->began);
    sql_put_number(put, HEAD_KEY_ROUND + 1, head->key_round);
    sql_put_number(put, HEAD_ENTRY_ROUND + 1, head->round);
    sql_put_number(put, HEAD_SESSIONS + 1, head->sessions);
    sql_put_number(put, HEAD_INTERRUPTED + 1, head->interrupted);
    sql_put_bytes(put, HEAD_SUM + 1, (struct slice){sum.bytes, SUM_LEN});
    return sql_write(&s->sql, put, why);
}

/* ---- saving ---------------------------------------------------------------------------------- */

static err_code write_rows(const struct state *s, const struct succession *from,
                           const struct tlog_head *at, struct why *why)
{
    CLEANUP(buf_free) struct buf attempts = {0};
    CLEANUP(sql_done) sqlite3_stmt *none = s->no_attempts;

    TRY(sql_run(&s->sql, "BEGIN IMMEDIATE", why));
    for (size_t i = 0; i < from->agents.n; i++)
        TRY(put_agent(s, &from->agents.entries[i], why));
    TRY(sql_write(&s->sql, none, why));
    for (size_t i = 0; i < from->attempts.n; i++) {
        TRY(put_attempt(s, &from->attempts.list[i], why));
        TRY(add_attempt_bytes(&from->attempts.list[i], &attempts));
    }
    TRY(state_put_roster(s, &from->roster, why));
    return put_head(s, from, at, buf_slice(&attempts), why);
}

/* Brings the database file itself up to date and empties its write-ahead log, unless a reader still
 * needs that: the next time will do. */
static err_code tidy(const struct state *s, struct why *why)
{
    int rc;

    (void)sqlite3_busy_timeout(s->sql.db, 0);
    rc = sqlite3_wal_checkpoint_v2(s->sql.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(s->sql.db, SQL_WAIT_MS);
    return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? ERR_OK
                                                         : sql_failed(&s->sql, rc, "write", why);
}

err_code state_save(struct state *s, const struct succession *from, const struct tlog_head *at,
                    struct why *why)
{
    err_code err;

    TRY(check_usable(s, why));
    if (from->n_undo != 0 || from->head.entries != at->checkpoint.size)
        return ERR_INTERNAL;
    drop_first(s);
    err = write_rows(s, from, at, why);
    if (err == ERR_OK)
        err = sql_run(&s->sql, "COMMIT", why);
    if (err != ERR_OK) {
        bool sure = err == ERR_STORAGE_FULL || err == ERR_NO_MEMORY || err == ERR_BUSY;
        if (sqlite3_get_autocommit(s->sql.db) == 0 && sql_run(&s->sql, "ROLLBACK", NULL) != ERR_OK)
            sure = false;
        s->broken = !sure;
        return err;
    }
    s->head = *at;
    return tidy(s, why);
}
