/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_test.c: permits of a TPM and of a token made in software, where everything that a real one
 * would not do can be signed: each check of the offline verifier alone stands against one of them.
 */
#include "gate/decide/verify.h"

#include "gate/cose/cose_key.h"

#include "gate/decide/hardware.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/policy/cast_testing.h"
#include "gate/policy/grant.h"
#include "pkcs11/epoch_cert.h"
#include "tpm/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EPOCH 7 /* that the records of ledger_testing.h speak of */
#define INDEX 0x01800100u
#define BASE 64u

enum hardware {
    TPM,
    TOKEN,
};

/* Everything that a permit is made of, good until a test changes it. */
struct lab {
    enum hardware kind;
    struct testing t; /* .hardware is the receipt key */
    struct hw_signer *seal_key, *first_key;
    struct root_meta *root;
    struct buf root_bytes;
    struct enrolment enrolment;

    struct hw_signer *seal_by; /* of the attestation, or identity key */
    struct hw_signer
        *entry_by; /* of the record, in the name of the statement key; NULL: that key */
    struct hw_signer *rotation_by,
        *receipt_by; /* with the kid of their own; NULL: the receipt key */
    uint64_t sealed_epoch, sealed_size;
    const char *stepped_for;            /* what the token's certificate names; "": nothing */
    uint64_t index, size;               /* of the record, and of the tree that is signed */
    enum hw_seal_kind seal_kind, label; /* as it is made, as it is called; NONE: the same */
    bool with_sig;                      /* a seal of a token that carries a signature as well */
};

static struct cast cast;

#define OK(call) expect((call), ERR_OK, &why, #call, __LINE__)
static void expect(err_code got, err_code want, const struct why *why, const char *call, int line)
{
    if (got != want)
        fail_msg("line %d: %s: gave %s (%s), wanted %s", line, call, err_name(got), why->text,
                 err_name(want));
}

/* ---- enrolment ------------------------------------------------------------------------------- */

static void enrol_tpm(struct lab *lab)
{
    struct hw_enrolment *hw = &lab->enrolment.hw;
    struct tpm_plan plan;
    struct why why = {0};

    hw->index = INDEX;
    hw->base = BASE;
    OK(grant_plan(lab->root, INDEX, BASE, &plan, &why));
    memcpy(hw->index_name, plan.index_name, sizeof hw->index_name);
    OK(tpm_key_name(&plan, TPM_PURPOSE_SIGN, &hw->receipt, hw->receipt_name));
    OK(tpm_key_name(&plan, TPM_PURPOSE_CERTIFY, &hw->seal, hw->seal_name));
}

static struct lab *lab_new(enum hardware kind)
{
    struct lab *lab = calloc(1, sizeof *lab);
    struct hw_enrolment *hw = &lab->enrolment.hw;
    struct why why = {0};

    assert_non_null(lab);
    lab->kind = kind;
    testing_init(&lab->t);
    OK(hw_signer_generate(HW_ES256, &lab->seal_key, &why));
    OK(hw_signer_generate(HW_ES256, &lab->first_key, &why));
    lab->root = cast_root(&cast, &lab->root_bytes);
    lab->enrolment.domain = slice_str("example.org");
    lab->enrolment.gate = slice_str("gate-1");
    lab->enrolment.root = lab->root->digest;
    *hw = (struct hw_enrolment){
        .about = {.simulator = true, .seals = true},
        .receipt = kind == TPM ? lab->t.hardware->key : lab->first_key->key,
        .seal = lab->seal_key->key,
    };
    (void)snprintf(hw->about.kind, sizeof hw->about.kind, kind == TPM ? "tpm" : "pkcs11");
    (void)snprintf(hw->about.model, sizeof hw->about.model, "IBM SW TPM");
    if (kind == TPM)
        enrol_tpm(lab);
    lab->seal_by = lab->seal_key;
    lab->sealed_epoch = EPOCH;
    lab->stepped_for = "snapshot";
    lab->size = lab->sealed_size = 3;
    lab->index = 2;
    lab->seal_kind = kind == TPM ? HW_SEAL_TPM_CERTIFY : HW_SEAL_EPOCH_CHAIN;
    return lab;
}

