/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct slice text_of(const char *text, const char *otherwise)
{
    return slice_str(text != NULL ? text : otherwise);
}

static void must(err_code err, const struct why *why, const char *text)
{
    if (err != ERR_OK)
        fail_msg("%s: %s: %.200s", err_name(err), why->text, text == NULL ? "" : text);
}

static struct cedar_uid uid_of(const char *name, const char *otherwise)
{
    struct slice s = text_of(name, otherwise);
    size_t colons = s.len - 2;

    while (colons > 0 && memcmp(s.ptr + colons, "::", 2) != 0)
        colons--;
    return cedar_uid_of(slice_part(s, 0, colons), slice_part(s, colons + 2, s.len - colons - 2));
}

/* One for all worlds: it is large, and each decision finds it as the last one must leave it. */
static struct cedar_worker *shared;

void world_open(struct world *ret, const struct world_texts *texts)
{
    struct why why = {0};

    *ret = (struct world){0};
    must(cedar_parse(text_of(texts->policies, ""), &ret->policies, NULL, &why), &why,
         texts->policies);
    must(cedar_entities_parse(text_of(texts->entities, "[]"), &ret->entities, &why), &why,
         texts->entities);
    must(cedar_value_parse(text_of(texts->context, "{}"), &ret->context, &why), &why,
         texts->context);
    if (shared == NULL)
        must(cedar_worker_make(&shared), &why, "worker");
    ret->worker = shared;
    ret->request = (struct cedar_request){
        uid_of(texts->principal, "User::alice"), uid_of(texts->action, "Action::view"),
        uid_of(texts->resource, "Doc::readme"), cedar_owned(ret->context)};
}

void world_close(struct world *world)
{
    cedar_free(&world->policies);
    cedar_entities_free(&world->entities);
    cedar_owned_free(&world->context);
}

static void add(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *line, const char *format, ...)
{
    size_t len = strlen(line);
    va_list args;

    va_start(args, format);
    vsnprintf(line + len, WORLD_LINE - len, format, args);
    va_end(args);
}

void world_decide(struct world *world, enum cedar_mode mode, char ret[static WORLD_LINE])
{
    struct cedar_answer answer;
    err_code err = cedar_authorize(world->policies, world->entities, &world->request, mode,
                                   world->worker, &answer);

    if (err != ERR_OK) {
        assert_int_equal(answer.decision, CEDAR_DENY);
        assert_int_equal(answer.n_reasons, 0);
        snprintf(ret, WORLD_LINE, "%s", err_name(err));
        return;
    }
    snprintf(ret, WORLD_LINE, "%s", answer.decision == CEDAR_PERMIT ? "permit" : "deny");
    for (size_t i = 0; i < answer.n_reasons; i++)
        add(ret, " %u", answer.reasons[i]);
    if (answer.n_errors > 0)
        add(ret, " errors");
    for (size_t i = 0; i < answer.n_errors; i++)
        add(ret, " %u", answer.errors[i]);
}

static void add_all(const struct world *world, const struct cedar_explanation *explanation,
                    enum cedar_effect effect, char *ret)
{
    size_t at = 0;

    for (size_t i = 0; i < cedar_count(world->policies); i++) {
        const struct cedar_policy *policy = cedar_at(world->policies, i);

        if (policy->is_template)
            continue;
        assert_ptr_equal(explanation->list[at].policy, policy);
        if (explanation->list[at++].outcome == CEDAR_SATISFIED && policy->effect == effect)
            add(ret, " %zu", i);
    }
    assert_int_equal(at, explanation->n);
}

void world_explain(struct world *world, char ret[static WORLD_LINE])
{
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};
    err_code err = cedar_explain(world->policies, world->entities, &world->request, &explanation);
    size_t at = 0;
    bool first = true;

    if (err != ERR_OK) {
        snprintf(ret, WORLD_LINE, "%s", err_name(err));
        return;
    }
    snprintf(ret, WORLD_LINE, "deny");
    add_all(world, &explanation, CEDAR_EFFECT_FORBID, ret);
    if (strlen(ret) == 4) {
        snprintf(ret, WORLD_LINE, "permit");
        add_all(world, &explanation, CEDAR_EFFECT_PERMIT, ret);
        if (strlen(ret) == 6)
            snprintf(ret, WORLD_LINE, "deny");
    }
    for (size_t i = 0; i < cedar_count(world->policies); i++) {
        if (cedar_at(world->policies, i)->is_template)
            continue;
        if (explanation.list[at++].outcome != CEDAR_FAILED)
            continue;
        add(ret, first ? " errors %zu" : " %zu", i);
        first = false;
    }
}
