/* SPDX-License-Identifier: Apache-2.0 */
/* killat_other.c: for processors whose registers killat does not know: it can kill, but not
 * inject an errno. */
#include "test-env/faults/killat.h"

bool killat_names(uint64_t number)
{
    (void)number;
    return false;
}

bool killat_makes_dir(uint64_t number)
{
    (void)number;
    return false;
}

bool killat_removes(uint64_t number)
{
    (void)number;
    return false;
}

bool killat_fail(pid_t pid, int error)
{
    (void)pid;
    (void)error;
    return false;
}
