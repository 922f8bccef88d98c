/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/cosign.h"

#include <string.h>

static bool same_key(const struct note_key *a, const struct note_key *b)
{
    return a->type != NOTE_ECDSA && b->type != NOTE_ECDSA &&
           memcmp(a->ed25519, b->ed25519, sizeof a->ed25519) == 0;
}

err_code cosign_policy_check(const struct cosign_policy *policy, struct why *why)
{
    if (policy->n_witnesses > COSIGN_WITNESSES_MAX)
        return why_say(why, ERR_KEY_MALFORMED, "%zu witnesses, the limit is %d",
                       policy->n_witnesses, COSIGN_WITNESSES_MAX);
    if (policy->need > policy->n_witnesses)
        return why_say(why, ERR_KEY_MALFORMED, "%zu of %zu witnesses cannot be had", policy->need,
                       policy->n_witnesses);
    for (size_t i = 0; i < policy->n_witnesses; i++) {
        const struct note_key *key = &policy->witnesses[i];
        if (key->type != NOTE_COSIGNATURE)
            return why_say(why, ERR_KEY_MALFORMED, "\"%s\" is no witness: its key has type %d",
                           key->name, (int)key->type);
        if (same_key(key, policy->log))
            return why_say(why, ERR_KEY_MALFORMED, "the witness \"%s\" has the log's own key",
                           key->name);
        for (size_t k = 0; k < i; k++)
            if (same_key(key, &policy->witnesses[k]))
                return why_say(why, ERR_KEY_MALFORMED, "the witnesses \"%s\" and \"%s\" are one",
                               policy->witnesses[k].name, key->name);
    }
    return ERR_OK;
}

static err_code open_all(struct slice bytes, const struct cosign_policy *policy,
                         struct cosign_verdict *ret, struct why *why)
{
    TRY(cosign_policy_check(policy, why));
    TRY(checkpoint_note_open(bytes, policy->log, &ret->note, &ret->text, why));
    ret->n_good = 0;
    for (size_t i = 0; i < policy->n_witnesses; i++) {
        TRY(note_check(&ret->note, ret->note.text, &policy->witnesses[i], &ret->witnesses[i], why));
        ret->n_good += ret->witnesses[i].good;
    }
    return ERR_OK;
}

err_code cosign_open(struct slice bytes, const struct cosign_policy *policy,
                     struct cosign_verdict *ret, struct why *why)
{
    TRY(open_all(bytes, policy, ret, why));
    if (ret->n_good < policy->need)
        return why_say(why, ERR_THRESHOLD, "%zu of %zu witnesses have cosigned, %zu are needed",
                       ret->n_good, policy->n_witnesses, policy->need);
    return ERR_OK;
}

/* For each witness the line to take: its index in the answer plus one, and its time. */
struct taken {
    size_t line[COSIGN_WITNESSES_MAX];
    uint64_t time[COSIGN_WITNESSES_MAX];
    size_t n;
};

static err_code choose(const struct note *lines, struct slice text,
                       const struct cosign_policy *policy, struct taken *ret, struct why *why)
{
    for (size_t w = 0; w < policy->n_witnesses; w++)
        for (size_t i = 0; i < lines->n_sigs; i++) {
            struct note one = {.n_sigs = 1, .sigs = {lines->sigs[i]}};
            struct note_good found;

            TRY(note_check(&one, text, &policy->witnesses[w], &found, why));
            if (!found.good)
                continue;
            if (found.time == 0)
                return why_say(why, ERR_SIGNATURE_INVALID, "the cosignature by \"%s\" has no time",
                               policy->witnesses[w].name);
            if (found.time <= ret->time[w])
                continue;
            ret->n += ret->line[w] == 0;
            ret->line[w] = i + 1;
            ret->time[w] = found.time;
        }
    return ERR_OK;
}

/* Whether a line that is there now gives way to one of the same key. */
static bool replaced(const struct note_sig *sig, const struct cosign_policy *policy,
                     const struct taken *taken)
{
    for (size_t w = 0; w < policy->n_witnesses; w++)
        if (taken->line[w] != 0 && sig->id == policy->witnesses[w].id &&
            slice_eq(sig->name, note_key_name(&policy->witnesses[w])))
            return true;
    return false;
}

err_code cosign_merge(struct slice bytes, struct slice lines, const struct cosign_policy *policy,
                      struct buf *ret, size_t *ret_new, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cosign_verdict now;
    struct note answer;
    struct taken taken = {0};

    TRY(open_all(bytes, policy, &now, why));
    TRY(note_parse_lines(lines, &answer, why));
    TRY(choose(&answer, now.note.text, policy, &taken, why));
    if (taken.n == 0)
        return why_say(why, ERR_SIGNER_UNKNOWN,
                       "none of %zu signatures is by a witness that is configured; the first is by "
                       "\"%.*s\"",
                       answer.n_sigs, (int)answer.sigs[0].name.len,
                       (const char *)answer.sigs[0].name.ptr);
    TRY(buf_add_slice(&out, now.note.text));
    TRY(buf_add_str(&out, "\n"));
    for (size_t i = 0; i < now.note.n_sigs; i++)
        if (!replaced(&now.note.sigs[i], policy, &taken))
            TRY(buf_add_slice(&out, now.note.sigs[i].line));
    for (size_t w = 0; w < policy->n_witnesses; w++)
        if (taken.line[w] != 0)
            TRY(buf_add_slice(&out, answer.sigs[taken.line[w] - 1].line));
    TRY(open_all(buf_slice(&out), policy, &now, why)); /* also: not more lines than are read */
    TRY(buf_add_slice(ret, buf_slice(&out)));
    *ret_new = taken.n;
    return ERR_OK;
}
