#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_hostile.py: clients who mean harm. While each of them is there an honest one is served, and
afterwards the service is as it was: descriptors, memory, and a ledger that audits clean."""

import contextlib
import json
import os
import resource as resource_limits
import socket
import time

from daemon import Connection, Service, WAIT, as_user, evaluation
from tap import Skip, Suite, equal, say, true
from world import CURL, GIT, descriptors, main, shown_to_others

suite = Suite()

MIB = 1 << 20
HEAD = "POST /access/v1/evaluation HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
NOBODY = 65534


class Besieged(Service):
    def serve(self, *more, **options):
        """Knows what it looked like in peace."""
        super().serve("--agents", f"{self.base}/agents", *more, **options)
        for _ in range(3):
            self.ask(GIT, True)
        self.fds = self.open_files()

    def socket(self, kind="enforcement"):
        return f"{self.base}/agents" if kind == "agents" else super().socket(kind)

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        """Resident, in MiB: now and at most."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            found = dict(line.split(":", 1) for line in file if line.startswith(("VmRSS", "VmHWM")))
        return int(found["VmRSS"].split()[0]) // 1024, int(found["VmHWM"].split()[0]) // 1024

    def within(self, mib, at_most=True):
        """It had, or has, less. Sanitizers keep what was freed: no bound holds there."""
        got = self.memory()[1 if at_most else 0]
        true(got < mib or self.options.variant in ("sanitize", "tsan"), f"{got} MiB, not {mib}")

    def honest(self, kind="enforcement"):
        """Somebody else, meanwhile."""
        self.ask(GIT, True, kind=kind)

    def peace(self):
        """As it was before; and the ledger has all that was answered."""
        end = time.monotonic() + WAIT
        while self.open_files() > self.fds:
            true(time.monotonic() < end, f"{self.open_files()} descriptors, before {self.fds}")
            time.sleep(0.05)
        self.honest()
        self.ask(CURL, False, kind="admin")
        say(f"MiB now and at most: {self.memory()}")
        self.halt()
        got = self.log()
        equal((got["lost_attempts"], got["open_attempts"]), (0, 0), got)


def dial(world, kind="enforcement"):
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(WAIT)
    link.connect(world.socket(kind))
    return link


@contextlib.contextmanager
def many(world, number, kind="enforcement"):
    links = []
    try:
        for _ in range(number):
            links.append(dial(world, kind))
        yield links
    finally:
        for link in links:
            link.close()


def tell(link, data):
    """Whether it was taken: those who were shut out hear of it so."""
    try:
        link.sendall(data)
        return True
    except OSError:
        return False


def heard(link):
    """All that comes until the end."""
    data = b""
    with contextlib.suppress(OSError):
        while part := link.recv(65536):
            data += part
    return data


@suite.test("slow-loris: heads and bodies byte by byte, on many connections", roots=("hsm",))
def loris(world):
    world.serve()
    head = f"{HEAD}Content-Length: 1000\r\n\r\n".encode()
    with many(world, 600) as links:
        for number, link in enumerate(links):
            tell(link, head if number % 2 else head[:20])
        for turn in range(20):
            for number, link in enumerate(links):
                tell(link, b"{" if number % 2 else head[20 + turn:21 + turn])
            world.honest()
    world.peace()


@suite.test("half requests: every beginning, and then silence or the end", roots=("hsm",))
def halves(world):
    world.serve()
    body = json.dumps(evaluation(GIT))
    whole = f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    size = world.ask(GIT, True)["ledger"]["index"]
    with many(world, len(whole)) as links:
        for number, link in enumerate(links):
            tell(link, whole[:number])
            if number % 2:
                link.shutdown(socket.SHUT_WR)
        for link in links[1::2]:
            equal(heard(link), b"", "an answer to half a request")
        equal(world.ask(GIT, True)["ledger"]["index"], size + 2, "nothing of it is on record")
    world.peace()


