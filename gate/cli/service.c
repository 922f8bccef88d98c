/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/service.h"

#include "gate/base/file.h"
#include "gate/client/client.h"
#include "gate/client/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ABOUT_MAX ((size_t)16 << 10) /* bytes of service.json */

static void json_free(json_t **json)
{
    json_decref(*json);
}

/* ---- finding it ------------------------------------------------------------------------------ */

/* Whose the gate is: of whom a service of it is believed, and of root. */
static err_code owner_of(struct call *call, uid_t *ret)
{
    struct stat st;

    if (stat(call->state_dir, &st) != 0)
        return why_errno(&call->why, errno, "look at", call->state_dir);
    *ret = st.st_uid;
    return ERR_OK;
}

/* NULL: there is no such file. Owns: json_decref(). */
static err_code read_about(struct call *call, json_t **ret)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    struct why why = {0};
    json_error_t error;
    struct stat st;
    uid_t owner;
    err_code err;

    TRY(path_join(call->state_dir, "service.json", &path));
    err = file_read_stat((const char *)path.ptr, ABOUT_MAX, &st, &bytes, &why);
    if (err == ERR_NOT_FOUND || err == ERR_STORAGE) /* what stands in the way is said later */
        return ERR_OK;
    if (err != ERR_OK) {
        call->why = why;
        return err;
    }
    TRY(owner_of(call, &owner));
    TRY(trust_file((const char *)path.ptr, &st, owner, &call->why));
    *ret = json_loadb((const char *)bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (*ret == NULL)
        return why_say(&call->why, ERR_JSON_MALFORMED, "\"%s\": line %d, column %d: %s",
                       (const char *)path.ptr, error.line, error.column, error.text);
    return ERR_OK;
}

static long long pid_of(const json_t *about)
{
    return (long long)json_integer_value(json_object_get(about, "pid"));
}

/* A socket that is there and not open to this user: waiting for the gate would be in vain. */
static bool is_forbidden(const char *path)
{
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0 && errno == EACCES;
}

static err_code find(struct call *call, const json_t *about, size_t kinds, struct pawl_conn **ret)
{
    static const char *const SOCKETS[] = {"admin", "enforcement"};
    const char *forbidden = NULL;
    uid_t owner;

    TRY(owner_of(call, &owner));
    for (size_t i = 0; i < kinds; i++) {
        const char *path = json_string_value(json_object_get(about, SOCKETS[i]));
        struct why why = {0};
        err_code err =
            path == NULL ? ERR_SERVICE_UNREACHABLE : client_open_of(path, owner, ret, &why);

        if (err == ERR_SERVICE_UNTRUSTED)
            call->why = why;
        if (err == ERR_OK || err == ERR_NO_MEMORY || err == ERR_SERVICE_UNTRUSTED)
            return err;
        if (path != NULL && is_forbidden(path))
            forbidden = path;
    }
    if (forbidden == NULL)
        return ERR_OK;
    return why_say(
        &call->why, ERR_CALLER_REFUSED,
        "pawld (process %lld) has the gate, and \"%s\" is not open to uid %u: run this as "
        "a user who may use that socket",
        pid_of(about), forbidden, (unsigned)geteuid());
}

err_code service_find(struct call *call, bool decisions, struct pawl_conn **ret)
{
    CLEANUP(json_free) json_t *about = NULL;

    *ret = NULL;
    TRY(read_about(call, &about));
    return about == NULL ? ERR_OK : find(call, about, decisions ? 2 : 1, ret);
}

err_code service_is_away(struct call *call)
{
    CLEANUP(json_free) json_t *about = NULL;
    CLEANUP(pawl_close) struct pawl_conn *service = NULL;

    TRY(read_about(call, &about));
    if (about == NULL)
        return ERR_OK;
    TRY(find(call, about, 1, &service));
    if (service == NULL)
        return ERR_OK;
    return why_say(&call->why, ERR_BUSY,
                   "pawld (process %lld) has the gate, which this needs for itself: stop pawld "
                   "first, with systemctl stop pawld or SIGTERM, and start it again behind it",
                   pid_of(about));
}

