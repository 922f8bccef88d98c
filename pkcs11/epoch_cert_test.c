/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/epoch_cert.h"

#include "pkcs11/recover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 4

/* A gate in memory: epochs 3, 4, 6, 9. */
struct gate {
    struct hw_signer *identity, *keys[N];
    struct hw_enrolment enrolment;
    struct buf chain;
};

static const uint64_t EPOCHS[N] = {3, 4, 6, 9};

static void sign64(struct hw_signer *signer, const struct digest *digest, uint8_t ret[static 64])
{
    CLEANUP(buf_free) struct buf sig = {0};

    assert_int_equal(signer->ops->sign(signer, digest_slice(digest), &sig, NULL), ERR_OK);
    assert_int_equal(sig.len, 64);
    memcpy(ret, sig.ptr, 64);
}

/* Appends the certificate of an epoch; before: who signs as the previous key, NULL for nobody. */
static void certify(struct gate *g, struct hsm_cert cert, struct hw_signer *before)
{
    struct digest digest;

    if (before != NULL) {
        assert_int_equal(
            hash_sha256(slice_part(buf_slice(&g->chain), g->chain.len - HSM_CERT_LEN, HSM_CERT_LEN),
                        &cert.previous_cert),
            ERR_OK);
        assert_int_equal(hsm_cert_digest(&cert, &digest), ERR_OK);
        sign64(before, &digest, cert.previous_sig);
    }
    assert_int_equal(hsm_cert_digest(&cert, &digest), ERR_OK);
    sign64(g->identity, &digest, cert.identity_sig);
    assert_int_equal(hsm_cert_encode(&cert, &g->chain), ERR_OK);
}

/* Of the epoch at this place; the first has none. */
static struct digest snapshot_of(size_t i)
{
    return (struct digest){{(uint8_t)i}};
}

static void gate_start(struct gate *g, size_t n)
{
    *g = (struct gate){0};
    assert_int_equal(hw_signer_generate(HW_ES256, &g->identity, NULL), ERR_OK);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(hw_signer_generate(HW_ES256, &g->keys[i], NULL), ERR_OK);
    g->enrolment.epoch = EPOCHS[0];
    g->enrolment.receipt = g->keys[0]->key;
    g->enrolment.seal = g->identity->key;
    for (size_t i = 0; i < n; i++) {
        struct hsm_cert cert = {
            .epoch = EPOCHS[i],
            .since = 1800000000,
            .key = g->keys[i]->key,
            .previous = i > 0 ? EPOCHS[i - 1] : 0,
            .snapshot = snapshot_of(i),
        };
        certify(g, cert, i > 0 ? g->keys[i - 1] : NULL);
    }
}

static void gate_stop(struct gate *g)
{
    hw_signer_close(&g->identity);
    for (size_t i = 0; i < N; i++)
        hw_signer_close(&g->keys[i]);
    buf_free(&g->chain);
}

static err_code verify(const struct gate *g, struct slice chain)
{
    struct hsm_cert last = {.epoch = 77};
    struct why why = {0};
    err_code err = hsm_chain_verify(&g->enrolment, chain, &last, &why);

    if (err != ERR_OK) {
        assert_int_equal(last.epoch, 77); /* nothing is said on failure */
        assert_int_equal(last.key.alg, HW_ALG_NONE);
        assert_int_equal(why.code, err);
    }
    return err;
}

static void a_chain_leads_to_its_last_key(void **state)
{
    struct hsm_cert last;
    struct gate g;
    struct digest snapshot;
    (void)state;

    gate_start(&g, N);
    for (size_t n = 1; n <= N; n++) {
        assert_int_equal(hsm_chain_verify(&g.enrolment,
                                          slice_part(buf_slice(&g.chain), 0, n * HSM_CERT_LEN),
                                          &last, NULL),
                         ERR_OK);
        snapshot = snapshot_of(n - 1);
        assert_int_equal(last.epoch, EPOCHS[n - 1]);
        assert_true(hw_pubkey_eq(&last.key, &g.keys[n - 1]->key));
        assert_true(digest_eq(&last.snapshot, &snapshot));
    }
    gate_stop(&g);
}

