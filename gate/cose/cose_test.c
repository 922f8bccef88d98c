/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/cose/cose.h"
#include "gate/cose/cose_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof *(array))

static const enum hw_alg ALGS[] = {HW_ES256, HW_ES384, HW_PS256};

static struct buf unhex(const char *hex)
{
    struct buf bytes = {0};

    assert_int_equal(hex_decode(hex, &bytes), ERR_OK);
    return bytes;
}

static struct hw_signer *new_signer(enum hw_alg alg)
{
    struct hw_signer *signer = NULL;
    struct why why = {0};

    assert_int_equal(hw_signer_generate(alg, &signer, &why), ERR_OK);
    return signer;
}

static const struct cose_header_spec SPEC = {
    .content_type = "application/cbor",
    .typ = "application/pawl-policy+cose",
    .claims = {.iss = {(const uint8_t *)"plant-7", 7},
               .sub = {(const uint8_t *)"purchasing", 10},
               .cti = {(const uint8_t *)"\x01\x02", 2},
               .has_exp = true,
               .has_nbf = true,
               .has_iat = true,
               .exp = 2000000000,
               .nbf = -1,
               .iat = 0},
};

/* ---- COSE_Sign1 ------------------------------------------------------------------------------ */

static err_code verify1(struct slice bytes, enum cbor_rules rules, const struct hw_pubkey *key,
                        struct slice payload)
{
    struct hw_statement st;
    struct cose_sign1 msg;
    struct why why = {0};

    TRY(cose_sign1_parse(bytes, rules, &msg, &why));
    TRY(cose_sign1_statement(&msg, key, payload, &st, &why));
    return hw_verify_soft(&st, &why);
}

static void sign1_of_each_algorithm(void **state)
{
    static const int64_t NUMBERS[] = {-7, -35, -37};
    (void)state;
    for (size_t i = 0; i < N(ALGS); i++) {
        CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(ALGS[i]);
        CLEANUP(buf_free) struct buf out = {0};
        struct why why = {0};
        struct cose_sign1 msg;
        struct digest kid;

        assert_int_equal(buf_add_str(&out, "kept"), ERR_OK);
        assert_int_equal(cose_sign1_make(signer, &SPEC, (struct slice){0}, slice_str("hello"),
                                         false, &out, &why),
                         ERR_OK);
        assert_memory_equal(out.ptr, "kept", 4);
        struct slice bytes = {out.ptr + 4, out.len - 4};
        assert_int_equal(cose_sign1_parse(bytes, CBOR_DETERMINISTIC, &msg, &why), ERR_OK);
        assert_int_equal(cose_key_thumbprint(&signer->key, &kid), ERR_OK);
        assert_true(slice_eq(msg.raw, bytes));
        assert_int_equal(msg.headers.alg, NUMBERS[i]);
        assert_true(slice_eq(msg.headers.kid, digest_slice(&kid)));
        assert_true(slice_eq_str(msg.headers.content_type, SPEC.content_type));
        assert_true(slice_eq_str(msg.headers.typ, SPEC.typ));
        assert_true(slice_eq_str(msg.headers.claims.iss, "plant-7"));
        assert_true(slice_eq_str(msg.headers.claims.sub, "purchasing"));
        assert_true(slice_eq(msg.headers.claims.cti, SPEC.claims.cti));
        assert_true(msg.headers.claims.has_exp && msg.headers.claims.exp == 2000000000);
        assert_true(msg.headers.claims.has_nbf && msg.headers.claims.nbf == -1);
        assert_true(msg.headers.claims.has_iat && msg.headers.claims.iat == 0);
        assert_false(msg.detached);
        assert_true(slice_eq_str(msg.payload, "hello"));
        assert_int_equal(verify1(bytes, CBOR_DETERMINISTIC, &signer->key, (struct slice){0}),
                         ERR_OK);
        assert_int_equal(verify1(bytes, CBOR_FOREIGN, &signer->key, (struct slice){0}), ERR_OK);
        assert_int_equal(verify1(bytes, CBOR_FOREIGN, &signer->key, slice_str("hello")),
                         ERR_COSE_MALFORMED);
    }
}

