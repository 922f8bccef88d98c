/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/init.h"

#include "gate/base/text.h"
#include "gate/cose/did_x509.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/log_key.h"
#include "gate/policy/issuer.h"
#include "gate/tlog/checkpoint_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An init at work. */
struct making {
    const struct init_wish *wish;
    struct judged trust;
    struct hw_owner *owner;
    struct hw_grant *grants; /* all that the bundle carries; a TPM picks what it needs */
    size_t n_grants;
    struct hw_root *hw;
    struct buf store, old_bytes;
    struct buf vkey, issuer; /* of the log that begins here */
    bool has_old;            /* an earlier init finished here */
    struct enrolment old;
};

static void making_free(struct making *m)
{
    hw_root_close(&m->hw);
    judged_free(&m->trust);
    enrolment_free(&m->old);
    buf_free(&m->store);
    buf_free(&m->old_bytes);
    buf_free(&m->vkey);
    buf_free(&m->issuer);
    free(m->grants);
    free(m->owner);
}

/* The bundle stands on its own signatures here; whether it is the right authority's, the caller's
 * --root-digest or a person's eye says. From here on the hardware pins it. */
static err_code judge_trust(struct making *m, struct slice bytes, struct why *why)
{
    const struct trust nothing = {0};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT, .now = m->wish->now};
    char got[72], want[72];

    TRY(why_reading(why, bundle_judge(bytes, &nothing, &ask, &m->trust, why),
                    "the bundle to trust"));
    if (m->wish->root == NULL || digest_eq(m->wish->root, &m->trust.roots[0]))
        return ERR_OK;
    digest_text(&m->trust.roots[0], got);
    digest_text(m->wish->root, want);
    return why_say(why, ERR_ROOT_UNTRUSTED, "root metadata version 1 is %s, expected %s", got,
                   want);
}

static err_code read_old(struct making *m, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(m->wish->state_dir, "enrolment.cbor", &path));
    if (!file_exists((const char *)path.ptr))
        return ERR_OK;
    TRY(file_read((const char *)path.ptr, ENROLMENT_SIZE_MAX, &m->old_bytes, why));
    TRY(why_reading(why, enrolment_parse(buf_slice(&m->old_bytes), &m->old, why), "\"%s\"",
                    (const char *)path.ptr));
    m->has_old = true;
    return ERR_OK;
}

/* A second init in the same directory must be of the same gate. */
static err_code compare_old(const struct making *m, struct why *why)
{
    if (!m->has_old)
        return ERR_OK;
    if (!digest_eq(&m->old.root, &m->trust.roots[0]))
        return why_say(why, ERR_EXISTS, "\"%s\" is enrolled under other root metadata",
                       m->wish->state_dir);
    if (!slice_eq_str(m->old.gate, m->wish->gate_name))
        return why_say(why, ERR_EXISTS, "\"%s\" is gate \"%.*s\", not \"%s\"", m->wish->state_dir,
                       TERM_ARG(m->old.gate), m->wish->gate_name);
    if (!slice_eq_str(m->old.zone, m->wish->zone != NULL ? m->wish->zone : ""))
        return why_say(why, ERR_EXISTS, "\"%s\" stands in zone \"%.*s\", not \"%s\"",
                       m->wish->state_dir, TERM_ARG(m->old.zone),
                       m->wish->zone != NULL ? m->wish->zone : "");
    return ERR_OK;
}

/* state_dir/name moves to state_dir/name.until-<time>, if it is there. */
static err_code move_aside(const struct init_wish *wish, const char *name, struct why *why)
{
    CLEANUP(buf_free) struct buf from = {0}, to = {0};
    char aside[96];

    (void)snprintf(aside, sizeof aside, "%s.until-%lld", name, (long long)wish->now);
    TRY(path_join(wish->state_dir, name, &from));
    TRY(path_join(wish->state_dir, aside, &to));
    if (!file_exists((const char *)from.ptr))
        return ERR_OK;
    if (rename((const char *)from.ptr, (const char *)to.ptr) != 0)
        return why_errno(why, errno, "move aside", (const char *)from.ptr);
    return file_sync_dir(wish->state_dir, why);
}