/* ---- asking ---------------------------------------------------------------------------------- */

static err_code write_question(struct pawl_conn *conn, const struct service_ask *ask)
{
    TRY(buf_add_str(&conn->out, ask->method));
    TRY(buf_add_str(&conn->out, " "));
    TRY(buf_add_str(&conn->out, ask->path));
    TRY(buf_add_str(&conn->out, " HTTP/1.1\r\nHost: pawl\r\n"));
    if (ask->type != NULL) {
        char head[160];
        (void)snprintf(head, sizeof head, "Content-Type: %s\r\nContent-Length: %zu\r\n", ask->type,
                       ask->body.len);
        TRY(buf_add_str(&conn->out, head));
    }
    TRY(buf_add_str(&conn->out, "\r\n"));
    return buf_add_slice(&conn->out, ask->body);
}

static err_code exchange(struct pawl_conn *conn, unsigned patience_ms, struct why *why)
{
    const unsigned ms = patience_ms != 0 ? patience_ms : PAWL_DEADLINE_MAX_MS;
    bool done = false;
    err_code err;

    conn->due_ns = link_now_ns() + (uint64_t)ms * 1000000u;
    conn->state = LINK_CONNECTING;
    while ((err = link_step(conn, &done, why)) == ERR_OK && !done) {
        struct pollfd waiting = {.fd = pawl_fd(conn), .events = pawl_events(conn)};

        /* Interrupted or not, the deadline is looked at next. */
        (void)poll(&waiting, 1, pawl_timeout_ms(conn));
    }
    if (err == ERR_DEADLINE)
        return why_say(why, err, "pawld did not answer within %u s; whether it was done is unknown",
                       ms / 1000);
    return err;
}

/* The names of foreign codes, as struct why has them. */
static const char *foreign_of(const json_t *foreign)
{
    static const char *const KINDS[] = {"TPM_RC", "CKR", "errno"};
    const char *kind = json_string_value(json_object_get(foreign, "kind"));

    for (size_t i = 0; kind != NULL && i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(kind, KINDS[i]) == 0)
            return KINDS[i];
    return NULL;
}

/* {"error", "message", "foreign"} */
static err_code take_refusal(const json_t *answer, unsigned status, struct why *why)
{
    const char *name = json_string_value(json_object_get(answer, "error"));
    const char *message = json_string_value(json_object_get(answer, "message"));
    const json_t *foreign = json_object_get(answer, "foreign");
    err_code err = name == NULL ? ERR_OK : err_from_name(name);

    if (err == ERR_OK || message == NULL)
        return why_say(why, ERR_SERVICE_ANSWER, "status %u without the name of an error", status);
    if (strcmp(message, err_text(err)) == 0)
        message = ""; /* nobody said more than the name */
    if (foreign_of(foreign) != NULL)
        return why_foreign(why, err, foreign_of(foreign),
                           (uint64_t)json_integer_value(json_object_get(foreign, "code")), "%s",
                           message);
    return why_say(why, err, "%s", message);
}

static err_code take(struct call *call, const struct pawl_conn *conn)
{
    const struct response *response = &conn->response;
    struct slice body = slice_part(buf_slice(&conn->in), response->head, response->body);
    CLEANUP(json_free)
    json_t *answer = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(answer))
        return why_say(&call->why, ERR_SERVICE_ANSWER, "status %u, and no JSON object came with it",
                       response->status);
    if (response->status >= 300)
        return take_refusal(answer, response->status, &call->why);
    if (!json_is_true(json_object_get(answer, "ok")))
        return why_say(&call->why, ERR_SERVICE_ANSWER, "status %u, and not \"ok\"",
                       response->status);
    return json_object_update(call->json, answer) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

err_code service_ask(struct call *call, struct pawl_conn *service, const struct service_ask *ask)
{
    err_code err = write_question(service, ask);

    if (err == ERR_OK)
        err = exchange(service, ask->patience_ms, &call->why);
    if (err == ERR_OK)
        err = take(call, service);
    link_drop(service);
    return err;
}
