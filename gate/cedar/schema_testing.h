/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_testing.h: what the tests of schemas share: a model as one line of text, by which tests
 * say what they expect, and two models are compared.
 */
#ifndef PAWL_CEDAR_SCHEMA_TESTING_H
#define PAWL_CEDAR_SCHEMA_TESTING_H

#include "gate/cedar/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof *(array))

static inline void show(struct buf *to, const char *text)
{
    assert_int_equal(buf_add_str(to, text), ERR_OK);
}

static inline void show_quoted(struct buf *to, struct slice text)
{
    char quoted[256];

    cedar_quote(text, quoted, sizeof quoted);
    show(to, "\"");
    show(to, quoted);
    show(to, "\"");
}

static inline void show_names(struct buf *to, const char *before, const struct slice *names,
                              uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        show(to, i == 0 ? before : ", ");
        assert_int_equal(buf_add_slice(to, names[i]), ERR_OK);
    }
}

static inline void show_type(struct buf *to, const struct cedar_type *type)
{
    static const char *const PLAIN[] = {
        [CEDAR_TYPE_BOOL] = "Bool",         [CEDAR_TYPE_LONG] = "Long",
        [CEDAR_TYPE_STRING] = "String",     [CEDAR_TYPE_IP] = "ipaddr",
        [CEDAR_TYPE_DECIMAL] = "decimal",   [CEDAR_TYPE_DATETIME] = "datetime",
        [CEDAR_TYPE_DURATION] = "duration",
    };

    if (type->kind == CEDAR_TYPE_ENTITY) {
        show_names(to, "&", &type->name, 1); /* to tell an entity type Long from Long */
    } else if (type->kind == CEDAR_TYPE_SET) {
        show(to, "Set<");
        show_type(to, type->element);
        show(to, ">");
    } else if (type->kind == CEDAR_TYPE_RECORD) {
        show(to, "{");
        for (uint32_t i = 0; i < type->n; i++) {
            show(to, i == 0 ? "" : ", ");
            show_quoted(to, type->attrs[i].name);
            show(to, type->attrs[i].required ? ": " : "?: ");
            show_type(to, type->attrs[i].type);
        }
        show(to, "}");
    } else {
        assert_in_range(type->kind, 0, N(PLAIN) - 1);
        assert_non_null(PLAIN[type->kind]);
        show(to, PLAIN[type->kind]);
    }
}

static inline void show_entity(struct buf *to, const struct cedar_entity_type *entity)
{
    show_names(to, "entity ", &entity->name, 1);
    show_names(to, " in ", entity->ancestors, entity->n_ancestors);
    for (uint32_t i = 0; i < entity->n_ids; i++) {
        show(to, i == 0 ? " enum " : ", ");
        show_quoted(to, entity->ids[i]);
    }
    if (entity->attrs->n > 0) {
        show(to, " ");
        show_type(to, entity->attrs);
    }
    if (entity->tags != NULL) {
        show(to, " tags ");
        show_type(to, entity->tags);
    }
}

static inline void show_uid(struct buf *to, const struct cedar_uid *uid)
{
    assert_int_equal(buf_add_slice(to, uid->type), ERR_OK);
    show(to, "::");
    show_quoted(to, uid->id);
}

static inline int show_uid_cmp(const void *a, const void *b)
{
    const struct cedar_uid *const *left = a, *const *right = b;
    int order = slice_cmp((*left)->type, (*right)->type);

    return order != 0 ? order : slice_cmp((*left)->id, (*right)->id);
}

/* These names in the order of the alphabet. Owns: the caller frees. */
static inline const struct cedar_uid **show_order(const struct cedar_uid *uids, size_t size,
                                                  size_t n)
{
    const struct cedar_uid **order = calloc(n + 1, sizeof(struct cedar_uid *));

    assert_non_null(order);
    for (size_t i = 0; i < n; i++)
        order[i] = (const void *)((const char *)uids + i * size);
    qsort(order, n, sizeof *order, show_uid_cmp);
    return order;
}

static inline void show_action(struct buf *to, const struct cedar_action_type *action)
{
    const struct cedar_uid **in =
        show_order(action->ancestors, sizeof *action->ancestors, action->n_ancestors);

    show(to, "action ");
    show_uid(to, &action->uid);
    for (uint32_t i = 0; i < action->n_ancestors; i++) {
        show(to, i == 0 ? " in " : ", ");
        show_uid(to, in[i]);
    }
    free(in);
    show_names(to, " by ", action->principals, action->n_principals);
    show_names(to, " on ", action->resources, action->n_resources);
    if (action->context->n > 0) {
        show(to, " with ");
        show_type(to, action->context);
    }
}

/* "entity A; action Action::"a" by A on A with {...}; ". Checks the look-ups on the way. Owns: the
 * caller frees. */
static inline struct buf show_schema(const struct cedar_schema *schema)
{
    struct buf text = {0};
    const struct cedar_uid **order =
        schema->n_actions == 0
            ? NULL
            : show_order(&schema->actions->uid, sizeof *schema->actions, schema->n_actions);

    for (size_t i = 0; i < schema->n_entities; i++) {
        assert_ptr_equal(cedar_schema_entity(schema, schema->entities[i].name),
                         &schema->entities[i]);
        show_entity(&text, &schema->entities[i]);
        show(&text, "; ");
    }
    for (size_t i = 0; i < schema->n_actions; i++) {
        const struct cedar_action_type *action = cedar_schema_action(schema, order[i]);

        assert_ptr_equal(&action->uid, order[i]);
        show_action(&text, action);
        show(&text, "; ");
    }
    free(order);
    assert_int_equal(buf_terminate(&text), ERR_OK);
    return text;
}

#endif
