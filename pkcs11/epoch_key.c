/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/epoch_key.h"

#include "pkcs11/recover.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_LEN (HSM_SPACE_LEN + 8) /* of an epoch key */

/* ---- names ----------------------------------------------------------------------------------- */

err_code hsm_space_of(const struct hw_owner *owner, struct hsm_space *ret, struct why *why)
{
    static const uint8_t ZERO = 0;
    struct slice parts[] = {slice_str(owner->domain),
                            {&ZERO, 1},
                            slice_str(owner->gate),
                            {&ZERO, 1},
                            digest_slice(&owner->root)};
    struct hsm_space out = {0};
    struct digest digest;

    if (parts[0].len == 0 || parts[2].len == 0)
        return why_say(why, ERR_FORMAT, "domain \"%s\" or gate \"%s\" is empty", owner->domain,
                       owner->gate);
    TRY(hash_tagged("pawl-hsm-v1", parts, HSM_N(parts), &digest));
    out.root = owner->root;
    memcpy(out.id, digest.bytes, sizeof out.id);
    (void)snprintf(out.prefix, sizeof out.prefix, "pawl:%s:%s", owner->domain, owner->gate);
    *ret = out;
    return ERR_OK;
}

/* ---- finding --------------------------------------------------------------------------------- */

static int by_epoch_down(const void *a, const void *b)
{
    const struct hsm_key *x = a, *y = b;

    return x->epoch < y->epoch ? 1 : x->epoch > y->epoch ? -1 : 0;
}

/* Every private key whose CKA_ID begins with that of the gate and has this length; what follows is
 * a mark of so many bytes and a number. */
struct kind {
    size_t id_len;
    const char *mark, *what;
};
static const struct kind EPOCH = {ID_LEN, "", "epoch"}, HEAD = {ID_LEN + 1, "h", "head"};

static bool is_of(const struct kind *kind, const struct hsm_space *space, struct slice id)
{
    size_t mark = strlen(kind->mark);

    return id.len == kind->id_len && memcmp(id.ptr, space->id, sizeof space->id) == 0 &&
           memcmp(id.ptr + sizeof space->id, kind->mark, mark) == 0;
}

static err_code keys_of(struct hsm_token *token, const struct hsm_space *space,
                        const struct kind *kind, struct hsm_key *ret, size_t max, size_t *ret_n,
                        struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_TOKEN, yes)};
    size_t n = 0;

    TRY(hsm_find(token, wanted, HSM_N(wanted), &found, why));
    for (size_t i = 0; i < found.n; i++) {
        uint8_t space_for_id[256];
        struct slice id;
        err_code err = hsm_attribute(token, found.handles[i], CKA_ID, &id, space_for_id,
                                     sizeof space_for_id, why);
        if (err != ERR_OK && err != ERR_NOT_FOUND)
            return err;
        if (err == ERR_NOT_FOUND || !is_of(kind, space, id))
            continue;
        if (n == max)
            return why_say(why, ERR_TOO_LARGE, "more than %zu %s keys %s on token \"%s\"", max,
                           kind->what, space->prefix, token->label);
        ret[n++] = (struct hsm_key){found.handles[i], get_u64(id.ptr + kind->id_len - 8)};
    }
    qsort(ret, n, sizeof *ret, by_epoch_down);
    *ret_n = n;
    return ERR_OK;
}

err_code hsm_epoch_keys(struct hsm_token *token, const struct hsm_space *space, struct hsm_key *ret,
                        size_t max, size_t *ret_n, struct why *why)
{
    return keys_of(token, space, &EPOCH, ret, max, ret_n, why);
}

err_code hsm_head_keys(struct hsm_token *token, const struct hsm_space *space, struct hsm_key *ret,
                       size_t max, size_t *ret_n, struct why *why)
{
    return keys_of(token, space, &HEAD, ret, max, ret_n, why);
}

/* ---- protections ----------------------------------------------------------------------------- */

/* Read back from every key: asked for by generate() below, or the token's own word (CKA_LOCAL,
 * CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE: PKCS#11 2.40 base 4.9). */
