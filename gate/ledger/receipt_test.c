/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cose_key.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEAVES 12

/* A tree over entries "0", "1", ... */
struct setting {
    struct testing t;
    struct tree tree;
};

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);

    assert_non_null(s);
    testing_init(&s->t);
    testing_tree(&s->tree, LEAVES);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    testing_free(&s->t);
    tree_free(&s->tree);
    free(s);
    return 0;
}

static void every_entry_of_every_size(void **state)
{
    struct setting *s = *state;

    for (size_t n = 2; n <= LEAVES; n++)
        for (size_t i = 0; i < n; i++) {
            CLEANUP(buf_free) struct buf bytes = {0};
            struct checkpoint head = {0}, want = {.size = n};
            struct receipt receipt;
            struct digest kid;
            struct why why = {0};
            char text[24];

            testing_receipt(&s->t, tree_of(&s->tree), i, n, &bytes);
            if (receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why) != ERR_OK)
                fail_msg("entry %zu of %zu: %s", i, n, why.text);
            assert_int_equal(receipt.kind, RECEIPT_INCLUSION);
            assert_true(slice_eq_str(receipt.issuer, TESTING_ISSUER));
            assert_int_equal(cose_key_thumbprint(&s->t.hardware->key, &kid), ERR_OK);
            assert_true(slice_eq(receipt.kid, digest_slice(&kid)));
            assert_int_equal(receipt.iat, s->t.now_ms / 1000);
            assert_int_equal(receipt.epoch, 7);
            assert_int_equal(receipt.round, TESTING_ROUND);
            assert_true(receipt.simulated);
            assert_int_equal(receipt.tree_size, n);
            assert_int_equal(receipt.leaf_index, i);
            assert_int_equal(
                receipt_verify(&receipt, testing_leaf(i, text), &s->t.hardware->key, &head, &why),
                ERR_OK);
            assert_int_equal(tree_root(tree_of(&s->tree), n, &want.root, NULL), ERR_OK);
            assert_memory_equal(&head, &want, sizeof head);
            assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &receipt, &why),
                             ERR_OK);
        }
}

static void another_entry_key_or_place_is_refused(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct checkpoint head = {0};
    struct receipt receipt, other;
    struct hw_pubkey *key = &s->t.hardware->key;
    struct digest kid;
    struct why why = {0};

    testing_receipt(&s->t, tree_of(&s->tree), 3, LEAVES, &bytes);
    assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why), ERR_OK);
    assert_int_equal(receipt_verify(&receipt, slice_str("3"), key, &head, &why), ERR_OK);
    assert_int_equal(head.size, LEAVES);
    head = (struct checkpoint){0};
    assert_int_equal(receipt_verify(&receipt, slice_str("4"), key, &head, &why),
                     ERR_SIGNATURE_INVALID);
    assert_int_equal(receipt_verify(&receipt, slice_str("3"), &s->t.statement->key, &head, &why),
                     ERR_SIGNER_UNKNOWN);
    other = receipt; /* whoever gets past the key id meets the signature */
    assert_int_equal(cose_key_thumbprint(&s->t.statement->key, &kid), ERR_OK);
    other.kid = digest_slice(&kid);
    assert_int_equal(receipt_verify(&other, slice_str("3"), &s->t.statement->key, &head, &why),
                     ERR_SIGNATURE_INVALID);
    other = receipt;
    other.leaf_index = 2; /* as many hashes, another root */
    assert_int_equal(receipt_verify(&other, slice_str("3"), key, &head, &why),
                     ERR_SIGNATURE_INVALID);
    other = receipt;
    other.tree_size = LEAVES / 2;
    assert_int_equal(receipt_verify(&other, slice_str("3"), key, &head, &why), ERR_FORMAT);
    other = receipt;
    other.path.n--;
    assert_int_equal(receipt_verify(&other, slice_str("3"), key, &head, &why), ERR_FORMAT);
    other = receipt;
    other.kind = RECEIPT_CONSISTENCY;
    assert_int_equal(receipt_verify(&other, slice_str("3"), key, &head, &why), ERR_FORMAT);
    assert_int_equal(receipt_verify_consistency(&receipt, &head, &head, key, &why), ERR_FORMAT);
    assert_int_equal(head.size, 0); /* written only on success */
}

