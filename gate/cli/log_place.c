/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/log_place.h"

#include "gate/base/file.h"
#include "gate/decide/gate_ledger.h"

void log_place_free(struct log_place *place)
{
    buf_free(&place->dir);
    buf_free(&place->enrolment_path);
    buf_free(&place->chain_path);
    buf_free(&place->enrolment_bytes);
    buf_free(&place->chain);
    auditor_free(&place->auditor);
    *place = (struct log_place){0};
}

static err_code own_log(struct call *call, struct log_place *ret)
{
    ret->own = true;
    TRY(path_join(call->state_dir, "ledger", &ret->dir));
    TRY(path_join(call->state_dir, "hw/epochs", &ret->chain_path));
    TRY(path_join(call->state_dir, "enrolment.cbor", &ret->enrolment_path));
    if (file_exists((const char *)ret->dir.ptr))
        return ERR_OK;
    if (!file_exists((const char *)ret->enrolment_path.ptr))
        return why_say(&call->why, ERR_NOT_ENROLLED, "\"%s\" holds no enrolment", call->state_dir);
    return why_say(&call->why, ERR_STATE_CORRUPT, "the gate is enrolled, but \"%s\" is gone",
                   (const char *)ret->dir.ptr);
}

err_code log_place_find(struct call *call, const char *dir, struct log_place *ret)
{
    const char *enrolment = args_value(call->args, "enrolment", NULL);

    dir = dir != NULL ? dir : args_value(call->args, "log", NULL);
    if (dir == NULL) {
        TRY(own_log(call, ret));
    } else {
        TRY(buf_add_str(&ret->dir, dir));
        TRY(buf_terminate(&ret->dir));
        TRY(path_join(dir, "epochs", &ret->chain_path));
        TRY(path_join(dir, "enrolment.cbor", &ret->enrolment_path));
    }
    if (enrolment == NULL)
        return ERR_OK;
    buf_cut(&ret->enrolment_path, 0);
    TRY(buf_add_str(&ret->enrolment_path, enrolment));
    return buf_terminate(&ret->enrolment_path);
}

/* A token's seal carries the certificates; a gate's own lie beside it, and are as new. */
static err_code read_chain(struct call *call, struct log_place *place)
{
    CLEANUP(buf_free) struct buf seal = {0}, path = {0};
    const char *beside = (const char *)place->chain_path.ptr;
    struct slice chain;

    if (file_exists(beside))
        return file_read(beside, BUF_MAX, &place->chain, &call->why);
    TRY(path_join((const char *)place->dir.ptr, "seal", &path));
    if (!file_exists((const char *)path.ptr))
        return ERR_OK;
    TRY(file_read((const char *)path.ptr, SEALED_SIZE_MAX, &seal, &call->why));
    if (auditor_chain_of(buf_slice(&seal), &chain, NULL) != ERR_OK)
        return ERR_OK; /* the audit says what is wrong with it */
    return buf_add_slice(&place->chain, chain);
}

err_code log_place_trust(struct call *call, struct log_place *place)
{
    const char *path = (const char *)place->enrolment_path.ptr;

    TRY(file_read(path, ENROLMENT_SIZE_MAX, &place->enrolment_bytes, &call->why));
    TRY(in_file(call,
                enrolment_parse(buf_slice(&place->enrolment_bytes), &place->enrolment, &call->why),
                path));
    TRY(read_chain(call, place));
    return why_reading(
        &call->why,
        auditor_make(&place->enrolment, buf_slice(&place->chain), &place->auditor, &call->why),
        "\"%s\"", place->chain.len > 0 ? (const char *)place->chain_path.ptr : path);
}
