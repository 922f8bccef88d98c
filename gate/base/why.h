/* SPDX-License-Identifier: Apache-2.0 */
/*
 * why.h: what a person must know about a refusal beyond its name: the two values that disagree, and
 * the foreign code behind it. A struct why travels down as an out-parameter; the function that sees
 * the disagreement writes one sentence into it. Callers add one thing only: what was being read.
 */
#ifndef PAWL_BASE_WHY_H
#define PAWL_BASE_WHY_H

#include "gate/base/err.h"

#include <stdint.h>

struct why {
    err_code code;
    char text[512];      /* one sentence without a full stop; untrusted parts are escaped */
    const char *foreign; /* "TPM_RC", "CKR", "errno", or NULL; static storage */
    uint64_t foreign_code;
};

/* Writes the sentence (printf-style, cut at the size) and returns code, so that a refusal is one
 * line: return why_say(why, ERR_ROLLBACK, "...", ...). Clears the foreign code. why may be NULL. */
[[gnu::format(printf, 3, 4)]] err_code why_say(struct why *why, err_code code, const char *format,
                                               ...);

/* The same, keeping the code that the TPM, the token or the kernel gave. foreign: "TPM_RC", "CKR"
 * or "errno". */
[[gnu::format(printf, 5, 6)]] err_code why_foreign(struct why *why, err_code code,
                                                   const char *foreign, uint64_t foreign_code,
                                                   const char *format, ...);

/* The sentence, or in its place the meaning of the code that came without one. */
const char *why_text(const struct why *why, err_code code);

/* A file could not be used: maps errno (ENOENT: NOT_FOUND; ENOSPC, EDQUOT, EFBIG: STORAGE_FULL;
 * else STORAGE). */
err_code why_errno(struct why *why, int number, const char *doing, const char *path);

/* Puts what was being read (a file, a part of one) before the sentence of a refusal for its content
 * (exit codes 4 and 20), unless it stands there already. Returns err, whatever it is: return
 * why_reading(why, parse(..., why), "\"%s\"", path). */
[[gnu::format(printf, 3, 4)]] err_code why_reading(struct why *why, err_code err,
                                                   const char *format, ...);

#endif
