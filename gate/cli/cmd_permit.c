/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_permit.c: pawl permit verify and show: offline, on files alone. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/verb.h"
#include "gate/cli/verbs.h"
#include "gate/decide/verify.h"

#include <string.h>

/* "2026-11-22T01:02:03Z" of milliseconds. */
static void time_of_ms(uint64_t ms, char ret[static TIME_TEXT])
{
    time_text((int64_t)(ms / 1000), ret);
}

static void put_decision(struct call *call, const struct permit *permit)
{
    const struct record *record = &permit->record;
    const struct record_decision *decision = &record->decision;
    json_t *json = call->json, *list;
    char when[TIME_TEXT];

    time_of_ms(record->action_ms, when);
    put_bool(json, "decision", decision->permit);
    put_slice(json, "reason", decision->reason);
    put_slice(json, "issuer", record->issuer);
    put_text(json, "time", when);
    put_slice(json, "subject_type", decision->subject_type);
    put_slice(json, "subject_id", record->agent_id);
    put_slice(json, "action", decision->action);
    put_slice(json, "class", decision->class_);
    put_slice(json, "resource_type", decision->resource_type);
    put_slice(json, "resource_id", decision->resource_id);
    put_digest(json, "request", &record->input);
    put_uint(json, "epoch", record->epoch);
    put_digest(json, "snapshot", &record->snapshot);
    put_bool(json, "simulated", record->simulated);
    put_uint(json, "ledger_index", permit->receipt.leaf_index);
    put_uint(json, "tree_size", permit->receipt.tree_size);
    list = put_array(json, "policies");
    for (size_t i = 0; i < decision->n_policies; i++) {
        json_t *entry = add_object(list);
        put_slice(entry, "alias", decision->policies[i].alias);
        put_uint(entry, "version", decision->policies[i].version);
        put_digest(entry, "digest", &decision->policies[i].digest);
    }
}

static void say_decision(struct call *call, const struct permit *permit)
{
    const struct record *record = &permit->record;
    const struct record_decision *decision = &record->decision;
    char when[TIME_TEXT];

    time_of_ms(record->action_ms, when);
    say(call, "%s  %.*s::\"%.*s\" %.*s (%.*s) %.*s::\"%.*s\"",
        decision->permit ? "PERMIT" : "DENY  ", TERM_ARG(decision->subject_type),
        TERM_ARG(record->agent_id), TERM_ARG(decision->action), TERM_ARG(decision->class_),
        TERM_ARG(decision->resource_type), TERM_ARG(decision->resource_id));
    say(call, "  at       %s by %.*s", when, TERM_ARG(record->issuer));
    say(call, "  epoch    %llu", (unsigned long long)record->epoch);
    for (size_t i = 0; i < decision->n_policies; i++)
        say(call, "  policy   %.*s version %llu", TERM_ARG(decision->policies[i].alias),
            (unsigned long long)decision->policies[i].version);
    if (!decision->permit)
        say(call, "  reason   %.*s", TERM_ARG(decision->reason));
    say(call, "  ledger   entry %llu of %llu", (unsigned long long)permit->receipt.leaf_index,
        (unsigned long long)permit->receipt.tree_size);
    say(call, "  hardware %.*s%s", TERM_ARG(record->hardware),
        record->simulated ? " (SIMULATOR)" : "");
}

static void say_left_out(struct call *call, struct slice path, struct slice value)
{
    json_t *entry = add_object(json_object_get(call->json, "disclosed"));

    put_slice(entry, "path", path);
    put_slice(entry, "value", value);
    while (value.len > 0) { /* names of policies: one a line */
        const uint8_t *end = memchr(value.ptr, '\n', value.len);
        struct slice line = {value.ptr, end != NULL ? (size_t)(end - value.ptr) : value.len};

        say(call, "  not in the record: %.*s \"%.*s\"", TERM_ARG(path), TERM_ARG(line));
        value = end != NULL ? slice_part(value, line.len + 1, value.len - line.len - 1)
                            : (struct slice){0};
    }
}

/* What the record leaves out and the permit shows. Each has been held against the record. */
static void say_disclosed(struct call *call, const struct permit *permit)
{
    put_array(call->json, "disclosed");
    for (size_t i = 0; i < permit->disclosures.n; i++) {
        const struct record_disclosure *item = &permit->disclosures.items[i];
        char text[DIGEST_TEXT];
        struct digest digest;

        if (!slice_eq_str(item->path, "input_hash")) {
            say_left_out(call, item->path, item->value);
            continue;
        }
        memcpy(digest.bytes, item->value.ptr, sizeof digest.bytes);
        digest_text(&digest, text);
        say_left_out(call, item->path, slice_str(text));
    }
}

