/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c: tpm_bench [URI [OWNER-AUTH-FILE]]: what each TPM command of a round costs when its
 * octets are sent straight through the transport, and what a round through the root costs beside
 * their sum. One JSON object a line; medians.
 *
 * Without arguments it starts a swtpm of its own. With a URI it uses that TPM: at the index and the
 * handles of the URI (which must be free) it enrols a gate of an authority that exists only in this
 * process, makes about 20 increments and some thousand of the orderly counter of rounds, and
 * removes all of it again. Counters made later on that TPM begin above those, so it is no TPM that
 * is to have the base of a fleet.
 */
#include "test-env/fixtures/swtpm.h"
#include "tpm/command.h"
#include "tpm/internal.h"
#include "tpm/owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 2000
#define ROUNDS_MIN 15
#define SECONDS 15.0   /* for the rounds; slow chips make fewer */
#define SLOW_ROUNDS 16 /* of what wears the chip */
#define TAPE_MAX 64
#define COMMAND_MAX 1024

/* The octets of the commands that a round sent, to be sent again. They hold no nonce and no HMAC:
 * the same octets do the same again, as long as the session lives. */
struct tape {
    bool on;
    size_t n;
    struct {
        uint32_t code;
        size_t len;
        uint8_t octets[COMMAND_MAX];
    } command[TAPE_MAX];
};

/* A source that listens. */
struct listener {
    struct tpm_source source; /* first */
    struct tpm_source *below;
    TSS2_TCTI_CONTEXT_COMMON_V1 tcti;
    TSS2_TCTI_CONTEXT *lower;
};

struct bench {
    struct swtpm swtpm;
    struct hw_options options;
    struct hw_owner owner;
    struct hw_signer *ratchet[2];
    struct hw_enrolment enrolment;
    struct hw_grant grants[5];
    struct hw_mandate mandate;
    struct hw_root *root;
    struct tape tape;
    size_t n_begin; /* commands of begin, among those on the tape */
    char store[32];
    struct hw_head head;
};

/* One bench is under way at a time, and a TCTI has no place for a pointer of ours. */
static struct bench bench;
static struct listener listener;

static void clean_up(void);

static void remove_store(void)
{
    static const char *const names[] = {"head-auth", "head", "base", "settled", "tickets"};
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", bench.store, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(bench.store);
}

static _Noreturn void give_up(void)
{
    clean_up();
    swtpm_remove(&bench.swtpm);
    remove_store();
    exit(1);
}

static void must(err_code err, const struct why *why, const char *what)
{
    if (err == ERR_OK)
        return;
    (void)fprintf(stderr, "tpm_bench: %s: %s: %s\n", what, err_name(err), why->text);
    give_up();
}

/* --- listening --- */

static TSS2_RC listen_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
    struct tape *tape = &bench.tape;
    (void)tcti;

    if (tape->on && tape->n < TAPE_MAX && size <= COMMAND_MAX) {
        tape->command[tape->n].code = (uint32_t)command[8] << 8 | command[9];
        tape->command[tape->n].len = size;
        memcpy(tape->command[tape->n++].octets, command, size);
    }
    return Tss2_Tcti_Transmit(listener.lower, size, command);
}

static TSS2_RC listen_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response,
                              int32_t timeout)
{
    (void)tcti;
    return Tss2_Tcti_Receive(listener.lower, size, response, timeout);
}

static err_code listen_open(struct tpm_source *source, unsigned deadline_ms,
                            TSS2_TCTI_CONTEXT **ret, struct why *why)
{
    (void)source;
    TRY(listener.below->open(listener.below, deadline_ms, &listener.lower, why));
    listener.tcti = (TSS2_TCTI_CONTEXT_COMMON_V1){
        .magic = 1, .version = 1, .transmit = listen_transmit, .receive = listen_receive};
    *ret = (TSS2_TCTI_CONTEXT *)(void *)&listener.tcti;
    return ERR_OK;
}

static void listen_close(struct tpm_source *source, TSS2_TCTI_CONTEXT **tcti)
{
    (void)source;
    listener.below->close(listener.below, &listener.lower);
    *tcti = NULL;
}

static void listen_free(struct tpm_source *source)
{
    (void)source;
    tpm_source_free(&listener.below);
}

/* --- figures --- */

