/* SPDX-License-Identifier: Apache-2.0 */
/* est_write.c: policies, templates and links as JSON. */
#include "gate/cedar/entities.h"
#include "gate/cedar/est.h"
#include "gate/cedar/policies.h"

static err_code expr(const struct cedar_expr *e, struct buf *ret);

/* ,"name": or, at the beginning of an object, {"name": */
static err_code member(const char *name, bool first, struct buf *ret)
{
    TRY(buf_add_str(ret, first ? "{\"" : ",\""));
    TRY(buf_add_str(ret, name));
    return buf_add_str(ret, "\":");
}

static err_code text_member(const char *name, bool first, struct slice text, struct buf *ret)
{
    TRY(member(name, first, ret));
    return cedar_json_quote(text, ret);
}

static err_code expr_member(const char *name, bool first, const struct cedar_expr *e,
                            struct buf *ret)
{
    TRY(member(name, first, ret));
    return expr(e, ret);
}

/* ---- expressions ---- */

static err_code list(const struct cedar_expr *e, struct buf *ret)
{
    bool record = e->op == CEDAR_OP_RECORD;

    TRY(buf_add_str(ret, record ? "{" : "["));
    for (uint32_t i = 0; i < e->n; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ","));
        if (record) {
            TRY(cedar_json_quote(e->names[i], ret));
            TRY(buf_add_str(ret, ":"));
        }
        TRY(expr(e->items[i], ret));
    }
    return buf_add_str(ret, record ? "}" : "]");
}

static err_code pattern(const struct cedar_pattern *pattern, struct buf *ret)
{
    TRY(buf_add_str(ret, "["));
    for (uint32_t i = 0; i < pattern->n; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ","));
        if (pattern->parts[i].star) {
            TRY(buf_add_str(ret, "\"Wildcard\""));
            continue;
        }
        TRY(text_member("Literal", true, pattern->parts[i].text, ret));
        TRY(buf_add_str(ret, "}"));
    }
    return buf_add_str(ret, "]");
}

static err_code has(const struct cedar_expr *e, struct buf *ret)
{
    bool path = e->op == CEDAR_OP_HAS_PATH;

    TRY(expr_member("left", true, path ? e->items[0] : e->of, ret));
    if (!path)
        return text_member("attr", false, e->name, ret);
    TRY(member("attr", false, ret));
    for (uint32_t i = 0; i < e->n; i++) {
        TRY(buf_add_str(ret, i == 0 ? "[" : ","));
        TRY(cedar_json_quote(e->names[i], ret));
    }
    return buf_add_str(ret, "]");
}

static err_code is(const struct cedar_expr *e, struct buf *ret)
{
    TRY(expr_member("left", true, e->of, ret));
    TRY(text_member("entity_type", false, e->name, ret));
    return e->in == NULL ? ERR_OK : expr_member("in", false, e->in, ret);
}

/* The members of the inner object, up to its closing brace. */
static err_code members(enum cedar_est_shape shape, const struct cedar_expr *e, struct buf *ret)
{
    switch (shape) {
    case CEDAR_EST_UNARY:
        return expr_member("arg", true, e->a, ret);
    case CEDAR_EST_BINARY:
        TRY(expr_member("left", true, e->a, ret));
        return expr_member("right", false, e->b, ret);
    case CEDAR_EST_IF:
        TRY(expr_member("if", true, e->a, ret));
        TRY(expr_member("then", false, e->b, ret));
        return expr_member("else", false, e->c, ret);
    case CEDAR_EST_GET:
        TRY(expr_member("left", true, e->of, ret));
        return text_member("attr", false, e->name, ret);
    case CEDAR_EST_HAS:
        return has(e, ret);
    case CEDAR_EST_IS:
        return is(e, ret);
    case CEDAR_EST_LIKE:
        TRY(expr_member("left", true, e->of, ret));
        TRY(member("pattern", false, ret));
        return pattern(e->pattern, ret);
    case CEDAR_EST_NONE:
    case CEDAR_EST_VALUE:
    case CEDAR_EST_WORD:
    case CEDAR_EST_SET:
    case CEDAR_EST_RECORD:
        break;
    }
    return ERR_INTERNAL;
}

