/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/verb.h"

#include "gate/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct opt NO_OPTIONS[] = {{0}};

/* Text from files must not drive a terminal. What does not fit into memory is not printed; the exit
 * code still tells. */
static void add_line(struct slice text, struct buf *ret)
{
    const size_t at = ret->len;

    if (buf_add_slice(ret, text) != ERR_OK || buf_add_u8(ret, '\n') != ERR_OK)
        buf_cut(ret, 0);
    else
        text_defuse((char *)ret->ptr + at, text.len);
}

void say_text(struct call *call, struct slice text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n') {
            add_line(slice_part(text, from, i - from), &call->text);
            from = i + 1;
        }
    add_line(slice_part(text, from, text.len - from), &call->text);
}

void say(struct call *call, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&line, format, args);
    va_end(args);
    if (len < 0)
        return;
    add_line((struct slice){(const uint8_t *)line, (size_t)len}, &call->text);
    free(line);
}

err_code in_file(struct call *call, err_code err, const char *path)
{
    if (path[0] == '-' && path[1] == '\0')
        return why_reading(&call->why, err, "standard input");
    return why_reading(&call->why, err, "\"%s\"", path);
}

void put_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        (void)json_object_set_new(object, key, json_string(text));
}

void put_slice(json_t *object, const char *key, struct slice text)
{
    (void)json_object_set_new(object, key, json_stringn((const char *)text.ptr, text.len));
}

void put_uint(json_t *object, const char *key, uint64_t value)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)value));
}

void put_bool(json_t *object, const char *key, bool value)
{
    (void)json_object_set_new(object, key, json_boolean(value));
}

void put_time(json_t *object, const char *key, int64_t seconds)
{
    char text[TIME_TEXT];

    time_text(seconds, text);
    put_text(object, key, text);
}

void put_bytes(json_t *object, const char *key, struct slice bytes)
{
    CLEANUP(buf_free) struct buf text = {0};

    if (base64url_encode(bytes, &text) == ERR_OK)
        put_text(object, key, (const char *)text.ptr);
}

void put_digest(json_t *object, const char *key, const struct digest *digest)
{
    char text[DIGEST_TEXT];

    digest_text(digest, text);
    put_text(object, key, text);
}

json_t *put_array(json_t *object, const char *key)
{
    json_t *array = json_array();

    (void)json_object_set_new(object, key, array);
    return array;
}

json_t *put_object(json_t *object, const char *key)
{
    json_t *inner = json_object();

    (void)json_object_set_new(object, key, inner);
    return inner;
}

json_t *add_object(json_t *array)
{
    json_t *inner = json_object();

    (void)json_array_append_new(array, inner);
    return inner;
}
