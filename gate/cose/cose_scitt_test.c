/* SPDX-License-Identifier: Apache-2.0 */
/* Signed statements and receipts of others: the vectors of action-state-group/scitt-cose (two of
 * them from a CCF ledger), and the two receipts in the repository of RFC 9942, which come without a
 * key. What is proved by a receipt is the ledger's; here it is read and its signature judged. */
#include "gate/base/file.h"
#include "gate/base/vectors_testing.h"
#include "gate/cose/cose.h"
#include "gate/cose/cose_testing.h"

#include <stdlib.h>

#define EXIT_SKIP 77
#define V1 "scitt-cose-vectors/test-vectors/v1"
#define CCF "scitt-cose-vectors/interop/ccf/shared-vector.json"
#define BUNDLES "scitt-cose-vectors/test-vectors/tamper-states"
#define RECEIPTS "cose-receipts/examples/"

static struct {
    size_t verified, rejected, named;
} tally;

static struct buf load(const char *folder, const char *file)
{
    struct buf bytes = {0};
    struct why why = {0};
    char path[4096 + 64];

    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    if (file_read(path, 1 << 20, &bytes, &why) != ERR_OK)
        fail_msg("%s: %s", path, why.text);
    return bytes;
}

/* Judges a message under a PEM key: it verifies, or must not, or its algorithm is not ours. */
static void judge(const char *name, const struct buf *bytes, struct slice pem, struct slice payload,
                  bool valid)
{
    struct hw_pubkey key;
    struct hw_statement st;
    struct cose_sign1 msg;
    struct why why = {0};
    enum hw_alg alg;
    err_code err;

    assert_int_equal(cose_sign1_parse(buf_slice(bytes), CBOR_FOREIGN, &msg, &why), ERR_OK);
    if (hw_pubkey_from_pem(pem, &key, &why) == ERR_COSE_ALG) {
        assert_int_equal(cose_alg_from(msg.headers.alg, &alg, &why), ERR_COSE_ALG);
        assert_non_null(strstr(why.text, "EdDSA (-8)"));
        tally.named++;
        return;
    }
    err = cose_sign1_statement(&msg, &key, payload, &st, &why);
    if (err == ERR_OK)
        err = hw_verify_soft(&st, &why);
    if ((err == ERR_OK) != valid)
        fail_msg("%s: %s %s", name, err_name(err), why.text);
    tally.verified += valid;
    tally.rejected += !valid;
}

static int64_t int_under(struct slice map, int64_t label)
{
    struct cbor_reader r = {.rest = cose_header_find(map, label)};
    int64_t value = cbor_get_int(&r);

    assert_int_equal(cbor_done(&r), ERR_OK);
    return value;
}

static void same_text(const char *name, struct slice got, const json_t *want)
{
    if (json_is_string(want))
        same_bytes(name, got, slice_str(json_string_value(want)));
    else
        assert_int_equal(got.len, 0);
}

/* The headers as expected.json spells them out. */
static void same_headers(const char *name, const struct buf *statement, const struct buf *receipt,
                         const json_t *want)
{
    const json_t *s = json_object_get(want, "statement"), *r = json_object_get(want, "receipt");
    struct cose_sign1 msg;
    struct why why = {0};

    assert_int_equal(cose_sign1_parse(buf_slice(statement), CBOR_FOREIGN, &msg, &why), ERR_OK);
    same_text(name, msg.headers.content_type, json_object_get(s, "content_type"));
    same_text(name, msg.headers.claims.iss, json_object_get(s, "issuer"));
    same_text(name, msg.headers.claims.sub, json_object_get(s, "subject"));
    assert_true((double)msg.headers.alg == json_real_value(json_object_get(s, "alg_code")));
    assert_int_equal(cose_sign1_parse(buf_slice(receipt), CBOR_FOREIGN, &msg, &why), ERR_OK);
    assert_true(msg.detached);
    assert_true((double)msg.headers.alg == json_real_value(json_object_get(r, "alg_code")));
    assert_int_equal(int_under(msg.headers.protected_map, COSE_VDS), vectors_number(r, "vds"));
    assert_int_not_equal(cose_header_find(msg.headers.unprotected, COSE_VDP).len, 0);
}

