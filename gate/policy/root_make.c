/* SPDX-License-Identifier: Apache-2.0 */
/* root_make.c: the writing half of root_meta.h: what the authority changes, writes and signs. */
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/policy/root_meta.h"

#include <string.h>

static void put_roles(struct cbor_writer *w, const struct root_meta *meta)
{
    size_t present = 0;

    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        present += meta->roles[role].n > 0;
    cbor_put_map(w, present);
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++) {
        const struct root_holders *h = &meta->roles[role];
        if (h->n == 0)
            continue;
        cbor_put_text(w, role_name(role));
        cbor_put_array(w, 2);
        cbor_put_uint(w, h->threshold);
        cbor_put_array(w, h->n);
        for (size_t k = 0; k < h->n; k++)
            cbor_put_bytes(w, digest_slice(&meta->keys[h->keys[k]].kid));
    }
}

err_code root_meta_payload(const struct root_meta *meta, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    TRY(root_meta_check(meta, why));
    cbor_put_map(&w, 4);
    cbor_put_text(&w, "keys");
    cbor_put_map(&w, meta->n_keys);
    for (size_t i = 0; i < meta->n_keys; i++) {
        cbor_put_bytes(&w, digest_slice(&meta->keys[i].kid));
        cose_key_put(&w, &meta->keys[i].key);
    }
    cbor_put_text(&w, "roles");
    put_roles(&w, meta);
    cbor_put_text(&w, "domain");
    cbor_put_text_slice(&w, meta->domain);
    cbor_put_text(&w, "version");
    cbor_put_uint(&w, meta->version);
    TRY(cbor_written(&w));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code root_meta_sign(const struct root_meta *meta, struct hw_signer *const *signers,
                        size_t n_signers, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf payload = {0};
    struct envelope_parts parts = {
        .type = ENVELOPE_ROOT,
        .claims = {.iss = meta->domain,
                   .sub = meta->domain,
                   .has_iat = true,
                   .iat = meta->iat,
                   .has_exp = meta->has_exp,
                   .exp = meta->exp},
    };

    TRY(root_meta_payload(meta, &payload, why));
    parts.payload = buf_slice(&payload);
    return envelope_make(&parts, signers, n_signers, ret, why);
}

/* Puts the key at its place by kid; the places that the roles hold move along. */
static err_code put_in(struct root_meta *meta, const struct digest *kid,
                       const struct hw_pubkey *key, struct why *why)
{
    size_t at = 0;

    if (meta->n_keys >= ROOT_KEYS_MAX)
        return why_say(why, ERR_FORMAT, "%zu keys are listed already, the limit is %d",
                       meta->n_keys, ROOT_KEYS_MAX);
    while (at < meta->n_keys && slice_cmp(digest_slice(&meta->keys[at].kid), digest_slice(kid)) < 0)
        at++;
    for (size_t i = meta->n_keys; i > at; i--)
        meta->keys[i] = meta->keys[i - 1];
    meta->keys[at].kid = *kid;
    meta->keys[at].key = *key;
    meta->n_keys++;
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        for (size_t i = 0; i < meta->roles[role].n; i++)
            meta->roles[role].keys[i] =
                (uint8_t)(meta->roles[role].keys[i] + (meta->roles[role].keys[i] >= at));
    return ERR_OK;
}

static void put_out(struct root_meta *meta, size_t at)
{
    meta->n_keys--;
    for (size_t i = at; i < meta->n_keys; i++)
        meta->keys[i] = meta->keys[i + 1];
    memset(&meta->keys[meta->n_keys], 0, sizeof meta->keys[0]);
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        for (size_t i = 0; i < meta->roles[role].n; i++)
            meta->roles[role].keys[i] =
                (uint8_t)(meta->roles[role].keys[i] - (meta->roles[role].keys[i] > at));
}

err_code root_give(struct root_meta *meta, enum root_role role, const struct hw_pubkey *key,
                   struct why *why)
{
    struct root_holders *h = &meta->roles[role];
    const struct root_key *listed;
    struct digest kid;
    char text[DIGEST_TEXT];

    TRY(hw_pubkey_check(key, why));
    TRY(cose_key_thumbprint(key, &kid));
    digest_text(&kid, text);
    if (root_holds(meta, role, &kid))
        return why_say(why, ERR_EXISTS, "the key %s holds the role %s already", text,
                       role_name(role));
    if (root_key_find(meta, &kid) == NULL)
        TRY(put_in(meta, &kid, key, why));
    listed = root_key_find(meta, &kid);
    h->keys[h->n++] = (uint8_t)(listed - meta->keys);
    if (h->threshold == 0)
        h->threshold = 1;
    return ERR_OK;
}

err_code root_take(struct root_meta *meta, enum root_role role, const struct digest *kid,
                   struct why *why)
{
    struct root_holders *h = &meta->roles[role];
    size_t at = 0, key;
    char text[DIGEST_TEXT];

    digest_text(kid, text);
    if (!root_holds(meta, role, kid))
        return why_say(why, ERR_NOT_FOUND, "the key %s does not hold the role %s", text,
                       role_name(role));
    while (!digest_eq(&meta->keys[h->keys[at]].kid, kid))
        at++;
    key = h->keys[at];
    h->n--;
    for (; at < h->n; at++)
        h->keys[at] = h->keys[at + 1];
    if (h->n == 0)
        h->threshold = 0;
    for (enum root_role other = ROLE_ROOT; other < ROLE_END; other++)
        if (root_holds(meta, other, kid))
            return ERR_OK;
    put_out(meta, key);
    return ERR_OK;
}

static bool is_anchor(const struct hw_owner *owner, const struct hw_pubkey *key)
{
    for (size_t i = 0; i < owner->n_anchors; i++)
        if (hw_pubkey_eq(&owner->anchors[i], key))
            return true;
    return false;
}

void root_owner_add(const struct root_meta *earlier, struct hw_owner *owner)
{
    const struct root_holders *holders = &earlier->roles[ROLE_ROOT];

    for (size_t i = 0; i < holders->n && owner->n_anchors < HW_ANCHOR_MAX; i++) {
        const struct hw_pubkey *key = &earlier->keys[holders->keys[i]].key;
        if (!is_anchor(owner, key))
            owner->anchors[owner->n_anchors++] = *key;
    }
}

err_code root_owner(const struct root_meta *first, const struct root_meta *newest,
                    struct slice gate, struct hw_owner *ret, struct why *why)
{
    const struct root_holders *ratchet = &first->roles[ROLE_RATCHET];

    TRY(term_name_check("gate", gate, why));
    if (first->version != 1 || !slice_eq(first->domain, newest->domain))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "root metadata version %llu of \"%.*s\" is not the first of \"%.*s\"",
                       (unsigned long long)first->version, TERM_ARG(first->domain),
                       TERM_ARG(newest->domain));
    memset(ret, 0, sizeof *ret);
    memcpy(ret->domain, first->domain.ptr, first->domain.len);
    memcpy(ret->gate, gate.ptr, gate.len);
    ret->root = first->digest;
    for (size_t i = 0; i < ratchet->n; i++)
        ret->ratchet[i] = first->keys[ratchet->keys[i]].key;
    ret->n_ratchet = ratchet->n;
    for (size_t i = 0; i < newest->n_keys; i++)
        ret->anchors[i] = newest->keys[i].key;
    ret->n_anchors = newest->n_keys;
    root_owner_add(first, ret);
    return ERR_OK;
}
