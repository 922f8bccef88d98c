/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/cast_testing.h"

#include "gate/base/text.h"
#include "gate/cose/cose_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        struct why why = {0};                                                                      \
        err_code must_ = (call);                                                                   \
        if (must_ != ERR_OK)                                                                       \
            fail_msg("%s: %s: %s", #call, err_name(must_), why.text);                              \
        (void)why;                                                                                 \
    } while (0)

void cast_make(struct cast *cast)
{
    *cast = (struct cast){0};
    for (int i = 0; i < CAST_END; i++) {
        MUST(hw_signer_generate(i == LATECOMER ? HW_ES384 : HW_ES256, &cast->signers[i], &why));
        MUST(cose_key_thumbprint(&cast->signers[i]->key, &cast->kids[i]));
    }
}

void cast_free(struct cast *cast)
{
    for (int i = 0; i < CAST_END; i++)
        hw_signer_close(&cast->signers[i]);
}

/* ---- diagnostic notation --------------------------------------------------------------------- */

struct notation {
    const struct cast *cast;
    const char *at;
};

static void head(struct buf *out, unsigned major, uint64_t value)
{
    uint8_t type = (uint8_t)(major << 5);

    if (value < 24) {
        MUST(buf_add_u8(out, (uint8_t)(type | value)));
    } else if (value <= UINT8_MAX) {
        MUST(buf_add_u8(out, type | 24));
        MUST(buf_add_u8(out, (uint8_t)value));
    } else if (value <= UINT16_MAX) {
        MUST(buf_add_u8(out, type | 25));
        MUST(buf_add_u16(out, (uint16_t)value));
    } else if (value <= UINT32_MAX) {
        MUST(buf_add_u8(out, type | 26));
        MUST(buf_add_u32(out, (uint32_t)value));
    } else {
        MUST(buf_add_u8(out, type | 27));
        MUST(buf_add_u64(out, value));
    }
}

static void string(struct buf *out, unsigned major, struct slice bytes)
{
    head(out, major, bytes.len);
    MUST(buf_add_slice(out, bytes));
}

static void item(struct notation *n, struct buf *out);

static void blanks(struct notation *n)
{
    n->at += strspn(n->at, " \n,:");
}

static void container(struct notation *n, struct buf *out, char close)
{
    CLEANUP(buf_free) struct buf inner = {0};
    size_t items = 0;

    n->at++;
    for (blanks(n); *n->at != close; blanks(n), items++)
        item(n, &inner);
    n->at++;
    head(out, close == ']' ? 4 : 5, close == ']' ? items : items / 2);
    MUST(buf_add_slice(out, buf_slice(&inner)));
}

/* The text up to the closing character; moves behind it. */
static void upto(struct notation *n, char close, char *ret, size_t size)
{
    const char *end = strchr(n->at, close);

    assert_non_null(end);
    assert_true((size_t)(end - n->at) < size);
    memcpy(ret, n->at, (size_t)(end - n->at));
    ret[end - n->at] = '\0';
    n->at = end + 1;
}

static void person(struct notation *n, struct buf *out, bool key)
{
    char number[8];
    uint64_t who;

    n->at += 4;
    upto(n, ')', number, sizeof number);
    MUST(number_parse(number, CAST_END - 1, &who));
    if (key) {
        struct cbor_writer w = cbor_write(out);
        cose_key_put(&w, &n->cast->signers[who]->key);
        MUST(cbor_written(&w));
    } else {
        string(out, 2, digest_slice(&n->cast->kids[who]));
    }
}

static void number(struct notation *n, struct buf *out)
{
    bool negative = *n->at == '-';
    char *end;
    unsigned long long value = strtoull(n->at + negative, &end, 10);

    if (end == n->at)
        fail_msg("notation: %s", n->at);
    n->at = end;
    head(out, negative ? 1 : 0, negative ? value - 1 : value);
}

static void item(struct notation *n, struct buf *out)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    char text[512];

    if (*n->at == '{' || *n->at == '[') {
        container(n, out, *n->at == '[' ? ']' : '}');
    } else if (*n->at == '"') {
        n->at++;
        upto(n, '"', text, sizeof text);
        string(out, 3, slice_str(text));
    } else if (strncmp(n->at, "h'", 2) == 0) {
        n->at += 2;
        upto(n, '\'', text, sizeof text);
        MUST(hex_decode(text, &bytes));
        string(out, 2, buf_slice(&bytes));
    } else if (strncmp(n->at, "null", 4) == 0 || strncmp(n->at, "true", 4) == 0) {
        head(out, 7, *n->at == 'n' ? 22 : 21);
        n->at += 4;
    } else if (strncmp(n->at, "kid(", 4) == 0 || strncmp(n->at, "key(", 4) == 0) {
        person(n, out, n->at[1] == 'e');
    } else {
        number(n, out);
    }
}

struct buf cast_cbor(const struct cast *cast, const char *notation)
{
    struct notation n = {cast, notation};
    struct buf out = {0};

    blanks(&n);
    item(&n, &out);
    blanks(&n);
    if (*n.at != '\0')
        fail_msg("notation, left over: %s", n.at);
    return out;
}

/* ---- signed things --------------------------------------------------------------------------- */

static size_t chosen(const struct cast *cast, unsigned by, struct hw_signer **ret)
{
    size_t n = 0;

    for (int i = 0; i < CAST_END; i++)
        if ((by & BY(i)) != 0)
            ret[n++] = cast->signers[i];
    return n;
}

