/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/signer.h"

#include "tpm/command.h"
#include "tpm/owner.h"
#include "tpm/pubkey.h"
#include "tpm/spec.h"
#include "tpm/uri.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

struct tpm_signer {
    struct hw_signer signer; /* first */
    struct tpm_chip chip;
    TPM2_HANDLE handle;
    TPM2B_AUTH auth;
};

/* --- one key --- */

static err_code signer_sign(struct hw_signer *signer, struct slice digest, struct buf *ret,
                            struct why *why)
{
    struct tpm_signer *s = (struct tpm_signer *)signer;
    enum hw_alg alg = signer->key.alg;
    CLEANUP(buf_free) struct buf raw = {0};
    const struct tpm_sign_with with = {s->handle, &s->auth, alg};
    struct hw_statement made = {.key = signer->key};
    TPMT_SIGNATURE sig = {0};
    TSS2_RC rc;

    if (digest.len != hw_digest_len(alg))
        return why_say(why, ERR_KEY_SIGN, "%s signs digests of %zu bytes, not %zu",
                       hw_alg_name(alg), hw_digest_len(alg), digest.len);
    TRY(tpm_chip_ready(&s->chip, why));
    rc = tpm_sign_with(&s->chip, &with, digest, &sig);
    if (tpm_chip_room(&s->chip, rc))
        rc = tpm_sign_with(&s->chip, &with, digest, &sig);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&s->chip, rc, "TPM2_Sign", why);
    TRY(tpm_raw_signature(&signer->key, &sig, &raw, why));
    /* Older chips use the longest PSS salt that fits, which COSE does not allow (RFC 8230 2); and a
     * faulty signature of an authority must not leave the house. */
    memcpy(made.digest, digest.ptr, digest.len);
    memcpy(made.sig, raw.ptr, raw.len);
    made.sig_len = raw.len;
    if (hw_verify_soft(&made, NULL) != ERR_OK)
        return why_say(why, ERR_KEY_SIGN, "the TPM made a signature that is not a good %s one",
                       hw_alg_name(alg));
    return buf_add_slice(ret, buf_slice(&raw));
}

static void signer_close(struct hw_signer *signer)
{
    struct tpm_signer *s = (struct tpm_signer *)signer;

    tpm_chip_close(&s->chip);
    mem_wipe(s, sizeof *s);
    free(s);
}

static const struct hw_signer_ops OPS = {.sign = signer_sign, .close = signer_close};

static void signer_free(struct tpm_signer **signer)
{
    if (*signer != NULL)
        signer_close(&(*signer)->signer);
    *signer = NULL;
}

static err_code open_chip(const char *tpm, const struct hw_options *options, struct tpm_chip *chip,
                          struct why *why)
{
    struct tpm_source *source;
    struct tpm_uri uri;

    TRY(tpm_uri_parse(tpm, &uri, why));
    TRY(tpm_source_of(&uri, &source));
    return tpm_chip_open(chip, source, options, why);
}

/* A key that signs what we hand it: not restricted, authorized by its authValue, with no scheme or
 * the one that its kind has in pawl. */
static err_code usable(const TPMT_PUBLIC *area, struct hw_pubkey *ret, struct why *why)
{
    const TPMT_ASYM_SCHEME *scheme = &area->parameters.asymDetail.scheme;
    struct hw_pubkey key;
    TPM2_ALG_ID want, hash;

    TRY(tpm_pubkey_of(area, &key, why));
    if ((area->objectAttributes & TPMA_OBJECT_SIGN_ENCRYPT) == 0)
        return why_say(why, ERR_KEY_REF, "the key does not sign");
    if ((area->objectAttributes & TPMA_OBJECT_RESTRICTED) != 0)
        return why_say(why, ERR_KEY_REF, "the key is restricted: it signs no digest from outside");
    if ((area->objectAttributes & TPMA_OBJECT_USERWITHAUTH) == 0)
        return why_say(why, ERR_KEY_REF, "the key is guarded by a policy, not by an authorization");
    want = key.alg == HW_PS256 ? TPM2_ALG_RSAPSS : TPM2_ALG_ECDSA;
    hash = key.alg == HW_ES384 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
    if (scheme->scheme != TPM2_ALG_NULL &&
        (scheme->scheme != want || scheme->details.anySig.hashAlg != hash))
        return why_say(why, ERR_KEY_REF, "the key is fixed to TPM scheme 0x%04x, hash 0x%04x",
                       scheme->scheme, scheme->details.anySig.hashAlg);
    *ret = key;
    return ERR_OK;
}

