/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/enrolment.h"

#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/policy/issuer.h"
#include "gate/tlog/checkpoint_text.h"

#include <string.h>

enum root_kind { KIND_NONE = 0, KIND_TPM, KIND_PKCS11 };

static enum root_kind kind_of(const struct hw_description *about)
{
    if (strcmp(about->kind, "tpm") == 0)
        return KIND_TPM;
    return strcmp(about->kind, "pkcs11") == 0 ? KIND_PKCS11 : KIND_NONE;
}

void enrolment_free(struct enrolment *enrolment)
{
    *enrolment = (struct enrolment){0};
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Printable ASCII of at most size - 1 characters into a zeroed array. */
static void get_ascii(struct cbor_reader *r, char *ret, size_t size)
{
    struct slice text = cbor_get_text(r);

    if (text.len >= size) {
        cbor_fail(r, ERR_TOO_LARGE);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
            cbor_fail(r, ERR_FORMAT);
        ret[i] = (char)text.ptr[i];
    }
}

static void get_name(struct cbor_reader *r, uint8_t ret[static HW_TPM_NAME_LEN])
{
    struct slice bytes = cbor_get_bytes(r);

    if (bytes.len != HW_TPM_NAME_LEN)
        cbor_fail(r, ERR_FORMAT);
    else
        memcpy(ret, bytes.ptr, HW_TPM_NAME_LEN);
}

static void get_key(struct cbor_reader *r, struct hw_pubkey *ret, struct why *why)
{
    err_code err = term_key_get(r, ret, why);

    if (err != ERR_OK)
        cbor_fail(r, err);
    else if (ret->alg != HW_ES256)
        cbor_fail(r, ERR_FORMAT);
}

static uint32_t get_handle(struct cbor_reader *r)
{
    uint64_t value = cbor_get_uint(r);

    if (value > UINT32_MAX)
        cbor_fail(r, ERR_FORMAT);
    return (uint32_t)value;
}

static void get_about(struct cbor_reader *r, struct hw_description *ret)
{
    struct cbor_map map = cbor_open_map(r);

    cbor_need(&map, "kind");
    get_ascii(r, ret->kind, sizeof ret->kind);
    cbor_need(&map, "es384");
    ret->es384 = cbor_get_bool(r);
    cbor_need(&map, "model");
    get_ascii(r, ret->model, sizeof ret->model);
    cbor_need(&map, "ps256");
    ret->ps256 = cbor_get_bool(r);
    cbor_need(&map, "seals");
    ret->seals = cbor_get_bool(r);
    cbor_need(&map, "firmware");
    get_ascii(r, ret->firmware, sizeof ret->firmware);
    cbor_need(&map, "verifies");
    ret->verifies = cbor_get_bool(r);
    cbor_need(&map, "simulator");
    ret->simulator = cbor_get_bool(r);
    cbor_need(&map, "refuses-rollback");
    ret->refuses_rollback = cbor_get_bool(r);
    cbor_close_map(&map);
}

/* Optional members: which of them belong together is judged at the end. */
struct present {
    bool base, index, serial, seal_name, index_name, seal_handle, receipt_name, receipt_handle;
};

static void get_chain(struct cbor_reader *r, struct x509_chain *ret, struct why *why)
{
    err_code err = x509_chain_get(r, ret, why);

    if (err != ERR_OK)
        cbor_fail(r, err);
}

static void get_rest(struct cbor_reader *r, struct cbor_map *map, struct enrolment *out,
                     struct present *present, struct why *why)
{
    struct hw_enrolment *hw = &out->hw;

    cbor_need(map, "receipt");
    get_key(r, &hw->receipt, why);
    if ((present->seal_name = cbor_key(map, "seal-name")))
        get_name(r, hw->seal_name);
    if ((present->index_name = cbor_key(map, "index-name")))
        get_name(r, hw->index_name);
    if ((present->seal_handle = cbor_key(map, "seal-handle")))
        hw->seal_handle = get_handle(r);
    if (cbor_key(map, "device-chain"))
        get_chain(r, &out->device_chain, why);
    if ((present->receipt_name = cbor_key(map, "receipt-name")))
        get_name(r, hw->receipt_name);
    if ((present->receipt_handle = cbor_key(map, "receipt-handle")))
        hw->receipt_handle = get_handle(r);
}

static err_code complete(const struct enrolment *e, const struct present *p, struct why *why)
{
    bool tpm = p->base && p->index && p->seal_name && p->index_name && p->seal_handle &&
               p->receipt_name && p->receipt_handle && !p->serial;
    bool hsm = p->serial && !p->base && !p->index && !p->seal_name && !p->index_name &&
               !p->seal_handle && !p->receipt_name && !p->receipt_handle;

    switch (kind_of(&e->hw.about)) {
    case KIND_TPM:
        return tpm ? ERR_OK
                   : why_say(why, ERR_FORMAT,
                             "the enrolment of a TPM lacks or exceeds its members");
    case KIND_PKCS11:
        return hsm ? ERR_OK
                   : why_say(why, ERR_FORMAT,
                             "the enrolment of a token lacks or exceeds its members");
    case KIND_NONE:
        break;
    }
    return why_say(why, ERR_UNSUPPORTED, "a hardware root of kind \"%s\"", e->hw.about.kind);
}

err_code enrolment_issuer(struct slice domain, struct slice gate, struct buf *ret)
{
    TRY(buf_add_str(ret, "dev.pawl:"));
    return tlog_origin(domain, gate, ret);
}

static err_code check_log(const struct enrolment *e, struct why *why)
{
    CLEANUP(buf_free) struct buf origin = {0};
    struct note_key key;

    TRY(note_key_parse(e->log, &key, why));
    TRY(tlog_origin(e->domain, e->gate, &origin));
    if (key.type != NOTE_ED25519)
        return why_say(why, ERR_FORMAT, "the key of a log is Ed25519, not of type %d", key.type);
    if (!slice_eq(note_key_name(&key), buf_slice(&origin)))
        return why_say(why, ERR_FORMAT, "the log's key is named \"%s\", not \"%s\"", key.name,
                       (const char *)origin.ptr);
    return ERR_OK;
}

static err_code check_issuer(const struct enrolment *e, struct why *why)
{
    size_t at;

    if (e->issuer.len > ENROLMENT_ISSUER_MAX || !text_is_plain(e->issuer, &at))
        return why_say(why, ERR_FORMAT, "the issuer is not a URI of at most %d bytes",
                       ENROLMENT_ISSUER_MAX);
    return issuer_of_enrolment(e, why);
}

static err_code check(const struct enrolment *e, struct why *why)
{
    TRY(term_name_check("domain", e->domain, why));
    TRY(term_name_check("gate", e->gate, why));
    if (e->zone.len > 0)
        TRY(term_name_check("zone", e->zone, why));
    TRY(check_log(e, why));
    TRY(check_issuer(e, why));
    if (e->hw.base > TERM_NUMBER_MAX || e->hw.epoch > TERM_NUMBER_MAX)
        return why_say(why, ERR_FORMAT, "base %llu or epoch %llu is out of range",
                       (unsigned long long)e->hw.base, (unsigned long long)e->hw.epoch);
    return ERR_OK;
}

err_code enrolment_parse(struct slice bytes, struct enrolment *ret, struct why *why)
{
    struct enrolment out = {0};
    struct present present = {0};
    struct cbor_reader r;
    struct cbor_map map;

    if (bytes.len > ENROLMENT_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "an enrolment of %zu bytes, the limit is %zu", bytes.len,
                       ENROLMENT_SIZE_MAX);
    r = cbor_read(bytes, CBOR_DETERMINISTIC);
    map = cbor_open_map(&r);
    cbor_need(&map, "log");
    out.log = cbor_get_text(&r);
    if ((present.base = cbor_key(&map, "base")))
        out.hw.base = cbor_get_uint(&r);
    cbor_need(&map, "gate");
    out.gate = cbor_get_text(&r);
    cbor_need(&map, "root");
    cbor_get_digest(&r, &out.root);
    cbor_need(&map, "seal");
    get_key(&r, &out.hw.seal, why);
    if (cbor_key(&map, "zone")) {
        out.zone = cbor_get_text(&r);
        if (out.zone.len == 0)
            cbor_fail(&r, ERR_FORMAT);
    }
    cbor_need(&map, "about");
    get_about(&r, &out.hw.about);
    cbor_need(&map, "epoch");
    out.hw.epoch = cbor_get_uint(&r);
    if ((present.index = cbor_key(&map, "index")))
        out.hw.index = get_handle(&r);
    cbor_need(&map, "domain");
    out.domain = cbor_get_text(&r);
    cbor_need(&map, "issuer");
    out.issuer = cbor_get_text(&r);
    if ((present.serial = cbor_key(&map, "serial")))
        get_ascii(&r, out.hw.serial, sizeof out.hw.serial);
    get_rest(&r, &map, &out, &present, why);
    cbor_close_map(&map);
    if (cbor_done(&r) != ERR_OK)
        return term_refuse(why, cbor_done(&r), "enrolment");
    TRY(complete(&out, &present, why));
    TRY(check(&out, why));
    *ret = out;
    return ERR_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_about(struct cbor_writer *w, const struct hw_description *about)
{
    cbor_put_map(w, 9);
    cbor_put_text(w, "kind");
    cbor_put_text(w, about->kind);
    cbor_put_text(w, "es384");
    cbor_put_bool(w, about->es384);
    cbor_put_text(w, "model");
    cbor_put_text(w, about->model);
    cbor_put_text(w, "ps256");
    cbor_put_bool(w, about->ps256);
    cbor_put_text(w, "seals");
    cbor_put_bool(w, about->seals);
    cbor_put_text(w, "firmware");
    cbor_put_text(w, about->firmware);
    cbor_put_text(w, "verifies");
    cbor_put_bool(w, about->verifies);
    cbor_put_text(w, "simulator");
    cbor_put_bool(w, about->simulator);
    cbor_put_text(w, "refuses-rollback");
    cbor_put_bool(w, about->refuses_rollback);
}

static void put_chain(struct cbor_writer *w, const struct enrolment *e)
{
    if (e->device_chain.n == 0)
        return;
    cbor_put_text(w, "device-chain");
    x509_chain_put(w, &e->device_chain);
}

static void put_names(struct cbor_writer *w, const struct enrolment *e)
{
    const struct hw_enrolment *hw = &e->hw;

    cbor_put_text(w, "seal-name");
    cbor_put_bytes(w, SLICE_OF(hw->seal_name));
    cbor_put_text(w, "index-name");
    cbor_put_bytes(w, SLICE_OF(hw->index_name));
    cbor_put_text(w, "seal-handle");
    cbor_put_uint(w, hw->seal_handle);
    put_chain(w, e);
    cbor_put_text(w, "receipt-name");
    cbor_put_bytes(w, SLICE_OF(hw->receipt_name));
    cbor_put_text(w, "receipt-handle");
    cbor_put_uint(w, hw->receipt_handle);
}

static void put_all(struct cbor_writer *w, const struct enrolment *e, bool tpm)
{
    const struct hw_enrolment *hw = &e->hw;

    cbor_put_map(w, 9u + (e->zone.len > 0) + (e->device_chain.n > 0) + (tpm ? 7u : 1u));
    cbor_put_text(w, "log");
    cbor_put_text_slice(w, e->log);
    if (tpm) {
        cbor_put_text(w, "base");
        cbor_put_uint(w, hw->base);
    }
    cbor_put_text(w, "gate");
    cbor_put_text_slice(w, e->gate);
    cbor_put_text(w, "root");
    cbor_put_bytes(w, digest_slice(&e->root));
    cbor_put_text(w, "seal");
    cose_key_put(w, &hw->seal);
    if (e->zone.len > 0) {
        cbor_put_text(w, "zone");
        cbor_put_text_slice(w, e->zone);
    }
    cbor_put_text(w, "about");
    put_about(w, &hw->about);
    cbor_put_text(w, "epoch");
    cbor_put_uint(w, hw->epoch);
    if (tpm) {
        cbor_put_text(w, "index");
        cbor_put_uint(w, hw->index);
    }
    cbor_put_text(w, "domain");
    cbor_put_text_slice(w, e->domain);
    cbor_put_text(w, "issuer");
    cbor_put_text_slice(w, e->issuer);
    if (!tpm) {
        cbor_put_text(w, "serial");
        cbor_put_text(w, hw->serial);
    }
    cbor_put_text(w, "receipt");
    cose_key_put(w, &hw->receipt);
    if (tpm)
        put_names(w, e);
    else
        put_chain(w, e);
}

err_code enrolment_write(const struct enrolment *enrolment, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);
    struct enrolment again;

    put_all(&w, enrolment, kind_of(&enrolment->hw.about) == KIND_TPM);
    TRY(cbor_written(&w));
    TRY(enrolment_parse(buf_slice(&out), &again, why));
    return buf_add_slice(ret, buf_slice(&out));
}
