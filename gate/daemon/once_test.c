/* SPDX-License-Identifier: Apache-2.0 */
/* once_test.c: the same key again: what is given back, to whom, for how long, and who makes room.
 */
#include "gate/daemon/once.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static struct once *table_of(size_t keys, size_t bytes)
{
    const struct once_limits limits = {keys, bytes, 10 * SECOND};
    struct once *once;

    assert_int_equal(once_new(&limits, &once), ERR_OK);
    return once;
}

static struct once_law now = {1, 1};

static struct once_ask ask_of(const char *caller, const char *key, uint8_t body)
{
    return (struct once_ask){caller, key, {{body}}, now};
}

static struct once_entry *find(struct once *once, const char *caller, const char *key,
                               uint64_t now_ns, enum once_found want)
{
    const struct once_ask ask = ask_of(caller, key, 1);
    struct once_entry *entry = NULL;
    enum once_found found = ONCE_NONE;
    struct why why = {0};
    err_code err = once_find(once, &ask, now_ns, &found, &entry, &why);

    if (err != ERR_OK || found != want)
        fail_msg("%s %s: %s, found %d, wanted %d", caller, key, err_name(err), found, want);
    return entry;
}

static void answer(struct once *once, const char *caller, const char *key, uint64_t now_ns,
                   const char *text)
{
    struct once_entry *entry = find(once, caller, key, now_ns, ONCE_FIRST);

    once_end(once, entry, now_ns, &(struct once_given){now.epoch, slice_str(text)}, NULL);
}

static void keys(void **state)
{
    static const struct {
        const char *name, *key;
        err_code want;
    } CASES[] = {
        {"one", "a", ERR_OK},
        {"quoted, as the draft has it", "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", ERR_OK},
        {"empty", "", ERR_REQUEST_MALFORMED},
        {"a space", "a b", ERR_REQUEST_MALFORMED},
        {"a tab", "a\tb", ERR_REQUEST_MALFORMED},
        {"DEL", "a\x7f", ERR_REQUEST_MALFORMED},
        {"not ASCII", "\xc3\xa9", ERR_REQUEST_MALFORMED},
    };
    struct once *once = table_of(0, 0);
    char longest[ONCE_KEY_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct once_ask ask = ask_of("a", CASES[i].key, 1);
        struct once_entry *entry;
        enum once_found found;
        struct why why = {0};
        err_code got = once_find(once, &ask, 0, &found, &entry, &why);

        if (got != CASES[i].want)
            fail_msg("%s: %s, wanted %s", CASES[i].name, err_name(got), err_name(CASES[i].want));
    }
    memset(longest, 'k', sizeof longest);
    for (size_t len = ONCE_KEY_MAX; len <= ONCE_KEY_MAX + 1; len++) {
        const struct once_ask ask = ask_of("a", longest, 1);
        struct once_entry *entry;
        enum once_found found;
        struct why why = {0};

        longest[ONCE_KEY_MAX] = len > ONCE_KEY_MAX ? 'k' : '\0';
        longest[ONCE_KEY_MAX + 1] = '\0';
        assert_int_equal(once_find(once, &ask, 0, &found, &entry, &why),
                         len > ONCE_KEY_MAX ? ERR_REQUEST_MALFORMED : ERR_OK);
    }
    once_free(&once);
}

static void again(void **state)
{
    struct once *once = table_of(0, 0);
    const struct once_ask other = ask_of("a", "k", 2);
    struct once_entry *entry;
    enum once_found found;
    struct why why = {0};

    (void)state;
    answer(once, "a", "k", 0, "yes");
    entry = find(once, "a", "k", SECOND, ONCE_ANSWERED);
    assert_true(slice_eq_str(once_answer(entry), "yes"));
    assert_int_equal(once_find(once, &other, SECOND, &found, &entry, &why), ERR_EXISTS);
    answer(once, "b", "k", SECOND, "no"); /* another's */
    entry = find(once, "a", "k", SECOND, ONCE_ANSWERED);
    assert_true(slice_eq_str(once_answer(entry), "yes"));
    once_free(&once);
}

static void time_passes(void **state)
{
    struct once *once = table_of(0, 0);

    (void)state;
    answer(once, "a", "k", 5, "yes");
    (void)find(once, "a", "k", 10 * SECOND + 4, ONCE_ANSWERED);
    (void)find(once, "a", "k", 10 * SECOND + 5, ONCE_FIRST); /* runs, however long it takes */
    (void)find(once, "a", "k", 100 * SECOND, ONCE_RUNNING);
    answer(once, "a", "l", 100 * SECOND, "yes");
    assert_int_equal(once_keys(once), 2);
    answer(once, "a", "m", 200 * SECOND, "yes");
    assert_int_equal(once_keys(once), 2); /* l is gone, without anybody asking for it */
    once_free(&once);
}

