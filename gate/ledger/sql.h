/* SPDX-License-Identifier: Apache-2.0 */
/* sql.h: SQLite with this project's errors: every answer becomes an err_code and a sentence that
 * names the file and SQLite's own words. The only files that see sqlite3.h are this room's. */
#ifndef PAWL_LEDGER_SQL_H
#define PAWL_LEDGER_SQL_H

#include "gate/base/bytes.h"
#include "gate/base/hash.h"
#include "gate/base/why.h"

#include <sqlite3.h>

#define SQL_WAIT_MS 2000 /* for a lock that another process holds */

struct sql {
    sqlite3 *db;
    struct buf path; /* NUL-terminated */
};

/* Opens the file at path, which is there, a regular file and no symbolic link. flags: SQLite's.
 * Errors: NOT_FOUND, STORAGE. Owns: closed with sql_close(). */
err_code sql_open(const char *path, int flags, struct sql *ret, struct why *why);
/* Statements must be finalized before. */
void sql_close(struct sql *sql);

/* What SQLite's answer is called here: STORAGE_FULL, NO_MEMORY, BUSY, STATE_CORRUPT for a file that
 * is damaged or none of SQLite's, STORAGE for what else may go wrong outside, INTERNAL. doing:
 * "read", "write". */
err_code sql_failed(const struct sql *sql, int rc, const char *doing, struct why *why);

/* Runs statements that answer nothing. */
err_code sql_run(const struct sql *sql, const char *statements, struct why *why);

/* Prepares one statement, for use again and again. Owns: sql_finalize(). */
err_code sql_prepare(const struct sql *sql, const char *statement, sqlite3_stmt **ret,
                     struct why *why);
void sql_finalize(sqlite3_stmt **statement);
/* Ends the use of a statement; for CLEANUP(). Does nothing for NULL. */
void sql_done(sqlite3_stmt **statement);

/* Values by position, from 1; a number is stored as the signed one of the same 64 bits. A failure
 * to bind is found by the step. */
void sql_put_number(sqlite3_stmt *statement, int at, uint64_t value);
void sql_put_bytes(sqlite3_stmt *statement, int at, struct slice bytes); /* Borrows: until done */
void sql_put_null(sqlite3_stmt *statement, int at);

/* Runs a statement on to its next row; *ret_row false: there is none. */
err_code sql_step(const struct sql *sql, sqlite3_stmt *statement, bool *ret_row, struct why *why);
/* Runs one that gives no row. */
err_code sql_write(const struct sql *sql, sqlite3_stmt *statement, struct why *why);

/* Values of a row, from 0. Borrows: until the next step. */
uint64_t sql_number(sqlite3_stmt *statement, int at);
struct slice sql_bytes(sqlite3_stmt *statement, int at);
bool sql_is_null(sqlite3_stmt *statement, int at);

/* The one number, or text, that a statement answers. */
err_code sql_ask_number(const struct sql *sql, const char *statement, uint64_t *ret,
                        struct why *why);
err_code sql_ask_text(const struct sql *sql, const char *statement, struct buf *ret,
                      struct why *why);

#endif
