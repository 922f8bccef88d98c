/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head_key.c: the key that is made anew with each durable head.
 *
 * Making: new key -> its public key, round and size durably to store_dir/head-key -> every other
 * head key destroyed. A kill before the note leaves a key that nobody noted beside the noted one;
 * one after it leaves the old ones. In both cases the noted one is there, and all others go. If it
 * is not there, nothing that stands in its place is taken for it.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "pkcs11/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NOTE_LEN (64 + HW_HEAD_LEN + HW_HEAD_CHECK_LEN)
static const char NOTE[] = "pawl-head-key-v1";

struct note {
    struct hw_pubkey key;
    struct hw_head head;
};

static err_code note_path(const struct hsm_root *root, struct buf *ret, struct why *why)
{
    if (root->options.store_dir == NULL)
        return why_say(why, ERR_STORAGE, "no directory for the head key was given");
    return path_join(root->options.store_dir, "head-key", ret);
}

static err_code note_write(const struct hsm_root *root, const struct note *note, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    uint8_t octets[NOTE_LEN];

    memcpy(octets, note->key.x, 32);
    memcpy(octets + 32, note->key.y, 32);
    hw_head_put(&note->head, octets + 64);
    TRY(hw_head_check_put(NOTE, octets, sizeof octets));
    TRY(note_path(root, &path, why));
    return file_write((const char *)path.ptr, SLICE_OF(octets), 0600, why);
}

static err_code note_read(const struct hsm_root *root, struct note *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, file = {0};
    err_code err;

    TRY(note_path(root, &path, why));
    err = file_read((const char *)path.ptr, NOTE_LEN, &file, why);
    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_HEAD_MISSING, "\"%s\" is gone, which says what the head key is",
                       (const char *)path.ptr);
    if (err == ERR_TOO_LARGE ||
        (err == ERR_OK &&
         (file.len != NOTE_LEN || hw_head_check_see(NOTE, buf_slice(&file)) != ERR_OK)))
        return why_say(why, ERR_STATE_CORRUPT, "\"%s\" is not what was written there",
                       (const char *)path.ptr);
    TRY(err);
    *ret = (struct note){.key = {.alg = HW_ES256}};
    memcpy(ret->key.x, file.ptr, 32);
    memcpy(ret->key.y, file.ptr + 32, 32);
    hw_head_get(file.ptr + 64, &ret->head);
    return ERR_OK;
}

bool hsm_head_key_noted(const struct hsm_root *root)
{
    CLEANUP(buf_free) struct buf path = {0};

    return note_path(root, &path, NULL) == ERR_OK && file_exists((const char *)path.ptr);
}

static err_code destroy_but(struct hsm_root *root, CK_OBJECT_HANDLE kept, struct why *why)
{
    struct hsm_key keys[HSM_KEYS_MAX];
    size_t n = 0;

    TRY(hsm_head_keys(&root->token, &root->space, keys, HSM_N(keys), &n, why));
    for (size_t i = 0; i < n; i++)
        if (keys[i].handle != kept)
            TRY(hsm_destroy(&root->token, keys[i].handle, why));
    return ERR_OK;
}

err_code hsm_head_key_make(struct hsm_root *root, const struct hw_head *head, struct why *why)
{
    struct note note = {.head = *head};
    CK_OBJECT_HANDLE key = 0;

    TRY(hsm_head_generate(&root->token, &root->space, head, &key, why));
    TRY(hsm_key_public(&root->token, key, &note.key, why));
    TRY(note_write(root, &note, why));
    return destroy_but(root, key, why);
}

/* The size in the label of a head key; 0 when it has another label. */
static uint64_t size_of(struct hsm_root *root, CK_OBJECT_HANDLE key)
{
    uint8_t space[HSM_LABEL_MAX];
    char text[HSM_LABEL_MAX + 1] = "";
    struct slice label;
    const char *colon;
    uint64_t size;

    if (hsm_attribute(&root->token, key, CKA_LABEL, &label, space, sizeof space, NULL) != ERR_OK)
        return 0;
    memcpy(text, label.ptr, label.len);
    colon = strrchr(text, ':');
    return colon != NULL && number_parse(colon + 1, UINT64_MAX, &size) == ERR_OK ? size : 0;
}

err_code hsm_head_key_newest(struct hsm_root *root, bool *ret_there, struct hw_head *ret,
                             struct why *why)
{
    struct hsm_key keys[HSM_KEYS_MAX];
    size_t n = 0;

    TRY(hsm_head_keys(&root->token, &root->space, keys, HSM_N(keys), &n, why));
    *ret_there = n > 0;
    *ret = (struct hw_head){0};
    if (n > 0)
        *ret = (struct hw_head){.round = keys[0].epoch, .size = size_of(root, keys[0].handle)};
    return ERR_OK;
}

/* The noted key is not on the token. */
static err_code gone(struct hsm_root *root, const struct note *note, const struct hw_head *last,
                     const struct hsm_key *keys, size_t n, struct why *why)
{
    const struct hsm_key *top = NULL;

    for (size_t i = 0; i < n; i++)
        if (top == NULL || keys[i].epoch > top->epoch)
            top = &keys[i];
    if (top == NULL || top->epoch < note->head.round)
        return why_say(why, ERR_HEAD_MISSING,
                       "the head key of round %" PRIu64 " is not on token \"%s\"", note->head.round,
                       root->token.label);
    return why_say(why, ERR_LEDGER_ROLLBACK,
                   "the ledger on disk has %" PRIu64 " entries, and its head key, of round %" PRIu64
                   " with %" PRIu64 " entries, is destroyed: token \"%s\" has the one of round "
                   "%" PRIu64 " with %" PRIu64 " entries",
                   last->size, note->head.round, note->head.size, root->token.label, top->epoch,
                   size_of(root, top->handle));
}

err_code hsm_head_key_check(struct hsm_root *root, const struct hw_head *last, struct hw_head *ret,
                            struct why *why)
{
    struct hsm_key keys[HSM_KEYS_MAX];
    struct why own = {0};
    struct note note;
    size_t n = 0;

    TRY(note_read(root, &note, why));
    TRY(hsm_head_keys(&root->token, &root->space, keys, HSM_N(keys), &n, why));
    for (size_t i = 0; i < n; i++) {
        err_code err;

        if (keys[i].epoch != note.head.round)
            continue;
        err = hsm_key_prove(&root->token, keys[i].handle, &note.key, "the head key", &own);
        if (err == ERR_HSM_KEY_FOREIGN)
            continue;
        if (err != ERR_OK) {
            if (why != NULL)
                *why = own;
            return err;
        }
        TRY(destroy_but(root, keys[i].handle, why));
        *ret = note.head;
        return ERR_OK;
    }
    return gone(root, &note, last, keys, n, why);
}
