/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_wire.c: stands between what a connection brings and libevent, which gets octets only once
 * they are known to be part of a request that can be read in one way. libevent would wait for the
 * end of a chunk's size for ever, and keep all that comes meanwhile.
 *
 * What is refused becomes a request that cannot fail, so that the refusal is an answer like any
 * other; http.c asks the wire before it looks at a request.
 */
#include "gate/daemon/http_parts.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_DIGITS 8 /* of a chunk */
#define CRLF_LEN 2
#define PATIENCE 16 /* times as much as a body may have is read only to be refused */

static const char HARMLESS[] = "GET / HTTP/1.1\r\nHost: gate\r\n\r\n";

void http_wire_free(struct wire *wire)
{
    buf_free(&wire->held);
    buf_free(&wire->instead);
    free(wire->why);
    *wire = (struct wire){.state = WIRE_REFUSED};
}

/* Octets of wire->held that are known by now. */
struct view {
    struct wire *wire;
    size_t most;  /* octets of a body */
    size_t known; /* libevent may have these */
    struct why why;
};

static struct slice unknown(const struct view *view)
{
    return slice_part(buf_slice(&view->wire->held), view->known,
                      view->wire->held.len - view->known);
}

static void approve(struct view *view, size_t len, enum wire_state next)
{
    view->known += len;
    view->wire->state = next;
}

/* Nobody gets these. */
static void drop(struct view *view, size_t len)
{
    struct buf *held = &view->wire->held;
    size_t rest = held->len - view->known - len;

    memmove(held->ptr + view->known, held->ptr + view->known + len, rest);
    buf_cut(held, view->known + rest);
}

static void keep_why(struct view *view)
{
    view->wire->why = malloc(sizeof *view->wire->why);
    if (view->wire->why != NULL)
        *view->wire->why = view->why;
}

/* A path that no reader of it could take for anything else. */
static bool is_harmless(struct slice path)
{
    static const char SIGNS[] = "/.-_0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] == '\0' || strchr(SIGNS, path.ptr[i]) == NULL ||
            (i > 0 && path.ptr[i] == '/' && path.ptr[i - 1] == '/'))
            return false;
    return true;
}

/* The refusal says whose it is, and looks as others do below that path. Without memory it does not.
 */
static void stand_in(struct view *view, const struct http_framing *framing)
{
    CLEANUP(buf_free) struct buf out = {0};
    bool known = is_harmless(framing->target);

    if (buf_add_str(&out, "GET ") != ERR_OK ||
        buf_add_slice(&out, known ? framing->target : slice_str("/")) != ERR_OK ||
        buf_add_str(&out, " HTTP/1.1\r\nHost: gate\r\n") != ERR_OK)
        return;
    if (framing->id.len > 0 &&
        (buf_add_str(&out, "X-Request-ID: ") != ERR_OK ||
         buf_add_slice(&out, framing->id) != ERR_OK || buf_add_str(&out, "\r\n") != ERR_OK))
        return;
    if (buf_add_str(&out, "\r\n") == ERR_OK)
        view->wire->instead = buf_take(&out);
}

/* Many a client reads no answer before it has sent its body; one that asks first does. */
static err_code skip(struct view *view, size_t head, const struct http_framing *framing)
{
    struct wire *wire = view->wire;

    wire->err = why_say(&view->why, ERR_TOO_LARGE, "a body of %zu bytes, the limit is %zu",
                        framing->length, view->most);
    stand_in(view, framing);
    if (framing->expects || framing->length / PATIENCE > view->most)
        return wire->err;
    keep_why(view);
    drop(view, head);
    wire->state = WIRE_SKIP;
    return ERR_OK;
}

/* Every step of these: true when there may be another one. */

