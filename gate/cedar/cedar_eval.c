/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cedar_eval.c: the evaluator as a filter, for comparing it with other implementations; for tests
 * only. Each line of standard input is a JSON object {"policies": text, "parents": [[entity,
 * entity]...], "requests": [{"principal", "action", "resource"}...]}, an entity being {"type",
 * "id"}. Each line of standard output answers one: {"ok": true, "answers": [{"decision",
 * "reason"}...]}, with policies named by position as Cedar does, or {"ok": false, "error", "line",
 * "column", "text"}.
 */
#include "gate/cedar/cedar.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void json_free(json_t **json)
{
    json_decref(*json);
}

static struct slice json_slice(const json_t *text)
{
    if (!json_is_string(text))
        return (struct slice){0};
    return (struct slice){(const uint8_t *)json_string_value(text), json_string_length(text)};
}

static struct cedar_entity json_entity(const json_t *json)
{
    return (struct cedar_entity){json_slice(json_object_get(json, "type")),
                                 json_slice(json_object_get(json, "id"))};
}

static json_t *answer_of(const struct cedar_policies *policies, const struct cedar_request *request)
{
    static struct cedar_answer answer;
    json_t *reasons = json_array();
    err_code err = cedar_evaluate(policies, request, &answer);
    char id[32];

    if (err != ERR_OK)
        return json_pack("{s:s, s:o}", "decision", err_name(err), "reason", reasons);
    for (size_t i = 0; i < answer.n_reasons; i++) {
        snprintf(id, sizeof id, "policy%u", answer.reasons[i]);
        json_array_append_new(reasons, json_string(id));
    }
    return json_pack("{s:s, s:o}", "decision", answer.decision == CEDAR_PERMIT ? "allow" : "deny",
                     "reason", reasons);
}

static json_t *answers_of(const struct cedar_policies *policies, const json_t *input)
{
    static struct cedar_parent parents[CEDAR_PARENTS_MAX];
    json_t *answers = json_array(), *item;
    struct cedar_request request = {.parents = parents};
    size_t i;

    json_array_foreach(json_object_get(input, "parents"), i,
                       item) if (request.n_parents < CEDAR_PARENTS_MAX)
        parents[request.n_parents++] = (struct cedar_parent){json_entity(json_array_get(item, 0)),
                                                             json_entity(json_array_get(item, 1))};
    json_array_foreach(json_object_get(input, "requests"), i, item)
    {
        request.principal = json_entity(json_object_get(item, "principal"));
        request.action = json_entity(json_object_get(item, "action"));
        request.resource = json_entity(json_object_get(item, "resource"));
        json_array_append_new(answers, answer_of(policies, &request));
    }
    return json_pack("{s:b, s:o}", "ok", true, "answers", answers);
}

static json_t *output_of(const json_t *input)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    struct cedar_place where = {0};
    struct why why = {0};
    err_code err =
        cedar_parse(json_slice(json_object_get(input, "policies")), &policies, &where, &why);

    if (err != ERR_OK)
        return json_pack("{s:b, s:s, s:i, s:i, s:s}", "ok", false, "error", err_name(err), "line",
                         (int)where.line, "column", (int)where.column, "text", why.text);
    return answers_of(policies, input);
}

int main(void)
{
    CLEANUP(json_free) json_t *input = NULL;
    json_error_t error;

    while ((input = json_loadf(stdin, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error)) != NULL) {
        CLEANUP(json_free) json_t *output = output_of(input);

        if (output == NULL || json_dumpf(output, stdout, JSON_COMPACT) != 0)
            return 1;
        putchar('\n');
        json_decref(input);
    }
    if (json_error_code(&error) != json_error_premature_end_of_input) {
        fprintf(stderr, "cedar_eval: %s\n", error.text);
        return 1;
    }
    return 0;
}
