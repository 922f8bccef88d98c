/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/bundle.h"

#include <stdlib.h>

void bundle_free(struct bundle *bundle)
{
    free(bundle->roots);
    free(bundle->grants);
    free(bundle->policies);
    *bundle = (struct bundle){0};
}

/* Opens an array and makes room for it. NULL when it is empty or something failed. */
static void *open_list(struct cbor_reader *r, size_t max, size_t size, size_t *ret_n)
{
    size_t n = cbor_get_array(r);
    void *list;

    *ret_n = 0;
    if (r->err == ERR_OK && n > max)
        cbor_fail(r, ERR_TOO_LARGE);
    if (r->err != ERR_OK || n == 0)
        return NULL;
    list = calloc(n, size);
    if (list == NULL)
        cbor_fail(r, ERR_NO_MEMORY);
    else
        *ret_n = n;
    return list;
}

static void get_messages(struct cbor_reader *r, size_t max, struct slice **ret, size_t *ret_n)
{
    *ret = open_list(r, max, sizeof **ret, ret_n);
    for (size_t i = 0; i < *ret_n; i++)
        (*ret)[i] = cbor_get_bytes(r);
}

static void get_all(struct cbor_reader *r, struct bundle *out)
{
    struct cbor_map map = cbor_open_map(r);

    cbor_need(&map, "roots");
    get_messages(r, BUNDLE_ROOTS_MAX, &out->roots, &out->n_roots);
    cbor_need(&map, "grants");
    out->grants = open_list(r, BUNDLE_GRANTS_MAX, sizeof *out->grants, &out->n_grants);
    for (size_t i = 0; i < out->n_grants; i++)
        grant_get(r, &out->grants[i]);
    cbor_need(&map, "policies");
    get_messages(r, BUNDLE_POLICIES_MAX, &out->policies, &out->n_policies);
    if (cbor_key(&map, "snapshot")) {
        out->snapshot = cbor_get_bytes(r);
        if (out->snapshot.len == 0)
            cbor_fail(r, ERR_FORMAT);
    }
    cbor_close_map(&map);
    if (out->n_roots == 0)
        cbor_fail(r, ERR_FORMAT);
}

err_code bundle_parse(struct slice bytes, struct bundle *ret, struct why *why)
{
    CLEANUP(bundle_free) struct bundle out = {0};
    struct cbor_reader r;
    err_code err;

    if (bytes.len > BUNDLE_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a bundle of %zu bytes, the limit is %zu", bytes.len,
                       BUNDLE_SIZE_MAX);
    r = cbor_read(bytes, CBOR_DETERMINISTIC);
    get_all(&r, &out);
    err = cbor_done(&r);
    if (err != ERR_OK)
        return term_refuse(why, err, "bundle");
    bundle_free(ret);
    *ret = out;
    out = (struct bundle){0};
    return ERR_OK;
}

static void put_messages(struct cbor_writer *w, const struct slice *list, size_t n)
{
    cbor_put_array(w, n);
    for (size_t i = 0; i < n; i++)
        cbor_put_bytes(w, list[i]);
}

err_code bundle_write(const struct bundle *bundle, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    if (bundle->n_roots > BUNDLE_ROOTS_MAX || bundle->n_grants > BUNDLE_GRANTS_MAX ||
        bundle->n_policies > BUNDLE_POLICIES_MAX)
        return why_say(
            why, ERR_TOO_LARGE,
            "%zu root metadata, %zu grants, %zu policy objects; the limits are %d, %d, %d",
            bundle->n_roots, bundle->n_grants, bundle->n_policies, BUNDLE_ROOTS_MAX,
            BUNDLE_GRANTS_MAX, BUNDLE_POLICIES_MAX);
    cbor_put_map(&w, 3 + (size_t)(bundle->snapshot.len > 0));
    cbor_put_text(&w, "roots");
    put_messages(&w, bundle->roots, bundle->n_roots);
    cbor_put_text(&w, "grants");
    cbor_put_array(&w, bundle->n_grants);
    for (size_t i = 0; i < bundle->n_grants; i++)
        grant_put(&w, &bundle->grants[i]);
    cbor_put_text(&w, "policies");
    put_messages(&w, bundle->policies, bundle->n_policies);
    if (bundle->snapshot.len > 0) {
        cbor_put_text(&w, "snapshot");
        cbor_put_bytes(&w, bundle->snapshot);
    }
    TRY(cbor_written(&w));
    if (out.len > BUNDLE_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a bundle of %zu bytes, the limit is %zu", out.len,
                       BUNDLE_SIZE_MAX);
    return buf_add_slice(ret, buf_slice(&out));
}
