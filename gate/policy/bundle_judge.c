/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/bundle_judge.h"

#include "gate/policy/freshness.h"
#include "gate/policy/policy_set.h"
#include "gate/policy/root_chain.h"
#include "gate/policy/succession.h"

#include <inttypes.h>
#include <stdlib.h>

/* One judgement in progress. */
struct judging {
    const struct trust *trust;
    const struct bundle_ask *ask;
    struct judged *out;
};

void judged_free(struct judged *judged)
{
    if (judged->newest != judged->first)
        root_meta_free(&judged->newest);
    root_meta_free(&judged->first);
    policy_list_free(judged->policies, judged->snapshot.n_policies);
    snapshot_free(&judged->snapshot);
    bundle_free(&judged->bundle);
    free(judged->roots);
    free(judged->enrol_grants);
    free(judged->grants);
    free(judged->mandate);
    *judged = (struct judged){0};
}

/* ---- root metadata --------------------------------------------------------------------------- */

static err_code verify_root(const struct judging *j, const struct root_meta *next, struct why *why)
{
    if (next->version == 1)
        return root_verify_first(next, j->ask->judge, why);
    return root_verify_next(j->out->newest, next, j->ask->judge, why);
}

/* Another content for a known version is an equivocation only if it is properly signed; else it is
 * what its signatures say. */
static err_code judge_root(const struct judging *j, const struct root_meta *next, struct why *why)
{
    const struct digest *known =
        next->version > j->trust->n_roots ? NULL : &j->trust->roots[next->version - 1];

    if (known != NULL && next->version == 1)
        return root_same(next->version, known, &next->digest, why);
    TRY(verify_root(j, next, why));
    return known == NULL ? ERR_OK : root_same(next->version, known, &next->digest, why);
}

static err_code judge_roots(const struct judging *j, struct why *why)
{
    struct judged *out = j->out;
    size_t n = out->bundle.n_roots;

    if (n < j->trust->n_roots)
        return why_say(why, ERR_ROLLBACK,
                       "the bundle carries root metadata up to version %zu, known is version %zu",
                       n, j->trust->n_roots);
    out->roots = calloc(n, sizeof *out->roots);
    if (out->roots == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        CLEANUP(root_meta_free) struct root_meta *next = NULL;
        TRY(why_reading(why, root_meta_parse(out->bundle.roots[i], &next, why), "root metadata %zu",
                        i + 1));
        if (next->version != i + 1)
            return why_say(why, ERR_ROOT_SEQUENCE,
                           "root metadata version %" PRIu64 " at the place of version %zu",
                           next->version, i + 1);
        TRY(why_reading(why, judge_root(j, next, why), "root metadata %zu", i + 1));
        out->roots[i] = next->digest;
        if (out->newest != out->first)
            root_meta_free(&out->newest);
        if (out->first == NULL)
            out->first = next;
        out->newest = next;
        next = NULL;
    }
    return j->trust->installed_before ? ERR_OK : fresh_root(out->newest, j->ask->now, why);
}

/* ---- snapshot -------------------------------------------------------------------------------- */

static err_code root_of_snapshot(const struct judging *j, struct why *why)
{
    const struct judged *out = j->out;
    const struct snapshot *snapshot = &out->snapshot;

    if (snapshot->root_version < j->trust->n_roots)
        return why_say(why, ERR_ROLLBACK,
                       "the snapshot of epoch %" PRIu64 " names root metadata version %" PRIu64
                       ", known is version %zu",
                       snapshot->epoch, snapshot->root_version, j->trust->n_roots);
    if (snapshot->root_version != out->bundle.n_roots)
        return why_say(why, ERR_ROOT_SEQUENCE,
                       "the snapshot of epoch %" PRIu64 " names root metadata version %" PRIu64
                       ", the bundle carries versions up to %zu",
                       snapshot->epoch, snapshot->root_version, out->bundle.n_roots);
    return root_same(snapshot->root_version, &out->newest->digest, &snapshot->root, why);
}

static void free_count(struct judge_count **count)
{
    free(*count);
    *count = NULL;
}

static uint64_t reached(const struct trust *trust)
{
    uint64_t installed = trust->snapshot == NULL ? 0 : trust->snapshot->epoch;

    return installed > trust->epoch ? installed : trust->epoch;
}

