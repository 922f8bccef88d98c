/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_records.h: the records of a gate at work, to measure the ledger with: one session of a key
 * in memory (no hardware takes part), and then attempts and their decisions, by agents that are
 * picked at random. For tests and measurements only.
 */
#ifndef PAWL_LEDGER_BENCH_RECORDS_H
#define PAWL_LEDGER_BENCH_RECORDS_H

#include "gate/ledger/record.h"

/* One gate. Made by bench_gate_init(). */
struct bench_gate {
    struct hw_signer *hardware, *session;
    uint64_t now_ms, seed, made;
    struct record_link own;     /* of the gate's own records */
    struct record_link *agents; /* of agent number i, all zero: none yet */
    uint32_t n_agents;
    uint64_t round;  /* that the next records are committed in */
    uint32_t asking; /* the agent whose attempt has no decision yet */
    bool unsigned_;  /* sixty-four octets that are no signature: several times as fast to make */
    char session_id[RECORD_UUID_TEXT], record_id[RECORD_UUID_TEXT], attempt_id[RECORD_UUID_TEXT];
    char agent_id[32];
    struct record *record; /* room for one */
};

err_code bench_gate_init(struct bench_gate *gate, uint32_t n_agents, struct why *why);
void bench_gate_free(struct bench_gate *gate);

/* Number from 0 to below - 1, the same ones in every run. */
uint64_t bench_random(struct bench_gate *gate, uint64_t below);

/* Makes the next record: key_rotation, start, then attempt and decision by turns. Appends to ret.
 * Errors: those of record_prepare(). */
err_code bench_gate_next(struct bench_gate *gate, struct buf *ret, struct why *why);

#endif