static const struct hsm_flag PROTECTED[] = {
    {CKA_TOKEN, "CKA_TOKEN", CK_TRUE},
    {CKA_PRIVATE, "CKA_PRIVATE", CK_TRUE},
    {CKA_SENSITIVE, "CKA_SENSITIVE", CK_TRUE},
    {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", CK_FALSE},
    {CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", CK_TRUE},
    {CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", CK_TRUE},
    {CKA_LOCAL, "CKA_LOCAL", CK_TRUE},
    {CKA_COPYABLE, "CKA_COPYABLE", CK_FALSE},
    {CKA_MODIFIABLE, "CKA_MODIFIABLE", CK_FALSE},
    {CKA_SIGN, "CKA_SIGN", CK_TRUE},
    {CKA_DECRYPT, "CKA_DECRYPT", CK_FALSE},
    {CKA_UNWRAP, "CKA_UNWRAP", CK_FALSE},
    {CKA_DERIVE, "CKA_DERIVE", CK_FALSE},
};

static err_code check(struct hsm_token *token, CK_OBJECT_HANDLE key, const char *what,
                      CK_BBOOL destroyable, struct why *why)
{
    const struct hsm_judged judged = {key, what, ERR_HSM_KEY_WEAK};
    const struct hsm_flag destroy = {CKA_DESTROYABLE, "CKA_DESTROYABLE", destroyable};
    CK_MECHANISM_TYPE allowed[4] = {0};
    struct slice value;
    err_code err;

    TRY(hsm_flags_check(token, &judged, PROTECTED, HSM_N(PROTECTED), why));
    TRY(hsm_flags_check(token, &judged, &destroy, 1, why));
    err = hsm_attribute(token, key, CKA_ALLOWED_MECHANISMS, &value, (uint8_t *)allowed,
                        sizeof allowed, why);
    if (err == ERR_NOT_FOUND ||
        (err == ERR_OK && (value.len != sizeof *allowed || allowed[0] != CKM_ECDSA)))
        return why_say(why, ERR_HSM_KEY_WEAK, "%s is not limited to CKM_ECDSA", what);
    return err;
}

err_code hsm_epoch_check(struct hsm_token *token, CK_OBJECT_HANDLE key, struct why *why)
{
    return check(token, key, "the epoch key", CK_TRUE, why);
}

err_code hsm_identity_find(struct hsm_token *token, const struct hsm_space *space,
                           CK_OBJECT_HANDLE *ret, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_BBOOL yes = CK_TRUE;
    struct hsm_space own = *space;
    CK_OBJECT_HANDLE key = 0;
    size_t good = 0;
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_TOKEN, yes),
                             HSM_ATTR(CKA_ID, own.id)};

    TRY(hsm_find(token, wanted, HSM_N(wanted), &found, why));
    for (size_t i = 0; i < found.n; i++) {
        err_code err = check(token, found.handles[i], "the identity key", CK_FALSE, why);
        if (err != ERR_OK && err != ERR_HSM_KEY_WEAK)
            return err;
        if (err != ERR_OK)
            continue;
        key = found.handles[i];
        good++;
    }
    if (found.n == 0)
        return why_say(why, ERR_HSM_KEY_MISSING, "token \"%s\" (serial %s) has no key %s:identity",
                       token->label, token->serial, space->prefix);
    if (good == 0)
        return ERR_HSM_KEY_WEAK; /* check() has said why */
    if (good > 1)
        return why_say(why, ERR_HSM_KEY_FOREIGN, "token \"%s\" has %zu keys %s:identity, wanted 1",
                       token->label, good, space->prefix);
    *ret = key;
    return ERR_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

struct making {
    uint8_t id[ID_LEN + 1];
    size_t id_len;
    char label[HSM_LABEL_MAX];
    CK_BBOOL destroyable;
};

static err_code generate(struct hsm_token *token, struct making *making, CK_OBJECT_HANDLE *ret,
                         struct why *why)
{
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_MECHANISM_TYPE allowed = CKM_ECDSA;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    uint8_t curve[16];
    struct slice params = hsm_ec_params(HW_ES256);
    CK_ATTRIBUTE public[] = {
        HSM_ATTR(CKA_TOKEN, no),
        HSM_ATTR(CKA_PRIVATE, no),
        HSM_ATTR(CKA_VERIFY, yes),
        {CKA_EC_PARAMS, curve, params.len},
    };
    CK_ATTRIBUTE private[] = {
        HSM_ATTR(CKA_TOKEN, yes),
        HSM_ATTR(CKA_PRIVATE, yes),
        HSM_ATTR(CKA_SENSITIVE, yes),
        HSM_ATTR(CKA_EXTRACTABLE, no),
        HSM_ATTR(CKA_COPYABLE, no),
        HSM_ATTR(CKA_MODIFIABLE, no),
        HSM_ATTR(CKA_DESTROYABLE, making->destroyable),
        HSM_ATTR(CKA_SIGN, yes),
        HSM_ATTR(CKA_SIGN_RECOVER, no),
        HSM_ATTR(CKA_DECRYPT, no),
        HSM_ATTR(CKA_UNWRAP, no),
        HSM_ATTR(CKA_DERIVE, no),
        HSM_ATTR(CKA_ALLOWED_MECHANISMS, allowed),
        {CKA_ID, making->id, making->id_len},
        {CKA_LABEL, making->label, strlen(making->label)},
    };
    CK_OBJECT_HANDLE public_key = 0, key = 0;
    CK_RV rv;

    memcpy(curve, params.ptr, params.len);
    rv = token->f->C_GenerateKeyPair(token->session, &mechanism, public, HSM_N(public), private,
                                     HSM_N(private), &public_key, &key);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
        rv == CKR_TEMPLATE_INCONSISTENT)
        return why_foreign(why, ERR_HSM_KEY_WEAK, "CKR", rv,
                           "token \"%s\" does not make a key protected as asked: %s (0x%lx)",
                           token->label, p11_kit_strerror(rv), rv);
    TRY(hsm_ckr(token, rv, "C_GenerateKeyPair", why));
    if (public_key != 0)
        TRY(hsm_destroy(token, public_key, why));
    *ret = key;
    return ERR_OK;
}

/* A key that the token made weaker than asked is removed again, if it lets us. */
static err_code keep_if_good(struct hsm_token *token, err_code err, CK_OBJECT_HANDLE key)
{
    if (err == ERR_HSM_KEY_WEAK)
        (void)token->f->C_DestroyObject(token->session, key);
    return err;
}

err_code hsm_identity_generate(struct hsm_token *token, const struct hsm_space *space,
                               CK_OBJECT_HANDLE *ret, struct why *why)
{
    struct making making = {.id_len = sizeof space->id, .destroyable = CK_FALSE};

    memcpy(making.id, space->id, sizeof space->id);
    (void)snprintf(making.label, sizeof making.label, "%s:identity", space->prefix);
    TRY(generate(token, &making, ret, why));
    return keep_if_good(token, check(token, *ret, "the identity key", CK_FALSE, why), *ret);
}

err_code hsm_epoch_generate(struct hsm_token *token, const struct hsm_space *space, uint64_t epoch,
                            CK_OBJECT_HANDLE *ret, struct why *why)
{
    struct making making = {.id_len = ID_LEN, .destroyable = CK_TRUE};

    memcpy(making.id, space->id, sizeof space->id);
    put_u64(making.id + sizeof space->id, epoch);
    (void)snprintf(making.label, sizeof making.label, "%s:epoch:%" PRIu64, space->prefix, epoch);
    TRY(generate(token, &making, ret, why));
    return keep_if_good(token, hsm_epoch_check(token, *ret, why), *ret);
}

err_code hsm_head_generate(struct hsm_token *token, const struct hsm_space *space,
                           const struct hw_head *head, CK_OBJECT_HANDLE *ret, struct why *why)
{
    struct making making = {.id_len = HEAD.id_len, .destroyable = CK_TRUE};

    memcpy(making.id, space->id, sizeof space->id);
    making.id[sizeof space->id] = (uint8_t)HEAD.mark[0];
    put_u64(making.id + sizeof space->id + 1, head->round);
    (void)snprintf(making.label, sizeof making.label, "%s:head:%" PRIu64 ":%" PRIu64, space->prefix,
                   head->round, head->size);
    TRY(generate(token, &making, ret, why));
    return keep_if_good(token, check(token, *ret, "the head key", CK_TRUE, why), *ret);
}

/* ---- signing --------------------------------------------------------------------------------- */

err_code hsm_key_sign(struct hsm_token *token, CK_OBJECT_HANDLE key, const struct digest *digest,
                      uint8_t ret[static 64], struct why *why)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    struct digest own = *digest;
    uint8_t sig[64 + 1]; /* one more, so that a longer answer is seen as one */
    CK_ULONG len = sizeof sig;

    TRY(hsm_ckr(token, token->f->C_SignInit(token->session, &mechanism, key), "C_SignInit", why));
    TRY(hsm_ckr(token, token->f->C_Sign(token->session, own.bytes, sizeof own.bytes, sig, &len),
                "C_Sign", why));
    if (len != 64) {
        token->state = HSM_TOKEN_STALE;
        return why_say(why, ERR_HSM_FAILED, "C_Sign on token \"%s\" gave %lu bytes, wanted 64",
                       token->label, len);
    }
    memcpy(ret, sig, 64);
    return ERR_OK;
}

