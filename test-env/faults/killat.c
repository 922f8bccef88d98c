/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killat.c: runs a program and kills it, as kill -9 does, just before its n-th effect on the world;
 * or lets that effect fail with an errno. An effect is a system call that changes a file or sends
 * to a socket, so that n = 1, 2, 3, ... visits every state in which a power cut can leave the disk
 * and the hardware, without a hook in the program.
 *
 *     killat [--errno E] [--token FILE] N COMMAND [ARGUMENT...]   stop at effect N
 *     killat [...] 0 COMMAND [ARGUMENT...]    let it run and print the number of effects
 *     killat --list FILE 0 COMMAND [...]      let it run and write its effects down, in order
 *
 * Threads count as one, in the order in which they come to it.
 *
 * Exit code: 137 when it killed; otherwise the program's own. With --errno only writes to regular
 * files, fsync, creation, link and rename count, since those are what a full disk refuses;
 * --errno-from E lets all of them fail from the n-th on. --token: the control file of p11_fault.so,
 * by which the program reaches its token: what happens to files inside a call of PKCS#11 is the
 * token's own affair and does not count.
 *
 * --list: a line for each effect: "write", "send", "sync", "name", "create" or "remove"; the file,
 * a tab before it; of names also the new one, of what is written or sent the first octets in
 * hexadecimal. With --token "call" and the number of the function for each call between effects.
 * kill -9 does not see whether a sync is there, since the kernel lives on: the list does.
 */
#include "test-env/faults/killat.h"
#include "test-env/faults/p11_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include <linux/ptrace.h> /* after <sys/ptrace.h>, whose names it would hide */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { NO_EFFECT = 0, WRITES_FD, SENDS, SYNCS, NAMES, CREATES, REMOVES };

static enum kind kind_of(const struct ptrace_syscall_info *info)
{
    switch (info->entry.nr) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
        return WRITES_FD;
    case SYS_sendto:
    case SYS_sendmsg:
        return SENDS;
    case SYS_fsync:
    case SYS_fdatasync:
        return SYNCS;
    case SYS_ftruncate:
    case SYS_unlinkat:
        return REMOVES;
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
    case SYS_mkdirat:
        return NAMES;
    case SYS_openat:
        return (info->entry.args[2] & O_CREAT) != 0 ? CREATES : NO_EFFECT;
    default:
        if (killat_removes(info->entry.nr))
            return REMOVES;
        return killat_names(info->entry.nr) ? NAMES : NO_EFFECT;
    }
}

static bool regular(pid_t pid, unsigned long fd)
{
    char path[64];
    struct stat st;

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%lu", (int)pid, fd);
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* What counts: terminal and pipe output does not outlive the process. */
static bool counts(pid_t pid, const struct ptrace_syscall_info *info, bool disk_only)
{
    char path[64];
    struct stat st;

    switch (kind_of(info)) {
    case WRITES_FD:
        if (disk_only)
            return regular(pid, info->entry.args[0]);
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%lu", (int)pid,
                       (unsigned long)info->entry.args[0]);
        return stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
    case SENDS:
    case REMOVES:
        return !disk_only;
    case SYNCS:
    case NAMES:
    case CREATES:
        return true;
    case NO_EFFECT:
        break;
    }
    return false;
}

/* ---- the list -------------------------------------------------------------------------------- */

#define SHOWN 16 /* octets: more than the header of a TPM command */

/* Up to len octets at an address of the program, which may end before. Returns how many. */
static size_t peek(pid_t pid, uint64_t address, void *to, size_t len)
{
    struct iovec here = {to, len}, there = {(void *)(uintptr_t)address, len};
    ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

    return n < 0 ? 0 : (size_t)n;
}

static void list_text(FILE *list, pid_t pid, uint64_t address)
{
    char path[PATH_MAX] = {0};
    size_t len = 0;

    /* Octet by octet: what follows may belong to nobody. */
    while (len + 1 < sizeof path && peek(pid, address + len, &path[len], 1) == 1 &&
           path[len] != '\0')
        len++;
    (void)fprintf(list, "\t%.*s", (int)len, path);
}

static void list_fd(FILE *list, pid_t pid, uint64_t fd)
{
    char link[64], path[PATH_MAX];
    ssize_t len;

    (void)snprintf(link, sizeof link, "/proc/%d/fd/%llu", (int)pid, (unsigned long long)fd);
    len = readlink(link, path, sizeof path);
    (void)fprintf(list, "\t%.*s", len < 0 ? 0 : (int)len, path);
}

static void list_octets(FILE *list, pid_t pid, uint64_t address, uint64_t len)
{
    unsigned char octets[SHOWN];
    size_t n = peek(pid, address, octets, len < sizeof octets ? (size_t)len : sizeof octets);

    (void)fputc('\t', list);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(list, "%02x", octets[i]);
}

