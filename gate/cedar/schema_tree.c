/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/schema_tree.h"

#include "gate/cedar/json_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ----------------------------------------------------------------------------------- */

err_code cedar_list_add(struct cedar_list *list, const void *item, size_t size)
{
    if (buf_add(&list->bytes, item, size) != ERR_OK)
        return ERR_NO_MEMORY;
    list->n++;
    return ERR_OK;
}

void cedar_list_free(struct cedar_list *list)
{
    buf_free(&list->bytes);
    list->n = 0;
}

err_code cedar_tree_keep(struct cedar_tree *tree, const struct cedar_list *list, uint32_t offset,
                         const void **ret)
{
    struct slice kept = {0};

    if (list->n > CEDAR_LIST_MAX)
        return cedar_tree_fail(tree, offset, ERR_CEDAR_LIST_SIZE, "a list of %u, the limit is %d",
                               list->n, CEDAR_LIST_MAX);
    TRY(cedar_arena_copy(&tree->arena, buf_slice(&list->bytes), &kept));
    *ret = kept.ptr;
    return ERR_OK;
}

void cedar_tree_free(struct cedar_tree *tree)
{
    cedar_list_free(&tree->spaces);
    cedar_list_free(&tree->commons);
    cedar_list_free(&tree->entities);
    cedar_list_free(&tree->actions);
    cedar_arena_free(&tree->arena);
}

err_code cedar_tree_count(struct cedar_tree *tree, uint32_t offset)
{
    if (++tree->n_names <= CEDAR_ENTITIES_MAX)
        return ERR_OK;
    return cedar_tree_fail(tree, offset, ERR_CEDAR_COUNT,
                           "more than %d namespaces, types and actions", CEDAR_ENTITIES_MAX);
}

/* ---- names ----------------------------------------------------------------------------------- */

static int place_cmp(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int attr_cmp(const void *a, const void *b)
{
    const struct cedar_tree_attr *left = a, *right = b;
    int order = slice_cmp(left->name, right->name);

    return order != 0 ? order : place_cmp(left->offset, right->offset);
}

err_code cedar_tree_record(struct cedar_tree *tree, struct cedar_list *attrs, uint32_t offset,
                           struct cedar_tree_type *ret)
{
    struct cedar_tree_attr *kept;
    uint32_t n = 0;

    *ret = (struct cedar_tree_type){.form = CEDAR_FORM_RECORD, .offset = offset};
    if (attrs->n == 0)
        return ERR_OK;
    if (attrs->n > CEDAR_LIST_MAX)
        return cedar_tree_fail(tree, offset, ERR_CEDAR_LIST_SIZE,
                               "a record of %u attributes, the limit is %d", attrs->n,
                               CEDAR_LIST_MAX);
    kept = cedar_arena_take(&tree->arena, attrs->n * sizeof *kept);
    if (kept == NULL)
        return ERR_NO_MEMORY;
    memcpy(kept, attrs->bytes.ptr, attrs->n * sizeof *kept);
    qsort(kept, attrs->n, sizeof *kept, attr_cmp);
    for (uint32_t i = 0; i < attrs->n; i++)
        if (i + 1 == attrs->n || !slice_eq(kept[i].name, kept[i + 1].name))
            kept[n++] = kept[i];
    ret->attrs = kept;
    ret->n = n;
    return ERR_OK;
}

static int name_cmp(const void *a, const void *b)
{
    const struct cedar_tree_name *left = a, *right = b;
    int order = slice_cmp(left->text, right->text);

    return order != 0 ? order : place_cmp(left->offset, right->offset);
}

void cedar_tree_twice(struct cedar_tree_name *names, size_t n, const struct cedar_tree_name **ret)
{
    *ret = NULL;
    if (n > 1)
        qsort(names, n, sizeof *names, name_cmp);
    for (size_t i = 1; i < n && *ret == NULL; i++)
        if (slice_eq(names[i - 1].text, names[i].text))
            *ret = &names[i - 1];
}

/* ---- places ---------------------------------------------------------------------------------- */

struct cedar_quoted cedar_quoted(struct slice bytes)
{
    struct cedar_quoted quoted;

    cedar_quote(bytes, quoted.text, sizeof quoted.text);
    return quoted;
}

struct cedar_spot cedar_tree_spot(const struct cedar_tree *tree, uint32_t offset)
{
    struct cedar_place place = cedar_json_place(tree->text, offset);
    struct cedar_spot spot;

    snprintf(spot.text, sizeof spot.text, "%u:%u", place.line, place.column);
    return spot;
}

err_code cedar_tree_fail(const struct cedar_tree *tree, uint32_t offset, err_code code,
                         const char *format, ...)
{
    struct cedar_spot spot = cedar_tree_spot(tree, offset);
    char path[160] = "", what[300];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (tree->where != NULL)
        *tree->where = cedar_json_place(tree->text, offset);
    if (tree->json != NULL)
        cedar_json_path(tree->json, offset, path, sizeof path);
    return why_say(tree->why, code, "%s: %s%s%s", spot.text, path, path[0] != '\0' ? ": " : "",
                   what);
}
