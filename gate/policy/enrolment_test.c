/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/enrolment.h"

#include "gate/policy/cast_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VKEY "example.org/gate-1+1c1f3be9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

static struct cast cast;

static struct enrolment sample(const char *kind)
{
    struct enrolment e = {
        .domain = slice_str("example.org"),
        .gate = slice_str("gate-1"),
        .log = slice_str(VKEY),
        .issuer = slice_str("dev.pawl:example.org/gate-1"),
    };
    struct hw_signer *signer = NULL;

    assert_int_equal(hw_signer_generate(HW_ES256, &signer, NULL), ERR_OK);
    e.hw.receipt = e.hw.seal = signer->key;
    hw_signer_close(&signer);
    (void)snprintf(e.hw.about.kind, sizeof e.hw.about.kind, "%s", kind);
    (void)snprintf(e.hw.about.model, sizeof e.hw.about.model, "a model");
    memset(e.root.bytes, 3, sizeof e.root.bytes);
    if (strcmp(kind, "tpm") == 0) {
        e.hw.base = 64;
        e.hw.index = 0x01800100;
        e.hw.receipt_handle = 0x81000100;
        e.hw.seal_handle = 0x81000101;
        memset(e.hw.index_name, 4, sizeof e.hw.index_name);
    } else {
        (void)snprintf(e.hw.serial, sizeof e.hw.serial, "0123abcd");
    }
    return e;
}

static void there_and_back(void **state)
{
    static const char *const KINDS[] = {"tpm", "pkcs11"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct enrolment e = sample(KINDS[i % 2]), got = {0};

        e.zone = i < 2 ? (struct slice){0} : slice_str("lab");
        assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_OK);
        assert_int_equal(enrolment_parse(buf_slice(&bytes), &got, NULL), ERR_OK);
        assert_true(slice_eq(got.gate, e.gate) && slice_eq(got.domain, e.domain));
        assert_true(slice_eq(got.zone, e.zone));
        assert_true(slice_eq(got.log, e.log) && slice_eq(got.issuer, e.issuer));
        assert_true(hw_pubkey_eq(&got.hw.receipt, &e.hw.receipt));
        assert_int_equal(got.hw.base, e.hw.base);
        assert_int_equal(got.hw.index, e.hw.index);
        assert_int_equal(got.hw.seal_handle, e.hw.seal_handle);
        assert_memory_equal(got.hw.index_name, e.hw.index_name, HW_TPM_NAME_LEN);
        assert_string_equal(got.hw.serial, e.hw.serial);
        for (size_t n = 0; n < bytes.len; n++)
            assert_int_not_equal(enrolment_parse((struct slice){bytes.ptr, n}, &got, NULL), ERR_OK);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct enrolment e = sample("fake");
    (void)state;
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_UNSUPPORTED);
    e = sample("tpm");
    e.gate = slice_str("No Good");
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_FORMAT);
    e = sample("tpm");
    e.hw.base = UINT64_MAX;
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_FORMAT);
    e = sample("tpm");
    e.hw.about.model[0] = '\x1b';
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_FORMAT);
    assert_int_equal(bytes.len, 0);
}

/* ---- member by member ------------------------------------------------------------------------ */

#define N34 "h'00010203040506070809000102030405060708090001020304050607080900010203'"
#define N33 "h'000102030405060708090001020304050607080900010203040506070809000102'"
#define N35 "h'0001020304050607080900010203040506070809000102030405060708090001020304'"
#define ABOUT(kind, model)                                                                         \
    "{\"kind\": \"" kind "\", \"es384\": true, \"model\": \"" model "\", \"ps256\": true, "        \
    "\"seals\": true, \"firmware\": \"1\", \"verifies\": true, \"simulator\": true, "              \
    "\"refuses-rollback\": true}"
#define X10 "xxxxxxxxxx"
#define X120 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

