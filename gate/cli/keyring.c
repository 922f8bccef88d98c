/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/keyring.h"

#include "gate/base/file.h"
#include "gate/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTES_MAX ((size_t)1 << 20)

static void json_free(json_t **json)
{
    json_decref(*json);
}

err_code authority_at(struct call *call, struct authority **ret)
{
    CLEANUP(buf_free) struct buf path = {0};
    const char *dir = args_value(call->args, "authority", ".");

    TRY(path_join(dir, "root/1.cose", &path));
    if (access((const char *)path.ptr, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return why_say(&call->why, ERR_NOT_FOUND,
                       "\"%s\" is not an authority's directory; give --authority DIR", dir);
    return authority_open(dir, call->now, ret, &call->why);
}

void keyring_free(struct keyring *ring)
{
    for (size_t i = 0; i < ring->n; i++)
        hw_signer_close(&ring->signers[i]);
    ring->n = 0;
}

struct authority_keys keyring_keys(const struct keyring *ring)
{
    return (struct authority_keys){ring->signers, ring->n};
}

err_code keyring_add(struct keyring *ring, struct hw_signer *signer)
{
    if (ring->n == KEYRING_MAX) {
        hw_signer_close(&signer);
        return ERR_TOO_LARGE;
    }
    ring->signers[ring->n++] = signer;
    return ERR_OK;
}

struct key_ref_options keyring_ref_options(const struct call *call)
{
    return (struct key_ref_options){.tpm = args_value(call->args, "tpm", NULL),
                                    .allow_simulator = args_flag(call->args, "insecure-simulator")};
}

static err_code open_one(struct call *call, const char *ref, struct keyring *ring)
{
    const struct key_ref_options options = keyring_ref_options(call);
    struct hw_signer *signer = NULL;

    TRY(key_ref_open(ref, &options, &signer, &call->why));
    return keyring_add(ring, signer);
}

static err_code notes_path(const char *dir, struct buf *ret)
{
    return path_join(dir, "authority.json", ret);
}

/* {"root": ["keys/root-1.pem", ...], ...}; an absent file is an empty object. Owns: *ret. */
static err_code read_notes(const char *dir, json_t **ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    json_error_t error;

    TRY(notes_path(dir, &path));
    if (!file_exists((const char *)path.ptr)) {
        *ret = json_object();
        return *ret == NULL ? ERR_NO_MEMORY : ERR_OK;
    }
    TRY(file_read((const char *)path.ptr, NOTES_MAX, &text, why));
    *ret = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(*ret))
        return why_say(why, ERR_JSON_MALFORMED, "\"%s\": line %d: %s", (const char *)path.ptr,
                       error.line, error.text);
    return ERR_OK;
}

static bool is_file(const char *ref)
{
    return strncmp(ref, "pkcs11:", 7) != 0 && strncmp(ref, "tpm2:", 5) != 0;
}

/* A path in the notes is relative to the directory. */
static err_code resolve(const char *dir, const char *ref, struct buf *ret)
{
    if (is_file(ref) && ref[0] != '/')
        return path_join(dir, ref, ret);
    TRY(buf_add_str(ret, ref));
    return buf_terminate(ret);
}

static err_code open_noted(struct call *call, const char *dir, const json_t *refs,
                           struct keyring *ring)
{
    for (size_t i = 0; i < json_array_size(refs); i++) {
        CLEANUP(buf_free) struct buf ref = {0};
        const char *text = json_string_value(json_array_get(refs, i));
        if (text == NULL)
            return why_say(&call->why, ERR_JSON_MALFORMED,
                           "authority.json lists a key that is no text");
        TRY(resolve(dir, text, &ref));
        if (is_file(text) && !file_exists((const char *)ref.ptr))
            continue; /* kept offline */
        TRY(open_one(call, (const char *)ref.ptr, ring));
    }
    return ERR_OK;
}

err_code keyring_open(struct call *call, const char *dir, const enum root_role *roles,
                      struct keyring *ret)
{
    CLEANUP(keyring_free) struct keyring ring = {0};
    CLEANUP(json_free) json_t *notes = NULL;
    const char *ref;

    for (size_t i = 0; (ref = args_list(call->args, "key", i)) != NULL; i++)
        TRY(open_one(call, ref, &ring));
    TRY(read_notes(dir, &notes, &call->why));
    for (; *roles != ROLE_NONE; roles++)
        TRY(open_noted(call, dir, json_object_get(notes, role_name(*roles)), &ring));
    *ret = ring;
    ring = (struct keyring){0}; /* transferred */
    return ERR_OK;
}

static void text_free(char **text)
{
    free(*text);
}

err_code keyring_note_given(const char *dir, enum root_role role, const char *ref, struct why *why)
{
    CLEANUP(text_free) char *path = NULL;

    if (!is_file(ref))
        return keyring_note(dir, role, ref, why);
    path = realpath(strncmp(ref, "file:", 5) == 0 ? ref + 5 : ref, NULL);
    if (path == NULL)
        return why_say(why, ERR_NOT_FOUND, "there is no \"%s\"", ref);
    return keyring_note(dir, role, path, why);
}

err_code keyring_note(const char *dir, enum root_role role, const char *ref, struct why *why)
{
    CLEANUP(json_free) json_t *notes = NULL;
    CLEANUP(buf_free) struct buf path = {0};
    json_t *refs;
    char *text;
    err_code err;

    if (!utf8_valid(slice_str(ref)))
        return why_say(why, ERR_KEY_REF, "\"%s\" is not valid UTF-8: authority.json cannot name it",
                       ref);
    TRY(read_notes(dir, &notes, why));
    refs = json_object_get(notes, role_name(role));
    if (!json_is_array(refs)) {
        refs = json_array();
        if (json_object_set_new(notes, role_name(role), refs) != 0)
            return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < json_array_size(refs); i++)
        if (json_is_string(json_array_get(refs, i)) &&
            strcmp(json_string_value(json_array_get(refs, i)), ref) == 0)
            return ERR_OK;
    if (json_array_append_new(refs, json_string(ref)) != 0)
        return ERR_NO_MEMORY;
    text = json_dumps(notes, JSON_INDENT(2) | JSON_SORT_KEYS);
    if (text == NULL)
        return ERR_NO_MEMORY;
    err = notes_path(dir, &path);
    if (err == ERR_OK)
        err = file_write((const char *)path.ptr, slice_str(text), 0644, why);
    free(text);
    return err;
}
