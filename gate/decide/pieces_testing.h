/* SPDX-License-Identifier: Apache-2.0 */
/* pieces_testing.h: a permit taken apart, and put together again from other pieces, also into what
 * no writer of pawl makes. */
#ifndef PAWL_DECIDE_PIECES_TESTING_H
#define PAWL_DECIDE_PIECES_TESTING_H

#include "gate/cose/cose.h"

/* One label of a header and its value, both encoded. */
struct label {
    struct slice key, value;
};

/* What a permit is made of. Borrows. */
struct pieces {
    struct slice protected_, payload, signature;
    struct slice chain; /* certificates, encoded; empty: none */
    struct slice receipt, rotation;
    struct slice seal; /* the map, encoded; empty: no seal */
    struct label more; /* one more label; no key: none */
};

/* Takes a good permit apart; fails the test otherwise. Borrows: from permit. */
struct pieces pieces_of(const struct buf *permit);

/* Puts a permit together, whatever the pieces are. Owns: the caller frees. */
struct buf pieces_join(const struct pieces *pieces);

/* A map of fewer than 24 labels, which this sorts. Owns: the caller frees. */
struct buf pieces_map(struct label *labels, size_t n);

#endif
