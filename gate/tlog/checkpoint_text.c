/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/checkpoint_text.h"

#include "gate/base/text.h"
#include "gate/tlog/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- lines ----------------------------------------------------------------------------------- */

err_code note_line(struct slice *rest, struct slice *ret)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len;

    if (end == NULL)
        return ERR_FORMAT;
    len = (size_t)(end - rest->ptr);
    *ret = slice_part(*rest, 0, len);
    *rest = slice_part(*rest, len + 1, rest->len - len - 1);
    return ERR_OK;
}

err_code note_number(struct slice line, uint64_t *ret)
{
    uint64_t value = 0;

    if (line.len == 0 || (line.len > 1 && line.ptr[0] == '0'))
        return ERR_FORMAT;
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.ptr[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
            return ERR_FORMAT;
    }
    *ret = value;
    return ERR_OK;
}

err_code note_hash(struct slice line, struct digest *ret)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    TRY(base64_decode(line, &bytes));
    return digest_from(buf_slice(&bytes), ret);
}

err_code note_put_number(const char *prefix, uint64_t number, struct buf *ret)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRIu64 "\n", number);
    TRY(buf_add_str(ret, prefix));
    return buf_add_str(ret, text);
}

err_code note_put_hash(const struct digest *hash, struct buf *ret)
{
    TRY(base64_encode(digest_slice(hash), ret));
    return buf_add_str(ret, "\n");
}

/* ---- the text -------------------------------------------------------------------------------- */

/* Whole lines, none of them empty. */
static bool extension_ok(struct slice extension)
{
    struct slice line;

    while (extension.len > 0)
        if (note_line(&extension, &line) != ERR_OK || line.len == 0)
            return false;
    return true;
}

static bool is_line(struct slice text)
{
    return text.len > 0 && memchr(text.ptr, '\n', text.len) == NULL;
}

err_code checkpoint_text_parse(struct slice text, struct checkpoint_text *ret, struct why *why)
{
    struct checkpoint_text out;
    struct slice line;
    struct digest empty;

    if (note_line(&text, &out.origin) != ERR_OK || out.origin.len == 0)
        return why_say(why, ERR_FORMAT, "the checkpoint has no origin");
    if (note_line(&text, &line) != ERR_OK || note_number(line, &out.checkpoint.size) != ERR_OK)
        return why_say(why, ERR_FORMAT, "the checkpoint's second line is no size");
    if (note_line(&text, &line) != ERR_OK || note_hash(line, &out.checkpoint.root) != ERR_OK)
        return why_say(why, ERR_FORMAT, "the checkpoint's third line is no root");
    TRY(tree_empty(&empty));
    if (out.checkpoint.size == 0 && !digest_eq(&empty, &out.checkpoint.root))
        return why_say(why, ERR_FORMAT, "size 0 with another root than the empty tree's");
    if (!extension_ok(text))
        return why_say(why, ERR_FORMAT, "an empty line in the checkpoint, or one without an end");
    out.extension = text;
    *ret = out;
    return ERR_OK;
}

err_code checkpoint_text_make(const struct checkpoint_text *from, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};

    if (!is_line(from->origin) || !extension_ok(from->extension))
        return why_say(why, ERR_FORMAT, "origin or extension are no lines of a checkpoint");
    TRY(buf_add_slice(&out, from->origin));
    TRY(note_put_number("\n", from->checkpoint.size, &out));
    TRY(note_put_hash(&from->checkpoint.root, &out));
    TRY(buf_add_slice(&out, from->extension));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code checkpoint_note_make(const struct checkpoint *checkpoint, const struct note_signer *signer,
                              struct buf *ret, struct why *why)
{
    struct checkpoint_text from = {.origin = note_key_name(signer->key), .checkpoint = *checkpoint};
    CLEANUP(buf_free) struct buf text = {0};

    TRY(checkpoint_text_make(&from, &text, why));
    return note_make(buf_slice(&text), signer, ret, why);
}

err_code checkpoint_note_open(struct slice bytes, const struct note_key *log, struct note *ret_note,
                              struct checkpoint_text *ret, struct why *why)
{
    struct checkpoint_text out;

    TRY(note_parse(bytes, ret_note, why));
    TRY(note_verify(ret_note, log, 1, why));
    TRY(checkpoint_text_parse(ret_note->text, &out, why));
    if (!slice_eq(out.origin, note_key_name(log)))
        return why_say(why, ERR_SIGNER_UNKNOWN, "the checkpoint of \"%.*s\", not of \"%s\"",
                       (int)out.origin.len, (const char *)out.origin.ptr, log->name);
    *ret = out;
    return ERR_OK;
}

err_code checkpoint_claimed(struct slice bytes, struct checkpoint *ret, struct why *why)
{
    struct checkpoint_text text;
    struct note note;

    TRY(note_parse(bytes, &note, why));
    TRY(checkpoint_text_parse(note.text, &text, why));
    *ret = text.checkpoint;
    return ERR_OK;
}

err_code tlog_origin(struct slice domain, struct slice gate, struct buf *ret)
{
    CLEANUP(buf_free) struct buf name = {0};

    TRY(buf_add_slice(&name, domain));
    TRY(buf_add_str(&name, "/"));
    TRY(buf_add_slice(&name, gate));
    return text_percent(buf_slice(&name), ret);
}
