#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_outsider_hsm.py: root on the gate's machine, with the token's user PIN, pkcs11-tool and
softhsm2-util, calls of their own, every public file of the authority and a copy of the old disk,
but neither the security officer's PIN nor a key of the authority. Whatever they do, no permit under
the older epoch comes out."""

import hashlib
import os
import shutil
import struct
import time

import p11
from forge import digest_of
from tap import Skip, Suite, equal, fail, true
from world import CURL, GIT, STRICT, World, copy, main, read, write

suite = Suite()
CERT = 294
SO_PIN_COUNT_LOW = 0x100000


class Robbed(World):
    """Stage "theirs": beside the gate, another one of the same authority with a token of the same
    label and PINs, which serves the old rules; its token lies in live/their-token."""

    @property
    def prefix(self):
        return f"pawl:{self.domain}:{self.gate}"

    @property
    def space(self):
        """What the ids of the gate's keys begin with (docs/formats.md)."""
        first = digest_of(read(self.root))
        named = b"pawl-hsm-v1\0" + self.domain.encode() + b"\0" + self.gate.encode() + b"\0" + first
        return hashlib.sha256(named).digest()[:8]

    def epoch_id(self, epoch):
        return self.space + struct.pack(">Q", epoch)

    def session(self, work, user=1):
        return p11.with_session(self.hardware, work, user)

    def tool(self, *args, good=True, pin=True):
        """pkcs11-tool, as the user. good: whether it must succeed."""
        if not shutil.which("pkcs11-tool"):
            raise Skip("pkcs11-tool is not here")
        login = ["--login", "--pin", self.hardware.pin] if pin else []
        code, text = self.hardware.tool("pkcs11-tool", "--module", self.hardware.module,
                                        "--token-label", self.hardware.label, *login, *args,
                                        good=False)
        if good is not None:
            equal(code == 0, good, f"pkcs11-tool {' '.join(args)}: {text}")
        return text

    def keep_token(self):
        copy(self.hardware.state, f"{self.live}/kept-token")

    def put_token_back(self):
        copy(f"{self.live}/kept-token", self.hardware.state)

    def build_theirs(self):
        self.go("epoch2")
        mine = (self.enrolment, self.state, self.gate)
        self.keep_token()
        self.new_token()
        self.enrolment, self.state = f"{self.live}/their.enrolment", f"{self.live}/their-state"
        self.gate = "gate-2"
        self.init()
        self.install(f"{self.bundles}/1.bundle")
        self.enrolment, self.state, self.gate = mine
        copy(self.hardware.state, f"{self.live}/their-token")
        self.put_token_back()

    def new_token(self):
        """A token of the outsider's own, with the label that the gate looks for."""
        shutil.rmtree(self.hardware.state)
        self.hardware.make()


def old_disk_refused(world, want="ROLLBACK"):
    """With the old disk in place: no answer to what the old rules allowed, also after asking for
    everything that a gate can do by itself."""
    world.keep_disk("true")
    world.put_old_disk_back()
    for _ in range(2):
        world.refused(want, CURL)
    world.install(f"{world.bundles}/1.bundle", want=(*names(want), "ROLLBACK"))
    world.refused(want, CURL)
    world.put_disk_back("true")


def names(want):
    return (want,) if isinstance(want, str) else tuple(want)


def refuses(session, code, call, *args, **more):
    """The token itself says no, with this code."""
    try:
        call(*args, **more)
    except p11.Refused as refused:
        if refused.code != code:
            raise AssertionError(f"{refused}, wanted 0x{code:x}") from refused
        return
    fail(f"the token did not refuse {call.__name__} in {session}")


# ---- the keys as they are ------------------------------------------------------------------------

@suite.test("the old disk put back", roots=("hsm",))
def old_disk(world):
    old_disk_refused(world)
    now = {p11.ID: world.epoch_id(2)}
    equal(world.session(lambda s: [s.get(handle, p11.LABEL) for handle in s.find(now)]),
          [f"{world.prefix}:epoch:2".encode()], "the key of the epoch")
    equal(world.session(lambda s: s.find({p11.ID: world.epoch_id(1)})), [], "keys of epoch 1")
    world.sound(2)


