/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/policy.h"

#include "gate/base/text.h"
#include "tpm/spec.h"

#include <inttypes.h>
#include <string.h>

static const char *const PURPOSE_TEXT[TPM_PURPOSES] = {
    [TPM_PURPOSE_BUMP] = "bump",
    [TPM_PURPOSE_SIGN] = "sign",
    [TPM_PURPOSE_CERTIFY] = "certify",
};

/* Policy digests are built up command by command; each extends the one before. */
static const struct digest ZERO;

/* Appends several fields; the first failure sticks, so that a structure reads as a list. */
struct writer {
    struct buf bytes;
    err_code err;
};

static void writer_free(struct writer *w)
{
    buf_free(&w->bytes);
}

static void w_u8(struct writer *w, uint8_t value)
{
    if (w->err == ERR_OK)
        w->err = buf_add_u8(&w->bytes, value);
}

static void w_u16(struct writer *w, uint16_t value)
{
    if (w->err == ERR_OK)
        w->err = buf_add_u16(&w->bytes, value);
}

static void w_u32(struct writer *w, uint32_t value)
{
    if (w->err == ERR_OK)
        w->err = buf_add_u32(&w->bytes, value);
}

static void w_u64(struct writer *w, uint64_t value)
{
    if (w->err == ERR_OK)
        w->err = buf_add_u64(&w->bytes, value);
}

static void w_bytes(struct writer *w, const void *bytes, size_t len)
{
    if (w->err == ERR_OK)
        w->err = buf_add(&w->bytes, bytes, len);
}

static void w_digest(struct writer *w, const struct digest *digest)
{
    w_bytes(w, digest->bytes, sizeof digest->bytes);
}

/* A TPM2B: 16-bit size, then the bytes. */
static void w_2b(struct writer *w, const void *bytes, uint16_t len)
{
    w_u16(w, len);
    w_bytes(w, bytes, len);
}

static err_code w_hash(const struct writer *w, struct digest *ret)
{
    TRY(w->err);
    return hash_sha256(buf_slice(&w->bytes), ret);
}

static err_code w_append(const struct writer *w, struct buf *ret)
{
    TRY(w->err);
    return buf_add_slice(ret, buf_slice(&w->bytes));
}

/* Name = nameAlg || H(public area) (part 1, 16). */
static err_code name_of(struct slice public_area, uint8_t ret[static HW_TPM_NAME_LEN])
{
    struct digest digest;

    TRY(hash_sha256(public_area, &digest));
    ret[0] = TPM_ALG_SHA256 >> 8;
    ret[1] = TPM_ALG_SHA256 & 0xFF;
    memcpy(ret + 2, digest.bytes, sizeof digest.bytes);
    return ERR_OK;
}

/* Part 2, 12.2.3.6 TPMS_ECC_PARMS: no symmetric, ECDSA with SHA-256, P-256, no KDF. */
static void w_p256(struct writer *w, const uint8_t *x, const uint8_t *y)
{
    w_u16(w, TPM_ALG_NULL);
    w_u16(w, TPM_ALG_ECDSA);
    w_u16(w, TPM_ALG_SHA256);
    w_u16(w, TPM_ECC_NIST_P256);
    w_u16(w, TPM_ALG_NULL);
    w_2b(w, x, 32);
    w_2b(w, y, 32);
}

/* Part 2, 12.2.3.5 TPMS_RSA_PARMS: no symmetric, PSS with SHA-256. Exponent 0 stands for 65537. */
static void w_rsa(struct writer *w, const struct hw_pubkey *key)
{
    w_u16(w, TPM_ALG_NULL);
    w_u16(w, TPM_ALG_RSAPSS);
    w_u16(w, TPM_ALG_SHA256);
    w_u16(w, (uint16_t)(key->n_len * 8));
    w_u32(w, key->e == 65537 ? 0 : key->e);
    w_2b(w, key->n, (uint16_t)key->n_len);
}