static err_code form(const struct cedar_est_form *form, const struct cedar_expr *e, struct buf *ret)
{
    switch ((int)form->shape) {
    case CEDAR_EST_VALUE:
        return cedar_value_json(&e->literal, ret);
    case CEDAR_EST_WORD:
        return cedar_json_quote(slice_str(cedar_var_name(e->var)), ret);
    case CEDAR_EST_SET:
    case CEDAR_EST_RECORD:
        return list(e, ret);
    default:
        TRY(members(form->shape, e, ret));
        return buf_add_str(ret, "}");
    }
}

static err_code expr(const struct cedar_expr *e, struct buf *ret)
{
    const struct cedar_est_form *found = cedar_est_forms;

    if (e->op == CEDAR_OP_SLOT) {
        TRY(text_member("Slot", true, slice_str(cedar_slot_name(e->slot)), ret));
        return buf_add_str(ret, "}");
    }
    if (e->op == CEDAR_OP_CALL) {
        TRY(member(cedar_fn_info(e->fn)->name, true, ret));
        TRY(list(e, ret));
        return buf_add_str(ret, "}");
    }
    while (found->shape != CEDAR_EST_NONE && found->op != e->op)
        found++;
    if (found->shape == CEDAR_EST_NONE)
        return ERR_INTERNAL;
    TRY(member(found->name, true, ret));
    TRY(form(found, e, ret));
    return buf_add_str(ret, "}");
}

/* ---- policies ---- */

static err_code uid(const struct cedar_uid *uid, struct buf *ret)
{
    TRY(text_member("type", true, uid->type, ret));
    TRY(text_member("id", false, uid->id, ret));
    return buf_add_str(ret, "}");
}

static err_code operand(const struct cedar_scope *scope, bool template, bool first, struct buf *ret)
{
    if (!template || scope->slot == CEDAR_NO_SLOT) {
        TRY(member("entity", first, ret));
        return uid(&scope->uid, ret);
    }
    return text_member("slot", first, slice_str(cedar_slot_name(scope->slot)), ret);
}

/* One is written without a list, as the Rust implementation does: it means the same. */
static err_code uid_list(const struct cedar_scope *scope, struct buf *ret)
{
    if (scope->n_list == 1) {
        TRY(member("entity", false, ret));
        return uid(scope->list, ret);
    }
    TRY(member("entities", false, ret));
    TRY(buf_add_str(ret, "["));
    for (uint32_t i = 0; i < scope->n_list; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ","));
        TRY(uid(&scope->list[i], ret));
    }
    return buf_add_str(ret, "]");
}

static err_code scope(const char *name, const struct cedar_scope *scope, bool template,
                      struct buf *ret)
{
    static const char *const OPS[] = {
        [CEDAR_ANY] = "All", [CEDAR_EQ] = "==",    [CEDAR_IN] = "in",
        [CEDAR_IS] = "is",   [CEDAR_IS_IN] = "is", [CEDAR_IN_LIST] = "in"};

    if (scope->match == CEDAR_NEVER)
        return ERR_INTERNAL;
    TRY(member(name, false, ret));
    TRY(text_member("op", true, slice_str(OPS[scope->match]), ret));
    if (scope->match == CEDAR_EQ || scope->match == CEDAR_IN)
        TRY(operand(scope, template, false, ret));
    if (scope->match == CEDAR_IN_LIST)
        TRY(uid_list(scope, ret));
    if (scope->match == CEDAR_IS || scope->match == CEDAR_IS_IN)
        TRY(text_member("entity_type", false, scope->type, ret));
    if (scope->match == CEDAR_IS_IN) {
        TRY(member("in", false, ret));
        TRY(operand(scope, template, true, ret));
        TRY(buf_add_str(ret, "}"));
    }
    return buf_add_str(ret, "}");
}

