/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_testing.h: the public test vectors, for the tests of every room. They are not part of the
 * source: $PAWL_SHARED names the directory above vectors/, else it is ../shared beside the source.
 */
#ifndef PAWL_BASE_VECTORS_TESTING_H
#define PAWL_BASE_VECTORS_TESTING_H

#include "gate/base/bytes.h"
#include "gate/base/hash.h"

#include <jansson.h>

/* The path of a vector file or directory. False, and a line that says so, when it is absent. */
bool vectors_path(const char *name, char *ret, size_t size);

/* Reads a JSON file; fails the test if it cannot. Owns: json_decref. */
json_t *vectors_json(const char *path);

/* Members of a JSON object; each fails the test when the member is of another type. */
uint64_t vectors_number(const json_t *object, const char *key);
const char *vectors_text(const json_t *object, const char *key);
bool vectors_bool(const json_t *object, const char *key);
/* Hex. Owns: the caller frees *ret. */
void vectors_hex(const json_t *object, const char *key, struct buf *ret);
/* Base64 (with + and /) of a string. Owns: the caller frees *ret. */
void vectors_base64(const json_t *text, struct buf *ret);

/* Calls visit for every *.json file below a directory; returns how many there were. */
size_t vectors_walk(const char *dir, void (*visit)(const char *path, const json_t *json));

#endif
