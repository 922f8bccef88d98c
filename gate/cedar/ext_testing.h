/* SPDX-License-Identifier: Apache-2.0 */
/* ext_testing.h: calls of extension functions. For tests only. */
#ifndef PAWL_CEDAR_EXT_TESTING_H
#define PAWL_CEDAR_EXT_TESTING_H

#include "gate/cedar/ext.h"

/* Calls with up to two arguments. The kind of a result is what the table of functions says, and on
 * a failure nothing is written. */
enum cedar_fault ext_call(enum cedar_fn fn, struct cedar_value a, struct cedar_value b,
                          struct cedar_value *ret);
/* A constructor; the second fails the test when the text is refused. */
enum cedar_fault ext_make(enum cedar_fn fn, const char *text, struct cedar_value *ret);
struct cedar_value ext_must(enum cedar_fn fn, const char *text);

void ext_written(const struct cedar_value *value, const char *want);
/* Every text up to NULL is refused. */
void ext_refused(enum cedar_fn fn, const char *const *texts);

/* Gives back the memory of all addresses. */
int ext_teardown(void **state);

#endif
