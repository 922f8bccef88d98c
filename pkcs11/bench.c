/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c: hsm_bench [URI DIRECTORY]: what the operations of a token cost, and what a round of the
 * HSM root costs beside the calls that it cannot do without. One JSON object a line, medians.
 *
 * Without arguments it makes a SoftHSM of its own. With them it enrols gate "bench" of domain
 * "bench.invalid" on the token of the URI. The directory keeps the authority's key and the
 * certificates, so that a second run finds what the first one made; a file so-pin in it lets the
 * first run make the one anchor, which stays on the token for good.
 */
#include "gate/base/file.h"
#include "pkcs11/internal.h"
#include "test-env/fixtures/softhsm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 2000
#define SLOW_ROUNDS 40

struct bench {
    struct softhsm hsm;
    struct hw_options options;
    struct hw_owner owner;
    struct hw_enrolment enrolment;
    struct hw_mandate mandate;
    struct hw_signer *authority;
    struct hw_root *root;
};

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y ? 1 : 0;
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static void print(const char *metric, double value, const char *unit)
{
    (void)printf("{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}\n", metric, value, unit);
}

/* ---- the bare calls -------------------------------------------------------------------------- */

static err_code bare_verify(struct hsm_token *token, CK_OBJECT_HANDLE anchor,
                            const struct hw_statement *st, struct why *why)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    struct hw_statement own = *st;

    TRY(hsm_ckr(token, token->f->C_VerifyInit(token->session, &mechanism, anchor), "C_VerifyInit",
                why));
    return hsm_ckr(token, token->f->C_Verify(token->session, own.digest, 32, own.sig, own.sig_len),
                   "C_Verify", why);
}

static err_code bare_sign(struct hsm_token *token, CK_OBJECT_HANDLE key, struct why *why)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    uint8_t digest[32] = {1}, sig[64];
    CK_ULONG len = sizeof sig;

    TRY(hsm_ckr(token, token->f->C_SignInit(token->session, &mechanism, key), "C_SignInit", why));
    return hsm_ckr(token, token->f->C_Sign(token->session, digest, sizeof digest, sig, &len),
                   "C_Sign", why);
}

/* What a head costs without the root: one object of that size is overwritten, or, where the token
 * forbids that, a new one is made and the old one destroyed. */
static err_code bare_put(struct hsm_token *token, CK_OBJECT_HANDLE *object, struct why *why)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    char label[] = "pawl-bench";
    static uint8_t octets[HSM_HEAD_VALUE_LEN];
    CK_ATTRIBUTE template[] = {HSM_ATTR(CKA_VALUE, octets), HSM_ATTR(CKA_CLASS, class),
                               HSM_ATTR(CKA_TOKEN, yes), HSM_ATTR(CKA_PRIVATE, yes),
                               HSM_ATTR(CKA_LABEL, label)};
    CK_OBJECT_HANDLE old = *object;
    CK_RV rv = CKR_ATTRIBUTE_READ_ONLY;

    octets[0]++;
    if (old != 0)
        rv = token->f->C_SetAttributeValue(token->session, old, template, 1);
    if (rv != CKR_ATTRIBUTE_READ_ONLY)
        return hsm_ckr(token, rv, "C_SetAttributeValue", why);
    TRY(hsm_ckr(token, token->f->C_CreateObject(token->session, template, HSM_N(template), object),
                "C_CreateObject", why));
    return old != 0 ? hsm_destroy(token, old, why) : ERR_OK;
}

/* ret_begin: what begin took of it, in us. */
static err_code round_of(struct hw_root *root, double *ret_begin, struct why *why)
{
    double from = now_us();
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    const struct digest digest = {{1}};
    const struct hw_head *last = &((struct hsm_root *)root)->heads.newest.head;
    const struct hw_head head = {.round = last->round + 1, .size = last->size + 64};
    uint8_t sig[64];

    TRY(root->ops->begin(root, why));
    *ret_begin = now_us() - from;
    TRY(root->ops->head_bind(root, &head, HW_KEEP_ROUND, why));
    TRY(root->ops->sign(root, &digest, sig, why));
    return root->ops->seal(root, &digest, &seal, why);
}

