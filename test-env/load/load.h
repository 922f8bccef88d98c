/* SPDX-License-Identifier: Apache-2.0 */
/* load.h: many clients of a served gate in one thread; see load_client.c. */
#ifndef PAWL_LOAD_LOAD_H
#define PAWL_LOAD_LOAD_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/un.h>

#define LOAD_NAMES_MAX 64u

struct load_options {
    const char *socket, *action, *class_, *key, *keep;
    const char *resources[LOAD_NAMES_MAX], *agents[LOAD_NAMES_MAX];
    size_t n_resources, n_agents;
    unsigned clients, deadline_ms;
    uint64_t requests;
    double seconds, patience;
};

/* Requests without their head, one for each agent and resource. */
struct body {
    char *text;
    size_t len;
};

struct load;

struct client {
    struct load *load;
    unsigned number;
    int fd; /* -1: not connected */
    struct event *readable, *writable, *again;
    uint64_t turn; /* of its own requests */
    bool waits;    /* for an answer */
    char *out, *in;
    size_t out_len, out_cap, sent, in_len, in_cap;
    uint64_t asked_ns;
};

struct load {
    struct load_options options;
    struct event_base *base;
    struct sockaddr_un address;
    struct body *bodies; /* agents x resources */
    struct client *clients;
    FILE *keep;
    bool ending;
    unsigned waiting;
    uint64_t asked, answers, permits, denials, refused, lost;
    uint64_t begin_ns, last_ns;
    uint32_t *micros; /* of each answer */
    size_t n_micros, cap_micros;
    json_t *reasons, *statuses;
};

_Noreturn void load_die(const char *what);
void *load_must(void *memory); /* or dies */
uint64_t load_now_ns(void);    /* CLOCK_MONOTONIC */

/* Makes what the options ask for. */
void load_prepare(struct load *load);
/* Until all is answered, or patience is at an end. */
void load_run(struct load *load);
void load_free(struct load *load);

#endif
