/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/grant.h"

#include "gate/base/text.h"
#include "gate/cose/cose_key.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const KINDS[] = {
    [HW_GRANT_NONE] = "none", [HW_GRANT_FIRST] = "first",     [HW_GRANT_BUMP] = "bump",
    [HW_GRANT_SIGN] = "sign", [HW_GRANT_CERTIFY] = "certify",
};

const char *grant_kind_name(enum hw_grant_kind kind)
{
    return KINDS[kind];
}

static enum hw_grant_kind kind_from(struct slice name)
{
    for (enum hw_grant_kind kind = HW_GRANT_FIRST; kind <= HW_GRANT_CERTIFY; kind++)
        if (slice_eq_str(name, KINDS[kind]))
            return kind;
    return HW_GRANT_NONE;
}

void grant_get(struct cbor_reader *r, struct grant *ret)
{
    struct cbor_map map = cbor_open_map(r);
    struct grant out = {0};
    uint64_t index;

    cbor_need(&map, "for");
    out.kind = kind_from(cbor_get_text(r));
    cbor_need(&map, "kid");
    cbor_get_digest(r, &out.kid);
    cbor_need(&map, "base");
    out.base = cbor_get_uint(r);
    cbor_need(&map, "epoch");
    out.epoch = cbor_get_uint(r);
    cbor_need(&map, "index");
    index = cbor_get_uint(r);
    cbor_need(&map, "digest");
    cbor_get_digest(r, &out.policy);
    cbor_need(&map, "signature");
    out.sig = cbor_get_bytes(r);
    cbor_close_map(&map);
    if (out.kind == HW_GRANT_NONE || index > UINT32_MAX || out.base > GRANT_BASE_MAX ||
        out.epoch > TERM_NUMBER_MAX || out.sig.len == 0 || out.sig.len > HW_SIG_MAX)
        cbor_fail(r, ERR_FORMAT);
    out.index = (uint32_t)index;
    if (r->err == ERR_OK)
        *ret = out;
}

void grant_put(struct cbor_writer *w, const struct grant *grant)
{
    cbor_put_map(w, 7);
    cbor_put_text(w, "for");
    cbor_put_text(w, KINDS[grant->kind]);
    cbor_put_text(w, "kid");
    cbor_put_bytes(w, digest_slice(&grant->kid));
    cbor_put_text(w, "base");
    cbor_put_uint(w, grant->base);
    cbor_put_text(w, "epoch");
    cbor_put_uint(w, grant->epoch);
    cbor_put_text(w, "index");
    cbor_put_uint(w, grant->index);
    cbor_put_text(w, "digest");
    cbor_put_bytes(w, digest_slice(&grant->policy));
    cbor_put_text(w, "signature");
    cbor_put_bytes(w, grant->sig);
}

err_code grant_of_hw(const struct hw_grant *grant, struct grant *ret)
{
    struct grant out = {
        .kind = grant->kind,
        .base = grant->base,
        .epoch = grant->epoch,
        .index = grant->index,
        .policy = grant->policy,
        .sig = {grant->sig, grant->sig_len},
    };

    TRY(cose_key_thumbprint(&grant->key, &out.kid));
    *ret = out;
    return ERR_OK;
}

err_code grant_to_hw(const struct grant *grant, const struct root_meta *root, struct hw_grant *ret,
                     struct why *why)
{
    const struct root_key *key = root_key_find(root, &grant->kid);
    struct hw_grant out = {
        .kind = grant->kind,
        .epoch = grant->epoch,
        .index = grant->index,
        .base = grant->base,
        .policy = grant->policy,
        .sig_len = grant->sig.len,
    };
    char kid[DIGEST_TEXT];

    digest_text(&grant->kid, kid);
    if (key == NULL || !root_holds(root, ROLE_RATCHET, &grant->kid))
        return why_say(
            why, ERR_GRANT_INVALID,
            "a grant to %s is signed by %s, no ratchet key of root metadata version %" PRIu64,
            KINDS[grant->kind], kid, root->version);
    if (grant->sig.len != hw_sig_len(&key->key) || grant->sig.len > sizeof out.sig)
        return why_say(why, ERR_GRANT_INVALID,
                       "a grant to %s has a signature of %zu bytes, the key %s makes %zu",
                       KINDS[grant->kind], grant->sig.len, kid, hw_sig_len(&key->key));
    out.key = key->key;
    memcpy(out.sig, grant->sig.ptr, grant->sig.len);
    *ret = out;
    return ERR_OK;
}

