/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/note_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct note_pair note_pair_of(enum note_type type, const char *name, uint8_t n)
{
    uint8_t seed[ED25519_KEY_LEN];
    struct note_pair ret;

    memset(seed, 0x40 + n, sizeof seed);
    assert_int_equal(hw_ed25519_from_seed(seed, &ret.pair), ERR_OK);
    assert_int_equal(note_key_make(type, slice_str(name), ret.pair.public, &ret.key, NULL), ERR_OK);
    return ret;
}