static void a_certificate_is_read_as_it_was_written(void **state)
{
    CLEANUP(buf_free) struct buf again = {0};
    struct hsm_cert cert;
    struct gate g;
    (void)state;

    gate_start(&g, 2);
    assert_int_equal(hsm_chain_last(buf_slice(&g.chain), &cert, NULL), ERR_OK);
    assert_int_equal(cert.epoch, 4);
    assert_int_equal(cert.previous, 3);
    assert_int_equal(cert.since, 1800000000);
    assert_int_equal(hsm_cert_encode(&cert, &again), ERR_OK);
    assert_int_equal(again.len, HSM_CERT_LEN);
    assert_memory_equal(again.ptr, g.chain.ptr + HSM_CERT_LEN, HSM_CERT_LEN);
    assert_memory_equal(again.ptr, "pawl-epoch-v1", 14);
    gate_stop(&g);
}

static void every_bit_counts(void **state)
{
    struct gate g;
    (void)state;

    gate_start(&g, 2);
    for (size_t bit = 0; bit < g.chain.len * 8; bit++) {
        err_code err;
        g.chain.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err = verify(&g, buf_slice(&g.chain));
        if (err != ERR_FORMAT && err != ERR_SIGNATURE_INVALID && err != ERR_HSM_KEY_FOREIGN)
            print_error("bit %zu: %s\n", bit, err_name(err));
        assert_true(err == ERR_FORMAT || err == ERR_SIGNATURE_INVALID ||
                    err == ERR_HSM_KEY_FOREIGN);
        g.chain.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_OK);
    gate_stop(&g);
}

static void every_cut_counts(void **state)
{
    struct gate g;
    (void)state;

    gate_start(&g, 3);
    for (size_t n = 0; n < g.chain.len; n++)
        assert_int_equal(verify(&g, slice_part(buf_slice(&g.chain), 0, n)),
                         n > 0 && n % HSM_CERT_LEN == 0 ? ERR_OK : ERR_FORMAT);
    assert_int_equal(buf_add_u8(&g.chain, 0), ERR_OK);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_FORMAT);
    gate_stop(&g);
}

static void order_and_beginning(void **state)
{
    CLEANUP(buf_free) struct buf moved = {0};
    struct slice chain;
    struct gate g, other;
    (void)state;

    gate_start(&g, N);
    gate_start(&other, N);
    chain = buf_slice(&g.chain);
    /* without its beginning */
    assert_int_equal(verify(&g, slice_part(chain, HSM_CERT_LEN, chain.len - HSM_CERT_LEN)),
                     ERR_HSM_KEY_FOREIGN);
    /* another gate's */
    assert_int_equal(verify(&g, buf_slice(&other.chain)), ERR_HSM_KEY_FOREIGN);
    /* one left out */
    assert_int_equal(buf_add_slice(&moved, slice_part(chain, 0, HSM_CERT_LEN)), ERR_OK);
    assert_int_equal(buf_add_slice(&moved, slice_part(chain, 2 * HSM_CERT_LEN, HSM_CERT_LEN)),
                     ERR_OK);
    assert_int_equal(verify(&g, buf_slice(&moved)), ERR_FORMAT);
    /* one twice */
    buf_cut(&moved, HSM_CERT_LEN);
    assert_int_equal(buf_add_slice(&moved, slice_part(chain, 0, HSM_CERT_LEN)), ERR_OK);
    assert_int_equal(verify(&g, buf_slice(&moved)), ERR_FORMAT);
    /* enrolled at another epoch, with another identity key */
    g.enrolment.epoch = 2;
    assert_int_equal(verify(&g, chain), ERR_HSM_KEY_FOREIGN);
    g.enrolment.epoch = EPOCHS[0];
    g.enrolment.seal = other.identity->key;
    assert_int_equal(verify(&g, chain), ERR_SIGNATURE_INVALID);
    g.enrolment.seal = (struct hw_pubkey){0};
    assert_int_equal(verify(&g, chain), ERR_SIGNATURE_INVALID);
    gate_stop(&g);
    gate_stop(&other);
}

