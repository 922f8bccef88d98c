# SPDX-License-Identifier: Apache-2.0
"""journal.py: the octets of a ledger's journal (docs/formats.md), to be told another round."""

import hashlib
import struct

HEADER, FRONT = 16 + 8 + 32 + 8 + 32, 4 + 8 + 8 + 4 + 32


def frames(journal):
    at = HEADER
    while at < len(journal):
        size = 4 + struct.unpack_from(">I", journal, at)[0]
        yield at, size
        at += size


def head_of(journal):
    """Round, size and root of its last commit."""
    at, _ = list(frames(journal))[-1]
    number, first, count = struct.unpack_from(">QQI", journal, at + 4)
    return struct.pack(">QQ", number, first + count) + journal[at + 24:at + FRONT]


def renumbered(journal, like):
    """With the round of another journal's last commit, and every check made anew."""
    journal, before = bytearray(journal), journal[HEADER - 32:HEADER]
    at, _ = list(frames(journal))[-1]
    journal[at + 4:at + 12] = head_of(like)[:8]
    for at, size in frames(journal):
        before = hashlib.sha256(before + journal[at:at + FRONT]).digest()
        journal[at + size - 32:at + size] = before
    return bytes(journal)