static void lab_free(struct lab **lab)
{
    struct lab *l = *lab;

    testing_free(&l->t);
    hw_signer_close(&l->seal_key);
    hw_signer_close(&l->first_key);
    root_meta_free(&l->root);
    buf_free(&l->root_bytes);
    free(l);
    *lab = NULL;
}

/* ---- seals ----------------------------------------------------------------------------------- */

static void add_sized(struct buf *out, struct slice bytes)
{
    assert_int_equal(buf_add_u16(out, (uint16_t)bytes.len), ERR_OK);
    assert_int_equal(buf_add_slice(out, bytes), ERR_OK);
}

/* TPMS_ATTEST of an NV index (part 2, 10.12.12). */
static void attest(const struct lab *lab, const struct digest *binding, struct hw_seal *ret)
{
    const struct hw_enrolment *hw = &lab->enrolment.hw;
    uint8_t handle[4], contents[8], name[HW_TPM_NAME_LEN] = {0, TPM_ALG_SHA256};
    const struct slice parts[] = {SLICE_OF(handle), SLICE_OF(hw->seal_name)};
    struct digest qualified;
    struct buf *out = &ret->statement;
    struct why why = {0};

    put_u32(handle, TPM_RH_OWNER_HANDLE);
    OK(hash_sha256_parts(parts, 2, &qualified));
    memcpy(name + 2, qualified.bytes, sizeof qualified.bytes);
    put_u64(contents, BASE + lab->sealed_epoch);
    OK(buf_add_u32(out, TPM_GENERATED));
    OK(buf_add_u16(out, TPM_ST_ATTEST_NV));
    add_sized(out, SLICE_OF(name));
    add_sized(out, digest_slice(binding));
    OK(buf_add_u64(out, 1000)); /* clock */
    OK(buf_add_u64(out, 0));    /* resets, restarts */
    OK(buf_add_u8(out, 1));
    OK(buf_add_u64(out, 0)); /* firmware */
    add_sized(out, SLICE_OF(hw->index_name));
    OK(buf_add_u16(out, 0));
    add_sized(out, SLICE_OF(contents));
    OK(hw_sign(lab->seal_by, buf_slice(out), &ret->sig, &why));
}

static void sign64(struct hw_signer *signer, const struct digest *digest, uint8_t ret[static 64])
{
    CLEANUP(buf_free) struct buf sig = {0};

    assert_int_equal(signer->ops->sign(signer, digest_slice(digest), &sig, NULL), ERR_OK);
    memcpy(ret, sig.ptr, 64);
}

/* From the enrolled key in epoch 0 straight to the sealed one. No TPM makes this. */
static void chain(const struct lab *lab, struct hw_seal *ret)
{
    struct hw_signer *first = lab->kind == TPM ? lab->t.hardware : lab->first_key;
    struct hsm_cert certs[] = {
        {.epoch = 0, .key = first->key},
        {.epoch = lab->sealed_epoch, .key = lab->t.hardware->key},
    };
    struct digest digest;
    struct why why = {0};

    OK(hash_sha256(slice_str(lab->stepped_for), &certs[1].snapshot));
    if (lab->stepped_for[0] == '\0')
        certs[1].snapshot = (struct digest){0};
    for (size_t i = 0; i < 2; i++) {
        if (i > 0)
            OK(hash_sha256(buf_slice(&ret->statement), &certs[i].previous_cert));
        OK(hsm_cert_digest(&certs[i], &digest));
        if (i > 0)
            sign64(first, &digest, certs[i].previous_sig);
        sign64(lab->seal_by, &digest, certs[i].identity_sig);
        OK(hsm_cert_encode(&certs[i], &ret->statement));
    }
    if (lab->with_sig)
        OK(buf_add_str(&ret->sig, "x"));
}

/* ---- permits --------------------------------------------------------------------------------- */

/* The same record with a signature by another key. */
static void sign_again(struct hw_signer *by, struct buf *bytes)
{
    CLEANUP(buf_free) struct buf tbs = {0}, sig = {0}, forged = {0};
    struct cose_sign1 message;
    struct why why = {0};

    OK(cose_sign1_parse(buf_slice(bytes), CBOR_DETERMINISTIC, &message, &why));
    OK(cose_sign1_tbs(message.protected_, (struct slice){0}, message.payload, &tbs));
    OK(hw_sign(by, buf_slice(&tbs), &sig, &why));
    OK(cose_sign1_assemble(message.protected_, (struct slice){0}, message.payload, false,
                           buf_slice(&sig), &forged));
    buf_free(bytes);
    *bytes = buf_take(&forged);
}

