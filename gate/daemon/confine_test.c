/* SPDX-License-Identifier: Apache-2.0 */
/* Every case runs in a process of its own, since nothing is given back. */
#include "gate/daemon/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIPPED 77
#define BAD "/bin/false" /* a test that becomes this one fails */
#define WRONG(...) (printf(__VA_ARGS__), fflush(stdout), _exit(1))

static char home[] = "/tmp/pawl-confine-XXXXXX";

static void in_child(void (*run)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The error of a call, 0 for none. */
static int error_of(long result)
{
    return result == -1 ? errno : 0;
}

static int error_of_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600), error = error_of(fd);

    if (fd >= 0)
        (void)close(fd);
    return error;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int execute(const char *path)
{
    char *argv[] = {(char[]){"false"}, NULL}, *env[] = {NULL};

    return error_of(execve(path, argv, env));
}

static void files(void)
{
    static const struct {
        const char *path;
        int flags, want;
    } CASES[] = {
        {"in/new", O_RDWR | O_CREAT, 0},
        {"in/old", O_RDWR | O_TRUNC, 0},
        {"out/old", O_RDONLY, EACCES},
        {"out/old", O_WRONLY, EACCES},
        {"out/new", O_RDWR | O_CREAT, EACCES},
        {"out", O_RDONLY | O_DIRECTORY, EACCES},
        {"read/old", O_RDONLY, 0},
        {"read/old", O_WRONLY, EACCES},
        {"read/new", O_RDWR | O_CREAT, EACCES},
        {"there/old", O_RDWR, 0},
        {"there/new", O_RDWR | O_CREAT, EACCES},
        {"gone/old", O_RDONLY, EACCES},
        {"/etc/passwd", O_RDONLY, 0},
        {"/etc/passwd", O_WRONLY, EACCES},
        {"/dev/urandom", O_RDONLY, 0},
        {"/dev/null", O_RDWR, 0},
        {"/proc/self/status", O_RDONLY, 0},
    };
    const struct confine_path paths[] = {
        {"in", CONFINE_WRITE},    {"read", CONFINE_READ},    {"there", CONFINE_EXISTS},
        {"gone", CONFINE_REMOVE}, {"absent", CONFINE_WRITE}, {"in/old", CONFINE_WRITE},
    };
    struct why why = {0};
    bool done = false;
    int error;

    if (confine_files(paths, sizeof paths / sizeof *paths, &done, &why) != ERR_OK)
        WRONG("confine_files: %s\n", why.text);
    if (!done)
        _exit(SKIPPED);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if ((error = error_of_open(CASES[i].path, CASES[i].flags)) != CASES[i].want)
            WRONG("%s: error %d, not %d\n", CASES[i].path, error, CASES[i].want);
    if (rename("in/new", "in/sub/new") != 0 || unlink("in/sub/new") != 0)
        WRONG("renaming inside: error %d\n", errno);
    if (unlink("gone/old") != 0)
        WRONG("removing: error %d\n", errno);
    if (unlink("out/old") == 0 || unlink("there/old") == 0 || unlink("read/old") == 0)
        WRONG("removed outside\n");
    if ((error = execute(BAD)) != EACCES)
        WRONG("a program: error %d\n", error);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int error_of_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), error = error_of(fd);

    if (fd >= 0)
        (void)close(fd);
    return error;
}

static int error_of_map(int protection)
{
    void *map = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED)
        return errno;
    (void)munmap(map, 4096);
    return 0;
}

static int error_of_protect(void)
{
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return error_of(mprotect(map, 4096, PROT_READ | PROT_EXEC));
}

static void want(const char *what, int got, int wanted)
{
    if (got != wanted)
        WRONG("%s: error %d, not %d\n", what, got, wanted);
}

