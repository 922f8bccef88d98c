/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held_testing.h: a hardware root around another one, whose calls a test can hold, let fail, and
 * look at: what really happens when a round is cut at a given place.
 */
#ifndef PAWL_DAEMON_HELD_TESTING_H
#define PAWL_DAEMON_HELD_TESTING_H

#include "hw/root.h"

enum held_op {
    HELD_NONE = 0,
    HELD_BEGIN,
    HELD_BIND,
    HELD_SIGN,
    HELD_SEAL,
};

/* Puts itself around *root, in its place. Owns: what was there; closing frees both. */
void held_take(struct hw_root **root);

/* The next call of this operation waits before it is made, until held_go(). From any thread. */
void held_hold(enum held_op op);
/* Waits until a call is held. */
void held_wait(void);
/* Lets it go on; with an error other than OK it fails with that instead, and is not made. */
void held_go(err_code err);

/* How often it was called since held_take(). */
unsigned held_calls(enum held_op op);

#endif
