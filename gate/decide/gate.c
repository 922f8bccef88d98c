/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/gate.h"

#include "gate/decide/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void installed_free(struct installed *installed)
{
    judged_free(&installed->judged);
    buf_free(&installed->bytes);
    *installed = (struct installed){0};
}

void gate_close(struct gate **gate)
{
    struct gate *g = *gate;

    if (g == NULL)
        return;
    hw_root_close(&g->hw);
    installed_free(&g->installed);
    free(g->revoked_before);
    judged_free(&g->trust);
    enrolment_free(&g->enrolment);
    buf_free(&g->trust_bytes);
    buf_free(&g->enrolment_bytes);
    settings_free(&g->settings);
    lock_free(&g->lock);
    free(g->owner);
    free(g->store_dir);
    free(g->state_dir);
    free(g);
    *gate = NULL;
}

static err_code hardware_verify(void *ctx, const struct hw_statement *statement, struct why *why)
{
    struct gate *gate = ctx;

    return gate->hw->ops->verify(gate->hw, statement, why);
}

/* The hardware as a judge of signatures. */
static struct judge judge_of(struct gate *gate)
{
    return (struct judge){.verify = hardware_verify, .ctx = gate};
}

err_code gate_owner(const struct judged *trust, struct slice gate_name, struct hw_owner **ret,
                    struct why *why)
{
    struct hw_owner *out = calloc(1, sizeof *out);
    err_code err;

    if (out == NULL)
        return ERR_NO_MEMORY;
    err = judged_owner(trust, gate_name, out, why);
    if (err != ERR_OK) {
        free(out);
        return err;
    }
    *ret = out;
    return ERR_OK;
}

err_code gate_issuer(const struct gate *gate, struct buf *ret)
{
    TRY(buf_add_slice(ret, gate->enrolment.issuer));
    return buf_terminate(ret);
}

/* ---- what is in force ------------------------------------------------------------------------ */

err_code gate_judge_bundle(struct gate *gate, struct buf *bytes, const struct trust *trust,
                           struct installed *ret, struct why *why)
{
    CLEANUP(installed_free) struct installed out = {.bytes = buf_take(bytes)};
    const struct judge judge = judge_of(gate);
    const struct bundle_ask ask = {
        .judge = &judge,
        .now = gate->now,
        .needs_grants = strcmp(gate->enrolment.hw.about.kind, "tpm") == 0,
        .index = gate->enrolment.hw.index,
        .base = gate->enrolment.hw.base,
    };

    TRY(bundle_judge(buf_slice(&out.bytes), trust, &ask, &out.judged, why));
    *ret = out;
    out = (struct installed){0}; /* transferred */
    return ERR_OK;
}

/* Which revocations are new is asked once more, for the record. Without memory all of them are. */
static void compare_revoked(struct gate *gate, const struct revoked *next)
{
    const struct revoked *before = &gate->installed.judged.snapshot.revoked;

    free(gate->revoked_before);
    gate->revoked_before = gate->has_installed ? calloc(next->n + 1, sizeof(bool)) : NULL;
    for (size_t i = 0; gate->revoked_before != NULL && i < next->n; i++)
        gate->revoked_before[i] =
            revoked_find(before, next->items[i].kind, &next->items[i].id) != NULL;
}

void gate_adopt(struct gate *gate, struct installed *installed)
{
    compare_revoked(gate, &installed->judged.snapshot.revoked);
    installed_free(&gate->installed);
    gate->installed = *installed;
    *installed = (struct installed){0};
    gate->has_installed = true;
    gate->blocked = ERR_OK;
}

struct in_force gate_in_force(const struct gate *gate)
{
    const struct judged *judged = &gate->installed.judged;

    return (struct in_force){
        .root = judged->newest,
        .snapshot = &judged->snapshot,
        .objects = judged->policies,
        .gate = gate->enrolment.gate,
        .zone = gate->enrolment.zone,
    };
}

/* The hardware is beyond what the disk holds. Its own word for that is worth more than ours: give
 * it the old mandate and demand a signature. It must refuse. */
