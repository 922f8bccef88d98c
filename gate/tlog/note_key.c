/* SPDX-License-Identifier: Apache-2.0 */
/* note_key.c: the keys of signed notes: names, ids, and their form as text. */
#include "gate/base/hash.h"
#include "gate/base/text.h"
#include "gate/tlog/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ID_HEX 8

/* What Unicode counts as white space beyond ASCII, in UTF-8. */
static const char *const SPACES[] = {
    "\xc2\x85", "\xc2\xa0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
    "\u2004",   "\u2005",   "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
    "\u2028",   "\u2029",   "\u202f", "\u205f", "\u3000",
};

bool note_name_ok(struct slice name)
{
    if (name.len == 0 || name.len > NOTE_NAME_MAX || !utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] == '+' || name.ptr[i] == 0x7f)
            return false;
    for (size_t i = 0; i < sizeof SPACES / sizeof *SPACES; i++)
        if (memmem(name.ptr, name.len, SPACES[i], strlen(SPACES[i])) != NULL)
            return false;
    return true;
}

struct slice note_key_name(const struct note_key *key)
{
    return (struct slice){(const uint8_t *)key->name, key->name_len};
}

static uint32_t id_of(const struct digest *digest)
{
    return (uint32_t)(get_u64(digest->bytes) >> 32);
}

/* SHA-256(name, LF, type, key): the id of every type but ECDSA. */
static err_code id_by_name(const struct note_key *key, uint32_t *ret)
{
    const uint8_t head[] = {'\n', (uint8_t)key->type};
    const struct slice parts[] = {note_key_name(key), SLICE_OF(head), SLICE_OF(key->ed25519)};
    struct digest digest;

    TRY(hash_sha256_parts(parts, 3, &digest));
    *ret = id_of(&digest);
    return ERR_OK;
}

static err_code set_name(struct slice name, struct note_key *ret, struct why *why)
{
    size_t at;

    if (!note_name_ok(name))
        return why_say(why, ERR_KEY_MALFORMED,
                       "a key's name has 1 to %d bytes of UTF-8 without spaces and +, not %zu: "
                       "\"%.*s\"",
                       NOTE_NAME_MAX, name.len, text_is_plain(name, &at) ? (int)name.len : 0,
                       (const char *)name.ptr);
    memcpy(ret->name, name.ptr, name.len);
    ret->name_len = name.len;
    return ERR_OK;
}

err_code note_key_make(enum note_type type, struct slice name,
                       const uint8_t public[static ED25519_KEY_LEN], struct note_key *ret,
                       struct why *why)
{
    struct note_key out = {.type = type};

    if (type != NOTE_ED25519 && type != NOTE_COSIGNATURE)
        return ERR_INTERNAL;
    TRY(set_name(name, &out, why));
    TRY(hw_ed25519_check(public, why));
    memcpy(out.ed25519, public, ED25519_KEY_LEN);
    TRY(id_by_name(&out, &out.id));
    *ret = out;
    return ERR_OK;
}

static err_code make_ecdsa(struct slice name, struct slice spki, struct note_key *ret,
                           struct why *why)
{
    struct note_key out = {.type = NOTE_ECDSA};
    CLEANUP(buf_free) struct buf again = {0};
    struct digest digest;

    TRY(set_name(name, &out, why));
    TRY(hw_pubkey_from_spki(spki, &out.ecdsa, why));
    if (out.ecdsa.alg != HW_ES256)
        return why_say(why, ERR_UNSUPPORTED, "an ECDSA key of kind %s, only ES256 is verified",
                       hw_alg_name(out.ecdsa.alg));
    /* The id covers the encoding, so there must be one only. */
    TRY(hw_pubkey_to_spki(&out.ecdsa, &again));
    if (!slice_eq(buf_slice(&again), spki))
        return why_say(why, ERR_KEY_MALFORMED, "the ECDSA key is not in its usual encoding");
    TRY(hash_sha256(spki, &digest));
    out.id = id_of(&digest);
    *ret = out;
    return ERR_OK;
}

static err_code make_of(struct slice name, struct slice material, struct note_key *ret,
                        struct why *why)
{
    struct slice key = slice_part(material, 1, material.len - 1);

    switch (material.ptr[0]) {
    case NOTE_ED25519:
    case NOTE_COSIGNATURE:
        if (key.len != ED25519_KEY_LEN)
            return why_say(why, ERR_KEY_MALFORMED, "an Ed25519 key of %zu bytes, wanted %d",
                           key.len, ED25519_KEY_LEN);
        return note_key_make((enum note_type)material.ptr[0], name, key.ptr, ret, why);
    case NOTE_ECDSA:
        return make_ecdsa(name, key, ret, why);
    default:
        return why_say(why, ERR_UNSUPPORTED,
                       "a key of type 0x%02x; verified are 0x01, 0x02 and 0x04", material.ptr[0]);
    }
}

/* "xxxxxxxx", lower-case. */
static err_code id_parse(struct slice hex, uint32_t *ret)
{
    uint32_t id = 0;

    if (hex.len != ID_HEX)
        return ERR_FORMAT;
    for (size_t i = 0; i < ID_HEX; i++) {
        uint8_t c = hex.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return ERR_FORMAT;
        id = id << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret = id;
    return ERR_OK;
}

err_code note_key_parse(struct slice text, struct note_key *ret, struct why *why)
{
    const uint8_t *plus = text.len > 0 ? memchr(text.ptr, '+', text.len) : NULL;
    size_t name_len = plus != NULL ? (size_t)(plus - text.ptr) : 0;
    struct slice name = slice_part(text, 0, name_len), rest;
    CLEANUP(buf_free) struct buf material = {0};
    struct note_key out;
    uint32_t id;
    err_code err;

    if (plus == NULL || text.len - name_len < 1 + ID_HEX + 1 ||
        text.ptr[name_len + 1 + ID_HEX] != '+' ||
        id_parse(slice_part(text, name_len + 1, ID_HEX), &id) != ERR_OK)
        return why_say(why, ERR_KEY_MALFORMED, "not \"name+id+key\" with an id of 8 hex digits");
    rest = slice_part(text, name_len + ID_HEX + 2, text.len - name_len - ID_HEX - 2);
    err = rest.len > NOTE_VKEY_MAX * 4 ? ERR_TOO_LARGE : base64_decode(rest, &material);
    if (err == ERR_NO_MEMORY)
        return err;
    if (err != ERR_OK || material.len < 2)
        return why_say(why, ERR_KEY_MALFORMED, "the key after the id is not base64");
    TRY(make_of(name, buf_slice(&material), &out, why));
    if (out.id != id)
        return why_say(why, ERR_KEY_MALFORMED,
                       "the key says id %08" PRIx32 ", its name and bytes give %08" PRIx32, id,
                       out.id);
    *ret = out;
    return ERR_OK;
}

err_code note_key_format(const struct note_key *key, struct buf *ret)
{
    CLEANUP(buf_free) struct buf material = {0};
    char id[ID_HEX + 3];

    TRY(buf_add_u8(&material, (uint8_t)key->type));
    if (key->type == NOTE_ECDSA)
        TRY(hw_pubkey_to_spki(&key->ecdsa, &material));
    else
        TRY(buf_add(&material, key->ed25519, sizeof key->ed25519));
    (void)snprintf(id, sizeof id, "+%08" PRIx32 "+", key->id);
    TRY(buf_add_slice(ret, note_key_name(key)));
    TRY(buf_add_str(ret, id));
    return base64_encode(buf_slice(&material), ret);
}
