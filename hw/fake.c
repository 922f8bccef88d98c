/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/fake.h"

#include "hw/head.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct failure {
    err_code err;
    bool late;
};

struct hw_fake_nv {
    bool enrolled, any_key, one_key;
    uint64_t epoch;
    struct digest snapshot; /* that the step to it was for; zero: any */
    struct hw_owner owner;  /* as enrolled; its grants pointer is cleared */
    struct hw_signer *receipt, *seal;
    bool keeps;                 /* heads: since enrol */
    bool jumped;                /* power was lost since the last head */
    struct hw_head_facts heads; /* least and none are worked out */
    struct failure failures[HW_FAKE_N_OPS];
    unsigned calls[HW_FAKE_N_OPS];
};

struct fake {
    struct hw_root root;
    struct hw_fake_nv *nv;
    struct hw_owner *owner; /* NULL: not attached */
    bool prepared, begun;
    bool checked; /* head_check succeeded, and every head_bind since */
    uint64_t prepared_epoch;
    struct digest prepared_snapshot;
};

static struct fake *fake_of(struct hw_root *root)
{
    return (struct fake *)root;
}

/* ---- telling it to fail ---------------------------------------------------------------------- */

static err_code told(struct fake *fake, enum hw_fake_op op, bool late, struct why *why)
{
    const struct failure *f = &fake->nv->failures[op];

    if (f->err == ERR_OK || f->late != late)
        return ERR_OK;
    return why_say(why, f->err, "the fake root was told to fail with %s", err_name(f->err));
}

static err_code enter(struct fake *fake, enum hw_fake_op op, struct why *why)
{
    fake->nv->calls[op]++;
    return told(fake, op, false, why);
}

static err_code leave(struct fake *fake, enum hw_fake_op op, struct why *why)
{
    return told(fake, op, true, why);
}

static err_code enter_attached(struct fake *fake, enum hw_fake_op op, struct why *why)
{
    TRY(enter(fake, op, why));
    if (fake->owner == NULL)
        return why_say(why, ERR_NOT_ENROLLED, "the fake root is not attached");
    return ERR_OK;
}

/* ---- enrolment ------------------------------------------------------------------------------- */

static const struct hw_description ABOUT = {
    .kind = "fake",
    .model = "in-memory fake, for tests",
    .firmware = "1",
    .simulator = true,
    .refuses_rollback = true,
    .verifies = true,
    .seals = true,
    .es384 = true,
    .ps256 = true,
};

static err_code describe(struct hw_root *root, struct hw_description *ret, struct why *why)
{
    TRY(enter(fake_of(root), HW_FAKE_DESCRIBE, why));
    *ret = ABOUT;
    return leave(fake_of(root), HW_FAKE_DESCRIBE, why);
}

static err_code same_owner(const struct hw_owner *mine, const struct hw_owner *owner,
                           struct why *why)
{
    if (strcmp(mine->domain, owner->domain) != 0 || strcmp(mine->gate, owner->gate) != 0)
        return why_say(why, ERR_COUNTER_FOREIGN, "enrolled for %s of %s, not for %s of %s",
                       mine->gate, mine->domain, owner->gate, owner->domain);
    if (!digest_eq(&mine->root, &owner->root))
        return why_say(
            why, ERR_COUNTER_FOREIGN, "enrolled under root metadata %02x%02x..., not %02x%02x...",
            mine->root.bytes[0], mine->root.bytes[1], owner->root.bytes[0], owner->root.bytes[1]);
    if (mine->n_ratchet != owner->n_ratchet)
        return why_say(why, ERR_COUNTER_FOREIGN, "enrolled with %zu ratchet keys, not %zu",
                       mine->n_ratchet, owner->n_ratchet);
    for (size_t i = 0; i < mine->n_ratchet; i++)
        if (!hw_pubkey_eq(&mine->ratchet[i], &owner->ratchet[i]))
            return why_say(why, ERR_COUNTER_FOREIGN,
                           "ratchet key %zu is %02x%02x..., the owner says %02x%02x...", i,
                           mine->ratchet[i].x[0], mine->ratchet[i].x[1], owner->ratchet[i].x[0],
                           owner->ratchet[i].x[1]);
    return ERR_OK;
}