static err_code step_head(struct view *view, bool *ret_on)
{
    struct wire *wire = view->wire;
    struct slice rest = unknown(view);
    size_t len = wire->searched;
    struct http_framing framing;

    while (len < rest.len &&
           !(rest.ptr[len] == '\n' && len > 0 &&
             (rest.ptr[len - 1] == '\n' ||
              (len > 1 && rest.ptr[len - 1] == '\r' && rest.ptr[len - 2] == '\n'))))
        len++;
    wire->searched = len;
    if (len >= HTTP_HEAD_MAX)
        return why_say(&view->why, ERR_TOO_LARGE, "a head of more than %zu bytes", HTTP_HEAD_MAX);
    *ret_on = len < rest.len;
    if (!*ret_on)
        return ERR_OK;
    TRY(http_head_read(slice_part(rest, 0, len + 1), &framing, &view->why));
    wire->searched = 0;
    wire->left = framing.length;
    wire->body = 0;
    if (framing.length > view->most)
        return skip(view, len + 1, &framing);
    approve(view, len + 1, framing.chunked ? WIRE_SIZE : WIRE_BODY);
    return ERR_OK;
}

static err_code step_skip(struct view *view, bool *ret_on)
{
    struct wire *wire = view->wire;
    size_t have = unknown(view).len, len = have < wire->left ? have : wire->left;

    drop(view, len);
    wire->left -= len;
    *ret_on = false;
    return wire->left > 0 ? ERR_OK : wire->err;
}

