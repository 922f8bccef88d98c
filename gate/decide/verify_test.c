/* SPDX-License-Identifier: Apache-2.0 */
/* verify_test.c: each check of the offline verifier alone stands against a permit that nothing else
 * is wrong with. */
#include "gate/decide/hardware.h"
#include "gate/decide/lab_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cast cast;

#define OK(call) expect((call), ERR_OK, &why, #call, __LINE__)
static void expect(err_code got, err_code want, const struct why *why, const char *call, int line)
{
    if (got != want)
        fail_msg("line %d: %s: gave %s (%s), wanted %s", line, call, err_name(got), why->text,
                 err_name(want));
}

static void judge(struct lab *lab, const char *name, err_code want)
{
    CLEANUP(buf_free) struct buf permit = lab_permit(lab);
    err_code got = lab_verify(lab, buf_slice(&permit), NULL);

    if (got != want)
        fail_msg("%s: gave %s, wanted %s", name, err_name(got), err_name(want));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void good_ones(void **state)
{
    (void)state;
    for (int kind = LAB_TPM; kind <= LAB_TOKEN; kind++)
        for (uint64_t size = 2; size < 12; size++)
            for (uint64_t index = 1; index < size; index++) {
                CLEANUP(lab_free) struct lab *lab = lab_new(&cast, (enum lab_kind)kind);
                lab->size = lab->sealed_size = size;
                lab->index = index;
                judge(lab, kind == LAB_TPM ? "tpm" : "token", ERR_OK);
            }
}

static void wrong_epoch(struct lab *lab)
{
    lab->sealed_epoch = LAB_EPOCH + 1;
}

static void older_epoch(struct lab *lab)
{
    lab->sealed_epoch = LAB_EPOCH - 1;
}

static void other_sealer(struct lab *lab)
{
    lab->seal_by = lab->t.hardware;
}

static void other_tree(struct lab *lab)
{
    lab->sealed_size++;
}

static void other_snapshot(struct lab *lab)
{
    lab->stepped_for = "another snapshot";
}

static void no_snapshot(struct lab *lab)
{
    lab->stepped_for = "";
}

static void no_seal(struct lab *lab)
{
    lab->seal_kind = HW_SEAL_NONE;
}

static void seal_of_fake(struct lab *lab)
{
    lab->seal_kind = HW_SEAL_FAKE;
}

static void seal_of_the_other(struct lab *lab)
{
    lab->seal_kind = lab->kind == LAB_TPM ? HW_SEAL_EPOCH_CHAIN : HW_SEAL_TPM_CERTIFY;
}

static void called_fake(struct lab *lab)
{
    lab->label = HW_SEAL_FAKE;
}

static void called_the_other(struct lab *lab)
{
    lab->label = lab->kind == LAB_TPM ? HW_SEAL_EPOCH_CHAIN : HW_SEAL_TPM_CERTIFY;
}

static void other_kind(struct lab *lab)
{
    char *kind = lab->enrolment.hw.about.kind;

    (void)snprintf(kind, sizeof lab->enrolment.hw.about.kind,
                   lab->kind == LAB_TPM ? "pkcs11" : "tpm");
}

static void signed_chain(struct lab *lab)
{
    lab->with_sig = true;
}

/* The hardware signs a tree with a record in it that the statement key did not sign. */
static void forged_record(struct lab *lab)
{
    lab->entry_by = lab->t.hardware;
}

/* Everything of the round is good, but the key was introduced by somebody else. */
static void forged_rotation(struct lab *lab)
{
    lab->rotation_by = lab->seal_key;
}

static void forged_receipt(struct lab *lab)
{
    lab->receipt_by = lab->seal_key;
}

/* Certificates of another device, which the hardware has signed nevertheless. */
static void certified_elsewhere(struct lab *lab)
{
    if (lab->kind == LAB_TOKEN)
        lab->certified_by = lab->first_key;
}

static void uncertified(struct lab *lab)
{
    lab->uncertified = true;
}

static void other_gate(struct lab *lab)
{
    lab->enrolment.issuer = slice_str("dev.pawl:example.org/gate-11");
}

static void other_domain(struct lab *lab)
{
    lab->enrolment.domain = slice_str("example.or");
}

static void no_simulator(struct lab *lab)
{
    lab->enrolment.hw.about.simulator = false;
}

static void other_model(struct lab *lab)
{
    lab->enrolment.hw.about.model[9]++;
}

static void other_receipt_key(struct lab *lab)
{
    lab->enrolment.hw.receipt = lab->seal_key->key;
}

static void each_check(void **state)
{
    static const struct {
        const char *name;
        void (*change)(struct lab *lab);
        err_code tpm, token;
    } cases[] = {
        {"sealed in the next epoch", wrong_epoch, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"sealed in the epoch before", older_epoch, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"sealed by another key", other_sealer, ERR_SIGNATURE_INVALID, ERR_SIGNATURE_INVALID},
        {"sealed for another tree", other_tree, ERR_PERMIT_INVALID, ERR_OK},
        {"a chain that names another snapshot", other_snapshot, ERR_OK, ERR_PERMIT_INVALID},
        {"a chain that names no snapshot", no_snapshot, ERR_OK, ERR_FORMAT},
        {"no seal", no_seal, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"a fake's seal", seal_of_fake, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"a seal of the other root", seal_of_the_other, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"a seal called a fake's", called_fake, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"a seal called the other's", called_the_other, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another kind of root", other_kind, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"a chain with a signature", signed_chain, ERR_OK, ERR_PERMIT_INVALID},
        {"a forged record", forged_record, ERR_SIGNATURE_INVALID, ERR_SIGNATURE_INVALID},
        {"a forged key_rotation", forged_rotation, ERR_SIGNER_UNKNOWN, ERR_SIGNER_UNKNOWN},
        {"a forged receipt", forged_receipt, ERR_SIGNER_UNKNOWN, ERR_SIGNER_UNKNOWN},
        {"certificates of another device", certified_elsewhere, ERR_OK, ERR_CERT_CHAIN},
        {"no certificates", uncertified, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another gate", other_gate, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another domain", other_domain, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"no simulator", no_simulator, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another model", other_model, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another receipt key", other_receipt_key, ERR_SIGNER_UNKNOWN, ERR_HSM_KEY_FOREIGN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int kind = LAB_TPM; kind <= LAB_TOKEN; kind++) {
            CLEANUP(lab_free) struct lab *lab = lab_new(&cast, (enum lab_kind)kind);
            cases[i].change(lab);
            judge(lab, cases[i].name, kind == LAB_TPM ? cases[i].tpm : cases[i].token);
        }
}

static void no_permit(void **state)
{
    CLEANUP(lab_free) struct lab *lab = lab_new(&cast, LAB_TPM);

    (void)state;
    assert_int_equal(lab_verify(lab, (struct slice){0}, NULL), ERR_CBOR_MALFORMED);
    assert_int_equal(lab_verify(lab, slice_str("permit"), NULL), ERR_CBOR_MALFORMED);
}

/* A kind of seal that a permit cannot even carry, and hardware that there is none of. */
static void no_such_hardware(void **state)
{
    static const char *const URIS[] = {"", "tpm", "TPM:device", "fake:", "pkcs12:", "xtpm:"};
    const struct hw_options options = {0};
    const struct hw_seal seal = {0};
    struct hw_enrolment enrolment = {.about.kind = "tpm"};
    struct hw_root *root = NULL;
    struct hardware_sealed sealed = {.epoch = 99};
    struct digest binding = {0};
    struct why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof URIS / sizeof *URIS; i++)
        assert_int_equal(hardware_open(URIS[i], &options, &root, &why), ERR_HARDWARE_URI);
    assert_null(root);
    assert_int_equal(hardware_seal_verify(&enrolment, &seal, &binding, &sealed, &why),
                     ERR_PERMIT_INVALID);
    assert_int_equal(sealed.epoch, 99);
}

/* A TPM that cannot certify is enrolled as such; nothing else goes without a seal. */
static void without_seals(void **state)
{
    for (int kind = LAB_TPM; kind <= LAB_TOKEN; kind++) {
        CLEANUP(lab_free) struct lab *lab = lab_new(&cast, (enum lab_kind)kind);
        CLEANUP(buf_free) struct buf permit = {0};
        bool sealed = true;

        lab->enrolment.hw.about.seals = false;
        lab->seal_kind = HW_SEAL_NONE;
        permit = lab_permit(lab);
        assert_int_equal(lab_verify(lab, buf_slice(&permit), &sealed),
                         kind == LAB_TPM ? ERR_OK : ERR_PERMIT_INVALID);
        assert_false(sealed);
        lab->entry_by = lab->seal_key;
        judge(lab, "a forged record", kind == LAB_TPM ? ERR_SIGNATURE_INVALID : ERR_PERMIT_INVALID);
    }
    (void)state;
}

/* ---- the enrolment --------------------------------------------------------------------------- */

static void enrolments(void **state)
{
    struct why why = {0};

    (void)state;
    for (int kind = LAB_TPM; kind <= LAB_TOKEN; kind++) {
        CLEANUP(lab_free) struct lab *lab = lab_new(&cast, (enum lab_kind)kind);
        struct enrolment *e = &lab->enrolment;
        const struct enrolment good = *e;
        err_code bound = kind == LAB_TPM ? ERR_PERMIT_INVALID : ERR_OK;

        OK(verify_enrolment(lab->root, e, &why));
        e->root.bytes[31] ^= 1;
        assert_int_equal(verify_enrolment(lab->root, e, &why), ERR_ROOT_UNTRUSTED);
        *e = good;
        e->domain = slice_str("example.com");
        assert_int_equal(verify_enrolment(lab->root, e, &why), ERR_ROOT_UNTRUSTED);
        *e = good;
        e->hw.index++; /* a TPM's Names are those of index, base, root metadata and keys */
        assert_int_equal(verify_enrolment(lab->root, e, &why), bound);
        *e = good;
        e->hw.base++;
        assert_int_equal(verify_enrolment(lab->root, e, &why), bound);
        *e = good;
        e->hw.receipt = lab->seal_key->key;
        assert_int_equal(verify_enrolment(lab->root, e, &why), bound);
        *e = good;
        e->hw.seal = lab->first_key->key;
        assert_int_equal(verify_enrolment(lab->root, e, &why), bound);
        *e = good;
        e->hw.index_name[5] ^= 1;
        assert_int_equal(verify_enrolment(lab->root, e, &why), bound);
        *e = good;
        e->hw.receipt_name[5] ^= 1;
        assert_int_equal(verify_enrolment(lab->root, e, &why), bound);
        *e = good;
        e->hw.seal_name[5] ^= 1;
        assert_int_equal(verify_enrolment(lab->root, e, &why), bound);
    }
}

/* Root metadata 1 that too few have signed, under an enrolment that names it. */
static void unsigned_root(void **state)
{
    CLEANUP(lab_free) struct lab *lab = lab_new(&cast, LAB_TOKEN);
    CLEANUP(root_meta_free) struct root_meta *draft = cast_root_meta(&cast), *one = NULL;
    CLEANUP(buf_free) struct buf bytes = cast_sign_root(&cast, draft, BY(ROOT_A));
    struct why why = {0};

    (void)state;
    OK(root_meta_parse(buf_slice(&bytes), &one, &why));
    lab->enrolment.root = one->digest;
    assert_int_equal(verify_enrolment(one, &lab->enrolment, &why), ERR_THRESHOLD);
}

static int make_cast(void **state)
{
    (void)state;
    cast_make(&cast);
    return 0;
}

static int free_cast(void **state)
{
    (void)state;
    cast_free(&cast);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones),        cmocka_unit_test(each_check),
        cmocka_unit_test(without_seals),    cmocka_unit_test(enrolments),
        cmocka_unit_test(unsigned_root),    cmocka_unit_test(no_permit),
        cmocka_unit_test(no_such_hardware),
    };

    return cmocka_run_group_tests(tests, make_cast, free_cast);
}
