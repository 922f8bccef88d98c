/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h: Cedar values. A value is 16 bytes, is never changed, and borrows what it points to from
 * an arena; so values are copied like numbers.
 *
 * Source: Cedar.Spec.Value and Cedar.Spec.Ext of the Lean model.
 */
#ifndef PAWL_CEDAR_VALUE_H
#define PAWL_CEDAR_VALUE_H

#include "gate/cedar/cedar.h"

enum cedar_kind {
    CEDAR_BOOL = 0, /* zero is false */
    CEDAR_LONG,
    CEDAR_STRING,
    CEDAR_ENTITY,
    CEDAR_SET,
    CEDAR_RECORD,
    CEDAR_IP,
    CEDAR_DECIMAL,
    CEDAR_DATETIME,
    CEDAR_DURATION,
};

/* An IPv4 or IPv6 network; an address is a network of one. */
struct cedar_ip {
    bool v6;
    uint8_t prefix;     /* bits: at most 32, or 128 */
    uint8_t octets[16]; /* IPv4: the first four. The host's bits are kept as written */
};

struct cedar_field;
struct cedar_value {
    enum cedar_kind kind;
    uint32_t n; /* bytes of a string, elements of a set, fields of a record */
    union {
        bool truth;
        int64_t number;      /* long; decimal: 1/10000; datetime, duration: ms */
        const uint8_t *text; /* UTF-8, may hold NUL */
        const struct cedar_uid *uid;
        const struct cedar_value *items;  /* ascending by cedar_value_cmp, each once */
        const struct cedar_field *fields; /* ascending by name (slice_cmp), each name once */
        const struct cedar_ip *ip;
    };
};
struct cedar_field {
    struct slice name;
    struct cedar_value value;
};

const char *cedar_kind_text(enum cedar_kind kind); /* "a long", for messages */

struct cedar_value cedar_bool(bool truth);
struct cedar_value cedar_long(int64_t number);
struct cedar_value cedar_string(struct slice text); /* of at most UINT32_MAX bytes */
struct cedar_value cedar_entity(const struct cedar_uid *uid);
struct slice cedar_text(const struct cedar_value *string);

/* Cedar's ==: false across kinds. Iterative enough for CEDAR_DEPTH_MAX. */
bool cedar_value_eq(const struct cedar_value *a, const struct cedar_value *b);
/* A total order over all values; 0 exactly when equal. */
int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b);

/* Sorts n values in place, drops repeated ones, and makes a set of what is left. Borrows items. */
struct cedar_value cedar_set_of(struct cedar_value *items, uint32_t n);
bool cedar_set_has(const struct cedar_value *set, const struct cedar_value *item);
/* Sorts n fields in place. A name that stands twice: *ret_twice is it, and the result is an empty
 * record. Borrows fields. */
struct cedar_value cedar_record_of(struct cedar_field *fields, uint32_t n,
                                   const struct slice **ret_twice);
/* NULL if there is no such field. Borrows from the record. */
const struct cedar_value *cedar_record_get(const struct cedar_value *record, struct slice name);

/* ---- extension functions ---- */

/* In the order of cedar_fn_name. Constructors, then methods: the receiver is argument 0. */
enum cedar_fn {
    CEDAR_FN_NONE = 0,
    CEDAR_FN_IP,
    CEDAR_FN_DECIMAL,
    CEDAR_FN_DATETIME,
    CEDAR_FN_DURATION,
    CEDAR_FN_IS_IPV4,
    CEDAR_FN_IS_IPV6,
    CEDAR_FN_IS_LOOPBACK,
    CEDAR_FN_IS_MULTICAST,
    CEDAR_FN_IS_IN_RANGE,
    CEDAR_FN_LESS_THAN,
    CEDAR_FN_LESS_THAN_OR_EQUAL,
    CEDAR_FN_GREATER_THAN,
    CEDAR_FN_GREATER_THAN_OR_EQUAL,
    CEDAR_FN_OFFSET,
    CEDAR_FN_DURATION_SINCE,
    CEDAR_FN_TO_DATE,
    CEDAR_FN_TO_TIME,
    CEDAR_FN_TO_MILLISECONDS,
    CEDAR_FN_TO_SECONDS,
    CEDAR_FN_TO_MINUTES,
    CEDAR_FN_TO_HOURS,
    CEDAR_FN_TO_DAYS,
    CEDAR_FN_END,
};
struct cedar_fn_info {
    const char *name;
    bool method;    /* called as receiver.name(...), else as name(...) */
    uint8_t n_args; /* with the receiver */
    enum cedar_kind args[2], result;
};
const struct cedar_fn_info *cedar_fn_info(enum cedar_fn fn); /* NULL for NONE and beyond */
enum cedar_fn cedar_fn_from(struct slice name);              /* NONE when unknown */

/* Why a policy erred. */
enum cedar_fault {
    CEDAR_FAULT_NONE = 0,
    CEDAR_FAULT_TYPE,      /* an operand of another kind */
    CEDAR_FAULT_ENTITY,    /* no such entity */
    CEDAR_FAULT_ATTRIBUTE, /* no such attribute */
    CEDAR_FAULT_TAG,       /* no such tag */
    CEDAR_FAULT_OVERFLOW,  /* beyond 64 bits */
    CEDAR_FAULT_EXTENSION, /* not an address, decimal, datetime or duration; or out of range */
    CEDAR_FAULT_SLOT,      /* a template's slot without a link */
};

struct cedar_arena;
/* Calls an extension function. args: as many as its n_args. Memory for an address comes from arena.
 * *ret is written only on CEDAR_FAULT_NONE. Error: NO_MEMORY. */
err_code cedar_fn_call(enum cedar_fn fn, const struct cedar_value *args, struct cedar_arena *arena,
                       enum cedar_fault *ret_fault, struct cedar_value *ret);

/* The extension value as a call of its constructor reads it, e.g. "1.5000" or "10.0.0.0/8". Used
 * for messages and JSON. Appends to ret. */
err_code cedar_ext_text(const struct cedar_value *value, struct buf *ret);

#endif
