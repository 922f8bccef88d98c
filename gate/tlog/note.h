/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.h: signed notes and their keys (C2SP signed-note v1). A note is a text, an empty line, and
 * signature lines that name their key and its id. Whoever reads one says which keys it knows: lines
 * of others mean nothing, a line of a known key that does not verify refuses the whole note. The
 * text of a note must not be used before a known key's signature over it has been verified.
 */
#ifndef PAWL_TLOG_NOTE_H
#define PAWL_TLOG_NOTE_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"
#include "hw/ed25519.h"
#include "hw/key.h"

#define NOTE_SIZE_MAX ((size_t)256 << 10) /* room for 16 signatures of 5 kB and a text */
#define NOTE_SIGS_MAX 64
#define NOTE_NAME_MAX 255  /* bytes of a key's name */
#define NOTE_VKEY_MAX 1024 /* bytes of a verifier key of a type that is verified here */

/* The numbers are those of the format. Others, ML-DSA-44 (6) among them, are not verified here:
 * their signature lines are lines of unknown keys. */
enum note_type {
    NOTE_NONE = 0,
    NOTE_ED25519 = 1,
    NOTE_ECDSA = 2,       /* P-256 with SHA-256, signature in DER */
    NOTE_COSIGNATURE = 4, /* Ed25519 with a time (C2SP tlog-cosignature) */
};

/* ---- keys ------------------------------------------------------------------------------------ */

struct note_key {
    enum note_type type;
    uint32_t id;
    size_t name_len;
    char name[NOTE_NAME_MAX + 1];
    uint8_t ed25519[ED25519_KEY_LEN]; /* types 1 and 4 */
    struct hw_pubkey ecdsa;           /* type 2 */
};

/* Reads "name+id+base64". Errors: KEY_MALFORMED (also when the id is not the one of this name and
 * key), UNSUPPORTED for a type that is not verified here. */
err_code note_key_parse(struct slice text, struct note_key *ret, struct why *why);
/* The same for a key that is known otherwise; type Ed25519 or cosignature. */
err_code note_key_make(enum note_type type, struct slice name,
                       const uint8_t public[static ED25519_KEY_LEN], struct note_key *ret,
                       struct why *why);
/* Appends "name+id+base64", NUL-terminated beyond its length. */
err_code note_key_format(const struct note_key *key, struct buf *ret);

struct slice note_key_name(const struct note_key *key);

/* True for 1 to NOTE_NAME_MAX bytes of UTF-8 without control characters, Unicode spaces and "+". */
bool note_name_ok(struct slice name);

/* ---- notes ----------------------------------------------------------------------------------- */

struct note_sig {
    struct slice line; /* with its end of line */
    struct slice name;
    uint32_t id;
    struct slice base64; /* of id and signature */
};

/* A note that is well-formed; nothing is verified. Borrows from what was parsed. */
struct note {
    struct slice text; /* with its last end of line, without the empty line */
    size_t n_sigs;
    struct note_sig sigs[NOTE_SIGS_MAX];
};

/* Errors: FORMAT, TOO_LARGE. */
err_code note_parse(struct slice bytes, struct note *ret, struct why *why);
/* One or more signature lines alone; the text stays empty. Errors: as note_parse. */
err_code note_parse_lines(struct slice lines, struct note *ret, struct why *why);

/* What one key says about a note. */
struct note_good {
    bool good;     /* it signed, and every line of it verifies */
    uint64_t time; /* of a cosignature, seconds since 1970, the latest; else 0 */
};

/* Looks for the lines of one key and verifies them over text. No such line: *ret is zero and no
 * error. Error: SIGNATURE_INVALID when one does not verify. */
err_code note_check(const struct note *note, struct slice text, const struct note_key *key,
                    struct note_good *ret, struct why *why);

/* Verifies with every known key. Errors: SIGNATURE_INVALID naming the key; SIGNER_UNKNOWN when none
 * of them signed. */
err_code note_verify(const struct note *note, const struct note_key *keys, size_t n_keys,
                     struct why *why);

/* Appends the signature line of key over text. key must be Ed25519 or a cosignature's and belong to
 * pair; time is for a cosignature. Errors: FORMAT when the text cannot be a note's, KEY_SIGN. */
struct note_signer {
    const struct note_key *key;
    const struct hw_ed25519 *pair;
    uint64_t time;
};
err_code note_sign(struct slice text, const struct note_signer *signer, struct buf *ret,
                   struct why *why);

/* Appends text, the empty line and one signature line: a whole note. Errors: as note_sign. */
err_code note_make(struct slice text, const struct note_signer *signer, struct buf *ret,
                   struct why *why);

#endif
