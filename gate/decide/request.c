/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/request.h"

#include "gate/base/text.h"
#include "gate/decide/jcs.h"

#include <string.h>

const char *const REQUEST_CLASSES[4] = {"execute", "mutate", "delegate", "propagate"};

static void json_free(json_t **json)
{
    json_decref(*json);
}

void request_free(struct request *request)
{
    json_decref(request->json);
    *request = (struct request){0};
}

/* A non-empty string member of bounded length that is plain text: people read it in one line of a
 * permit. where: "subject" and so on, for the message. */
static err_code text_member(const json_t *object, const char *where, const char *name,
                            struct slice *ret, struct why *why)
{
    const json_t *member = json_object_get(object, name);
    size_t len = json_string_length(member), at;

    if (!json_is_string(member))
        return why_say(why, ERR_REQUEST_MALFORMED, "%s.%s is not a string", where, name);
    if (len == 0 || len > REQUEST_TEXT_MAX)
        return why_say(why, ERR_REQUEST_MALFORMED, "%s.%s has %zu bytes, wanted 1 to %d", where,
                       name, len, REQUEST_TEXT_MAX);
    *ret = (struct slice){(const uint8_t *)json_string_value(member), len};
    if (text_is_plain(*ret, &at))
        return ERR_OK;
    return why_say(why, ERR_REQUEST_MALFORMED, "%s.%s is not plain text at offset %zu", where, name,
                   at);
}

static err_code object_member(const json_t *top, const char *name, json_t **ret, struct why *why)
{
    *ret = json_object_get(top, name);
    if (!json_is_object(*ret))
        return why_say(why, ERR_REQUEST_MALFORMED, "\"%s\" is not an object", name);
    return ERR_OK;
}

static err_code read_class(const json_t *action, const char *fallback, struct request *out,
                           struct why *why)
{
    const json_t *properties = json_object_get(action, "properties");

    if (fallback != NULL &&
        (properties == NULL ||
         (json_is_object(properties) && json_object_get(properties, "class") == NULL))) {
        out->action_class = slice_str(fallback);
        return ERR_OK;
    }
    if (!json_is_object(properties))
        return why_say(
            why, ERR_REQUEST_MALFORMED,
            "action.properties.class is missing; it is execute, mutate, delegate or propagate");
    TRY(text_member(properties, "action.properties", "class", &out->action_class, why));
    for (size_t i = 0; i < 4; i++)
        if (slice_eq_str(out->action_class, REQUEST_CLASSES[i]))
            return ERR_OK;
    return why_say(
        why, ERR_REQUEST_MALFORMED,
        "action.properties.class is \"%.*s\", wanted execute, mutate, delegate or propagate",
        (int)out->action_class.len, (const char *)out->action_class.ptr);
}

static err_code read_context(const json_t *context, struct request *out, struct why *why)
{
    const json_t *aliases = json_object_get(context, "aliases");

    if (json_object_get(context, "gate") != NULL)
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "context.gate is set by the gate, not by a request");
    if (json_object_get(context, "action") != NULL)
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "context.action is made of action.properties, not set by a request");
    if (aliases == NULL)
        return ERR_OK;
    if (!json_is_array(aliases) || json_array_size(aliases) > REQUEST_ALIASES_MAX)
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "context.aliases is not an array of at most %d names", REQUEST_ALIASES_MAX);
    for (size_t i = 0; i < json_array_size(aliases); i++) {
        const json_t *alias = json_array_get(aliases, i);
        struct slice text;
        size_t at;
        if (!json_is_string(alias) || json_string_length(alias) == 0 ||
            json_string_length(alias) > REQUEST_TEXT_MAX)
            return why_say(why, ERR_REQUEST_MALFORMED, "context.aliases[%zu] is not a name", i);
        text = (struct slice){(const uint8_t *)json_string_value(alias), json_string_length(alias)};
        if (!text_is_plain(text, &at))
            return why_say(why, ERR_REQUEST_MALFORMED,
                           "context.aliases[%zu] is not plain text at offset %zu", i, at);
        out->aliases[out->n_aliases++] = text;
    }
    return ERR_OK;
}

/* The digest that records, approvals and callers name the request by: the binding_hash of the
 * AuthZEN access request profile. */
static err_code take_digest(const json_t *top, struct request *out, struct why *why)
{
    static const char *const PARTS[] = {"subject", "action", "resource", "context"};
    CLEANUP(json_free) json_t *bound = json_object();
    CLEANUP(buf_free) struct buf canonical = {0};
    err_code err;

    if (bound == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < 4; i++) {
        json_t *part = json_object_get(top, PARTS[i]);
        if (part != NULL && json_object_set(bound, PARTS[i], part) != 0)
            return ERR_NO_MEMORY;
    }
    err = jcs_put(bound, &canonical);
    if (err == ERR_REQUEST_MALFORMED)
        return why_say(why, err, "the request holds null, a fraction, or a number beyond 2^53");
    if (err == ERR_TOO_LARGE)
        return why_say(why, err, "the request is nested too deeply");
    if (err != ERR_OK)
        return err;
    return hash_sha256(buf_slice(&canonical), &out->digest);
}