static err_code make(struct hw_fake_nv *nv, const struct hw_owner *owner, struct why *why)
{
    if (owner->n_ratchet < 2 || owner->n_ratchet > HW_RATCHET_MAX)
        return why_say(why, ERR_GRANT_INVALID, "%zu ratchet keys, wanted 2 to %d", owner->n_ratchet,
                       HW_RATCHET_MAX);
    if (owner->n_anchors > HW_ANCHOR_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu anchors, at most %d", owner->n_anchors,
                       HW_ANCHOR_MAX);
    if (nv->receipt == NULL)
        TRY(hw_signer_generate(HW_ES256, &nv->receipt, why));
    if (nv->seal == NULL)
        TRY(hw_signer_generate(HW_ES256, &nv->seal, why));
    nv->owner = *owner;
    nv->owner.grants = NULL;
    nv->owner.n_grants = 0;
    nv->enrolled = true;
    nv->keeps = true;
    nv->heads = (struct hw_head_facts){.first = HW_FAKE_FIRST, .round = HW_FAKE_FIRST};
    return ERR_OK;
}

static err_code enrol(struct hw_root *root, const struct hw_owner *owner, struct hw_enrolment *ret,
                      struct why *why)
{
    struct fake *fake = fake_of(root);
    struct hw_fake_nv *nv = fake->nv;

    TRY(enter(fake, HW_FAKE_ENROL, why));
    if (nv->enrolled)
        TRY(same_owner(&nv->owner, owner, why));
    else
        TRY(make(nv, owner, why));
    TRY(leave(fake, HW_FAKE_ENROL, why));
    *ret = (struct hw_enrolment){
        .about = ABOUT,
        .receipt = nv->receipt->key,
        .seal = nv->seal->key,
    };
    return ERR_OK;
}

static err_code attach(struct hw_root *root, const struct hw_owner *owner,
                       const struct hw_enrolment *enrolment, struct why *why)
{
    struct fake *fake = fake_of(root);
    const struct hw_fake_nv *nv = fake->nv;
    struct hw_owner *copy;

    TRY(enter(fake, HW_FAKE_ATTACH, why));
    if (!nv->enrolled)
        return why_say(why, ERR_COUNTER_MISSING, "the fake root was never enrolled");
    TRY(same_owner(&nv->owner, owner, why));
    if (!hw_pubkey_eq(&nv->receipt->key, &enrolment->receipt) ||
        !hw_pubkey_eq(&nv->seal->key, &enrolment->seal))
        return why_say(why, ERR_HANDLE_FOREIGN,
                       "receipt and seal keys %02x... and %02x..., enrolled %02x... and %02x...",
                       nv->receipt->key.x[0], nv->seal->key.x[0], enrolment->receipt.x[0],
                       enrolment->seal.x[0]);
    copy = malloc(sizeof *copy);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    *copy = *owner;
    copy->grants = NULL;
    copy->n_grants = 0;
    free(fake->owner);
    fake->owner = copy;
    fake->prepared = fake->begun = fake->checked = false;
    return leave(fake, HW_FAKE_ATTACH, why);
}

/* ---- the authority's word -------------------------------------------------------------------- */

static bool anchored(const struct fake *fake, const struct hw_pubkey *key)
{
    for (size_t i = 0; i < fake->owner->n_anchors; i++)
        if (hw_pubkey_eq(&fake->owner->anchors[i], key))
            return true;
    return false;
}

static err_code judge(const struct fake *fake, const struct hw_statement *statement, bool any_key,
                      struct why *why)
{
    if (!any_key && !anchored(fake, &statement->key))
        return why_say(why, ERR_ANCHOR_MISSING, "key %02x%02x... is none of the %zu anchors",
                       statement->key.x[0], statement->key.x[1], fake->owner->n_anchors);
    TRY(hw_pubkey_check(&statement->key, why));
    return hw_verify_soft(statement, why);
}

/* Of the epoch that the chip is at. */
static err_code same_snapshot(const struct hw_fake_nv *nv, const struct digest *snapshot,
                              struct why *why)
{
    static const struct digest NONE = {{0}};

    if (digest_eq(&nv->snapshot, &NONE) || digest_eq(&nv->snapshot, snapshot))
        return ERR_OK;
    return why_say(why, ERR_EQUIVOCATION,
                   "epoch %" PRIu64 " is of snapshot %02x%02x..., not of %02x%02x...", nv->epoch,
                   nv->snapshot.bytes[0], nv->snapshot.bytes[1], snapshot->bytes[0],
                   snapshot->bytes[1]);
}

