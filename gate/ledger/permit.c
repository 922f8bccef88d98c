/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/permit.h"
#include "gate/base/text.h"

#include <inttypes.h>
#include <stdlib.h>

#define LABEL_KEY "pawl-key"
#define LABEL_SEAL "pawl-seal"
#define LABEL_DISCLOSURES "pawl-disclosures"

void permit_free(struct permit *permit)
{
    buf_free(&permit->entry);
    *permit = (struct permit){0};
}

void permit_known_free(struct permit_known *known)
{
    buf_free(&known->rotation_entry);
    x509_known_free(&known->own);
    x509_known_free(&known->receipt);
    known->rotation = (struct record){0};
}

/* Allocated, because a permit is too big for a stack. */
static void permit_drop(struct permit **permit)
{
    if (*permit != NULL)
        permit_free(*permit);
    free(*permit);
    *permit = NULL;
}

/* The record that introduces the statement key. Borrows: *ret from entry, or from known. */
static err_code rotation_of(struct slice entry, struct permit_known *known, struct record *ret,
                            struct why *why)
{
    if (known == NULL)
        return record_parse(entry, ret, why);
    if (known->rotation_entry.len == 0 || !slice_eq(entry, buf_slice(&known->rotation_entry))) {
        CLEANUP(buf_free) struct buf copy = {0};

        buf_free(&known->rotation_entry);
        TRY(buf_add_slice(&copy, entry));
        TRY(record_parse(buf_slice(&copy), &known->rotation, why));
        known->rotation_entry = buf_take(&copy);
    }
    *ret = known->rotation;
    return ERR_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The certificates that the hardware has signed. */
static err_code chain_of(const struct record *rotation, struct x509_chain *ret)
{
    const struct record_rotation *from = &rotation->rotation;

    if (from->n_certs > X509_CHAIN_MAX)
        return ERR_TOO_LARGE;
    *ret = (struct x509_chain){.n = from->n_certs};
    for (size_t i = 0; i < ret->n; i++)
        ret->certs[i] = from->certs[i];
    return ERR_OK;
}

static err_code write_unprotected(const struct permit_parts *parts, const struct x509_chain *chain,
                                  struct buf *ret)
{
    bool sealed = parts->seal->kind != HW_SEAL_NONE;
    struct cbor_writer w = cbor_write(ret);

    cbor_put_map(&w, 2u + sealed + (chain->n > 0) + (parts->disclosures.len > 0));
    if (chain->n > 0) {
        cbor_put_int(&w, COSE_X5CHAIN);
        x509_chain_put(&w, chain);
    }
    cbor_put_int(&w, COSE_RECEIPTS);
    cbor_put_array(&w, 1);
    cbor_put_bytes(&w, parts->receipt);
    cbor_put_text(&w, LABEL_KEY);
    cbor_put_bytes(&w, parts->rotation);
    if (sealed) {
        cbor_put_text(&w, LABEL_SEAL);
        TRY(seal_put(&w, parts->seal));
    }
    if (parts->disclosures.len > 0) {
        cbor_put_text(&w, LABEL_DISCLOSURES);
        cbor_put_item(&w, parts->disclosures);
    }
    return cbor_written(&w);
}

static err_code parse(struct slice bytes, struct permit_known *known, struct permit *permit,
                      struct why *why);

err_code permit_make(const struct permit_parts *parts, struct buf *ret, struct why *why)
{
    CLEANUP(permit_drop) struct permit *permit = calloc(1, sizeof *permit);
    CLEANUP(buf_free) struct buf unprotected = {0}, out = {0};
    struct x509_chain chain;
    struct cose_sign1 record;

    if (permit == NULL)
        return ERR_NO_MEMORY;
    TRY(cose_sign1_parse(parts->record, CBOR_DETERMINISTIC, &record, why));
    TRY(rotation_of(parts->rotation, parts->known, &permit->rotation, why));
    TRY(chain_of(&permit->rotation, &chain));
    TRY(write_unprotected(parts, &chain, &unprotected));
    TRY(cose_sign1_assemble(record.protected_, buf_slice(&unprotected), record.payload,
                            record.detached, record.signature, &out));
    *permit = (struct permit){0};
    TRY(parse(buf_slice(&out), parts->known, permit, why));
    return buf_add_slice(ret, buf_slice(&out));
}

/* ---- reading --------------------------------------------------------------------------------- */

static err_code read_chain(struct cbor_reader *r, struct x509_known *known, struct x509_chain *ret)
{
    struct slice item;

    if (known == NULL)
        return x509_chain_get(r, ret, NULL);
    item = cbor_get_item(r);
    TRY(r->err);
    TRY(x509_known_decode(item, known, NULL));
    *ret = known->chain;
    return ERR_OK;
}

static err_code read_unprotected(struct slice encoded, struct permit_known *known,
                                 struct permit *permit, struct slice *ret_receipt)
{
    struct cbor_reader r = {.rest = encoded};
    struct cbor_map map = cbor_open_map(&r);

