/* SPDX-License-Identifier: Apache-2.0 */
/* cose_testing.h: what the tests of this room share. The includer has cmocka.h before it. */
#ifndef PAWL_COSE_COSE_TESTING_H
#define PAWL_COSE_COSE_TESTING_H

#include "gate/base/text.h"
#include "hw/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* Owns: the caller frees. */
static inline struct buf unhex(const char *hex)
{
    struct buf bytes = {0};

    assert_int_equal(hex_decode(hex, &bytes), ERR_OK);
    return bytes;
}

static inline struct hw_signer *new_signer(enum hw_alg alg)
{
    struct hw_signer *signer = NULL;
    struct why why = {0};

    assert_int_equal(hw_signer_generate(alg, &signer, &why), ERR_OK);
    return signer;
}

/* Fails naming both, in hex, from the first octet that differs. */
static inline void same_bytes(const char *name, struct slice got, struct slice want)
{
    size_t at = 0;
    char a[65], b[65];

    if (slice_eq(got, want))
        return;
    while (at < got.len && at < want.len && got.ptr[at] == want.ptr[at])
        at++;
    hex_encode(slice_part(got, at, got.len - at < 32 ? got.len - at : 32), a, sizeof a);
    hex_encode(slice_part(want, at, want.len - at < 32 ? want.len - at : 32), b, sizeof b);
    fail_msg("%s: %zu bytes, wanted %zu; from byte %zu got %s, wanted %s", name, got.len, want.len,
             at, a, b);
}

#endif
