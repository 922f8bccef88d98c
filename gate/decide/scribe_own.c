/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_own.c: the records that a gate writes about itself: its sessions, its epochs, its
 * hardware. */
#include "gate/cose/cose_key.h"
#include "gate/decide/scribe_state.h"

void session_free(struct session *session)
{
    hw_signer_close(&session->key);
    buf_free(&session->rotation);
    session_cert_free(&session->cert);
    *session = (struct session){0};
}

err_code scribe_begin(const struct scribe *s, enum record_kind kind, struct slice agent,
                      uint64_t now_ms, char id[static RECORD_UUID_TEXT], struct record *ret,
                      struct why *why)
{
    const struct hw_description *about = &s->gate->enrolment.hw.about;

    TRY(record_uuid(now_ms, id));
    *ret = (struct record){
        .kind = kind,
        .issuer = buf_slice(&s->issuer),
        .agent_id = agent,
        .agent_version = slice_str("unknown"),
        .operator_id = s->gate->enrolment.domain,
        .record_id = slice_str(id),
        .session_id = slice_str(s->session.id),
        .jurisdiction = slice_str("ZZ"),
        .retention_class = slice_str("custom"),
        .action_ms = now_ms,
        .captured_ms = now_ms,
        .hardware = slice_str(about->model),
        .simulated = about->simulator,
        .epoch = s->session.epoch,
        .round = s->round + 1,
        .has_snapshot = kind != RECORD_ENROL,
        .snapshot = s->session.snapshot,
    };
    return ledger_link(s->ledger, agent, &ret->link, why);
}

err_code scribe_stage(struct scribe *s, struct record *record, struct buf *ret, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf bytes = {0};

    TRY(record_input(record, &record->input));
    TRY(record_prepare(&s->session.key->key, record, &draft, why));
    TRY(record_sign(s->session.key, &draft, &bytes, why));
    TRY(ledger_stage_whole(s->ledger, buf_slice(&bytes), buf_slice(&draft.preimage), why));
    s->staged_ms = record->action_ms;
    if (ret == NULL)
        return ERR_OK;
    buf_free(ret);
    *ret = buf_take(&bytes);
    return ERR_OK;
}

/* A record of the gate's own that holds what fill puts in. */
static err_code stage_own(struct scribe *s, enum record_kind kind, uint64_t now_ms,
                          void (*fill)(const void *from, struct record *record), const void *from,
                          struct why *why)
{
    char id[RECORD_UUID_TEXT];
    struct record record;

    TRY(scribe_begin(s, kind, buf_slice(&s->issuer), now_ms, id, &record, why));
    fill(from, &record);
    return scribe_stage(s, &record, NULL, why);
}