/* No octet of a message may be changed or missing, in either mode. The unprotected map is empty
 * here, so that everything is under the signature or part of the shape. */
static void every_bit_of_a_sign1_counts(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    CLEANUP(buf_free) struct buf out = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(
        cose_sign1_make(signer, NULL, (struct slice){0}, slice_str("hello"), false, &out, &why),
        ERR_OK);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        for (int rules = CBOR_DETERMINISTIC; rules <= CBOR_FOREIGN; rules++)
            if (verify1(buf_slice(&out), (enum cbor_rules)rules, &signer->key, (struct slice){0}) ==
                ERR_OK)
                fail_msg("bit %zu of byte %zu does not count", bit % 8, bit / 8);
        out.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < out.len; n++)
        if (verify1((struct slice){out.ptr, n}, CBOR_FOREIGN, &signer->key, (struct slice){0}) !=
            ERR_CBOR_MALFORMED)
            fail_msg("cut to %zu bytes", n);
}

static void a_detached_payload_must_be_given(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    CLEANUP(buf_free) struct buf out = {0};
    struct why why = {0};
    struct cose_sign1 msg;
    (void)state;

    assert_int_equal(
        cose_sign1_make(signer, NULL, (struct slice){0}, slice_str("hello"), true, &out, &why),
        ERR_OK);
    assert_int_equal(cose_sign1_parse(buf_slice(&out), CBOR_DETERMINISTIC, &msg, &why), ERR_OK);
    assert_true(msg.detached && msg.payload.len == 0);
    assert_int_equal(verify1(buf_slice(&out), CBOR_DETERMINISTIC, &signer->key, slice_str("hello")),
                     ERR_OK);
    assert_int_equal(verify1(buf_slice(&out), CBOR_DETERMINISTIC, &signer->key, slice_str("hellp")),
                     ERR_SIGNATURE_INVALID);
    assert_int_equal(verify1(buf_slice(&out), CBOR_DETERMINISTIC, &signer->key, slice_str("")),
                     ERR_SIGNATURE_INVALID);
    assert_int_equal(verify1(buf_slice(&out), CBOR_DETERMINISTIC, &signer->key, (struct slice){0}),
                     ERR_COSE_MALFORMED);
}

static void the_key_must_fit_the_algorithm(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *p256 = new_signer(HW_ES256);
    CLEANUP(hw_signer_close) struct hw_signer *other = new_signer(HW_ES256);
    CLEANUP(hw_signer_close) struct hw_signer *p384 = new_signer(HW_ES384);
    CLEANUP(buf_free) struct buf out = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(
        cose_sign1_make(p256, NULL, (struct slice){0}, slice_str("hello"), false, &out, &why),
        ERR_OK);
    assert_int_equal(verify1(buf_slice(&out), CBOR_DETERMINISTIC, &p384->key, (struct slice){0}),
                     ERR_COSE_ALG);
    assert_int_equal(verify1(buf_slice(&out), CBOR_DETERMINISTIC, &other->key, (struct slice){0}),
                     ERR_SIGNATURE_INVALID);
}

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

/* ---- COSE_Sign ------------------------------------------------------------------------------- */

static err_code verify(struct slice bytes, size_t i, const struct hw_pubkey *key)
{
    static struct cose_sign msg;
    struct hw_statement st;
    struct why why = {0};

    TRY(cose_sign_parse(bytes, CBOR_DETERMINISTIC, &msg, &why));
    TRY(cose_sign_statement(&msg, i, key, (struct slice){0}, &st, &why));
    return hw_verify_soft(&st, &why);
}

