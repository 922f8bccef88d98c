/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/lab_testing.h"

#include "gate/cose/cose_key.h"
#include "gate/policy/grant.h"
#include "pkcs11/epoch_cert.h"
#include "tpm/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

    hw->index = LAB_INDEX;
    hw->base = LAB_BASE;
    OK(grant_plan(lab->root, LAB_INDEX, LAB_BASE, &plan, &why));
    memcpy(hw->index_name, plan.index_name, sizeof hw->index_name);
    OK(tpm_key_name(&plan, TPM_PURPOSE_SIGN, &hw->receipt, hw->receipt_name));
    OK(tpm_key_name(&plan, TPM_PURPOSE_CERTIFY, &hw->seal, hw->seal_name));
}

struct lab *lab_new(const struct cast *cast, enum lab_kind kind)
{
    struct lab *lab = calloc(1, sizeof *lab);
    struct hw_enrolment *hw = &lab->enrolment.hw;
    struct why why = {0};

    assert_non_null(lab);
    lab->kind = kind;
    testing_init(&lab->t);
    OK(hw_signer_generate(HW_ES256, &lab->seal_key, &why));
    OK(hw_signer_generate(HW_ES256, &lab->first_key, &why));
    lab->root = cast_root(cast, &lab->root_bytes);
    lab->enrolment.domain = slice_str("example.org");
    lab->enrolment.gate = slice_str("gate-1");
    lab->enrolment.issuer = slice_str(TESTING_ISSUER);
    lab->enrolment.root = lab->root->digest;
    *hw = (struct hw_enrolment){
        .about = {.simulator = true, .seals = true},
        .receipt = kind == LAB_TPM ? lab->t.hardware->key : lab->first_key->key,
        .seal = lab->seal_key->key,
    };
    (void)snprintf(hw->about.kind, sizeof hw->about.kind, kind == LAB_TPM ? "tpm" : "pkcs11");
    (void)snprintf(hw->about.model, sizeof hw->about.model, "IBM SW TPM");
    if (kind == LAB_TPM)
        enrol_tpm(lab);
    lab->seal_by = lab->certified_by = lab->seal_key;
    lab->sealed_epoch = LAB_EPOCH;
    lab->stepped_for = "snapshot";
    lab->size = lab->sealed_size = 3;
    lab->index = 2;
    lab->seal_kind = kind == LAB_TPM ? HW_SEAL_TPM_CERTIFY : HW_SEAL_EPOCH_CHAIN;
    return lab;
}

void lab_free(struct lab **lab)
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
    put_u64(contents, LAB_BASE + lab->sealed_epoch);
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
    struct hw_signer *first = lab->kind == LAB_TPM ? lab->t.hardware : lab->first_key;
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

    if (i > 0 && lab->request != NULL)
        record->input = *lab->request;
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
    testing_receipt(&lab->t, tree_of(tree), lab->index, lab->size, ret);
    lab->t.hardware = hardware;
}

static void make_seal(const struct lab *lab, const struct tree *tree, struct hw_seal *ret)
{
    struct hw_seal_head head = {
        .tree_size = lab->sealed_size, .round = TESTING_ROUND, .epoch = LAB_EPOCH};
    struct digest binding;
    struct why why = {0};

    OK(tree_root(tree_of(tree), lab->size, &head.tree_root, &why));
    OK(hash_sha256(slice_str("snapshot"), &head.snapshot));
    OK(cose_key_thumbprint(&lab->t.statement->key, &head.signer));
    OK(hw_seal_binding(&head, &binding));
    ret->kind = lab->label != HW_SEAL_NONE ? lab->label : lab->seal_kind;
    if (lab->seal_kind == HW_SEAL_EPOCH_CHAIN)
        chain(lab, ret);
    else
        attest(lab, &binding, ret);
}

struct buf lab_permit(struct lab *lab)
{
    CLEANUP(buf_free) struct buf record = {0}, rotation = {0}, receipt = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    CLEANUP(tree_free) struct tree tree = {0};
    struct permit_parts parts;
    struct buf out = {0};
    struct why why = {0};

    /* A forger has no certificates of the hardware's; with none the signatures have to tell. */
    lab->t.uncertified = lab->rotation_by != NULL || lab->receipt_by != NULL || lab->uncertified;
    lab->t.device = lab->kind == LAB_TPM ? NULL : lab->certified_by;
    grow(lab, &tree, &rotation, &record);
    make_receipt(lab, &tree, &receipt);
    make_seal(lab, &tree, &seal);
    parts = (struct permit_parts){
        buf_slice(&record), buf_slice(&receipt), buf_slice(&rotation), &seal, {0}, NULL};
    OK(permit_make(&parts, &out, &why));
    return out;
}

err_code lab_verify(struct lab *lab, struct slice permit, bool *ret_sealed)
{
    static struct verified verified; /* large */
    struct why why = {0};
    err_code err = verify_permit(permit, &lab->enrolment, &verified, &why);

    if (ret_sealed != NULL)
        *ret_sealed = verified.sealed;
    if (err == ERR_OK) {
        assert_int_equal(verified.epoch, LAB_EPOCH);
        assert_true(verified.permit.record.decision.permit);
        assert_true(hw_pubkey_eq(&verified.receipt_key, &lab->t.hardware->key));
    } else {
        assert_int_equal(verified.permit.record.kind, RECORD_NONE); /* nothing is said on failure */
        assert_int_equal(why.code, err);
    }
    verified_free(&verified);
    return err;
}
