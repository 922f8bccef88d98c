#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_pin.py: PINs, as the verbs use them. A command tries a PIN once or not at all; it never
spends the last try; and it says which file the PIN is in."""

import os

import p11
from shim import Shim
from tap import Suite, equal, true
from world import CURL, GIT, World, main, write

suite = Suite()
COUNT_LOW, FINAL_TRY, LOCKED = 0x10000, 0x20000, 0x40000
SO = 4  # the security officer's flags are so many bits above the user's
WRONG = b"not-the-pin-3821"


class Watched(World):
    """Every call to the token is counted."""

    def prepare(self):
        self.shim = Shim(self, self.options.shim)

    def set_pin(self, text, path=None):
        write(path or self.hardware.pin_file, text)

    def right_pins(self):
        self.set_pin(self.hardware.pin.encode() + b"\n")
        self.set_pin(self.hardware.so_pin.encode() + b"\n", self.hardware.so_pin_file)

    def go(self, stage):
        if os.path.exists(self.hardware.pin_file):
            os.chmod(self.hardware.pin_file, 0o600)
            self.right_pins()
        self.shim.set()
        super().go(stage)

    def flags(self):
        """What the token itself says, not the shim."""
        return p11.with_session(self.hardware, p11.Session.flags, None)

    def tries(self, args, want, tries, **switches):
        """Runs a command that must fail, and counts the PINs it tried."""
        self.shim.set(**switches)
        error = self.pawl(*args, want=want)["error"]
        equal(self.shim.calls("C_Login"), tries, f"PINs tried by pawl {args[0]}")
        self.shim.set()
        return error

    def verbs(self):
        """Everything that a gate does with the user's PIN."""
        yield self.request(GIT)
        yield self.request(CURL)
        yield ("install", f"{self.bundles}/2.bundle")
        yield ("status",)
        yield self.init_args()

    def init_args(self):
        return ("init", "--hardware", self.hardware.uri, "--trust",
                f"{self.authority}/enrol.bundle", "--gate", self.gate, "--insecure-simulator",
                *self.hardware.init_options)


@suite.test("a wrong PIN is tried once by each command", roots=("hsm",))
def wrong(world):
    world.set_pin(WRONG)
    for args in world.verbs():
        error = world.tries(args, "HSM_PIN_WRONG", 1)
        true(world.hardware.pin_file in error["why"], f"names the PIN file: {error}")
        equal(error["foreign"], {"kind": "CKR", "code": 0xA0}, "the token's code")
        equal(world.flags() & (COUNT_LOW | FINAL_TRY | LOCKED), COUNT_LOW, "the token's flags")
    world.right_pins()
    world.sound(2)
    equal(world.flags() & COUNT_LOW, 0, "flags after the right one")


@suite.cases([
    ("the user's last try", FINAL_TRY, "HSM_PIN_LAST_TRY"),
    ("the user's last try, of few", FINAL_TRY | COUNT_LOW, "HSM_PIN_LAST_TRY"),
    ("the user's PIN locked", LOCKED, "HSM_PIN_LOCKED"),
], roots=("hsm",))
def not_spent(world, flags, want):
    """The right PIN or not: a command cannot know, and leaves the try to a person."""
    for text in (WRONG, world.hardware.pin.encode()):
        world.set_pin(text)
        for args in world.verbs():
            world.tries(args, want, 0, flags=flags)
    equal(world.flags() & (COUNT_LOW | FINAL_TRY | LOCKED), 0, "the token's flags")
    world.sound(2)


@suite.test("a wrong PIN, and then the token says that one try is left", roots=("hsm",))
def then_low(world):
    world.set_pin(WRONG)
    world.tries(world.request(GIT), "HSM_PIN_WRONG", 1)
    world.tries(world.request(GIT), "HSM_PIN_LAST_TRY", 0, flags=FINAL_TRY)
    world.tries(world.request(GIT), "HSM_PIN_WRONG", 1)
    world.right_pins()
    world.sound(2)


@suite.test("few tries left, and the right PIN", roots=("hsm",))
def few(world):
    world.shim.set(flags=COUNT_LOW)
    world.check(CURL, False, 2)


@suite.test("the token says that the PIN is locked, as it is tried", roots=("hsm",))
def locks(world):
    error = world.tries(world.request(GIT), "HSM_PIN_LOCKED", 1, fn="C_Login", at=1, times=9,
                        rv=0xA4)
    equal(error["foreign"]["code"], 0xA4, "the token's code")
    world.sound(2)