    if (cbor_key_int(&map, COSE_X5CHAIN))
        TRY(read_chain(&r, known != NULL ? &known->own : NULL, &permit->chain));
    if (!cbor_key_int(&map, COSE_RECEIPTS) || cbor_get_array(&r) != 1)
        return ERR_FORMAT;
    *ret_receipt = cbor_get_bytes(&r);
    cbor_need(&map, LABEL_KEY);
    permit->rotation_entry = cbor_get_bytes(&r);
    if (cbor_key(&map, LABEL_SEAL))
        TRY(seal_get(&r, &permit->seal));
    if (cbor_key(&map, LABEL_DISCLOSURES)) {
        permit->disclosed = cbor_get_item(&r);
        TRY(record_disclosures_parse(permit->disclosed, &permit->disclosures, NULL));
    }
    cbor_close_map(&map);
    return cbor_done(&r);
}

/* The certificates of the statement key, which every COSE verifier looks for here. They are what
 * the hardware has signed in the key_rotation, and the receipt's are the same without the first: so
 * no octet of them can be another one. */
static err_code check_chain(const struct permit *permit, const struct permit_known *known,
                            struct why *why)
{
    const struct x509_chain *chain = &permit->chain, *above = &permit->receipt.chain;
    struct x509_chain want;
    struct hw_pubkey key;

