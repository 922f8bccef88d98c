/* SPDX-License-Identifier: Apache-2.0 */
/* Which epoch a publication is of. */
#include "gate/base/dir_testing.h"
#include "gate/policy/authority.h"

#include "gate/policy/cast_testing.h"
#include "gate/policy/succession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct cast cast;
static char dir[64];

static int setup(void **state)
{
    (void)state;
    cast_make(&cast);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cast_free(&cast);
    return 0;
}

static struct authority_keys all(void)
{
    return (struct authority_keys){cast.signers, CAST_END};
}

static int fresh_dir(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    struct authority_keys signers = all();

    (void)state;
    testing_dir(dir, sizeof dir);
    assert_int_equal(authority_init(dir, meta, &signers, 1000, NULL), ERR_OK);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

static struct authority *open_it(void)
{
    struct authority *a = NULL;
    struct why why = {0};

    if (authority_open(dir, 5000, &a, &why) != ERR_OK)
        fail_msg("open: %s: %s", err_name(why.code), why.text);
    return a;
}

static err_code sign(void)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    CLEANUP(buf_free) struct buf out = {0};
    struct policy_object draft = cast_policy();
    struct authority_keys signers = all();

    return authority_policy_sign(a, &draft, &signers, &out, NULL);
}

static void an_epoch_has_one_content(void **state)
{
    CLEANUP(authority_close) struct authority *one = NULL, *two = NULL;
    CLEANUP(buf_free) struct buf first = {0}, second = {0};
    struct publication wish = {.now = 5000, .exp = 6000};
    struct authority_keys signers = all();
    uint64_t epoch;
    (void)state;

    assert_int_equal(sign(), ERR_OK);
    one = open_it();
    two = open_it();
    assert_int_equal(authority_publish(one, &wish, &signers, &first, &epoch, NULL), ERR_OK);
    wish.exp++;
    assert_int_equal(authority_publish(two, &wish, &signers, &second, &epoch, NULL), ERR_EXISTS);
    assert_int_equal(second.len, 0);
}

static void an_epoch_may_be_wished_for(void **state)
{
    static const struct {
        uint64_t wish, epoch;
        err_code want;
    } CASES[] = {
        {3, 0, ERR_FORMAT}, /* only epoch 1 follows nothing */
        {0, 1, ERR_OK},
        {3, 3, ERR_OK},
        {3, 0, ERR_ROLLBACK},
        {2, 0, ERR_ROLLBACK},
        {4, 4, ERR_OK},
        {4 + SNAPSHOT_JUMP_MAX + 1, 0, ERR_SUCCESSION},
        {4 + SNAPSHOT_JUMP_MAX, 4 + SNAPSHOT_JUMP_MAX, ERR_OK},
        {0, 5 + SNAPSHOT_JUMP_MAX, ERR_OK}, /* a gate that has nothing begins with an earlier one */
    };
    struct authority_keys signers = all();
    (void)state;

    assert_int_equal(sign(), ERR_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(authority_close) struct authority *a = open_it();
        CLEANUP(buf_free) struct buf out = {0};
        const struct publication wish = {.now = 5000, .exp = 6000, .epoch = CASES[i].wish};
        struct why why = {0};
        uint64_t epoch = 0;
        err_code got = authority_publish(a, &wish, &signers, &out, &epoch, &why);
        if (got != CASES[i].want || epoch != CASES[i].epoch)
            fail_msg("case %zu: %s (%s), epoch %llu", i, err_name(got), why.text,
                     (unsigned long long)epoch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_epoch_has_one_content, fresh_dir, remove_dir),
        cmocka_unit_test_setup_teardown(an_epoch_may_be_wished_for, fresh_dir, remove_dir),
    };
    return cmocka_run_group_tests_name("authority_epoch", tests, setup, teardown);
}
