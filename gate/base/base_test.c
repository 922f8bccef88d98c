/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/file.h"
#include "gate/base/text.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void every_error_has_name_text_exit(void **state)
{
    (void)state;
#define X(name, number, exit, text, hint)                                                          \
    assert_string_equal(err_name(ERR_##name), #name);                                              \
    assert_int_equal(err_from_name(#name), ERR_##name);                                            \
    assert_int_equal(err_exit(ERR_##name), exit);                                                  \
    assert_true(strlen(err_text(ERR_##name)) > 0);                                                 \
    assert_true((exit) >= 0 && (exit) <= 125);                                                     \
    assert_true((number) == 0 || ((exit) != 0 && strlen(err_hint(ERR_##name)) > 0));
    ERR_LIST(X)
#undef X
    assert_string_equal(err_name((err_code)9999), "INTERNAL");
    assert_int_equal(err_from_name("no such"), ERR_INTERNAL);
}

static void error_numbers_are_distinct(void **state)
{
    static const int NUMBERS[] = {
#define X(name, number, exit, text, hint) number,
        ERR_LIST(X)
#undef X
    };
    (void)state;
    for (size_t i = 1; i < sizeof NUMBERS / sizeof *NUMBERS; i++)
        assert_true(NUMBERS[i] > NUMBERS[i - 1]);
}

static void buf_grows_cuts_and_refuses(void **state)
{
    struct buf buf = {0}, taken;
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_add_u8(&buf, (uint8_t)i), ERR_OK);
    assert_int_equal(buf.len, 1000);
    assert_int_equal(buf.ptr[999], (uint8_t)999);
    assert_int_equal(buf_add(&buf, buf.ptr, BUF_MAX), ERR_TOO_LARGE);
    assert_int_equal(buf_add(&buf, buf.ptr, SIZE_MAX), ERR_TOO_LARGE);
    assert_int_equal(buf.len, 1000);
    buf_cut(&buf, 10);
    assert_int_equal(buf.len, 10);
    assert_int_equal(buf.ptr[10], 0);
    taken = buf_take(&buf);
    assert_null(buf.ptr);
    buf_free(&taken);
    assert_null(taken.ptr);
}

static void reader_sticks_at_first_failure(void **state)
{
    static const uint8_t BYTES[] = {1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 9};
    struct reader r = reader_of(SLICE_OF(BYTES));
    (void)state;
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u16(&r), 2);
    assert_int_equal(reader_u32(&r), 3);
    assert_int_equal(reader_u64(&r), 4);
    assert_int_equal(reader_done(&r), ERR_FORMAT); /* a byte is left over */
    assert_int_equal(reader_u16(&r), 0);           /* too short: zero */
    assert_int_equal(reader_u8(&r), 0);            /* and it sticks, though one byte is there */
    assert_int_equal(reader_done(&r), ERR_FORMAT);
}

static void texts(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
        bool ok;
    } TIMES[] = {
        {"1970-01-01T00:00:00Z", 0, true},
        {"2026-11-22T01:02:03Z", 1795309323, true},
        {"2026-02-31T00:00:00Z", 0, false},
        {"2026-11-22T24:00:00Z", 0, false},
        {"2026-11-22 01:02:03Z", 0, false},
        {"2026-11-22T01:02:03", 0, false},
        {"2026-11-22T01:02:03Zx", 0, false},
        {"+1h", 4600, true},
        {"+", 0, false},
        {"now", 1000, true},
        {"", 0, false},
        {"+9999999999d", 0, false},
        {"+2932896d", 253402215400, true},
        {"+2932897d", 0, false},
        {"+999999999d", 0, false},
    };
    static const struct {
        const char *text;
        uint64_t max, want;
        bool ok;
    } NUMBERS[] = {
        {"0", 9, 0, true},
        {"9", 9, 9, true},
        {"10", 9, 0, false},
        {"-1", 9, 0, false},
        {"", 9, 0, false},
        {"0x", 99, 0, false},
        {"0x1F", 99, 31, true},
        {"1f", 99, 0, false},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
        {"18446744073709551616", UINT64_MAX, 0, false},
    };
    char back[TIME_TEXT];
    (void)state;

    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++) {
        int64_t got = -1;
        err_code err = time_parse(TIMES[i].text, 1000, &got);
        if ((err == ERR_OK) != TIMES[i].ok || (TIMES[i].ok && got != TIMES[i].want))
            fail_msg("time \"%s\": %s, %lld", TIMES[i].text, err_name(err), (long long)got);
    }
    time_text(1795309323, back);
    assert_string_equal(back, "2026-11-22T01:02:03Z");
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        uint64_t got = 77;
        err_code err = number_parse(NUMBERS[i].text, NUMBERS[i].max, &got);
        if ((err == ERR_OK) != NUMBERS[i].ok || got != (NUMBERS[i].ok ? NUMBERS[i].want : 77))
            fail_msg("number \"%s\": %s, %llu", NUMBERS[i].text, err_name(err),
                     (unsigned long long)got);
    }
}

static void utf8(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool ok;
    } CASES[] = {
        {"", 0, true},
        {"abc", 3, true},
        {"\xc3\xa9", 2, true},
        {"\xe2\x82\xac", 3, true},
        {"\xf0\x9f\x98\x80", 4, true},
        {"\xf4\x8f\xbf\xbf", 4, true},
        {"\x80", 1, false},
        {"\xc0\x80", 2, false},
        {"\xc1\xbf", 2, false},
        {"\xe0\x80\x80", 3, false},
        {"\xed\xa0\x80", 3, false},
        {"\xf4\x90\x80\x80", 4, false},
        {"\xf0\x80\x80\x80", 4, false},
        {"\xc3", 1, false},
        {"\xe2\x82", 2, false},
        {"\xff", 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (utf8_valid((struct slice){(const uint8_t *)CASES[i].bytes, CASES[i].len}) !=
            CASES[i].ok)
            fail_msg("case %zu", i);
}

static void plain_text(void **state)
{
    static const struct {
        const char *text;
        size_t at; /* of what is not plain; SIZE_MAX: all of it is */
    } CASES[] = {
        {"", SIZE_MAX},
        {" ~", SIZE_MAX},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", SIZE_MAX},
        {"a\xe2\x80\x8d"
         "b",
         SIZE_MAX},                                     /* U+200D, joins emoji and letters */
        {"\xc2\xa0\xe2\x80\xa7\xe2\x80\xaf", SIZE_MAX}, /* U+00A0, U+2027, U+202F */
        {"\xe2\x81\xa5\xe2\x81\xaa", SIZE_MAX},         /* U+2065, U+206A */
        {"\x1f", 0},
        {"a\n", 1},
        {"a\rPERMIT", 1},
        {"ab\x1b[2K", 2},
        {"\x7f", 0},
        {"\xc3\xa4\xc2\x80", 2},
        {"\xc2\x85", 0}, /* next line */
        {"\xc2\x9f", 0},
        {"abc\xe2\x80\xa8", 3}, /* U+2028 */
        {"\xe2\x80\xa9", 0},
        {"\xd8\x9c", 0}, /* U+061C */
        {"\xe2\x80\x8e", 0},
        {"\xe2\x80\x8f", 0},
        {"\xe2\x80\xaa", 0}, /* U+202A */
        {"\xe2\x80\xae", 0},
        {"\xe2\x81\xa6", 0}, /* U+2066 */
        {"\xe2\x81\xa9", 0},
        {"x\xef\xbb\xbf", 1}, /* U+FEFF */
        {"x\xff", 1},
        {"xy\xc3", 2},
        {"\xed\xa0\x80", 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t at = SIZE_MAX;
        if (text_is_plain(slice_str(CASES[i].text), &at) != (CASES[i].at == SIZE_MAX) ||
            at != CASES[i].at)
            fail_msg("case %zu: at %zu", i, at);
    }
    for (uint8_t c = 0; c < 0x80; c++) {
        size_t at;
        assert_int_equal(text_is_plain((struct slice){&c, 1}, &at), c >= 0x20 && c < 0x7f);
    }
}

static void codes(void **state)
{
    struct buf buf = {0};
    struct digest digest;
    char text[DIGEST_TEXT];
    (void)state;
    assert_int_equal(base64url_encode(slice_str("\xfb\xff\xfe"), &buf), ERR_OK);
    assert_string_equal((char *)buf.ptr, "-__-");
    buf_free(&buf);
    assert_int_equal(base64url_encode(slice_str("ab"), &buf), ERR_OK);
    assert_string_equal((char *)buf.ptr, "YWI");
    buf_free(&buf);
    assert_int_equal(hex_decode("0aFf", &buf), ERR_OK);
    assert_int_equal(buf.len, 2);
    assert_int_equal(buf.ptr[1], 0xff);
    assert_int_equal(hex_decode("0aF", &buf), ERR_FORMAT);
    assert_int_equal(hex_decode("0g", &buf), ERR_FORMAT);
    assert_int_equal(buf.len, 2); /* untouched on failure */
    buf_free(&buf);
    assert_int_equal(hash_sha256(slice_str("abc"), &digest), ERR_OK);
    digest_text(&digest, text);
    assert_string_equal(text,
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(digest_parse(text, &digest), ERR_OK);
    assert_int_equal(digest_parse("sha256:00", &digest), ERR_FORMAT);
}

static void files(void **state)
{
    char dir[] = "/tmp/pawl-base-XXXXXX", path[64], sub[64];
    struct why why = {0};
    struct buf got = {0};
    struct lock lock = {0}, second = {0};
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/file", dir);
    (void)snprintf(sub, sizeof sub, "%s/a/b/c", dir);

    assert_int_equal(file_read(path, 10, &got, &why), ERR_NOT_FOUND);
    assert_int_equal(file_write(path, slice_str("one"), 0640, &why), ERR_OK);
    assert_int_equal(file_write(path, slice_str("two!"), 0600, &why), ERR_OK);
    assert_int_equal(file_write_new(path, slice_str("three"), 0600, &why), ERR_EXISTS);
    assert_int_equal(file_read(path, 3, &got, &why), ERR_TOO_LARGE);
    assert_int_equal(file_read(path, 4, &got, &why), ERR_OK);
    assert_true(slice_eq_str(buf_slice(&got), "two!"));
    assert_int_equal(file_read(dir, 10, &got, &why), ERR_STORAGE); /* a directory is no file */

    assert_int_equal(file_write(path, slice_str("1234\n"), 0600, &why), ERR_OK);
    assert_int_equal(file_read_secret(path, &got, &why), ERR_OK);
    assert_true(slice_eq_str(buf_slice(&got), "1234"));
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(file_read_secret(path, &got, &why), ERR_STORAGE);

    assert_int_equal(file_make_dir(sub, 0700, &why), ERR_OK);
    assert_int_equal(file_make_dir(sub, 0700, &why), ERR_OK);
    assert_int_equal(file_make_dir(path, 0700, &why), ERR_STORAGE);
    assert_int_equal(file_write("/dev/full/x", slice_str("x"), 0600, &why), ERR_STORAGE);

    (void)snprintf(sub, sizeof sub, "%s/lock", dir);
    assert_int_equal(lock_take(sub, 0, &lock, &why), ERR_OK);
    assert_int_equal(lock_take(sub, 10, &second, &why), ERR_BUSY);
    assert_non_null(strstr(why.text, sub));
    lock_free(&lock);
    assert_int_equal(lock_take(sub, 10, &second, &why), ERR_OK);
    lock_free(&second);
    buf_free(&got);
    (void)snprintf(path, sizeof path, "rm -rf %s", dir);
    assert_int_equal(system(path), 0);
}

static bool put_at(const char *name, const char *file)
{
    return link(file, "swap") == 0 && rename("swap", name) == 0;
}

/* Swaps two files under one name as long as this process lives. Returns the pid of who does. */
static pid_t swapping(const char *name, const char *one, const char *two)
{
    pid_t self = getpid(), pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    while (getppid() == self && put_at(name, one) && put_at(name, two))
        continue;
    _exit(0);
}

/* Who may put another file at the name cannot have the mode of one judged and the other read. */
static void a_secret_is_the_file_that_was_judged(void **state)
{
    char dir[] = "/tmp/pawl-base-XXXXXX", command[64];
    struct buf got = {0};
    int wrong = 0;
    pid_t pid;
    (void)state;

    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(file_write("private", slice_str("private"), 0600, NULL), ERR_OK);
    assert_int_equal(file_write("open", slice_str("open"), 0644, NULL), ERR_OK);
    assert_int_equal(file_write("pin", slice_str("private"), 0600, NULL), ERR_OK);
    pid = swapping("pin", "private", "open");
    for (int i = 0; i < 20000; i++)
        if (file_read_secret("pin", &got, NULL) == ERR_OK)
            wrong += !slice_eq_str(buf_slice(&got), "private");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(wrong, 0);
    buf_free(&got);
    assert_int_equal(chdir("/"), 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* What drives a terminal, by itself, at either end, and beside what must stay. */
static void text_is_defused(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } CASES[] = {
        {"plain", "a b~\"", "a b~\""},
        {"nothing", "", ""},
        {"C0", "\x1b[2J\r\n\t", "?[2J???"},
        {"DEL", "\x7f", "?"},
        {"C1 as UTF-8", "a\xc2\x9bK", "a??K"},
        {"C1 as an octet", "\x9bK", "?K"},
        {"letters", "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac"},
        {"right to left", "exe\xe2\x80\xaegnp", "exe???gnp"},
        {"line separator", "\xe2\x80\xa8", "???"},
        {"cut", "a\xe2\x82", "a??"},
        {"overlong", "\xc0\x8a", "??"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[32];
        size_t at;

        (void)snprintf(text, sizeof text, "%s", CASES[i].text);
        text_defuse(text, strlen(text));
        if (strcmp(text, CASES[i].want) != 0 || !text_is_plain(slice_str(text), &at))
            fail_msg("%s: \"%s\", want \"%s\"", CASES[i].name, text, CASES[i].want);
    }
}

static void why_escapes_control_characters(void **state)
{
    struct why why = {0};
    char euros[400];
    size_t at;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof euros; i += 3)
        memcpy(euros + i, "\xe2\x82\xac", 4);
    assert_int_equal(why_say(&why, ERR_FORMAT, "%s%s", euros, euros), ERR_FORMAT);
    assert_true(text_is_plain(slice_str(why.text), &at));
    assert_int_equal(why_reading(&why, ERR_FORMAT, "%s", euros), ERR_FORMAT);
    assert_true(text_is_plain(slice_str(why.text), &at));
    assert_int_equal(why_say(&why, ERR_FORMAT, "alias \"%s\"", "\x1b[2J"), ERR_FORMAT);
    assert_string_equal(why.text, "alias \"?[2J\"");
    assert_int_equal(why_say(NULL, ERR_FORMAT, "%s", ""), ERR_FORMAT);
}

static void why_names_what_was_read(void **state)
{
    struct why why = {0};
    (void)state;
    assert_int_equal(why_reading(&why, ERR_CBOR_MALFORMED, "\"%s\"", "a\x1b"), ERR_CBOR_MALFORMED);
    assert_string_equal(why.text, "\"a?\": not well-formed CBOR");
    assert_int_equal(why_say(&why, ERR_FORMAT, "no domain"), ERR_FORMAT);
    assert_int_equal(why_reading(&why, ERR_FORMAT, "root metadata %d", 2), ERR_FORMAT);
    assert_int_equal(why_reading(&why, ERR_FORMAT, "\"%s\"", "x.bundle"), ERR_FORMAT);
    assert_string_equal(why.text, "\"x.bundle\": root metadata 2: no domain");
    assert_int_equal(why_reading(&why, ERR_FORMAT, "\"%s\"", "x.bundle"), ERR_FORMAT);
    assert_string_equal(why.text, "\"x.bundle\": root metadata 2: no domain"); /* once */
    assert_int_equal(why_reading(&why, ERR_CBOR_TYPE, "\"f\""), ERR_CBOR_TYPE);
    assert_string_equal(why.text, "\"f\": another CBOR type was expected"); /* not another's */
    assert_int_equal(why_say(&why, ERR_ROLLBACK, "epoch 1 of 2"), ERR_ROLLBACK);
    assert_int_equal(why_reading(&why, ERR_ROLLBACK, "\"f\""), ERR_ROLLBACK);
    assert_string_equal(why.text, "epoch 1 of 2"); /* the content is well-formed */
    assert_int_equal(why_reading(&why, ERR_OK, "\"f\""), ERR_OK);
    assert_int_equal(why_reading(NULL, ERR_FORMAT, "\"f\""), ERR_FORMAT);
}

static void base64_and_back(void **state)
{
    /* RFC 4648 section 10, and the two digits that base64url does not have. */
    static const char *const GOOD[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff", "+/8="},
    };
    static const char *const BAD[] = {
        "Z",    "Zg",     "Zg=",  "Zh==", "Zm9=", "====", "=",     "Zg==Zg==", "Zg==\n",
        "Zm 9", "Zm9v\n", "-_8=", "Z===", "Zm=v", "Z=9v", "Zm9vZ", "Zm9v=",    "Zm9v====",
    };
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        CLEANUP(buf_free) struct buf text = {0}, bytes = {0};
        assert_int_equal(base64_encode(slice_str(GOOD[i][0]), &text), ERR_OK);
        assert_string_equal((const char *)text.ptr, GOOD[i][1]);
        assert_int_equal(base64_decode(slice_str(GOOD[i][1]), &bytes), ERR_OK);
        assert_true(slice_eq_str(buf_slice(&bytes), GOOD[i][0]));
    }
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        if (base64_decode(slice_str(BAD[i]), &bytes) != ERR_FORMAT)
            fail_msg("\"%s\" is taken", BAD[i]);
        assert_int_equal(bytes.len, 0);
    }
    for (size_t n = 1; n < 8; n += n == 3 ? 2 : 1) { /* what follows a slice is not read */
        CLEANUP(buf_free) struct buf bytes = {0};
        assert_int_equal(base64_decode((struct slice){(const uint8_t *)"Zm9vYmFy", n}, &bytes),
                         ERR_FORMAT);
    }
    /* A NUL is no digit, though it ends the table of digits. */
    CLEANUP(buf_free) struct buf bytes = {0};
    assert_int_equal(base64_decode((struct slice){(const uint8_t *)"Zm9\0", 4}, &bytes),
                     ERR_FORMAT);
}

static void names_in_uris(void **state)
{
    static const char *const CASES[][2] = {
        {"", ""},
        {"example.org/gate-1", "example.org/gate-1"},
        {"AZaz09-._~/", "AZaz09-._~/"},
        {"a b+c%:@\n", "a%20b%2Bc%25%3A%40%0A"},
        {"\xc3\xbc", "%C3%BC"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf text = {0};
        assert_int_equal(text_percent(slice_str(CASES[i][0]), &text), ERR_OK);
        assert_string_equal((const char *)text.ptr, CASES[i][1]);
    }
    CLEANUP(buf_free) struct buf text = {0};
    assert_int_equal(text_percent((struct slice){(const uint8_t *)"\0", 1}, &text), ERR_OK);
    assert_string_equal((const char *)text.ptr, "%00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_and_back),
        cmocka_unit_test(names_in_uris),
        cmocka_unit_test(every_error_has_name_text_exit),
        cmocka_unit_test(error_numbers_are_distinct),
        cmocka_unit_test(buf_grows_cuts_and_refuses),
        cmocka_unit_test(reader_sticks_at_first_failure),
        cmocka_unit_test(texts),
        cmocka_unit_test(utf8),
        cmocka_unit_test(plain_text),
        cmocka_unit_test(codes),
        cmocka_unit_test(files),
        cmocka_unit_test(a_secret_is_the_file_that_was_judged),
        cmocka_unit_test(text_is_defused),
        cmocka_unit_test(why_escapes_control_characters),
        cmocka_unit_test(why_names_what_was_read),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
