/* SPDX-License-Identifier: Apache-2.0 */
/* record_write.c: puts a record together from what its profile lays out, as a hash envelope (RFC
 * 9995) if it would be too large for an entry. */
#include "gate/cose/cose_key.h"
#include "gate/ledger/record_air.h"
#include "gate/ledger/record_rules.h"

/* Octets of a byte string with its head (RFC 8949 3). */
static size_t bytes_len(size_t len)
{
    return len + (len < 24 ? 1 : len < 0x100 ? 2 : len < 0x10000 ? 3 : 5);
}

/* Tag, array, protected header, empty map, payload, signature. */
static size_t entry_len(const struct record_draft *draft)
{
    return 1 + 1 + bytes_len(draft->protected_.len) + 1 + bytes_len(draft->payload.len) +
           bytes_len(64);
}

void record_draft_free(struct record_draft *draft)
{
    buf_free(&draft->protected_);
    buf_free(&draft->payload);
    buf_free(&draft->preimage);
    *draft = (struct record_draft){0};
}

/* The payload that was written becomes the pre-image, its hash the payload. */
static err_code envelop(struct record_draft *draft)
{
    struct digest hash;

    if (draft->payload.len > RECORD_PREIMAGE_MAX)
        return ERR_TOO_LARGE;
    draft->preimage = buf_take(&draft->payload);
    TRY(hash_sha256(buf_slice(&draft->preimage), &hash));
    buf_cut(&draft->protected_, 0);
    return buf_add_slice(&draft->payload, digest_slice(&hash));
}

static err_code lay_out(const struct record_profile *profile, const struct hw_pubkey *key,
                        const struct record *record, struct record_draft *draft)
{
    struct digest kid;
    struct record_content content = {.kid = &kid};

    TRY(cose_key_thumbprint(key, &kid));
    TRY(profile->write_payload(record, &kid, &draft->payload));
    content.octets = buf_slice(&draft->payload);
    TRY(profile->write_protected(key, record, &content, &draft->protected_, &draft->chain_hash));
    if (entry_len(draft) <= RECORD_SIZE_MAX)
        return ERR_OK;
    TRY(envelop(draft));
    content = (struct record_content){buf_slice(&draft->payload), true, &kid};
    return profile->write_protected(key, record, &content, &draft->protected_, &draft->chain_hash);
}

err_code record_prepare_as(const struct record_profile *profile, const struct hw_pubkey *key,
                           const struct record *record, struct record_draft *ret, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf tbs = {0};
    err_code err;

    if (key->alg != HW_ES256)
        return why_say(why, ERR_COSE_ALG, "a record must be signed with ES256, not with %s",
                       hw_alg_name(key->alg));
    TRY(record_check(record, why));
    err = lay_out(profile, key, record, &draft);
    if (err == ERR_TOO_LARGE)
        return why_say(why, err, "a record's payload is larger than %zu bytes",
                       RECORD_PREIMAGE_MAX);
    TRY(err);
    TRY(cose_sign1_tbs(buf_slice(&draft.protected_), (struct slice){0}, buf_slice(&draft.payload),
                       &tbs));
    TRY(hash_sha256(buf_slice(&tbs), &draft.tbs));
    *ret = draft;
    draft = (struct record_draft){0};
    return ERR_OK;
}

err_code record_prepare(const struct hw_pubkey *key, const struct record *record,
                        struct record_draft *ret, struct why *why)
{
    return record_prepare_as(&RECORD_AIR, key, record, ret, why);
}

err_code record_finish(const struct record_draft *draft, const uint8_t sig[static 64],
                       struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};

    TRY(cose_sign1_assemble(buf_slice(&draft->protected_), (struct slice){0},
                            buf_slice(&draft->payload), false, (struct slice){sig, 64}, &out));
    if (out.len > RECORD_SIZE_MAX)
        return ERR_TOO_LARGE;
    return buf_add_slice(ret, buf_slice(&out));
}

err_code record_sign(struct hw_signer *signer, const struct record_draft *draft, struct buf *ret,
                     struct why *why)
{
    CLEANUP(buf_free) struct buf sig = {0};

    TRY(signer->ops->sign(signer, digest_slice(&draft->tbs), &sig, why));
    if (sig.len != 64)
        return why_say(why, ERR_KEY_SIGN, "the signature has %zu bytes, not 64", sig.len);
    return record_finish(draft, sig.ptr, ret);
}

err_code record_make(struct hw_signer *signer, const struct record *record, struct buf *ret,
                     struct digest *ret_chain_hash, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};

    TRY(record_prepare(&signer->key, record, &draft, why));
    if (draft.preimage.len > 0)
        return why_say(why, ERR_TOO_LARGE, "a record with a payload of %zu bytes",
                       draft.preimage.len);
    TRY(record_sign(signer, &draft, ret, why));
    *ret_chain_hash = draft.chain_hash;
    return ERR_OK;
}
