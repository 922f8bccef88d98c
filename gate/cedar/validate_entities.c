/* SPDX-License-Identifier: Apache-2.0 */
/* validate_entities.c: every entity of a store against its type. The actions of the schema need not
 * be in the store, but those that are must be as the schema says. */
#include "gate/cedar/conform.h"

#include <stdio.h>

/* Both lists are ascending and without repetition. */
static err_code check_action(struct cedar_conform *c, const struct cedar_entity *entity)
{
    const struct cedar_action_type *action = cedar_schema_action(c->schema, &entity->uid);
    bool same;

    TRY(cedar_conform_uid(c, &entity->uid));
    if (entity->attrs.n > 0 || entity->tags.n > 0)
        return why_say(c->why, ERR_CEDAR_INVALID, "%s has attributes or tags, but is an action",
                       c->subject);
    TRY(cedar_work_step(&c->work, entity->n_ancestors));
    same = entity->n_ancestors == action->n_ancestors;
    for (uint32_t i = 0; same && i < action->n_ancestors; i++)
        same = cedar_uid_eq(entity->ancestors[i], &action->ancestors[i]);
    if (same)
        return ERR_OK;
    return why_say(c->why, ERR_CEDAR_INVALID, "%s is in other actions than the schema says",
                   c->subject);
}

static err_code check_ancestors(struct cedar_conform *c, const struct cedar_entity *entity,
                                const struct cedar_entity_type *type)
{
    char ancestor[CEDAR_UID_TEXT];

    for (uint32_t i = 0; i < entity->n_ancestors; i++) {
        const struct cedar_uid *uid = entity->ancestors[i];

        TRY(cedar_conform_uid(c, uid));
        if (cedar_names_have(type->ancestors, type->n_ancestors, uid->type))
            continue;
        cedar_uid_text(uid, ancestor);
        return why_say(c->why, ERR_CEDAR_INVALID, "%s is in %s, which the schema does not allow",
                       c->subject, ancestor);
    }
    return ERR_OK;
}

static err_code check_tag(struct cedar_conform *c, const struct cedar_field *tag,
                          const struct cedar_type *type)
{
    const char *entity = c->subject;
    char name[64], subject[256];

    if (type == NULL)
        return why_say(c->why, ERR_CEDAR_INVALID, "%s has tags, but its type has none", entity);
    cedar_quote(tag->name, name, sizeof name);
    snprintf(subject, sizeof subject, "tag \"%s\" of %s", name, entity);
    c->subject = subject;
    TRY(cedar_conform_value(c, &tag->value, type));
    c->subject = entity;
    return ERR_OK;
}

static err_code check_entity(struct cedar_conform *c, const struct cedar_entity *entity)
{
    static const struct cedar_type NO_ATTRS = {.kind = CEDAR_TYPE_RECORD};
    const struct cedar_entity_type *type = cedar_schema_entity(c->schema, entity->uid.type);

    if (cedar_type_is_action(entity->uid.type))
        return check_action(c, entity);
    TRY(cedar_conform_uid(c, &entity->uid));
    TRY(cedar_conform_value(c, &entity->attrs, type->attrs == NULL ? &NO_ATTRS : type->attrs));
    TRY(check_ancestors(c, entity, type));
    for (uint32_t i = 0; i < entity->tags.n; i++)
        TRY(check_tag(c, &entity->tags.fields[i], type->tags));
    return ERR_OK;
}

err_code cedar_validate_entities(const struct cedar_schema *schema,
                                 const struct cedar_entities *entities, struct why *why)
{
    struct cedar_conform c = {.schema = schema, .work = cedar_work_make(), .why = why};
    char subject[CEDAR_UID_TEXT];

    c.subject = subject;
    for (size_t i = 0; i < cedar_entities_count(entities); i++) {
        const struct cedar_entity *entity = cedar_entities_at(entities, i);
        err_code err;

        cedar_uid_text(&entity->uid, subject);
        err = check_entity(&c, entity);
        if (err == ERR_CEDAR_STEPS)
            return why_say(why, err, "the entities are too many to be validated");
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
