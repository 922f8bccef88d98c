/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/root_chain.h"

#include "gate/base/text.h"

#include <inttypes.h>

/* No revocation counts here: a snapshot carries them, and its signers must not be able to take the
 * root role from those who hold it. */
static err_code judge_under(const struct root_meta *meta, const struct root_meta *under,
                            const struct judge *judge, struct why *why)
{
    const struct judge_rule rule = {.root = under, .role = ROLE_ROOT};
    struct envelope envelope;

    TRY(envelope_open(meta->raw, ENVELOPE_ROOT, &envelope, why));
    return judge_object(judge, &envelope, &rule, NULL, why);
}

err_code root_verify_first(const struct root_meta *first, const struct judge *judge,
                           struct why *why)
{
    if (first->version != 1)
        return why_say(why, ERR_ROOT_SEQUENCE,
                       "root metadata version %" PRIu64 " where version 1 is needed",
                       first->version);
    return judge_under(first, first, judge, why);
}

err_code root_verify_next(const struct root_meta *current, const struct root_meta *next,
                          const struct judge *judge, struct why *why)
{
    if (current->version >= TERM_NUMBER_MAX || next->version != current->version + 1)
        return why_say(why, ERR_ROOT_SEQUENCE,
                       "root metadata version %" PRIu64 " follows version %" PRIu64, next->version,
                       current->version);
    if (!slice_eq(current->domain, next->domain))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "root metadata version %" PRIu64 " is for \"%.*s\", not \"%.*s\"",
                       next->version, TERM_ARG(next->domain), TERM_ARG(current->domain));
    TRY(judge_under(next, current, judge, why));
    return judge_under(next, next, judge, why);
}

err_code root_same(uint64_t version, const struct digest *known, const struct digest *got,
                   struct why *why)
{
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    if (digest_eq(known, got))
        return ERR_OK;
    digest_text(known, ours);
    digest_text(got, theirs);
    return why_say(why, version == 1 ? ERR_ROOT_UNTRUSTED : ERR_ROOT_EQUIVOCATION,
                   "root metadata version %" PRIu64 " is %s, known is %s", version, theirs, ours);
}