static void one_signature_serves_all(void **state)
{
    struct setting *s = *state;
    CLEANUP(receipt_draft_free) struct receipt_draft draft = {0};
    CLEANUP(buf_free) struct buf sig = {0};
    struct receipt_head head = {.issuer = slice_str(TESTING_ISSUER),
                                .checkpoint = {.size = LEAVES}};
    struct why why = {0};
    char text[24];

    assert_int_equal(tree_root(tree_of(&s->tree), LEAVES, &head.checkpoint.root, NULL), ERR_OK);
    assert_int_equal(receipt_prepare(&s->t.hardware->key, &head, &draft, &why), ERR_OK);
    assert_int_equal(s->t.hardware->ops->sign(s->t.hardware, digest_slice(&draft.tbs), &sig, &why),
                     ERR_OK);
    for (size_t i = 0; i < LEAVES; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct checkpoint got;
        struct tree_path path;
        struct receipt receipt;

        assert_int_equal(tree_prove_inclusion(tree_of(&s->tree), i, LEAVES, &path, NULL), ERR_OK);
        assert_int_equal(receipt_finish(&draft, i, &path, sig.ptr, &bytes), ERR_OK);
        assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why), ERR_OK);
        assert_false(receipt.simulated);
        assert_int_equal(
            receipt_verify(&receipt, testing_leaf(i, text), &s->t.hardware->key, &got, &why),
            ERR_OK);
    }
}

static void what_cannot_be_said_is_not_written(void **state)
{
    struct setting *s = *state;
    CLEANUP(hw_signer_close) struct hw_signer *p384 = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct receipt_draft draft = {0};
    struct receipt_head head = {.issuer = slice_str(TESTING_ISSUER), .checkpoint = {.size = 1}};
    struct tree_path path = {0};
    struct why why = {0};
    static const uint8_t SIG[64];

    assert_int_equal(receipt_prepare(&s->t.hardware->key, &head, &draft, &why), ERR_INTERNAL);
    head.checkpoint.size = 0;
    assert_int_equal(receipt_prepare(&s->t.hardware->key, &head, &draft, &why), ERR_INTERNAL);
    head.checkpoint.size = 2;
    assert_int_equal(hw_signer_generate(HW_ES384, &p384, &why), ERR_OK);
    assert_int_equal(receipt_prepare(&p384->key, &head, &draft, &why), ERR_COSE_ALG);
    assert_null(draft.protected_.ptr);
    assert_int_equal(receipt_finish(&draft, 0, &path, SIG, &bytes), ERR_INTERNAL);
    path.n = TREE_PATH_MAX + 1;
    assert_int_equal(receipt_finish(&draft, 0, &path, SIG, &bytes), ERR_INTERNAL);
    assert_int_equal(bytes.len, 0);
}

/* Nobody has signed the certificates beside a receipt: the first is of the key that kid names. */
static void certificates_of_another_key(void **state)
{
    struct setting *s = *state;
    CLEANUP(hw_signer_close) struct hw_signer *other = NULL;
    struct why why = {0};
    struct receipt receipt;

    assert_int_equal(hw_signer_generate(HW_ES256, &other, &why), ERR_OK);
    for (int mine = 0; mine <= 1; mine++) {
        CLEANUP(buf_free) struct buf bytes = {0}, cert = {0}, header = {0}, out = {0};
        struct cose_sign1 message;
        struct cbor_writer w;

        testing_receipt(&s->t, tree_of(&s->tree), 5, LEAVES, &bytes);
        assert_int_equal(cose_sign1_parse(buf_slice(&bytes), CBOR_DETERMINISTIC, &message, &why),
                         ERR_OK);
        x509_test_device(mine ? s->t.hardware : other, 0, &cert);
        w = cbor_write(&header);
        cbor_put_map(&w, 2);
        cbor_put_int(&w, COSE_X5CHAIN);
        cbor_put_bytes(&w, buf_slice(&cert));
        cbor_put_int(&w, COSE_VDP);
        cbor_put_item(&w, cose_header_find(message.headers.unprotected, COSE_VDP));
        assert_int_equal(cbor_written(&w), ERR_OK);
        assert_int_equal(cose_sign1_assemble(message.protected_, buf_slice(&header),
                                             (struct slice){0}, true, message.signature, &out),
                         ERR_OK);
        assert_int_equal(receipt_parse(buf_slice(&out), RECEIPT_OWN, &receipt, &why),
                         mine ? ERR_OK : ERR_CERT_CHAIN);
        assert_int_equal(receipt_parse(buf_slice(&out), RECEIPT_FOREIGN, &receipt, &why), ERR_OK);
    }
}

