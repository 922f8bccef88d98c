/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cose.h"
#include "gate/cose/cose_key.h"
#include "gate/cose/cose_testing.h"

static const enum hw_alg ALGS[] = {HW_ES256, HW_ES384, HW_PS256};

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
    struct hw_signer *a = new_signer(HW_ES256), *b = new_signer(HW_PS256),
                     *c = new_signer(HW_ES384);
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
    CLEANUP(buf_free) struct buf detached = unhex("d8628440a0f6818340a040");
    assert_int_equal(cose_sign_add(buf_slice(&detached), b, &again, &why), ERR_COSE_MALFORMED);
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
    CLEANUP(buf_free) struct buf head = unhex("d8628440a0f691"), one = unhex("8340a040");
    assert_int_equal(buf_add_slice(&full, buf_slice(&head)), ERR_OK);
    for (size_t i = 0; i <= COSE_SIGNATURES_MAX; i++)
        assert_int_equal(buf_add_slice(&full, buf_slice(&one)), ERR_OK);
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
}

static void a_header_with_mistakes_is_not_written(void **state)
{
    static const uint8_t TEXT[] = {0x61, 'a'}, ONE[] = {1}, NIL[] = {0xf6}, LONG[] = {0x18, 10};
    const struct cose_pair twice[] = {{SLICE_OF(TEXT), SLICE_OF(NIL)},
                                      {SLICE_OF(TEXT), SLICE_OF(NIL)}};
    const struct cose_pair own = {SLICE_OF(ONE), SLICE_OF(NIL)};
    const struct cose_pair odd = {SLICE_OF(LONG), SLICE_OF(NIL)};
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    CLEANUP(buf_free) struct buf out = {0};
    struct cose_header_spec spec = {.extra = twice, .n_extra = 2};
    (void)state;

    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    spec.extra = &own;
    spec.n_extra = 1;
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    spec.extra = &odd;
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    spec.n_extra = COSE_LABELS_MAX + 1;
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    spec = (struct cose_header_spec){.claims.iss = {(const uint8_t *)"\xff", 1}};
    assert_int_equal(cose_protected_make(&signer->key, &spec, &out), ERR_INTERNAL);
    assert_int_equal(out.len, 0);
}

/* Who knows the key's thumbprint says it, and it is the same header. */
static void a_thumbprint_that_is_known(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    CLEANUP(buf_free) struct buf want = {0}, got = {0};
    struct cose_header_spec spec = SPEC;
    struct digest kid;
    (void)state;

    assert_int_equal(cose_protected_make(&signer->key, &spec, &want), ERR_OK);
    assert_int_equal(cose_key_thumbprint(&signer->key, &kid), ERR_OK);
    spec.kid = &kid;
    assert_int_equal(cose_protected_make(&signer->key, &spec, &got), ERR_OK);
    assert_true(slice_eq(buf_slice(&got), buf_slice(&want)));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign1_of_each_algorithm),
        cmocka_unit_test(every_bit_of_a_sign1_counts),
        cmocka_unit_test(a_detached_payload_must_be_given),
        cmocka_unit_test(the_key_must_fit_the_algorithm),
        cmocka_unit_test(sign_by_several_and_one_more),
        cmocka_unit_test(every_bit_of_a_sign_counts),
        cmocka_unit_test(signatures_are_limited),
        cmocka_unit_test(further_labels_are_sorted_in),
        cmocka_unit_test(a_header_with_mistakes_is_not_written),
        cmocka_unit_test(a_thumbprint_that_is_known),
        cmocka_unit_test(a_message_signed_elsewhere_is_assembled),
        cmocka_unit_test(sig_structures_are_the_rfc_s),
    };
    return cmocka_run_group_tests_name("cose", tests, NULL, NULL);
}
