/* SPDX-License-Identifier: Apache-2.0 */
/* Paths where somebody listens, where nobody does any more, and where something else is. */
#include "gate/base/dir_testing.h"
#include "gate/daemon/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static char agents[96], enforcement[96], admin[96];

static err_code open_all(struct sockets *ret)
{
    const char *const paths[SOCKET_KINDS] = {NULL, agents, enforcement, admin};
    struct why why = {0};

    return sockets_open(paths, ret, &why);
}

static bool answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good;

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return good;
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_mode & 0777 : 0;
}

static void fresh(void **state)
{
    struct sockets sockets = {0};
    mode_t mask = umask(077);

    (void)state;
    assert_int_equal(open_all(&sockets), ERR_OK);
    (void)umask(mask);
    assert_int_equal(mode_of(agents), 0666);
    assert_int_equal(mode_of(enforcement), 0660);
    assert_int_equal(mode_of(admin), 0600);
    assert_true(answers(agents) && answers(enforcement) && answers(admin));
    sockets_free(&sockets);
    assert_int_equal(access(agents, F_OK) | access(enforcement, F_OK) | access(admin, F_OK), -1);
    assert_int_equal(rmdir(dir), 0); /* nothing is left */
    assert_int_equal(mkdir(dir, 0700), 0);
}

/* A second service fails, and the first one's sockets stay where they are. */
static void taken(void **state)
{
    struct sockets first = {0}, second = {0};

    (void)state;
    assert_int_equal(open_all(&first), ERR_OK);
    assert_int_equal(open_all(&second), ERR_EXISTS);
    assert_true(answers(agents) && answers(enforcement) && answers(admin));
    sockets_free(&first);
}

/* As after a kill: the path is there, and nobody listens. */
static void stale(void **state)
{
    struct sockets killed = {0}, next = {0};

    (void)state;
    assert_int_equal(open_all(&killed), ERR_OK);
    for (enum caller_kind kind = CALLER_AGENT; kind <= CALLER_ADMIN; kind++)
        (void)close(sockets_take(&killed, kind));
    assert_false(answers(agents));
    assert_int_equal(open_all(&next), ERR_OK);
    assert_true(answers(agents));
    sockets_free(&next);
    sockets_free(&killed);
}

static void others(void **state)
{
    struct sockets sockets = {0};
    FILE *file = fopen(admin, "we");

    (void)state;
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(open_all(&sockets), ERR_EXISTS);
    assert_int_equal(access(admin, F_OK), 0);
    assert_int_equal(access(agents, F_OK), -1); /* what was made before is gone again */
    assert_int_equal(unlink(admin), 0);
    assert_int_equal(symlink("/nowhere", admin), 0);
    assert_int_equal(open_all(&sockets), ERR_EXISTS);
    assert_int_equal(unlink(admin), 0);
}

static void too_long(void **state)
{
    char path[200];
    const char *const paths[SOCKET_KINDS] = {NULL, path, NULL, NULL};
    struct sockets sockets = {0};
    struct why why = {0};

    (void)state;
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_int_equal(sockets_open(paths, &sockets, &why), ERR_USAGE);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void addresses(void **state)
{
    static const char *const WRONG[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:",
        ":8443",
        "localhost:8443",
        "::1:8443",
        "[::1]",
        "[::1]:",
        "[]:1",
        "[127.0.0.1]:1",
        "127.1:1",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "::1]:1",
        "127.0.0.1:4294967297",
        "127.0.0.1 :1",
        "127.0.0.1:1 ",
        "[::1:1",
        ":",
        "[::1%lo]:1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        struct sockets sockets = {0};
        if (sockets_open_tcp(WRONG[i], &sockets, &(struct why){0}) != ERR_USAGE)
            fail_msg("\"%s\" was taken", WRONG[i]);
        assert_int_equal(sockets.tls, 0);
    }
}

/* Beside the others, and at once: an answer in parts is not held back. */
static void tcp(void **state)
{
    static const char *const ADDRESSES[] = {"127.0.0.1:0", "[::1]:0"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sockets sockets = {0}, other = {0};
        struct why why = {0};
        err_code err = sockets_open_tcp(ADDRESSES[i], &sockets, &why);
        int on = 0, fd = sockets.tls - 1;
        socklen_t len = sizeof on;

        if (i == 1 && err == ERR_STORAGE)
            skip(); /* no IPv6 here */
        assert_int_equal(err, ERR_OK);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
        assert_int_equal(on, 1);
        assert_int_equal(strncmp(sockets.address, ADDRESSES[i], strlen(ADDRESSES[i]) - 1), 0);
        assert_int_equal(sockets_open_tcp(sockets.address, &other, &why), ERR_EXISTS);
        assert_int_equal(sockets_open_tcp(ADDRESSES[i], &sockets, &why), ERR_USAGE); /* only one */
        assert_int_equal(open_all(&sockets), ERR_OK);
        assert_int_equal(sockets.tls - 1, fd);
        sockets_free(&sockets);
        assert_int_equal(sockets.tls, 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), -1);
    }
}

static int make_dir(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    (void)snprintf(agents, sizeof agents, "%s/agents", dir);
    (void)snprintf(enforcement, sizeof enforcement, "%s/enforcement", dir);
    (void)snprintf(admin, sizeof admin, "%s/admin", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh),  cmocka_unit_test(taken),    cmocka_unit_test(stale),
        cmocka_unit_test(others), cmocka_unit_test(too_long), cmocka_unit_test(addresses),
        cmocka_unit_test(tcp),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
