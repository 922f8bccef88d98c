/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cose_key.h"
#include "gate/cose/cose_testing.h"

static const enum hw_alg ALGS[] = {HW_ES256, HW_ES384, HW_PS256};

static struct buf put(const struct hw_pubkey *key)
{
    struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    cose_key_put(&w, key);
    assert_int_equal(cbor_written(&w), ERR_OK);
    return out;
}

static err_code get(struct slice bytes, struct hw_pubkey *ret, struct why *why)
{
    struct cbor_reader r = cbor_read(bytes, CBOR_FOREIGN);
    err_code err = cose_key_get(&r, ret, why);

    assert_int_equal(err, r.err); /* the reader keeps the failure */
    if (err == ERR_OK)
        assert_int_equal(cbor_done(&r), ERR_OK);
    return err;
}

static void keys_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(ALGS); i++) {
        CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(ALGS[i]);
        CLEANUP(buf_free) struct buf out = put(&signer->key);
        struct hw_pubkey key;
        struct why why = {0};

        assert_int_equal(cbor_check(buf_slice(&out), CBOR_DETERMINISTIC), ERR_OK);
        assert_int_equal(get(buf_slice(&out), &key, &why), ERR_OK);
        assert_true(hw_pubkey_eq(&key, &signer->key));
        for (size_t n = 0; n < out.len; n++)
            if (get((struct slice){out.ptr, n}, &key, &why) != ERR_CBOR_MALFORMED)
                fail_msg("%s: cut to %zu bytes", hw_alg_name(ALGS[i]), n);
    }
}

/* A changed bit gives no key, or another one; never the same. (alg and unknown labels aside: their
 * change may leave a key of the same type.) */
static void every_bit_of_the_numbers_counts(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(HW_ES256);
    CLEANUP(buf_free) struct buf out = put(&signer->key);
    struct hw_pubkey key;
    struct why why = {0};
    (void)state;

    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (bit / 8 != 3 && bit / 8 != 4 && get(buf_slice(&out), &key, &why) == ERR_OK &&
            hw_pubkey_eq(&key, &signer->key))
            fail_msg("bit %zu of byte %zu does not count", bit % 8, bit / 8);
        out.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* RFC 9679 6: the example key and its thumbprint. */
static const char THUMB_X[] = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d";
static const char THUMB_Y[] = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c";
static const char THUMB[] = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec";

static void the_thumbprint_is_the_rfc_s(void **state)
{
    CLEANUP(buf_free) struct buf x = unhex(THUMB_X), y = unhex(THUMB_Y), want = unhex(THUMB);
    struct hw_pubkey key = {.alg = HW_ES256};
    struct digest got;
    (void)state;

    memcpy(key.x, x.ptr, x.len);
    memcpy(key.y, y.ptr, y.len);
    assert_int_equal(cose_key_thumbprint(&key, &got), ERR_OK);
    same_bytes("thumbprint", digest_slice(&got), buf_slice(&want));
    assert_int_equal(cose_key_thumbprint(&(struct hw_pubkey){0}, &got), ERR_KEY_MALFORMED);
}

static void thumbprints_cover_the_required_members(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(ALGS); i++) {
        CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(ALGS[i]);
        CLEANUP(buf_free) struct buf out = put(&signer->key), bare = {0};
        static const uint8_t HEADS[] = {0xa4, 0xa3}; /* one member less: alg */
        struct digest got, want;
        size_t alg_len = ALGS[i] == HW_ES256 ? 2 : 3;

        assert_int_equal(buf_add_u8(&bare, HEADS[ALGS[i] == HW_PS256]), ERR_OK);
        assert_int_equal(buf_add(&bare, out.ptr + 1, 2), ERR_OK);
        assert_int_equal(buf_add(&bare, out.ptr + 3 + alg_len, out.len - 3 - alg_len), ERR_OK);
        assert_int_equal(hash_sha256(buf_slice(&bare), &want), ERR_OK);
        assert_int_equal(cose_key_thumbprint(&signer->key, &got), ERR_OK);
        same_bytes(hw_alg_name(ALGS[i]), digest_slice(&got), digest_slice(&want));
    }
}

#define X256 "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
#define Y256 "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"
#define XY "215820" X256 "225820" Y256

