/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c: ledger_bench [--quick] [--dir DIR] [--entries N]...: what the ledger costs at N entries
 * (default: ten thousand and a million; ten million take 14 GB below DIR and some ten minutes). One
 * JSON object a line; names end in _10k, _1m and so on, those without are of the last log, which
 * ought to be the largest, and _growth is the last over the first.
 *
 *   ledger_append_over_disk  time to write and fdatasync the same octets, a batch of 64 records
 * each, over the time to append these records: judged, hashed, written, made durable, and folded
 * into tiles whenever the ledger asks for it. The two take turns, on one file system
 *   ledger_publish_us        tiles, checkpoint and seal of one batch for readers; not in the above
 *   ledger_verify_over_sha   time of one SHA-256 over all entries, over the time of the fast audit
 *                            of all files (see audit_log.h)
 *   ledger_open_ms           of a process of its own, with the longest journal there can be
 *   ledger_rss_mib           most memory of that process: open, proofs, entries, agents, a batch
 *   ledger_proof_us          median of inclusion proofs of random entries
 *   ledger_entry_us          median of reading random entries
 *
 * No hardware takes part: the records are those of a key in memory. The signatures of the records
 * that only fill the log up are none; nothing that is measured here looks at them.
 */
#include "gate/base/file.h"
#include "gate/ledger/audit_log.h"
#include "gate/ledger/bench_records.h"
#include "gate/ledger/log.h"
#include "gate/tlog/checkpoint_text.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64     /* records, as 64 clients make in one round */
#define FILLING 2048 /* records of a commit that only fills up */
#define BATCHES 320  /* of 64 records: several folds */
#define METRICS_MAX 16
#define PROOFS 1000     /* that are made in one process */
#define PROCESSES 7     /* that open the ledger */
#define AGENTS 100000   /* at most */
#define ENTRY_SIZE 1600 /* octets, generously: to see whether a log fits on the disk */
#define ORIGIN "example.org%2Fgate-1"

extern char **environ;

/* One log under way. */
struct bench {
    const char *program;
    char dir[512], state[540], bare[540];
    struct bench_gate gate;
    struct ledger *ledger;
    struct hw_ed25519 key;
    struct note_key name;
    uint64_t round, octets; /* of records */
    char label[24];
    bool largest, several, quick;
    int bare_fd;
};

static void must(err_code err, const struct why *why, const char *what)
{
    if (err == ERR_OK)
        return;
    (void)fprintf(stderr, "ledger_bench: %s: %s: %s\n", what, err_name(err), why->text);
    exit(1);
}

static void need(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

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

static void line(const char *metric, const char *suffix, double value, const char *unit)
{
    (void)printf("{\"metric\": \"%s%s%s\", \"value\": %.3f, \"unit\": \"%s\"}\n", metric,
                 *suffix == '\0' ? "" : "_", suffix, value, unit);
}

/* The figure, and for the largest log how it has grown since the smallest, which came first. */
static void print(const struct bench *b, const char *metric, double value, const char *unit)
{
    static struct {
        const char *metric;
        double value;
    } first[METRICS_MAX];
    size_t i = 0;

    line(metric, b->label, value, unit);
    while (i < METRICS_MAX - 1 && first[i].metric != NULL && strcmp(first[i].metric, metric) != 0)
        i++;
    if (first[i].metric == NULL) {
        first[i].metric = metric;
        first[i].value = value;
    }
    if (b->largest) {
        line(metric, "", value, unit);
        if (b->several)
            line(metric, "growth", value / first[i].value, "ratio");
    }
    (void)fflush(stdout);
}

/* ---- one process that opens a log --------------------------------------------------------------
 */

static double peak_mib(void)
{
    char line[128];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "re");

    need(file != NULL, "/proc/self/status");
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtod(line + 6, NULL);
    (void)fclose(file);
    return kib / 1024;
}

/* What a gate does with a ledger after its start, but for appending: "open-ms proof-us entry-us
 * peak-MiB". */
