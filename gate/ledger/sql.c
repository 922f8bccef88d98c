/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/sql.h"

#include "gate/ledger/log.h"

#include <errno.h>
#include <sys/stat.h>

static const char *path_of(const struct sql *sql)
{
    return (const char *)sql->path.ptr;
}

static err_code name_of(const struct sql *sql, int rc)
{
    int number = sql->db == NULL ? 0 : sqlite3_system_errno(sql->db);

    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_FULL:
        return ERR_STORAGE_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
        return ERR_STATE_CORRUPT;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_INTERNAL:
        return ERR_INTERNAL;
    default:
        return number == ENOSPC || number == EDQUOT || number == EFBIG ? ERR_STORAGE_FULL
                                                                       : ERR_STORAGE;
    }
}

err_code sql_failed(const struct sql *sql, int rc, const char *doing, struct why *why)
{
    err_code err = name_of(sql, rc);

    if (err == ERR_NO_MEMORY)
        return err;
    return why_say(why, err, "cannot %s \"%s\": SQLite says \"%s\" (%d)%s", doing, path_of(sql),
                   sql->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(sql->db), rc,
                   err == ERR_STATE_CORRUPT ? ": make it anew with pawl log rebuild" : "");
}

static err_code check_file(const char *path, struct why *why)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return why_errno(why, errno, "open", path);
    if (!S_ISREG(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is not a regular file", path);
    return ERR_OK;
}

err_code sql_open(const char *path, int flags, struct sql *ret, struct why *why)
{
    CLEANUP(sql_close) struct sql sql = {0};
    int rc;

    TRY(check_file(path, why));
    TRY(buf_add_str(&sql.path, path));
    TRY(buf_terminate(&sql.path));
    rc = sqlite3_open_v2(path, &sql.db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        return sql_failed(&sql, rc, "open", why);
    (void)sqlite3_busy_timeout(sql.db, SQL_WAIT_MS);
    (void)sqlite3_db_config(sql.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(sql.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(sql.db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(sql.db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    TRY(sql_run(&sql,
                "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON;"
                "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY",
                why));
    *ret = sql;
    sql = (struct sql){0}; /* transferred */
    return ERR_OK;
}

void sql_close(struct sql *sql)
{
    (void)sqlite3_close_v2(sql->db);
    buf_free(&sql->path);
    *sql = (struct sql){0};
}

err_code sql_run(const struct sql *sql, const char *statements, struct why *why)
{
    int rc = sqlite3_exec(sql->db, statements, NULL, NULL, NULL);

    return rc == SQLITE_OK ? ERR_OK : sql_failed(sql, rc, "use", why);
}

err_code sql_prepare(const struct sql *sql, const char *statement, sqlite3_stmt **ret,
                     struct why *why)
{
    int rc = sqlite3_prepare_v3(sql->db, statement, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

    return rc == SQLITE_OK ? ERR_OK : sql_failed(sql, rc, "use", why);
}

void sql_finalize(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
    *statement = NULL;
}

void sql_done(sqlite3_stmt **statement)
{
    (void)sqlite3_reset(*statement); /* repeats what the last step said */
    (void)sqlite3_clear_bindings(*statement);
}

void sql_put_number(sqlite3_stmt *statement, int at, uint64_t value)
{
    (void)sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

void sql_put_bytes(sqlite3_stmt *statement, int at, struct slice bytes)
{
    /* A null pointer would be bound as NULL. */
    (void)sqlite3_bind_blob64(statement, at, bytes.len == 0 ? (const void *)"" : bytes.ptr,
                              bytes.len, SQLITE_STATIC);
}

void sql_put_null(sqlite3_stmt *statement, int at)
{
    (void)sqlite3_bind_null(statement, at);
}

err_code sql_step(const struct sql *sql, sqlite3_stmt *statement, bool *ret_row, struct why *why)
{
    int rc = sqlite3_step(statement);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sql_failed(sql, rc, sqlite3_stmt_readonly(statement) ? "read" : "write", why);
    *ret_row = rc == SQLITE_ROW;
    return ERR_OK;
}

err_code sql_write(const struct sql *sql, sqlite3_stmt *statement, struct why *why)
{
    bool row = false;

    return sql_step(sql, statement, &row, why);
}

uint64_t sql_number(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

struct slice sql_bytes(sqlite3_stmt *statement, int at)
{
    const void *bytes = sqlite3_column_blob(statement, at);

    return (struct slice){bytes, (size_t)sqlite3_column_bytes(statement, at)};
}

bool sql_is_null(sqlite3_stmt *statement, int at)
{
    return sqlite3_column_type(statement, at) == SQLITE_NULL;
}

err_code sql_ask_number(const struct sql *sql, const char *statement, uint64_t *ret,
                        struct why *why)
{
    CLEANUP(sql_finalize) sqlite3_stmt *question = NULL;
    bool row = false;

    TRY(sql_prepare(sql, statement, &question, why));
    TRY(sql_step(sql, question, &row, why));
    *ret = row ? sql_number(question, 0) : 0;
    return ERR_OK;
}

err_code sql_ask_text(const struct sql *sql, const char *statement, struct buf *ret,
                      struct why *why)
{
    CLEANUP(sql_finalize) sqlite3_stmt *question = NULL;
    bool row = false;

    TRY(sql_prepare(sql, statement, &question, why));
    for (;;) {
        TRY(sql_step(sql, question, &row, why));
        if (!row)
            return ERR_OK;
        TRY(buf_add_slice(ret, sql_bytes(question, 0)));
        TRY(buf_add_u8(ret, '\n'));
    }
}

err_code ledger_library(const char **ret, struct why *why)
{
    if (sqlite3_libversion_number() < SQLITE_VERSION_NUMBER)
        return why_say(why, ERR_UNSUPPORTED, "SQLite %s is older than what this was built with: %s",
                       sqlite3_libversion(), SQLITE_VERSION);
    *ret = sqlite3_libversion();
    return ERR_OK;
}
