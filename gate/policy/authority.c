/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/authority.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/policy/authority_files.h"
#include "gate/policy/root_chain.h"
#include "tpm/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void authority_close(struct authority **authority)
{
    struct authority *a = *authority;

    if (a == NULL)
        return;
    if (a->newest != a->first)
        root_meta_free(&a->newest);
    root_meta_free(&a->first);
    for (size_t i = 0; i < a->n_roots; i++)
        buf_free(&a->root_bytes[i]);
    free(a->root_bytes);
    judged_free(&a->published);
    revoked_free(&a->revoked);
    buf_free(&a->bundle_bytes);
    buf_free(&a->revoked_bytes);
    free(a->dir);
    free(a);
    *authority = NULL;
}

size_t authority_pick(const struct root_meta *meta, enum root_role role,
                      const struct authority_keys *keys, struct hw_signer **ret)
{
    size_t n = 0;

    for (size_t i = 0; i < keys->n && n < COSE_SIGNATURES_MAX; i++) {
        const struct root_holders *holders = &meta->roles[role];
        bool known = false;
        for (size_t k = 0; k < holders->n && !known; k++)
            known = hw_pubkey_eq(&meta->keys[holders->keys[k]].key, &keys->signers[i]->key);
        for (size_t k = 0; k < n && known; k++)
            known = !hw_pubkey_eq(&ret[k]->key, &keys->signers[i]->key); /* each key signs once */
        if (known)
            ret[n++] = keys->signers[i];
    }
    return n;
}

err_code authority_signers(const struct authority *authority, enum root_role role,
                           const struct authority_keys *keys, struct hw_signer **ret, size_t *ret_n,
                           struct why *why)
{
    size_t n = authority_pick(authority->newest, role, keys, ret);
    char text[DIGEST_TEXT];
    struct digest kid;

    if (n == 0)
        return why_say(why, ERR_SIGNER_UNKNOWN, "none of %zu keys holds the role %s", keys->n,
                       role_name(role));
    for (size_t i = 0; i < n; i++) {
        TRY(cose_key_thumbprint(&ret[i]->key, &kid));
        digest_text(&kid, text);
        if (revoked_find(&authority->revoked, REVOKED_KEY, &kid) != NULL)
            return why_say(why, ERR_REVOKED, "the key %s of the role %s is revoked", text,
                           role_name(role));
    }
    *ret_n = n;
    return ERR_OK;
}

err_code authority_lock(const struct authority *authority, struct lock *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(authority->dir, "lock", &path));
    return lock_take((const char *)path.ptr, AUTHORITY_WAIT_MS, ret, why);
}

/* ---- grants ---------------------------------------------------------------------------------- */

err_code authority_grant(const struct root_meta *first, const struct authority_gate *gate,
                         const struct tpm_terms *terms, struct hw_signer *ratchet,
                         struct hw_grant *ret, struct why *why)
{
    struct tpm_plan plan;

    TRY(grant_plan(first, gate->index, gate->base, &plan, why));
    return tpm_grant_make(&plan, terms, ratchet, ret, why);
}

/* Root metadata and the two grants that a fresh counter needs. */
static err_code enrol_bundle(const struct root_meta *first, struct hw_signer *ratchet,
                             struct buf *ret, struct why *why)
{
    static const struct authority_gate FLEET = {AUTHORITY_INDEX, AUTHORITY_BASE};
    static const struct tpm_terms TERMS[] = {
        {.kind = HW_GRANT_FIRST},
        {.kind = HW_GRANT_BUMP, .base = AUTHORITY_BASE},
    };
    struct hw_grant hw[2];
    struct grant grants[2];
    struct slice roots[] = {first->raw};
    const struct bundle bundle = {.roots = roots, .n_roots = 1, .grants = grants, .n_grants = 2};

    for (size_t i = 0; i < 2; i++) {
        TRY(authority_grant(first, &FLEET, &TERMS[i], ratchet, &hw[i], why));
        TRY(grant_of_hw(&hw[i], &grants[i]));
    }
    return bundle_write(&bundle, ret, why);
}

/* ---- init ------------------------------------------------------------------------------------ */

void authority_start_free(struct authority_start *start)
{
    buf_free(&start->root);
    buf_free(&start->bundle);
}

