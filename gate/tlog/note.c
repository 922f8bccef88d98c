/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/note.h"

#include "gate/base/hash.h"
#include "gate/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xe2\x80\x94 " /* U+2014 and a space */
#define ID_LEN 4
#define TIME_LEN 8

/* ---- reading --------------------------------------------------------------------------------- */

/* "— name base64" without the end of line. */
static err_code parse_line(struct slice line, struct note_sig *ret, struct why *why)
{
    size_t dash = sizeof DASH - 1;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct note_sig sig = {0};
    const uint8_t *space;
    struct slice rest;
    err_code err;

    if (!slice_eq_str(slice_part(line, 0, dash), DASH))
        return why_say(why, ERR_FORMAT, "a signature line does not begin with a dash and a space");
    rest = slice_part(line, dash, line.len - dash);
    space = rest.len > 0 ? memchr(rest.ptr, ' ', rest.len) : NULL;
    if (space == NULL)
        return why_say(why, ERR_FORMAT, "a signature line has a name and no signature");
    sig.name = slice_part(rest, 0, (size_t)(space - rest.ptr));
    sig.base64 = slice_part(rest, sig.name.len + 1, rest.len - sig.name.len - 1);
    if (!note_name_ok(sig.name))
        return why_say(why, ERR_FORMAT, "a signature line names no key");
    err = base64_decode(sig.base64, &bytes);
    if (err == ERR_NO_MEMORY)
        return err;
    if (err != ERR_OK || bytes.len <= ID_LEN)
        return why_say(why, ERR_FORMAT, "the signature by \"%.*s\" is not base64 of an id and more",
                       (int)sig.name.len, (const char *)sig.name.ptr);
    for (size_t i = 0; i < ID_LEN; i++)
        sig.id = sig.id << 8 | bytes.ptr[i];
    *ret = sig;
    return ERR_OK;
}

/* lines end with an end of line: check_text() has seen to that. */
static err_code parse_lines(struct slice lines, struct note *note, struct why *why)
{
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = (size_t)(end - lines.ptr);
        struct note_sig *sig = &note->sigs[note->n_sigs];

        if (note->n_sigs == NOTE_SIGS_MAX)
            return why_say(why, ERR_TOO_LARGE, "more than %d signatures", NOTE_SIGS_MAX);
        TRY(parse_line(slice_part(lines, 0, len), sig, why));
        sig->line = slice_part(lines, 0, len + 1);
        note->n_sigs++;
        lines = slice_part(lines, len + 1, lines.len - len - 1);
    }
    if (note->n_sigs == 0)
        return why_say(why, ERR_FORMAT, "no signature line");
    return ERR_OK;
}

/* UTF-8, no control characters but the ends of lines, an end of line last. */
static err_code check_text(struct slice bytes, struct why *why)
{
    if (bytes.len > NOTE_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a note of %zu bytes, the limit is %zu", bytes.len,
                       NOTE_SIZE_MAX);
    if (bytes.len == 0 || bytes.ptr[bytes.len - 1] != '\n')
        return why_say(why, ERR_FORMAT, "no end of line at the end of %zu bytes", bytes.len);
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] < ' ' && bytes.ptr[i] != '\n')
            return why_say(why, ERR_FORMAT, "control character 0x%02x at byte %zu", bytes.ptr[i],
                           i);
    if (!utf8_valid(bytes))
        return why_say(why, ERR_FORMAT, "it is not UTF-8");
    return ERR_OK;
}

err_code note_parse_lines(struct slice lines, struct note *ret, struct why *why)
{
    ret->n_sigs = 0;
    ret->text = (struct slice){0};
    TRY(check_text(lines, why));
    return parse_lines(lines, ret, why);
}

err_code note_parse(struct slice bytes, struct note *ret, struct why *why)
{
    const uint8_t *blank;
    size_t text_len;

    ret->n_sigs = 0;
    ret->text = (struct slice){0};
    TRY(check_text(bytes, why));
    blank = NULL;
    for (size_t i = bytes.len - 1; i > 0 && blank == NULL; i--)
        if (bytes.ptr[i] == '\n' && bytes.ptr[i - 1] == '\n')
            blank = &bytes.ptr[i];
    if (blank == NULL)
        return why_say(why, ERR_FORMAT, "no empty line between text and signatures");
    text_len = (size_t)(blank - bytes.ptr);
    TRY(parse_lines(slice_part(bytes, text_len + 1, bytes.len - text_len - 1), ret, why));
    ret->text = slice_part(bytes, 0, text_len);
    return ERR_OK;
}

/* ---- verifying ------------------------------------------------------------------------------- */

/* What a cosignature signs: two lines before the text. */
static err_code cosigned(struct slice text, uint64_t time, struct buf *ret)
{
    char head[64];

    (void)snprintf(head, sizeof head, "cosignature/v1\ntime %" PRIu64 "\n", time);
    TRY(buf_add_str(ret, head));
    return buf_add_slice(ret, text);
}