static err_code read_enrolment(struct call *call, const char *path, struct buf *ret_bytes,
                               struct enrolment *ret)
{
    TRY(file_read(path, ENROLMENT_SIZE_MAX, ret_bytes, &call->why));
    return in_file(call, enrolment_parse(buf_slice(ret_bytes), ret, &call->why), path);
}

/* ---- verify ---------------------------------------------------------------------------------- */

static const struct opt VERIFY_OPTIONS[] = {
    {"root", 0, OPT_VALUE, "FILE", "the authority's root metadata, version 1"},
    {"enrolment", 0, OPT_VALUE, "FILE", "the gate's enrolment file"},
    {"allow-unsealed", 0, OPT_FLAG, NULL,
     "accept a TPM that cannot certify its counter: the epoch is then only claimed"},
    {0},
};

static err_code judge(struct call *call, struct slice bytes, struct verified *ret)
{
    CLEANUP(buf_free) struct buf root_bytes = {0}, enrolment_bytes = {0};
    CLEANUP(enrolment_free) struct enrolment enrolment = {0};
    CLEANUP(root_meta_free) struct root_meta *root = NULL;
    const char *root_path = args_value(call->args, "root", NULL);
    const char *enrolment_path = args_value(call->args, "enrolment", NULL);

    if (root_path == NULL || enrolment_path == NULL)
        return why_say(&call->why, ERR_USAGE, "--root FILE and --enrolment FILE are needed");
    TRY(file_read(root_path, ENVELOPE_ROOT_MAX, &root_bytes, &call->why));
    TRY(in_file(call, root_meta_parse(buf_slice(&root_bytes), &root, &call->why), root_path));
    TRY(read_enrolment(call, enrolment_path, &enrolment_bytes, &enrolment));
    TRY(verify_enrolment(root, &enrolment, &call->why));
    return in_file(call, verify_permit(bytes, &enrolment, ret, &call->why), call->args->plain[0]);
}

static void done_with_verified(struct verified **verified)
{
    verified_free(*verified);
}

static err_code verify_run(struct call *call)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    static struct verified room; /* too big for a stack */
    CLEANUP(done_with_verified) struct verified *verified = &room;
    bool permit;

    TRY(file_read(call->args->plain[0], PERMIT_SIZE_MAX, &bytes, &call->why));
    TRY(judge(call, buf_slice(&bytes), verified));
    if (!verified->sealed && !args_flag(call->args, "allow-unsealed"))
        return why_say(&call->why, ERR_PERMIT_INVALID,
                       "this TPM has no TPM2_NV_Certify, so nothing but the gate's word says epoch "
                       "%llu; --allow-unsealed takes it",
                       (unsigned long long)verified->epoch);
    permit = verified->permit.record.decision.permit;
    put_decision(call, &verified->permit);
    put_bool(call->json, "valid", true);
    put_bool(call->json, "sealed", verified->sealed);
    put_digest(call->json, "tree_root", &verified->checkpoint.root);
    say_decision(call, &verified->permit);
    say_disclosed(call, &verified->permit);
    say(call, "  verified record, statement key, inclusion, receipt%s",
        verified->sealed ? ", seal, epoch" : "; NOT sealed: the epoch is the gate's own claim");
    call->exit = permit ? 0 : err_exit(ERR_DENIED);
    return ERR_OK;
}

const struct verb VERB_PERMIT_VERIFY = {
    .name = "permit verify",
    .arguments = "PERMIT",
    .summary = "verify a permit offline: record, inclusion, receipt, seal, epoch",
    .details =
        "Needs only the authority's root metadata and the gate's enrolment file; no hardware, no\n"
        "network, no clock. Exit code 0: a valid permit. 10: a valid denial. 20 and above: not "
        "valid.",
    .opts = VERIFY_OPTIONS,
    .least = 1,
    .most = 1,
    .run = verify_run,
};

/* ---- show ------------------------------------------------------------------------------------ */

static const struct opt SHOW_OPTIONS[] = {
    {"root", 0, OPT_VALUE, "FILE", "the authority's root metadata, version 1 (for --parts)"},
    {"enrolment", 0, OPT_VALUE, "FILE", "the gate's enrolment file (for --parts)"},
    {"parts", 0, OPT_VALUE, "DIR",
     "write what is signed, each signature (DER) and key (PEM), ledger entry and receipt here"},
    {0},
};

