/* SPDX-License-Identifier: Apache-2.0 */
/* state.c: the database as a file: made, opened, checked for what it is, dumped, replaced. */
#include "gate/ledger/state.h"

#include "gate/base/file.h"
#include "gate/ledger/state_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION 0x7061776c /* "pawl" */
#define VERSION 2

/* Numbers are unsigned with 64 bits, stored as the signed ones of the same bits. */
static const char *const TABLES[] = {
    "CREATE TABLE agents (id BLOB PRIMARY KEY, sequence INTEGER NOT NULL, prev BLOB NOT NULL, "
    "sum BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE attempts (id BLOB PRIMARY KEY, entry INTEGER NOT NULL, agent BLOB NOT NULL, "
    "input BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE enrolled (id BLOB PRIMARY KEY, entry INTEGER NOT NULL, since_ms INTEGER NOT "
    "NULL, "
    "admin INTEGER NOT NULL, name BLOB NOT NULL, uid INTEGER, cgroup BLOB NOT NULL, "
    "zone BLOB NOT NULL, parent BLOB NOT NULL, aliases BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), round INTEGER NOT NULL, "
    "size INTEGER NOT NULL, root BLOB NOT NULL, issuer BLOB NOT NULL, time_ms INTEGER NOT NULL, "
    "epoch INTEGER NOT NULL, installed INTEGER NOT NULL, snapshot BLOB, phase INTEGER NOT NULL, "
    "key BLOB NOT NULL, key_epoch INTEGER NOT NULL, session BLOB NOT NULL, clean INTEGER NOT NULL, "
    "began INTEGER NOT NULL, key_round INTEGER NOT NULL, entry_round INTEGER NOT NULL, "
    "sessions INTEGER NOT NULL, interrupted INTEGER NOT NULL, sum BLOB NOT NULL) STRICT",
};
#define N_TABLES (sizeof TABLES / sizeof *TABLES)

static err_code with_ending(const char *path, const char *ending, struct buf *ret)
{
    buf_cut(ret, 0);
    TRY(buf_add_str(ret, path));
    TRY(buf_add_str(ret, ending));
    return buf_terminate(ret);
}

static err_code remove_file(const char *path, const char *ending, struct why *why)
{
    CLEANUP(buf_free) struct buf name = {0};

    TRY(with_ending(path, ending, &name));
    if (unlink((const char *)name.ptr) != 0 && errno != ENOENT)
        return why_errno(why, errno, "remove", (const char *)name.ptr);
    return ERR_OK;
}

/* ---- what it is ------------------------------------------------------------------------------ */

static err_code expected_schema(struct buf *ret)
{
    for (size_t i = 0; i < N_TABLES; i++) {
        TRY(buf_add_str(ret, TABLES[i]));
        TRY(buf_add_u8(ret, '\n'));
    }
    return ERR_OK;
}

static err_code check_schema(const struct sql *sql, struct why *why)
{
    CLEANUP(buf_free) struct buf got = {0}, want = {0};
    uint64_t application, version;

    TRY(sql_ask_number(sql, "PRAGMA application_id", &application, why));
    TRY(sql_ask_number(sql, "PRAGMA user_version", &version, why));
    if (application != APPLICATION || version != VERSION)
        return why_say(
            why, ERR_STATE_CORRUPT,
            "\"%s\" is a database of application %llu, version %llu, not of %d, %d: make "
            "it anew with pawl log rebuild",
            (const char *)sql->path.ptr, (unsigned long long)application,
            (unsigned long long)version, APPLICATION, VERSION);
    TRY(sql_ask_text(sql, "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name", &got,
                     why));
    TRY(expected_schema(&want));
    if (!slice_eq(buf_slice(&got), buf_slice(&want)))
        return why_say(why, ERR_STATE_CORRUPT,
                       "\"%s\" has other tables than the state of a ledger: make it anew with pawl "
                       "log rebuild",
                       (const char *)sql->path.ptr);
    return ERR_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* SQLite would make it with the rights that the umask leaves of 0644. */
static err_code make_file(const char *path, struct why *why)
{
    CLEANUP(fd_close)
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0640);

    if (fd < 0 && errno == EEXIST)
        return why_say(why, ERR_EXISTS, "\"%s\" is there already", path);
    return fd < 0 ? why_errno(why, errno, "make", path) : ERR_OK;
}

static err_code make_tables(const struct sql *sql, struct why *why)
{
    char text[96];

    (void)snprintf(text, sizeof text, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   APPLICATION, VERSION);
    TRY(sql_run(sql, "PRAGMA page_size=4096; PRAGMA encoding='UTF-8'; BEGIN IMMEDIATE", why));
    TRY(sql_run(sql, text, why));
    for (size_t i = 0; i < N_TABLES; i++)
        TRY(sql_run(sql, TABLES[i], why));
    return sql_run(sql, "COMMIT", why);
}

static err_code write_empty(const char *path, struct why *why)
{
    CLEANUP(succession_free) struct succession none = {0};
    CLEANUP(state_close) struct state *state = calloc(1, sizeof *state);
    struct tlog_head head = {0};

    if (state == NULL)
        return ERR_NO_MEMORY;
    TRY(sql_open(path, SQLITE_OPEN_READWRITE, &state->sql, why));
    TRY(make_tables(&state->sql, why));
    TRY(state_prepare(state, why));
    TRY(succession_init(&none, NULL));
    TRY(tree_empty(&head.checkpoint.root));
    return state_save(state, &none, &head, why);
}

