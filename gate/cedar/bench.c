/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c: how long a decision takes, and how much more with more policies; beside Cedar's own
 * implementation if its program is named (test-env/interop/cedar).
 *
 *     cedar_bench [--quick] [PEER]        JSON lines
 *     cedar_bench --decide NUMBER COUNT   COUNT decisions over NUMBER policies and nothing else
 *
 * Both decide the same requests with policies, entities and requests read before; they take turns
 * within one run, and the median counts. Decisions are those of Cedar, not of gate mode.
 */
#include "gate/cedar/authorize.h"

#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS 16
#define ROUNDS_MAX 31
#define BROAD 10 /* every tenth policy has a scope that fits every request */

extern char **environ;

struct peer {
    pid_t pid;
    FILE *to, *from;
};

struct scene {
    char *text, *entities, *contexts[REQUESTS];
    char principals[REQUESTS][16], resources[REQUESTS][16];
    struct cedar_policies *policies;
    struct cedar_entities *store;
    struct cedar_owned_value *owned[REQUESTS];
    struct cedar_request requests[REQUESTS];
    struct cedar_worker *worker;
};

static struct {
    unsigned rounds, ms;
} bench = {15, 20};

[[gnu::noreturn]] static void give_up(const char *what, const struct why *why)
{
    (void)fprintf(stderr, "cedar_bench: %s: %s\n", what, why == NULL ? "failed" : why->text);
    exit(1);
}

static void must(err_code err, const struct why *why, const char *what)
{
    if (err != ERR_OK)
        give_up(what, why);
}

static void print(const char *metric, double value, const char *unit)
{
    (void)printf("{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}\n", metric, value, unit);
    (void)fflush(stdout);
}

static double now_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y ? 1 : 0;
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

/* ---- what is decided ---- */

[[gnu::format(printf, 2, 3)]] static void add(struct buf *buf, const char *format, ...)
{
    char part[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(part, sizeof part, format, args);
    va_end(args);
    must(buf_add_str(buf, part), NULL, "memory");
}

/* distinct: every policy has a scope of its own, as where each is for one user and one thing;
 * otherwise groups, folders and a tenth that looks at every request. */
static void write_policies(struct buf *buf, unsigned n, bool distinct)
{
    for (unsigned i = 0; i < n; i++) {
        if (distinct)
            add(buf,
                "permit (principal == User::\"u%u\", action == Action::\"read\","
                " resource == Doc::\"d%u\") when { context.mfa && context.risk < 5 };\n",
                i, i);
        else if (i % BROAD == BROAD - 1)
            add(buf,
                "forbid (principal, action, resource is Doc) when { context.risk > %u"
                " && !(principal.clearance >= resource.level) };\n",
                20 + i);
        else
            add(buf,
                "permit (principal in Group::\"g%u\", action in [Action::\"read\","
                " Action::\"list\"], resource in Folder::\"f%u\")\n"
                "when { context.mfa && principal.clearance >= resource.level }\n"
                "unless { resource.tags.contains(\"secret\")"
                " && context.from.isInRange(ip(\"10.0.0.0/8\")) };\n",
                i % 16, i);
    }
}

static void write_entities(struct buf *buf)
{
    add(buf, "[");
    for (unsigned i = 0; i < REQUESTS; i++) {
        add(buf,
            "%s{\"uid\": {\"type\": \"User\", \"id\": \"u%u\"}, \"attrs\": {\"clearance\": %u},"
            " \"parents\": [{\"type\": \"Group\", \"id\": \"g%u\"}]},",
            i == 0 ? "" : ",", i, i % 5, i);
        add(buf,
            "{\"uid\": {\"type\": \"Doc\", \"id\": \"d%u\"}, \"attrs\": {\"level\": %u,"
            " \"tags\": [\"a\", \"b\"%s]}, \"parents\": [{\"type\": \"Folder\", \"id\": \"f%u\"}]}",
            i, i % 4, i % 3 == 0 ? ", \"secret\"" : "", i);
    }
    add(buf, "]");
}

static void scene_make(struct scene *scene, unsigned n, bool distinct)
{
    struct buf text = {0}, entities = {0};
    struct why why = {0};

    *scene = (struct scene){0};
    write_policies(&text, n, distinct);
    write_entities(&entities);
    must(buf_terminate(&text), NULL, "memory");
    must(buf_terminate(&entities), NULL, "memory");
    scene->text = (char *)text.ptr;
    scene->entities = (char *)entities.ptr;
    must(cedar_parse(slice_str(scene->text), &scene->policies, NULL, &why), &why, "policies");
    must(cedar_entities_parse(slice_str(scene->entities), &scene->store, &why), &why, "entities");
    must(cedar_worker_make(&scene->worker), NULL, "memory");
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct cedar_request *request = &scene->requests[i];

        (void)snprintf(scene->principals[i], sizeof scene->principals[i], "u%u", i);
        (void)snprintf(scene->resources[i], sizeof scene->resources[i], "d%u", i);
        if (asprintf(&scene->contexts[i],
                     "{\"mfa\": %s, \"risk\": %u, \"from\":"
                     " {\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.1.2.%u\"}}}",
                     i % 4 == 3 ? "false" : "true", i % 7, i) < 0)
            give_up("memory", NULL);
        must(cedar_value_parse(slice_str(scene->contexts[i]), &scene->owned[i], &why), &why,
             "context");
        request->principal = cedar_uid_of(slice_str("User"), slice_str(scene->principals[i]));
        request->action = cedar_uid_of(slice_str("Action"), slice_str("read"));
        request->resource = cedar_uid_of(slice_str("Doc"), slice_str(scene->resources[i]));
        request->context = cedar_owned(scene->owned[i]);
    }
}

