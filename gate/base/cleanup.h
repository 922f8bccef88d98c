/* SPDX-License-Identifier: Apache-2.0 */
/* cleanup.h: release at the end of the scope, the one clean-up idiom in pawl. */
#ifndef PAWL_BASE_CLEANUP_H
#define PAWL_BASE_CLEANUP_H

/* Calls fn(&variable) when the variable leaves its scope. fn accepts a zeroed variable. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#endif
