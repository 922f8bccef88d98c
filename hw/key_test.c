/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const enum hw_alg ALGS[] = {HW_ES256, HW_ES384, HW_PS256};

static void sign_and_verify_each_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ALGS / sizeof *ALGS; i++) {
        CLEANUP(hw_signer_close) struct hw_signer *signer = NULL, *again = NULL;
        CLEANUP(buf_free) struct buf sig = {0}, pem = {0}, spki = {0};
        struct hw_statement st;
        struct hw_pubkey key;
        struct why why = {0};

        assert_int_equal(hw_signer_generate(ALGS[i], &signer, &why), ERR_OK);
        assert_int_equal(hw_signer_to_pem(signer, &pem), ERR_OK);
        assert_int_equal(hw_signer_from_pem(buf_slice(&pem), &again, &why), ERR_OK);
        assert_true(hw_pubkey_eq(&signer->key, &again->key));
        assert_int_equal(hw_pubkey_to_spki(&signer->key, &spki), ERR_OK);
        assert_int_equal(hw_pubkey_from_spki(buf_slice(&spki), &key, &why), ERR_OK);
        assert_true(hw_pubkey_eq(&signer->key, &key));
        for (size_t n = 0; n < spki.len; n++)
            assert_int_not_equal(hw_pubkey_from_spki((struct slice){spki.ptr, n}, &key, &why),
                                 ERR_OK);

        assert_int_equal(hw_sign(again, slice_str("hello"), &sig, &why), ERR_OK);
        assert_int_equal(sig.len, hw_sig_len(&key));
        assert_int_equal(hw_statement_of(&key, slice_str("hello"), buf_slice(&sig), &st), ERR_OK);
        assert_int_equal(hw_verify_soft(&st, &why), ERR_OK);
        for (size_t bit = 0; bit < sig.len * 8; bit += ALGS[i] == HW_PS256 ? 97 : 1) {
            st.sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(hw_verify_soft(&st, &why), ERR_SIGNATURE_INVALID);
            st.sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        st.digest[0] ^= 1;
        assert_int_equal(hw_verify_soft(&st, &why), ERR_SIGNATURE_INVALID);
        for (size_t n = 0; n < sig.len; n++)
            assert_int_equal(
                hw_statement_of(&key, slice_str("hello"), (struct slice){sig.ptr, n}, &st),
                ERR_SIGNATURE_INVALID);
    }
}

static void points_off_the_curve_are_refused(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    CLEANUP(buf_free) struct buf spki = {0};
    struct hw_pubkey key;
    struct why why = {0};
    (void)state;

    assert_int_equal(hw_signer_generate(HW_ES256, &signer, &why), ERR_OK);
    assert_int_equal(hw_pubkey_check(&signer->key, &why), ERR_OK);
    key = signer->key;
    key.y[31] ^= 1;
    assert_int_equal(hw_pubkey_check(&key, &why), ERR_KEY_MALFORMED);
    assert_int_equal(hw_pubkey_to_spki(&key, &spki), ERR_KEY_MALFORMED);
    assert_int_equal(hw_pubkey_check(&(struct hw_pubkey){0}, &why), ERR_KEY_MALFORMED);
}

static void der_is_strict(void **state)
{
    static const uint8_t NEGATIVE[] = {0x30, 6, 2, 1, 0xff, 2, 1, 1};
    static const uint8_t PADDED[] = {0x30, 7, 2, 2, 0, 1, 2, 1, 1};
    static const uint8_t TRAILING[] = {0x30, 6, 2, 1, 1, 2, 1, 1, 0};
    static const uint8_t GOOD[] = {0x30, 6, 2, 1, 1, 2, 1, 1};
    CLEANUP(buf_free) struct buf raw = {0};
    (void)state;
    assert_int_equal(hw_sig_from_der(HW_ES256, SLICE_OF(NEGATIVE), &raw), ERR_SIGNATURE_INVALID);
    assert_int_equal(hw_sig_from_der(HW_ES256, SLICE_OF(PADDED), &raw), ERR_SIGNATURE_INVALID);
    assert_int_equal(hw_sig_from_der(HW_ES256, SLICE_OF(TRAILING), &raw), ERR_SIGNATURE_INVALID);
    assert_int_equal(raw.len, 0);
    assert_int_equal(hw_sig_from_der(HW_ES256, SLICE_OF(GOOD), &raw), ERR_OK);
    assert_int_equal(raw.len, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign_and_verify_each_algorithm),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(der_is_strict),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
