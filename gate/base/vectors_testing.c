/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/vectors_testing.h"

#include "gate/base/text.h"

#include <fts.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

bool vectors_path(const char *name, char *ret, size_t size)
{
    const char *shared = getenv("PAWL_SHARED");
    const char *source = getenv("PAWL_SOURCE");

    if (shared != NULL)
        (void)snprintf(ret, size, "%s/vectors/%s", shared, name);
    else
        (void)snprintf(ret, size, "%s/../shared/vectors/%s", source == NULL ? "." : source, name);
    if (access(ret, R_OK) == 0)
        return true;
    (void)fprintf(stderr, "skipped: no test vectors at %s (set PAWL_SHARED)\n", ret);
    return false;
}

json_t *vectors_json(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);

    if (json == NULL)
        fail_msg("%s: %s", path, error.text);
    return json;
}

/* Integers are read as reals: jansson refuses those above INT64_MAX, and a vector has 2^64 - 1. */
uint64_t vectors_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double number = json_real_value(value);

    if (!json_is_real(value) || number < 0)
        fail_msg("no number \"%s\"", key);
    return number >= 0x1p64 ? UINT64_MAX : (uint64_t)number;
}

const char *vectors_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_string(value))
        fail_msg("no text \"%s\"", key);
    return json_string_value(value);
}

bool vectors_bool(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_boolean(value))
        fail_msg("no bool \"%s\"", key);
    return json_is_true(value);
}

void vectors_hex(const json_t *object, const char *key, struct buf *ret)
{
    if (hex_decode(vectors_text(object, key), ret) != ERR_OK)
        fail_msg("\"%s\" is not hex", key);
}

void vectors_base64(const json_t *text, struct buf *ret)
{
    size_t len = json_string_length(text);
    const uint8_t *chars = (const uint8_t *)json_string_value(text);
    uint8_t *space = NULL;
    int n;

    assert_non_null(chars);
    buf_free(ret);
    assert_int_equal(buf_add_space(ret, len / 4 * 3 + 3, &space), ERR_OK);
    n = EVP_DecodeBlock(space, chars, (int)len);
    if (n < 0 || len % 4 != 0)
        fail_msg("not base64: %s", (const char *)chars);
    for (size_t i = len; i > 0 && chars[i - 1] == '='; i--)
        n--;
    buf_cut(ret, (size_t)n);
}

size_t vectors_walk(const char *dir, void (*visit)(const char *path, const json_t *json))
{
    CLEANUP(buf_free) struct buf copy = {0};
    char *roots[2] = {NULL, NULL};
    size_t n = 0;
    FTS *walk;

    assert_int_equal(buf_add_str(&copy, dir), ERR_OK);
    assert_int_equal(buf_terminate(&copy), ERR_OK);
    roots[0] = (char *)copy.ptr;
    walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    assert_non_null(walk);
    for (FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        const char *dot = strrchr(entry->fts_name, '.');
        json_t *json;

        if (entry->fts_info != FTS_F || dot == NULL || strcmp(dot, ".json") != 0)
            continue;
        json = vectors_json(entry->fts_path);
        visit(entry->fts_path, json);
        json_decref(json);
        n++;
    }
    assert_int_equal(fts_close(walk), 0);
    return n;
}
