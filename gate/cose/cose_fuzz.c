/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and keys. What pawl's own rules accept the foreign ones do too, and it is what pawl
 * would put together from the same parts. */
#include "gate/cose/cose.h"
#include "gate/cose/cose_key.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void sign1(struct slice in)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cose_sign1 own, foreign;
    bool is_own = cose_sign1_parse(in, CBOR_DETERMINISTIC, &own, NULL) == ERR_OK;
    bool is_foreign = cose_sign1_parse(in, CBOR_FOREIGN, &foreign, NULL) == ERR_OK;

    if (is_own && (!is_foreign || own.headers.alg != foreign.headers.alg ||
                   cose_sign1_assemble(own.protected_, own.headers.unprotected, own.payload,
                                       own.detached, own.signature, &out) != ERR_OK ||
                   !slice_eq(buf_slice(&out), in)))
        abort();
}

static void sign(struct slice in)
{
    static struct cose_sign own, foreign;
    CLEANUP(buf_free) struct buf tbs = {0};

    if (cose_sign_parse(in, CBOR_DETERMINISTIC, &own, NULL) != ERR_OK)
        return;
    if (cose_sign_parse(in, CBOR_FOREIGN, &foreign, NULL) != ERR_OK ||
        own.n_signatures != foreign.n_signatures)
        abort();
    for (size_t i = 0; i < own.n_signatures; i++)
        if (cose_sign_tbs(own.protected_, own.signatures[i].protected_, (struct slice){0},
                          own.payload, &tbs) != ERR_OK)
            abort();
}

static void key(struct slice in)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_reader r = cbor_read(in, CBOR_FOREIGN);
    struct cbor_writer w = cbor_write(&out);
    struct hw_pubkey got, again;

    if (cose_key_get(&r, &got, NULL) != ERR_OK)
        return;
    cose_key_put(&w, &got);
    r = cbor_read(buf_slice(&out), CBOR_DETERMINISTIC);
    if (cbor_written(&w) != ERR_OK || cose_key_get(&r, &again, NULL) != ERR_OK ||
        cbor_done(&r) != ERR_OK || !hw_pubkey_eq(&got, &again))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct slice in = {bytes, len};

    sign1(in);
    sign(in);
    key(in);
    return 0;
}
