/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log_export.c: pawl log export: a copy of the published log that any web server can offer and
 * any auditor can judge; and single entries as transparent statements. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/log_prove.h"
#include "gate/cli/verbs.h"
#include "gate/decide/installs.h"
#include "gate/ledger/log_reader.h"
#include "gate/ledger/payload.h"
#include "gate/policy/bundle.h"

#include <stdio.h>
#include <string.h>

#define ROOT "root.cose"

static const struct opt EXPORT_OPTIONS[] = {
    {"transparent", 0, OPT_LIST, "INDEX",
     "also write entry INDEX as a transparent statement (RFC 9943): statement-INDEX.cose"},
    LOG_OPTION,
    LOG_ENROLMENT_OPTION,
    {0},
};

struct copy {
    struct call *call;
    const char *from, *to;
    uint64_t files;
};

static err_code copy_to(struct copy *copy, const char *name, struct slice content)
{
    CLEANUP(buf_free) struct buf path = {0};
    char *slash;

    TRY(path_join(copy->to, name, &path));
    slash = strrchr((char *)path.ptr, '/');
    *slash = '\0';
    TRY(file_make_dir((const char *)path.ptr, 0755, &copy->call->why));
    *slash = '/';
    copy->files++;
    return file_write((const char *)path.ptr, content, 0644, &copy->call->why);
}

/* One file, if it is there. */
static err_code copy_file(struct copy *copy, const char *path, const char *name, size_t max)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    if (!file_exists(path))
        return ERR_OK;
    TRY(file_read(path, max, &bytes, &copy->call->why));
    return copy_to(copy, name, buf_slice(&bytes));
}

/* ---- tiles ----------------------------------------------------------------------------------- */

static err_code copy_hashes(struct copy *copy, const struct published *log, unsigned level,
                            uint64_t index)
{
    const struct digest *hashes;
    char path[TILE_PATH];
    unsigned n;

    TRY(tiles_hashes(log->tiles, level, index, &hashes, &n, &copy->call->why));
    tile_path((struct tile){level, index, n}, path);
    return copy_to(copy, path, (struct slice){hashes->bytes, (size_t)n * SHA256_LEN});
}

/* What an entry that is a hash envelope stands for. */
static err_code copy_preimage(struct copy *copy, struct slice entry)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    char name[PAYLOAD_NAME];
    struct digest hash;
    bool needed;

    if (record_preimage(entry, &needed, &hash, NULL) != ERR_OK || !needed)
        return ERR_OK;
    TRY(payload_load(copy->from, &hash, &bytes, &copy->call->why));
    payload_name(&hash, name);
    return copy_to(copy, name, buf_slice(&bytes));
}

static err_code copy_entries(struct copy *copy, const struct published *log, uint64_t index,
                             struct tile_bundle *bundle)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    char path[TILE_PATH];

    TRY(tiles_bundle(log->tiles, index, bundle, &copy->call->why));
    for (unsigned i = 0; i < bundle->n; i++) {
        TRY(buf_add_u16(&bytes, (uint16_t)bundle->entries[i].len));
        TRY(buf_add_slice(&bytes, bundle->entries[i]));
        TRY(copy_preimage(copy, bundle->entries[i]));
    }
    tile_path((struct tile){TILE_ENTRIES, index, bundle->n}, path);
    return copy_to(copy, path, buf_slice(&bytes));
}

static err_code copy_tiles(struct copy *copy, const struct published *log)
{
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    uint64_t size = log->head.size;

    for (uint64_t i = 0; tile_width(TILE_ENTRIES, i, size) > 0; i++)
        TRY(copy_entries(copy, log, i, &bundle));
    for (unsigned level = 0; level < TILE_LEVELS; level++)
        for (uint64_t i = 0; tile_width(level, i, size) > 0; i++)
            TRY(copy_hashes(copy, log, level, i));
    return ERR_OK;
}

/* ---- what an auditor needs besides ----------------------------------------------------------- */

/* Root metadata version 1: a gate has it in the bundle that it was enrolled with. */
static err_code copy_root(struct copy *copy, const struct log_place *place)
{
    CLEANUP(bundle_free) struct bundle bundle = {0};
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    struct call *call = copy->call;
    const char *from;

    TRY(path_join(place->own ? call->state_dir : copy->from, place->own ? "trust.bundle" : ROOT,
                  &path));
    from = (const char *)path.ptr;
    if (!place->own || !file_exists(from))
        return copy_file(copy, from, ROOT, ENVELOPE_ROOT_MAX);
    TRY(file_read(from, BUNDLE_SIZE_MAX, &bytes, &call->why));
    TRY(in_file(call, bundle_parse(buf_slice(&bytes), &bundle, &call->why), from));
    return copy_to(copy, ROOT, bundle.roots[0]);
}

/* The enrolment, and from it the key of the checkpoints, as other programs take it. */
static err_code copy_enrolment(struct copy *copy, const struct log_place *place)
{
    CLEANUP(buf_free) struct buf bytes = {0}, key = {0};
    const char *path = (const char *)place->enrolment_path.ptr;
    struct enrolment enrolment = {0};
    struct call *call = copy->call;

    if (!file_exists(path))
        return ERR_OK;
    TRY(file_read(path, ENROLMENT_SIZE_MAX, &bytes, &call->why));
    TRY(in_file(call, enrolment_parse(buf_slice(&bytes), &enrolment, &call->why), path));
    TRY(buf_add_slice(&key, enrolment.log));
    TRY(buf_add_u8(&key, '\n'));
    TRY(copy_to(copy, "vkey", buf_slice(&key)));
    return copy_to(copy, "enrolment.cbor", buf_slice(&bytes));
}

