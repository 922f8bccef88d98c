/* SPDX-License-Identifier: Apache-2.0 */
/* print.h: parts of policies as text. Private to gate/cedar. All append. */
#ifndef PAWL_CEDAR_PRINT_H
#define PAWL_CEDAR_PRINT_H

#include "gate/cedar/ast.h"

/* With as few parentheses as reading it back as the same tree allows. Error: CEDAR_SYNTAX where
 * only JSON can say it: a slot, or a method without a receiver. */
err_code cedar_print_expr(const struct cedar_expr *expr, struct buf *ret);

/* A string literal. */
err_code cedar_print_string(struct slice text, struct buf *ret);
err_code cedar_print_uid(const struct cedar_uid *uid, struct buf *ret);

/* True if .name means the same as ["name"]. */
bool cedar_print_bare(struct slice name);

#endif
