/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the COSE working group (github.com/cose-wg/Examples) and of go-cose: what should
 * verify does, what should fail does not, and an algorithm that pawl does not do is refused by
 * name. Every file ends in one of the four counts of its folder. */
#include "gate/base/file.h"
#include "gate/base/vectors_testing.h"
#include "gate/cose/cose.h"
#include "gate/cose/cose_key.h"
#include "gate/cose/cose_testing.h"
#include "gate/cose/x509.h"

#include <stdlib.h>

#define EXIT_SKIP 77

static struct {
    size_t verified; /* the signature is right */
    size_t rejected; /* it had to be refused, and was */
    size_t named;    /* an algorithm that pawl does not do, refused by its name */
    size_t other;    /* no signature: encryption, MAC */
    size_t tampered; /* changed octets of messages that verified, all refused */
} tally;

/* What the examples call good and pawl refuses. Mended, it verifies, so that nothing else is wrong
 * with it. A message whose algorithm is not protected cannot be mended: there the octets that are
 * signed are looked at alone. */
static const struct {
    const char *file;
    err_code want; /* from pawl */
    const char *from,
        *to; /* octets in the message and what they should be; from "": at the front */
    const char *reason;
} STRICTER[] = {
    {"sign-tests/sign-pass-03.json", ERR_COSE_MALFORMED, "", "d862", "no tag"},
    {"sign1-tests/sign-pass-03.json", ERR_COSE_MALFORMED, "", "d2", "no tag"},
    {"sign1-tests/sign-pass-01.json", ERR_COSE_ALG, NULL, NULL, "alg is not protected"},
    {"x509-examples/signed-01.json", ERR_COSE_MALFORMED, "046e416c", "044e416c",
     "kid is a text, RFC 9052 3.1 has a byte string"},
};

/* ---- keys ------------------------------------------------------------------------------------ */

/* base64url without padding, or hex under the name with "_hex". */
static bool member(const json_t *key, const char *name, struct buf *ret)
{
    char long_name[16], text[2048];
    const char *value = json_string_value(json_object_get(key, name));
    size_t len = 0;
    json_t *padded;

    (void)snprintf(long_name, sizeof long_name, "%s_hex", name);
    if (json_object_get(key, long_name) != NULL) {
        vectors_hex(key, long_name, ret);
        return true;
    }
    if (value == NULL)
        return false;
    for (; value[len] != '\0' && len < sizeof text - 4; len++)
        text[len] = value[len] == '-' ? '+' : value[len] == '_' ? '/' : value[len];
    while (len % 4 != 0)
        text[len++] = '=';
    padded = json_stringn(text, len);
    vectors_base64(padded, ret);
    json_decref(padded);
    return true;
}

static bool is(const json_t *object, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && strcmp(text, value) == 0;
}