err_code tpm_verifier_public(const struct hw_pubkey *key, struct buf *ret)
{
    CLEANUP(writer_free) struct writer w = {0};

    if (key->alg != HW_ES256 && key->alg != HW_PS256)
        return ERR_KEY_MALFORMED;
    if (key->alg == HW_PS256 && key->n_len > sizeof key->n)
        return ERR_KEY_MALFORMED;
    w_u16(&w, key->alg == HW_ES256 ? TPM_ALG_ECC : TPM_ALG_RSA);
    w_u16(&w, TPM_ALG_SHA256);
    w_u32(&w, TPM_OBJECT_SIGN | TPM_OBJECT_USER_WITH_AUTH);
    w_u16(&w, 0);
    if (key->alg == HW_ES256)
        w_p256(&w, key->x, key->y);
    else
        w_rsa(&w, key);
    return w_append(&w, ret);
}

err_code tpm_verifier_name(const struct hw_pubkey *key, uint8_t ret[static HW_TPM_NAME_LEN])
{
    CLEANUP(buf_free) struct buf area = {0};

    TRY(tpm_verifier_public(key, &area));
    return name_of(buf_slice(&area), ret);
}

err_code tpm_key_public(const struct tpm_plan *plan, enum tpm_purpose purpose,
                        const struct hw_pubkey *point, struct buf *ret)
{
    static const uint8_t zeroes[32];
    CLEANUP(writer_free) struct writer w = {0};
    uint32_t attributes = TPM_OBJECT_FIXED_TPM | TPM_OBJECT_FIXED_PARENT |
                          TPM_OBJECT_SENSITIVE_DATA_ORIGIN | TPM_OBJECT_NO_DA | TPM_OBJECT_SIGN;

    if (purpose != TPM_PURPOSE_SIGN && purpose != TPM_PURPOSE_CERTIFY)
        return ERR_INTERNAL;
    /* A restricted key signs only what the TPM itself has composed, so nobody can have it sign a
     * forged attestation. The receipt key must sign digests from outside and cannot be restricted.
     */
    if (purpose == TPM_PURPOSE_CERTIFY)
        attributes |= TPM_OBJECT_RESTRICTED;
    w_u16(&w, TPM_ALG_ECC);
    w_u16(&w, TPM_ALG_SHA256);
    w_u32(&w, attributes);
    w_2b(&w, plan->auth[purpose].bytes, SHA256_LEN);
    if (point != NULL)
        w_p256(&w, point->x, point->y);
    else
        w_p256(&w, plan->unique[purpose].bytes, zeroes);
    return w_append(&w, ret);
}

err_code tpm_key_name(const struct tpm_plan *plan, enum tpm_purpose purpose,
                      const struct hw_pubkey *point, uint8_t ret[static HW_TPM_NAME_LEN])
{
    CLEANUP(buf_free) struct buf area = {0};

    if (point == NULL || point->alg != HW_ES256)
        return ERR_KEY_MALFORMED;
    TRY(tpm_key_public(plan, purpose, point, &area));
    return name_of(buf_slice(&area), ret);
}

err_code tpm_counter_public(const struct tpm_plan *plan, bool written, struct buf *ret)
{
    CLEANUP(writer_free) struct writer w = {0};

    w_u32(&w, plan->index);
    w_u16(&w, TPM_ALG_SHA256);
    w_u32(&w, TPM_NV_COUNTER | TPM_NV_POLICYWRITE | TPM_NV_AUTHREAD | TPM_NV_NO_DA |
                  (written ? TPM_NV_WRITTEN : 0));
    w_2b(&w, plan->auth[TPM_PURPOSE_BUMP].bytes, SHA256_LEN);
    w_u16(&w, 8);
    return w_append(&w, ret);
}

static err_code counter_name(const struct tpm_plan *plan, bool written,
                             uint8_t ret[static HW_TPM_NAME_LEN])
{
    CLEANUP(buf_free) struct buf area = {0};

    TRY(tpm_counter_public(plan, written, &area));
    return name_of(buf_slice(&area), ret);
}

err_code tpm_scratch_public(uint32_t index, bool written, struct buf *ret)
{
    CLEANUP(writer_free) struct writer w = {0};
    struct digest mark;

    TRY(hash_tagged("pawl-scratch-v1", NULL, 0, &mark));
    w_u32(&w, index);
    w_u16(&w, TPM_ALG_SHA256);
    w_u32(&w, TPM_NV_COUNTER | TPM_NV_AUTHWRITE | TPM_NV_AUTHREAD | TPM_NV_NO_DA |
                  (written ? TPM_NV_WRITTEN : 0));
    w_2b(&w, mark.bytes, SHA256_LEN);
    w_u16(&w, 8);
    return w_append(&w, ret);
}

