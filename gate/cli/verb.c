/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/verb.h"

#include "gate/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct opt NO_OPTIONS[] = {{0}};

/* How many bytes at the beginning of a text would drive the terminal, which text from files must
 * not: a C0 control or DEL is one, a C1 control in UTF-8 is two. */
static size_t controls(struct slice text)
{
    if ((text.ptr[0] < 0x20 && text.ptr[0] != '\n') || text.ptr[0] == 0x7f)
        return 1;
    return text.len > 1 && text.ptr[0] == 0xc2 && text.ptr[1] >= 0x80 && text.ptr[1] <= 0x9f ? 2
                                                                                             : 0;
}

static err_code add_shown(struct slice text, struct buf *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        size_t n = controls(slice_part(text, i, text.len - i));

        TRY(n > 0 ? buf_add(ret, "??", n) : buf_add_u8(ret, text.ptr[i]));
        i += n > 1;
    }
    return buf_add_u8(ret, '\n');
}

/* A line that does not fit into memory is not printed; the exit code still tells. */
void say_text(struct call *call, struct slice text)
{
    if (add_shown(text, &call->text) != ERR_OK)
        buf_cut(&call->text, 0);
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
    say_text(call, (struct slice){(const uint8_t *)line, (size_t)len});
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