static err_code annotations(const struct cedar_policy *policy, struct buf *ret)
{
    if (policy->n_annotations == 0)
        return ERR_OK;
    TRY(member("annotations", false, ret));
    for (uint32_t i = 0; i < policy->n_annotations; i++) {
        const struct cedar_annotation *annotation = &policy->annotations[i];

        TRY(buf_add_str(ret, i == 0 ? "{" : ","));
        TRY(cedar_json_quote(annotation->name, ret));
        TRY(buf_add_str(ret, ":"));
        TRY(annotation->has_value ? cedar_json_quote(annotation->value, ret)
                                  : buf_add_str(ret, "null"));
    }
    return buf_add_str(ret, "}");
}

err_code cedar_print_json_policy(const struct cedar_policy *policy, struct buf *ret)
{
    bool template = policy->is_template;

    TRY(text_member("effect", true,
                    slice_str(policy->effect == CEDAR_EFFECT_PERMIT ? "permit" : "forbid"), ret));
    TRY(scope("principal", &policy->principal, template, ret));
    TRY(scope("action", &policy->action, template, ret));
    TRY(scope("resource", &policy->resource, template, ret));
    TRY(member("conditions", false, ret));
    TRY(buf_add_str(ret, "["));
    for (uint32_t i = 0; i < policy->n_conditions; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ","));
        TRY(text_member("kind", true, slice_str(policy->conditions[i].unless ? "unless" : "when"),
                        ret));
        TRY(expr_member("body", false, policy->conditions[i].body, ret));
        TRY(buf_add_str(ret, "}"));
    }
    TRY(buf_add_str(ret, "]"));
    TRY(annotations(policy, ret));
    return buf_add_str(ret, "}");
}

/* ---- a set ---- */

static err_code print_policies(const struct cedar_policies *policies, bool templates,
                               struct buf *ret)
{
    bool first = true;

    TRY(buf_add_str(ret, "{"));
    for (size_t i = 0; i < cedar_count(policies); i++) {
        const struct cedar_policy *policy = cedar_at(policies, i);

        if (policy->template != NULL || policy->is_template != templates)
            continue;
        if (!first)
            TRY(buf_add_str(ret, ","));
        first = false;
        TRY(cedar_json_quote(policy->id, ret));
        TRY(buf_add_str(ret, ":"));
        TRY(cedar_print_json_policy(policy, ret));
    }
    return buf_add_str(ret, "}");
}

static err_code print_link(const struct cedar_policy *link, struct buf *ret)
{
    bool principal = link->principal.slot != CEDAR_NO_SLOT;

    TRY(text_member("templateId", true, link->template->id, ret));
    TRY(text_member("newId", false, link->id, ret));
    TRY(member("values", false, ret));
    if (principal) {
        TRY(member("?principal", true, ret));
        TRY(uid(&link->principal.uid, ret));
    }
    if (link->resource.slot != CEDAR_NO_SLOT) {
        TRY(member("?resource", !principal, ret));
        TRY(uid(&link->resource.uid, ret));
    } else if (!principal) {
        TRY(buf_add_str(ret, "{"));
    }
    return buf_add_str(ret, "}}");
}

err_code cedar_print_json(const struct cedar_policies *policies, struct buf *ret)
{
    bool first = true;

    TRY(member("staticPolicies", true, ret));
    TRY(print_policies(policies, false, ret));
    TRY(member("templates", false, ret));
    TRY(print_policies(policies, true, ret));
    TRY(member("templateLinks", false, ret));
    TRY(buf_add_str(ret, "["));
    for (size_t i = 0; i < cedar_count(policies); i++) {
        if (cedar_at(policies, i)->template == NULL)
            continue;
        if (!first)
            TRY(buf_add_str(ret, ","));
        first = false;
        TRY(print_link(cedar_at(policies, i), ret));
    }
    return buf_add_str(ret, "]}");
}
