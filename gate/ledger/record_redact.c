/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/record_redact.h"
#include "gate/base/text.h"
#include "gate/ledger/record_labels.h"
#include "gate/ledger/record_members.h"

#include <openssl/rand.h>
#include <string.h>

#define AT(member) offsetof(struct record, member)
#define LISTED SIZE_MAX /* in place of an offset: the list of determining policies */
#define INPUT (SIZE_MAX - 1)

/* What can be taken out, in the order in which the receipts stand. */
static const struct redactable {
    const char *path;
    enum record_kind kind; /* NONE: of any */
    size_t at;
    bool asked; /* part of the request: its digest goes with it */
} REDACTABLE[] = {
    {"agent_version", RECORD_NONE, AT(agent_version), false},
    {"input_hash", RECORD_ATTEMPT, INPUT, false},
    {"input_hash", RECORD_DECISION, INPUT, false},
    {"pawl.action", RECORD_ATTEMPT, AT(attempt.action), true},
    {"pawl.action", RECORD_DECISION, AT(decision.action), true},
    {"pawl.determining", RECORD_DECISION, LISTED, false},
    {"pawl.reason", RECORD_STOP, AT(stop.reason), false},
    {"pawl.reason", RECORD_OVERRIDE, AT(consent.reason), false},
    {"pawl.reason", RECORD_APPROVAL, AT(consent.reason), false},
    {"pawl.reason", RECORD_REVOCATION, AT(revocation.reason), false},
    {"pawl.resource.id", RECORD_ATTEMPT, AT(attempt.resource_id), true},
    {"pawl.resource.id", RECORD_DECISION, AT(decision.resource_id), true},
    {"pawl.resource.type", RECORD_ATTEMPT, AT(attempt.resource_type), true},
    {"pawl.resource.type", RECORD_DECISION, AT(decision.resource_type), true},
    {"pawl.subject.type", RECORD_ATTEMPT, AT(attempt.subject_type), true},
    {"pawl.subject.type", RECORD_DECISION, AT(decision.subject_type), true},
};
#define REDACTABLE_N (sizeof REDACTABLE / sizeof *REDACTABLE)

static const struct redactable *find(enum record_kind kind, struct slice path)
{
    for (size_t i = 0; i < REDACTABLE_N; i++)
        if ((REDACTABLE[i].kind == RECORD_NONE || REDACTABLE[i].kind == kind) &&
            slice_eq_str(path, REDACTABLE[i].path))
            return &REDACTABLE[i];
    return NULL;
}

bool record_redactable(enum record_kind kind, const char *path)
{
    return find(kind, slice_str(path)) != NULL;
}

/* SHA-256("pawl-redact-v1" 00, salt, value): AIR's original_hash, salted. */
static err_code hash_of(struct slice salt, struct slice value, struct digest *ret)
{
    const struct slice parts[] = {salt, value};

    return hash_tagged("pawl-redact-v1", parts, 2, ret);
}

err_code record_redact_seed(uint8_t ret[static RECORD_SEED_LEN])
{
    return RAND_bytes(ret, RECORD_SEED_LEN) == 1 ? ERR_OK : ERR_INTERNAL;
}

/* ---- what a redacted record has to be -------------------------------------------------------- */

static bool is_taken_out(const struct record *record, const struct redactable *what,
                         const struct digest *hash)
{
    if (what->at == INPUT)
        return digest_eq(&record->input, hash);
    if (what->at == LISTED)
        return record->decision.n_determining == 1 &&
               slice_eq_str(record->decision.determining[0], RECORD_REDACTED);
    return slice_eq_str(*(const struct slice *)record_at(record, what->at), RECORD_REDACTED);
}

static err_code check_one(const struct record *record, const struct record_redaction *redaction,
                          const struct redactable *what, struct why *why)
{
    size_t at;

    if (!is_taken_out(record, what, &redaction->hash))
        return why_say(why, ERR_FORMAT, "a redaction receipt for %s, which is there", what->path);
    if (redaction->policy_id.len == 0 || redaction->policy_id.len > RECORD_NAME_MAX ||
        !text_is_plain(redaction->policy_id, &at))
        return why_say(why, ERR_FORMAT,
                       "the policy_id of a redaction receipt is not 1 to %d bytes of plain text",
                       RECORD_NAME_MAX);
    if (redaction->at_ms > RECORD_TIME_MAX)
        return why_say(why, ERR_FORMAT, "a redaction at %llu ms",
                       (unsigned long long)redaction->at_ms);
    return ERR_OK;
}

