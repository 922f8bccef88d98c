/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/root_meta.h"

#include "gate/base/text.h"
#include "gate/cose/cose_key.h"

#include <stdlib.h>
#include <string.h>

static const char *const NAMES[ROLE_END] = {
    [ROLE_NONE] = "none",         [ROLE_ROOT] = "root",       [ROLE_POLICY] = "policy",
    [ROLE_SNAPSHOT] = "snapshot", [ROLE_RATCHET] = "ratchet", [ROLE_OVERRIDE] = "override",
    [ROLE_APPROVER] = "approver",
};

const char *role_name(enum root_role role)
{
    return NAMES[role];
}

enum root_role role_from(struct slice name)
{
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        if (slice_eq_str(name, NAMES[role]))
            return role;
    return ROLE_NONE;
}

static bool optional(enum root_role role)
{
    return role == ROLE_OVERRIDE || role == ROLE_APPROVER;
}

const struct root_key *root_key_find(const struct root_meta *meta, const struct digest *kid)
{
    for (size_t i = 0; i < meta->n_keys; i++)
        if (digest_eq(&meta->keys[i].kid, kid))
            return &meta->keys[i];
    return NULL;
}

bool root_holds(const struct root_meta *meta, enum root_role role, const struct digest *kid)
{
    const struct root_holders *holders = &meta->roles[role];

    for (size_t i = 0; i < holders->n; i++)
        if (digest_eq(&meta->keys[holders->keys[i]].kid, kid))
            return true;
    return false;
}

/* Distinct kids follow from distinct places, because the keys themselves are distinct. */
static err_code holders_check(const struct root_meta *meta, enum root_role role, struct why *why)
{
    const struct root_holders *h = &meta->roles[role];
    bool seen[ROOT_KEYS_MAX] = {false};
    char kid[DIGEST_TEXT];

    if (h->threshold == 0 && h->n == 0 && optional(role))
        return ERR_OK;
    if (h->n > ROOT_KEYS_MAX || h->threshold < 1 || h->threshold > h->n ||
        h->threshold > ROLE_THRESHOLD_MAX)
        return why_say(why, ERR_FORMAT, "role %s: %zu of %zu keys must sign; allowed is 1 to %d",
                       NAMES[role], h->threshold, h->n, ROLE_THRESHOLD_MAX);
    for (size_t i = 0; i < h->n; i++) {
        if (h->keys[i] >= meta->n_keys)
            return why_say(why, ERR_FORMAT, "role %s names a key that is not there", NAMES[role]);
        if (seen[h->keys[i]]) {
            digest_text(&meta->keys[h->keys[i]].kid, kid);
            return why_say(why, ERR_FORMAT, "role %s lists the key %s twice", NAMES[role], kid);
        }
        seen[h->keys[i]] = true;
    }
    return ERR_OK;
}

static err_code ratchet_check(const struct root_meta *meta, struct why *why)
{
    const struct root_holders *h = &meta->roles[ROLE_RATCHET];

    if (h->n < ROOT_RATCHET_MIN || h->n > HW_RATCHET_MAX || h->threshold != 1)
        return why_say(why, ERR_FORMAT,
                       "role ratchet: %zu of %zu keys; it takes one of %d to %d (a lost key must "
                       "strand nobody, and the hardware accepts any one of them)",
                       h->threshold, h->n, ROOT_RATCHET_MIN, HW_RATCHET_MAX);
    for (size_t i = 0; i < h->n; i++) {
        enum hw_alg alg = meta->keys[h->keys[i]].key.alg;
        if (alg != HW_ES256 && alg != HW_PS256)
            return why_say(why, ERR_FORMAT, "a ratchet key is %s; a TPM takes ES256 or PS256",
                           hw_alg_name(alg));
    }
    return ERR_OK;
}

static bool has_role(const struct root_meta *meta, size_t key)
{
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        if (memchr(meta->roles[role].keys, (int)key, meta->roles[role].n) != NULL)
            return true;
    return false;
}

err_code root_meta_check(const struct root_meta *meta, struct why *why)
{
    char kid[DIGEST_TEXT];

    TRY(term_name_check("domain", meta->domain, why));
    TRY(term_number_check("version of the root metadata", meta->version, why));
    if (meta->n_keys < 1 || meta->n_keys > ROOT_KEYS_MAX)
        return why_say(why, ERR_FORMAT, "%zu keys, allowed is 1 to %d", meta->n_keys,
                       ROOT_KEYS_MAX);
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        TRY(holders_check(meta, role, why));
    TRY(ratchet_check(meta, why));
    for (size_t i = 0; i < meta->n_keys; i++) {
        digest_text(&meta->keys[i].kid, kid);
        if (!has_role(meta, i))
            return why_say(why, ERR_FORMAT, "the key %s holds no role", kid);
        if (i > 0 &&
            slice_cmp(digest_slice(&meta->keys[i - 1].kid), digest_slice(&meta->keys[i].kid)) >= 0)
            return why_say(why, ERR_FORMAT, "the key %s is not at its place", kid);
    }
    return ERR_OK;
}

