/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cose.h"
#include "gate/cose/cose_key.h"
#include "gate/cose/cose_testing.h"

static const enum hw_alg ALGS[] = {HW_ES256, HW_ES384, HW_PS256};

/* ---- label rules ----------------------------------------------------------------------------- */

/* Headers of a COSE_Sign1 and of the one signature of a COSE_Sign, judged by the same rules. */
static const struct {
    const char *name, *protected_, *unprotected;
    err_code own, foreign;
} HEADERS[] = {
    {"none", "", "a0", ERR_OK, ERR_OK},
    {"alg", "a10126", "a0", ERR_OK, ERR_OK},
    {"empty map for the empty string", "a0", "a0", ERR_COSE_MALFORMED, ERR_OK},
    {"protected is an array", "80", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"protected is two maps", "a0a0", "a0", ERR_CBOR_TRAILING, ERR_CBOR_TRAILING},
    {"protected is cut", "a101", "a0", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"protected is not deterministic", "a1180126", "a0", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"protected out of order", "a203000126", "a0", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"label twice in protected", "a201260126", "a0", ERR_CBOR_DUPLICATE_KEY,
     ERR_CBOR_DUPLICATE_KEY},
    {"label twice, once longer", "a20126180138", "a0", ERR_CBOR_NOT_DETERMINISTIC,
     ERR_CBOR_MALFORMED},
    {"label twice in unprotected", "", "a2044131044131", ERR_CBOR_DUPLICATE_KEY,
     ERR_CBOR_DUPLICATE_KEY},
    {"unprotected is an array", "", "80", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"label in both", "a1044131", "a1044131", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"label in both, once longer", "a1044131", "a118044131", ERR_CBOR_NOT_DETERMINISTIC,
     ERR_COSE_MALFORMED},
    {"text label in both", "a1616100", "a1616100", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"label 0 and a text", "a100f6", "a16161f6", ERR_OK, ERR_OK},
    {"a text and label 0", "a16161f6", "a100f6", ERR_OK, ERR_OK},
    {"alg in both", "a10126", "a10126", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"label is a byte string", "a1410100", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"label is a byte string, unprotected", "", "a1410100", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"label beyond int64", "a11b800000000000000000", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"alg unprotected", "", "a10126", ERR_COSE_MALFORMED, ERR_OK},
    {"typ unprotected", "", "a1106161", ERR_COSE_MALFORMED, ERR_OK},
    {"content type unprotected", "", "a1036161", ERR_COSE_MALFORMED, ERR_OK},
    {"claims unprotected", "", "a10fa1016161", ERR_COSE_MALFORMED, ERR_OK},
    {"kid unprotected", "", "a1044131", ERR_OK, ERR_OK},
    {"unknown labels", "a21903e7006178f6", "a220006179f6", ERR_OK, ERR_OK},
    /* values */
    {"alg text", "a1016558594d5345", "a0", ERR_OK, ERR_OK},
    {"alg bytes", "a1014100", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"alg beyond int64", "a1013b8000000000000000", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"kid text", "a1046131", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"kid text unprotected", "", "a1046131", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"content type number", "a10300", "a0", ERR_OK, ERR_OK},
    {"content type bytes", "a1034100", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"typ number", "a11000", "a0", ERR_OK, ERR_OK},
    {"typ negative", "a11020", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    /* crit */
    {"crit of alg",
     "a201260281"
     "01",
     "a0", ERR_OK, ERR_OK},
    {"crit of typ and kid",
     "a302820410"
     "044131"
     "106161",
     "a0", ERR_OK, ERR_OK},
    {"crit of vds",
     "a20281"
     "19018b"
     "19018b01",
     "a0", ERR_OK, ERR_OK},
    {"crit of an absent label", "a1028104", "a0", ERR_COSE_CRIT, ERR_COSE_CRIT},
    {"crit of an unprotected label", "a1028104", "a1044131", ERR_COSE_CRIT, ERR_COSE_CRIT},
    {"crit of an unknown label", "a202811903e71903e700", "a0", ERR_COSE_CRIT, ERR_COSE_CRIT},
    {"crit of one known, one unknown",
     "a30126"
     "0282011903e7"
     "1903e700",
     "a0", ERR_COSE_CRIT, ERR_COSE_CRIT},
    {"crit of a text label", "a202816161616100", "a0", ERR_COSE_CRIT, ERR_COSE_CRIT},
    {"crit of x5chain",
     "a2028118211821"
     "4100",
     "a0", ERR_COSE_CRIT, ERR_COSE_CRIT},
    {"crit empty", "a10280", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"crit not an array",
     "a2012602"
     "01",
     "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"crit of something else", "a201260281f6", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"crit unprotected", "a10126", "a1028101", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    /* claims */
    {"claims empty", "a10fa0", "a0", ERR_OK, ERR_OK},
    {"claims not a map", "a10f80", "a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"unknown claims",
     "a10fa2"
     "03"
     "6161"
     "1903e7f6",
     "a0", ERR_OK, ERR_OK},
    {"iss number", "a10fa10100", "a0", ERR_COSE_MALFORMED, ERR_OK},
    {"sub bytes", "a10fa1024100", "a0", ERR_COSE_MALFORMED, ERR_OK},
    {"cti text", "a10fa1076100", "a0", ERR_COSE_MALFORMED, ERR_OK},
    {"exp half", "a10fa104f93c00", "a0", ERR_COSE_MALFORMED, ERR_OK},
    {"nbf under tag 1", "a10fa105c100", "a0", ERR_COSE_MALFORMED, ERR_OK},
    {"iat beyond int64", "a10fa1061bffffffffffffffff", "a0", ERR_COSE_MALFORMED, ERR_OK},
};

/* [protected, unprotected, and the rest], under what comes before. */
static void layer(const char *protected_, const char *unprotected, const char *before,
                  const char *after, struct buf *ret)
{
    CLEANUP(buf_free) struct buf p = unhex(protected_), u = unhex(unprotected);
    CLEANUP(buf_free) struct buf b = unhex(before), a = unhex(after);

    assert_true(p.len < 24);
    assert_int_equal(buf_add_slice(ret, buf_slice(&b)), ERR_OK);
    assert_int_equal(buf_add_u8(ret, (uint8_t)(0x40 + p.len)), ERR_OK);
    assert_int_equal(buf_add_slice(ret, buf_slice(&p)), ERR_OK);
    assert_int_equal(buf_add_slice(ret, buf_slice(&u)), ERR_OK);
    assert_int_equal(buf_add_slice(ret, buf_slice(&a)), ERR_OK);
}

static void headers_are_judged(void **state)
{
    static struct cose_sign sign;
    struct cose_sign1 sign1;
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < N(HEADERS); i++) {
        CLEANUP(buf_free) struct buf one = {0}, body = {0}, inner = {0};
        err_code got[6], want[2] = {HEADERS[i].own, HEADERS[i].foreign};

        layer(HEADERS[i].protected_, HEADERS[i].unprotected, "d284", "f640", &one);
        layer(HEADERS[i].protected_, HEADERS[i].unprotected, "d86284", "f6818340a040", &body);
        layer(HEADERS[i].protected_, HEADERS[i].unprotected, "d8628440a0f68183", "40", &inner);
        for (int rules = CBOR_DETERMINISTIC; rules <= CBOR_FOREIGN; rules++) {
            got[rules] = cose_sign1_parse(buf_slice(&one), (enum cbor_rules)rules, &sign1, &why);
            got[rules + 2] = cose_sign_parse(buf_slice(&body), (enum cbor_rules)rules, &sign, &why);
            got[rules + 4] =
                cose_sign_parse(buf_slice(&inner), (enum cbor_rules)rules, &sign, &why);
        }
        for (size_t k = 0; k < 6; k++)
            if (got[k] != want[k % 2])
                fail_msg("%s, %s%s: got %s, wanted %s", HEADERS[i].name,
                         k < 2   ? "Sign1"
                         : k < 4 ? "Sign"
                                 : "Signature",
                         k % 2 ? " foreign" : "", err_name(got[k]), err_name(want[k % 2]));
    }
}

/* What only counts under the signature must not come from beside it. */
static void unprotected_values_do_not_count(void **state)
{
    CLEANUP(buf_free)
    struct buf bytes = unhex("d28440a5"
                             "0126"
                             "036161"
                             "0fa1016161"
                             "106161"
                             "044131"
                             "f640");
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    static const uint8_t EMPTY[1];
    struct hw_statement st;
    struct cose_sign1 msg;
    struct why why = {0};
    (void)state;

    assert_int_equal(cose_sign1_parse(buf_slice(&bytes), CBOR_FOREIGN, &msg, &why), ERR_OK);
    assert_int_equal(msg.headers.alg, 0);
    assert_int_equal(msg.headers.content_type.len + msg.headers.typ.len, 0);
    assert_int_equal(msg.headers.claims.iss.len, 0);
    assert_int_equal(msg.headers.kid.len, 1);
    assert_int_equal(cose_header_find(msg.headers.unprotected, COSE_ALG).len, 1);
    assert_int_equal(cose_sign1_statement(&msg, &signer->key, (struct slice){EMPTY, 0}, &st, &why),
                     ERR_COSE_ALG);
    assert_non_null(strstr(why.text, "no algorithm"));
}

static void too_many_labels_are_refused(void **state)
{
    (void)state;
    for (size_t n = COSE_LABELS_MAX; n <= COSE_LABELS_MAX + 1; n++) {
        CLEANUP(buf_free) struct buf map = {0}, out = {0};
        static const uint8_t SIG[64];
        struct cbor_writer w = cbor_write(&map);
        struct cose_sign1 msg;
        struct why why = {0};

        cbor_put_map(&w, n);
        for (size_t i = 0; i < n; i++) {
            cbor_put_uint(&w, 1000 + i);
            cbor_put_null(&w);
        }
        assert_int_equal(cbor_written(&w), ERR_OK);
        assert_int_equal(cose_sign1_assemble((struct slice){0}, buf_slice(&map), (struct slice){0},
                                             true, SLICE_OF(SIG), &out),
                         ERR_OK);
        assert_int_equal(cose_sign1_parse(buf_slice(&out), CBOR_FOREIGN, &msg, &why),
                         n > COSE_LABELS_MAX ? ERR_COSE_MALFORMED : ERR_OK);
    }
}

static const struct {
    const char *name, *hex;
    err_code sign1, sign;
} SHAPES[] = {
    {"Sign1", "d28440a0f640", ERR_OK, ERR_COSE_MALFORMED},
    {"Sign", "d8628440a0f6818340a040", ERR_COSE_MALFORMED, ERR_OK},
    {"no tag", "8440a0f640", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"tag 17", "d18440a0f640", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"two tags", "d2d28440a0f640", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"three places", "d28340a0f6", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"five places", "d28540a0f64040", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"a map", "d2a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"protected is a map", "d284a0a0f640", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"unprotected is bytes", "d2844040f640", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"payload is text", "d28440a06040", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"payload is undefined", "d28440a0f740", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"signature is nil", "d28440a0f6f6", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"trailing", "d28440a0f64000", ERR_CBOR_TRAILING, ERR_CBOR_TRAILING},
    {"no signatures", "d8628440a0f680", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"signatures are a map", "d8628440a0f6a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"signature of two", "d8628440a0f6818240a0", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"signature of four", "d8628440a0f6818440a04040", ERR_COSE_MALFORMED, ERR_COSE_MALFORMED},
    {"one signature not in an array", "d8628440a0f68340a040", ERR_COSE_MALFORMED,
     ERR_COSE_MALFORMED},
    {"nothing", "", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
};

static void messages_have_one_shape(void **state)
{
    static struct cose_sign sign, untouched;
    struct cose_sign1 sign1;
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < N(SHAPES); i++) {
        CLEANUP(buf_free) struct buf bytes = unhex(SHAPES[i].hex);

        for (int rules = CBOR_DETERMINISTIC; rules <= CBOR_FOREIGN; rules++) {
            err_code a = cose_sign1_parse(buf_slice(&bytes), (enum cbor_rules)rules, &sign1, &why);
            memset(&sign, 0, sizeof sign);
            err_code b = cose_sign_parse(buf_slice(&bytes), (enum cbor_rules)rules, &sign, &why);
            if (a != SHAPES[i].sign1 || b != SHAPES[i].sign)
                fail_msg("%s: got %s and %s", SHAPES[i].name, err_name(a), err_name(b));
            if (b != ERR_OK)
                assert_memory_equal(&sign, &untouched, sizeof sign);
        }
    }
}

/* ---- algorithms ------------------------------------------------------------------------------ */

static const struct {
    int64_t value;
    enum hw_alg alg;
    const char *said;
} NUMBERS[] = {
    {-7, HW_ES256, ""},
    {-9, HW_ES256, ""},
    {-35, HW_ES384, ""},
    {-51, HW_ES384, ""},
    {-37, HW_PS256, ""},
    {-8, HW_ALG_NONE, "EdDSA (-8)"},
    {-19, HW_ALG_NONE, "Ed25519 (-19)"},
    {-36, HW_ALG_NONE, "ES512 (-36)"},
    {-52, HW_ALG_NONE, "ESP512 (-52)"},
    {-38, HW_ALG_NONE, "PS384 (-38)"},
    {-47, HW_ALG_NONE, "ES256K (-47)"},
    {-257, HW_ALG_NONE, "RS256 (-257)"},
    {-48, HW_ALG_NONE, "ML-DSA-44 (-48)"},
    {-46, HW_ALG_NONE, "HSS-LMS (-46)"},
    {5, HW_ALG_NONE, "HMAC 256/256 (5)"},
    {0, HW_ALG_NONE, "algorithm 0 "},
    {-999, HW_ALG_NONE, "-999"},
    {INT64_MIN, HW_ALG_NONE, "-9223372036854775808"},
};

static void algorithms_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(NUMBERS); i++) {
        enum hw_alg alg = HW_ALG_NONE;
        struct why why = {0};
        err_code err = cose_alg_from(NUMBERS[i].value, &alg, &why);

        if (alg != NUMBERS[i].alg || (err == ERR_OK) != (NUMBERS[i].said[0] == '\0') ||
            strstr(why.text, NUMBERS[i].said) == NULL)
            fail_msg("%lld: got %s, \"%s\"", (long long)NUMBERS[i].value, hw_alg_name(alg),
                     why.text);
    }
    for (size_t i = 0; i < N(ALGS); i++) {
        enum hw_alg alg = HW_ALG_NONE;
        assert_int_equal(cose_alg_from(cose_alg_value(ALGS[i]), &alg, NULL), ERR_OK);
        assert_int_equal(alg, ALGS[i]);
    }
    assert_int_equal(cose_alg_value(HW_ALG_NONE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_judged),
        cmocka_unit_test(unprotected_values_do_not_count),
        cmocka_unit_test(too_many_labels_are_refused),
        cmocka_unit_test(messages_have_one_shape),
        cmocka_unit_test(algorithms_are_named),
    };
    return cmocka_run_group_tests_name("cose_header", tests, NULL, NULL);
}
