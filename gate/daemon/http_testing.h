/* SPDX-License-Identifier: Apache-2.0 */
/* http_testing.h: a server of a few paths and a client of raw bytes, which take turns in one
 * thread; over a Unix socket, or over TLS. */
#ifndef PAWL_DAEMON_HTTP_TESTING_H
#define PAWL_DAEMON_HTTP_TESTING_H

#include "gate/daemon/http.h"

#define H "Host: gate\r\n"
#define JSON "Content-Type: application/json\r\n"
#define GET_HELLO "GET /hello HTTP/1.1\r\n" H "\r\n"
#define GET_LATER "GET /later HTTP/1.1\r\n" H "\r\n"
#define BODY_MAX 4096
#define TOTAL ((size_t)40 << 10)
#define ANSWER_MAX 65536

struct testing_http {
    struct event_base *base;
    struct http *http;
    struct http_call *kept; /* by /later */
    unsigned served;
    enum caller_kind door;
    bool over_tls; /* then the door is for enforcement points */
    unsigned handshake;
    void (*tell)(const char *text);
};
extern struct testing_http testing;

int testing_make_dir(void **state);
int testing_remove_dir(void **state);
/* Skips the test, and says why. */
void testing_skip(const char *why);
void testing_serve(unsigned connections, unsigned seconds);
void testing_leave(void);
void testing_turn(void);

struct answer_text {
    char bytes[ANSWER_MAX];
    size_t len;
    bool closed;
};

int testing_dial(void);
/* Some of it, or -1: nothing at this moment, or nothing any more. */
ssize_t testing_send(int fd, const char *bytes, size_t len, bool *ret_over);
int testing_dial_as(uid_t uid); /* by root alone: the kernel tells who it was */
void testing_say(int fd, const char *bytes, size_t len);
void testing_say_text(int fd, const char *text);
void testing_hear(int fd, struct answer_text *ret); /* until there is an answer, or the end */
void testing_hear_once(int fd, struct answer_text *answer);
void testing_hear_end(int fd, struct answer_text *answer);
int testing_status_of(const struct answer_text *answer);

#endif