static void not_kept(void **state)
{
    struct once *once = table_of(0, 8);

    (void)state;
    once_end(once, find(once, "a", "k", 0, ONCE_FIRST), 0, NULL, NULL);
    assert_int_equal(once_keys(once), 0);
    answer(once, "a", "k", 0, "123456789"); /* larger than all the room that there is */
    assert_int_equal(once_keys(once), 0);
    answer(once, "a", "k", 0, "12345678");
    assert_int_equal(once_keys(once), 1);
    once_free(&once);
}

/* After an install, or a change of the agents, it is asked anew; also with another body. What was
 * decided under the new epoch already is kept. */
static void another_law(void **state)
{
    struct once *once = table_of(0, 0);
    struct once_entry *entry;
    struct once_ask other;
    enum once_found found;
    struct why why = {0};

    (void)state;
    answer(once, "a", "k", 0, "of epoch 1");
    (void)find(once, "a", "k", 0, ONCE_ANSWERED);
    now.epoch = 2;
    answer(once, "a", "k", 0, "of epoch 2");
    assert_int_equal(once_keys(once), 1);
    now.roster = 2;
    entry = find(once, "a", "k", 0, ONCE_FIRST);
    (void)find(once, "a", "k", 0, ONCE_RUNNING);
    once_end(once, entry, 0, &(struct once_given){3, slice_str("of epoch 3")}, NULL);
    now.epoch = 3;
    entry = find(once, "a", "k", 0, ONCE_ANSWERED);
    assert_true(slice_eq_str(once_answer(entry), "of epoch 3"));
    now.epoch = 4;
    other = ask_of("a", "k", 2);
    assert_int_equal(once_find(once, &other, 0, &found, &entry, &why), ERR_OK);
    assert_int_equal(found, ONCE_FIRST);
    once_end(once, entry, 0, NULL, NULL);
    assert_int_equal(once_keys(once), 0);
    now = (struct once_law){1, 1};
    once_free(&once);
}

struct waiter {
    struct once_wait wait;
    int *told;
};

static void tell(struct once_wait *wait, void *ctx)
{
    struct waiter *waiter = (struct waiter *)wait;

    *waiter->told += *(int *)ctx;
}

static void waiters(void **state)
{
    struct once *once = table_of(0, 0);
    const struct once_given given = {now.epoch, slice_str("yes")};
    int told[3] = {0}, by = 7;
    struct waiter all[3];

    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct once_entry *entry = find(once, "a", "k", 0, ONCE_FIRST);
        for (size_t i = 0; i < 3; i++) {
            all[i] = (struct waiter){{NULL, tell}, &told[i]};
            once_join(find(once, "a", "k", 0, ONCE_RUNNING), &all[i].wait);
        }
        once_leave(entry, &all[1].wait);
        once_end(once, entry, 0, keep ? &given : NULL, &by);
        assert_int_equal(told[0], 7 * (keep + 1));
        assert_int_equal(told[1], 0);
        assert_int_equal(told[2], 7 * (keep + 1));
    }
    (void)find(once, "a", "k", 0, ONCE_ANSWERED);
    once_free(&once);
}

/* One caller's many keys push out his own, oldest first. */
static void fair(void **state)
{
    struct once *once = table_of(8, 0);
    char key[8];

    (void)state;
    answer(once, "b", "k", 0, "yes");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        answer(once, "a", key, 0, "yes");
        assert_true(once_keys(once) <= 8);
    }
    (void)find(once, "b", "k", 0, ONCE_ANSWERED);
    (void)find(once, "a", "99", 0, ONCE_ANSWERED);
    (void)find(once, "a", "93", 0, ONCE_ANSWERED);
    once_free(&once);
}

static void fair_bytes(void **state)
{
    struct once *once = table_of(0, 100);
    char key[8];

    (void)state;
    for (int i = 0; i < 10; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        answer(once, "b", key, 0, "1");
    }
    answer(once, "a", "x", 0, "0123456789012345678901234567890123456789012345678901234567890");
    answer(once, "a", "y", 0, "0123456789012345678901234567890123456789012345678901234567890");
    for (int i = 0; i < 10; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        (void)find(once, "b", key, 0, ONCE_ANSWERED);
    }
    (void)find(once, "a", "y", 0, ONCE_ANSWERED);
    (void)find(once, "a", "x", 0, ONCE_FIRST);
    once_free(&once);
}

/* ---- the part that each is assured of -------------------------------------------------------- */

#define PART 2
#define ALL ((size_t)2 * ONCE_CALLERS * PART)

/* New keys of this caller, as many as get in of n; answered, or still being decided. */
static size_t use(struct once *once, const char *caller, size_t n, const char *text)
{
    static unsigned number;
    size_t in = 0;

    for (; in < n; in++) {
        char key[24];
        struct once_ask ask = ask_of(caller, key, 1);
        struct once_entry *entry;
        enum once_found found;
        struct why why = {0};
        err_code err;

        (void)snprintf(key, sizeof key, "key-%u", number++);
        err = once_find(once, &ask, 0, &found, &entry, &why);
        if (err != ERR_OK) {
            assert_int_equal(err, ERR_OVERLOADED);
            return in;
        }
        assert_int_equal(found, ONCE_FIRST);
        if (text != NULL)
            once_end(once, entry, 0, &(struct once_given){now.epoch, slice_str(text)}, NULL);
    }
    return in;
}