/* Interleaved, so that both see the same machine. */
static err_code bench_rounds(struct bench *b, struct why *why)
{
    static double verify[ROUNDS], sign[ROUNDS], put[ROUNDS], whole[ROUNDS], begin[ROUNDS];
    struct hsm_root *hsm = (struct hsm_root *)b->root;
    const struct hw_statement *st = &b->mandate.statements[0];
    CK_OBJECT_HANDLE object = 0;
    double v, s, p, w;

    TRY(bare_put(&hsm->token, &object, why));

    for (size_t i = 0; i < ROUNDS; i++) {
        double t0 = now_us(), t1, t2, t3;
        TRY(round_of(b->root, &begin[i], why));
        t1 = now_us();
        whole[i] = t1 - t0;
        TRY(bare_verify(&hsm->token, hsm->anchors[0], st, why));
        t2 = now_us();
        verify[i] = t2 - t1;
        TRY(bare_sign(&hsm->token, hsm->key, why));
        t3 = now_us();
        sign[i] = t3 - t2;
        TRY(bare_put(&hsm->token, &object, why));
        put[i] = now_us() - t3;
    }
    TRY(hsm_destroy(&hsm->token, object, why));
    v = median(verify, ROUNDS);
    s = median(sign, ROUNDS);
    p = median(put, ROUNDS);
    w = median(whole, ROUNDS);
    print("hsm_verify", v, "us");
    print("hsm_sign", s, "us");
    print("hsm_replace_object", p, "us");
    print("hsm_round", w, "us");
    print("hsm_round_begin", median(begin, ROUNDS), "us");
    print("hsm_round_over_raw", w / (v + s + p), "ratio");
    return ERR_OK;
}

static err_code bare_generate(struct hsm_token *token, CK_OBJECT_HANDLE *ret, struct why *why)
{
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    uint8_t curve[16], id[] = "pawl-bench";
    struct slice params = hsm_ec_params(HW_ES256);
    CK_ATTRIBUTE public[] = {HSM_ATTR(CKA_TOKEN, no), {CKA_EC_PARAMS, curve, params.len}};
    CK_ATTRIBUTE private[] = {HSM_ATTR(CKA_TOKEN, yes), HSM_ATTR(CKA_PRIVATE, yes),
                              HSM_ATTR(CKA_SENSITIVE, yes), HSM_ATTR(CKA_SIGN, yes),
                              HSM_ATTR(CKA_ID, id)};
    CK_OBJECT_HANDLE public_key;

    memcpy(curve, params.ptr, params.len);
    return hsm_ckr(token,
                   token->f->C_GenerateKeyPair(token->session, &mechanism, public, HSM_N(public),
                                               private, HSM_N(private), &public_key, ret),
                   "C_GenerateKeyPair", why);
}

static err_code bare_find(struct hsm_token *token, struct why *why)
{
    uint8_t id[] = "pawl-bench";
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_ID, id)};
    CK_OBJECT_HANDLE found[2];
    CK_ULONG n = 0;

    TRY(hsm_ckr(token, token->f->C_FindObjectsInit(token->session, wanted, 1), "C_FindObjectsInit",
                why));
    TRY(hsm_ckr(token, token->f->C_FindObjects(token->session, found, 2, &n), "C_FindObjects",
                why));
    TRY(hsm_ckr(token, token->f->C_FindObjectsFinal(token->session), "C_FindObjectsFinal", why));
    return n == 1 ? ERR_OK : why_say(why, ERR_HSM_FAILED, "found %lu keys, wanted 1", n);
}

static err_code bench_keys(struct bench *b, struct why *why)
{
    static double make[SLOW_ROUNDS], destroy[SLOW_ROUNDS], find[SLOW_ROUNDS];
    struct hsm_token *token = &((struct hsm_root *)b->root)->token;

    for (size_t i = 0; i < SLOW_ROUNDS; i++) {
        double t0 = now_us(), t1, t2;
        CK_OBJECT_HANDLE key = 0;
        TRY(bare_generate(token, &key, why));
        t1 = now_us();
        make[i] = t1 - t0;
        TRY(bare_find(token, why));
        t2 = now_us();
        find[i] = t2 - t1;
        TRY(hsm_destroy(token, key, why));
        destroy[i] = now_us() - t2;
    }
    print("hsm_generate_key_pair", median(make, SLOW_ROUNDS), "us");
    print("hsm_destroy_object", median(destroy, SLOW_ROUNDS), "us");
    print("hsm_find_objects", median(find, SLOW_ROUNDS), "us");
    return ERR_OK;
}

