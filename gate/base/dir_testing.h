/* SPDX-License-Identifier: Apache-2.0 */
/* dir_testing.h: directories of their own for the tests of every room. */
#ifndef PAWL_BASE_DIR_TESTING_H
#define PAWL_BASE_DIR_TESTING_H

#include <stddef.h>

/* A new directory, in memory if there is a place for it: what is tested is what is written, not the
 * disk. Fails the test if it cannot. */
void testing_dir(char *ret, size_t size);

/* Removes it and what is in it. */
void testing_remove(const char *dir);

#endif