    TRY(chain_of(&permit->rotation, &want));
    if (!x509_chain_eq(chain, &want))
        return why_say(why, ERR_PERMIT_INVALID,
                       "the permit carries %zu certificates, pawl-key names %zu, and they differ",
                       chain->n, want.n);
    if (chain->n == 0)
        return above->n == 0 ? ERR_OK
                             : why_say(why, ERR_PERMIT_INVALID,
                                       "the receipt carries certificates, the permit none");
    for (size_t i = 1; i < want.n; i++)
        want.certs[i - 1] = want.certs[i];
    want.n--;
    if (!x509_chain_eq(above, &want))
        return why_say(why, ERR_PERMIT_INVALID,
                       "the receipt's %zu certificates are not those above the permit's first",
                       above->n);
    if (known != NULL)
        key = known->own.key;
    else
        TRY(x509_key(chain->certs[0], &key, why));
    if (!hw_pubkey_eq(&key, &permit->rotation.key))
        return why_say(why, ERR_PERMIT_INVALID,
                       "the permit's certificate is of another key than pawl-key introduces");
    return ERR_OK;
}

static err_code apart(struct why *why, const char *what)
{
    return why_say(why, ERR_PERMIT_INVALID, "the parts of the permit are of different %s", what);
}

static err_code check_rotation(const struct permit *permit, struct why *why)
{
    const struct record *record = &permit->record, *rotation = &permit->rotation;
    char got[DIGEST_TEXT], want[DIGEST_TEXT];

    if (rotation->kind != RECORD_KEY_ROTATION)
        return why_say(why, ERR_PERMIT_INVALID, "pawl-key is a record of kind %s, not key_rotation",
                       record_kind_name(rotation->kind));
    if (!slice_eq(rotation->issuer, record->issuer))
        return apart(why, "issuers");
    if (!slice_eq(rotation->session_id, record->session_id))
        return apart(why, "sessions");
    if (rotation->epoch != record->epoch)
        return why_say(why, ERR_PERMIT_INVALID,
                       "decided under epoch %" PRIu64 ", by a key of epoch %" PRIu64, record->epoch,
                       rotation->epoch);
    if (rotation->action_ms > record->action_ms)
        return why_say(why, ERR_PERMIT_INVALID,
                       "the key was introduced at %" PRIu64 " ms, after the decision at %" PRIu64
                       " ms",
                       rotation->action_ms, record->action_ms);
    if (!digest_eq(&rotation->input, &record->kid)) { /* its input_hash is the key's thumbprint */
        digest_text(&record->kid, got);
        digest_text(&rotation->input, want);
        return why_say(why, ERR_PERMIT_INVALID, "signed by key %s, but pawl-key introduces %s", got,
                       want);
    }
    return ERR_OK;
}

static err_code check_receipt(const struct permit *permit, struct why *why)
{
    const struct record *record = &permit->record;
    const struct receipt *receipt = &permit->receipt;
    char got[DIGEST_TEXT], want[DIGEST_TEXT];

    if (!slice_eq(receipt->issuer, record->issuer))
        return apart(why, "issuers");
    if (receipt->epoch != record->epoch)
        return why_say(why, ERR_PERMIT_INVALID,
                       "decided under epoch %" PRIu64 ", but its receipt is of epoch %" PRIu64,
                       record->epoch, receipt->epoch);
    if (!digest_eq(&receipt->snapshot, &record->snapshot))
        return apart(why, "snapshots");
    if (receipt->simulated != record->simulated)
        return apart(why, "hardware: one part says simulated");
    if (!digest_eq(&receipt->signer, &record->kid)) { /* an older session's key, in a newer tree */
        digest_text(&record->kid, got);
        digest_text(&receipt->signer, want);
        return why_say(why, ERR_PERMIT_INVALID,
                       "signed by key %s, but its receipt is of a round of key %s", got, want);
    }
    return ERR_OK;
}

static err_code parse(struct slice bytes, struct permit_known *known, struct permit *permit,
                      struct why *why)
{
    struct cose_sign1 message;
    struct slice receipt;
    err_code err;

    if (bytes.len > PERMIT_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a permit has %zu bytes, the limit is %zu", bytes.len,
                       PERMIT_SIZE_MAX);
    TRY(cose_sign1_parse(bytes, CBOR_DETERMINISTIC, &message, why));
    err = read_unprotected(message.headers.unprotected, known, permit, &receipt);
    if (err != ERR_OK)
        return why_say(why, err == ERR_TOO_LARGE ? err : ERR_FORMAT,
                       "the unprotected header is not that of a permit in docs/ledger.cddl");
    TRY(cose_sign1_assemble(message.protected_, (struct slice){0}, message.payload,
                            message.detached, message.signature, &permit->entry));
    TRY(record_parse(buf_slice(&permit->entry), &permit->record, why));
    if (permit->record.kind != RECORD_DECISION)
        return why_say(why, ERR_PERMIT_INVALID, "a record of kind %s is no permit",
                       record_kind_name(permit->record.kind));
    TRY(record_disclosures_check(&permit->record, &permit->disclosures, why));
    TRY(known != NULL ? receipt_parse_known(receipt, &known->receipt, &permit->receipt, why)
                      : receipt_parse(receipt, RECEIPT_OWN, &permit->receipt, why));
    TRY(rotation_of(permit->rotation_entry, known, &permit->rotation, why));
    TRY(check_receipt(permit, why));
    TRY(check_rotation(permit, why));
    return check_chain(permit, known, why);
}

err_code permit_parse(struct slice bytes, struct permit *ret, struct why *why)
{
    err_code err;

    *ret = (struct permit){0};
    err = parse(bytes, NULL, ret, why);
    if (err != ERR_OK)
        permit_free(ret);
    return err;
}
