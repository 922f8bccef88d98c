#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_crowd.py: eight who ask at once while a new epoch is installed. Every answer is on record
exactly once, under the epoch that was in force where it stands, and never under one that was over
when it was asked for."""

import threading

from tap import Suite, equal, true
from world import CURL, GIT, LAX, World, main

suite = Suite()
ASKERS = 8
ROUNDS = 3


class Crowd(World):
    def begin(self, epoch):
        self.acknowledged = epoch
        self.answers, self.errors = [], []
        self.lock = threading.Lock()
        self.done = threading.Event()

    def ask(self, name, *more):
        """One question. Keeps what was acknowledged before it, and the answer."""
        before = self.acknowledged
        path = f"{self.permits}/{name}.cose"
        args = (*self.request(GIT), "-o", path, *more)
        got = self.judge(args, self.run(*args, "--json"))
        with self.lock:
            self.answers.append((before, got["epoch"], got["ledger_index"], path))

    def asker(self, number):
        try:
            turn = 0
            while turn < 2 or not self.done.is_set():
                self.ask(f"{number}-{turn}")
                turn += 1
        except BaseException as error:  # pylint: disable=broad-except
            with self.lock:
                self.errors.append(f"asker {number}: {error}")

    def crowd(self, meanwhile):
        """Eight threads ask until all is done, each by one process after the other."""
        threads = [threading.Thread(target=self.asker, args=(n,)) for n in range(ASKERS)]
        for thread in threads:
            thread.start()
        try:
            meanwhile()
        finally:
            self.done.set()
            for thread in threads:
                thread.join()
        equal(self.errors, [], "processes that did not end as they should")

    def wait_for(self, number):
        """Until so many answers are there, so that a step falls among questions."""
        while len(self.answers) < number and not self.errors:
            self.done.wait(0.01)

    def entries(self):
        return self.pawl("log", "show")["entries"]


def settle(world, steps):
    """steps: epoch to the place of its install in the ledger."""
    indexes = [index for _, _, index, _ in world.answers]
    equal(len(set(indexes)), len(indexes), "places in the ledger, each for one answer")
    for before, epoch, index, path in world.answers:
        true(epoch >= before, f"entry {index}: epoch {epoch}, though {before} was acknowledged")
        in_force = max(step for step, place in steps.items() if place < index)
        equal(epoch, in_force, f"entry {index}: epoch of the answer")
        got = world.verify(path)
        equal((got["epoch"], got["ledger_index"]), (epoch, index), f"permit {path}")
    world.log()


@suite.test("eight askers while installs go on")
def crowd(world):
    world.begin(2)
    steps = {2: -1}
    bundles = [world.next_epoch() for _ in range(ROUNDS)]

    def meanwhile():
        for bundle in bundles:
            world.wait_for(len(world.answers) + 4)
            got = world.install(bundle)
            world.acknowledged = got["epoch"]
            steps[got["epoch"]] = got["ledger_index"]
        world.wait_for(len(world.answers) + 4)

    world.crowd(meanwhile)
    settle(world, steps)
    epochs = {epoch for _, epoch, _, _ in world.answers}
    true(len(epochs) > 1, f"all answers are of epochs {epochs}")
    world.sound(5)


@suite.test("eight installs of one bundle at once")
def same_install(world):
    """One does it, the others find it done."""
    bundle = world.next_epoch()
    results, threads = [], []
    for _ in range(ASKERS):
        threads.append(threading.Thread(
            target=lambda: results.append(world.run("install", bundle, "--json"))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    changed = [world.judge(("install", bundle), result)["changed"] for result in results]
    equal(sorted(changed), [False] * (ASKERS - 1) + [True], "who changed something")
    equal(world.sound(3)["installs"], 3, "installs on record")


@suite.test("installs of two epochs at once")
def two_installs(world):
    """In either order; the later epoch stays."""
    bundles = [world.next_epoch(), world.next_epoch(LAX)]
    results = {}
    threads = [threading.Thread(
        target=lambda b=bundle: results.update({b: world.run("install", b, "--json")}))
        for bundle in bundles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.judge(("install", bundles[1]), results[bundles[1]])
    true(results[bundles[0]][0] in (0, world.exits["ROLLBACK"]), f"{results[bundles[0]]}")
    world.check(CURL, True, 4)
    world.log()


@suite.test("eight inits at once, of a gate that is there")
def inits(world):
    before = world.enrolment_bytes()
    results, threads = [], []
    args = ("init", "--hardware", world.hardware.uri, "--trust",
            f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator",
            *world.hardware.init_options)
    for _ in range(ASKERS):
        threads.append(threading.Thread(
            target=lambda: results.append(world.run(*args, "--json"))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    for result in results:
        world.judge(args, result)
    world.init()
    equal(world.enrolment_bytes(), before, "enrolment")
    world.sound(2)


if __name__ == "__main__":
    main(suite, Crowd)
