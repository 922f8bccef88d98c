/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/installs.h"

#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int setup(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

static void put(uint64_t epoch, const char *text)
{
    struct why why = {0};

    if (installs_put(dir, epoch, slice_str(text), &why) != ERR_OK)
        fail_msg("%s", why.text);
}

/* A file beside the others, as somebody else may have left it. */
static void leave(const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/installed/%s", dir, name);
    testing_write(path, slice_str(text));
}

static bool there(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/installed/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* NULL: none is found. */
static void expect_newest(const char *want)
{
    CLEANUP(buf_free) struct buf got = {0};
    uint64_t found = 99;
    struct why why = {0};

    if (installs_newest(dir, &got, &found, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(found > 0, want != NULL);
    if (want != NULL && !slice_eq_str(buf_slice(&got), want))
        fail_msg("got \"%.*s\", wanted \"%s\"", (int)got.len, (const char *)got.ptr, want);
}

/* By number, not by name; the same epoch again takes the place. */
static void newest(void **state)
{
    (void)state;
    expect_newest(NULL);
    put(9, "nine");
    expect_newest("nine");
    put(10, "ten");
    put(2, "two");
    expect_newest("ten");
    put(10, "ten again");
    expect_newest("ten again");
    put((UINT64_C(1) << 53) - 1, "the last");
    expect_newest("the last");
}

static void mode_is_private(void **state)
{
    struct stat st;
    char path[128];

    (void)state;
    put(1, "one");
    (void)snprintf(path, sizeof path, "%s/installed", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    (void)snprintf(path, sizeof path, "%s/installed/1.bundle", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Only a name that this file writes is an epoch, whatever else lies there. */
static void other_names(void **state)
{
    static const char *const NAMES[] = {
        "9.bundle.tmp",
        "9",
        ".bundle",
        "x.bundle",
        "-9.bundle",
        "+9.bundle",
        "09.bundle",
        "0x9.bundle",
        " 9.bundle",
        "9 .bundle",
        "9.bundle~",
        "0.bundle",
        "9007199254740992.bundle",
        "18446744073709551617.bundle",
        "1000000000000000000000000000000000000000000001.bundle",
    };

    (void)state;
    put(3, "three");
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        leave(NAMES[i], "stray");
        expect_newest("three");
    }
    installs_settle(dir, 100);
    expect_newest(NULL);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        assert_true(there(NAMES[i]));
}

static void settle(void **state)
{
    (void)state;
    installs_settle(dir, 5); /* nothing there: nothing happens */
    for (uint64_t epoch = 1; epoch <= 12; epoch++)
        put(epoch, "text");
    installs_settle(dir, 9);
    assert_false(there("1.bundle"));
    assert_false(there("8.bundle"));
    assert_true(there("9.bundle"));
    assert_false(there("10.bundle"));
    assert_false(there("12.bundle"));
    assert_true(there("10.bundle.refused")); /* evidence */
    assert_true(there("12.bundle.refused"));
    assert_false(there("8.bundle.refused"));
    expect_newest("text");
    put(10, "ten");
    expect_newest("ten");
}

/* The newest one is not read: an older one is no answer. */
static void newest_unreadable(void **state)
{
    CLEANUP(buf_free) struct buf got = {0};
    char path[128];
    uint64_t found = 99;
    struct why why = {0};

    (void)state;
    put(3, "three");
    (void)snprintf(path, sizeof path, "%s/installed/4.bundle", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(installs_newest(dir, &got, &found, &why), ERR_STORAGE);
    assert_int_equal(found, 0);
}

/* What is there stays when there is no room for the next. */
static void disk_full(void **state)
{
    const struct rlimit none = {5, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
    struct why why = {0};

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    put(1, "one");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(installs_put(dir, 2, slice_str("too long"), &why), ERR_STORAGE_FULL);
    assert_int_equal(installs_put(dir, 1, slice_str("too long"), &why), ERR_STORAGE_FULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    expect_newest("one");
    put(2, "it fits");
    expect_newest("it fits");
}

/* Something else at the directory's place is no empty directory. */
static void not_a_directory(void **state)
{
    CLEANUP(buf_free) struct buf got = {0};
    uint64_t found = 99;
    char path[128];
    struct why why = {0};

    (void)state;
    (void)snprintf(path, sizeof path, "%s/installed", dir);
    testing_write(path, slice_str("a file"));
    assert_int_equal(installs_newest(dir, &got, &found, &why), ERR_STORAGE);
    assert_int_not_equal(installs_put(dir, 1, slice_str("one"), &why), ERR_OK);
    installs_settle(dir, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(newest, setup, teardown),
        cmocka_unit_test_setup_teardown(mode_is_private, setup, teardown),
        cmocka_unit_test_setup_teardown(other_names, setup, teardown),
        cmocka_unit_test_setup_teardown(newest_unreadable, setup, teardown),
        cmocka_unit_test_setup_teardown(settle, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(not_a_directory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
