/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_life.c: steps, rounds, seals; that the past stays past; and that it survives
 * re-opening. Each check says at which epoch it begins. */
#include "hw/conformance_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const err_code PAST[] = {ERR_ROLLBACK, ERR_TPM_POLICY, ERR_HSM_KEY_MISSING};
static const err_code UNTRUSTED[] = {ERR_GRANT_INVALID, ERR_ANCHOR_MISSING, ERR_SIGNATURE_INVALID};
static const err_code BACK[] = {ERR_ROLLBACK};
static const err_code TWIN[] = {ERR_EQUIVOCATION, ERR_GRANT_INVALID, ERR_TPM_POLICY};
static const struct digest FIRST = {{1}}, SECOND = {{2}};
static const char *const SPOILT[] = {"empty", "with a bit of each signature flipped",
                                     "with other content", "signed by a stranger"};

static err_code step(struct conform *c, const struct hw_mandate *mandate)
{
    return c->root->ops->step(c->root, mandate, conform_why(c));
}

static err_code prepare(struct conform *c, uint64_t epoch)
{
    return c->root->ops->prepare(c->root, conform_mandate(c, epoch), conform_why(c));
}

static err_code begin(struct conform *c)
{
    return c->root->ops->begin(c->root, conform_why(c));
}

static err_code sign(struct conform *c, const struct digest *digest, struct hw_statement *ret)
{
    ret->sig_len = 64;
    memcpy(ret->digest, digest->bytes, sizeof digest->bytes);
    return c->root->ops->sign(c->root, digest, ret->sig, conform_why(c));
}

/* The device's own signature: the same key in every epoch, and no word on which one it is. */
static err_code device_sign(struct conform *c, const struct digest *digest,
                            struct hw_statement *ret)
{
    ret->key = *hw_enrolment_device(&c->enrolment);
    ret->sig_len = 64;
    memcpy(ret->digest, digest->bytes, sizeof digest->bytes);
    return c->root->ops->device_sign(c->root, digest, ret->sig, conform_why(c));
}

static void cannot_sign(struct conform *c, const char *check)
{
    struct hw_statement st = {0};
    uint8_t untouched[64];

    memset(untouched, 0xa5, sizeof untouched);
    memcpy(st.sig, untouched, sizeof untouched);
    conform_refused(c, check, sign(c, &FIRST, &st), NULL, 0);
    conform_true(c, check, memcmp(st.sig, untouched, sizeof untouched) == 0,
                 "refused, but the signature was written: %02x%02x..., wanted a5a5...", st.sig[0],
                 st.sig[1]);
    conform_refused(c, check, device_sign(c, &FIRST, &st), NULL, 0);
    conform_true(c, check, memcmp(st.sig, untouched, sizeof untouched) == 0,
                 "refused, but the device's signature was written: %02x%02x...", st.sig[0],
                 st.sig[1]);
}

void conform_round(struct conform *c, const char *check)
{
    struct hw_statement a = {0}, b = {0};
    struct hw_pubkey key = {0};

    if (!conform_ok(c, check, begin(c)) ||
        !conform_ok(c, check, c->root->ops->receipt_key(c->root, &key, conform_why(c))) ||
        !conform_ok(c, check, sign(c, &FIRST, &a)))
        return;
    a.key = b.key = key;
    conform_ok(c, check, hw_verify_soft(&a, conform_why(c)));
    if (!conform_ok(c, check, begin(c)) || !conform_ok(c, check, sign(c, &SECOND, &b)))
        return;
    conform_ok(c, check, hw_verify_soft(&b, conform_why(c)));
    conform_true(c, check, memcmp(a.sig, b.sig, 64) != 0, "two digests have one signature");
    memcpy(b.digest, a.digest, sizeof b.digest);
    conform_true(c, check, hw_verify_soft(&b, NULL) == ERR_SIGNATURE_INVALID,
                 "the signature over one digest holds for another");
    if (!conform_ok(c, check, begin(c)) || !conform_ok(c, check, device_sign(c, &FIRST, &b)))
        return;
    conform_ok(c, check, hw_verify_soft(&b, conform_why(c)));
}

