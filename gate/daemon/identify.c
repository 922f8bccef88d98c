/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/identify.h"

#include "gate/base/text.h"

static err_code is_himself(struct registry *registry, const struct caller *caller,
                           const struct request *request, struct known *ret, struct why *why)
{
    CLEANUP(known_free) struct known known = {0};

    TRY(registry_whose(registry, caller, &known, why));
    if (!slice_eq(request->subject_id, known.enrolled->id))
        return why_say(why, ERR_SUBJECT_MISMATCH,
                       "the caller is agent \"%.*s\", the subject is \"%.*s\"",
                       TERM_ARG(known.enrolled->id), TERM_ARG(request->subject_id));
    *ret = known;
    known = (struct known){0}; /* transferred */
    return ERR_OK;
}

static err_code for_anybody(struct registry *registry, const struct request *request,
                            struct known *ret, struct why *why)
{
    struct why own = {0};
    err_code err = registry_named(registry, request->subject_id, ret, &own);

    if (err == ERR_OK || err == ERR_AGENT_UNKNOWN)
        return ERR_OK;
    *why = own;
    return err;
}

err_code identify_one(struct registry *registry, const struct caller *caller,
                      const struct request *request, struct known *ret, struct why *why)
{
    switch (caller->kind) {
    case CALLER_NONE:
        return why_say(why, ERR_CALLER_REFUSED, "nobody knows who asks");
    case CALLER_AGENT:
        return is_himself(registry, caller, request, ret, why);
    case CALLER_ENFORCEMENT:
    case CALLER_ADMIN:
        return for_anybody(registry, request, ret, why);
    }
    return ERR_CALLER_REFUSED;
}

void identify_all(struct registry *registry, struct demand *demand)
{
    /* First: if it changes while agents are looked up, they are looked up again. */
    demand->roster = registry_version(registry);
    if (demand->roster == 0)
        return;
    for (size_t i = 0; i < demand->n_items; i++) {
        struct demand_item *item = &demand->items[i];

        known_free(&item->known);
        if (item->malformed == ERR_OK && item->barred == ERR_OK)
            item->malformed = identify_one(registry, &demand->who, &item->request, &item->known,
                                           &item->malformed_why);
    }
}
