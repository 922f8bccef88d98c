#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_client.py: who asks the service: pawl check, which says the same with it and without it, the
Python example, and libpawl, loaded as any program would."""

import ctypes
import json
import os
import re
import subprocess
import sys
import time

from daemon import Service, evaluation
from libpawl import Bytes, load
from tap import Suite, equal, true
from world import CURL, GIT, TOP, main, read

suite = Suite()
# What differs from one question to the next, and what the service does by itself.
OWN = {"ledger_index", "permit", "published"}


def shown(world, name):
    """The lines for people, without the place in the ledger; and the exit code."""
    code, out, err = world.run(*world.request(name))
    equal(err, b"", "standard error")
    return code, re.sub(rb"ledger entry \d+", b"ledger entry N", out)


def without_own(value):
    return {name: member for name, member in value.items() if name not in OWN}


@suite.test("pawl check says the same with the service and without it")
def same(world):
    unknown = (*world.request(GIT), "--policy", "nobody")
    here = [world.check(GIT, True, 2), world.check(CURL, False, 2),
            world.pawl(*unknown, code=world.exits["ALIAS_UNKNOWN"])]
    lines = [shown(world, GIT), shown(world, CURL)]
    world.serve()
    there = [world.check(GIT, True, 2), world.check(CURL, False, 2),
             world.pawl(*unknown, code=world.exits["ALIAS_UNKNOWN"])]
    for one, other in zip(here, there):
        equal(without_own(other), without_own(one), "what is said")
        equal(set(one) - set(other), {"published"}, "members")
        true(other["ledger_index"] > here[-1]["ledger_index"] and other["permit"], other)
    equal([shown(world, GIT), shown(world, CURL)], lines, "the lines for people")
    body = json.dumps(evaluation(GIT)).encode()
    equal(world.pawl("check", "-", stdin=body)["decision"], True, "JSON on standard input")
    code, out, err = world.run(*world.request(GIT), "--quiet")
    equal((code, out, err), (0, b"", b""), "--quiet")
    got = world.pawl(*world.request(GIT), "--explain", want="USAGE")
    true("service" in got["error"]["why"], got)
    world.halt()
    got = world.log()
    equal((got["lost_attempts"], got["open_attempts"]), (0, 0), f"attempts: {got}")


@suite.test("what a killed service leaves, and a file that is none")
def stale(world):
    world.serve()
    world.check(GIT, True, 2)
    world.process.kill()
    world.process.wait()
    about = f"{world.state}/service.json"
    true(os.path.exists(about) and os.path.exists(world.socket("admin")), "what is left")
    world.check(GIT, True, 2)
    world.check(CURL, False, 2)
    for text in (b"{}", b'{"admin": 7}', b'{"admin": "", "enforcement": "/nonexistent/x"}'):
        with open(about, "wb") as file:
            file.write(text)
        world.check(GIT, True, 2)
    with open(about, "wb") as file:
        file.write(b"{")
    world.refused("JSON_MALFORMED")
    with open(about, "wb") as file:
        file.write(b" " * (1 << 20))
    world.refused("TOO_LARGE")
    os.unlink(about)
    world.log()


@suite.test("through the socket of enforcement points, where the other one is closed")
def enforcement(world):
    world.serve()
    os.rename(world.socket("admin"), world.socket("elsewhere"))
    world.check(GIT, True, 2)
    os.rename(world.socket("elsewhere"), world.socket("admin"))
    world.halt()
    world.log()


@suite.test("hardware that is away is the same error")
def away(world):
    world.serve()
    world.check(GIT, True, 2)
    world.hardware.take_away()
    deadline = time.monotonic() + 60
    while world.run(*world.request(GIT))[0] == 0:
        true(time.monotonic() < deadline, "still permitted")
    error = world.refused(tuple(world.hardware.gone))
    true(error["why"], error)
    world.hardware.put_back()
    while world.run(*world.request(GIT))[0] != 0:
        true(time.monotonic() < deadline, read(world.log_path))
        time.sleep(0.1)
    world.check(GIT, True, 2)
    world.halt()
    world.log()


@suite.test("the example in Python")
def example(world):
    world.serve()
    words = ["build-7", "exec", "execute", *GIT.split("::")]
    ask = [sys.executable, f"{TOP}/docs/examples/ask.py"]
    done = subprocess.run([*ask, world.socket(), *words], capture_output=True, text=True,
                          timeout=60, check=False)
    equal(done.returncode, 0, done)
    true(re.match(r"permitted, entry \d+ of the ledger\n", done.stdout), done)
    words[-1] = CURL.split("::")[1]
    done = subprocess.run([*ask, world.socket(), *words], capture_output=True, text=True,
                          timeout=60, check=False)
    equal((done.returncode, done.stdout[:14]), (10, "denied: DENIED"), done)
    world.halt()


@suite.test("libpawl asks, and verifies what it got offline")
def library(world):
    lib = load(world)
    world.serve()
    conn, gate = ctypes.c_void_p(), ctypes.c_void_p()
    why = ctypes.create_string_buffer(512)
    equal(lib.pawl_open(world.socket().encode(), ctypes.byref(conn)), 0, "pawl_open")
    equal(lib.pawl_gate_new(Bytes.of(read(world.root)), Bytes.of(read(world.enrolment)),
                            ctypes.byref(gate), why), 0, f"pawl_gate_new: {why.value}")
    bodies = {name: json.dumps(evaluation(name)).encode() for name in (GIT, CURL)}
    for name, want in ((GIT, 1), (CURL, 0), (GIT, 1)):
        answer, permit = ctypes.c_void_p(), ctypes.c_void_p()
        equal(lib.pawl_ask(conn, Bytes.of(bodies[name]), 60000, ctypes.byref(answer), why), 0,
              f"pawl_ask: {why.value}")
        equal((lib.pawl_answer_permitted(answer), lib.pawl_answer_reason(answer)),
              (want, b"OK" if want else b"DENIED"), name)
        raw = lib.pawl_answer_permit(answer)
        data = ctypes.string_at(raw.ptr, raw.len)
        lib.pawl_answer_free(ctypes.byref(answer))
        equal(lib.pawl_verify(gate, Bytes.of(data), 0, ctypes.byref(permit), why), 0,
              f"pawl_verify: {why.value}")
        equal((lib.pawl_permit_permitted(permit), lib.pawl_permit_sealed(permit),
               lib.pawl_permit_epoch(permit)), (want, 1, 2), "the permit")
        equal(lib.pawl_permit_is_for(permit, Bytes.of(bodies[name]), why), 0, why.value)
        other = lib.pawl_permit_is_for(permit, Bytes.of(bodies[CURL if want else GIT]), why)
        equal(lib.pawl_errname(other), b"PERMIT_INVALID", "another request")
        lib.pawl_permit_free(ctypes.byref(permit))
    lib.pawl_gate_free(ctypes.byref(gate))
    # The service ends, and is there again: the same connection serves.
    world.halt()
    answer = ctypes.c_void_p()
    got = lib.pawl_ask(conn, Bytes.of(bodies[GIT]), 60000, ctypes.byref(answer), why)
    equal((lib.pawl_errname(got), answer.value), (b"SERVICE_UNREACHABLE", None), "nobody there")
    world.serve()
    equal(lib.pawl_ask(conn, Bytes.of(bodies[GIT]), 60000, ctypes.byref(answer), why), 0,
          f"pawl_ask: {why.value}")
    equal(lib.pawl_answer_permitted(answer), 1, "after the restart")
    lib.pawl_answer_free(ctypes.byref(answer))
    lib.pawl_close(ctypes.byref(conn))
    world.halt()
    world.log()


if __name__ == "__main__":
    main(suite, Service)
