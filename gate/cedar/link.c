/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: templates, linked. */
#include "gate/cedar/copy.h"

static err_code fill(struct cedar_arena *arena, struct cedar_scope *scope,
                     const struct cedar_uid *uid, const char *slot, struct why *why)
{
    struct slice type, id;

    if ((scope->slot != CEDAR_NO_SLOT) != (uid != NULL))
        return why_say(why, ERR_CEDAR_SYNTAX,
                       uid == NULL
                           ? "the template has the slot %s, but the link gives nothing for it"
                           : "the template has no slot %s, but the link gives an entity for "
                             "it",
                       slot);
    if (uid == NULL)
        return ERR_OK;
    TRY(cedar_arena_copy(arena, uid->type, &type));
    TRY(cedar_arena_copy(arena, uid->id, &id));
    scope->uid = cedar_uid_of(type, id);
    return ERR_OK;
}

err_code cedar_link_make(struct cedar_arena *arena, const struct cedar_policy *template,
                         const struct cedar_link *link, struct cedar_policy *ret, struct why *why)
{
    struct cedar_policy made = *template;

    if (!template->is_template)
        return why_say(why, ERR_NOT_FOUND, "the policy to link has no slots");
    TRY(fill(arena, &made.principal, link->principal, "?principal", why));
    TRY(fill(arena, &made.resource, link->resource, "?resource", why));
    TRY(cedar_arena_copy(arena, link->id, &made.id));
    made.name = made.id; /* an @id is the template's, whatever the number of its links */
    made.template = template;
    made.is_template = false;
    *ret = made;
    return ERR_OK;
}

err_code cedar_link(const struct cedar_policies *policies, const struct cedar_link *link,
                    struct cedar_policies **ret, struct why *why)
{
    CLEANUP(cedar_free) struct cedar_policies *copy = NULL;
    const struct cedar_policy *template = cedar_find(policies, link->template);
    char quoted[80];

    if (template == NULL || !template->is_template) {
        cedar_quote(link->template, quoted, sizeof quoted);
        return why_say(why, ERR_NOT_FOUND, "there is no template \"%s\"", quoted);
    }
    if (cedar_find(policies, link->id) != NULL) {
        cedar_quote(link->id, quoted, sizeof quoted);
        return why_say(why, ERR_EXISTS, "there is a policy \"%s\" already", quoted);
    }
    if (policies->n >= CEDAR_POLICIES_MAX)
        return why_say(why, ERR_CEDAR_COUNT, "there are %zu policies already, at most %d",
                       policies->n, CEDAR_POLICIES_MAX);
    TRY(cedar_copy(policies, 1, &copy));
    template = cedar_find(copy, link->template);
    TRY(cedar_link_make(&copy->arena, template, link, &copy->list[copy->n], why));
    copy->n++;
    TRY(cedar_finish(copy, why));
    *ret = copy;
    copy = NULL;
    return ERR_OK;
}