static void v1_visit(const char *path, const json_t *json)
{
    CLEANUP(buf_free) struct buf folder = {0}, root = {0};
    CLEANUP(buf_free) struct buf statement = {0}, receipt = {0}, issuer = {0}, log = {0};
    CLEANUP(buf_free) struct buf payload = {0};
    struct cose_sign1 msg;
    const char *dir;

    assert_int_equal(buf_add(&folder, path, (size_t)(strrchr(path, '/') - path)), ERR_OK);
    assert_int_equal(buf_terminate(&folder), ERR_OK);
    dir = (const char *)folder.ptr;
    statement = load(dir, "statement.cose");
    receipt = load(dir, "receipt.cose");
    issuer = load(dir, "issuer-key.pub");
    log = load(dir, "log-key.pub");
    payload = load(dir, "payload.bin");
    assert_int_equal(cose_sign1_parse(buf_slice(&statement), CBOR_FOREIGN, &msg, NULL), ERR_OK);
    same_bytes(path, msg.payload, buf_slice(&payload));
    same_headers(path, &statement, &receipt, json_object_get(json, "protected_header"));
    judge(path, &statement, buf_slice(&issuer), (struct slice){0},
          vectors_bool(json, "statement_signature_valid"));
    if (!json_is_string(json_object_get(json, "reconstructed_root")))
        return; /* the path is wrong, so there is no root that the signature could cover */
    vectors_hex(json, "reconstructed_root", &root);
    judge(path, &receipt, buf_slice(&log), buf_slice(&root), vectors_bool(json, "receipt_valid"));
    root.ptr[0] ^= 1;
    judge(path, &receipt, buf_slice(&log), buf_slice(&root), false);
}

static void statements_and_receipts(void **state)
{
    char path[4096];
    size_t files;
    (void)state;

    assert_true(vectors_path(V1, path, sizeof path));
    memset(&tally, 0, sizeof tally);
    files = vectors_walk(path, v1_visit);
    print_message(
        "%s: %zu vectors: %zu signatures verified, %zu rejected as they must, %zu refused "
        "by the name of their algorithm\n",
        V1, files, tally.verified, tally.rejected, tally.named);
    assert_in_range(tally.verified, 4, 1000);
    assert_in_range(tally.rejected, 2, 1000);
    assert_in_range(tally.named, 4, 1000);
}

/* A statement of a CCF ledger with its certificates, and the ledger's receipt (ES384). */
static void a_ccf_ledger(void **state)
{
    CLEANUP(buf_free) struct buf statement = {0}, receipt = {0}, root = {0}, eddsa = {0};
    const json_t *ccf, *ours;
    struct cose_sign1 msg;
    struct why why = {0};
    char path[4096];
    json_t *json;
    (void)state;

    assert_true(vectors_path(CCF, path, sizeof path));
    json = vectors_json(path);
    ccf = json_object_get(json, "ccf_receipt");
    ours = json_object_get(json, "statement");
    memset(&tally, 0, sizeof tally);
    vectors_hex(ccf, "receipt_bytes_hex", &receipt);
    vectors_hex(json_object_get(ccf, "verify_result"), "root", &root);
    judge("receipt", &receipt, slice_str(vectors_text(ccf, "ts_public_key_pem")), buf_slice(&root),
          true);
    root.ptr[31] ^= 1;
    judge("receipt", &receipt, slice_str(vectors_text(ccf, "ts_public_key_pem")), buf_slice(&root),
          false);
    vectors_hex(ours, "bytes_hex", &eddsa);
    judge("statement", &eddsa, slice_str(vectors_text(ours, "issuer_public_key_pem")),
          (struct slice){0}, true);
    vectors_base64(
        json_object_get(json_object_get(json, "direction_flip"), "statement_bytes_base64"),
        &statement);
    assert_int_equal(cose_sign1_parse(buf_slice(&statement), CBOR_FOREIGN, &msg, &why), ERR_OK);
    assert_int_equal(msg.headers.alg, -7);
    assert_int_not_equal(msg.headers.x5chain.len, 0);
    assert_true(slice_eq_str(slice_part(msg.headers.claims.iss, 0, 9), "did:x509:"));
    json_decref(json);
    print_message("%s: %zu verified, %zu rejected, %zu refused by name, 1 read\n", CCF,
                  tally.verified, tally.rejected, tally.named);
    assert_int_equal(tally.verified, 1);
    assert_int_equal(tally.rejected, 1);
    assert_int_equal(tally.named, 1);
}

/* A statement of the VCP profile: EdDSA, which is refused by name, around JSON. */
static void a_vcp_statement(void **state)
{
    CLEANUP(buf_free) struct buf statement = {0}, issuer = {0};
    struct cose_sign1 msg;
    struct why why = {0};
    char path[4096];
    (void)state;

    assert_true(vectors_path("scitt-cose-vectors/interop/vcp", path, sizeof path));
    statement = load(path, "vcp-statement.cose");
    issuer = load(path, "vcp-issuer-pub.pem");
    assert_int_equal(cose_sign1_parse(buf_slice(&statement), CBOR_FOREIGN, &msg, &why), ERR_OK);
    assert_true(slice_eq_str(msg.headers.content_type, "application/json"));
    assert_true(slice_eq_str(msg.headers.claims.iss, "did:vcp:exchange.example"));
    assert_true(slice_eq_str(msg.headers.claims.sub, "XAU/USD:EVT-2026-XAU-001"));
    assert_int_equal(statement.len, 547);
    memset(&tally, 0, sizeof tally);
    judge("vcp", &statement, buf_slice(&issuer), (struct slice){0}, true);
    assert_int_equal(tally.named, 1);
}

