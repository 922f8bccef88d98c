/* SPDX-License-Identifier: Apache-2.0 */
/* confine_calls.c: the filter of system calls: what is dangerous is named, so that the libraries of
 * a hardware, which are not ours, keep what they use for themselves. */
#include "gate/daemon/confine.h"

#include "gate/base/cleanup.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* The numbers of asm-generic/ioctls.h: put a character, or more, into a terminal. */
#define IOCTL_TIOCSTI 0x5412
#define IOCTL_TIOCLINUX 0x541C
#define FAMILIES 46 /* the kernel has not as many */

static const char *const REFUSED[] = {
    /* other programs and processes */
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "uselib",
    /* files by other ways than their names */
    "mount",
    "umount",
    "umount2",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "name_to_handle_at",
    "open_by_handle_at",
    "swapon",
    "swapoff",
    "quotactl",
    "quotactl_fd",
    "acct",
    "nfsservctl",
    "mknod",
    "mknodat",
    "fanotify_init",
    /* the kernel */
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "kexec_load",
    "kexec_file_load",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "syslog",
    "reboot",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vm86",
    "vm86old",
    "personality",
    "lookup_dcookie",
    "_sysctl",
    "sysfs",
    "vhangup",
    "add_key",
    "request_key",
    "keyctl",
    "move_pages",
    "migrate_pages",
    "mbind",
    "set_mempolicy",
    /* the machine */
    "settimeofday",
    "clock_settime",
    "clock_settime64",
    "clock_adjtime",
    "clock_adjtime64",
    "adjtimex",
    "stime",
    "sethostname",
    "setdomainname",
    /* other users */
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "setuid32",
    "setgid32",
    "setreuid32",
    "setregid32",
    "setresuid32",
    "setresgid32",
    "setfsuid32",
    "setfsgid32",
    "setgroups32",
    "capset",
};

static void filter_free(scmp_filter_ctx *filter)
{
    if (*filter != NULL)
        seccomp_release(*filter);
    *filter = NULL;
}

/* One condition; a call that this machine does not have, or the library does not know, is none. */
static err_code refuse_if(scmp_filter_ctx filter, const char *name, unsigned error,
                          const struct scmp_arg_cmp *when, struct why *why)
{
    int number = seccomp_syscall_resolve_name(name), code;

    if (number == __NR_SCMP_ERROR || number < 0)
        return ERR_OK;
    code =
        seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(error), number, when == NULL ? 0 : 1, when);
    if (code != 0)
        return why_foreign(why, ERR_INTERNAL, "errno", (uint64_t)-code,
                           "the filter refuses a rule for %s()", name);
    return ERR_OK;
}

static struct scmp_arg_cmp has_bits(unsigned arg, scmp_datum_t bits)
{
    return (struct scmp_arg_cmp){arg, SCMP_CMP_MASKED_EQ, bits, bits};
}

/* Threads are made; processes and namespaces are not. What clone3() is asked for lies in memory,
 * where no filter looks: the C library then takes clone(). */
static err_code refuse_processes(scmp_filter_ctx filter, struct why *why)
{
    static const uint32_t SPACES[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                      CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    const struct scmp_arg_cmp process = {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0};

    TRY(refuse_if(filter, "clone3", ENOSYS, NULL, why));
    TRY(refuse_if(filter, "clone", EPERM, &process, why));
    for (size_t i = 0; i < sizeof SPACES / sizeof *SPACES; i++) {
        struct scmp_arg_cmp when = has_bits(0, SPACES[i]);
        TRY(refuse_if(filter, "clone", EPERM, &when, why));
    }
    return ERR_OK;
}

static err_code refuse_code(scmp_filter_ctx filter, struct why *why)
{
    const struct scmp_arg_cmp both = has_bits(2, PROT_WRITE | PROT_EXEC);
    const struct scmp_arg_cmp exec = has_bits(2, PROT_EXEC);

    TRY(refuse_if(filter, "mmap", EPERM, &both, why));
    TRY(refuse_if(filter, "mmap2", EPERM, &both, why));
    TRY(refuse_if(filter, "mprotect", EPERM, &exec, why));
    return refuse_if(filter, "pkey_mprotect", EPERM, &exec, why);
}

static err_code refuse_terminals(scmp_filter_ctx filter, struct why *why)
{
    const struct scmp_arg_cmp put = {1, SCMP_CMP_MASKED_EQ, UINT32_MAX, IOCTL_TIOCSTI};
    const struct scmp_arg_cmp more = {1, SCMP_CMP_MASKED_EQ, UINT32_MAX, IOCTL_TIOCLINUX};

    TRY(refuse_if(filter, "ioctl", EPERM, &put, why));
    return refuse_if(filter, "ioctl", EPERM, &more, why);
}

/* With the network, names are asked for by way of netlink, too. */
static err_code refuse_sockets(scmp_filter_ctx filter, bool network, struct why *why)
{
    const struct scmp_arg_cmp beyond = {0, SCMP_CMP_GE, FAMILIES, 0};

    for (unsigned family = 0; family < FAMILIES; family++) {
        const struct scmp_arg_cmp one = {0, SCMP_CMP_EQ, family, 0};
        bool internet = family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
        if (family != AF_UNIX && !(network && internet))
            TRY(refuse_if(filter, "socket", EPERM, &one, why));
    }
    return refuse_if(filter, "socket", EPERM, &beyond, why);
}

static err_code make_rules(scmp_filter_ctx filter, bool network, struct why *why)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        TRY(refuse_if(filter, REFUSED[i], EPERM, NULL, why));
    TRY(refuse_processes(filter, why));
    TRY(refuse_code(filter, why));
    TRY(refuse_terminals(filter, why));
    return refuse_sockets(filter, network, why);
}

err_code confine_calls(bool network, bool *ret, struct why *why)
{
    CLEANUP(filter_free) scmp_filter_ctx filter = NULL;
    int code;

    *ret = false;
    if (seccomp_api_get() < 2) /* no filter for all threads at once: before Linux 3.17, or none */
        return ERR_OK;
    filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return why_say(why, ERR_NO_MEMORY, "there is no filter of system calls");
    if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0 ||
        seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0)
        return why_say(why, ERR_INTERNAL, "the filter of system calls has no such attributes");
    TRY(make_rules(filter, network, why));
    code = seccomp_load(filter);
    if (code != 0)
        return why_foreign(why, ERR_INTERNAL, "errno", (uint64_t)-code,
                           "the kernel refuses the filter of system calls");
    *ret = true;
    return ERR_OK;
}
