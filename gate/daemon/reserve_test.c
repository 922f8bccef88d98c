/* SPDX-License-Identifier: Apache-2.0 */
/* reserve_test.c: what is there for libevent when there is no memory. The linker puts the functions
 * below in the place of malloc and realloc (--wrap). */
#include "gate/daemon/reserve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool none; /* there is no memory */

void *__wrap_malloc(size_t size)
{
    return none ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return none ? NULL : __real_realloc(old, size);
}

static void *all[RESERVE_SLOTS];

static void take_all(void)
{
    for (size_t i = 0; i < RESERVE_SLOTS; i++) {
        all[i] = reserve_malloc(RESERVE_SLOT);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % _Alignof(max_align_t), 0);
        memset(all[i], (int)(i % 251), RESERVE_SLOT);
    }
}

/* Every slot is one's own, and comes back. */
static void slots(void **state)
{
    (void)state;
    none = true;
    for (int turn = 0; turn < 3; turn++) {
        assert_false(reserve_is_low());
        take_all();
        assert_true(reserve_is_low());
        assert_null(reserve_malloc(1));
        for (size_t i = 0; i < RESERVE_SLOTS; i++) {
            assert_int_equal(((uint8_t *)all[i])[0], i % 251);
            assert_int_equal(((uint8_t *)all[i])[RESERVE_SLOT - 1], i % 251);
            reserve_free(all[i]);
        }
    }
    none = false;
}

/* Only what is small; and as long as there is memory nothing of it. */
static void sizes(void **state)
{
    void *one;

    (void)state;
    none = true;
    assert_null(reserve_malloc(RESERVE_SLOT + 1));
    none = false;
    one = reserve_malloc(RESERVE_SLOT + 1);
    assert_non_null(one);
    reserve_free(one);
    for (size_t i = 0; i < RESERVE_SLOTS; i++)
        all[i] = reserve_malloc(8);
    assert_false(reserve_is_low());
    for (size_t i = 0; i < RESERVE_SLOTS; i++)
        reserve_free(all[i]);
    reserve_free(NULL);
}

/* What is in it grows within its slot, and out of it when there is memory again. */
static void growing(void **state)
{
    uint8_t *one;

    (void)state;
    none = true;
    one = reserve_realloc(NULL, 16);
    assert_non_null(one);
    memset(one, 7, 16);
    assert_ptr_equal(reserve_realloc(one, RESERVE_SLOT), one);
    assert_null(reserve_realloc(one, RESERVE_SLOT + 1));
    assert_int_equal(one[15], 7); /* as it was */
    none = false;
    one = reserve_realloc(one, 3 * RESERVE_SLOT);
    assert_non_null(one);
    assert_int_equal(one[0], 7);
    assert_int_equal(one[15], 7);
    one = reserve_realloc(one, 4 * RESERVE_SLOT); /* no slot any more */
    assert_non_null(one);
    assert_int_equal(one[15], 7);
    reserve_free(one);
    assert_false(reserve_is_low());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots),
        cmocka_unit_test(sizes),
        cmocka_unit_test(growing),
    };

    return cmocka_run_group_tests_name("reserve", tests, NULL, NULL);
}
