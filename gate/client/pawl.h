/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pawl.h: libpawl: asks the pawl service for a decision, and judges permits offline.
 *
 *     struct pawl_conn *conn = NULL;
 *     struct pawl_answer *answer = NULL;
 *     int err = pawl_open(NULL, &conn);
 *
 *     if (err == PAWL_OK)
 *         err = pawl_ask(conn, request, 1000, &answer, NULL);
 *     if (pawl_answer_permitted(answer))
 *         act();
 *     pawl_answer_free(&answer);
 *     pawl_close(&conn);
 *
 * Every error denies: what was not answered is NULL, and NULL permits nothing.
 *
 * Errors are those of pawl-errors(7): PAWL_OK is 0, and enum pawl_error has the ones that programs
 * act upon; others may come. A function that makes an object sets *ret to NULL when it fails, so
 * that no answer of before is taken for this one.
 *
 * Threads: an object belongs to one thread at a time, and different objects to different threads as
 * they like. A struct pawl_gate and a struct pawl_permit do not change once they are made: any
 * number of threads may read one. Functions that make no object of their own may be called
 * anywhere. A connection that is open when a process forks is for one of the two.
 *
 * The library prints nothing, ends no process, touches no signals, reads no environment, starts no
 * threads and leaves no descriptors to programs that the caller starts.
 */
#ifndef PAWL_CLIENT_PAWL_H
#define PAWL_CLIENT_PAWL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PAWL_API __attribute__((visibility("default")))
#define PAWL_CHECKED __attribute__((warn_unused_result))
#else
#define PAWL_API
#define PAWL_CHECKED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- in general ------------------------------------------------------------------------------ */

#define PAWL_SOCKET                                                                                \
    "/run/pawl/agents.sock" /* where agents ask, unless the caller says otherwise                  \
                             */

enum pawl_error {
    PAWL_OK = 0,
    PAWL_AGAIN = -1, /* of pawl_receive() alone: no answer yet */
    PAWL_NO_MEMORY = 2,
    PAWL_USAGE = 3,     /* the call itself is wrong */
    PAWL_TOO_LARGE = 8, /* more bytes than the limit */
    PAWL_REQUEST_MALFORMED = 23,
    PAWL_SIGNATURE_INVALID = 40,
    PAWL_JSON_MALFORMED = 45,
    PAWL_ROOT_UNTRUSTED = 62,   /* root metadata and enrolment are of different authorities */
    PAWL_PERMIT_INVALID = 68,   /* the permit does not prove what it claims */
    PAWL_DEADLINE = 92,         /* no answer in time */
    PAWL_UNREACHABLE = 94,      /* nobody listens */
    PAWL_ANSWER_MALFORMED = 95, /* what came back is no answer */
    PAWL_UNTRUSTED = 97,        /* who listens may be somebody else than the service */
};

/* Bytes that somebody else owns. {NULL, 0} is none. */
struct pawl_bytes {
    const void *ptr;
    size_t len;
};

/* One sentence about an error, with the values that disagree; empty when there is nothing more to
 * say. Foreign text in it is escaped. Wherever a function takes one, NULL is accepted. */
struct pawl_why {
    char text[512];
};

/* "0.1.0", of the library that is loaded. Borrows: static storage, as do the next two. */
PAWL_API const char *pawl_version(void);

/* One sentence for people, and the stable name ("DEADLINE"), of any error. */
PAWL_API const char *pawl_strerror(int err);
PAWL_API const char *pawl_errname(int err);

/* ---- requests -------------------------------------------------------------------------------- */

/* A request is an AuthZEN evaluation request in JSON, of at most 1 MiB. Who has none at hand puts
 * one together from texts here, so that nothing has to be quoted:
 *
 *     {"subject":  {"type": "agent", "id": "build-7"},
 *      "action":   {"name": "exec", "properties": {"class": "execute"}},
 *      "resource": {"type": "program", "id": "/usr/bin/git"}}
 */
struct pawl_request;

enum pawl_field {
    PAWL_SUBJECT_TYPE = 1, /* without it: "agent" */
    PAWL_SUBJECT_ID,
    PAWL_ACTION,
    PAWL_CLASS, /* "execute", "mutate", "delegate" or "propagate" */
    PAWL_RESOURCE_TYPE,
    PAWL_RESOURCE_ID,
    PAWL_PROPERTIES, /* of the resource: a JSON object; may be left out */
    PAWL_CONTEXT,    /* the same */
    PAWL_POLICY, /* alias of a policy that must be in force and cover the request; each call adds
                    one, up to 64 */
};

/* Errors: NO_MEMORY. Owns: pawl_request_free(). */
PAWL_API PAWL_CHECKED int pawl_request_new(struct pawl_request **ret);

