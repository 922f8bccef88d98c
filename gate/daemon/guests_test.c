/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on a list, and what is no list. */
#include "gate/base/dir_testing.h"
#include "gate/daemon/guests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ONE "spki-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TWO "spki-1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define URI "spiffe://example.org/team/build"

static char dir[64], path[96];

static void put(const char *text, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static const struct {
    const char *name, *text, *key, *uri;
    bool want;
} HAVE[] = {
    {"nobody", "", ONE, URI, false},
    {"comments alone", "# " ONE "\n\n  \t\n", ONE, URI, false},
    {"a key", ONE "\n", ONE, "", true},
    {"without an end of line", ONE, ONE, "", true},
    {"with a comment", "  " ONE "\t # of the first\n", ONE, "", true},
    {"another key", ONE "\n", TWO, "", false},
    {"the second", ONE "\n" TWO, TWO, "", true},
    {"a URI", URI "\n", ONE, URI, true},
    {"the beginning of a URI", URI "\n", ONE, URI "/x", false},
    {"a URI in other letters", URI "\n", ONE, "spiffe://example.org/team/Build", false},
    {"more than the URI", URI "/x\n", ONE, URI, false},
    {"no URI", URI "\n", ONE, "", false},
    {"a URI that looks like a key", ONE "\n", TWO, ONE, false},
    {"a sign of comments within", "x:y#z\n", ONE, "x:y#z", true},
};

static void have(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof HAVE / sizeof *HAVE; i++) {
        struct guests guests = {0};
        struct why why = {0};
        err_code err;

        put(HAVE[i].text, strlen(HAVE[i].text));
        err = guests_read(path, &guests, &why);
        if (err != ERR_OK || guests_have(&guests, HAVE[i].key, HAVE[i].uri) != HAVE[i].want) {
            print_error("%s: %s %s, wanted %d\n", HAVE[i].name, err_name(err), why.text,
                        HAVE[i].want);
            wrong++;
        }
        guests_free(&guests);
        assert_false(guests_have(&guests, HAVE[i].key, HAVE[i].uri));
    }
    assert_int_equal(wrong, 0);
}

static void refuses(const char *text, size_t len, err_code want, const char *part)
{
    struct guests guests = {0};
    struct why why = {0};
    err_code err;

    put(text, len);
    err = guests_read(path, &guests, &why);
    if (err != want || strstr(why.text, part) == NULL)
        fail_msg("\"%.40s\": %s: %s", text, err_name(err), why.text);
    assert_null(guests.list);
}

static void malformed(void **state)
{
    static const char *const TEXTS[] = {
        "point",      "CN=point",
        "a b",        ONE " " TWO,
        ONE "\r",     "spki-0123",
        "spki-",      "spki-0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        ONE "0",      ":x",
        "x:",         "1x:y",
        "x_y:z",      "x:\x7f",
        "x:\xc3\xa4",
    };
    char text[300] = URI "\n";

    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        (void)snprintf(text, sizeof text, URI "\n%s\n", TEXTS[i]);
        refuses(text, strlen(text), ERR_FORMAT, "line 2 of");
    }
    refuses("x:\0y", 4, ERR_FORMAT, "line 1 of");
    memset(text, 'x', sizeof text);
    text[1] = ':';
    refuses(text, 256, ERR_FORMAT, "line 1 of");
}

static void bounds(void **state)
{
    static char text[(GUESTS_MAX + 1) * 4 + 1];
    struct guests guests = {0};
    struct why why = {0};

    (void)state;
    for (size_t i = 0; i <= GUESTS_MAX; i++)
        memcpy(text + 4 * i, "x:y\n", 4);
    refuses(text, sizeof text - 1, ERR_TOO_LARGE, "line 4097 of");
    put(text, sizeof text - 5);
    assert_int_equal(guests_read(path, &guests, &why), ERR_OK);
    assert_int_equal(guests.n, GUESTS_MAX);
    guests_free(&guests);
    assert_int_equal(remove(path), 0);
    assert_int_equal(guests_read(path, &guests, &why), ERR_NOT_FOUND);
}

static int make_dir(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/guests", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(have),
        cmocka_unit_test(malformed),
        cmocka_unit_test(bounds),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
