/* SPDX-License-Identifier: Apache-2.0 */
/* authority_policy.c: the half of authority.h that signs policy objects and publishes. */
#include "gate/policy/authority_files.h"

#include "gate/base/file.h"
#include "gate/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* DIR/policy/<alias>; the alias is a name without slashes and dots in front. */
static err_code alias_room(const struct authority *a, struct slice alias, struct buf *ret,
                           struct why *why)
{
    CLEANUP(buf_free) struct buf room = {0};

    TRY(term_name_check("alias", alias, why));
    TRY(buf_add_str(&room, "policy/"));
    TRY(buf_add_slice(&room, alias));
    TRY(buf_terminate(&room));
    *ret = buf_take(&room);
    (void)a;
    return ERR_OK;
}

static err_code newest_of(const struct authority *a, struct slice alias, uint64_t *ret,
                          struct why *why)
{
    CLEANUP(buf_free) struct buf room = {0}, dir = {0};

    TRY(alias_room(a, alias, &room, why));
    TRY(path_join(a->dir, (const char *)room.ptr, &dir));
    return authority_newest((const char *)dir.ptr, ".cose", ret, why);
}

static err_code read_object(const struct authority *a, struct slice alias, uint64_t version,
                            struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf room = {0}, path = {0};

    TRY(alias_room(a, alias, &room, why));
    TRY(authority_path(a->dir, (const char *)room.ptr, version, ".cose", &path));
    return file_read((const char *)path.ptr, ENVELOPE_POLICY_MAX, ret, why);
}

static err_code set_version(const struct authority *a, struct policy_object *draft, struct why *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    uint64_t newest;

    TRY(newest_of(a, draft->alias, &newest, why));
    draft->version = newest + 1;
    draft->previous = (struct term_link){0};
    if (newest == 0)
        return ERR_OK;
    TRY(read_object(a, draft->alias, newest, &bytes, why));
    draft->previous.present = true;
    return hash_sha256(buf_slice(&bytes), &draft->previous.digest);
}

err_code authority_policy_sign(const struct authority *authority, struct policy_object *draft,
                               const struct authority_keys *keys, struct buf *ret, struct why *why)
{
    CLEANUP(rules_free) struct rules *rules = NULL;
    CLEANUP(buf_free) struct buf room = {0}, dir = {0}, path = {0}, out = {0};
    struct hw_signer *signers[COSE_SIGNATURES_MAX];
    size_t n;

    TRY(authority_signers(authority, ROLE_POLICY, keys, signers, &n, why));
    TRY(rules_load(&draft->text, &rules, why)); /* what a gate would refuse is not signed */
    TRY(alias_room(authority, draft->alias, &room, why));
    TRY(set_version(authority, draft, why));
    draft->domain = authority->newest->domain;
    if (RAND_bytes(draft->cti, sizeof draft->cti) != 1)
        return ERR_INTERNAL;
    TRY(policy_make(draft, signers, n, &out, why));
    TRY(path_join(authority->dir, (const char *)room.ptr, &dir));
    TRY(file_make_dir((const char *)dir.ptr, 0755, why));
    TRY(authority_path(authority->dir, (const char *)room.ptr, draft->version, ".cose", &path));
    TRY(file_write_new((const char *)path.ptr, buf_slice(&out), 0644, why));
    return buf_add_slice(ret, buf_slice(&out));
}

/* Published objects are pinned by digest; another signature would make another object of them. */
static err_code not_published(const struct authority *a, struct slice alias, uint64_t version,
                              struct why *why)
{
    const struct snapshot_policy *listed = NULL;

    if (a->has_published)
        listed = snapshot_find(&a->published.snapshot, alias);
    if (listed != NULL && listed->version >= version)
        return why_say(why, ERR_EXISTS, "\"%.*s\" version %llu is published already",
                       TERM_ARG(alias), (unsigned long long)version);
    return ERR_OK;
}

err_code authority_policy_cosign(const struct authority *authority, struct slice alias,
                                 const struct authority_keys *keys, struct buf *ret,
                                 struct why *why)
{
    CLEANUP(buf_free) struct buf room = {0}, path = {0}, bytes = {0};
    CLEANUP(lock_free) struct lock lock = {0};
    struct hw_signer *signers[COSE_SIGNATURES_MAX];
    uint64_t version;
    size_t n;