static const struct {
    const char *name, *hex;
    err_code want;
    const char *said;
} KEYS[] = {
    {"required members",
     "a4"
     "0102"
     "2001" XY,
     ERR_OK, ""},
    {"kid, key_ops verify, unknown",
     "a7"
     "0102"
     "024131"
     "048102"
     "2001" XY "3903e7f6",
     ERR_OK, ""},
    {"alg ES256",
     "a5"
     "0102"
     "0326"
     "2001" XY,
     ERR_OK, ""},
    {"alg ESP256",
     "a5"
     "0102"
     "0328"
     "2001" XY,
     ERR_OK, ""},
    {"members in another order",
     "a4"
     "225820" Y256 "215820" X256 "2001"
     "0102",
     ERR_OK, ""},
    {"key_ops sign and verify",
     "a5"
     "0102"
     "04820102"
     "2001" XY,
     ERR_OK, ""},
    {"key_ops as text",
     "a5"
     "0102"
     "048166766572696679"
     "2001" XY,
     ERR_OK, ""},
    {"y as a sign",
     "a4"
     "0102"
     "2001"
     "215820" X256 "22f4",
     ERR_OK, ""},
    {"alg ES384 on P-256",
     "a5"
     "0102"
     "033822"
     "2001" XY,
     ERR_KEY_MALFORMED, "ES384"},
    {"alg PS256 on P-256",
     "a5"
     "0102"
     "033824"
     "2001" XY,
     ERR_KEY_MALFORMED, "PS256"},
    {"alg EdDSA",
     "a5"
     "0102"
     "0327"
     "2001" XY,
     ERR_COSE_ALG, "EdDSA (-8)"},
    {"alg text",
     "a5"
     "0102"
     "036161"
     "2001" XY,
     ERR_KEY_MALFORMED, "alg"},
    {"key_ops sign",
     "a5"
     "0102"
     "048101"
     "2001" XY,
     ERR_KEY_MALFORMED, "key_ops"},
    {"key_ops empty",
     "a5"
     "0102"
     "0480"
     "2001" XY,
     ERR_KEY_MALFORMED, "key_ops"},
    {"key_ops not an array",
     "a5"
     "0102"
     "0402"
     "2001" XY,
     ERR_KEY_MALFORMED, "key_ops"},
    {"key_ops verify, then nonsense",
     "a5"
     "0102"
     "048202f6"
     "2001" XY,
     ERR_KEY_MALFORMED, "key_ops"},
    {"no kty",
     "a3"
     "2001" XY,
     ERR_KEY_MALFORMED, "kty"},
    {"kty text",
     "a4"
     "016145"
     "2001" XY,
     ERR_KEY_MALFORMED, "kty"},
    {"kty OKP",
     "a3"
     "0101"
     "2006"
     "215820" X256,
     ERR_COSE_ALG, "OKP"},
    {"kty AKP",
     "a3"
     "0107"
     "03382f"
     "204100",
     ERR_COSE_ALG, "AKP"},
    {"kty symmetric",
     "a2"
     "0104"
     "204100",
     ERR_COSE_ALG, "kty 4"},
    {"no crv",
     "a3"
     "0102" XY,
     ERR_KEY_MALFORMED, "crv"},
    {"crv P-521",
     "a4"
     "0102"
     "2003" XY,
     ERR_COSE_ALG, "curve 3"},
    {"crv P-384, coordinates of P-256",
     "a4"
     "0102"
     "2002" XY,
     ERR_KEY_MALFORMED, "wanted 48"},
    {"no x",
     "a3"
     "0102"
     "2001"
     "225820" Y256,
     ERR_KEY_MALFORMED, "no x"},
    {"no y",
     "a3"
     "0102"
     "2001"
     "215820" X256,
     ERR_KEY_MALFORMED, "no y"},
    {"x short",
     "a4"
     "0102"
     "2001"
     "214101"
     "225820" Y256,
     ERR_KEY_MALFORMED, "1 bytes, wanted 32"},
    {"y short",
     "a4"
     "0102"
     "2001"
     "215820" X256 "224101",
     ERR_KEY_MALFORMED, "1 bytes, wanted 32"},
    {"y text",
     "a4"
     "0102"
     "2001"
     "215820" X256 "226101",
     ERR_KEY_MALFORMED, "y"},
    {"off the curve",
     "a4"
     "0102"
     "2001"
     "215820" X256 "225820" X256,
     ERR_KEY_MALFORMED, ""},
    {"private",
     "a5"
     "0102"
     "2001" XY "235820" X256,
     ERR_KEY_MALFORMED, "private"},
    {"an array", "80", ERR_KEY_MALFORMED, "map"},
    {"nothing in it", "a0", ERR_KEY_MALFORMED, "kty"},
    {"kty twice",
     "a5"
     "0102"
     "0102"
     "2001" XY,
     ERR_CBOR_DUPLICATE_KEY, ""},
    {"RSA without e",
     "a2"
     "0103"
     "204101",
     ERR_KEY_MALFORMED, "no e"},
    {"RSA of one byte",
     "a3"
     "0103"
     "204103"
     "2143010001",
     ERR_KEY_MALFORMED, ""},
    {"RSA private",
     "a4"
     "0103"
     "204103"
     "2143010001"
     "224101",
     ERR_KEY_MALFORMED, "private"},
    {"RSA, e of five bytes",
     "a3"
     "0103"
     "204103"
     "21450100000001",
     ERR_KEY_MALFORMED, "e of"},
    {"RSA, e with a zero before",
     "a3"
     "0103"
     "204103"
     "214400010001",
     ERR_KEY_MALFORMED, "e of"},
    {"RSA, n with a zero before",
     "a3"
     "0103"
     "20420003"
     "2143010001",
     ERR_KEY_MALFORMED, "n of"},
};