static void scene_free(struct scene *scene)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        cedar_owned_free(&scene->owned[i]);
        free(scene->contexts[i]);
    }
    cedar_worker_free(&scene->worker);
    cedar_entities_free(&scene->store);
    cedar_free(&scene->policies);
    free(scene->text);
    free(scene->entities);
}

/* How many of the requests are allowed. */
static unsigned decide(const struct scene *scene)
{
    unsigned allowed = 0;

    for (unsigned i = 0; i < REQUESTS; i++) {
        struct cedar_answer answer;

        must(cedar_authorize(scene->policies, scene->store, &scene->requests[i], CEDAR_MODE_CEDAR,
                             scene->worker, &answer),
             NULL, "decision");
        allowed += answer.decision == CEDAR_PERMIT;
    }
    return allowed;
}

/* Nanoseconds of one decision. */
static double time_decide(const struct scene *scene)
{
    double from = now_ns(), end = from + bench.ms * 1e6, now;
    size_t done = 0;

    do {
        (void)decide(scene);
        done += REQUESTS;
        now = now_ns();
    } while (now < end);
    return (now - from) / (double)done;
}

static double time_parse(const struct scene *scene)
{
    double from = now_ns(), end = from + bench.ms * 1e6, now;
    size_t done = 0;

    do {
        struct cedar_policies *policies = NULL;

        must(cedar_parse(slice_str(scene->text), &policies, NULL, NULL), NULL, "policies");
        cedar_free(&policies);
        done++;
        now = now_ns();
    } while (now < end);
    return (now - from) / (double)done;
}

/* ---- the peer ---- */

static void peer_start(struct peer *peer, const char *path)
{
    char verb[] = "bench", *arguments[] = {(char *)(uintptr_t)path, verb, NULL};
    posix_spawn_file_actions_t actions;
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        give_up("pipe", NULL);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    if (posix_spawn(&peer->pid, path, &actions, NULL, arguments, environ) != 0)
        give_up(path, NULL);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(to[0]);
    (void)close(from[1]);
    peer->to = fdopen(to[1], "w");
    peer->from = fdopen(from[0], "r");
}

static void peer_stop(struct peer *peer)
{
    (void)fclose(peer->to);
    (void)fclose(peer->from);
    (void)waitpid(peer->pid, NULL, 0);
}

static double peer_ask(struct peer *peer, const char *line)
{
    char answer[64] = "";

    if (fprintf(peer->to, "%s\n", line) < 0 || fflush(peer->to) != 0 ||
        fgets(answer, sizeof answer, peer->from) == NULL)
        give_up("the other program does not answer", NULL);
    return strtod(answer, NULL);
}

