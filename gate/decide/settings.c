/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/settings.h"

#include "gate/base/file.h"
#include "gate/ledger/record_redact.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 16384

static void json_free(json_t **json)
{
    json_decref(*json);
}

static void forget_witnesses(struct settings *settings)
{
    for (size_t i = 0; i < settings->n_witnesses; i++) {
        free(settings->witnesses[i].url);
        free(settings->witnesses[i].vkey);
    }
    free(settings->witnesses);
    settings->witnesses = NULL;
    settings->n_witnesses = settings->witnesses_needed = 0;
}

static void forget_redact(struct settings *settings)
{
    for (size_t i = 0; i < settings->n_redact; i++)
        free(settings->redact[i]);
    free(settings->redact);
    settings->redact = NULL;
    settings->n_redact = 0;
}

void settings_free(struct settings *settings)
{
    forget_witnesses(settings);
    forget_redact(settings);
    free(settings->hardware);
    *settings = (struct settings){0};
}

err_code settings_make(const char *hardware, bool insecure_simulator, struct settings *ret)
{
    char *copy = strdup(hardware);

    if (copy == NULL)
        return ERR_NO_MEMORY;
    *ret = (struct settings){.hardware = copy, .insecure_simulator = insecure_simulator};
    return ERR_OK;
}

/* list: NULL when the file names none. needed: -1 when it does not say how many are enough. */
static err_code read_witnesses(const json_t *list, json_int_t needed, struct settings *ret,
                               struct why *why)
{
    size_t n = json_array_size(list);

    if ((list != NULL && !json_is_array(list)) || n > SETTINGS_WITNESSES_MAX)
        return why_say(why, ERR_STATE_CORRUPT, "\"witnesses\" is no list of at most %d",
                       SETTINGS_WITNESSES_MAX);
    if (needed < -1 || needed > (json_int_t)n)
        return why_say(why, ERR_STATE_CORRUPT,
                       "\"witnesses_needed\" is %" JSON_INTEGER_FORMAT " of %zu", needed, n);
    ret->witnesses = calloc(n + 1, sizeof *ret->witnesses);
    if (ret->witnesses == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct settings_witness *witness = &ret->witnesses[i];
        const char *url, *vkey;
        json_error_t error;

        if (json_unpack_ex(json_array_get(list, i), &error, JSON_STRICT, "{s:s, s:s}", "url", &url,
                           "vkey", &vkey) != 0)
            return why_say(why, ERR_STATE_CORRUPT, "witness %zu: %s", i, error.text);
        ret->n_witnesses = i + 1;
        witness->url = strdup(url);
        witness->vkey = strdup(vkey);
        if (witness->url == NULL || witness->vkey == NULL)
            return ERR_NO_MEMORY;
    }
    ret->witnesses_needed = needed < 0 ? n : (size_t)needed;
    return ERR_OK;
}

/* What no decision can do without would deny every request: said here, where it is read. */
static err_code check_redact(const struct settings *settings, const char *path, struct why *why)
{
    if (!record_redactable(RECORD_DECISION, path))
        return why_say(
            why, ERR_STATE_CORRUPT,
            "\"redact\": \"%s\" is no member that the record of a decision can do without", path);
    for (size_t i = 0; i < settings->n_redact; i++)
        if (strcmp(settings->redact[i], path) == 0)
            return why_say(why, ERR_STATE_CORRUPT, "\"redact\": \"%s\" stands there twice", path);
    return ERR_OK;
}

/* list: NULL when the file names none. */
static err_code read_redact(const json_t *list, struct settings *ret, struct why *why)
{
    size_t n = json_array_size(list);

    if ((list != NULL && !json_is_array(list)) || n > SETTINGS_REDACT_MAX)
        return why_say(why, ERR_STATE_CORRUPT, "\"redact\" is no list of at most %d",
                       SETTINGS_REDACT_MAX);
    ret->redact = calloc(n + 1, sizeof *ret->redact);
    if (ret->redact == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const char *path = json_string_value(json_array_get(list, i));
        if (path == NULL)
            return why_say(why, ERR_STATE_CORRUPT, "path %zu of \"redact\" is no text", i);
        TRY(check_redact(ret, path, why));
        ret->redact[i] = strdup(path);
        if (ret->redact[i] == NULL)
            return ERR_NO_MEMORY;
        ret->n_redact = i + 1;
    }
    return ERR_OK;
}