static err_code judge_mandate(const struct fake *fake, const struct hw_mandate *mandate,
                              struct why *why)
{
    if (mandate->epoch < fake->nv->epoch)
        return why_say(why, ERR_ROLLBACK,
                       "the hardware is at epoch %" PRIu64 ", the mandate is for epoch %" PRIu64,
                       fake->nv->epoch, mandate->epoch);
    if (mandate->n_statements == 0 || mandate->n_statements > HW_SIGNERS_MAX)
        return why_say(why, ERR_GRANT_INVALID,
                       "%zu signatures on epoch %" PRIu64 ", wanted 1 to %d", mandate->n_statements,
                       mandate->epoch, HW_SIGNERS_MAX);
    for (size_t i = 0; i < mandate->n_statements; i++)
        TRY(judge(fake, &mandate->statements[i], false, why));
    return mandate->epoch == fake->nv->epoch ? same_snapshot(fake->nv, &mandate->snapshot, why)
                                             : ERR_OK;
}

static err_code verify(struct hw_root *root, const struct hw_statement *statement, struct why *why)
{
    struct fake *fake = fake_of(root);

    TRY(enter_attached(fake, HW_FAKE_VERIFY, why));
    TRY(judge(fake, statement, fake->nv->any_key, why));
    return leave(fake, HW_FAKE_VERIFY, why);
}

static err_code epoch(struct hw_root *root, uint64_t *ret, struct why *why)
{
    struct fake *fake = fake_of(root);

    TRY(enter_attached(fake, HW_FAKE_EPOCH, why));
    TRY(leave(fake, HW_FAKE_EPOCH, why));
    *ret = fake->nv->epoch;
    return ERR_OK;
}

static err_code step(struct hw_root *root, const struct hw_mandate *mandate, struct why *why)
{
    struct fake *fake = fake_of(root);

    TRY(enter_attached(fake, HW_FAKE_STEP, why));
    TRY(judge_mandate(fake, mandate, why));
    fake->nv->epoch = mandate->epoch;
    fake->nv->snapshot = mandate->snapshot;
    return leave(fake, HW_FAKE_STEP, why);
}

static err_code prepare(struct hw_root *root, const struct hw_mandate *mandate, struct why *why)
{
    struct fake *fake = fake_of(root);

    TRY(enter_attached(fake, HW_FAKE_PREPARE, why));
    TRY(judge_mandate(fake, mandate, why));
    TRY(leave(fake, HW_FAKE_PREPARE, why));
    fake->prepared = true;
    fake->begun = false;
    fake->prepared_epoch = mandate->epoch;
    fake->prepared_snapshot = mandate->snapshot;
    return ERR_OK;
}

/* ---- the round ------------------------------------------------------------------------------- */

static err_code begin(struct hw_root *root, struct why *why)
{
    struct fake *fake = fake_of(root);

    TRY(enter_attached(fake, HW_FAKE_BEGIN, why));
    fake->begun = false;
    if (!fake->prepared)
        return why_say(why, ERR_NOTHING_INSTALLED, "no mandate is prepared");
    if (fake->nv->epoch != fake->prepared_epoch)
        return why_say(
            why, fake->nv->epoch > fake->prepared_epoch ? ERR_ROLLBACK : ERR_NOTHING_INSTALLED,
            "the hardware is at epoch %" PRIu64 ", prepared is epoch %" PRIu64, fake->nv->epoch,
            fake->prepared_epoch);
    TRY(same_snapshot(fake->nv, &fake->prepared_snapshot, why));
    TRY(leave(fake, HW_FAKE_BEGIN, why));
    fake->begun = true;
    return ERR_OK;
}

/* What the policy session of a TPM does: it holds while the counter has the value it was begun at.
 */
static err_code in_round(const struct fake *fake, struct why *why)
{
    if (!fake->begun)
        return why_say(why, ERR_TPM_POLICY, "no round is open");
    if (fake->nv->epoch != fake->prepared_epoch)
        return why_say(why, ERR_TPM_POLICY,
                       "the hardware is at epoch %" PRIu64 ", the round was begun at %" PRIu64,
                       fake->nv->epoch, fake->prepared_epoch);
    return ERR_OK;
}

