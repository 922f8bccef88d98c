# SPDX-License-Identifier: Apache-2.0
"""daemon.py: pawld as a process, and its clients: standard library alone."""

import base64
import contextlib
import fcntl
import http.client
import json
import os
import resource as resource_limits
import signal
import socket
import struct
import subprocess
import time

from hardware import die_with_parent
from tap import equal, true
from world import World, read

WAIT = 60
PATIENT = {"X-Pawl-Deadline-Ms": "50000"}  # a busy machine is no failure
SIOCOUTQ = 0x5411


class Connection(http.client.HTTPConnection):
    """Over a Unix socket."""

    def __init__(self, path, timeout=WAIT):
        super().__init__("gate", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@contextlib.contextmanager
def as_user(uid):
    """The kernel tells who somebody was when he connected."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


def taken(link):
    """Waits until the other end has read all that it was sent."""
    end = time.monotonic() + WAIT
    while struct.unpack("i", fcntl.ioctl(link.sock, SIOCOUTQ, bytes(4)))[0]:
        true(time.monotonic() < end, "nobody reads what was sent")
        time.sleep(0.01)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.bytes = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.bytes)


def subject(name="build-7"):
    return {"type": "agent", "id": name}


def resource(name):
    kind, _, path = name.partition("::")
    return {"type": kind, "id": path}


def evaluation(name, **more):
    return {"subject": subject(), "action": {"name": "exec", "properties": {"class": "execute"}},
            "resource": resource(name), **more}


class Service(World):
    """A gate that is served. patience: what everybody says who does not say how long he waits."""

    process, patience = None, PATIENT

    def go(self, stage):
        self.kill()
        super().go(stage)

    def close(self):
        try:
            self.kill()
        finally:
            super().close()

    def socket(self, kind="enforcement"):
        return f"{self.state}/run/{kind}.sock"

    def launch(self, *more, limits=None, env=None, stderr=None):
        """Starts pawld, without waiting for it. limits: arguments of setrlimit(); stderr: instead
        of a file that is read later."""

        def prepare():
            die_with_parent()
            if limits:
                resource_limits.setrlimit(*limits)

        self.log_path = f"{self.base}/pawld.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [self.options.pawld, "--state", self.state, *more], env=self.environment(env),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log if stderr is None else stderr,
                cwd=self.base, preexec_fn=prepare)

    def serve(self, *more, **options):
        """Starts pawld, and waits until its gate is open."""
        self.launch(*more, **options)
        end = time.monotonic() + WAIT
        while b"serving" not in read(self.log_path):
            true(self.process.poll() is None, f"pawld ended: {read(self.log_path)!r}")
            true(time.monotonic() < end, f"pawld does not serve: {read(self.log_path)!r}")
            time.sleep(0.01)

    def says(self, text, times=1):
        """Waits until the log has this so often."""
        end = time.monotonic() + WAIT
        while read(self.log_path).count(text) < times:
            true(time.monotonic() < end, f"not {times} times {text!r}: {read(self.log_path)!r}")
            time.sleep(0.01)

    def halt(self, code=0):
        """The end in order."""
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(WAIT), code, f"exit code of pawld: {read(self.log_path)!r}")
        self.process = None
        self.no_secret(read(self.log_path))
        true(not os.path.exists(f"{self.state}/service.json"), "service.json after the end")
        true(not os.path.exists(self.socket()), "a socket after the end")

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.no_race()
        self.process = None

    def no_race(self):
        """Of a service that was killed: its exit code does not tell."""
        said = read(self.log_path)
        true(b"ThreadSanitizer" not in said, said[-8000:].decode(errors="replace"))

    def call(self, method, path, body=None, kind="enforcement", headers=None, link=None):
        connection = link or Connection(self.socket(kind))
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        default = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body, {**default, **self.patience, **(headers or {})})
        answer = Answer(connection.getresponse())
        if link is None:
            connection.close()
        return answer

    def evaluate(self, body, **options):
        return self.call("POST", "/access/v1/evaluation", body, **options)

    def evaluations(self, body, **options):
        return self.call("POST", "/access/v1/evaluations", body, **options)

    def keep(self, context, decision):
        """Puts a permit among those that the ledger must hold, and verifies it offline."""
        path = f"{self.permits}/{context['evaluation_id']}.cose"
        with open(path, "xb") as file:
            file.write(base64.b64decode(context["permit"], validate=True))
        got = self.verify(path, decision)
        equal(got["ledger_index"], context["ledger"]["index"], "place in the ledger")
        return got

    def until(self, name, decision):
        """Asks until this is the decision: hardware that goes and comes is away for a while."""
        end = time.monotonic() + WAIT
        while (value := self.evaluate(evaluation(name)).json()).get("decision") is not decision:
            true(time.monotonic() < end, f"not {decision}: {read(self.log_path)!r}")
        return value

    def ask(self, name, decision, **options):
        """Asks, and holds the answer to all that it says."""
        answer = self.evaluate(evaluation(name), **options)
        equal(answer.status, 200, answer.bytes)
        value = answer.json()
        equal(value["decision"], decision, f"decision on {name}: {value}")
        self.keep(value["context"], decision)
        return value["context"]