/* ret_there: something is at the handle. */
static err_code read_at(struct tpm_chip *chip, TPM2_HANDLE handle, TPM2B_PUBLIC *ret,
                        bool *ret_there, struct why *why)
{
    TPM2B_NAME name;
    TSS2_RC rc = tpm_read_public(chip, handle, ret, &name);

    if (tpm_chip_room(chip, rc))
        rc = tpm_read_public(chip, handle, ret, &name);
    *ret_there = rc == TPM2_RC_SUCCESS;
    if (rc == TPM2_RC_SUCCESS || tpm_rc_error(rc) == TPM2_RC_HANDLE)
        return ERR_OK;
    return tpm_chip_fail(chip, rc, "TPM2_ReadPublic", why);
}

static err_code new_signer(const char *tpm, const char *ref, const struct hw_options *options,
                           struct tpm_signer **ret, struct why *why)
{
    CLEANUP(signer_free) struct tpm_signer *s = NULL;
    struct tpm_key_ref parsed;

    TRY(tpm_key_ref_parse(ref, &parsed, why));
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NO_MEMORY;
    s->signer.ops = &OPS;
    s->handle = parsed.handle;
    TRY(tpm_auth_read(parsed.auth_file[0] == '\0' ? NULL : parsed.auth_file, &s->auth, why));
    TRY(open_chip(tpm, options, &s->chip, why));
    *ret = s;
    s = NULL;
    return ERR_OK;
}

err_code tpm_signer_open(const char *tpm, const char *ref, const struct hw_options *options,
                         struct hw_signer **ret, struct why *why)
{
    CLEANUP(signer_free) struct tpm_signer *s = NULL;
    TPM2B_PUBLIC area;
    bool there;

    TRY(new_signer(tpm, ref, options, &s, why));
    TRY(read_at(&s->chip, s->handle, &area, &there, why));
    if (!there)
        return why_say(why, ERR_NOT_FOUND, "the TPM has no object at handle 0x%08x", s->handle);
    TRY(usable(&area.publicArea, &s->signer.key, why));
    *ret = &s->signer;
    s = NULL;
    return ERR_OK;
}

/* --- making one --- */

/* unique is random: primary keys of one template are one key, and each of ours is to be another. */
static err_code template_of(enum hw_alg alg, bool no_da, TPMT_PUBLIC *ret)
{
    size_t len = hw_coord_len(alg);
    TPMT_PUBLIC area = {.nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                            TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT |
                                            (no_da ? TPMA_OBJECT_NODA : 0)};
    uint8_t *random;

    if (alg == HW_PS256) {
        area.type = TPM2_ALG_RSA;
        area.parameters.rsaDetail = (TPMS_RSA_PARMS){
            .symmetric = {.algorithm = TPM2_ALG_NULL},
            .scheme = {.scheme = TPM2_ALG_RSAPSS, .details.rsapss.hashAlg = TPM2_ALG_SHA256},
            .keyBits = 2048};
        area.unique.rsa.size = 256;
        random = area.unique.rsa.buffer;
        len = 256;
    } else {
        bool p256 = alg == HW_ES256;

        area.type = TPM2_ALG_ECC;
        area.parameters.eccDetail = (TPMS_ECC_PARMS){
            .symmetric = {.algorithm = TPM2_ALG_NULL},
            .scheme = {.scheme = TPM2_ALG_ECDSA,
                       .details.ecdsa.hashAlg = p256 ? TPM2_ALG_SHA256 : TPM2_ALG_SHA384},
            .curveID = p256 ? TPM2_ECC_NIST_P256 : TPM2_ECC_NIST_P384,
            .kdf = {.scheme = TPM2_ALG_NULL}};
        area.unique.ecc.x.size = area.unique.ecc.y.size = (uint16_t)len;
        random = area.unique.ecc.x.buffer;
    }
    if (RAND_bytes(random, (int)len) != 1)
        return ERR_INTERNAL;
    *ret = area;
    return ERR_OK;
}

