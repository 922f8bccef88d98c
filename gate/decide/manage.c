/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/manage.h"

#include "gate/base/text.h"
#include "gate/decide/agent.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/install.h"
#include "gate/decide/serve.h"

#include <stdio.h>
#include <string.h>

/* ---- members --------------------------------------------------------------------------------- */

static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void put_slice(json_t *object, const char *key, struct slice text)
{
    put(object, key, json_stringn((const char *)text.ptr, text.len));
}

static void put_uint(json_t *object, const char *key, uint64_t value)
{
    put(object, key, json_integer((json_int_t)value));
}

static void put_time(json_t *object, const char *key, int64_t seconds)
{
    char text[TIME_TEXT];

    time_text(seconds, text);
    put(object, key, json_string(text));
}

static void put_digest(json_t *object, const char *key, const struct digest *digest)
{
    char text[DIGEST_TEXT];

    digest_text(digest, text);
    put(object, key, json_string(text));
}

static json_t *put_new(json_t *object, const char *key, json_t *value)
{
    put(object, key, value);
    return value;
}

/* "ok", or the name of what would deny under this policy. */
static const char *state_name(const struct judged *judged, size_t i, int64_t now)
{
    err_code err = serve_policy_state(judged, i, now, NULL);

    return err == ERR_OK ? "ok" : err_name(err);
}

void manage_put_snapshot(json_t *object, const struct judged *judged, int64_t now)
{
    json_t *list = put_new(object, "policies", json_array());

    put_time(object, "expires", judged->snapshot.exp);
    put_digest(object, "snapshot", &judged->snapshot.digest);
    put_uint(object, "root_version", judged->newest->version);
    for (size_t i = 0; i < judged->snapshot.n_policies; i++) {
        const struct policy_object *policy = &judged->policies[i];
        json_t *entry = json_object();
        (void)json_array_append_new(list, entry);
        put_slice(entry, "alias", policy->alias);
        put_uint(entry, "version", policy->version);
        put_digest(entry, "digest", &policy->digest);
        put_time(entry, "not_before", policy->nbf);
        put_time(entry, "expires", policy->exp);
        put(entry, "state", json_string(state_name(judged, i, now)));
    }
}

void manage_put_hardware(json_t *object, const struct hw_description *about)
{
    json_t *hw = put_new(object, "hardware", json_object());

    put(hw, "kind", json_string(about->kind));
    put(hw, "model", json_string(about->model));
    put(hw, "firmware", json_string(about->firmware));
    put(hw, "simulator", json_boolean(about->simulator));
    put(hw, "refuses_rollback", json_boolean(about->refuses_rollback));
    put(hw, "verifies", json_boolean(about->verifies));
    put(hw, "seals", json_boolean(about->seals));
    put(hw, "es384", json_boolean(about->es384));
    put(hw, "ps256", json_boolean(about->ps256));
}

void manage_publish(json_t *object, struct scribe *scribe)
{
    struct why why = {0};
    err_code err = scribe_publish(scribe, &why);

    put(object, "published", json_boolean(err == ERR_OK));
    if (err != ERR_OK) {
        put(object, "publish_error", json_string(why_text(&why, err)));
        return;
    }
    err = scribe_fold(scribe, &why);
    if (err != ERR_OK)
        put(object, "fold_error", json_string(why_text(&why, err)));
}

/* ---- whose scribe ---------------------------------------------------------------------------- */

/* The service's, or one of its own that does this and ends. */
struct pen {
    struct scribe *scribe, *own;
};

static void pen_drop(struct pen *pen)
{
    scribe_close(&pen->own);
}

static err_code pen_take(const struct manage *m, struct pen *ret, struct why *why)
{
    ret->scribe = m->scribe;
    if (ret->scribe != NULL)
        return ERR_OK;
    TRY(scribe_open(m->gate, &ret->own, why));
    scribe_last(ret->own);
    ret->scribe = ret->own;
    return ERR_OK;
}

static bool is_between(err_code err, err_code first, err_code last)
{
    return err_exit(err) >= err_exit(first) && err_exit(err) <= err_exit(last);
}

/* ---- install --------------------------------------------------------------------------------- */

/* It goes on record in the first round of the new epoch. */
static err_code record(struct manage *m, struct why *why)
{
    CLEANUP(pen_drop) struct pen pen = {0};
    uint64_t index = 0;

    TRY(pen_take(m, &pen, why));
    if (!scribe_owes_install(pen.scribe))
        return ERR_OK;
    TRY(scribe_install(pen.scribe, m->gate->now_ms, &index, why));
    put_uint(m->json, "ledger_index", index);
    manage_publish(m->json, pen.scribe);
    return ERR_OK;
}

/* The refusal stands, whatever comes of this. */
static err_code record_refusal(struct manage *m, const struct refusal *refusal)
{
    CLEANUP(pen_drop) struct pen pen = {0};
    struct why why = {0};
    uint64_t index = 0;

    TRY(gate_current(m->gate, &why));
    TRY(pen_take(m, &pen, &why));
    TRY(scribe_refused(pen.scribe, refusal, m->gate->now_ms, &index, &why));
    put_uint(m->json, "ledger_index", index);
    manage_publish(m->json, pen.scribe);
    return ERR_OK;
}

/* A bundle that was refused changed nothing: say what goes on deciding. Other errors may have come
 * after it was stored. */
static err_code refused(struct manage *m, struct refusal *refusal, err_code err, struct why *why)
{
    const struct gate *gate = m->gate;
    const uint64_t epoch = gate->installed.judged.snapshot.epoch;
    size_t len = strlen(why->text);

    m->doubtful = true;
    if (!is_between(err, ERR_FORMAT, ERR_ROLLBACK))
        return err;
    if (gate->has_installed && gate->blocked == ERR_OK && epoch == gate->epoch && len > 0)
        (void)snprintf(why->text + len, sizeof why->text - len, "; epoch %llu stays in force",
                       (unsigned long long)epoch);
    refusal->error = err;
    m->doubtful = record_refusal(m, refusal) != ERR_OK;
    return err;
}