err_code authority_start_make(struct root_meta *meta, const struct authority_keys *keys,
                              int64_t now, struct authority_start *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf signed_ = {0}, bundle = {0};
    CLEANUP(root_meta_free) struct root_meta *first = NULL;
    struct hw_signer *signers[COSE_SIGNATURES_MAX], *ratchet[COSE_SIGNATURES_MAX];
    size_t n;

    meta->version = 1;
    meta->iat = now;
    n = authority_pick(meta, ROLE_ROOT, keys, signers);
    TRY(root_meta_sign(meta, signers, n, &signed_, why));
    TRY(root_meta_parse(buf_slice(&signed_), &first, why));
    TRY(root_verify_first(first, &JUDGE_SOFT, why));
    if (authority_pick(first, ROLE_RATCHET, keys, ratchet) == 0)
        return why_say(why, ERR_GRANT_INVALID,
                       "no ratchet key is at hand to sign the first grants");
    TRY(enrol_bundle(first, ratchet[0], &bundle, why));
    authority_start_free(ret);
    *ret = (struct authority_start){buf_take(&signed_), buf_take(&bundle)};
    return ERR_OK;
}

err_code authority_start_write(const char *dir, const struct authority_start *start,
                               struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(dir, "root", &path));
    TRY(file_make_dir((const char *)path.ptr, 0755, why));
    TRY(path_join(dir, "root/1.cose", &path));
    if (file_exists((const char *)path.ptr))
        return why_say(why, ERR_EXISTS, "\"%s\" exists already", (const char *)path.ptr);
    /* The root metadata last: while it is missing, there is no authority yet. */
    TRY(path_join(dir, "enrol.bundle", &path));
    TRY(file_write((const char *)path.ptr, buf_slice(&start->bundle), 0644, why));
    TRY(path_join(dir, "root/1.cose", &path));
    return file_write_new((const char *)path.ptr, buf_slice(&start->root), 0644, why);
}

err_code authority_init(const char *dir, struct root_meta *meta, const struct authority_keys *keys,
                        int64_t now, struct why *why)
{
    CLEANUP(authority_start_free) struct authority_start start = {0};

    TRY(authority_start_make(meta, keys, now, &start, why));
    return authority_start_write(dir, &start, why);
}

/* ---- open ------------------------------------------------------------------------------------ */

/* Takes one more version into the chain. */
static err_code add_root(struct authority *a, struct buf *bytes, struct why *why)
{
    CLEANUP(root_meta_free) struct root_meta *next = NULL;
    struct buf *grown = realloc(a->root_bytes, (a->n_roots + 1) * sizeof *grown);

    if (grown == NULL)
        return ERR_NO_MEMORY;
    a->root_bytes = grown;
    TRY(root_meta_parse(buf_slice(bytes), &next, why));
    if (a->n_roots == 0)
        TRY(root_verify_first(next, &JUDGE_SOFT, why));
    else
        TRY(root_verify_next(a->newest, next, &JUDGE_SOFT, why));
    a->root_bytes[a->n_roots++] = buf_take(bytes);
    if (a->newest != a->first)
        root_meta_free(&a->newest);
    a->newest = next;
    if (a->first == NULL)
        a->first = next;
    next = NULL; /* transferred */
    return ERR_OK;
}

static err_code read_roots(struct authority *a, struct why *why)
{
    for (uint64_t version = 1; version <= BUNDLE_ROOTS_MAX; version++) {
        CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
        TRY(authority_path(a->dir, "root", version, ".cose", &path));
        if (version > 1 && !file_exists((const char *)path.ptr))
            return ERR_OK;
        TRY(file_read((const char *)path.ptr, ENVELOPE_ROOT_MAX, &bytes, why));
        TRY(why_reading(why, add_root(a, &bytes, why), "\"%s\"", (const char *)path.ptr));
    }
    return ERR_OK;
}

static err_code read_revoked(struct authority *a, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    CLEANUP(revoked_free) struct revoked list = {0};
    struct cbor_reader r;

    TRY(path_join(a->dir, "revoked.cbor", &path));
    if (!file_exists((const char *)path.ptr))
        return ERR_OK;
    TRY(file_read((const char *)path.ptr, ENVELOPE_SNAPSHOT_MAX, &bytes, why));
    r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    revoked_get(&r, &list);
    if (cbor_done(&r) != ERR_OK)
        return why_reading(why, term_refuse(why, cbor_done(&r), "the list of the revoked"),
                           "\"%s\"", (const char *)path.ptr);
    TRY(why_reading(why, revoked_check(&list, why), "\"%s\"", (const char *)path.ptr));
    revoked_free(&a->revoked);
    a->revoked = list;
    list = (struct revoked){0}; /* transferred */
    buf_free(&a->revoked_bytes);
    a->revoked_bytes = buf_take(&bytes);
    return ERR_OK;
}