/* Nor is anything prepared with them; what was read before changes nothing about that. */
static void prepared_with_certificates(void **state)
{
    static const bool MINE[] = {true, false, true, true, false};
    struct setting *s = *state;
    CLEANUP(hw_signer_close) struct hw_signer *other = NULL;
    CLEANUP(x509_known_free) struct x509_known known = {0};
    struct receipt_head head = {.issuer = slice_str(TESTING_ISSUER),
                                .checkpoint = {.size = LEAVES}};
    struct why why = {0};

    assert_int_equal(hw_signer_generate(HW_ES256, &other, &why), ERR_OK);
    for (size_t i = 0; i < 2 * sizeof MINE; i++) {
        const bool mine = MINE[i / 2];
        CLEANUP(receipt_draft_free) struct receipt_draft draft = {0};
        CLEANUP(buf_free) struct buf cert = {0};

        x509_test_device(mine ? s->t.hardware : other, 0, &cert);
        head.chain = (struct x509_chain){.n = 1, .certs = {buf_slice(&cert)}};
        head.known = i % 2 == 0 ? NULL : &known;
        assert_int_equal(receipt_prepare(&s->t.hardware->key, &head, &draft, &why),
                         mine ? ERR_OK : ERR_CERT_CHAIN);
        assert_int_equal(draft.x5chain.len > 0, mine);
    }
}

static void cut_or_flipped_is_refused(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct checkpoint head;
    struct receipt receipt;
    struct why why = {0};

    testing_receipt(&s->t, tree_of(&s->tree), 5, LEAVES, &bytes);
    for (size_t n = 0; n < bytes.len; n++) {
        if (receipt_parse((struct slice){bytes.ptr, n}, RECEIPT_OWN, &receipt, &why) == ERR_OK ||
            receipt_parse((struct slice){bytes.ptr, n}, RECEIPT_FOREIGN, &receipt, &why) == ERR_OK)
            fail_msg("cut to %zu of %zu bytes", n, bytes.len);
        assert_int_equal(receipt.kind, RECEIPT_NONE);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why) == ERR_OK &&
            receipt_verify(&receipt, slice_str("5"), &s->t.hardware->key, &head, &why) == ERR_OK)
            fail_msg("bit %zu flipped", bit);
        bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* A consistency receipt as somebody else would issue it, from size to LEAVES. */
static void consistency_receipt(struct setting *s, uint64_t size, const struct digest *root,
                                struct buf *ret)
{
    static const uint8_t VDS[] = {0x19, 0x01, 0x8b}, ONE[] = {1};
    const struct cose_pair vds = {SLICE_OF(VDS), SLICE_OF(ONE)};
    const struct cose_header_spec spec = {.extra = &vds, .n_extra = 1};
    CLEANUP(buf_free) struct buf proof = {0}, unprotected = {0};
    struct cbor_writer w = cbor_write(&proof);
    struct tree_path path;
    struct why why = {0};

    assert_int_equal(tree_prove_consistency(tree_of(&s->tree), size, LEAVES, &path, NULL), ERR_OK);
    cbor_put_array(&w, 3);
    cbor_put_uint(&w, size);
    cbor_put_uint(&w, LEAVES);
    cbor_put_array(&w, path.n);
    for (size_t i = 0; i < path.n; i++)
        cbor_put_bytes(&w, digest_slice(&path.hashes[i]));
    assert_int_equal(cbor_written(&w), ERR_OK);
    w = cbor_write(&unprotected);
    cbor_put_map(&w, 1);
    cbor_put_uint(&w, COSE_VDP);
    cbor_put_map(&w, 1);
    cbor_put_int(&w, -2);
    cbor_put_array(&w, 1);
    cbor_put_bytes(&w, buf_slice(&proof));
    assert_int_equal(cbor_written(&w), ERR_OK);
    assert_int_equal(cose_sign1_make(s->t.hardware, &spec, buf_slice(&unprotected),
                                     digest_slice(root), true, ret, &why),
                     ERR_OK);
}