/* Epoch 0: nothing prepared, so nothing signs; no forged mandate moves it. */
static void only_the_authority_steps(struct conform *c, uint64_t now, uint64_t next)
{
    char check[96];

    for (enum conform_spoil how = SPOIL_EMPTY; how < N_SPOILS; how++) {
        snprintf(check, sizeof check, "step by a mandate %s", SPOILT[how]);
        conform_refused(c, check, step(c, conform_spoilt(c, next, how)), UNTRUSTED, 3);
        conform_epoch(c, check, now);
    }
    conform_true(c, "step with why NULL",
                 c->root->ops->step(c->root, conform_spoilt(c, next, SPOIL_BIT), NULL) != ERR_OK,
                 "a forged mandate was taken");
}

static void only_the_authority_prepares(struct conform *c, uint64_t now)
{
    char check[96];

    for (enum conform_spoil how = SPOIL_EMPTY; how < N_SPOILS; how++) {
        snprintf(check, sizeof check, "prepare a mandate %s", SPOILT[how]);
        conform_refused(c, check,
                        c->root->ops->prepare(c->root, conform_spoilt(c, now, how), conform_why(c)),
                        UNTRUSTED, 3);
    }
}

/* Whoever has a snapshot key, also one that was revoked since, has a snapshot for every epoch. */
static void one_snapshot_of_an_epoch(struct conform *c, uint64_t now)
{
    const char *check = "another snapshot of the epoch in force is refused";
    bool tpm = strcmp(c->kind, "tpm") == 0;
    err_code err;

    if (!c->bench->pins_snapshot)
        return;
    err = c->root->ops->prepare(c->root, conform_twin(c, now), conform_why(c));
    if (err == ERR_OK && tpm) /* it may only notice when the grants are used */
        err = begin(c);
    conform_refused(c, check, err, TWIN, 3);
    if (!tpm) /* whose increments are for an epoch, whatever it brings */
        conform_refused(c, check, step(c, conform_twin(c, now)), TWIN, 3);
    conform_ok(c, check, prepare(c, now));
    conform_round(c, check);
}

static void seals(struct conform *c, uint64_t epoch)
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    enum hw_seal_kind wanted = HW_SEAL_NONE;
    bool has_sig;

    if (c->about.seals)
        wanted = strcmp(c->kind, "tpm") == 0      ? HW_SEAL_TPM_CERTIFY
                 : strcmp(c->kind, "pkcs11") == 0 ? HW_SEAL_EPOCH_CHAIN
                                                  : HW_SEAL_FAKE;
    if (!conform_ok(c, "begin for the seal", begin(c)) ||
        !conform_ok(c, "seal", c->root->ops->seal(c->root, &FIRST, &seal, conform_why(c))))
        return;
    conform_true(c, "seal kind", seal.kind == wanted, "kind is %d, wanted %d", (int)seal.kind,
                 (int)wanted);
    has_sig = wanted == HW_SEAL_TPM_CERTIFY || wanted == HW_SEAL_FAKE;
    conform_true(c, "seal statement", (seal.statement.len > 0) == (wanted != HW_SEAL_NONE),
                 "the statement of a seal of kind %d has %zu bytes", (int)wanted,
                 seal.statement.len);
    conform_true(c, "seal signature", (seal.sig.len > 0) == has_sig,
                 "the signature of a seal of kind %d has %zu bytes", (int)wanted, seal.sig.len);
    if (wanted == HW_SEAL_NONE || c->bench->check_seal == NULL)
        return;
    conform_ok(
        c, "seal verifies offline",
        c->bench->check_seal(c->bench->ctx, &c->enrolment, &seal, &FIRST, epoch, conform_why(c)));
    conform_true(c, "seal of another epoch",
                 c->bench->check_seal(c->bench->ctx, &c->enrolment, &seal, &FIRST, epoch + 1,
                                      NULL) != ERR_OK,
                 "the seal of epoch %" PRIu64 " passes for epoch %" PRIu64, epoch, epoch + 1);
}

static void first_epoch(struct conform *c)
{
    conform_refused(c, "begin before prepare", begin(c), NULL, 0);
    cannot_sign(c, "sign before prepare");
    only_the_authority_steps(c, 0, 1);
    conform_ok(c, "step to 1", step(c, conform_mandate(c, 1)));
    conform_epoch(c, "step to 1", 1);
    conform_ok(c, "step to 1 again", step(c, conform_mandate(c, 1)));
    conform_epoch(c, "step to 1 again", 1);
    only_the_authority_prepares(c, 1);
    conform_ok(c, "prepare 1", prepare(c, 1));
    conform_round(c, "a round at 1");
    one_snapshot_of_an_epoch(c, 1);
    seals(c, 1);
    only_the_authority_steps(c, 1, 2);
    conform_ok(c, "prepare 1 once more", prepare(c, 1));
    conform_round(c, "a round at 1 after refused steps");
}