static double now_us(void)
{
    struct timespec t = {0};

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

static const char *name_of(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *name;
    } names[] = {
        {TPM2_CC_NV_Read, "NV_Read"},
        {TPM2_CC_PolicyRestart, "PolicyRestart"},
        {TPM2_CC_PolicyNV, "PolicyNV"},
        {TPM2_CC_PolicyPCR, "PolicyPCR"},
        {TPM2_CC_PolicyCommandCode, "PolicyCommandCode"},
        {TPM2_CC_PolicyAuthorize, "PolicyAuthorize"},
        {TPM2_CC_PolicyOR, "PolicyOR"},
        {TPM2_CC_Sign, "Sign"},
        {TPM2_CC_NV_Certify, "NV_Certify"},
        {TPM2_CC_NV_Increment, "NV_Increment"},
        {TPM2_CC_NV_Extend, "NV_Extend"},
        {TPM2_CC_PCR_Event, "PCR_Event"},
        {TPM2_CC_LoadExternal, "LoadExternal"},
        {TPM2_CC_VerifySignature, "VerifySignature"},
        {TPM2_CC_FlushContext, "FlushContext"},
        {TPM2_CC_StartAuthSession, "StartAuthSession"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            return names[i].name;
    return "other";
}

/* --- the bare commands --- */

/* Sends one command of the tape again and waits for its answer. Microseconds. */
static double replay_one(size_t i)
{
    uint8_t answer[TPM2_MAX_COMMAND_SIZE];
    size_t size = sizeof answer;
    double from = now_us(), took;
    TSS2_RC rc =
        Tss2_Tcti_Transmit(listener.lower, bench.tape.command[i].len, bench.tape.command[i].octets);

    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Tcti_Receive(listener.lower, &size, answer, (int32_t)TPM_DEADLINE_MS);
    took = now_us() - from;
    if (rc == TSS2_RC_SUCCESS && size >= 10)
        rc = (uint32_t)answer[6] << 24 | (uint32_t)answer[7] << 16 | (uint32_t)answer[8] << 8 |
             answer[9];
    if (rc != TSS2_RC_SUCCESS) {
        (void)fprintf(stderr, "tpm_bench: %s, sent again, gave 0x%x\n",
                      name_of(bench.tape.command[i].code), rc);
        give_up();
    }
    return took;
}

/* Medians per command of the tape, one line each: commands that stand on it more than once share
 * a line. only: this code alone, or 0. */
static void print_commands(double (*took)[TAPE_MAX], size_t rounds, uint32_t only)
{
    static double values[ROUNDS_MAX * TAPE_MAX];

    for (size_t i = 0; i < bench.tape.n; i++) {
        uint32_t code = bench.tape.command[i].code;
        char metric[64];
        size_t n = 0;

        for (size_t k = 0; k < i && n == 0; k++)
            n += bench.tape.command[k].code == code;
        if (n > 0 || (only != 0 && code != only))
            continue;
        for (size_t k = i; k < bench.tape.n; k++)
            for (size_t r = 0; bench.tape.command[k].code == code && r < rounds; r++)
                values[n++] = took[r][k];
        (void)snprintf(metric, sizeof metric, "tpm_raw_%s", name_of(code));
        print(metric, median(values, n), "us");
    }
}

/* --- the rounds --- */

/* Returns what begin took of it, in us. */
static double one_round(struct why *why)
{
    double from = now_us(), begun;
    static const struct digest digest = {{1, 2, 3}};
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    const struct hw_root_ops *ops = bench.root->ops;
    uint8_t sig[64];

    bench.head.round++;
    bench.head.size += 64;
    must(ops->begin(bench.root, why), why, "begin");
    begun = now_us() - from;
    if (bench.tape.on)
        bench.n_begin = bench.tape.n;
    must(ops->head_bind(bench.root, &bench.head, HW_KEEP_ROUND, why), why, "bind");
    must(ops->sign(bench.root, &digest, sig, why), why, "sign");
    must(ops->seal(bench.root, &digest, &seal, why), why, "seal");
    return begun;
}

/* The root looks in each round whether the chain of heads is as it left it. */
static void follow_chain(size_t i, const struct hw_head *taped)
{
    struct tpm_boot *boot = &((struct tpm_root *)bench.root)->heads.boot;

    if (bench.tape.command[i].code == TPM2_CC_NV_Extend)
        must(tpm_chain_add(&boot->chain, taped, &boot->chain), &(struct why){0}, "chain");
}

/* Rounds through the root and bare rounds take turns, so that both see the same machine. */
static void bench_rounds(struct why *why)
{
    static double took[ROUNDS_MAX][TAPE_MAX], round[ROUNDS_MAX], raw[ROUNDS_MAX], begin[ROUNDS_MAX];
    double end = now_us() + SECONDS * 1e6, whole, bare;
    struct hw_head taped;
    size_t n = 0;

    (void)one_round(why);
    bench.tape.n = 0;
    bench.tape.on = true;
    (void)one_round(why);
    bench.tape.on = false;
    taped = bench.head;
    while (n < ROUNDS_MAX && (n < ROUNDS_MIN || now_us() < end)) {
        double from = now_us();

        begin[n] = one_round(why);
        round[n] = now_us() - from;
        raw[n] = 0;
        for (size_t i = 0; i < bench.tape.n; i++) {
            raw[n] += took[n][i] = replay_one(i);
            follow_chain(i, &taped);
        }
        n++;
    }
    print_commands(took, n, 0);
    whole = median(round, n);
    bare = median(raw, n);
    print("tpm_round", whole, "us");
    print("tpm_round_begin", median(begin, n), "us");
    print("tpm_round_raw", bare, "us");
    print("tpm_round_commands", (double)bench.tape.n, "commands");
    print("tpm_round_begin_commands", (double)bench.n_begin, "commands");
    print("tpm_round_over_raw", whole / bare, "ratio");
}

/* --- what does not happen every round --- */

static void replay_all(size_t rounds, uint32_t only)
{
    static double took[SLOW_ROUNDS][TAPE_MAX];

    for (size_t r = 0; r < rounds; r++)
        for (size_t i = 0; i < bench.tape.n; i++)
            took[r][i] = replay_one(i);
    print_commands(took, rounds, only);
}

static void bench_verify(struct why *why)
{
    CLEANUP(buf_free) struct buf sig = {0};
    static struct hw_statement statement;

    must(hw_sign(bench.ratchet[0], slice_str("x"), &sig, why), why, "sign in software");
    must(hw_statement_of(&bench.ratchet[0]->key, slice_str("x"), buf_slice(&sig), &statement), why,
         "statement");
    bench.tape.n = 0;
    bench.tape.on = true;
    must(bench.root->ops->verify(bench.root, &statement, why), why, "verify");
    bench.tape.on = false;
    replay_all(SLOW_ROUNDS, 0);
}

/* Keeps on the tape only commands of this code. */
static void keep(uint32_t code)
{
    size_t n = 0;

    for (size_t i = 0; i < bench.tape.n; i++)
        if (bench.tape.command[i].code == code)
            bench.tape.command[n++] = bench.tape.command[i];
    bench.tape.n = n;
}

static void mandate_for(uint64_t epoch, struct why *why)
{
    static struct tpm_plan plan;
    struct tpm_root *root = (struct tpm_root *)bench.root;

    plan = root->plan;
    for (unsigned i = 0; i < 3; i++) {
        const struct tpm_terms terms = {HW_GRANT_BUMP + i, bench.enrolment.base, epoch,
                                        bench.owner.root};

        must(tpm_grant_make(&plan, &terms, bench.ratchet[i % 2], &bench.grants[i + 2], why), why,
             "grant");
    }
    bench.mandate = (struct hw_mandate){.epoch = epoch,
                                        .snapshot = bench.owner.root, /* any digest is as good */
                                        .grants = bench.grants + 2,
                                        .n_grants = 3};
}

/* One increment under a grant that allows many is listened to, with its policy, and sent again. */
static void bench_step(struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)bench.root;
    static struct tpm_approval approval;
    const struct tpm_terms terms = {
        .kind = HW_GRANT_BUMP, .base = bench.enrolment.base, .epoch = 2 + SLOW_ROUNDS};

    mandate_for(terms.epoch, why);
    must(tpm_approve(root, &terms, bench.mandate.grants, 3, &approval, why), why, "approve");
    bench.tape.n = 0;
    bench.tape.on = true;
    must(tpm_increment_to(root, &approval, root->base + 2, why), why, "increment");
    bench.tape.on = false;
    replay_all(SLOW_ROUNDS, TPM2_CC_NV_Increment);
    bench.tape.n = 0;
    bench.tape.on = true;
    must(bench.root->ops->step(bench.root, &bench.mandate, why), why, "step");
    bench.tape.on = false;
    keep(TPM2_CC_PCR_Event);
    replay_all(SLOW_ROUNDS, TPM2_CC_PCR_Event);
}

/* --- before and after --- */

static void enrol(const struct tpm_uri *uri, struct why *why)
{
    static struct tpm_plan plan;
    struct tpm_facts facts = {bench.owner.domain, {{0}}, bench.owner.ratchet, 2, uri->index, 1};
    const struct tpm_terms first = {.kind = HW_GRANT_FIRST};
    const struct tpm_terms pad = {.kind = HW_GRANT_BUMP, .base = 1};
    struct hw_kept kept = {0};

    (void)snprintf(bench.owner.domain, sizeof bench.owner.domain, "bench.invalid");
    (void)snprintf(bench.owner.gate, sizeof bench.owner.gate, "bench");
    for (unsigned i = 0; i < 2; i++) {
        must(hw_signer_generate(HW_ES256, &bench.ratchet[i], why), why, "ratchet key");
        bench.owner.ratchet[i] = bench.ratchet[i]->key;
    }
    bench.owner.n_ratchet = 2;
    must(hash_sha256((struct slice){bench.owner.ratchet[0].x, 32}, &bench.owner.root), why, "hash");
    facts.root = bench.owner.root;
    must(tpm_plan_make(&facts, &plan, why), why, "plan");
    must(tpm_grant_make(&plan, &first, bench.ratchet[0], &bench.grants[0], why), why, "grant");
    must(tpm_grant_make(&plan, &pad, bench.ratchet[0], &bench.grants[1], why), why, "grant");
    bench.owner.grants = bench.grants;
    bench.owner.n_grants = 2;
    must(bench.root->ops->enrol(bench.root, &bench.owner, &bench.enrolment, why), why, "enrol");
    must(bench.root->ops->attach(bench.root, &bench.owner, &bench.enrolment, why), why, "attach");
    mandate_for(1, why);
    must(bench.root->ops->step(bench.root, &bench.mandate, why), why, "step");
    must(bench.root->ops->prepare(bench.root, &bench.mandate, why), why, "prepare");
    must(bench.root->ops->head_check(bench.root, NULL, 0, &kept, why), why, "head check");
    bench.head.round = kept.round;
}

/* Once enrolled, everything at these places is ours, so it may go. */
static void clean_up(void)
{
    struct tpm_root *root = (struct tpm_root *)bench.root;
    CLEANUP(tpm_auth_wipe) TPM2B_AUTH owner = {0};
    TSS2L_SYS_AUTH_COMMAND auth = {.count = 1, .auths = {{.sessionHandle = TPM2_RS_PW}}};
    const struct hw_enrolment *e = &bench.enrolment;
    TSS2_RC rc;

    if (e->receipt.alg == HW_ALG_NONE || tpm_chip_ready(&root->chip, NULL) != ERR_OK ||
        tpm_auth_read(bench.options.owner_auth_file, &owner, NULL) != ERR_OK)
        return;
    auth.auths[0].hmac = owner;
    rc = Tss2_Sys_NV_UndefineSpace(root->chip.sys, TPM2_RH_OWNER, e->index, &auth, NULL);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_evict(&root->chip, &owner, e->receipt_handle, e->receipt_handle);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_evict(&root->chip, &owner, e->seal_handle, e->seal_handle);
    for (enum tpm_head_place place = 0; rc == TPM2_RC_SUCCESS && place < TPM_HEAD_PLACES; place++)
        rc = tpm_nv_undefine(&root->chip, &owner, root->heads.plan.index[place]);
    mem_wipe(&auth, sizeof auth);
    if (rc != TPM2_RC_SUCCESS)
        (void)fprintf(stderr, "tpm_bench: not all was removed: 0x%x\n", rc);
}

int main(int argc, char **argv)
{
    struct tpm_uri uri;
    struct why why = {0};

    if (argc > 3) {
        (void)fprintf(stderr, "usage: tpm_bench [URI [OWNER-AUTH-FILE]]\n");
        return 2;
    }
    if (argc == 1)
        swtpm_start(&bench.swtpm);
    must(tpm_uri_parse(argc > 1 ? argv[1] : bench.swtpm.uri, &uri, &why), &why, "URI");
    must(tpm_source_of(&uri, &listener.below), &why, "source");
    listener.source = (struct tpm_source){.simulator = listener.below->simulator,
                                          .managed = listener.below->managed,
                                          .open = listen_open,
                                          .close = listen_close,
                                          .free = listen_free};
    bench.options = (struct hw_options){.allow_simulator = true,
                                        .store_dir = bench.store,
                                        .owner_auth_file = argc > 2 ? argv[2] : NULL};
    (void)snprintf(bench.store, sizeof bench.store, "/tmp/pawl-bench-XXXXXX");
    if (mkdtemp(bench.store) == NULL)
        give_up();
    must(tpm_root_open_source(&uri, &listener.source, &bench.options, &bench.root, &why), &why,
         "open");
    enrol(&uri, &why);
    bench_rounds(&why);
    bench_verify(&why);
    bench_step(&why);
    clean_up();
    hw_root_close(&bench.root);
    hw_signer_close(&bench.ratchet[0]);
    hw_signer_close(&bench.ratchet[1]);
    if (argc == 1)
        swtpm_remove(&bench.swtpm);
    remove_store();
    return 0;
}