/* All members there are, in their order; values in the notation of cast_cbor(). NULL: not there. */
static const struct {
    const char *key, *tpm, *token;
} MEMBERS[] = {
    {"log", "\"" VKEY "\"", "\"" VKEY "\""},
    {"base", "64", NULL},
    {"gate", "\"gate-1\"", "\"gate-1\""},
    {"root", "kid(0)", "kid(0)"},
    {"seal", "key(0)", "key(0)"},
    {"zone", "\"lab\"", "\"lab\""},
    {"about", ABOUT("tpm", "m"), ABOUT("pkcs11", "m")},
    {"epoch", "0", "0"},
    {"index", "25166080", NULL},
    {"domain", "\"example.org\"", "\"example.org\""},
    {"issuer", "\"dev.pawl:example.org/gate-1\"", "\"dev.pawl:example.org/gate-1\""},
    {"serial", NULL, "\"0123\""},
    {"receipt", "key(1)", "key(1)"},
    {"seal-name", N34, NULL},
    {"index-name", N34, NULL},
    {"seal-handle", "2164260865", NULL},
    {"receipt-name", N34, NULL},
    {"receipt-handle", "4294967295", NULL},
};
#define N_MEMBERS (sizeof MEMBERS / sizeof *MEMBERS)

static err_code parse_with(const char *key, const char *value, bool tpm, struct enrolment *ret)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    char text[8192] = "{";
    err_code err;

    for (size_t i = 0; i < N_MEMBERS; i++) {
        const char *put = tpm ? MEMBERS[i].tpm : MEMBERS[i].token;
        size_t len = strlen(text);
        if (key != NULL && strcmp(key, MEMBERS[i].key) == 0)
            put = value;
        if (put != NULL)
            (void)snprintf(text + len, sizeof text - len, "%s\"%s\": %s", len > 1 ? ", " : "",
                           MEMBERS[i].key, put);
    }
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "}");
    bytes = cast_cbor(&cast, text);
    err = enrolment_parse(buf_slice(&bytes), ret, NULL);
    *ret = (struct enrolment){.hw = ret->hw}; /* the rest borrows */
    return err;
}

static void good_members(void **state)
{
    struct enrolment got = {0};

    (void)state;
    assert_int_equal(parse_with(NULL, NULL, true, &got), ERR_OK);
    assert_int_equal(got.hw.receipt_handle, 0xffffffff);
    assert_int_equal(got.hw.index, 0x01800100);
    assert_int_equal(parse_with("zone", NULL, true, &got), ERR_OK);
    assert_int_equal(parse_with("base", "9007199254740991", true, &got), ERR_OK);
    assert_int_equal(parse_with("epoch", "9007199254740991", true, &got), ERR_OK);
    assert_int_equal(parse_with(NULL, NULL, false, &got), ERR_OK);
    assert_int_equal(parse_with("zone", NULL, false, &got), ERR_OK);
    assert_int_equal(parse_with("serial", "\" ~\"", false, &got), ERR_OK);
    assert_string_equal(got.hw.serial, " ~");
}

/* Each root has exactly its members, and none of the other's. */
static void members_of_each_root(void **state)
{
    struct enrolment got = {0};

    (void)state;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        const char *key = MEMBERS[i].key;
        if (strcmp(key, "zone") == 0)
            continue;
        for (int tpm = 0; tpm <= 1; tpm++) {
            const char *own = tpm ? MEMBERS[i].tpm : MEMBERS[i].token;
            const char *other = tpm ? MEMBERS[i].token : MEMBERS[i].tpm;
            err_code err = parse_with(key, own != NULL ? NULL : other, tpm, &got);
            if (err != ERR_FORMAT)
                fail_msg("%s of a %s: gave %s", key, tpm ? "tpm" : "token", err_name(err));
        }
    }
}

