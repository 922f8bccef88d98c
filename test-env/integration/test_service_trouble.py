#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_trouble.py: what befalls a service in use: clocks that jump, a log that nobody
reads, an end in the middle of everything, a second service of the same gate. Whatever is answered
is on record, and nothing that is on record was not answered."""

import fcntl
import os
import signal
import subprocess
import time

from daemon import Connection, Service, evaluation
from load import Crowd, settle, status, until
from tap import Skip, Suite, equal, say, true
from world import GIT, main, read, write

suite = Suite()
MINUTE, HOUR, DAY = 60, 3600, 86400


class Clock:
    """pawld's wall clock, moved while it runs; the monotonic one is left alone."""

    LIBRARY = "/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1"

    def __init__(self, world):
        self.path, library = f"{world.base}/clock", self.LIBRARY.format(os.uname().machine)
        if not os.path.exists(library):
            raise Skip("faketime is not here")
        if world.options.variant in ("sanitize", "tsan"):
            raise Skip("sanitizers and a preloaded clock exclude each other")
        self.env = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": self.path,
                    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "DONT_FAKE_MONOTONIC": "1"}
        self.set(0)

    def set(self, ahead):
        write(f"{self.path}.new", f"{ahead:+d}\n".encode())
        os.rename(f"{self.path}.new", self.path)


@suite.test("clocks that jump back and forth under load")
def clocks(world):
    clock = Clock(world)
    world.serve("--log", "none", "--no-confine", env=clock.env)
    with Crowd(world) as crowd:
        crowd.wait(16)
        for back in (MINUTE, HOUR, 7300 * DAY):
            clock.set(-back)
            before = crowd.refusals["CLOCK_BACK"]
            until(world, crowd, lambda before=before: crowd.refusals["CLOCK_BACK"] > before + 8,
                  "CLOCK_BACK")
            equal(status(world)["error"], "CLOCK_BACK", "status")
            clock.set(0)
            crowd.wait(16)
        clock.set(2 * MINUTE)
        crowd.wait(16)
        clock.set(0)
        time.sleep(0.2)
        before = crowd.refusals["CLOCK_BACK"]
        until(world, crowd, lambda: crowd.refusals["CLOCK_BACK"] > before + 8,
              "CLOCK_BACK: what is recorded bounds it")
        clock.set(2 * MINUTE)
        crowd.wait(16)
    world.halt()
    settle(world, crowd, ("CLOCK_BACK",))


@suite.test("a log that nobody reads keeps nobody from being answered")
def blocked(world):
    out, into = os.pipe()
    os.write(into, b"-" * fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096))
    world.launch("--log", "-", stderr=into)
    os.close(into)
    with Crowd(world) as crowd:
        crowd.wait(100)
        world.hardware.take_away()  # which it says, too
        until(world, crowd, lambda: sum(crowd.refusals.values()) > 8, "away")
        until(world, crowd, lambda: not status(world)["serving"], "away")
        time.sleep(0.3)
        world.hardware.put_back()
        crowd.wait(100)
        world.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        crowd.wait(100)
        numbers = world.call("GET", "/metrics", kind="admin").bytes.decode()
        os.close(out)  # now nobody is there at all
        crowd.wait(50)
    lost = [line for line in numbers.splitlines() if line.startswith("pawl_log_lost_total ")]
    true(lost and int(lost[0].split()[1]) > 0, f"lines that are counted as lost: {lost}")
    world.halt()
    settle(world, crowd, world.hardware.gone)


@suite.test("without standard descriptors nothing is said into the gate's own files")
def closed(world):
    script = 'exec "$@" <&- >&- 2>&-'
    world.log_path = f"{world.base}/none"
    write(world.log_path, b"")
    world.process = subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", world.options.pawld, "--state", world.state, "--log", "-"],
        env=world.environment(), cwd=world.base)
    with Crowd(world) as crowd:
        crowd.wait(40)
        for number in range(3):
            held = os.readlink(f"/proc/{world.process.pid}/fd/{number}")
            equal(held, "/dev/null", f"descriptor {number}")
    world.halt()
    for where, _, names in os.walk(world.state):
        for name in names:
            true(b'"verdict"' not in read(f"{where}/{name}"), f"verdicts in {where}/{name}")
    settle(world, crowd)


@suite.test("SIGTERM under load: who was heard is answered")
def terminated(world):
    known = set()
    for _ in range(3):
        world.serve("--log", "none")
        with Crowd(world, clients=16) as crowd:
            crowd.wait(24)
            world.process.send_signal(signal.SIGTERM)
            ended = time.monotonic()
            equal(world.process.wait(60), 0, f"exit code: {read(world.log_path)!r}")
            world.process = None
        say(f"{time.monotonic() - ended:.2f} s, {crowd.lost} unheard, {crowd.refusals}")
        answered = {answer.attempt for answer in crowd.answers}
        entries = world.pawl("log", "show", "--all")["entries"]
        attempts = {entry["record_id"] for entry in entries if entry["kind"] == "attempt"}
        decided = {entry["attempt"] for entry in entries if entry["kind"] == "decision"}
        equal(attempts, decided, "attempts without a decision")
        if known:
            equal(decided - known, answered, "what was decided, and what was answered")
        known = decided
        true(set(crowd.refusals) <= {"503 STOPPING"}, crowd.refusals)
        report, _ = settle(world, crowd, ("503 STOPPING",))
        equal((report["interrupted_sessions"], report["lost_attempts"]), (0, 0), report)


@suite.test("two services of one gate: one of them serves")
def two(world):
    world.launch()
    first, world.process = world.process, None
    world.launch("--runtime", f"{world.base}/other")
    second, world.process = world.process, None
    while first.poll() is None and second.poll() is None:
        time.sleep(0.01)
    world.process, other = (first, second) if first.poll() is None else (second, first)
    equal(other.returncode, world.exits["BUSY"], read(world.log_path))
    where = f"{world.state}/run" if world.process is first else f"{world.base}/other"
    end = time.monotonic() + 60
    while True:
        try:
            got = world.evaluate(evaluation(GIT), link=Connection(f"{where}/enforcement.sock"))
            break
        except OSError:
            true(time.monotonic() < end, "nobody serves")
            time.sleep(0.02)
    world.keep(got.json()["context"], True)
    world.process.send_signal(signal.SIGTERM)
    equal(world.process.wait(60), 0, "exit code")
    world.process = None
    world.log()


@suite.test("something lies where service.json is begun")
def begun_before(world):
    path = f"{world.state}/service.json.new"
    for put in (lambda: os.mkfifo(path), lambda: os.symlink(f"{world.base}/elsewhere", path),
                lambda: open(path, "xb").close()):
        put()
        world.serve()
        true(not os.path.lexists(path), "it is there still")
        true(not os.path.lexists(f"{world.base}/elsewhere"), "written elsewhere")
        world.halt()


@suite.test("two services, the first one killed under load and both started again at once")
def two_again(world):
    world.serve("--log", "none")
    with Crowd(world) as crowd:
        for _ in range(3):
            crowd.wait(8)
            rival = subprocess.Popen([world.options.pawld, "--state", world.state],
                                     env=world.environment(), cwd=world.base,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            equal(rival.wait(60), world.exits["BUSY"], "a second service")
            crowd.wait(8)
            world.kill()
            world.launch("--log", "none")
        crowd.wait(8)
    world.halt()
    settle(world, crowd)


if __name__ == "__main__":
    main(suite, Service)