static void sign_by_several_and_one_more(void **state)
{
    CLEANUP(hw_signer_close)
    struct hw_signer *a = new_signer(HW_ES256),
                     *b = new_signer(HW_PS256), *c = new_signer(HW_ES384);
    struct hw_signer *signers[] = {a, b};
    CLEANUP(buf_free) struct buf two = {0}, three = {0}, again = {0};
    struct why why = {0};
    struct digest kid;
    static struct cose_sign msg;
    (void)state;

    assert_int_equal(cose_sign_make(signers, 2, &SPEC, slice_str("rules"), &two, &why), ERR_OK);
    assert_int_equal(verify(buf_slice(&two), 0, &a->key), ERR_OK);
    assert_int_equal(verify(buf_slice(&two), 1, &b->key), ERR_OK);
    assert_int_equal(verify(buf_slice(&two), 0, &b->key), ERR_COSE_ALG);
    assert_int_equal(verify(buf_slice(&two), 2, &b->key), ERR_INTERNAL);

    assert_int_equal(cose_sign_add(buf_slice(&two), c, &three, &why), ERR_OK);
    assert_int_equal(verify(buf_slice(&three), 0, &a->key), ERR_OK);
    assert_int_equal(verify(buf_slice(&three), 1, &b->key), ERR_OK);
    assert_int_equal(verify(buf_slice(&three), 2, &c->key), ERR_OK);
    assert_int_equal(cose_sign_parse(buf_slice(&three), CBOR_DETERMINISTIC, &msg, &why), ERR_OK);
    assert_int_equal(msg.n_signatures, 3);
    assert_int_equal(msg.headers.alg, 0);
    assert_int_equal(msg.headers.kid.len, 0);
    assert_true(slice_eq_str(msg.headers.typ, SPEC.typ));
    assert_true(slice_eq_str(msg.headers.claims.iss, "plant-7"));
    assert_int_equal(cose_key_thumbprint(&c->key, &kid), ERR_OK);
    assert_true(slice_eq(msg.signatures[2].headers.kid, digest_slice(&kid)));
    assert_int_equal(msg.signatures[2].headers.alg, -35);

    assert_int_equal(cose_sign_add(buf_slice(&three), b, &again, &why), ERR_EXISTS);
    assert_int_equal(cose_sign_add(slice_str("x"), b, &again, &why), ERR_CBOR_MALFORMED);
    assert_int_equal(again.len, 0);
    signers[1] = a;
    assert_int_equal(cose_sign_make(signers, 2, NULL, slice_str("rules"), &again, &why),
                     ERR_EXISTS);
    assert_int_equal(cose_sign_make(signers, 0, NULL, slice_str("rules"), &again, &why),
                     ERR_INTERNAL);
    assert_int_equal(again.len, 0);
}

static void every_bit_of_a_sign_counts(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    CLEANUP(buf_free) struct buf out = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(cose_sign_make(&signer, 1, &(struct cose_header_spec){.typ = "t"},
                                    slice_str("rules"), &out, &why),
                     ERR_OK);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verify(buf_slice(&out), 0, &signer->key) == ERR_OK)
            fail_msg("bit %zu of byte %zu does not count", bit % 8, bit / 8);
        out.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < out.len; n++)
        if (verify((struct slice){out.ptr, n}, 0, &signer->key) != ERR_CBOR_MALFORMED)
            fail_msg("cut to %zu bytes", n);
}

static void signatures_are_limited(void **state)
{
    struct hw_signer *signers[COSE_SIGNATURES_MAX + 1];
    CLEANUP(buf_free) struct buf full = {0}, out = {0};
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < N(signers); i++)
        signers[i] = new_signer(HW_ES256);
    assert_int_equal(cose_sign_make(signers, N(signers), NULL, slice_str("rules"), &out, &why),
                     ERR_TOO_LARGE);
    assert_int_equal(
        cose_sign_make(signers, COSE_SIGNATURES_MAX, NULL, slice_str("rules"), &full, &why),
        ERR_OK);
    assert_int_equal(verify(buf_slice(&full), 15, &signers[15]->key), ERR_OK);
    assert_int_equal(cose_sign_add(buf_slice(&full), signers[COSE_SIGNATURES_MAX], &out, &why),
                     ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    for (size_t i = 0; i < N(signers); i++)
        hw_signer_close(&signers[i]);
    buf_cut(&full, 0);
    layer("", "a0", "d86284", "f691", &full);
    for (size_t i = 0; i <= COSE_SIGNATURES_MAX; i++)
        layer("", "a0", "83", "40", &full);
    static struct cose_sign msg;
    assert_int_equal(cose_sign_parse(buf_slice(&full), CBOR_DETERMINISTIC, &msg, &why),
                     ERR_TOO_LARGE);
}

/* ---- writing headers ------------------------------------------------------------------------- */