static void bad_members(void **state)
{
    static const struct {
        const char *key, *value;
        err_code want;
    } CASES[] = {
        {"base", "9007199254740992", ERR_FORMAT},
        {"base", "-1", ERR_CBOR_TYPE},
        {"gate", "\"\"", ERR_FORMAT},
        {"gate", "\"No\"", ERR_FORMAT},
        {"gate", "\"a/b\"", ERR_FORMAT},
        {"root", "h'00'", ERR_FORMAT},
        {"root", N34, ERR_FORMAT},
        {"seal", "key(11)", ERR_FORMAT}, /* ES384 */
        {"seal", "kid(0)", ERR_KEY_MALFORMED},
        {"zone", "\"\"", ERR_FORMAT},
        {"zone", "\"No\"", ERR_FORMAT},
        {"about", ABOUT("fake", "m"), ERR_UNSUPPORTED},
        {"about", ABOUT("", "m"), ERR_UNSUPPORTED},
        {"about", ABOUT("pkcs11", "m"), ERR_FORMAT},
        {"about", ABOUT("tpm", "\x1f"), ERR_FORMAT},
        {"about", ABOUT("tpm", "\x7f"), ERR_FORMAT},
        {"about", ABOUT("tpm", "\xc3\xa4"), ERR_FORMAT},
        {"about", ABOUT(X120, "m"), ERR_TOO_LARGE},
        {"about", ABOUT("tpm", X120 X120 X120 X120), ERR_TOO_LARGE},
        {"about", "{}", ERR_FORMAT},
        {"epoch", "9007199254740992", ERR_FORMAT},
        {"index", "4294967296", ERR_FORMAT},
        {"domain", "\"\"", ERR_FORMAT},
        {"domain", "\"Example\"", ERR_FORMAT},
        {"log", "\"\"", ERR_KEY_MALFORMED},
        {"log", "\"example.org/gate-2+1c1f3be9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\"",
         ERR_KEY_MALFORMED}, /* the id is over the name, too */
        {"log", "\"example.org/gate-2+804e0207+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\"",
         ERR_FORMAT},
        {"issuer", "\"\"", ERR_FORMAT},
        {"issuer", "\"dev.pawl:example.org/gate-2\"", ERR_FORMAT},
        {"issuer", "\"example.org/gate-1\"", ERR_FORMAT},
        {"issuer", "\"did:x509:\"", ERR_FORMAT},
        {"issuer", "\"did:web:example.org\"", ERR_FORMAT},
        {"receipt", "key(11)", ERR_FORMAT},
        {"seal-name", N33, ERR_FORMAT},
        {"index-name", N35, ERR_FORMAT},
        {"seal-handle", "4294967296", ERR_FORMAT},
        {"receipt-name", "h''", ERR_FORMAT},
        {"receipt-handle", "4294967296", ERR_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct enrolment got = {0};
        err_code err = parse_with(CASES[i].key, CASES[i].value, true, &got);
        if (err != CASES[i].want)
            fail_msg("%s = %s: gave %s, wanted %s", CASES[i].key, CASES[i].value, err_name(err),
                     err_name(CASES[i].want));
        assert_int_equal(got.hw.receipt.alg, HW_ALG_NONE); /* nothing on failure */
    }
}

/* Texts go into arrays: as long as there is room for, and one more. */
static void texts_that_just_fit(void **state)
{
    char text[HW_NAME_MAX + 8] = "\"";
    struct enrolment got = {0};

    (void)state;
    memset(text + 1, 'x', HW_NAME_MAX);
    text[HW_NAME_MAX + 1] = '"';
    assert_int_equal(parse_with("serial", text, false, &got), ERR_OK);
    assert_int_equal(strlen(got.hw.serial), HW_NAME_MAX);
    text[HW_NAME_MAX + 1] = 'x';
    text[HW_NAME_MAX + 2] = '"';
    assert_int_equal(parse_with("serial", text, false, &got), ERR_TOO_LARGE);
}

static void too_large(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct enrolment got = {0};
    uint8_t *at;

    (void)state;
    assert_int_equal(buf_add_space(&bytes, ENROLMENT_SIZE_MAX + 1, &at), ERR_OK);
    memset(at, 0, ENROLMENT_SIZE_MAX + 1);
    assert_int_equal(enrolment_parse(buf_slice(&bytes), &got, NULL), ERR_TOO_LARGE);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(good_members),   cmocka_unit_test(members_of_each_root),
        cmocka_unit_test(bad_members),    cmocka_unit_test(texts_that_just_fit),
        cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests_name("enrolment", tests, setup, teardown);
}