err_code record_redactions_check(const struct record *record, struct why *why)
{
    const struct redactable *last = NULL;
    bool asked = false, input = false;

    if (record->n_redactions > RECORD_REDACTIONS_MAX)
        return why_say(why, ERR_TOO_LARGE, "a record has %zu redaction receipts, the limit is %d",
                       record->n_redactions, RECORD_REDACTIONS_MAX);
    for (size_t i = 0; i < record->n_redactions; i++) {
        const struct record_redaction *redaction = &record->redactions[i];
        const struct redactable *what = find(record->kind, redaction->path);

        if (what == NULL)
            return why_say(why, ERR_FORMAT,
                           "a redaction receipt for what cannot be taken out of a record of kind "
                           "%s: \"%.*s\"",
                           record_kind_name(record->kind),
                           (int)(redaction->path.len > 64 ? 64 : redaction->path.len),
                           (const char *)redaction->path.ptr);
        if (last != NULL && what <= last)
            return why_say(why, ERR_FORMAT, "the redaction receipts are not in order at %s",
                           what->path);
        TRY(check_one(record, redaction, what, why));
        asked = asked || what->asked;
        input = input || what->at == INPUT;
        last = what;
    }
    if (asked && !input)
        return why_say(why, ERR_FORMAT,
                       "part of the request is redacted, but its digest is there to be guessed");
    return ERR_OK;
}

/* ---- taking out ------------------------------------------------------------------------------ */

/* The value as it is hashed: a list is one text, a name on each line. Appends to ret. */
static err_code value_of(const struct record *record, const struct redactable *what,
                         struct buf *ret)
{
    if (what->at == INPUT)
        return buf_add_slice(ret, digest_slice(&record->input));
    if (what->at != LISTED)
        return buf_add_slice(ret, *(const struct slice *)record_at(record, what->at));
    for (size_t i = 0; i < record->decision.n_determining; i++) {
        if (i > 0)
            TRY(buf_add_u8(ret, '\n'));
        TRY(buf_add_slice(ret, record->decision.determining[i]));
    }
    return ERR_OK;
}

/* What is disclosed is shown to people. */
static bool is_value(const struct redactable *what, struct slice value)
{
    size_t at;

    if (what->at == INPUT)
        return value.len == SHA256_LEN;
    while (!text_is_plain(value, &at)) {
        if (what->at != LISTED || value.ptr[at] != '\n')
            return false;
        value = slice_part(value, at + 1, value.len - at - 1);
    }
    return true;
}

static void take_out(struct record *record, const struct redactable *what,
                     const struct digest *hash)
{
    struct slice sentinel = slice_str(RECORD_REDACTED);

    if (what->at == INPUT) {
        record->input = *hash;
    } else if (what->at == LISTED) {
        record->decision.n_determining = 1;
        record->decision.determining[0] = sentinel;
    } else {
        *(struct slice *)record_place(record, what->at) = sentinel;
    }
}

/* A salt follows from seed and path, so that two records can share it, and says nothing about the
 * others. */
static err_code salt_of(const struct record_redact_order *order, const char *path,
                        struct digest *ret)
{
    const struct slice parts[] = {SLICE_OF(order->seed), slice_str(path)};

    return hash_tagged("pawl-salt-v1", parts, 2, ret);
}

static err_code redact_one(struct record *record, const struct record_redact_order *order,
                           const struct redactable *what, struct cbor_writer *w, struct why *why)
{
    struct record_redaction *redaction = &record->redactions[record->n_redactions];
    CLEANUP(buf_free) struct buf value = {0};
    struct digest whole;
    struct slice salt = {whole.bytes, RECORD_SALT_LEN};

    TRY(salt_of(order, what->path, &whole));
    TRY(value_of(record, what, &value));
    if (!is_value(what, buf_slice(&value)))
        return why_say(why, ERR_FORMAT, "%s cannot be taken out: it is no plain text", what->path);
    *redaction = (struct record_redaction){
        .path = slice_str(what->path), .policy_id = order->policy_id, .at_ms = order->now_ms};
    TRY(hash_of(salt, buf_slice(&value), &redaction->hash));
    record->n_redactions++;
    take_out(record, what, &redaction->hash);
    cbor_put_map(w, 3);
    cbor_put_text(w, DISCLOSURE_PATH);
    cbor_put_text(w, what->path);
    cbor_put_text(w, DISCLOSURE_SALT);
    cbor_put_bytes(w, salt);
    cbor_put_text(w, DISCLOSURE_VALUE);
    if (what->at == INPUT)
        cbor_put_bytes(w, buf_slice(&value));
    else
        cbor_put_text_slice(w, buf_slice(&value));
    return w->err;
}

/* Marks what is asked for, and the digest of the request if it has to go along. */
static err_code choose(const struct record *record, const struct record_redact_order *order,
                       bool chosen[static REDACTABLE_N], size_t *ret_n, struct why *why)
{
    size_t n = 0;

    if (record->n_redactions > 0)
        return why_say(why, ERR_FORMAT, "the record is redacted already");
    for (size_t i = 0; i < order->n_paths; i++) {
        const struct redactable *what = find(record->kind, slice_str(order->paths[i]));

        if (what == NULL || chosen[what - REDACTABLE])
            return why_say(why, ERR_FORMAT, "%s of a record of kind %s cannot be taken out%s",
                           order->paths[i], record_kind_name(record->kind),
                           what == NULL ? "" : " twice");
        chosen[what - REDACTABLE] = true;
        if (what->asked)
            chosen[find(record->kind, slice_str("input_hash")) - REDACTABLE] = true;
    }
    for (size_t i = 0; i < REDACTABLE_N; i++)
        n += chosen[i];
    *ret_n = n;
    return ERR_OK;
}

