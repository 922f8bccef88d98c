/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/authority_files.h"

#include "gate/base/file.h"
#include "gate/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

err_code authority_path(const char *dir, const char *room, uint64_t number, const char *suffix,
                        struct buf *ret)
{
    CLEANUP(buf_free) struct buf inner = {0};
    char name[48];

    (void)snprintf(name, sizeof name, "%llu%s", (unsigned long long)number, suffix);
    TRY(path_join(dir, room, &inner));
    return path_join((const char *)inner.ptr, name, ret);
}

static uint64_t number_of(const char *name, const char *suffix)
{
    size_t len = strlen(name), tail = strlen(suffix);
    char digits[24];
    uint64_t number;

    if (len <= tail || len - tail >= sizeof digits || strcmp(name + len - tail, suffix) != 0)
        return 0;
    memcpy(digits, name, len - tail);
    digits[len - tail] = '\0';
    return number_parse(digits, TERM_NUMBER_MAX, &number) == ERR_OK ? number : 0;
}

err_code authority_newest(const char *dir, const char *suffix, uint64_t *ret, struct why *why)
{
    CLEANUP(dir_close) DIR *list = opendir(dir);

    *ret = 0;
    if (list == NULL)
        return errno == ENOENT ? ERR_OK : why_errno(why, errno, "list", dir);
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (number_of(entry->d_name, suffix) > *ret)
            *ret = number_of(entry->d_name, suffix);
    return ERR_OK;
}
