/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_verify.c: the hardware accepts what the authority signed and nothing else. */
#include "hw/conformance_run.h"

#include <string.h>

static const struct digest DIGEST = {{0x2c, 0xf2, 0x4d, 0xba, 0x5f, 0xb0, 0xa3, 0x0e,
                                      0x26, 0xe8, 0x3b, 0x2a, 0xc5, 0xb9, 0xe2, 0x9e,
                                      0x1b, 0x16, 0x1e, 0x5c, 0x1f, 0xa7, 0x42, 0x5e,
                                      0x73, 0x04, 0x33, 0x62, 0x93, 0x8b, 0x98, 0x24}};
static const err_code INVALID[] = {ERR_SIGNATURE_INVALID};

static err_code judged(struct conform *c, const struct hw_statement *st)
{
    return c->root->ops->verify(c->root, st, conform_why(c));
}

static void invalid(struct conform *c, const char *check, const struct hw_statement *st)
{
    conform_refused(c, check, judged(c, st), INVALID, 1);
}

static void flipped(struct conform *c, struct hw_statement *st, unsigned stride)
{
    size_t bits = 8 * st->sig_len, digest_bits = 8 * hw_digest_len(st->key.alg);

    for (size_t bit = 0; bit < bits; bit += stride) {
        st->sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        invalid(c, "verify with a bit of the signature flipped", st);
        st->sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < digest_bits; bit += stride) {
        st->digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
        invalid(c, "verify with a bit of the digest flipped", st);
        st->digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    conform_ok(c, "verify after all that", judged(c, st));
}

static void wrong_lengths(struct conform *c, const struct hw_statement *good)
{
    static const size_t LENGTHS[] = {0, 1, 32, 63, 65, 72, 96, 128, HW_SIG_MAX};
    struct hw_statement st = *good;

    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
        st.sig_len = LENGTHS[i];
        invalid(c, "verify with a signature of another length", &st);
    }
}

/* r and s of 0, of all ones, swapped; a digest of zeroes under a signature of another. */
static void special_values(struct conform *c, const struct hw_statement *good)
{
    struct hw_statement st = *good;

    memset(st.sig, 0, st.sig_len);
    invalid(c, "verify with r = s = 0", &st);
    memset(st.sig, 0xff, st.sig_len);
    invalid(c, "verify with all ones", &st);
    st = *good;
    memset(st.sig, 0, 32);
    invalid(c, "verify with r = 0", &st);
    st = *good;
    memset(st.sig + 32, 0, 32);
    invalid(c, "verify with s = 0", &st);
    memcpy(st.sig, good->sig + 32, 32);
    memcpy(st.sig + 32, good->sig, 32);
    invalid(c, "verify with r and s swapped", &st);
    st = *good;
    memset(st.digest, 0, SHA256_LEN);
    invalid(c, "verify with a digest of zeroes", &st);
}

static void wrong_keys(struct conform *c, const struct hw_statement *good)
{
    static const err_code NO_KEY[] = {ERR_SIGNATURE_INVALID, ERR_KEY_MALFORMED, ERR_UNSUPPORTED,
                                      ERR_ANCHOR_MISSING};
    static const err_code MISSING[] = {ERR_ANCHOR_MISSING};
    const struct hw_owner *owner = c->bench->owner;
    struct hw_statement st = {0};

    for (size_t i = 1; i < owner->n_anchors; i++) {
        st = *good;
        st.key = owner->anchors[i];
        if (st.key.alg == HW_ES256)
            invalid(c, "verify under another anchor", &st);
        else
            conform_refused(c, "verify under an anchor of another kind", judged(c, &st), NO_KEY, 4);
    }
    conform_sign(c, c->stranger, DIGEST.bytes, &st);
    if (c->bench->anchored)
        conform_refused(c, "verify a stranger's signature", judged(c, &st), MISSING, 1);
    else
        conform_ok(c, "verify a stranger's signature", judged(c, &st));
    st.key = good->key;
    invalid(c, "verify a stranger's signature as the authority's", &st);
    st = *good;
    st.key = (struct hw_pubkey){0};
    conform_refused(c, "verify without a key", judged(c, &st), NO_KEY, 4);
    st = *good;
    st.key.y[31] ^= 1;
    conform_refused(c, "verify under a point off the curve", judged(c, &st), NO_KEY, 4);
}

/* Algorithms that the root says it has work; those it says it lacks are refused by name. */
static void other_algorithms(struct conform *c)
{
    static const err_code UNSUPPORTED[] = {ERR_UNSUPPORTED, ERR_ANCHOR_MISSING};
    struct hw_signer *signers[] = {c->bench->es384, c->bench->ps256};
    const bool has[] = {c->about.es384, c->about.ps256};
    uint8_t digest[HW_DIGEST_MAX] = {9, 8, 7};
    struct hw_statement st = {0};

    for (size_t i = 0; i < 2; i++) {
        if (signers[i] == NULL)
            continue;
        conform_sign(c, signers[i], digest, &st);
        if (!has[i]) {
            conform_refused(c, "verify an algorithm it lacks", judged(c, &st), UNSUPPORTED, 2);
            continue;
        }
        if (conform_ok(c, "verify another algorithm", judged(c, &st)))
            flipped(c, &st, c->bench->stride * 7 + 1);
        st.sig_len--;
        invalid(c, "verify another algorithm, a byte short", &st);
    }
}

void conform_verify(struct conform *c)
{
    struct hw_statement st = {0};
    unsigned stride = c->bench->stride == 0 ? 1 : c->bench->stride;

    conform_sign(c, c->bench->authority, DIGEST.bytes, &st);
    if (!conform_ok(c, "verify the authority's signature", judged(c, &st)))
        return;
    flipped(c, &st, stride);
    wrong_lengths(c, &st);
    special_values(c, &st);
    wrong_keys(c, &st);
    other_algorithms(c);
    conform_ok(c, "verify with why NULL", c->root->ops->verify(c->root, &st, NULL));
    st.sig[0] ^= 1;
    conform_true(c, "refuse with why NULL",
                 c->root->ops->verify(c->root, &st, NULL) == ERR_SIGNATURE_INVALID,
                 "a bad signature was not refused");
}