/* False for the kinds of key that pawl does not have. The key takes the way through a COSE_Key. */
static bool key_of(const json_t *json, struct hw_pubkey *ret)
{
    CLEANUP(buf_free) struct buf a = {0}, b = {0}, bytes = {0};
    struct cbor_writer w = cbor_write(&bytes);
    struct hw_pubkey key = {0};
    struct cbor_reader r;
    struct why why = {0};

    if (is(json, "crv", "P-256") && member(json, "x", &a) && member(json, "y", &b)) {
        key.alg = HW_ES256;
        assert_int_equal(a.len + b.len, 64);
        memcpy(key.x, a.ptr, 32);
        memcpy(key.y, b.ptr, 32);
    } else if (is(json, "kty", "RSA") && member(json, "n", &a) && member(json, "e", &b)) {
        key.alg = HW_PS256;
        assert_in_range(a.len, 256, HW_RSA_MAX);
        memcpy(key.n, a.ptr, a.len);
        key.n_len = a.len;
        for (size_t i = 0; i < b.len; i++)
            key.e = key.e << 8 | b.ptr[i];
    } else {
        return false;
    }
    cose_key_put(&w, &key);
    assert_int_equal(cbor_written(&w), ERR_OK);
    r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    if (cose_key_get(&r, ret, &why) != ERR_OK || !hw_pubkey_eq(ret, &key))
        fail_msg("the key did not come back: %s", why.text);
    return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* One signature of a vector, whichever of the two message types it is in. */
struct vector {
    const char *name;
    bool sign1;
    const json_t *key;
    struct buf aad, payload, tbs; /* payload: detached; tbs: as the vector gives it, or empty */
};

static void vector_free(struct vector *v)
{
    buf_free(&v->aad);
    buf_free(&v->payload);
    buf_free(&v->tbs);
}

static err_code judge_tbs(const struct vector *v, const struct hw_pubkey *key, struct slice tbs,
                          struct slice sig, struct why *why)
{
    struct hw_statement st;

    if (v->tbs.len > 0)
        same_bytes(v->name, tbs, buf_slice(&v->tbs));
    TRY(hw_statement_of(key, tbs, sig, &st));
    return hw_verify_soft(&st, why);
}

static err_code judge_sign1(const struct vector *v, struct slice bytes, struct why *why)
{
    CLEANUP(buf_free) struct buf tbs = {0};
    struct hw_pubkey key = {0};
    struct hw_statement st;
    struct cose_sign1 msg;
    bool known = key_of(v->key, &key);
    enum hw_alg alg;

    TRY(cose_sign1_parse(bytes, CBOR_FOREIGN, &msg, why));
    if (!known && msg.headers.alg != 0)
        return cose_alg_from(msg.headers.alg, &alg, why);
    TRY(cose_sign1_statement(&msg, &key, buf_slice(&v->payload), &st, why));
    if (v->aad.len == 0)
        TRY(hw_verify_soft(&st, why));
    TRY(cose_sign1_tbs(msg.protected_, buf_slice(&v->aad),
                       msg.detached ? buf_slice(&v->payload) : msg.payload, &tbs));
    return judge_tbs(v, &key, buf_slice(&tbs), msg.signature, why);
}

static err_code judge_sign(const struct vector *v, struct slice bytes, struct why *why)
{
    static struct cose_sign msg;
    CLEANUP(buf_free) struct buf tbs = {0};
    struct hw_pubkey key = {0};
    struct hw_statement st;
    bool known = key_of(v->key, &key);
    enum hw_alg alg;

    TRY(cose_sign_parse(bytes, CBOR_FOREIGN, &msg, why));
    assert_int_equal(msg.n_signatures, 1);
    if (!known)
        return cose_alg_from(msg.signatures[0].headers.alg, &alg, why);
    TRY(cose_sign_statement(&msg, 0, &key, (struct slice){0}, &st, why));
    if (v->aad.len == 0)
        TRY(hw_verify_soft(&st, why));
    TRY(cose_sign_tbs(msg.protected_, msg.signatures[0].protected_, buf_slice(&v->aad), msg.payload,
                      &tbs));
    return judge_tbs(v, &key, buf_slice(&tbs), msg.signatures[0].signature, why);
}

static err_code judge(const struct vector *v, struct slice bytes, struct why *why)
{
    return v->sign1 ? judge_sign1(v, bytes, why) : judge_sign(v, bytes, why);
}

/* Every octet that the signature covers, and the signature, with one bit turned. */
static void tamper(const struct vector *v, struct buf *bytes, struct slice part)
{
    struct vector blind = {
        .name = v->name, .sign1 = v->sign1, .key = v->key, .aad = v->aad, .payload = v->payload};
    struct why why = {0};

    for (size_t i = 0; i < part.len; i++) {
        size_t at = (size_t)(part.ptr - bytes->ptr) + i;
        bytes->ptr[at] ^= (uint8_t)(1u << i % 8);
        if (judge(&blind, buf_slice(bytes), &why) == ERR_OK)
            fail_msg("%s: byte %zu does not count", v->name, at);
        bytes->ptr[at] ^= (uint8_t)(1u << i % 8);
        tally.tampered++;
    }
}

static void tamper_all(const struct vector *v, struct buf *bytes)
{
    static struct cose_sign sign;
    struct cose_sign1 sign1;
    struct why why = {0};

    if (v->sign1) {
        assert_int_equal(cose_sign1_parse(buf_slice(bytes), CBOR_FOREIGN, &sign1, &why), ERR_OK);
        tamper(v, bytes, sign1.protected_);
        tamper(v, bytes, sign1.payload);
        tamper(v, bytes, sign1.signature);
        return;
    }
    assert_int_equal(cose_sign_parse(buf_slice(bytes), CBOR_FOREIGN, &sign, &why), ERR_OK);
    tamper(v, bytes, sign.protected_);
    tamper(v, bytes, sign.payload);
    tamper(v, bytes, sign.signatures[0].protected_);
    tamper(v, bytes, sign.signatures[0].signature);
}

static void must_verify(const struct vector *v, struct buf *bytes)
{
    struct why why = {0};
    err_code err = judge(v, buf_slice(bytes), &why);

    if (err != ERR_OK)
        fail_msg("%s: %s: %s", v->name, err_name(err), why.text);
    tamper_all(v, bytes);
    tally.verified++;
}

static void must_be_rejected(const struct vector *v, const struct buf *bytes)
{
    struct why why = {0};
    err_code err = judge(v, buf_slice(bytes), &why);

    if (err == ERR_OK)
        fail_msg("%s: verified, but must not", v->name);
    print_message("  %s: rejected: %s\n", v->name, err_name(err));
    tally.rejected++;
}

static void must_be_named(const struct vector *v, const struct buf *bytes, const char *name)
{
    struct why why = {0};
    err_code err = judge(v, buf_slice(bytes), &why);

    if (err != ERR_COSE_ALG || strstr(why.text, name) == NULL)
        fail_msg("%s: %s \"%s\", wanted a refusal of %s", v->name, err_name(err), why.text, name);
    tally.named++;
}

/* The registered name under which pawl refuses an algorithm of the examples; NULL: it does it. */
static const char *refused_name(const char *alg)
{
    static const struct {
        const char *example, *registered;
    } NAMES[] = {
        {"EdDSA", "EdDSA (-8)"},        {"ES512", "ES512 (-36)"}, {"RSA-PSS-384", "PS384 (-38)"},
        {"RSA-PSS-512", "PS512 (-39)"}, {"PS384", "PS384 (-38)"},
    };

    for (size_t i = 0; i < N(NAMES); i++)
        if (strcmp(NAMES[i].example, alg) == 0)
            return NAMES[i].registered;
    return NULL;
}

/* ---- the working group's --------------------------------------------------------------------- */

static void mend(struct buf *bytes, size_t row)
{
    CLEANUP(buf_free) struct buf from = unhex(STRICTER[row].from), to = unhex(STRICTER[row].to);
    CLEANUP(buf_free) struct buf old = buf_take(bytes);
    uint8_t *at = from.len == 0 ? old.ptr : memmem(old.ptr, old.len, from.ptr, from.len);
    size_t before;

    assert_non_null(at);
    before = (size_t)(at - old.ptr);
    assert_int_equal(buf_add(bytes, old.ptr, before), ERR_OK);
    assert_int_equal(buf_add_slice(bytes, buf_slice(&to)), ERR_OK);
    assert_int_equal(buf_add(bytes, at + from.len, old.len - before - from.len), ERR_OK);
}

/* h'a0' on the wire is h'' in the Sig_structure (RFC 9052 4.4). */
static void only_octets(const struct vector *v, const struct buf *bytes)
{
    CLEANUP(buf_free) struct buf tbs = {0};
    struct hw_pubkey key;
    struct cose_sign1 msg;
    struct why why = {0};

    assert_true(key_of(v->key, &key));
    assert_int_equal(cose_sign1_parse(buf_slice(bytes), CBOR_FOREIGN, &msg, &why), ERR_OK);
    assert_int_equal(msg.protected_.len, 0);
    assert_int_equal(cose_sign1_tbs(msg.protected_, (struct slice){0}, msg.payload, &tbs), ERR_OK);
    assert_int_equal(judge_tbs(v, &key, buf_slice(&tbs), msg.signature, &why), ERR_OK);
    tally.verified++;
}

static void stricter(const struct vector *v, struct buf *bytes, size_t row)
{
    struct why why = {0};
    err_code err = judge(v, buf_slice(bytes), &why);

    if (err != STRICTER[row].want)
        fail_msg("%s: %s, wanted %s", v->name, err_name(err), err_name(STRICTER[row].want));
    print_message("  %s: rejected by rule: %s\n", v->name, STRICTER[row].reason);
    tally.rejected++;
    if (STRICTER[row].from == NULL) {
        only_octets(v, bytes);
        return;
    }
    mend(bytes, row);
    must_verify(v, bytes);
}

static void wg_judge(const struct vector *v, struct buf *bytes, bool fail, const char *alg)
{
    const char *named = refused_name(alg);

    for (size_t i = 0; i < N(STRICTER); i++)
        if (strstr(v->name, STRICTER[i].file) != NULL) {
            stricter(v, bytes, i);
            return;
        }
    if (fail)
        must_be_rejected(v, bytes);
    else if (named != NULL)
        must_be_named(v, bytes, named);
    else
        must_verify(v, bytes);
}

static const char *short_name(const char *path)
{
    const char *last = strrchr(path, '/');

    while (last > path && last[-1] != '/')
        last--;
    return last;
}

static void wg_visit(const char *path, const json_t *json)
{
    const json_t *input = json_object_get(json, "input");
    const json_t *signer = json_object_get(input, "sign0"), *between, *alg;
    CLEANUP(vector_free) struct vector v = {.name = short_name(path), .sign1 = signer != NULL};
    CLEANUP(buf_free) struct buf bytes = {0};
    bool fail = json_is_true(json_object_get(json, "fail"));

    between = json_object_get(json, "intermediates");
    if (signer == NULL) {
        signer = json_array_get(json_object_get(json_object_get(input, "sign"), "signers"), 0);
        between = json_array_get(json_object_get(between, "signers"), 0);
    }
    if (signer == NULL) {
        tally.other++;
        return;
    }
    v.key = json_object_get(signer, "key");
    if (json_object_get(signer, "external") != NULL)
        vectors_hex(signer, "external", &v.aad);
    if (!fail && json_object_get(between, "ToBeSign_hex") != NULL)
        vectors_hex(between, "ToBeSign_hex", &v.tbs);
    vectors_hex(json_object_get(json, "output"), "cbor", &bytes);
    alg = json_object_get(signer, "protected");
    if (json_object_get(alg, "alg") == NULL)
        alg = json_object_get(signer, "unprotected");
    wg_judge(&v, &bytes, fail, vectors_text(alg, "alg"));
}

/* ---- go-cose --------------------------------------------------------------------------------- */

static void hex_in(const json_t *object, const char *key, struct buf *ret)
{
    vectors_hex(json_object_get(object, key), "cborHex", ret);
}

/* The message that the vector gives is the one that pawl would put together from its parts. */
static void same_assembly(const char *name, const json_t *sign, const struct buf *bytes)
{
    CLEANUP(buf_free) struct buf p = {0}, u = {0}, payload = {0}, out = {0};
    struct cose_sign1 msg;
    struct why why = {0};

    hex_in(sign, "protectedHeaders", &p);
    hex_in(sign, "unprotectedHeaders", &u);
    vectors_hex(sign, "payload", &payload);
    assert_int_equal(cose_sign1_parse(buf_slice(bytes), CBOR_FOREIGN, &msg, &why), ERR_OK);
    assert_int_equal(cose_sign1_assemble(buf_slice(&p), buf_slice(&u), buf_slice(&payload),
                                         vectors_bool(sign, "detached"), msg.signature, &out),
                     ERR_OK);
    same_bytes(name, buf_slice(&out), buf_slice(bytes));
}

/* The signature in this file is by the key in the other: rejected under the one, right under the
 * other. */
#define WRONG_KEY "testdata/sign1-sign-0000.json"
#define RIGHT_KEY "go-cose/testdata/sign1-sign-0001.json"

static void wrong_key(struct vector *v, struct buf *bytes)
{
    char path[4096];
    json_t *json;

    must_be_rejected(v, bytes);
    assert_true(vectors_path(RIGHT_KEY, path, sizeof path));
    json = vectors_json(path);
    v->key = json_object_get(json, "key");
    must_verify(v, bytes);
    json_decref(json);
}

static void go_visit(const char *path, const json_t *json)
{
    const json_t *sign = json_object_get(json, "sign1::sign");
    const json_t *verify = json_object_get(json, "sign1::verify");
    const json_t *from = sign != NULL ? sign : verify;
    CLEANUP(vector_free) struct vector v = {.name = short_name(path), .sign1 = true};
    CLEANUP(buf_free) struct buf bytes = {0};
    const char *named = refused_name(vectors_text(json, "alg"));

    v.key = json_object_get(json, "key");
    hex_in(from, sign != NULL ? "expectedOutput" : "taggedCOSESign1", &bytes);
    if (json_object_get(from, "external") != NULL)
        vectors_hex(from, "external", &v.aad);
    if (sign != NULL) {
        hex_in(sign, "tbsHex", &v.tbs);
        same_assembly(v.name, sign, &bytes);
    }
    if (strcmp(v.name, WRONG_KEY) == 0)
        wrong_key(&v, &bytes);
    else if (verify != NULL && !vectors_bool(verify, "shouldVerify"))
        must_be_rejected(&v, &bytes);
    else if (named != NULL)
        must_be_named(&v, &bytes, named);
    else
        must_verify(&v, &bytes);
}

/* ---- folders --------------------------------------------------------------------------------- */

enum { V = 1, R = 2, NAMED = 4, OTHER = 8 };

static const struct {
    const char *folder;
    void (*visit)(const char *path, const json_t *json);
    unsigned must; /* the counts that must not be zero */
} FOLDERS[] = {
    {"cose-wg-examples/sign-tests", wg_visit, V | R},
    {"cose-wg-examples/sign1-tests", wg_visit, V | R},
    {"cose-wg-examples/ecdsa-examples", wg_visit, V | NAMED},
    {"cose-wg-examples/eddsa-examples", wg_visit, NAMED},
    {"cose-wg-examples/rsa-pss-examples", wg_visit, V | NAMED},
    {"cose-wg-examples/x509-examples", wg_visit, V},
    {"cose-wg-examples/countersign", wg_visit, NAMED | OTHER},
    {"cose-wg-examples/countersign1", wg_visit, NAMED | OTHER},
    {"cose-wg-examples/CWT", wg_visit, V | OTHER},
    {"cose-wg-examples/RFC8152", wg_visit, V | OTHER},
    {"go-cose/testdata", go_visit, V | R | NAMED},
};

static void every_folder_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(FOLDERS); i++) {
        char path[4096];
        size_t files;
        unsigned got;

        if (!vectors_path(FOLDERS[i].folder, path, sizeof path))
            fail_msg("no %s", FOLDERS[i].folder);
        memset(&tally, 0, sizeof tally);
        files = vectors_walk(path, FOLDERS[i].visit);
        print_message("%s: %zu files: %zu verified (and %zu changes to them refused), %zu rejected "
                      "as they must, %zu algorithms refused by name, %zu without a signature (MAC "
                      "or encryption)\n",
                      FOLDERS[i].folder, files, tally.verified, tally.tampered, tally.rejected,
                      tally.named, tally.other);
        got = (tally.verified > 0 ? V : 0u) | (tally.rejected > 0 ? R : 0u) |
              (tally.named > 0 ? NAMED : 0u) | (tally.other > 0 ? OTHER : 0u);
        if ((got & FOLDERS[i].must) != FOLDERS[i].must)
            fail_msg("%s: a count is zero", FOLDERS[i].folder);
    }
}

