/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abreast.c: what a round asks of a token in several sessions at once: the signatures of the
 * snapshot are verified beside each other, and the tree head is signed while its object is written.
 *
 *     one session      verify 1   verify 2   verify 3       put the head   sign
 *     several          verify 1                             put the head
 *                      verify 2                             sign
 *                      verify 3
 *
 * Only where a call takes longer than it takes to hand it over. A module in this process (SoftHSM
 * verifies in 90 us, behind locks of its own) loses by it: docs/architecture.md.
 */
#include "gate/base/clock.h"
#include "pkcs11/internal.h"
#include "pkcs11/sides.h"

#include <string.h>

/* What every verification has to take for it, in so many rounds that a machine which was busy for a
 * moment does not count. A side takes its calls and gives back the answer in a tenth of that. */
#define WORTH_NS 1000000

static bool is_worth_it(const struct hsm_root *root)
{
    return hsm_sides_n(root->token.sides) > 0 && root->slow_rounds >= HSM_SLOW_ROUNDS;
}

/* ---- verifying ------------------------------------------------------------------------------- */

/* Every step-th signature. */
struct stripe {
    const struct hsm_root *root;
    size_t first, step;
};

static err_code verify_one(struct hsm_token *token, const struct stripe *stripe, size_t i,
                           struct why *why)
{
    const struct hsm_root *root = stripe->root;

    return hsm_anchor_verify(token, root->anchors[i], &root->prepared->statements[i], why);
}

static err_code verify_stripe(struct hsm_token *token, void *ctx, struct why *why)
{
    const struct stripe *stripe = ctx;

    for (size_t i = stripe->first; i < stripe->root->prepared->n_statements; i += stripe->step)
        TRY(verify_one(token, stripe, i, why));
    return ERR_OK;
}

static err_code verify_own(struct hsm_root *root, const struct stripe *stripe, struct why *why)
{
    uint64_t fastest = UINT64_MAX;

    for (size_t i = stripe->first; i < root->prepared->n_statements; i += stripe->step) {
        const uint64_t began = clock_steady_ns();
        TRY(verify_one(&root->token, stripe, i, why));
        if (clock_steady_ns() - began < fastest)
            fastest = clock_steady_ns() - began;
    }
    if (fastest < WORTH_NS)
        root->slow_rounds = 0;
    else if (root->slow_rounds < HSM_SLOW_ROUNDS)
        root->slow_rounds++;
    return ERR_OK;
}

err_code hsm_verify_abreast(struct hsm_root *root, struct why *why)
{
    const size_t n = root->prepared->n_statements, most = hsm_sides_n(root->token.sides) + 1;
    struct stripe stripes[HSM_SIDES_MAX + 1];
    bool verified[HSM_SIDES_MAX + 1] = {0};
    const size_t step = !is_worth_it(root) ? 1 : n < most ? n : most;
    err_code err;

    hsm_ahead_drop(root);
    for (size_t i = 0; i < step; i++)
        stripes[i] = (struct stripe){root, i, step};
    for (unsigned i = 1; i < step; i++)
        hsm_side_give(&root->token, i - 1, verify_stripe, &stripes[i]);
    err = verify_own(root, &stripes[0], why);
    for (unsigned i = 1; i < step; i++)
        verified[i] = hsm_side_take(&root->token, i - 1);
    for (size_t i = 1; i < step && err == ERR_OK; i++)
        if (!verified[i])
            err = verify_stripe(&root->token, &stripes[i], why);
    return err;
}

/* ---- signing --------------------------------------------------------------------------------- */

#define SIGNER 0 /* the side that signs; nobody verifies meanwhile */

static err_code sign_aside(struct hsm_token *token, void *ctx, struct why *why)
{
    struct hsm_ahead *ahead = ctx;

    return hsm_key_sign(token, ahead->key, &ahead->digest, ahead->sig, why);
}

void hsm_sign_ahead(struct hw_root *hw, const struct digest *digest)
{
    struct hsm_root *root = (struct hsm_root *)hw;

    hsm_ahead_drop(root);
    if (!root->begun || !root->synced || root->token.state != HSM_TOKEN_GOOD || !is_worth_it(root))
        return;
    root->ahead = (struct hsm_ahead){.given = true, .key = root->key, .digest = *digest};
    hsm_side_give(&root->token, SIGNER, sign_aside, &root->ahead);
}

bool hsm_ahead_take(struct hsm_root *root, const struct digest *digest, uint8_t ret[static 64])
{
    struct hsm_ahead *ahead = &root->ahead;
    bool ours = ahead->given && digest_eq(&ahead->digest, digest);

    if (!ours)
        return false;
    ahead->given = false;
    if (!hsm_side_take(&root->token, SIGNER))
        return false;
    memcpy(ret, ahead->sig, sizeof ahead->sig);
    return true;
}

void hsm_ahead_drop(struct hsm_root *root)
{
    if (root->ahead.given)
        (void)hsm_side_take(&root->token, SIGNER);
    root->ahead = (struct hsm_ahead){0};
}
