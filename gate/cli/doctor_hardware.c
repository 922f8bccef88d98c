/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_hardware.c: who has the gate, and what its hardware says. Beside a service, or another
 * pawl, a TPM is not touched: the service is asked.
 */
#include "gate/cli/doctor.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/service.h"
#include "pkcs11/peek.h"
#include "tpm/peek.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ABOUT_MAX ((size_t)16 << 10)
#define OTHERS 0002

static void json_free(json_t **json)
{
    json_decref(*json);
}

static err_code skip(struct finding *f, const char *why)
{
    found(f, DOCTOR_SKIPPED, "%s", why);
    return ERR_OK;
}

/* ---- the service ----------------------------------------------------------------------------- */

/* NULL: there is no service.json that can be read. */
static json_t *read_about(const struct doctor *d)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    struct why why = {0};

    if (path_join(d->call->state_dir, "service.json", &path) != ERR_OK ||
        file_read((const char *)path.ptr, ABOUT_MAX, &bytes, &why) != ERR_OK)
        return NULL;
    return json_loadb((const char *)bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES, NULL);
}

/* What `pawl status` would be told. */
static err_code ask(struct doctor *d, struct pawl_conn *service, struct why *why)
{
    const struct service_ask question = {.method = "GET", .path = "/v1/gate"};
    struct call call = *d->call;
    err_code err;

    call.json = json_object();
    call.why = (struct why){0};
    err = service_ask(&call, service, &question);
    *why = call.why;
    if (err == ERR_OK)
        d->answer = json_incref(call.json);
    json_decref(call.json);
    return err;
}

static err_code find(struct doctor *d, struct pawl_conn **ret, struct why *why)
{
    struct call call = *d->call;
    err_code err;

    call.why = (struct why){0};
    err = service_find(&call, false, ret);
    *why = call.why;
    return err;
}

static err_code service(struct doctor *d, struct finding *f, struct why *why)
{
    CLEANUP(json_free) json_t *about = read_about(d);
    CLEANUP(pawl_close) struct pawl_conn *conn = NULL;
    const char *reason;

    TRY(find(d, &conn, why));
    if (conn == NULL && about != NULL)
        return why_say(why, ERR_SERVICE_UNREACHABLE,
                       "service.json says process %llu, and nobody listens at \"%s\"",
                       get_uint(about, "pid"), get_text(about, "admin"));
    if (conn == NULL)
        return skip(f, d->held ? "pawld does not run; another pawl has the gate"
                               : "pawld does not run: each verb opens the gate itself");
    d->served = true;
    TRY(ask(d, conn, why));
    reason = get_text(d->answer, "reason");
    if (reason[0] != '\0')
        return why_say(why, err_from_name(reason), "pawld denies everything: %s",
                       get_text(d->answer, "why"));
    found(f, DOCTOR_WELL, "pawld (process %llu) serves epoch %llu", get_uint(about, "pid"),
          get_uint(d->answer, "epoch"));
    return ERR_OK;
}

static err_code look_at_socket(const char *path, bool anybody, struct why *why)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return why_errno(why, errno, "look at", path);
    if (!S_ISSOCK(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is no socket", path);
    if (!anybody && (st.st_mode & OTHERS) != 0)
        return why_say(why, ERR_STORAGE, "\"%s\" has mode %04o, at most %04o is safe", path,
                       st.st_mode & 07777, st.st_mode & 07777 & ~(unsigned)OTHERS);
    return ERR_OK;
}

static err_code sockets(struct doctor *d, struct finding *f, struct why *why)
{
    static const char *const KINDS[] = {"agents", "enforcement", "admin"};
    CLEANUP(json_free) json_t *about = read_about(d);
    size_t n = 0;

    if (!d->served)
        return skip(f, "pawld does not run");
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        const char *path = get_text(about, KINDS[i]);

        if (path[0] == '\0')
            continue; /* the service manager has it from elsewhere */
        TRY(look_at_socket(path, i == 0, why));
        n++;
    }
    if (get_text(about, "tls")[0] != '\0')
        found(f, DOCTOR_WELL, "%zu sockets, and %.64s over TLS", n, get_text(about, "tls"));
    else
        found(f, DOCTOR_WELL, "%zu sockets", n);
    return ERR_OK;
}

/* ---- hardware -------------------------------------------------------------------------------- */

static bool is_token(const struct doctor *d)
{
    return d->has_settings && strncmp(d->settings.hardware, "pkcs11:", 7) == 0;
}

