/* SPDX-License-Identifier: Apache-2.0 */
/* scrapi_test.c: which paths name a file of the ledger, and which name an entry. */
#include "gate/daemon/scrapi.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static const char *at(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static const char *const DIRS[] = {"",
                                   "ledger",
                                   "ledger/tile",
                                   "ledger/tile/0",
                                   "ledger/tile/0/x001",
                                   "ledger/tile/0/x000",
                                   "ledger/tile/0/001.p",
                                   "ledger/payload",
                                   "ledger/tile/entries",
                                   "ledger/tile/entries/000.p"};

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UPPER "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"

/* Every file lies there, so that only the path decides. */
static const char *const FILES[] = {"ledger/checkpoint",
                                    "ledger/cosigned",
                                    "ledger/seal",
                                    "ledger/journal",
                                    "ledger/payload/" HASH,
                                    "ledger/payload/" HASH "0",
                                    "ledger/payload/" UPPER,
                                    "ledger/payload/x",
                                    "ledger/tile/0/000",
                                    "ledger/tile/0/x001/234",
                                    "ledger/tile/0/x000/001",
                                    "ledger/tile/0/001.p/7",
                                    "ledger/tile/0/001.p/07",
                                    "ledger/tile/0/001.p/0",
                                    "ledger/tile/0/001.p/256",
                                    "ledger/tile/0/1",
                                    "ledger/tile/entries/000.p/255",
                                    "log.key"};

