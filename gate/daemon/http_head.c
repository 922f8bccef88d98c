/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head.c: what a request's line and headers may look like, octet for octet (RFC 9112), before
 * libevent sees them. libevent takes the first of two lengths, lines that end in LF alone, folded
 * headers and names that end in a space; whoever stands in front of this socket may take them
 * otherwise, and then two do not see the same requests.
 */
#include "gate/daemon/http_parts.h"

#include <string.h>
#include <strings.h>

/* Headers that say one thing only; each once. */
enum single {
    LENGTH,
    CODING,
    TYPE,
    HOST,
    ID,
    KEY,
    DEADLINE,
    EXPECT,
    SINGLES,
};
static const char *const SINGLE[SINGLES] = {
    [LENGTH] = "Content-Length",
    [CODING] = "Transfer-Encoding",
    [TYPE] = "Content-Type",
    [HOST] = "Host",
    [ID] = "X-Request-ID",
    [KEY] = "Idempotency-Key",
    [DEADLINE] = "X-Pawl-Deadline-Ms",
    [EXPECT] = "Expect",
};

struct head {
    struct slice rest; /* lines that were not read yet */
    struct slice target;
    bool version_1_0;
    bool may_have_body; /* the method; libevent does not look for one with others */
    struct slice said[SINGLES];
    bool given[SINGLES];
};

static bool equals(struct slice text, const char *other)
{
    return text.len == strlen(other) && strncasecmp((const char *)text.ptr, other, text.len) == 0;
}

/* A token of RFC 9110 5.6.2. */
static bool is_token(struct slice text)
{
    static const char OTHERS[] = "!#$%&'*+-.^_`|~0123456789"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || strchr(OTHERS, text.ptr[i]) == NULL)
            return false;
    return text.len > 0;
}

/* Tabs and everything but control characters. */
static bool is_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < 0x20 && text.ptr[i] != '\t') || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool is_visible(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f)
            return false;
    return text.len > 0;
}

static size_t find(struct slice text, char c)
{
    const uint8_t *at = text.len == 0 ? NULL : memchr(text.ptr, c, text.len);

    return at == NULL ? text.len : (size_t)(at - text.ptr);
}

static struct slice after(struct slice text, size_t len)
{
    return slice_part(text, len, text.len - len);
}

/* The next line, which ends in CR LF; neither is anywhere else. */
static err_code take_line(struct head *head, struct slice *ret, struct why *why)
{
    size_t len = find(head->rest, '\n');
    struct slice line = slice_part(head->rest, 0, len);

    if (len == head->rest.len || len == 0 || line.ptr[len - 1] != '\r')
        return why_say(why, ERR_REQUEST_MALFORMED, "a line of the head does not end in CR LF");
    line.len--;
    head->rest = after(head->rest, len + 1);
    *ret = line;
    return ERR_OK;
}

static err_code take_request_line(struct head *head, struct why *why)
{
    static const char *const BODIES[] = {"POST", "PUT", "PATCH", "GET", "DELETE", "OPTIONS"};
    struct slice line, method, target, version;

    TRY(take_line(head, &line, why));
    method = slice_part(line, 0, find(line, ' '));
    if (!is_token(method) || method.len == line.len)
        return why_say(why, ERR_REQUEST_MALFORMED, "the request line is not well-formed");
    line = after(line, method.len + 1);
    target = slice_part(line, 0, find(line, ' '));
    if (target.len == 0 || target.ptr[0] != '/')
        return why_say(why, ERR_REQUEST_MALFORMED, "the target does not begin with a slash");
    if (!is_visible(target) || target.len == line.len)
        return why_say(why, ERR_REQUEST_MALFORMED, "the request line is not well-formed");
    head->target = target;
    version = after(line, target.len + 1);
    head->version_1_0 = slice_eq_str(version, "HTTP/1.0");
    if (!head->version_1_0 && !slice_eq_str(version, "HTTP/1.1"))
        return why_say(why, ERR_REQUEST_MALFORMED, "the version is neither HTTP/1.1 nor HTTP/1.0");
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++)
        head->may_have_body = head->may_have_body || slice_eq_str(method, BODIES[i]);
    return ERR_OK;
}

struct slice http_trim(struct slice text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = after(text, 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static err_code take_header(struct head *head, struct slice line, struct why *why)
{
    size_t colon = find(line, ':');
    struct slice name = slice_part(line, 0, colon);
    struct slice value;

    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return why_say(why, ERR_REQUEST_MALFORMED, "a header is folded over two lines");
    if (colon == line.len || !is_token(name) || !is_value(after(line, colon)))
        return why_say(why, ERR_REQUEST_MALFORMED, "a header is not well-formed");
    value = http_trim(after(line, colon + 1));
    for (size_t i = 0; i < SINGLES; i++) {
        if (!equals(name, SINGLE[i]))
            continue;
        if (head->given[i])
            return why_say(why, ERR_REQUEST_MALFORMED, "more than one header %s", SINGLE[i]);
        head->given[i] = true;
        head->said[i] = value;
    }
    return ERR_OK;
}

static err_code take_number(struct slice text, size_t *ret, struct why *why)
{
    size_t value = 0;

    if (text.len == 0 || text.len > 15)
        return why_say(why, ERR_REQUEST_MALFORMED, "Content-Length is not a number");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return why_say(why, ERR_REQUEST_MALFORMED, "Content-Length is not a number");
        value = value * 10 + (size_t)(text.ptr[i] - '0');
    }
    *ret = value;
    return ERR_OK;
}

/* Where the body ends: in one way only. */
static err_code take_framing(const struct head *head, struct http_framing *ret, struct why *why)
{
    struct http_framing out = {.chunked = head->given[CODING],
                               .expects = head->given[EXPECT],
                               .target = head->target,
                               .id = head->said[ID]};

    if (head->given[LENGTH] && head->given[CODING])
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "Content-Length and Transfer-Encoding exclude each other");
    if (head->given[CODING] && !equals(head->said[CODING], "chunked"))
        return why_say(why, ERR_REQUEST_MALFORMED, "a Transfer-Encoding other than chunked");
    if (head->given[CODING] && head->version_1_0)
        return why_say(why, ERR_REQUEST_MALFORMED, "HTTP/1.0 has no Transfer-Encoding");
    if (head->given[LENGTH])
        TRY(take_number(head->said[LENGTH], &out.length, why));
    if (!head->may_have_body && (out.chunked || out.length > 0))
        return why_say(why, ERR_REQUEST_MALFORMED, "a request with this method has no body");
    *ret = out;
    return ERR_OK;
}

static err_code check_rest(const struct head *head, struct why *why)
{
    size_t len = head->said[ID].len;

    if (!head->given[HOST] && !head->version_1_0)
        return why_say(why, ERR_REQUEST_MALFORMED, "there is no header Host");
    if (head->given[ID] && (len == 0 || len > HTTP_ID_MAX))
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "X-Request-ID has %zu characters, wanted 1 to %d", len, HTTP_ID_MAX);
    return ERR_OK;
}

err_code http_head_read(struct slice bytes, struct http_framing *ret, struct why *why)
{
    struct head head = {.rest = bytes};
    struct slice line;

    TRY(take_request_line(&head, why));
    for (;;) {
        TRY(take_line(&head, &line, why));
        if (line.len == 0)
            break;
        TRY(take_header(&head, line, why));
    }
    TRY(check_rest(&head, why));
    return take_framing(&head, ret, why);
}