static void list_effect(FILE *list, pid_t pid, const struct ptrace_syscall_info *info)
{
    static const char *const NAMES_OF[] = {
        [WRITES_FD] = "write", [SENDS] = "send",     [SYNCS] = "sync",
        [NAMES] = "name",      [CREATES] = "create", [REMOVES] = "remove",
    };
    const __u64 *args = info->entry.args;
    uint64_t number = info->entry.nr;
    enum kind kind = kind_of(info);
    /* The calls that end in "at" take a directory before each name. */
    bool plain = killat_names(number) || killat_removes(number);

    (void)fputs(NAMES_OF[kind], list);
    if (kind == WRITES_FD || kind == SENDS) {
        list_fd(list, pid, args[0]);
        if (number == SYS_write || number == SYS_pwrite64 || number == SYS_sendto)
            list_octets(list, pid, args[1], args[2]);
    } else if (kind == SYNCS || number == SYS_ftruncate) {
        list_fd(list, pid, args[0]);
    } else {
        list_text(list, pid, args[plain ? 0 : 1]);
        if (kind == NAMES && !killat_makes_dir(number) && number != SYS_mkdirat)
            list_text(list, pid, args[plain ? 1 : 3]);
    }
    (void)fputc('\n', list);
}

/* ---- stopping -------------------------------------------------------------------------------- */

struct plan {
    unsigned long at;                       /* 0: only count */
    int error;                              /* 0: kill */
    bool from;                              /* all that follow fail, too */
    const volatile struct p11_fault *token; /* NULL: every effect counts */
    FILE *list;                             /* NULL: none */
    uint32_t calls[P11_FAULT_N];            /* that are in the list */
    unsigned long seen;
};

/* The calls to the token since the last effect: how often, not in which order. */
static void list_calls(struct plan *plan)
{
    for (size_t fn = 1; plan->token != NULL && fn < P11_FAULT_N; fn++)
        for (; plan->calls[fn] != plan->token->calls[fn]; plan->calls[fn]++)
            (void)fprintf(plan->list, "call\t%zu\n", fn);
}

static bool is_due(pid_t pid, const struct ptrace_syscall_info *info, struct plan *plan)
{
    if (info->op != PTRACE_SYSCALL_INFO_ENTRY || (plan->token != NULL && plan->token->inside != 0))
        return false;
    if (!counts(pid, info, plan->error != 0))
        return false;
    plan->seen++;
    if (plan->list != NULL) {
        list_calls(plan);
        list_effect(plan->list, pid, info);
    }
    return plan->at != 0 && (plan->from ? plan->seen >= plan->at : plan->seen == plan->at);
}

/* One stop of the traced program. Returns false when it could not be traced. */
static bool stop(pid_t pid, int status, struct plan *plan)
{
    struct ptrace_syscall_info info = {0};
    int signal_number = WSTOPSIG(status);

    /* A signal of its own: pass it on, but not our traps, nor the stop that a thread begins with.
     */
    if (signal_number != (SIGTRAP | 0x80))
        return ptrace(PTRACE_SYSCALL, pid, 0,
                      signal_number == SIGTRAP || signal_number == SIGSTOP
                          ? 0L
                          : (long)signal_number) == 0;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0)
        return false;
    if (is_due(pid, &info, plan)) {
        if (plan->error == 0)
            return kill(pid, SIGKILL) == 0;
        if (!killat_fail(pid, plan->error))
            return false;
    }
    return ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0;
}

static int trace(pid_t child, struct plan *plan)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE;
    pid_t pid;
    int status;

    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, child, 0, options) != 0 ||
        ptrace(PTRACE_SYSCALL, child, 0, 0) != 0) {
        perror("killat: cannot trace");
        return 125;
    }
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (pid != child && !WIFSTOPPED(status))
            continue; /* a thread has ended */
        if (WIFEXITED(status))
            return WEXITSTATUS(status);
        if (WIFSIGNALED(status))
            return 128 + WTERMSIG(status);
        if (!stop(pid, status, plan) && errno != ESRCH) {
            perror("killat: ptrace");
            (void)kill(child, SIGKILL);
            return 125;
        }
    }
    return 125;
}

static const struct p11_fault *map_token(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *map =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct p11_fault), PROT_READ, MAP_SHARED, fd, 0);

    if (fd >= 0)
        (void)close(fd);
    return map == MAP_FAILED ? NULL : map;
}

static bool take_option(const char *name, const char *value, struct plan *plan)
{
    if (strcmp(name, "--token") == 0)
        return (plan->token = map_token(value)) != NULL;
    if (strcmp(name, "--list") == 0)
        return (plan->list = fopen(value, "we")) != NULL;
    plan->from = plan->from || strcmp(name, "--errno-from") == 0;
    plan->error = (int)strtol(value, NULL, 10);
    return strncmp(name, "--errno", 7) == 0;
}

/* Takes the options. Returns where the number stands, 0 for a wrong command line. */
static int parse(int argc, char **argv, struct plan *plan)
{
    int at = 1;

    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2)
        if (!take_option(argv[at], argv[at + 1], plan))
            return 0;
    if (argc < at + 2)
        return 0;
    plan->at = strtoul(argv[at], NULL, 10);
    return at;
}

int main(int argc, char **argv)
{
    struct plan plan = {0};
    int at = parse(argc, argv, &plan), code;
    pid_t child;

    if (at == 0) {
        (void)fputs(
            "usage: killat [--errno E] [--token FILE] [--list FILE] N COMMAND [ARGUMENT...]\n",
            stderr);
        return 2;
    }
    child = fork();
    if (child == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, 0, 0);
        (void)raise(SIGSTOP);
        (void)execvp(argv[at + 1], argv + at + 1);
        _exit(127);
    }
    code = trace(child, &plan);
    if (plan.list != NULL) {
        list_calls(&plan);
        code = fclose(plan.list) == 0 ? code : 125;
    }
    if (plan.at == 0)
        (void)fprintf(stderr, "effects: %lu\n", plan.seen);
    return code;
}