static err_code pin(struct doctor *d, struct finding *f, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, secret = {0};
    err_code err;

    if (!is_token(d))
        return skip(f, "the hardware needs none");
    TRY(hsm_peek_pin_file(d->settings.hardware, &path, why));
    if (path.len == 0)
        return why_say(why, ERR_HSM_PIN_MISSING, "the URI in gate.json names no file");
    err = file_read_secret((const char *)path.ptr, &secret, why);
    if (d->served && (err == ERR_NOT_FOUND || why->foreign_code == EACCES))
        return skip(f, "the file is pawld's alone");
    TRY(err == ERR_NOT_FOUND
            ? why_say(why, ERR_HSM_PIN_MISSING, "there is no \"%s\"", (const char *)path.ptr)
            : err);
    if (secret.len == 0)
        return why_say(why, ERR_HSM_PIN_MISSING, "\"%s\" is empty", (const char *)path.ptr);
    found(f, DOCTOR_WELL, "\"%s\" can be read, and not by everybody", (const char *)path.ptr);
    return ERR_OK;
}

/* Sets the description where it is known; what is wrong with tries is kept for lockout(). */
static err_code peek_token(struct doctor *d, struct why *why)
{
    const char *serial = d->has_enrolment ? d->enrolment.hw.serial : "";
    struct hsm_peek peek;

    TRY(hsm_peek(d->settings.hardware, serial[0] != '\0' ? serial : NULL, &peek, why));
    d->has_about = true;
    d->about = peek.about;
    d->tries = (struct doctor_tries){
        .known = true, .some = peek.pin_low, .last = peek.pin_last, .locked = peek.pin_locked};
    return ERR_OK;
}

static struct hw_options options(void)
{
    return (struct hw_options){.allow_simulator = true};
}

static err_code peek_tpm(struct doctor *d, struct why *why)
{
    const struct hw_options wish = options();
    struct tpm_peek peek;

    TRY(tpm_peek(d->settings.hardware, &wish, &peek, why));
    d->has_about = true;
    d->about = peek.about;
    d->tries = (struct doctor_tries){.known = true,
                                     .some = peek.tries > 0,
                                     .locked = peek.locked_out,
                                     .n = peek.tries,
                                     .max = peek.tries_max};
    return ERR_OK;
}

static err_code hardware(struct doctor *d, struct finding *f, struct why *why)
{
    if (!d->has_settings)
        return skip(f, "gate.json says none");
    if (!is_token(d) && d->answer != NULL) {
        found(f, DOCTOR_WELL, "pawld has it: %s",
              get_text(json_object_get(d->answer, "hardware"), "model"));
        return ERR_OK;
    }
    if (!is_token(d) && (d->held || d->served))
        return skip(f, "another process has the gate, and with it the TPM");
    TRY(is_token(d) ? peek_token(d, why) : peek_tpm(d, why));
    if (d->has_enrolment && strcmp(d->about.kind, d->enrolment.hw.about.kind) != 0)
        return why_say(why, ERR_HARDWARE_URI, "gate.json names a root of kind %s, the enrolment %s",
                       d->about.kind, d->enrolment.hw.about.kind);
    found(f, DOCTOR_WELL, "%s: %s%s%s", d->about.kind, d->about.model,
          is_token(d) ? ", serial " : "", is_token(d) ? d->enrolment.hw.serial : "");
    return ERR_OK;
}

static err_code simulator(struct doctor *d, struct finding *f, struct why *why)
{
    bool is = d->has_about && d->about.simulator;

    if (!d->has_about && d->answer == NULL)
        return skip(f, "nobody could ask the hardware");
    if (!d->has_about)
        is = json_is_true(json_object_get(json_object_get(d->answer, "hardware"), "simulator"));
    if (!is) {
        found(f, DOCTOR_WELL, "none");
        return ERR_OK;
    }
    if (!d->settings.insecure_simulator)
        return why_say(why, ERR_SIMULATOR_REFUSED, "\"%s\" is one, and gate.json does not allow it",
                       d->about.model);
    f->fix = "for development only: enrol real hardware before anything depends on this gate";
    found(f, DOCTOR_WARNING, "the hardware is one, and gate.json allows it");
    return ERR_OK;
}

static err_code lockout(struct doctor *d, struct finding *f, struct why *why)
{
    const struct doctor_tries *t = &d->tries;

    if (!t->known)
        return skip(f, "nobody could ask the hardware");
    if (t->locked && is_token(d))
        return why_say(why, ERR_HSM_PIN_LOCKED, "the token says that its PIN is locked");
    if (t->last)
        return why_say(why, ERR_HSM_PIN_LAST_TRY, "the token says that one try is left");
    if (t->locked)
        return why_say(why, ERR_TPM_LOCKED_OUT, "%u wrong authorizations, the limit is %u", t->n,
                       t->max);
    f->fix = "find out who tried: a locked one signs nothing";
    if (t->some && is_token(d))
        found(f, DOCTOR_WARNING, "a wrong PIN was tried");
    else if (t->some)
        found(f, DOCTOR_WARNING, "%u wrong authorizations of at most %u", t->n, t->max);
    else
        found(f, DOCTOR_WELL, "no wrong authorization is counted");
    return ERR_OK;
}