static int make(void **state)
{
    int fd;

    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/pawl-scrapi-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    for (size_t i = 1; i < sizeof DIRS / sizeof DIRS[0]; i++)
        if (mkdir(at(DIRS[i]), 0700) != 0)
            return -1;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        fd = open(at(FILES[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, "content", 7) != 7 || close(fd) != 0)
            return -1;
    }
    if (symlink("../../../log.key", at("ledger/tile/0/002")) != 0 ||
        symlink("0", at("ledger/tile/1")) != 0 || mkfifo(at("ledger/tile/0/003"), 0600) != 0)
        return -1;
    fd = open(at("ledger/tile/0/004"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return ftruncate(fd, 8193) == 0 ? close(fd) : -1;
}

static int clear(void **state)
{
    static const char *const MORE[] = {"ledger/tile/0/002", "ledger/tile/0/003",
                                       "ledger/tile/0/004", "ledger/tile/1"};

    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++)
        (void)unlink(at(FILES[i]));
    for (size_t i = 0; i < sizeof MORE / sizeof MORE[0]; i++)
        (void)unlink(at(MORE[i]));
    for (size_t i = sizeof DIRS / sizeof DIRS[0]; i-- > 0;)
        (void)rmdir(at(DIRS[i]));
    return access(dir, F_OK) == 0 ? -1 : 0;
}

#define NOTE "text/plain; charset=utf-8"
#define TILE "application/octet-stream"

static const struct {
    const char *path;
    err_code want;
    const char *type; /* of one that is there */
    bool final;
} FILE_CASES[] = {
    {"/checkpoint", ERR_OK, NOTE, false},
    {"/cosigned", ERR_OK, NOTE, false},
    {"/seal", ERR_OK, "application/cbor", false},
    {"/tile/0/000", ERR_OK, TILE, true},
    {"/tile/0/x001/234", ERR_OK, TILE, true},
    {"/tile/0/001.p/7", ERR_OK, TILE, true},
    {"/tile/entries/000.p/255", ERR_OK, TILE, true},
    {"/payload/" HASH, ERR_OK, "application/cbor", true},
    {"/payload/" HASH "0", ERR_NOT_FOUND, NULL, false},
    {"/payload/" UPPER, ERR_NOT_FOUND, NULL, false}, /* another spelling */
    {"/payload/x", ERR_NOT_FOUND, NULL, false},
    {"/payload/", ERR_NOT_FOUND, NULL, false},
    {"/payload", ERR_NOT_FOUND, NULL, false},
    {"/payload/../seal", ERR_NOT_FOUND, NULL, false},
    {"/payload/" HASH "/", ERR_NOT_FOUND, NULL, false},
    {"/cosigned/", ERR_NOT_FOUND, NULL, false},
    {"/tile/5/000", ERR_NOT_FOUND, NULL, false}, /* a path, and no file */
    {"/journal", ERR_NOT_FOUND, NULL, false},
    {"/../log.key", ERR_NOT_FOUND, NULL, false},
    {"/tile/../checkpoint", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/../0/000", ERR_NOT_FOUND, NULL, false},
    {"/tile/./0/000", ERR_NOT_FOUND, NULL, false},
    {"/tile//0/000", ERR_NOT_FOUND, NULL, false},
    {"/tile/00/000", ERR_NOT_FOUND, NULL, false},
    {"/tile/6/000", ERR_NOT_FOUND, NULL, false},
    {"/tile/99999999999999999999/000", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/1", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/000/", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/", ERR_NOT_FOUND, NULL, false},
    {"/tile/0", ERR_NOT_FOUND, NULL, false},
    {"/tile/", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/x000/001", ERR_NOT_FOUND, NULL, false}, /* another spelling of 001 */
    {"/tile/0/001.p/07", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/001.p/0", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/001.p/256", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/001.p/", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/001.p", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/%30%30%30", ERR_NOT_FOUND, NULL, false},
    {"/tile/entries/", ERR_NOT_FOUND, NULL, false},
    {"/tile/entriesx/000", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/x001/x002/x003/x004/x005/x006/x007/x008/009", ERR_NOT_FOUND, NULL, false},
    {"/tile/0/002", ERR_STORAGE, NULL, false}, /* a link to a key */
    {"/tile/1/000", ERR_STORAGE, NULL, false}, /* through a link */
    {"/tile/0/003", ERR_STORAGE, NULL, false}, /* a pipe: not waited for */
    {"/tile/0/004", ERR_TOO_LARGE, NULL, false},
    {"", ERR_NOT_FOUND, NULL, false},
    {"/", ERR_NOT_FOUND, NULL, false},
};

static void files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FILE_CASES / sizeof FILE_CASES[0]; i++) {
        CLEANUP(buf_free) struct buf out = {0};
        struct scrapi_form form = {0};
        struct why why = {0};
        err_code got = scrapi_file(dir, FILE_CASES[i].path, &out, &form, &why);

        if (got != FILE_CASES[i].want || out.len != (got == ERR_OK ? 7 : 0))
            fail_msg("\"%s\": %s and %zu bytes, wanted %s", FILE_CASES[i].path, err_name(got),
                     out.len, err_name(FILE_CASES[i].want));
        if (got == ERR_OK &&
            (strcmp(form.type, FILE_CASES[i].type) != 0 || form.final != FILE_CASES[i].final))
            fail_msg("\"%s\": %s, final %d", FILE_CASES[i].path, form.type, form.final);
    }
}

static void entries(void **state)
{
    static const struct {
        const char *text;
        err_code want;
        uint64_t index;
        bool receipt;
    } CASES[] = {
        {"0", ERR_OK, 0, true},
        {"17", ERR_OK, 17, true},
        {"17/statement", ERR_OK, 17, false},
        {"9999999999999999999", ERR_OK, UINT64_C(9999999999999999999), true},
        {"", ERR_FORMAT, 0, false},
        {"00", ERR_FORMAT, 0, false},
        {"01", ERR_FORMAT, 0, false},
        {"0x1", ERR_FORMAT, 0, false},
        {"+1", ERR_FORMAT, 0, false},
        {"-1", ERR_FORMAT, 0, false},
        {"1/", ERR_FORMAT, 0, false},
        {"1/receipt", ERR_FORMAT, 0, false},
        {"1/statements", ERR_FORMAT, 0, false},
        {"/statement", ERR_FORMAT, 0, false},
        {"18446744073709551616", ERR_FORMAT, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint64_t index = 0;
        bool receipt = false;
        err_code got = scrapi_entry_path(CASES[i].text, &index, &receipt);

        if (got != CASES[i].want)
            fail_msg("\"%s\": %s, wanted %s", CASES[i].text, err_name(got),
                     err_name(CASES[i].want));
        if (got == ERR_OK && (index != CASES[i].index || receipt != CASES[i].receipt))
            fail_msg("\"%s\": %llu", CASES[i].text, (unsigned long long)index);
    }
}

static void problems(void **state)
{
    static const uint8_t WANT[] = {0xa2, 0x20, 0x61, 'a', 0x21, 0x62, 'b', 'c'};
    CLEANUP(buf_free) struct buf out = {0};

    (void)state;
    assert_int_equal(scrapi_problem("a", "bc", &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_OF(WANT)));
}

/* A seal that is none, and an enrolment that is none. */
static void damaged(void **state)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct why why = {0};

    (void)state;
    assert_int_equal(scrapi_entry(dir, 0, false, &out, &why), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(scrapi_keys(dir, NULL, &out, &why), ERR_NOT_FOUND);
    assert_int_equal(scrapi_entry("/nowhere", 0, false, &out, &why), ERR_NOT_FOUND);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),
        cmocka_unit_test(entries),
        cmocka_unit_test(problems),
        cmocka_unit_test(damaged),
    };

    return cmocka_run_group_tests(tests, make, clear);
}
