/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/log_key.h"

#include "gate/base/file.h"

#include <string.h>

void log_key_free(struct log_key *key)
{
    hw_ed25519_wipe(&key->pair);
    *key = (struct log_key){0};
}

static err_code path_of(const char *state_dir, struct buf *ret)
{
    return path_join(state_dir, "log.key", ret);
}

err_code log_key_load(const char *state_dir, struct slice vkey, struct log_key *ret,
                      struct why *why)
{
    CLEANUP(log_key_free) struct log_key key = {0};
    CLEANUP(buf_free) struct buf path = {0};
    err_code err;

    TRY(note_key_parse(vkey, &key.key, why));
    TRY(path_of(state_dir, &path));
    err = hw_ed25519_load((const char *)path.ptr, &key.pair, why);
    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_STATE_CORRUPT, "the gate is enrolled, but \"%s\" is gone",
                       (const char *)path.ptr);
    TRY(err);
    if (memcmp(key.pair.public, key.key.ed25519, ED25519_KEY_LEN) != 0)
        return why_say(why, ERR_STATE_CORRUPT,
                       "\"%s\" is another key than the enrolment names: %.*s",
                       (const char *)path.ptr, (int)vkey.len, (const char *)vkey.ptr);
    *ret = key;
    key = (struct log_key){0}; /* transferred */
    return ERR_OK;
}

err_code log_key_make(const char *state_dir, struct slice origin, struct buf *ret_vkey,
                      struct why *why)
{
    CLEANUP(log_key_free) struct log_key key = {0};
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_of(state_dir, &path));
    if (file_exists((const char *)path.ptr)) {
        TRY(hw_ed25519_load((const char *)path.ptr, &key.pair, why));
    } else {
        TRY(hw_ed25519_generate(&key.pair, why));
        TRY(hw_ed25519_save((const char *)path.ptr, &key.pair, why));
    }
    TRY(note_key_make(NOTE_ED25519, origin, key.pair.public, &key.key, why));
    return note_key_format(&key.key, ret_vkey);
}
