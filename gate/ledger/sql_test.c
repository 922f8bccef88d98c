/* SPDX-License-Identifier: Apache-2.0 */
/* sql_test.c: what the state's database is opened with, as SQLite itself says. A commit that was
 * acknowledged is durable by it, and nothing else would tell. */
#include "gate/base/dir_testing.h"
#include "gate/ledger/state_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct why why; /* of the last refusal */

#define OK(call)                                                                                   \
    do {                                                                                           \
        err_code got_ = (call);                                                                    \
        if (got_ != ERR_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, err_name(got_), why.text);                               \
    } while (0)

static uint64_t asked(const struct sql *sql, const char *pragma)
{
    uint64_t ret = UINT64_MAX;

    OK(sql_ask_number(sql, pragma, &ret, &why));
    return ret;
}

static void expect(const struct sql *sql, const char *pragma, uint64_t want)
{
    uint64_t got = asked(sql, pragma);

    if (got != want)
        fail_msg("%s: %llu, want %llu", pragma, (unsigned long long)got, (unsigned long long)want);
}

/* What the file keeps, somebody else's connection sees; the rest belongs to the one that writes. */
static void expect_opened(const char *path, enum state_mode how)
{
    CLEANUP(state_close) struct state *live = NULL;
    CLEANUP(buf_free) struct buf mode = {0};
    CLEANUP(sql_close) struct sql other = {0};

    OK(state_open(path, how, &live, &why));
    expect(&live->sql, "PRAGMA synchronous", 2); /* FULL */
    expect(&live->sql, "PRAGMA foreign_keys", 1);
    expect(&live->sql, "PRAGMA cell_size_check", 1);
    expect(&live->sql, "PRAGMA mmap_size", 0);
    expect(&live->sql, "PRAGMA temp_store", 2); /* memory */
    expect(&live->sql, "PRAGMA trusted_schema", 0);
    OK(sql_open(path, SQLITE_OPEN_READONLY, &other, &why));
    OK(sql_ask_text(&other, "PRAGMA journal_mode", &mode, &why));
    assert_true(slice_eq_str(buf_slice(&mode), "wal\n"));
    expect(&other, "PRAGMA application_id", asked(&live->sql, "PRAGMA application_id"));
}

static void the_state_is_opened_durably(void **state)
{
    char dir[64], path[80];

    (void)state;
    testing_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/state.db", dir);
    OK(state_make(path, &why));
    expect_opened(path, STATE_WRITE);
    expect_opened(path, STATE_READ);
    testing_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_is_opened_durably),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