@suite.test("the keys read out, copied, wrapped and changed", roots=("hsm",))
def take_away(world):
    def work(session):
        for name in ("identity", "epoch:2"):
            key = session.key(f"{world.prefix}:{name}")
            prohibited = p11.RV_ACTION_PROHIBITED
            refuses(name, p11.RV_ATTRIBUTE_SENSITIVE, session.get, key, p11.VALUE)
            refuses(name, p11.RV_KEY_UNEXTRACTABLE, session.wrap, key)
            refuses(name, prohibited, session.copy, key, {p11.LABEL: "mine"})
            refuses(name, prohibited, session.copy, key, {p11.EXTRACTABLE: True})
            for change in ({"EXTRACTABLE": True}, {"SENSITIVE": False}, {"COPYABLE": True},
                           {"MODIFIABLE": True}, {"ID": world.epoch_id(1)}, {"LABEL": "mine"}):
                refuses(name, prohibited, session.set, key, **change)
        refuses("identity", prohibited, session.destroy, session.key(f"{world.prefix}:identity"))

    world.session(work)
    for name, identifier in (("identity", world.space), ("epoch:2", world.epoch_id(2))):
        for choice in (["--label", f"{world.prefix}:{name}"], ["--id", identifier.hex()]):
            text = world.tool("--read-object", "--type", "privkey", *choice, "-o",
                              f"{world.live}/key", good=None)
            true(not os.path.exists(f"{world.live}/key") or not read(f"{world.live}/key"),
                 f"a private key came out: {text}")
        world.tool("--set-id", "77", "--type", "privkey", "--id", identifier.hex(), good=False)
    world.tool("--delete-object", "--type", "privkey", "--id", world.space.hex(), good=False)
    old_disk_refused(world)
    world.sound(2)


@suite.test("the authority's keys on the token, deleted, changed and beside others", roots=("hsm",))
def anchors(world):
    def work(session):
        found = session.find({p11.CLASS: p11.PUBLIC_KEY, p11.TRUSTED: True})
        true(len(found) >= 4, f"{len(found)} anchors")
        for anchor in found:
            refuses("anchor", p11.RV_ACTION_PROHIBITED, session.destroy, anchor)
            refuses("anchor", p11.RV_ACTION_PROHIBITED, session.set, anchor, LABEL="mine")
            refuses("anchor", p11.RV_ACTION_PROHIBITED, session.copy, anchor, {p11.LABEL: "mine"})
        return [(session.get(anchor, p11.ID), session.get(anchor, p11.LABEL)) for anchor in found]

    found = world.session(work)
    _, point = world.session(lambda s: s.generate("mine", b"mine"))
    public = {p11.CLASS: p11.PUBLIC_KEY, p11.KEY_TYPE: 3, p11.TOKEN: True, p11.PRIVATE: False,
              p11.VERIFY: True, p11.EC_PARAMS: p11.P256,
              p11.EC_POINT: b"\x04\x41\x04" + point}
    try:
        world.session(lambda s: s.create({**public, p11.TRUSTED: True}))
        fail("the user made a trusted key")
    except AssertionError as error:
        true("CreateObject" in str(error), f"{error}")

    def plant(session):
        for identifier, label in found:
            session.create({**public, p11.ID: identifier, p11.LABEL: label})

    world.session(plant)
    old_disk_refused(world)
    world.sound(2)
    world.session(lambda s: [s.destroy(h) for h in s.find({p11.CLASS: p11.PUBLIC_KEY,
                                                           p11.TRUSTED: False})])
    world.sound(2)


# ---- other keys in their place -------------------------------------------------------------------

def delete_current(world):
    world.tool("--delete-object", "--type", "privkey", "--id", world.epoch_id(2).hex())


def with_tool(world):
    """As pkcs11-tool makes keys: without the protections."""
    world.tool("--keypairgen", "--key-type", "EC:prime256v1", "--usage-sign", "--sensitive",
               "--label", f"{world.prefix}:epoch:1", "--id", world.epoch_id(1).hex())


def exactly(world):
    """As pawl makes them."""
    world.session(lambda s: s.generate(f"{world.prefix}:epoch:1", world.epoch_id(1)))


def exactly_now(world):
    world.session(lambda s: s.generate(f"{world.prefix}:epoch:2", world.epoch_id(2)))


