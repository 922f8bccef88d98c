/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/attest.h"

#include "tpm/spec.h"

#include <inttypes.h>
#include <string.h>

#define ATTEST_MAX 1024
/* Part 2, 10.5.3: a TPM2B_NAME holds nameAlg and the largest digest (SHA-512), or a handle. */
#define NAME_MAX 66
/* Part 2, 10.4.3: a TPM2B_DATA is as large as a TPMT_HA. */
#define EXTRA_MAX 66

/* A TPM2B of at most max bytes. */
static struct slice sized(struct reader *r, size_t max)
{
    uint16_t len = reader_u16(r);

    if (len > max)
        r->err = ERR_FORMAT;
    return reader_bytes(r, len);
}

err_code tpm_attest_parse(struct slice bytes, struct tpm_attest *ret, struct why *why)
{
    struct reader r = reader_of(bytes);
    struct tpm_attest out = {0};
    uint32_t magic;
    uint16_t type;
    uint8_t safe;

    if (bytes.len > ATTEST_MAX)
        return why_say(why, ERR_FORMAT, "the attestation has %zu bytes, more than %d", bytes.len,
                       ATTEST_MAX);
    /* First of all: that a TPM composed this, and as what. Forgeries rest on leaving this out. */
    magic = reader_u32(&r);
    type = reader_u16(&r);
    if (r.err != ERR_OK || magic != TPM_GENERATED || type != TPM_ST_ATTEST_NV)
        return why_say(why, ERR_FORMAT,
                       "the attestation begins 0x%08" PRIx32 " 0x%04x, not 0x%08x 0x%04x", magic,
                       type, TPM_GENERATED, TPM_ST_ATTEST_NV);
    out.signer = sized(&r, NAME_MAX);
    out.extra = sized(&r, EXTRA_MAX);
    out.clock = reader_u64(&r);
    out.resets = reader_u32(&r);
    out.restarts = reader_u32(&r);
    safe = reader_u8(&r);
    out.safe = safe == 1;
    out.firmware = reader_u64(&r);
    out.index_name = sized(&r, NAME_MAX);
    out.offset = reader_u16(&r);
    out.contents = sized(&r, ATTEST_MAX);
    if (reader_done(&r) != ERR_OK || safe > 1)
        return why_say(why, ERR_FORMAT, "the attestation of %zu bytes is cut or has the wrong form",
                       bytes.len);
    *ret = out;
    return ERR_OK;
}

/* Of a primary key: H(handle of the hierarchy || Name) (part 1, 26.5). */
static err_code qualified_name(const uint8_t *name, uint8_t ret[static HW_TPM_NAME_LEN])
{
    uint8_t handle[4];
    const struct slice parts[] = {SLICE_OF(handle), {name, HW_TPM_NAME_LEN}};
    struct digest digest;

    put_u32(handle, TPM_RH_OWNER_HANDLE);
    TRY(hash_sha256_parts(parts, 2, &digest));
    ret[0] = TPM_ALG_SHA256 >> 8;
    ret[1] = TPM_ALG_SHA256 & 0xFF;
    memcpy(ret + 2, digest.bytes, sizeof digest.bytes);
    return ERR_OK;
}

static err_code judge_signature(const struct hw_enrolment *enrolment, const struct hw_seal *seal,
                                struct why *why)
{
    struct hw_statement statement;

    if (enrolment->seal.alg != HW_ES256)
        return why_say(why, ERR_PERMIT_INVALID, "the enrolment has no seal key");
    if (hw_statement_of(&enrolment->seal, buf_slice(&seal->statement), buf_slice(&seal->sig),
                        &statement) != ERR_OK)
        return why_say(why, ERR_SIGNATURE_INVALID, "the seal's signature has %zu bytes, not 64",
                       seal->sig.len);
    if (hw_verify_soft(&statement, NULL) != ERR_OK)
        return why_say(why, ERR_SIGNATURE_INVALID,
                       "the seal is not signed by the enrolled seal key");
    return ERR_OK;
}

/* That it is about our counter, whole, and about what the permit says. */
static err_code judge_content(const struct hw_enrolment *enrolment, const struct tpm_attest *attest,
                              const struct digest *binding, struct why *why)
{
    uint8_t signer[HW_TPM_NAME_LEN];

    TRY(qualified_name(enrolment->seal_name, signer));
    if (!slice_eq(attest->signer, SLICE_OF(signer)))
        return why_say(why, ERR_PERMIT_INVALID,
                       "the seal names another signing key than the enrolled one");
    if (!slice_eq(attest->index_name, SLICE_OF(enrolment->index_name)))
        return why_say(why, ERR_PERMIT_INVALID,
                       "the seal is about another NV index (Name of %zu "
                       "bytes) than the enrolled counter",
                       attest->index_name.len);
    if (attest->offset != 0 || attest->contents.len != 8)
        return why_say(why, ERR_PERMIT_INVALID,
                       "the seal covers %zu bytes from %u of the counter, not 8 from 0",
                       attest->contents.len, attest->offset);
    if (!slice_eq(attest->extra, digest_slice(binding)))
        return why_say(why, ERR_PERMIT_INVALID,
                       "the seal is bound to another tree head, snapshot or epoch");
    return ERR_OK;
}

err_code tpm_seal_verify(const struct hw_enrolment *enrolment, const struct hw_seal *seal,
                         const struct digest *binding, struct tpm_sealed *ret, struct why *why)
{
    struct tpm_attest attest;
    uint64_t counter;

    if (seal->kind != HW_SEAL_TPM_CERTIFY)
        return why_say(why, ERR_PERMIT_INVALID, "the seal is of kind %d, not of a TPM",
                       (int)seal->kind);
    TRY(judge_signature(enrolment, seal, why));
    TRY(tpm_attest_parse(buf_slice(&seal->statement), &attest, why));
    TRY(judge_content(enrolment, &attest, binding, why));
    counter = get_u64(attest.contents.ptr);
    if (counter < enrolment->base)
        return why_say(why, ERR_PERMIT_INVALID,
                       "the sealed counter is %" PRIu64 ", below the base %" PRIu64, counter,
                       enrolment->base);
    *ret = (struct tpm_sealed){.counter = counter,
                               .epoch = counter - enrolment->base,
                               .clock = attest.clock,
                               .resets = attest.resets,
                               .restarts = attest.restarts,
                               .safe = attest.safe};
    return ERR_OK;
}
