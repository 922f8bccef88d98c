/* SPDX-License-Identifier: Apache-2.0 */
/* scrapi_entry.c: entries with what proves them, and the keys of that, from the published files. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/daemon/scrapi.h"
#include "gate/ledger/seal.h"
#include "gate/policy/enrolment.h"
#include "gate/tlog/tile.h"
#include "pkcs11/epoch_cert.h"

#include <stdlib.h>
#include <string.h>

/* ---- entries --------------------------------------------------------------------------------- */

/* A head that the hardware has signed, and the tiles below it. About 6 KiB. */
struct published {
    struct buf seal_bytes;
    struct sealed sealed;
    struct tiles *tiles;
    struct tree_source tree;
    uint64_t size;
};

static void published_close(struct published *log)
{
    tiles_close(&log->tiles);
    buf_free(&log->seal_bytes);
}

static err_code read_seal(const char *state_dir, struct buf *ret, struct sealed *ret_sealed,
                          struct why *why)
{
    struct scrapi_form form;
    err_code err;

    TRY(scrapi_file(state_dir, "/seal", ret, &form, why));
    err = sealed_parse(buf_slice(ret), ret_sealed, why);
    if (err != ERR_OK && err != ERR_NO_MEMORY)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "the published seal cannot be read");
    return err;
}

static err_code published_open(const char *state_dir, struct published *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};

    TRY(read_seal(state_dir, &ret->seal_bytes, &ret->sealed, why));
    ret->size = ret->sealed.receipt.tree_size;
    TRY(path_join(state_dir, "ledger", &dir));
    TRY(tiles_open((const char *)dir.ptr, ret->size, &ret->tiles, why));
    ret->tree = tiles_tree(ret->tiles);
    return ERR_OK;
}

/* The root that the hardware has signed, by the path of the receipt that lies there. */
static err_code signed_root(const struct published *log, struct digest *ret, struct why *why)
{
    const struct receipt *receipt = &log->sealed.receipt;
    struct digest leaf;

    TRY(tree_hash(log->tree, 0, receipt->leaf_index, &leaf, why));
    return tree_root_from(&leaf, receipt->leaf_index, log->size, &receipt->path, ret);
}

/* Nobody gets what does not prove itself. */
static err_code prove(const struct published *log, uint64_t index, struct slice entry,
                      struct tree_path *ret, struct why *why)
{
    struct digest leaf, root, want;

    TRY(tree_prove_inclusion(log->tree, index, log->size, ret, why));
    TRY(tree_leaf(entry, &leaf));
    TRY(tree_root_from(&leaf, index, log->size, ret, &root));
    TRY(signed_root(log, &want, why));
    if (!digest_eq(&root, &want))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "entry %llu does not lead to the published root: pawl log audit",
                       (unsigned long long)index);
    return ERR_OK;
}

/* RFC 9943: the statement with its receipt in the unprotected header. */
static err_code statement(struct slice entry, struct slice receipt, struct buf *ret,
                          struct why *why)
{
    CLEANUP(buf_free) struct buf unprotected = {0};
    struct cbor_writer w = cbor_write(&unprotected);
    struct cose_sign1 record;

    TRY(cose_sign1_parse(entry, CBOR_DETERMINISTIC, &record, why));
    cbor_put_map(&w, 1);
    cbor_put_int(&w, COSE_RECEIPTS);
    cbor_put_array(&w, 1);
    cbor_put_bytes(&w, receipt);
    TRY(cbor_written(&w));
    return cose_sign1_assemble(record.protected_, buf_slice(&unprotected), record.payload,
                               record.detached, record.signature, ret);
}

static err_code entry_of(const struct published *log, uint64_t index, bool receipt_alone,
                         struct tile_bundle *bundle, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf receipt = {0};
    struct tree_path path;
    struct slice entry;

    TRY(tiles_bundle(log->tiles, index / TILE_WIDTH, bundle, why));
    if (index - bundle->first >= bundle->n)
        return ERR_INTERNAL;
    entry = bundle->entries[index - bundle->first];
    TRY(prove(log, index, entry, &path, why));
    TRY(receipt_again(&log->sealed.receipt, index, &path, &receipt));
    return receipt_alone ? buf_add_slice(ret, buf_slice(&receipt))
                         : statement(entry, buf_slice(&receipt), ret, why);
}

static void published_drop(struct published **log)
{
    if (*log != NULL)
        published_close(*log);
    free(*log);
    *log = NULL;
}

static void bundle_drop(struct tile_bundle **bundle)
{
    if (*bundle != NULL)
        tile_bundle_free(*bundle);
    free(*bundle);
    *bundle = NULL;
}