/* What the hardware asks to be carried over from a store that is set aside; none is no error. */
static err_code carried(const struct making *m, struct buf *ret, struct why *why)
{
    static const char *const NAMES[] = {HW_STORE_SECRET, HW_STORE_SECRET_BEFORE};
    err_code err = ERR_NOT_FOUND;

    for (size_t i = 0; i < 2 && err == ERR_NOT_FOUND; i++) {
        CLEANUP(buf_free) struct buf path = {0};
        TRY(path_join((const char *)m->store.ptr, NAMES[i], &path));
        err = file_read_secret((const char *)path.ptr, ret, why);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* --again: what the old hardware vouched for stays together, as evidence, and a new ledger begins.
 * The enrolment goes first: without it a second try starts from nothing, whatever was moved. */
static err_code set_aside(struct making *m, struct why *why)
{
    static const char *const NAMES[] = {"enrolment.cbor", "hw",           "installed",    "ledger",
                                        "state.db",       "state.db-wal", "state.db-shm", "log.key",
                                        "device.crt",     "verified"};

    CLEANUP(buf_free) struct buf secret = {0}, path = {0};

    if (!m->wish->again)
        return ERR_OK;
    TRY(carried(m, &secret, why));
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        TRY(move_aside(m->wish, NAMES[i], why));
    m->has_old = false;
    TRY(file_make_dir((const char *)m->store.ptr, 0700, why));
    if (secret.len == 0)
        return ERR_OK;
    TRY(path_join((const char *)m->store.ptr, HW_STORE_SECRET_BEFORE, &path));
    return file_write((const char *)path.ptr, buf_slice(&secret), 0600, why);
}

/* The hardware checks the signatures; here only those are left out that no ratchet key is named
 * for. */
static err_code take_grants(struct making *m)
{
    const struct bundle *bundle = &m->trust.bundle;

    m->grants = calloc(bundle->n_grants + 1, sizeof *m->grants);
    if (m->grants == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < bundle->n_grants; i++)
        if (grant_to_hw(&bundle->grants[i], m->trust.first, &m->grants[m->n_grants], NULL) ==
            ERR_OK)
            m->n_grants++;
    return ERR_OK;
}

/* Enrolling writes, and tries the security officer's PIN: not on a token that is not ours, nor
 * after the user's was refused. What else is wrong, enrolling mends or names. */
static err_code same_token(const struct making *m, struct why *why)
{
    err_code err;

    if (!m->has_old || m->wish->again)
        return ERR_OK;
    err = m->hw->ops->attach(m->hw, m->owner, &m->old.hw, why);
    return err == ERR_HSM_KEY_MISSING || err == ERR_HSM_PIN_WRONG ? err : ERR_OK;
}

static err_code enrol_hardware(struct making *m, struct hw_enrolment *ret, struct why *why)
{
    const struct init_wish *wish = m->wish;
    const struct hw_options options = {
        .allow_simulator = wish->insecure_simulator,
        .take_over = wish->again,
        .store_dir = (const char *)m->store.ptr,
        .owner_auth_file = wish->owner_auth_file,
        .so_pin_file = wish->so_pin_file,
    };
    err_code err;

    TRY(gate_owner(&m->trust, slice_str(wish->gate_name), &m->owner, why));
    TRY(take_grants(m));
    m->owner->grants = m->grants;
    m->owner->n_grants = m->n_grants;
    TRY(hardware_open(wish->hardware, &options, &m->hw, why));
    err = same_token(m, why);
    if (err == ERR_OK)
        err = m->hw->ops->enrol(m->hw, m->owner, ret, why);
    if (err == ERR_OK && m->has_old && !wish->again) /* the old facts must still be the facts */
        err = m->hw->ops->attach(m->hw, m->owner, &m->old.hw, why);
    hw_root_close(&m->hw); /* options end with this function */
    return err;
}

static err_code save(const struct making *m, struct slice trust, struct slice enrolment,
                     struct why *why)
{
    CLEANUP(settings_free) struct settings settings = {0};
    CLEANUP(buf_free) struct buf path = {0};

    if (!m->has_old)
        TRY(gate_ledger_make(m->wish->state_dir, why));
    TRY(path_join(m->wish->state_dir, "trust.bundle", &path));
    TRY(file_write((const char *)path.ptr, trust, 0600, why));
    TRY(path_join(m->wish->state_dir, "enrolment.cbor", &path));
    TRY(file_write((const char *)path.ptr, enrolment, 0644, why));
    TRY(settings_make(m->wish->hardware, m->wish->insecure_simulator, &settings));
    TRY(settings_inherit(m->wish->state_dir, &settings, why));
    return settings_save(m->wish->state_dir, &settings,
                         why); /* last: its presence means enrolled */
}

/* In whose name the log is written: of the chain, or the gate's own. */
static err_code name_issuer(struct making *m, struct x509_chain *ret_chain, struct why *why)
{
    const struct init_wish *wish = m->wish;

    if (wish->device_chain.len == 0) {
        if (wish->issuer != NULL)
            return why_say(why, ERR_USAGE, "an issuer of one's own needs the device's chain");
        return enrolment_issuer(m->trust.first->domain, slice_str(wish->gate_name), &m->issuer);
    }
    TRY(x509_chain_decode(wish->device_chain, ret_chain, why));
    if (wish->issuer != NULL)
        return buf_add_str(&m->issuer, wish->issuer);
    return did_x509_of_subject(ret_chain, &m->issuer, why);
}

/* What the gate's log is published with. */
static err_code name_log(struct making *m, struct why *why)
{
    CLEANUP(buf_free) struct buf origin = {0};

    TRY(tlog_origin(m->trust.first->domain, slice_str(m->wish->gate_name), &origin));
    return log_key_make(m->wish->state_dir, buf_slice(&origin), &m->vkey, why);
}

/* Records carry their issuer: it stays once there are any. Another chain for it may come. */
static err_code may_change(const struct making *m, const struct enrolment *fresh, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;

    if (slice_eq(m->old.issuer, fresh->issuer))
        return ERR_OK;
    TRY(gate_ledger_open(m->wish->state_dir, LEDGER_READ, &ledger, why));
    if (ledger_size(ledger) == 0)
        return ERR_OK;
    return why_say(
        why, ERR_EXISTS,
        "the ledger has records by \"%.*s\", and none by \"%.*s\"; a new one begins with "
        "--again",
        TERM_ARG(m->old.issuer), TERM_ARG(fresh->issuer));
}

static err_code make_enrolment(struct making *m, const struct hw_enrolment *hw, struct buf *ret,
                               struct why *why)
{
    bool keeps = m->has_old && !m->wish->again;
    struct enrolment fresh = {
        .domain = m->trust.first->domain,
        .gate = slice_str(m->wish->gate_name),
        .zone = slice_str(m->wish->zone != NULL ? m->wish->zone : ""),
        .root = m->trust.roots[0],
        .log = buf_slice(&m->vkey),
        .hw = keeps ? m->old.hw : *hw,
    };

    /* Unless asked to, an enrolment that verifiers have does not change under them. */
    if (keeps && m->wish->device_chain.len == 0 && m->wish->issuer == NULL)
        return buf_add_slice(ret, buf_slice(&m->old_bytes));
    TRY(name_issuer(m, &fresh.device_chain, why));
    fresh.issuer = buf_slice(&m->issuer);
    TRY(issuer_of_enrolment(&fresh, why));
    if (fresh.device_chain.n > 0) /* and it holds now */
        TRY(issuer_check(&fresh, &fresh.device_chain, 0, m->wish->now, why));
    if (keeps)
        TRY(may_change(m, &fresh, why));
    return enrolment_write(&fresh, ret, why);
}

err_code gate_init(const struct init_wish *wish, struct slice trust, struct buf *ret_enrolment,
                   struct why *why)
{
    CLEANUP(making_free) struct making m = {.wish = wish};
    CLEANUP(lock_free) struct lock lock = {0};
    CLEANUP(buf_free) struct buf path = {0}, enrolment = {0};
    struct hw_enrolment hw = {0};

    TRY(term_name_check("gate", slice_str(wish->gate_name), why));
    if (wish->zone != NULL)
        TRY(term_name_check("zone", slice_str(wish->zone), why));
    TRY(file_make_dir(wish->state_dir, 0700, why));
    TRY(path_join(wish->state_dir, "lock", &path));
    TRY(lock_take((const char *)path.ptr, GATE_LOCK_WAIT_MS, &lock, why));
    TRY(judge_trust(&m, trust, why));
    TRY(read_old(&m, why));
    TRY(compare_old(&m, why));
    TRY(path_join(wish->state_dir, "hw", &m.store));
    TRY(file_make_dir((const char *)m.store.ptr, 0700, why));
    TRY(set_aside(&m, why));
    TRY(enrol_hardware(&m, &hw, why));
    TRY(name_log(&m, why));
    TRY(make_enrolment(&m, &hw, &enrolment, why));
    TRY(save(&m, trust, buf_slice(&enrolment), why));
    return buf_add_slice(ret_enrolment, buf_slice(&enrolment));
}
