# SPDX-License-Identifier: Apache-2.0
"""fragile.py: a gate whose processes can be killed, or refused by the disk, at any of their effects
(see faults/killat.c), and at any of their calls to a token (see faults/p11_fault.c)."""

import os
import signal

from shim import Shim
from tap import Skip, equal, fail, true
from world import World

KILLED = 137
EFFECTS_MAX = 2000


class Fragile(World):
    """Ways to stop a command: "effects", the system calls that change a file or send to the TPM;
    "calls", those to the token that may change it. What a token does to its own files inside a call
    is its own affair: a device finishes the call, whoever asked is gone or not."""

    def __init__(self, kind, pawl):
        super().__init__(kind, pawl)
        self.shim = None

    def prepare(self):
        if self.options.variant != "gcc":
            raise Skip("kills and full disks are the same in every build: run with gcc")
        if not self.options.killat:
            raise Skip("killat is not here")
        code, _, err = self.under_killat(0, "version")
        if code != 0:
            raise Skip(f"processes cannot be traced here: {err.decode(errors='replace').strip()}")
        if self.kind == "hsm":
            self.shim = Shim(self, self.options.shim)

    def ways(self):
        return ("effects", "calls") if self.shim else ("effects",)

    def under_killat(self, number, *args, options=()):
        if self.shim:
            options = (*options, "--token", self.shim.file)
        before = (os.path.abspath(self.options.killat), *options, str(number))
        return self.run(*args, "--json", before=before)

    def killed_at(self, way, number, *args):
        """Runs a command that is killed there. Returns its result, None if it was killed."""
        if way == "effects":
            result = self.under_killat(number, *args)
            return None if result[0] == KILLED else result
        self.shim.set(kill_at=number)
        result = self.run(*args, "--json")
        self.shim.set()
        return None if result[0] == -signal.SIGKILL else result

    def count(self, way, *args, options=()):
        """Runs a command to its end. Returns how many effects it has."""
        if way == "effects":
            result = self.under_killat(0, *args, options=options)
            total = int(result[2].decode().rsplit("effects: ", 1)[1])
        else:
            self.shim.set()
            result = self.run(*args, "--json")
            total = self.shim.total()
        self.judge(args, result)
        return total

    def again(self, stage, epoch, served):
        """Makes sure that all is well, and begins anew at a stage. Returns the epoch there."""
        equal(self.sound(served)["installs"], served, "installs on record")
        self.go(stage)
        return epoch

    def each_effect(self, way, make_args, after):
        """Kills at effect 1, 2, 3... of a command until it completes. Returns how many it has."""
        for number in range(1, EFFECTS_MAX):
            args = make_args()
            result = self.killed_at(way, number, *args)
            if result:
                self.judge(args, result)
                after()
                return number - 1
            try:
                after()
            except AssertionError as error:
                raise AssertionError(f"{args[0]} killed at {way} {number}: {error}") from error
        fail(f"{make_args()} does not end")
        return None


def enough(total, what):
    """A tracer that sees nothing would pass every test."""
    true(total > 5, f"only {total} {what} were seen")


def prepare(world):
    world.prepare()