/* At 1 with a round open: the step to 3 ends it, and 1 and 2 are gone for good. */
static void the_past_stays_past(struct conform *c)
{
    struct hw_statement st = {0};

    conform_ok(c, "begin before the step", begin(c));
    conform_ok(c, "step to 3", step(c, conform_mandate(c, 3)));
    conform_epoch(c, "step to 3", 3);
    conform_refused(c, "sign in a round begun before the step", sign(c, &FIRST, &st), PAST, 3);
    conform_refused(c, "begin with the mandate of 1", begin(c), PAST, 3);
    conform_refused(c, "sign with the mandate of 1", sign(c, &FIRST, &st), PAST, 3);
    for (uint64_t epoch = 1; epoch <= 2; epoch++) {
        conform_refused(c, "step back", step(c, conform_mandate(c, epoch)), BACK, 1);
        conform_epoch(c, "step back", 3);
        if (prepare(c, epoch) == ERR_OK) /* some hardware only notices at begin */
            conform_refused(c, "begin with a past mandate", begin(c), PAST, 3);
        cannot_sign(c, "sign with a past mandate");
    }
    conform_true(c, "step back with why NULL",
                 c->root->ops->step(c->root, conform_mandate(c, 1), NULL) == ERR_ROLLBACK,
                 "not refused as ROLLBACK");
    conform_ok(c, "prepare 3", prepare(c, 3));
    conform_round(c, "a round at 3");
}

/* At 3: the mandate of 4 can be prepared, but serves no round before the step. */
static void the_future_waits(struct conform *c)
{
    conform_ok(c, "prepare 4 at 3", prepare(c, 4));
    conform_epoch(c, "prepare 4 at 3", 3);
    conform_refused(c, "begin at 3 with the mandate of 4", begin(c), NULL, 0);
    cannot_sign(c, "sign at 3 with the mandate of 4");
    conform_ok(c, "step to 4", step(c, conform_mandate(c, 4)));
    conform_round(c, "a round at 4, prepared before the step");
    seals(c, 4);
}

/* At 4. */
static void it_survives_reopening(struct conform *c)
{
    struct hw_enrolment again = {0};

    if (!conform_open(c) || !conform_attach(c, "attach after re-opening")) {
        c->fatal = true;
        return;
    }
    conform_epoch(c, "epoch after re-opening", 4);
    conform_refused(c, "begin after re-opening", begin(c), NULL, 0);
    cannot_sign(c, "sign after re-opening");
    conform_refused(c, "step back after re-opening", step(c, conform_mandate(c, 3)), BACK, 1);
    conform_ok(c, "prepare after re-opening", prepare(c, 4));
    conform_round(c, "a round after re-opening");
    one_snapshot_of_an_epoch(c, 4);

    /* Whatever a further enrol says, it must not wind anything back. */
    if (!conform_open(c)) {
        c->fatal = true;
        return;
    }
    (void)c->root->ops->enrol(c->root, c->bench->owner, &again, conform_why(c));
    if (!conform_open(c) || !conform_attach(c, "attach after enrolling at 4")) {
        c->fatal = true;
        return;
    }
    conform_epoch(c, "epoch after enrolling at 4", 4);
    conform_ok(c, "prepare after enrolling at 4", prepare(c, 4));
    conform_round(c, "a round after enrolling at 4");
}

/* At 4: prepared for the step to 5, which another process then makes for another snapshot. */
static void a_step_elsewhere_for_another(struct conform *c)
{
    const char *check = "begin with another snapshot than the step was for";
    struct hw_root *other = NULL;

    if (!c->bench->two_at_once || !c->bench->pins_snapshot)
        return;
    if (strcmp(c->kind, "tpm") == 0) { /* whose grants say it before there is a step */
        conform_refused(c, "prepare another 5 at 4",
                        c->root->ops->prepare(c->root, conform_twin(c, 5), conform_why(c)), TWIN,
                        3);
        return;
    }
    conform_ok(c, "prepare another 5 at 4",
               c->root->ops->prepare(c->root, conform_twin(c, 5), conform_why(c)));
    if (!conform_ok(c, "open twice", c->bench->open(c->bench->ctx, &other, conform_why(c))))
        return;
    conform_ok(c, "attach twice",
               other->ops->attach(other, c->bench->owner, &c->enrolment, conform_why(c)));
    conform_ok(c, "step elsewhere", other->ops->step(other, conform_mandate(c, 5), conform_why(c)));
    hw_root_close(&other);
    conform_refused(c, check, begin(c), TWIN, 3);
    cannot_sign(c, check);
    conform_ok(c, "prepare 5", prepare(c, 5));
    conform_round(c, "a round at 5");
}