/* ---- what it keeps --------------------------------------------------------------------------- */

static err_code peek_epoch(struct doctor *d, struct why *why)
{
    const struct hw_options wish = options();
    struct hw_owner *owner = NULL;
    struct tpm_peek_at at = {d->settings.hardware, &wish, NULL, &d->enrolment.hw};
    err_code err;

    TRY(gate_owner(&d->trust, d->enrolment.gate, &owner, why));
    at.owner = owner;
    err = tpm_peek_epoch(&at, &d->epoch, why);
    free(owner);
    d->has_epoch = err == ERR_OK;
    return err;
}

static err_code keys(struct doctor *d, struct finding *f, struct why *why)
{
    if (d->answer != NULL) {
        found(f, DOCTOR_WELL, "pawld has compared them with the enrolment");
        d->has_epoch = true;
        d->epoch = get_uint(d->answer, "epoch");
        return ERR_OK;
    }
    if (is_token(d))
        return skip(f, "without the PIN a token does not show them: pawl status");
    if (!d->has_about || !d->has_trust)
        return skip(f, "nobody could ask the hardware");
    TRY(peek_epoch(d, why));
    found(f, DOCTOR_WELL, "NV 0x%08x, keys at 0x%08x and 0x%08x", d->enrolment.hw.index,
          d->enrolment.hw.receipt_handle, d->enrolment.hw.seal_handle);
    return ERR_OK;
}

static err_code epoch(struct doctor *d, struct finding *f, struct why *why)
{
    unsigned long long disk = (unsigned long long)d->installed_epoch;
    unsigned long long hw = (unsigned long long)d->epoch;

    if (!d->has_epoch)
        return skip(f, "the hardware's is not known");
    if (disk < hw)
        return why_say(why, ERR_ROLLBACK, "the disk has epoch %llu, the hardware is at %llu", disk,
                       hw);
    f->fix = "the next verb that opens the gate goes on with it: pawl status";
    if (disk > hw)
        found(f, DOCTOR_WARNING, "epoch %llu was stored, and the hardware is still at %llu", disk,
              hw);
    else
        found(f, DOCTOR_WELL, "%llu, on the disk and in the hardware", hw);
    return ERR_OK;
}

static err_code head(struct doctor *d, struct finding *f, struct why *why)
{
    const json_t *ledger = json_object_get(d->answer, "ledger");
    unsigned long long missing = get_uint(ledger, "missing");
    err_code err = err_from_name(get_text(d->answer, "reason"));

    if (d->answer == NULL)
        return skip(f, "only a gate that is opened compares it: pawl status");
    if (err == ERR_LEDGER_ROLLBACK || err == ERR_LEDGER_INCONSISTENT || err == ERR_HEAD_MISSING ||
        err == ERR_HEAD_FOREIGN)
        return why_say(why, err, "%s", get_text(d->answer, "why"));
    if (!json_is_true(json_object_get(d->answer, "serving")))
        return skip(f, "pawld does not serve, for another reason");
    f->fix = "hold permits that were given then against it: pawl log verify --against FILE";
    if (missing > 0)
        found(f, DOCTOR_WARNING, "the hardware lost power: at most %llu rounds may be missing",
              missing);
    else
        found(f, DOCTOR_WELL, "%llu entries, and the hardware has kept their head",
              get_uint(ledger, "size"));
    return ERR_OK;
}

const struct doctor_check DOCTOR_HARDWARE[] = {
    {"service", "whether pawld runs, and could permit anything", service, NULL},
    {"sockets", "pawld's sockets, and who may use them", sockets,
     "chmod o-w; see man pawld, SOCKETS"},
    {"pin", "the file with the token's PIN, which is not tried", pin, NULL},
    {"hardware", "whether the hardware answers, and is the one that was enrolled", hardware, NULL},
    {"simulator", "whether the hardware is only a simulator", simulator, NULL},
    {"lockout", "wrong authorizations that the hardware has counted", lockout, NULL},
    {"keys", "the counter and the keys in the hardware, against the enrolment", keys, NULL},
    {"epoch", "the snapshot on the disk against the hardware's epoch", epoch, NULL},
    {"head", "the ledger against what the hardware keeps of it", head, NULL},
    {0},
};