err_code tpm_scratch_name(uint32_t index, bool written, uint8_t ret[static HW_TPM_NAME_LEN])
{
    CLEANUP(buf_free) struct buf area = {0};

    TRY(tpm_scratch_public(index, written, &area));
    return name_of(buf_slice(&area), ret);
}

/* Part 3, 23.16 TPM2_PolicyAuthorize: from a digest of zeroes, PolicyUpdate(TPM_CC_PolicyAuthorize,
 * keySign's Name, policyRef), which hashes twice (part 3, 23.2.3). */
static err_code authorize_branch(const uint8_t *name, const struct digest *ref, struct digest *ret)
{
    CLEANUP(writer_free) struct writer first = {0}, second = {0};
    struct digest half;

    w_digest(&first, &ZERO);
    w_u32(&first, TPM_CC_POLICY_AUTHORIZE);
    w_bytes(&first, name, HW_TPM_NAME_LEN);
    TRY(w_hash(&first, &half));
    w_digest(&second, &half);
    w_digest(&second, ref);
    return w_hash(&second, ret);
}

/* Part 3, 23.6 TPM2_PolicyOR: from a digest of zeroes, the command code and every branch. */
static err_code or_branches(const struct digest *branches, size_t n, struct digest *ret)
{
    CLEANUP(writer_free) struct writer w = {0};

    w_digest(&w, &ZERO);
    w_u32(&w, TPM_CC_POLICY_OR);
    for (size_t i = 0; i < n; i++)
        w_digest(&w, &branches[i]);
    return w_hash(&w, ret);
}

/* A branch that no session reaches: a policy digest is never the hash of this. It is there to be
 * part of the counter's Name. */
static err_code base_branch(uint64_t base, struct digest *ret)
{
    uint8_t number[8];
    const struct slice part = SLICE_OF(number);

    put_u64(number, base);
    return hash_tagged("pawl-base-v1", &part, 1, ret);
}

err_code tpm_plan_rebase(struct tpm_plan *plan, uint64_t base)
{
    struct tpm_plan out = *plan;

    out.base = base;
    TRY(base_branch(base, &out.branch[TPM_PURPOSE_BUMP][out.n_ratchet]));
    out.n_branches[TPM_PURPOSE_BUMP] = out.n_ratchet + 1;
    TRY(or_branches(out.branch[TPM_PURPOSE_BUMP], out.n_ratchet + 1, &out.auth[TPM_PURPOSE_BUMP]));
    TRY(counter_name(&out, false, out.fresh_name));
    TRY(counter_name(&out, true, out.index_name));
    *plan = out;
    return ERR_OK;
}

static err_code purpose_digests(const struct tpm_facts *facts, enum tpm_purpose purpose,
                                struct tpm_plan *plan)
{
    static const uint8_t separator[1];
    const struct slice parts[] = {slice_str(PURPOSE_TEXT[purpose]), SLICE_OF(separator),
                                  digest_slice(&facts->root), slice_str(facts->domain)};

    TRY(hash_tagged("pawl-ref-v1", parts, 4, &plan->ref[purpose]));
    TRY(hash_tagged("pawl-key-v1", parts, 4, &plan->unique[purpose]));
    for (size_t i = 0; i < plan->n_ratchet; i++)
        TRY(authorize_branch(plan->ratchet_name[i], &plan->ref[purpose],
                             &plan->branch[purpose][i]));
    plan->n_branches[purpose] = plan->n_ratchet;
    return or_branches(plan->branch[purpose], plan->n_ratchet, &plan->auth[purpose]);
}

err_code tpm_plan_make(const struct tpm_facts *facts, struct tpm_plan *ret, struct why *why)
{
    struct tpm_plan plan = {.index = facts->index, .n_ratchet = facts->n_ratchet};

    if (facts->n_ratchet < 2 || facts->n_ratchet > HW_RATCHET_MAX)
        return why_say(why, ERR_GRANT_INVALID,
                       "the root metadata lists %zu ratchet keys; a TPM takes 2 to %d",
                       facts->n_ratchet, HW_RATCHET_MAX);
    for (size_t i = 0; i < facts->n_ratchet; i++) {
        const struct hw_pubkey *key = &facts->ratchet[i];

        if (key->alg != HW_ES256 && key->alg != HW_PS256)
            return why_say(why, ERR_GRANT_INVALID,
                           "ratchet key %zu is %s; a TPM takes grants by ES256 or PS256 keys",
                           i + 1, hw_alg_name(key->alg));
        TRY(hw_pubkey_check(key, why));
        TRY(tpm_verifier_name(key, plan.ratchet_name[i]));
    }
    for (enum tpm_purpose p = TPM_PURPOSE_BUMP; p < TPM_PURPOSES; p++)
        TRY(purpose_digests(facts, p, &plan));
    TRY(tpm_plan_rebase(&plan, facts->base));
    *ret = plan;
    return ERR_OK;
}

