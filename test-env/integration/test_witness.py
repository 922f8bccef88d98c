#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_witness.py: a gate's log before witnesses that know nothing of pawl (fixtures/witness.py):
what they cosign while the gate works, and what they tell about a log that was put back."""

import json
import os
import sys

from tap import Skip, Suite, equal, true
from world import CURL, GIT, HERE, World, main, read, write

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fixtures"))

suite = Suite()
NAMES = ["witness.example/1", "witness.example/2"]


class Witnessed(World):
    """Two witnesses: one on a unix socket, one on the loopback. They outlive the stages' disks."""

    def prepare(self):
        try:
            import witness  # pylint: disable=import-outside-toplevel,import-error
        except ImportError as error:
            raise Skip("python3-cryptography is not here") from error
        self.kit, self.servers, self.number = witness, [], 0

    def witnesses(self, needed=2):
        """Fresh ones, which trust this gate's log, into gate.json."""
        for server in self.servers:
            server.shutdown()
            server.server_close()
        self.servers, self.number = [], self.number + 1
        log = self.log_vkey()
        entries = []
        for index, name in enumerate(NAMES):
            place = f"{self.base}/witness-{self.number}-{index}"
            one = self.kit.Witness(place, name, [log])
            server, url = self.kit.serve(one, [f"unix:{place}.socket", "tcp:0"][index])
            self.servers.append(server)
            entries.append({"url": url, "vkey": one.vkey})
        self.configure(entries, needed)

    def configure(self, entries, needed):
        settings = json.loads(read(f"{self.state}/gate.json"))
        settings.update(witnesses=entries, witnesses_needed=needed)
        write(f"{self.state}/gate.json", json.dumps(settings).encode())

    def log_vkey(self):
        """As the published enrolment names it: text between CBOR heads."""
        name = f"{self.domain}/{self.gate}+"
        data = read(self.enrolment)
        begin = data.index(name.encode())
        return data[begin : begin + len(name) + 8 + 1 + 44].decode()

    def checkpoint(self, name):
        """(size, names of those who signed) of a file beside the log."""
        text, lines = read(f"{self.state}/ledger/{name}").decode().split("\n\n")
        return (int(text.split("\n")[1]),
                [line.split(" ")[1] for line in lines.rstrip("\n").split("\n")])

    def witness(self, **options):
        return self.pawl("log", "witness", **options)


@suite.test("a gate at work")
def at_work(world):
    world.witnesses()
    for resource, decision in ((GIT, True), (CURL, False), (GIT, True)):
        world.check(resource, decision, 2)
        size, names = world.checkpoint("checkpoint")
        equal(names, [f"{world.domain}/{world.gate}"], "who signed")
        got = world.witness()
        equal((got["size"], got["cosigned"], got["published"]), (size, 2, True), "the answer")
        for file in ("checkpoint", "cosigned"):
            equal(world.checkpoint(file), (size, names + NAMES), file)
    world.check(GIT, True, 2)
    true(world.checkpoint("checkpoint")[0] > world.checkpoint("cosigned")[0], "sizes")
    world.sound(2)


@suite.test("their signatures are judged")
def judged(world):
    world.witnesses()
    world.witness()
    world.check(GIT, True, 2)
    got = world.pawl("log", "audit")
    equal((got["sound"], got["witnesses"], got["cosignatures"]), (True, 2, 2), "audit")
    equal(got["cosigned"], world.checkpoint("cosigned")[0], "of so many entries")
    target = f"{world.live}/copy"
    world.pawl("log", "export", target)
    keys = [word for one in json.loads(read(f"{world.state}/gate.json"))["witnesses"]
            for word in ("--witness", one["vkey"])]
    for verb in (["log", "audit", target], ["log", "verify", "--log", target]):
        equal(world.pawl(*verb)["cosignatures"], 0, f"{verb}, with no keys")
        equal(world.pawl(*verb, *keys)["cosignatures"], 2, f"{verb}, with both")
    path = f"{target}/cosigned"
    data = bytearray(read(path))
    data[-20] = ord("B" if data[-20] == ord("A") else "A")
    write(path, bytes(data))
    equal(world.pawl("log", "audit", target)["sound"], True, "nobody knows whose line it is")
    code, out, _ = world.run("log", "audit", target, "--json", *keys)
    first = json.loads(out)["findings"][0]
    equal((code >= 20, first["kind"], first["file"]), (True, "cosignature_invalid", "cosigned"),
          "a line with a bit changed")
    world.pawl("log", "audit", target, "--witness", world.log_vkey(), want="KEY_MALFORMED")
    world.sound(2)


@suite.test("the log of an older disk")
def older_disk(world):
    world.witnesses(needed=0)
    settings = read(f"{world.state}/gate.json")
    world.witness()
    world.put_old_disk_back()
    write(f"{world.state}/gate.json", settings)
    error = world.witness(want="LEDGER_ROLLBACK")["error"]
    true(NAMES[0] in error["why"], f"who said so: {error}")


@suite.test("nobody there")
def nobody_there(world):
    world.witnesses(needed=1)
    for server in world.servers:
        server.shutdown()
        server.server_close()
    before = world.files(f"{world.state}/ledger")
    world.witness(want="WITNESS_UNREACHABLE")
    equal(world.files(f"{world.state}/ledger"), before, "the log's files")
    world.servers = []
    world.sound(2)


@suite.test("no witnesses in gate.json")
def none_named(world):
    world.witness(want="USAGE")


if __name__ == "__main__":
    main(suite, Witnessed, Witnessed.prepare)