err_code scribe_stage_filled(struct scribe *s, const struct own_record *own, uint64_t now_ms,
                             struct why *why)
{
    return stage_own(s, own->kind, now_ms, own->fill, own->from, why);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static void fill_stop(const void *from, struct record *record)
{
    record->stop.reason = slice_str(from);
}

err_code scribe_stage_stop(struct scribe *s, const char *reason, uint64_t now_ms, struct why *why)
{
    return stage_own(s, RECORD_STOP, now_ms, fill_stop, reason, why);
}

static void fill_start(const void *from, struct record *record)
{
    const struct scribe *s = from;
    record->start = (struct record_start){
        .version = slice_str(PAWL_VERSION),
        .firmware = slice_str(s->gate->enrolment.hw.about.firmware),
        .clean = s->session.clean,
        .missing = s->kept.missing,
        .last_round = ledger_head(s->ledger).round,
        .last_size = s->session.found,
    };
}

/* The first record of a session: the hardware vouches for the key that signs the rest. */
static err_code stage_rotation(struct scribe *s, uint64_t now_ms, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    struct session *session = &s->session;
    struct hw_root *hw = s->gate->hw;
    char id[RECORD_UUID_TEXT];
    struct record record;
    uint8_t sig[64];

    TRY(scribe_begin(s, RECORD_KEY_ROTATION, buf_slice(&s->issuer), now_ms, id, &record, why));
    record.key = session->key->key;
    record.rotation.n_certs = session->cert.chain.n;
    for (size_t i = 0; i < session->cert.chain.n; i++)
        record.rotation.certs[i] = session->cert.chain.certs[i];
    TRY(record_input(&record, &record.input));
    TRY(record_prepare(&session->receipt, &record, &draft, why));
    TRY(hw->ops->sign(hw, &draft.tbs, sig, why));
    buf_cut(&session->rotation, 0);
    TRY(record_finish(&draft, sig, &session->rotation));
    return ledger_stage_whole(s->ledger, buf_slice(&session->rotation), buf_slice(&draft.preimage),
                              why);
}

static err_code certify(struct scribe *s, uint64_t now_ms, struct why *why)
{
    const struct session_ask ask = {
        .hw = s->gate->hw,
        .enrolment = &s->gate->enrolment,
        .state_dir = s->gate->state_dir,
        .key = &s->session.key->key,
        .session_id = s->session.id,
        .epoch = s->session.epoch,
        .now = (int64_t)(now_ms / 1000),
    };

    return session_cert_make(&ask, &s->session.cert, why);
}

/* A session is there, and no stop behind it. */
static bool cut_short(const struct succession_head *head)
{
    return head->phase == SESSION_BEGUN || head->phase == SESSION_RUNNING;
}

/* A key of its own for each epoch: what an old session could sign is worth nothing in a new one. */
static err_code new_session(struct scribe *s, uint64_t now_ms, struct why *why)
{
    struct hw_root *hw = s->gate->hw;

    session_free(&s->session);
    s->session.found = ledger_next(s->ledger);
    s->session.clean = !cut_short(ledger_state(s->ledger));
    TRY(hw_signer_generate(HW_ES256, &s->session.key, why));
    s->session.epoch = s->gate->epoch;
    s->session.snapshot = s->gate->installed.judged.snapshot.digest;
    TRY(cose_key_thumbprint(&s->session.key->key, &s->session.signer));
    TRY(hw->ops->receipt_key(hw, &s->session.receipt, why));
    TRY(record_uuid(now_ms, s->session.id));
    TRY(certify(s, now_ms, why));
    TRY(stage_rotation(s, now_ms, why));
    return stage_own(s, RECORD_START, now_ms, fill_start, s, why);
}

/* ---- what is due ----------------------------------------------------------------------------- */

static err_code stage_enrol(struct scribe *s, uint64_t now_ms, struct why *why)
{
    char id[RECORD_UUID_TEXT];
    struct record record;

    TRY(scribe_begin(s, RECORD_ENROL, buf_slice(&s->issuer), now_ms, id, &record, why));
    record.root = s->gate->enrolment.root;
    record.log_vkey = s->gate->enrolment.log;
    TRY(hash_sha256(buf_slice(&s->gate->enrolment_bytes), &record.input));
    return scribe_stage(s, &record, NULL, why);
}

static void fill_step(const void *from, struct record *record)
{
    record->from_epoch = *(const uint64_t *)from;
}

static void fill_revocation(const void *from, struct record *record)
{
    const struct revocation *revocation = from;

    record->revocation = (struct record_revocation){
        .what = slice_str(revoked_kind_name(revocation->kind)),
        .id = revocation->id,
        .since_ms = (uint64_t)revocation->since * 1000,
        .reason = revocation->reason,
    };
}

/* A new epoch: the hardware stepped, the snapshot revoked, and took effect. After a kill between
 * the step and this, what earlier snapshots revoked stands here once more. */
static err_code stage_epoch(struct scribe *s, uint64_t now_ms, struct why *why)
{
    const struct revoked *revoked = &s->gate->installed.judged.snapshot.revoked;
    const bool *before = s->gate->revoked_before;
    const uint64_t from = ledger_installed(s->ledger);

    TRY(stage_own(s, RECORD_BUMP, now_ms, fill_step, &from, why));
    for (size_t i = 0; i < revoked->n; i++)
        if (before == NULL || !before[i])
            TRY(stage_own(s, RECORD_REVOCATION, now_ms, fill_revocation, &revoked->items[i], why));
    return stage_own(s, RECORD_INSTALL, now_ms, fill_step, &from, why);
}

static void fill_outage(const void *from, struct record *record)
{
    record->root_state = *(const struct record_hardware *)from;
}

/* While the hardware is away nothing can be recorded that anyone would believe: both ends of an
 * outage are written when it is over. */
static err_code stage_outage(struct scribe *s, uint64_t now_ms, struct why *why)
{
    const struct outage *outage = &s->outage;
    const struct slice error = slice_str(err_name(outage->error));
    const struct record_hardware lost = {error, outage->round, outage->worked_ms};
    const struct record_hardware back = {error, outage->round, outage->at_ms};

    TRY(stage_own(s, RECORD_HARDWARE_LOST, now_ms, fill_outage, &lost, why));
    return stage_own(s, RECORD_HARDWARE_BACK, now_ms, fill_outage, &back, why);
}

static bool fits(const struct scribe *s)
{
    return s->session.epoch == s->gate->epoch &&
           digest_eq(&s->session.snapshot, &s->gate->installed.judged.snapshot.digest);
}

bool scribe_owes_any(const struct scribe *s)
{
    return !s->session.durable || !fits(s) || s->outage.error != ERR_OK || scribe_owes_install(s);
}

err_code scribe_stage_own(struct scribe *s, uint64_t now_ms, struct why *why)
{
    if (s->session.durable && !fits(s))
        TRY(scribe_stage_stop(s, "epoch", now_ms, why));
    if (!s->session.durable || !fits(s))
        TRY(new_session(s, now_ms, why));
    if (ledger_size(s->ledger) == 0)
        TRY(stage_enrol(s, now_ms, why));
    if (s->outage.error != ERR_OK)
        TRY(stage_outage(s, now_ms, why));
    return scribe_owes_install(s) ? stage_epoch(s, now_ms, why) : ERR_OK;
}
