/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c: pawl doctor: everything that a gate needs, looked at one by one. */
#include "gate/cli/doctor.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/verbs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const STATES[] = {
    [DOCTOR_SKIPPED] = "skipped",
    [DOCTOR_WELL] = "ok",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_FAILED] = "failed",
};

void found(struct finding *finding, enum doctor_state state, const char *format, ...)
{
    va_list args;

    finding->state = state;
    va_start(args, format);
    (void)vsnprintf(finding->found, sizeof finding->found, format, args);
    va_end(args);
}

void doctor_free(struct doctor *doctor)
{
    ledger_close(&doctor->ledger);
    judged_free(&doctor->trust);
    installed_free(&doctor->installed);
    enrolment_free(&doctor->enrolment);
    buf_free(&doctor->trust_bytes);
    buf_free(&doctor->enrolment_bytes);
    settings_free(&doctor->settings);
    lock_free(&doctor->lock);
    json_decref(doctor->answer);
}

static struct finding examine(struct doctor *doctor, const struct doctor_check *check)
{
    struct finding finding = {0};
    struct why why = {0};
    err_code err = check->run(doctor, &finding, &why);

    if (err == ERR_OK)
        return finding;
    found(&finding, DOCTOR_FAILED, "%s", why.code == err ? why_text(&why, err) : err_text(err));
    finding.error = err;
    finding.why = why;
    if (finding.fix == NULL)
        finding.fix = check->fix != NULL ? check->fix : err_hint(err);
    return finding;
}

static void put_finding(json_t *list, const struct doctor_check *check,
                        const struct finding *finding)
{
    json_t *one = add_object(list);
    bool failed = finding->state == DOCTOR_FAILED;

    put_text(one, "check", check->name);
    put_text(one, "what", check->what);
    put_text(one, "state", STATES[finding->state]);
    put_text(one, failed ? "why" : "found", finding->found);
    if (failed) {
        put_text(one, "error", err_name(finding->error));
        put_uint(one, "exit", (uint64_t)err_exit(finding->error));
    }
    if (failed || finding->state == DOCTOR_WARNING)
        put_text(one, "fix", finding->fix);
}

static void say_finding(struct call *call, const struct doctor_check *check,
                        const struct finding *finding)
{
    bool failed = finding->state == DOCTOR_FAILED;

    say(call, "%-8s %-10s %s", failed ? "FAILED" : STATES[finding->state], check->name,
        failed ? check->what : finding->found);
    if (failed)
        say(call, "         %-10s why: %s (%s)", "", finding->found, err_name(finding->error));
    if ((failed || finding->state == DOCTOR_WARNING) && finding->fix != NULL)
        say(call, "         %-10s fix: %s", "", finding->fix);
}

struct tally {
    json_t *list;
    size_t failed, warnings, n;
};

static void examine_all(struct doctor *doctor, const struct doctor_check *checks,
                        struct tally *tally)
{
    struct call *call = doctor->call;

    for (; checks->name != NULL; checks++) {
        struct finding finding = examine(doctor, checks);

        put_finding(tally->list, checks, &finding);
        say_finding(call, checks, &finding);
        tally->n += finding.state != DOCTOR_SKIPPED;
        tally->warnings += finding.state == DOCTOR_WARNING;
        if (finding.state == DOCTOR_FAILED && tally->failed++ == 0)
            call->exit = err_exit(finding.error);
    }
}

/* While it is looked at nobody else changes it; or somebody has it, and does. */
static void hold(struct doctor *doctor)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct why why = {0};

    if (path_join(doctor->call->state_dir, "lock", &path) == ERR_OK &&
        file_exists((const char *)path.ptr))
        doctor->held = lock_take((const char *)path.ptr, 0, &doctor->lock, &why) == ERR_BUSY;
}

static err_code run(struct call *call)
{
    CLEANUP(doctor_free) struct doctor doctor = {.call = call};
    struct tally tally = {.list = put_array(call->json, "checks")};

    hold(&doctor);
    examine_all(&doctor, DOCTOR_STATE, &tally);
    examine_all(&doctor, DOCTOR_HARDWARE, &tally);
    put_uint(call->json, "failed", tally.failed);
    put_uint(call->json, "warnings", tally.warnings);
    say(call, "%zu looked at: %zu failed, %zu to be warned of", tally.n, tally.failed,
        tally.warnings);
    return ERR_OK;
}

const struct verb VERB_DOCTOR = {
    .name = "doctor",
    .arguments = "",
    .summary = "look at everything that the gate needs: what is wrong, why, and what mends it",
    .details =
        "Changes nothing, and tries no PIN. While pawld serves the gate it is asked what the\n"
        "hardware says. Exit code 0: all is well. Otherwise the code of the first check that\n"
        "failed.",
    .opts = NO_OPTIONS,
    .run = run,
};