/* ---- single ones ----------------------------------------------------------------------------- */

static struct buf output_of(const char *file)
{
    struct buf bytes = {0};
    char path[4096];
    json_t *json;

    assert_true(vectors_path(file, path, sizeof path));
    json = vectors_json(path);
    vectors_hex(json_object_get(json, "output"), "cbor", &bytes);
    json_decref(json);
    return bytes;
}

/* RFC 8392 A.3 carries its claims as the payload; in a header they read the same (RFC 9597). */
static void the_claims_of_rfc_8392(void **state)
{
    CLEANUP(buf_free) struct buf bytes = output_of("cose-wg-examples/CWT/A_3.json");
    CLEANUP(buf_free) struct buf header = unhex("a201260f"), out = {0};
    static const uint8_t CTI[] = {0x0b, 0x71};
    struct cose_sign1 msg;
    struct why why = {0};
    (void)state;

    assert_int_equal(cose_sign1_parse(buf_slice(&bytes), CBOR_FOREIGN, &msg, &why), ERR_OK);
    assert_int_equal(buf_add_slice(&header, msg.payload), ERR_OK);
    assert_int_equal(cose_sign1_assemble(buf_slice(&header), (struct slice){0}, (struct slice){0},
                                         true, msg.signature, &out),
                     ERR_OK);
    assert_int_equal(cose_sign1_parse(buf_slice(&out), CBOR_DETERMINISTIC, &msg, &why), ERR_OK);
    assert_true(slice_eq_str(msg.headers.claims.iss, "coap://as.example.com"));
    assert_true(slice_eq_str(msg.headers.claims.sub, "erikw"));
    assert_true(slice_eq(msg.headers.claims.cti, SLICE_OF(CTI)));
    assert_true(msg.headers.claims.has_exp && msg.headers.claims.exp == 1444064944);
    assert_true(msg.headers.claims.has_nbf && msg.headers.claims.nbf == 1443944944);
    assert_true(msg.headers.claims.has_iat && msg.headers.claims.iat == 1443944944);
}

