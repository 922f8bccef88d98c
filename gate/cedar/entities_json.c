/* SPDX-License-Identifier: Apache-2.0 */
/* entities_json.c: entities from JSON: a list of {"uid", "attrs", "parents", "tags"}. */
#include "gate/cedar/entities_make.h"
#include "gate/cedar/json_read.h"

static err_code read_parents(const struct cedar_json_reader *r, const struct cedar_json *json,
                             struct cedar_entity *ret)
{
    const struct cedar_json *list;
    const struct cedar_uid **parents;
    struct cedar_uid *names;

    TRY(cedar_json_need_kind(r, json, "parents", CEDAR_JSON_ARRAY, &list));
    parents = cedar_arena_take(r->arena, list->n * sizeof *parents);
    names = cedar_arena_take(r->arena, list->n * sizeof *names);
    if (parents == NULL || names == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < list->n; i++) {
        TRY(cedar_json_uid(r, &list->items[i], &names[i]));
        parents[i] = &names[i];
    }
    ret->parents = parents;
    ret->n_parents = list->n;
    return ERR_OK;
}

/* Members of other names mean nothing, as in the Rust implementation. */
static err_code read_content(const struct cedar_json_reader *r, const struct cedar_json *json,
                             struct cedar_entity *ret)
{
    const struct cedar_json *attrs, *tags = cedar_json_get(json, "tags");

    TRY(cedar_json_need(r, json, "attrs", &attrs));
    TRY(cedar_json_record(r, attrs, 0, &ret->attrs));
    ret->tags = (struct cedar_value){.kind = CEDAR_RECORD};
    if (tags != NULL)
        TRY(cedar_json_record(r, tags, 0, &ret->tags));
    return read_parents(r, json, ret);
}

static err_code add_entity(const struct cedar_json_reader *r, const struct cedar_json *json,
                           struct cedar_maker *maker)
{
    const struct cedar_json *uid;
    struct cedar_entity entity = {0};
    char name[CEDAR_UID_TEXT];

    TRY(cedar_json_need(r, json, "uid", &uid));
    TRY(cedar_json_uid(r, uid, &entity.uid));
    cedar_uid_text(&entity.uid, name);
    TRY(why_reading(r->why, read_content(r, json, &entity), "%s", name));
    return cedar_maker_add(maker, &entity, r->why);
}

err_code cedar_entities_parse(struct slice json, struct cedar_entities **ret, struct why *why)
{
    CLEANUP(cedar_arena_free) struct cedar_arena tree = {0};
    CLEANUP(cedar_maker_free) struct cedar_maker maker = {0};
    struct cedar_json_reader r = {
        .text = json, .arena = &maker.arena, .refusal = ERR_CEDAR_ENTITY, .why = why};

    TRY(cedar_json_parse(json, &tree, &r.root, why));
    if (r.root->kind != CEDAR_JSON_ARRAY)
        return cedar_json_refuse(&r, r.refusal, r.root, "%s, not an array of entities",
                                 cedar_json_kind_text(r.root));
    for (uint32_t i = 0; i < r.root->n; i++)
        TRY(add_entity(&r, &r.root->items[i], &maker));
    return cedar_maker_finish(&maker, ret, why);
}