    TRY(authority_signers(authority, ROLE_POLICY, keys, signers, &n, why));
    TRY(authority_lock(authority, &lock, why));
    TRY(newest_of(authority, alias, &version, why));
    if (version == 0)
        return why_say(why, ERR_NOT_FOUND, "there is no policy \"%.*s\"", TERM_ARG(alias));
    TRY(not_published(authority, alias, version, why));
    TRY(read_object(authority, alias, version, &bytes, why));
    for (size_t i = 0; i < n; i++) {
        CLEANUP(buf_free) struct buf more = {0};
        TRY(cose_sign_add(buf_slice(&bytes), signers[i], &more, why));
        buf_free(&bytes);
        bytes = buf_take(&more);
    }
    TRY(alias_room(authority, alias, &room, why));
    TRY(authority_path(authority->dir, (const char *)room.ptr, version, ".cose", &path));
    TRY(file_write((const char *)path.ptr, buf_slice(&bytes), 0644, why));
    return buf_add_slice(ret, buf_slice(&bytes));
}

/* ---- publishing ------------------------------------------------------------------------------ */

/* Everything that goes into one publication. The buffers own what bundle borrows. */
struct draft {
    struct snapshot_policy *listed;
    size_t n_listed;
    struct buf *names;   /* the aliases' texts */
    struct buf *objects; /* every version of every alias */
    size_t n_objects;
    struct hw_grant *grants;
    size_t n_grants;
    struct buf snapshot;
};

static void draft_free(struct draft *d)
{
    for (size_t i = 0; d->names != NULL && i < d->n_listed; i++)
        buf_free(&d->names[i]);
    for (size_t i = 0; d->objects != NULL && i < d->n_objects; i++)
        buf_free(&d->objects[i]);
    free(d->names);
    free(d->objects);
    free(d->listed);
    free(d->grants);
    buf_free(&d->snapshot);
}

/* Adds an alias with all its versions, which a gate that starts from nothing needs. */
static err_code draft_alias(const struct authority *a, struct draft *d, const char *name,
                            struct why *why)
{
    struct slice alias;
    uint64_t newest;

    if (d->n_listed == SNAPSHOT_POLICIES_MAX)
        return why_say(why, ERR_TOO_LARGE, "more than %d aliases", SNAPSHOT_POLICIES_MAX);
    TRY(buf_add_str(&d->names[d->n_listed], name));
    alias = buf_slice(&d->names[d->n_listed]);
    TRY(newest_of(a, alias, &newest, why));
    if (newest == 0) {
        buf_free(&d->names[d->n_listed]);
        return ERR_OK;
    }
    for (uint64_t version = 1; version <= newest; version++) {
        if (d->n_objects == BUNDLE_POLICIES_MAX)
            return why_say(why, ERR_TOO_LARGE, "more than %d policy objects", BUNDLE_POLICIES_MAX);
        TRY(read_object(a, alias, version, &d->objects[d->n_objects++], why));
    }
    d->listed[d->n_listed] = (struct snapshot_policy){.alias = alias, .version = newest};
    return hash_sha256(buf_slice(&d->objects[d->n_objects - 1]), &d->listed[d->n_listed++].digest);
}

static int by_alias(const void *x, const void *y)
{
    const struct snapshot_policy *a = x, *b = y;

    return cbor_text_key_cmp(a->alias, b->alias);
}

static err_code draft_objects(const struct authority *a, struct draft *d, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};
    CLEANUP(dir_close) DIR *list = NULL;

    d->listed = calloc(SNAPSHOT_POLICIES_MAX, sizeof *d->listed);
    d->names = calloc(SNAPSHOT_POLICIES_MAX + 1, sizeof *d->names);
    d->objects = calloc(BUNDLE_POLICIES_MAX, sizeof *d->objects);
    if (d->listed == NULL || d->names == NULL || d->objects == NULL)
        return ERR_NO_MEMORY;
    TRY(path_join(a->dir, "policy", &dir));
    list = opendir((const char *)dir.ptr);
    if (list == NULL && errno != ENOENT)
        return why_errno(why, errno, "list", (const char *)dir.ptr);
    for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        if (term_name_ok(slice_str(entry->d_name)))
            TRY(draft_alias(a, d, entry->d_name, why));
    qsort(d->listed, d->n_listed, sizeof *d->listed, by_alias);
    return ERR_OK;
}