BODIES = [
    ("a million brackets", b"[" * MIB),
    ("deep objects", b'{"context":' * 60000),
    ("deep, and closed", b'{"context":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    ("a long string", b'{"subject":"' + b"x" * (MIB - 20) + b'"}'),
    ("many members", b"{" + b",".join(b'"%d":0' % number for number in range(80000)) + b"}"),
    ("many numbers", b"[" + b"1," * 500000 + b"1]"),
    ("a long number", b'{"a":' + b"9" * 500000 + b"}"),
    ("no UTF-8", b'{"subject":"\xff\xfe"}'),
    ("a NUL", b'{"subject":"a\\u0000b"}'),
    ("half a surrogate", b'{"subject":"\\ud800"}'),
    ("something behind it", json.dumps(evaluation(GIT)).encode() + b"{}"),
    ("duplicate members", json.dumps(evaluation(GIT)).encode()[:-1] + b',"action":{}}'),
    ("duplicate members below",
     json.dumps(evaluation(GIT, subject={"type": "agent", "id": "x"})).encode().replace(
         b'"id": "x"', b'"id": "x", "id": "build-7"')),
]


@suite.test("giant, deep and double JSON: refused, on both endpoints", roots=("hsm",))
def bodies(world):
    world.serve()
    link = Connection(world.socket())
    for path in ("/access/v1/evaluation", "/access/v1/evaluations"):
        for name, body in BODIES:
            got = world.call("POST", path, body, link=link)
            equal(got.status, 400, f"{name}: {got.bytes[:200]}")
        world.honest()
    link.close()
    before = world.memory()[0]
    for _ in range(30):
        for name, body in BODIES[:6]:
            equal(world.evaluate(body).status, 400, name)
    world.within(before + 32, at_most=False)
    world.peace()


SMUGGLED = "POST /access/v1/evaluation HTTP/1.1\r\nHost: gate\r\n\r\n"
CHUNKED = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n"
HEADS = [
    ("Content-Length and Transfer-Encoding",
     f"{HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
    ("Transfer-Encoding and Content-Length",
     f"{HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{SMUGGLED}"),
    ("two lengths", f"{HEAD}Content-Length: 2\r\nContent-Length: 0\r\n\r\n{{}}{SMUGGLED}"),
    ("two lengths in one", f"{HEAD}Content-Length: 2, 2\r\n\r\n{{}}{SMUGGLED}"),
    ("a length with a sign", f"{HEAD}Content-Length: +2\r\n\r\n{{}}{SMUGGLED}"),
    ("a folded header", f"{HEAD}X: a\r\n b: c\r\n\r\n{SMUGGLED}"),
    ("a folded length", f"{HEAD}Content-Length:\r\n 2\r\n\r\n{{}}{SMUGGLED}"),
    ("lines that end in LF", f"{HEAD}Content-Length: 0\r\n\r\n{SMUGGLED}".replace("\r\n", "\n")),
    ("one line that ends in LF", f"{HEAD}X: a\nContent-Length: 2\r\n\r\n{{}}{SMUGGLED}"),
    ("CR alone", f"{HEAD}X: a\rContent-Length: 2\r\n\r\n{SMUGGLED}"),
    ("a space before the colon", f"{HEAD}Content-Length : 2\r\n\r\n{{}}{SMUGGLED}"),
    ("a tab before the colon", f"{HEAD}Content-Length\t: 2\r\n\r\n{{}}{SMUGGLED}"),
    ("NUL in a name", f"{HEAD}Content-Len\0gth: 2\r\n\r\n{SMUGGLED}"),
    ("NUL in a value", f"{HEAD}X: a\0b\r\n\r\n{SMUGGLED}"),
    ("NUL in the target", f"GET /v1\0/status HTTP/1.1\r\nHost: gate\r\n\r\n{SMUGGLED}"),
    ("an extension of a chunk", f"{CHUNKED}2;a=b\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}"),
    ("a chunk's size in C", f"{CHUNKED}0x2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}"),
    ("a chunk's size that overflows", f"{CHUNKED}ffffffffffffffff2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}"),
    ("a chunk that ends in LF", f"{CHUNKED}2\n{{}}\n0\n\n{SMUGGLED}"),
    ("a header behind the chunks", f"{CHUNKED}2\r\n{{}}\r\n0\r\nX-Request-ID: a\r\n\r\n{SMUGGLED}"),
    ("another coding", f"{HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
    ("a coding in disguise", f"{HEAD}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
    ("chunks of HTTP/1.0",
     f"{CHUNKED}0\r\n\r\n{SMUGGLED}".replace("HTTP/1.1", "HTTP/1.0", 1)),
    ("a body that nobody reads",
     f"HEAD / HTTP/1.1\r\nHost: gate\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}"),
    ("absolute form",
     f"POST http://gate/access/v1/evaluation HTTP/1.1\r\nHost: x\r\n\r\n{SMUGGLED}"),
    ("authority form", f"CONNECT gate:80 HTTP/1.1\r\nHost: x\r\n\r\n{SMUGGLED}"),
    ("two hosts", f"{HEAD}Host: other\r\nContent-Length: 2\r\n\r\n{{}}{SMUGGLED}"),
    ("no host", f"GET /v1/status HTTP/1.1\r\n\r\n{SMUGGLED}"),
    ("HTTP/2", f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{SMUGGLED}"),
]


@suite.test("smuggling: one refusal, and nothing behind it is read", roots=("hsm",))
def smuggling(world):
    world.serve()
    wrong = []
    for name, text in HEADS:
        with many(world, 1) as links:
            tell(links[0], text.encode("latin-1"))
            got = heard(links[0])
        if not got.startswith(b"HTTP/1.1 400 ") or got.count(b"HTTP/1.1 ") != 1:
            wrong.append((name, got[:300]))
    equal(wrong, [], "read otherwise")
    world.peace()


@suite.test("10,000 connections", roots=("hsm",))
def thousands(world):
    number = 10000
    descriptors(number + 500)
    world.serve()
    half = f"{HEAD}Content-Length: 9\r\n".encode()
    served = 0
    with many(world, 0) as links:
        for turn in range(number):
            links.append(dial(world))
            tell(links[-1], half[:turn % len(half)])
            if turn % 1000 == 999:
                world.honest()
                served += 1
        equal(served, 10, "times served")
        true(world.open_files() < 4096, f"{world.open_files()} descriptors")
        world.within(300)
    world.peace()


@suite.test("clients who ask and never read", roots=("hsm",))
def deaf(world):
    world.serve()
    body = json.dumps({**evaluation(GIT), "evaluations": [{}] * 50})
    ask = HEAD.replace("evaluation ", "evaluations ")
    ask = f"{ask}Content-Length: {len(body)}\r\n\r\n{body}".encode() * 100
    before = world.memory()[0]
    with many(world, 8) as links:
        for link in links:
            tell(link, ask[:len(ask) // 100])
            equal(link.recv(1, socket.MSG_PEEK), b"H", "the first answer")
            link.setblocking(False)
        sent = [0] * len(links)
        before_that, idle = 0, 0
        while idle < 50 and max(sent) < 64 * MIB:
            for number, link in enumerate(links):
                with contextlib.suppress(OSError):
                    while sent[number] < 64 * MIB:
                        sent[number] += link.send(ask)
            idle = idle + 1 if sum(sent) == before_that else 0
            before_that = sum(sent)
            time.sleep(0.02)
        world.honest()
        true(max(sent) < 16 * MIB, f"{max(sent)} bytes were taken of who never reads")
        world.within(before + 150)
    world.peace()


@suite.test("descriptors run out, and are there again", roots=("hsm",))
def run_out(world):
    world.serve(limits=(resource_limits.RLIMIT_NOFILE, (200, 200)))
    with many(world, 0) as links:
        for kind in ("agents", "enforcement", "admin"):
            for _ in range(300):
                links.append(dial(world, kind))
                tell(links[-1], b"GET / HTTP/1.1\r\n")
            world.honest()
        # Even those that pawld needs for itself.
        resource_limits.prlimit(world.process.pid, resource_limits.RLIMIT_NOFILE,
                                (world.open_files(), 200))
        waiting = Connection(world.socket())
        waiting.request("GET", "/.well-known/authzen-configuration")
    resource_limits.prlimit(world.process.pid, resource_limits.RLIMIT_NOFILE, (200, 200))
    equal(waiting.getresponse().status, 200, "who waited")
    waiting.close()
    world.peace()


@suite.test("bodies without an end: memory is bounded", roots=("hsm",))
def memory(world):
    if "sanitize" in world.options.variant:
        raise Skip("sanitizers need more address space")
    world.serve(limits=(resource_limits.RLIMIT_AS, (2048 * MIB, 2048 * MIB)))
    before = world.memory()[0]
    with many(world, 900) as links:
        for link in links:
            tell(link, f"{HEAD}Content-Length: {MIB}\r\n\r\n".encode())
        for link in links:
            tell(link, b"[" * (MIB - 1))
        world.honest()
        with many(world, 50) as others:
            for link in others:
                tell(link, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
                tell(link, b"0" * MIB)
            world.honest()
        world.within(before + 512)
    world.peace()


@suite.test("one user's thousand connections leave another his share", roots=("hsm",))
def fair(world):
    if os.geteuid() != 0:
        raise Skip("only root can be two users")
    descriptors(3500)
    shown_to_others(world.base)
    os.chmod(world.base, 0o711)
    world.serve()
    keep = []
    for _ in range(10):  # those of somebody who has few are not taken for those who come
        keep.append(Connection(world.socket("agents")))
        equal(world.call("GET", "/.well-known/authzen-configuration", kind="agents",
                         link=keep[-1]).status, 200, "before")
    links = []
    with as_user(NOBODY):
        for _ in range(3000):
            links.append(dial(world, "agents"))
            tell(links[-1], b"GET / HTTP/1.1\r\n")
    for link in keep:
        equal(world.call("GET", "/.well-known/authzen-configuration", kind="agents",
                         link=link).status, 200, "meanwhile")
        link.close()
    for _ in range(20):
        equal(world.call("GET", "/.well-known/authzen-configuration", kind="agents").status, 200,
              "who comes later")
    world.honest()
    for link in links:
        link.close()
    world.peace()


if __name__ == "__main__":
    main(suite, Besieged)
