/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the parser; what parses is written again and must come out the same. */
#include "gate/policy/bundle.h"
#include "gate/policy/enrolment.h"
#include "gate/policy/object.h"
#include "gate/policy/snapshot.h"

#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void root(struct slice bytes)
{
    CLEANUP(root_meta_free) struct root_meta *meta = NULL;
    CLEANUP(buf_free) struct buf again = {0};
    struct envelope envelope;

    if (root_meta_parse(bytes, &meta, NULL) != ERR_OK)
        return;
    if (envelope_open(bytes, ENVELOPE_ROOT, &envelope, NULL) != ERR_OK ||
        root_meta_payload(meta, &again, NULL) != ERR_OK ||
        !slice_eq(buf_slice(&again), envelope.cose.payload))
        abort();
}

static void bundle(struct slice bytes)
{
    CLEANUP(bundle_free) struct bundle bundle = {0};
    CLEANUP(buf_free) struct buf again = {0};

    if (bundle_parse(bytes, &bundle, NULL) != ERR_OK)
        return;
    if (bundle_write(&bundle, &again, NULL) != ERR_OK || !slice_eq(buf_slice(&again), bytes))
        abort();
}

static void enrolment(struct slice bytes)
{
    CLEANUP(buf_free) struct buf again = {0};
    struct enrolment enrolment;

    if (enrolment_parse(bytes, &enrolment, NULL) != ERR_OK)
        return;
    if (enrolment_write(&enrolment, &again, NULL) != ERR_OK || !slice_eq(buf_slice(&again), bytes))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(policy_free) struct policy_object object = {0};
    CLEANUP(snapshot_free) struct snapshot snapshot = {0};
    struct slice bytes = {data, size};

    if (size == 0)
        return 0;
    bytes = slice_part(bytes, 1, size - 1);
    if (data[0] == 'r')
        root(bytes);
    else if (data[0] == 'b')
        bundle(bytes);
    else if (data[0] == 'e')
        enrolment(bytes);
    else if (data[0] == 'p' && policy_parse(bytes, &object, NULL) == ERR_OK)
        (void)policy_covers(&object, ACTION_EXECUTE, object.alias, object.domain);
    else if (data[0] == 's' && snapshot_parse(bytes, &snapshot, NULL) == ERR_OK)
        (void)snapshot_find(&snapshot, snapshot.domain);
    return 0;
}