# ---- the officer ---------------------------------------------------------------------------------

@suite.test("a wrong PIN of the security officer is tried once", at="bare", roots=("hsm",))
def wrong_officer(world):
    world.set_pin(WRONG, world.hardware.so_pin_file)
    error = world.tries(world.init_args(), "HSM_PIN_WRONG", 1)
    true(world.hardware.so_pin_file in error["why"], f"names the PIN file: {error}")
    equal(world.flags() >> SO & (COUNT_LOW | FINAL_TRY | LOCKED), COUNT_LOW, "the token's flags")
    world.refused("NOT_ENROLLED")
    for flags, want in ((FINAL_TRY, "HSM_PIN_LAST_TRY"), (LOCKED, "HSM_PIN_LOCKED")):
        world.tries(world.init_args(), want, 0, flags=flags << SO)
    world.right_pins()
    world.init()
    world.install(world.next_epoch())
    world.check(GIT, True, 1)


@suite.test("the officer's PIN is not asked for where nothing is to be made", roots=("hsm",))
def officer_idle(world):
    world.set_pin(WRONG, world.hardware.so_pin_file)
    world.init()
    equal(world.flags() & COUNT_LOW << SO, 0, "the token's flags")
    os.unlink(world.hardware.so_pin_file)
    world.init()
    world.right_pins()
    world.sound(2)


# ---- files ---------------------------------------------------------------------------------------

def empty(path):
    write(path, b"")


def newline(path):
    write(path, b"\n")


def directory(path):
    os.unlink(path)
    os.mkdir(path)


def endless(path):
    os.unlink(path)
    os.symlink("/dev/zero", path)


FILES = [
    ("gone", os.unlink, "NOT_FOUND"),
    ("empty", empty, "HSM_PIN_MISSING"),
    ("an empty line", newline, "HSM_PIN_MISSING"),
    ("for everybody to read", lambda path: os.chmod(path, 0o644), "STORAGE"),
    ("for everybody to write", lambda path: os.chmod(path, 0o602), "STORAGE"),
    ("a directory", directory, "STORAGE"),
    ("a device without an end", endless, "STORAGE"),
    ("5000 bytes long", lambda path: write(path, b"1" * 5000), "TOO_LARGE"),
]


@suite.cases([(f"the PIN file is {name}", *rest) for name, *rest in FILES], roots=("hsm",))
def files(world, damage, want):
    path = world.hardware.pin_file
    damage(path)
    try:
        for args in world.verbs():
            error = world.tries(args, want, 0)
            true(path in error["why"], f"names the PIN file: {error}")
    finally:
        if os.path.isdir(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
        write(path, b"")
        os.chmod(path, 0o600)
        world.right_pins()
    world.sound(2)


@suite.test("a PIN file with the line end of another system", roots=("hsm",))
def line_end(world):
    world.set_pin(world.hardware.pin.encode() + b"\r\n")
    world.sound(2)


# ---- the authority's keys ------------------------------------------------------------------------

@suite.test("an authority's key on a token, with a wrong PIN", roots=("hsm",))
def authority_key(world):
    key = world.hardware.uri.replace("?", ";object=signer?", 1)
    world.pawl("key", "generate", key)
    show = ("key", "show", key)
    lint = f"{world.live}/rules.cedar"
    sign = ("policy", "sign", lint, "--authority", world.authority, "--alias", "builds",
            "--actions", "execute", "--key", key)
    before = world.files(world.authority)
    world.set_pin(WRONG)
    for args in (sign, ("key", "generate", key.replace("signer", "another"))):
        error = world.tries(args, "HSM_PIN_WRONG", 1)
        true(world.hardware.pin_file in error["why"], f"names the PIN file: {error}")
        for flags, want in ((FINAL_TRY, "HSM_PIN_LAST_TRY"), (LOCKED, "HSM_PIN_LOCKED")):
            world.tries(args, want, 0, flags=flags)
    equal(world.files(world.authority), before, "the authority's directory")
    world.right_pins()
    world.pawl(*show)
    world.shim.set()
    world.pawl(*sign)
    equal(world.shim.calls("C_Login"), 1, "PINs tried")


if __name__ == "__main__":
    main(suite, Watched, Watched.prepare)