static err_code sign_with(struct hw_signer *signer, const struct digest *digest,
                          uint8_t ret[static 64], struct why *why)
{
    CLEANUP(buf_free) struct buf sig = {0};

    TRY(signer->ops->sign(signer, digest_slice(digest), &sig, why));
    if (sig.len != 64)
        return why_say(why, ERR_INTERNAL, "a signature of %zu bytes, wanted 64", sig.len);
    memcpy(ret, sig.ptr, 64);
    return ERR_OK;
}

static void sign_ahead(struct hw_root *root, const struct digest *digest)
{
    (void)root;
    (void)digest;
}

static err_code sign(struct hw_root *root, const struct digest *digest, uint8_t ret[static 64],
                     struct why *why)
{
    struct fake *fake = fake_of(root);
    uint8_t sig[64];

    TRY(enter_attached(fake, HW_FAKE_SIGN, why));
    TRY(in_round(fake, why));
    TRY(sign_with(fake->nv->receipt, digest, sig, why));
    TRY(leave(fake, HW_FAKE_SIGN, why));
    memcpy(ret, sig, 64);
    return ERR_OK;
}

static struct hw_signer *device_of(struct hw_fake_nv *nv)
{
    return nv->one_key ? nv->receipt : nv->seal;
}

static err_code device_sign(struct hw_root *root, const struct digest *digest,
                            uint8_t ret[static 64], struct why *why)
{
    struct fake *fake = fake_of(root);
    uint8_t sig[64];

    TRY(enter_attached(fake, HW_FAKE_DEVICE_SIGN, why));
    TRY(in_round(fake, why));
    TRY(sign_with(device_of(fake->nv), digest, sig, why));
    TRY(leave(fake, HW_FAKE_DEVICE_SIGN, why));
    memcpy(ret, sig, 64);
    return ERR_OK;
}

static err_code seal(struct hw_root *root, const struct digest *binding, struct hw_seal *ret,
                     struct why *why)
{
    static const char TAG[] = "pawl-fake-v1";
    struct fake *fake = fake_of(root);
    CLEANUP(hw_seal_free) struct hw_seal out = {.kind = HW_SEAL_FAKE};

    TRY(enter_attached(fake, HW_FAKE_SEAL, why));
    TRY(in_round(fake, why));
    TRY(buf_add(&out.statement, TAG, sizeof TAG));
    TRY(buf_add_u64(&out.statement, fake->nv->epoch));
    TRY(buf_add_slice(&out.statement, digest_slice(binding)));
    TRY(hw_sign(fake->nv->seal, buf_slice(&out.statement), &out.sig, why));
    TRY(leave(fake, HW_FAKE_SEAL, why));
    ret->kind = out.kind;
    ret->statement = buf_take(&out.statement);
    ret->sig = buf_take(&out.sig);
    return ERR_OK;
}

static err_code receipt_key(struct hw_root *root, struct hw_pubkey *ret, struct why *why)
{
    struct fake *fake = fake_of(root);

    TRY(enter_attached(fake, HW_FAKE_RECEIPT_KEY, why));
    TRY(leave(fake, HW_FAKE_RECEIPT_KEY, why));
    *ret = fake->nv->receipt->key;
    return ERR_OK;
}

static err_code device_key(struct hw_root *root, struct hw_pubkey *ret, struct why *why)
{
    struct fake *fake = fake_of(root);

    TRY(enter_attached(fake, HW_FAKE_DEVICE_KEY, why));
    TRY(leave(fake, HW_FAKE_DEVICE_KEY, why));
    *ret = device_of(fake->nv)->key;
    return ERR_OK;
}

/* ---- heads ----------------------------------------------------------------------------------- */

static void keep(struct hw_fake_nv *nv, const struct hw_head *head, enum hw_keep how)
{
    nv->jumped = false;
    nv->heads.round = head->round;
    nv->heads.has_bound = true;
    nv->heads.bound = *head;
    if (how != HW_KEEP_DURABLE)
        return;
    nv->heads.has_durable = true;
    nv->heads.durable = *head;
}

static err_code keeps(const struct fake *fake, struct why *why)
{
    return fake->nv->keeps
               ? ERR_OK
               : why_say(why, ERR_HEAD_MISSING, "the fake root's place for heads is gone");
}

static err_code head_check(struct hw_root *root, const struct hw_head *heads, size_t n,
                           struct hw_kept *ret, struct why *why)
{
    struct fake *fake = fake_of(root);
    struct hw_fake_nv *nv = fake->nv;
    struct hw_head_facts facts = nv->heads;
    struct hw_kept kept;
    bool ahead;

