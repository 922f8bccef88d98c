/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/judge.h"

#include "gate/base/text.h"

#include <stdio.h>
#include <stdlib.h>

static err_code soft(void *ctx, const struct hw_statement *statement, struct why *why)
{
    (void)ctx;
    return hw_verify_soft(statement, why);
}

const struct judge JUDGE_SOFT = {soft, NULL};

/* Distinct holders of the role among the signers. */
struct tally {
    bool counted[ROOT_KEYS_MAX], revoked[ROOT_KEYS_MAX]; /* by place in root_meta.keys */
    size_t n_counted, n_revoked;
    const struct revocation *example; /* of one that is revoked, for people */
};

/* NULL if it is not. */
static const struct revocation *revocation_of(const struct judge_rule *rule,
                                              const struct digest *kid)
{
    for (size_t i = 0; i < 2; i++) {
        const struct revocation *found = NULL;
        if (rule->revoked[i] != NULL)
            found = revoked_find(rule->revoked[i], REVOKED_KEY, kid);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* Counts one signer. Returns true if it counts and is new. */
static bool count(struct tally *tally, const struct judge_rule *rule, const struct root_key *key)
{
    size_t place = (size_t)(key - rule->root->keys);
    const struct revocation *revocation = revocation_of(rule, &key->kid);

    if (revocation != NULL) {
        tally->example = revocation;
        tally->n_revoked += !tally->revoked[place];
        tally->revoked[place] = true;
        return false;
    }
    if (tally->counted[place])
        return false;
    tally->counted[place] = true;
    tally->n_counted++;
    return true;
}

/* The key that a signature claims, if it holds the role. */
static const struct root_key *holder(const struct judge_rule *rule, const struct digest *kid)
{
    return root_holds(rule->root, rule->role, kid) ? root_key_find(rule->root, kid) : NULL;
}

static err_code verdict(const struct tally *tally, const struct judge_rule *rule, const char *what,
                        struct why *why)
{
    size_t need = rule->root->roles[rule->role].threshold;
    const char *role = role_name(rule->role);

    if (need > 0 && tally->n_counted >= need)
        return ERR_OK;
    if (need == 0 || tally->n_counted + tally->n_revoked == 0)
        return why_say(why, ERR_SIGNER_UNKNOWN,
                       "%s: none of its signers is one of the %zu keys of the role %s in root "
                       "metadata version %llu",
                       what, rule->root->roles[rule->role].n, role,
                       (unsigned long long)rule->root->version);
    if (tally->n_counted + tally->n_revoked >= need) {
        char key[DIGEST_TEXT], since[TIME_TEXT];
        digest_text(&tally->example->id, key);
        time_text(tally->example->since, since);
        return why_say(why, ERR_REVOKED,
                       "%s: %zu of %zu keys of the role %s have signed, but %zu more are revoked: "
                       "%s since %s: %.*s",
                       what, tally->n_counted, need, role, tally->n_revoked, key, since,
                       TERM_ARG(tally->example->reason));
    }
    return why_say(why, ERR_THRESHOLD,
                   "%s: %zu keys of the role %s have signed, %zu are needed (%zu revoked ones do "
                   "not count)",
                   what, tally->n_counted, role, need, tally->n_revoked);
}

static err_code verify_one(const struct judge *judge, const struct envelope *envelope,
                           size_t signature, const struct root_key *key, struct hw_statement *ret,
                           struct why *why)
{
    char kid[DIGEST_TEXT];
    err_code err;

    err = cose_sign_statement(&envelope->cose, signature, &key->key, (struct slice){0}, ret, why);
    if (err == ERR_OK)
        err = judge->verify(judge->ctx, ret, why);
    if (err != ERR_SIGNATURE_INVALID)
        return err;
    digest_text(&key->kid, kid);
    return why_say(why, err, "signature %zu of %zu, by the key %s, is not valid", signature + 1,
                   envelope->cose.n_signatures, kid);
}

static void free_count(struct judge_count **count)
{
    free(*count);
    *count = NULL;
}

err_code judge_object(const struct judge *judge, const struct envelope *envelope,
                      const struct judge_rule *rule, struct judge_count *ret, struct why *why)
{
    CLEANUP(free_count) struct judge_count *out = calloc(1, sizeof *out);
    struct tally tally = {0};
    struct hw_statement statement;
    struct digest kid;
    char what[2 * TERM_NAME_MAX];

    if (out == NULL)
        return ERR_NO_MEMORY;
    (void)snprintf(what, sizeof what, "%s \"%.*s\"", envelope_name(envelope->type),
                   TERM_ARG(envelope->cose.headers.claims.sub));
    for (size_t i = 0; i < envelope->cose.n_signatures; i++) {
        const struct root_key *key = envelope_kid(envelope, i, &kid) ? holder(rule, &kid) : NULL;
        if (key == NULL)
            continue;
        TRY(verify_one(judge, envelope, i, key, &statement, why));
        if (count(&tally, rule, key))
            out->statements[out->n++] = statement;
    }
    TRY(verdict(&tally, rule, what, why));
    if (ret != NULL)
        *ret = *out;
    return ERR_OK;
}

err_code judge_again(const struct digest *kids, size_t n_kids, const struct judge_rule *rule,
                     const char *what, struct why *why)
{
    struct tally tally = {0};

    for (size_t i = 0; i < n_kids; i++) {
        const struct root_key *key = holder(rule, &kids[i]);
        if (key != NULL)
            (void)count(&tally, rule, key);
    }
    return verdict(&tally, rule, what, why);
}
