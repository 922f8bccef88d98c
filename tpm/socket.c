/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/socket.h"

#include "gate/base/file.h"
#include "gate/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER 10

struct socket_tcti {
    TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first */
    struct sockaddr_storage address;
    socklen_t address_len;
    unsigned send_ms;
    int fd; /* -1 between commands */
    size_t got;
    uint8_t header[HEADER]; /* kept over a time-out in the middle */
};

static struct socket_tcti *socket_of(TSS2_TCTI_CONTEXT *tcti)
{
    return (struct socket_tcti *)(void *)tcti;
}

static void hang_up(struct socket_tcti *s)
{
    fd_close(&s->fd);
    s->fd = -1;
    s->got = 0;
}

static bool send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static TSS2_RC socket_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
    struct socket_tcti *s = socket_of(tcti);
    const struct timeval limit = {s->send_ms / 1000, (suseconds_t)(s->send_ms % 1000) * 1000};
    int on = 1;

    hang_up(s);
    s->fd = socket(s->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return TSS2_TCTI_RC_IO_ERROR;
    /* Bounds connect() as well, on both families. */
    if (setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
        return TSS2_TCTI_RC_IO_ERROR;
    if (s->address.ss_family != AF_UNIX)
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(s->fd, (const struct sockaddr *)&s->address, s->address_len) != 0 ||
        !send_all(s->fd, command, size)) {
        hang_up(s);
        return TSS2_TCTI_RC_NO_CONNECTION;
    }
    return TSS2_RC_SUCCESS;
}

/* Up to want bytes, as they come. OK when there are all; TRY_AGAIN when the time is up first. */
static TSS2_RC receive_some(struct socket_tcti *s, uint8_t *to, size_t want, size_t *have,
                            int timeout)
{
    while (*have < want) {
        struct pollfd p = {s->fd, POLLIN, 0};
        int ready = poll(&p, 1, timeout);
        ssize_t n;

        if (ready == 0 || (ready < 0 && errno == EINTR))
            return TSS2_TCTI_RC_TRY_AGAIN; /* the caller knows how much time is left */
        n = ready < 0 ? -1 : recv(s->fd, to + *have, want - *have, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            return TSS2_TCTI_RC_IO_ERROR;
        *have += (size_t)n;
    }
    return TSS2_RC_SUCCESS;
}

static size_t size_in(const uint8_t *header)
{
    return (size_t)header[2] << 24 | (size_t)header[3] << 16 | (size_t)header[4] << 8 | header[5];
}

static TSS2_RC socket_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response,
                              int32_t timeout)
{
    struct socket_tcti *s = socket_of(tcti);
    size_t total;
    TSS2_RC rc;

    if (s->fd < 0)
        return TSS2_TCTI_RC_BAD_SEQUENCE;
    if (s->got < HEADER) {
        rc = receive_some(s, s->header, HEADER, &s->got, timeout);
        if (rc != TSS2_RC_SUCCESS)
            return rc;
    }
    total = size_in(s->header);
    if (total < HEADER || total > TPM2_MAX_COMMAND_SIZE)
        return TSS2_TCTI_RC_MALFORMED_RESPONSE;
    if (response == NULL || *size < total) {
        *size = total;
        return response == NULL ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    }
    memcpy(response, s->header, HEADER);
    rc = receive_some(s, response, total, &s->got, timeout);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    *size = total;
    hang_up(s);
    return TSS2_RC_SUCCESS;
}

static void socket_finalize(TSS2_TCTI_CONTEXT *tcti)
{
    hang_up(socket_of(tcti));
}

static TSS2_RC socket_cancel(TSS2_TCTI_CONTEXT *tcti)
{
    (void)tcti;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC socket_poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles,
                                   size_t *n)
{
    (void)tcti, (void)handles, (void)n;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC socket_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
    (void)tcti, (void)locality;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static err_code set_unix(struct socket_tcti *s, const char *path, struct why *why)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&s->address;
    size_t len = strlen(path);

    if (path[0] != '/' || len >= sizeof un->sun_path)
        return why_say(why, ERR_HARDWARE_URI,
                       "swtpm:path= needs an absolute path of at most %zu bytes, not \"%.64s\"",
                       sizeof un->sun_path - 1, path);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    s->address_len = sizeof *un;
    return ERR_OK;
}

static err_code set_inet(struct socket_tcti *s, const char *host, struct why *why)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&s->address;
    const char *comma = strstr(host, ",port=");
    char text[INET_ADDRSTRLEN] = "";
    uint64_t port;

    if (comma != NULL && (size_t)(comma - host) < sizeof text)
        memcpy(text, host, (size_t)(comma - host));
    if (comma == NULL || inet_pton(AF_INET, text, &in->sin_addr) != 1 ||
        number_parse(comma + strlen(",port="), 65535, &port) != ERR_OK || port == 0)
        return why_say(why, ERR_HARDWARE_URI,
                       "swtpm:host= needs a numeric address and a port, as in "
                       "host=127.0.0.1,port=2321, not \"%.64s\"",
                       host);
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    s->address_len = sizeof *in;
    return ERR_OK;
}

err_code tpm_socket_open(const char *conf, unsigned send_ms, TSS2_TCTI_CONTEXT **ret,
                         struct why *why)
{
    struct socket_tcti s = {.tcti = {.magic = 0x7061776c736f636b, /* "pawlsock" */
                                     .version = 1,
                                     .transmit = socket_transmit,
                                     .receive = socket_receive,
                                     .finalize = socket_finalize,
                                     .cancel = socket_cancel,
                                     .getPollHandles = socket_poll_handles,
                                     .setLocality = socket_locality},
                            .send_ms = send_ms,
                            .fd = -1};
    struct socket_tcti *out;

    if (strncmp(conf, "path=", 5) == 0)
        TRY(set_unix(&s, conf + 5, why));
    else if (strncmp(conf, "host=", 5) == 0)
        TRY(set_inet(&s, conf + 5, why));
    else
        return why_say(why, ERR_HARDWARE_URI, "swtpm: takes path= or host=, not \"%.64s\"", conf);
    out = malloc(sizeof *out);
    if (out == NULL)
        return ERR_NO_MEMORY;
    *out = s;
    *ret = (TSS2_TCTI_CONTEXT *)(void *)out;
    return ERR_OK;
}

void tpm_socket_close(TSS2_TCTI_CONTEXT **tcti)
{
    if (*tcti != NULL)
        hang_up(socket_of(*tcti));
    free(*tcti);
    *tcti = NULL;
}