err_code scrapi_entry(const char *state_dir, uint64_t index, bool receipt, struct buf *ret,
                      struct why *why)
{
    CLEANUP(published_drop) struct published *log = calloc(1, sizeof *log);
    CLEANUP(bundle_drop) struct tile_bundle *bundle = calloc(1, sizeof *bundle);

    if (log == NULL || bundle == NULL)
        return ERR_NO_MEMORY;
    TRY(published_open(state_dir, log, why));
    if (index >= log->size)
        return why_say(why, ERR_NOT_FOUND, "the published log has %llu entries",
                       (unsigned long long)log->size);
    return entry_of(log, index, receipt, bundle, ret, why);
}

err_code scrapi_entry_path(const char *text, uint64_t *ret_index, bool *ret_receipt)
{
    size_t len = strspn(text, "0123456789");
    char digits[20];

    *ret_receipt = text[len] == '\0';
    if (len == 0 || len >= sizeof digits || (text[0] == '0' && len > 1) ||
        (!*ret_receipt && strcmp(text + len, "/statement") != 0))
        return ERR_FORMAT;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return number_parse(digits, UINT64_MAX, ret_index);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The enrolment's receipt key, and those that the epoch certificates of a token name since. The
 * list says which keys there are; whom they belong to, the enrolment and the seal prove. */
struct key_set {
    struct hw_pubkey *keys;
    size_t n;
};

static void key_set_free(struct key_set *set)
{
    free(set->keys);
}

static void add_key(struct key_set *set, const struct hw_pubkey *key)
{
    for (size_t i = set->n; i > 0; i--)
        if (hw_pubkey_eq(&set->keys[i - 1], key))
            return;
    set->keys[set->n++] = *key;
}

static err_code chain_keys(struct slice chain, size_t n, struct key_set *set, struct why *why)
{
    struct hsm_cert cert;

    for (size_t i = 0; i < n; i++) {
        TRY(hsm_cert_parse(slice_part(chain, i * HSM_CERT_LEN, HSM_CERT_LEN), &cert, why));
        add_key(set, &cert.key);
    }
    return ERR_OK;
}

static err_code read_keys(const char *state_dir, struct key_set *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, enrolment_bytes = {0}, seal_bytes = {0};
    CLEANUP(published_drop) struct published *log = calloc(1, sizeof *log);
    struct slice chain = {0};
    struct enrolment *enrolment;
    size_t n = 0;
    err_code err;

    if (log == NULL)
        return ERR_NO_MEMORY;
    TRY(path_join(state_dir, "enrolment.cbor", &path));
    TRY(file_read((const char *)path.ptr, ENROLMENT_SIZE_MAX, &enrolment_bytes, why));
    if (read_seal(state_dir, &seal_bytes, &log->sealed, NULL) == ERR_OK &&
        log->sealed.seal.kind == HW_SEAL_EPOCH_CHAIN) {
        chain = log->sealed.seal.statement;
        TRY(hsm_chain_count(chain, &n, why));
    }
    enrolment = calloc(1, sizeof *enrolment);
    ret->keys = calloc(n + 1, sizeof *ret->keys);
    err = enrolment == NULL || ret->keys == NULL
              ? ERR_NO_MEMORY
              : enrolment_parse(buf_slice(&enrolment_bytes), enrolment, why);
    if (err == ERR_OK)
        add_key(ret, &enrolment->hw.receipt);
    free(enrolment);
    return err == ERR_OK ? chain_keys(chain, n, ret, why) : err;
}

static err_code kid_is(const struct hw_pubkey *key, const char *kid, bool *ret)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct digest thumbprint;

    TRY(cose_key_thumbprint(key, &thumbprint));
    TRY(base64url_encode(digest_slice(&thumbprint), &text));
    *ret = slice_eq_str(buf_slice(&text), kid);
    return ERR_OK;
}

static err_code write_one(const struct key_set *set, const char *kid, struct buf *ret,
                          struct why *why)
{
    for (size_t i = 0; i < set->n; i++) {
        struct cbor_writer w = cbor_write(ret);
        bool found;

        TRY(kid_is(&set->keys[i], kid, &found));
        if (!found)
            continue;
        cose_key_put(&w, &set->keys[i]);
        return cbor_written(&w);
    }
    return why_say(why, ERR_NOT_FOUND, "no receipt is signed with a key of this kid");
}

err_code scrapi_keys(const char *state_dir, const char *kid, struct buf *ret, struct why *why)
{
    CLEANUP(key_set_free) struct key_set set = {0};
    struct cbor_writer w;

    TRY(read_keys(state_dir, &set, why));
    if (kid != NULL)
        return write_one(&set, kid, ret, why);
    w = cbor_write(ret);
    cbor_put_array(&w, set.n);
    for (size_t i = 0; i < set.n; i++)
        cose_key_put(&w, &set.keys[i]);
    return cbor_written(&w);
}
