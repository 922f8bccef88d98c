/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/client/response.h"

#include <string.h>
#include <strings.h>

/* RFC 9112 2.1: lines end with CR LF; a bare LF, or a CR elsewhere, is refused. */
static bool is_ctl(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

/* A token of RFC 9110 5.6.2. */
static bool is_token(struct slice text)
{
    static const char CHARS[] = "!#$%&'*+-.^_`|~0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < text.len; i++)
        if (memchr(CHARS, text.ptr[i], sizeof CHARS - 1) == NULL)
            return false;
    return text.len > 0;
}

static bool is_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_ctl(text.ptr[i]) && text.ptr[i] != '\t')
            return false;
    return true;
}

static bool eq_nocase(struct slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.ptr, word, text.len) == 0;
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = slice_part(text, 1, text.len - 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static err_code malformed(struct why *why, const char *what)
{
    return why_say(why, ERR_SERVICE_ANSWER, "the response is not what pawld sends: %s", what);
}

/* "HTTP/1.1 200 OK": RFC 9112 4. The phrase may be empty; the space before it may not be left out,
 * but commonly is. */
static err_code read_status(struct slice line, struct response *ret, struct why *why)
{
    static const char VERSION[] = "HTTP/1.1 ";
    const size_t at = sizeof VERSION - 1;
    unsigned status = 0;

    if (line.len < at + 3 || memcmp(line.ptr, VERSION, at) != 0)
        return malformed(why, "no status line of HTTP/1.1");
    for (size_t i = at; i < at + 3; i++) {
        if (line.ptr[i] < '0' || line.ptr[i] > '9')
            return malformed(why, "a status that is no number");
        status = status * 10 + (unsigned)(line.ptr[i] - '0');
    }
    if (line.len > at + 3 && line.ptr[at + 3] != ' ')
        return malformed(why, "a status of more than three digits");
    if (!is_text(line))
        return malformed(why, "a control character in the status line");
    if (status < 200 || status > 599 || status == 204 || status == 304)
        return malformed(why, "a status without an answer");
    ret->status = status;
    return ERR_OK;
}

/* What of the head may be there once. */
struct seen {
    bool length, type, connection, id;
};

static err_code read_length(struct slice value, struct seen *seen, struct response *ret,
                            struct why *why)
{
    if (seen->length)
        return malformed(why, "two lengths");
    seen->length = true;
    if (value.len == 0 || value.len > 9)
        return malformed(why, "a length that is none, or too much");
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return malformed(why, "a length that is no number");
        ret->body = ret->body * 10 + (size_t)(value.ptr[i] - '0');
    }
    if (ret->body > RESPONSE_BODY_MAX)
        return why_say(why, ERR_SERVICE_ANSWER, "a response of %zu bytes, the limit is %zu",
                       ret->body, RESPONSE_BODY_MAX);
    return ERR_OK;
}

static err_code read_type(struct slice value, struct seen *seen, struct response *ret,
                          struct why *why)
{
    static const char JSON[] = "application/json";
    const size_t len = sizeof JSON - 1;

    if (seen->type)
        return malformed(why, "two types");
    seen->type = true;
    ret->json = value.len >= len && strncasecmp((const char *)value.ptr, JSON, len) == 0 &&
                (value.len == len || value.ptr[len] == ';' || value.ptr[len] == ' ');
    return ERR_OK;
}

static err_code read_connection(struct slice value, struct seen *seen, struct response *ret,
                                struct why *why)
{
    if (seen->connection)
        return malformed(why, "two headers Connection");
    seen->connection = true;
    ret->close = !eq_nocase(value, "keep-alive");
    return ERR_OK;
}

static err_code read_id(struct slice value, struct seen *seen, struct response *ret,
                        struct why *why)
{
    if (seen->id)
        return malformed(why, "two headers X-Request-ID");
    seen->id = true;
    if (value.len == 0 || value.len > RESPONSE_ID_MAX)
        return malformed(why, "the X-Request-ID of another request");
    memcpy(ret->id, value.ptr, value.len);
    return ERR_OK;
}

static err_code read_header(struct slice line, struct seen *seen, struct response *ret,
                            struct why *why)
{
    const uint8_t *colon = memchr(line.ptr, ':', line.len);
    struct slice name, value;

    if (colon == NULL)
        return malformed(why, "a header without a colon");
    name = (struct slice){line.ptr, (size_t)(colon - line.ptr)};
    value = trim(slice_part(line, name.len + 1, line.len - name.len - 1));
    if (!is_token(name)) /* a line that goes on from the one before begins with a space */
        return malformed(why, "a header whose name is none");
    if (!is_text(value))
        return malformed(why, "a control character in a header");
    if (eq_nocase(name, "Content-Length"))
        return read_length(value, seen, ret, why);
    if (eq_nocase(name, "Content-Type"))
        return read_type(value, seen, ret, why);
    if (eq_nocase(name, "Connection"))
        return read_connection(value, seen, ret, why);
    if (eq_nocase(name, "X-Request-ID"))
        return read_id(value, seen, ret, why);
    if (eq_nocase(name, "Transfer-Encoding") || eq_nocase(name, "Content-Encoding"))
        return malformed(why, "a body that is encoded");
    if (eq_nocase(name, "Upgrade") || eq_nocase(name, "Trailer"))
        return malformed(why, "another protocol, or trailers");
    return ERR_OK;
}

/* The line that begins at *at, which then is behind it. There is one. */
static struct slice next_line(struct slice head, size_t *at)
{
    const uint8_t *end = memmem(head.ptr + *at, head.len - *at, "\r\n", 2);
    struct slice line = slice_part(head, *at, (size_t)(end - head.ptr) - *at);

    *at += line.len + 2;
    return line;
}

static err_code read_head(struct slice head, struct response *ret, struct why *why)
{
    struct response out = {.head = head.len};
    struct seen seen = {0};
    size_t at = 0, n = 0;

    TRY(read_status(next_line(head, &at), &out, why));
    while (at < head.len - 2) {
        if (++n > RESPONSE_HEADERS_MAX)
            return malformed(why, "too many headers");
        TRY(read_header(next_line(head, &at), &seen, &out, why));
    }
    if (!seen.length)
        return malformed(why, "no length");
    *ret = out;
    return ERR_OK;
}

err_code response_parse(struct slice bytes, struct response *ret, struct why *why)
{
    static const char BEGIN[] = "HTTP/1.1 ";
    const size_t begin = bytes.len < sizeof BEGIN - 1 ? bytes.len : sizeof BEGIN - 1;
    const size_t most = bytes.len < RESPONSE_HEAD_MAX ? bytes.len : RESPONSE_HEAD_MAX;
    const uint8_t *end;

    *ret = (struct response){0};
    if (begin == 0)
        return ERR_OK;
    /* What is no HTTP at all is not waited for. */
    if (memcmp(bytes.ptr, BEGIN, begin) != 0)
        return malformed(why, "it is not HTTP/1.1");
    end = memmem(bytes.ptr, most, "\r\n\r\n", 4);
    if (end == NULL && bytes.len >= RESPONSE_HEAD_MAX)
        return why_say(why, ERR_SERVICE_ANSWER, "headers of more than %zu bytes",
                       RESPONSE_HEAD_MAX);
    if (end == NULL)
        return ERR_OK;
    return read_head((struct slice){bytes.ptr, (size_t)(end - bytes.ptr) + 4}, ret, why);
}
