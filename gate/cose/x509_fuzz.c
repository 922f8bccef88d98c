/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/did_x509.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

/* What is kept of a chain is what reading it anew says, also when it is asked again. */
static void look_at_known(struct slice encoded, const struct x509_chain *chain)
{
    CLEANUP(x509_known_free) struct x509_known known = {0};

    for (int i = 0; i < 2; i++)
        if (x509_known_decode(encoded, &known, NULL) == ERR_OK &&
            (chain->n == 0 || known.chain.n != chain->n ||
             !slice_eq(buf_slice(&known.encoded), encoded)))
            abort();
}

/* A chain that is taken is written again octet for octet; validating, resolving and issuing below
 * it stay inside it, whatever they answer. The first octet is how many of the next are a DID. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(buf_free) struct buf again = {0}, text = {0}, pem = {0};
    CLEANUP(x509_draft_free) struct x509_draft draft = {0};
    struct slice in = {bytes, len}, name, encoded;
    struct did_x509_document document;
    struct hw_pubkey key = {0};
    struct x509_chain chain;
    struct did_x509 did;

    if (len == 0)
        return 0;
    name = slice_part(in, 1, len - 1 < bytes[0] ? len - 1 : bytes[0]);
    encoded = slice_part(in, 1 + name.len, len - 1 - name.len);
    if (x509_chain_decode(encoded, &chain, NULL) != ERR_OK)
        chain.n = 0;
    else if (x509_chain_encode(&chain, &again) != ERR_OK || !slice_eq(buf_slice(&again), encoded))
        abort();
    look_at_known(encoded, &chain);
    if (x509_chain_from_pem(in, &pem, NULL) == ERR_OK &&
        x509_chain_decode(buf_slice(&pem), &(struct x509_chain){0}, NULL) != ERR_OK)
        abort();
    if (did_x509_parse(name, &did, NULL) == ERR_OK)
        (void)!did_x509_resolve(&did, &chain, X509_ANY_TIME, &document, NULL);
    if (did_x509_of_subject(&chain, &text, NULL) == ERR_OK &&
        did_x509_parse(buf_slice(&text), &did, NULL) != ERR_OK)
        abort();
    if (chain.n > 0 && x509_key(chain.certs[0], &key, NULL) == ERR_OK && key.alg == HW_ES256)
        (void)!x509_prepare_issue(
            &(struct x509_issue){.issuer = chain.certs[0], .key = &key, .qualifier = "x"}, &draft,
            NULL);
    return 0;
}
