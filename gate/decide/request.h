/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h: an AuthZEN evaluation request (OpenID AuthZEN Authorization API 1.0, 6.1), read
 * strictly.
 *
 *     {"subject":  {"type": "agent", "id": "build-7"},
 *      "action":   {"name": "exec", "properties": {"class": "execute"}},
 *      "resource": {"type": "program", "id": "/usr/bin/git"},
 *      "context":  {"aliases": ["ci-base"], ...}}
 *
 * The whole of subject, action, resource and context goes into the digest; what of it policies see
 * is said in question.h. context.gate and context.action are the gate's own and are refused when a
 * request sets them.
 */
#ifndef PAWL_DECIDE_REQUEST_H
#define PAWL_DECIDE_REQUEST_H

#include "gate/base/hash.h"
#include "gate/base/why.h"

#define REQUEST_SIZE_MAX ((size_t)1 << 20)
#define REQUEST_TEXT_MAX 1024 /* bytes of a type, id or name */
#define REQUEST_ALIASES_MAX 64

/* The four classes of action that policy objects name. */
extern const char *const REQUEST_CLASSES[4]; /* execute, mutate, delegate, propagate */

/* Slices borrow from the request's own JSON tree, which request_free() releases. */
struct request {
    struct slice subject_type, subject_id;
    struct slice action_name, action_class;
    struct slice resource_type, resource_id;
    struct slice aliases[REQUEST_ALIASES_MAX];
    size_t n_aliases;
    struct digest
        digest; /* SHA-256 of the canonical JSON of {subject, action, resource, context} */
    void *json;
};

/* Reads one request. Errors: REQUEST_MALFORMED naming the member, JSON_MALFORMED with line and
 * column, TOO_LARGE. Owns: the caller frees with request_free(). */
err_code request_parse(struct slice json, struct request *ret, struct why *why);

/* The same of a json_t that was read already, without duplicate members; members that are not
 * of a request do not count. class_: of an action that says none; NULL: that is malformed. It is
 * not put into what is digested. Takes json in every case. Errors: REQUEST_MALFORMED, TOO_LARGE. */
err_code request_take(void *json, const char *class_, struct request *ret, struct why *why);

/* The request that command-line flags describe, as the same JSON. class_ etc. may not be NULL;
 * aliases (may be NULL) ends with NULL; context and properties (of the resource) are JSON objects,
 * or NULL. */
struct request_flags {
    const char *subject_type, *subject_id, *action, *class_, *resource_type, *resource_id;
    const char *const *aliases;
    const char *context, *properties;
};
err_code request_from_flags(const struct request_flags *flags, struct request *ret,
                            struct why *why);

void request_free(struct request *request);

#endif
