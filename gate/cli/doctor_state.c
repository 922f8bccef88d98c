/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_state.c: the gate's directory: who may use it, what lies in it, how much room there is. */
#include "gate/base/text.h"
#include "gate/cli/doctor.h"
#include "gate/decide/installs.h"
#include "gate/policy/judge.h"
#include "gate/tlog/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB ((unsigned long long)1 << 20)
#define ROOM_NEEDED (64 * MIB)
#define ROOM_WANTED (512 * MIB)
#define FILES_NEEDED 256
#define SOON (3 * 24 * 3600) /* seconds before something ends */

/* ---- the directory --------------------------------------------------------------------------- */

static err_code look_at(const char *path, mode_t forbidden, struct stat *ret, struct why *why)
{
    if (stat(path, ret) != 0)
        return why_errno(why, errno, "look at", path);
    if ((ret->st_mode & forbidden) != 0)
        return why_say(why, ERR_STORAGE, "\"%s\" has mode %04o, at most %04o is safe", path,
                       ret->st_mode & 07777, ret->st_mode & 07777 & ~forbidden);
    return ERR_OK;
}

static err_code directory(struct doctor *d, struct finding *f, struct why *why)
{
    const char *path = d->call->state_dir;
    struct stat st;
    err_code err = look_at(path, 0022, &st, why);

    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_NOT_ENROLLED, "there is no \"%s\"", path);
    TRY(err);
    if (!S_ISDIR(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is no directory", path);
    if (faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) != 0)
        return why_say(why, ERR_STORAGE, "\"%s\" belongs to uid %u (mode %04o), and this is uid %u",
                       path, (unsigned)st.st_uid, st.st_mode & 07777, (unsigned)geteuid());
    found(f, DOCTOR_WELL, "\"%s\" of uid %u, mode %04o", path, (unsigned)st.st_uid,
          st.st_mode & 07777);
    return ERR_OK;
}

static err_code settings(struct doctor *d, struct finding *f, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct stat st;

    TRY(path_join(d->call->state_dir, "gate.json", &path));
    TRY(settings_load(d->call->state_dir, &d->settings, why));
    d->has_settings = true;
    TRY(look_at((const char *)path.ptr, 0022, &st, why));
    found(f, DOCTOR_WELL, "gate.json: %s", d->settings.hardware);
    return ERR_OK;
}

static err_code read_file(const struct doctor *d, const char *name, size_t max, struct buf *ret,
                          struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(d->call->state_dir, name, &path));
    return file_read((const char *)path.ptr, max, ret, why);
}

static err_code judge(const struct doctor *d, struct slice bytes, bool has_root, struct judged *ret,
                      struct why *why)
{
    const struct trust trust = {
        .roots = &d->enrolment.root, .n_roots = has_root ? 1 : 0, .installed_before = true};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT, .now = d->call->now};

    return bundle_judge(bytes, &trust, &ask, ret, why);
}

static err_code enrolment(struct doctor *d, struct finding *f, struct why *why)
{
    char root[DIGEST_TEXT];
    err_code err = read_file(d, "enrolment.cbor", ENROLMENT_SIZE_MAX, &d->enrolment_bytes, why);

    if (err == ERR_NOT_FOUND && !d->has_settings)
        return why_say(why, ERR_NOT_ENROLLED, "\"%s\" holds no enrolment", d->call->state_dir);
    TRY(err == ERR_NOT_FOUND ? ERR_STATE_CORRUPT : err);
    TRY(why_reading(why, enrolment_parse(buf_slice(&d->enrolment_bytes), &d->enrolment, why),
                    "enrolment.cbor"));
    d->has_enrolment = true;
    err = read_file(d, "trust.bundle", BUNDLE_SIZE_MAX, &d->trust_bytes, why);
    TRY(err == ERR_NOT_FOUND ? ERR_STATE_CORRUPT : err);
    TRY(why_reading(why, judge(d, buf_slice(&d->trust_bytes), false, &d->trust, why),
                    "trust.bundle"));
    if (!digest_eq(&d->trust.roots[0], &d->enrolment.root))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "trust.bundle begins with other root metadata than enrolment.cbor names");
    d->has_trust = true;
    digest_text(&d->enrolment.root, root);
    found(f, DOCTOR_WELL, "gate %.*s of %.*s, root %.23s...", TERM_ARG(d->enrolment.gate),
          TERM_ARG(d->enrolment.domain), root);
    return ERR_OK;
}

