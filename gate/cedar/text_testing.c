/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/text_testing.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct outcome testing_parse(struct slice text)
{
    struct outcome o = {0};
    uint8_t *copy = malloc(text.len == 0 ? 1 : text.len);

    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    o.err = cedar_parse((struct slice){copy, text.len}, &o.policies, &o.where, &o.why);
    free(copy);
    assert_true((o.err == ERR_OK) == (o.policies != NULL));
    if (o.err == ERR_OK)
        return o;
    if (o.why.code != o.err || o.why.text[0] == '\0')
        fail_msg("refused with %s, but why says %s", err_name(o.err), err_name(o.why.code));
    if (o.where.line == 0 || o.where.column == 0 || o.where.offset > text.len)
        fail_msg("refused at %u:%u, offset %zu of %zu", o.where.line, o.where.column,
                 o.where.offset, text.len);
    return o;
}

static void add(struct buf *ret, const char *text)
{
    assert_int_equal(buf_add_str(ret, text), ERR_OK);
}

static void add_name(struct buf *ret, struct slice name)
{
    add(ret, " ");
    assert_int_equal(buf_add_slice(ret, name), ERR_OK);
}

static void literal(const struct cedar_value *value, struct buf *ret)
{
    char digits[32];

    if (value->kind == CEDAR_BOOL) {
        add(ret, value->truth ? "true" : "false");
    } else if (value->kind == CEDAR_LONG) {
        snprintf(digits, sizeof digits, "%" PRId64, value->number);
        add(ret, digits);
    } else if (value->kind == CEDAR_STRING) {
        add(ret, "'");
        assert_int_equal(buf_add_slice(ret, cedar_text(value)), ERR_OK);
        add(ret, "'");
    } else {
        assert_int_equal(value->kind, CEDAR_ENTITY);
        assert_true(value->uid->hash == cedar_uid_of(value->uid->type, value->uid->id).hash);
        assert_int_equal(buf_add_slice(ret, value->uid->type), ERR_OK);
        add(ret, "'");
        assert_int_equal(buf_add_slice(ret, value->uid->id), ERR_OK);
        add(ret, "'");
    }
}

static void pattern(const struct cedar_pattern *pattern, struct buf *ret)
{
    for (uint32_t i = 0; i < pattern->n; i++) {
        add(ret, pattern->parts[i].star ? " *" : " '");
        assert_int_equal(buf_add_slice(ret, pattern->parts[i].text), ERR_OK);
        add(ret, pattern->parts[i].star ? "" : "'");
    }
}

static void child(const struct cedar_expr *e, struct buf *ret)
{
    if (e == NULL)
        return;
    add(ret, " ");
    testing_tree(e, ret);
}

static void list(const struct cedar_expr *e, struct buf *ret)
{
    if (e->op == CEDAR_OP_CALL)
        add_name(ret, slice_str(cedar_fn_info(e->fn)->name));
    for (uint32_t i = 0; i < e->n; i++) {
        if (e->op == CEDAR_OP_RECORD || (e->op == CEDAR_OP_HAS_PATH && i > 0))
            add_name(ret, e->names[i - (e->op == CEDAR_OP_HAS_PATH)]);
        if (e->op != CEDAR_OP_HAS_PATH || i == 0)
            child(e->items[i], ret);
    }
    if (e->op == CEDAR_OP_HAS_PATH)
        add_name(ret, e->names[e->n - 1]);
}

void testing_tree(const struct cedar_expr *e, struct buf *ret)
{
    static const char *const NAMES[] = {
        "literal", "var", "slot",     "if",          "&&",          "||",      "!",      "neg",
        "==",      "!=",  "<",        "<=",          ">",           ">=",      "in",     "+",
        "-",       "*",   "contains", "containsAll", "containsAny", "isEmpty", "hasTag", "getTag",
        ".",       "has", "has-path", "like",        "is",          "set",     "record", "call"};
    static const char *const VARS[] = {"principal", "action", "resource", "context"};

    if (e->op == CEDAR_OP_LITERAL) {
        literal(&e->literal, ret);
        return;
    }
    if (e->op == CEDAR_OP_VAR) {
        add(ret, VARS[e->var]);
        return;
    }
    add(ret, "(");
    add(ret, NAMES[e->op]);
    if (e->op == CEDAR_OP_SET || e->op == CEDAR_OP_RECORD || e->op == CEDAR_OP_CALL ||
        e->op == CEDAR_OP_HAS_PATH) {
        list(e, ret);
    } else if (e->op == CEDAR_OP_GET || e->op == CEDAR_OP_HAS || e->op == CEDAR_OP_IS) {
        child(e->of, ret);
        add_name(ret, e->name);
        child(e->in, ret);
    } else if (e->op == CEDAR_OP_LIKE) {
        child(e->of, ret);
        pattern(e->pattern, ret);
    } else {
        child(e->a, ret);
        child(e->b, ret);
        child(e->c, ret);
    }
    add(ret, ")");
}