static err_code read_published(struct authority *a, int64_t now, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, dir = {0};
    const struct trust trust = {.roots = &a->first->digest, .n_roots = 1, .installed_before = true};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT, .now = now};
    uint64_t newest;

    TRY(path_join(a->dir, "publish", &dir));
    TRY(authority_newest((const char *)dir.ptr, ".bundle", &newest, why));
    if (newest == 0)
        return ERR_OK;
    TRY(authority_path(a->dir, "publish", newest, ".bundle", &path));
    TRY(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &a->bundle_bytes, why));
    TRY(why_reading(why,
                    bundle_judge(buf_slice(&a->bundle_bytes), &trust, &ask, &a->published, why),
                    "\"%s\"", (const char *)path.ptr));
    if (!a->published.has_snapshot || a->published.snapshot.epoch != newest)
        return why_say(why, ERR_STATE_CORRUPT, "\"%s\" is not of epoch %llu",
                       (const char *)path.ptr, (unsigned long long)newest);
    a->has_published = true;
    return ERR_OK;
}

err_code authority_open(const char *dir, int64_t now, struct authority **ret, struct why *why)
{
    CLEANUP(authority_close) struct authority *a = calloc(1, sizeof *a);

    if (a == NULL)
        return ERR_NO_MEMORY;
    a->dir = strdup(dir);
    if (a->dir == NULL)
        return ERR_NO_MEMORY;
    TRY(read_roots(a, why));
    TRY(read_revoked(a, why));
    TRY(read_published(a, now, why));
    *ret = a;
    a = NULL; /* transferred */
    return ERR_OK;
}

/* ---- the next root metadata ------------------------------------------------------------------ */

/* What is staged; ret_found false when nothing is, or when it has been signed already and only the
 * file was left over. */
static err_code read_staged(const struct authority *a, struct buf *ret_bytes,
                            struct root_meta **ret, bool *ret_found, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    *ret_found = false;
    TRY(path_join(a->dir, "root.staged", &path));
    if (!file_exists((const char *)path.ptr))
        return ERR_OK;
    TRY(file_read((const char *)path.ptr, ENVELOPE_ROOT_MAX, ret_bytes, why));
    TRY(why_reading(why, root_meta_parse_payload(buf_slice(ret_bytes), ret, why), "\"%s\"",
                    (const char *)path.ptr));
    *ret_found = (*ret)->version > a->newest->version;
    return ERR_OK;
}

err_code authority_staged(const struct authority *authority, struct buf *ret_bytes,
                          struct root_meta **ret, struct why *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *staged = NULL;
    bool found;

    TRY(read_staged(authority, &bytes, &staged, &found, why));
    if (!found) {
        buf_free(&bytes);
        TRY(root_meta_payload(authority->newest, &bytes, why));
        TRY(root_meta_parse_payload(buf_slice(&bytes), &staged, why));
        staged->version = authority->newest->version + 1;
    }
    buf_free(ret_bytes);
    *ret_bytes = buf_take(&bytes);
    root_meta_free(ret);
    *ret = staged;
    staged = NULL; /* transferred */
    return ERR_OK;
}

err_code authority_stage(const struct authority *authority, const struct root_meta *meta,
                         struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, payload = {0};

    TRY(root_meta_payload(meta, &payload, why));
    TRY(path_join(authority->dir, "root.staged", &path));
    return file_write((const char *)path.ptr, buf_slice(&payload), 0644, why);
}

/* Holders of the old root role and of the new one, each signer once. */
static size_t pick_both(const struct root_meta *old, const struct root_meta *next,
                        const struct authority_keys *keys, struct hw_signer **ret)
{
    struct hw_signer *more[COSE_SIGNATURES_MAX];
    size_t n = authority_pick(old, ROLE_ROOT, keys, ret);
    size_t n_more = authority_pick(next, ROLE_ROOT, keys, more);

    for (size_t i = 0; i < n_more && n < COSE_SIGNATURES_MAX; i++) {
        bool fresh = true;
        for (size_t k = 0; k < n; k++)
            fresh = fresh && !hw_pubkey_eq(&ret[k]->key, &more[i]->key);
        if (fresh)
            ret[n++] = more[i];
    }
    return n;
}

/* Gates that are enrolled from now on get the whole chain, with the same grants: those of version 1
 * hold for ever. Does nothing when the bundle has it already. */
