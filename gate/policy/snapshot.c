/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/snapshot.h"

#include <stdlib.h>

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->policies);
    revoked_free(&snapshot->revoked);
    *snapshot = (struct snapshot){0};
}

static int by_alias(const void *a, const void *b)
{
    const struct snapshot_policy *left = a, *right = b;

    return cbor_text_key_cmp(left->alias, right->alias);
}

const struct snapshot_policy *snapshot_find(const struct snapshot *snapshot, struct slice alias)
{
    const struct snapshot_policy want = {.alias = alias};

    if (snapshot->n_policies == 0)
        return NULL;
    return bsearch(&want, snapshot->policies, snapshot->n_policies, sizeof want, by_alias);
}

static err_code check(const struct snapshot *snapshot, struct why *why)
{
    const struct snapshot_policy *p = snapshot->policies;

    TRY(term_name_check("domain", snapshot->domain, why));
    TRY(term_number_check("epoch", snapshot->epoch, why));
    TRY(term_link_check("epoch", snapshot->epoch, &snapshot->previous, why));
    TRY(term_number_check("version of the root metadata", snapshot->root_version, why));
    if (snapshot->n_policies > SNAPSHOT_POLICIES_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu policies, the limit is %d", snapshot->n_policies,
                       SNAPSHOT_POLICIES_MAX);
    for (size_t i = 0; i < snapshot->n_policies; i++) {
        TRY(term_name_check("alias", p[i].alias, why));
        TRY(term_number_check("version of the policy object", p[i].version, why));
        if (i > 0 && by_alias(&p[i - 1], &p[i]) >= 0)
            return why_say(why, ERR_FORMAT, "aliases are not in order: \"%.*s\" before \"%.*s\"",
                           TERM_ARG(p[i - 1].alias), TERM_ARG(p[i].alias));
    }
    return revoked_check(&snapshot->revoked, why);
}

static void get_pinned(struct cbor_reader *r, uint64_t *version, struct digest *digest)
{
    if (cbor_get_array(r) != 2)
        cbor_fail(r, ERR_FORMAT);
    *version = cbor_get_uint(r);
    cbor_get_digest(r, digest);
}

static void get_policies(struct cbor_reader *r, struct snapshot *snapshot)
{
    size_t n = cbor_get_map(r);

    if (r->err == ERR_OK && n > SNAPSHOT_POLICIES_MAX)
        cbor_fail(r, ERR_TOO_LARGE);
    if (r->err != ERR_OK || n == 0)
        return;
    snapshot->policies = calloc(n, sizeof *snapshot->policies);
    if (snapshot->policies == NULL) {
        cbor_fail(r, ERR_NO_MEMORY);
        return;
    }
    for (; snapshot->n_policies < n && r->err == ERR_OK; snapshot->n_policies++) {
        struct snapshot_policy *p = &snapshot->policies[snapshot->n_policies];
        p->alias = cbor_get_text(r);
        get_pinned(r, &p->version, &p->digest);
    }
}

static err_code get_payload(struct slice payload, struct snapshot *snapshot, struct why *why)
{
    struct cbor_reader r = cbor_read(payload, CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);
    err_code err;

    cbor_need(&map, "root");
    get_pinned(&r, &snapshot->root_version, &snapshot->root);
    cbor_need(&map, "epoch");
    snapshot->epoch = cbor_get_uint(&r);
    cbor_need(&map, "domain");
    snapshot->domain = cbor_get_text(&r);
    cbor_need(&map, "revoked");
    revoked_get(&r, &snapshot->revoked);
    cbor_need(&map, "policies");
    get_policies(&r, snapshot);
    cbor_need(&map, "previous");
    term_link_get(&r, &snapshot->previous);
    cbor_close_map(&map);
    err = cbor_done(&r);
    if (err != ERR_OK)
        return term_refuse(why, err, "snapshot");
    return check(snapshot, why);
}

err_code snapshot_parse(struct slice bytes, struct snapshot *ret, struct why *why)
{
    CLEANUP(snapshot_free) struct snapshot out = {0};
    struct envelope envelope;
    const struct cose_claims *claims = &envelope.cose.headers.claims;

    TRY(envelope_open(bytes, ENVELOPE_SNAPSHOT, &envelope, why));
    TRY(get_payload(envelope.cose.payload, &out, why));
    if (!slice_eq(claims->iss, out.domain) || !slice_eq(claims->sub, out.domain))
        return why_say(why, ERR_FORMAT,
                       "the claims name \"%.*s\" and \"%.*s\", the content \"%.*s\"",
                       TERM_ARG(claims->iss), TERM_ARG(claims->sub), TERM_ARG(out.domain));
    out.raw = bytes;
    TRY(envelope_signed_digest(&envelope, "pawl-snapshot-v1", &out.digest));
    out.iat = claims->iat;
    out.exp = claims->exp;
    snapshot_free(ret);
    *ret = out;
    out = (struct snapshot){0};
    return ERR_OK;
}

err_code snapshot_verify(const struct snapshot *snapshot, const struct root_meta *root,
                         const struct revoked *earlier, const struct judge *judge,
                         struct judge_count *ret, struct why *why)
{
    const struct judge_rule rule = {
        .root = root, .role = ROLE_SNAPSHOT, .revoked = {&snapshot->revoked, earlier}};
    struct envelope envelope;

    if (!slice_eq(snapshot->domain, root->domain))
        return why_say(why, ERR_SIGNER_UNKNOWN, "the snapshot is of \"%.*s\", not of \"%.*s\"",
                       TERM_ARG(snapshot->domain), TERM_ARG(root->domain));
    TRY(envelope_open(snapshot->raw, ENVELOPE_SNAPSHOT, &envelope, why));
    return judge_object(judge, &envelope, &rule, ret, why);
}

static void put_pinned(struct cbor_writer *w, uint64_t version, const struct digest *digest)
{
    cbor_put_array(w, 2);
    cbor_put_uint(w, version);
    cbor_put_bytes(w, digest_slice(digest));
}

static void put_payload(struct cbor_writer *w, const struct snapshot *snapshot)
{
    cbor_put_map(w, 6);
    cbor_put_text(w, "root");
    put_pinned(w, snapshot->root_version, &snapshot->root);
    cbor_put_text(w, "epoch");
    cbor_put_uint(w, snapshot->epoch);
    cbor_put_text(w, "domain");
    cbor_put_text_slice(w, snapshot->domain);
    cbor_put_text(w, "revoked");
    revoked_put(w, &snapshot->revoked);
    cbor_put_text(w, "policies");
    cbor_put_map(w, snapshot->n_policies);
    for (size_t i = 0; i < snapshot->n_policies; i++) {
        cbor_put_text_slice(w, snapshot->policies[i].alias);
        put_pinned(w, snapshot->policies[i].version, &snapshot->policies[i].digest);
    }
    cbor_put_text(w, "previous");
    term_link_put(w, &snapshot->previous);
}

err_code snapshot_make(const struct snapshot *snapshot, struct hw_signer *const *signers,
                       size_t n_signers, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf payload = {0};
    struct cbor_writer w = cbor_write(&payload);
    struct envelope_parts parts = {
        .type = ENVELOPE_SNAPSHOT,
        .claims = {.iss = snapshot->domain,
                   .sub = snapshot->domain,
                   .has_iat = true,
                   .iat = snapshot->iat,
                   .has_exp = true,
                   .exp = snapshot->exp},
    };

    TRY(check(snapshot, why));
    put_payload(&w, snapshot);
    TRY(cbor_written(&w));
    parts.payload = buf_slice(&payload);
    return envelope_make(&parts, signers, n_signers, ret, why);
}
