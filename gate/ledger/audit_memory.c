/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_memory.h"

#include <string.h>

/* ---- writing --------------------------------------------------------------------------------- */

static void put_head(struct cbor_writer *w, const struct succession_head *head)
{
    cbor_put_array(w, 14);
    cbor_put_uint(w, head->time_ms);
    cbor_put_uint(w, head->epoch);
    cbor_put_uint(w, head->installed);
    cbor_put_bool(w, head->has_snapshot);
    cbor_put_bytes(w, digest_slice(&head->snapshot));
    cbor_put_uint(w, (uint64_t)head->phase);
    cbor_put_bytes(w, digest_slice(&head->key));
    cbor_put_uint(w, head->key_epoch);
    cbor_put_text(w, head->session_id);
    cbor_put_bool(w, head->clean);
    cbor_put_uint(w, head->began);
    cbor_put_uint(w, head->round);
    cbor_put_uint(w, head->sessions);
    cbor_put_uint(w, head->open);
}

static bool is_open(const struct succession *s, const struct attempt *attempt)
{
    return !attempt->closed && attempt->session == s->head.sessions;
}

static void put_attempts(struct cbor_writer *w, const struct succession *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->attempts.n; i++)
        n += is_open(s, &s->attempts.list[i]);
    cbor_put_array(w, n);
    for (size_t i = 0; i < s->attempts.n; i++) {
        const struct attempt *attempt = &s->attempts.list[i];

        if (!is_open(s, attempt))
            continue;
        cbor_put_array(w, 4);
        cbor_put_text(w, attempt->id);
        cbor_put_bytes(w, digest_slice(&attempt->agent));
        cbor_put_bytes(w, digest_slice(&attempt->input));
        cbor_put_uint(w, attempt->entry);
    }
}

static void put_agents(struct cbor_writer *w, const struct agents *agents)
{
    cbor_put_array(w, agents->n);
    for (size_t i = 0; i < agents->n; i++) {
        const struct agent_entry *entry = &agents->entries[i];

        cbor_put_array(w, 3);
        cbor_put_bytes(w, (struct slice){entry->id, entry->id_len});
        cbor_put_uint(w, entry->link.sequence);
        cbor_put_bytes(w, digest_slice(&entry->link.prev));
    }
}

static size_t length_of(const struct agents *agents)
{
    size_t len = 4096 + ATTEMPTS_MAX; /* more than all but agents; attempts are a few */

    for (size_t i = 0; i < agents->n; i++)
        len += agents->entries[i].id_len + 48;
    return len;
}

err_code audit_memory_write(const struct succession *s, struct buf *ret)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct cbor_writer w = cbor_write(&bytes);

    if (length_of(&s->agents) > AUDIT_MEMORY_MAX)
        return ERR_OK;
    cbor_put_array(&w, 4);
    cbor_put_text_slice(&w, buf_slice(&s->issuer));
    put_head(&w, &s->head);
    put_attempts(&w, s);
    put_agents(&w, &s->agents);
    TRY(cbor_written(&w));
    return bytes.len <= AUDIT_MEMORY_MAX ? buf_add_slice(ret, buf_slice(&bytes)) : ERR_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Into a field of this size with its terminator. */
static void get_id(struct cbor_reader *r, char ret[static RECORD_UUID_TEXT])
{
    struct slice text = cbor_get_text(r);

    if (text.len != RECORD_UUID_TEXT - 1)
        cbor_fail(r, ERR_FORMAT);
    else
        memcpy(ret, text.ptr, text.len);
}

static void get_head(struct cbor_reader *r, struct succession_head *head)
{
    uint64_t phase;

    if (cbor_get_array(r) != 14)
        cbor_fail(r, ERR_FORMAT);
    head->time_ms = cbor_get_uint(r);
    head->epoch = cbor_get_uint(r);
    head->installed = cbor_get_uint(r);
    head->has_snapshot = cbor_get_bool(r);
    cbor_get_digest(r, &head->snapshot);
    phase = cbor_get_uint(r);
    if (phase < SESSION_BEGUN || phase > SESSION_STOPPED)
        cbor_fail(r, ERR_FORMAT);
    head->phase = (enum session_phase)phase;
    cbor_get_digest(r, &head->key);
    head->key_epoch = cbor_get_uint(r);
    get_id(r, head->session_id);
    head->clean = cbor_get_bool(r);
    head->began = cbor_get_uint(r);
    head->round = cbor_get_uint(r);
    head->sessions = cbor_get_uint(r);
    head->open = cbor_get_uint(r);
}

static err_code get_attempts(struct cbor_reader *r, struct succession *ret)
{
    size_t n = cbor_get_array(r);

    if (n != ret->head.open)
        cbor_fail(r, ERR_FORMAT);
    for (size_t i = 0; i < n && r->err == ERR_OK; i++) {
        struct attempt attempt = {.session = ret->head.sessions};

        if (cbor_get_array(r) != 4)
            cbor_fail(r, ERR_FORMAT);
        get_id(r, attempt.id);
        cbor_get_digest(r, &attempt.agent);
        cbor_get_digest(r, &attempt.input);
        attempt.entry = cbor_get_uint(r);
        if (r->err == ERR_OK)
            TRY(attempts_add(&ret->attempts, &attempt));
    }
    return ERR_OK;
}

static err_code get_agents(struct cbor_reader *r, struct succession *ret, struct why *why)
{
    size_t n = cbor_get_array(r), at;

    for (size_t i = 0; i < n && r->err == ERR_OK; i++) {
        struct record_link link;
        struct slice id;

        if (cbor_get_array(r) != 3)
            cbor_fail(r, ERR_FORMAT);
        id = cbor_get_bytes(r);
        link.sequence = cbor_get_uint(r);
        cbor_get_digest(r, &link.prev);
        if (r->err != ERR_OK)
            break;
        TRY(agents_at(&ret->agents, id, &at, why));
        ret->agents.entries[at].link = link;
    }
    return ERR_OK;
}

err_code audit_memory_read(struct slice bytes, struct succession *ret, struct why *why)
{
    struct cbor_reader r = {.rest = bytes};

    if (cbor_check(bytes, CBOR_DETERMINISTIC) != ERR_OK || cbor_get_array(&r) != 4)
        return why_say(why, ERR_FORMAT, "not what an audit remembers");
    TRY(buf_add_slice(&ret->issuer, cbor_get_text(&r)));
    get_head(&r, &ret->head);
    TRY(get_attempts(&r, ret));
    TRY(get_agents(&r, ret, why));
    return cbor_done(&r) == ERR_OK ? ERR_OK
                                   : why_say(why, ERR_FORMAT, "not what an audit remembers");
}