static err_code judge_snapshot(const struct judging *j, struct why *why)
{
    CLEANUP(free_count) struct judge_count *count = calloc(1, sizeof *count);
    struct judged *out = j->out;
    const struct snapshot *installed = j->trust->snapshot;

    out->mandate = calloc(1, sizeof *out->mandate);
    if (count == NULL || out->mandate == NULL)
        return ERR_NO_MEMORY;
    TRY(why_reading(why, snapshot_parse(out->bundle.snapshot, &out->snapshot, why),
                    "the snapshot"));
    TRY(root_of_snapshot(j, why));
    TRY(why_reading(why,
                    snapshot_verify(&out->snapshot, out->newest,
                                    installed == NULL ? NULL : &installed->revoked, j->ask->judge,
                                    count, why),
                    "the snapshot"));
    if (installed != NULL) {
        TRY(snapshot_follows(installed, &out->snapshot, out->newest, why));
        out->known = digest_eq(&installed->digest, &out->snapshot.digest);
    }
    if (!j->trust->installed_before) {
        TRY(snapshot_in_reach(reached(j->trust), &out->snapshot, why));
        TRY(fresh_snapshot(&out->snapshot, j->ask->now, why));
    }
    out->mandate->epoch = out->snapshot.epoch;
    out->mandate->snapshot = out->snapshot.digest;
    out->mandate->n_statements = count->n;
    for (size_t i = 0; i < count->n; i++)
        out->mandate->statements[i] = count->statements[i];
    out->has_snapshot = true;
    return ERR_OK;
}

static err_code judge_policies(const struct judging *j, struct why *why)
{
    struct judged *out = j->out;
    const struct policy_set_ask ask = {
        .root = out->newest, .snapshot = &out->snapshot, .trust = j->trust, .judge = j->ask->judge};

    return policy_set_judge(out->bundle.policies, out->bundle.n_policies, &ask, &out->policies,
                            why);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static err_code judge_grants(const struct judging *j, struct why *why)
{
    struct judged *out = j->out;
    const struct grant_pick from = {.first = out->first,
                                    .newest = out->newest,
                                    .revoked = out->has_snapshot ? &out->snapshot.revoked : NULL,
                                    .grants = out->bundle.grants,
                                    .n_grants = out->bundle.n_grants};
    struct grant_need need = {.index = j->ask->index, .base = j->ask->base};

    if (!j->ask->needs_grants)
        return ERR_OK;
    if (j->ask->enrolling)
        TRY(grant_pick(&from, &need, &out->enrol_grants, &out->n_enrol_grants, why));
    if (!out->has_snapshot)
        return ERR_OK;
    need.epoch = out->snapshot.epoch;
    need.snapshot = out->snapshot.digest;
    TRY(grant_pick(&from, &need, &out->grants, &out->n_grants, why));
    out->mandate->grants = out->grants;
    out->mandate->n_grants = out->n_grants;
    return ERR_OK;
}

err_code bundle_judge(struct slice bytes, const struct trust *trust, const struct bundle_ask *ask,
                      struct judged *ret, struct why *why)
{
    CLEANUP(judged_free) struct judged out = {0};
    const struct judging j = {trust, ask, &out};

    TRY(bundle_parse(bytes, &out.bundle, why));
    TRY(judge_roots(&j, why));
    if (out.bundle.snapshot.len > 0) {
        TRY(judge_snapshot(&j, why));
        TRY(judge_policies(&j, why));
    } else if (out.bundle.n_policies > 0) {
        return why_say(why, ERR_FORMAT, "the bundle carries %zu policy objects but no snapshot",
                       out.bundle.n_policies);
    }
    TRY(judge_grants(&j, why));
    judged_free(ret);
    *ret = out;
    out = (struct judged){0};
    return ERR_OK;
}

err_code judged_owner(const struct judged *judged, struct slice gate, struct hw_owner *ret,
                      struct why *why)
{
    TRY(root_owner(judged->first, judged->newest, gate, ret, why));
    for (size_t i = judged->bundle.n_roots - 1; i-- > 1;) {
        CLEANUP(root_meta_free) struct root_meta *middle = NULL;
        TRY(root_meta_parse(judged->bundle.roots[i], &middle, why));
        root_owner_add(middle, ret);
    }
    return ERR_OK;
}
