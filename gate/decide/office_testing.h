/* SPDX-License-Identifier: Apache-2.0 */
/* office_testing.h: a scribe at work on a hardware root in memory: a gate that was never installed
 * or opened, only put together. */
#ifndef PAWL_DECIDE_OFFICE_TESTING_H
#define PAWL_DECIDE_OFFICE_TESTING_H

#include "gate/decide/scribe.h"
#include "hw/fake.h"

#define NOW UINT64_C(1760000000000)
#define EPOCH 3
/* Where the first decision stands: behind key_rotation, start, enrol, bump, install and its
 * attempt. A round takes two entries, a session two more. */
#define FIRST 6

struct office {
    char dir[64];
    struct hw_fake_nv *nv;
    struct hw_signer *authority, *spare;
    struct hw_owner *owner;
    struct hw_mandate *mandate;
    struct gate gate;
    struct buf vkey;
    struct scribe *scribe;
    struct request request;
    struct answer answer;
};
extern struct office office;

#define OK(call) office_expect((call), ERR_OK, &why, #call, __LINE__)
void office_expect(err_code got, err_code want, const struct why *why, const char *call, int line);

/* For cmocka; the second leaves nothing. */
int office_setup(void **state);
int office_teardown(void **state);

/* As gate_install() does, but for the record. */
void office_install(uint64_t epoch, const char *snapshot);

/* The scribe of a new process. */
void office_open(void);

/* The answer to the request, on record. */
err_code office_decide(uint64_t now_ms, struct docket *ret, struct why *why);

/* Refused with this error, without a permit, and with so many entries in the ledger, in this
 * process and for the next one. */
void office_refused(const char *name, uint64_t now_ms, err_code want, uint64_t entries);

/* Decided, in this place, with a permit whose record is there. */
void office_decided(uint64_t now_ms, uint64_t index);

/* Reads an entry; looks at its kind, and the epoch that it came from. */
void office_entry(uint64_t index, struct buf *bytes, struct record *ret);
void office_expect_entry(uint64_t index, enum record_kind kind, uint64_t from_epoch);

#endif
