/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/bench_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 1760000000000 /* milliseconds since 1970 */
#define ISSUER "dev.pawl:example.org/gate-1"

err_code bench_gate_init(struct bench_gate *gate, uint32_t n_agents, struct why *why)
{
    *gate = (struct bench_gate){.now_ms = T0, .seed = 1, .n_agents = n_agents};
    gate->agents = calloc(n_agents, sizeof *gate->agents);
    gate->record = calloc(1, sizeof *gate->record);
    if (gate->agents == NULL || gate->record == NULL)
        return ERR_NO_MEMORY;
    TRY(hw_signer_generate(HW_ES256, &gate->hardware, why));
    TRY(hw_signer_generate(HW_ES256, &gate->session, why));
    return record_uuid(gate->now_ms, gate->session_id);
}

void bench_gate_free(struct bench_gate *gate)
{
    hw_signer_close(&gate->hardware);
    hw_signer_close(&gate->session);
    free(gate->agents);
    free(gate->record);
    *gate = (struct bench_gate){0};
}

/* splitmix64 */
uint64_t bench_random(struct bench_gate *gate, uint64_t below)
{
    uint64_t z = gate->seed += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

static err_code set_asked(struct bench_gate *gate, enum record_kind kind)
{
    struct record *record = gate->record;

    (void)snprintf(gate->agent_id, sizeof gate->agent_id, "agent-%" PRIu32, gate->asking);
    record->agent_id = slice_str(gate->agent_id);
    record->link = gate->agents[gate->asking];
    TRY(hash_sha256(slice_str(gate->attempt_id), &record->input));
    if (kind == RECORD_ATTEMPT) {
        record->record_id = slice_str(gate->attempt_id);
        record->attempt = (struct record_attempt){
            .class_ = slice_str("execute"),
            .subject_type = slice_str("agent"),
            .action = slice_str("exec"),
            .resource_type = slice_str("program"),
            .resource_id = slice_str("/usr/bin/git"),
            .input_type = slice_str(RECORD_INPUT_AUTHZEN),
        };
        return ERR_OK;
    }
    record->decision = (struct record_decision){
        .attempt = slice_str(gate->attempt_id),
        .permit = true,
        .class_ = slice_str("execute"),
        .reason = slice_str("OK"),
        .subject_type = slice_str("agent"),
        .action = slice_str("exec"),
        .resource_type = slice_str("program"),
        .resource_id = slice_str("/usr/bin/git"),
        .n_policies = 1,
        .n_determining = 1,
    };
    record->decision.policies[0] = (struct record_policy){slice_str("builds"), 3, record->snapshot};
    record->decision.determining[0] = slice_str("builds/policy0");
    return ERR_OK;
}

static err_code set_record(struct bench_gate *gate, enum record_kind kind)
{
    struct record *record = gate->record;

    *record = (struct record){
        .kind = kind,
        .issuer = slice_str(ISSUER),
        .agent_id = slice_str(ISSUER),
        .agent_version = slice_str("model-1, framework-2"),
        .operator_id = slice_str("example.org"),
        .record_id = slice_str(gate->record_id),
        .session_id = slice_str(gate->session_id),
        .jurisdiction = slice_str("ZZ"),
        .retention_class = slice_str("regulatory_7yr"),
        .action_ms = gate->now_ms,
        .captured_ms = gate->now_ms,
        .link = gate->own,
        .hardware = slice_str("key in memory"),
        .simulated = true,
        .epoch = 1,
        .round = gate->round,
        .has_snapshot = true,
    };
    TRY(hash_sha256(slice_str("snapshot"), &record->snapshot));
    if (kind == RECORD_KEY_ROTATION) {
        record->key = gate->session->key;
    } else if (kind == RECORD_START) {
        record->start = (struct record_start){
            .version = slice_str("0"), .firmware = slice_str("0"), .clean = true};
    } else if (record_is_agents(kind)) {
        TRY(set_asked(gate, kind));
    }
    return record_input(record, &record->input);
}

static err_code finish(struct bench_gate *gate, struct hw_signer *signer, struct buf *ret,
                       struct record_link *ret_link, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf sig = {0};
    static const uint8_t NONE[64] = {1};
    bool none = gate->unsigned_ && gate->record->kind != RECORD_KEY_ROTATION;

    TRY(record_prepare(&signer->key, gate->record, &draft, why));
    if (!none)
        TRY(signer->ops->sign(signer, digest_slice(&draft.tbs), &sig, why));
    TRY(record_finish(&draft, none ? NONE : sig.ptr, ret));
    *ret_link = (struct record_link){draft.chain_hash, gate->record->link.sequence + 1};
    return ERR_OK;
}

err_code bench_gate_next(struct bench_gate *gate, struct buf *ret, struct why *why)
{
    static const enum record_kind FIRST[] = {RECORD_KEY_ROTATION, RECORD_START, RECORD_BUMP,
                                             RECORD_INSTALL};
    enum record_kind kind = gate->made < 4        ? FIRST[gate->made]
                            : gate->made % 2 == 0 ? RECORD_ATTEMPT
                                                  : RECORD_DECISION;
    struct record_link *link = &gate->own;

    gate->now_ms += gate->made % 8 == 0;
    if (kind == RECORD_ATTEMPT) {
        gate->asking = (uint32_t)bench_random(gate, gate->n_agents);
        TRY(record_uuid(gate->now_ms, gate->attempt_id));
    }
    if (kind == RECORD_ATTEMPT || kind == RECORD_DECISION)
        link = &gate->agents[gate->asking];
    TRY(record_uuid(gate->now_ms, gate->record_id));
    TRY(set_record(gate, kind));
    TRY(finish(gate, kind == RECORD_KEY_ROTATION ? gate->hardware : gate->session, ret, link, why));
    gate->made++;
    return ERR_OK;
}
