/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/explain.h"

#include "gate/policy/term.h"

#include <string.h>

static const char *const OUTCOMES[] = {"out of scope", "not satisfied", "failed", "satisfied"};

/* The line of the text that holds this offset, without white space around it. */
static struct slice line_at(struct slice text, size_t offset)
{
    size_t from = offset, to = offset;

    while (from > 0 && text.ptr[from - 1] != '\n')
        from--;
    while (to < text.len && text.ptr[to] != '\n')
        to++;
    while (from < offset && (text.ptr[from] == ' ' || text.ptr[from] == '\t'))
        from++;
    return slice_part(text, from, to - from);
}

static const char *effect_name(const struct cedar_policy *policy)
{
    return policy->effect == CEDAR_EFFECT_PERMIT ? "permit" : "forbid";
}

/* "builds:3:1: permit team-builds: not satisfied", and the part of the text that decided it. */
static void say_reason(struct call *call, struct slice what, const struct rules *rules,
                       const struct cedar_reason *reason)
{
    struct slice source = cedar_source(rules->policies);
    struct cedar_place place = cedar_place_at(rules->policies, reason->offset);
    char line[160];

    say(call, "%.*s:%u:%u: %s %.*s: %s", TERM_ARG(what), reason->policy->place.line,
        reason->policy->place.column, effect_name(reason->policy), TERM_ARG(reason->policy->name),
        OUTCOMES[reason->outcome]);
    if (reason->outcome == CEDAR_SATISFIED || place.line == 0)
        return;
    cedar_quote(line_at(source, place.offset), line, sizeof line);
    say(call, "    %u:%u: %s", place.line, place.column, line);
    if (reason->outcome == CEDAR_FAILED)
        say(call, "    %s: %s", cedar_fault_text(reason->fault), reason->detail);
}

static void put_reason(json_t *list, struct slice what, const struct rules *rules,
                       const struct cedar_reason *reason)
{
    struct cedar_place place = cedar_place_at(rules->policies, reason->offset);
    json_t *entry = add_object(list);

    put_slice(entry, "from", what);
    put_slice(entry, "policy", reason->policy->name);
    put_text(entry, "effect", effect_name(reason->policy));
    put_text(entry, "outcome", OUTCOMES[reason->outcome]);
    if (reason->outcome == CEDAR_OUT_OF_SCOPE)
        put_text(entry, "variable", cedar_var_name(reason->which));
    if (reason->outcome == CEDAR_NOT_SATISFIED || reason->outcome == CEDAR_FAILED)
        put_uint(entry, "condition", reason->condition);
    if (reason->outcome != CEDAR_SATISFIED && place.line != 0) {
        put_uint(entry, "line", place.line);
        put_uint(entry, "column", place.column);
    }
    if (reason->outcome == CEDAR_FAILED) {
        put_text(entry, "fault", cedar_fault_text(reason->fault));
        put_text(entry, "detail", reason->detail);
    }
}

/* Few policies about something else are shown, where nothing else would be. */
#define SHOWN_OUTSIDE 10

err_code explain(struct call *call, json_t *list, struct slice what, const struct rules *rules,
                 struct question *question)
{
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};
    size_t n_outside = 0;
    bool all;

    TRY(question_explain(question, rules, &explanation, &call->why));
    for (size_t i = 0; i < explanation.n; i++)
        n_outside += explanation.list[i].outcome == CEDAR_OUT_OF_SCOPE;
    all = n_outside == explanation.n && n_outside <= SHOWN_OUTSIDE;
    for (size_t i = 0; i < explanation.n; i++) {
        const struct cedar_reason *reason = &explanation.list[i];
        put_reason(list, what, rules, reason);
        if (all || reason->outcome != CEDAR_OUT_OF_SCOPE)
            say_reason(call, what, rules, reason);
    }
    if (n_outside > 0 && !all)
        say(call, "%.*s: %zu of %zu policies are about something else", TERM_ARG(what), n_outside,
            explanation.n);
    return ERR_OK;
}
