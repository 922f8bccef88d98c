/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/agent.h"

#include "gate/base/text.h"

#include <string.h>

const struct agent_facts *agent_facts_of(const struct enrolled *enrolled, struct agent_facts *ret)
{
    if (enrolled == NULL)
        return NULL;
    *ret = (struct agent_facts){enrolled->id, enrolled->aliases, enrolled->n_aliases,
                                enrolled->zone, enrolled->parent};
    return ret;
}

/* ---- out ------------------------------------------------------------------------------------- */

static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *text_json(struct slice text)
{
    return json_stringn((const char *)text.ptr, text.len);
}

static bool put_text(json_t *object, const char *key, struct slice text)
{
    return text.len == 0 || put(object, key, text_json(text));
}

static bool put_aliases(json_t *object, const struct enrolled *enrolled)
{
    json_t *list = json_array();

    if (!put(object, "aliases", list))
        return false;
    for (size_t i = 0; i < enrolled->n_aliases; i++)
        if (json_array_append_new(list, text_json(enrolled->aliases[i])) != 0)
            return false;
    return true;
}

json_t *agent_json(const struct enrolled *e)
{
    json_t *ret = json_object();
    char since[TIME_TEXT];

    time_text((int64_t)(e->since_ms / 1000), since);
    if (put_text(ret, "id", e->id) && put_text(ret, "name", e->name) &&
        (!e->has_uid || put(ret, "uid", json_integer((json_int_t)e->uid))) &&
        put_text(ret, "cgroup", e->cgroup) && put_text(ret, "zone", e->zone) &&
        put_text(ret, "parent", e->parent) && put_aliases(ret, e) &&
        put(ret, "since", json_string(since)) &&
        put(ret, "admin", json_integer((json_int_t)e->admin)) &&
        put(ret, "ledger_index", json_integer((json_int_t)e->entry)))
        return ret;
    json_decref(ret);
    return NULL;
}

/* ---- in -------------------------------------------------------------------------------------- */

static err_code read_text(const char *key, const json_t *value, struct slice *ret, struct why *why)
{
    if (!json_is_string(value) || json_string_length(value) == 0)
        return why_say(why, ERR_REQUEST_MALFORMED, "\"%s\" is not a text", key);
    *ret = (struct slice){(const uint8_t *)json_string_value(value), json_string_length(value)};
    return ERR_OK;
}

static err_code read_uid(const json_t *value, struct record_agent *ret, struct why *why)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > RECORD_UID_MAX)
        return why_say(why, ERR_REQUEST_MALFORMED, "\"uid\" is not one");
    ret->has_uid = true;
    ret->uid = (uint64_t)json_integer_value(value);
    return ERR_OK;
}

static err_code read_aliases(const json_t *value, struct record_agent *ret, struct why *why)
{
    if (!json_is_array(value) || json_array_size(value) > RECORD_ALIASES_MAX)
        return why_say(why, ERR_REQUEST_MALFORMED, "\"aliases\" is not a list of at most %d names",
                       RECORD_ALIASES_MAX);
    ret->n_aliases = json_array_size(value);
    for (size_t i = 0; i < ret->n_aliases; i++)
        TRY(read_text("aliases", json_array_get(value, i), &ret->aliases[i], why));
    return ERR_OK;
}

static err_code read_member(const char *key, const json_t *value, struct record_agent *ret,
                            struct why *why)
{
    const struct {
        const char *key;
        struct slice *text;
    } texts[] = {{"id", &ret->id},
                 {"name", &ret->name},
                 {"cgroup", &ret->cgroup},
                 {"zone", &ret->zone},
                 {"parent", &ret->parent}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(key, texts[i].key) == 0)
            return read_text(key, value, texts[i].text, why);
    if (strcmp(key, "uid") == 0)
        return read_uid(value, ret, why);
    if (strcmp(key, "aliases") == 0)
        return read_aliases(value, ret, why);
    return why_say(why, ERR_REQUEST_MALFORMED, "an agent has no \"%.40s\"", key);
}

err_code agent_from_json(json_t *json, uint64_t admin, struct record_agent *ret, struct why *why)
{
    struct record_agent agent = {.admin = admin};
    const char *key;
    json_t *value;

    if (!json_is_object(json))
        return why_say(why, ERR_REQUEST_MALFORMED, "an agent is not a JSON object");
    json_object_foreach(json, key, value) TRY(read_member(key, value, &agent, why));
    if (agent.id.len == 0)
        return why_say(why, ERR_REQUEST_MALFORMED, "\"id\" is missing");
    *ret = agent;
    return ERR_OK;
}
