/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/json.h"

#include "gate/base/text.h"
#include "gate/cedar/lex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct slice text;
    size_t at;
    unsigned depth, n_values;
    struct cedar_arena *arena;
    struct buf open; /* of struct cedar_json_member: of the lists that have not ended yet */
    struct why *why;
};

static err_code value(struct parser *p, struct cedar_json *ret);

static void free_open(struct parser *p)
{
    buf_free(&p->open);
}

struct cedar_place cedar_json_place(struct slice text, uint32_t offset)
{
    struct cedar_place place = {.line = 1, .column = 1};

    cedar_place_skip(&place, slice_part(text, 0, offset));
    return place;
}

static err_code fail_at(struct parser *p, size_t at, err_code err, const char *what)
{
    struct cedar_place place = cedar_json_place(p->text, (uint32_t)at);

    return why_say(p->why, err, "%u:%u: %s", place.line, place.column, what);
}

/* What stands at the cursor is not what must stand there. */
static err_code unexpected(struct parser *p, const char *expected)
{
    char what[96], found[32];
    struct slice rest = slice_part(p->text, p->at, p->text.len - p->at);
    uint32_t c;

    if (rest.len == 0) {
        snprintf(what, sizeof what, "expected %s, found the end", expected);
    } else {
        rest.len = cedar_utf8(rest, &c);
        cedar_quote(rest, found, sizeof found);
        snprintf(what, sizeof what, "expected %s, found '%s'", expected, found);
    }
    return fail_at(p, p->at, ERR_JSON_MALFORMED, what);
}

/* The byte n bytes from here, or NUL behind the end, which no syntax allows either. */
static uint8_t peek(const struct parser *p, size_t n)
{
    return n < p->text.len - p->at ? p->text.ptr[p->at + n] : 0;
}

static void blanks(struct parser *p)
{
    while (peek(p, 0) == ' ' || peek(p, 0) == '\n' || peek(p, 0) == '\r' || peek(p, 0) == '\t')
        p->at++;
}

/* ---- strings ---- */