/* Signs a fresh digest that means nothing anywhere else. */
static err_code sign_challenge(struct hsm_token *token, CK_OBJECT_HANDLE key,
                               struct hw_statement *ret, struct why *why)
{
    uint8_t random[32];
    struct slice part = SLICE_OF(random);
    struct digest digest;

    if (RAND_bytes(random, sizeof random) != 1)
        return why_say(why, ERR_INTERNAL, "OpenSSL has no random numbers");
    TRY(hash_tagged("pawl-hsm-prove-v1", &part, 1, &digest));
    *ret = (struct hw_statement){.sig_len = 64};
    memcpy(ret->digest, digest.bytes, sizeof digest.bytes);
    return hsm_key_sign(token, key, &digest, ret->sig, why);
}

err_code hsm_key_prove(struct hsm_token *token, CK_OBJECT_HANDLE key, const struct hw_pubkey *pub,
                       const char *what, struct why *why)
{
    struct hw_statement statement;

    TRY(sign_challenge(token, key, &statement, why));
    statement.key = *pub;
    if (hw_verify_soft(&statement, why) != ERR_OK)
        return why_say(why, ERR_HSM_KEY_FOREIGN,
                       "%s on token \"%s\" is not the certified one, %02x%02x%02x%02x...", what,
                       token->label, pub->x[0], pub->x[1], pub->x[2], pub->x[3]);
    return ERR_OK;
}

err_code hsm_key_public(struct hsm_token *token, CK_OBJECT_HANDLE key, struct hw_pubkey *ret,
                        struct why *why)
{
    struct hw_statement first, second;

    TRY(sign_challenge(token, key, &first, why));
    TRY(sign_challenge(token, key, &second, why));
    return hsm_recover(&first, &second, ret, why);
}