/* Entry i: a key_rotation, then decisions. */
static struct buf entry(struct lab *lab, uint64_t i, struct record_link *link)
{
    struct hw_signer *hardware = lab->t.hardware;
    struct record *record =
        testing_record(&lab->t, i == 0 ? RECORD_KEY_ROTATION : RECORD_DECISION, "agent-1", link);
    struct buf bytes = {0};

    if (lab->rotation_by != NULL)
        lab->t.hardware = lab->rotation_by;
    testing_signed(&lab->t, record, &bytes, link);
    lab->t.hardware = hardware;
    free(record);
    if (i == lab->index && lab->entry_by != NULL)
        sign_again(lab->entry_by, &bytes);
    return bytes;
}

/* Entries up to the size, in a tree. ret_record: the one at lab->index. */
static void grow(struct lab *lab, struct tree *tree, struct buf *ret_rotation,
                 struct buf *ret_record)
{
    struct record_link own = {0}, agent = {0};
    struct digest leaf;
    struct why why = {0};

    for (uint64_t i = 0; i < lab->size; i++) {
        CLEANUP(buf_free) struct buf bytes = entry(lab, i, i == 0 ? &own : &agent);
        OK(tree_leaf(buf_slice(&bytes), &leaf));
        OK(tree_append(tree, &leaf));
        if (i == 0 || i == lab->index)
            OK(buf_add_slice(i == 0 ? ret_rotation : ret_record, buf_slice(&bytes)));
    }
}

static void make_receipt(struct lab *lab, const struct tree *tree, struct buf *ret)
{
    struct hw_signer *hardware = lab->t.hardware;

    if (lab->receipt_by != NULL)
        lab->t.hardware = lab->receipt_by;
    testing_receipt(&lab->t, tree, lab->index, lab->size, ret);
    lab->t.hardware = hardware;
}

static void make_seal(const struct lab *lab, const struct tree *tree, struct hw_seal *ret)
{
    struct hw_seal_head head = {.tree_size = lab->sealed_size, .epoch = EPOCH};
    struct digest binding;
    struct why why = {0};

    OK(tree_root(tree, lab->size, &head.tree_root));
    OK(hash_sha256(slice_str("snapshot"), &head.snapshot));
    OK(cose_key_thumbprint(&lab->t.statement->key, &head.signer));
    OK(hw_seal_binding(&head, &binding));
    ret->kind = lab->label != HW_SEAL_NONE ? lab->label : lab->seal_kind;
    if (lab->seal_kind == HW_SEAL_EPOCH_CHAIN)
        chain(lab, ret);
    else
        attest(lab, &binding, ret);
}

static struct buf permit_of(struct lab *lab)
{
    CLEANUP(buf_free) struct buf record = {0}, rotation = {0}, receipt = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    CLEANUP(tree_free) struct tree tree = {0};
    struct permit_parts parts;
    struct buf out = {0};
    struct why why = {0};

    grow(lab, &tree, &rotation, &record);
    make_receipt(lab, &tree, &receipt);
    make_seal(lab, &tree, &seal);
    parts =
        (struct permit_parts){buf_slice(&record), buf_slice(&receipt), buf_slice(&rotation), &seal};
    OK(permit_make(&parts, &out, &why));
    return out;
}

static err_code verify(struct lab *lab, struct slice permit, bool *ret_sealed)
{
    static struct verified verified; /* large */
    struct why why = {0};
    err_code err = verify_permit(permit, &lab->enrolment, &verified, &why);

    if (ret_sealed != NULL)
        *ret_sealed = verified.sealed;
    if (err == ERR_OK) {
        assert_int_equal(verified.epoch, EPOCH);
        assert_true(verified.permit.record.decision.permit);
        assert_true(hw_pubkey_eq(&verified.receipt_key, &lab->t.hardware->key));
    } else {
        assert_int_equal(verified.permit.record.kind, RECORD_NONE); /* nothing is said on failure */
        assert_int_equal(why.code, err);
    }
    verified_free(&verified);
    return err;
}

