/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/sockets.h"

#include "gate/base/file.h"
#include "gate/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel takes less where net.core.somaxconn says so */

static const struct {
    const char *name;
    mode_t mode;
} KINDS[SOCKET_KINDS] = {
    [CALLER_AGENT] = {"agents", 0666},
    [CALLER_ENFORCEMENT] = {"enforcement", 0660},
    [CALLER_ADMIN] = {"admin", 0600},
};

const char *sockets_name(enum caller_kind kind)
{
    return KINDS[kind].name;
}

void sockets_free(struct sockets *sockets)
{
    int tls;

    for (size_t i = 0; i < SOCKET_KINDS; i++) {
        int fd = sockets->of[i].fd - 1;
        fd_close(&fd);
        if (sockets->of[i].own)
            (void)unlink(sockets->of[i].path);
        free(sockets->of[i].path);
    }
    tls = sockets_take_tls(sockets);
    fd_close(&tls);
    *sockets = (struct sockets){0};
}

int sockets_take_tls(struct sockets *sockets)
{
    int fd = sockets->tls - 1;

    sockets->tls = 0;
    return fd;
}

int sockets_take(struct sockets *sockets, enum caller_kind kind)
{
    int fd = sockets->of[kind].fd - 1;

    sockets->of[kind].fd = 0;
    return fd;
}

/* ---- of the service manager ------------------------------------------------------------------ */

static void names_free(char ***names)
{
    for (char **at = *names; at != NULL && *at != NULL; at++)
        free(*at);
    free(*names);
}

static err_code take_path(int fd, char **ret)
{
    struct sockaddr_un address = {0};
    socklen_t len = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        len <= offsetof(struct sockaddr_un, sun_path) || address.sun_path[0] == '\0')
        return ERR_OK; /* one of the abstract namespace has no path */
    *ret = strndup(address.sun_path, sizeof address.sun_path);
    return *ret != NULL ? ERR_OK : ERR_NO_MEMORY;
}

/* An answer is not held back for more that could go with it: connections have this from here. */
static err_code hurry(int fd, struct why *why)
{
    const int on = 1;

    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0
               ? ERR_OK
               : why_errno(why, errno, "set", "TCP_NODELAY");
}

static err_code take_address(int fd, char ret[static SOCKETS_ADDR_MAX])
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    char host[SOCKETS_ADDR_MAX - 10], port[8];

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return ERR_INTERNAL;
    (void)snprintf(ret, SOCKETS_ADDR_MAX, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                   port);
    return ERR_OK;
}

static err_code inherit_tls(int fd, struct sockets *ret, struct why *why)
{
    if (ret->tls != 0)
        return why_say(why, ERR_USAGE, "two sockets have FileDescriptorName=tls");
    if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return why_say(why, ERR_USAGE, "\"tls\" is not a TCP socket that listens");
    TRY(hurry(fd, why));
    ret->tls = fd + 1;
    return take_address(fd, ret->address);
}

static err_code inherit(int fd, const char *name, struct sockets *ret, struct why *why)
{
    if (strcmp(name, "tls") == 0)
        return inherit_tls(fd, ret, why);
    for (size_t i = CALLER_AGENT; i < SOCKET_KINDS; i++) {
        if (strcmp(KINDS[i].name, name) != 0)
            continue;
        if (ret->of[i].fd != 0)
            return why_say(why, ERR_USAGE, "two sockets have FileDescriptorName=%s", name);
        if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0 ||
            fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
            return why_say(why, ERR_USAGE, "\"%s\" is not a Unix stream socket that listens", name);
        ret->of[i].fd = fd + 1;
        return take_path(fd, &ret->of[i].path);
    }
    return why_say(why, ERR_USAGE,
                   "FileDescriptorName=\"%.64s\" is not agents, enforcement, admin or tls", name);
}

err_code sockets_inherit(struct sockets *ret, struct why *why)
{
    CLEANUP(sockets_free) struct sockets out = {0};
    CLEANUP(names_free) char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    if (n < 0)
        return why_foreign(why, ERR_USAGE, "errno", (uint64_t)-n,
                           "the sockets of the service manager cannot be taken");
    for (int i = 0; i < n; i++)
        TRY(inherit(SD_LISTEN_FDS_START + i, names[i], &out, why));
    *ret = out;
    out = (struct sockets){0}; /* transferred */
    return ERR_OK;
}

/* ---- own ------------------------------------------------------------------------------------- */

static err_code make_address(const char *path, struct sockaddr_un *ret, struct why *why)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret->sun_path)
        return why_say(why, ERR_USAGE, "\"%s\" has %zu characters, a socket's path at most %zu",
                       path, strlen(path), sizeof ret->sun_path - 1);
    memcpy(ret->sun_path, path, strlen(path));
    return ERR_OK;
}

