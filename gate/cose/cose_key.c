/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cose_key.h"

#include "gate/cose/cose.h"

#include <string.h>

enum key_label {
    KEY_KTY = 1,
    KEY_KID = 2,
    KEY_ALG = 3,
    KEY_OPS = 4,
    KEY_CRV = -1, /* RSA: n */
    KEY_X = -2,   /* RSA: e */
    KEY_Y = -3,   /* RSA: d */
    KEY_D = -4,
};
enum { KTY_OKP = 1, KTY_EC2 = 2, KTY_RSA = 3, KTY_AKP = 7 };
enum { CRV_P256 = 1, CRV_P384 = 2 };
enum { OP_VERIFY = 2 };

/* ---- writing --------------------------------------------------------------------------------- */

/* An unsigned number without leading zeros (RFC 8230 4). */
static void put_exponent(struct cbor_writer *w, uint32_t e)
{
    uint8_t bytes[4];
    size_t zeros = 0;

    put_u32(bytes, e);
    while (zeros < 3 && bytes[zeros] == 0)
        zeros++;
    cbor_put_bytes(w, slice_part(SLICE_OF(bytes), zeros, sizeof bytes - zeros));
}

static void put_member(struct cbor_writer *w, enum key_label label, struct slice value)
{
    cbor_put_int(w, label);
    cbor_put_bytes(w, value);
}

static void put_key(struct cbor_writer *w, const struct hw_pubkey *key, bool with_alg)
{
    bool rsa = key->alg == HW_PS256;
    size_t len = hw_coord_len(key->alg);

    cbor_put_map(w, (rsa ? 3u : 4u) + with_alg);
    cbor_put_int(w, KEY_KTY);
    cbor_put_int(w, rsa ? KTY_RSA : KTY_EC2);
    if (with_alg) {
        cbor_put_int(w, KEY_ALG);
        cbor_put_int(w, cose_alg_value(key->alg));
    }
    if (rsa) {
        put_member(w, KEY_CRV, (struct slice){key->n, key->n_len});
        cbor_put_int(w, KEY_X);
        put_exponent(w, key->e);
    } else {
        cbor_put_int(w, KEY_CRV);
        cbor_put_int(w, key->alg == HW_ES384 ? CRV_P384 : CRV_P256);
        put_member(w, KEY_X, (struct slice){key->x, len});
        put_member(w, KEY_Y, (struct slice){key->y, len});
    }
}

void cose_key_put(struct cbor_writer *w, const struct hw_pubkey *key)
{
    put_key(w, key, true);
}

err_code cose_key_thumbprint(const struct hw_pubkey *key, struct digest *ret)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    if (key->alg == HW_ALG_NONE || key->n_len > sizeof key->n)
        return ERR_KEY_MALFORMED;
    put_key(&w, key, false);
    TRY(cbor_written(&w));
    return hash_sha256(buf_slice(&out), ret);
}

/* ---- reading --------------------------------------------------------------------------------- */

static err_code int_member(struct slice map, enum key_label label, const char *name, int64_t *ret,
                           struct why *why)
{
    struct cbor_reader r = {.rest = cose_header_find(map, label)};
    int64_t value;

    if (r.rest.len == 0)
        return why_say(why, ERR_KEY_MALFORMED, "the COSE_Key has no %s", name);
    value = cbor_get_int(&r);
    if (r.err != ERR_OK)
        return why_say(why, ERR_KEY_MALFORMED, "%s of the COSE_Key is not an integer", name);
    *ret = value;
    return ERR_OK;
}

static err_code bytes_member(struct slice map, enum key_label label, const char *name,
                             struct slice *ret, struct why *why)
{
    struct cbor_reader r = {.rest = cose_header_find(map, label)};
    struct slice value;

