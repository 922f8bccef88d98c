/* SPDX-License-Identifier: Apache-2.0 */
/* text_testing.h: what the tests of policy texts share. */
#ifndef PAWL_CEDAR_TEXT_TESTING_H
#define PAWL_CEDAR_TEXT_TESTING_H

#include "gate/cedar/policies.h"

/* A policy with one condition; the expression begins at column 44. */
#define TESTING_WHEN(e) "permit(principal, action, resource) when { " e " };"
#define TESTING_WHEN_COLUMN 44
#define TESTING_ALL "permit(principal, action, resource);"

struct outcome {
    err_code err;
    struct cedar_place where;
    struct why why;
    struct cedar_policies *policies;
};

/* Parses a copy of exactly this size, so that sanitizers see reads beyond the end. Fails the test
 * when the outcome contradicts itself. Owns: cedar_free what *policies points to. */
struct outcome testing_parse(struct slice text);

/* Appends an expression as (op operand ...). */
void testing_tree(const struct cedar_expr *e, struct buf *ret);

#endif
