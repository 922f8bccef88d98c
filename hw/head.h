/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h: the heads that a disk holds against what hardware knows of them: one judgement for every
 * root, so that all of them refuse the same and say it in the same words.
 */
#ifndef PAWL_HW_HEAD_H
#define PAWL_HW_HEAD_H

#include "hw/root.h"

#define HW_HEADS_MAX 65536 /* heads of one journal */

/* What hardware knows. */
struct hw_head_facts {
    uint64_t first;   /* the round at which its counting began: the first head has first + 1 */
    uint64_t round;   /* the last one that it may have counted */
    uint64_t least;   /* the last one that it has counted surely: round, unless power was lost */
    bool none;        /* it surely counted none since first */
    bool has_durable; /* durable was kept */
    bool has_bound;   /* bound is the last head, as far as this boot of the hardware knows */
    struct hw_head durable, bound;
};

/* Compares. ret_ahead: the last head of the disk has to be bound now, and ret->round is what it was
 * before. Errors: LEDGER_ROLLBACK, LEDGER_INCONSISTENT, HEAD_MISSING (see hw/root.h). */
err_code hw_head_judge(const struct hw_head_facts *facts, const struct hw_head *heads, size_t n,
                       struct hw_kept *ret, bool *ret_ahead, struct why *why);

/* Whether a head may be bound now: the heads were compared, and it is of the round after the last.
 * Error: LEDGER_INCONSISTENT. */
err_code hw_head_follows(const struct hw_head *head, bool compared, uint64_t last, struct why *why);

bool hw_head_eq(const struct hw_head *a, const struct hw_head *b);

/* The 48 bytes that stand for a head in hardware: round, size, root; and back. */
#define HW_HEAD_LEN 48
void hw_head_put(const struct hw_head *head, uint8_t ret[static HW_HEAD_LEN]);
void hw_head_get(const uint8_t from[static HW_HEAD_LEN], struct hw_head *ret);

/* What one place of the hardware holds: where its counting began, and the head, if there is one.
 * Octets: 1 or 2 (no head, a head), first, head, 16 octets of check. */
struct hw_head_record {
    uint64_t first;
    bool has_head;
    struct hw_head head;
};
#define HW_HEAD_RECORD_LEN (1 + 8 + HW_HEAD_LEN + 16)
err_code hw_head_record_write(const struct hw_head_record *record,
                              uint8_t ret[static HW_HEAD_RECORD_LEN]);
/* Error: FORMAT when they are not what was written: power may have failed meanwhile. */
err_code hw_head_record_read(struct slice from, struct hw_head_record *ret);

/* The last 16 of octets as a check of those before: SHA-256(tag 00, octets), cut. */
#define HW_HEAD_CHECK_LEN 16
err_code hw_head_check_put(const char *tag, uint8_t *octets, size_t len);
err_code hw_head_check_see(const char *tag, struct slice octets);

#endif
