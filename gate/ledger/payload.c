/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/payload.h"

#include "gate/base/file.h"
#include "gate/base/text.h"

#include <string.h>

#define DIRECTORY "payload/"

void payload_name(const struct digest *hash, char ret[static PAYLOAD_NAME])
{
    memcpy(ret, DIRECTORY, strlen(DIRECTORY));
    hex_encode(digest_slice(hash), ret + strlen(DIRECTORY), PAYLOAD_NAME - strlen(DIRECTORY));
}

static err_code path_of(const char *log_dir, const struct digest *hash, struct buf *ret)
{
    char name[PAYLOAD_NAME];

    payload_name(hash, name);
    return path_join(log_dir, name, ret);
}

err_code payload_store(const char *log_dir, struct slice preimage, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0}, path = {0};
    struct digest hash;

    if (preimage.len > RECORD_PREIMAGE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a pre-image has %zu bytes, the limit is %zu",
                       preimage.len, RECORD_PREIMAGE_MAX);
    TRY(hash_sha256(preimage, &hash));
    TRY(path_join(log_dir, DIRECTORY, &dir));
    TRY(file_make_dir((const char *)dir.ptr, 0750, why));
    TRY(file_sync_dir(log_dir, why)); /* one who made it may have been killed before that */
    TRY(path_of(log_dir, &hash, &path));
    return file_write((const char *)path.ptr, preimage, 0640, why);
}

err_code payload_load(const char *log_dir, const struct digest *hash, struct buf *ret,
                      struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    char got_text[DIGEST_TEXT], want_text[DIGEST_TEXT];
    struct digest got;
    err_code err;

    TRY(path_of(log_dir, hash, &path));
    err = file_read((const char *)path.ptr, RECORD_PREIMAGE_MAX, &bytes, why);
    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_PREIMAGE_MISSING, "\"%s\" is not there", (const char *)path.ptr);
    if (err == ERR_TOO_LARGE)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "\"%s\" holds more than %zu bytes",
                       (const char *)path.ptr, RECORD_PREIMAGE_MAX);
    TRY(err);
    TRY(hash_sha256(buf_slice(&bytes), &got));
    if (!digest_eq(&got, hash)) {
        digest_text(&got, got_text);
        digest_text(hash, want_text);
        return why_say(why, ERR_LEDGER_INCONSISTENT, "\"%s\" holds %s, and not %s",
                       (const char *)path.ptr, got_text, want_text);
    }
    buf_free(ret);
    *ret = buf_take(&bytes);
    return ERR_OK;
}

err_code payload_record(const char *log_dir, struct slice entry, struct buf *preimage,
                        struct record *ret, struct why *why)
{
    err_code err = record_parse(entry, ret, why);
    struct digest hash;
    bool needed;

    if (err != ERR_PREIMAGE_MISSING)
        return err;
    TRY(record_preimage(entry, &needed, &hash, why));
    TRY(payload_load(log_dir, &hash, preimage, why));
    return record_parse_whole(entry, buf_slice(preimage), ret, why);
}
