/* SPDX-License-Identifier: Apache-2.0 */
/* pawl log witness on a gate's files as they lie on the disk, with witnesses in another language
 * (test-env/fixtures/witness.py). */
#include "gate/base/file.h"
#include "gate/cli/verbs.h"
#include "gate/cli/witness_testing.h"
#include "gate/decide/settings.h"
#include "gate/policy/enrolment.h"
#include "gate/tlog/cosign.h"
#include "gate/tlog/note_testing.h"
#include "gate/tlog/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 2

struct rig {
    char dir[64];
    struct note_pair log;
    struct note_key keys[N];
    struct witness_process witnesses[N];
    uint64_t round;
    struct args args;
    struct call call;
};

static struct rig rig;

static void path_of(const char *name, char ret[static 256])
{
    (void)snprintf(ret, 256, "%s/%s", rig.dir, name);
}

static void read_of(const char *name, struct buf *ret)
{
    char path[256];

    path_of(name, path);
    buf_free(ret);
    assert_int_equal(file_read(path, NOTE_SIZE_MAX, ret, NULL), ERR_OK);
}

static void write_enrolment(void)
{
    CLEANUP(buf_free) struct buf bytes = {0}, vkey = {0};
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    struct enrolment e = {.domain = slice_str("example.org"),
                          .gate = slice_str("gate-1"),
                          .issuer = slice_str("dev.pawl:example.org/gate-1")};
    struct why why = {0};
    char path[256];

    assert_int_equal(note_key_format(&rig.log.key, &vkey), ERR_OK);
    e.log = buf_slice(&vkey);
    assert_int_equal(hw_signer_generate(HW_ES256, &signer, NULL), ERR_OK);
    e.hw.receipt = e.hw.seal = signer->key;
    (void)snprintf(e.hw.about.kind, sizeof e.hw.about.kind, "pkcs11");
    (void)snprintf(e.hw.serial, sizeof e.hw.serial, "1");
    if (enrolment_write(&e, &bytes, &why) != ERR_OK)
        fail_msg("%s", why.text);
    path_of("enrolment.cbor", path);
    assert_int_equal(file_write(path, buf_slice(&bytes), 0644, NULL), ERR_OK);
}

static void write_settings(size_t needed)
{
    struct settings_witness witnesses[N];
    struct settings settings = {.hardware = strdup("pkcs11:token=x"),
                                .witnesses = witnesses,
                                .n_witnesses = N,
                                .witnesses_needed = needed};

    for (size_t i = 0; i < N; i++)
        witnesses[i] = (struct settings_witness){rig.witnesses[i].url, rig.witnesses[i].vkey};
    assert_int_equal(settings_save(rig.dir, &settings, NULL), ERR_OK);
    free(settings.hardware);
}

/* Adds n entries to the log and publishes. salt makes another history. */
static void grow(size_t n, uint8_t salt)
{
    CLEANUP(tlog_close) struct tlog *log = NULL;
    CLEANUP(buf_free) struct buf note = {0};
    struct tlog_head head;
    char path[256];

    path_of("ledger", path);
    assert_int_equal(tlog_open(path, TLOG_CREATE, &log, NULL), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        const uint8_t entry[] = {(uint8_t)i, salt};
        assert_int_equal(tlog_stage(log, SLICE_OF(entry), NULL), ERR_OK);
    }
    assert_int_equal(tlog_commit(log, ++rig.round, NULL), ERR_OK);
    head = tlog_head(log);
    assert_int_equal(checkpoint_note_make(&head.checkpoint,
                                          &(struct note_signer){&rig.log.key, &rig.log.pair, 0},
                                          &note, NULL),
                     ERR_OK);
    assert_int_equal(tlog_publish(log, buf_slice(&note), (struct slice){0}, NULL), ERR_OK);
}