err_code record_redact(struct record *record, const struct record_redact_order *order,
                       struct buf *ret_disclosures, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);
    bool chosen[REDACTABLE_N] = {0};
    size_t n;

    TRY(choose(record, order, chosen, &n, why));
    if (n == 0)
        return ERR_OK;
    cbor_put_array(&w, n);
    for (size_t i = 0; i < REDACTABLE_N; i++)
        if (chosen[i])
            TRY(redact_one(record, order, &REDACTABLE[i], &w, why));
    TRY(cbor_written(&w));
    return buf_add_slice(ret_disclosures, buf_slice(&out));
}

/* ---- disclosing ------------------------------------------------------------------------------ */

static void read_disclosure(struct cbor_reader *r, struct record_disclosure *ret)
{
    struct cbor_map map = cbor_open_map(r);

    cbor_need(&map, DISCLOSURE_PATH);
    ret->path = cbor_get_text(r);
    cbor_need(&map, DISCLOSURE_SALT);
    ret->salt = cbor_get_bytes(r);
    cbor_need(&map, DISCLOSURE_VALUE);
    ret->value = slice_eq_str(ret->path, "input_hash") ? cbor_get_bytes(r) : cbor_get_text(r);
    cbor_close_map(&map);
    if (ret->salt.len != RECORD_SALT_LEN)
        cbor_fail(r, ERR_FORMAT);
}

err_code record_disclosures_parse(struct slice bytes, struct record_disclosures *ret,
                                  struct why *why)
{
    struct cbor_reader r = cbor_read(bytes, CBOR_DETERMINISTIC);
    struct record_disclosures out = {.n = cbor_get_array(&r)};

    if (r.err == ERR_OK && (out.n == 0 || out.n > RECORD_REDACTIONS_MAX))
        return why_say(why, ERR_FORMAT, "%zu disclosures, possible are 1 to %d", out.n,
                       RECORD_REDACTIONS_MAX);
    for (size_t i = 0; i < out.n && r.err == ERR_OK; i++)
        read_disclosure(&r, &out.items[i]);
    if (cbor_done(&r) != ERR_OK)
        return why_say(why, ERR_FORMAT, "the disclosures are not as docs/ledger.cddl says");
    *ret = out;
    return ERR_OK;
}

static err_code check_disclosure(const struct record *record,
                                 const struct record_disclosure *disclosure, struct why *why)
{
    const struct redactable *what = find(record->kind, disclosure->path);
    struct digest hash;

    if (what != NULL && !is_value(what, disclosure->value))
        return why_say(why, ERR_FORMAT, "what is disclosed as %s is not a value of it", what->path);
    TRY(hash_of(disclosure->salt, disclosure->value, &hash));
    for (size_t i = 0; i < record->n_redactions; i++)
        if (slice_eq(record->redactions[i].path, disclosure->path) &&
            digest_eq(&record->redactions[i].hash, &hash))
            return ERR_OK;
    return why_say(why, ERR_PERMIT_INVALID,
                   "the record has no redaction receipt for what is disclosed as \"%.*s\"",
                   (int)(disclosure->path.len > 64 ? 64 : disclosure->path.len),
                   (const char *)disclosure->path.ptr);
}

err_code record_disclosures_check(const struct record *record,
                                  const struct record_disclosures *disclosures, struct why *why)
{
    for (size_t i = 0; i < disclosures->n; i++) {
        TRY(check_disclosure(record, &disclosures->items[i], why));
        for (size_t other = 0; other < i; other++)
            if (slice_eq(disclosures->items[other].path, disclosures->items[i].path))
                return why_say(why, ERR_PERMIT_INVALID, "two disclosures for one member");
    }
    return ERR_OK;
}

/* A text of several lines becomes the list that it was made of. */
static void put_list_back(struct record_decision *decision, struct slice value)
{
    size_t n = 0;

    while (value.len > 0 && n < RECORD_DETERMINING_MAX) {
        const uint8_t *end = memchr(value.ptr, '\n', value.len);
        size_t len = end == NULL ? value.len : (size_t)(end - value.ptr);

        decision->determining[n++] = slice_part(value, 0, len);
        len += len < value.len;
        value = slice_part(value, len, value.len - len);
    }
    decision->n_determining = n;
}

err_code record_disclose(struct record *record, const struct record_disclosures *disclosures,
                         struct why *why)
{
    TRY(record_disclosures_check(record, disclosures, why));
    for (size_t i = 0; i < disclosures->n; i++) {
        const struct record_disclosure *disclosure = &disclosures->items[i];
        const struct redactable *what = find(record->kind, disclosure->path);

        if (what == NULL)
            return why_say(why, ERR_INTERNAL, "a redaction that record_check() did not see");
        if (what->at == INPUT)
            TRY(digest_from(disclosure->value, &record->input));
        else if (what->at == LISTED)
            put_list_back(&record->decision, disclosure->value);
        else
            *(struct slice *)record_place(record, what->at) = disclosure->value;
    }
    return ERR_OK;
}