err_code authority_refresh(const struct authority *authority, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0}, out = {0};
    CLEANUP(bundle_free) struct bundle bundle = {0};
    struct slice *roots;

    TRY(path_join(authority->dir, "enrol.bundle", &path));
    TRY(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &bytes, why));
    TRY(bundle_parse(buf_slice(&bytes), &bundle, why));
    if (bundle.n_roots == authority->n_roots)
        return ERR_OK;
    roots = reallocarray(bundle.roots, authority->n_roots, sizeof *roots);
    if (roots == NULL)
        return ERR_NO_MEMORY;
    bundle.roots = roots;
    bundle.n_roots = authority->n_roots;
    for (size_t i = 0; i < authority->n_roots; i++)
        roots[i] = buf_slice(&authority->root_bytes[i]);
    TRY(bundle_write(&bundle, &out, why));
    return file_write((const char *)path.ptr, buf_slice(&out), 0644, why);
}

/* The life of the next version: as told, or as long as the present one was given. */
static void set_life(struct root_meta *next, const struct root_meta *present, int64_t now,
                     int64_t exp)
{
    next->iat = now;
    next->has_exp = exp > 0 || present->has_exp;
    if (exp > 0)
        next->exp = exp;
    else if (present->has_exp)
        next->exp = now + (present->exp - present->iat);
}

err_code authority_rotate(struct authority *authority, const struct authority_keys *keys,
                          int64_t now, int64_t exp, struct why *why)
{
    CLEANUP(buf_free) struct buf staged_bytes = {0}, signed_ = {0}, path = {0}, file = {0};
    CLEANUP(root_meta_free) struct root_meta *staged = NULL, *next = NULL;
    struct hw_signer *signers[COSE_SIGNATURES_MAX];
    bool found;
    size_t n;

    TRY(read_staged(authority, &staged_bytes, &staged, &found, why));
    if (!found && exp == 0 && !authority->newest->has_exp)
        return why_say(why, ERR_NOT_FOUND, "nothing is staged: add-key or drop-key first");
    if (!found)
        TRY(authority_staged(authority, &staged_bytes, &staged, why));
    set_life(staged, authority->newest, now, exp);
    n = pick_both(authority->newest, staged, keys, signers);
    if (n == 0)
        return why_say(why, ERR_SIGNER_UNKNOWN, "none of %zu keys holds the role root", keys->n);
    TRY(root_meta_sign(staged, signers, n, &signed_, why));
    TRY(root_meta_parse(buf_slice(&signed_), &next, why));
    TRY(root_verify_next(authority->newest, next, &JUDGE_SOFT, why));
    TRY(authority_path(authority->dir, "root", next->version, ".cose", &file));
    TRY(file_write_new((const char *)file.ptr, buf_slice(&signed_), 0644, why));
    TRY(path_join(authority->dir, "root.staged", &path));
    if (unlink((const char *)path.ptr) != 0 && errno != ENOENT)
        return why_errno(why, errno, "remove", (const char *)path.ptr);
    TRY(add_root(authority, &signed_, why));
    return authority_refresh(authority, why);
}

static bool holds_more(const struct authority *authority, const struct digest *kid)
{
    for (enum root_role role = ROLE_ROOT + 1; role < ROLE_END; role++)
        if (root_holds(authority->newest, role, kid))
            return true;
    return false;
}

/* A gate would pass over it, and somebody would believe the key to be gone. */
static err_code refuse_root_key(const struct authority *a, const struct revocation *item,
                                struct why *why)
{
    char kid[DIGEST_TEXT];

    if (item->kind != REVOKED_KEY || !root_holds(a->newest, ROLE_ROOT, &item->id) ||
        holds_more(a, &item->id))
        return ERR_OK;
    digest_text(&item->id, kid);
    return why_say(why, ERR_USAGE,
                   "the key %s holds the role root, which no snapshot can revoke; rotate it away: "
                   "pawl authority drop-key %s --role root, then pawl authority rotate",
                   kid, kid);
}

/* revoked.cbor is read again under the lock: somebody else may have added to it. */
err_code authority_revoke(struct authority *authority, const struct revocation *item,
                          struct why *why)
{
    CLEANUP(lock_free) struct lock lock = {0};
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    CLEANUP(revoked_free) struct revoked single = {0};
    struct cbor_writer w = cbor_write(&bytes);

    TRY(revoked_add(&single, item));
    TRY(revoked_check(&single, why));
    TRY(refuse_root_key(authority, item, why));
    TRY(authority_lock(authority, &lock, why));
    TRY(read_revoked(authority, why));
    if (authority->revoked.n >= REVOKED_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu revocations, the limit is %d", authority->revoked.n,
                       REVOKED_MAX);
    TRY(revoked_add(&authority->revoked, item));
    revoked_put(&w, &authority->revoked);
    TRY(cbor_written(&w));
    TRY(path_join(authority->dir, "revoked.cbor", &path));
    TRY(file_write((const char *)path.ptr, buf_slice(&bytes), 0644, why));
    return read_revoked(authority, why);
}
