/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_enrol.c: enrolment, and that nothing works before attach or for another owner. */
#include "hw/conformance_run.h"

#include <inttypes.h>
#include <string.h>

/* Whatever is asked before attach is refused and writes no result. */
static void closed(struct conform *c, const char *check, const struct hw_mandate *mandate)
{
    static const struct digest DIGEST = {{1, 2, 3}};
    const struct hw_root_ops *o = c->root->ops;
    struct hw_statement st = {0};
    struct hw_pubkey key = {.e = 77};
    struct hw_seal seal = {0};
    uint64_t epoch = 77;
    uint8_t sig[64] = {77};
    const struct hw_head head = {.round = 1, .size = 1};
    struct hw_kept kept = {.round = 77};

    conform_sign(c, c->bench->authority, DIGEST.bytes, &st);
    conform_refused(c, check, o->verify(c->root, &st, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->epoch(c->root, &epoch, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->step(c->root, mandate, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->prepare(c->root, mandate, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->begin(c->root, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->sign(c->root, &DIGEST, sig, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->seal(c->root, &DIGEST, &seal, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->receipt_key(c->root, &key, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->device_key(c->root, &key, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->device_sign(c->root, &DIGEST, sig, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->head_check(c->root, NULL, 0, &kept, conform_why(c)), NULL, 0);
    conform_refused(c, check, o->head_bind(c->root, &head, HW_KEEP_ROUND, conform_why(c)), NULL, 0);
    conform_true(c, check,
                 epoch == 77 && kept.round == 77 && sig[0] == 77 && key.e == 77 &&
                     seal.statement.ptr == NULL,
                 "a refused operation wrote its result: epoch %" PRIu64 ", wanted 77", epoch);
    hw_seal_free(&seal);
}

static bool same_name(struct conform *c, const char *what, struct slice a, struct slice b)
{
    return conform_true(c, "enrolling twice gives the same", slice_eq(a, b), "%s differs", what);
}

static void equal(struct conform *c, const struct hw_enrolment *a, const struct hw_enrolment *b)
{
    const char *check = "enrolling twice gives the same";

    conform_true(c, check, hw_pubkey_eq(&a->receipt, &b->receipt), "receipt %02x..., then %02x...",
                 a->receipt.x[0], b->receipt.x[0]);
    conform_true(c, check, hw_pubkey_eq(&a->seal, &b->seal), "seal %02x..., then %02x...",
                 a->seal.x[0], b->seal.x[0]);
    conform_true(c, check, a->epoch == b->epoch, "epoch %" PRIu64 ", then %" PRIu64, a->epoch,
                 b->epoch);
    conform_true(c, check, a->base == b->base, "base %" PRIu64 ", then %" PRIu64, a->base, b->base);
    conform_true(c, check,
                 a->index == b->index && a->receipt_handle == b->receipt_handle &&
                     a->seal_handle == b->seal_handle,
                 "index 0x%x, then 0x%x (or a handle)", a->index, b->index);
    conform_true(c, check, strcmp(a->serial, b->serial) == 0, "serial \"%s\", then \"%s\"",
                 a->serial, b->serial);
    same_name(c, "index name", SLICE_OF(a->index_name), SLICE_OF(b->index_name));
    same_name(c, "receipt name", SLICE_OF(a->receipt_name), SLICE_OF(b->receipt_name));
    same_name(c, "seal name", SLICE_OF(a->seal_name), SLICE_OF(b->seal_name));
    conform_true(c, check, strcmp(a->about.kind, b->about.kind) == 0, "kind \"%s\", then \"%s\"",
                 a->about.kind, b->about.kind);
}

static void enrols(struct conform *c)
{
    const struct hw_root_ops *o = c->root->ops;
    const struct hw_owner *owner = c->bench->owner;
    struct hw_enrolment again = {0};

    conform_refused(c, "attach before enrol",
                    o->attach(c->root, owner, &(struct hw_enrolment){0}, conform_why(c)), NULL, 0);
    if (!conform_ok(c, "enrol", o->enrol(c->root, owner, &c->enrolment, conform_why(c)))) {
        c->fatal = true;
        return;
    }
    conform_true(c, "enrol", c->enrolment.receipt.alg == HW_ES256,
                 "the receipt key is %s, not ES256", hw_alg_name(c->enrolment.receipt.alg));
    conform_ok(c, "receipt key", hw_pubkey_check(&c->enrolment.receipt, conform_why(c)));
    conform_true(c, "enrol", c->enrolment.epoch == 0, "enrolled at epoch %" PRIu64 ", wanted 0",
                 c->enrolment.epoch);
    conform_true(c, "enrol", strcmp(c->enrolment.about.kind, c->about.kind) == 0,
                 "the enrolment is about \"%s\", describe says \"%s\"", c->enrolment.about.kind,
                 c->about.kind);
    if (c->about.seals)
        conform_ok(c, "seal key", hw_pubkey_check(&c->enrolment.seal, conform_why(c)));
    if (conform_ok(c, "enrol again", o->enrol(c->root, owner, &again, conform_why(c))))
        equal(c, &c->enrolment, &again);
    if (!conform_open(c)) {
        c->fatal = true;
        return;
    }
    again = (struct hw_enrolment){0};
    if (conform_ok(c, "enrol after re-opening",
                   c->root->ops->enrol(c->root, owner, &again, conform_why(c))))
        equal(c, &c->enrolment, &again);
    if (!conform_open(c))
        c->fatal = true;
}

static void attach_for(struct conform *c, const char *check, const struct hw_enrolment *enrolment)
{
    conform_refused(c, check, c->root->ops->attach(c->root, c->other, enrolment, conform_why(c)),
                    NULL, 0);
    closed(c, check, conform_mandate(c, 1));
}

/* Each time another owner, or another enrolment: refused, and the root stays shut. */
static void attach_is_picky(struct conform *c)
{
    const struct hw_owner *owner = c->bench->owner;
    struct hw_enrolment enrolment = c->enrolment;
    struct hw_enrolment got;

    *c->other = *owner;
    c->other->domain[0] ^= 1;
    attach_for(c, "attach for another domain", &enrolment);
    *c->other = *owner;
    enrolment.receipt = c->stranger->key;
    attach_for(c, "attach with another receipt key", &enrolment);
    if (c->about.seals) {
        enrolment = c->enrolment;
        enrolment.seal = c->stranger->key;
        attach_for(c, "attach with another seal key", &enrolment);
    }
    if (!c->bench->pins_root)
        return;
    enrolment = c->enrolment;
    c->other->root.bytes[31] ^= 1;
    attach_for(c, "attach under another root", &enrolment);
    conform_refused(c, "enrol under another root",
                    c->root->ops->enrol(c->root, c->other, &got, conform_why(c)), NULL, 0);
    *c->other = *owner;
    c->other->ratchet[1] = c->stranger->key;
    attach_for(c, "attach with another ratchet key", &enrolment);
    *c->other = *owner;
    c->other->ratchet[c->other->n_ratchet++ % HW_RATCHET_MAX] = c->stranger->key;
    attach_for(c, "attach with a further ratchet key", &enrolment);
}

void conform_enrolment(struct conform *c)
{
    struct hw_pubkey key = {0};

    enrols(c);
    if (c->fatal)
        return;
    closed(c, "before attach", conform_mandate(c, 1));
    attach_is_picky(c);
    if (!conform_attach(c, "attach")) {
        c->fatal = true;
        return;
    }
    conform_epoch(c, "epoch after enrolment", 0);
    if (conform_ok(c, "receipt key", c->root->ops->receipt_key(c->root, &key, conform_why(c))))
        conform_true(c, "receipt key", hw_pubkey_eq(&key, &c->enrolment.receipt),
                     "the key is %02x..., enrolled was %02x...", key.x[0],
                     c->enrolment.receipt.x[0]);
    if (conform_ok(c, "device key", c->root->ops->device_key(c->root, &key, conform_why(c))))
        conform_true(c, "device key", hw_pubkey_eq(&key, hw_enrolment_device(&c->enrolment)),
                     "the key is %02x..., enrolled was %02x...", key.x[0],
                     hw_enrolment_device(&c->enrolment)->x[0]);
}
