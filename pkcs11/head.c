/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/head.h"

#include "pkcs11/internal.h"

#include <inttypes.h>

/* ---- enrolling ------------------------------------------------------------------------------- */

/* The newest head on the token, as far as objects and keys are whole. */
static err_code newest(struct hsm_root *root, bool *ret_there, struct hw_head *ret, struct why *why)
{
    struct hsm_head_found found;

    TRY(hsm_head_objects(root, &found, why));
    TRY(hsm_head_key_newest(root, ret_there, ret, why));
    if (found.whole > 0 && found.record[0].has_head && found.record[0].head.round >= ret->round)
        *ret = found.record[0].head;
    *ret_there = *ret_there || found.n > 0;
    return ERR_OK;
}

/* An enrol that was killed before the certificates were durable left no more than keys of epoch 0,
 * and one that was killed later no head of any round. What is more belongs to a gate. */
err_code hsm_not_taken(struct hsm_root *root, const struct hsm_space *space, bool known,
                       struct why *why)
{
    struct hsm_key keys[HSM_KEYS_MAX];
    struct hw_head head;
    uint64_t epoch;
    size_t n = 0;
    bool there;

    if (root->options.take_over || (known && hsm_head_key_noted(root)))
        return ERR_OK;
    root->space = *space;
    TRY(newest(root, &there, &head, why));
    TRY(hsm_epoch_keys(&root->token, space, keys, HSM_N(keys), &n, why));
    epoch = n > 0 ? keys[0].epoch : 0;
    if (known ? head.round == 0 : !there && epoch == 0)
        return ERR_OK;
    return why_say(why, ERR_GATE_EXISTS,
                   "token \"%s\" has the gate %s already (epoch %" PRIu64
                   "; a ledger's head of round %" PRIu64 " with %" PRIu64
                   " entries), and \"%s\" does not know it. With --again that gate is refused from "
                   "then on (HEAD_MISSING), its ledger ends, and a new one begins here",
                   root->token.label, space->prefix, epoch, head.round, head.size,
                   root->options.store_dir);
}

/* The note of the head key is written last, so it says that all of it was made. Without it, what is
 * there belongs to an enrolment that was set aside, or was killed. */
err_code hsm_heads_make(struct hsm_root *root, const struct hsm_space *space, struct why *why)
{
    const struct hw_head_record none = {0};
    struct hsm_head_found found;

    root->heads = (struct hsm_heads){0};
    if (hsm_head_key_noted(root))
        return ERR_OK;
    root->space = *space;
    TRY(hsm_head_objects(root, &found, why));
    for (size_t i = 0; i < found.n; i++)
        TRY(hsm_destroy(&root->token, found.object[i], why));
    for (size_t i = 0; i < HSM_HEAD_OBJECTS; i++) {
        CK_OBJECT_HANDLE object = 0;
        TRY(hsm_head_object_put(root, &none, &object, why));
    }
    return hsm_head_key_make(root, &none.head, why);
}

/* ---- comparing ------------------------------------------------------------------------------- */

struct checking {
    const struct hw_head *heads;
    size_t n;
};

/* Two whole objects are there, and the older one comes first. Others go. */
static err_code tidy(struct hsm_root *root, const struct hsm_head_found *found, struct why *why)
{
    struct hsm_heads *heads = &root->heads;

    for (size_t i = HSM_HEAD_OBJECTS; i < found->n; i++)
        TRY(hsm_destroy(&root->token, found->object[i], why));
    heads->newest = found->record[0];
    heads->object[1] = found->object[0];
    heads->object[0] = found->n > 1 ? found->object[1] : 0;
    return ERR_OK;
}

/* Writes the newest head in the place of the older one. */
static err_code put(struct hsm_root *root, const struct hw_head *head, struct why *why)
{
    struct hsm_heads *heads = &root->heads;
    const struct hw_head_record record = {heads->newest.first, true, *head};
    CK_OBJECT_HANDLE object = heads->object[0];

    TRY(hsm_head_object_put(root, &record, &object, why));
    heads->object[0] = heads->object[1];
    heads->object[1] = object;
    heads->newest = record;
    return ERR_OK;
}

