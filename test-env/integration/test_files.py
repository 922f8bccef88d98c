#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_files.py: what is given to install and is no bundle, and bundles whose content takes effect
later than their installation."""

import os

import cbor
from busy import Busy, refused
from forge import digest_of, text_id
from tap import Suite, equal
from world import CURL, GIT, STRICT, main, read, write

suite = Suite()

# ---- files that are no bundle --------------------------------------------------------------------

def cut(data):
    return data[: len(data) // 2]


def reordered(data):
    """The members in another order: the same map, not the same bytes."""
    parts = cbor.decode(data)
    body = b"".join(cbor.encode(key) + cbor.encode(parts[key]) for key in reversed(sorted(parts)))
    return bytes([data[0]]) + body


def doubled(data):
    parts = cbor.decode(data)
    member = cbor.encode("roots") + cbor.encode(parts["roots"])
    return bytes([data[0] + 1]) + member + data[1:]


FILES = [
    ("an empty file", lambda data: b"", ("CBOR_MALFORMED", "FORMAT")),
    ("a bundle cut in half", cut, "CBOR_MALFORMED"),
    ("a bundle with a byte behind it", lambda data: data + b"\0", "CBOR_TRAILING"),
    ("a bundle twice", lambda data: data + data, "CBOR_TRAILING"),
    ("a bundle in another order", reordered, "CBOR_NOT_DETERMINISTIC"),
    ("a bundle with a member twice", doubled, "CBOR_DUPLICATE_KEY"),
    ("text", lambda data: b"epoch: 3\n", ("CBOR_MALFORMED", "CBOR_TRAILING", "CBOR_TYPE")),
    ("arrays 10,000 deep", lambda data: b"\x81" * 10000, "CBOR_TOO_DEEP"),
    ("an array of 2^60 items", lambda data: b"\x9b\x10" + bytes(7), "CBOR_MALFORMED"),
    ("17 MiB", lambda data: bytes(17 << 20), "TOO_LARGE"),
]


@suite.cases(FILES, at="next")
def files(world, make, want):
    path = f"{world.bundles}/made.bundle"
    write(path, make(read(f"{world.bundles}/3.bundle")))
    refused(world, path, want)


PATHS = [
    ("a file that is not there", "{base}/nothing", "NOT_FOUND"),
    ("a directory", "{base}", "STORAGE"),
    ("a device without an end", "/dev/zero", "STORAGE"),
]


@suite.cases(PATHS, at="next")
def paths(world, path, want):
    refused(world, path.format(base=world.base), want)


@suite.test("a pipe that nobody writes to", at="next")
def pipe(world):
    path = f"{world.base}/pipe"
    if not os.path.exists(path):
        os.mkfifo(path)
    refused(world, path, "STORAGE")


# ---- what takes effect later ---------------------------------------------------------------------

LATER = [
    ("a policy that is not valid yet", {"not_before": "+1d", "expires": "+2d"}, "NOT_YET_VALID"),
]


@suite.cases(LATER, at="next")
def later(world, times, reason):
    world.sign(STRICT + "// later\n", **times)
    world.install(world.publish())
    got = world.pawl(*world.request(GIT), code=world.exits[reason])
    equal((got["decision"], got["reason"]), (False, reason), "answer")
    world.log()


@suite.test("a policy object that was revoked since", at="next")
def revoked_object(world):
    digest = digest_of(world.bundle(3).policies[world.bundle(3).policy("builds", 3)[0]])
    world.install(f"{world.bundles}/3.bundle")
    world.check(GIT, True, 3)
    world.pawl("revoke", "object", text_id(digest), "--authority", world.authority, "--reason",
               "too lax")
    world.install(world.publish())
    got = world.pawl(*world.request(GIT), code=world.exits["REVOKED"])
    equal((got["decision"], got["reason"]), (False, "REVOKED"), "answer")
    world.install(world.next_epoch(STRICT))
    world.sound(5)


@suite.test("a policy whose signers were revoked since", at="next")
def revoked_signers(world):
    world.install(f"{world.bundles}/3.bundle")
    for key in world.keys("policy")[:2]:
        world.pawl("revoke", "key", text_id(key.kid), "--authority", world.authority, "--reason",
                   "stolen")
    world.install(world.publish())
    got = world.pawl(*world.request(CURL), code=world.exits["REVOKED"])
    equal((got["decision"], got["reason"]), (False, "REVOKED"), "answer")
    world.log()


if __name__ == "__main__":
    main(suite, Busy)
