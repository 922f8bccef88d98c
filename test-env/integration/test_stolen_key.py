#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_stolen_key.py: a snapshot key that was stolen, and revoked since, beside the grants that the
authority published and write access to the disk. The grants name the snapshot that they are for,
so a TPM serves no other."""

import os
import shutil

from forge import Bundle, Key, Signed, role_keys, text_id
from tap import Suite, equal, true
from wire import Wire
from world import CURL, World, main

suite = Suite()
INDEX, BASE = 0x01800100, 64


class Stolen(World):
    def counter(self):
        return Wire(self.hardware.socket).counter(INDEX)

    def digests(self, path):
        """Of the grant to sign, and of the snapshot."""
        bundle = Bundle(path)
        grant = next(grant for grant in bundle.grants if grant["for"] == "sign")
        return text_id(grant["digest"]), text_id(bundle.signed().snapshot_digest())

    def build_revoked(self):
        """A snapshot key is stolen, replaced and revoked in epoch 3, which is in force; epoch 4 is
        published. Keeps the disk as it was before epoch 3."""
        self.go("epoch2")
        stolen, new = role_keys(self.authority, "snapshot")[0], Key(f"{self.live}/new.pem")
        shutil.copy(stolen.path, f"{self.live}/stolen.pem")
        self.change_keys("add-key", new.path, "--role", "snapshot")
        self.change_keys("drop-key", text_id(stolen.kid), "--role", "snapshot")
        self.pawl("revoke", "key", text_id(stolen.kid), "--reason", "stolen", "--authority",
                  self.authority)
        self.keep_disk("before")
        self.install(self.next_epoch())
        self.next_epoch()

    def change_keys(self, *change):
        self.pawl("authority", *change, "--authority", self.authority)
        self.pawl("authority", "rotate", "--authority", self.authority)

    def lax_again(self, epoch):
        """The lax rules of epoch 1 as a snapshot of another epoch: signed with the stolen key,
        under the root metadata that lists it, and with the grants of that epoch as published."""
        bundle = Bundle(f"{self.bundles}/1.bundle")
        genuine = Bundle(f"{self.bundles}/{epoch}.bundle")
        members = {**bundle.signed().content(), "epoch": epoch,
                   "previous": genuine.signed().content()["previous"]}
        forged = Signed(genuine.snapshot).edit(members).sign(Key(f"{self.live}/stolen.pem"))
        bundle.snapshot, bundle.grants = forged.bytes(), genuine.grants
        return bundle.save(f"{self.live}/lax.bundle")


@suite.test("lax rules of old by a stolen, revoked snapshot key, on the disk with genuine grants",
            at="revoked", roots=("tpm",))
def stolen_on_disk(world):
    forged = world.lax_again(4)
    shutil.copy(forged, f"{world.state}/installed/4.bundle")
    world.refused("ROLLBACK", CURL)  # it is not the successor of epoch 3
    os.unlink(f"{world.state}/installed/3.bundle")
    for _ in range(2):
        error = world.refused("GRANT_INVALID", CURL)
        true(all(text in error["why"] for text in world.digests(forged)),
             f"names what disagrees: {error}")
    equal(world.counter(), BASE + 3, "counter: the step was not finished for it")
    world.install(f"{world.bundles}/4.bundle")
    world.sound(4)


@suite.test("the same through pawl install, on the disk of old, with nothing installed",
            at="revoked", roots=("tpm",))
def stolen_installed(world):
    world.keep_disk("newest")
    for epoch in (3, 4):
        # All of the old disk but the ledger, without which nothing is installed at all.
        world.keep_disk("true")
        world.put_disk_back("before")
        world.put_ledger_back("true")
        shutil.rmtree(f"{world.state}/installed")
        world.refused("ROLLBACK", CURL)  # also settles the epoch anew
        before = world.files(world.state)
        world.install(world.lax_again(epoch), want="GRANT_INVALID")
        equal(world.files(world.state), before, "a refused install changes nothing")
        world.refused("ROLLBACK", CURL)
        equal(world.counter(), BASE + 3, "counter")
    world.put_ledger_back("newest")
    world.install(f"{world.bundles}/3.bundle")
    world.sound(3)


if __name__ == "__main__":
    main(suite, Stolen)