static err_code verify_cosignature(const struct note_key *key, struct slice text, struct slice sig,
                                   uint64_t *ret_time)
{
    CLEANUP(buf_free) struct buf message = {0};
    uint64_t time;

    if (sig.len != TIME_LEN + ED25519_SIG_LEN)
        return ERR_SIGNATURE_INVALID;
    time = get_u64(sig.ptr);
    if (time > INT64_MAX)
        return ERR_SIGNATURE_INVALID;
    TRY(cosigned(text, time, &message));
    TRY(hw_ed25519_verify(key->ed25519, buf_slice(&message),
                          slice_part(sig, TIME_LEN, ED25519_SIG_LEN)));
    *ret_time = time;
    return ERR_OK;
}

static err_code verify_ecdsa(const struct note_key *key, struct slice text, struct slice sig)
{
    CLEANUP(buf_free) struct buf raw = {0};
    struct hw_statement statement;

    TRY(hw_sig_from_der(HW_ES256, sig, &raw));
    TRY(hw_statement_of(&key->ecdsa, text, buf_slice(&raw), &statement));
    return hw_verify_soft(&statement, NULL);
}

static err_code verify_one(const struct note_key *key, struct slice text, struct slice sig,
                           uint64_t *ret_time)
{
    *ret_time = 0;
    switch (key->type) {
    case NOTE_ED25519:
        return hw_ed25519_verify(key->ed25519, text, sig);
    case NOTE_ECDSA:
        return verify_ecdsa(key, text, sig);
    case NOTE_COSIGNATURE:
        return verify_cosignature(key, text, sig, ret_time);
    case NOTE_NONE:
        break;
    }
    return ERR_SIGNATURE_INVALID;
}

err_code note_check(const struct note *note, struct slice text, const struct note_key *key,
                    struct note_good *ret, struct why *why)
{
    struct note_good found = {0};

    for (size_t i = 0; i < note->n_sigs; i++) {
        const struct note_sig *sig = &note->sigs[i];
        CLEANUP(buf_free) struct buf bytes = {0};
        uint64_t time;
        err_code err;

        if (sig->id != key->id || !slice_eq(sig->name, note_key_name(key)))
            continue;
        TRY(base64_decode(sig->base64, &bytes));
        err =
            verify_one(key, text, slice_part(buf_slice(&bytes), ID_LEN, bytes.len - ID_LEN), &time);
        if (err == ERR_SIGNATURE_INVALID)
            return why_say(why, err, "the signature by \"%s\" (id %08" PRIx32 ") does not verify",
                           key->name, key->id);
        TRY(err);
        found.good = true;
        if (time > found.time)
            found.time = time;
    }
    *ret = found;
    return ERR_OK;
}

err_code note_verify(const struct note *note, const struct note_key *keys, size_t n_keys,
                     struct why *why)
{
    size_t n_good = 0;

    for (size_t i = 0; i < n_keys; i++) {
        struct note_good found;
        TRY(note_check(note, note->text, &keys[i], &found, why));
        n_good += found.good;
    }
    if (n_good > 0)
        return ERR_OK;
    return why_say(why, ERR_SIGNER_UNKNOWN,
                   "none of %zu signatures is by one of %zu known keys; the first is by \"%.*s\"",
                   note->n_sigs, n_keys, note->n_sigs > 0 ? (int)note->sigs[0].name.len : 0,
                   note->n_sigs > 0 ? (const char *)note->sigs[0].name.ptr : "");
}

/* ---- signing --------------------------------------------------------------------------------- */

err_code note_sign(struct slice text, const struct note_signer *signer, struct buf *ret,
                   struct why *why)
{
    const struct note_key *key = signer->key;
    CLEANUP(buf_free) struct buf message = {0}, bytes = {0};
    uint8_t sig[ED25519_SIG_LEN];
    size_t before = ret->len;
    err_code err;

    if ((key->type != NOTE_ED25519 && key->type != NOTE_COSIGNATURE) ||
        !slice_eq(SLICE_OF(key->ed25519), SLICE_OF(signer->pair->public)))
        return why_say(why, ERR_KEY_SIGN, "\"%s\" is not the key to sign with", key->name);
    TRY(check_text(text, why));
    TRY(buf_add_u32(&bytes, key->id));
    if (key->type == NOTE_COSIGNATURE) {
        TRY(buf_add_u64(&bytes, signer->time));
        TRY(cosigned(text, signer->time, &message));
        text = buf_slice(&message);
    }
    TRY(hw_ed25519_sign(signer->pair, text, sig, why));
    TRY(buf_add(&bytes, sig, sizeof sig));
    err = buf_add_str(ret, DASH);
    if (err == ERR_OK)
        err = buf_add_slice(ret, note_key_name(key));
    if (err == ERR_OK)
        err = buf_add_str(ret, " ");
    if (err == ERR_OK)
        err = base64_encode(buf_slice(&bytes), ret);
    if (err == ERR_OK)
        err = buf_add_str(ret, "\n");
    if (err != ERR_OK)
        buf_cut(ret, before);
    return err;
}

err_code note_make(struct slice text, const struct note_signer *signer, struct buf *ret,
                   struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};

    TRY(buf_add_slice(&out, text));
    TRY(buf_add_str(&out, "\n"));
    TRY(note_sign(text, signer, &out, why));
    return buf_add_slice(ret, buf_slice(&out));
}