static void begin(size_t i)
{
    static const char *const NAMES[N] = {"w.example/1", "w.example/2"};
    CLEANUP(buf_free) struct buf vkey = {0};
    char state[256], listen[300], name[32];

    (void)snprintf(name, sizeof name, "witness-%zu", i);
    path_of(name, state);
    (void)snprintf(listen, sizeof listen, "unix:%s/socket-%zu", rig.dir, i);
    assert_int_equal(note_key_format(&rig.log.key, &vkey), ERR_OK);
    witness_begin(&(struct witness_start){state, listen, NAMES[i], (const char *)vkey.ptr},
                  &rig.witnesses[i]);
    rig.keys[i] = rig.witnesses[i].key;
}

static int set_up(void **state)
{
    (void)state;
    rig = (struct rig){.dir = "/tmp/pawl-log-witness-XXXXXX"};
    assert_non_null(mkdtemp(rig.dir));
    rig.log = note_pair_of(NOTE_ED25519, "example.org/gate-1", 0);
    for (size_t i = 0; i < N; i++) {
        rig.witnesses[i].in = -1;
        begin(i);
    }
    write_enrolment();
    write_settings(N);
    return 0;
}

static void forget(void)
{
    json_decref(rig.call.json);
    buf_free(&rig.call.text);
    rig.call = (struct call){0};
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;

    for (size_t i = 0; i < N; i++)
        witness_end(&rig.witnesses[i]);
    forget();
    (void)snprintf(command, sizeof command, "rm -rf %s", rig.dir);
    return system(command);
}

static err_code run(void)
{
    forget();
    rig.call = (struct call){.args = &rig.args, .state_dir = rig.dir, .json = json_object()};
    return VERB_LOG_WITNESS.run(&rig.call);
}

static void runs(err_code want)
{
    err_code err = run();

    if (err != want)
        fail_msg("%s: %s", err_name(err), rig.call.why.text);
}

/* How many cosignatures a file has, all of them good. */
static size_t cosigned(const char *name, uint64_t size)
{
    const struct cosign_policy policy = {&rig.log.key, rig.keys, N, 0};
    CLEANUP(buf_free) struct buf bytes = {0};
    static struct cosign_verdict verdict;

    read_of(name, &bytes);
    assert_int_equal(cosign_open(buf_slice(&bytes), &policy, &verdict, NULL), ERR_OK);
    assert_int_equal(verdict.text.checkpoint.size, size);
    return verdict.n_good;
}

static void a_growing_log(void **state)
{
    static const size_t STEPS[] = {1, 2, 1, 300, 252, 1};
    uint64_t size = 0;
    (void)state;

    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        grow(STEPS[i], 0);
        size += STEPS[i];
        assert_int_equal(cosigned("ledger/checkpoint", size), 0);
        runs(ERR_OK);
        assert_int_equal(cosigned("ledger/checkpoint", size), N);
        assert_int_equal(cosigned("ledger/cosigned", size), N);
        assert_true(json_is_true(json_object_get(rig.call.json, "published")));
        assert_int_equal(json_integer_value(json_object_get(rig.call.json, "cosigned")), N);
        runs(ERR_OK); /* once more: newer signatures, none twice */
        assert_int_equal(cosigned("ledger/checkpoint", size), N);
    }
}

static void one_is_away(void **state)
{
    (void)state;
    grow(5, 0);
    witness_end(&rig.witnesses[0]);
    runs(ERR_WITNESS_UNREACHABLE);
    assert_int_equal(cosigned("ledger/checkpoint", 5), 1); /* what there is is kept */
    assert_int_equal(cosigned("ledger/cosigned", 5), 1);
    write_settings(1);
    runs(ERR_OK);
    assert_non_null(memmem(rig.call.text.ptr, rig.call.text.len, "WITNESS_UNREACHABLE", 19));
    begin(0);
    runs(ERR_OK);
    assert_int_equal(cosigned("ledger/checkpoint", 5), 2);
}

