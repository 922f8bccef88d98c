/* SPDX-License-Identifier: Apache-2.0 */
/*
 * est.h: what reading and writing policies in JSON share. Private to gate/cedar.
 *
 * Source: the Cedar JSON policy format (docs.cedarpolicy.com), and where it leaves something open
 * the Rust implementation. What only its library takes, by accident, is refused: an array in the
 * place of an object, {"permit": null} in the place of "permit", the link of a policy that is no
 * template, a function that there is not.
 */
#ifndef PAWL_CEDAR_EST_H
#define PAWL_CEDAR_EST_H

#include "gate/cedar/ast.h"
#include "gate/cedar/json_read.h"

enum cedar_est_shape {
    CEDAR_EST_NONE = 0,
    CEDAR_EST_VALUE,  /* {"Value": ...} */
    CEDAR_EST_WORD,   /* {"Var": string} */
    CEDAR_EST_UNARY,  /* {"!": {"arg"}} */
    CEDAR_EST_BINARY, /* {"==": {"left", "right"}} */
    CEDAR_EST_GET,    /* {".": {"left", "attr"}} */
    CEDAR_EST_HAS,    /* {"has": {"left", "attr": string or array}} */
    CEDAR_EST_LIKE,   /* {"like": {"left", "pattern"}} */
    CEDAR_EST_IS,     /* {"is": {"left", "entity_type", "in"}} */
    CEDAR_EST_IF,     /* {"if-then-else": {"if", "then", "else"}} */
    CEDAR_EST_SET,    /* {"Set": array} */
    CEDAR_EST_RECORD, /* {"Record": object} */
};
struct cedar_est_form {
    enum cedar_est_shape shape;
    const char *name;
    enum cedar_op op;
};
/* The forms of all operations but CEDAR_OP_CALL; the last has no shape. */
extern const struct cedar_est_form cedar_est_forms[];

/* depth: expressions around it, from 0. */
err_code cedar_est_expr(const struct cedar_json_reader *r, const struct cedar_json *json,
                        unsigned depth, const struct cedar_expr **ret);

#endif
