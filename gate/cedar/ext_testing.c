/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/ext_testing.h"

#include "gate/cedar/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cedar_arena arena;

enum cedar_fault ext_call(enum cedar_fn fn, struct cedar_value a, struct cedar_value b,
                          struct cedar_value *ret)
{
    struct cedar_value args[2] = {a, b}, got = {.kind = CEDAR_RECORD};
    enum cedar_fault fault = CEDAR_FAULT_SLOT;

    assert_int_equal(cedar_fn_call(fn, args, &arena, &fault, &got), ERR_OK);
    if (fault == CEDAR_FAULT_NONE)
        assert_int_equal(got.kind, cedar_fn_info(fn)->result);
    else
        assert_int_equal(got.kind, CEDAR_RECORD);
    *ret = got;
    return fault;
}

enum cedar_fault ext_make(enum cedar_fn fn, const char *text, struct cedar_value *ret)
{
    /* a copy of its exact size, so that reading beyond the end is seen */
    size_t len = strlen(text);
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    enum cedar_fault fault;

    assert_non_null(copy);
    memcpy(copy, text, len);
    fault = ext_call(fn, cedar_string((struct slice){copy, len}), cedar_bool(false), ret);
    free(copy);
    return fault;
}

struct cedar_value ext_must(enum cedar_fn fn, const char *text)
{
    struct cedar_value value = {0};

    if (ext_make(fn, text, &value) != CEDAR_FAULT_NONE)
        fail_msg("\"%s\" was refused", text);
    return value;
}

void ext_written(const struct cedar_value *value, const char *want)
{
    CLEANUP(buf_free) struct buf text = {0};

    assert_int_equal(cedar_ext_text(value, &text), ERR_OK);
    assert_int_equal(buf_terminate(&text), ERR_OK);
    if (strcmp((const char *)text.ptr, want) != 0)
        fail_msg("written as \"%s\", want \"%s\"", (const char *)text.ptr, want);
}

void ext_refused(enum cedar_fn fn, const char *const *texts)
{
    struct cedar_value value;

    for (; *texts != NULL; texts++)
        if (ext_make(fn, *texts, &value) != CEDAR_FAULT_EXTENSION)
            fail_msg("%s(\"%s\") was taken", cedar_fn_info(fn)->name, *texts);
}

int ext_teardown(void **state)
{
    (void)state;
    cedar_arena_free(&arena);
    return 0;
}
