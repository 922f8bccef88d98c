/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus_files_testing.h: the files of a conformance corpus in memory, from directories and from
 * archives. An archive is unpacked by gzip (a child, without a shell) and read here, so nothing is
 * written to a disk and nothing has to be cleaned up.
 */
#ifndef PAWL_CEDAR_CORPUS_FILES_TESTING_H
#define PAWL_CEDAR_CORPUS_FILES_TESTING_H

#include "gate/base/bytes.h"

struct corpus_file {
    char *name; /* as in the archive, or relative to the directory that was given */
    struct buf content;
};
struct corpus_files {
    struct corpus_file *list; /* ascending by name */
    size_t n, cap;
};

/* Adds a directory with everything in it, or a .tar.gz file. False, and says why on standard error,
 * if something could not be read. */
bool corpus_files_add(struct corpus_files *files, const char *path);

/* Adds what tests in a directory may name and do not hold: the directory "sample-data", from the
 * nearest of three directories above it, unless it has one itself. */
bool corpus_files_beside(struct corpus_files *files, const char *path);

/* Finds a file by its name; if there is none, by what follows the first slash of the name, and so
 * on. NULL: not there. */
const struct corpus_file *corpus_files_find(const struct corpus_files *files, struct slice name);

void corpus_files_free(struct corpus_files *files);

#endif
