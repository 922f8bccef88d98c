/* SPDX-License-Identifier: Apache-2.0 */
/* killat_x86_64.c: how a system call is made to fail on x86-64. */
#include "test-env/faults/killat.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

bool killat_names(uint64_t number)
{
    return number == SYS_rename || number == SYS_link || number == SYS_mkdir;
}

bool killat_makes_dir(uint64_t number)
{
    return number == SYS_mkdir;
}

bool killat_removes(uint64_t number)
{
    return number == SYS_unlink;
}

bool killat_fail(pid_t pid, int error)
{
    struct user_regs_struct regs;
    struct iovec io = {&regs, sizeof regs};
    int status;

    if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io) != 0)
        return false;
    regs.orig_rax = (unsigned long long)-1; /* no such system call */
    if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io) != 0 ||
        ptrace(PTRACE_SYSCALL, pid, 0, 0) != 0 || waitpid(pid, &status, 0) != pid ||
        !WIFSTOPPED(status) || ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io) != 0)
        return false;
    regs.rax = (unsigned long long)-error;
    return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io) == 0;
}
