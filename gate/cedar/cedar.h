/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cedar.h: what every part of the Cedar library shares: the limits, places in a text, and the names
 * of entities.
 *
 * The library is Cedar 4 in C, as exact as the Lean model and the Rust implementation
 * (cedar-policy/cedar-spec, cedar-policy/cedar), and knows nothing of the rest of pawl:
 *
 *     policies.h   policy text and policy JSON in and out, templates and links
 *     ast.h        what a policy says, as a tree
 *     value.h      values, and the four extension types
 *     entities.h   entities, their hierarchy, and JSON values
 *     authorize.h  the decision, and its explanation
 *     schema.h     schemas, and the strict validator
 *     lint.h       what a careful reader would remark; gate_check.h what a gate refuses
 *     live.h       a set of policies that is replaced while others decide
 */
#ifndef PAWL_CEDAR_CEDAR_H
#define PAWL_CEDAR_CEDAR_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

/* Each limit has an error of its own; they are checked before memory is taken. */
#define CEDAR_TEXT_MAX                                                                             \
    ((size_t)4 << 20)                  /* CEDAR_TEXT_SIZE: bytes of a policy, schema or JSON text */
#define CEDAR_DEPTH_MAX 1024           /* CEDAR_NESTING: see below */
#define CEDAR_POLICIES_MAX 16384       /* CEDAR_COUNT: policies, templates and links of one set */
#define CEDAR_ENTITIES_MAX 16384       /* CEDAR_COUNT: entities of one store */
#define CEDAR_ANCESTORS_MAX (1u << 20) /* CEDAR_COUNT: pairs (entity, ancestor) of one store */
#define CEDAR_LIST_MAX 8192            /* CEDAR_LIST_SIZE: elements of a set, fields of a record */
#define CEDAR_NAME_MAX 1024            /* CEDAR_TEXT_SIZE: bytes of a type with its namespaces */
#define CEDAR_STEPS_MAX (1u << 20)     /* CEDAR_STEPS: steps of one decision, over all policies */
#define CEDAR_CHECK_MAX (1u << 26)     /* CEDAR_STEPS: steps of one validation */

/* The limit of nesting is that of the tree, not of the text alone: the height of an expression,
 * where a constant or a variable has height 1 and `a && b && c`, being (a && b) && c, has height 3.
 * So whoever walks a tree may recurse, if a frame is modest: 1024 frames of 200 bytes are 200 KiB.
 */

/* The version of the language, as a policy object records it. */
#define CEDAR_LANGUAGE "cedar-4"

/* A place in the text, counted from 1; columns are characters, not bytes. Line 0: nowhere. */
struct cedar_place {
    size_t offset; /* bytes from the beginning */
    unsigned line, column;
};
/* The offset of what did not come from a text. */
#define CEDAR_NOWHERE UINT32_MAX

/* Type::"id". The type is in its normal form, without blanks around "::". The hash is that of both;
 * equal names have equal hashes, so always make one with cedar_uid_of. */
struct cedar_uid {
    struct slice type, id;
    uint64_t hash;
};
struct cedar_uid cedar_uid_of(struct slice type, struct slice id); /* borrows both */
bool cedar_uid_eq(const struct cedar_uid *a, const struct cedar_uid *b);
/* A total order; not that of the alphabet. */
int cedar_uid_cmp(const struct cedar_uid *a, const struct cedar_uid *b);

/* True if this is a type in its normal form: identifiers joined by "::", none of them reserved. */
bool cedar_type_valid(struct slice type);
/* True for "Action" and "...::Action". */
bool cedar_type_is_action(struct slice type);
/* True for an identifier that is not reserved: what may follow a dot without quotes is any
 * identifier, but what may name a type or a variable is not. */
bool cedar_ident_valid(struct slice word);

/* Text of others as printable ASCII: everything else as \u{hex}, cut with "..." at the size. */
void cedar_quote(struct slice bytes, char *ret, size_t size);

/* Type::"id", for messages: quoted and cut like that. */
#define CEDAR_UID_TEXT 160
void cedar_uid_text(const struct cedar_uid *uid, char ret[static CEDAR_UID_TEXT]);

#endif