/* An older copy of the log, and another one. One witness is enough to tell. */
static void evidence(void **state)
{
    char command[600];
    (void)state;

    grow(5, 0);
    (void)snprintf(command, sizeof command, "cp -a %s/ledger %s/old", rig.dir, rig.dir);
    assert_int_equal(system(command), 0);
    grow(5, 0);
    write_settings(1);
    witness_end(&rig.witnesses[0]);
    runs(ERR_OK);
    begin(0);
    (void)snprintf(command, sizeof command, "rm -rf %s/ledger && cp -a %s/old %s/ledger", rig.dir,
                   rig.dir, rig.dir);
    assert_int_equal(system(command), 0);
    runs(ERR_LEDGER_ROLLBACK);
    assert_non_null(strstr(rig.call.why.text, "w.example/2"));
    grow(5, 1);
    runs(ERR_LEDGER_INCONSISTENT);
    assert_int_equal(cosigned("ledger/cosigned", 10), 1);
}

static void busy_gate(void **state)
{
    CLEANUP(lock_free) struct lock lock = {0};
    char path[256];
    (void)state;

    grow(5, 0);
    path_of("lock", path);
    assert_int_equal(lock_take(path, 0, &lock, NULL), ERR_OK);
    runs(ERR_OK);
    assert_int_equal(cosigned("ledger/checkpoint", 5), 0);
    assert_int_equal(cosigned("ledger/cosigned", 5), N);
    assert_true(json_is_false(json_object_get(rig.call.json, "published")));
}

/* Nobody is asked when the log is not whole, or not the gate's. */
static void broken_here(void **state)
{
    CLEANUP(buf_free) struct buf good = {0};
    const struct note_pair log = rig.log;
    char path[256];
    (void)state;

    path_of("ledger/checkpoint", path);
    runs(ERR_NOT_FOUND);
    grow(3, 0);
    read_of("ledger/checkpoint", &good);
    good.ptr[good.len - 5] ^= 1;
    assert_int_equal(file_write(path, buf_slice(&good), 0644, NULL), ERR_OK);
    assert_int_not_equal(run(), ERR_OK);
    rig.log = note_pair_of(NOTE_ED25519, "example.org/gate-1", 7);
    grow(3, 0);
    runs(ERR_SIGNER_UNKNOWN);
    rig.log = log;
    grow(3, 0);
    path_of("ledger/tile/0/000.p/9", path);
    read_of("ledger/tile/0/000.p/9", &good);
    good.ptr[70] ^= 1;
    assert_int_equal(file_write(path, buf_slice(&good), 0644, NULL), ERR_OK);
    runs(ERR_LEDGER_INCONSISTENT);
    path_of("gate.json", path);
    assert_int_equal(file_write(path,
                                slice_str("{\"hardware\": \"x:\", \"insecure_simulator\": false}"),
                                0600, NULL),
                     ERR_OK);
    runs(ERR_USAGE);
    for (size_t i = 0; i < N; i++) {
        char name[300];
        (void)snprintf(name, sizeof name, "ls %s/witness-%zu | wc -l | grep -qx 1", rig.dir, i);
        assert_int_equal(system(name), 0); /* its key alone: it was never asked */
    }
}

static void witnesses_that_cannot_be(void **state)
{
    static const struct {
        const char *url, *vkey;
        err_code want;
    } CASES[] = {
        {"ftp://w", NULL, ERR_USAGE},
        {"http://w", "w+0+A", ERR_KEY_MALFORMED},
        {"http://w", "a+00000000+BgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", ERR_UNSUPPORTED},
        {"http://w", NOTE_PEER_LOG, ERR_KEY_MALFORMED},
    };
    (void)state;

    grow(3, 0);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct witness_process kept = rig.witnesses[1];
        (void)snprintf(rig.witnesses[1].url, sizeof rig.witnesses[1].url, "%s", CASES[i].url);
        if (CASES[i].vkey != NULL)
            (void)snprintf(rig.witnesses[1].vkey, sizeof rig.witnesses[1].vkey, "%s",
                           CASES[i].vkey);
        write_settings(1);
        runs(CASES[i].want);
        rig.witnesses[1] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_growing_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_is_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evidence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(busy_gate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_here, set_up, tear_down),
        cmocka_unit_test_setup_teardown(witnesses_that_cannot_be, set_up, tear_down),
    };
    witness_need();
    return cmocka_run_group_tests_name("log_witness", tests, NULL, NULL);
}
