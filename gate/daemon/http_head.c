/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head.c: what a request's line and headers may look like. libevent takes the first of two
 * lengths and a header whose name ends in a space; whoever stands in front of this socket may take
 * the other one, and then two do not see the same requests.
 */
#include "gate/daemon/http_parts.h"

#include <string.h>
#include <strings.h>

/* Headers that say one thing only. */
static const char *const SINGLE[] = {
    "Content-Length", "Transfer-Encoding", "Content-Type",       "Host",
    "X-Request-ID",   "Idempotency-Key",   "X-Pawl-Deadline-Ms", "Expect",
};

/* A token of RFC 9110 5.6.2. */
static bool is_name(const char *text)
{
    static const char OTHERS[] = "!#$%&'*+-.^_`|~0123456789"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return text[0] != '\0' && text[strspn(text, OTHERS)] == '\0';
}

/* Tabs and everything but control characters. */
static bool is_value(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
            return false;
    return true;
}

static bool is_digits(const char *text)
{
    return text[0] != '\0' && strlen(text) <= 19 && text[strspn(text, "0123456789")] == '\0';
}

static size_t count(const struct evkeyvalq *headers, const char *name)
{
    size_t n = 0;

    for (const struct evkeyval *at = headers->tqh_first; at != NULL; at = at->next.tqe_next)
        n += strcasecmp(at->key, name) == 0;
    return n;
}

static err_code check_each(const struct evkeyvalq *headers, struct why *why)
{
    for (const struct evkeyval *at = headers->tqh_first; at != NULL; at = at->next.tqe_next)
        if (!is_name(at->key) || !is_value(at->value))
            return why_say(why, ERR_REQUEST_MALFORMED, "a header is not well-formed");
    for (size_t i = 0; i < sizeof SINGLE / sizeof SINGLE[0]; i++)
        if (count(headers, SINGLE[i]) > 1)
            return why_say(why, ERR_REQUEST_MALFORMED, "more than one header %s", SINGLE[i]);
    return ERR_OK;
}

static err_code check_length(const struct evkeyvalq *headers, struct why *why)
{
    const char *length = evhttp_find_header(headers, "Content-Length");
    const char *coding = evhttp_find_header(headers, "Transfer-Encoding");

    if (length != NULL && coding != NULL)
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "Content-Length and Transfer-Encoding exclude each other");
    if (length != NULL && !is_digits(length))
        return why_say(why, ERR_REQUEST_MALFORMED, "Content-Length is not a number");
    if (coding != NULL && strcasecmp(coding, "chunked") != 0)
        return why_say(why, ERR_REQUEST_MALFORMED, "a Transfer-Encoding other than chunked");
    return ERR_OK;
}

static err_code check_id(const struct evkeyvalq *headers, struct why *why)
{
    const char *id = evhttp_find_header(headers, "X-Request-ID");

    if (id == NULL || (id[0] != '\0' && strlen(id) <= HTTP_ID_MAX))
        return ERR_OK;
    return why_say(why, ERR_REQUEST_MALFORMED, "X-Request-ID has %zu characters, wanted 1 to %d",
                   strlen(id), HTTP_ID_MAX);
}

err_code http_check_head(struct evhttp_request *request, struct why *why)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *uri = evhttp_request_get_uri(request);

    if (uri == NULL || uri[0] != '/')
        return why_say(why, ERR_REQUEST_MALFORMED, "the target does not begin with a slash");
    TRY(check_each(headers, why));
    TRY(check_length(headers, why));
    return check_id(headers, why);
}
