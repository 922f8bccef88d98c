/* SPDX-License-Identifier: Apache-2.0 */
/* pawl log export and show on a log with a hash envelope, which no gate writes yet. */
#include "gate/cli/verbs.h"
#include "gate/ledger/audit_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* One run of a verb on a lab's files. to: its argument, or NULL. */
static err_code run(const struct verb *verb, struct lab *lab, char *to, struct call *call)
{
    static char option[] = "--log";
    static struct args args;
    char *argv[] = {option, lab->dir, to};
    struct why why = {0};

    assert_int_equal(args_parse(to != NULL ? 3 : 2, argv, verb->opts, NO_OPTIONS, &args, &why),
                     ERR_OK);
    *call = (struct call){.args = &args, .state_dir = lab->dir, .json = json_object()};
    return verb->run(call);
}

static void forget(struct call *call)
{
    json_decref(call->json);
    buf_free(&call->text);
}

static struct lab *make_lab(struct buf *preimage, char name[static PAYLOAD_NAME])
{
    struct lab *lab = lab_make();

    lab_session(lab, 2);
    lab_add_envelope(lab, preimage, name);
    lab_commit(lab);
    lab_write(lab, lab->n);
    lab_put(lab, "payload/orphan", slice_str("of a batch that was killed"));
    return lab;
}

/* The copy has what the entries name, and passes an audit; what nobody names stays behind. */
static void a_copy_has_the_preimages(void **state)
{
    CLEANUP(buf_free) struct buf preimage = {0}, copied = {0};
    char name[PAYLOAD_NAME], to[64], path[192];
    struct lab *lab = make_lab(&preimage, name);
    struct audit_job job = lab_job(lab);
    struct audit_report report;
    struct call call;

    (void)state;
    testing_dir(to, sizeof to);
    if (run(&VERB_LOG_EXPORT, lab, to, &call) != ERR_OK)
        fail_msg("%s", call.why.text);
    forget(&call);
    (void)snprintf(path, sizeof path, "%s/%s", to, name);
    testing_read(path, &copied);
    assert_true(slice_eq(buf_slice(&copied), buf_slice(&preimage)));
    (void)snprintf(path, sizeof path, "%s/payload/orphan", to);
    assert_int_equal(access(path, F_OK), -1);
    job.dir = to;
    lab_good(&job, &report);
    assert_int_equal(report.kinds[RECORD_APPROVAL], 1);
    testing_remove(to);
    lab_free(lab);
}

static void a_preimage_is_gone(void **state)
{
    static const struct verb *const BOTH[] = {&VERB_LOG_EXPORT, &VERB_LOG_SHOW};
    CLEANUP(buf_free) struct buf preimage = {0};
    char name[PAYLOAD_NAME], to[64], path[192];
    struct lab *lab = make_lab(&preimage, name);

    (void)state;
    testing_dir(to, sizeof to);
    (void)snprintf(path, sizeof path, "%s/%s", lab->dir, name);
    assert_int_equal(unlink(path), 0);
    for (int damaged = 0; damaged < 2; damaged++) {
        for (int i = 0; i < 2; i++) {
            struct call call;

            assert_int_equal(run(BOTH[i], lab, i == 0 ? to : NULL, &call),
                             damaged ? ERR_LEDGER_INCONSISTENT : ERR_PREIMAGE_MISSING);
            assert_non_null(strstr(call.why.text, name));
            forget(&call);
        }
        testing_write(path, slice_str("something else"));
    }
    testing_remove(to);
    lab_free(lab);
}

static void is_shown(void **state)
{
    CLEANUP(buf_free) struct buf preimage = {0};
    char name[PAYLOAD_NAME];
    struct lab *lab = make_lab(&preimage, name);
    const json_t *entries, *last;
    struct call call;

    (void)state;
    if (run(&VERB_LOG_SHOW, lab, NULL, &call) != ERR_OK)
        fail_msg("%s", call.why.text);
    entries = json_object_get(call.json, "entries");
    assert_int_equal(json_array_size(entries), 4); /* bump, install and a decision are before it */
    last = json_array_get(entries, 3);
    assert_int_equal(json_integer_value(json_object_get(last, "index")), lab->n - 1);
    assert_string_equal(json_string_value(json_object_get(last, "kind")), "approval");
    forget(&call);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_the_preimages),
        cmocka_unit_test(a_preimage_is_gone),
        cmocka_unit_test(is_shown),
    };

    return cmocka_run_group_tests_name("log export", tests, NULL, NULL);
}
