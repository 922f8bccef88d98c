/* SPDX-License-Identifier: Apache-2.0 */
/* permit.c: permits judged offline, for programs. */
#include "gate/client/client.h"
#include "gate/decide/request.h"
#include "gate/decide/verify.h"
#include "gate/ledger/record_redact.h"

#include <stdlib.h>
#include <string.h>

struct pawl_gate {
    struct buf root_bytes, enrolment_bytes; /* that the next two borrow from */
    struct root_meta *root;
    struct enrolment enrolment;
};

struct pawl_permit {
    struct buf bytes;
    struct verified verified; /* with the values put back that the permit discloses */
    bool knows_request;       /* the record says which request it is about */
    char reason[REASON_MAX + 1];
};

/* ---- the gate -------------------------------------------------------------------------------- */

static err_code read_gate(struct slice root, struct slice enrolment, struct pawl_gate *gate,
                          struct why *why)
{
    if (root.len > ENVELOPE_ROOT_MAX || enrolment.len > ENROLMENT_SIZE_MAX)
        return why_say(
            why, ERR_TOO_LARGE,
            "root metadata of %zu bytes, an enrolment of %zu; the limits are %zu and %zu", root.len,
            enrolment.len, ENVELOPE_ROOT_MAX, ENROLMENT_SIZE_MAX);
    TRY(buf_add_slice(&gate->root_bytes, root));
    TRY(buf_add_slice(&gate->enrolment_bytes, enrolment));
    TRY(why_reading(why, root_meta_parse(buf_slice(&gate->root_bytes), &gate->root, why),
                    "the root metadata"));
    TRY(why_reading(why, enrolment_parse(buf_slice(&gate->enrolment_bytes), &gate->enrolment, why),
                    "the enrolment"));
    return verify_enrolment(gate->root, &gate->enrolment, why);
}

int pawl_gate_new(struct pawl_bytes root, struct pawl_bytes enrolment, struct pawl_gate **ret,
                  struct pawl_why *ret_why)
{
    struct why why = {0};
    struct pawl_gate *gate;
    err_code err;

    if (ret == NULL)
        return client_tell(ERR_USAGE, &why, ret_why);
    *ret = NULL;
    gate = calloc(1, sizeof *gate);
    if (gate == NULL)
        return client_tell(ERR_NO_MEMORY, &why, ret_why);
    err = read_gate(client_slice(root), client_slice(enrolment), gate, &why);
    if (err != ERR_OK)
        pawl_gate_free(&gate);
    *ret = gate;
    return client_tell(err, &why, ret_why);
}

void pawl_gate_free(struct pawl_gate **gate)
{
    if (gate == NULL || *gate == NULL)
        return;
    root_meta_free(&(*gate)->root);
    enrolment_free(&(*gate)->enrolment);
    buf_free(&(*gate)->root_bytes);
    buf_free(&(*gate)->enrolment_bytes);
    free(*gate);
    *gate = NULL;
}

/* ---- permits --------------------------------------------------------------------------------- */

/* Whether the digest of the request stands in the record, or was left out and is not disclosed. */
static bool knows_request(const struct permit *permit)
{
    static const char INPUT[] = "input_hash";

    for (size_t i = 0; i < permit->disclosures.n; i++)
        if (slice_eq_str(permit->disclosures.items[i].path, INPUT))
            return true;
    for (size_t i = 0; i < permit->record.n_redactions; i++)
        if (slice_eq_str(permit->record.redactions[i].path, INPUT))
            return false;
    return true;
}

static err_code judge(const struct pawl_gate *gate, struct slice bytes, unsigned flags,
                      struct pawl_permit *permit, struct why *why)
{
    struct verified *verified = &permit->verified;
    struct slice reason;

    if ((flags & ~PAWL_ALLOW_UNSEALED) != 0)
        return why_say(why, ERR_USAGE, "flags 0x%x are not known", flags & ~PAWL_ALLOW_UNSEALED);
    if (bytes.len > PERMIT_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a permit of %zu bytes, the limit is %zu", bytes.len,
                       PERMIT_SIZE_MAX);
    TRY(buf_add_slice(&permit->bytes, bytes));
    TRY(verify_permit(buf_slice(&permit->bytes), &gate->enrolment, verified, why));
    if (!verified->sealed && (flags & PAWL_ALLOW_UNSEALED) == 0)
        return why_say(why, ERR_PERMIT_INVALID,
                       "nothing but the gate's word says that its epoch is %llu: it is not sealed",
                       (unsigned long long)verified->epoch);
    permit->knows_request = knows_request(&verified->permit);
    TRY(record_disclose(&verified->permit.record, &verified->permit.disclosures, why));
    reason = verified->permit.record.decision.reason;
    if (reason.len > REASON_MAX)
        return why_say(why, ERR_PERMIT_INVALID, "a reason of %zu bytes", reason.len);
    memcpy(permit->reason, reason.ptr, reason.len);
    return ERR_OK;
}