@suite.cases([
    ("a new key under the name of epoch 1, beside the current one", with_tool),
    ("a key just like that of epoch 1, beside the current one", exactly),
], roots=("hsm",))
def beside(world, make):
    make(world)
    old_disk_refused(world)
    world.sound(2)
    equal(world.session(lambda s: s.find({p11.CLASS: p11.PRIVATE_KEY,
                                          p11.ID: world.epoch_id(1)})), [], "keys of epoch 1")


@suite.cases([
    ("the current key deleted", lambda world: None, "HSM_KEY_MISSING", "HSM_KEY_MISSING"),
    ("the current key deleted, a new key under the name of epoch 1", with_tool, "HSM_KEY_WEAK",
     "HSM_KEY_MISSING"),
    ("the current key deleted, a key just like that of epoch 1", exactly, "HSM_KEY_FOREIGN",
     "HSM_KEY_MISSING"),
    ("the current key deleted, a key just like it", exactly_now, "ROLLBACK", "HSM_KEY_FOREIGN"),
], roots=("hsm",))
def instead(world, make, want_old, want):
    """want_old: with the old disk in place. Nothing is left that could sign. With the key back, as
    only a device that never lost it has it, nothing else was lost."""
    world.keep_token()
    delete_current(world)
    make(world)
    old_disk_refused(world, want_old)
    for resource in (GIT, CURL):
        world.refused(want, resource)
    world.init(want=want)
    world.put_token_back()
    world.sound(2)


@suite.test("a second key just like the current one", roots=("hsm",))
def twice(world):
    world.keep_token()
    exactly_now(world)
    old_disk_refused(world, "HSM_KEY_FOREIGN")
    world.refused("HSM_KEY_FOREIGN", GIT)
    world.put_token_back()
    world.sound(2)


# ---- certificates --------------------------------------------------------------------------------

def chain(world):
    return f"{world.state}/hw/epochs"


def certificates(data):
    return [data[at : at + CERT] for at in range(0, len(data), CERT)]


def certify(world, session, epoch, point, before, previous, snapshot=b"s" * 32):
    """A certificate as docs/formats.md has it; previous: the label of the key that signs in the
    place of the epoch before, or None."""
    since, zero = int(time.time()), bytes(32)
    snapshot = snapshot if before else zero
    above = struct.unpack(">Q", before[14:22])[0] if before else 0
    body = (b"pawl-epoch-v1\0" + struct.pack(">QQ", epoch, since) + point + snapshot
            + struct.pack(">Q", above) + (hashlib.sha256(before).digest() if before else zero))
    digest = hashlib.sha256(body).digest()

    def signed(name):
        return session.sign(session.key(f"{world.prefix}:{name}"), digest)

    return body + (signed(previous) if previous else bytes(64)) + signed("identity")


FORGED = [
    ("signed by itself", "epoch:1", 1, "HSM_KEY_FOREIGN"),
    ("signed by the identity key", "identity", 1, "HSM_KEY_FOREIGN"),
    ("signed by the current key", "epoch:2", 1, "HSM_KEY_FOREIGN"),
    ("as the first of all", None, 0, "HSM_KEY_FOREIGN"),
    ("after the certificate of the current key", "epoch:2", 3, "STATE_CORRUPT"),
]


@suite.cases([(f"a certificate for a new key of epoch 1, {name}", *rest) for name, *rest in FORGED],
             roots=("hsm",))
def forged(world, previous, kept, want):
    """With the PIN the identity key signs anything; the key of epoch 0 is gone. kept: how many of
    the true certificates stand before it."""
    true_chain = certificates(read(chain(world)))
    equal(len(true_chain), 3, "certificates of epochs 0, 1 and 2")

    def work(session):
        _, point = session.generate(f"{world.prefix}:epoch:1", world.epoch_id(1))
        before = true_chain[kept - 1] if kept else None
        return certify(world, session, 1, point, before, previous)

    cert = world.session(work)
    equal(len(cert), CERT, "length")
    world.keep_disk("true")
    world.keep_token()
    for deleted in (False, True):
        if deleted:
            delete_current(world)
            drop_objects(world)
        world.put_old_disk_back()
        write(chain(world), b"".join(true_chain[:kept]) + cert)
        for resource in (GIT, CURL):
            world.refused(want, resource)
    world.put_token_back()
    world.put_disk_back("true")
    world.sound(2)


