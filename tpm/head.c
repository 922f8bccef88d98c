/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/head.h"

#include "gate/base/file.h"
#include "tpm/command.h"
#include "tpm/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* How many of the disk's last heads a chain is looked for in, when nobody knows where it began. */
#define SEARCH_MAX 256

void tpm_heads_close(struct tpm_heads *heads)
{
    int file = heads->file - 1;

    fd_close(&file);
    mem_wipe(heads, sizeof *heads);
}

void tpm_heads_plan(struct tpm_root *root)
{
    root->heads.plan = (struct tpm_head_plan){
        .index = {root->uri.round, root->uri.chain, root->uri.head},
        .ref = root->plan.ref[TPM_PURPOSE_BUMP],
        .orderly = root->chip.orderly,
    };
}

struct tpm_nv tpm_heads_nv(const struct tpm_root *root, enum tpm_head_place place)
{
    return (struct tpm_nv){root->heads.plan.index[place], &root->heads.auth};
}

err_code tpm_head_fail(struct tpm_root *root, enum tpm_head_place place, TSS2_RC rc,
                       const char *doing, struct why *why)
{
    uint32_t index = root->heads.plan.index[place];
    TSS2_RC error = tpm_rc_error(rc);

    if (!tpm_rc_from_chip(rc))
        return tpm_chip_fail(&root->chip, rc, doing, why);
    if (error == TPM2_RC_HANDLE)
        return why_foreign(why, ERR_HEAD_MISSING, "TPM_RC", rc,
                           "NV index 0x%08" PRIx32 ", which keeps the ledger's head (%s), is gone",
                           index, tpm_head_place_name(place));
    if (error == TPM2_RC_AUTH_FAIL || error == TPM2_RC_BAD_AUTH)
        return why_foreign(why, ERR_HEAD_MISSING, "TPM_RC", rc,
                           "NV index 0x%08" PRIx32 ", which keeps the ledger's head (%s), refuses "
                           "the authorization in \"%s/%s\"",
                           index, tpm_head_place_name(place), root->options.store_dir,
                           TPM_HEAD_AUTH);
    if (rc == TPM2_RC_NV_UNINITIALIZED)
        return why_foreign(why, ERR_HEAD_MISSING, "TPM_RC", rc,
                           "NV index 0x%08" PRIx32 ", which keeps the ledger's head (%s), was "
                           "defined anew and never written",
                           index, tpm_head_place_name(place));
    return tpm_chip_fail(&root->chip, rc, doing, why);
}

static bool is_zero(const struct digest *digest)
{
    static const struct digest ZERO = {{0}};

    return digest_eq(digest, &ZERO);
}

/* ---- changing what the TPM keeps ------------------------------------------------------------- */

err_code tpm_head_step(struct tpm_root *root, uint64_t *counter, struct why *why)
{
    const struct tpm_nv nv = tpm_heads_nv(root, TPM_HEAD_ROUNDS);

    do {
        TSS2_RC rc = tpm_nv_step(&root->chip, &nv);

        if (rc != TPM2_RC_SUCCESS)
            return tpm_head_fail(root, TPM_HEAD_ROUNDS, rc, "TPM2_NV_Increment", why);
        ++*counter;
    } while (tpm_rounds_skip(*counter, root->heads.plan.orderly));
    return ERR_OK;
}

err_code tpm_head_put_durable(struct tpm_root *root, const struct hw_head_record *durable,
                              struct why *why)
{
    const struct tpm_nv nv = tpm_heads_nv(root, TPM_HEAD_DURABLE);
    uint8_t octets[HW_HEAD_RECORD_LEN];
    TSS2_RC rc;

    TRY(hw_head_record_write(durable, octets));
    rc = tpm_nv_write(&root->chip, &nv, SLICE_OF(octets));
    return rc == TPM2_RC_SUCCESS ? ERR_OK
                                 : tpm_head_fail(root, TPM_HEAD_DURABLE, rc, "TPM2_NV_Write", why);
}

/* Adds a head to the chain, and notes it in the file, which has been opened. */
static err_code extend(struct tpm_root *root, const struct hw_head *head, struct why *why)
{
    struct tpm_heads *heads = &root->heads;
    const struct tpm_nv nv = tpm_heads_nv(root, TPM_HEAD_CHAIN);
    uint8_t octets[HW_HEAD_LEN], note[TPM_BOOT_LEN];
    TSS2_RC rc;

    heads->boot.before = heads->boot.chain;
    TRY(tpm_chain_add(&heads->boot.before, head, &heads->boot.chain));
    heads->boot.head = *head;
    TRY(tpm_boot_write(&heads->boot, note));
    hw_head_put(head, octets);
    rc = tpm_nv_extend(&root->chip, &nv, SLICE_OF(octets));
    if (rc != TPM2_RC_SUCCESS)
        return tpm_head_fail(root, TPM_HEAD_CHAIN, rc, "TPM2_NV_Extend", why);
    if (pwrite(heads->file - 1, note, sizeof note, 0) != (ssize_t)sizeof note)
        return why_errno(why, errno != 0 ? errno : EIO, "write", TPM_HEAD_BOOT);
    return ERR_OK;
}