static err_code objects_gone(const struct hsm_root *root, size_t whole, struct why *why)
{
    return why_say(why, ERR_HEAD_MISSING,
                   "token \"%s\" has %zu whole objects %s:head, which keep the ledger's head, "
                   "wanted %d",
                   root->token.label, whole, root->space.prefix, HSM_HEAD_OBJECTS);
}

static err_code check_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    const struct checking *c = in;
    const struct hw_head none = {0}, *last = c->n > 0 ? &c->heads[c->n - 1] : &none;
    struct hsm_head_found found;
    struct hw_head_facts facts = {0};
    struct hw_kept kept;
    bool ahead;

    TRY(hsm_head_objects(root, &found, why));
    if (found.whole == 0)
        return objects_gone(root, 0, why);
    facts.first = found.record[0].first;
    facts.has_bound = found.record[0].has_head;
    facts.bound = found.record[0].head;
    facts.round = facts.least = facts.has_bound ? facts.bound.round : facts.first;
    facts.none = !facts.has_bound;
    TRY(hsm_head_key_check(root, last, &facts.durable, why));
    facts.has_durable = facts.durable.size > 0;
    TRY(hw_head_judge(&facts, c->heads, c->n, &kept, &ahead, why));
    /* One object is broken or missing where a round was cut short while it was written, and then
     * the disk has that round. */
    if (found.whole < HSM_HEAD_OBJECTS && !ahead)
        return objects_gone(root, found.whole, why);
    TRY(tidy(root, &found, why));
    if (ahead) {
        TRY(put(root, last, why));
        kept.round = last->round;
    }
    *(struct hw_kept *)out = kept;
    return ERR_OK;
}

err_code hsm_head_check(struct hw_root *hw, const struct hw_head *heads, size_t n,
                        struct hw_kept *ret, struct why *why)
{
    struct hsm_root *root = (struct hsm_root *)hw;
    const struct checking checking = {heads, n};

    root->heads.known = false;
    TRY(hsm_run(root, check_op, &checking, ret, why));
    root->heads.known = true;
    return ERR_OK;
}

/* ---- binding --------------------------------------------------------------------------------- */

struct binding {
    const struct hw_head *head;
    enum hw_keep keep;
};

/* After a new start in the middle the objects are found again: they must be what they were, or have
 * this head already. */
static err_code find_again(struct hsm_root *root, struct why *why)
{
    const uint64_t round = root->heads.newest.head.round;
    struct hsm_head_found found;

    if (root->heads.object[1] != 0)
        return ERR_OK;
    TRY(hsm_head_objects(root, &found, why));
    if (found.whole < HSM_HEAD_OBJECTS)
        return objects_gone(root, found.whole, why);
    if (found.record[0].head.round != round && found.record[0].head.round != round + 1)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "token \"%s\" has a head of round %" PRIu64 ", this gate left round %" PRIu64
                       " there",
                       root->token.label, found.record[0].head.round, round);
    return tidy(root, &found, why);
}

static err_code bind_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    const struct binding *b = in;
    (void)out;

    TRY(hsm_reopen_round(root, why));
    TRY(find_again(root, why));
    if (!hw_head_eq(&root->heads.newest.head, b->head))
        TRY(put(root, b->head, why));
    return b->keep == HW_KEEP_DURABLE ? hsm_head_key_make(root, b->head, why) : ERR_OK;
}

err_code hsm_head_bind(struct hw_root *hw, const struct hw_head *head, enum hw_keep keep,
                       struct why *why)
{
    struct hsm_root *root = (struct hsm_root *)hw;
    struct hsm_heads *heads = &root->heads;
    const struct binding binding = {head, keep};
    bool known = heads->known;
    uint64_t round = heads->newest.has_head ? heads->newest.head.round : heads->newest.first;

    if (root->owner == NULL)
        return why_say(why, ERR_NOT_ENROLLED, "the token is not attached");
    if (!root->begun)
        return hsm_no_round(root, why);
    heads->known = false;
    TRY(hw_head_follows(head, known, round, why));
    TRY(hsm_run(root, bind_op, &binding, NULL, why));
    heads->known = true;
    return ERR_OK;
}