/* What must not be read by others; what is not there yet is made when it is needed. */
static err_code secrets(struct doctor *d, struct finding *f, struct why *why)
{
    static const char *const NAMES[] = {"hw/head-auth", "log.key"};
    size_t n = 0;

    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        CLEANUP(buf_free) struct buf path = {0};
        struct stat st;
        err_code err;

        TRY(path_join(d->call->state_dir, NAMES[i], &path));
        err = look_at((const char *)path.ptr, 0077, &st, why);
        if (err == ERR_NOT_FOUND)
            continue;
        TRY(err);
        n++;
    }
    found(f, n > 0 ? DOCTOR_WELL : DOCTOR_SKIPPED, "%zu files, open to their owner alone", n);
    return ERR_OK;
}

static err_code disk(struct doctor *d, struct finding *f, struct why *why)
{
    struct statvfs fs;
    unsigned long long room;

    if (statvfs(d->call->state_dir, &fs) != 0)
        return why_errno(why, errno, "look at the disk of", d->call->state_dir);
    room = (unsigned long long)fs.f_bavail * fs.f_frsize;
    if (room < ROOM_NEEDED)
        return why_say(why, ERR_STORAGE_FULL, "%llu MiB are free, %llu MiB are needed", room / MIB,
                       ROOM_NEEDED / MIB);
    if (fs.f_files > 0 && fs.f_favail < FILES_NEEDED)
        return why_say(why, ERR_STORAGE_FULL, "%llu more files can be made, %d are needed",
                       (unsigned long long)fs.f_favail, FILES_NEEDED);
    f->fix = "free space before the ledger needs it";
    found(f, room < ROOM_WANTED ? DOCTOR_WARNING : DOCTOR_WELL, "%llu MiB are free", room / MIB);
    return ERR_OK;
}

/* ---- what is in force ------------------------------------------------------------------------ */

static err_code snapshot(struct doctor *d, struct finding *f, struct why *why)
{
    const struct snapshot *in = &d->installed.judged.snapshot;
    char until[TIME_TEXT];

    if (!d->has_enrolment) {
        found(f, DOCTOR_SKIPPED, "nothing is enrolled");
        return ERR_OK;
    }
    TRY(installs_newest(d->call->state_dir, &d->installed.bytes, &d->installed_epoch, why));
    if (d->installed_epoch == 0)
        return why_say(why, ERR_NOTHING_INSTALLED, "\"%s\" holds no snapshot", d->call->state_dir);
    TRY(why_reading(why, judge(d, buf_slice(&d->installed.bytes), true, &d->installed.judged, why),
                    "installed/%llu.bundle", (unsigned long long)d->installed_epoch));
    d->has_installed = d->installed.judged.has_snapshot;
    TRY(fresh_snapshot(in, d->call->now, why));
    time_text(in->exp, until);
    f->fix = "install a newer bundle from the authority before that";
    found(f, in->exp - d->call->now < SOON ? DOCTOR_WARNING : DOCTOR_WELL, "epoch %llu until %s",
          (unsigned long long)in->epoch, until);
    return ERR_OK;
}

static err_code root(struct doctor *d, struct finding *f, struct why *why)
{
    const struct root_meta *newest = d->installed.judged.newest;
    char until[TIME_TEXT];

    if (!d->has_installed) {
        found(f, DOCTOR_SKIPPED, "nothing is installed");
        return ERR_OK;
    }
    TRY(fresh_root(newest, d->call->now, why));
    if (!newest->has_exp) {
        found(f, DOCTOR_WELL, "version %llu, without an end", (unsigned long long)newest->version);
        return ERR_OK;
    }
    time_text(newest->exp, until);
    f->fix = "ask the authority for a new version of the root metadata before that";
    found(f, newest->exp - d->call->now < SOON ? DOCTOR_WARNING : DOCTOR_WELL,
          "version %llu until %s", (unsigned long long)newest->version, until);
    return ERR_OK;
}

/* ---- the ledger ------------------------------------------------------------------------------ */

