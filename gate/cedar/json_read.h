/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.h: what the readers of Cedar's JSON formats share: refusals that tell the place and the
 * path, escapes, names of entities. Private to gate/cedar.
 */
#ifndef PAWL_CEDAR_JSON_READ_H
#define PAWL_CEDAR_JSON_READ_H

#include "gate/cedar/json.h"
#include "gate/cedar/value.h"

struct cedar_json_reader {
    struct slice text; /* what root was read from */
    const struct cedar_json *root;
    struct cedar_arena *arena; /* takes what is kept: nothing of that points into the tree */
    err_code refusal;          /* what is wrong with it is called so, where nothing else fits */
    struct why *why;
};

/* The path of the value that begins at offset, such as "staticPolicies.a.conditions[0].body"; empty
 * for the root. Only the beginning, if it is long. */
void cedar_json_path(const struct cedar_json *root, uint32_t offset, char *ret, size_t size);

/* "line:column: path: ...", and returns err: that of the reader, or one of the limits. */
[[gnu::format(printf, 4, 5)]] err_code cedar_json_refuse(const struct cedar_json_reader *r,
                                                         err_code err, const struct cedar_json *at,
                                                         const char *format, ...);

/* The member, which must be there. */
err_code cedar_json_need(const struct cedar_json_reader *r, const struct cedar_json *object,
                         const char *name, const struct cedar_json **ret);
/* The member, which must be there and of this kind. */
err_code cedar_json_need_kind(const struct cedar_json_reader *r, const struct cedar_json *object,
                              const char *name, enum cedar_json_kind kind,
                              const struct cedar_json **ret);
/* Refuses members of other names than these, up to NULL. */
err_code cedar_json_only(const struct cedar_json_reader *r, const struct cedar_json *object,
                         const char *const *names);

/* CEDAR_LIST_SIZE if there are more than CEDAR_LIST_MAX of what they are called. */
err_code cedar_json_few(const struct cedar_json_reader *r, const struct cedar_json *list,
                        const char *of);

/* {"__entity": {"type", "id"}} or {"type", "id"}; other members beside these mean nothing, as in
 * the Rust implementation. */
err_code cedar_json_uid(const struct cedar_json_reader *r, const struct cedar_json *json,
                        struct cedar_uid *ret);
/* A string that is the name of a type. */
err_code cedar_json_type(const struct cedar_json_reader *r, const struct cedar_json *json,
                         struct slice *ret);

/* What an object with one member stands for. An object that only looks like an escape is a record,
 * as in the Rust implementation. */
enum cedar_escape_kind {
    CEDAR_ESCAPE_NONE = 0, /* a record */
    CEDAR_ESCAPE_ENTITY,   /* {"__entity": {"type": string, "id": string}}: type, id */
    CEDAR_ESCAPE_EXTN,     /* {"__extn": {"fn": string, "arg" | "args"}}: fn, args, n_args */
    CEDAR_ESCAPE_EXPR,     /* {"__expr": string}, which is no longer taken */
};
struct cedar_escape {
    enum cedar_escape_kind kind;
    const struct cedar_json *type, *id;
    enum cedar_fn fn;
    const struct cedar_json *args;
    uint32_t n_args;
};
/* Refuses CEDAR_ESCAPE_EXPR, and functions that there are not. */
err_code cedar_json_escape(const struct cedar_json_reader *r, const struct cedar_json *json,
                           struct cedar_escape *ret);
err_code cedar_json_escape_uid(const struct cedar_json_reader *r, const struct cedar_escape *escape,
                               struct cedar_uid *ret);

/* A value with explicit escapes, worked out. depth: of what it stands in, from 0. */
err_code cedar_json_value(const struct cedar_json_reader *r, const struct cedar_json *json,
                          unsigned depth, struct cedar_value *ret);
/* The same of an object whose own name is no escape, such as the attributes of an entity. */
err_code cedar_json_record(const struct cedar_json_reader *r, const struct cedar_json *json,
                           unsigned depth, struct cedar_value *ret);

#endif
