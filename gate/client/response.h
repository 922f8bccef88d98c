/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h: the head of an HTTP/1.1 response (RFC 9112), read strictly: one status line, one
 * Content-Length, nothing that two readers could read differently. Who answers is the service, on a
 * Unix socket; anything that it would not send is an error, and an error denies.
 */
#ifndef PAWL_CLIENT_RESPONSE_H
#define PAWL_CLIENT_RESPONSE_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define RESPONSE_HEAD_MAX ((size_t)16 << 10) /* status line, headers and the empty line */
#define RESPONSE_HEADERS_MAX 64
#define RESPONSE_BODY_MAX ((size_t)1 << 20)
#define RESPONSE_ID_MAX 64

struct response {
    size_t head; /* bytes up to the body; 0: the head is not whole yet */
    size_t body; /* bytes of the body */
    unsigned status;
    bool json;                    /* the body is application/json */
    bool close;                   /* the connection ends with it */
    char id[RESPONSE_ID_MAX + 1]; /* X-Request-ID; empty: none */
};

/* Reads the head of what has come so far. ret->head is 0 while more is to come. Errors:
 * SERVICE_ANSWER naming what is wrong. */
err_code response_parse(struct slice bytes, struct response *ret, struct why *why);

#endif