enum tpm_purpose tpm_grant_purpose(enum hw_grant_kind kind)
{
    switch (kind) {
    case HW_GRANT_FIRST:
    case HW_GRANT_BUMP:
        return TPM_PURPOSE_BUMP;
    case HW_GRANT_SIGN:
        return TPM_PURPOSE_SIGN;
    case HW_GRANT_CERTIFY:
        return TPM_PURPOSE_CERTIFY;
    case HW_GRANT_NONE:
        break;
    }
    return TPM_PURPOSE_NONE;
}

/* Part 3, 23.9 TPM2_PolicyNV: args = H(operandB || offset || operation), then
 * H(old || TPM_CC_PolicyNV || args || Name of the index). */
static err_code add_nv(const struct tpm_plan *plan, uint64_t operand, uint16_t operation,
                       struct digest *digest)
{
    CLEANUP(writer_free) struct writer inner = {0}, outer = {0};
    struct digest args;

    w_u64(&inner, operand);
    w_u16(&inner, 0);
    w_u16(&inner, operation);
    TRY(w_hash(&inner, &args));
    w_digest(&outer, digest);
    w_u32(&outer, TPM_CC_POLICY_NV);
    w_digest(&outer, &args);
    w_bytes(&outer, plan->index_name, HW_TPM_NAME_LEN);
    return w_hash(&outer, digest);
}

/* Part 3, 23.7 TPM2_PolicyPCR: H(old || TPM_CC_PolicyPCR || pcrs || H(selected PCRs)). Nothing is
 * selected; what counts is that the session then dies when a PCR is extended. */
static err_code add_pcr(struct digest *digest)
{
    CLEANUP(writer_free) struct writer w = {0};
    struct digest empty;

    TRY(hash_sha256((struct slice){0}, &empty));
    w_digest(&w, digest);
    w_u32(&w, TPM_CC_POLICY_PCR);
    w_u32(&w, 1); /* TPML_PCR_SELECTION: one bank, SHA-256, three octets of select, all clear */
    w_u16(&w, TPM_ALG_SHA256);
    w_u8(&w, 3);
    w_bytes(&w, ZERO.bytes, 3);
    w_digest(&w, &empty);
    return w_hash(&w, digest);
}

/* Part 3, 23.11 TPM2_PolicyCommandCode: H(old || TPM_CC_PolicyCommandCode || code). */
static err_code add_command(uint32_t code, struct digest *digest)
{
    CLEANUP(writer_free) struct writer w = {0};

    w_digest(&w, digest);
    w_u32(&w, TPM_CC_POLICY_COMMAND_CODE);
    w_u32(&w, code);
    return w_hash(&w, digest);
}

/* Part 3, 23.20 TPM2_PolicyNvWritten: H(old || TPM_CC_PolicyNvWritten || writtenSet). */
static err_code add_never_written(struct digest *digest)
{
    CLEANUP(writer_free) struct writer w = {0};

    w_digest(&w, digest);
    w_u32(&w, TPM_CC_POLICY_NV_WRITTEN);
    w_u8(&w, 0);
    return w_hash(&w, digest);
}

/* PolicyPCR comes first: a session can be left lying between any two commands, and PolicyNV is
 * judged when it runs. In this order a session that has passed PolicyNV has noted the PCRs' state
 * before, and dies with it. */
static err_code approved_use(const struct tpm_plan *plan, uint64_t limit, uint16_t operation,
                             uint32_t command, struct digest *digest)
{
    TRY(add_pcr(digest));
    TRY(add_nv(plan, limit, operation, digest));
    return add_command(command, digest);
}

