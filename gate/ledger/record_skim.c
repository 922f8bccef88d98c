/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/record_skim.h"

#include "gate/cose/cbor_scan.h"

/* Labels: docs/ledger.cddl. */
static void skim_protected(struct slice bytes, struct record_skim *ret)
{
    struct cbor_scan s = cbor_scan_of(bytes);
    uint64_t label;

    for (uint64_t n = cbor_scan_map(&s); n > 0 && !s.failed; n--) {
        struct slice key = {0};

        if (s.at < s.end && *s.at >> 5 == CBOR_MAJOR_TEXT)
            key = cbor_scan_text(&s);
        else if (cbor_scan_head(&s, &label) == CBOR_MAJOR_UINT && label == COSE_KID)
            cbor_scan_digest(&s, &ret->kid);
        else if (label == COSE_CWT_CLAIMS && cbor_scan_map(&s) == 3 && cbor_scan_uint(&s) == 1) {
            ret->issuer = cbor_scan_text(&s);
            for (int left = 4; left > 0; left--)
                cbor_scan_skip(&s);
        } else {
            cbor_scan_skip(&s);
        }
        if (key.len == 0)
            continue;
        if (cbor_scan_is(key, "agent_id"))
            ret->agent_id = cbor_scan_text(&s);
        else if (cbor_scan_is(key, "chain_hash"))
            cbor_scan_digest(&s, &ret->chain_hash);
        else if (cbor_scan_is(key, "content_hash"))
            cbor_scan_digest(&s, &ret->content_hash);
        else if (cbor_scan_is(key, "prev_chain_hash"))
            cbor_scan_digest(&s, &ret->link.prev);
        else if (cbor_scan_is(key, "sequence_number"))
            ret->link.sequence = cbor_scan_uint(&s);
        else if (cbor_scan_is(key, "action_timestamp_ms"))
            ret->action_ms = cbor_scan_uint(&s);
        else
            cbor_scan_skip(&s);
    }
}

static bool skim_own(struct cbor_scan *s, struct record_skim *ret)
{
    bool snapshot = false;

    for (uint64_t n = cbor_scan_map(s); n > 0 && !s->failed; n--) {
        struct slice key = cbor_scan_text(s);

        if (cbor_scan_is(key, "epoch"))
            ret->epoch = cbor_scan_uint(s);
        else if (cbor_scan_is(key, "round"))
            ret->round = cbor_scan_uint(s);
        else if (cbor_scan_is(key, "attempt"))
            ret->attempt = cbor_scan_text(s);
        else if (cbor_scan_is(key, "decision")) {
            struct slice word = cbor_scan_text(s);
            ret->permit = cbor_scan_is(word, "permit");
        } else if (cbor_scan_is(key, "snapshot")) {
            cbor_scan_digest(s, &ret->snapshot);
            snapshot = true;
        } else {
            cbor_scan_skip(s);
        }
    }
    return snapshot;
}

static bool skim_payload(struct slice bytes, struct record_skim *ret)
{
    struct cbor_scan s = cbor_scan_of(bytes);
    bool snapshot = false;

    ret->payload = bytes;
    for (uint64_t n = cbor_scan_map(&s); n > 0 && !s.failed; n--) {
        struct slice key = cbor_scan_text(&s);

        if (cbor_scan_is(key, "pawl"))
            snapshot = skim_own(&s, ret);
        else if (cbor_scan_is(key, "record_id"))
            ret->record_id = cbor_scan_text(&s);
        else if (cbor_scan_is(key, "session_id"))
            ret->session_id = cbor_scan_text(&s);
        else if (cbor_scan_is(key, "input_hash"))
            cbor_scan_digest(&s, &ret->input);
        else if (cbor_scan_is(key, "action_type")) {
            struct slice type = cbor_scan_text(&s);
            ret->kind = cbor_scan_is(type, "dev.pawl.decision")  ? RECORD_DECISION
                        : cbor_scan_is(type, "dev.pawl.attempt") ? RECORD_ATTEMPT
                                                                 : RECORD_NONE;
        } else {
            cbor_scan_skip(&s);
        }
    }
    return !s.failed && s.at == s.end && snapshot && ret->kind != RECORD_NONE;
}

static bool chained(const struct record_skim *r, struct hasher *hasher)
{
    uint8_t time[8], len[4];
    const struct slice parts[] = {digest_slice(&r->content_hash), digest_slice(&r->link.prev),
                                  SLICE_OF(time), SLICE_OF(len), r->agent_id};
    struct digest hash;

    put_u64(time, r->action_ms);
    put_u32(len, (uint32_t)r->agent_id.len);
    return hasher_sha256(hasher, parts, 5, &hash) == ERR_OK && digest_eq(&hash, &r->chain_hash);
}

bool record_skim(struct slice bytes, struct hasher *hasher, struct record_skim *ret)
{
    struct cbor_scan s = cbor_scan_of(bytes);
    struct slice protected_;
    uint64_t n;

    *ret = (struct record_skim){0};
    if (cbor_scan_head(&s, &n) != CBOR_MAJOR_TAG || n != COSE_TAG_SIGN1 ||
        cbor_scan_head(&s, &n) != CBOR_MAJOR_ARRAY || n != 4)
        return false;
    protected_ = cbor_scan_string(&s, CBOR_MAJOR_BYTES);
    if (cbor_scan_map(&s) != 0)
        return false;
    skim_protected(protected_, ret);
    if (!skim_payload(cbor_scan_string(&s, CBOR_MAJOR_BYTES), ret))
        return false;
    if (cbor_scan_string(&s, CBOR_MAJOR_BYTES).len != 64 || s.failed || s.at != s.end)
        return false;
    return ret->issuer.len > 0 && ret->agent_id.len > 0 &&
           ret->session_id.len == RECORD_UUID_TEXT - 1 &&
           ret->record_id.len == RECORD_UUID_TEXT - 1 && chained(ret, hasher);
}

void record_of_skim(const struct record_skim *skim, struct record *ret)
{
    ret->kind = skim->kind;
    ret->issuer = skim->issuer;
    ret->agent_id = skim->agent_id;
    ret->record_id = skim->record_id;
    ret->session_id = skim->session_id;
    ret->action_ms = skim->action_ms;
    ret->link = skim->link;
    ret->input = skim->input;
    ret->epoch = skim->epoch;
    ret->round = skim->round;
    ret->has_snapshot = true;
    ret->snapshot = skim->snapshot;
    ret->decision.permit = skim->permit;
    ret->decision.attempt = skim->attempt;
    ret->kid = skim->kid;
    ret->content_hash = skim->content_hash;
    ret->chain_hash = skim->chain_hash;
}