    TRY(enter_attached(fake, HW_FAKE_HEAD_CHECK, why));
    fake->checked = false;
    TRY(keeps(fake, why));
    facts.least = nv->jumped ? facts.round - (HW_FAKE_BLOCK - 1) : facts.round;
    if (facts.least < facts.first)
        facts.least = facts.first;
    facts.none = facts.round == facts.first && !nv->jumped;
    TRY(hw_head_judge(&facts, heads, n, &kept, &ahead, why));
    if (ahead) {
        keep(nv, &heads[n - 1], HW_KEEP_ROUND);
        kept.round = nv->heads.round;
    }
    if (n > 0) {
        nv->heads.has_bound = true;
        nv->heads.bound = heads[n - 1];
    }
    TRY(leave(fake, HW_FAKE_HEAD_CHECK, why));
    fake->checked = true;
    *ret = kept;
    return ERR_OK;
}

static err_code head_bind(struct hw_root *root, const struct hw_head *head, enum hw_keep how,
                          struct why *why)
{
    struct fake *fake = fake_of(root);
    bool checked = fake->checked;

    fake->checked = false;
    TRY(enter_attached(fake, HW_FAKE_HEAD_BIND, why));
    TRY(keeps(fake, why));
    TRY(in_round(fake, why));
    TRY(hw_head_follows(head, checked, fake->nv->heads.round, why));
    keep(fake->nv, head, how);
    TRY(leave(fake, HW_FAKE_HEAD_BIND, why));
    fake->checked = true;
    return ERR_OK;
}

static err_code rest(struct hw_root *root, struct why *why)
{
    (void)root;
    (void)why;
    return ERR_OK;
}

static void close_root(struct hw_root *root)
{
    free(fake_of(root)->owner);
    free(root);
}

static const struct hw_root_ops OPS = {
    .name = "fake",
    .describe = describe,
    .enrol = enrol,
    .attach = attach,
    .verify = verify,
    .epoch = epoch,
    .step = step,
    .prepare = prepare,
    .begin = begin,
    .sign_ahead = sign_ahead,
    .sign = sign,
    .seal = seal,
    .receipt_key = receipt_key,
    .device_key = device_key,
    .device_sign = device_sign,
    .head_check = head_check,
    .head_bind = head_bind,
    .rest = rest,
    .close = close_root,
};

/* ---- the chip -------------------------------------------------------------------------------- */

err_code hw_fake_nv_new(struct hw_fake_nv **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret == NULL ? ERR_NO_MEMORY : ERR_OK;
}

void hw_fake_nv_free(struct hw_fake_nv **nv)
{
    if (*nv != NULL) {
        hw_signer_close(&(*nv)->receipt);
        hw_signer_close(&(*nv)->seal);
    }
    free(*nv);
    *nv = NULL;
}

err_code hw_fake_open(struct hw_fake_nv *nv, struct hw_root **ret)
{
    struct fake *fake = calloc(1, sizeof *fake);

    if (fake == NULL)
        return ERR_NO_MEMORY;
    fake->root.ops = &OPS;
    fake->nv = nv;
    *ret = &fake->root;
    return ERR_OK;
}

void hw_fake_verify_any_key(struct hw_fake_nv *nv)
{
    nv->any_key = true;
}

void hw_fake_one_key(struct hw_fake_nv *nv)
{
    nv->one_key = true;
}

unsigned hw_fake_calls(const struct hw_fake_nv *nv, enum hw_fake_op op)
{
    return nv->calls[op];
}

void hw_fake_fail(struct hw_fake_nv *nv, enum hw_fake_op op, err_code err, bool late)
{
    nv->failures[op] = (struct failure){err, late};
}

uint64_t hw_fake_epoch(const struct hw_fake_nv *nv)
{
    return nv->epoch;
}

void hw_fake_set_epoch(struct hw_fake_nv *nv, uint64_t epoch)
{
    nv->epoch = epoch;
    nv->snapshot = (struct digest){0};
}

void hw_fake_restart(struct hw_fake_nv *nv, bool clean)
{
    nv->heads.has_bound = false;
    if (clean)
        return;
    nv->jumped = true;
    nv->heads.round = nv->heads.round / HW_FAKE_BLOCK * HW_FAKE_BLOCK + HW_FAKE_BLOCK - 1;
}

void hw_fake_forget_heads(struct hw_fake_nv *nv)
{
    nv->keeps = false;
}