err_code settings_load(const char *state_dir, struct settings *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    CLEANUP(json_free) json_t *top = NULL;
    CLEANUP(settings_free) struct settings out = {0};
    const char *hardware = NULL;
    json_t *witnesses = NULL, *redact = NULL;
    json_int_t needed = -1;
    int simulator = 0;
    json_error_t error;
    struct why own = {0};
    err_code err;

    TRY(path_join(state_dir, "gate.json", &path));
    err = file_read((const char *)path.ptr, SETTINGS_MAX, &text, why);
    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_NOT_ENROLLED, "there is no \"%s\"", (const char *)path.ptr);
    if (err != ERR_OK)
        return err;
    top = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (json_unpack_ex(top, &error, JSON_STRICT, "{s:s, s:b, s?o, s?I, s?o}", "hardware", &hardware,
                       "insecure_simulator", &simulator, "witnesses", &witnesses,
                       "witnesses_needed", &needed, "redact", &redact) != 0)
        return why_say(why, ERR_STATE_CORRUPT, "\"%s\": %s", (const char *)path.ptr, error.text);
    TRY(settings_make(hardware, simulator != 0, &out));
    err = read_witnesses(witnesses, needed, &out, &own);
    if (err == ERR_OK)
        err = read_redact(redact, &out, &own);
    if (err != ERR_OK)
        return why_say(why, err, "\"%s\": %s", (const char *)path.ptr, own.text);
    *ret = out;
    out = (struct settings){0}; /* transferred */
    return ERR_OK;
}

/* NULL when there is no memory, or a text is not UTF-8. */
static json_t *to_json(const struct settings *settings)
{
    json_t *top = json_pack("{s:s, s:b}", "hardware", settings->hardware, "insecure_simulator",
                            settings->insecure_simulator);
    json_t *list = json_array();
    int bad = 0;

    for (size_t i = 0; i < settings->n_witnesses; i++)
        bad |=
            json_array_append_new(list, json_pack("{s:s, s:s}", "url", settings->witnesses[i].url,
                                                  "vkey", settings->witnesses[i].vkey));
    if (settings->n_witnesses > 0) {
        bad |= json_object_set(top, "witnesses", list);
        bad |= json_object_set_new(top, "witnesses_needed",
                                   json_integer((json_int_t)settings->witnesses_needed));
    }
    json_decref(list);
    list = json_array();
    for (size_t i = 0; i < settings->n_redact; i++)
        bad |= json_array_append_new(list, json_string(settings->redact[i]));
    if (settings->n_redact > 0)
        bad |= json_object_set(top, "redact", list);
    json_decref(list);
    if (bad == 0)
        return top;
    json_decref(top);
    return NULL;
}

err_code settings_save(const char *state_dir, const struct settings *settings, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    CLEANUP(json_free) json_t *top = to_json(settings);
    char *text = json_dumps(top, JSON_INDENT(2));
    err_code err;

    if (text == NULL)
        return why_say(why, ERR_USAGE, "the hardware URI is not valid UTF-8");
    err = path_join(state_dir, "gate.json", &path);
    if (err == ERR_OK)
        err = file_write((const char *)path.ptr, slice_str(text), 0600, why);
    free(text);
    return err;
}

err_code settings_inherit(const char *state_dir, struct settings *settings, struct why *why)
{
    CLEANUP(settings_free) struct settings old = {0};
    err_code err = settings_load(state_dir, &old, why);

    if (err == ERR_NOT_ENROLLED)
        return ERR_OK;
    TRY(err);
    forget_witnesses(settings);
    settings->witnesses = old.witnesses;
    settings->n_witnesses = old.n_witnesses;
    settings->witnesses_needed = old.witnesses_needed;
    forget_redact(settings);
    settings->redact = old.redact;
    settings->n_redact = old.n_redact;
    old.witnesses = NULL; /* transferred */
    old.n_witnesses = 0;
    old.redact = NULL;
    old.n_redact = 0;
    return ERR_OK;
}