def cert_objects(world, session):
    """The certificates; what keeps the ledger's head lies beside them."""
    found = session.find({p11.CLASS: p11.DATA, p11.APPLICATION: "pawl"})
    objects = {session.get(handle, p11.LABEL).decode(): session.get(handle, p11.VALUE)
               for handle in found}
    return {label: value for label, value in objects.items() if ":cert:" in label}


def drop_objects(world):
    for label in world.session(lambda s: cert_objects(world, s)):
        world.tool("--delete-object", "--type", "data", "--label", label)
    equal(world.session(lambda s: cert_objects(world, s)), {}, "data objects")


def put_object(world, label, data):
    path = f"{world.live}/object"
    write(path, data)
    world.tool("--write-object", path, "--type", "data", "--label", label,
               "--application-label", "pawl")


@suite.test("the certificates on the token deleted", roots=("hsm",))
def objects_deleted(world):
    before = world.session(lambda s: cert_objects(world, s))
    true(before, "certificates on the token")
    drop_objects(world)
    old_disk_refused(world)
    world.sound(2)
    world.install(world.next_epoch())
    after = world.session(lambda s: cert_objects(world, s))
    true(set(before) < set(after), f"objects came back: {sorted(after)}")
    old_disk_refused(world)
    world.sound(3)


REPLACED = [
    ("of zeroes", lambda value, old: bytes(CERT)),
    ("of another length", lambda value, old: value[:-1]),
    ("with a bit flipped", lambda value, old: value[:-1] + bytes([value[-1] ^ 1])),
    ("of the epoch before", lambda value, old: old),
    ("as large as the token takes", lambda value, old: value * 100),
]


@suite.cases([(f"the certificates on the token replaced by some {name}", make)
              for name, make in REPLACED], roots=("hsm",))
def objects_replaced(world, make):
    before = world.session(lambda s: cert_objects(world, s))
    old = certificates(read(chain(world)))[0]
    drop_objects(world)
    for label, value in before.items():
        put_object(world, label, make(value, old))
    old_disk_refused(world)
    world.sound(2)
    world.install(world.next_epoch())
    world.sound(3)


@suite.test("the old certificates replayed, on disk and on the token", roots=("hsm",))
def replayed(world):
    """The disk ends at epoch 1; what the token holds leads on, or nothing is signed."""
    objects = world.session(lambda s: cert_objects(world, s))
    world.keep_disk("true")
    old = read(f"{world.live}/old/hw/epochs")
    write(chain(world), old)
    world.check(CURL, False, 2)
    world.keep_disk("true")  # completed from the token; one without this answer is an older one
    drop_objects(world)
    for label, value in objects.items():
        if not label.endswith(":2"):
            put_object(world, label, value)
    write(chain(world), old)
    world.refused("HSM_CHAIN_STALE", CURL)
    world.refused("HSM_CHAIN_STALE", GIT)
    world.put_disk_back("true")
    world.sound(2)


@suite.test("the next epoch certified by an outsider", roots=("hsm",))
def next_epoch(world):
    """The PIN and the current key certify a successor for a snapshot that nobody has: the gate is
    locked out, as it would be with its keys destroyed, and it does not go back."""
    world.keep_disk("true")
    world.keep_token()
    true_chain = certificates(read(chain(world)))

    def work(session):
        _, point = session.generate(f"{world.prefix}:epoch:3", world.epoch_id(3))
        return certify(world, session, 3, point, true_chain[-1], "epoch:2")

    write(chain(world), b"".join(true_chain) + world.session(work))
    for resource in (GIT, CURL):
        world.refused("ROLLBACK", resource)
    for epoch in (1, 2):
        world.install(f"{world.bundles}/{epoch}.bundle", want="ROLLBACK")
    world.install(world.next_epoch(STRICT + "// three\n"), want="EQUIVOCATION")
    world.install(world.next_epoch(STRICT + "// four\n"), want="SUCCESSION")
    for resource in (GIT, CURL):
        world.refused("ROLLBACK", resource)
    world.put_token_back()
    world.put_disk_back("true")
    world.sound(2)