    if (r.rest.len == 0)
        return why_say(why, ERR_KEY_MALFORMED, "the COSE_Key has no %s", name);
    value = cbor_get_bytes(&r);
    if (r.err != ERR_OK)
        return why_say(why, ERR_KEY_MALFORMED, "%s of the COSE_Key is not a byte string", name);
    *ret = value;
    return ERR_OK;
}

/* y as a sign bit (RFC 9053 7.1.1): the point goes through SubjectPublicKeyInfo, whose reader
 * recovers it (SEC 1 2.3.4). */
static err_code decompress(enum hw_alg alg, struct slice x, bool odd, struct hw_pubkey *ret,
                           struct why *why)
{
    static const uint8_t P256[] = {0x30, 0x39, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x22, 0x00};
    static const uint8_t P384[] = {0x30, 0x46, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                   0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                   0x81, 0x04, 0x00, 0x22, 0x03, 0x32, 0x00};
    CLEANUP(buf_free) struct buf der = {0};

    TRY(buf_add_slice(&der, alg == HW_ES256 ? SLICE_OF(P256) : SLICE_OF(P384)));
    TRY(buf_add_u8(&der, odd ? 3 : 2));
    TRY(buf_add_slice(&der, x));
    return hw_pubkey_from_spki(buf_slice(&der), ret, why);
}

static err_code ec_read(struct slice map, struct hw_pubkey *ret, struct why *why)
{
    struct cbor_reader y_reader = {.rest = cose_header_find(map, KEY_Y)};
    struct hw_pubkey out = {0};
    struct slice x = {0}, y = {0};
    int64_t crv = 0;

    TRY(int_member(map, KEY_CRV, "crv", &crv, why));
    out.alg = crv == CRV_P256 ? HW_ES256 : crv == CRV_P384 ? HW_ES384 : HW_ALG_NONE;
    if (out.alg == HW_ALG_NONE)
        return why_say(why, ERR_COSE_ALG,
                       "curve %lld of the COSE_Key is not P-256 (1) or P-384 (2)", (long long)crv);
    TRY(bytes_member(map, KEY_X, "x", &x, why));
    if (x.len != hw_coord_len(out.alg))
        return why_say(why, ERR_KEY_MALFORMED, "x of the COSE_Key has %zu bytes, wanted %zu", x.len,
                       hw_coord_len(out.alg));
    if (cbor_peek(&y_reader) == CBOR_BOOL)
        return decompress(out.alg, x, cbor_get_bool(&y_reader), ret, why);
    TRY(bytes_member(map, KEY_Y, "y", &y, why));
    if (y.len != hw_coord_len(out.alg))
        return why_say(why, ERR_KEY_MALFORMED, "y of the COSE_Key has %zu bytes, wanted %zu", y.len,
                       hw_coord_len(out.alg));
    memcpy(out.x, x.ptr, x.len);
    memcpy(out.y, y.ptr, y.len);
    *ret = out;
    return ERR_OK;
}

static err_code rsa_read(struct slice map, struct hw_pubkey *ret, struct why *why)
{
    struct hw_pubkey out = {.alg = HW_PS256};
    struct slice n = {0}, e = {0};

    TRY(bytes_member(map, KEY_CRV, "n", &n, why));
    TRY(bytes_member(map, KEY_X, "e", &e, why));
    if (n.len == 0 || n.len > sizeof out.n || n.ptr[0] == 0)
        return why_say(why, ERR_KEY_MALFORMED,
                       "n of the COSE_Key has %zu bytes, wanted 256 to %d without a leading zero",
                       n.len, HW_RSA_MAX);
    if (e.len == 0 || e.len > 4 || e.ptr[0] == 0)
        return why_say(why, ERR_KEY_MALFORMED,
                       "e of the COSE_Key has %zu bytes, wanted 1 to 4 without a leading zero",
                       e.len);
    memcpy(out.n, n.ptr, n.len);
    out.n_len = n.len;
    for (size_t i = 0; i < e.len; i++)
        out.e = out.e << 8 | e.ptr[i];
    *ret = out;
    return ERR_OK;
}