/* Nobody's waiting requests have another's key refused. */
static void assured_while_waiting(void **state)
{
    struct once *once = table_of(ALL, 0);
    char caller[16];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(caller, sizeof caller, "greedy-%zu", i);
        assert_int_equal(use(once, caller, ALL, NULL), i == 0 ? ALL / 2 + PART : PART);
    }
    for (size_t i = 4; i < ONCE_CALLERS; i++) {
        (void)snprintf(caller, sizeof caller, "caller-%zu", i);
        assert_int_equal(use(once, caller, 10, NULL), PART);
    }
    assert_int_equal(once_keys(once), ALL);
    once_free(&once);
}

/* Nor do his keys push out another's answers, whether they wait or are answered. */
static void assured_when_answered(void **state)
{
    struct once *once = table_of(ALL, 0);

    (void)state;
    answer(once, "quiet", "1", 0, "yes");
    answer(once, "quiet", "2", 0, "yes");
    assert_int_equal(use(once, "waits", ALL, NULL), ALL / 2 + PART);
    assert_int_equal(use(once, "asks", 2 * ALL, "yes"), 2 * ALL);
    assert_int_equal(once_keys(once), ALL);
    answer(once, "late", "1", 0, "yes"); /* instead of one of those who has most */
    answer(once, "late", "2", 0, "yes");
    assert_int_equal(use(once, "asks", ALL, "yes"), ALL);
    assert_int_equal(once_keys(once), ALL);
    for (const char *const *of = (const char *const[]){"quiet", "late", NULL}; *of != NULL; of++) {
        (void)find(once, *of, "1", 0, ONCE_ANSWERED);
        (void)find(once, *of, "2", 0, ONCE_ANSWERED);
    }
    once_free(&once);
}

/* The same of bytes: the part is one of 2 * ONCE_CALLERS, whoever has few keys. */
static void assured_bytes(void **state)
{
    const size_t part = 10;
    struct once *once = table_of(0, 2 * ONCE_CALLERS * part);
    char caller[16];

    (void)state;
    for (size_t i = 0; i < ONCE_CALLERS - 1; i++) {
        (void)snprintf(caller, sizeof caller, "caller-%zu", i);
        answer(once, caller, "1", 0, "01234");
        answer(once, caller, "2", 0, "01234");
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(use(once, "greedy", 1, "0123"), 1);
    for (size_t i = 0; i < ONCE_CALLERS - 1; i++) {
        (void)snprintf(caller, sizeof caller, "caller-%zu", i);
        (void)find(once, caller, "1", 0, ONCE_ANSWERED);
        (void)find(once, caller, "2", 0, ONCE_ANSWERED);
    }
    answer(once, "caller-1", "3", 0, "01234");
    (void)find(once, "caller-1", "2", 0, ONCE_ANSWERED);
    once_free(&once);
}

/* What is still being decided makes room for nothing. */
static void full(void **state)
{
    struct once *once = table_of(2, 0);
    const struct once_ask third = ask_of("c", "k", 1);
    struct once_entry *first, *entry;
    enum once_found found;
    struct why why = {0};

    (void)state;
    first = find(once, "a", "k", 0, ONCE_FIRST);
    (void)find(once, "b", "k", 0, ONCE_FIRST);
    assert_int_equal(once_find(once, &third, 0, &found, &entry, &why), ERR_OVERLOADED);
    once_end(once, first, 0, &(struct once_given){1, slice_str("yes")}, NULL);
    (void)find(once, "c", "k", 0, ONCE_FIRST);
    (void)find(once, "b", "k", 0, ONCE_RUNNING);
    once_free(&once);
}

/* An answer makes room, and not the request before it that has none yet. */
static void running_stays(void **state)
{
    struct once *once = table_of(2, 0);

    (void)state;
    (void)find(once, "a", "k", 0, ONCE_FIRST);
    answer(once, "a", "l", 0, "yes");
    (void)find(once, "c", "k", 0, ONCE_FIRST);
    (void)find(once, "a", "k", 0, ONCE_RUNNING);
    once_free(&once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(again),
        cmocka_unit_test(time_passes),
        cmocka_unit_test(not_kept),
        cmocka_unit_test(another_law),
        cmocka_unit_test(waiters),
        cmocka_unit_test(fair),
        cmocka_unit_test(full),
        cmocka_unit_test(assured_while_waiting),
        cmocka_unit_test(assured_when_answered),
        cmocka_unit_test(assured_bytes),
        cmocka_unit_test(fair_bytes),
        cmocka_unit_test(running_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
