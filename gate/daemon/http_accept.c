/* SPDX-License-Identifier: Apache-2.0 */
/* http_accept.c: which media types a caller takes (RFC 9110 12.5.1). What of it cannot be read says
 * nothing, and who says nothing takes everything. */
#include "gate/daemon/http_parts.h"

#include <string.h>
#include <strings.h>

static bool same(struct slice text, struct slice other)
{
    return text.len == other.len &&
           strncasecmp((const char *)text.ptr, (const char *)other.ptr, text.len) == 0;
}

/* What stands before the next such sign that is in no quotes; *text is what stands behind it. */
static struct slice take(struct slice *text, char sign)
{
    bool quoted = false;
    size_t len = 0;
    struct slice part;

    for (; len < text->len && (quoted || text->ptr[len] != sign); len++)
        if (text->ptr[len] == '"')
            quoted = !quoted;
        else if (quoted && text->ptr[len] == '\\' && len + 1 < text->len)
            len++;
    part = http_trim(slice_part(*text, 0, len));
    len += len < text->len;
    *text = slice_part(*text, len, text->len - len);
    return part;
}

/* A weight of nothing but noughts: not this one. */
static bool is_unwanted(struct slice parameters)
{
    while (parameters.len > 0) {
        struct slice value = take(&parameters, ';'), name = take(&value, '=');
        bool nought = value.len > 0 && value.ptr[0] == '0';

        for (size_t i = 1; i < value.len; i++)
            nought = nought && value.ptr[i] == (i == 1 ? '.' : '0');
        if (same(name, slice_str("q")))
            return nought;
    }
    return false;
}

/* 3: this type, 2: all of its kind, 1: everything, 0: others, -1: it is no range. */
static int closeness(struct slice range, struct slice type)
{
    struct slice kind = take(&type, '/'), wanted = take(&range, '/');

    if (wanted.len == 0 || range.len == 0)
        return -1;
    if (same(wanted, kind) && same(range, type))
        return 3;
    if (!slice_eq_str(range, "*"))
        return 0;
    if (same(wanted, kind))
        return 2;
    return slice_eq_str(wanted, "*") ? 1 : 0;
}

bool http_accepts(const struct http_call *call, const char *type)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    int closest = 0;
    bool said = false, wanted = false;

    for (const struct evkeyval *at = headers->tqh_first; at != NULL; at = at->next.tqe_next) {
        struct slice list = slice_str(at->value);
        while (strcasecmp(at->key, "Accept") == 0 && list.len > 0) {
            struct slice parameters = take(&list, ','), range = take(&parameters, ';');
            int close = closeness(range, slice_str(type));
            said = said || close >= 0;
            if (close <= 0 || close < closest)
                continue;
            wanted = (close == closest && wanted) || !is_unwanted(parameters);
            closest = close;
        }
    }
    return wanted || !said;
}
