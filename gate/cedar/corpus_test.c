/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus_test.c: the public Cedar conformance tests (cedar-policy/cedar-integration-tests), which
 * are not part of the project.
 *
 *     cedar_corpus [PATH...]
 *
 * A path is a directory or a .tar.gz file. Tests name other files from the root of the corpus; what
 * stands beside a directory that was given, or above it, is found, too. Without a path it is
 * $PAWL_SHARED/cedar, else ../shared/cedar seen from $PAWL_SOURCE.
 *
 * Every test is run from its text, from the JSON of that text, from the text of that JSON, and from
 * the formatted text. Each time the validator's verdict and every decision with its reasons and
 * errors must be the corpus'; the first time the answer of gate mode and the explanation must fit
 * to it, too.
 */
#include "gate/cedar/authorize.h"
#include "gate/cedar/corpus_files_testing.h"
#include "gate/cedar/corpus_implicit_testing.h"
#include "gate/cedar/json.h"
#include "gate/cedar/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIPPED 77
#define SHOWN_MAX 100

enum way { TEXT = 0, JSON, TEXT_OF_JSON, FORMATTED, N_WAYS };
static const char *const WAYS[N_WAYS] = {"text", "JSON", "text of JSON", "formatted"};

/* Tests that the corpus calls invalid for `in` between types that cannot be in each
 * other. Releases of Cedar refused that when the corpus was made; since then it is a warning. */
static const char *const NOW_VALID[] = {
    "0abc1d31e56e407c", "0faf76faec0b9762", "18ffbaf79ff1e361", "36ce0d10182a0d1f",
    "3e13f44e56b14a69", "41400cdb4a0cfe0e", "417c87c2b5d75ee2", "471cc9cfc42b8a7c",
    "4945bd08148a010c", "4bb694343cff0547", "52017e026636c59e", "592507356e7a0960",
    "5ceb8004b259ec50", "902f4b32c1d326a0", "97b685e96cba2c4f", "99cda07a31ccd75a",
    "9b78f4ab718999bb", "adc47c033d91bb5e", "b76dc8fc97f573b6", "c54dbee8ca6742ac",
    "cba8f5b1d3558f93", "d79df9fb9b44cc14", "deae4c073e620d9f", "e00bc91fe981b3d1",
    "edefda397789ceda",
};

struct run {
    struct corpus_files files;
    struct cedar_worker *worker;
    unsigned tests, requests, passed, failed;
};

/* One test, read. */
struct test {
    const char *name;
    struct slice text; /* of the whole test */
    const struct cedar_json *json;
    struct cedar_schema *schema;
    struct cedar_entities *entities;
    struct cedar_policies *ways[N_WAYS];
    bool implicit; /* its JSON needs the schema to be understood */
};

static void test_free(struct test *test)
{
    cedar_schema_free(&test->schema);
    cedar_entities_free(&test->entities);
    for (int way = 0; way < N_WAYS; way++)
        cedar_free(&test->ways[way]);
}

