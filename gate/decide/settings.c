/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/settings.h"

#include "gate/base/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 16384

static void json_free(json_t **json)
{
    json_decref(*json);
}

void settings_free(struct settings *settings)
{
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

err_code settings_load(const char *state_dir, struct settings *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    CLEANUP(json_free) json_t *top = NULL;
    const char *hardware = NULL;
    int simulator = 0;
    json_error_t error;
    err_code err;

    TRY(path_join(state_dir, "gate.json", &path));
    err = file_read((const char *)path.ptr, SETTINGS_MAX, &text, why);
    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_NOT_ENROLLED, "there is no \"%s\"", (const char *)path.ptr);
    if (err != ERR_OK)
        return err;
    top = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (json_unpack_ex(top, &error, JSON_STRICT, "{s:s, s:b}", "hardware", &hardware,
                       "insecure_simulator", &simulator) != 0)
        return why_say(why, ERR_STATE_CORRUPT, "\"%s\": %s", (const char *)path.ptr, error.text);
    return settings_make(hardware, simulator != 0, ret);
}

err_code settings_save(const char *state_dir, const struct settings *settings, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    CLEANUP(json_free)
    json_t *top = json_pack("{s:s, s:b}", "hardware", settings->hardware, "insecure_simulator",
                            settings->insecure_simulator);
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
