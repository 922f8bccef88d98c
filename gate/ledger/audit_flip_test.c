/* SPDX-License-Identifier: Apache-2.0 */
/* audit_flip_test.c: every single bit of the files of a small log, and every length of each. Files
 * of a log are: journal, checkpoint, seal, tiles and bundles, full, partial and left over. Nothing
 * is exempt; signature lines of keys that the auditor does not know are not there. */
#include "gate/ledger/audit_testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FILES_MAX 64

static size_t stride = 1; /* of the bits that are flipped: the first argument */

struct files {
    char name[FILES_MAX][96];
    size_t n;
};

static void list(const char *dir, const char *below, struct files *ret)
{
    char path[256], inner[96];
    struct dirent *entry;
    DIR *names;

    (void)snprintf(path, sizeof path, "%s/%s", dir, below);
    names = opendir(path);
    assert_non_null(names);
    while ((entry = readdir(names)) != NULL) {
        struct stat st;

        if (entry->d_name[0] == '.')
            continue;
        assert_true(snprintf(inner, sizeof inner, "%s%s%s", below, below[0] != '\0' ? "/" : "",
                             entry->d_name) < (int)sizeof inner);
        (void)snprintf(path, sizeof path, "%s/%s", dir, inner);
        assert_int_equal(stat(path, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            list(dir, inner, ret);
            continue;
        }
        assert_true(ret->n < FILES_MAX);
        memcpy(ret->name[ret->n++], inner, sizeof inner);
    }
    assert_int_equal(closedir(names), 0);
}

/* What the first finding may be called when this file is damaged. */
static bool names_it(const char *file, const struct audit_finding *finding)
{
    static const struct {
        const char *file;
        enum audit_kind kinds[3];
    } RIGHT[] = {
        {"journal", {AUDIT_JOURNAL_DAMAGED, AUDIT_LOG_SHORTENED}},
        {"checkpoint", {AUDIT_CHECKPOINT_DAMAGED, AUDIT_CHECKPOINT_FORGED}},
        {"seal", {AUDIT_SEAL_DAMAGED, AUDIT_SEAL_INVALID}},
        {"tile/entries/", {AUDIT_ENTRY_CHANGED, AUDIT_BUNDLE_DAMAGED}},
        {"tile/", {AUDIT_TILE_DAMAGED}},
    };

    if (strcmp(finding->file, file) != 0)
        return false;
    for (size_t i = 0; i < sizeof RIGHT / sizeof *RIGHT; i++)
        if (strncmp(file, RIGHT[i].file, strlen(RIGHT[i].file)) == 0)
            for (size_t k = 0; k < 3; k++)
                if (finding->kind == RIGHT[i].kinds[k])
                    return true;
    return false;
}

/* The entry that a byte of a bundle belongs to. */
static uint64_t entry_at(const struct lab *lab, uint64_t first, size_t at)
{
    uint64_t entry = first;

    for (size_t end = 2 + lab->entries[entry].len; end <= at; end += 2 + lab->entries[entry].len)
        entry++;
    return entry;
}

static void keep(void *context, const struct audit_finding *finding)
{
    struct audit_finding *first = context;

    if (first->kind == AUDIT_NONE)
        *first = *finding;
}

static struct audit_finding audited(const struct lab *lab)
{
    struct audit_finding first = {0};
    const struct audit_job job = {
        .dir = lab->dir, .auditor = &lab->auditor, .found = keep, .context = &first};
    struct audit_report report;
    struct why why = {0};

    if ((audit_log(&job, &report, &why) == ERR_OK) != (first.kind == AUDIT_NONE))
        fail_msg("%s", why.text);
    return first;
}

static void expect(const struct lab *lab, const char *file, const char *how, size_t at)
{
    struct audit_finding got = audited(lab);
    uint64_t entry = 0;
    bool bundle = strncmp(file, "tile/entries/", 13) == 0;

    if (!names_it(file, &got))
        fail_msg("%s, %s at %zu: found %s in \"%s\": %s", file, how, at, audit_kind_name(got.kind),
                 got.file, got.text);
    if (!bundle)
        return;
    entry = entry_at(lab, (uint64_t)strtoul(file + 13, NULL, 10) * 256, at);
    if (got.index != entry)
        fail_msg("%s, %s at %zu: entry %llu, not %llu", file, how, at,
                 (unsigned long long)got.index, (unsigned long long)entry);
}

static void flip_each(const struct lab *lab, const char *file, size_t step)
{
    CLEANUP(buf_free) struct buf whole = {0};
    char path[256];
    size_t flips = 0;
    int fd;

    lab_read(lab, file, &whole);
    (void)snprintf(path, sizeof path, "%s/%s", lab->dir, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t bit = 0; bit < whole.len * 8; bit += step, flips++) {
        uint8_t *byte = &whole.ptr[bit / 8], was = *byte;

        *byte = (uint8_t)(was ^ 1U << (bit % 8));
        assert_int_equal(pwrite(fd, byte, 1, (off_t)(bit / 8)), 1);
        expect(lab, file, "a bit", bit / 8);
        assert_int_equal(pwrite(fd, &was, 1, (off_t)(bit / 8)), 1);
        *byte = was;
    }
    assert_int_equal(close(fd), 0);
    print_message("%s: %zu bytes, %zu bits flipped\n", file, whole.len, flips);
}

static void cut_each(const struct lab *lab, const char *file, size_t step)
{
    CLEANUP(buf_free) struct buf whole = {0};

    lab_read(lab, file, &whole);
    for (size_t len = 0; len < whole.len; len += step) {
        lab_put(lab, file, slice_part(buf_slice(&whole), 0, len));
        expect(lab, file, "cut", len);
    }
    assert_int_equal(buf_add_u8(&whole, 0), ERR_OK); /* and one byte too many */
    lab_put(lab, file, buf_slice(&whole));
    if (audited(lab).kind == AUDIT_NONE && strcmp(file, "journal") != 0)
        fail_msg("%s with a byte more is good", file);
    lab_put(lab, file, slice_part(buf_slice(&whole), 0, whole.len - 1));
}

/* One commit is in the journal, and of the commit before there is a partial tile left. */
static void every_bit_of_a_small_log(void **state)
{
    struct lab *lab = lab_make();
    struct files files = {0};

    (void)state;
    lab_session(lab, 1);
    lab_add(lab, RECORD_ATTEMPT, "agent-1");
    lab_commit(lab);
    lab->folded = 4;
    lab_write(lab, 4);
    lab_write(lab, 5);
    assert_int_equal(audited(lab).kind, AUDIT_NONE);
    list(lab->dir, "", &files);
    assert_int_equal(files.n, 3 + 2 + 2);
    for (size_t i = 0; i < files.n; i++) {
        /* What is left over says again what the next one says: a seventh of it, or each bit of an
         * octet in turn, takes half of the time away. */
        size_t step = strcmp(files.name[i], "tile/entries/000.p/2") == 0 ? stride * 7 : stride;

        flip_each(lab, files.name[i], step);
        cut_each(lab, files.name[i], step);
    }
    assert_int_equal(audited(lab).kind, AUDIT_NONE);
    lab_free(lab);
}

/* Full tiles of two levels; now and then a bit. */
static void some_bits_of_a_larger_log(void **state)
{
    struct lab *lab = lab_make();
    struct files files = {0};

    (void)state;
    lab_session(lab, 264);
    lab->folded = 526;
    lab_write(lab, 512);
    lab_write(lab, lab->n);
    assert_int_equal(audited(lab).kind, AUDIT_NONE);
    list(lab->dir, "", &files);
    assert_true(files.n > 3 + 6);
    for (size_t i = 0; i < files.n; i++) {
        bool small = strncmp(files.name[i], "tile/1", 6) == 0;

        flip_each(lab, files.name[i], small ? stride : (size_t)8191 * stride);
        cut_each(lab, files.name[i], (size_t)4999 * stride);
    }
    assert_int_equal(audited(lab).kind, AUDIT_NONE);
    lab_free(lab);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_small_log),
        cmocka_unit_test(some_bits_of_a_larger_log),
    };
    if (argc > 1)
        stride = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests_name("audit_flip", tests, NULL, NULL);
}
