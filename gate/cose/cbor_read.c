/* SPDX-License-Identifier: Apache-2.0 */
/* cbor_read.c: getters over checked CBOR. They still look at every bound themselves, so that a
 * reader over octets that nobody checked fails instead of reading past the end. */
#include "gate/base/hash.h"
#include "gate/cose/cbor_head.h"

#include <string.h>

struct cbor_reader cbor_read(struct slice bytes, enum cbor_rules rules)
{
    return (struct cbor_reader){.rest = bytes, .err = cbor_check(bytes, rules)};
}

void cbor_fail(struct cbor_reader *r, err_code err)
{
    if (r->err == ERR_OK)
        r->err = err;
}

/* The next head, left in place; false if there is none. */
static bool peek(const struct cbor_reader *r, struct cbor_head *ret)
{
    struct slice rest = r->rest;

    return r->err == ERR_OK && cbor_head_take(&rest, ret) == ERR_OK;
}

enum cbor_type cbor_peek(const struct cbor_reader *r)
{
    struct cbor_head head;

    return peek(r, &head) ? cbor_head_type(&head) : CBOR_NONE;
}

/* Takes the next head if it is of this type, else fails and returns a zero head. */
static struct cbor_head take(struct cbor_reader *r, enum cbor_type type)
{
    struct slice rest = r->rest;
    struct cbor_head head;

    if (r->err != ERR_OK || cbor_head_take(&rest, &head) != ERR_OK ||
        cbor_head_type(&head) != type) {
        cbor_fail(r, ERR_CBOR_TYPE);
        return (struct cbor_head){0};
    }
    r->rest = rest;
    return head;
}

static struct slice content(struct cbor_reader *r, enum cbor_type type)
{
    struct cbor_head head = take(r, type);
    struct slice got;

    if (r->err != ERR_OK || head.arg > r->rest.len) {
        cbor_fail(r, ERR_CBOR_MALFORMED);
        return (struct slice){0};
    }
    got = slice_part(r->rest, 0, (size_t)head.arg);
    r->rest = slice_part(r->rest, got.len, r->rest.len - got.len);
    return got;
}

static size_t count(struct cbor_reader *r, enum cbor_type type)
{
    struct cbor_head head = take(r, type);
    size_t inside = 0;

    if (r->err == ERR_OK)
        cbor_fail(r, cbor_head_inside(&head, r->rest, &inside));
    return type == CBOR_MAP ? inside / 2 : inside;
}

uint64_t cbor_get_uint(struct cbor_reader *r)
{
    return take(r, CBOR_UINT).arg;
}

int64_t cbor_get_int(struct cbor_reader *r)
{
    bool negative = cbor_peek(r) == CBOR_NEGATIVE;
    struct cbor_head head;

    if (peek(r, &head) && head.arg > INT64_MAX)
        cbor_fail(r, ERR_CBOR_TYPE);
    head = take(r, negative ? CBOR_NEGATIVE : CBOR_UINT);
    if (r->err != ERR_OK)
        return 0;
    return negative ? -1 - (int64_t)head.arg : (int64_t)head.arg;
}

struct slice cbor_get_bytes(struct cbor_reader *r)
{
    return content(r, CBOR_BYTES);
}

struct slice cbor_get_text(struct cbor_reader *r)
{
    return content(r, CBOR_TEXT);
}

bool cbor_get_bool(struct cbor_reader *r)
{
    return take(r, CBOR_BOOL).arg == 21;
}

bool cbor_get_null(struct cbor_reader *r)
{
    if (cbor_peek(r) != CBOR_NULL)
        return false;
    return take(r, CBOR_NULL).arg == 22;
}

uint64_t cbor_get_tag(struct cbor_reader *r)
{
    return take(r, CBOR_TAG).arg;
}

size_t cbor_get_array(struct cbor_reader *r)
{
    return count(r, CBOR_ARRAY);
}

size_t cbor_get_map(struct cbor_reader *r)
{
    return count(r, CBOR_MAP);
}