static err_code open_ledger(struct doctor *d, struct finding *f, struct why *why)
{
    uint64_t torn;

    TRY(gate_ledger_open(d->call->state_dir, LEDGER_READ, &d->ledger, why));
    torn = ledger_torn(d->ledger);
    f->fix = "nothing: the next record takes its place";
    if (torn > 0 && !d->held)
        found(f, DOCTOR_WARNING, "%llu entries, and %llu bytes of a record that was interrupted",
              (unsigned long long)ledger_size(d->ledger), (unsigned long long)torn);
    else
        found(f, DOCTOR_WELL, "%llu entries", (unsigned long long)ledger_size(d->ledger));
    return ERR_OK;
}

static err_code clock_of(struct doctor *d, struct finding *f, struct why *why)
{
    char last[TIME_TEXT], now[TIME_TEXT];
    uint64_t ms = 0, now_ms = d->call->clock_ms();

    time_text((int64_t)(now_ms / 1000), now);
    if (d->ledger == NULL || ledger_size(d->ledger) == 0) {
        found(f, DOCTOR_SKIPPED, "there is no record to hold it against");
        return ERR_OK;
    }
    TRY(ledger_time(d->ledger, ledger_size(d->ledger) - 1, &ms, why));
    time_text((int64_t)(ms / 1000), last);
    if (now_ms < ms)
        return why_say(why, ERR_CLOCK_BACK, "it is %s, the last record is of %s", now, last);
    found(f, DOCTOR_WELL, "%s, the last record is of %s", now, last);
    return ERR_OK;
}

static err_code journal(struct doctor *d, struct finding *f, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    unsigned long long size, most = (unsigned long long)JOURNAL_MAX;
    struct stat st;

    TRY(path_join(d->call->state_dir, "ledger/journal", &path));
    TRY(look_at((const char *)path.ptr, 0022, &st, why));
    size = (unsigned long long)st.st_size;
    if (size > most - most / 4)
        return why_say(why, ERR_STORAGE_FULL, "it has %llu bytes, the limit is %llu", size, most);
    found(f, DOCTOR_WELL, "%llu KiB of at most %llu", size >> 10, most >> 10);
    return ERR_OK;
}

/* ---- libraries ------------------------------------------------------------------------------- */

/* Older than what this was built with is less than it relies on. */
static err_code libraries(struct doctor *d, struct finding *f, struct why *why)
{
    const char *database;

    (void)d;
    TRY(ledger_library(&database, why));
    if (OpenSSL_version_num() < OPENSSL_VERSION_NUMBER)
        return why_say(why, ERR_UNSUPPORTED, "%s is older than what this was built with: %s",
                       OpenSSL_version(OPENSSL_VERSION), OPENSSL_VERSION_TEXT);
    if (jansson_version_cmp(JANSSON_MAJOR_VERSION, JANSSON_MINOR_VERSION, 0) < 0)
        return why_say(why, ERR_UNSUPPORTED,
                       "Jansson %s is older than what this was built with: %s",
                       jansson_version_str(), JANSSON_VERSION);
    found(f, DOCTOR_WELL, "pawl %s, %s, SQLite %s, Jansson %s", PAWL_VERSION,
          OpenSSL_version(OPENSSL_VERSION), database, jansson_version_str());
    return ERR_OK;
}

const struct doctor_check DOCTOR_STATE[] = {
    {"directory", "the gate's directory, and who may write there", directory,
     "chmod 700, chown to the user that runs the gate; or name it with --state"},
    {"settings", "gate.json", settings, NULL},
    {"enrolment", "enrolment.cbor, and the root metadata in trust.bundle", enrolment, NULL},
    {"secrets", "modes of the files that must stay secret", secrets,
     "chmod 600; whoever could read log.key may have signed checkpoints with it"},
    {"disk", "room for records", disk, NULL},
    {"snapshot", "the newest snapshot on the disk, and when it ends", snapshot, NULL},
    {"root", "its root metadata, and when that ends", root, NULL},
    {"ledger", "whether the ledger opens, and its database agrees", open_ledger, NULL},
    {"clock", "the clock against what is recorded", clock_of, NULL},
    {"journal", "the ledger's journal, which is folded as it grows", journal,
     "see why it cannot be folded: pawl log verify, the disk, what pawld says"},
    {"libraries", "versions of the libraries that are loaded", libraries,
     "install the libraries that pawl was built for"},
    {0},
};