/* Gives the scene to the peer, which must allow as many of the requests. */
static void peer_load(struct peer *peer, const struct scene *scene)
{
    json_t *requests = json_array(), *all;
    char *line;

    for (unsigned i = 0; i < REQUESTS; i++)
        (void)json_array_append_new(
            requests, json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}, s:s}", "principal",
                                "type", "User", "id", scene->principals[i], "action", "type",
                                "Action", "id", "read", "resource", "type", "Doc", "id",
                                scene->resources[i], "context", scene->contexts[i]));
    all = json_pack("{s:s, s:s, s:o}", "policies", scene->text, "entities", scene->entities,
                    "requests", requests);
    line = json_dumps(all, JSON_COMPACT);
    if (line == NULL || peer_ask(peer, line) != decide(scene))
        give_up("the two programs do not decide the same", NULL);
    free(line);
    json_decref(all);
}

/* ---- figures ---- */

static void bench_size(unsigned n, struct peer *peer)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], own;
    char metric[64], question[32];
    struct scene scene;

    scene_make(&scene, n, false);
    if (peer != NULL)
        peer_load(peer, &scene);
    (void)snprintf(question, sizeof question, "decide %u", bench.ms);
    for (unsigned round = 0; round < bench.rounds; round++) {
        ours[round] = time_decide(&scene);
        if (peer != NULL)
            theirs[round] = peer_ask(peer, question);
    }
    own = median(ours, bench.rounds);
    (void)snprintf(metric, sizeof metric, "cedar_decision_%u", n);
    print(metric, own, "ns");
    if (peer != NULL) {
        (void)snprintf(metric, sizeof metric, "cedar_rust_decision_%u", n);
        print(metric, median(theirs, bench.rounds), "ns");
        (void)snprintf(metric, sizeof metric, "cedar_over_rust_%u", n);
        print(metric, median(theirs, bench.rounds) / own, "ratio");
    }
    scene_free(&scene);
}

static void bench_growth(void)
{
    double few[ROUNDS_MAX], many[ROUNDS_MAX];
    struct scene small, large;

    scene_make(&small, 10, true);
    scene_make(&large, 10000, true);
    for (unsigned round = 0; round < bench.rounds; round++) {
        few[round] = time_decide(&small);
        many[round] = time_decide(&large);
    }
    print("cedar_growth", median(many, bench.rounds) / median(few, bench.rounds), "ratio");
    scene_free(&small);
    scene_free(&large);
}

static void bench_parse(struct peer *peer)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], mib;
    struct cedar_policies *policies = NULL;
    struct mallinfo2 before, after;
    char question[32];
    struct scene scene;

    scene_make(&scene, 1000, false);
    if (peer != NULL)
        peer_load(peer, &scene);
    mib = (double)strlen(scene.text) / (1 << 20);
    (void)snprintf(question, sizeof question, "parse %u", bench.ms);
    for (unsigned round = 0; round < bench.rounds; round++) {
        ours[round] = time_parse(&scene);
        if (peer != NULL)
            theirs[round] = peer_ask(peer, question);
    }
    print("cedar_parse_mib_s", mib / (median(ours, bench.rounds) / 1e9), "MiB/s");
    if (peer != NULL)
        print("cedar_rust_parse_mib_s", mib / (median(theirs, bench.rounds) / 1e9), "MiB/s");
    before = mallinfo2();
    must(cedar_parse(slice_str(scene.text), &policies, NULL, NULL), NULL, "policies");
    after = mallinfo2();
    print("cedar_bytes_per_policy",
          (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / 1000, "B");
    cedar_free(&policies);
    scene_free(&scene);
}

static int only_decide(const char *number, const char *count)
{
    unsigned long rounds = strtoul(count, NULL, 10) / REQUESTS;
    struct scene scene;

    scene_make(&scene, (unsigned)strtoul(number, NULL, 10), false);
    while (rounds-- > 0)
        (void)decide(&scene);
    scene_free(&scene);
    return 0;
}

int main(int argc, char **argv)
{
    struct peer peer = {0};
    bool with_peer = false;

    if (argc == 4 && strcmp(argv[1], "--decide") == 0)
        return only_decide(argv[2], argv[3]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            bench.rounds = 3;
            bench.ms = 1;
        } else {
            peer_start(&peer, argv[i]);
            with_peer = true;
        }
    }
    bench_size(1, with_peer ? &peer : NULL);
    bench_size(10, with_peer ? &peer : NULL);
    bench_size(100, with_peer ? &peer : NULL);
    bench_size(1000, with_peer ? &peer : NULL);
    bench_growth();
    bench_parse(with_peer ? &peer : NULL);
    if (with_peer)
        peer_stop(&peer);
    return 0;
}