static err_code bench_steps(struct bench *b, struct why *why)
{
    static double step[SLOW_ROUNDS];

    for (size_t i = 0; i < SLOW_ROUNDS; i++) {
        double t0 = now_us();
        b->mandate.epoch++;
        TRY(b->root->ops->step(b->root, &b->mandate, why));
        step[i] = now_us() - t0;
    }
    print("hsm_step", median(step, SLOW_ROUNDS), "us");
    return ERR_OK;
}

/* ---- a gate to measure ----------------------------------------------------------------------- */

static err_code authority_of(struct bench *b, const char *dir, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, pem = {0};
    err_code err;

    TRY(path_join(dir, "authority.pem", &path));
    err = file_read((const char *)path.ptr, 8192, &pem, why);
    if (err == ERR_OK)
        return hw_signer_from_pem(buf_slice(&pem), &b->authority, why);
    if (err != ERR_NOT_FOUND)
        return err;
    TRY(hw_signer_generate(HW_ES256, &b->authority, why));
    TRY(hw_signer_to_pem(b->authority, &pem));
    return file_write_new((const char *)path.ptr, buf_slice(&pem), 0600, why);
}

/* A second run goes on with the head that the first one left. */
static err_code begin_heads(struct bench *b, struct why *why)
{
    struct hsm_root *hsm = (struct hsm_root *)b->root;
    struct hsm_head_found found;
    struct hw_kept kept;

    TRY(hsm_head_objects(hsm, &found, why));
    return b->root->ops->head_check(b->root, &found.record[0].head,
                                    found.whole > 0 && found.record[0].has_head ? 1 : 0, &kept,
                                    why);
}

static err_code set_up(struct bench *b, const char *uri, struct why *why)
{
    CLEANUP(buf_free) struct buf sig = {0};
    uint64_t epoch;
    double begun;

    (void)snprintf(b->owner.domain, sizeof b->owner.domain, "bench.invalid");
    (void)snprintf(b->owner.gate, sizeof b->owner.gate, "bench");
    b->owner.anchors[0] = b->authority->key;
    b->owner.n_anchors = 1;
    TRY(hsm_root_open(uri, &b->options, &b->root, why));
    TRY(b->root->ops->enrol(b->root, &b->owner, &b->enrolment, why));
    TRY(b->root->ops->attach(b->root, &b->owner, &b->enrolment, why));
    TRY(b->root->ops->epoch(b->root, &epoch, why));
    TRY(hw_sign(b->authority, slice_str("snapshot"), &sig, why));
    TRY(hash_sha256(slice_str("snapshot"), &b->mandate.snapshot));
    b->mandate.n_statements = 1;
    TRY(hw_statement_of(&b->authority->key, slice_str("snapshot"), buf_slice(&sig),
                        &b->mandate.statements[0]));
    b->mandate.epoch = epoch + 1;
    TRY(b->root->ops->step(b->root, &b->mandate, why));
    TRY(b->root->ops->prepare(b->root, &b->mandate, why));
    TRY(begin_heads(b, why));
    return round_of(b->root, &begun, why);
}

static err_code run(struct bench *b, const char *uri, const char *dir, struct why *why)
{
    CLEANUP(buf_free) struct buf so_pin = {0};

    TRY(path_join(dir, "so-pin", &so_pin));
    b->options = (struct hw_options){
        .allow_simulator = true,
        .store_dir = dir,
        .so_pin_file = file_exists((const char *)so_pin.ptr) ? (const char *)so_pin.ptr : NULL,
    };
    TRY(authority_of(b, dir, why));
    TRY(set_up(b, uri, why));
    TRY(bench_rounds(b, why));
    TRY(bench_keys(b, why));
    TRY(bench_steps(b, why));
    hw_root_close(&b->root);
    return ERR_OK;
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct why why = {0};
    err_code err;

    if (argc != 1 && argc != 3) {
        (void)fprintf(stderr, "usage: hsm_bench [URI DIRECTORY]\n");
        return 2;
    }
    if (argc == 1)
        softhsm_start(&b.hsm, "bench");
    err = argc == 3 ? run(&b, argv[1], argv[2], &why) : run(&b, b.hsm.uri, b.hsm.dir, &why);
    if (err != ERR_OK)
        (void)fprintf(stderr, "hsm_bench: %s: %s\n", err_name(err), why.text);
    hw_root_close(&b.root);
    hw_signer_close(&b.authority);
    softhsm_stop(&b.hsm);
    return err == ERR_OK ? 0 : 1;
}