static void keys_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(KEYS); i++) {
        CLEANUP(buf_free) struct buf bytes = unhex(KEYS[i].hex);
        struct hw_pubkey key = {0};
        struct why why = {0};
        err_code err = get(buf_slice(&bytes), &key, &why);

        if (err != KEYS[i].want || strstr(why.text, KEYS[i].said) == NULL)
            fail_msg("%s: got %s \"%s\", wanted %s \"%s\"", KEYS[i].name, err_name(err), why.text,
                     err_name(KEYS[i].want), KEYS[i].said);
        assert_int_equal(key.alg, err == ERR_OK ? HW_ES256 : HW_ALG_NONE);
    }
}

/* y as a sign bit gives the point back, on both curves; an x of no point is refused. */
static void compressed_points_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(hw_signer_close) struct hw_signer *signer = new_signer(ALGS[i]);
        CLEANUP(buf_free) struct buf full = put(&signer->key);
        size_t len = hw_coord_len(ALGS[i]);
        bool odd = signer->key.y[len - 1] & 1;
        struct hw_pubkey key = {0};
        struct why why = {0};
        size_t refused = 0;

        buf_cut(&full, full.len - len - 2);
        assert_int_equal(buf_add_u8(&full, odd ? 0xf5 : 0xf4), ERR_OK);
        assert_int_equal(get(buf_slice(&full), &key, &why), ERR_OK);
        assert_true(hw_pubkey_eq(&key, &signer->key));
        full.ptr[full.len - 1] ^= 1;
        assert_int_equal(get(buf_slice(&full), &key, &why), ERR_OK);
        assert_false(hw_pubkey_eq(&key, &signer->key));
        for (int n = 0; n < 64; n++) { /* half of all x have no point */
            full.ptr[full.len - 3] = (uint8_t)n;
            refused += get(buf_slice(&full), &key, &why) == ERR_KEY_MALFORMED;
        }
        assert_in_range(refused, 1, 63);
    }
}

/* One octet more than there is room for. */
static void a_long_modulus_is_refused(void **state)
{
    static uint8_t n[HW_RSA_MAX + 1] = {0xc5, [HW_RSA_MAX - 1] = 1, [HW_RSA_MAX] = 1};
    static const uint8_t E[] = {1, 0, 1};
    (void)state;

    for (size_t len = HW_RSA_MAX; len <= sizeof n; len++) {
        CLEANUP(buf_free) struct buf out = {0};
        struct cbor_writer w = cbor_write(&out);
        struct hw_pubkey key;
        struct why why = {0};

        cbor_put_map(&w, 3);
        cbor_put_int(&w, 1);
        cbor_put_int(&w, 3);
        cbor_put_int(&w, -1);
        cbor_put_bytes(&w, (struct slice){n, len});
        cbor_put_int(&w, -2);
        cbor_put_bytes(&w, SLICE_OF(E));
        assert_int_equal(cbor_written(&w), ERR_OK);
        assert_int_equal(get(buf_slice(&out), &key, &why),
                         len > HW_RSA_MAX ? ERR_KEY_MALFORMED : ERR_OK);
        assert_int_equal(strstr(why.text, "513 bytes") != NULL, len > HW_RSA_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_back),
        cmocka_unit_test(every_bit_of_the_numbers_counts),
        cmocka_unit_test(the_thumbprint_is_the_rfc_s),
        cmocka_unit_test(thumbprints_cover_the_required_members),
        cmocka_unit_test(keys_are_judged),
        cmocka_unit_test(compressed_points_are_read),
        cmocka_unit_test(a_long_modulus_is_refused),
    };
    return cmocka_run_group_tests_name("cose_key", tests, NULL, NULL);
}