err_code state_make_new(const char *path, struct buf *ret_name, struct why *why)
{
    TRY(remove_file(path, ".new", why));
    TRY(remove_file(path, ".new-wal", why));
    TRY(remove_file(path, ".new-shm", why));
    TRY(remove_file(path, ".new-journal", why));
    TRY(with_ending(path, ".new", ret_name));
    TRY(make_file((const char *)ret_name->ptr, why));
    return write_empty((const char *)ret_name->ptr, why);
}

err_code state_make(const char *path, struct why *why)
{
    CLEANUP(buf_free) struct buf name = {0};

    TRY(state_make_new(path, &name, why));
    return state_replace(path, (const char *)name.ptr, why);
}

static err_code sync_file(const char *path, struct why *why)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return why_errno(why, errno, "open", path);
    return fsync(fd) == 0 ? ERR_OK : why_errno(why, errno, "make durable", path);
}

static err_code sync_dir_of(const char *path, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return file_sync_dir(".", why);
    TRY(buf_add(&dir, path, slash == path ? 1 : (size_t)(slash - path)));
    TRY(buf_terminate(&dir));
    return file_sync_dir((const char *)dir.ptr, why);
}

/* The old one goes first and its write-ahead log next: SQLite would apply that log to whatever
 * stands beside it. Killed in between, there is no state, and it is made again. */
err_code state_replace(const char *path, const char *by, struct why *why)
{
    TRY(sync_file(by, why));
    TRY(remove_file(path, "", why));
    TRY(remove_file(path, "-wal", why));
    TRY(remove_file(path, "-shm", why));
    TRY(remove_file(path, "-journal", why));
    TRY(sync_dir_of(path, why));
    if (rename(by, path) != 0)
        return why_errno(why, errno, "put in place", path);
    return sync_dir_of(path, why);
}

/* ---- opening --------------------------------------------------------------------------------- */

static err_code begin_writing(const struct sql *sql, struct why *why)
{
    CLEANUP(buf_free) struct buf mode = {0};
    int keep = 1;

    TRY(sql_ask_text(sql, "PRAGMA journal_mode=WAL", &mode, why));
    if (!slice_eq_str(buf_slice(&mode), "wal\n"))
        return why_say(why, ERR_STORAGE, "\"%s\" cannot be written beside readers here",
                       (const char *)sql->path.ptr);
    /* Who may only read cannot make the files that readers need. */
    (void)sqlite3_file_control(sql->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    return ERR_OK;
}

err_code state_open(const char *path, enum state_mode mode, struct state **ret, struct why *why)
{
    CLEANUP(state_close) struct state *state = calloc(1, sizeof *state);

    if (state == NULL)
        return ERR_NO_MEMORY;
    TRY(sql_open(path, mode == STATE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE,
                 &state->sql, why));
    if (mode == STATE_READ)
        TRY(sql_run(&state->sql, "BEGIN", why)); /* until it is closed */
    if (mode == STATE_BUILD)
        TRY(sql_run(&state->sql, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF", why));
    TRY(check_schema(&state->sql, why));
    if (mode == STATE_WRITE)
        TRY(begin_writing(&state->sql, why));
    TRY(state_prepare(state, why));
    TRY(state_read_head(state, why));
    *ret = state;
    state = NULL; /* transferred */
    return ERR_OK;
}

void state_close(struct state **state)
{
    struct state *s = *state;

    if (s == NULL)
        return;
    state_finalize(s);
    sql_close(&s->sql);
    free(s);
    *state = NULL;
}

struct tlog_head state_head(const struct state *state)
{
    return state->head;
}

/* ---- the canonical form ---------------------------------------------------------------------- */

/* VACUUM writes every table in the order of its keys, without gaps; what is left of the history is
 * the count of changes to the schema. */
static err_code vacuum_into(const char *from, const char *path, struct why *why)
{
    CLEANUP(sql_close) struct sql sql = {0};
    CLEANUP(sql_finalize) sqlite3_stmt *vacuum = NULL; /* goes first */

    TRY(sql_open(from, SQLITE_OPEN_READONLY, &sql, why));
    TRY(sql_prepare(&sql, "VACUUM INTO ?1", &vacuum, why));
    if (sqlite3_bind_text(vacuum, 1, path, -1, SQLITE_STATIC) != SQLITE_OK)
        return ERR_NO_MEMORY;
    return sql_write(&sql, vacuum, why);
}

static err_code finish_dump(const char *path, struct why *why)
{
    CLEANUP(sql_close) struct sql copy = {0};

    TRY(sql_open(path, SQLITE_OPEN_READWRITE, &copy, why));
    (void)sqlite3_db_config(copy.db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    return sql_run(&copy, "PRAGMA journal_mode=DELETE; PRAGMA schema_version=1", why);
}

static err_code check_same(const struct state *state, const char *path, struct why *why)
{
    CLEANUP(state_close) struct state *copy = NULL;

    TRY(state_open(path, STATE_READ, &copy, why));
    if (copy->head.checkpoint.size == state->head.checkpoint.size)
        return ERR_OK;
    return why_say(why, ERR_BUSY, "\"%s\" was written while it was copied",
                   (const char *)state->sql.path.ptr);
}

err_code state_dump(const struct state *state, const char *path, struct why *why)
{
    TRY(make_file(path, why));
    TRY(vacuum_into((const char *)state->sql.path.ptr, path, why));
    TRY(finish_dump(path, why));
    return check_same(state, path, why);
}