static void refused(void)
{
    want("execve", execute(BAD), EPERM);
    want("fork", error_of(fork()), EPERM);
    want("vfork", error_of(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)), EPERM);
    want("clone3", error_of(syscall(SYS_clone3, NULL, 0)), ENOSYS);
    want("ptrace", error_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL)), EPERM);
    want("unshare", error_of(unshare(CLONE_NEWUSER)), EPERM);
    want("bpf", error_of(syscall(SYS_bpf, 0, NULL, 0)), EPERM);
    want("keyctl", error_of(syscall(SYS_keyctl, 0, 0, 0, 0, 0)), EPERM);
    want("personality", error_of(syscall(SYS_personality, 0xffffffff)), EPERM);
    want("mount", error_of(syscall(SYS_mount, "a", "b", "c", 0, NULL)), EPERM);
    want("module", error_of(syscall(SYS_finit_module, -1, "", 0)), EPERM);
    want("io_uring", error_of(syscall(SYS_io_uring_setup, 0, NULL)), EPERM);
    want("setuid", error_of(setuid(getuid())), EPERM);
    want("writable code", error_of_map(PROT_READ | PROT_WRITE | PROT_EXEC), EPERM);
    want("code of data", error_of_protect(), EPERM);
    want("packets", error_of_socket(AF_PACKET), EPERM);
    want("high bits", error_of(syscall(SYS_socket, UINT64_C(1) << 32 | AF_INET, SOCK_STREAM, 0)),
         EPERM);
}

static void *other(void *arg)
{
    *(int *)arg = execute(BAD);
    return NULL;
}

static void *later(void *arg)
{
    (void)pthread_barrier_wait(arg); /* the filter is there */
    want("another thread", execute(BAD), EPERM);
    return NULL;
}

static void confine(bool network)
{
    struct why why = {0};
    bool done = false;

    if (confine_calls(network, &done, &why) != ERR_OK)
        WRONG("confine_calls: %s\n", why.text);
    if (!done)
        _exit(SKIPPED);
}

static void calls(void)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    int error = 0;

    (void)pthread_barrier_init(&barrier, NULL, 2);
    want("a thread", pthread_create(&thread, NULL, later, &barrier), 0);
    confine(false);
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_join(thread, NULL);
    refused();
    want("internet", error_of_socket(AF_INET), EPERM);
    want("unix", error_of_socket(AF_UNIX), 0);
    want("data", error_of_map(PROT_READ | PROT_WRITE), 0);
    want("a new thread", pthread_create(&thread, NULL, other, &error), 0);
    (void)pthread_join(thread, NULL);
    want("a new thread's program", error, EPERM);
}

static void calls_network(void)
{
    confine(true);
    refused();
    want("internet", error_of_socket(AF_INET), 0);
    want("unix", error_of_socket(AF_UNIX), 0);
}

static void test_files(void **state)
{
    (void)state;
    in_child(files);
}

static void test_calls(void **state)
{
    (void)state;
    in_child(calls);
}

static void test_calls_network(void **state)
{
    (void)state;
    in_child(calls_network);
}

static int make_home(void **state)
{
    static const char *const DIRS[] = {"in", "in/sub", "out", "read", "there", "gone"};
    char path[32];

    (void)state;
    if (mkdtemp(home) == NULL || chdir(home) != 0)
        return -1;
    for (size_t i = 0; i < sizeof DIRS / sizeof *DIRS; i++) {
        (void)snprintf(path, sizeof path, "%s/old", DIRS[i]);
        if (mkdir(DIRS[i], 0700) != 0 || error_of_open(path, O_WRONLY | O_CREAT) != 0)
            return -1;
    }
    return 0;
}

static int remove_home(void **state)
{
    static const char *const NAMES[] = {"in/sub/old", "in/old",    "out/old",
                                        "read/old",   "there/old", "gone/old"};
    static const char *const DIRS[] = {"in/sub", "in", "out", "read", "there", "gone"};

    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        (void)unlink(NAMES[i]);
    for (size_t i = 0; i < sizeof DIRS / sizeof *DIRS; i++)
        (void)rmdir(DIRS[i]);
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_calls_network),
    };

    return cmocka_run_group_tests(tests, make_home, remove_home);
}
