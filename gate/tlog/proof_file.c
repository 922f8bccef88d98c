/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/proof_file.h"

#include "gate/base/text.h"

#include <inttypes.h>
#include <string.h>

#define MAGIC "c2sp.org/tlog-proof@v1"
#define EXTRA "extra "
#define INDEX "index "

void proof_file_free(struct proof_file *file)
{
    buf_free(&file->extra);
    *file = (struct proof_file){0};
}

/* The rest of a line behind a prefix; false when it has another beginning. */
static bool after(struct slice line, const char *prefix, struct slice *ret)
{
    size_t len = strlen(prefix);

    if (line.len < len || memcmp(line.ptr, prefix, len) != 0)
        return false;
    *ret = (struct slice){line.ptr + len, line.len - len};
    return true;
}

err_code proof_file_make(const struct proof_file *from, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct note note;

    if (from->extra.len > PROOF_EXTRA_MAX)
        return why_say(why, ERR_TOO_LARGE, "extra data of %zu bytes, the limit is %zu",
                       from->extra.len, PROOF_EXTRA_MAX);
    if (from->path.n > TREE_PATH_MAX)
        return ERR_INTERNAL;
    TRY(note_parse(from->checkpoint, &note, why));
    TRY(buf_add_str(&out, MAGIC "\n"));
    if (from->extra.len > 0) {
        TRY(buf_add_str(&out, EXTRA));
        TRY(base64_encode(buf_slice(&from->extra), &out));
        TRY(buf_add_str(&out, "\n"));
    }
    TRY(note_put_number(INDEX, from->index, &out));
    for (size_t i = 0; i < from->path.n; i++)
        TRY(note_put_hash(&from->path.hashes[i], &out));
    TRY(buf_add_str(&out, "\n"));
    TRY(buf_add_slice(&out, from->checkpoint));
    return buf_add_slice(ret, buf_slice(&out));
}

/* The lines before the empty one. */
static err_code parse_head(struct slice *rest, struct proof_file *out, struct why *why)
{
    struct slice line, value;

    if (note_line(rest, &line) != ERR_OK || !slice_eq_str(line, MAGIC))
        return why_say(why, ERR_FORMAT, "the first line is not \"" MAGIC "\"");
    if (note_line(rest, &line) != ERR_OK)
        return why_say(why, ERR_FORMAT, "no line with an index");
    if (after(line, EXTRA, &value)) {
        if (value.len > PROOF_EXTRA_MAX / 3 * 4 + 4)
            return why_say(why, ERR_TOO_LARGE, "extra data of %zu characters", value.len);
        if (base64_decode(value, &out->extra) != ERR_OK || out->extra.len == 0)
            return why_say(why, ERR_FORMAT, "the extra data is not base64");
        if (note_line(rest, &line) != ERR_OK)
            return why_say(why, ERR_FORMAT, "no line with an index");
    }
    if (!after(line, INDEX, &value) || note_number(value, &out->index) != ERR_OK)
        return why_say(why, ERR_FORMAT, "no line with an index");
    for (;;) {
        if (note_line(rest, &line) != ERR_OK)
            return why_say(why, ERR_FORMAT, "no empty line before the checkpoint");
        if (line.len == 0)
            return ERR_OK;
        if (out->path.n == TREE_PATH_MAX)
            return why_say(why, ERR_TOO_LARGE, "a path of more than %d hashes", TREE_PATH_MAX);
        if (note_hash(line, &out->path.hashes[out->path.n]) != ERR_OK)
            return why_say(why, ERR_FORMAT, "hash %zu of the path is not one", out->path.n);
        out->path.n++;
    }
}

err_code proof_file_parse(struct slice bytes, struct proof_file *ret, struct why *why)
{
    CLEANUP(proof_file_free) struct proof_file out = {0};
    struct note note;

    if (bytes.len > PROOF_FILE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a proof of %zu bytes, the limit is %zu", bytes.len,
                       PROOF_FILE_MAX);
    TRY(parse_head(&bytes, &out, why));
    TRY(note_parse(bytes, &note, why));
    out.checkpoint = bytes;
    proof_file_free(ret);
    *ret = out;
    out = (struct proof_file){0}; /* transferred */
    return ERR_OK;
}

err_code proof_file_verify(const struct proof_file *file, struct slice entry,
                           const struct cosign_policy *policy, struct cosign_verdict *ret,
                           struct why *why)
{
    struct digest leaf, root;
    uint64_t size;

    TRY(cosign_open(file->checkpoint, policy, ret, why));
    size = ret->text.checkpoint.size;
    TRY(tree_leaf(entry, &leaf));
    if (tree_root_from(&leaf, file->index, size, &file->path, &root) != ERR_OK)
        return why_say(why, ERR_FORMAT,
                       "a path of %zu hashes is none for index %" PRIu64 " of %" PRIu64,
                       file->path.n, file->index, size);
    if (!digest_eq(&root, &ret->text.checkpoint.root))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the entry does not stand at index %" PRIu64 " of this log", file->index);
    return ERR_OK;
}