static err_code refused_by_hardware(struct gate *gate, uint64_t epoch, struct why *why)
{
    struct hw_root *hw = gate->hw;
    static const struct digest PROBE = {{0}};
    struct why own = {0};
    uint8_t sig[64];
    err_code err = hw->ops->prepare(hw, gate->installed.judged.mandate, &own);

    if (err == ERR_OK)
        err = hw->ops->sign(hw, &PROBE, sig, &own);
    if (err == ERR_OK)
        return why_say(why, ERR_INTERNAL,
                       "the hardware is at epoch %llu, yet signs under the mandate of %llu",
                       (unsigned long long)gate->epoch, (unsigned long long)epoch);
    return why_foreign(why, ERR_ROLLBACK, own.foreign, own.foreign_code,
                       "this disk holds epoch %llu: %s", (unsigned long long)epoch,
                       why_text(&own, err));
}

err_code gate_current(struct gate *gate, struct why *why)
{
    uint64_t epoch = gate->installed.judged.snapshot.epoch;

    if (gate->blocked != ERR_OK) {
        *why = gate->blocked_why;
        return gate->blocked;
    }
    if (!gate->has_installed && gate->epoch > 0)
        return why_say(why, ERR_ROLLBACK,
                       "the disk holds no snapshot, the hardware is at epoch %llu",
                       (unsigned long long)gate->epoch);
    if (!gate->has_installed)
        return why_say(why, ERR_NOTHING_INSTALLED, "\"%s\" holds no snapshot", gate->state_dir);
    if (epoch != gate->epoch)
        return refused_by_hardware(gate, epoch, why);
    return ERR_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Only a gate.json that is missing means that nothing was enrolled: a gate that may not be read is
 * enrolled all the same. */
static err_code find_settings(const char *state_dir, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct stat st;
    int number;

    TRY(path_join(state_dir, "gate.json", &path));
    if (faccessat(AT_FDCWD, (const char *)path.ptr, R_OK, AT_EACCESS) == 0)
        return ERR_OK;
    number = errno;
    if (number == ENOENT)
        return why_say(why, ERR_NOT_ENROLLED, "there is no \"%s\"", (const char *)path.ptr);
    if (number != EACCES || stat(state_dir, &st) != 0)
        return why_errno(why, number, "open", (const char *)path.ptr);
    return why_foreign(why, ERR_STORAGE, "errno", (uint64_t)number,
                       "cannot open \"%s\" as user %u: \"%s\" belongs to user %u (mode %04o)",
                       (const char *)path.ptr, (unsigned)geteuid(), state_dir, (unsigned)st.st_uid,
                       st.st_mode & 07777);
}

/* A file that init wrote before gate.json. */
static err_code read_part(const struct gate *g, const char *name, size_t max, struct buf *ret,
                          struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    err_code err;

    TRY(path_join(g->state_dir, name, &path));
    err = file_read((const char *)path.ptr, max, ret, why);
    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_STATE_CORRUPT, "\"%s\" has gate.json, but %s is missing",
                       g->state_dir, name);
    return err;
}

static err_code read_state(struct gate *g, struct why *why)
{
    TRY(settings_load(g->state_dir, &g->settings, why));
    TRY(read_part(g, "trust.bundle", BUNDLE_SIZE_MAX, &g->trust_bytes, why));
    TRY(read_part(g, "enrolment.cbor", ENROLMENT_SIZE_MAX, &g->enrolment_bytes, why));
    return why_reading(why, enrolment_parse(buf_slice(&g->enrolment_bytes), &g->enrolment, why),
                       "\"%s/enrolment.cbor\"", g->state_dir);
}

/* Parses the trust bundle without asking the hardware, which is not attached yet: attaching
 * compares its root metadata with the pin, and what is in force is verified in hardware after that.
 * That the root metadata of the enrolment may have expired since is no matter: evaluate() looks at
 * the one in force. */