/* Moves over one item with everything inside it, counting what is still to come instead of
 * recursing. */
static err_code skip(struct slice *rest)
{
    for (size_t pending = 1; pending > 0; pending--) {
        struct cbor_head head;
        size_t inside, len = 0;

        TRY(cbor_head_take(rest, &head));
        TRY(cbor_head_inside(&head, *rest, &inside));
        if (head.major == CBOR_MAJOR_BYTES || head.major == CBOR_MAJOR_TEXT) {
            if (head.arg > rest->len)
                return ERR_CBOR_MALFORMED;
            len = (size_t)head.arg;
        }
        *rest = slice_part(*rest, len, rest->len - len);
        if (inside > rest->len || pending > rest->len - inside + 1)
            return ERR_CBOR_MALFORMED; /* every pending item needs an octet */
        pending += inside;
    }
    return ERR_OK;
}

struct slice cbor_get_item(struct cbor_reader *r)
{
    struct slice from = r->rest, rest = r->rest;

    if (r->err != ERR_OK)
        return (struct slice){0};
    if (from.len == 0) {
        cbor_fail(r, ERR_CBOR_TYPE);
        return (struct slice){0};
    }
    cbor_fail(r, skip(&rest));
    if (r->err != ERR_OK)
        return (struct slice){0};
    r->rest = rest;
    return slice_part(from, 0, from.len - rest.len);
}

void cbor_get_digest(struct cbor_reader *r, struct digest *ret)
{
    struct slice bytes = cbor_get_bytes(r);

    memset(ret, 0, sizeof *ret);
    if (r->err == ERR_OK)
        cbor_fail(r, digest_from(bytes, ret));
}

err_code cbor_done(const struct cbor_reader *r)
{
    if (r->err != ERR_OK)
        return r->err;
    return r->rest.len == 0 ? ERR_OK : ERR_CBOR_TRAILING;
}

/* ---- maps with known keys -------------------------------------------------------------------- */

struct cbor_map cbor_open_map(struct cbor_reader *r)
{
    return (struct cbor_map){.r = r, .left = cbor_get_map(r)};
}

/* Takes the key that ahead has read, if it was the wanted one. */
static bool key_taken(struct cbor_map *map, const struct cbor_reader *ahead, bool wanted)
{
    if (ahead->err != ERR_OK || !wanted)
        return false;
    *map->r = *ahead;
    map->left--;
    return true;
}

/* True if the next item is this text under a head of one octet, and takes it: so are nearly all
 * keys. */
static bool short_key_taken(struct cbor_map *map, const char *key)
{
    struct cbor_reader *r = map->r;
    size_t len = strlen(key);

    if (map->left == 0 || r->err != ERR_OK || len > 23 || r->rest.len < 1 + len ||
        r->rest.ptr[0] != (CBOR_MAJOR_TEXT << 5 | len) || memcmp(r->rest.ptr + 1, key, len) != 0)
        return false;
    r->rest = (struct slice){r->rest.ptr + 1 + len, r->rest.len - 1 - len};
    map->left--;
    return true;
}

bool cbor_key(struct cbor_map *map, const char *key)
{
    struct cbor_reader ahead = *map->r;

    if (short_key_taken(map, key))
        return true;
    if (map->left == 0 || cbor_peek(&ahead) != CBOR_TEXT)
        return false;
    return key_taken(map, &ahead, slice_eq_str(cbor_get_text(&ahead), key));
}

bool cbor_key_int(struct cbor_map *map, int64_t key)
{
    struct cbor_reader ahead = *map->r;

    return map->left > 0 && key_taken(map, &ahead, cbor_get_int(&ahead) == key);
}

void cbor_need(struct cbor_map *map, const char *key)
{
    if (!cbor_key(map, key))
        cbor_fail(map->r, ERR_FORMAT);
}

void cbor_close_map(struct cbor_map *map)
{
    if (map->left > 0)
        cbor_fail(map->r, ERR_FORMAT);
}
