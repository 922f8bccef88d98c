/* SPDX-License-Identifier: Apache-2.0 */
/* note_testing.h: keys and notes for the tests of this room. */
#ifndef PAWL_TLOG_NOTE_TESTING_H
#define PAWL_TLOG_NOTE_TESTING_H

#include "gate/tlog/note.h"

/* A log key and witness keys that are the same in every run. n: 0 is the log. */
struct note_pair {
    struct note_key key;
    struct hw_ed25519 pair;
};
struct note_pair note_pair_of(enum note_type type, const char *name, uint8_t n);

/* A checkpoint that golang.org/x/mod/sumdb/note and github.com/transparency-dev/formats/note made
 * and verified: signed by an Ed25519 log, cosigned, and signed with ECDSA. */
#define NOTE_PEER_LOG "log.example/a+55cf0683+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYf"
#define NOTE_PEER_WITNESS "witness.example/w1+2fa6c98e+BASd4DpZz2S7pDcoXKP02S5160pHXqZIw9wTlq48Ovy6"
#define NOTE_PEER_ECDSA                                                                            \
    "ecdsa.example+e52edb91+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAhE5ZfvDwVZZ1Kke7tO2/"            \
    "2NgsR9gfzPNUKfBvllblROyINqssMhf594cBaRwVJ+hEnITmuP5Up8r41YFC2bXoI="
#define NOTE_PEER_TIME UINT64_C(1795346930)
#define NOTE_PEER_TEXT "log.example/a\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
#define NOTE_PEER_LOG_LINE                                                                         \
    "\u2014 log.example/a "                                                                        \
    "Vc8Gg8pvHyxqzzSCS3QLY219+bQsZuyCHHuu3APFfqkvfB6urTj9MX85B5b5O9oqso7bHy5Gy6UBvwbzTxoSgYhbYAQ=" \
    "\n"
#define NOTE_PEER_WITNESS_LINE                                                                     \
    "\u2014 witness.example/w1 "                                                                   \
    "L6bJjgAAAABrAtHyz9qDZiaFsRkbNj34XNLBhTdxSe8jF1gxtrJbJbMsItttvSThwcOywzVXi8xhcPUktmkMF2z0hHay" \
    "cZLML9IIAQ==\n"
#define NOTE_PEER_ECDSA_LINE                                                                       \
    "\u2014 ecdsa.example "                                                                        \
    "5S7bkTBGAiEAlYHE/xwac2eYDNfnUOySJQAoS+HnD7s4gBHancMOp8wCIQD98yvrXHqbqzz++FuCTV5g4ZRPPWtCi8Ex" \
    "X7bRGYKGog==\n"
#define NOTE_PEER NOTE_PEER_TEXT "\n" NOTE_PEER_LOG_LINE NOTE_PEER_WITNESS_LINE NOTE_PEER_ECDSA_LINE

#endif