static err_code read_trust(struct gate *g, struct why *why)
{
    const struct trust none = {.installed_before = true};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT, .now = g->now};

    TRY(why_reading(why, bundle_judge(buf_slice(&g->trust_bytes), &none, &ask, &g->trust, why),
                    "\"%s/trust.bundle\"", g->state_dir));
    if (!digest_eq(&g->trust.roots[0], &g->enrolment.root))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "trust.bundle begins with other root metadata than enrolment.cbor names");
    return ERR_OK;
}

/* As at enrolment. For the keys of later root metadata an install has asked, and the hardware says
 * so again when it is to judge what they signed. */
static err_code attach(struct gate *g, struct why *why)
{
    CLEANUP(buf_free) struct buf store = {0};

    TRY(gate_owner(&g->trust, g->enrolment.gate, &g->owner, why));
    TRY(path_join(g->state_dir, "hw", &store));
    TRY(file_make_dir((const char *)store.ptr, 0700, why));
    g->store_dir = strdup((const char *)store.ptr);
    if (g->store_dir == NULL)
        return ERR_NO_MEMORY;
    g->options.store_dir = g->store_dir;
    g->options.sessions = HW_SESSIONS;
    g->options.allow_simulator = g->settings.insecure_simulator;
    TRY(hardware_open(g->settings.hardware, &g->options, &g->hw, why));
    return g->hw->ops->attach(g->hw, g->owner, &g->enrolment.hw, why);
}

/* What is on disk cannot be served. The gate opens all the same, and denies: a newer bundle may be
 * what mends it. */
static void block(struct gate *g, err_code err, const struct why *why)
{
    g->blocked = err;
    if (why->code == err)
        g->blocked_why = *why;
    else
        (void)why_say(&g->blocked_why, err, "what is installed cannot be served");
}

static err_code open_all(struct gate *g, struct why *why)
{
    struct why own = {0};
    err_code err;

    TRY(attach(g, why));
    TRY(g->hw->ops->epoch(g->hw, &g->epoch, why));
    err = base_take_newest(g, &own);
    if (err != ERR_OK)
        block(g, why_reading(&own, err, "the newest bundle of \"%s/installed\"", g->state_dir),
              &own);
    return ERR_OK;
}

/* Under the lock no other process is writing. */
static void tidy(const char *state_dir)
{
    static const char *const ROOMS[] = {".", "installed", "hw"};
    CLEANUP(buf_free) struct buf path = {0};

    for (size_t i = 0; i < sizeof ROOMS / sizeof *ROOMS; i++)
        if (path_join(state_dir, ROOMS[i], &path) == ERR_OK)
            file_remove_temps((const char *)path.ptr);
}

/* clock_ms: NULL where now_ms is given. */
static err_code open_at(const char *state_dir, uint64_t (*clock_ms)(void), uint64_t now_ms,
                        struct gate **ret, struct why *why)
{
    CLEANUP(gate_close) struct gate *g = calloc(1, sizeof *g);
    CLEANUP(buf_free) struct buf path = {0};

    if (g == NULL)
        return ERR_NO_MEMORY;
    g->state_dir = strdup(state_dir);
    if (g->state_dir == NULL)
        return ERR_NO_MEMORY;
    TRY(find_settings(state_dir, why));
    TRY(path_join(state_dir, "lock", &path));
    TRY(lock_take((const char *)path.ptr, GATE_LOCK_WAIT_MS, &g->lock, why));
    g->now_ms = clock_ms != NULL ? clock_ms() : now_ms;
    g->now = (int64_t)(g->now_ms / 1000);
    tidy(state_dir);
    TRY(read_state(g, why));
    TRY(read_trust(g, why));
    TRY(open_all(g, why));
    *ret = g;
    g = NULL; /* transferred */
    return ERR_OK;
}

err_code gate_open(const char *state_dir, int64_t now, struct gate **ret, struct why *why)
{
    return open_at(state_dir, NULL, (uint64_t)now * 1000, ret, why);
}

err_code gate_open_live(const char *state_dir, uint64_t (*clock_ms)(void), struct gate **ret,
                        struct why *why)
{
    return open_at(state_dir, clock_ms, 0, ret, why);
}
