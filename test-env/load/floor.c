/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c: what a decision cannot do without, measured bare, so that the bench can say how much
 * more a decision takes:
 *
 *     floor echo SOCKET OCTETS     libevent's HTTP server on a Unix socket, which reads a request
 *                                  and gives back so many octets; until SIGTERM
 *     floor sign COUNT             ES256 signatures by OpenSSL over 1024 octets, the key and the
 *                                  context ready: microseconds of processor time for one
 *     floor sync FILE OCTETS COUNT so many octets written and made durable: microseconds, median
 *
 * sign and sync print one number.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define OCTETS_MAX 1000000
#define COUNT_MAX 1000000
#define SIGNED 1024
#define FRONT "{\"decision\":true,\"permit\":\""

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void need(bool good, const char *what)
{
    if (!good)
        die(what);
}

static double now_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static size_t number(const char *text, size_t max)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != 0 || value == 0 || value > max) {
        (void)fprintf(stderr, "floor: not a number from 1 to %zu: %s\n", max, text);
        exit(2);
    }
    return (size_t)value;
}

/* ---- echo ------------------------------------------------------------------------------------ */

struct echo {
    char *body;
    size_t len;
};

static void on_request(struct evhttp_request *request, void *arg)
{
    const struct echo *echo = arg;
    struct evbuffer *out = evhttp_request_get_output_buffer(request);

    (void)evbuffer_pullup(evhttp_request_get_input_buffer(request), -1);
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                            "application/json");
    (void)evbuffer_add(out, echo->body, echo->len);
    evhttp_send_reply(request, 200, "OK", NULL);
}

static void on_end(evutil_socket_t fd, short what, void *base)
{
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(base);
}

static void run_echo(const char *path, size_t octets)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct event_base *base = event_base_new();
    struct evhttp *http = base != NULL ? evhttp_new(base) : NULL;
    struct event *end = base != NULL ? evsignal_new(base, SIGTERM, on_end, base) : NULL;
    struct echo echo = {.body = malloc(octets + sizeof FRONT), .len = octets};
    struct evconnlistener *listener;

    need(http != NULL && end != NULL && echo.body != NULL, "memory");
    need(strlen(path) < sizeof address.sun_path, path);
    memset(echo.body, 'A', octets + sizeof FRONT);
    memcpy(echo.body, FRONT, sizeof FRONT - 1);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    listener =
        evconnlistener_new_bind(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                1024, (const struct sockaddr *)&address, sizeof address);
    need(listener != NULL && evhttp_bind_listener(http, listener) != NULL, path);
    evhttp_set_gencb(http, on_request, &echo);
    (void)event_add(end, NULL);
    (void)event_base_dispatch(base);
    evhttp_free(http);
    event_free(end);
    event_base_free(base);
    free(echo.body);
}

/* ---- the others ------------------------------------------------------------------------------ */

static void run_sign(size_t count)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_MD *sha = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t data[SIGNED] = {1}, sig[128];
    double from, took;

    need(key != NULL && sha != NULL && ctx != NULL, "OpenSSL");
    need(EVP_DigestSignInit(ctx, NULL, sha, NULL, key) == 1, "OpenSSL");
    from = now_us(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < count; i++) {
        size_t len = sizeof sig;

        need(EVP_DigestSignInit(ctx, NULL, NULL, NULL, NULL) == 1 &&
                 EVP_DigestSign(ctx, sig, &len, data, sizeof data) == 1,
             "OpenSSL");
    }
    took = now_us(CLOCK_PROCESS_CPUTIME_ID) - from;
    (void)printf("%.3f\n", took / (double)count);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(sha);
    EVP_PKEY_free(key);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void run_sync(const char *path, size_t octets, size_t count)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    double *took = calloc(count, sizeof *took);
    char *data = calloc(1, octets);

    need(fd >= 0 && took != NULL && data != NULL, path);
    for (size_t i = 0; i < count; i++) {
        double from = now_us(CLOCK_MONOTONIC);

        need(write(fd, data, octets) == (ssize_t)octets && fdatasync(fd) == 0, path);
        took[i] = now_us(CLOCK_MONOTONIC) - from;
    }
    qsort(took, count, sizeof *took, by_size);
    (void)printf("%.3f\n", took[count / 2]);
    (void)close(fd);
    free(took);
    free(data);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "echo") == 0)
        run_echo(argv[2], number(argv[3], OCTETS_MAX));
    else if (argc == 3 && strcmp(argv[1], "sign") == 0)
        run_sign(number(argv[2], COUNT_MAX));
    else if (argc == 5 && strcmp(argv[1], "sync") == 0)
        run_sync(argv[2], number(argv[3], OCTETS_MAX), number(argv[4], COUNT_MAX));
    else
        return 2;
    return 0;
}
