/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/gate_cli.h"

#include <string.h>

const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

unsigned long long get_uint(const json_t *object, const char *key)
{
    return (unsigned long long)json_integer_value(json_object_get(object, key));
}

static bool is_set(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

void say_snapshot(struct call *call, const char *what)
{
    const json_t *list = json_object_get(call->json, "policies");

    say(call, "%s until %s:", what, get_text(call->json, "expires"));
    say(call, "  %-24s %8s  %-20s  %-13s  %s", "ALIAS", "VERSION", "EXPIRES", "STATE", "DIGEST");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        say(call, "  %-24s %8llu  %-20s  %-13s  %.23s...", get_text(one, "alias"),
            get_uint(one, "version"), get_text(one, "expires"), get_text(one, "state"),
            get_text(one, "digest"));
    }
}

/* How: a TPM keeps the key and refuses it, a token has no key of an old epoch any more. */
static const char *refuses(const json_t *hardware)
{
    if (!is_set(hardware, "refuses_rollback"))
        return "no";
    return strcmp(get_text(hardware, "kind"), "tpm") == 0 ? "yes (the TPM refuses its key)"
                                                          : "yes (old epoch keys are destroyed)";
}

void say_hardware(struct call *call)
{
    const json_t *hardware = json_object_get(call->json, "hardware");
    const char *firmware = get_text(hardware, "firmware");

    say(call, "HARDWARE %s: %s%s%s", get_text(hardware, "kind"), get_text(hardware, "model"),
        firmware[0] != '\0' ? ", firmware " : "", firmware);
    if (is_set(hardware, "simulator"))
        say(call, "         SIMULATOR: its state is a file, and restoring that file rolls back");
    say(call, "         refuses rollback: %s, verifies signatures: %s, seals: %s",
        refuses(hardware), is_set(hardware, "verifies") ? "yes" : "no",
        is_set(hardware, "seals") ? "yes" : "no");
}

void say_published(struct call *call)
{
    const char *publish = get_text(call->json, "publish_error");
    const char *fold = get_text(call->json, "fold_error");

    if (publish[0] != '\0')
        say(call, "(on record, but not published: %s)", publish);
    if (fold[0] != '\0')
        say(call, "(on record and published, but the journal is not folded: %s)", fold);
}
