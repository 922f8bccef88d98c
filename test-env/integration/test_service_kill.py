#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_kill.py: kill -9 of pawld while clients ask. Whatever was answered is in the ledger
exactly once, where it says it is; everything in it holds together; and the service comes back by
itself. PAWL_KILLS says how often (a thousand takes about half an hour), PAWL_SEED when."""

import os
import random
import signal
import time

from daemon import Service
from load import Book, Crowd
from shim import Shim
from tap import Suite, equal, say, true
from world import main, read

suite = Suite()
KILLS = int(os.environ.get("PAWL_KILLS", "20"))
ASKERS = tuple(("build-7", kind) for kind in ("enforcement", "agents", "enforcement"))
SEED = int(os.environ.get("PAWL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


class Killed(Service):
    """Is killed at any moment, but for those when a call is at a token that lives in it."""

    shim = None

    def prepare(self):
        if self.kind == "hsm":
            self.shim = Shim(self, self.options.shim)

    def kill_now(self):
        pid = self.process.pid
        while self.shim:
            self.process.send_signal(signal.SIGSTOP)
            os.waitpid(pid, os.WUNTRACED)
            if not self.shim.inside():
                break
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.0003)
        self.kill()


def die(world, crowd, moment):
    """Starts pawld and kills it: while it starts, or while it serves."""
    world.launch()
    if moment.random() < 0.25:
        time.sleep(moment.uniform(0, 0.4))
    else:
        crowd.wait(1)
        time.sleep(moment.uniform(0, 0.25))
    equal(world.process.poll(), None, f"pawld before it is killed: {read(world.log_path)!r}")
    world.kill_now()


@suite.test("killed under load, again and again: every answer is in the ledger once")
def kills(world):
    say(f"{KILLS} kills, PAWL_SEED={SEED}")
    moment = random.Random(SEED)
    world.pawl("agent", "enrol", "build-7", "--uid", os.getuid())
    book = Book(world, seed=SEED)
    with Crowd(world, askers=ASKERS) as crowd:
        for number in range(KILLS):
            die(world, crowd, moment)
            equal(crowd.errors, [], f"clients, at kill {number}")
            book.take(crowd.take_answers())
            if number % 50 == 49:
                say(f"{number + 1} kills, {len(book.rows)} answers")
        world.launch()
        crowd.wait(8)
    world.halt()
    equal(crowd.errors, [], "clients")
    equal(crowd.refusals, {}, "answers that nobody decided")
    book.take(crowd.take_answers())
    report, _ = book.settle()
    true(len(book.rows) >= KILLS // 2 and crowd.lost > 0, f"{len(book.rows)} answers")
    say(f"{crowd.lost} questions without an answer; {report['interrupted_sessions']} sessions "
        f"interrupted, {report['lost_attempts']} attempts lost")
    true(report["interrupted_sessions"] >= KILLS // 3, report)
    world.check()
    world.log()


@suite.test("from the first answer on an agent is who it was enrolled as")
def first_answers(world):
    """Whoever asks before the gate is open is judged by what stands in the ledger all the same."""
    world.pawl("agent", "enrol", "build-7", "--uid", os.getuid(), "--alias", "nobody")
    book = Book(world, rules=lambda answer: False)
    with Crowd(world, askers=ASKERS) as crowd:
        for _ in range(5):
            world.launch()
            crowd.wait(12)
            world.kill_now()
        world.launch()
        crowd.wait(4)
    world.halt()
    equal((crowd.errors, crowd.refusals), ([], {}), "clients")
    book.take(crowd.take_answers())
    book.settle()


if __name__ == "__main__":
    main(suite, Killed, Killed.prepare)
