/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h: the checks of `pawl doctor`. Each looks at one thing that a gate needs and says what it
 * found. None changes anything, on the disk or in the hardware: so none opens the gate, which would
 * finish what an interrupted install began, and none tries a PIN.
 */
#ifndef PAWL_CLI_DOCTOR_H
#define PAWL_CLI_DOCTOR_H

#include "gate/cli/verb.h"
#include "gate/decide/gate.h"
#include "gate/decide/gate_ledger.h"

enum doctor_state {
    DOCTOR_SKIPPED = 0, /* could not be looked at, or is not of this gate: found says why */
    DOCTOR_WELL,
    DOCTOR_WARNING, /* well for now */
    DOCTOR_FAILED,
};

/* What one check found. */
struct finding {
    enum doctor_state state;
    err_code error; /* of one that failed */
    struct why why;
    char found[512];
    const char *fix; /* NULL: the error's own hint. Static storage */
};

/* Sets the state and the sentence. */
[[gnu::format(printf, 3, 4)]] void found(struct finding *finding, enum doctor_state state,
                                         const char *format, ...);

/* Wrong PINs, or authorizations. */
struct doctor_tries {
    bool known, some, last, locked;
    unsigned n, max;
};

/* What the checks have learned so far, in their order. */
struct doctor {
    struct call *call;
    bool has_settings, has_enrolment, has_trust, has_installed;
    struct settings settings;
    struct buf enrolment_bytes, trust_bytes;
    struct enrolment enrolment;
    struct judged trust; /* in software, of trust.bundle */
    uint64_t installed_epoch;
    struct installed installed; /* the same of the newest bundle that is installed */
    struct ledger *ledger;      /* NULL: it does not open */
    bool held;                  /* another process has the gate */
    struct lock lock;           /* else nobody takes it meanwhile */
    bool served;                /* the service has */
    json_t *answer;             /* of the service, as `pawl status` gets it; NULL: none */
    bool has_about;
    struct hw_description about;
    struct doctor_tries tries;
    bool has_epoch;
    uint64_t epoch; /* of the hardware */
};
void doctor_free(struct doctor *doctor);

/* An error that is returned makes the check one that failed. */
struct doctor_check {
    const char *name;
    const char *what; /* what it looks at */
    err_code (*run)(struct doctor *doctor, struct finding *finding, struct why *why);
    const char *fix; /* of whatever fails here; NULL: the error's own hint */
};

/* In this order: what lies on the disk, then who has it and the hardware. Both end with a NULL
 * name.
 */
extern const struct doctor_check DOCTOR_STATE[], DOCTOR_HARDWARE[];

#endif
