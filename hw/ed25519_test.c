/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "hw/ed25519.h"
#include "hw/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void bytes_of(const char *hex, uint8_t *ret, size_t len)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    assert_int_equal(hex_decode(hex, &bytes), ERR_OK);
    assert_int_equal(bytes.len, len);
    memcpy(ret, bytes.ptr, len);
}

/* RFC 8032 7.1, TEST 1 and TEST 2. */
static void published_signatures(void **state)
{
    static const struct {
        const char *seed, *public, *message, *sig;
    } CASES[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "r",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        uint8_t seed[ED25519_KEY_LEN], public[ED25519_KEY_LEN], want[ED25519_SIG_LEN];
        uint8_t sig[ED25519_SIG_LEN];
        struct hw_ed25519 key;

        bytes_of(CASES[i].seed, seed, sizeof seed);
        bytes_of(CASES[i].public, public, sizeof public);
        bytes_of(CASES[i].sig, want, sizeof want);
        assert_int_equal(hw_ed25519_from_seed(seed, &key), ERR_OK);
        assert_memory_equal(key.public, public, sizeof public);
        assert_int_equal(hw_ed25519_sign(&key, slice_str(CASES[i].message), sig, NULL), ERR_OK);
        assert_memory_equal(sig, want, sizeof want);
        assert_int_equal(hw_ed25519_verify(public, slice_str(CASES[i].message), SLICE_OF(sig)),
                         ERR_OK);
    }
}

static void every_bit_counts(void **state)
{
    uint8_t sig[ED25519_SIG_LEN + 1] = {0}, message[] = "a message";
    struct hw_ed25519 key;
    (void)state;

    assert_int_equal(hw_ed25519_generate(&key, NULL), ERR_OK);
    assert_int_equal(hw_ed25519_sign(&key, SLICE_OF(message), sig, NULL), ERR_OK);
    for (size_t n = 0; n <= sizeof sig; n++)
        assert_int_equal(hw_ed25519_verify(key.public, SLICE_OF(message), (struct slice){sig, n}),
                         n == ED25519_SIG_LEN ? ERR_OK : ERR_SIGNATURE_INVALID);
    for (size_t bit = 0; bit < 8 * ED25519_SIG_LEN; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            hw_ed25519_verify(key.public, SLICE_OF(message), (struct slice){sig, ED25519_SIG_LEN}),
            ERR_SIGNATURE_INVALID);
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            hw_ed25519_verify(key.public, SLICE_OF(message), (struct slice){sig, ED25519_SIG_LEN}),
            ERR_SIGNATURE_INVALID);
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Under the neutral point the signature R = B, S = 1 fits every message. */
static void small_order_is_no_key(void **state)
{
    static const char *const KEYS[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    uint8_t key[ED25519_KEY_LEN], sig[ED25519_SIG_LEN] = {0};
    (void)state;

    bytes_of("5866666666666666666666666666666666666666666666666666666666666666", sig, 32);
    sig[32] = 1;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        bytes_of(KEYS[i], key, sizeof key);
        assert_int_equal(hw_ed25519_check(key, NULL), ERR_KEY_MALFORMED);
        assert_int_equal(hw_ed25519_verify(key, slice_str("anything"), SLICE_OF(sig)),
                         ERR_SIGNATURE_INVALID);
    }
    key[0] = 0xeb; /* a point of large order, or none */
    assert_int_equal(hw_ed25519_check(key, NULL), ERR_OK);
}

static void files(void **state)
{
    char dir[] = "/tmp/pawl-ed25519-XXXXXX";
    CLEANUP(buf_free) struct buf path = {0}, pem = {0}, other = {0};
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    struct hw_ed25519 key, again;
    const char *name;
    struct stat st;
    struct why why = {0};
    (void)state;

    assert_non_null(mkdtemp(dir));
    assert_int_equal(path_join(dir, "log.key", &path), ERR_OK);
    name = (const char *)path.ptr;
    assert_int_equal(hw_ed25519_load(name, &again, &why), ERR_NOT_FOUND);
    assert_int_equal(hw_ed25519_generate(&key, &why), ERR_OK);
    assert_int_equal(hw_ed25519_save(name, &key, &why), ERR_OK);
    assert_int_equal(hw_ed25519_save(name, &key, &why), ERR_EXISTS);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(hw_ed25519_load(name, &again, &why), ERR_OK);
    assert_memory_equal(&key, &again, sizeof key);
    assert_int_equal(chmod(name, 0644), 0);
    assert_int_equal(hw_ed25519_load(name, &again, &why), ERR_STORAGE);

    assert_int_equal(hw_ed25519_to_pem(&key, &pem), ERR_OK);
    assert_non_null(memmem(pem.ptr, pem.len, "BEGIN PRIVATE KEY", 17));
    for (size_t n = 0; n + 1 < pem.len; n++)
        assert_int_equal(hw_ed25519_from_pem((struct slice){pem.ptr, n}, &again, &why),
                         ERR_KEY_REF);
    assert_int_equal(hw_signer_generate(HW_ES256, &signer, &why), ERR_OK);
    assert_int_equal(hw_signer_to_pem(signer, &other), ERR_OK);
    assert_int_equal(hw_ed25519_from_pem(buf_slice(&other), &again, &why), ERR_KEY_REF);
    assert_int_equal(hw_signer_from_pem(buf_slice(&pem), &signer, &why), ERR_COSE_ALG);

    hw_ed25519_wipe(&key);
    assert_memory_equal(&key, &(struct hw_ed25519){0}, sizeof key);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_signatures),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(small_order_is_no_key),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests_name("ed25519", tests, NULL, NULL);
}