err_code manage_install(struct manage *m, struct buf *bytes, struct why *why)
{
    struct refusal refusal = {.claimed = install_claims(buf_slice(bytes))};
    struct install_result result;
    err_code err;

    TRY(hash_sha256(buf_slice(bytes), &refusal.bundle));
    err = gate_install(m->gate, bytes, &result, why);
    if (err != ERR_OK)
        return refused(m, &refusal, err, why);
    m->doubtful = true;
    TRY(record(m, why));
    m->doubtful = false;
    put_uint(m->json, "epoch", result.epoch);
    put_uint(m->json, "from_epoch", result.from_epoch);
    put(m->json, "changed", json_boolean(!result.known));
    manage_put_snapshot(m->json, &m->gate->installed.judged, m->gate->now);
    return ERR_OK;
}

/* ---- agents ---------------------------------------------------------------------------------- */

/* What its name, or another's, stands in the way of failed before the round. */
static err_code after(struct manage *m, err_code err)
{
    m->doubtful = err != ERR_OK && err_exit(err) != err_exit(ERR_EXISTS) &&
                  err_exit(err) != err_exit(ERR_FORMAT);
    return err;
}

/* Everything the agent asks is denied until there are policies of these names. */
static void put_missing(struct manage *m, const struct enrolled *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->n_aliases; i++)
        if (snapshot_find(&m->gate->installed.judged.snapshot, e->aliases[i]) == NULL)
            (void)json_array_append_new(
                list, json_stringn((const char *)e->aliases[i].ptr, e->aliases[i].len));
    if (json_array_size(list) > 0)
        put(m->json, "aliases_without_policy", json_incref(list));
    json_decref(list);
}

err_code manage_enrol(struct manage *m, const struct record_agent *agent, struct why *why)
{
    CLEANUP(pen_drop) struct pen pen = {0};
    const struct enrolled *e;
    json_t *told;
    uint64_t index;
    int bad;

    TRY(gate_current(m->gate, why));
    TRY(pen_take(m, &pen, why));
    TRY(after(m, scribe_enrol(pen.scribe, agent, m->gate->now_ms, &index, why)));
    e = ledger_enrolled(scribe_ledger(pen.scribe), agent->id);
    if (e == NULL)
        return ERR_INTERNAL;
    told = agent_json(e);
    bad = json_object_update(m->json, told);
    json_decref(told);
    if (bad != 0)
        return ERR_NO_MEMORY;
    put_missing(m, e);
    manage_publish(m->json, pen.scribe);
    return ERR_OK;
}

err_code manage_remove(struct manage *m, struct slice id, uint64_t admin, struct why *why)
{
    CLEANUP(pen_drop) struct pen pen = {0};
    uint64_t index;

    TRY(gate_current(m->gate, why));
    TRY(pen_take(m, &pen, why));
    TRY(after(m, scribe_remove(pen.scribe, id, admin, m->gate->now_ms, &index, why)));
    put_slice(m->json, "id", id);
    put_uint(m->json, "ledger_index", index);
    manage_publish(m->json, pen.scribe);
    return ERR_OK;
}

/* ---- status ---------------------------------------------------------------------------------- */

static void put_ledger(json_t *object, const struct ledger *ledger, const struct hw_kept *kept)
{
    const struct checkpoint head = ledger_head(ledger).checkpoint;
    json_t *json = put_new(object, "ledger", json_object());

    put_uint(json, "size", head.size);
    put_digest(json, "root", &head.root);
    put_uint(json, "missing", kept->missing);
}

static void put_epochs(struct manage *m)
{
    const struct gate *gate = m->gate;
    const struct hw_enrolment *hw = &gate->enrolment.hw;

    put_uint(m->json, "epoch", gate->epoch);
    put_uint(m->json, "installed_epoch",
             gate->has_installed ? gate->installed.judged.snapshot.epoch : 0);
    if (hw->index == 0)
        return;
    put_uint(m->json, "counter", hw->base + gate->epoch);
    put_uint(m->json, "index", hw->index);
}

static void put_state(struct manage *m, err_code state, const struct why *why)
{
    put(m->json, "serving", json_boolean(state == ERR_OK));
    if (state == ERR_OK)
        return;
    put(m->json, "reason", json_string(err_name(state)));
    put(m->json, "why", json_string(why->text));
}

err_code manage_status(struct manage *m, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *own = NULL;
    const struct ledger *ledger = m->scribe != NULL ? scribe_ledger(m->scribe) : NULL;
    const struct enrolment *enrolment = &m->gate->enrolment;
    struct why denied = {0}, stale = {0};
    struct hw_kept kept;

    if (ledger == NULL) {
        TRY(gate_ledger_open(m->gate->state_dir, LEDGER_READ, &own, why));
        ledger = own;
    }
    put_state(m, serve_state(m->gate, ledger, &kept, &denied), &denied);
    put_slice(m->json, "domain", enrolment->domain);
    put_slice(m->json, "gate", enrolment->gate);
    put_digest(m->json, "root", &enrolment->root);
    manage_put_hardware(m->json, &enrolment->hw.about);
    put_epochs(m);
    if (m->gate->has_installed) {
        put(m->json, "in_force", json_boolean(gate_current(m->gate, &stale) == ERR_OK));
        manage_put_snapshot(m->json, &m->gate->installed.judged, m->gate->now);
    }
    put_ledger(m->json, ledger, &kept);
    return ERR_OK;
}
