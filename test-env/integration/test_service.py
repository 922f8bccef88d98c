#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service.py: pawld on a real gate: permits and denials, batches, what it refuses, many at
once, its end and its next beginning. Every permit verifies offline, and is in the ledger."""

import json
import os
import resource as resource_limits
import signal
import socket
import subprocess
import threading
import time

from daemon import Connection, Service, WAIT, evaluation, resource, subject, taken
from journal import renumbered
from tap import Suite, equal, true
from wire import restart_in_order
from world import CURL, GIT, copy, main, read, write

suite = Suite()
CLIENTS = 64


def ledger(world):
    """Audits it with every permit that was handed out."""
    got = world.log()
    equal((got["lost_attempts"], got["open_attempts"]), (0, 0), f"attempts: {got}")
    return got


@suite.test("a permit and a denial, with what proves them")
def answers(world):
    world.serve()
    granted, denied = world.ask(GIT, True), world.ask(CURL, False)
    equal((granted["reason"], granted["epoch"], granted["simulated"]), ("OK", 2, True), granted)
    equal([policy["alias"] for policy in granted["policies"]], ["builds"], granted)
    equal((denied["reason"], denied["stage"]), ("DENIED", "policy"), denied)
    true(isinstance(denied["why"], str), denied)
    world.halt()
    got = ledger(world)
    equal((got["kinds"]["stop"], got["interrupted_sessions"]), (got["kinds"]["start"], 0), got)
    # The same gate without a daemon.
    world.check(GIT, True, 2)
    world.log()


@suite.test("service.json, metadata and request ids")
def discovery(world):
    world.serve()
    about = json.loads(read(f"{world.state}/service.json"))
    equal(about["pid"], world.process.pid, "pid")
    for kind, mode in (("agents", 0o666), ("enforcement", 0o660), ("admin", 0o600)):
        equal(about[kind], world.socket(kind), kind)
        equal(os.stat(about[kind]).st_mode & 0o777, mode, f"mode of {kind}")
    got = world.call("GET", "/.well-known/authzen-configuration").json()
    equal(got, {"policy_decision_point": "https://gate",
                "access_evaluation_endpoint": "https://gate/access/v1/evaluation",
                "access_evaluations_endpoint": "https://gate/access/v1/evaluations"}, "c-6")
    for status, body in ((200, evaluation(GIT)), (400, {})):
        got = world.evaluate(body, headers={"X-Request-ID": "bfe9eb29"})
        equal((got.status, got.headers["X-Request-ID"]), (status, "bfe9eb29"), "c-2-5-1")
    world.halt()


@suite.test("batches: order, defaults, errors of one, all three semantics")
def batches(world):
    world.serve()
    items = [{"resource": resource(GIT)}, {"resource": resource(CURL)}, {"resource": 7},
             {"resource": resource(GIT), "subject": subject("other")}, {"resource": resource(GIT)}]
    base = {key: value for key, value in evaluation(GIT).items() if key != "resource"}
    for semantic, want in ((None, [True, False, False, False, True]),
                           ("execute_all", [True, False, False, False, True]),
                           ("deny_on_first_deny", [True, False]),
                           ("permit_on_first_permit", [True])):
        options = {"options": {"evaluations_semantic": semantic}} if semantic else {}
        got = world.evaluations({**base, **options, "evaluations": items})
        equal(got.status, 200, got.bytes)
        value = got.json()
        equal([one["decision"] for one in value["evaluations"]], want, f"{semantic}: {value}")
        for number, one in enumerate(value["evaluations"]):
            equal("error" in one["context"], number == 2, f"{semantic} {number}: {one}")
            if number != 2:
                world.keep(one["context"], one["decision"])
    got = world.evaluations({**evaluation(GIT), "evaluations": []}).json()
    equal(got["decision"], True, "an empty list is one evaluation")
    world.keep(got["context"], True)
    world.halt()
    ledger(world)


REFUSED = [
    ("c-2-4-1: no subject", {key: evaluation(GIT)[key] for key in ("action", "resource")}, {}),
    ("c-2-4-2: no subject.id", evaluation(GIT, subject={"type": "agent"}), {}),
    ("c-2-4-3: another type", evaluation(GIT), {"Content-Type": "text/plain"}),
    ("c-2-4-4: not JSON", b'{"subject":', {}),
    ("c-2-4-5: empty", b"", {}),
    ("c-2-4-6: subject is text", evaluation(GIT, subject="build-7"), {}),
    ("no class", evaluation(GIT, action={"name": "exec"}), {}),
    ("duplicate members", json.dumps(evaluation(GIT)).encode()[:-1] + b',"subject":{}}', {}),
    ("null", evaluation(GIT, context={"a": None}), {}),
    ("a fraction", evaluation(GIT, context={"a": 0.5}), {}),
    ("context.gate", evaluation(GIT, context={"gate": {}}), {}),
    ("nested deeply", b'{"context":' + b"[" * 100000, {}),
    ("nested deeply, and closed", evaluation(GIT, context={"a": json.loads("[" * 500 + "]" * 500)}),
     {}),
    ("a deadline of no time", evaluation(GIT), {"X-Pawl-Deadline-Ms": "0"}),
    ("a deadline that is no number", evaluation(GIT), {"X-Pawl-Deadline-Ms": "1s"}),
]


@suite.test("what is malformed: 400, and nothing on record")
def malformed(world):
    world.serve()
    size = world.ask(GIT, True)["ledger"]["index"]
    link = Connection(world.socket())
    for path in ("/access/v1/evaluation", "/access/v1/evaluations"):
        for name, body, headers in REFUSED:
            got = world.call("POST", path, body, headers=headers, link=link)
            equal(got.status, 400, f"{name}: {got.bytes}")
            value = got.json()
            equal((set(value), value["error"] in world.exits), ({"error", "message"}, True), name)
    for method, path, status in (("GET", "/access/v1/evaluation", 405), ("POST", "/", 404),
                                 ("PUT", "/access/v1/evaluations", 405), ("GET", "/v1", 404)):
        equal(world.call(method, path, link=link).status, status, f"{method} {path}")
    large = evaluation(GIT, context={"a": "x" * (1 << 20)})
    equal(world.evaluate(large).status, 413, "a body that is too large")
    equal(world.ask(GIT, True)["ledger"]["index"], size + 2, "place of the next decision")
    world.halt()
    ledger(world)


@suite.test("agents ask for themselves, and get no permits")
def agents(world):
    own = evaluation(GIT, subject=subject("build-8"))
    world.serve()
    got = world.evaluate(own, kind="agents")
    equal((got.status, got.json()["error"]), (403, "AGENT_UNKNOWN"), got.bytes)
    world.halt()
    world.pawl("agent", "enrol", "build-8", "--uid", str(os.getuid()))
    world.serve()
    got = world.evaluate(own, kind="agents")
    equal((got.status, got.json()["decision"]), (200, False), got.bytes)  # no rule permits it
    true("permit" not in got.json()["context"], "a permit for an agent")
    got = world.evaluate(evaluation(GIT), kind="agents")
    equal((got.status, got.json()["error"]), (403, "SUBJECT_MISMATCH"), got.bytes)
    got = world.evaluations({**own, "evaluations": [{}, {"subject": subject()}]}, kind="agents")
    equal([one["context"].get("error", {}).get("status") for one in got.json()["evaluations"]],
          [None, 403], got.bytes)
    world.ask(GIT, True, kind="admin")
    world.halt()


@suite.test("clients at once: each gets his own answer, in few rounds")
def crowd(world):
    world.serve()
    found, errors, lock = [], [], threading.Lock()

    def client(number):
        try:
            link = Connection(world.socket())
            for turn in range(3):
                name = GIT if (number + turn) % 2 else CURL
                got = world.evaluate(evaluation(name), link=link)
                value = got.json()
                assert got.status == 200, got.bytes
                with lock:
                    found.append((name, value["decision"], value["context"]))
            link.close()
        except BaseException as error:  # pylint: disable=broad-except
            with lock:
                errors.append(repr(error))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(errors, [], "clients that got no answer")
    equal(len({context["ledger"]["index"] for _, _, context in found}), 3 * CLIENTS, "places")
    for name, decision, context in found:
        equal(decision, name == GIT, name)
    for _, decision, context in found[:: len(found) // 12]:
        world.keep(context, decision)
    world.halt()
    got = ledger(world)
    true(got["kinds"]["decision"] >= 3 * CLIENTS, got)


@suite.test("killed, started again, and once more: nothing is lost")
def restart(world):
    world.serve()
    first = world.ask(GIT, True)
    world.process.kill()
    world.process.wait()
    true(os.path.exists(world.socket()), "what a killed process leaves")
    world.serve()
    second = world.ask(GIT, True)
    true(second["ledger"]["index"] > first["ledger"]["index"], "order")
    # One gate, one service: the second one ends and takes nothing away.
    code = subprocess.run([world.options.pawld, "--state", world.state], env=world.environment(),
                          capture_output=True, timeout=60, check=False, cwd=world.base)
    equal(code.returncode, world.exits["BUSY"], code.stderr)
    world.ask(CURL, False)
    world.halt()
    got = ledger(world)
    equal(got["interrupted_sessions"], 1, got)
    world.serve()
    world.ask(GIT, True)
    world.halt()
    ledger(world)


@suite.test("killed, and an older state of the same session put in its place")
def older_session(world):
    """No commit of it but the first holds what the hardware signed."""
    world.serve()
    for _ in range(3):
        world.ask(GIT, True)
    copy(world.state, f"{world.live}/older")
    newest = [world.ask(GIT, True) for _ in range(3)][-1]
    world.process.kill()
    world.process.wait()
    journal = world.journal()
    copy(world.state, f"{world.live}/true")
    copy(f"{world.live}/older", world.state)
    write(f"{world.state}/ledger/journal", renumbered(world.journal(), journal))
    if world.kind == "tpm":
        restart_in_order(world.hardware)
    for _ in range(2):  # looking at it proves nothing
        world.status(code=world.exits["LEDGER_INCONSISTENT"])
        world.refused("LEDGER_INCONSISTENT")
    copy(f"{world.live}/true", world.state)
    world.serve()
    true(world.ask(GIT, True)["ledger"]["index"] > newest["ledger"]["index"], "order")
    world.halt()
    ledger(world)


@suite.test("a client who goes, and one who waits while the service ends")
def partings(world):
    world.serve()
    for _ in range(20):
        link = Connection(world.socket())
        link.request("POST", "/access/v1/evaluation", json.dumps(evaluation(GIT)),
                     {"Content-Type": "application/json"})
        link.close()
    world.ask(GIT, True)
    idle, waiting = Connection(world.socket()), Connection(world.socket())
    equal(world.evaluate(evaluation(GIT), link=idle).status, 200, "before the end")
    waiting.request("POST", "/access/v1/evaluation", json.dumps(evaluation(GIT)),
                    {"Content-Type": "application/json"})
    taken(waiting)
    world.halt()
    got = waiting.getresponse()
    value = json.loads(got.read())
    true((got.status, value.get("decision")) == (200, True) or
         (got.status, value.get("error")) == (503, "STOPPING"), value)
    ledger(world)


@suite.test("more connections than descriptors, and half requests: others are served")
def flood(world):
    world.serve(limits=(resource_limits.RLIMIT_NOFILE, (256, 256)))
    idle = []
    for number in range(200):  # the door is shut behind the 42nd
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(WAIT)
        link.connect(world.socket("agents"))
        link.sendall(b"POST /access/v1/evaluation HTTP/1.1\r\nContent-Length: 9\r\n"[:number])
        idle.append(link)
    world.ask(GIT, True)
    world.ask(CURL, False, kind="admin")
    for link in idle:
        link.close()
    got = world.evaluate(evaluation(GIT), kind="agents")
    equal((got.status, got.json()["error"]), (403, "AGENT_UNKNOWN"), got.bytes)
    world.halt()
    ledger(world)


@suite.test("hardware that is away: denied with the reason, and served again without a restart")
def away(world):
    world.serve()
    world.ask(GIT, True)
    world.hardware.take_away()
    value = world.until(GIT, False)
    true(value["context"]["reason"] in world.hardware.gone, value)
    equal((value["context"]["stage"], "ledger" in value["context"]), ("hardware", False), value)
    world.hardware.put_back()
    world.until(GIT, True)
    world.ask(GIT, True)
    world.halt()
    world.log()


@suite.test("hardware that hangs: the deadline holds all the same", roots=("tpm",))
def hangs(world):
    world.serve()
    world.ask(GIT, True)
    swtpm = world.hardware.process
    swtpm.send_signal(signal.SIGSTOP)
    for path, body in (("evaluation", evaluation(GIT)),
                       ("evaluations", {**evaluation(GIT), "evaluations": [{}, {}]})):
        got = world.call("POST", f"/access/v1/{path}", body,
                         headers={"X-Pawl-Deadline-Ms": "300"})
        equal((got.status, got.json()["error"]), (503, "DEADLINE"), got.bytes)
        equal(got.headers["Retry-After"], "1", "Retry-After")
    swtpm.send_signal(signal.SIGCONT)
    world.until(GIT, True)
    world.ask(GIT, True)
    world.halt()
    world.log()


def managed(world, name):
    """Starts pawld as a service manager does. Returns the socket that it listens on, and the one
    that is told."""
    door, told = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    door.bind(f"{world.base}/door")
    door.listen(8)
    told.bind(f"{world.base}/told")
    told.settimeout(60)
    script = (f"exec 3<&{door.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}; "
              'exec "$@"')
    world.log_path = f"{world.base}/pawld.log"
    with open(world.log_path, "wb") as log:
        world.process = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", world.options.pawld, "--state", world.state],
            env={**world.environment(), "NOTIFY_SOCKET": f"{world.base}/told"}, stdout=log,
            stderr=log, pass_fds=[door.fileno()])
    return door, told


@suite.test("a socket of the service manager, and what he is told")
def manager(world):
    door, told = managed(world, "enforcement")
    true(b"READY=1\nSTATUS=serving epoch 2" in told.recv(4096), "READY")
    about = json.loads(read(f"{world.state}/service.json"))
    equal((about["enforcement"], about["admin"]), (f"{world.base}/door", None), "service.json")
    got = world.evaluate(evaluation(GIT), link=Connection(f"{world.base}/door")).json()
    world.keep(got["context"], True)
    world.halt()
    while b"STOPPING=1" not in told.recv(4096):
        pass  # what changed before
    true(os.path.exists(f"{world.base}/door"), "a socket of the service manager was removed")
    door.close()
    told.close()
    os.unlink(f"{world.base}/door")
    os.unlink(f"{world.base}/told")
    door, told = managed(world, "others")
    equal(world.process.wait(60), world.exits["USAGE"], read(world.log_path))
    world.process = None
    door.close()
    told.close()
    ledger(world)


@suite.test("what it does not serve", at="bare")
def nothing(world):
    for args, want in (([], "NOT_ENROLLED"), (["--sate", "x"], "USAGE"), (["x"], "USAGE")):
        run = subprocess.run([world.options.pawld, "--state", world.state, *args],
                             env=world.environment(), capture_output=True, timeout=60, check=False)
        equal((run.returncode, want.encode() in run.stderr), (world.exits[want], True), run.stderr)
    for args in (["--version"], ["--help"]):
        run = subprocess.run([world.options.pawld, *args], env=world.environment(),
                             capture_output=True, timeout=60, check=False)
        equal((run.returncode, run.stdout[:5] in (b"pawld", b"usage")), (0, True), run)


if __name__ == "__main__":
    main(suite, Service)