static void further_labels_are_sorted_in(void **state)
{
    static const uint8_t TEXT[] = {0x61, 'a'}, TWO[] = {2}, VDS[] = {0x19, 1, 0x8b},
                         MINUS[] = {0x20};
    static const uint8_t TEN[] = {10}, CHAIN[] = {0x41, 0}, T[] = {0x82, 0x2f, 0x41, 1};
    static const uint8_t ONE[] = {1}, CRIT[] = {0x81, 1}, NIL[] = {0xf6};
    const struct cose_pair extra[] = {{SLICE_OF(TEXT), SLICE_OF(NIL)},
                                      {SLICE_OF(VDS), SLICE_OF(ONE)},
                                      {SLICE_OF(TWO), SLICE_OF(CRIT)},
                                      {SLICE_OF(MINUS), SLICE_OF(NIL)},
                                      {SLICE_OF(TEN), SLICE_OF(NIL)}};
    const struct cose_pair twice[] = {{SLICE_OF(TEXT), SLICE_OF(NIL)},
                                      {SLICE_OF(TEXT), SLICE_OF(NIL)}};
    const struct cose_pair own = {SLICE_OF(ONE), SLICE_OF(NIL)};
    struct cose_header_spec spec = {.typ = "t",
                                    .x5chain = SLICE_OF(CHAIN),
                                    .x5t = SLICE_OF(T),
                                    .extra = extra,
                                    .n_extra = N(extra)};
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    CLEANUP(buf_free) struct buf out = {0}, msg_bytes = {0};
    CLEANUP(buf_free)
    struct buf want = unhex("aa"
                            "0126"
                            "028101"
                            "045820");
    struct cose_sign1 msg;
    struct digest kid;
    struct why why = {0};
    (void)state;

    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_OK);
    assert_int_equal(cose_key_thumbprint(&signer->key, &kid), ERR_OK);
    assert_memory_equal(out.ptr, want.ptr, want.len);
    assert_memory_equal(out.ptr + want.len, kid.bytes, 32);
    size_t from = want.len + 32;
    buf_free(&want);
    want = unhex("0af6"
                 "106174"
                 "18214100"
                 "1822822f4101"
                 "19018b01"
                 "20f6"
                 "6161f6");
    assert_int_equal(out.len - from, want.len);
    assert_memory_equal(out.ptr + from, want.ptr, want.len);
    assert_int_equal(cbor_check(buf_slice(&out), CBOR_DETERMINISTIC), ERR_OK);

    assert_int_equal(
        cose_sign1_make(signer, &spec, (struct slice){0}, slice_str("x"), false, &msg_bytes, &why),
        ERR_OK);
    assert_int_equal(cose_sign1_parse(buf_slice(&msg_bytes), CBOR_DETERMINISTIC, &msg, &why),
                     ERR_OK);
    assert_true(slice_eq(msg.protected_, buf_slice(&out)));
    assert_true(slice_eq(msg.headers.x5chain, SLICE_OF(CHAIN)));
    assert_true(slice_eq(msg.headers.x5t, SLICE_OF(T)));
    assert_true(slice_eq(cose_header_find_text(msg.headers.protected_map, "a"), SLICE_OF(NIL)));
    assert_true(slice_eq(cose_header_find(msg.headers.protected_map, -1), SLICE_OF(NIL)));
    assert_int_equal(cose_header_find(msg.headers.protected_map, 5).len, 0);
    assert_int_equal(cose_header_find_text(msg.headers.protected_map, "b").len, 0);
    assert_int_equal(cose_header_find((struct slice){0}, 5).len, 0);

    size_t before = out.len;
    spec.extra = twice;
    spec.n_extra = 2;
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    spec.extra = &own;
    spec.n_extra = 1;
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    spec.n_extra = COSE_LABELS_MAX + 1;
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    spec = (struct cose_header_spec){.claims.iss = {(const uint8_t *)"\xff", 1}};
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    assert_int_equal(out.len, before);
}

