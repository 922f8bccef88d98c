/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c: "pawl permit verify" as a filter, for comparing it with other implementations;
 * for tests only. Usage: permit_judge ROOT ENROLMENT. Standard input holds permits, each with its
 * length as four octets, big-endian, before it. Each line of standard output answers one: "permit"
 * or "deny" with epoch, leaf index and tree size, or the name of the error and what it says. A
 * permit without a seal is judged as without --allow-unsealed.
 */
#include "gate/base/file.h"
#include "gate/base/frame_testing.h"
#include "gate/decide/verify.h"

#include <inttypes.h>
#include <stdio.h>

/* What permits are judged by. */
struct facts {
    struct buf root_bytes, enrolment_bytes;
    struct root_meta *root;
    struct enrolment enrolment;
};

static void facts_free(struct facts *facts)
{
    root_meta_free(&facts->root);
    enrolment_free(&facts->enrolment);
    buf_free(&facts->root_bytes);
    buf_free(&facts->enrolment_bytes);
}

static err_code facts_read(const char *root, const char *enrolment, struct facts *ret,
                           struct why *why)
{
    TRY(file_read(root, ENVELOPE_ROOT_MAX, &ret->root_bytes, why));
    TRY(root_meta_parse(buf_slice(&ret->root_bytes), &ret->root, why));
    TRY(file_read(enrolment, ENROLMENT_SIZE_MAX, &ret->enrolment_bytes, why));
    TRY(enrolment_parse(buf_slice(&ret->enrolment_bytes), &ret->enrolment, why));
    return verify_enrolment(ret->root, &ret->enrolment, why);
}

static void answer(struct slice permit, const struct enrolment *enrolment)
{
    static struct verified verified; /* large */
    struct why why = {0};
    err_code err = verify_permit(permit, enrolment, &verified, &why);

    if (err == ERR_OK && !verified.sealed)
        err = why_say(&why, ERR_PERMIT_INVALID, "without a seal");
    if (err == ERR_OK)
        printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
               verified.permit.record.decision.permit ? "permit" : "deny", verified.epoch,
               verified.permit.receipt.leaf_index, verified.permit.receipt.tree_size);
    else
        printf("%s %s\n", err_name(err), why.text);
    verified_free(&verified);
}

int main(int argc, char **argv)
{
    CLEANUP(buf_free) struct buf permit = {0};
    CLEANUP(facts_free) struct facts facts = {0};
    struct why why = {0};
    err_code err;

    if (argc != 3)
        return 2;
    err = facts_read(argv[1], argv[2], &facts, &why);
    if (err != ERR_OK) {
        printf("%s %s\n", err_name(err), why.text);
        return 1;
    }
    while (frame_next(&permit))
        answer(buf_slice(&permit), &facts.enrolment);
    return 0;
}
