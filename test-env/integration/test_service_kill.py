#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_kill.py: kill -9 of pawld while clients ask. Whatever was answered is in the ledger
exactly once, where it says it is; everything in it holds together; and the service comes back by
itself. PAWL_KILLS says how often (a thousand takes about a quarter of an hour), PAWL_SEED when;
PAWL_STRIDE=1 kills before every effect."""

import json
import os
import random
import signal
import subprocess
import time

from daemon import Service
from load import Book, Crowd
from shim import Shim
from tap import Skip, Suite, equal, say, true
from world import main, read

suite = Suite()
KILLS = int(os.environ.get("PAWL_KILLS", "20"))
STRIDE = int(os.environ.get("PAWL_STRIDE", "9"))  # of effects: 1 is before each
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


def is_there(world):
    """The service's process under killat, once it has a socket."""
    try:
        about = json.loads(read(f"{world.state}/service.json"))
        os.kill(about["pid"], 0)
        return about["pid"]
    except (OSError, ValueError):
        return None


def lead(world, crowd, before):
    """A short life: some answers, and the end in order, unless it is killed on the way. Returns
    the exit code."""
    world.process = subprocess.Popen(
        [*before, world.options.pawld, "--state", world.state, "--log", "none", "--no-confine"],
        env=world.environment(), cwd=world.base, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    want, end = len(crowd.answers) + 6, time.monotonic() + 300
    while world.process.poll() is None and len(crowd.answers) < want:
        true(time.monotonic() < end, "neither answers nor an end")
        time.sleep(0.002)
    if world.process.poll() is None and (pid := is_there(world)):
        os.kill(pid, signal.SIGTERM)
    world.said = world.process.communicate(timeout=300)[1]
    code, world.process = world.process.returncode, None
    if os.path.exists(f"{world.state}/service.json"):
        os.unlink(f"{world.state}/service.json")
    return code


def effects(world, crowd):
    """Ways to kill it, with how often each can: before an effect, and before a call to a token."""
    tool = [os.path.abspath(world.options.killat)]
    if world.shim:
        tool += ["--token", world.shim.file]
    equal(lead(world, crowd, [*tool, "0"]), 0, "a life that nobody ends")
    total = int(world.said.decode().rsplit("effects: ", 1)[1])
    yield total, lambda number: lead(world, crowd, [*tool, str(number)]), 137
    if not world.shim:
        return

    def at_call(number):
        world.shim.set(kill_at=number)
        code = lead(world, crowd, [])
        calls = world.shim.total()
        world.shim.set()
        return code, calls

    yield at_call(0)[1], lambda number: at_call(number)[0], -signal.SIGKILL


@suite.test("killed before each of its effects, and each of its calls to a token")
def each(world):
    """Two who ask, and a few answers each time; how many effects that has differs a little."""
    if world.options.variant != "gcc" or not world.options.killat:
        raise Skip("kills are the same in every build: run with gcc, and killat")
    book, killed = Book(world), 0
    with Crowd(world, clients=2) as crowd:
        for total, die_at, want in effects(world, crowd):
            true(total > 20, f"only {total} effects were seen")
            numbers = range(1, total + 1, STRIDE)
            codes = [die_at(number) for number in numbers]
            equal(set(codes) - {0, want}, set(), f"exit codes: {codes}")
            killed += codes.count(want)
            say(f"{total} of them, killed before {codes.count(want)}")
        world.launch()
        crowd.wait(4)
    world.halt()
    equal((crowd.errors, set(crowd.refusals) - {"503 STOPPING"}), ([], set()), "clients")
    true(killed > 8, f"{killed} kills")
    book.take(crowd.take_answers())
    book.settle()
    world.sound(2)


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
