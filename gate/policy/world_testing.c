/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        struct why why = {0};                                                                      \
        err_code must_ = (call);                                                                   \
        if (must_ != ERR_OK)                                                                       \
            fail_msg("%s: %s: %s", #call, err_name(must_), why.text);                              \
        (void)why;                                                                                 \
    } while (0)

const char *const WORLD_ALIASES[3] = {"deploy", "audit", "guard"};

void world_make(struct world *world, const struct cast *cast)
{
    struct root_meta *meta = cast_root_meta(cast);

    *world = (struct world){.cast = cast,
                            .n_roots = 1,
                            .snapshot_by = BY(SNAP_A),
                            .policy_by = BY(POLICY_A) | BY(POLICY_B),
                            .ratchet_by = BY(RATCHET_A)};
    world->roots[0] = cast_sign_root(cast, meta, BY(ROOT_A) | BY(ROOT_B));
    root_meta_free(&meta);
    world_grant(world, HW_GRANT_FIRST, 0, 0);
    world_grant(world, HW_GRANT_BUMP, WORLD_BASE, 0);
}

void world_free(struct world *world)
{
    for (size_t i = 0; i < WORLD_MAX; i++) {
        buf_free(&world->roots[i]);
        buf_free(&world->policies[i]);
    }
    buf_free(&world->snapshot);
    revoked_free(&world->revoked);
}

void world_grant(struct world *world, enum hw_grant_kind kind, uint64_t base, uint64_t epoch)
{
    CLEANUP(root_meta_free) struct root_meta *first = NULL;
    const struct tpm_terms terms = {kind, base, epoch, world->last_snapshot};
    struct tpm_plan plan;

    MUST(root_meta_parse(buf_slice(&world->roots[0]), &first, &why));
    MUST(grant_plan(first, WORLD_INDEX, kind == HW_GRANT_FIRST ? WORLD_BASE : base, &plan, &why));
    for (enum person who = RATCHET_A; who <= RATCHET_B; who++)
        if ((world->ratchet_by & BY(who)) != 0)
            MUST(tpm_grant_make(&plan, &terms, world->cast->signers[who],
                                &world->grants[world->n_grants++], &why));
}

size_t world_policy(struct world *world, size_t alias, const char *text)
{
    struct policy_object object = cast_policy();

    object.alias = slice_str(WORLD_ALIASES[alias]);
    object.version = ++world->version[alias];
    object.previous = (struct term_link){object.version > 1, world->last[alias]};
    if (text != NULL)
        object.text.policies = slice_str(text);
    world->policies[world->n_policies] = cast_sign_policy(world->cast, &object, world->policy_by);
    MUST(hash_sha256(buf_slice(&world->policies[world->n_policies]), &world->last[alias]));
    return world->n_policies++;
}

static struct digest newest_root(const struct world *world)
{
    CLEANUP(root_meta_free) struct root_meta *meta = NULL;

    MUST(root_meta_parse(buf_slice(&world->roots[world->n_roots - 1]), &meta, &why));
    return meta->digest;
}

void world_publish(struct world *world)
{
    static const size_t ORDER[] = {1, 2, 0};
    struct snapshot_policy policies[3];
    struct snapshot snapshot = {.domain = slice_str("example.org"),
                                .epoch = ++world->epoch,
                                .previous = {world->epoch > 1, world->last_snapshot},
                                .root_version = world->n_roots,
                                .policies = policies,
                                .revoked = world->revoked,
                                .iat = 1000,
                                .exp = 9000};

    snapshot.root = newest_root(world);
    snapshot.root.bytes[0] ^= world->names_another_root;
    for (size_t i = 0; i < 3; i++)
        if (world->version[ORDER[i]] > 0)
            policies[snapshot.n_policies++] =
                (struct snapshot_policy){slice_str(WORLD_ALIASES[ORDER[i]]),
                                         world->version[ORDER[i]], world->last[ORDER[i]]};
    buf_free(&world->snapshot);
    world->snapshot = cast_sign_snapshot(world->cast, &snapshot, world->snapshot_by);
    {
        CLEANUP(snapshot_free) struct snapshot parsed = {0};
        MUST(snapshot_parse(buf_slice(&world->snapshot), &parsed, NULL));
        world->last_snapshot = parsed.digest;
    }
    world->n_grants = 0;
    world_grant(world, HW_GRANT_FIRST, 0, 0);
    world_grant(world, HW_GRANT_BUMP, WORLD_BASE, 0);
    world_grant(world, HW_GRANT_BUMP, WORLD_BASE, world->epoch);
    world_grant(world, HW_GRANT_SIGN, WORLD_BASE, world->epoch);
    world_grant(world, HW_GRANT_CERTIFY, WORLD_BASE, world->epoch);
}

void world_rotate(struct world *world, void (*change)(struct root_meta *next), unsigned by)
{
    struct root_meta *meta = NULL;

    MUST(root_meta_parse(buf_slice(&world->roots[world->n_roots - 1]), &meta, &why));
    meta->version++;
    if (change != NULL)
        change(meta);
    world->roots[world->n_roots++] = cast_sign_root(world->cast, meta, by);
    root_meta_free(&meta);
}

struct buf world_bundle(const struct world *world)
{
    struct slice roots[WORLD_MAX], policies[WORLD_MAX];
    struct grant grants[WORLD_MAX];
    const struct bundle bundle = {.roots = roots,
                                  .n_roots = world->n_roots,
                                  .grants = grants,
                                  .n_grants = world->n_grants,
                                  .policies = policies,
                                  .n_policies = world->n_policies,
                                  .snapshot = buf_slice(&world->snapshot)};
    struct buf out = {0};

    for (size_t i = 0; i < world->n_roots; i++)
        roots[i] = buf_slice(&world->roots[i]);
    for (size_t i = 0; i < world->n_policies; i++)
        policies[i] = buf_slice(&world->policies[i]);
    for (size_t i = 0; i < world->n_grants; i++)
        MUST(grant_of_hw(&world->grants[i], &grants[i]));
    MUST(bundle_write(&bundle, &out, &why));
    return out;
}

void world_drop(struct world *world, size_t at)
{
    buf_free(&world->policies[at]);
    world->policies[at] = world->policies[--world->n_policies];
    world->policies[world->n_policies] = (struct buf){0};
}

void world_revoke(struct world *world, struct digest id, enum revoked_kind kind)
{
    const struct revocation item = {kind, id, 4000, slice_str("lost")};

    MUST(revoked_add(&world->revoked, &item));
}

const struct bundle_ask WORLD_ASK = {.judge = &JUDGE_SOFT,
                                     .now = 5000,
                                     .needs_grants = true,
                                     .index = WORLD_INDEX,
                                     .base = WORLD_BASE};

err_code world_judge(const struct world *world, const struct trust *trust,
                     const struct bundle_ask *ask, struct buf *ret_bytes, struct judged *ret,
                     struct why *why)
{
    buf_free(ret_bytes);
    *ret_bytes = world_bundle(world);
    return bundle_judge(buf_slice(ret_bytes), trust, ask, ret, why);
}

struct trust world_trust(const struct judged *judged)
{
    return (struct trust){.roots = judged->roots,
                          .n_roots = judged->bundle.n_roots,
                          .snapshot = judged->has_snapshot ? &judged->snapshot : NULL};
}