/* Sets a field; the text, UTF-8 that ends with a NUL, is copied. Errors: USAGE for a field that is
 * none, TOO_LARGE, NO_MEMORY. */
PAWL_API PAWL_CHECKED int pawl_request_set(struct pawl_request *request, enum pawl_field field,
                                           const char *text);

/* The request as JSON. Errors: REQUEST_MALFORMED, JSON_MALFORMED: naming what is missing or wrong;
 * NO_MEMORY. Borrows: from the request, until it is set, written or freed again. */
PAWL_API PAWL_CHECKED int pawl_request_write(struct pawl_request *request, struct pawl_bytes *ret,
                                             struct pawl_why *why);

PAWL_API void pawl_request_free(struct pawl_request **request); /* leaves NULL; accepts it */

/* ---- asking ---------------------------------------------------------------------------------- */

/* A connection to the service. It is made anew by itself where the service closed it in between. */
struct pawl_conn;

/* What the service answered. */
struct pawl_answer;

#define PAWL_DEADLINE_MS 10000u      /* for 0 */
#define PAWL_DEADLINE_MAX_MS 300000u /* five minutes */

/* Connects to the service's Unix socket; path NULL: PAWL_SOCKET, and then who listens there has to
 * be root, or the user to whom its directory belongs, and nobody else may be able to write to that
 * directory: each time that it is connected to. Who listens at a path that the caller names is
 * trusted as it is: the caller knows who can make a socket there. Errors: UNREACHABLE, UNTRUSTED,
 * USAGE (a path of more than 107 bytes), NO_MEMORY. Owns: pawl_close(). */
PAWL_API PAWL_CHECKED int pawl_open(const char *path, struct pawl_conn **ret);
PAWL_API void pawl_close(struct pawl_conn **conn); /* leaves NULL; accepts it */

/* Asks, and waits for the answer at most deadline_ms milliseconds (0: PAWL_DEADLINE_MS, at most
 * PAWL_DEADLINE_MAX_MS); the service is told of it. PAWL_OK: there is an answer in *ret, which may
 * well be a refusal. Otherwise there is none, and the action must not happen: DEADLINE,
 * UNREACHABLE, ANSWER_MALFORMED, TOO_LARGE, NO_MEMORY, USAGE. The connection can be used again in
 * any case. Owns: pawl_answer_free(). */
PAWL_API PAWL_CHECKED int pawl_ask(struct pawl_conn *conn, struct pawl_bytes request,
                                   unsigned deadline_ms, struct pawl_answer **ret,
                                   struct pawl_why *why);

/* The same without waiting:
 *
 *     err = pawl_send(conn, request, 1000, NULL);
 *     while (err == PAWL_OK && (err = pawl_receive(conn, &answer, NULL)) == PAWL_AGAIN) {
 *         struct pollfd pollfd = {pawl_fd(conn), pawl_events(conn), 0};
 *         poll(&pollfd, 1, pawl_timeout_ms(conn));
 *         err = PAWL_OK;
 *     }
 *
 * pawl_send() copies the request and begins; pawl_receive() goes on as far as it can. Both never
 * block. One question at a time: USAGE while another waits for its answer. */
PAWL_API PAWL_CHECKED int pawl_send(struct pawl_conn *conn, struct pawl_bytes request,
                                    unsigned deadline_ms, struct pawl_why *why);
PAWL_API PAWL_CHECKED int pawl_receive(struct pawl_conn *conn, struct pawl_answer **ret,
                                       struct pawl_why *why);

/* What poll() is to wait for; it may change with each call of pawl_receive(). The descriptor stays
 * the connection's. It is -1, which poll() ignores, while there is nothing but time to wait for.
 * Events: POLLIN and POLLOUT. The time-out is in milliseconds; -1 when nothing was asked. */
PAWL_API int pawl_fd(const struct pawl_conn *conn);
PAWL_API short pawl_events(const struct pawl_conn *conn);
PAWL_API int pawl_timeout_ms(const struct pawl_conn *conn);

/* Forgets what was asked and not answered. The service may decide it all the same. */
PAWL_API void pawl_cancel(struct pawl_conn *conn);

/* ---- answers --------------------------------------------------------------------------------- */

/* 1: the action is permitted. 0: it is not, or the answer is NULL. */
PAWL_API int pawl_answer_permitted(const struct pawl_answer *answer);

/* Stable name of why: "OK" for a permit, else one of pawl-errors(7): "DENIED", "EXPIRED",
 * "OVERLOADED"... Never NULL. Borrows: from the answer, as does everything below. */