/* Bundles of an application's own: of theirs only the statements are COSE. Their subject is the id
 * of the record that they stand for. */
static void bundle_visit(const char *path, const json_t *json)
{
    const json_t *list = json_object_get(json, "bundle");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const json_t *signed_ = json_object_get(one, "signed_statement");
        CLEANUP(buf_free) struct buf statement = {0};
        struct cose_sign1 msg;
        struct why why = {0};

        if (signed_ == NULL)
            continue;
        vectors_base64(json_object_get(signed_, "statement_b64"), &statement);
        assert_int_equal(cose_sign1_parse(buf_slice(&statement), CBOR_FOREIGN, &msg, &why), ERR_OK);
        same_text(path, msg.headers.claims.sub, json_object_get(one, "capsule_id"));
        same_text(path, msg.headers.claims.iss, json_object_get(one, "operator"));
        judge(path, &statement, slice_str(vectors_text(signed_, "pubkey_pem")), (struct slice){0},
              true);
    }
}

static void statements_in_bundles(void **state)
{
    char path[4096];
    (void)state;

    assert_true(vectors_path(BUNDLES, path, sizeof path));
    memset(&tally, 0, sizeof tally);
    assert_int_equal(vectors_walk(path, bundle_visit), 8); /* four bundles, and what is expected */
    print_message("%s: %zu refused by the name of their algorithm\n", BUNDLES, tally.named);
    assert_int_equal(tally.named, 12);
}

/* The proof inside: {-1 or -2: [bstr .cbor [uint, uint, [+ bstr .size 32]]]} (RFC 9942 5.2, 5.3).
 */
static void proof(struct slice vdp, int64_t kind, uint64_t a, uint64_t b, size_t path_len)
{
    struct cbor_reader r = {.rest = cose_header_find(vdp, kind)}, in;

    assert_int_equal(cbor_get_array(&r), 1);
    in = cbor_read(cbor_get_bytes(&r), CBOR_FOREIGN);
    assert_int_equal(cbor_get_array(&in), 3);
    assert_int_equal(cbor_get_uint(&in), a);
    assert_int_equal(cbor_get_uint(&in), b);
    assert_int_equal(cbor_get_array(&in), path_len);
    for (size_t i = 0; i < path_len; i++)
        assert_int_equal(cbor_get_bytes(&in).len, 32);
    assert_int_equal(cbor_done(&in), ERR_OK);
    assert_int_equal(cbor_done(&r), ERR_OK);
}

static void receipts_of_rfc_9942(void **state)
{
    static const struct {
        const char *file;
        int64_t kind;
        uint64_t a, b;
        size_t path_len;
    } FILES[] = {{RECEIPTS "inclusion-receipt.cbor", -1, 5, 3, 3},
                 {RECEIPTS "consistency-receipt.cbor", -2, 3, 5, 4}};
    (void)state;

    for (size_t i = 0; i < N(FILES); i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct cose_sign1 msg;
        struct why why = {0};
        char path[4096];

        assert_true(vectors_path(FILES[i].file, path, sizeof path));
        assert_int_equal(file_read(path, 1 << 20, &bytes, &why), ERR_OK);
        assert_int_equal(cose_sign1_parse(buf_slice(&bytes), CBOR_FOREIGN, &msg, &why), ERR_OK);
        assert_true(msg.detached);
        assert_int_equal(msg.signature.len, 64);
        assert_int_equal(msg.headers.alg, -7);
        assert_int_equal(int_under(msg.headers.protected_map, COSE_VDS), 1);
        assert_true(slice_eq_str(msg.headers.kid, "test-key-1"));
        assert_true(
            slice_eq_str(msg.headers.claims.iss, "https://transparency-service.example.com"));
        proof(cose_header_find(msg.headers.unprotected, COSE_VDP), FILES[i].kind, FILES[i].a,
              FILES[i].b, FILES[i].path_len);
        /* its labels stand in another order than pawl's own would */
        assert_int_equal(cose_sign1_parse(buf_slice(&bytes), CBOR_DETERMINISTIC, &msg, &why),
                         ERR_CBOR_NOT_DETERMINISTIC);
    }
    print_message("%s: %zu receipts read (no key is published)\n", RECEIPTS, N(FILES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_and_receipts), cmocka_unit_test(a_ccf_ledger),
        cmocka_unit_test(a_vcp_statement),         cmocka_unit_test(statements_in_bundles),
        cmocka_unit_test(receipts_of_rfc_9942),
    };
    char path[4096];

    if (!vectors_path(V1, path, sizeof path) || !vectors_path(RECEIPTS, path, sizeof path))
        return EXIT_SKIP;
    return cmocka_run_group_tests_name("cose_scitt", tests, NULL, NULL);
}
