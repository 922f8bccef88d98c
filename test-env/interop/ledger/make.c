/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make.c: logs as pawl's store writes them, for others to judge; for tests only. Usage: ledger_make
 * DIR ORIGIN SIZE...: prints the vkey of the log's key, grows a log to each size in turn, in
 * batches, and publishes it there; folds before every second one. The published files are then
 * copied to DIR.SIZE, unless the size has a "=" before it.
 */
#include "gate/tlog/checkpoint_text.h"
#include "gate/tlog/store.h"
#include "gate/tlog/tile.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 37

struct maker {
    const char *dir;
    struct tlog *log;
    struct hw_ed25519 pair;
    struct note_key key;
    uint64_t round;
};

/* Entry index of every such log: up to 310 bytes, one the longest that there may be. */
static err_code entry_of(uint64_t index, struct buf *ret)
{
    size_t len = index == 3 ? TILE_ENTRY_MAX : index * 37 % 310 + 1;

    buf_cut(ret, 0);
    for (size_t i = 0; i < len; i++) {
        uint8_t octet = (uint8_t)(i * 7 + index * 13 + 1);

        TRY(buf_add(ret, &octet, 1));
    }
    return ERR_OK;
}

static err_code grow(struct maker *m, uint64_t size, struct why *why)
{
    CLEANUP(buf_free) struct buf entry = {0};

    for (uint64_t index = tlog_head(m->log).checkpoint.size; index < size;) {
        for (unsigned n = 0; n < BATCH && index < size; n++, index++) {
            TRY(entry_of(index, &entry));
            TRY(tlog_stage(m->log, buf_slice(&entry), why));
        }
        TRY(tlog_commit(m->log, ++m->round, why));
    }
    return ERR_OK;
}

static err_code publish(struct maker *m, struct why *why)
{
    const struct note_signer signer = {&m->key, &m->pair, 0};
    CLEANUP(buf_free) struct buf note = {0};
    struct checkpoint head = tlog_head(m->log).checkpoint;

    TRY(checkpoint_note_make(&head, &signer, &note, why));
    return tlog_publish(m->log, buf_slice(&note), (struct slice){0}, why);
}

static err_code copy(const struct maker *m, const char *size)
{
    char command[1024];

    if (*size == '=')
        return ERR_OK;
    (void)snprintf(command, sizeof command, "cp -a -- '%s' '%s.%s'", m->dir, m->dir, size);
    return system(command) == 0 ? ERR_OK : ERR_STORAGE; /* a test's own private directory */
}

static err_code make(struct maker *m, char **sizes, struct why *why)
{
    CLEANUP(buf_free) struct buf vkey = {0};

    TRY(hw_ed25519_generate(&m->pair, why));
    TRY(note_key_make(NOTE_ED25519, slice_str(sizes[0]), m->pair.public, &m->key, why));
    TRY(note_key_format(&m->key, &vkey));
    printf("%s\n", (const char *)vkey.ptr);
    (void)fflush(stdout);
    TRY(tlog_open(m->dir, TLOG_CREATE, &m->log, why));
    for (size_t i = 1; sizes[i] != NULL; i++) {
        TRY(grow(m, strtoull(sizes[i] + (*sizes[i] == '='), NULL, 10), why));
        if (i % 2 == 0)
            TRY(tlog_fold(m->log, why));
        TRY(publish(m, why));
        TRY(copy(m, sizes[i]));
    }
    return ERR_OK;
}

int main(int argc, char **argv)
{
    static struct maker m;
    struct why why = {0};
    err_code err;

    if (argc < 4)
        return 2;
    (void)signal(SIGXFSZ, SIG_IGN);
    m.dir = argv[1];
    err = make(&m, argv + 2, &why);
    tlog_close(&m.log);
    hw_ed25519_wipe(&m.pair);
    if (err != ERR_OK)
        (void)fprintf(stderr, "ledger_make: %s: %s\n", err_name(err), why.text);
    return err == ERR_OK ? 0 : 1;
}
