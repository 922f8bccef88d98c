/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/uri.h"

#include "gate/base/file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 2048
#define MODULE_FILE_MAX 8192

void hsm_uri_free(struct hsm_uri *uri)
{
    p11_kit_uri_free(uri->parsed);
    buf_free(&uri->module);
    buf_free(&uri->pin);
    uri->parsed = NULL;
}

static err_code own_text(const char *text, struct buf *ret)
{
    TRY(buf_add_str(ret, text));
    return buf_terminate(ret);
}

/* ---- module ---------------------------------------------------------------------------------- */

/* The value of "module:" in a p11-kit module file (pkcs11.conf(5)), appended to ret. */
static err_code module_line(const struct buf *file, struct buf *ret)
{
    static const char KEY[] = "module:";
    const char *line = (const char *)file->ptr;

    while (line != NULL && *line != '\0') {
        const char *end = strchr(line, '\n');
        size_t len = end == NULL ? strlen(line) : (size_t)(end - line);
        if (len > sizeof KEY - 1 && strncmp(line, KEY, sizeof KEY - 1) == 0) {
            line += sizeof KEY - 1;
            len -= sizeof KEY - 1;
            for (; len > 0 && isspace((unsigned char)*line); len--)
                line++;
            while (len > 0 && isspace((unsigned char)line[len - 1]))
                len--;
            return buf_add(ret, line, len);
        }
        line = end == NULL ? NULL : end + 1;
    }
    return ERR_NOT_FOUND;
}

static err_code module_in(const char *dir, const char *name, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, file = {0}, value = {0};
    char leaf[80];

    (void)snprintf(leaf, sizeof leaf, "%s.module", name);
    TRY(path_join(dir, leaf, &path));
    TRY(file_read((const char *)path.ptr, MODULE_FILE_MAX, &file, why));
    if (module_line(&file, &value) != ERR_OK || value.len == 0)
        return why_say(why, ERR_HSM_MODULE, "\"%s\" has no line \"module:\"",
                       (const char *)path.ptr);
    if (value.ptr[0] != '/') {
        TRY(buf_add_str(ret, HSM_MODULE_DIR));
        TRY(buf_add_u8(ret, '/'));
    }
    TRY(buf_add_slice(ret, buf_slice(&value)));
    return buf_terminate(ret);
}

/* p11-kit would load every registered module to find one by name; reading its two directories loads
 * only the one that was asked for. */
static err_code module_by_name(const char *name, struct buf *ret, struct why *why)
{
    static const char *const DIRS[] = {HSM_SYSTEM_MODULES, HSM_PACKAGE_MODULES};
    size_t len = strlen(name);

    if (len == 0 || len > 64 || name[0] == '.' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
        return why_say(why, ERR_HARDWARE_URI, "\"%s\" is not a module-name", name);
    for (size_t i = 0; i < sizeof DIRS / sizeof *DIRS; i++) {
        err_code err = module_in(DIRS[i], name, ret, why);
        if (err != ERR_NOT_FOUND)
            return err;
    }
    return why_say(why, ERR_HSM_MODULE, "no %s.module in %s or %s", name, DIRS[0], DIRS[1]);
}

static err_code take_module(P11KitUri *parsed, struct buf *ret, struct why *why)
{
    const char *path = p11_kit_uri_get_module_path(parsed);
    const char *name = p11_kit_uri_get_module_name(parsed);

    if (path != NULL && name != NULL)
        return why_say(why, ERR_HARDWARE_URI,
                       "the URI has module-path and module-name: one is enough");
    if (path != NULL && path[0] != '/')
        return why_say(why, ERR_HARDWARE_URI, "module-path \"%s\" is not absolute", path);
    if (path != NULL)
        return own_text(path, ret);
    if (name != NULL)
        return module_by_name(name, ret, why);
    return why_say(why, ERR_HARDWARE_URI, "the URI names no module: module-path or module-name");
}

/* ---- PIN ------------------------------------------------------------------------------------- */

static err_code take_pin(P11KitUri *parsed, struct buf *ret, struct why *why)
{
    const char *source = p11_kit_uri_get_pin_source(parsed);

    if (p11_kit_uri_get_pin_value(parsed) != NULL)
        return why_say(why, ERR_HSM_PIN_IN_URI, "the URI holds pin-value");
    if (source == NULL)
        return ERR_OK;
    if (strncmp(source, "file:", 5) == 0) {
        source += 5;
        if (strncmp(source, "///", 3) == 0) /* RFC 8089: an empty authority */
            source += 2;
    }
    if (source[0] != '/' || source[1] == '/')
        return why_say(why, ERR_HARDWARE_URI, "pin-source is not file:/PATH");
    return own_text(source, ret);
}

/* ---- the whole ------------------------------------------------------------------------------- */

bool hsm_uri_names_object(const struct hsm_uri *uri)
{
    CK_ULONG n = 0;

    (void)p11_kit_uri_get_attributes(uri->parsed, &n);
    return n > 0;
}

const CK_ATTRIBUTE *hsm_uri_attribute(const struct hsm_uri *uri, CK_ATTRIBUTE_TYPE type)
{
    return p11_kit_uri_get_attribute(uri->parsed, type);
}

/* One of "name=value" and the next begin with the same name. */
static bool same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=;&?");

    return strcspn(b, "=;&?") == len && strncmp(a, b, len) == 0;
}

/* p11-kit takes the last of two values and lets a value in the query end at a NUL: what one reader
 * sees in such a URI is not what another does. rest: behind the scheme. */
