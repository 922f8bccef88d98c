/* SPDX-License-Identifier: Apache-2.0 */
/* authzen_body.c: a body of the AuthZEN API as a demand (6.1 and 7.1). */
#include "gate/daemon/authzen.h"

#include <string.h>

static const char *const PARTS[] = {"subject", "action", "resource", "context"};
#define PARTS_N (sizeof PARTS / sizeof PARTS[0])

static void json_free(json_t **json)
{
    json_decref(*json);
}

static err_code load(struct slice body, json_t **ret, struct why *why)
{
    CLEANUP(json_free) json_t *top = NULL;
    json_error_t error;

    if (body.len == 0)
        return why_say(why, ERR_REQUEST_MALFORMED, "the body is empty");
    if (body.len > REQUEST_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a body of %zu bytes, the limit is %zu", body.len,
                       REQUEST_SIZE_MAX);
    top = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
    if (top == NULL)
        return why_say(why, ERR_JSON_MALFORMED, "line %d, column %d: %s", error.line, error.column,
                       error.text);
    if (!json_is_object(top))
        return why_say(why, ERR_REQUEST_MALFORMED, "the body is not a JSON object");
    *ret = top;
    top = NULL; /* transferred */
    return ERR_OK;
}

static err_code one(json_t *top, const char *class_, struct demand **ret, struct why *why)
{
    CLEANUP(demand_free) struct demand *out = NULL;

    TRY(demand_new(1, &out));
    TRY(request_take(json_incref(top), class_, &out->items[0].request, why));
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

/* ---- batches --------------------------------------------------------------------------------- */

static err_code read_semantic(const json_t *top, enum demand_semantic *ret, struct why *why)
{
    static const char *const NAMES[] = {
        [DEMAND_EXECUTE_ALL] = "execute_all",
        [DEMAND_DENY_ON_FIRST_DENY] = "deny_on_first_deny",
        [DEMAND_PERMIT_ON_FIRST_PERMIT] = "permit_on_first_permit",
    };
    const json_t *options = json_object_get(top, "options"), *name;

    if (options == NULL)
        return ERR_OK;
    if (!json_is_object(options))
        return why_say(why, ERR_REQUEST_MALFORMED, "\"options\" is not an object");
    name = json_object_get(options, "evaluations_semantic");
    if (name == NULL)
        return ERR_OK;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (json_is_string(name) && strcmp(json_string_value(name), NAMES[i]) == 0) {
            *ret = (enum demand_semantic)i;
            return ERR_OK;
        }
    return why_say(why, ERR_REQUEST_MALFORMED,
                   "options.evaluations_semantic is not execute_all, deny_on_first_deny or "
                   "permit_on_first_permit");
}

/* Every item has the defaults in it, and each is digested and judged: what is small when it is sent
 * may be large then. */
static err_code check_defaults(const json_t *top, size_t n, struct why *why)
{
    size_t size = 0, len;

    for (size_t i = 0; i < PARTS_N; i++) {
        const json_t *part = json_object_get(top, PARTS[i]);
        if (part == NULL)
            continue;
        if (!json_is_object(part))
            return why_say(why, ERR_REQUEST_MALFORMED, "\"%s\" is not an object", PARTS[i]);
        len = json_dumpb(part, NULL, 0, JSON_COMPACT);
        if (len == 0)
            return ERR_NO_MEMORY;
        size += n * len;
    }
    if (size <= AUTHZEN_EXPANDED_MAX)
        return ERR_OK;
    return why_say(why, ERR_TOO_LARGE,
                   "%zu evaluations with their defaults have %zu bytes, the limit is %zu", n, size,
                   AUTHZEN_EXPANDED_MAX);
}

/* A member of the item replaces the default as a whole: 7.1.1. */
static err_code merge(const json_t *top, const json_t *item, json_t **ret)
{
    CLEANUP(json_free) json_t *out = json_object();

    if (out == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < PARTS_N; i++) {
        json_t *part = json_object_get(item, PARTS[i]);
        if (part == NULL)
            part = json_object_get(top, PARTS[i]);
        if (part != NULL && json_object_set(out, PARTS[i], part) != 0)
            return ERR_NO_MEMORY;
    }
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

static err_code read_item(const json_t *top, const json_t *item, const char *class_,
                          struct demand_item *ret)
{
    json_t *whole = NULL;

    if (!json_is_object(item)) {
        ret->malformed =
            why_say(&ret->malformed_why, ERR_REQUEST_MALFORMED, "the evaluation is not an object");
        return ERR_OK;
    }
    TRY(merge(top, item, &whole));
    ret->malformed = request_take(whole, class_, &ret->request, &ret->malformed_why);
    return ret->malformed == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_OK;
}

static err_code many(const json_t *top, const char *class_, struct demand **ret, struct why *why)
{
    const json_t *list = json_object_get(top, "evaluations");
    CLEANUP(demand_free) struct demand *out = NULL;
    enum demand_semantic semantic = DEMAND_EXECUTE_ALL;
    size_t n = json_array_size(list);

    if (n > DEMAND_ITEMS_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu evaluations, the limit is %d", n, DEMAND_ITEMS_MAX);
    TRY(read_semantic(top, &semantic, why));
    TRY(check_defaults(top, n, why));
    TRY(demand_new(n, &out));
    out->semantic = semantic;
    for (size_t i = 0; i < n; i++)
        TRY(read_item(top, json_array_get(list, i), class_, &out->items[i]));
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

err_code authzen_parse(const struct authzen_body *body, struct demand **ret, bool *ret_single,
                       struct why *why)
{
    CLEANUP(json_free) json_t *top = NULL;
    const json_t *list;

    TRY(load(body->bytes, &top, why));
    list = body->batch ? json_object_get(top, "evaluations") : NULL;
    if (list != NULL && !json_is_array(list))
        return why_say(why, ERR_REQUEST_MALFORMED, "\"evaluations\" is not an array");
    if (list != NULL && json_array_size(list) > 0) {
        TRY(many(top, body->class_, ret, why));
        *ret_single = false;
        return ERR_OK;
    }
    TRY(one(top, body->class_, ret, why));
    *ret_single = true;
    return ERR_OK;
}