PAWL_API const char *pawl_answer_reason(const struct pawl_answer *answer);

/* A sentence for people; empty for a permit. Never NULL. It may hold what the request held. */
PAWL_API const char *pawl_answer_why(const struct pawl_answer *answer);

/* The epoch that was in force, and where the decision stands in the ledger. 1: *ret is written. 0:
 * there is none, since nothing was decided. */
PAWL_API int pawl_answer_epoch(const struct pawl_answer *answer, uint64_t *ret);
PAWL_API int pawl_answer_ledger_index(const struct pawl_answer *answer, uint64_t *ret);

/* The permit file, or the denial in the same form. Empty where the caller gets none: only
 * enforcement points and administrators do. */
PAWL_API struct pawl_bytes pawl_answer_permit(const struct pawl_answer *answer);

/* The answer as it came: an AuthZEN response, or {"error", "message"} of a refusal. A NUL follows
 * its end. Empty for NULL. */
PAWL_API struct pawl_bytes pawl_answer_json(const struct pawl_answer *answer);

PAWL_API void pawl_answer_free(struct pawl_answer **answer); /* leaves NULL; accepts it */

/* ---- permits, offline ------------------------------------------------------------------------ */

/* A gate that permits are judged by. */
struct pawl_gate;

/* A permit, or denial, that was found good. */
struct pawl_permit;

/* root: the authority's root metadata, version 1; enrolment: the gate's enrolment.cbor. The bytes
 * are copied. Whoever takes them from somebody compares their digests with what `pawl authority
 * init` and `pawl init` showed. Errors: ROOT_UNTRUSTED and others of pawl-errors(7). Owns:
 * pawl_gate_free(). */
PAWL_API PAWL_CHECKED int pawl_gate_new(struct pawl_bytes root, struct pawl_bytes enrolment,
                                        struct pawl_gate **ret, struct pawl_why *why);
PAWL_API void pawl_gate_free(struct pawl_gate **gate); /* leaves NULL; accepts it */

/* Takes a TPM that cannot certify its counter: the epoch is then only claimed by the gate. */
#define PAWL_ALLOW_UNSEALED 1u

/* Judges a permit file of at most 2 MiB: record, statement key, inclusion, receipt, seal, epoch.
 * flags: 0, or PAWL_ALLOW_UNSEALED. No hardware, no clock: whether it is fresh enough is for the
 * caller to judge, by pawl_permit_time_ms() and pawl_permit_epoch(). Errors: PERMIT_INVALID,
 * SIGNATURE_INVALID and others of pawl-errors(7). Owns: pawl_permit_free(). */
PAWL_API PAWL_CHECKED int pawl_verify(const struct pawl_gate *gate, struct pawl_bytes permit,
                                      unsigned flags, struct pawl_permit **ret,
                                      struct pawl_why *why);

/* 1: the gate permitted it. 0: it did not, or the permit is NULL. It is good for that request
 * alone: see the next. */
PAWL_API int pawl_permit_permitted(const struct pawl_permit *permit);

/* PAWL_OK: the decision is about exactly this request, as it was asked: subject, action, resource
 * and context, down to the last member. Errors: PERMIT_INVALID: it is about another, or does not
 * say; REQUEST_MALFORMED, JSON_MALFORMED, TOO_LARGE, NO_MEMORY. */
PAWL_API PAWL_CHECKED int pawl_permit_is_for(const struct pawl_permit *permit,
                                             struct pawl_bytes request, struct pawl_why *why);

PAWL_API int pawl_permit_sealed(const struct pawl_permit *permit); /* the hardware certified it */
PAWL_API int pawl_permit_simulated(const struct pawl_permit *permit); /* 1 for NULL, too */
PAWL_API uint64_t pawl_permit_epoch(const struct pawl_permit *permit);
PAWL_API uint64_t pawl_permit_ledger_index(const struct pawl_permit *permit);
PAWL_API uint64_t pawl_permit_time_ms(const struct pawl_permit *permit); /* since 1970 */

/* Stable name of why: "OK" for a permit. Never NULL. Borrows: from the permit. */
PAWL_API const char *pawl_permit_reason(const struct pawl_permit *permit);

/* A text of the record: every field of enum pawl_field up to PAWL_RESOURCE_ID; empty for others.
 * What the gate leaves out of its records is as the permit discloses it, or "[REDACTED]". Borrows:
 * from the permit; no NUL follows. */
PAWL_API struct pawl_bytes pawl_permit_text(const struct pawl_permit *permit,
                                            enum pawl_field field);

PAWL_API void pawl_permit_free(struct pawl_permit **permit); /* leaves NULL; accepts it */

#ifdef __cplusplus
}
#endif

#endif