static err_code get_key(struct cbor_reader *r, struct root_key *ret, struct why *why)
{
    struct digest print;
    char said[DIGEST_TEXT], is[DIGEST_TEXT];

    cbor_get_digest(r, &ret->kid);
    TRY(term_key_get(r, &ret->key, why));
    TRY(cose_key_thumbprint(&ret->key, &print));
    if (digest_eq(&print, &ret->kid))
        return ERR_OK;
    digest_text(&ret->kid, said);
    digest_text(&print, is);
    return why_say(why, ERR_FORMAT, "a key is listed as %s but its thumbprint is %s", said, is);
}

static err_code get_keys(struct cbor_reader *r, struct root_meta *meta, struct why *why)
{
    size_t n = cbor_get_map(r);

    if (r->err == ERR_OK && n > ROOT_KEYS_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu keys, the limit is %d", n, ROOT_KEYS_MAX);
    for (size_t i = 0; i < n && r->err == ERR_OK; i++)
        TRY(get_key(r, &meta->keys[i], why));
    meta->n_keys = n;
    return ERR_OK;
}

static err_code get_holders(struct cbor_reader *r, struct root_meta *meta, enum root_role role,
                            struct why *why)
{
    struct root_holders *h = &meta->roles[role];
    const struct root_key *key;
    struct digest kid = {{0}};
    char text[DIGEST_TEXT];

    if (cbor_get_array(r) != 2)
        cbor_fail(r, ERR_FORMAT);
    h->threshold = (size_t)cbor_get_uint(r);
    h->n = cbor_get_array(r);
    if (r->err == ERR_OK && (h->n == 0 || h->threshold == 0))
        return why_say(why, ERR_FORMAT, "role %s: %zu of %zu keys must sign", NAMES[role],
                       h->threshold, h->n);
    if (r->err == ERR_OK && h->n > ROOT_KEYS_MAX)
        return why_say(why, ERR_TOO_LARGE, "role %s has %zu keys, the limit is %d", NAMES[role],
                       h->n, ROOT_KEYS_MAX);
    for (size_t i = 0; i < h->n && r->err == ERR_OK; i++) {
        cbor_get_digest(r, &kid);
        if (r->err != ERR_OK)
            break;
        key = root_key_find(meta, &kid);
        digest_text(&kid, text);
        if (key == NULL)
            return why_say(why, ERR_FORMAT, "role %s names the key %s, which is not listed",
                           NAMES[role], text);
        h->keys[i] = (uint8_t)(key - meta->keys);
    }
    return ERR_OK;
}

static err_code get_roles(struct cbor_reader *r, struct root_meta *meta, struct why *why)
{
    struct cbor_map map = cbor_open_map(r);

    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        if (cbor_key(&map, NAMES[role]))
            TRY(get_holders(r, meta, role, why));
    cbor_close_map(&map);
    return ERR_OK;
}

static err_code get_payload(struct slice payload, struct root_meta *meta, struct why *why)
{
    struct cbor_reader r = cbor_read(payload, CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);
    err_code err;

    cbor_need(&map, "keys");
    TRY(get_keys(&r, meta, why));
    cbor_need(&map, "roles");
    TRY(get_roles(&r, meta, why));
    cbor_need(&map, "domain");
    meta->domain = cbor_get_text(&r);
    cbor_need(&map, "version");
    meta->version = cbor_get_uint(&r);
    cbor_close_map(&map);
    err = cbor_done(&r);
    if (err != ERR_OK)
        return term_refuse(why, err, "root metadata");
    return root_meta_check(meta, why);
}

err_code root_meta_parse_payload(struct slice payload, struct root_meta **ret, struct why *why)
{
    CLEANUP(root_meta_free) struct root_meta *meta = calloc(1, sizeof *meta);

    if (meta == NULL)
        return ERR_NO_MEMORY;
    TRY(get_payload(payload, meta, why));
    root_meta_free(ret);
    *ret = meta;
    meta = NULL;
    return ERR_OK;
}

/* The hardware pins version 1, signatures and all. Of a later version whoever delivers a bundle
 * could alter the signatures; were the digest to follow, the gate would take every bundle of the
 * authority for an equivocation from then on. */
static err_code digest_of(const struct envelope *envelope, uint64_t version, struct digest *ret)
{
    if (version > 1)
        return envelope_signed_digest(envelope, "pawl-root-v1", ret);
    *ret = envelope->digest;
    return ERR_OK;
}

err_code root_meta_parse(struct slice bytes, struct root_meta **ret, struct why *why)
{
    CLEANUP(root_meta_free) struct root_meta *meta = NULL;
    struct envelope envelope;
    const struct cose_claims *claims = &envelope.cose.headers.claims;

    TRY(envelope_open(bytes, ENVELOPE_ROOT, &envelope, why));
    TRY(root_meta_parse_payload(envelope.cose.payload, &meta, why));
    if (!slice_eq(claims->iss, meta->domain) || !slice_eq(claims->sub, meta->domain))
        return why_say(why, ERR_FORMAT,
                       "the claims name \"%.*s\" and \"%.*s\", the content \"%.*s\"",
                       TERM_ARG(claims->iss), TERM_ARG(claims->sub), TERM_ARG(meta->domain));
    meta->raw = bytes;
    TRY(digest_of(&envelope, meta->version, &meta->digest));
    meta->iat = claims->iat;
    meta->has_exp = claims->has_exp;
    meta->exp = claims->exp;
    root_meta_free(ret);
    *ret = meta;
    meta = NULL;
    return ERR_OK;
}

void root_meta_free(struct root_meta **meta)
{
    free(*meta);
    *meta = NULL;
}
