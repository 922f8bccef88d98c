/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/witness.h"

#include <inttypes.h>
#include <string.h>

#define OLD "old "

/* ---- requests -------------------------------------------------------------------------------- */

static err_code check_shape(const struct witness_request *request, struct why *why)
{
    struct note note;

    if (request->path.n > WITNESS_PATH_MAX)
        return why_say(why, ERR_TOO_LARGE, "a proof of %zu hashes, the limit is %d",
                       request->path.n, WITNESS_PATH_MAX);
    return note_parse(request->checkpoint, &note, why);
}

err_code witness_request_make(const struct witness_request *from, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};

    if (from->old == 0 && from->path.n != 0)
        return why_say(why, ERR_FORMAT, "a proof of %zu hashes from size 0", from->path.n);
    TRY(check_shape(from, why));
    TRY(note_put_number(OLD, from->old, &out));
    for (size_t i = 0; i < from->path.n; i++)
        TRY(note_put_hash(&from->path.hashes[i], &out));
    TRY(buf_add_str(&out, "\n"));
    TRY(buf_add_slice(&out, from->checkpoint));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code witness_request_parse(struct slice bytes, struct witness_request *ret, struct why *why)
{
    struct witness_request out = {0};
    struct slice line;

    if (bytes.len > WITNESS_REQUEST_MAX)
        return why_say(why, ERR_TOO_LARGE, "a request of %zu bytes", bytes.len);
    if (note_line(&bytes, &line) != ERR_OK || line.len <= sizeof OLD - 1 ||
        !slice_eq_str(slice_part(line, 0, sizeof OLD - 1), OLD) ||
        note_number(slice_part(line, sizeof OLD - 1, line.len - (sizeof OLD - 1)), &out.old) !=
            ERR_OK)
        return why_say(why, ERR_FORMAT, "the first line is not an old size");
    for (;;) {
        if (note_line(&bytes, &line) != ERR_OK)
            return why_say(why, ERR_FORMAT, "no empty line before the checkpoint");
        if (line.len == 0)
            break;
        if (out.path.n == WITNESS_PATH_MAX)
            return why_say(why, ERR_TOO_LARGE, "a proof of more than %d hashes", WITNESS_PATH_MAX);
        if (note_hash(line, &out.path.hashes[out.path.n]) != ERR_OK)
            return why_say(why, ERR_FORMAT, "hash %zu of the proof is not one", out.path.n);
        out.path.n++;
    }
    out.checkpoint = bytes;
    TRY(check_shape(&out, why));
    *ret = out;
    return ERR_OK;
}

/* ---- answers --------------------------------------------------------------------------------- */

static err_code read_conflict(const struct witness_response *response, const char *name,
                              struct witness_word *ret, struct why *why)
{
    struct slice rest = response->body, line;

    if (!slice_eq_str(response->type, WITNESS_SIZE_TYPE))
        return why_say(why, ERR_WITNESS_REFUSED,
                       "the witness \"%s\" answers 409 with type \"%.*s\", wanted "
                       "\"" WITNESS_SIZE_TYPE "\"",
                       name, (int)response->type.len, (const char *)response->type.ptr);
    if (note_line(&rest, &line) != ERR_OK || rest.len != 0 ||
        note_number(line, &ret->size) != ERR_OK)
        return why_say(why, ERR_WITNESS_REFUSED, "the witness \"%s\" answers 409 without a size",
                       name);
    ret->answer = WITNESS_CONFLICT;
    return ERR_OK;
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 400:
        return "it finds the request malformed";
    case 403:
        return "it does not trust the log's key";
    case 404:
        return "it does not know this log";
    default:
        return "no answer of the protocol";
    }
}

err_code witness_response_parse(const struct witness_response *response, const char *name,
                                struct witness_word *ret, struct why *why)
{
    struct witness_word out = {0};
    struct note lines;

    if (response->body.len > WITNESS_RESPONSE_MAX)
        return why_say(why, ERR_TOO_LARGE, "the witness \"%s\" answers with %zu bytes", name,
                       response->body.len);
    switch (response->status) {
    case 200:
        if (note_parse_lines(response->body, &lines, why) != ERR_OK)
            return why_say(why, ERR_WITNESS_REFUSED,
                           "the witness \"%s\" answers 200 without signature lines", name);
        out.answer = WITNESS_COSIGNED;
        out.lines = response->body;
        break;
    case 409:
        TRY(read_conflict(response, name, &out, why));
        break;
    case 422:
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the witness \"%s\" has seen a log that this one does not continue", name);
    default:
        return why_say(why, ERR_WITNESS_REFUSED, "the witness \"%s\" answers %u: %s", name,
                       response->status, reason_of(response->status));
    }
    *ret = out;
    return ERR_OK;
}

/* ---- the loop -------------------------------------------------------------------------------- */

err_code witness_talk_next(struct witness_talk *talk, struct tree_source source, struct buf *ret,
                           struct why *why)
{
    struct witness_request request = {.old = talk->old, .checkpoint = talk->note};

    if (talk->tries == WITNESS_TRIES)
        return why_say(why, ERR_WITNESS_REFUSED,
                       "the witness \"%s\" named another size %d times, last %" PRIu64, talk->name,
                       WITNESS_TRIES, talk->old);
    talk->tries++;
    if (talk->old != 0)
        TRY(tree_prove_consistency(source, talk->old, talk->checkpoint.size, &request.path, why));
    return witness_request_make(&request, ret, why);
}

err_code witness_talk_take(struct witness_talk *talk, const struct witness_response *response,
                           struct slice *ret_lines, bool *ret_done, struct why *why)
{
    struct witness_word word;

    TRY(witness_response_parse(response, talk->name, &word, why));
    if (word.answer == WITNESS_COSIGNED) {
        *ret_lines = word.lines;
        *ret_done = true;
        return ERR_OK;
    }
    if (word.size > talk->checkpoint.size)
        return why_say(why, ERR_LEDGER_ROLLBACK,
                       "the witness \"%s\" has cosigned %" PRIu64
                       " entries of this log, the checkpoint has %" PRIu64,
                       talk->name, word.size, talk->checkpoint.size);
    talk->old = word.size;
    *ret_done = false;
    return ERR_OK;
}
