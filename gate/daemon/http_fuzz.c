/* SPDX-License-Identifier: Apache-2.0 */
/* http_fuzz.c: any bytes into a connection of the real server, in one piece and in many. Both ways
 * the same requests come out of them, and of each there is one reading. */
#include "gate/daemon/http.h"
#include "test-env/fuzz/driver.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BODY_MAX 512
#define IDLE_TURNS 4

/* What came out. */
struct run {
    uint64_t requests; /* a sum over all that they say, in order */
    uint64_t refused;
    unsigned served;
    size_t heard;
};

static void mix(struct run *run, struct slice bytes)
{
    run->requests = (run->requests ^ bytes.len) * 1099511628211u;
    for (size_t i = 0; i < bytes.len; i++)
        run->requests = (run->requests ^ bytes.ptr[i]) * 1099511628211u;
}

static void serve(struct http_call *call, void *ctx)
{
    struct run *run = ctx;
    const char *length = http_header(call, "Content-Length");
    struct slice body = http_body(call);

    if (body.len > BODY_MAX || http_path(call)[0] != '/' ||
        (length != NULL &&
         (http_header(call, "Transfer-Encoding") != NULL || strtoul(length, NULL, 10) != body.len)))
        abort();
    mix(run, slice_str(http_path(call)));
    mix(run, body);
    run->served++;
    http_answer(call, 200, json_object());
}

static int listener(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) != 0 ||
        listen(fd, 1) != 0)
        abort();
    return fd;
}

/* Until nothing happens any more. */
static void settle(struct event_base *base, int fd, struct run *run)
{
    char bytes[4096];

    for (unsigned idle = 0; idle < IDLE_TURNS; idle++) {
        unsigned before = run->served;
        ssize_t n;
        (void)event_base_loop(base, EVLOOP_NONBLOCK);
        while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
            run->heard += (size_t)n;
            idle = 0;
        }
        if (run->served != before)
            idle = 0;
    }
}

static void talk(struct event_base *base, int fd, struct slice bytes, size_t part, struct run *run)
{
    while (bytes.len > 0) {
        size_t len = bytes.len < part ? bytes.len : part;
        ssize_t n = send(fd, bytes.ptr, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        settle(base, fd, run);
        if (n <= 0)
            break; /* nobody listens to it any more */
        bytes = slice_part(bytes, (size_t)n, bytes.len - (size_t)n);
    }
    (void)shutdown(fd, SHUT_WR);
    settle(base, fd, run);
}

static struct run run(struct slice bytes, size_t part)
{
    static const struct http_route ROUTES[] = {
        {"/", HTTP_POST, HTTP_ANYBODY, NULL, serve},
        {"/a", HTTP_POST, HTTP_ANYBODY, NULL, serve},
        {"/a", HTTP_GET, HTTP_ANYBODY, NULL, serve},
        {0},
    };
    const struct http_limits limits = {.body = BODY_MAX};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct event_base *base = event_base_new();
    struct http *http = NULL;
    struct run out = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "pawl-fuzz-%d",
                   (int)getpid());
    if (base == NULL || fd < 0 || http_new(base, &limits, &http) != ERR_OK ||
        http_add(http, ROUTES, &out) != ERR_OK ||
        http_listen(http, listener(&address), CALLER_AGENT) != ERR_OK ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        abort();
    talk(base, fd, bytes, part, &out);
    for (size_t i = 0; i < HTTP_ERRORS; i++)
        out.refused += http_refused(http)[i] * (i + 1);
    http_free(&http);
    event_base_free(base);
    (void)close(fd);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct slice input = {bytes, len};
    struct run whole, parts;

    (void)signal(SIGPIPE, SIG_IGN);
    if (len > (size_t)64 << 10)
        return 0;
    whole = run(input, len);
    parts = run(input, 1 + len / 8);
    if (whole.requests != parts.requests || whole.served != parts.served ||
        whole.refused != parts.refused || (len > 0 && whole.served > len / 16))
        abort();
    return 0;
}
