#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_memory.py: pawld without memory: one allocation fails, or a row of them, at each place in
turn: of its own and of libevent, and on a TPM of every other library as well. Whoever asks is
denied, or told to come again, or has no answer at all; a permit is one that proves itself. The
service is there afterwards, and serves."""

import http.client
import os
import signal
import struct
import time

from daemon import WAIT, Service, evaluation
from tap import Skip, Suite, equal, say, true
from world import GIT, main, read, write

suite = Suite()
LAYOUT = struct.Struct("@5I")  # see faults/memory_fault.h
OWN, ALL = 1, 2  # modes: what pawld asks for itself, and for libevent; or whoever does
FOR_GOOD = 1 << 31


class Memory(Service):
    """A service whose allocations fail as a file says."""

    def prepare(self):
        if not self.options.memory:
            raise Skip("memory_fault.so is not here: sanitizers have an allocator of their own")
        self.failed = 0  # how many did
        self.switches = f"{self.base}/memory"
        write(self.switches, bytes(4096))
        self.shim = {"LD_PRELOAD": os.path.abspath(self.options.memory),
                     "PAWL_MEMORY_FAULT": self.switches}

    def fail(self, first, n=1, mode=OWN):
        """From now on n allocations fail, from the one with this number on."""
        with open(self.switches, "r+b", buffering=0) as file:
            file.write(LAYOUT.pack(0, 0, first, n, 0))
            file.seek(0)
            file.write(LAYOUT.pack(mode, 0, first, n, 0))

    def end_failing(self):
        """Returns how many were asked for."""
        _, asked, _, _, failed = LAYOUT.unpack(read(self.switches)[: LAYOUT.size])
        self.failed += failed
        with open(self.switches, "r+b", buffering=0) as file:
            file.write(LAYOUT.pack(0, 0, 0, 0, 0))
        return asked

    def lives(self, where):
        code = self.process.poll()
        true(code is None, f"{where}: pawld ended with {code}: {read(self.log_path)!r}")

    def word(self, prove=True):
        """Asks. Whatever comes of it is no lie; returns a word for it."""
        try:
            answer = self.evaluate(evaluation(GIT))
        except (http.client.HTTPException, ConnectionError) as error:
            return type(error).__name__
        if answer.status != 200:
            return str(answer.status)
        value = answer.json()
        if not value["decision"]:
            return value.get("context", {}).get("reason", "denied")
        if prove:
            self.keep(value["context"], True)
        return "permit"

    def serves(self, where):
        end = time.monotonic() + WAIT
        while (word := self.word(False)) != "permit":
            self.lives(where)
            true(time.monotonic() < end, f"{where}: {word}: {read(self.log_path)!r}")
            time.sleep(0.005)

    def each(self, places, act, good, **options):
        """Does this while an allocation fails, at one place after the other, until a run needs no
        more of them, which goes well."""
        words, self.failed = {}, 0
        for first in places:
            where = f"allocation {first}, {options}"
            self.fail(first, **options)
            word, asked = act(where)
            words[word] = words.get(word, 0) + 1
            if asked < first:
                break
        say(words)
        true(good in words and self.failed > 0, f"{self.failed} failed: {words}")


def decide(world):
    def act(where):
        word = world.word()
        world.lives(where)
        asked = world.end_failing()
        world.serves(where)
        return word, asked

    return act


@suite.cases([("a decision", dict(), range(1, 10000, 4)),
              ("a decision, a row of failures", dict(n=60), range(1, 10000, 20))])
def decisions(world, options, places):
    world.serve(env=world.shim)
    world.serves("at first")
    world.each(places, decide(world), "permit", **options)
    world.halt()
    world.log()


@suite.test("a decision, in libraries", roots=("tpm",))
def libraries(world):
    """Not on SoftHSM, which ends the process when OpenSSL has no memory."""
    world.serve(env=world.shim)
    world.serves("at first")
    world.each([*range(1, 130, 6), *range(130, 4000, 133)], decide(world), "permit", mode=ALL)
    world.halt()
    world.log()


@suite.test("no memory at all for a while")
def none_at_all(world):
    world.serve(env=world.shim)
    world.serves("at first")
    world.fail(1, FOR_GOOD)
    words = {world.word() for _ in range(40)}
    say(words)
    true("permit" not in words, words)
    world.lives("no memory at all")
    world.end_failing()
    world.serves("memory again")
    world.halt()
    world.log()


@suite.test("an install")
def installs(world):
    def act(where):
        bundle = world.publish()
        epoch = world.publish_number(bundle)
        try:
            word = str(world.call("POST", "/v1/install", read(bundle), kind="admin").status)
        except (http.client.HTTPException, ConnectionError) as error:
            word = type(error).__name__
        world.lives(where)
        asked = world.end_failing()
        answer = world.call("POST", "/v1/install", read(bundle), kind="admin")
        equal(answer.status, 200, f"{where}: {word}, then {answer.bytes}")
        world.serves(where)
        equal(world.ask(GIT, True)["epoch"], epoch, f"{where}: epoch")
        return word, asked

    world.serve(env=world.shim)
    world.serves("at first")
    world.each(range(1, 100000, 200), act, "200")
    world.halt()
    world.log()


@suite.test("a reload")
def reloads(world):
    def act(where):
        try:
            word = str(world.call("POST", "/v1/reload", b"", kind="admin").status)
        except (http.client.HTTPException, ConnectionError) as error:
            word = type(error).__name__
        world.lives(where)
        asked = world.end_failing()
        world.serves(where)
        return word, asked

    world.serve(env=world.shim)
    world.serves("at first")
    world.each(range(1, 100000, 50), act, "200")
    world.halt()
    world.log()


@suite.test("the start")
def starts(world):
    """It says why there is none; or it starts, whatever had to be done twice."""

    def act(where):
        world.launch(env=world.shim)
        end = time.monotonic() + WAIT
        while world.process.poll() is None and b"serving" not in read(world.log_path):
            true(time.monotonic() < end, f"{where}: {read(world.log_path)!r}")
            time.sleep(0.005)
        asked = world.end_failing()
        if (code := world.process.poll()) is None:
            world.serves(where)
            world.halt()
            return "serves", asked
        true(code > 0, f"{where}: exit code {code}: {read(world.log_path)!r}")
        true(b"error:" in read(world.log_path), f"{where}: {read(world.log_path)!r}")
        return str(code), asked

    world.each(range(1, 100000, 80), act, "serves")
    world.log()


@suite.test("the end")
def ends(world):
    """It comes, and the next start finds what was on record."""

    def act(where):
        world.process.send_signal(signal.SIGTERM)
        code = world.process.wait(WAIT)
        true(code >= 0, f"{where}: exit code {code}: {read(world.log_path)!r}")
        asked = world.end_failing()
        world.serve(env=world.shim)
        world.serves(where)
        return str(code), asked

    world.serve(env=world.shim)
    world.serves("at first")
    world.each(range(1, 100000, 20), act, "0")
    world.halt()
    world.log()


if __name__ == "__main__":
    main(suite, Memory, Memory.prepare)