err_code request_take(void *json, const char *class_, struct request *ret, struct why *why)
{
    CLEANUP(request_free) struct request out = {.json = json};
    const json_t *top = json;
    json_t *subject, *action, *resource, *context = json_object_get(top, "context");

    if (!json_is_object(top))
        return why_say(why, ERR_REQUEST_MALFORMED, "the request is not a JSON object");
    TRY(object_member(top, "subject", &subject, why));
    TRY(object_member(top, "action", &action, why));
    TRY(object_member(top, "resource", &resource, why));
    if (context != NULL)
        TRY(object_member(top, "context", &context, why));
    TRY(text_member(subject, "subject", "type", &out.subject_type, why));
    TRY(text_member(subject, "subject", "id", &out.subject_id, why));
    TRY(text_member(action, "action", "name", &out.action_name, why));
    TRY(text_member(resource, "resource", "type", &out.resource_type, why));
    TRY(text_member(resource, "resource", "id", &out.resource_id, why));
    TRY(read_class(action, class_, &out, why));
    TRY(read_context(context, &out, why));
    TRY(take_digest(top, &out, why));
    *ret = out;
    out = (struct request){0}; /* transferred */
    return ERR_OK;
}

err_code request_parse(struct slice json, struct request *ret, struct why *why)
{
    json_error_t error;
    json_t *top;

    if (json.len > REQUEST_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a request of %zu bytes, the limit is %zu", json.len,
                       REQUEST_SIZE_MAX);
    top = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, &error);
    if (top == NULL)
        return why_say(why, ERR_JSON_MALFORMED, "line %d, column %d: %s", error.line, error.column,
                       error.text);
    return request_take(top, NULL, ret, why);
}

static err_code flag_check(const char *what, const char *text, struct why *why)
{
    if (utf8_valid(slice_str(text)))
        return ERR_OK;
    return why_say(why, ERR_REQUEST_MALFORMED, "%s is not valid UTF-8", what);
}

/* jansson makes no string of what is not UTF-8; a requirement that got lost would be one less. */
static err_code flags_check(const struct request_flags *flags, struct why *why)
{
    TRY(flag_check("subject.type", flags->subject_type, why));
    TRY(flag_check("subject.id", flags->subject_id, why));
    TRY(flag_check("action.name", flags->action, why));
    TRY(flag_check("action.properties.class", flags->class_, why));
    TRY(flag_check("resource.type", flags->resource_type, why));
    TRY(flag_check("resource.id", flags->resource_id, why));
    for (size_t i = 0; flags->aliases != NULL && flags->aliases[i] != NULL; i++)
        TRY(flag_check("the name of a policy", flags->aliases[i], why));
    return ERR_OK;
}

/* A member from the JSON of a flag. */
static err_code put_json(json_t *object, const char *name, const char *what, const char *text,
                         struct why *why)
{
    json_error_t error;
    json_t *value;

    if (text == NULL)
        return ERR_OK;
    value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL)
        return why_say(why, ERR_JSON_MALFORMED, "%s: column %d: %s", what, error.column,
                       error.text);
    return json_object_set_new(object, name, value) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

static err_code put_aliases(json_t *top, const char *const *aliases, struct why *why)
{
    json_t *context = json_object_get(top, "context"), *list;

    if (aliases == NULL || aliases[0] == NULL)
        return ERR_OK;
    if (context == NULL) {
        if (json_object_set_new(top, "context", json_object()) != 0)
            return ERR_NO_MEMORY;
        context = json_object_get(top, "context");
    }
    if (json_object_get(context, "aliases") != NULL)
        return why_say(why, ERR_REQUEST_MALFORMED, "aliases are given as flags and in the context");
    if (json_object_set_new(context, "aliases", json_array()) != 0)
        return ERR_NO_MEMORY;
    list = json_object_get(context, "aliases");
    for (; *aliases != NULL; aliases++)
        if (json_array_append_new(list, json_string(*aliases)) != 0)
            return ERR_NO_MEMORY;
    return ERR_OK;
}

err_code request_from_flags(const struct request_flags *flags, struct request *ret, struct why *why)
{
    CLEANUP(json_free) json_t *top = NULL;

    TRY(flags_check(flags, why));
    top = json_pack("{s:{s:s,s:s},s:{s:s,s:{s:s}},s:{s:s,s:s}}", "subject", "type",
                    flags->subject_type, "id", flags->subject_id, "action", "name", flags->action,
                    "properties", "class", flags->class_, "resource", "type", flags->resource_type,
                    "id", flags->resource_id);
    if (top == NULL)
        return ERR_NO_MEMORY;
    TRY(put_json(top, "context", "context", flags->context, why));
    TRY(put_json(json_object_get(top, "resource"), "properties", "resource.properties",
                 flags->properties, why));
    TRY(put_aliases(top, flags->aliases, why));
    return request_take(json_incref(top), NULL, ret, why);
}
