/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts of others: the vectors of action-state-group/scitt-cose, whose leaf entry is the SHA-256
 * of the statement, and the two receipts in the repository of RFC 9942, which come without a key.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/base/vectors_testing.h"
#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define V1 "scitt-cose-vectors/test-vectors/v1/"

static void load(const char *folder, const char *file, struct buf *ret)
{
    char path[1024];

    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    testing_read(path, ret);
}

static void same_proof(const struct receipt *receipt, const json_t *want)
{
    const json_t *path = json_object_get(want, "inclusion_path");

    assert_int_equal(receipt->tree_size, vectors_number(want, "tree_size"));
    assert_int_equal(receipt->leaf_index, vectors_number(want, "leaf_index"));
    assert_int_equal(receipt->path.n, json_array_size(path));
    for (size_t i = 0; i < receipt->path.n; i++) {
        struct digest hash;

        assert_int_equal(digest_parse(json_string_value(json_array_get(path, i)), &hash), ERR_OK);
        assert_true(digest_eq(&hash, &receipt->path.hashes[i]));
    }
}

static void judge(const char *name, const struct receipt *receipt, struct slice entry,
                  const struct buf *pem, const json_t *want)
{
    const json_t *root = json_object_get(want, "reconstructed_root");
    struct checkpoint head;
    struct hw_pubkey key;
    struct digest digest;
    struct why why = {0};
    err_code err = hw_pubkey_from_pem(buf_slice(pem), &key, &why);

    if (err == ERR_COSE_ALG) { /* EdDSA: the path alone */
        assert_int_equal(tree_leaf(entry, &digest), ERR_OK);
        assert_int_equal(tree_root_from(&digest, receipt->leaf_index, receipt->tree_size,
                                        &receipt->path, &head.root),
                         ERR_OK);
    } else {
        err = receipt_verify(receipt, entry, &key, &head, &why);
        if ((err == ERR_OK) != vectors_bool(want, "receipt_valid"))
            fail_msg("%s: %s %s", name, err_name(err), why.text);
        if (err != ERR_OK)
            return;
        assert_int_equal(head.size, receipt->tree_size);
        key.x[0] ^= 1;
        assert_int_not_equal(receipt_verify(receipt, entry, &key, &head, &why), ERR_OK);
        key.x[0] ^= 1;
        assert_int_equal(receipt_verify(receipt, slice_str("another"), &key, &head, &why),
                         ERR_SIGNATURE_INVALID);
        assert_int_equal(receipt_verify(receipt, entry, &key, &head, &why), ERR_OK);
    }
    if (json_is_null(root)) /* spoilt, as its signature would tell */
        return;
    assert_int_equal(digest_parse(json_string_value(root), &digest), ERR_OK);
    assert_true(digest_eq(&digest, &head.root));
}

static void receipts_of_scitt_cose(void **state)
{
    static const struct {
        const char *name;
        err_code parsed;
    } CASES[] = {
        {"valid-es256", ERR_OK},
        {"valid-eddsa", ERR_OK},
        {"fail-tampered-path", ERR_OK},
        {"fail-bad-statement-sig", ERR_OK},
        {"fail-unsupported-vds", ERR_UNSUPPORTED},
        {"valid-ccf-vds2", ERR_UNSUPPORTED},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf statement = {0}, bytes = {0}, pem = {0};
        char name[256], folder[960], path[1024];
        struct digest entry;
        struct receipt receipt;
        struct why why = {0};
        json_t *want;
        err_code err;

        (void)snprintf(name, sizeof name, V1 "%s", CASES[i].name);
        if (!vectors_path(name, folder, sizeof folder))
            skip();
        load(folder, "statement.cose", &statement);
        load(folder, "receipt.cose", &bytes);
        load(folder, "log-key.pub", &pem);
        (void)snprintf(path, sizeof path, "%s/expected.json", folder);
        want = vectors_json(path);
        err = receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &receipt, &why);
        if (err != CASES[i].parsed)
            fail_msg("%s: %s %s", CASES[i].name, err_name(err), why.text);
        assert_int_not_equal(receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why), ERR_OK);
        if (CASES[i].parsed == ERR_OK) {
            assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &receipt, &why),
                             ERR_OK);
            same_proof(&receipt, want);
            assert_int_equal(hash_sha256(buf_slice(&statement), &entry), ERR_OK);
            judge(CASES[i].name, &receipt, digest_slice(&entry), &pem, want);
        }
        json_decref(want);
    }
}

static void receipts_of_rfc_9942(void **state)
{
    CLEANUP(buf_free) struct buf inclusion = {0}, consistency = {0};
    struct checkpoint earlier = {.size = 3}, later = {.size = 5};
    struct receipt receipt;
    struct testing t;
    struct why why = {0};
    char folder[960];
    (void)state;

    if (!vectors_path("cose-receipts/examples", folder, sizeof folder))
        skip();
    load(folder, "inclusion-receipt.cbor", &inclusion);
    load(folder, "consistency-receipt.cbor", &consistency);

    assert_int_equal(receipt_parse(buf_slice(&inclusion), RECEIPT_FOREIGN, &receipt, &why), ERR_OK);
    assert_int_equal(receipt.kind, RECEIPT_INCLUSION);
    assert_int_equal(receipt.tree_size, 5);
    assert_int_equal(receipt.leaf_index, 3);
    assert_int_equal(receipt.path.n, 3);
    assert_true(slice_eq_str(receipt.kid, "test-key-1"));
    assert_true(slice_eq_str(receipt.issuer, "https://transparency-service.example.com"));

    assert_int_equal(receipt_parse(buf_slice(&consistency), RECEIPT_FOREIGN, &receipt, &why),
                     ERR_OK);
    assert_int_equal(receipt.kind, RECEIPT_CONSISTENCY);
    assert_int_equal(receipt.earlier_size, 3);
    assert_int_equal(receipt.tree_size, 5);
    assert_int_equal(receipt.path.n, 4);
    testing_init(&t);
    assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, &t.hardware->key, &why),
                     ERR_SIGNATURE_INVALID);
    testing_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipts_of_scitt_cose),
        cmocka_unit_test(receipts_of_rfc_9942),
    };
    return cmocka_run_group_tests_name("receipt_vectors", tests, NULL, NULL);
}