struct root_meta *cast_root_meta(const struct cast *cast)
{
    static const struct {
        enum root_role role;
        enum person from, to;
        size_t threshold;
    } ROLES[] = {
        {ROLE_ROOT, ROOT_A, ROOT_C, 2},
        {ROLE_POLICY, POLICY_A, POLICY_C, 2},
        {ROLE_SNAPSHOT, SNAP_A, SNAP_B, 1},
        {ROLE_RATCHET, RATCHET_A, RATCHET_B, 1},
    };
    struct root_meta *meta = calloc(1, sizeof *meta);

    assert_non_null(meta);
    meta->domain = slice_str("example.org");
    meta->version = 1;
    meta->iat = 1000;
    for (size_t i = 0; i < sizeof ROLES / sizeof *ROLES; i++) {
        for (enum person who = ROLES[i].from; who <= ROLES[i].to; who++)
            MUST(root_give(meta, ROLES[i].role, &cast->signers[who]->key, &why));
        meta->roles[ROLES[i].role].threshold = ROLES[i].threshold;
    }
    return meta;
}

struct buf cast_sign_root(const struct cast *cast, const struct root_meta *meta, unsigned by)
{
    struct hw_signer *signers[CAST_END];
    size_t n = chosen(cast, by, signers);
    struct buf out = {0};

    MUST(root_meta_sign(meta, signers, n, &out, &why));
    return out;
}

struct root_meta *cast_root(const struct cast *cast, struct buf *bytes)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(cast);
    struct root_meta *parsed = NULL;

    *bytes = cast_sign_root(cast, meta, BY(ROOT_A) | BY(ROOT_B));
    MUST(root_meta_parse(buf_slice(bytes), &parsed, &why));
    return parsed;
}

struct buf cast_sign(const struct cast *cast, enum envelope_type type, const char *subject,
                     struct slice payload, unsigned by)
{
    static const uint8_t CTI[ENVELOPE_CTI_LEN] = {1, 2, 3};
    struct hw_signer *signers[CAST_END];
    size_t n = chosen(cast, by, signers);
    bool policy = type == ENVELOPE_POLICY;
    const struct envelope_parts parts = {
        .type = type,
        .claims = {.iss = slice_str("example.org"),
                   .sub = slice_str(subject),
                   .cti = policy ? SLICE_OF(CTI) : (struct slice){0},
                   .has_iat = true,
                   .iat = 1000,
                   .has_nbf = policy,
                   .nbf = policy ? 1000 : 0,
                   .has_exp = true,
                   .exp = 9000},
        .payload = payload,
    };
    struct buf out = {0};

    MUST(envelope_make(&parts, signers, n, &out, &why));
    return out;
}

struct policy_object cast_policy(void)
{
    return (struct policy_object){
        .domain = slice_str("example.org"),
        .alias = slice_str("deploy"),
        .version = 1,
        .actions = {[ACTION_EXECUTE] = true},
        .text = {.policies = slice_str("permit (principal, action, resource);")},
        .iat = 1000,
        .nbf = 1000,
        .exp = 9000,
        .cti = {4, 5, 6},
    };
}

struct buf cast_sign_policy(const struct cast *cast, const struct policy_object *object,
                            unsigned by)
{
    struct hw_signer *signers[CAST_END];
    size_t n = chosen(cast, by, signers);
    struct buf out = {0};

    MUST(policy_make(object, signers, n, &out, &why));
    return out;
}

struct buf cast_sign_snapshot(const struct cast *cast, const struct snapshot *snapshot, unsigned by)
{
    struct hw_signer *signers[CAST_END];
    size_t n = chosen(cast, by, signers);
    struct buf out = {0};

    MUST(snapshot_make(snapshot, signers, n, &out, &why));
    return out;
}

/* s are the last 32 bytes of the message. n: SEC 2, 2.4.2. */
void cast_turn(struct buf *message)
{
    static const uint8_t N[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t *s = message->ptr + message->len - 32;
    unsigned borrow = 0;

    assert_true(message->len > 66);
    for (size_t i = 32; i-- > 0;) {
        unsigned take = s[i] + borrow;
        borrow = take > N[i];
        s[i] = (uint8_t)(N[i] + (borrow << 8) - take);
    }
}

/* An exact copy on the heap each time, so that reading past the end is seen by the sanitizer. */
static err_code on_copy(struct slice bytes, err_code (*fn)(void *ctx, struct slice bytes),
                        void *ctx)
{
    CLEANUP(buf_free) struct buf copy = {0};

    copy.ptr = malloc(bytes.len > 0 ? bytes.len : 1);
    assert_non_null(copy.ptr);
    copy.cap = copy.len = bytes.len;
    if (bytes.len > 0)
        memcpy(copy.ptr, bytes.ptr, bytes.len);
    return fn(ctx, buf_slice(&copy));
}

void cast_damage(struct slice bytes, size_t step, err_code (*fn)(void *ctx, struct slice bytes),
                 void *ctx)
{
    CLEANUP(buf_free) struct buf copy = {0};

    MUST(buf_add_slice(&copy, bytes));
    if (on_copy(bytes, fn, ctx) != ERR_OK)
        fail_msg("the undamaged input is refused");
    for (size_t len = 0; len < bytes.len; len++)
        if (on_copy((struct slice){bytes.ptr, len}, fn, ctx) == ERR_OK)
            fail_msg("accepted although cut to %zu of %zu bytes", len, bytes.len);
    for (size_t bit = 0; bit < bytes.len * 8; bit += step) {
        copy.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (on_copy(buf_slice(&copy), fn, ctx) == ERR_OK)
            fail_msg("accepted although bit %zu of byte %zu is flipped", bit % 8, bit / 8);
        copy.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