static void certificates_are_carried(void **state)
{
    static const struct {
        const char *file;
        bool chain, thumbprint;
    } FILES[] = {
        {"cose-wg-examples/x509-examples/signed-03.json", true, false},
        {"cose-wg-examples/x509-examples/signed-04.json", true, false},
        {"cose-wg-examples/x509-examples/signed-05.json", false, true},
    };
    static struct cose_sign msg;
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < N(FILES); i++) {
        CLEANUP(buf_free) struct buf bytes = output_of(FILES[i].file);
        const struct cose_headers *h = &msg.signatures[0].headers;

        assert_int_equal(cose_sign_parse(buf_slice(&bytes), CBOR_FOREIGN, &msg, &why), ERR_OK);
        if ((h->x5chain.len > 0) != FILES[i].chain || (h->x5t.len > 0) != FILES[i].thumbprint)
            fail_msg("%s: x5chain %zu, x5t %zu bytes", FILES[i].file, h->x5chain.len, h->x5t.len);
    }
}

/* The certificates of these examples, as files: the second one issued the first. */
static void certificates_of_the_examples(void **state)
{
    static const char *const FILES[] = {"alice.der", "ca.der"};
    struct buf ders[2] = {0};
    struct x509_chain chain = {.n = 2};
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        char name[64], path[4096];

        (void)snprintf(name, sizeof name, "cose-wg-examples/x509-examples/%s", FILES[i]);
        assert_true(vectors_path(name, path, sizeof path));
        assert_int_equal(file_read(path, X509_CERT_MAX, &ders[i], &why), ERR_OK);
        chain.certs[i] = buf_slice(&ders[i]);
    }
    if (x509_chain_validate(&chain, 1700000000, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(x509_chain_validate(&chain, 1500000000, &why), ERR_NOT_YET_VALID);
    chain.certs[0] = buf_slice(&ders[1]);
    chain.certs[1] = buf_slice(&ders[0]);
    assert_int_equal(x509_chain_validate(&chain, 1700000000, &why), ERR_CERT_CHAIN);
    buf_free(&ders[0]);
    buf_free(&ders[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_folder_is_judged),
        cmocka_unit_test(the_claims_of_rfc_8392),
        cmocka_unit_test(certificates_are_carried),
        cmocka_unit_test(certificates_of_the_examples),
    };
    char path[4096];

    if (!vectors_path("cose-wg-examples", path, sizeof path) ||
        !vectors_path("go-cose", path, sizeof path))
        return EXIT_SKIP;
    return cmocka_run_group_tests_name("cose_vectors", tests, NULL, NULL);
}
