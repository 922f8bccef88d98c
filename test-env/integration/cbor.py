# SPDX-License-Identifier: Apache-2.0
"""cbor.py: just enough CBOR (RFC 8949) to take the authority's files apart and to put them together
otherwise. Written in the deterministic form, independent of the codec under test."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tag:
    number: int
    value: object


def head(major, number):
    for bits, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 24:
            return bytes([major << 5 | number])
        if number < 1 << (8 * size):
            return bytes([major << 5 | bits]) + number.to_bytes(size, "big")
    raise ValueError(number)


def encode(value):
    if value is None:
        return b"\xf6"
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, (bytes, bytearray)):
        return head(2, len(value)) + bytes(value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, (list, tuple)):
        return head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        pairs = sorted((encode(key), encode(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    if isinstance(value, Tag):
        return head(6, value.number) + encode(value.value)
    raise TypeError(type(value))


def decode_item(data, at):
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    number = low
    if 24 <= low <= 27:
        size = 1 << (low - 24)
        number = int.from_bytes(data[at : at + size], "big")
        at += size
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major in (2, 3):
        raw = data[at : at + number]
        return (raw if major == 2 else raw.decode()), at + number
    if major == 4:
        items = []
        for _ in range(number):
            item, at = decode_item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(number):
            key, at = decode_item(data, at)
            pairs[key], at = decode_item(data, at)
        return pairs, at
    if major == 6:
        value, at = decode_item(data, at)
        return Tag(number, value), at
    return {20: False, 21: True, 22: None}[low], at


def decode(data):
    value, end = decode_item(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes follow")
    return value
