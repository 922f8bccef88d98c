/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h: strict JSON (RFC 8259) as a tree in an arena. Private to gate/cedar. Why not the library
 * that the other rooms use: Cedar's names may hold U+0000, which jansson has no keys for, and a
 * refusal needs a place.
 */
#ifndef PAWL_CEDAR_JSON_H
#define PAWL_CEDAR_JSON_H

#include "gate/cedar/arena.h"
#include "gate/cedar/cedar.h"

enum cedar_json_kind {
    CEDAR_JSON_NULL = 0,
    CEDAR_JSON_BOOL,
    CEDAR_JSON_INT,    /* whole, without fraction or exponent, within 64 bits */
    CEDAR_JSON_NUMBER, /* any other number; text is how it was written */
    CEDAR_JSON_STRING,
    CEDAR_JSON_ARRAY,
    CEDAR_JSON_OBJECT,
};
struct cedar_json_member;
struct cedar_json {
    enum cedar_json_kind kind;
    uint32_t n;      /* items, members */
    uint32_t offset; /* in the text */
    union {
        bool truth;
        int64_t number;
        struct slice text; /* of a string: unescaped, UTF-8 */
        const struct cedar_json *items;
        const struct cedar_json_member *members; /* in the order of the text, each name once */
    };
};
struct cedar_json_member {
    struct slice name;
    struct cedar_json value;
};

/* Arrays and objects within each other: an expression of Cedar takes two, so this is room for
 * CEDAR_DEPTH_MAX of them in a policy set. Readers of anything else keep to CEDAR_DEPTH_MAX. */
#define CEDAR_JSON_DEPTH_MAX (2 * CEDAR_DEPTH_MAX + 16)
#define CEDAR_JSON_VALUES_MAX (1u << 20) /* values in one text */

/* Errors: JSON_MALFORMED with line:column (bad syntax, bytes behind the value, no UTF-8, a lone
 * surrogate, a name twice), CEDAR_TEXT_SIZE, CEDAR_NESTING, CEDAR_LIST_SIZE (more values than
 * CEDAR_JSON_VALUES_MAX; how long one list may be is left to the caller). -0 is a NUMBER. Borrows
 * nothing: what is kept is copied into the arena. */
err_code cedar_json_parse(struct slice text, struct cedar_arena *arena,
                          const struct cedar_json **ret, struct why *why);

/* NULL if this is no object or has no such member. Linear. */
const struct cedar_json *cedar_json_get(const struct cedar_json *object, const char *name);

/* "null", "a boolean", "a string", "an array": for messages. */
const char *cedar_json_kind_text(const struct cedar_json *json);
bool cedar_json_is(const struct cedar_json *json, const char *string);

/* Where in the text a value begins. */
struct cedar_place cedar_json_place(struct slice text, uint32_t offset);

/* Appends the string, which is UTF-8, with quotes and escapes. */
err_code cedar_json_quote(struct slice text, struct buf *ret);

#endif