/* What somebody with the PIN and the identity key can make after the key of the epoch before is
 * destroyed: certificates that the identity key signs, but no key of the chain. */
static void the_identity_key_alone_extends_nothing(void **state)
{
    struct gate g;
    struct hsm_cert cert;
    (void)state;

    gate_start(&g, 2);
    cert = (struct hsm_cert){
        .epoch = 6, .key = g.keys[2]->key, .snapshot = snapshot_of(2), .previous = 4};
    certify(&g, cert, g.keys[2]); /* signs for itself */
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_SIGNATURE_INVALID);
    buf_cut(&g.chain, 2 * HSM_CERT_LEN);
    certify(&g, cert, g.identity);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_SIGNATURE_INVALID);
    buf_cut(&g.chain, 2 * HSM_CERT_LEN);
    certify(&g, cert, NULL); /* as if it were a first one */
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_SIGNATURE_INVALID);
    buf_cut(&g.chain, 2 * HSM_CERT_LEN);
    certify(&g, cert, g.keys[0]); /* by the key of an epoch further back */
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_SIGNATURE_INVALID);
    buf_cut(&g.chain, 2 * HSM_CERT_LEN);
    certify(&g, cert, g.keys[1]);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_OK);
    gate_stop(&g);
}

/* Two certificates of one key, both signed by everybody: what follows was made for one of them. */
static void a_twin_does_not_take_its_place(void **state)
{
    CLEANUP(buf_free) struct buf swapped = {0};
    struct slice chain;
    struct hsm_cert cert;
    struct gate g;
    (void)state;

    gate_start(&g, 3);
    chain = buf_slice(&g.chain);
    assert_int_equal(hsm_cert_parse(slice_part(chain, HSM_CERT_LEN, HSM_CERT_LEN), &cert, NULL),
                     ERR_OK);
    swapped = buf_take(&g.chain);
    assert_int_equal(buf_add(&g.chain, swapped.ptr, HSM_CERT_LEN), ERR_OK);
    cert.since++;
    certify(&g, cert, g.keys[0]);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_OK);
    assert_int_equal(buf_add(&g.chain, swapped.ptr + 2 * HSM_CERT_LEN, HSM_CERT_LEN), ERR_OK);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_SIGNATURE_INVALID);
    assert_int_equal(verify(&g, buf_slice(&swapped)), ERR_OK);
    gate_stop(&g);
}

static void epochs_go_up(void **state)
{
    static const struct {
        uint64_t epoch, previous;
        err_code want;
    } CASES[] = {{4, 4, ERR_FORMAT}, {3, 4, ERR_FORMAT},     {0, 4, ERR_FORMAT},
                 {5, 3, ERR_FORMAT}, {5, 0, ERR_FORMAT},     {5, 5, ERR_FORMAT},
                 {5, 4, ERR_OK},     {UINT64_MAX, 4, ERR_OK}};
    struct gate g;
    (void)state;

    gate_start(&g, 2);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct hsm_cert cert = {
            .epoch = CASES[i].epoch,
            .key = g.keys[2]->key,
            .snapshot = snapshot_of(2),
            .previous = CASES[i].previous,
        };
        certify(&g, cert, g.keys[1]);
        assert_int_equal(verify(&g, buf_slice(&g.chain)), CASES[i].want);
        buf_cut(&g.chain, 2 * HSM_CERT_LEN);
    }
    gate_stop(&g);
}

