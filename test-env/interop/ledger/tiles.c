/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiles.c: pawl's word on logs of other people's making, as a filter; for tests only. Usage:
 * ledger_tiles VKEY. Each line of standard input is a question, each line of standard output its
 * answer: "good" and what was asked for, or the name of the error and what it says. DIR is a log's
 * directory, hashes and files are in base64.
 *
 *     check DIR                        the signed checkpoint is over these tiles, these over these
 *                                      entries
 *     inclusion DIR INDEX SIZE         the path
 *     consistency DIR OLD SIZE         the path
 *     prove DIR INDEX                  a tlog-proof file under the checkpoint
 *     verify FILE ENTRY                a tlog-proof file of somebody else's
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/tlog/checkpoint_text.h"
#include "gate/tlog/proof_file.h"
#include "gate/tlog/tile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 4

/* A question, its answer, and a log that is open. */
struct asked {
    const struct note_key *key;
    char *word[WORDS];
    struct buf note, answer;
    struct checkpoint_text checkpoint;
    struct tiles *tiles;
};

static void asked_free(struct asked *asked)
{
    tiles_close(&asked->tiles);
    buf_free(&asked->note);
    buf_free(&asked->answer);
}

static uint64_t number(const struct asked *asked, size_t word)
{
    return asked->word[word] != NULL ? strtoull(asked->word[word], NULL, 10) : 0;
}

static err_code open_log(struct asked *asked, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct note note;

    TRY(path_join(asked->word[1], "checkpoint", &path));
    TRY(file_read((const char *)path.ptr, 1 << 20, &asked->note, why));
    TRY(checkpoint_note_open(buf_slice(&asked->note), asked->key, &note, &asked->checkpoint, why));
    return tiles_open(asked->word[1], asked->checkpoint.checkpoint.size, &asked->tiles, why);
}

/* The root from the tiles of one level, whatever the levels above say. */
static err_code check_tiles(struct asked *asked, struct tree *tree, struct why *why)
{
    const struct checkpoint *head = &asked->checkpoint.checkpoint;
    struct digest root;

    TRY(tree_root(tree_of(tree), head->size, &root, why));
    if (!digest_eq(&root, &head->root))
        return why_say(why, ERR_LEDGER_INCONSISTENT, "the entries have another root");
    for (unsigned level = 0; head->size >> (TILE_HEIGHT * level) > 0; level++) {
        uint64_t count = head->size >> (TILE_HEIGHT * level);

        for (uint64_t i = 0; i * TILE_WIDTH < count; i++) {
            const struct digest *hashes;
            unsigned n;

            TRY(tiles_hashes(asked->tiles, level, i, &hashes, &n, why));
            for (unsigned k = 0; k < n; k++) {
                struct digest want;

                TRY(tree_get(tree, TILE_HEIGHT * level, i * TILE_WIDTH + k, &want));
                if (!digest_eq(&want, &hashes[k]))
                    return why_say(why, ERR_LEDGER_INCONSISTENT, "level %u, tile %llu, hash %u",
                                   level, (unsigned long long)i, k);
            }
        }
    }
    return ERR_OK;
}

static err_code check(struct asked *asked, struct why *why)
{
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    CLEANUP(tree_free) struct tree tree = {0};
    uint64_t size = asked->checkpoint.checkpoint.size;
    struct digest leaf;

    for (uint64_t i = 0; i * TILE_WIDTH < size; i++) {
        TRY(tiles_bundle(asked->tiles, i, &bundle, why));
        for (unsigned k = 0; k < bundle.n; k++) {
            TRY(tree_leaf(bundle.entries[k], &leaf));
            TRY(tree_append(&tree, &leaf));
        }
    }
    return check_tiles(asked, &tree, why);
}

static err_code put_path(const struct tree_path *path, struct buf *ret)
{
    for (size_t i = 0; i < path->n; i++) {
        TRY(buf_add_str(ret, i == 0 ? "" : " "));
        TRY(base64_encode(digest_slice(&path->hashes[i]), ret));
    }
    return ERR_OK;
}

static err_code prove(struct asked *asked, struct why *why)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct proof_file file = {.index = number(asked, 2), .checkpoint = buf_slice(&asked->note)};

    TRY(tree_prove_inclusion(tiles_tree(asked->tiles), file.index,
                             asked->checkpoint.checkpoint.size, &file.path, why));
    TRY(proof_file_make(&file, &text, why));
    return base64_encode(buf_slice(&text), &asked->answer);
}

static err_code verify(const struct asked *asked, struct why *why)
{
    CLEANUP(buf_free) struct buf text = {0}, entry = {0};
    CLEANUP(proof_file_free) struct proof_file file = {0};
    const struct cosign_policy policy = {.log = asked->key};
    static struct cosign_verdict verdict;

    TRY(base64_decode(slice_str(asked->word[1]), &text));
    if (asked->word[2] != NULL)
        TRY(base64_decode(slice_str(asked->word[2]), &entry));
    TRY(proof_file_parse(buf_slice(&text), &file, why));
    return proof_file_verify(&file, buf_slice(&entry), &policy, &verdict, why);
}

static err_code answer(struct asked *asked, struct why *why)
{
    struct tree_path path;

    if (asked->word[0] == NULL || asked->word[1] == NULL)
        return why_say(why, ERR_USAGE, "no question");
    if (strcmp(asked->word[0], "verify") == 0)
        return verify(asked, why);
    TRY(open_log(asked, why));
    if (strcmp(asked->word[0], "check") == 0)
        return check(asked, why);
    if (strcmp(asked->word[0], "prove") == 0)
        return prove(asked, why);
    if (strcmp(asked->word[0], "inclusion") == 0)
        TRY(tree_prove_inclusion(tiles_tree(asked->tiles), number(asked, 2), number(asked, 3),
                                 &path, why));
    else
        TRY(tree_prove_consistency(tiles_tree(asked->tiles), number(asked, 2), number(asked, 3),
                                   &path, why));
    return put_path(&path, &asked->answer);
}

int main(int argc, char **argv)
{
    static struct note_key key;
    struct why why = {0};
    char *line = NULL;
    size_t room = 0;

    if (argc != 2 || note_key_parse(slice_str(argv[1]), &key, &why) != ERR_OK) {
        (void)fprintf(stderr, "usage: ledger_tiles VKEY: %s\n", why.text);
        return 2;
    }
    while (getline(&line, &room, stdin) > 0) {
        CLEANUP(asked_free) struct asked asked = {.key = &key};
        char *rest = line;
        err_code err;

        for (size_t i = 0; i < WORDS; i++)
            asked.word[i] = strtok_r(i == 0 ? rest : NULL, " \n", &rest);
        why = (struct why){0};
        err = answer(&asked, &why);
        if (err == ERR_OK)
            printf("good %.*s\n", (int)asked.answer.len, (const char *)asked.answer.ptr);
        else
            printf("%s %s\n", err_name(err), why.text);
    }
    free(line);
    return 0;
}
