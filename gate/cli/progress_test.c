/* SPDX-License-Identifier: Apache-2.0 */
/* progress_test.c: what somebody sees who waits; standard error is a file meanwhile. */
#include "gate/cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What is shown while so many entries are gone through in four steps. */
static void shown(struct progress progress, uint64_t of, char ret[static 1024])
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    size_t n;

    assert_non_null(file);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    for (uint64_t step = 1; step <= 4; step++) {
        progress_step(&progress, of / 4 * step, of);
        progress_step(&progress, of / 4 * step, of); /* nothing new */
    }
    assert_int_equal(fflush(stderr), 0);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    assert_int_equal(close(kept), 0);
    rewind(file);
    n = fread(ret, 1, 1023, file);
    ret[n] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void a_bar_that_goes_away(void **state)
{
    char text[1024];

    (void)state;
    shown((struct progress){.bar = true}, 1000000, text);
    assert_string_equal(text,
                        "\r[##########                              ]  25.0% of 1000000 entries"
                        "\r[####################                    ]  50.0% of 1000000 entries"
                        "\r[##############################          ]  75.0% of 1000000 entries"
                        "\r[########################################] 100.0% of 1000000 entries"
                        "\r\033[K");
}

static void none_for_short_work_or_nobody(void **state)
{
    char text[1024];

    (void)state;
    shown((struct progress){.bar = true}, 10000, text);
    assert_string_equal(text, "");
    shown((struct progress){.bar = false}, 1000000, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_that_goes_away),
        cmocka_unit_test(none_for_short_work_or_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