static void only_the_first_names_no_snapshot(void **state)
{
    struct gate g;
    struct hsm_cert cert;
    (void)state;

    gate_start(&g, 1);
    assert_int_equal(hsm_chain_last(buf_slice(&g.chain), &cert, NULL), ERR_OK);
    assert_true(hsm_cert_unbound(&cert));
    cert = (struct hsm_cert){.epoch = 4, .key = g.keys[1]->key, .previous = 3};
    certify(&g, cert, g.keys[0]);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_FORMAT);
    buf_cut(&g.chain, HSM_CERT_LEN);
    cert.snapshot.bytes[31] = 1;
    certify(&g, cert, g.keys[0]);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_OK);
    assert_false(hsm_cert_unbound(&cert));
    gate_stop(&g);
    gate_start(&g, 0);
    cert = (struct hsm_cert){.epoch = 3, .key = g.keys[0]->key, .snapshot.bytes[31] = 1};
    certify(&g, cert, NULL);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_FORMAT);
    gate_stop(&g);
}

static void a_first_one_names_no_predecessor(void **state)
{
    struct gate g;
    struct hsm_cert cert;
    (void)state;

    gate_start(&g, 0);
    cert = (struct hsm_cert){.epoch = EPOCHS[0], .key = g.keys[0]->key, .previous = 1};
    certify(&g, cert, NULL);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_FORMAT);
    buf_cut(&g.chain, 0);
    cert.previous = 0;
    cert.previous_cert.bytes[31] = 1;
    certify(&g, cert, NULL);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_FORMAT);
    buf_cut(&g.chain, 0);
    cert.previous_cert.bytes[31] = 0;
    cert.previous_sig[0] = 1;
    certify(&g, cert, NULL);
    assert_int_equal(verify(&g, buf_slice(&g.chain)), ERR_FORMAT);
    gate_stop(&g);
}

static void a_chain_has_a_limit(void **state)
{
    static uint8_t zeros[(HSM_CHAIN_MAX + 1) * HSM_CERT_LEN];
    struct gate g;
    (void)state;

    gate_start(&g, 0);
    assert_int_equal(verify(&g, SLICE_OF(zeros)), ERR_TOO_LARGE);
    gate_stop(&g);
}

static void keys_are_recovered(void **state)
{
    (void)state;
    for (int round = 0; round < 16; round++) {
        CLEANUP(hw_signer_close) struct hw_signer *signer = NULL, *other = NULL;
        struct hw_statement a = {.sig_len = 64}, b = {.sig_len = 64}, c = {.sig_len = 64};
        struct digest digest = {{0}};
        struct hw_pubkey key = {0};
        assert_int_equal(hw_signer_generate(HW_ES256, &signer, NULL), ERR_OK);
        assert_int_equal(hw_signer_generate(HW_ES256, &other, NULL), ERR_OK);
        digest.bytes[0] = a.digest[0] = (uint8_t)(round * 16);
        sign64(signer, &digest, a.sig);
        digest.bytes[31] = b.digest[31] = 7;
        b.digest[0] = digest.bytes[0];
        sign64(signer, &digest, b.sig);
        memcpy(c.digest, b.digest, 32);
        sign64(other, &digest, c.sig);
        assert_int_equal(hsm_recover(&a, &b, &key, NULL), ERR_OK);
        assert_true(hw_pubkey_eq(&key, &signer->key));
        assert_int_equal(hsm_recover(&a, &c, &key, NULL), ERR_HSM_FAILED);
        assert_int_equal(hsm_recover(&a, &a, &key, NULL), ERR_HSM_FAILED); /* two keys fit */
        memset(a.sig, 0, 32);
        assert_int_equal(hsm_recover(&a, &b, &key, NULL), ERR_HSM_FAILED);
        memset(a.sig, 0xff, 32);
        assert_int_equal(hsm_recover(&a, &b, &key, NULL), ERR_HSM_FAILED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_leads_to_its_last_key),
        cmocka_unit_test(a_certificate_is_read_as_it_was_written),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(every_cut_counts),
        cmocka_unit_test(order_and_beginning),
        cmocka_unit_test(the_identity_key_alone_extends_nothing),
        cmocka_unit_test(a_twin_does_not_take_its_place),
        cmocka_unit_test(epochs_go_up),
        cmocka_unit_test(a_first_one_names_no_predecessor),
        cmocka_unit_test(only_the_first_names_no_snapshot),
        cmocka_unit_test(a_chain_has_a_limit),
        cmocka_unit_test(keys_are_recovered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