static bool fits(const struct grant *grant, const struct grant_need *need)
{
    if (grant->index != need->index)
        return false;
    if (grant->kind == HW_GRANT_FIRST) /* speaks of no value: the same for every base */
        return need->epoch == 0;
    if (grant->base != need->base || grant->epoch != need->epoch)
        return false;
    return grant->kind == HW_GRANT_BUMP || need->epoch > 0;
}

static bool by_ratchet_key(const struct grant_pick *from, const struct grant *grant)
{
    return root_holds(from->first, ROLE_RATCHET, &grant->kid) &&
           root_holds(from->newest, ROLE_RATCHET, &grant->kid) &&
           (from->revoked == NULL || revoked_find(from->revoked, REVOKED_KEY, &grant->kid) == NULL);
}

err_code grant_plan(const struct root_meta *first, uint32_t index, uint64_t base,
                    struct tpm_plan *ret, struct why *why)
{
    const struct root_holders *ratchet = &first->roles[ROLE_RATCHET];
    struct hw_pubkey keys[HW_RATCHET_MAX];
    char domain[TERM_NAME_MAX + 1] = "";
    const struct tpm_facts facts = {.domain = domain,
                                    .root = first->digest,
                                    .ratchet = keys,
                                    .n_ratchet = ratchet->n,
                                    .index = index,
                                    .base = base};

    if (first->version != 1)
        return why_say(why, ERR_ROOT_SEQUENCE,
                       "root metadata version %" PRIu64 " where version 1 is needed",
                       first->version);
    memcpy(domain, first->domain.ptr, first->domain.len);
    for (size_t i = 0; i < ratchet->n; i++)
        keys[i] = first->keys[ratchet->keys[i]].key;
    return tpm_plan_make(&facts, ret, why);
}

static err_code missing(const struct grant_need *need, const bool *found, struct why *why)
{
    for (enum hw_grant_kind kind = HW_GRANT_FIRST; kind <= HW_GRANT_CERTIFY; kind++) {
        bool needed = kind == HW_GRANT_BUMP || (kind == HW_GRANT_FIRST) == (need->epoch == 0);
        if (needed && !found[kind])
            return why_say(why, ERR_GRANT_INVALID,
                           "no grant to %s for index 0x%08" PRIx32 ", base %" PRIu64
                           ", epoch %" PRIu64 " by a ratchet key of this gate",
                           KINDS[kind], need->index, need->base, need->epoch);
    }
    return ERR_OK;
}

static void free_grants(struct hw_grant **grants)
{
    free(*grants);
    *grants = NULL;
}

err_code grant_pick(const struct grant_pick *from, const struct grant_need *need,
                    struct hw_grant **ret, size_t *ret_n, struct why *why)
{
    CLEANUP(free_grants) struct hw_grant *out = calloc(from->n_grants + 1, sizeof *out);
    bool found[HW_GRANT_CERTIFY + 1] = {false};
    struct tpm_plan plan;
    size_t n = 0;

    *ret = NULL;
    *ret_n = 0;
    if (out == NULL)
        return ERR_NO_MEMORY;
    TRY(grant_plan(from->first, need->index, need->base, &plan, why));
    for (size_t i = 0; i < from->n_grants; i++) {
        const struct grant *grant = &from->grants[i];
        if (!fits(grant, need) || !by_ratchet_key(from, grant))
            continue;
        TRY(grant_to_hw(grant, from->newest, &out[n], why));
        TRY(tpm_grant_check(&plan, &out[n], &need->snapshot, why));
        found[grant->kind] = true;
        n++;
    }
    TRY(missing(need, found, why));
    *ret = out;
    *ret_n = n;
    out = NULL;
    return ERR_OK;
}
