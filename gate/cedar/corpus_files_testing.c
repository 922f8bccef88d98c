/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/corpus_files_testing.h"

#include "gate/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTENT_MAX ((size_t)4 << 20)
#define DEPTH_MAX 8

extern char **environ;

static bool add(struct corpus_files *files, const char *name, struct buf content)
{
    if (files->n == files->cap) {
        size_t cap = files->cap == 0 ? 1024 : 2 * files->cap;
        struct corpus_file *list = reallocarray(files->list, cap, sizeof *list);

        if (list == NULL)
            return false;
        files->list = list;
        files->cap = cap;
    }
    files->list[files->n].name = strdup(name);
    files->list[files->n].content = content;
    return files->list[files->n++].name != NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);

    return len >= n && memcmp(text + len - n, end, n) == 0;
}

/* ---- archives ---- */

static FILE *gunzip(const char *path, pid_t *ret_pid)
{
    char words[][8] = {"gzip", "-dc", "--"};
    char *arguments[] = {words[0], words[1], words[2], (char *)(uintptr_t)path, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], err;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    err = posix_spawnp(ret_pid, "gzip", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (err != 0) {
        close(ends[0]);
        return NULL;
    }
    return fdopen(ends[0], "rb");
}

/* POSIX ustar: blocks of 512 bytes; name at 0, size in octal at 124, kind at 156, what stands
 * before the name at 345. */
static bool untar_one(struct corpus_files *files, FILE *tar, const uint8_t header[static 512])
{
    char name[100 + 1] = "", before[155 + 1] = "", octal[12] = "", whole[260];
    struct buf content = {0};
    uint8_t *space = NULL;
    size_t size, padded;

    memcpy(name, header, 100);
    memcpy(octal, header + 124, 11);
    if (memcmp(header + 257, "ustar", 5) == 0)
        memcpy(before, header + 345, 155);
    snprintf(whole, sizeof whole, "%s%s%s", before, before[0] == '\0' ? "" : "/", name);
    size = strtoul(octal, NULL, 8);
    padded = (size + 511) / 512 * 512;
    if (padded > CONTENT_MAX || buf_add_space(&content, padded, &space) != ERR_OK ||
        fread(space, 1, padded, tar) != padded) {
        buf_free(&content);
        return false;
    }
    buf_cut(&content, size);
    if (header[156] == '0' || header[156] == '\0')
        return add(files, whole, content);
    buf_free(&content);
    return true;
}

static bool untar(struct corpus_files *files, FILE *tar)
{
    uint8_t header[512], rest[4096];

    while (fread(header, 1, sizeof header, tar) == sizeof header && header[0] != 0)
        if (!untar_one(files, tar, header))
            return false;
    while (fread(rest, 1, sizeof rest, tar) > 0)
        ; /* the padding at the end */
    return true;
}

static bool add_archive(struct corpus_files *files, const char *path)
{
    pid_t pid = -1;
    FILE *tar = gunzip(path, &pid);
    int status = -1;
    bool ok = tar != NULL && untar(files, tar);

    if (tar != NULL)
        fclose(tar);
    if (pid > 0 && waitpid(pid, &status, 0) != pid)
        return false;
    return ok && status == 0;
}

/* ---- directories ---- */

static bool add_path(struct corpus_files *files, const char *path, const char *name, int depth);

static bool add_directory(struct corpus_files *files, const char *path, const char *name, int depth)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    bool ok = dir != NULL && depth < DEPTH_MAX;

    while (ok && (entry = readdir(dir)) != NULL) {
        char *inner = NULL, *inner_name = NULL;

        if (entry->d_name[0] == '.')
            continue;
        ok = asprintf(&inner, "%s/%s", path, entry->d_name) > 0 &&
             asprintf(&inner_name, "%s%s%s", name, name[0] == '\0' ? "" : "/", entry->d_name) > 0 &&
             add_path(files, inner, inner_name, depth + 1);
        free(inner);
        free(inner_name);
    }
    if (dir != NULL)
        closedir(dir);
    return ok;
}

static bool add_path(struct corpus_files *files, const char *path, const char *name, int depth)
{
    struct buf content = {0};
    struct stat stat_buf;
    struct why why = {0};

    if (stat(path, &stat_buf) != 0)
        return false;
    if (S_ISDIR(stat_buf.st_mode))
        return add_directory(files, path, name, depth);
    if (ends_with(path, ".tar.gz"))
        return add_archive(files, path);
    if (file_read(path, CONTENT_MAX, &content, &why) != ERR_OK)
        return false;
    return add(files, name, content);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct corpus_file *)a)->name, ((const struct corpus_file *)b)->name);
}

static bool add_sorted(struct corpus_files *files, const char *path, const char *name)
{
    bool ok = add_path(files, path, name, 0);

    if (files->n > 0)
        qsort(files->list, files->n, sizeof *files->list, by_name);
    if (!ok)
        fprintf(stderr, "%s: cannot be read\n", path);
    return ok;
}

bool corpus_files_add(struct corpus_files *files, const char *path)
{
    return add_sorted(files, path, "");
}

bool corpus_files_beside(struct corpus_files *files, const char *path)
{
    static const char *const ABOVE[] = {"", "../", "../../", "../../../"};
    char beside[4096];
    struct stat stat_buf;

    if (stat(path, &stat_buf) != 0 || !S_ISDIR(stat_buf.st_mode))
        return true;
    for (size_t i = 0; i < sizeof ABOVE / sizeof *ABOVE; i++) {
        snprintf(beside, sizeof beside, "%s/%ssample-data", path, ABOVE[i]);
        if (stat(beside, &stat_buf) == 0 && S_ISDIR(stat_buf.st_mode))
            return i == 0 || add_sorted(files, beside, "sample-data");
    }
    return true;
}

/* ---- finding ---- */

const struct corpus_file *corpus_files_find(const struct corpus_files *files, struct slice name)
{
    char wanted[512];

    snprintf(wanted, sizeof wanted, "%.*s", (int)name.len, (const char *)name.ptr);
    for (char *at = wanted; at != NULL; at = strchr(at, '/')) {
        struct corpus_file key;
        const struct corpus_file *found;

        at += *at == '/';
        key.name = at;
        found = bsearch(&key, files->list, files->n, sizeof key, by_name);
        if (found != NULL)
            return found;
    }
    return NULL;
}

void corpus_files_free(struct corpus_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->list[i].name);
        buf_free(&files->list[i].content);
    }
    free(files->list);
    *files = (struct corpus_files){0};
}