static void consistency(void **state)
{
    struct setting *s = *state;
    const struct hw_pubkey *key = &s->t.hardware->key;

    for (uint64_t size = 1; size < LEAVES; size++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct checkpoint earlier = {.size = size}, later = {.size = LEAVES}, head;
        struct receipt receipt;
        struct why why = {0};

        assert_int_equal(tree_root(tree_of(&s->tree), size, &earlier.root, NULL), ERR_OK);
        assert_int_equal(tree_root(tree_of(&s->tree), LEAVES, &later.root, NULL), ERR_OK);
        consistency_receipt(s, size, &later.root, &bytes);
        assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why), ERR_FORMAT);
        assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &receipt, &why), ERR_OK);
        assert_int_equal(receipt.kind, RECEIPT_CONSISTENCY);
        assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, key, &why), ERR_OK);
        assert_int_equal(receipt_verify(&receipt, slice_str("0"), key, &head, &why), ERR_FORMAT);
        earlier.root.bytes[0] ^= 1;
        assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, key, &why),
                         ERR_LEDGER_INCONSISTENT);
        earlier.root.bytes[0] ^= 1;
        later.root.bytes[0] ^= 1;
        assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, key, &why),
                         ERR_SIGNATURE_INVALID);
        later.root.bytes[0] ^= 1;
        receipt.path.hashes[0].bytes[0] ^= 1;
        assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, key, &why),
                         ERR_LEDGER_INCONSISTENT);
        earlier.size++;
        assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, key, &why),
                         ERR_FORMAT);
        assert_int_equal(
            receipt_verify_consistency(&receipt, &earlier, &later, &s->t.statement->key, &why),
            ERR_FORMAT);
    }
}

/* The hardware signed a root: the same signature says what that tree continues. */
static void consistency_of_our_own(void **state)
{
    struct setting *s = *state;
    const struct hw_pubkey *key = &s->t.hardware->key;
    CLEANUP(buf_free) struct buf inclusion = {0};
    struct checkpoint later = {.size = LEAVES};
    struct receipt own;
    struct why why = {0};

    assert_int_equal(tree_root(tree_of(&s->tree), LEAVES, &later.root, NULL), ERR_OK);
    testing_receipt(&s->t, tree_of(&s->tree), 0, LEAVES, &inclusion);
    assert_int_equal(receipt_parse(buf_slice(&inclusion), RECEIPT_OWN, &own, &why), ERR_OK);
    for (uint64_t size = 1; size < LEAVES; size++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct checkpoint earlier = {.size = size};
        struct receipt receipt;
        struct tree_path path;

        assert_int_equal(tree_root(tree_of(&s->tree), size, &earlier.root, NULL), ERR_OK);
        assert_int_equal(tree_prove_consistency(tree_of(&s->tree), size, LEAVES, &path, NULL),
                         ERR_OK);
        assert_int_equal(receipt_continues(&own, size, &path, &bytes), ERR_OK);
        assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why), ERR_FORMAT);
        assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &receipt, &why), ERR_OK);
        assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, key, &why), ERR_OK);
        earlier.root.bytes[0] ^= 1;
        assert_int_equal(receipt_verify_consistency(&receipt, &earlier, &later, key, &why),
                         ERR_LEDGER_INCONSISTENT);
        assert_int_equal(receipt_continues(&own, 0, &path, &bytes), ERR_FORMAT);
        assert_int_equal(receipt_continues(&own, LEAVES, &path, &bytes), ERR_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_of_every_size),
        cmocka_unit_test(another_entry_key_or_place_is_refused),
        cmocka_unit_test(one_signature_serves_all),
        cmocka_unit_test(what_cannot_be_said_is_not_written),
        cmocka_unit_test(certificates_of_another_key),
        cmocka_unit_test(prepared_with_certificates),
        cmocka_unit_test(cut_or_flipped_is_refused),
        cmocka_unit_test(consistency),
        cmocka_unit_test(consistency_of_our_own),
    };
    return cmocka_run_group_tests_name("receipt", tests, set_up, tear_down);
}