/* Counts one comparison. */
[[gnu::format(printf, 4, 5)]] static bool expect(struct run *run, const struct test *test,
                                                 bool passed, const char *format, ...)
{
    va_list args;

    run->passed += passed;
    run->failed += !passed;
    if (passed || run->failed > SHOWN_MAX)
        return passed;
    printf("FAIL  %s: ", test->name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return false;
}

static bool succeeds(struct run *run, const struct test *test, err_code err, const char *doing,
                     const struct why *why)
{
    return expect(run, test, err == ERR_OK, "%s: %s: %s", doing, err_name(err), why->text);
}

/* ---- reading ---- */

static bool content_of(struct run *run, const struct test *test, const char *member,
                       struct slice *ret)
{
    const struct cedar_json *path = cedar_json_get(test->json, member);
    const struct corpus_file *file = NULL;

    if (path == NULL || path->kind != CEDAR_JSON_STRING)
        return expect(run, test, false, "\"%s\" is missing: the name of a file", member);
    file = corpus_files_find(&run->files, path->text);
    if (file == NULL)
        return expect(run, test, false, "\"%s\": no file \"%.*s\"", member, (int)path->text.len,
                      (const char *)path->text.ptr);
    *ret = buf_slice(&file->content);
    return true;
}

/* The text of a JSON value that begins here. */
static struct slice extent(struct slice text, uint32_t begin)
{
    size_t at = begin, depth = 0;

    do {
        uint8_t c = text.ptr[at];

        if (c == '"')
            for (at++; text.ptr[at] != '"'; at++)
                at += text.ptr[at] == '\\';
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    } while (depth > 0 && at < text.len);
    return slice_part(text, begin, at - begin);
}

static bool read_ways(struct run *run, struct test *test, struct slice text)
{
    CLEANUP(buf_free) struct buf json = {0}, again = {0}, formatted = {0};
    struct why why = {0};

    return succeeds(run, test, cedar_parse(text, &test->ways[TEXT], NULL, &why), "policies",
                    &why) &&
           succeeds(run, test, cedar_print_json(test->ways[TEXT], &json), "to JSON", &why) &&
           succeeds(run, test, cedar_parse_json(buf_slice(&json), &test->ways[JSON], &why),
                    "from JSON", &why) &&
           succeeds(run, test, cedar_print(test->ways[JSON], &again), "to text", &why) &&
           succeeds(run, test,
                    cedar_parse(buf_slice(&again), &test->ways[TEXT_OF_JSON], NULL, &why),
                    "from its text", &why) &&
           succeeds(run, test, cedar_format(text, &formatted, NULL, &why), "format", &why) &&
           succeeds(run, test,
                    cedar_parse(buf_slice(&formatted), &test->ways[FORMATTED], NULL, &why),
                    "formatted", &why);
}

static bool read_test(struct run *run, struct test *test)
{
    CLEANUP(buf_free) struct buf explicit = {0};
    const struct cedar_json *path = cedar_json_get(test->json, "entities");
    struct slice schema, entities, policies;
    struct why why = {0};

    if (!content_of(run, test, "schema", &schema) ||
        !content_of(run, test, "entities", &entities) ||
        !content_of(run, test, "policies", &policies))
        return false;
    if (!succeeds(run, test, cedar_schema_parse(schema, &test->schema, NULL, &why), "schema", &why))
        return false;
    test->implicit = path != NULL && slice_eq_str(slice_part(path->text, 0, 12), "sample-data/");
    if (test->implicit) {
        if (!expect(run, test, corpus_explicit_entities(test->schema, entities, &explicit),
                    "the entities do not fit the schema"))
            return false;
        entities = buf_slice(&explicit);
    }
    return succeeds(run, test, cedar_entities_parse(entities, &test->entities, &why), "entities",
                    &why) &&
           succeeds(run, test, cedar_validate_entities(test->schema, test->entities, &why),
                    "entities and schema", &why) &&
           read_ways(run, test, policies);
}

/* ---- verdicts ---- */

static bool should_validate(const struct test *test)
{
    for (size_t i = 0; i < sizeof NOW_VALID / sizeof *NOW_VALID; i++)
        if (strstr(test->name, NOW_VALID[i]) != NULL)
            return true;
    return cedar_json_get(test->json, "shouldValidate")->truth;
}

static void check_validation(struct run *run, const struct test *test, enum way way)
{
    bool should = should_validate(test);
    struct cedar_findings findings = {0};
    const char *first = "";
    bool valid = true;
    err_code err = cedar_validate(test->schema, test->ways[way], &findings);

    for (size_t i = 0; i < findings.n; i++)
        if (findings.list[i].level == CEDAR_ERROR) {
            first = valid ? findings.list[i].text : first;
            valid = false;
        }
    expect(run, test, err == ERR_OK && valid == should, "%s: the corpus says it is %s, ours %s: %s",
           WAYS[way], should ? "valid" : "not valid", valid ? "valid" : "not valid", first);
    cedar_findings_free(&findings);
}

/* "policy7" is 7. Other ids do not occur. */
static bool same_ids(const struct cedar_json *wanted, const uint32_t *got, size_t n)
{
    if (wanted->n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char id[32];
        bool found = false;

        snprintf(id, sizeof id, "policy%u", (unsigned)got[i]);
        for (uint32_t j = 0; j < wanted->n; j++)
            found = found || slice_eq_str(wanted->items[j].text, id);
        if (!found)
            return false;
    }
    return true;
}

static struct cedar_uid uid_of(const struct cedar_json *json)
{
    const struct cedar_json *inner = cedar_json_get(json, "__entity");

    json = inner != NULL ? inner : json;
    return cedar_uid_of(cedar_json_get(json, "type")->text, cedar_json_get(json, "id")->text);
}

/* In gate mode a failure turns a permit into a denial without reasons; else both modes agree. */
static void check_gate(struct run *run, const struct test *test,
                       const struct cedar_request *request, const struct cedar_json *wanted,
                       const char *what)
{
    struct cedar_answer answer;
    bool failed = cedar_json_get(wanted, "errors")->n > 0;
    bool allow = cedar_json_is(cedar_json_get(wanted, "decision"), "allow");
    err_code err = cedar_authorize(test->ways[TEXT], test->entities, request, CEDAR_MODE_GATE,
                                   run->worker, &answer);
    bool same;

    if (failed && allow)
        same = answer.decision == CEDAR_DENY && answer.n_reasons == 0 && answer.n_errors > 0;
    else
        same = (answer.decision == CEDAR_PERMIT) == allow &&
               same_ids(cedar_json_get(wanted, "reason"), answer.reasons, answer.n_reasons);
    expect(run, test, err == ERR_OK && same, "gate mode: %s", what);
}

static void check_explanation(struct run *run, const struct test *test,
                              const struct cedar_request *request, const struct cedar_json *wanted,
                              const char *what)
{
    const struct cedar_policies *policies = test->ways[TEXT];
    struct cedar_explanation explanation = {0};
    uint32_t permits[64], forbids[64], errors[64];
    size_t n_permits = 0, n_forbids = 0, n_errors = 0;
    err_code err = cedar_explain(policies, test->entities, request, &explanation);
    bool same;

    for (size_t i = 0; i < explanation.n && i < 64; i++) {
        const struct cedar_reason *reason = &explanation.list[i];
        uint32_t at = (uint32_t)(reason->policy - cedar_at(policies, 0));

        if (reason->outcome == CEDAR_FAILED)
            errors[n_errors++] = at;
        else if (reason->outcome != CEDAR_SATISFIED)
            continue;
        else if (reason->policy->effect == CEDAR_EFFECT_PERMIT)
            permits[n_permits++] = at;
        else
            forbids[n_forbids++] = at;
    }
    same = same_ids(cedar_json_get(wanted, "errors"), errors, n_errors) &&
           same_ids(cedar_json_get(wanted, "reason"), n_forbids > 0 ? forbids : permits,
                    n_forbids > 0 ? n_forbids : n_permits);
    expect(run, test, err == ERR_OK && same, "explanation: %s", what);
    cedar_explanation_free(&explanation);
}

static void check_request(struct run *run, const struct test *test, const struct cedar_json *wanted,
                          uint32_t number)
{
    CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL;
    CLEANUP(buf_free) struct buf explicit = {0};
    const struct cedar_json *validate = cedar_json_get(wanted, "validateRequest");
    struct slice context = extent(test->text, cedar_json_get(wanted, "context")->offset);
    struct cedar_request request;
    struct cedar_answer answer;
    struct why why = {0};
    char what[64];

    snprintf(what, sizeof what, "request %u", (unsigned)number);
    run->requests++;
    request.principal = uid_of(cedar_json_get(wanted, "principal"));
    request.action = uid_of(cedar_json_get(wanted, "action"));
    request.resource = uid_of(cedar_json_get(wanted, "resource"));
    if (test->implicit) {
        if (!expect(run, test,
                    corpus_explicit_context(test->schema, &request.action, context, &explicit),
                    "%s: the context does not fit the schema", what))
            return;
        context = buf_slice(&explicit);
    }
    if (!succeeds(run, test, cedar_value_parse(context, &owned, &why), what, &why))
        return;
    request.context = cedar_owned(owned);
    if (validate == NULL || validate->truth)
        succeeds(run, test, cedar_validate_request(test->schema, &request, &why), what, &why);
    for (enum way way = TEXT; way < N_WAYS; way++) {
        err_code err = cedar_authorize(test->ways[way], test->entities, &request, CEDAR_MODE_CEDAR,
                                       run->worker, &answer);
        bool allow = cedar_json_is(cedar_json_get(wanted, "decision"), "allow");

        expect(run, test,
               err == ERR_OK && (answer.decision == CEDAR_PERMIT) == allow &&
                   same_ids(cedar_json_get(wanted, "reason"), answer.reasons, answer.n_reasons) &&
                   same_ids(cedar_json_get(wanted, "errors"), answer.errors, answer.n_errors),
               "%s: %s: the corpus says %s, ours %s for %zu reasons and %zu errors", WAYS[way],
               what, allow ? "allow" : "deny", answer.decision == CEDAR_PERMIT ? "allow" : "deny",
               answer.n_reasons, answer.n_errors);
    }
    check_gate(run, test, &request, wanted, what);
    check_explanation(run, test, &request, wanted, what);
}

static bool is_test(const struct cedar_json *json)
{
    const struct cedar_json *requests = cedar_json_get(json, "requests");
    const struct cedar_json *verdict = cedar_json_get(json, "shouldValidate");

    return requests != NULL && requests->kind == CEDAR_JSON_ARRAY && verdict != NULL &&
           verdict->kind == CEDAR_JSON_BOOL;
}

static void run_test(struct run *run, const struct corpus_file *file)
{
    struct cedar_arena arena = {0};
    CLEANUP(test_free) struct test test = {.name = file->name, .text = buf_slice(&file->content)};
    const struct cedar_json *requests = NULL;
    struct why why = {0};

    if (cedar_json_parse(test.text, &arena, &test.json, &why) != ERR_OK)
        expect(run, &test, false, "%s", why.text);
    else if (!is_test(test.json))
        expect(run, &test, false, "\"requests\" or \"shouldValidate\" is missing");
    else
        requests = cedar_json_get(test.json, "requests");
    if (requests != NULL) {
        run->tests++;
        if (read_test(run, &test)) {
            for (enum way way = TEXT; way < N_WAYS; way++)
                check_validation(run, &test, way);
            for (uint32_t i = 0; i < requests->n; i++)
                check_request(run, &test, &requests->items[i], i);
        }
    }
    cedar_arena_free(&arena);
}

static bool is_test_name(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && strcmp(name + len - 5, ".json") == 0 && strstr(name, ".entities.") == NULL &&
           strstr(name, "sample-data/") == NULL;
}

/* One path with all that its tests name. False: it cannot be read, or is there and has no test. */
static bool run_path(struct run *run, const char *path)
{
    unsigned tests = run->tests;
    bool ok = corpus_files_add(&run->files, path) && corpus_files_beside(&run->files, path);

    for (size_t i = 0; ok && i < run->files.n; i++)
        if (is_test_name(run->files.list[i].name))
            run_test(run, &run->files.list[i]);
    corpus_files_free(&run->files);
    if (ok && run->tests == tests)
        fprintf(stderr, "%s: holds no test\n", path);
    return ok && run->tests > tests;
}

int main(int argc, char **argv)
{
    struct run run = {0};
    const char *shared = getenv("PAWL_SHARED"), *source = getenv("PAWL_SOURCE");
    char path[4096];
    bool ok = true;

    (void)snprintf(path, sizeof path, "%s%s/cedar",
                   shared != NULL   ? shared
                   : source != NULL ? source
                                    : ".",
                   shared != NULL ? "" : "/../shared");
    if (argc < 2 && access(path, R_OK) != 0) {
        fprintf(stderr, "skipped: no corpus at %s (name a PATH, or set PAWL_SHARED)\n", path);
        return SKIPPED;
    }
    if (cedar_worker_make(&run.worker) != ERR_OK)
        return 1;
    if (argc < 2)
        ok = run_path(&run, path);
    for (int i = 1; i < argc; i++)
        ok = run_path(&run, argv[i]) && ok;
    printf("%u tests, %u requests\n%u passed, %u failed\n", run.tests, run.requests, run.passed,
           run.failed);
    cedar_worker_free(&run.worker);
    return ok && run.failed == 0 ? 0 : 1;
}
