# SPDX-License-Identifier: Apache-2.0
"""busy.py: a gate with an epoch in force and the next one published, and what attackers of bundles
have at hand."""

from forge import Bundle, Key, policy_keys, role_keys
from tap import equal
from world import CURL, LAX, STRICT, World, copy, read


class Busy(World):
    """Stage "next": epoch 2 in force, epoch 3 published and not installed; beside it what attackers
    have: another authority of the same domain, and the authority's own directory as it was."""

    def build_epoch1(self):
        super().build_epoch1()
        copy(self.authority, f"{self.live}/fork-of-1")

    def build_next(self):
        self.go("epoch2")
        self.next_epoch(STRICT + "// three\n")
        self.make_authority(f"{self.live}/other")
        self.sign(LAX, authority=f"{self.live}/other")
        self.pawl("publish", "--authority", f"{self.live}/other", "-o",
                  f"{self.bundles}/other.bundle")

    def bundle(self, name=3):
        return Bundle(f"{self.bundles}/{name}.bundle")

    def bundle_of_unpublished(self, alias):
        """The newest object of an alias, as the authority keeps it."""
        path = f"{self.bundles}/{alias}.cose"
        self.sign(LAX, alias=alias, output=path)
        return read(path)

    def keys(self, role, authority="authority"):
        directory = f"{self.live}/{authority}"
        return policy_keys(directory) if role == "policy" else role_keys(directory, role)

    @property
    def stranger(self):
        return Key(f"{self.base}/stranger.pem")

    def made(self, bundle):
        return bundle.save(f"{self.bundles}/made.bundle")


def refused(world, path, want):
    before = world.files(world.state)
    world.install(path, want=want)
    equal(world.files(world.state), before, "a refused install changes nothing")
    world.check(CURL, False, 2)