int pawl_verify(const struct pawl_gate *gate, struct pawl_bytes bytes, unsigned flags,
                struct pawl_permit **ret, struct pawl_why *ret_why)
{
    struct why why = {0};
    struct pawl_permit *permit;
    err_code err;

    if (ret != NULL)
        *ret = NULL;
    if (ret == NULL || gate == NULL)
        return client_tell(ERR_USAGE, &why, ret_why);
    permit = calloc(1, sizeof *permit);
    if (permit == NULL)
        return client_tell(ERR_NO_MEMORY, &why, ret_why);
    err = judge(gate, client_slice(bytes), flags, permit, &why);
    if (err != ERR_OK)
        pawl_permit_free(&permit);
    *ret = permit;
    return client_tell(err, &why, ret_why);
}

void pawl_permit_free(struct pawl_permit **permit)
{
    if (permit == NULL || *permit == NULL)
        return;
    verified_free(&(*permit)->verified);
    buf_free(&(*permit)->bytes);
    free(*permit);
    *permit = NULL;
}

static err_code is_for(const struct pawl_permit *permit, struct slice json, struct why *why)
{
    CLEANUP(request_free) struct request request = {0};
    const struct digest *about = &permit->verified.permit.record.input;

    TRY(request_parse(json, &request, why));
    if (!permit->knows_request)
        return why_say(why, ERR_PERMIT_INVALID, "the permit does not say which request it is of");
    if (!digest_eq(about, &request.digest))
        return why_say(why, ERR_PERMIT_INVALID, "the permit is of another request");
    return ERR_OK;
}

int pawl_permit_is_for(const struct pawl_permit *permit, struct pawl_bytes request,
                       struct pawl_why *ret_why)
{
    struct why why = {0};

    if (permit == NULL)
        return client_tell(ERR_PERMIT_INVALID, &why, ret_why);
    return client_tell(is_for(permit, client_slice(request), &why), &why, ret_why);
}

/* ---- what it says ---------------------------------------------------------------------------- */

int pawl_permit_permitted(const struct pawl_permit *permit)
{
    return permit != NULL && permit->verified.permit.record.decision.permit;
}

int pawl_permit_sealed(const struct pawl_permit *permit)
{
    return permit != NULL && permit->verified.sealed;
}

int pawl_permit_simulated(const struct pawl_permit *permit)
{
    return permit == NULL || permit->verified.permit.record.simulated;
}

uint64_t pawl_permit_epoch(const struct pawl_permit *permit)
{
    return permit != NULL ? permit->verified.epoch : 0;
}

uint64_t pawl_permit_ledger_index(const struct pawl_permit *permit)
{
    return permit != NULL ? permit->verified.permit.receipt.leaf_index : 0;
}

uint64_t pawl_permit_time_ms(const struct pawl_permit *permit)
{
    return permit != NULL ? permit->verified.permit.record.action_ms : 0;
}

const char *pawl_permit_reason(const struct pawl_permit *permit)
{
    return permit != NULL ? permit->reason : err_name(ERR_PERMIT_INVALID);
}

struct pawl_bytes pawl_permit_text(const struct pawl_permit *permit, enum pawl_field field)
{
    const struct record *record;
    struct slice texts[PAWL_RESOURCE_ID + 1] = {{0}};

    if (permit == NULL || field < PAWL_SUBJECT_TYPE || field > PAWL_RESOURCE_ID)
        return (struct pawl_bytes){NULL, 0};
    record = &permit->verified.permit.record;
    texts[PAWL_SUBJECT_TYPE] = record->decision.subject_type;
    texts[PAWL_SUBJECT_ID] = record->agent_id;
    texts[PAWL_ACTION] = record->decision.action;
    texts[PAWL_CLASS] = record->decision.class_;
    texts[PAWL_RESOURCE_TYPE] = record->decision.resource_type;
    texts[PAWL_RESOURCE_ID] = record->decision.resource_id;
    return (struct pawl_bytes){texts[field].ptr, texts[field].len};
}
