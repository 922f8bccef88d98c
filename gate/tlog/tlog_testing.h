/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_testing.h: directories for the tests of this room. */
#ifndef PAWL_TLOG_TESTING_H
#define PAWL_TLOG_TESTING_H

#include <stddef.h>

/* A new directory, in memory if there is a place for it: what is tested is what is written, not the
 * disk. */
void testing_dir(char *ret, size_t size);
/* Removes it and what is in it. */
void testing_remove_dir(const char *dir);

#endif