/* Nobody else has stepped the counter meanwhile. */
static err_code still_ours(struct tpm_root *root, struct why *why)
{
    const struct tpm_nv nv = tpm_heads_nv(root, TPM_HEAD_ROUNDS);
    uint8_t octets[8];
    TSS2_RC rc = tpm_nv_read(&root->chip, &nv, octets, sizeof octets);

    if (rc != TPM2_RC_SUCCESS)
        return tpm_head_fail(root, TPM_HEAD_ROUNDS, rc, "TPM2_NV_Read", why);
    if (get_u64(octets) != root->heads.counter)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the counter of rounds stands at %" PRIu64 ", after what this gate did it "
                       "would be %" PRIu64 ": somebody else steps it",
                       get_u64(octets), root->heads.counter);
    return ERR_OK;
}

static err_code keep_durably(struct tpm_root *root, const struct hw_head *head, struct why *why)
{
    const struct hw_head_record durable = {root->heads.first, true, *head};

    TRY(still_ours(root, why));
    TRY(tpm_head_put_durable(root, &durable, why));
    return fdatasync(root->heads.file - 1) == 0
               ? ERR_OK
               : why_errno(why, errno, "make durable", TPM_HEAD_BOOT);
}

/* The chain ends where this gate left it. A TPM that was reset meanwhile has none, and its counter
 * may have jumped: nothing may be counted on that before the heads are compared again. */
static err_code not_reset(struct tpm_root *root, struct why *why)
{
    const struct tpm_nv nv = tpm_heads_nv(root, TPM_HEAD_CHAIN);
    struct digest chain = {{0}};
    TSS2_RC rc = tpm_nv_read(&root->chip, &nv, chain.bytes, sizeof chain.bytes);

    if (rc == TPM2_RC_NV_UNINITIALIZED && !is_zero(&root->heads.boot.chain))
        return why_foreign(why, ERR_TPM_FAILED, "TPM_RC", rc,
                           "the TPM was reset since round %" PRIu64
                           ": the heads have to be compared again",
                           root->heads.round);
    if (rc != TPM2_RC_SUCCESS && rc != TPM2_RC_NV_UNINITIALIZED)
        return tpm_head_fail(root, TPM_HEAD_CHAIN, rc, "TPM2_NV_Read", why);
    if (rc == TPM2_RC_NV_UNINITIALIZED) /* before the first head that tells nothing */
        return still_ours(root, why);
    if (!digest_eq(&chain, &root->heads.boot.chain))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the chain of heads in the TPM is not as this gate left it after round "
                       "%" PRIu64 ": somebody else extends it",
                       root->heads.round);
    return ERR_OK;
}

/* ---- what the TPM says ----------------------------------------------------------------------- */

struct looking {
    uint64_t counter;
    struct tpm_rounds rounds;
    bool torn; /* the durable index holds nothing that was written whole */
    struct hw_head_record durable;
    TPMS_CLOCK_INFO clock;
    bool chained; /* the chain has heads */
    struct digest chain;
    struct tpm_boot boot; /* of the file, if it is of this boot; else a chain of zeroes */
    struct hw_head_facts facts;
};

static err_code look_at_places(struct tpm_root *root, bool *ret_chained, struct why *why)
{
    enum tpm_head_state state;

    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        TRY(tpm_head_look(root, place, &state, why));
        if (state == TPM_HEAD_ABSENT)
            return tpm_head_fail(root, place, TPM2_RC_HANDLE, "TPM2_NV_ReadPublic", why);
        if (place == TPM_HEAD_CHAIN)
            *ret_chained = state == TPM_HEAD_WRITTEN;
    }
    return ERR_OK;
}

static err_code read_place(struct tpm_root *root, enum tpm_head_place place, uint8_t *ret,
                           uint16_t len, struct why *why)
{
    const struct tpm_nv nv = tpm_heads_nv(root, place);
    TSS2_RC rc = tpm_nv_read(&root->chip, &nv, ret, len);

    return rc == TPM2_RC_SUCCESS ? ERR_OK : tpm_head_fail(root, place, rc, "TPM2_NV_Read", why);
}