/* The newest bundle that the gate installed: what the authority signed for its epoch. */
static err_code copy_installed(struct copy *copy, const struct log_place *place)
{
    const char *beside = place->own ? copy->call->state_dir : copy->from;
    CLEANUP(buf_free) struct buf bundle = {0};
    char file[48];
    uint64_t epoch;

    TRY(installs_newest(beside, &bundle, &epoch, &copy->call->why));
    if (epoch == 0)
        return ERR_OK;
    (void)snprintf(file, sizeof file, "installed/%llu.bundle", (unsigned long long)epoch);
    return copy_to(copy, file, buf_slice(&bundle));
}

static err_code copy_beside(struct copy *copy, const struct log_place *place)
{
    TRY(copy_enrolment(copy, place));
    TRY(copy_file(copy, (const char *)place->chain_path.ptr, "epochs", BUF_MAX));
    TRY(copy_root(copy, place));
    return copy_installed(copy, place);
}

/* The record as it stands in the log, with the receipt in its unprotected header (394). */
static err_code statement_of(struct copy *copy, struct published *log, uint64_t index,
                             struct log_reader *reader)
{
    CLEANUP(buf_free) struct buf receipt = {0}, unprotected = {0}, out = {0};
    struct cbor_writer w = cbor_write(&unprotected);
    struct call *call = copy->call;
    struct cose_sign1 message;
    struct slice entry;
    char name[48];

    TRY(published_receipt(call, copy->from, log, index, &receipt));
    TRY(log_reader_entry(reader, index, &entry, &call->why));
    TRY(cose_sign1_parse(entry, CBOR_DETERMINISTIC, &message, &call->why));
    cbor_put_map(&w, 1);
    cbor_put_uint(&w, COSE_RECEIPTS);
    cbor_put_array(&w, 1);
    cbor_put_bytes(&w, buf_slice(&receipt));
    TRY(cbor_written(&w));
    TRY(cose_sign1_assemble(message.protected_, buf_slice(&unprotected), message.payload, false,
                            message.signature, &out));
    (void)snprintf(name, sizeof name, "statement-%llu.cose", (unsigned long long)index);
    return copy_to(copy, name, buf_slice(&out));
}

static err_code copy_statements(struct copy *copy, struct published *log)
{
    CLEANUP(log_reader_close) struct log_reader *reader = NULL;
    const char *text = args_list(copy->call->args, "transparent", 0);
    uint64_t index;

    if (text == NULL)
        return ERR_OK;
    TRY(log_reader_open(copy->from, &reader, &copy->call->why));
    for (size_t i = 0; (text = args_list(copy->call->args, "transparent", i)) != NULL; i++) {
        if (number_parse(text, UINT64_MAX, &index) != ERR_OK)
            return why_say(&copy->call->why, ERR_USAGE, "--transparent \"%s\" is not a number",
                           text);
        TRY(statement_of(copy, log, index, reader));
    }
    return ERR_OK;
}

/* The checkpoint that witnesses signed last, unless it is of a head that the copy has not yet. */
static err_code copy_cosigned(struct copy *copy, const struct published *log)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    struct checkpoint head;

    TRY(path_join(copy->from, "cosigned", &path));
    if (!file_exists((const char *)path.ptr))
        return ERR_OK;
    TRY(file_read((const char *)path.ptr, NOTE_SIZE_MAX, &bytes, &copy->call->why));
    if (checkpoint_claimed(buf_slice(&bytes), &head, NULL) == ERR_OK && head.size > log->head.size)
        return ERR_OK;
    return copy_to(copy, "cosigned", buf_slice(&bytes));
}

/* Checkpoint and seal last, so that the copy is never ahead of itself. */
static err_code export_run(struct call *call)
{
    CLEANUP(log_place_free) struct log_place place = {0};
    CLEANUP(published_free) struct published log = {0};
    struct copy copy = {.call = call, .to = call->args->plain[0]};

    TRY(log_place_find(call, NULL, &place));
    copy.from = (const char *)place.dir.ptr;
    TRY(published_open(call, copy.from, true, &log));
    TRY(copy_tiles(&copy, &log));
    TRY(copy_statements(&copy, &log));
    TRY(copy_beside(&copy, &place));
    TRY(copy_cosigned(&copy, &log));
    TRY(copy_to(&copy, "seal", buf_slice(&log.seal_bytes)));
    TRY(copy_to(&copy, "checkpoint", buf_slice(&log.note_bytes)));
    put_uint(call->json, "size", log.head.size);
    put_digest(call->json, "root", &log.head.root);
    put_uint(call->json, "files", copy.files);
    say(call, "Wrote %llu entries in %llu files to \"%s\".", (unsigned long long)log.head.size,
        (unsigned long long)copy.files, copy.to);
    return ERR_OK;
}

const struct verb VERB_LOG_EXPORT = {
    .name = "log export",
    .arguments = "DIR",
    .summary = "write a copy of the published log that anybody can serve and audit",
    .details =
        "Tiles, entries, checkpoint and seal as C2SP tlog-tiles names them. Beside them the\n"
        "gate's enrolment, version 1 of the authority's root metadata (root.cose), the bundle\n"
        "that the gate installed last, and the key of the checkpoints for other programs (vkey):\n"
        "pawl log audit DIR needs nothing else.",
    .opts = EXPORT_OPTIONS,
    .least = 1,
    .most = 1,
    .run = export_run,
};