/* A signature made elsewhere over what tbs gives, put together, is the message that make gives. */
static void a_message_signed_elsewhere_is_assembled(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_PS256);
    CLEANUP(buf_free) struct buf header = {0}, tbs = {0}, sig = {0}, out = {0}, nil = {0};
    CLEANUP(buf_free) struct buf unprotected = unhex("a119018a8140");
    struct cose_sign1 msg;
    struct why why = {0};
    (void)state;

    assert_int_equal(cose_protected_make(&signer->key, &SPEC, &header), ERR_OK);
    assert_int_equal(
        cose_sign1_tbs(buf_slice(&header), (struct slice){0}, slice_str("hello"), &tbs), ERR_OK);
    assert_int_equal(hw_sign(signer, buf_slice(&tbs), &sig, &why), ERR_OK);
    assert_int_equal(cose_sign1_assemble(buf_slice(&header), buf_slice(&unprotected),
                                         slice_str("hello"), false, buf_slice(&sig), &out),
                     ERR_OK);
    assert_int_equal(verify1(buf_slice(&out), CBOR_DETERMINISTIC, &signer->key, (struct slice){0}),
                     ERR_OK);
    assert_int_equal(cose_sign1_parse(buf_slice(&out), CBOR_DETERMINISTIC, &msg, &why), ERR_OK);
    assert_true(slice_eq(msg.headers.unprotected, buf_slice(&unprotected)));
    assert_int_equal(cose_sign1_assemble(buf_slice(&header), (struct slice){0}, (struct slice){0},
                                         true, buf_slice(&sig), &nil),
                     ERR_OK);
    assert_int_equal(verify1(buf_slice(&nil), CBOR_DETERMINISTIC, &signer->key, slice_str("hello")),
                     ERR_OK);

    /* a message must not be made that the rules refuse */
    buf_cut(&out, 0);
    buf_free(&unprotected);
    unprotected = unhex("a1044131");
    assert_int_equal(
        cose_sign1_make(signer, NULL, buf_slice(&unprotected), slice_str("x"), false, &out, &why),
        ERR_COSE_MALFORMED);
    assert_int_equal(out.len, 0);
}

/* RFC 9052 C.2.1 */
static void sig_structures_are_the_rfc_s(void **state)
{
    CLEANUP(buf_free) struct buf p = unhex("a10126"), got = {0};
    CLEANUP(buf_free)
    struct buf want = unhex("846a5369676e61747572653143a1012640"
                            "54546869732069732074686520636f6e74656e742e");
    CLEANUP(buf_free)
    struct buf want_sign = unhex("85695369676e617475726540"
                                 "43a10126"
                                 "4101"
                                 "54546869732069732074686520636f6e74656e742e");
    static const uint8_t AAD[] = {1};
    (void)state;

    assert_int_equal(
        cose_sign1_tbs(buf_slice(&p), (struct slice){0}, slice_str("This is the content."), &got),
        ERR_OK);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.ptr, want.ptr, want.len);
    buf_cut(&got, 0);
    assert_int_equal(cose_sign_tbs((struct slice){0}, buf_slice(&p), SLICE_OF(AAD),
                                   slice_str("This is the content."), &got),
                     ERR_OK);
    assert_int_equal(got.len, want_sign.len);
    assert_memory_equal(got.ptr, want_sign.ptr, want_sign.len);
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
        cmocka_unit_test(sign1_of_each_algorithm),
        cmocka_unit_test(every_bit_of_a_sign1_counts),
        cmocka_unit_test(a_detached_payload_must_be_given),
        cmocka_unit_test(the_key_must_fit_the_algorithm),
        cmocka_unit_test(headers_are_judged),
        cmocka_unit_test(unprotected_values_do_not_count),
        cmocka_unit_test(too_many_labels_are_refused),
        cmocka_unit_test(messages_have_one_shape),
        cmocka_unit_test(sign_by_several_and_one_more),
        cmocka_unit_test(every_bit_of_a_sign_counts),
        cmocka_unit_test(signatures_are_limited),
        cmocka_unit_test(further_labels_are_sorted_in),
        cmocka_unit_test(a_message_signed_elsewhere_is_assembled),
        cmocka_unit_test(sig_structures_are_the_rfc_s),
        cmocka_unit_test(algorithms_are_named),
    };
    return cmocka_run_group_tests_name("cose", tests, NULL, NULL);
}
