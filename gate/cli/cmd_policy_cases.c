/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_cases.c: pawl policy test: do the policies decide as their author expects? */
#include "gate/cli/explain.h"
#include "gate/cli/policy_cases.h"
#include "gate/cli/verbs.h"
#include "gate/policy/term.h"

#include <string.h>

static const struct opt OPTIONS[] = {
    {"explain", 0, OPT_FLAG, NULL, "explain every case, not just those that fail"},
    {0},
};

struct tally {
    unsigned passed, failed;
};

/* What a case came to. */
struct outcome {
    bool permit;
    err_code error; /* OK: a decision by policies */
    struct why why; /* of the error */
    const struct cedar_policies *policies;
    struct cedar_answer answer;
};

static struct outcome ask(const struct policy_case *one)
{
    struct outcome out = {.policies = one->rules->policies};

    out.error = question_ask(one->question, one->rules, &out.answer, &out.why);
    if (out.error == ERR_OK && out.answer.n_errors > 0)
        out.error = ERR_EVALUATION;
    out.permit = out.error == ERR_OK && out.answer.decision == CEDAR_PERMIT;
    return out;
}

static bool reason_named(const struct outcome *out, const char *name)
{
    for (size_t i = 0; i < out->answer.n_reasons; i++)
        if (slice_eq_str(cedar_at(out->policies, out->answer.reasons[i])->name, name))
            return true;
    return false;
}

/* The same policies, each named once. */
static bool reasons_fit(const struct policy_case *one, const struct outcome *out)
{
    if (one->reason == NULL)
        return true;
    for (size_t i = 0; i < json_array_size(one->reason); i++)
        if (!reason_named(out, json_string_value(json_array_get(one->reason, i))))
            return false;
    return json_array_size(one->reason) == out->answer.n_reasons;
}

/* Who expects a denial expects one by policies, unless the case names the error: else policies that
 * always fail would pass. */
static bool error_fits(const struct policy_case *one, const struct outcome *out)
{
    return one->error == NULL ? out->error == ERR_OK
                              : strcmp(one->error, err_name(out->error)) == 0;
}

/* "deny (EVALUATION)", "permit: policy0, no-curl" */
static err_code describe(const struct outcome *out, struct buf *ret)
{
    TRY(buf_add_str(ret, out->permit ? "permit" : "deny"));
    if (out->error != ERR_OK) {
        TRY(buf_add_str(ret, " ("));
        TRY(buf_add_str(ret, err_name(out->error)));
        TRY(buf_add_str(ret, ")"));
    }
    for (size_t i = 0; i < out->answer.n_reasons; i++) {
        TRY(buf_add_str(ret, i == 0 ? ": " : ", "));
        TRY(buf_add_slice(ret, cedar_at(out->policies, out->answer.reasons[i])->name));
    }
    return ERR_OK;
}

static err_code describe_wanted(const struct policy_case *one, struct buf *ret)
{
    TRY(buf_add_str(ret, one->permit ? "permit" : "deny"));
    if (one->error != NULL) {
        TRY(buf_add_str(ret, " ("));
        TRY(buf_add_str(ret, one->error));
        TRY(buf_add_str(ret, ")"));
    }
    for (size_t i = 0; i < json_array_size(one->reason); i++) {
        TRY(buf_add_str(ret, i == 0 ? ": " : ", "));
        TRY(buf_add_str(ret, json_string_value(json_array_get(one->reason, i))));
    }
    return ERR_OK;
}

static err_code report(struct call *call, const struct policy_case *one, const struct outcome *out,
                       bool passed, json_t *entry)
{
    CLEANUP(buf_free) struct buf found = {0}, wanted = {0};

    TRY(describe(out, &found));
    TRY(describe_wanted(one, &wanted));
    put_text(entry, "name", one->name);
    put_bool(entry, "passed", passed);
    put_slice(entry, "found", buf_slice(&found));
    put_slice(entry, "expected", buf_slice(&wanted));
    if (passed) {
        say(call, "ok      %s", one->name);
        return ERR_OK;
    }
    say(call, "FAILED  %s", one->name);
    say(call, "        found    %.*s", TERM_ARG(buf_slice(&found)));
    say(call, "        expected %.*s", TERM_ARG(buf_slice(&wanted)));
    if (out->why.text[0] != '\0')
        say(call, "        %s", out->why.text);
    return ERR_OK;
}

static err_code run_case(struct call *call, const struct policy_cases *cases, size_t i,
                         json_t *list, struct tally *tally)
{
    CLEANUP(policy_case_done) struct policy_case one = {0};
    err_code err = policy_case_make(cases, i, &one, &call->why);
    struct outcome out;
    json_t *entry;
    bool passed;

    TRY(err);
    out = ask(&one);
    passed = out.permit == one.permit && reasons_fit(&one, &out) && error_fits(&one, &out);
    tally->passed += passed;
    tally->failed += !passed;
    entry = add_object(list);
    TRY(report(call, &one, &out, passed, entry));
    if ((passed && !args_flag(call->args, "explain")) ||
        (out.error != ERR_OK && out.error != ERR_EVALUATION))
        return ERR_OK;
    return explain(call, put_array(entry, "explanation"), slice_str(one.name), one.rules,
                   one.question);
}

static err_code run(struct call *call)
{
    json_t *list = put_array(call->json, "cases");
    struct tally tally = {0};

    for (size_t f = 0; f < call->args->n_plain; f++) {
        CLEANUP(policy_cases_free) struct policy_cases *cases = NULL;
        TRY(policy_cases_open(call->args->plain[f], &cases, &call->why));
        for (size_t i = 0; i < policy_cases_count(cases); i++)
            TRY(in_file(call, run_case(call, cases, i, list, &tally), call->args->plain[f]));
    }
    put_uint(call->json, "passed", tally.passed);
    put_uint(call->json, "failed", tally.failed);
    say(call, "%u passed, %u failed", tally.passed, tally.failed);
    if (tally.failed > 0) {
        put_text(call->json, "reason", err_name(ERR_TEST_FAILED));
        call->exit = err_exit(ERR_TEST_FAILED);
    }
    return ERR_OK;
}

const struct verb VERB_POLICY_TEST = {
    .name = "policy test",
    .arguments = "FILE.json...",
    .summary = "ask policies what they decide, and compare with what is expected",
    .details = "What a file of tests holds is said in pawl-policy(1). Nothing is recorded, and no "
               "hardware is\nasked. Exit code 4 when a case fails.",
    .opts = OPTIONS,
    .least = 1,
    .most = ARGS_MAX,
    .run = run,
};
