/* SPDX-License-Identifier: Apache-2.0 */
/* verb_test.c: what a verb says reaches the terminal line by line, whatever files are called. */
#include "gate/cli/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(struct call *call, const char *want)
{
    if (!slice_eq_str(buf_slice(&call->text), want))
        fail_msg("said \"%.*s\", want \"%s\"", (int)call->text.len, (char *)call->text.ptr, want);
    buf_free(&call->text);
}

static void one_line_is_one_line(void **state)
{
    struct call call = {0};
    (void)state;
    say(&call, "\"%s\" is damaged", "a\nThe ledger holds together\x1b[1A");
    expect(&call, "\"a?The ledger holds together?[1A\" is damaged\n");
    say(&call, "\"%s\" is damaged", "permit\xe2\x80\xaetsoc.\xc2\x9bK");
    expect(&call, "\"permit???tsoc.??K\" is damaged\n");
    say(&call, "%s", "");
    expect(&call, "\n");
}

static void text_keeps_its_lines(void **state)
{
    struct call call = {0};
    (void)state;
    say_text(&call, (struct slice){(const uint8_t *)"a\n\x1b[2J\0\n\nb", 10});
    expect(&call, "a\n?[2J?\n\nb\n");
    say_text(&call, (struct slice){0});
    expect(&call, "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_is_one_line),
        cmocka_unit_test(text_keeps_its_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