/* A durable head is torn if power failed while it was written, and only then. */
static err_code look_at_durable(struct tpm_root *root, struct looking *l, struct why *why)
{
    uint8_t octets[HW_HEAD_RECORD_LEN];

    TRY(read_place(root, TPM_HEAD_DURABLE, octets, sizeof octets, why));
    l->torn = hw_head_record_read(SLICE_OF(octets), &l->durable) != ERR_OK;
    if (l->torn && !l->rounds.jumped)
        return why_say(why, ERR_HEAD_MISSING,
                       "NV index 0x%08" PRIx32 " holds no head, though the TPM never lost power "
                       "since the last round",
                       root->heads.plan.index[TPM_HEAD_DURABLE]);
    return ERR_OK;
}

static void read_boot(const struct tpm_root *root, struct tpm_boot *ret)
{
    CLEANUP(buf_free) struct buf path = {0}, file = {0};

    if (path_join(root->options.store_dir, TPM_HEAD_BOOT, &path) != ERR_OK ||
        file_read((const char *)path.ptr, TPM_BOOT_LEN, &file, NULL) != ERR_OK ||
        tpm_boot_read(buf_slice(&file), ret) != ERR_OK)
        *ret = (struct tpm_boot){0};
}

/* The file of an earlier boot says nothing of this one's chain. Within one boot a chain that had
 * heads has them still. */
static err_code look_at_boot(struct tpm_root *root, struct looking *l, struct why *why)
{
    TSS2_RC rc = tpm_read_clock(&root->chip, &l->clock);

    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_ReadClock", why);
    read_boot(root, &l->boot);
    if (!l->chained && !is_zero(&l->boot.chain) && l->boot.resets == l->clock.resetCount &&
        l->boot.restarts == l->clock.restartCount)
        return why_say(why, ERR_HEAD_MISSING,
                       "NV index 0x%08" PRIx32 " had heads in this boot of the TPM (number %" PRIu32
                       ") and has none now: it was defined anew",
                       root->heads.plan.index[TPM_HEAD_CHAIN], l->clock.resetCount);
    if (!l->chained || l->boot.resets != l->clock.resetCount)
        l->boot = (struct tpm_boot){0};
    l->boot.resets = l->clock.resetCount;
    l->boot.restarts = l->clock.restartCount;
    return l->chained ? read_place(root, TPM_HEAD_CHAIN, l->chain.bytes, SHA256_LEN, why) : ERR_OK;
}

static err_code look(struct tpm_root *root, struct looking *l, struct why *why)
{
    uint8_t octets[8];

    TRY(look_at_places(root, &l->chained, why));
    TRY(read_place(root, TPM_HEAD_ROUNDS, octets, sizeof octets, why));
    l->counter = get_u64(octets);
    l->rounds = tpm_rounds_of(l->counter, root->heads.plan.orderly);
    TRY(look_at_durable(root, l, why));
    TRY(look_at_boot(root, l, why));
    l->facts = (struct hw_head_facts){
        .first = l->durable.first,
        .round = l->rounds.most,
        .least = l->rounds.least,
        .none = !l->torn && !l->durable.has_head && !l->rounds.jumped &&
                l->rounds.most == l->durable.first,
        .has_durable = !l->torn && l->durable.has_head,
        .durable = l->durable.head,
    };
    return ERR_OK;
}

/* ---- the chain ------------------------------------------------------------------------------- */

/* Follows the chain from start over heads; true when it arrives at what the TPM has. */
static bool follow(struct looking *l, const struct digest *start, const struct hw_head *heads,
                   size_t n)
{
    struct digest before, chain = *start;

    for (size_t i = 0; i < n; i++) {
        before = chain;
        if (tpm_chain_add(&before, &heads[i], &chain) != ERR_OK)
            return false;
        if (!digest_eq(&chain, &l->chain))
            continue;
        l->boot.before = before;
        l->boot.chain = chain;
        l->boot.head = heads[i];
        return true;
    }
    return false;
}

/* Which head the chain ends with: that of the file, or one of the disk's that were added since; or,
 * if the file was lost, one of those that were added since the boot. */
static bool find(struct looking *l, const struct hw_head *heads, size_t n)
{
    static const struct digest ZERO = {{0}};
    size_t from = 0;

    if (l->boot.head.size > 0 && digest_eq(&l->boot.chain, &l->chain))
        return true;
    while (from < n && heads[from].round <= l->boot.head.round)
        from++;
    if (!is_zero(&l->boot.chain) && follow(l, &l->boot.chain, heads + from, n - from))
        return true;
    for (size_t i = 1; i <= n && i <= SEARCH_MAX; i++)
        if (follow(l, &ZERO, heads + n - i, i))
            return true;
    return false;
}

static err_code other_heads(const struct tpm_root *root, const struct looking *l, struct why *why)
{
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "the heads on disk, to round %" PRIu64 ", are not those that the TPM was given "
                   "in this boot: its chain at NV index 0x%08" PRIx32
                   " begins %02x%02x%02x%02x, and nothing in \"%s\" leads there",
                   l->facts.round, root->heads.plan.index[TPM_HEAD_CHAIN], l->chain.bytes[0],
                   l->chain.bytes[1], l->chain.bytes[2], l->chain.bytes[3],
                   root->options.store_dir);
}

