/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/guests.h"

#include "gate/base/file.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_key(struct slice text)
{
    return text.len >= strlen(GUESTS_KEY) && memcmp(text.ptr, GUESTS_KEY, strlen(GUESTS_KEY)) == 0;
}

static bool is_good_key(struct slice text)
{
    if (text.len != GUESTS_KEY_LEN)
        return false;
    for (size_t i = strlen(GUESTS_KEY); i < text.len; i++)
        if (memchr("0123456789abcdef", text.ptr[i], 16) == NULL)
            return false;
    return true;
}

/* A scheme, a colon and more, in ASCII (RFC 3986 3). */
static bool is_uri(struct slice text)
{
    const uint8_t *colon = memchr(text.ptr, ':', text.len);
    size_t scheme = colon == NULL ? 0 : (size_t)(colon - text.ptr);

    if (scheme == 0 || text.len == scheme + 1 || text.len > GUESTS_URI_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i], lower = c | 0x20;
        bool letter = lower >= 'a' && lower <= 'z';
        bool more = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (c <= 0x20 || c >= 0x7f || (i < scheme && !letter && (i == 0 || !more)))
            return false;
    }
    return true;
}

static struct slice skip_blanks(struct slice text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = slice_part(text, 1, text.len - 1);
    return text;
}

/* Who is named there. Empty: nobody, it is a comment. False: it is neither. */
static bool read_line(struct slice line, struct slice *ret)
{
    struct slice rest = skip_blanks(line), found;
    size_t len = 0;

    *ret = (struct slice){0};
    if (rest.len == 0 || rest.ptr[0] == '#')
        return true;
    while (len < rest.len && !is_blank(rest.ptr[len]))
        len++;
    found = slice_part(rest, 0, len);
    rest = skip_blanks(slice_part(rest, len, rest.len - len));
    *ret = found;
    return (rest.len == 0 || rest.ptr[0] == '#') &&
           (is_key(found) ? is_good_key(found) : is_uri(found));
}

static struct slice take_line(struct slice *text)
{
    const uint8_t *end = text->len == 0 ? NULL : memchr(text->ptr, '\n', text->len);
    size_t len = end == NULL ? text->len : (size_t)(end - text->ptr);
    struct slice line = slice_part(*text, 0, len);

    len += end != NULL;
    *text = slice_part(*text, len, text->len - len);
    return line;
}

static err_code read_lines(const char *path, struct guests *guests, struct why *why)
{
    struct slice text = buf_slice(&guests->text);

    for (unsigned number = 1; text.len > 0; number++) {
        struct slice found;
        if (!read_line(take_line(&text), &found))
            return why_say(why, ERR_FORMAT,
                           "line %u of \"%s\" is neither " GUESTS_KEY "<64 hex, lower-case>, nor a "
                           "URI, nor a comment",
                           number, path);
        if (found.len == 0)
            continue;
        if (guests->n == GUESTS_MAX)
            return why_say(why, ERR_TOO_LARGE,
                           "line %u of \"%s\" is one more than %d that may come", number, path,
                           GUESTS_MAX);
        guests->list[guests->n++] = found;
    }
    return ERR_OK;
}

err_code guests_read(const char *path, struct guests *ret, struct why *why)
{
    CLEANUP(guests_free) struct guests out = {.list = calloc(GUESTS_MAX, sizeof *out.list)};

    if (out.list == NULL)
        return ERR_NO_MEMORY;
    TRY(file_read(path, FILE_MAX, &out.text, why));
    TRY(read_lines(path, &out, why));
    *ret = out;
    out = (struct guests){0}; /* transferred */
    return ERR_OK;
}

void guests_free(struct guests *guests)
{
    free(guests->list);
    buf_free(&guests->text);
    *guests = (struct guests){0};
}

bool guests_have(const struct guests *guests, const char *key, const char *uri)
{
    for (size_t i = 0; i < guests->n; i++) {
        const char *shown = is_key(guests->list[i]) ? key : uri;
        if (shown[0] != '\0' && slice_eq_str(guests->list[i], shown))
            return true;
    }
    return false;
}