static void judge(struct lab *lab, const char *name, err_code want)
{
    CLEANUP(buf_free) struct buf permit = permit_of(lab);
    err_code got = verify(lab, buf_slice(&permit), NULL);

    if (got != want)
        fail_msg("%s: gave %s, wanted %s", name, err_name(got), err_name(want));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void good_ones(void **state)
{
    (void)state;
    for (int kind = TPM; kind <= TOKEN; kind++)
        for (uint64_t size = 2; size < 12; size++)
            for (uint64_t index = 1; index < size; index++) {
                CLEANUP(lab_free) struct lab *lab = lab_new((enum hardware)kind);
                lab->size = lab->sealed_size = size;
                lab->index = index;
                judge(lab, kind == TPM ? "tpm" : "token", ERR_OK);
            }
}

static void wrong_epoch(struct lab *lab)
{
    lab->sealed_epoch = EPOCH + 1;
}

static void older_epoch(struct lab *lab)
{
    lab->sealed_epoch = EPOCH - 1;
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
    lab->seal_kind = lab->kind == TPM ? HW_SEAL_EPOCH_CHAIN : HW_SEAL_TPM_CERTIFY;
}

static void called_fake(struct lab *lab)
{
    lab->label = HW_SEAL_FAKE;
}

static void called_the_other(struct lab *lab)
{
    lab->label = lab->kind == TPM ? HW_SEAL_EPOCH_CHAIN : HW_SEAL_TPM_CERTIFY;
}

static void other_kind(struct lab *lab)
{
    char *kind = lab->enrolment.hw.about.kind;

    (void)snprintf(kind, sizeof lab->enrolment.hw.about.kind, lab->kind == TPM ? "pkcs11" : "tpm");
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

static void other_gate(struct lab *lab)
{
    lab->enrolment.gate = slice_str("gate-11");
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
        {"another gate", other_gate, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another domain", other_domain, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"no simulator", no_simulator, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another model", other_model, ERR_PERMIT_INVALID, ERR_PERMIT_INVALID},
        {"another receipt key", other_receipt_key, ERR_SIGNER_UNKNOWN, ERR_HSM_KEY_FOREIGN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int kind = TPM; kind <= TOKEN; kind++) {
            CLEANUP(lab_free) struct lab *lab = lab_new((enum hardware)kind);
            cases[i].change(lab);
            judge(lab, cases[i].name, kind == TPM ? cases[i].tpm : cases[i].token);
        }
}

static void no_permit(void **state)
{
    CLEANUP(lab_free) struct lab *lab = lab_new(TPM);

    (void)state;
    assert_int_equal(verify(lab, (struct slice){0}, NULL), ERR_CBOR_MALFORMED);
    assert_int_equal(verify(lab, slice_str("permit"), NULL), ERR_CBOR_MALFORMED);
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
    for (int kind = TPM; kind <= TOKEN; kind++) {
        CLEANUP(lab_free) struct lab *lab = lab_new((enum hardware)kind);
        CLEANUP(buf_free) struct buf permit = {0};
        bool sealed = true;

        lab->enrolment.hw.about.seals = false;
        lab->seal_kind = HW_SEAL_NONE;
        permit = permit_of(lab);
        assert_int_equal(verify(lab, buf_slice(&permit), &sealed),
                         kind == TPM ? ERR_OK : ERR_PERMIT_INVALID);
        assert_false(sealed);
        lab->entry_by = lab->seal_key;
        judge(lab, "a forged record", kind == TPM ? ERR_SIGNATURE_INVALID : ERR_PERMIT_INVALID);
    }
    (void)state;
}

/* ---- the enrolment --------------------------------------------------------------------------- */

static void enrolments(void **state)
{
    struct why why = {0};

    (void)state;
    for (int kind = TPM; kind <= TOKEN; kind++) {
        CLEANUP(lab_free) struct lab *lab = lab_new((enum hardware)kind);
        struct enrolment *e = &lab->enrolment;
        const struct enrolment good = *e;
        err_code bound = kind == TPM ? ERR_PERMIT_INVALID : ERR_OK;

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
    CLEANUP(lab_free) struct lab *lab = lab_new(TOKEN);
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