static err_code write_part(struct call *call, const char *dir, const char *name, const char *suffix,
                           struct slice bytes)
{
    CLEANUP(buf_free) struct buf file = {0}, path = {0};

    TRY(buf_add_str(&file, name));
    TRY(buf_add_str(&file, suffix));
    TRY(buf_terminate(&file));
    TRY(path_join(dir, (const char *)file.ptr, &path));
    return file_write((const char *)path.ptr, bytes, 0644, &call->why);
}

/* One signature in the form that "openssl dgst -sha256 -verify" takes. */
struct part {
    const char *name;
    struct slice signed_, raw_sig;
    const struct hw_pubkey *key;
};

static err_code write_signature(struct call *call, const char *dir, const struct part *part)
{
    CLEANUP(buf_free) struct buf der = {0}, pem = {0};

    TRY(hw_sig_to_der(HW_ES256, part->raw_sig, &der));
    TRY(hw_pubkey_to_pem(part->key, &pem));
    TRY(write_part(call, dir, part->name, ".tbs", part->signed_));
    TRY(write_part(call, dir, part->name, ".sig", buf_slice(&der)));
    return write_part(call, dir, part->name, ".pem", buf_slice(&pem));
}

static err_code write_parts(struct call *call, struct slice bytes, const char *dir)
{
    static struct verified room; /* too big for a stack */
    CLEANUP(done_with_verified) struct verified *v = &room;
    CLEANUP(buf_free) struct buf record = {0}, rotation = {0}, receipt = {0};
    struct part parts[3];

    TRY(judge(call, bytes, v));
    TRY(file_make_dir(dir, 0755, &call->why));
    TRY(cose_sign1_tbs(v->permit.record.message.protected_, (struct slice){0},
                       v->permit.record.message.payload, &record));
    TRY(cose_sign1_tbs(v->permit.rotation.message.protected_, (struct slice){0},
                       v->permit.rotation.message.payload, &rotation));
    TRY(cose_sign1_tbs(v->permit.receipt.message.protected_, (struct slice){0},
                       digest_slice(&v->checkpoint.root), &receipt));
    parts[0] = (struct part){"record", buf_slice(&record), v->permit.record.message.signature,
                             &v->permit.rotation.key};
    parts[1] = (struct part){"rotation", buf_slice(&rotation), v->permit.rotation.message.signature,
                             &v->receipt_key};
    parts[2] = (struct part){"receipt", buf_slice(&receipt), v->permit.receipt.message.signature,
                             &v->receipt_key};
    for (size_t i = 0; i < 3; i++)
        TRY(write_signature(call, dir, &parts[i]));
    TRY(write_part(call, dir, "record", ".cose", buf_slice(&v->permit.entry)));
    TRY(write_part(call, dir, "receipt", ".cose", v->permit.receipt.message.raw));
    say(call,
        "Wrote record, rotation and receipt to %s, each as .tbs, .sig and .pem; the first and the "
        "last as .cose, too.",
        dir);
    return ERR_OK;
}

static void done_with_permit(struct permit **permit)
{
    permit_free(*permit);
}

static err_code show_parsed(struct call *call, struct slice bytes)
{
    static struct permit room; /* too big for a stack */
    CLEANUP(done_with_permit) struct permit *permit = &room;

    TRY(in_file(call, permit_parse(bytes, permit, &call->why), call->args->plain[0]));
    put_decision(call, permit);
    put_bool(call->json, "verified", false);
    say_decision(call, permit);
    say_disclosed(call, permit);
    if (!permit->record.decision.permit)
        say(call, "  This is a DENIAL, not a permit: it allows nothing.");
    return ERR_OK;
}

static err_code show_run(struct call *call)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    const char *parts = args_value(call->args, "parts", NULL);

    TRY(file_read(call->args->plain[0], PERMIT_SIZE_MAX, &bytes, &call->why));
    TRY(show_parsed(call, buf_slice(&bytes)));
    if (parts != NULL)
        return write_parts(call, buf_slice(&bytes), parts);
    say(call, "  not verified: pawl permit verify");
    return ERR_OK;
}

const struct verb VERB_PERMIT_SHOW = {
    .name = "permit show",
    .arguments = "PERMIT",
    .summary = "print what a permit says, and take it apart for other tools",
    .details = "With --parts each signature can be checked with openssl alone:\n"
               "  openssl dgst -sha256 -verify receipt.pem -signature receipt.sig receipt.tbs\n"
               "For SCITT tools there are the ledger entry, record.cose, and receipt.cose.",
    .opts = SHOW_OPTIONS,
    .least = 1,
    .most = 1,
    .run = show_run,
};