static err_code said_once(const char *rest, struct why *why)
{
    static const char *const ENDS[] = {";?", "&"}; /* of attributes of the path, of the query */
    const char *query = strchr(rest, '?');

    if (query != NULL && strstr(query, "%00") != NULL)
        return why_say(why, ERR_HARDWARE_URI, "the URI has %%00 behind its question mark");
    for (int part = 0; part < 2; part++) {
        const char *ends = ENDS[part], *from = part == 0 ? rest : query != NULL ? query + 1 : "";
        for (const char *a = from; *a != '\0' && *a != '?'; a += *a == ';' || *a == '&') {
            for (const char *b = from; b < a; b += strcspn(b, ends) + 1)
                if (same_name(a, b))
                    return why_say(why, ERR_HARDWARE_URI, "the URI has %.*s twice",
                                   (int)strcspn(a, "=;&?"), a);
            a += strcspn(a, ends);
        }
    }
    return ERR_OK;
}

static err_code names_slot(P11KitUri *parsed, struct why *why)
{
    const CK_SLOT_INFO *slot = p11_kit_uri_get_slot_info(parsed);
    bool id = p11_kit_uri_get_slot_id(parsed) != (CK_SLOT_ID)-1;
    bool description = slot->slotDescription[0] != 0;

    if (id || description || slot->manufacturerID[0] != 0)
        return why_say(why, ERR_HARDWARE_URI, "%s is not a lasting name; use serial",
                       id            ? "slot-id"
                       : description ? "slot-description"
                                     : "slot-manufacturer");
    return ERR_OK;
}

err_code hsm_uri_parse(const char *text, struct hsm_uri *ret, struct why *why)
{
    CLEANUP(hsm_uri_free) struct hsm_uri out = {.parsed = p11_kit_uri_new()};
    const CK_TOKEN_INFO *token;
    int result;

    if (out.parsed == NULL)
        return ERR_NO_MEMORY;
    if (strlen(text) > URI_MAX)
        return why_say(why, ERR_HARDWARE_URI, "a URI of more than %d bytes", URI_MAX);
    result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, out.parsed);
    if (result != P11_KIT_URI_OK)
        return why_say(why, ERR_HARDWARE_URI, "not a PKCS#11 URI: %s", p11_kit_uri_message(result));
    TRY(take_pin(out.parsed, &out.pin, why));
    TRY(said_once(text + strcspn(text, ":") + 1, why));
    if (p11_kit_uri_any_unrecognized(out.parsed))
        return why_say(why, ERR_HARDWARE_URI, "the URI has an attribute that is not in RFC 7512");
    TRY(names_slot(out.parsed, why));
    token = p11_kit_uri_get_token_info(out.parsed);
    if (token->label[0] == 0 && token->serialNumber[0] == 0)
        return why_say(why, ERR_HARDWARE_URI, "the URI names neither token nor serial");
    TRY(take_module(out.parsed, &out.module, why));
    *ret = out;
    out = (struct hsm_uri){0};
    return ERR_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void uri_free(P11KitUri **uri)
{
    p11_kit_uri_free(*uri);
}

static bool set_bytes(P11KitUri *to, CK_ATTRIBUTE_TYPE type, struct slice value)
{
    uint8_t copy[256]; /* templates do not take const */
    CK_ATTRIBUTE attribute = {type, copy, value.len};

    if (value.len == 0 || value.len > sizeof copy)
        return value.len == 0;
    memcpy(copy, value.ptr, value.len);
    return p11_kit_uri_set_attribute(to, &attribute) == P11_KIT_URI_OK;
}

static void set_field(unsigned char *field, size_t size, const char *text)
{
    size_t len = strnlen(text, size);

    memset(field, ' ', size);
    memcpy(field, text, len);
}

err_code hsm_uri_format(const struct hsm_uri *uri, const struct hsm_name *name, char *ret,
                        size_t size, struct why *why)
{
    CLEANUP(uri_free) P11KitUri *out = p11_kit_uri_new();
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_TOKEN_INFO *info;
    char *text = NULL;
    int n;

    if (out == NULL)
        return ERR_NO_MEMORY;
    info = p11_kit_uri_get_token_info(out);
    set_field(info->label, sizeof info->label, name->token);
    set_field(info->serialNumber, sizeof info->serialNumber, name->serial);
    p11_kit_uri_set_module_path(out, (const char *)uri->module.ptr);
    if (uri->pin.len > 0) {
        CLEANUP(buf_free) struct buf source = {0};
        TRY(buf_add_str(&source, "file:"));
        TRY(buf_add_slice(&source, buf_slice(&uri->pin)));
        TRY(buf_terminate(&source));
        p11_kit_uri_set_pin_source(out, (const char *)source.ptr);
    }
    if (!set_bytes(out, CKA_CLASS, (struct slice){(const uint8_t *)&class, sizeof class}) ||
        !set_bytes(out, CKA_LABEL, name->label) || !set_bytes(out, CKA_ID, name->id) ||
        p11_kit_uri_format(out, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, &text) !=
            P11_KIT_URI_OK)
        return why_say(why, ERR_TOO_LARGE, "a key's name of %zu bytes", name->label.len);
    n = snprintf(ret, size, "%s", text);
    free(text);
    if (n < 0 || (size_t)n >= size)
        return why_say(why, ERR_TOO_LARGE, "a key's URI of %d bytes", n);
    return ERR_OK;
}
