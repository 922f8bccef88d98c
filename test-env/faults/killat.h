/* SPDX-License-Identifier: Apache-2.0 */
/* killat.h: the part of killat.c that depends on the processor; meson picks the file. */
#ifndef PAWL_FAULTS_KILLAT_H
#define PAWL_FAULTS_KILLAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Is this a system call that makes or moves a name, and that only this processor has? */
bool killat_names(uint64_t number);

/* Is it, of these, the one that makes a directory, and so takes a single name? */
bool killat_makes_dir(uint64_t number);

/* Does it give room back? */
bool killat_removes(uint64_t number);

/* The process stands before a system call: lets it fail with an errno instead of running. False
 * when this cannot be done here. */
bool killat_fail(pid_t pid, int error);

#endif
