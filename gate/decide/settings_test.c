/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/settings.h"

#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[80];

static int setup(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/gate.json", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

static err_code load(struct settings *ret)
{
    struct why why = {0};
    err_code err = settings_load(dir, ret, &why);

    if (err == ERR_OK)
        return err;
    assert_int_equal(why.code, err);
    assert_non_null(strstr(why.text, path)); /* says which file */
    assert_null(ret->hardware);
    assert_false(ret->insecure_simulator);
    return err;
}

static void there_and_back(void **state)
{
    static const struct {
        const char *hardware;
        bool insecure_simulator;
    } CASES[] = {
        {"tpm:device:/dev/tpmrm0", false},
        {"tpm:swtpm:path=/a b/\"c\"\\d", true},
        {"pkcs11:token=t%20t?module-path=/x.so&pin-source=file:/p\xc3\xa4", true},
    };
    struct why why = {0};
    struct stat st;

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(settings_free) struct settings made = {0}, got = {0};
        assert_int_equal(settings_make(CASES[i].hardware, CASES[i].insecure_simulator, &made),
                         ERR_OK);
        assert_int_equal(settings_save(dir, &made, &why), ERR_OK);
        assert_int_equal(load(&got), ERR_OK);
        assert_string_equal(got.hardware, CASES[i].hardware);
        assert_int_equal(got.insecure_simulator, CASES[i].insecure_simulator);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Nothing is guessed: what is missing, further or of another type refuses the whole file. */
static void only_this_form(void **state)
{
    static const struct {
        const char *text;
        err_code want;
    } cases[] = {
        {"{\"hardware\": \"tpm:x\", \"insecure_simulator\": false}", ERR_OK},
        {" {\"insecure_simulator\":true,\"hardware\":\"tpm:x\"}\n", ERR_OK},
        {"", ERR_STATE_CORRUPT},
        {"{", ERR_STATE_CORRUPT},
        {"null", ERR_STATE_CORRUPT},
        {"[]", ERR_STATE_CORRUPT},
        {"{}", ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\"}", ERR_STATE_CORRUPT},
        {"{\"insecure_simulator\": true}", ERR_STATE_CORRUPT},
        {"{\"hardware\": 1, \"insecure_simulator\": false}", ERR_STATE_CORRUPT},
        {"{\"hardware\": null, \"insecure_simulator\": false}", ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\", \"insecure_simulator\": 1}", ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\", \"insecure_simulator\": \"true\"}", ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\", \"insecure_simulator\": null}", ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\", \"insecure_simulator\": false, \"more\": 1}",
         ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\", \"insecure_simulator\": false, \"insecure_simulator\": true}",
         ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\", \"insecure_simulator\": false} {}", ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:x\\u0000y\", \"insecure_simulator\": false}", ERR_STATE_CORRUPT},
        {"{\"hardware\": \"tpm:\xff\", \"insecure_simulator\": false}", ERR_STATE_CORRUPT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(settings_free) struct settings got = {0};
        err_code err;
        testing_write(path, slice_str(cases[i].text));
        err = load(&got);
        if (err != cases[i].want)
            fail_msg("%s: gave %s, wanted %s", cases[i].text, err_name(err),
                     err_name(cases[i].want));
    }
}

#define HEAD "{\"hardware\": \"tpm:x\", \"insecure_simulator\": false, "
#define ONE "{\"url\": \"http://w\", \"vkey\": \"w+0+A\"}"

static void redact(void **state)
{
    static const struct {
        const char *text;
        err_code want;
        size_t n;
    } CASES[] = {
        {HEAD "\"redact\": []}", ERR_OK, 0},
        {HEAD "\"redact\": [\"pawl.action\"]}", ERR_OK, 1},
        {HEAD "\"redact\": [\"agent_version\", \"input_hash\", \"pawl.action\", "
              "\"pawl.determining\", \"pawl.resource.id\", \"pawl.resource.type\", "
              "\"pawl.subject.type\"]}",
         ERR_OK, 7},
        {HEAD "\"redact\": [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]}",
         ERR_STATE_CORRUPT, 0},
        {HEAD "\"redact\": [\"pawl.action\", 1]}", ERR_STATE_CORRUPT, 0},
        {HEAD "\"redact\": [\"pawl.nothing\"]}", ERR_STATE_CORRUPT, 0},
        {HEAD "\"redact\": [\"pawl.reason\"]}", ERR_STATE_CORRUPT, 0}, /* of other kinds */
        {HEAD "\"redact\": [\"input_hash\", \"input_hash\"]}", ERR_STATE_CORRUPT, 0},
        {HEAD "\"redact\": \"a\"}", ERR_STATE_CORRUPT, 0},
        {HEAD "\"redact\": null}", ERR_STATE_CORRUPT, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(settings_free) struct settings got = {0}, heir = {0}, again = {0};
        struct why why = {0};
        err_code err;

        testing_write(path, slice_str(CASES[i].text));
        err = load(&got);
        if (err != CASES[i].want || got.n_redact != CASES[i].n)
            fail_msg("%s: gave %s, %zu paths", CASES[i].text, err_name(err), got.n_redact);
        if (err != ERR_OK)
            continue;
        assert_int_equal(settings_make("tpm:x", true, &heir), ERR_OK);
        assert_int_equal(settings_inherit(dir, &heir, &why), ERR_OK);
        assert_int_equal(settings_save(dir, &heir, &why), ERR_OK);
        assert_int_equal(load(&again), ERR_OK);
        assert_int_equal(again.n_redact, got.n_redact);
        for (size_t k = 0; k < got.n_redact; k++)
            assert_string_equal(again.redact[k], got.redact[k]);
    }
}

static void witnesses(void **state)
{
    static const struct {
        const char *text;
        err_code want;
        size_t n, needed;
    } CASES[] = {
        {HEAD "\"witnesses\": []}", ERR_OK, 0, 0},
        {HEAD "\"witnesses\": [" ONE "]}", ERR_OK, 1, 1},
        {HEAD "\"witnesses\": [" ONE ", " ONE "]}", ERR_OK, 2, 2},
        {HEAD "\"witnesses\": [" ONE ", " ONE "], \"witnesses_needed\": 1}", ERR_OK, 2, 1},
        {HEAD "\"witnesses\": [" ONE "], \"witnesses_needed\": 0}", ERR_OK, 1, 0},
        {HEAD "\"witnesses\": [" ONE "], \"witnesses_needed\": 2}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses\": [" ONE "], \"witnesses_needed\": -2}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses\": [" ONE "], \"witnesses_needed\": \"1\"}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses_needed\": 1}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses\": {}}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses\": null}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses\": [1]}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses\": [" ONE ", {\"url\": \"u\"}]}", ERR_STATE_CORRUPT, 0, 0},
        {HEAD "\"witnesses\": [{\"url\": \"u\", \"vkey\": \"v\", \"x\": 1}]}", ERR_STATE_CORRUPT, 0,
         0},
    };
    CLEANUP(buf_free) struct buf many = {0};
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(settings_free) struct settings got = {0}, again = {0}, heir = {0};
        err_code err;
        testing_write(path, slice_str(CASES[i].text));
        err = load(&got);
        if (err != CASES[i].want || got.n_witnesses != CASES[i].n ||
            got.witnesses_needed != CASES[i].needed)
            fail_msg("%s: gave %s, %zu witnesses, %zu needed", CASES[i].text, err_name(err),
                     got.n_witnesses, got.witnesses_needed);
        assert_int_equal(settings_make("tpm:y", true, &heir), ERR_OK);
        assert_int_equal(settings_inherit(dir, &heir, &why), err);
        if (err != ERR_OK)
            continue;
        assert_int_equal(settings_save(dir, &heir, &why), ERR_OK);
        assert_int_equal(load(&again), ERR_OK);
        assert_string_equal(again.hardware, "tpm:y");
        assert_int_equal(again.n_witnesses, CASES[i].n);
        assert_int_equal(again.witnesses_needed, CASES[i].needed);
        for (size_t k = 0; k < again.n_witnesses; k++) {
            assert_string_equal(again.witnesses[k].url, "http://w");
            assert_string_equal(again.witnesses[k].vkey, "w+0+A");
        }
    }
    assert_int_equal(buf_add_str(&many, HEAD "\"witnesses\": [" ONE), ERR_OK);
    for (size_t i = 0; i < SETTINGS_WITNESSES_MAX; i++)
        assert_int_equal(buf_add_str(&many, ", " ONE), ERR_OK);
    assert_int_equal(buf_add_str(&many, "]}"), ERR_OK);
    testing_write(path, buf_slice(&many));
    CLEANUP(settings_free) struct settings got = {0};
    assert_int_equal(load(&got), ERR_STATE_CORRUPT);
}

static void absent_and_large(void **state)
{
    CLEANUP(settings_free) struct settings got = {0};
    CLEANUP(buf_free) struct buf large = {0};
    uint8_t *space;

    (void)state;
    assert_int_equal(load(&got), ERR_NOT_ENROLLED);
    assert_int_equal(buf_add_space(&large, 16385, &space), ERR_OK);
    memset(space, ' ', 16385);
    testing_write(path, buf_slice(&large));
    assert_int_equal(load(&got), ERR_TOO_LARGE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(load(&got), ERR_STORAGE);
}

static void not_utf8(void **state)
{
    CLEANUP(settings_free) struct settings made = {0};
    struct why why = {0};

    (void)state;
    assert_int_equal(settings_make("tpm:\xff", false, &made), ERR_OK);
    assert_int_equal(settings_save(dir, &made, &why), ERR_USAGE);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(only_this_form, setup, teardown),
        cmocka_unit_test_setup_teardown(witnesses, setup, teardown),
        cmocka_unit_test_setup_teardown(redact, setup, teardown),
        cmocka_unit_test_setup_teardown(absent_and_large, setup, teardown),
        cmocka_unit_test_setup_teardown(not_utf8, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
