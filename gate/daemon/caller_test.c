/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a socket: ourselves, and a process that is gone. */
#include "gate/base/bytes.h"
#include "gate/daemon/caller.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Of this process, as the kernel says it. */
static void own_cgroup(char *ret, size_t size)
{
    char line[1024];
    FILE *file = fopen("/proc/self/cgroup", "re");

    ret[0] = '\0';
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "0::", 3) == 0)
            (void)snprintf(ret, size, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    if (file != NULL)
        (void)fclose(file);
}

static void ourselves(void **state)
{
    struct caller caller = {0}, other = {0};
    struct why why = {0};
    char cgroup[CALLER_CGROUP_MAX], key[64];
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(caller_of(fds[0], CALLER_AGENT, &caller, &why), ERR_OK);
    assert_int_equal(caller.kind, CALLER_AGENT);
    assert_int_equal(caller.uid, getuid());
    assert_int_equal(caller.gid, getgid());
    assert_int_equal(caller.pid, getpid());
    own_cgroup(cgroup, sizeof cgroup);
    assert_string_equal(caller.cgroup, cgroup);
    (void)snprintf(key, sizeof key, "%d uid-%u", CALLER_AGENT, (unsigned)getuid());
    assert_string_equal(caller.key, key);
    /* The same user on another socket is another caller. */
    assert_int_equal(caller_of(fds[0], CALLER_ADMIN, &other, &why), ERR_OK);
    assert_string_not_equal(caller.key, other.key);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* What a process that has ended was in is not known; who it was is. */
static void gone(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len;
    struct caller caller = {0};
    struct why why = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), link, status;
    pid_t child;

    (void)state;
    /* An address without a name has the kernel choose one. */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(fd, 1), 0);
    len = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    child = fork();
    if (child == 0) {
        int own = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        _exit(connect(own, (struct sockaddr *)&address, len));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    link = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(link >= 0);
    assert_int_equal(caller_of(link, CALLER_AGENT, &caller, &why), ERR_OK);
    assert_int_equal(caller.uid, getuid());
    assert_int_equal(caller.pid, child);
    assert_string_equal(caller.cgroup, "");
    (void)close(link);
    (void)close(fd);
}

static void nobody(void **state)
{
    struct caller caller = {0};
    struct why why = {0};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(caller_of(fd, CALLER_AGENT, &caller, &why), ERR_CALLER_REFUSED);
    assert_int_equal(caller.kind, CALLER_NONE);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ourselves),
        cmocka_unit_test(gone),
        cmocka_unit_test(nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