# ---- other tokens --------------------------------------------------------------------------------

@suite.test("the token initialised again without the officer's PIN", roots=("hsm",))
def reinitialised_by_user(world):
    for so_pin in (world.hardware.pin, "", "12345678"):
        code, text = world.hardware.tool(
            "softhsm2-util", "--init-token", "--token", world.hardware.label, "--label",
            world.hardware.label, "--pin", world.hardware.pin, "--so-pin", so_pin, good=False)
        true(code != 0, text)
    old_disk_refused(world)
    world.sound(2)


def reinitialise(world):
    world.hardware.tool("softhsm2-util", "--init-token", "--token", world.hardware.label, "--label",
                        world.hardware.label, "--pin", world.hardware.pin, "--so-pin",
                        world.hardware.so_pin)


def replace(world):
    world.hardware.tool("softhsm2-util", "--delete-token", "--token", world.hardware.label)
    world.hardware.tool("softhsm2-util", "--init-token", "--free", "--label", world.hardware.label,
                        "--pin", world.hardware.pin, "--so-pin", "their-own-pin")


@suite.cases([("the token initialised again, with the same label", reinitialise),
              ("another token in its place, with the same label", replace)], roots=("hsm",))
def exchanged(world, attack):
    world.keep_token()
    attack(world)
    old_disk_refused(world, "HSM_KEY_MISSING")
    for resource in (GIT, CURL):
        world.refused("HSM_KEY_MISSING", resource)
    world.init(want="HSM_KEY_MISSING")
    equal(world.session(lambda s: len(s.find({})), None), 0, "objects on a token that is not ours")
    equal(world.session(p11.Session.flags, None) & SO_PIN_COUNT_LOW, 0,
          "the officer's PIN tried on it")
    world.put_token_back()
    world.sound(2)


@suite.test("another token beside it, with the same label", roots=("hsm",))
def ambiguous(world):
    world.keep_token()
    world.hardware.tool("softhsm2-util", "--init-token", "--free", "--label", world.hardware.label,
                        "--pin", world.hardware.pin, "--so-pin", "their-own-pin")
    world.refused("HSM_TOKEN_AMBIGUOUS", CURL)
    old_disk_refused(world, "HSM_TOKEN_AMBIGUOUS")
    world.put_token_back()
    world.sound(2)


@suite.test("the token of another gate of the same authority", at="theirs", roots=("hsm",))
def other_gate(world):
    copy(f"{world.live}/their-token", world.hardware.state)
    old_disk_refused(world, "HSM_KEY_MISSING")
    for resource in (GIT, CURL):
        world.refused("HSM_KEY_MISSING", resource)
    world.put_token_back()
    world.sound(2)


@suite.test("the outsider's own token, enrolled by the outsider", roots=("hsm",))
def own_token(world):
    """A token of one's own with anchors of one's own serves any epoch: nobody who holds the gate's
    enrolment believes it."""
    world.keep_token()
    world.keep_disk("true")
    world.new_token()
    state = ("--state", f"{world.live}/new")
    world.pawl("init", *state, "--hardware", world.hardware.uri, "--trust",
               f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator",
               *world.hardware.init_options)
    world.pawl("install", f"{world.bundles}/1.bundle", *state)
    path = f"{world.live}/forged.cose"
    equal(world.pawl(*world.request(CURL), "-o", path, *state)["epoch"], 1, "epoch")
    world.verify(path, want="HSM_KEY_FOREIGN")
    for resource in (GIT, CURL):
        world.refused("HSM_KEY_MISSING", resource)
    world.put_token_back()
    world.sound(2)


# ---- PINs ----------------------------------------------------------------------------------------

@suite.test("the user PIN changed by an outsider", roots=("hsm",))
def changed_pin(world):
    world.tool("--change-pin", "--new-pin", "their-own-pin")
    for resource in (GIT, CURL):
        world.refused("HSM_PIN_WRONG", resource)
    world.hardware.tool("pkcs11-tool", "--module", world.hardware.module, "--token-label",
                        world.hardware.label, "--login", "--pin", "their-own-pin", "--change-pin",
                        "--new-pin", world.hardware.pin)
    old_disk_refused(world)
    world.sound(2)


if __name__ == "__main__":
    main(suite, Robbed)