/* Four hexadecimal digits at the cursor. False if there are none. */
static bool hex4(const struct parser *p, size_t n, uint32_t *ret)
{
    uint32_t value = 0;

    for (size_t i = n; i < n + 4; i++) {
        uint8_t c = peek(p, i);

        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = value;
    return true;
}

static size_t put_utf8(uint8_t *to, uint32_t c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t FIRST[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n - 1; i > 0; i--) {
        to[i] = (uint8_t)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    to[0] = (uint8_t)(FIRST[n] | c);
    return n;
}

/* The cursor is at the backslash of \u. A character beyond U+FFFF is two of them (RFC 8259 7). */
static err_code unicode_escape(struct parser *p, uint8_t *to, size_t *len)
{
    size_t n = 6;
    uint32_t c, low;

    if (!hex4(p, 2, &c))
        return fail_at(p, p->at, ERR_JSON_MALFORMED, "\\u needs four hexadecimal digits");
    if (c >= 0xd800 && c <= 0xdbff && peek(p, 6) == '\\' && peek(p, 7) == 'u' && hex4(p, 8, &low) &&
        low >= 0xdc00 && low <= 0xdfff) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        n = 12;
    }
    if (c >= 0xd800 && c <= 0xdfff)
        return fail_at(p, p->at, ERR_JSON_MALFORMED, "half of a surrogate pair");
    p->at += n;
    *len += put_utf8(to + *len, c);
    return ERR_OK;
}

static err_code escape(struct parser *p, uint8_t *to, size_t *len)
{
    static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
    uint8_t c = peek(p, 1);
    const char *simple = c == 0 ? NULL : strchr(FROM, c);

    if (c == 'u')
        return unicode_escape(p, to, len);
    if (simple == NULL)
        return fail_at(p, p->at, ERR_JSON_MALFORMED, "not an escape");
    to[(*len)++] = (uint8_t)TO[simple - FROM];
    p->at += 2;
    return ERR_OK;
}

/* The cursor is at the quote. No escape is shorter than what it stands for. */
static err_code string(struct parser *p, struct slice *ret)
{
    size_t start = p->at + 1, raw = start, len = 0;
    uint8_t *copy;

    while (raw < p->text.len && p->text.ptr[raw] != '"')
        raw += p->text.ptr[raw] == '\\' ? 2 : 1;
    if (raw >= p->text.len)
        return fail_at(p, p->at, ERR_JSON_MALFORMED, "a string without an end");
    copy = cedar_arena_take(p->arena, raw - start);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    for (p->at = start; p->at < raw;) {
        uint8_t c = p->text.ptr[p->at];

        if (c < 0x20)
            return fail_at(p, p->at, ERR_JSON_MALFORMED, "a control character in a string");
        if (c == '\\') {
            TRY(escape(p, copy, &len));
        } else {
            copy[len++] = c;
            p->at++;
        }
    }
    p->at = raw + 1;
    *ret = (struct slice){copy, len};
    return ERR_OK;
}

/* ---- numbers and words ---- */

static bool digits(struct parser *p)
{
    size_t start = p->at;

    while (peek(p, 0) >= '0' && peek(p, 0) <= '9')
        p->at++;
    return p->at > start;
}

/* Zero has a sign only among fractions, so -0 is none of the integers. */
static bool as_integer(struct slice text, int64_t *ret)
{
    bool minus = text.ptr[0] == '-';
    int64_t value = 0;

    for (size_t i = minus ? 1 : 0; i < text.len; i++) {
        int digit = text.ptr[i] - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (minus ? value == 0 : __builtin_sub_overflow(0, value, &value))
        return false;
    *ret = value;
    return true;
}

static err_code number(struct parser *p, struct cedar_json *ret)
{
    size_t start = p->at;
    bool whole = true;
    struct slice text;

    if (peek(p, 0) == '-')
        p->at++;
    if (peek(p, 0) == '0')
        p->at++;
    else if (!digits(p))
        return unexpected(p, "a digit");
    if (peek(p, 0) == '.') {
        whole = false;
        p->at++;
        if (!digits(p))
            return unexpected(p, "a digit");
    }
    if ((peek(p, 0) | 0x20) == 'e') {
        whole = false;
        p->at++;
        if (peek(p, 0) == '+' || peek(p, 0) == '-')
            p->at++;
        if (!digits(p))
            return unexpected(p, "a digit");
    }
    text = slice_part(p->text, start, p->at - start);
    ret->kind = CEDAR_JSON_INT;
    if (whole && as_integer(text, &ret->number))
        return ERR_OK;
    ret->kind = CEDAR_JSON_NUMBER;
    return cedar_arena_copy(p->arena, text, &ret->text);
}

static err_code word(struct parser *p, struct cedar_json *ret)
{
    static const char *const WORDS[] = {"null", "false", "true"};

    for (unsigned i = 0; i < 3; i++) {
        size_t n = strlen(WORDS[i]);

        if (!slice_eq_str(slice_part(p->text, p->at, n), WORDS[i]))
            continue;
        p->at += n;
        ret->kind = i == 0 ? CEDAR_JSON_NULL : CEDAR_JSON_BOOL;
        ret->truth = i == 2;
        return ERR_OK;
    }
    return unexpected(p, "a value");
}

/* ---- arrays and objects ---- */

static int by_name(const void *a, const void *b)
{
    const struct cedar_json_member *x = *(const struct cedar_json_member *const *)a;
    const struct cedar_json_member *y = *(const struct cedar_json_member *const *)b;
    int order = slice_cmp(x->name, y->name);

    return order != 0 ? order : (x > y) - (x < y);
}

/* The first member whose name stood before, in the order of names; NULL if there is none. */
static err_code find_twice(const struct cedar_json_member *members, size_t n,
                           const struct cedar_json_member **ret)
{
    const struct cedar_json_member **sorted;

    *ret = NULL;
    if (n < 2)
        return ERR_OK;
    sorted = calloc(n, sizeof *sorted);
    if (sorted == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &members[i];
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 1; i < n && *ret == NULL; i++)
        if (slice_eq(sorted[i - 1]->name, sorted[i]->name))
            *ret = sorted[i];
    free(sorted);
    return ERR_OK;
}

/* Moves what was collected since `from` into the arena. */
static err_code close_list(struct parser *p, size_t from, struct cedar_json *ret)
{
    size_t size = p->open.len - from, n = size / sizeof(struct cedar_json_member);
    struct cedar_json_member *members;
    struct cedar_json *items;

    ret->n = (uint32_t)n;
    if (n == 0)
        return ERR_OK;
    members = cedar_arena_take(
        p->arena, n * (ret->kind == CEDAR_JSON_OBJECT ? sizeof *members : sizeof *items));
    if (members == NULL)
        return ERR_NO_MEMORY;
    if (ret->kind == CEDAR_JSON_OBJECT) {
        memcpy(members, p->open.ptr + from, size);
        ret->members = members;
    } else {
        const struct cedar_json_member *all = (const void *)(p->open.ptr + from);

        items = (void *)members;
        for (size_t i = 0; i < n; i++)
            items[i] = all[i].value;
        ret->items = items;
    }
    p->open.len = from; /* nothing secret: no need to wipe */
    return ERR_OK;
}

static err_code member_name(struct parser *p, struct slice *ret)
{
    if (peek(p, 0) != '"')
        return unexpected(p, "a member's name");
    TRY(string(p, ret));
    blanks(p);
    if (peek(p, 0) != ':')
        return unexpected(p, "':'");
    p->at++;
    blanks(p);
    return ERR_OK;
}

/* The cursor is at the bracket, and behind the other one afterwards. */
static err_code list(struct parser *p, struct cedar_json *ret)
{
    bool object = ret->kind == CEDAR_JSON_OBJECT;
    uint8_t end = object ? '}' : ']';
    size_t from = p->open.len;

    p->at++;
    blanks(p);
    for (bool more = peek(p, 0) != end; more;) {
        struct cedar_json_member member = {0};

        if (object)
            TRY(member_name(p, &member.name));
        TRY(value(p, &member.value));
        TRY(buf_add(&p->open, &member, sizeof member));
        blanks(p);
        more = peek(p, 0) == ',';
        if (!more && peek(p, 0) != end)
            return unexpected(p, object ? "',' or '}'" : "',' or ']'");
        p->at += more ? 1 : 0;
        blanks(p);
    }
    p->at++;
    return close_list(p, from, ret);
}

static err_code refuse_twice(struct parser *p, const struct cedar_json *object)
{
    const struct cedar_json_member *twice;
    char name[64], what[128];

    TRY(find_twice(object->members, object->n, &twice));
    if (twice == NULL)
        return ERR_OK;
    cedar_quote(twice->name, name, sizeof name);
    snprintf(what, sizeof what, "the second member \"%s\" of one object", name);
    return fail_at(p, twice->value.offset, ERR_JSON_MALFORMED, what);
}

static err_code value(struct parser *p, struct cedar_json *ret)
{
    uint8_t c = peek(p, 0);
    char what[64];

    *ret = (struct cedar_json){.offset = (uint32_t)p->at};
    if (++p->n_values > CEDAR_JSON_VALUES_MAX) {
        snprintf(what, sizeof what, "more than %u values", CEDAR_JSON_VALUES_MAX);
        return fail_at(p, p->at, ERR_CEDAR_LIST_SIZE, what);
    }
    if (c == '"') {
        ret->kind = CEDAR_JSON_STRING;
        return string(p, &ret->text);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return number(p, ret);
    if (c != '[' && c != '{')
        return word(p, ret);
    if (p->depth == CEDAR_JSON_DEPTH_MAX) {
        snprintf(what, sizeof what, "nested deeper than %d", CEDAR_JSON_DEPTH_MAX);
        return fail_at(p, p->at, ERR_CEDAR_NESTING, what);
    }
    ret->kind = c == '{' ? CEDAR_JSON_OBJECT : CEDAR_JSON_ARRAY;
    p->depth++;
    TRY(list(p, ret));
    p->depth--;
    return c == '{' ? refuse_twice(p, ret) : ERR_OK;
}

/* ---- the whole text ---- */

static err_code check_text(struct parser *p)
{
    uint32_t c;
    size_t n;

    if (p->text.len > CEDAR_TEXT_MAX)
        return why_say(p->why, ERR_CEDAR_TEXT_SIZE, "%zu bytes of JSON; the limit is %zu",
                       p->text.len, CEDAR_TEXT_MAX);
    if (utf8_valid(p->text))
        return ERR_OK;
    for (size_t at = 0; at < p->text.len; at += n) {
        n = cedar_utf8(slice_part(p->text, at, p->text.len - at), &c);
        if (n == 0)
            return fail_at(p, at, ERR_JSON_MALFORMED, "not UTF-8");
    }
    return ERR_INTERNAL;
}

err_code cedar_json_parse(struct slice text, struct cedar_arena *arena,
                          const struct cedar_json **ret, struct why *why)
{
    CLEANUP(free_open) struct parser p = {.text = text, .arena = arena, .why = why};
    struct cedar_json *root = cedar_arena_take(arena, sizeof *root);

    if (root == NULL)
        return ERR_NO_MEMORY;
    TRY(check_text(&p));
    blanks(&p);
    TRY(value(&p, root));
    blanks(&p);
    if (p.at != text.len)
        return unexpected(&p, "the end");
    *ret = root;
    return ERR_OK;
}

const struct cedar_json *cedar_json_get(const struct cedar_json *object, const char *name)
{
    if (object->kind != CEDAR_JSON_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < object->n; i++)
        if (slice_eq_str(object->members[i].name, name))
            return &object->members[i].value;
    return NULL;
}

const char *cedar_json_kind_text(const struct cedar_json *json)
{
    static const char *const TEXT[] = {"null",     "a boolean", "an integer", "a number",
                                       "a string", "an array",  "an object"};

    return TEXT[json->kind];
}

bool cedar_json_is(const struct cedar_json *json, const char *string)
{
    return json->kind == CEDAR_JSON_STRING && slice_eq_str(json->text, string);
}

err_code cedar_json_quote(struct slice text, struct buf *ret)
{
    static const char FROM[] = "\"\\\b\f\n\r\t", TO[] = "\"\\bfnrt";
    size_t done = 0;

    TRY(buf_add_str(ret, "\""));
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        const char *simple = c == 0 ? NULL : strchr(FROM, c);
        char escaped[8];

        if (c >= 0x20 && simple == NULL)
            continue;
        TRY(buf_add_slice(ret, slice_part(text, done, i - done)));
        done = i + 1;
        if (simple != NULL)
            snprintf(escaped, sizeof escaped, "\\%c", TO[simple - FROM]);
        else
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
        TRY(buf_add_str(ret, escaped));
    }
    TRY(buf_add_slice(ret, slice_part(text, done, text.len - done)));
    return buf_add_str(ret, "\"");
}
