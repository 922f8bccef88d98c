#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_trouble_slow.py: a served gate whose hardware needs seconds for each command, is
far away, says "later" for longer than anybody waits, or does not answer at all. Whoever waits is
told in his own time; the gate goes on by itself."""

import http.client
import json
import os
import signal
import threading
import time

from daemon import Connection, evaluation
from tap import Suite, equal, true
from trouble import BUSY, COMMANDS, OK, Trouble
from world import GIT, main, read

suite = Suite()
SIGN = COMMANDS["Sign"]
PATIENT = {"X-Pawl-Deadline-Ms": "120000"}


def impatient(world):
    """Whoever does not wait for long is told so."""
    for path, body in (("evaluation", evaluation(GIT)),
                       ("evaluations", {**evaluation(GIT), "evaluations": [{}, {}]})):
        got = world.call("POST", f"/access/v1/{path}", body, headers={"X-Pawl-Deadline-Ms": "200"})
        equal((got.status, got.json()["error"]), (503, "DEADLINE"), got.bytes)
        equal(got.headers["Retry-After"], "1", "Retry-After")


class Waiting(threading.Thread):
    """Somebody who has time."""

    def __init__(self, world):
        super().__init__()
        self.link, self.value = Connection(world.socket(), timeout=300), None
        self.start()

    def run(self):
        self.link.request("POST", "/access/v1/evaluation", json.dumps(evaluation(GIT)),
                          {"Content-Type": "application/json", **PATIENT})
        self.value = json.loads(self.link.getresponse().read())
        self.link.close()

    def answer(self):
        self.join()
        return self.value


@suite.test("two seconds for every command", roots=("tpm",))
def slow(world):
    world.serve()
    calls = len(world.round())
    world.relay.tell("delay 2000")
    waiting = [Waiting(world) for _ in range(4)]
    impatient(world)
    for one in waiting:
        value = one.answer()
        equal(value["decision"], True, value)
        world.keep(value["context"], True)
    true(len(world.relay.log()) >= 2 * calls, "rounds")
    world.relay.tell("delay 0")
    equal(world.try_once(), OK, "and again at full speed")
    world.over([])


@suite.cases([("no answer at all", "lost", "TPM_TIMEOUT"),
              ("later, without end", "answer", BUSY)], roots=("tpm",))
def silent(world, kind, want):
    """One command's deadline passes: 30 s, or so many repetitions."""
    world.serve()
    equal(world.try_once(), OK, "before")
    world.relay.fault(kind, code=SIGN, rc=0x922, times=0 if kind == "answer" else 1)
    waiting = Waiting(world)
    impatient(world)
    value = waiting.answer()
    equal((value["decision"], value["context"]["reason"], value["context"]["stage"]),
          (False, want, "hardware"), value)
    world.calm()
    world.served_again()
    world.over([want])


@suite.test("a token that takes its time for each signature, and then too much", roots=("hsm",))
def stalled(world):
    """PKCS#11 knows no deadline: who waits is told in his own time."""
    world.serve()
    world.round()
    world.token.turn(fn="C_Sign", at=1, times=1 << 31, stall_ms=2000)
    waiting = [Waiting(world) for _ in range(4)]
    impatient(world)
    for one in waiting:
        value = one.answer()
        equal(value["decision"], True, value)
        world.keep(value["context"], True)
    world.token.turn(fn="C_Sign", at=1, times=1, stall_ms=20000)
    waiting = Waiting(world)
    impatient(world)
    value = waiting.answer()
    equal(value["decision"], True, value)
    world.keep(value["context"], True)
    equal(world.try_once(), OK, "and again at full speed")
    world.over([])


@suite.test("a token far away, which is asked in several sessions", roots=("hsm",))
def distant(world):
    world.serve()
    world.round()
    world.token.turn(delay_us=3000)
    for _ in range(20):
        equal(world.try_once(), OK, "slowly")
    true(world.token.calls("C_OpenSession") > 0, "further sessions")
    world.token.turn()
    equal(world.try_once(), OK, "and again at full speed")
    world.over([])


def client(found, call, *args, **options):
    """A caller who may get no answer: None."""

    def run():
        try:
            got = call(*args, **options)
            found.append((got.status, got.json().get("error")))
        except (OSError, http.client.HTTPException):
            found.append(None)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@suite.test("a token that does not come back from an install keeps nobody from stopping",
            roots=("hsm",), at="epoch1")
def stop(world):
    bundle, installs, asks = read(world.next_epoch()), [], []
    world.serve("--no-confine")
    equal(world.try_once(), OK, "before")
    world.token.turn(fn="C_GenerateKeyPair", at=1, times=1 << 31, stall_ms=1 << 30)
    threads = [client(installs, world.call, "POST", "/v1/install", bundle, kind="admin",
                      headers={"Content-Type": "application/cbor"})]
    while world.token.calls("C_GenerateKeyPair") == 0:
        true(world.process.poll() is None and threads[0].is_alive(), read(world.log_path))
        time.sleep(0.01)
    threads.append(client(asks, world.evaluate, evaluation(GIT), headers=PATIENT))
    began = time.monotonic()
    world.process.send_signal(signal.SIGTERM)
    equal(world.process.wait(300), world.exits["DEADLINE"], read(world.log_path))
    for thread in threads:
        thread.join()
    true(time.monotonic() - began >= 40, "time to come back")
    said = read(world.log_path).decode()
    true(f"left unfinished: POST /v1/install of uid {os.getuid()}\n" in said, said)
    equal(installs, [(503, "DEADLINE")], said)
    true(asks[0] in (None, (503, "STOPPING")), f"who asked meanwhile: {asks}")
    world.process = None
    world.token.turn()
    world.serve()
    equal(world.try_once(), OK, "once the token is back")
    world.halt()


if __name__ == "__main__":
    main(suite, Trouble, Trouble.prepare)