static err_code step_data(struct view *view, enum wire_state next, bool *ret_on)
{
    struct wire *wire = view->wire;
    size_t have = unknown(view).len, len = have < wire->left ? have : wire->left;

    wire->left -= len;
    *ret_on = wire->left == 0;
    approve(view, len, *ret_on ? next : wire->state);
    return ERR_OK;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 9112 7.1, without extensions. */
static err_code step_size(struct view *view, bool *ret_on)
{
    struct wire *wire = view->wire;
    struct slice rest = unknown(view);
    size_t len = 0, size = 0;

    while (len < rest.len && len <= SIZE_DIGITS && digit(rest.ptr[len]) >= 0)
        size = size << 4 | (size_t)digit(rest.ptr[len++]);
    if (len > SIZE_DIGITS || (len < rest.len && (len == 0 || rest.ptr[len] != '\r')) ||
        (len + 1 < rest.len && rest.ptr[len + 1] != '\n'))
        return why_say(&view->why, ERR_REQUEST_MALFORMED,
                       "the size of a chunk is not 1 to %d hexadecimal digits", SIZE_DIGITS);
    *ret_on = len + 1 < rest.len;
    if (!*ret_on)
        return ERR_OK;
    if (size > view->most - wire->body)
        return why_say(&view->why, ERR_TOO_LARGE, "chunks of %zu bytes, the limit is %zu",
                       wire->body + size, view->most);
    wire->body += size;
    wire->left = size;
    approve(view, len + CRLF_LEN, size == 0 ? WIRE_LAST : WIRE_DATA);
    return ERR_OK;
}

/* The end of a chunk, or of the last one, behind which there could be trailers. */
static err_code step_end(struct view *view, enum wire_state next, bool *ret_on)
{
    struct slice rest = unknown(view);

    if ((rest.len > 0 && rest.ptr[0] != '\r') || (rest.len > 1 && rest.ptr[1] != '\n'))
        return why_say(&view->why, ERR_REQUEST_MALFORMED,
                       next == WIRE_DONE ? "headers behind the last chunk are not taken"
                                         : "a chunk does not end in CR LF");
    *ret_on = rest.len >= CRLF_LEN;
    if (*ret_on)
        approve(view, CRLF_LEN, next);
    return ERR_OK;
}

static err_code step(struct view *view, bool *ret_on)
{
    *ret_on = false;
    switch (view->wire->state) {
    case WIRE_HEAD:
        return step_head(view, ret_on);
    case WIRE_SKIP:
        return step_skip(view, ret_on);
    case WIRE_BODY:
        return step_data(view, WIRE_DONE, ret_on);
    case WIRE_SIZE:
        return step_size(view, ret_on);
    case WIRE_DATA:
        return step_data(view, WIRE_DATA_END, ret_on);
    case WIRE_DATA_END:
        return step_end(view, WIRE_SIZE, ret_on);
    case WIRE_LAST:
        return step_end(view, WIRE_DONE, ret_on);
    case WIRE_DONE:
    case WIRE_REFUSED:
        return ERR_OK;
    }
    return ERR_INTERNAL;
}

/* What makes an end of what libevent has begun to read. */
static struct slice ending(const struct wire *wire)
{
    if (wire->state == WIRE_SIZE || wire->state == WIRE_DATA_END)
        return slice_str("0\r\n\r\n");
    if (wire->state == WIRE_LAST)
        return slice_str("\r\n");
    return wire->instead.len > 0 ? buf_slice(&wire->instead) : slice_str(HARMLESS);
}

static void refuse(struct view *view, err_code err)
{
    struct wire *wire = view->wire;

    wire->err = err;
    if (wire->state != WIRE_SKIP)
        keep_why(view);
    buf_cut(&wire->held, view->known);
    if (buf_add_slice(&wire->held, ending(wire)) != ERR_OK)
        buf_cut(&wire->held, 0); /* nothing comes of it, until its time is over */
    view->known = wire->held.len;
    wire->state = WIRE_REFUSED;
}

/* Moves what is known into `in`, in which nothing is. */
static err_code give(struct view *view, struct evbuffer *in)
{
    struct wire *wire = view->wire;
    size_t rest = wire->held.len - view->known;

    if (view->known == 0)
        return ERR_OK;
    if (evbuffer_prepend(in, wire->held.ptr, view->known) != 0)
        return ERR_NO_MEMORY;
    memmove(wire->held.ptr, wire->held.ptr + view->known, rest);
    buf_cut(&wire->held, rest);
    return ERR_OK;
}

static err_code hold(struct wire *wire, struct evbuffer *in)
{
    size_t len = evbuffer_get_length(in);
    uint8_t *space;

    if (len == 0)
        return ERR_OK;
    TRY(buf_add_space(&wire->held, len, &space));
    return evbuffer_remove(in, space, len) == (int)len ? ERR_OK : ERR_INTERNAL;
}

/* What is in `in` is new. */
static err_code read_on(struct wire *wire, size_t most, struct evbuffer *in)
{
    struct view view = {.wire = wire, .most = most};
    err_code err = hold(wire, in);
    bool on = err == ERR_OK;

    while (on && err == ERR_OK)
        err = step(&view, &on);
    if (err != ERR_OK)
        refuse(&view, err);
    return give(&view, in);
}

err_code http_wire_take(struct wire *wire, size_t most, struct evbuffer *in, size_t len)
{
    size_t before = evbuffer_get_length(in) - len;
    struct evbuffer *kept;
    err_code err;

    if (wire->state == WIRE_DONE || wire->state == WIRE_REFUSED)
        return ERR_OK; /* it is looked at once there is an answer */
    if ((wire->state == WIRE_BODY || wire->state == WIRE_DATA) && len < wire->left) {
        wire->left -= len;
        return ERR_OK;
    }
    if (before == 0)
        return read_on(wire, most, in);
    kept = evbuffer_new();
    if (kept == NULL)
        return ERR_NO_MEMORY;
    err = evbuffer_remove_buffer(in, kept, before) == (int)before ? read_on(wire, most, in)
                                                                  : ERR_NO_MEMORY;
    if (evbuffer_prepend_buffer(in, kept) != 0)
        err = ERR_NO_MEMORY;
    evbuffer_free(kept);
    return err;
}

err_code http_wire_next(struct wire *wire, size_t most, struct evbuffer *in)
{
    if (wire->state != WIRE_DONE)
        return ERR_OK;
    wire->state = WIRE_HEAD;
    return read_on(wire, most, in);
}