static err_code make_at(struct tpm_signer *s, enum hw_alg alg, const TPM2B_AUTH *owner,
                        struct why *why)
{
    uint8_t bytes[sizeof(TPMT_PUBLIC)];
    size_t len = 0;
    TPMT_PUBLIC area;
    struct tpm_primary made;
    TSS2_RC rc;

    /* A key with an authorization is protected against guessing it; one without has nothing to
     * guess, and must not fall to a lockout. */
    TRY(template_of(alg, s->auth.size == 0, &area));
    if (Tss2_MU_TPMT_PUBLIC_Marshal(&area, bytes, sizeof bytes, &len) != TSS2_RC_SUCCESS)
        return ERR_INTERNAL;
    rc = tpm_create_primary(&s->chip, owner, &s->auth, (struct slice){bytes, len}, &made);
    if (tpm_chip_room(&s->chip, rc))
        rc = tpm_create_primary(&s->chip, owner, &s->auth, (struct slice){bytes, len}, &made);
    if (rc != TPM2_RC_SUCCESS && tpm_rc_parameter(rc, 2))
        return why_foreign(why, ERR_UNSUPPORTED, "TPM_RC", rc, "this TPM does not make %s keys",
                           hw_alg_name(alg));
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&s->chip, rc, "TPM2_CreatePrimary", why);
    rc = tpm_evict(&s->chip, owner, made.handle, s->handle);
    if (tpm_rc_from_chip(rc))
        (void)tpm_flush(&s->chip, made.handle);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&s->chip, rc, "TPM2_EvictControl", why);
    return usable(&made.area.publicArea, &s->signer.key, why);
}

err_code tpm_signer_generate(const char *tpm, const char *ref, enum hw_alg alg,
                             const struct hw_options *options, struct hw_signer **ret,
                             struct why *why)
{
    CLEANUP(signer_free) struct tpm_signer *s = NULL;
    CLEANUP(tpm_auth_wipe) TPM2B_AUTH owner = {0};
    TPM2B_PUBLIC area;
    bool there;

    if (alg == HW_ALG_NONE)
        return why_say(why, ERR_UNSUPPORTED, "no algorithm was chosen");
    TRY(new_signer(tpm, ref, options, &s, why));
    TRY(tpm_auth_read(options->owner_auth_file, &owner, why));
    TRY(read_at(&s->chip, s->handle, &area, &there, why));
    if (there)
        return why_say(why, ERR_EXISTS, "the TPM has an object at handle 0x%08x already",
                       s->handle);
    TRY(make_at(s, alg, &owner, why));
    *ret = &s->signer;
    s = NULL;
    return ERR_OK;
}

/* --- listing --- */

static err_code list_handles(struct tpm_chip *chip, struct tpm_listed *ret, size_t max,
                             size_t *ret_n, struct why *why)
{
    TPML_HANDLE found = {0};
    TSS2_RC rc = tpm_get_handles(chip, TPM_PERSISTENT_OBJECTS, &found);

    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_GetCapability", why);
    *ret_n = 0;
    for (uint32_t i = 0; i < found.count && *ret_n < max; i++) {
        struct tpm_listed one = {.handle = found.handle[i]};
        TPM2B_PUBLIC area;
        struct why no = {0};
        bool there;

        TRY(read_at(chip, one.handle, &area, &there, why));
        if (!there)
            continue;
        if (usable(&area.publicArea, &one.key, &no) != ERR_OK)
            (void)snprintf(one.reason, sizeof one.reason, "%.95s", no.text);
        ret[(*ret_n)++] = one;
    }
    return ERR_OK;
}

err_code tpm_signer_list(const char *tpm, const struct hw_options *options, struct tpm_listed *ret,
                         size_t max, size_t *ret_n, struct why *why)
{
    struct tpm_chip *chip = calloc(1, sizeof *chip);
    err_code err;

    if (chip == NULL)
        return ERR_NO_MEMORY;
    err = open_chip(tpm, options, chip, why);
    if (err == ERR_OK)
        err = list_handles(chip, ret, max, ret_n, why);
    if (chip->source != NULL)
        tpm_chip_close(chip);
    free(chip);
    return err;
}
