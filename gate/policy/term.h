/* SPDX-License-Identifier: Apache-2.0 */
/* term.h: the small things that every format of this room is made of: names, times, numbers and
 * sorted lists of texts, each with its limit and one check. */
#ifndef PAWL_POLICY_TERM_H
#define PAWL_POLICY_TERM_H

#include "gate/base/hash.h"
#include "gate/base/why.h"
#include "gate/cose/cbor.h"
#include "hw/key.h"

/* Domain, gate and alias: 1 to 128 of [a-z0-9._-], the first one of [a-z0-9], so that a name is
 * also a file name, a PKCS#11 label part and never "." or "..". */
#define TERM_NAME_MAX 128
bool term_name_ok(struct slice name);
/* The same as a refusal that says what the name is of. Error: FORMAT. */
err_code term_name_check(const char *what, struct slice name, struct why *why);

/* Versions and epochs: 1 to 2^53 - 1, which every JSON reader keeps exactly. */
#define TERM_NUMBER_MAX (((uint64_t)1 << 53) - 1)
err_code term_number_check(const char *what, uint64_t number, struct why *why);

/* Whole seconds from 1970 to the end of 9999. */
#define TERM_TIME_MAX INT64_C(253402300799)
err_code term_time_check(const char *what, int64_t seconds, struct why *why);

/* Free text such as an agent's id or the reason of a revocation: plain as text_is_plain() has it.
 */
#define TERM_TEXT_MAX 256
bool term_text_ok(struct slice text); /* 1 to 256 bytes */

/* A list of texts of the kind above, in bytewise order and all different. */
struct term_list {
    struct slice *items; /* owned; what they point to is not */
    size_t n;
};
#define TERM_LIST_MAX 1024
/* Reads an array of 1 to 1024 such texts. Errors stick in the reader. Owns: the caller frees. */
void term_list_get(struct cbor_reader *r, struct term_list *ret);
void term_list_put(struct cbor_writer *w, const struct term_list *list);
/* Error: FORMAT, naming both neighbours that are out of order. An empty list is fine here. */
err_code term_list_check(const char *what, const struct term_list *list, struct why *why);
bool term_list_has(const struct term_list *list, struct slice text);
void term_list_free(struct term_list *list);

/* One COSE_Key in exactly the form that cose_key_put() writes: one key, one encoding. Errors: those
 * of the reader, of cose_key_get(), and FORMAT for another form. */
err_code term_key_get(struct cbor_reader *r, struct hw_pubkey *ret, struct why *why);

/* Says which format the bytes do not follow, for an error that came from a reader. Returns err. */
err_code term_refuse(struct why *why, err_code err, const char *what);

/* An optional digest: null on the wire when absent. */
struct term_link {
    bool present;
    struct digest digest;
};
void term_link_get(struct cbor_reader *r, struct term_link *ret);
void term_link_put(struct cbor_writer *w, const struct term_link *link);
/* Null if and only if the number is 1. Error: FORMAT. */
err_code term_link_check(const char *what, uint64_t number, const struct term_link *link,
                         struct why *why);

/* Prints a slice with "%.*s". */
#define TERM_ARG(slice) (int)(slice).len, (const char *)(slice).ptr

#endif