static err_code make_socket(int *ret, struct why *why)
{
    *ret = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *ret >= 0 ? ERR_OK : why_errno(why, errno, "make", "a socket");
}

/* A socket that was left by a process that was killed is refused by the kernel; nothing else is
 * removed. */
static err_code remove_stale(const struct sockaddr_un *address, struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    const char *path = address->sun_path;
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : why_errno(why, errno, "look at", path);
    if (!S_ISSOCK(st.st_mode))
        return why_say(why, ERR_EXISTS, "\"%s\" is there, and is no socket", path);
    TRY(make_socket(&fd, why));
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
        errno != ECONNREFUSED)
        return why_say(why, ERR_EXISTS, "somebody listens on \"%s\"", path);
    return unlink(path) == 0 ? ERR_OK : why_errno(why, errno, "remove", path);
}

static err_code listen_on(const struct sockaddr_un *address, mode_t mode, int *ret, struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    const char *path = address->sun_path;

    TRY(make_socket(&fd, why));
    /* Not open to more than it shall be, at no time: this is the mode that bind() begins with. */
    if (fchmod(fd, mode) != 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return why_errno(why, errno, "listen on", path);
    if (chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0) {
        int number = errno;
        (void)unlink(path);
        return why_errno(why, number, "listen on", path);
    }
    *ret = fd;
    fd = -1; /* transferred */
    return ERR_OK;
}

static err_code open_one(const char *path, enum caller_kind kind, struct sockets *out,
                         struct why *why)
{
    struct sockaddr_un address;
    int fd;

    TRY(make_address(path, &address, why));
    out->of[kind].path = strdup(path);
    if (out->of[kind].path == NULL)
        return ERR_NO_MEMORY;
    TRY(remove_stale(&address, why));
    TRY(listen_on(&address, KINDS[kind].mode, &fd, why));
    out->of[kind].fd = fd + 1;
    out->of[kind].own = true;
    return ERR_OK;
}

err_code sockets_open(const char *const paths[static SOCKET_KINDS], struct sockets *ret,
                      struct why *why)
{
    CLEANUP(sockets_free) struct sockets out = {0};

    for (size_t i = CALLER_AGENT; i < SOCKET_KINDS; i++)
        if (paths[i] != NULL)
            TRY(open_one(paths[i], (enum caller_kind)i, &out, why));
    memcpy(ret->of, out.of, sizeof ret->of); /* that of TCP stays */
    out = (struct sockets){0};               /* transferred */
    return ERR_OK;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static socklen_t length_of(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->six : sizeof address->four;
}

/* No names are looked up. */
static err_code read_address(const char *text, union address *ret, struct why *why)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    bool six = len > 2 && text[0] == '[' && text[len - 1] == ']';
    char host[SOCKETS_ADDR_MAX] = "";
    uint64_t port;

    if (len > 0 && len < sizeof host)
        memcpy(host, six ? text + 1 : text, six ? len - 2 : len);
    *ret = (union address){0};
    if (host[0] == '\0' || number_parse(colon + 1, UINT16_MAX, &port) != ERR_OK ||
        inet_pton(six ? AF_INET6 : AF_INET, host,
                  six ? (void *)&ret->six.sin6_addr : (void *)&ret->four.sin_addr) != 1)
        return why_say(why, ERR_USAGE, "\"%.64s\" is not ADDR:PORT or [ADDR]:PORT, in numbers",
                       text);
    ret->any.sa_family = six ? AF_INET6 : AF_INET;
    if (six)
        ret->six.sin6_port = htons((uint16_t)port);
    else
        ret->four.sin_port = htons((uint16_t)port);
    return ERR_OK;
}

static err_code listen_tcp(const union address *address, const char *text, int *ret,
                           struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    const int on = 1;

    fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (address->any.sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0))
        return why_errno(why, errno, "listen on", text);
    TRY(hurry(fd, why));
    if (bind(fd, &address->any, length_of(address)) != 0 || listen(fd, BACKLOG) != 0)
        return errno == EADDRINUSE ? why_say(why, ERR_EXISTS, "somebody listens on \"%s\"", text)
                                   : why_errno(why, errno, "listen on", text);
    *ret = fd;
    fd = -1; /* transferred */
    return ERR_OK;
}

err_code sockets_open_tcp(const char *text, struct sockets *sockets, struct why *why)
{
    union address address;
    int fd;

    if (sockets->tls != 0)
        return why_say(why, ERR_USAGE, "\"%.64s\": the service manager has a socket \"tls\"", text);
    TRY(read_address(text, &address, why));
    TRY(listen_tcp(&address, text, &fd, why));
    sockets->tls = fd + 1;
    return take_address(fd, sockets->address);
}
