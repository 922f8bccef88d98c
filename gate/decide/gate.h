/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h: an enrolled gate, opened: its hardware root attached, what is in force verified by the
 * hardware, an interrupted install finished. Files in the state directory:
 *
 *     gate.json                where the hardware is (settings.h)
 *     enrolment.cbor           the public facts that the authority and verifiers get
 *     trust.bundle             what the gate was enrolled with; the hardware pins its first root
 *     installed/<epoch>.bundle what the authority published; the newest one is in force
 *     installed/<name>.refused what lay there beyond the epoch of an install
 *     hw/                      the hardware root's own evidence and caches
 *     ledger/, state.db        the append-only record, and what continues it (gate/ledger/log.h)
 *     lock                     one process at a time
 */
#ifndef PAWL_DECIDE_GATE_H
#define PAWL_DECIDE_GATE_H

#include "gate/base/file.h"
#include "gate/decide/evaluate.h"
#include "gate/decide/hardware.h"
#include "gate/decide/settings.h"
#include "gate/policy/bundle_judge.h"
#include "gate/policy/enrolment.h"

#define GATE_LOCK_WAIT_MS 60000

/* What is in force. All of it borrows from bytes. */
struct installed {
    struct buf bytes; /* the bundle as received */
    struct judged judged;
};
void installed_free(struct installed *installed);

struct gate {
    char *state_dir;
    int64_t now;     /* seconds since 1970 */
    uint64_t now_ms; /* the same in milliseconds */
    struct lock lock;
    struct settings settings;
    char *store_dir;
    struct hw_options options;
    struct buf trust_bytes, enrolment_bytes;
    struct judged trust; /* of trust.bundle */
    struct enrolment enrolment;
    struct hw_owner *owner;
    struct hw_root *hw;
    bool has_installed; /* something is in force */
    struct installed installed;
    bool *revoked_before; /* of each revocation in force: the snapshot before listed it, too; NULL:
                             not known */
    uint64_t epoch;       /* the hardware's, as read last */
    err_code blocked;     /* why what is on disk cannot be served; OK: it can */
    struct why blocked_why;
};

/* Opens for use under the exclusive lock. Verifies everything in the hardware and finishes an
 * install that was interrupted between store and step. A gate whose disk is older than its hardware
 * opens, too, so that the newest bundle can be installed: gate_current() refuses it everything
 * else. Errors: NOT_ENROLLED, STATE_CORRUPT, and those of the hardware and of bundle_judge. Owns:
 * closed with gate_close(). */
err_code gate_open(const char *state_dir, int64_t now, struct gate **ret, struct why *why);
/* The same with a clock that is read once the lock is held: whoever waited for it judges by the
 * time at which it acts, and entries of the ledger come in the order of their times. */
err_code gate_open_live(const char *state_dir, uint64_t (*clock_ms)(void), struct gate **ret,
                        struct why *why);
void gate_close(struct gate **gate);

/* OK when something is in force and its epoch is the hardware's. Otherwise NOTHING_INSTALLED, or
 * ROLLBACK with both numbers and the hardware's own refusal, which this asks for: the old
 * snapshot's mandate is given to the hardware and a signature demanded. */
err_code gate_current(struct gate *gate, struct why *why);

/* The owner of a root as the root metadata of a bundle names it. For enrolment and opening. Owns:
 * free(). */
err_code gate_owner(const struct judged *trust, struct slice gate_name, struct hw_owner **ret,
                    struct why *why);

/* Reads and judges a bundle. Owns: installed_free(). bytes is taken. */
err_code gate_judge_bundle(struct gate *gate, struct buf *bytes, const struct trust *trust,
                           struct installed *ret, struct why *why);

/* Makes what was judged the one in force. */
void gate_adopt(struct gate *gate, struct installed *installed);

/* What evaluate() needs, of a gate that is current. */
struct in_force gate_in_force(const struct gate *gate);

/* Of the enrolment, NUL-terminated beyond len. */
err_code gate_issuer(const struct gate *gate, struct buf *ret);

#endif
