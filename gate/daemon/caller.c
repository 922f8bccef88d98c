/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/caller.h"

#include "gate/base/cleanup.h"
#include "gate/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD /* Linux 6.5; older headers do not name it */
#define SO_PEERPIDFD 77
#endif

/* The process that connected. Kernels before 6.5 know it by its number alone, which may be another
 * process's by now; that one would have to be of the same user, see of_user(). */
static int peer_pidfd(int fd, pid_t pid)
{
    int pidfd = -1;
    socklen_t len = sizeof pidfd;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0)
        return pidfd;
    return errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static bool is_alive(int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};

    return poll(&end, 1, 0) == 0;
}

/* Processes that may not be looked into belong to root in /proc. */
static bool of_user(int dir, uid_t uid)
{
    struct stat st;

    return fstat(dir, &st) == 0 && (st.st_uid == uid || st.st_uid == 0);
}

/* The line "0::PATH" of a process's cgroups: that of cgroup v2. */
static void take_path(const char *text, char ret[static CALLER_CGROUP_MAX])
{
    const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    size_t len;

    if (line == NULL)
        return;
    line = strchr(line, '/');
    len = line == NULL ? 0 : strcspn(line, "\n");
    if (len == 0 || len >= CALLER_CGROUP_MAX || line[len] != '\n')
        return;
    memcpy(ret, line, len);
    ret[len] = '\0';
}

/* Stays empty where it cannot be known for certain. */
static void read_cgroup(int fd, const struct ucred *peer, char ret[static CALLER_CGROUP_MAX])
{
    CLEANUP(fd_close) int pidfd = peer_pidfd(fd, peer->pid);
    CLEANUP(fd_close) int dir = -1;
    CLEANUP(fd_close) int file = -1;
    char path[32], text[4096];
    ssize_t n;

    if (pidfd < 0)
        return;
    (void)snprintf(path, sizeof path, "/proc/%d", (int)peer->pid);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || !of_user(dir, peer->uid))
        return;
    file = openat(dir, "cgroup", O_RDONLY | O_CLOEXEC);
    if (file < 0 || (n = read(file, text, sizeof text - 1)) <= 0 || !is_alive(pidfd))
        return;
    text[n] = '\0';
    take_path(text, ret);
}

err_code caller_of(int fd, enum caller_kind kind, struct caller *ret, struct why *why)
{
    struct caller out = {.kind = kind};
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return why_foreign(why, ERR_CALLER_REFUSED, "errno", (uint64_t)errno,
                           "the kernel does not say who the caller is");
    if (peer.uid == (uid_t)-1)
        return why_say(why, ERR_CALLER_REFUSED, "the kernel does not say who the caller is");
    out.uid = peer.uid;
    out.gid = peer.gid;
    out.pid = peer.pid;
    if (peer.pid > 0)
        read_cgroup(fd, &peer, out.cgroup);
    (void)snprintf(out.key, sizeof out.key, "%d uid-%u", (int)kind, (unsigned)peer.uid);
    *ret = out;
    return ERR_OK;
}
