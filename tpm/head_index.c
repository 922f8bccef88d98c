/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/head_index.h"

#include "tpm/spec.h"

#include <string.h>

static const struct {
    const char *name;
    uint32_t attributes;
    uint16_t size;
} PLACES[TPM_HEAD_PLACES] = {
    {"rounds", TPM_NV_COUNTER | TPM_NV_ORDERLY, 8},
    {"chain", TPM_NV_EXTEND | TPM_NV_ORDERLY, SHA256_LEN},
    {"durable", 0, HW_HEAD_RECORD_LEN},
};

const char *tpm_head_place_name(enum tpm_head_place place)
{
    return place < TPM_HEAD_PLACES ? PLACES[place].name : "?";
}

err_code tpm_head_public(const struct tpm_head_plan *plan, enum tpm_head_place place, bool written,
                         struct buf *ret)
{
    uint8_t number[8];
    const struct slice parts[] = {digest_slice(&plan->ref), slice_str(PLACES[place].name),
                                  SLICE_OF(number)};
    CLEANUP(buf_free) struct buf out = {0};
    struct digest mark;

    put_u64(number, plan->orderly);
    TRY(hash_tagged("pawl-head-index-v1", parts, 3, &mark));
    TRY(buf_add_u32(&out, plan->index[place]));
    TRY(buf_add_u16(&out, TPM_ALG_SHA256));
    TRY(buf_add_u32(&out, PLACES[place].attributes | TPM_NV_AUTHWRITE | TPM_NV_AUTHREAD |
                              TPM_NV_NO_DA | (written ? TPM_NV_WRITTEN : 0)));
    TRY(buf_add_u16(&out, SHA256_LEN));
    TRY(buf_add_slice(&out, digest_slice(&mark)));
    TRY(buf_add_u16(&out, PLACES[place].size));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code tpm_head_name(const struct tpm_head_plan *plan, enum tpm_head_place place, bool written,
                       uint8_t ret[static HW_TPM_NAME_LEN])
{
    CLEANUP(buf_free) struct buf area = {0};
    struct digest digest;

    TRY(tpm_head_public(plan, place, written, &area));
    TRY(hash_sha256(buf_slice(&area), &digest));
    ret[0] = TPM_ALG_SHA256 >> 8;
    ret[1] = TPM_ALG_SHA256 & 0xFF;
    memcpy(ret + 2, digest.bytes, sizeof digest.bytes);
    return ERR_OK;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* A block of the counter has orderly + 1 values, the last of which is no round's. */
struct tpm_rounds tpm_rounds_of(uint64_t counter, uint32_t orderly)
{
    uint64_t block = counter / ((uint64_t)orderly + 1) * orderly, at = counter & orderly;

    if (at == orderly)
        return (struct tpm_rounds){.most = block + orderly - 1, .least = block, .jumped = true};
    return (struct tpm_rounds){.most = block + at, .least = block + at};
}

bool tpm_rounds_skip(uint64_t counter, uint32_t orderly)
{
    return (counter & orderly) == orderly;
}

/* ---- octets ---------------------------------------------------------------------------------- */

static const char BOOT[] = "pawl-boot-head-v1";

err_code tpm_chain_add(const struct digest *chain, const struct hw_head *head, struct digest *ret)
{
    uint8_t octets[HW_HEAD_LEN];
    const struct slice parts[] = {digest_slice(chain), SLICE_OF(octets)};
    struct digest out;

    hw_head_put(head, octets);
    TRY(hash_sha256_parts(parts, 2, &out));
    *ret = out;
    return ERR_OK;
}

err_code tpm_boot_write(const struct tpm_boot *boot, uint8_t ret[static TPM_BOOT_LEN])
{
    uint8_t *at = ret + 8;

    put_u32(ret, boot->resets);
    put_u32(ret + 4, boot->restarts);
    memcpy(at, boot->before.bytes, SHA256_LEN);
    hw_head_put(&boot->head, at + SHA256_LEN);
    return hw_head_check_put(BOOT, ret, TPM_BOOT_LEN);
}

err_code tpm_boot_read(struct slice from, struct tpm_boot *ret)
{
    struct reader r = reader_of(from);
    struct tpm_boot out;

    if (from.len != TPM_BOOT_LEN)
        return ERR_FORMAT;
    TRY(hw_head_check_see(BOOT, from));
    out.resets = reader_u32(&r);
    out.restarts = reader_u32(&r);
    reader_copy(&r, out.before.bytes, SHA256_LEN);
    hw_head_get(r.rest.ptr, &out.head);
    out.chain = out.before;
    if (out.head.size > 0)
        TRY(tpm_chain_add(&out.before, &out.head, &out.chain));
    *ret = out;
    return ERR_OK;
}
