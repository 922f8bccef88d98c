/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus_test.c: the public Cedar conformance corpus (cedar-policy/cedar-integration-tests), which
 * is not part of the project: looked for in $PAWL_SHARED/cedar, else in the directory given as
 * argument.
 *
 * Every policy text is Cedar, so none may be refused as CEDAR_SYNTAX. Those without conditions must
 * decide as the corpus says, with its reasons. Of the others the scope is evaluated, which has to
 * hold whenever the corpus says that the policy was satisfied or erred (its condition is looked at
 * only then), and, where the condition is "when { true }", exactly then.
 */
#include "gate/base/file.h"
#include "gate/cedar/lex.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
#define FILE_MAX ((size_t)1 << 20)

struct entry {
    char name[128];
    size_t offset, len; /* in contents */
};

struct corpus {
    struct buf contents;
    struct entry *entries;
    size_t n, cap;
    unsigned texts, plain, with_conditions, annotated;
    unsigned requests, exact, one_way, failures;
};

[[gnu::format(printf, 3, 4)]] static void failure(struct corpus *c, const char *name,
                                                  const char *format, ...)
{
    va_list args;

    c->failures++;
    fprintf(stderr, "%s: ", name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Begins to unpack a gzip file. NULL: no. */
static FILE *gunzip(const char *path, pid_t *ret_pid)
{
    int ends[2];

    if (pipe(ends) != 0)
        return NULL;
    *ret_pid = fork();
    if (*ret_pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("gzip", "gzip", "-dc", "--", path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (*ret_pid < 0) {
        close(ends[0]);
        return NULL;
    }
    return fdopen(ends[0], "rb");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void add_entry(struct corpus *c, const char *name, struct slice content)
{
    if (c->n == c->cap) {
        c->cap = c->cap == 0 ? 1024 : 2 * c->cap;
        c->entries = reallocarray(c->entries, c->cap, sizeof *c->entries);
        if (c->entries == NULL)
            abort();
    }
    snprintf(c->entries[c->n].name, sizeof c->entries[c->n].name, "%s", name);
    c->entries[c->n].offset = c->contents.len;
    c->entries[c->n++].len = content.len;
    if (buf_add_slice(&c->contents, content) != ERR_OK)
        abort();
}

/* POSIX ustar: blocks of 512 bytes; name at 0, size in octal at 124, kind at 156. Schemas are left
 * out. */
static bool untar(struct corpus *c, FILE *tar)
{
    static uint8_t content[FILE_MAX];
    uint8_t header[512];

    while (fread(header, 1, sizeof header, tar) == sizeof header && header[0] != 0) {
        char name[101] = "", octal[12] = "";
        size_t size, padded;

        memcpy(name, header, 100);
        memcpy(octal, header + 124, 11);
        size = strtoul(octal, NULL, 8);
        padded = (size + 511) / 512 * 512;
        if (padded > sizeof content || fread(content, 1, padded, tar) != padded)
            return false;
        if (header[156] == '0' && strstr(name, ".cedarschema") == NULL)
            add_entry(c, name, (struct slice){content, size});
    }
    while (fread(content, 1, sizeof content, tar) > 0)
        ; /* the padding at the end */
    return c->n > 0;
}

static bool unpack(struct corpus *c, const char *path)
{
    pid_t pid = -1;
    FILE *tar = gunzip(path, &pid);
    int status = -1;
    bool ok = tar != NULL && untar(c, tar);

    if (tar != NULL)
        fclose(tar);
    if (pid > 0 && waitpid(pid, &status, 0) != pid)
        return false;
    if (ok)
        qsort(c->entries, c->n, sizeof *c->entries, by_name);
    return ok && status == 0;
}

static struct slice content_of(const struct corpus *c, const struct entry *entry)
{
    return slice_part(buf_slice(&c->contents), entry->offset, entry->len);
}

static struct slice find(const struct corpus *c, const char *name)
{
    struct entry key = {0};
    const struct entry *found;

    snprintf(key.name, sizeof key.name, "%s", name);
    found = bsearch(&key, c->entries, c->n, sizeof *c->entries, by_name);
    return found == NULL ? (struct slice){0} : content_of(c, found);
}

static void json_free(json_t **json)
{
    json_decref(*json);
}

/* The end of the string that begins here, and whether it is a name. */
static size_t string_end(struct slice text, size_t begin, bool *ret_is_name)
{
    size_t end = begin + 1;

    while (end < text.len && text.ptr[end] != '"')
        end += text.ptr[end] == '\\' ? 2 : 1;
    *ret_is_name = end + 1 < text.len && text.ptr[end + 1] == ':';
    return end;
}

/* jansson reads NUL in values but not in names; names with one are of no use here, so they get
 * another character. */
static json_t *read_json(struct slice content)
{
    CLEANUP(buf_free) struct buf text = {0};
    bool is_name = false;

    if (buf_add_slice(&text, content) != ERR_OK)
        abort();
    for (size_t i = 0; i < text.len; i++) {
        size_t end;

        if (text.ptr[i] != '"')
            continue;
        end = string_end(buf_slice(&text), i, &is_name);
        for (; is_name && i + 6 <= end; i += text.ptr[i] == '\\' ? 2 : 1)
            if (memcmp(text.ptr + i, "\\u0000", 6) == 0)
                text.ptr[i + 5] = '1';
        i = end;
    }
    return json_loadb((const char *)text.ptr, text.len, JSON_ALLOW_NUL, NULL);
}

static struct slice json_slice(const json_t *text)
{
    return (struct slice){(const uint8_t *)json_string_value(text), json_string_length(text)};
}

static struct cedar_entity json_entity(const json_t *json)
{
    const json_t *inner = json_object_get(json, "__entity");

    json = inner != NULL ? inner : json;
    return (struct cedar_entity){json_slice(json_object_get(json, "type")),
                                 json_slice(json_object_get(json, "id"))};
}

/* Every parent of every entity as an edge. Owns: the caller frees *ret. */
static size_t edges(const json_t *entities, struct cedar_parent **ret)
{
    struct cedar_parent *list = calloc(CEDAR_PARENTS_MAX, sizeof *list);
    size_t n = 0, i, j;
    json_t *entity, *parent;

    if (list == NULL)
        abort();
    json_array_foreach(entities, i, entity) json_array_foreach(
        json_object_get(entity, "parents"), j, parent) if (n < CEDAR_PARENTS_MAX) list[n++] =
        (struct cedar_parent){json_entity(json_object_get(entity, "uid")), json_entity(parent)};
    *ret = list;
    return n;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Takes out the annotation whose "@" stands at this offset. */
static void cut_annotation(struct buf *text, size_t offset)
{
    struct cedar_lex lex;
    struct cedar_place none;
    struct cedar_token token;
    size_t end;

    if (cedar_lex_start(buf_slice(text), &lex, &none, &none) != ERR_OK)
        abort();
    do
        token = cedar_lex_next(&lex);
    while (token.place.offset < offset);
    token = cedar_lex_next(&lex); /* the name */
    end = token.place.offset + token.text.len;
    token = cedar_lex_next(&lex);
    if (token.kind == CEDAR_T_LPAREN) {
        cedar_lex_next(&lex); /* the string */
        token = cedar_lex_next(&lex);
        end = token.place.offset + token.text.len;
    }
    memset(text->ptr + offset, ' ', end - offset);
}

enum { EXACT, ONE_WAY };

static bool when_true(struct slice tail)
{
    static const char *const WORDS[] = {"when", "{", "true", "}", ";", ""};
    struct cedar_lex lex;
    struct cedar_place none;

    if (cedar_lex_start(tail, &lex, &none, &none) != ERR_OK)
        return false;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (!slice_eq_str(cedar_lex_next(&lex).text, WORDS[i]))
            return false;
    return true;
}

/* Parses, taking out unknown annotations and, of a last policy, its conditions. Counts. */
static struct cedar_policies *take(struct corpus *c, const char *name, struct slice content,
                                   int *ret_how)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct cedar_policies *policies = NULL;
    struct cedar_place where = {0};
    struct why why = {0};
    bool annotated = false;
    err_code err;

    if (buf_add_slice(&text, content) != ERR_OK)
        abort();
    c->texts++;
    *ret_how = EXACT;
    while ((err = cedar_parse(buf_slice(&text), &policies, &where, &why)) == ERR_CEDAR_ANNOTATION) {
        cut_annotation(&text, where.offset);
        annotated = true;
    }
    c->annotated += annotated;
    c->plain += err == ERR_OK;
    if (err == ERR_CEDAR_UNSUPPORTED) {
        struct slice tail = slice_part(buf_slice(&text), where.offset, text.len - where.offset);

        c->with_conditions++;
        *ret_how = when_true(tail) ? EXACT : ONE_WAY;
        buf_cut(&text, where.offset);
        if (buf_add_str(&text, ";") != ERR_OK)
            abort();
        err = cedar_parse(buf_slice(&text), &policies, NULL, &why);
    }
    if (err != ERR_OK)
        failure(c, name, "%s: %s", err_name(err), why.text);
    return policies;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Position of "policy7"; other ids are no use here. */
static size_t position(const json_t *id)
{
    const char *text = json_string_value(id);

    return strncmp(text, "policy", 6) == 0 ? strtoul(text + 6, NULL, 10) : SIZE_MAX;
}

static bool names(const json_t *ids, size_t wanted)
{
    json_t *id;
    size_t i;

    json_array_foreach(ids, i, id) if (position(id) == wanted) return true;
    return false;
}

static void compare(struct corpus *c, const char *name, const json_t *request,
                    const struct cedar_answer *got, int how)
{
    const json_t *reasons = json_object_get(request, "reason");
    const json_t *errors = json_object_get(request, "errors");
    bool allow = slice_eq_str(json_slice(json_object_get(request, "decision")), "allow");
    bool same = true;

    if (how == ONE_WAY) { /* one policy, number 0; got tells whether its scope holds */
        bool must = names(reasons, 0) || names(errors, 0);

        c->one_way += must;
        if (must && got->n_reasons != 1)
            failure(c, name, "the corpus needs the scope of policy0, ours does not hold");
        return;
    }
    c->exact++;
    for (size_t i = 0; i < got->n_reasons; i++)
        same = same && names(reasons, got->reasons[i]);
    if ((got->decision == CEDAR_PERMIT) != allow || got->n_reasons != json_array_size(reasons) ||
        !same)
        failure(c, name, "decision %d by %zu policies, wanted %d by %zu", got->decision,
                got->n_reasons, allow, json_array_size(reasons));
}

static void run(struct corpus *c, const char *name, const json_t *test, struct slice policy_text,
                struct slice entities_text)
{
    static struct cedar_answer answer;
    CLEANUP(json_free)
    json_t *entities = read_json(entities_text);
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    struct cedar_parent *parents = NULL;
    size_t n_parents, i;
    json_t *request;
    int how;

    if (entities == NULL) {
        failure(c, name, "the entities cannot be read");
        return;
    }
    policies = take(c, name, policy_text, &how);
    if (policies == NULL || (how == ONE_WAY && cedar_count(policies) != 1))
        return; /* with several policies the cut took some away */
    n_parents = edges(entities, &parents);
    json_array_foreach(json_object_get(test, "requests"), i, request)
    {
        struct cedar_request r = {
            .principal = json_entity(json_object_get(request, "principal")),
            .action = json_entity(json_object_get(request, "action")),
            .resource = json_entity(json_object_get(request, "resource")),
            .parents = parents,
            .n_parents = n_parents,
        };

        c->requests++;
        if (cedar_evaluate(policies, &r, &answer) != ERR_OK)
            failure(c, name, "request %zu is refused", i);
        else
            compare(c, name, request, &answer, how);
    }
    free(parents);
}

static void generated(struct corpus *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const char *name = c->entries[i].name;
        struct slice test_text = content_of(c, &c->entries[i]);
        size_t stem = strlen(name);
        char other[160];
        struct slice text, entities;

        if (stem < 5 || strcmp(name + stem - 5, ".json") != 0 || strstr(name, ".entities.") != NULL)
            continue;
        stem -= 5;
        CLEANUP(json_free)
        json_t *test = read_json(test_text);
        snprintf(other, sizeof other, "%.*s.cedar", (int)stem, name);
        text = find(c, other);
        snprintf(other, sizeof other, "%.*s.entities.json", (int)stem, name);
        entities = find(c, other);
        if (test == NULL || text.ptr == NULL || entities.ptr == NULL)
            failure(c, name, "a part of this test is missing");
        else
            run(c, name, test, text, entities);
    }
}

static void handwritten(struct corpus *c, const char *dir)
{
    static const char *const TESTS[] = {"decimal/1",
                                        "decimal/2",
                                        "ip/1",
                                        "ip/2",
                                        "ip/3",
                                        "multi/1",
                                        "multi/2",
                                        "multi/3",
                                        "multi/4",
                                        "multi/5",
                                        "example_use_cases/1a",
                                        "example_use_cases/2a",
                                        "example_use_cases/2b",
                                        "example_use_cases/2c",
                                        "example_use_cases/3a",
                                        "example_use_cases/3b",
                                        "example_use_cases/3c",
                                        "example_use_cases/4a",
                                        "example_use_cases/4d",
                                        "example_use_cases/4e",
                                        "example_use_cases/4f",
                                        "example_use_cases/5b"};

    for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS; i++) {
        CLEANUP(buf_free) struct buf test_text = {0};
        CLEANUP(buf_free) struct buf policies = {0};
        CLEANUP(buf_free) struct buf entities = {0};
        CLEANUP(json_free) json_t *test = NULL;
        char path[4096];

        snprintf(path, sizeof path, "%s/tests/%s.json", dir, TESTS[i]);
        if (file_read(path, FILE_MAX, &test_text, NULL) == ERR_OK)
            test = read_json(buf_slice(&test_text));
        snprintf(path, sizeof path, "%s/%s", dir,
                 json_string_value(json_object_get(test, "policies")));
        if (test == NULL || file_read(path, FILE_MAX, &policies, NULL) != ERR_OK)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir,
                 json_string_value(json_object_get(test, "entities")));
        if (file_read(path, FILE_MAX, &entities, NULL) == ERR_OK)
            run(c, TESTS[i], test, buf_slice(&policies), buf_slice(&entities));
    }
}

int main(int argc, char **argv)
{
    const char *shared = getenv("PAWL_SHARED");
    struct corpus c = {0};
    char dir[2048], path[2200];

    if (shared == NULL)
        shared = argc > 1 ? argv[1] : ".";
    snprintf(dir, sizeof dir, "%s/cedar", shared);
    snprintf(path, sizeof path, "%s/corpus-tests.tar.gz", dir);
    if (!file_exists(path)) {
        printf("skipped: no Cedar corpus at %s (set PAWL_SHARED)\n", path);
        return SKIPPED;
    }
    if (!unpack(&c, path)) {
        fprintf(stderr, "cannot unpack %s\n", path);
        return 1;
    }
    generated(&c);
    handwritten(&c, dir);
    printf("%u texts: %u plain, %u with conditions; %u of them with annotations\n"
           "%u requests: %u compared exactly, %u by their scope; %u failures\n",
           c.texts, c.plain, c.with_conditions, c.annotated, c.requests, c.exact, c.one_way,
           c.failures);
    if (c.texts != c.plain + c.with_conditions || c.plain == 0 || c.exact == 0 || c.one_way == 0) {
        fprintf(stderr, "the counts do not add up\n");
        c.failures++;
    }
    buf_free(&c.contents);
    free(c.entries);
    return c.failures == 0 ? 0 : 1;
}