/* If the key says what it is for, that must be what pawl would use it for. */
static err_code use_check(struct slice map, enum hw_alg alg, struct why *why)
{
    struct cbor_reader ops = {.rest = cose_header_find(map, KEY_OPS)};
    bool verify = ops.rest.len == 0;
    enum hw_alg said;
    int64_t value;

    if (cose_header_find(map, KEY_ALG).len > 0) {
        TRY(int_member(map, KEY_ALG, "alg", &value, why));
        TRY(cose_alg_from(value, &said, why));
        if (said != alg)
            return why_say(why, ERR_KEY_MALFORMED, "the COSE_Key says %s, but it is a key for %s",
                           hw_alg_name(said), hw_alg_name(alg));
    }
    if (verify)
        return ERR_OK;
    for (size_t n = cbor_get_array(&ops); n > 0 && ops.err == ERR_OK; n--) {
        if (cbor_peek(&ops) == CBOR_TEXT)
            verify = slice_eq_str(cbor_get_text(&ops), "verify") || verify;
        else
            verify = cbor_get_int(&ops) == OP_VERIFY || verify;
    }
    if (ops.err != ERR_OK || !verify)
        return why_say(why, ERR_KEY_MALFORMED, "key_ops of the COSE_Key do not allow verify (2)");
    return ERR_OK;
}

/* A private part where a public key belongs is somebody's accident, and must not be passed on. */
static err_code public_check(struct slice map, int64_t kty, struct why *why)
{
    if (cose_header_find(map, kty == KTY_RSA ? KEY_Y : KEY_D).len > 0)
        return why_say(why, ERR_KEY_MALFORMED, "the COSE_Key holds a private key");
    return ERR_OK;
}

static err_code key_read(struct slice map, struct hw_pubkey *ret, struct why *why)
{
    struct hw_pubkey out = {0};
    int64_t kty = 0;

    TRY(int_member(map, KEY_KTY, "kty", &kty, why));
    TRY(public_check(map, kty, why));
    if (kty == KTY_EC2)
        TRY(ec_read(map, &out, why));
    else if (kty == KTY_RSA)
        TRY(rsa_read(map, &out, why));
    else
        return why_say(why, ERR_COSE_ALG, "kty %lld%s of the COSE_Key is not EC2 (2) or RSA (3)",
                       (long long)kty,
                       kty == KTY_OKP   ? " (OKP)"
                       : kty == KTY_AKP ? " (AKP)"
                                        : "");
    TRY(use_check(map, out.alg, why));
    TRY(hw_pubkey_check(&out, why));
    *ret = out;
    return ERR_OK;
}

err_code cose_key_get(struct cbor_reader *r, struct hw_pubkey *ret, struct why *why)
{
    bool is_map = cbor_peek(r) == CBOR_MAP;
    struct slice map = cbor_get_item(r);
    err_code err;

    if (r->err != ERR_OK)
        return r->err;
    err = is_map ? key_read(map, ret, why)
                 : why_say(why, ERR_KEY_MALFORMED, "the COSE_Key is not a map");
    cbor_fail(r, err);
    return err;
}

err_code cose_key_get_plain(struct cbor_reader *r, struct hw_pubkey *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf plain = {0};
    struct cbor_writer w = cbor_write(&plain);
    struct slice item = cbor_get_item(r);
    struct cbor_reader inner = cbor_read(item, CBOR_DETERMINISTIC);
    struct hw_pubkey key;

    TRY(r->err);
    TRY(cose_key_get(&inner, &key, why));
    cose_key_put(&w, &key);
    TRY(cbor_written(&w));
    if (!slice_eq(buf_slice(&plain), item))
        return why_say(why, ERR_FORMAT, "a key of %zu bytes; its plain form has %zu", item.len,
                       plain.len);
    *ret = key;
    return ERR_OK;
}
