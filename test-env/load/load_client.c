/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_client.c: many clients of a served gate in one thread: each has a connection of its own that
 * stays, and asks again once it was answered. Prints one JSON object: how many answers, of which
 * kind, how fast; and keeps what it was given, for who audits the ledger afterwards.
 *
 *     load_client --socket PATH [--clients N] [--seconds S] [--requests N] [--resource TYPE::ID]...
 *                 [--agent ID]... [--action NAME] [--class CLASS] [--deadline MS] [--key PREFIX]
 *                 [--keep FILE] [--patience S]
 *
 * It ends after S seconds (default 10, with --requests: none) or N answers, or at SIGTERM or
 * SIGINT; who waits then still gets his answer, for --patience seconds at most (default 60). A
 * connection that ends is made again, also while nobody listens, and its request is sent again,
 * with --key under the same Idempotency-Key. --keep writes one JSON object a line for every answer
 * that is on record: client, decision, epoch, index, asked_ns and answered_ns (CLOCK_MONOTONIC),
 * resource, key, id, permit (base64), as soon as it came.
 */
#include "test-env/load/load.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CLIENTS_MAX 100000u

static int by_size(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double quantile_ms(const struct load *load, double part)
{
    return load->n_micros == 0
               ? 0
               : load->micros[(size_t)(part * (double)(load->n_micros - 1))] / 1000.0;
}

static void print(struct load *load)
{
    double seconds = (double)(load->last_ns - load->begin_ns) / 1e9;
    json_t *out;

    if (load->n_micros > 0)
        qsort(load->micros, load->n_micros, sizeof *load->micros, by_size);
    out = json_pack("{s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:f, s:f, s:f, s:f}",
                    "clients", (json_int_t)load->options.clients, "seconds", seconds, "answers",
                    (json_int_t)load->answers, "permits", (json_int_t)load->permits, "denials",
                    (json_int_t)load->denials, "refused", (json_int_t)load->refused, "lost",
                    (json_int_t)load->lost, "unanswered", (json_int_t)load->waiting, "reasons",
                    load->reasons, "statuses", load->statuses, "p50_ms", quantile_ms(load, 0.5),
                    "p99_ms", quantile_ms(load, 0.99), "max_ms", quantile_ms(load, 1),
                    "permits_per_second", seconds > 0 ? (double)load->permits / seconds : 0);
    if (json_dumpf(load_must(out), stdout, JSON_REAL_PRECISION(6)) != 0 || printf("\n") < 0)
        load_die("standard output");
    json_decref(out);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != 0 || value == 0 || value > max) {
        (void)fprintf(stderr, "load_client: not a number from 1 to %" PRIu64 ": %s\n", max, text);
        exit(2);
    }
    return value;
}

static double real(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != 0 || !(value > 0 && value < 1e6)) {
        (void)fprintf(stderr, "load_client: not a number of seconds: %s\n", text);
        exit(2);
    }
    return value;
}

static void add_name(const char **names, size_t *n, const char *name)
{
    if (*n == LOAD_NAMES_MAX) {
        (void)fprintf(stderr, "load_client: more than %u names\n", LOAD_NAMES_MAX);
        exit(2);
    }
    names[(*n)++] = name;
}

static void take_option(struct load_options *o, int option)
{
    switch (option) {
    case 's':
        o->socket = optarg;
        break;
    case 'c':
        o->clients = (unsigned)number(optarg, CLIENTS_MAX);
        break;
    case 't':
        o->seconds = real(optarg);
        break;
    case 'n':
        o->requests = number(optarg, UINT64_MAX);
        break;
    case 'r':
        add_name(o->resources, &o->n_resources, optarg);
        break;
    case 'a':
        add_name(o->agents, &o->n_agents, optarg);
        break;
    case 'A':
        o->action = optarg;
        break;
    case 'C':
        o->class_ = optarg;
        break;
    case 'd':
        o->deadline_ms = (unsigned)number(optarg, 86400000);
        break;
    case 'k':
        o->key = optarg;
        break;
    case 'K':
        o->keep = optarg;
        break;
    case 'p':
        o->patience = real(optarg);
        break;
    default:
        exit(2);
    }
}

static void read_options(int argc, char **argv, struct load_options *o)
{
    static const struct option known[] = {
        {"socket", 1, 0, 's'},
        {"clients", 1, 0, 'c'},
        {"seconds", 1, 0, 't'},
        {"requests", 1, 0, 'n'},
        {"resource", 1, 0, 'r'},
        {"agent", 1, 0, 'a'},
        {"action", 1, 0, 'A'},
        {"class", 1, 0, 'C'},
        {"deadline", 1, 0, 'd'},
        {"key", 1, 0, 'k'},
        {"keep", 1, 0, 'K'},
        {"patience", 1, 0, 'p'},
        {0},
    };

    *o = (struct load_options){.action = "exec", .class_ = "execute", .clients = 1, .patience = 60};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        take_option(o, option);
    if (o->socket == NULL || optind != argc) {
        (void)fprintf(stderr, "usage: load_client --socket PATH [OPTION VALUE]...\n");
        exit(2);
    }
    if (o->n_resources == 0)
        add_name(o->resources, &o->n_resources, "program::/usr/bin/git");
    if (o->n_agents == 0)
        add_name(o->agents, &o->n_agents, "build-7");
    if (o->seconds <= 0 && o->requests == 0)
        o->seconds = 10;
}

int main(int argc, char **argv)
{
    static struct load load;
    struct rlimit files;

    read_options(argc, argv, &load.options);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    load.address.sun_family = AF_UNIX;
    if (strlen(load.options.socket) >= sizeof load.address.sun_path) {
        errno = ENAMETOOLONG;
        load_die(load.options.socket);
    }
    (void)snprintf(load.address.sun_path, sizeof load.address.sun_path, "%s", load.options.socket);
    if (load.options.keep != NULL && (load.keep = fopen(load.options.keep, "ae")) == NULL)
        load_die(load.options.keep);
    load_prepare(&load);
    load_run(&load);
    print(&load);
    load_free(&load);
    if (load.keep != NULL && fclose(load.keep) != 0)
        load_die(load.options.keep);
    return 0;
}