/* At 4 or 5: another process makes the step while our round is open. */
static void a_step_elsewhere_ends_our_round(struct conform *c)
{
    struct hw_root *other = NULL;
    struct hw_statement st = {0};

    if (!c->bench->two_at_once)
        return;
    conform_ok(c, "begin before a step elsewhere", begin(c));
    if (!conform_ok(c, "open twice", c->bench->open(c->bench->ctx, &other, conform_why(c))))
        return;
    conform_ok(c, "attach twice",
               other->ops->attach(other, c->bench->owner, &c->enrolment, conform_why(c)));
    conform_ok(c, "step elsewhere", other->ops->step(other, conform_mandate(c, 6), conform_why(c)));
    conform_refused(c, "sign after a step elsewhere", sign(c, &FIRST, &st), PAST, 3);
    conform_refused(c, "begin after a step elsewhere", begin(c), PAST, 3);
    conform_epoch(c, "epoch after a step elsewhere", 6);
    hw_root_close(&other);
    conform_ok(c, "prepare 6", prepare(c, 6));
    conform_round(c, "a round at 6");
}

/* At 4 to 6: successes with why NULL. */
static void why_may_be_null(struct conform *c)
{
    const char *check = "why may be NULL";
    const struct hw_mandate *mandate = conform_mandate(c, 7);
    const struct hw_root_ops *o = c->root->ops;
    struct hw_description about;
    struct hw_enrolment enrolment;
    struct hw_pubkey key;
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    uint64_t epoch = 0;
    uint8_t sig[64];

    conform_why(c);
    conform_ok(c, check, o->describe(c->root, &about, NULL));
    conform_ok(c, check, o->step(c->root, mandate, NULL));
    conform_ok(c, check, o->epoch(c->root, &epoch, NULL));
    conform_true(c, check, epoch == 7, "epoch is %" PRIu64 ", wanted 7", epoch);
    conform_ok(c, check, o->prepare(c->root, mandate, NULL));
    conform_ok(c, check, o->begin(c->root, NULL));
    conform_ok(c, check, o->sign(c->root, &FIRST, sig, NULL));
    conform_ok(c, check, o->begin(c->root, NULL));
    conform_ok(c, check, o->seal(c->root, &FIRST, &seal, NULL));
    conform_ok(c, check, o->receipt_key(c->root, &key, NULL));
    conform_ok(c, check, o->device_key(c->root, &key, NULL));
    conform_ok(c, check, o->begin(c->root, NULL));
    conform_ok(c, check, o->device_sign(c->root, &FIRST, sig, NULL));
    if (!conform_open(c))
        return;
    *c->other = *c->bench->owner;
    c->other->domain[0] ^= 1;
    conform_true(c, check, c->root->ops->attach(c->root, c->other, &c->enrolment, NULL) != ERR_OK,
                 "attach for another owner worked");
    conform_true(c, check, c->root->ops->begin(c->root, NULL) != ERR_OK,
                 "begin worked, unattached");
    conform_ok(c, check, c->root->ops->attach(c->root, c->bench->owner, &c->enrolment, NULL));
    if (c->bench->pins_root) {
        *c->other = *c->bench->owner;
        c->other->root.bytes[0] ^= 1;
        conform_true(c, check, c->root->ops->enrol(c->root, c->other, &enrolment, NULL) != ERR_OK,
                     "enrol for another owner worked");
    }
}

void conform_life(struct conform *c)
{
    first_epoch(c);
    the_past_stays_past(c);
    the_future_waits(c);
    it_survives_reopening(c);
    if (c->fatal)
        return;
    a_step_elsewhere_for_another(c);
    a_step_elsewhere_ends_our_round(c);
    why_may_be_null(c);
    c->epoch = 7;
}