static int probe(const char *state)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    static double proof[PROOFS], entry[PROOFS];
    static struct bench_gate gate = {.seed = 7};
    static struct tree_path path;
    struct why why = {0};
    double from = now_us(), opened;

    must(ledger_open(state, LEDGER_APPEND, &ledger, &why), &why, "open");
    opened = now_us() - from;
    for (size_t i = 0; i < PROOFS; i++) {
        uint64_t size = ledger_size(ledger), index = bench_random(&gate, size);
        struct record_link link;
        char agent[32];

        from = now_us();
        must(tree_prove_inclusion(ledger_tree(ledger), index, size, &path, &why), &why, "prove");
        proof[i] = now_us() - from;
        from = now_us();
        must(ledger_entry(ledger, index, &bytes, &why), &why, "entry");
        entry[i] = now_us() - from;
        (void)snprintf(agent, sizeof agent, "agent-%" PRIu64, bench_random(&gate, AGENTS));
        must(ledger_link(ledger, slice_str(agent), &link, &why), &why, "link");
    }
    (void)printf("%.3f %.3f %.3f %.3f\n", opened / 1e3, median(proof, PROOFS),
                 median(entry, PROOFS), peak_mib());
    return 0;
}

/* Starts such a process and reads its line. */
static void ask_probe(const struct bench *b, double ret[static 4])
{
    char arg[] = "--probe", line[256] = {0}, state[540];
    char *argv[] = {(char *)(uintptr_t)b->program, arg, state, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status = 0;
    FILE *from;
    pid_t pid = -1;

    (void)snprintf(state, sizeof state, "%s", b->state);
    need(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    need(posix_spawn_file_actions_init(&actions) == 0 &&
             posix_spawn_file_actions_adddup2(&actions, ends[1], 1) == 0 &&
             posix_spawn(&pid, b->program, &actions, NULL, argv, environ) == 0,
         "posix_spawn");
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    from = fdopen(ends[0], "re");
    need(from != NULL && fgets(line, sizeof line, from) != NULL &&
             sscanf(line, "%lf %lf %lf %lf", &ret[0], &ret[1], &ret[2], &ret[3]) == 4,
         "the process that opens the ledger");
    (void)fclose(from);
    need(waitpid(pid, &status, 0) == pid && status == 0, "its exit status");
}

static void measure_processes(struct bench *b)
{
    static const char *const METRICS[] = {"ledger_open_ms", "ledger_proof_us", "ledger_entry_us",
                                          "ledger_rss_mib"};
    static const char *const UNITS[] = {"ms", "us", "us", "MiB"};
    double values[4][PROCESSES], one[4];

    for (size_t i = 0; i < PROCESSES; i++) {
        ask_probe(b, one);
        for (size_t k = 0; k < 4; k++)
            values[k][i] = one[k];
    }
    for (size_t k = 0; k < 4; k++)
        print(b, METRICS[k], median(values[k], PROCESSES), UNITS[k]);
}

/* ---- appending ---------------------------------------------------------------------------------
 */

/* Makes n records, one after the other in ret; ends: where each of them ends. */
static void make_records(struct bench *b, size_t n, struct buf *ret, size_t *ends)
{
    struct why why = {0};

    buf_cut(ret, 0);
    b->gate.round = b->round + 1;
    for (size_t i = 0; i < n; i++) {
        must(bench_gate_next(&b->gate, ret, &why), &why, "make a record");
        ends[i] = ret->len;
    }
    b->octets += ret->len;
}

static void append(struct bench *b, struct slice records, const size_t *ends, size_t n)
{
    struct why why = {0};

    for (size_t i = 0; i < n; i++) {
        size_t from = i == 0 ? 0 : ends[i - 1];

        must(ledger_stage(b->ledger, slice_part(records, from, ends[i] - from), &why), &why,
             "stage");
    }
    must(ledger_commit(b->ledger, ++b->round, &why), &why, "commit");
    if (ledger_wants_fold(b->ledger))
        must(ledger_fold(b->ledger, &why), &why, "fold");
}

static void publish(struct bench *b)
{
    const struct note_signer signer = {&b->name, &b->key, 0};
    CLEANUP(buf_free) struct buf note = {0};
    const struct checkpoint head = ledger_head(b->ledger).checkpoint;
    struct why why = {0};

    must(checkpoint_note_make(&head, &signer, &note, &why), &why, "checkpoint");
    must(ledger_publish(b->ledger, buf_slice(&note), (struct slice){0}, &why), &why, "publish");
}

static void fill(struct bench *b, uint64_t n)
{
    CLEANUP(buf_free) struct buf records = {0};
    static size_t ends[FILLING];
    double from = now_us();

    b->gate.unsigned_ = true;
    while (ledger_size(b->ledger) < n) {
        uint64_t left = n - ledger_size(b->ledger);
        size_t some = left < FILLING ? (size_t)left : FILLING;

        make_records(b, some, &records, ends);
        append(b, buf_slice(&records), ends, some);
    }
    b->gate.unsigned_ = false;
    (void)fprintf(stderr, "ledger_bench: %s: %" PRIu64 " entries of %.0f octets in %.1f s\n",
                  b->label, n, (double)b->octets / (double)n, (now_us() - from) / 1e6);
}

static void write_bare(const struct bench *b, struct slice octets)
{
    while (octets.len > 0) {
        ssize_t n = write(b->bare_fd, octets.ptr, octets.len);

        need(n > 0, "write");
        octets = slice_part(octets, (size_t)n, octets.len - (size_t)n);
    }
    need(fdatasync(b->bare_fd) == 0, "fdatasync");
}

static void measure_append(struct bench *b)
{
    CLEANUP(buf_free) struct buf records = {0};
    static double publishing[BATCHES];
    size_t batches = b->quick ? 4 : BATCHES, ends[BATCH];
    double appending = 0, bare = 0, from;

    b->bare_fd = open(b->bare, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    need(b->bare_fd >= 0, b->bare);
    for (size_t i = 0; i < batches; i++) {
        make_records(b, BATCH, &records, ends);
        for (unsigned turn = 0; turn < 2; turn++) {
            from = now_us();
            if (turn == i % 2) {
                append(b, buf_slice(&records), ends, BATCH);
                appending += now_us() - from;
            } else {
                write_bare(b, buf_slice(&records));
                bare += now_us() - from;
            }
        }
        from = now_us();
        publish(b);
        publishing[i] = now_us() - from;
    }
    (void)close(b->bare_fd);
    (void)unlink(b->bare);
    print(b, "ledger_append_entries_per_s", (double)(batches * BATCH) / appending * 1e6, "1/s");
    print(b, "ledger_append_over_disk", bare / appending, "ratio");
    print(b, "ledger_publish_us", median(publishing, batches), "us");
}

/* Grows the journal until one more batch would have it folded. */
static void lengthen_journal(struct bench *b)
{
    CLEANUP(buf_free) struct buf records = {0};
    struct why why = {0};
    size_t ends[BATCH];

    must(ledger_fold(b->ledger, &why), &why, "fold");
    while (!ledger_wants_fold(b->ledger)) {
        make_records(b, BATCH, &records, ends);
        for (size_t i = 0; i < BATCH; i++) {
            size_t from = i == 0 ? 0 : ends[i - 1];

            must(ledger_stage(b->ledger, slice_part(buf_slice(&records), from, ends[i] - from),
                              &why),
                 &why, "stage");
        }
        must(ledger_commit(b->ledger, ++b->round, &why), &why, "commit");
    }
    publish(b);
}

/* ---- auditing ----------------------------------------------------------------------------------
 */

static err_code any_key(const struct auditor *auditor, const struct digest *kid, uint64_t epoch,
                        struct hw_pubkey *ret, struct why *why)
{
    const struct bench *b = auditor->context;
    (void)kid;
    (void)epoch;
    (void)why;

    *ret = b->gate.hardware->key;
    return ERR_OK;
}

static err_code open_checkpoint(const struct auditor *auditor, struct slice note,
                                struct checkpoint *ret, struct why *why)
{
    const struct bench *b = auditor->context;
    struct checkpoint_text text;
    struct note parsed;

    TRY(checkpoint_note_open(note, &b->name, &parsed, &text, why));
    *ret = text.checkpoint;
    return ERR_OK;
}

static double audit_us(struct bench *b)
{
    const struct auditor auditor = {.key = any_key, .checkpoint = open_checkpoint, .context = b};
    char dir[560];
    const struct audit_job job = {.dir = dir, .auditor = &auditor};
    static struct audit_report report;
    struct why why = {0};
    double from = now_us();

    (void)snprintf(dir, sizeof dir, "%s/ledger", b->state);
    must(audit_log(&job, &report, &why), &why, "audit");
    need(report.read == ledger_size(b->ledger), "the audit read another number of entries");
    return now_us() - from;
}

/* One pass of SHA-256 over all entries. Reading them is not counted. */
static double hash_us(struct bench *b)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t digest[EVP_MAX_MD_SIZE], *octets = malloc((size_t)4 << 20);
    double took = 0, from;
    uint64_t left = b->octets;

    need(ctx != NULL && octets != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1, "hash");
    memset(octets, 1, (size_t)4 << 20);
    from = now_us();
    while (left > 0) {
        size_t some = left < (size_t)4 << 20 ? (size_t)left : (size_t)4 << 20;

        need(EVP_DigestUpdate(ctx, octets, some) == 1, "hash");
        left -= some;
    }
    need(EVP_DigestFinal_ex(ctx, digest, NULL) == 1, "hash");
    took = now_us() - from;
    EVP_MD_CTX_free(ctx);
    free(octets);
    return took;
}

static void measure_audit(struct bench *b)
{
    double hashing = hash_us(b), audit = audit_us(b);

    hashing = (hashing + hash_us(b)) / 2; /* before and after: the machine is others' as well */
    print(b, "ledger_verify_entries_per_s", (double)ledger_size(b->ledger) / audit * 1e6, "1/s");
    print(b, "ledger_verify_over_sha", hashing / audit, "ratio");
}

/* ---- a log -------------------------------------------------------------------------------------
 */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static void label(uint64_t n, char *ret, size_t size)
{
    if (n % 1000000 == 0)
        (void)snprintf(ret, size, "%" PRIu64 "m", n / 1000000);
    else if (n % 1000 == 0)
        (void)snprintf(ret, size, "%" PRIu64 "k", n / 1000);
    else
        (void)snprintf(ret, size, "%" PRIu64, n);
}

/* Entries stand on the disk once, but for the journal and the bare file. */
static bool has_room(const struct bench *b, const char *where, uint64_t n)
{
    struct statvfs fs;

    need(statvfs(where, &fs) == 0, where);
    if (fs.f_bavail * fs.f_frsize / 2 > n * ENTRY_SIZE)
        return true;
    (void)printf("{\"metric\": \"ledger_open_ms_%s\", \"skipped\": \"%s has no room for it\"}\n",
                 b->label, where);
    return false;
}

static void measure(struct bench *b, const char *where, uint64_t n)
{
    uint32_t agents = n / 10 < AGENTS ? (uint32_t)(n / 10) + 1 : AGENTS;
    struct why why = {0};

    label(n, b->label, sizeof b->label);
    if (!has_room(b, where, n))
        return;
    (void)snprintf(b->dir, sizeof b->dir, "%s/pawl-ledger-bench-XXXXXX", where);
    need(mkdtemp(b->dir) != NULL, b->dir);
    (void)snprintf(b->state, sizeof b->state, "%s/state", b->dir);
    (void)snprintf(b->bare, sizeof b->bare, "%s/bare", b->dir);
    must(file_make_dir(b->state, 0700, &why), &why, "directory");
    must(bench_gate_init(&b->gate, agents, &why), &why, "keys");
    must(hw_ed25519_generate(&b->key, &why), &why, "log key");
    must(note_key_make(NOTE_ED25519, slice_str(ORIGIN), b->key.public, &b->name, &why), &why,
         "log key");
    must(ledger_open(b->state, LEDGER_CREATE, &b->ledger, &why), &why, "create");
    b->round = b->octets = 0;
    fill(b, n);
    measure_append(b);
    lengthen_journal(b);
    measure_audit(b);
    ledger_close(&b->ledger);
    measure_processes(b);
    bench_gate_free(&b->gate);
    hw_ed25519_wipe(&b->key);
    (void)nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    uint64_t sizes[8] = {10000, 1000000};
    const char *where = "/var/tmp"; /* on a disk, which /tmp may not be */
    size_t n = 0;

    (void)signal(SIGXFSZ, SIG_IGN);
    bench.program = "/proc/self/exe";
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (more && strcmp(argv[i], "--probe") == 0)
            return probe(argv[i + 1]);
        if (strcmp(argv[i], "--quick") == 0) {
            bench.quick = true;
            sizes[n++] = 600;
        } else if (more && strcmp(argv[i], "--dir") == 0) {
            where = argv[++i];
        } else if (more && strcmp(argv[i], "--entries") == 0 && n < 8) {
            sizes[n++] = strtoull(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: ledger_bench [--quick] [--dir DIR] [--entries N]...\n");
            return 2;
        }
    }
    n = n == 0 ? 2 : n;
    for (size_t i = 0; i < n; i++) {
        bench.largest = i + 1 == n;
        bench.several = n > 1;
        measure(&bench, where, sizes[i]);
    }
    return 0;
}
