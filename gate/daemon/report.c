/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/report.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/decide/answer_json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct report {
    int fd; /* -1: nobody wants it */
    bool own;
    uint64_t lost;
};

/* ---- lines ----------------------------------------------------------------------------------- */

/* How many characters JSON_ENSURE_ASCII makes of the character that begins here, and how many
 * octets it has. */
static size_t written_as(uint8_t first, size_t *ret_octets)
{
    *ret_octets = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first >= 0x80)
        return *ret_octets == 4 ? 12 : 6;
    return first < 0x20 ? 6 : first == '"' || first == '\\' ? 2 : 1;
}

/* As much of a text as a line takes. NULL: it is no UTF-8. */
static json_t *cut(struct slice text, size_t most)
{
    size_t from = 0, len = 0, octets;

    if (!utf8_valid(text))
        return json_null();
    while (from < text.len) {
        size_t n = written_as(text.ptr[from], &octets);
        if (len + n > most)
            break;
        len += n;
        from += octets;
    }
    return json_stringn((const char *)text.ptr, from);
}

static void put(json_t *line, const char *name, json_t *value)
{
    (void)json_object_set_new(line, name, value);
}

static void put_text(json_t *line, const char *name, const char *text, size_t most)
{
    if (text != NULL)
        put(line, name, cut(slice_str(text), most));
}

static void put_request(json_t *line, const struct request *request)
{
    if (request->json == NULL)
        return; /* it was none */
    put(line, "agent", cut(request->subject_id, REPORT_TEXT_MAX));
    put(line, "action", cut(request->action_name, REPORT_TEXT_MAX));
    put(line, "class", cut(request->action_class, REPORT_TEXT_MAX));
    put(line, "resource_type", cut(request->resource_type, REPORT_TEXT_MAX));
    put(line, "resource", cut(request->resource_id, REPORT_TEXT_MAX));
}

static void put_time(json_t *line, uint64_t ms)
{
    char text[TIME_TEXT], with_ms[TIME_TEXT + 8];

    time_text((int64_t)(ms / 1000), text);
    (void)snprintf(with_ms, sizeof with_ms, "%.19s.%03uZ", text, (unsigned)(ms % 1000));
    put(line, "time", json_string(with_ms));
}

err_code report_line(const struct verdict *verdict, struct buf *ret)
{
    json_t *line = json_object();
    char *text;
    err_code err;

    put_time(line, verdict->at_ms);
    put(line, "verdict", json_string(verdict->reason == ERR_OK ? "permit" : "deny"));
    put(line, "reason", json_string(err_name(verdict->reason)));
    put(line, "stage", json_string(answer_stage(verdict->reason)));
    put_request(line, verdict->request);
    if (verdict->recorded) {
        put(line, "epoch", json_integer((json_int_t)verdict->epoch));
        put(line, "ledger_index", json_integer((json_int_t)verdict->index));
        put_text(line, "evaluation_id", verdict->evaluation_id, REPORT_TEXT_MAX);
    }
    put_text(line, "client", verdict->client, REPORT_TEXT_MAX);
    put_text(line, "client_name", verdict->client_name, REPORT_NAME_MAX);
    put_text(line, "request_id", verdict->request_id, REPORT_TEXT_MAX);
    put_text(line, "traceparent", verdict->traceparent, REPORT_TRACE_MAX);
    put(line, "duration_ms", json_integer((json_int_t)(verdict->ns / 1000000u)));
    put(line, "answered", json_boolean(verdict->answered));
    text = answer_json_text(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(line);
    if (text == NULL)
        return ERR_NO_MEMORY;
    err = buf_add_str(ret, text);
    free(text);
    return err == ERR_OK ? buf_add_u8(ret, '\n') : err;
}

/* ---- where they go --------------------------------------------------------------------------- */

err_code report_open(const char *where, struct report **ret, struct why *why)
{
    struct report *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    out->fd = -1;
    if (strcmp(where, "-") == 0) {
        out->fd = STDERR_FILENO;
    } else if (strcmp(where, "none") != 0) {
        out->own = true;
        out->fd = open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        if (out->fd < 0) {
            report_free(&out);
            return why_errno(why, errno, "open", where);
        }
    }
    *ret = out;
    return ERR_OK;
}

void report_free(struct report **report)
{
    if (*report != NULL && (*report)->own)
        fd_close(&(*report)->fd);
    free(*report);
    *report = NULL;
}

bool report_wanted(const struct report *report)
{
    return report != NULL && report->fd >= 0;
}

bool report_offer(int fd, struct slice text)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    ssize_t n = send(fd, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0)
        n = write(fd, text.ptr, text.len);
    return n == (ssize_t)text.len;
}

void report_write(struct report *report, const struct verdict *verdict)
{
    CLEANUP(buf_free) struct buf line = {0};

    if (!report_wanted(report))
        return;
    if (report_line(verdict, &line) != ERR_OK || line.len > REPORT_LINE_MAX ||
        !report_offer(report->fd, buf_slice(&line)))
        report->lost++;
}

uint64_t report_lost(const struct report *report)
{
    return report == NULL ? 0 : report->lost;
}

/* ---- traceparent ----------------------------------------------------------------------------- */

bool report_is_trace(const char *text)
{
    static const char FORM[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    static const char HEX[] = "0123456789abcdef";

    if (strlen(text) != sizeof FORM - 1)
        return false;
    for (size_t i = 0; i < sizeof FORM - 1; i++)
        if (FORM[i] == 'x' ? strchr(HEX, text[i]) == NULL : FORM[i] != text[i])
            return false;
    return strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}