/* The last head of the disk is bound, whatever of it was done before. */
static err_code finish(struct tpm_root *root, const struct looking *l, const struct hw_head *last,
                       bool ahead, struct why *why)
{
    struct tpm_heads *heads = &root->heads;

    if (last != NULL && !(l->facts.has_bound && hw_head_eq(&l->facts.bound, last)))
        TRY(extend(root, last, why));
    if (ahead)
        TRY(tpm_head_step(root, &heads->counter, why));
    if (!l->torn)
        return ERR_OK;
    /* Made good; where counting began does not matter any more once there is a head. */
    return tpm_head_put_durable(
        root,
        &(struct hw_head_record){heads->first, last != NULL,
                                 last != NULL ? *last : (struct hw_head){0}},
        why);
}

/* The file is replaced durably, and from then on overwritten. */
static err_code open_boot(struct tpm_root *root, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    int old = root->heads.file - 1, fd;
    uint8_t note[TPM_BOOT_LEN];

    fd_close(&old);
    root->heads.file = 0;
    TRY(tpm_boot_write(&root->heads.boot, note));
    TRY(path_join(root->options.store_dir, TPM_HEAD_BOOT, &path));
    TRY(file_write((const char *)path.ptr, SLICE_OF(note), 0600, why));
    fd = open((const char *)path.ptr, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return why_errno(why, errno, "open", (const char *)path.ptr);
    root->heads.file = fd + 1;
    return ERR_OK;
}

/* ---- the operations -------------------------------------------------------------------------- */

static err_code ready(struct tpm_root *root, struct why *why)
{
    err_code err;

    TRY(tpm_root_ready(root, why));
    tpm_heads_plan(root);
    if (root->options.store_dir == NULL)
        return why_say(why, ERR_HEAD_MISSING, "no directory for the authorization was given");
    if (root->heads.auth.size > 0)
        return ERR_OK;
    err = tpm_head_auth(root, TPM_HEAD_AUTH, &root->heads.auth, why);
    return err != ERR_NOT_FOUND ? err
                                : why_say(why, ERR_HEAD_MISSING,
                                          "the authorization \"%s/%s\" of the indexes that keep "
                                          "the ledger's head is gone",
                                          root->options.store_dir, TPM_HEAD_AUTH);
}

static err_code check(struct tpm_root *root, const struct hw_head *heads, size_t n,
                      struct hw_kept *ret, struct why *why)
{
    const struct hw_head *last = n > 0 ? &heads[n - 1] : NULL;
    struct looking l = {0};
    struct hw_kept kept;
    bool found = true, ahead;

    TRY(look(root, &l, why));
    if (l.chained && l.facts.none) { /* of an enrolment before, or of a first head cut short */
        l.boot.before = l.boot.chain = l.chain;
        l.boot.head = (struct hw_head){0};
    } else if (l.chained)
        found = l.facts.has_bound = find(&l, heads, n);
    l.facts.bound = l.boot.head;
    TRY(hw_head_judge(&l.facts, heads, n, &kept, &ahead, why));
    /* Heads are bound one by one: none but the last can have been left out. */
    if (!found || (l.facts.has_bound && n > 1 && l.facts.bound.round < heads[n - 2].round))
        return other_heads(root, &l, why);
    root->heads.boot = l.boot;
    root->heads.first = l.durable.first;
    root->heads.counter = l.counter;
    TRY(open_boot(root, why));
    TRY(finish(root, &l, last, ahead, why));
    if (ahead)
        kept.round = last->round;
    root->heads.round = kept.round;
    *ret = kept;
    return ERR_OK;
}

err_code tpm_root_head_check(struct hw_root *hw, const struct hw_head *heads, size_t n,
                             struct hw_kept *ret, struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;

    root->heads.known = false;
    TRY(ready(root, why));
    TRY(check(root, heads, n, ret, why));
    root->heads.known = true;
    return ERR_OK;
}

err_code tpm_root_head_bind(struct hw_root *hw, const struct hw_head *head, enum hw_keep keep,
                            struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    struct tpm_heads *heads = &root->heads;
    bool known;

    TRY(tpm_in_round(root, why));
    known = heads->known;
    heads->known = false;
    TRY(hw_head_follows(head, known, heads->round, why));
    TRY(not_reset(root, why));
    TRY(extend(root, head, why));
    TRY(tpm_head_step(root, &heads->counter, why));
    heads->round = head->round;
    if (keep == HW_KEEP_DURABLE)
        TRY(keep_durably(root, head, why));
    heads->known = true;
    return ERR_OK;
}