bool tpm_grant_serves(enum hw_grant_kind kind)
{
    return kind == HW_GRANT_SIGN || kind == HW_GRANT_CERTIFY;
}

/* All of an approved policy but the PolicyOR of the snapshot. */
static err_code approved_command(const struct tpm_plan *plan, const struct tpm_terms *terms,
                                 struct digest *ret, struct why *why)
{
    struct digest digest = ZERO;
    uint64_t limit;

    /* Base and epoch enter the policy as a sum; which base it is only the counter's Name says. */
    if (terms->kind != HW_GRANT_FIRST && terms->base != plan->base)
        return why_say(why, ERR_GRANT_INVALID,
                       "a grant of base %" PRIu64 " for a counter of base %" PRIu64, terms->base,
                       plan->base);
    if (__builtin_add_overflow(terms->base, terms->epoch, &limit))
        return why_say(why, ERR_GRANT_INVALID, "base %" PRIu64 " and epoch %" PRIu64 " overflow",
                       terms->base, terms->epoch);
    switch (terms->kind) {
    case HW_GRANT_FIRST:
        /* What is not under the signature has one value only. */
        if (limit != 0)
            return why_say(why, ERR_GRANT_INVALID,
                           "a first grant with base %" PRIu64 " and epoch %" PRIu64 " instead of 0",
                           terms->base, terms->epoch);
        TRY(add_never_written(&digest));
        TRY(add_command(TPM_CC_NV_INCREMENT, &digest));
        break;
    case HW_GRANT_BUMP:
        TRY(approved_use(plan, limit, TPM_EO_UNSIGNED_LT, TPM_CC_NV_INCREMENT, &digest));
        break;
    case HW_GRANT_SIGN:
        TRY(approved_use(plan, limit, TPM_EO_UNSIGNED_LE, TPM_CC_SIGN, &digest));
        break;
    case HW_GRANT_CERTIFY:
        TRY(approved_use(plan, limit, TPM_EO_UNSIGNED_LE, TPM_CC_NV_CERTIFY, &digest));
        break;
    case HW_GRANT_NONE:
    default:
        return why_say(why, ERR_GRANT_INVALID, "no such kind of grant: %d", (int)terms->kind);
    }
    *ret = digest;
    return ERR_OK;
}

/* The second branch is a hash that no policy digest is (as that of the base), so the session always
 * comes by the first one. It is there to be part of the digest that the ratchet key signs. */
err_code tpm_served(const struct tpm_plan *plan, const struct tpm_terms *terms,
                    struct digest ret[static TPM_SERVED_BRANCHES], struct why *why)
{
    const struct slice part = digest_slice(&terms->snapshot);
    struct digest command, snapshot;

    if (!tpm_grant_serves(terms->kind))
        return why_say(why, ERR_GRANT_INVALID, "a grant of kind %d names no snapshot",
                       (int)terms->kind);
    if (digest_eq(&terms->snapshot, &ZERO))
        return why_say(why, ERR_GRANT_INVALID,
                       "a grant to %s for epoch %" PRIu64 " without a snapshot",
                       PURPOSE_TEXT[tpm_grant_purpose(terms->kind)], terms->epoch);
    TRY(approved_command(plan, terms, &command, why));
    TRY(hash_tagged("pawl-served-v1", &part, 1, &snapshot));
    ret[0] = command;
    ret[1] = snapshot;
    return ERR_OK;
}

err_code tpm_approved(const struct tpm_plan *plan, const struct tpm_terms *terms,
                      struct digest *ret, struct why *why)
{
    struct digest branches[TPM_SERVED_BRANCHES];

    if (!tpm_grant_serves(terms->kind))
        return approved_command(plan, terms, ret, why);
    TRY(tpm_served(plan, terms, branches, why));
    return or_branches(branches, TPM_SERVED_BRANCHES, ret);
}

err_code tpm_approval(const struct tpm_plan *plan, enum tpm_purpose purpose,
                      const struct digest *approved, struct digest *ret)
{
    const struct slice parts[] = {digest_slice(approved), digest_slice(&plan->ref[purpose])};

    return hash_sha256_parts(parts, 2, ret);
}

/* Which ratchet key a public key is: its Name says. */
static err_code ratchet_position(const struct tpm_plan *plan, const struct hw_pubkey *key,
                                 struct why *why)
{
    uint8_t name[HW_TPM_NAME_LEN];