/* Grants name the snapshot that they are for, so it has been signed by now. */
static err_code draft_grants(const struct authority *a, struct draft *d,
                             const struct publication *wish, struct hw_signer *ratchet,
                             struct why *why)
{
    CLEANUP(snapshot_free) struct snapshot served = {0};
    static const enum hw_grant_kind KINDS[] = {HW_GRANT_BUMP, HW_GRANT_SIGN, HW_GRANT_CERTIFY};
    struct authority_gate gate = {AUTHORITY_INDEX, AUTHORITY_BASE};

    TRY(snapshot_parse(buf_slice(&d->snapshot), &served, why));
    if (wish->n_gates > BUNDLE_GRANTS_MAX / 3 - 2)
        return why_say(why, ERR_TOO_LARGE, "grants for %zu gates", wish->n_gates);
    d->grants = calloc(3 * (wish->n_gates + 1), sizeof *d->grants);
    if (d->grants == NULL)
        return ERR_NO_MEMORY;
    for (size_t g = 0; g <= wish->n_gates; g++) {
        if (g > 0)
            gate = wish->gates[g - 1];
        if (g > 0 && gate.index == AUTHORITY_INDEX && gate.base == AUTHORITY_BASE)
            continue; /* the fleet's grants serve it */
        for (size_t k = 0; k < 3; k++) {
            const struct tpm_terms terms = {KINDS[k], gate.base, served.epoch, served.digest};
            TRY(authority_grant(a->first, &gate, &terms, ratchet, &d->grants[d->n_grants++], why));
        }
    }
    return ERR_OK;
}

static err_code draft_snapshot(const struct authority *a, struct draft *d, uint64_t epoch,
                               const struct publication *wish, const struct authority_keys *keys,
                               struct why *why)
{
    struct hw_signer *signers[COSE_SIGNATURES_MAX];
    size_t n;
    struct snapshot snapshot = {
        .domain = a->newest->domain,
        .epoch = epoch,
        .root_version = a->newest->version,
        .root = a->newest->digest,
        .policies = d->listed,
        .n_policies = d->n_listed,
        .revoked = a->revoked,
        .iat = wish->now,
        .exp = wish->exp,
    };

    TRY(authority_signers(a, ROLE_SNAPSHOT, keys, signers, &n, why));
    if (a->has_published)
        snapshot.previous = (struct term_link){true, a->published.snapshot.digest};
    return snapshot_make(&snapshot, signers, n, &d->snapshot, why);
}

static err_code draft_bundle(const struct authority *a, const struct draft *d, struct buf *ret,
                             struct why *why)
{
    struct bundle bundle = {.n_roots = a->n_roots,
                            .n_grants = d->n_grants,
                            .n_policies = d->n_objects,
                            .snapshot = buf_slice(&d->snapshot)};
    err_code err = ERR_OK;

    bundle.roots = calloc(a->n_roots + 1, sizeof *bundle.roots);
    bundle.grants = calloc(d->n_grants + 1, sizeof *bundle.grants);
    bundle.policies = calloc(d->n_objects + 1, sizeof *bundle.policies);
    if (bundle.roots == NULL || bundle.grants == NULL || bundle.policies == NULL)
        err = ERR_NO_MEMORY;
    for (size_t i = 0; err == ERR_OK && i < a->n_roots; i++)
        bundle.roots[i] = buf_slice(&a->root_bytes[i]);
    for (size_t i = 0; err == ERR_OK && i < d->n_grants; i++)
        err = grant_of_hw(&d->grants[i], &bundle.grants[i]);
    for (size_t i = 0; err == ERR_OK && i < d->n_objects; i++)
        bundle.policies[i] = buf_slice(&d->objects[i]);
    if (err == ERR_OK)
        err = bundle_write(&bundle, ret, why);
    bundle_free(&bundle);
    return err;
}

