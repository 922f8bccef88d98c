/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/installs.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/policy/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".bundle"
#define NAME_SIZE 48

static err_code dir_of(const char *state_dir, struct buf *ret)
{
    return path_join(state_dir, "installed", ret);
}

static void name_of(uint64_t epoch, char ret[static NAME_SIZE])
{
    (void)snprintf(ret, NAME_SIZE, "%llu" SUFFIX, (unsigned long long)epoch);
}

/* The epoch that a file name stands for; 0 for any other name than name_of() gives: a temporary
 * file, or somebody's copy. */
static uint64_t epoch_of(const char *name)
{
    size_t len = strlen(name), tail = strlen(SUFFIX);
    char digits[24], own[NAME_SIZE];
    uint64_t epoch;

    if (len <= tail || len - tail >= sizeof digits || strcmp(name + len - tail, SUFFIX) != 0)
        return 0;
    memcpy(digits, name, len - tail);
    digits[len - tail] = '\0';
    if (number_parse(digits, TERM_NUMBER_MAX, &epoch) != ERR_OK)
        return 0;
    name_of(epoch, own);
    return strcmp(name, own) == 0 ? epoch : 0;
}

static err_code path_of(const char *state_dir, uint64_t epoch, struct buf *ret)
{
    CLEANUP(buf_free) struct buf dir = {0};
    char name[NAME_SIZE];

    TRY(dir_of(state_dir, &dir));
    name_of(epoch, name);
    return path_join((const char *)dir.ptr, name, ret);
}

err_code installs_newest(const char *state_dir, struct buf *ret, uint64_t *ret_epoch,
                         struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};
    CLEANUP(dir_close) DIR *list = NULL;
    uint64_t newest = 0;

    TRY(dir_of(state_dir, &dir));
    list = opendir((const char *)dir.ptr);
    if (list == NULL && errno != ENOENT)
        return why_errno(why, errno, "list", (const char *)dir.ptr);
    *ret_epoch = 0;
    if (list == NULL)
        return ERR_OK;
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (epoch_of(entry->d_name) > newest)
            newest = epoch_of(entry->d_name);
    if (newest == 0)
        return ERR_OK;
    TRY(installs_read(state_dir, newest, ret, why));
    *ret_epoch = newest;
    return ERR_OK;
}

err_code installs_read(const char *state_dir, uint64_t epoch, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_of(state_dir, epoch, &path));
    return file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, ret, why);
}

err_code installs_put(const char *state_dir, uint64_t epoch, struct slice bytes, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0}, path = {0};

    TRY(dir_of(state_dir, &dir));
    TRY(file_make_dir((const char *)dir.ptr, 0700, why));
    TRY(path_of(state_dir, epoch, &path));
    return file_write((const char *)path.ptr, bytes, 0600, why);
}

/* Beside its place, under a name that is nobody's. */
static void set_aside(const char *path)
{
    CLEANUP(buf_free) struct buf aside = {0};

    if (buf_add_str(&aside, path) == ERR_OK && buf_add_str(&aside, ".refused") == ERR_OK &&
        buf_terminate(&aside) == ERR_OK)
        (void)rename(path, (const char *)aside.ptr);
}

void installs_settle(const char *state_dir, uint64_t epoch)
{
    CLEANUP(buf_free) struct buf dir = {0}, path = {0};
    CLEANUP(dir_close) DIR *list = NULL;

    if (dir_of(state_dir, &dir) != ERR_OK)
        return;
    list = opendir((const char *)dir.ptr);
    for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        uint64_t found = epoch_of(entry->d_name);
        if (found == 0 || found == epoch || path_of(state_dir, found, &path) != ERR_OK)
            continue;
        if (found < epoch)
            (void)unlink((const char *)path.ptr);
        else
            set_aside((const char *)path.ptr);
    }
}