    if (tpm_verifier_name(key, name) == ERR_OK)
        for (size_t i = 0; i < plan->n_ratchet; i++)
            if (memcmp(name, plan->ratchet_name[i], sizeof name) == 0)
                return ERR_OK;
    return why_say(why, ERR_GRANT_INVALID,
                   "the grant's key is none of the %zu ratchet keys of the first root metadata",
                   plan->n_ratchet);
}

err_code tpm_grant_make(const struct tpm_plan *plan, const struct tpm_terms *terms,
                        struct hw_signer *signer, struct hw_grant *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct hw_grant grant = {.kind = terms->kind,
                             .epoch = terms->epoch,
                             .index = plan->index,
                             .base = terms->base,
                             .key = signer->key};
    struct digest approval;

    TRY(tpm_approved(plan, terms, &grant.policy, why));
    TRY(ratchet_position(plan, &signer->key, why));
    TRY(tpm_approval(plan, tpm_grant_purpose(terms->kind), &grant.policy, &approval));
    TRY(signer->ops->sign(signer, digest_slice(&approval), &sig, why));
    if (sig.len != hw_sig_len(&signer->key) || sig.len > sizeof grant.sig)
        return why_say(why, ERR_KEY_SIGN, "the key made a signature of %zu bytes instead of %zu",
                       sig.len, hw_sig_len(&signer->key));
    memcpy(grant.sig, sig.ptr, sig.len);
    grant.sig_len = sig.len;
    *ret = grant;
    return ERR_OK;
}

static err_code another_policy(const struct hw_grant *grant, const struct digest *want,
                               const struct digest *snapshot, struct why *why)
{
    char has[DIGEST_TEXT], wants[DIGEST_TEXT], served[DIGEST_TEXT];

    digest_text(&grant->policy, has);
    digest_text(want, wants);
    digest_text(snapshot, served);
    if (!tpm_grant_serves(grant->kind))
        return why_say(why, ERR_GRANT_INVALID, "the grant's policy digest is %s, its terms give %s",
                       has, wants);
    return why_say(
        why, ERR_GRANT_INVALID,
        "the grant to %s has the policy digest %s, its terms and the snapshot %s give %s",
        PURPOSE_TEXT[tpm_grant_purpose(grant->kind)], has, served, wants);
}

err_code tpm_grant_read(const struct tpm_plan *plan, const struct hw_grant *grant,
                        const struct digest *snapshot, struct hw_statement *ret_statement,
                        struct why *why)
{
    const struct tpm_terms terms = {grant->kind, grant->base, grant->epoch, *snapshot};
    struct digest want, approval;

    if (grant->index != plan->index)
        return why_say(why, ERR_GRANT_INVALID,
                       "the grant is for NV index 0x%08" PRIx32 ", this gate has 0x%08" PRIx32,
                       grant->index, plan->index);
    TRY(tpm_approved(plan, &terms, &want, why));
    if (!digest_eq(&want, &grant->policy))
        return another_policy(grant, &want, snapshot, why);
    TRY(ratchet_position(plan, &grant->key, why));
    if (grant->sig_len != hw_sig_len(&grant->key) || grant->sig_len > sizeof grant->sig)
        return why_say(why, ERR_GRANT_INVALID, "the grant's signature has %zu bytes instead of %zu",
                       grant->sig_len, hw_sig_len(&grant->key));
    TRY(tpm_approval(plan, tpm_grant_purpose(grant->kind), &grant->policy, &approval));
    *ret_statement = (struct hw_statement){.key = grant->key, .sig_len = grant->sig_len};
    memcpy(ret_statement->digest, approval.bytes, sizeof approval.bytes);
    memcpy(ret_statement->sig, grant->sig, grant->sig_len);
    return ERR_OK;
}

err_code tpm_grant_check(const struct tpm_plan *plan, const struct hw_grant *grant,
                         const struct digest *snapshot, struct why *why)
{
    struct hw_statement statement;

    TRY(tpm_grant_read(plan, grant, snapshot, &statement, why));
    if (hw_verify_soft(&statement, NULL) != ERR_OK)
        return why_say(why, ERR_GRANT_INVALID,
                       "the signature of the grant for epoch %" PRIu64 " is not valid",
                       grant->epoch);
    return ERR_OK;
}