/* The judgement that awaits it at a gate: one that has the last publication, and a fresh one. */
static err_code judge_as_gates_will(const struct authority *a, struct slice bundle, int64_t now,
                                    struct why *why)
{
    CLEANUP(judged_free) struct judged updated = {0}, fresh = {0};
    const struct judge judge = JUDGE_SOFT;
    const struct bundle_ask ask = {.judge = &judge,
                                   .now = now,
                                   .needs_grants = true,
                                   .index = AUTHORITY_INDEX,
                                   .base = AUTHORITY_BASE};
    const struct trust first = {.roots = &a->first->digest,
                                .n_roots = 1,
                                .epoch = a->has_published ? a->published.snapshot.epoch : 0};

    if (a->has_published) {
        const struct trust last = {.roots = a->published.roots,
                                   .n_roots = a->published.bundle.n_roots,
                                   .snapshot = &a->published.snapshot};
        TRY(bundle_judge(bundle, &last, &ask, &updated, why));
    }
    return bundle_judge(bundle, &first, &ask, &fresh, why);
}

/* A key that signs grants: the hardware knows those of version 1, the gates' software asks for one
 * of the newest version as well. */
static err_code ratchet_signer(const struct authority *a, const struct authority_keys *keys,
                               struct hw_signer **ret, struct why *why)
{
    struct hw_signer *now[COSE_SIGNATURES_MAX], *first[COSE_SIGNATURES_MAX];
    struct authority_keys usable = {now, 0};

    TRY(authority_signers(a, ROLE_RATCHET, keys, now, &usable.n, why));
    if (authority_pick(a->first, ROLE_RATCHET, &usable, first) == 0)
        return why_say(why, ERR_GRANT_INVALID,
                       "none of %zu keys is a ratchet key of root metadata version 1, the only "
                       "ones that enrolled hardware accepts",
                       keys->n);
    *ret = first[0];
    return ERR_OK;
}

static err_code clock_back(int64_t now, const struct snapshot *last, struct why *why)
{
    char here[TIME_TEXT], there[TIME_TEXT];

    time_text(now, here);
    time_text(last->iat, there);
    return why_say(why, ERR_CLOCK_BACK, "it is %s, but epoch %llu was published at %s", here,
                   (unsigned long long)last->epoch, there);
}

err_code authority_publish(struct authority *authority, const struct publication *wish,
                           const struct authority_keys *keys, struct buf *ret, uint64_t *ret_epoch,
                           struct why *why)
{
    CLEANUP(draft_free) struct draft d = {0};
    CLEANUP(buf_free) struct buf out = {0}, path = {0}, dir = {0};
    const struct snapshot *last = authority->has_published ? &authority->published.snapshot : NULL;
    struct hw_signer *ratchet = NULL;
    uint64_t epoch = last == NULL ? 1 : last->epoch + 1;

    if (wish->epoch != 0 && wish->epoch < epoch)
        return why_say(why, ERR_ROLLBACK, "epoch %llu is wished for, epoch %llu is published",
                       (unsigned long long)wish->epoch, (unsigned long long)last->epoch);
    if (wish->epoch != 0)
        epoch = wish->epoch;
    if (last != NULL && wish->now < last->iat)
        return clock_back(wish->now, last, why);
    TRY(ratchet_signer(authority, keys, &ratchet, why));
    TRY(draft_objects(authority, &d, why));
    TRY(draft_snapshot(authority, &d, epoch, wish, keys, why));
    TRY(draft_grants(authority, &d, wish, ratchet, why));
    TRY(draft_bundle(authority, &d, &out, why));
    TRY(judge_as_gates_will(authority, buf_slice(&out), wish->now, why));
    TRY(authority_refresh(authority, why));
    TRY(path_join(authority->dir, "publish", &dir));
    TRY(file_make_dir((const char *)dir.ptr, 0755, why));
    TRY(authority_path(authority->dir, "publish", epoch, ".bundle", &path));
    TRY(file_write_new((const char *)path.ptr, buf_slice(&out), 0644, why));
    *ret_epoch = epoch;
    return buf_add_slice(ret, buf_slice(&out));
}
