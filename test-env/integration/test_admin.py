#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_admin.py: the socket for administrators: bundles installed, agents enrolled and removed, the
gate opened anew, while the gate is served; all of it on record before it is answered."""

import json
import os
import re
import signal
import subprocess
import sys
import threading

from daemon import Connection, Service, evaluation
from hardware import die_with_parent
from shim import Shim
from tap import Skip, Suite, equal, true
from world import CURL, GIT, LAX, main, read, shown_to_others, write

suite = Suite()
GENERAL_ERROR = 5  # PKCS#11 2.40: CKR_GENERAL_ERROR


def prepare(world):
    world.shim = None
    if world.kind == "hsm" and world.options.shim:
        world.shim = Shim(world, world.options.shim)


class Admin(Service):
    def manage(self, method, path, body=None, want=200, kind="admin", **more):
        """An answer, or a refusal by its name."""
        answer = self.call(method, path, body, kind=kind, **more)
        value = answer.json()
        equal(answer.status, want, f"{method} {path}: {value}")
        equal("error" in value, want >= 400, f"an error: {value}")
        return value

    def put(self, bundle, want=200, **more):
        body = bundle if isinstance(bundle, bytes) else read(bundle)
        return self.manage("POST", "/v1/install", body, want,
                           headers={"Content-Type": "application/cbor"}, **more)

    def last(self, kind):
        found = self.pawl("log", "show", "--kind", kind)["entries"]
        true(found, f"no {kind} in the log")
        return found[-1]

    def stopped(self, epoch):
        """The end, and that all of it was sound."""
        self.halt()
        self.sound(epoch)


PATHS = (("POST", "/v1/install"), ("GET", "/v1/agents"), ("POST", "/v1/agents"),
         ("GET", "/v1/agents/build-7"), ("DELETE", "/v1/agents/build-7"), ("GET", "/v1/gate"),
         ("POST", "/v1/reload"), ("GET", "/v1/status"), ("GET", "/metrics"))


@suite.test("administrators alone: 403 for everybody else", at="epoch1")
def others(world):
    bundle = read(world.next_epoch())
    world.serve()
    size = world.manage("GET", "/v1/status")["ledger_size"]
    for kind in ("agents", "enforcement"):
        for method, path in PATHS:
            value = world.manage(method, path, bundle if method == "POST" else None, 403, kind)
            equal(value["error"], "CALLER_REFUSED", f"{method} {path} on {kind}")
    equal(world.manage("GET", "/v1/status")["ledger_size"], size, "entries")
    equal(world.manage("GET", "/v1/status")["epoch"], 1, "epoch")
    for path in ("/v1/install", "/v1/reload", "/v1/gate", "/v1/agents/build-7"):
        equal(world.call("PUT", path, b"x", kind="admin").status, 405, path)
    world.stopped(1)


@suite.test("a bundle: in force and on record when it is answered", at="epoch1")
def install(world):
    bundle = world.next_epoch()
    world.serve()
    link = Connection(world.socket())
    equal(world.ask(CURL, True, link=link)["epoch"], 1, "before")
    got = world.put(bundle)
    equal((got["epoch"], got["from_epoch"], got["changed"], got["published"]), (2, 1, True, True),
          f"{got}")
    equal(got["policies"][0]["state"], "ok", "a policy")
    equal(world.last("install")["index"], got["ledger_index"], "its record")
    equal(world.ask(CURL, False, link=link)["epoch"], 2, "after")
    again = world.put(bundle)
    equal((again["epoch"], again["changed"], "ledger_index" in again), (2, False, False), "again")
    equal(world.manage("GET", "/v1/gate")["installed_epoch"], 2, "in force")
    world.stopped(2)


@suite.test("a bundle that is refused: by its name, with both values, and on record")
def refused(world):
    good = read(f"{world.bundles}/2.bundle")
    world.serve()
    old = world.put(f"{world.bundles}/1.bundle", 422)
    equal((old["error"], old["ok"]), ("ROLLBACK", False), f"{old}")
    true("epoch 1" in old["message"] and "is 2;" in old["message"] and
         "epoch 2 stays in force" in old["message"], f"both values: {old}")
    record = world.last("install_refused")
    equal(record["index"], old["ledger_index"], "its record")
    true("ROLLBACK" in json.dumps(record), f"{record}")
    bad = world.put(good[:-1] + bytes([good[-1] ^ 1]), 400)
    equal(world.last("install_refused")["index"], bad["ledger_index"], f"{bad}")
    for body in (b"", b"not a bundle", good[:100], bytes(2 << 20)):
        world.put(body, 400)
    equal(len(world.pawl("log", "show", "--kind", "install_refused")["entries"]), 6, "on record")
    size = world.manage("GET", "/v1/status")["ledger_size"]
    try:
        equal(world.call("POST", "/v1/install", bytes((16 << 20) + 1), kind="admin").status, 413,
              "one byte too many")
    except OSError:
        pass  # shut before all of it was sent
    big = world.evaluate(bytes(2 << 20), kind="admin")
    equal((big.status, big.json()["error"]), (413, "TOO_LARGE"), "a request for a decision")
    equal(world.manage("GET", "/v1/status")["ledger_size"], size, "entries")
    equal(world.ask(CURL, False)["epoch"], 2, "decided by")
    world.stopped(2)


@suite.test("the first bundle of a gate that is served already", at="enrolled")
def first(world):
    bundle = world.next_epoch(LAX)
    world.launch()
    while "denying" not in read(world.log_path).decode():
        true(world.process.poll() is None, "pawld ended")
    value = world.evaluate(evaluation(GIT)).json()
    equal(value["context"]["reason"], "NOTHING_INSTALLED", f"{value}")
    equal(world.manage("GET", "/v1/agents")["agents"], [], "agents")
    world.manage("POST", "/v1/agents", {"id": "build-7"}, 422)
    gate = world.manage("GET", "/v1/gate")
    equal((gate["serving"], gate["reason"]), (False, "NOTHING_INSTALLED"), f"{gate}")
    world.put(b"not a bundle", 400)
    equal(world.put(bundle)["epoch"], 1, "installed")
    equal(world.ask(GIT, True)["epoch"], 1, "decided by")
    world.stopped(1)


@suite.test("agents: enrolled, shown, removed, and who asks is them at once", at="epoch1")
def agents(world):
    world.serve()
    equal(world.manage("GET", "/v1/agents")["agents"], [], "at first")
    agent = {"id": "build-7", "name": "The builder", "uid": os.getuid(), "aliases": ["builds"]}
    equal(world.call("POST", "/access/v1/evaluation", evaluation(GIT), kind="agents").status, 403,
          "an agent that is not enrolled")
    got = world.manage("POST", "/v1/agents", agent, 201)
    equal({key: got[key] for key in agent}, agent, "what was enrolled")
    equal(got["admin"], os.getuid(), "who did it: the kernel says")
    equal(world.last("agent_enrol")["index"], got["ledger_index"], "its record")
    answer = world.call("POST", "/access/v1/evaluation", evaluation(GIT), kind="agents").json()
    equal(answer["decision"], True, f"{answer}")
    shown = world.manage("GET", "/v1/agents/build-7")
    equal({key: shown[key] for key in agent}, agent, "shown")
    listed = world.manage("GET", "/v1/agents")["agents"]
    equal([one["id"] for one in listed], ["build-7"], "listed")
    odd = {"id": "a/b c%2f\u00fc"}
    world.manage("POST", "/v1/agents", {**odd, "parent": "build-7"}, 201)
    equal(world.manage("GET", "/v1/agents/a%2Fb%20c%252f%C3%BC")["id"], odd["id"], "an odd name")
    for want, name, body in (
            (409, "EXISTS", agent), (409, "EXISTS", {"id": "other", "uid": os.getuid()}),
            (404, "NOT_FOUND", {"id": "other", "parent": "nobody"}),
            (400, "FORMAT", {"id": "two\nlines"}),
            (400, "REQUEST_MALFORMED", {"id": ""}), (400, "REQUEST_MALFORMED", {"name": "x"}),
            (400, "REQUEST_MALFORMED", {"id": "x", "admin": 0}),
            (400, "REQUEST_MALFORMED", []), (400, "JSON_MALFORMED", b"{"),
            (400, "JSON_MALFORMED", b'{"id":"a","id":"b"}')):
        value = world.manage("POST", "/v1/agents", body, want,
                             headers={"Content-Type": "application/json"})
        equal(value["error"], name, f"{body}")
    world.manage("DELETE", "/v1/agents/nobody", None, 404)
    value = world.manage("DELETE", "/v1/agents/build-7", None, 409)
    equal(value["error"], "AGENT_PARENT", f"{value}")
    world.manage("DELETE", "/v1/agents/a%2Fb%20c%252f%C3%BC")
    gone = world.manage("DELETE", "/v1/agents/build-7")
    equal(world.last("agent_remove")["index"], gone["ledger_index"], "on record")
    equal(world.call("POST", "/access/v1/evaluation", evaluation(GIT), kind="agents").status, 403,
          "an agent that was removed")
    world.manage("GET", "/v1/agents/build-7", None, 404)
    world.stopped(1)


@suite.test("opened anew: as by SIGHUP, and answered when it is done", at="epoch1")
def reload(world):
    world.serve()
    world.ask(GIT, True)
    got = world.manage("POST", "/v1/reload")
    equal((got["serving"], got["epoch"]), (True, 1), f"{got}")
    true("reload" in json.dumps(world.last("stop")), "the end of a session on record")
    world.ask(GIT, True)
    settings = read(f"{world.state}/gate.json")
    write(f"{world.state}/gate.json", b"{")
    world.manage("POST", "/v1/reload", None, 503)
    world.ask(GIT, True)
    write(f"{world.state}/gate.json", settings)
    world.stopped(1)


@suite.test("while the hardware is away: said, nothing changed, and good afterwards", at="epoch1")
def away(world):
    bundle = world.next_epoch()
    world.serve()
    world.ask(GIT, True)
    world.hardware.take_away()
    value = world.put(bundle, 503)
    true(value["error"].startswith(("TPM_", "HSM_")), f"{value}")
    world.manage("POST", "/v1/agents", {"id": "build-7"}, 503)
    equal(world.manage("GET", "/v1/agents")["agents"], [], "agents need no hardware")
    true(not world.manage("POST", "/v1/reload")["serving"], "opened anew, in vain")
    world.manage("GET", "/v1/gate", None, 503)
    world.hardware.put_back()
    world.until(GIT, True)
    equal(world.put(bundle)["epoch"], 2, "installed")
    equal(world.ask(CURL, False)["epoch"], 2, "decided by")
    world.stopped(2)


@suite.test("who installs while pawld ends is answered", at="epoch1")
def ending(world):
    bundle = read(world.next_epoch())
    world.serve()
    got = []

    def put():
        try:
            got.append(world.call("POST", "/v1/install", bundle, kind="admin"))
        except OSError as error:
            got.append(error)

    thread = threading.Thread(target=put)
    thread.start()
    world.process.send_signal(signal.SIGTERM)
    thread.join()
    world.process.wait()
    world.process = None
    done = getattr(got[0], "status", 0) == 200
    true(done or isinstance(got[0], OSError) or got[0].json()["error"] == "STOPPING", f"{got}")
    if done:
        world.sound(2)


@suite.test("an Idempotency-Key is judged anew after an install, and after a change of agents",
            at="epoch1")
def anew(world):
    bundle = world.next_epoch()
    world.serve()
    world.manage("POST", "/v1/agents", {"id": "build-7", "uid": os.getuid()}, 201)

    def keyed(name, kind="enforcement"):
        return world.evaluate(evaluation(name), kind=kind, headers={"Idempotency-Key": "k"})

    first = keyed(CURL).json()
    world.keep(first["context"], True)
    equal(keyed(CURL).json(), first, "the same key")
    agents = keyed(CURL, "agents").json()
    equal((agents["decision"], keyed(CURL, "agents").json()), (True, agents), "an agent's")
    world.put(bundle)
    again = keyed(CURL).json()
    world.keep(again["context"], False)
    equal((again["context"]["epoch"], again["context"]["reason"]), (2, "DENIED"), f"{again}")
    equal(keyed(CURL).json(), again, "the same key under the new epoch")
    equal(keyed(CURL, "agents").json()["decision"], False, "an agent's")
    world.manage("POST", "/v1/reload")
    equal(keyed(CURL).json(), again, "opened anew, and nothing else: the same answer")
    world.manage("DELETE", "/v1/agents/build-7")
    equal(keyed(CURL, "agents").status, 403, "an agent that was removed")
    later = keyed(CURL).json()["context"]
    true(later["ledger"]["index"] > again["context"]["ledger"]["index"], f"{later}")
    world.stopped(2)


@suite.test("an install that fails midway: the gate is opened anew, and goes on with it",
            at="epoch1", roots=("hsm",))
def midway(world):
    if not world.shim:
        raise Skip("p11_fault.so is not here: it is built where cmocka is")
    bundle = world.next_epoch()
    world.serve("--no-confine")
    equal(world.ask(CURL, True)["epoch"], 1, "before")
    world.shim.turn(fn="C_GenerateKeyPair", at=1, times=1, rv=GENERAL_ERROR)
    value = world.put(bundle, 503)
    equal(value["error"], "HSM_FAILED", f"{value}")
    world.shim.turn()
    equal(world.ask(CURL, False)["epoch"], 2, "what is decided next, by what was stored")
    got = world.put(bundle)
    equal((got["epoch"], got["changed"]), (2, False), "again")
    equal(world.last("install")["epoch"], 2, "on record")
    world.stopped(2)


@suite.test("more administrators at once than are taken", at="epoch1", roots=("tpm",))
def crowd(world):
    world.serve()
    world.ask(GIT, True)
    world.hardware.process.send_signal(signal.SIGSTOP)
    found = []

    def enrol(number):
        answer = world.call("POST", "/v1/agents", {"id": f"agent-{number}"}, kind="admin")
        found.append((answer.status, answer.json().get("error")))

    threads = [threading.Thread(target=enrol, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    while len(found) < 2:
        true(world.process.poll() is None, "pawld ended")
    equal(found, [(503, "OVERLOADED")] * 2, "beyond eight")
    world.hardware.process.send_signal(signal.SIGCONT)
    for thread in threads:
        thread.join()
    equal(sorted(found), [(201, None)] * 8 + [(503, "OVERLOADED")] * 2, "all of them")
    world.stopped(1)


def unknown(world):
    """Requests of callers that are no agent: on record, and not."""
    text = world.call("GET", "/metrics", kind="admin").bytes.decode()
    return [int(re.search(rf'^pawl_unknown_callers_total{{recorded="{one}"}} (\d+)$', text,
                          re.M).group(1)) for one in ("yes", "no")]


def noted(world, asked):
    """Waits until all that was asked is on record, or will not be."""
    while sum(unknown(world)) < asked:
        true(world.process.poll() is None, "pawld ended")
    equal(sum(unknown(world)), asked, "counted")
    return unknown(world)


@suite.test("who is no agent is denied, and on record as whom the kernel names, at a rate",
            at="epoch1")
def strangers(world):
    world.serve()
    answer = world.evaluate(evaluation(GIT), kind="agents")
    equal((answer.status, answer.json()["error"]), (403, "AGENT_UNKNOWN"), answer.bytes)
    equal(noted(world, 1), [1, 0], "one")
    name = f"uid:{os.getuid()}"
    for kind in ("attempt", "decision"):
        entry = world.last(kind)
        equal(entry["agent"], name, f"{entry}")
        true("/usr/bin/git" in json.dumps(entry), f"what was asked: {entry}")
        true("build-7" not in json.dumps(entry), f"a name that he gave himself: {entry}")
    true("AGENT_UNKNOWN" in json.dumps(world.last("decision")), "the reason")
    batch = {**evaluation(GIT), "evaluations": [{}, {"resource": 7}, {}]}
    got = world.evaluations(batch, kind="agents").json()["evaluations"]
    equal([one["decision"] for one in got], [False] * 3, f"{got}")
    equal(noted(world, 3), [3, 0], "two of the batch: the third was no request")
    equal(world.evaluate({}, kind="agents").status, 400, "no request")
    asked = 3
    while unknown(world)[1] == 0:
        equal(world.evaluate(evaluation(GIT), kind="agents").status, 403, "denied all the same")
        asked += 1
    recorded, missed = noted(world, asked)
    true(recorded >= 16 and missed > 0, f"{recorded} on record, {missed} not")
    entries = world.pawl("log", "show", "--kind", "decision", "--agent", name)["entries"]
    equal(len(entries), recorded, "on record")
    world.manage("POST", "/v1/agents", {"id": "build-7", "uid": os.getuid()}, 201)
    equal(world.evaluate(evaluation(GIT), kind="agents").json()["decision"], True, "enrolled")
    equal(sum(unknown(world)), asked, "counted")
    world.stopped(1)


@suite.test("a request adds to the policies of its agent's enrolment, and takes none away",
            at="epoch1")
def aliases(world):
    world.sign(LAX, alias="strict", actions="mutate")
    bundle = world.publish()
    world.serve()
    world.put(bundle)

    def reasons(own, *more):
        """What comes of each context, for an agent that is enrolled with these aliases."""
        world.manage("POST", "/v1/agents",
                     {"id": "build-7", "uid": os.getuid(), "aliases": list(own)}, 201)
        found = {world.evaluate({**evaluation(GIT), "context": context}, kind=kind)
                 .json()["context"]["reason"]
                 for kind in ("agents", "enforcement") for context in more}
        world.manage("DELETE", "/v1/agents/build-7")
        return found

    others = ({}, {"aliases": []}, {"aliases": ["builds"]})
    equal(reasons((), *others), {"OK"}, "enrolled with none")
    equal(reasons((), {"aliases": ["builds", "strict"]}), {"NO_POLICY"}, "adds one")
    equal(reasons(["strict"], *others), {"NO_POLICY"}, "cannot take it away")
    equal(reasons(["builds"], *others), {"OK"}, "enrolled with the one that covers it")
    equal(reasons(["gone"], *others), {"ALIAS_UNKNOWN"}, "nor one that is not in force")
    world.halt()
    world.log()


def masked(result):
    """An outcome without what is another each time: numbers, digests, times."""
    code, out, err = result
    out = re.sub(rb"^SERVICE.*\n(?: {9}.*\n)*", b"", out)  # who serves
    out = re.sub(rb'"service":\{[^}]*\},', b"", out)
    return code, *(re.sub(r"[0-9a-f]{16,}|[0-9]+", "N", text.decode()) for text in (out, err))


def verbs(world):
    """What somebody does with a gate from the command line, and all that he is told."""
    old, new = f"{world.bundles}/1.bundle", world.next_epoch()
    write(f"{world.live}/junk", b"not a bundle")
    alias = ("--alias", "builds", "--alias", "none-such", "--uid", "4001", "--zone", "lab")
    lines = (
        ("status",), ("install", new), ("install", new), ("install", old),
        ("install", f"{world.live}/junk"), ("install", f"{world.live}/none-such"), ("status",),
        ("agent", "list"), ("agent", "enrol", "owner"),
        ("agent", "enrol", "build-7", "--name", "The builder", "--parent", "owner", *alias),
        ("agent", "enrol", "build-7"), ("agent", "enrol", "two\nlines"),
        ("agent", "enrol", "other", "--parent", "nobody"), ("agent", "list"),
        ("agent", "show", "build-7"), ("agent", "show", "nobody"), ("agent", "remove", "owner"),
        ("agent", "remove", "nobody"), ("agent", "remove", "build-7"), ("agent", "remove", "owner"),
        ("agent", "enrol", "a/b %\u00fc"), ("agent", "remove", "a/b %\u00fc"), ("status",))
    return [(line, masked(world.run(*line, *more))) for line in lines for more in ((), ("--json",))]


@suite.test("verbs say the same through the service as without it", at="epoch1")
def same(world):
    alone = verbs(world)
    world.go("epoch1")
    world.serve()
    served = verbs(world)
    for (line, here), (_, there) in zip(alone, served):
        equal(there, here, f"pawl {' '.join(line)}")
    equal({here[0] for _, here in alone}, {0, 3, 20, 24}, "exit codes")
    equal(len(world.pawl("log", "show", "--kind", "install_refused")["entries"]), 4, "refusals")
    world.stopped(2)


@suite.test("status says what the service does, before the hardware is waited for",
            at="epoch1")
def operator(world):
    world.serve()
    world.ask(GIT, True)
    got = world.pawl("status")
    service = got["service"]
    equal((service["pid"], service["serving"], service["epoch"], service["waiting"],
           service["decided"], service["permitted"]), (world.process.pid, True, 1, 0, 1, 1), got)
    true(service["rounds"] >= 1 and service["since"] and "last_error" not in service, got)
    code, out, _ = world.run("status")
    equal((code, out.decode().splitlines()[0]),
          (0, f"SERVICE  pawld, process {world.process.pid}, since {service['since']}"), out)
    true(b"1 decisions, 1 of them permits; 0 requests wait\nGATE " in out, out)
    world.hardware.take_away()
    world.until(GIT, False)
    code, out, err = world.run("status")
    name = next(name for name in world.hardware.gone if name.encode() in out)
    true(code in {world.exits[one] for one in world.hardware.gone}, out + err)
    true(f"         denies everything: {name}: ".encode() in out, out)
    value = json.loads(world.run("status", "--json")[1])
    equal((value["ok"], value["service"]["serving"]), (False, False), value)
    world.hardware.put_back()
    world.until(GIT, True)
    last = world.pawl("status")["service"]["last_error"]
    true(last["error"] in world.hardware.gone and last["why"] and last["at"], last)
    true(b"last trouble, which is over: " in world.run("status")[1], "in text")
    world.stopped(1)


@suite.test("verbs that need the gate for themselves say so at once", at="epoch1")
def busy(world):
    world.serve()
    for line in (("log", "rebuild"),
                 ("init", "--hardware", world.hardware.uri, "--trust",
                  f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator")):
        value = world.pawl(*line, want="BUSY")
        true(f"process {world.process.pid}" in value["error"]["why"] and
             "stop pawld" in value["error"]["why"], f"what to do: {value}")
    world.stopped(1)


@suite.test("who may not use the sockets is told so, and does not wait", at="epoch1")
def forbidden(world):
    if os.getuid() != 0:
        raise Skip("another user can only be taken by root")
    shown_to_others(world.base, world.program)
    bundle = world.next_epoch()
    world.serve()
    for path in (world.base, world.live, world.state, world.bundles):
        os.chmod(path, 0o755)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    for line in (("install", bundle), ("status",), ("agent", "enrol", "x"), world.request(GIT)):
        value = world.judge(line, world.run(*line, "--json", before=nobody), "CALLER_REFUSED")
        true("admin.sock" in value["error"]["why"] or "enforcement.sock" in value["error"]["why"],
             f"{value}")
    equal(world.manage("GET", "/v1/status")["epoch"], 1, "epoch")
    world.halt()


OTHER = 65534
IMPOSTOR = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(8)
print("ready", flush=True)
while True:
    link = listener.accept()[0]
    try:
        link.recv(4096)
        link.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\n'
                     b'Content-Length: 11\\r\\n\\r\\n{"ok":true}')
    except OSError:
        pass  # he was not believed
    link.close()
"""


def doubted(world, *words):
    """Every verb that goes through the service refuses, and says why. Nothing is asked of anybody,
    nor done here instead."""
    for line in (("install", f"{world.bundles}/1.bundle"), ("status",), ("agent", "enrol", "x"),
                 ("log", "rebuild"), world.request(GIT)):
        value = world.pawl(*line, want="SERVICE_UNTRUSTED")
        for word in words:
            true(word in value["error"]["why"], f"{line}: {word} in {value}")


@suite.test("what could be somebody else's service is not asked", at="epoch1")
def doubts(world):
    world.serve()
    about, run = f"{world.state}/service.json", f"{world.state}/run"
    for path, mode in ((about, 0o644), (run, 0o755)):
        for bad in (0o666, 0o664) if path == about else (0o777, 0o775, 0o1777):
            os.chmod(path, bad)
            doubted(world, path, f"mode {bad:04o}")
        os.chmod(path, mode)
    if os.getuid() == 0:
        for path in (about, run):
            os.chown(path, OTHER, -1)
            doubted(world, path, f"belongs to uid {OTHER}", "to uid 0:")
            os.chown(path, 0, -1)
    world.pawl("status")
    world.stopped(1)


@suite.test("somebody else in the service's place is not believed", at="epoch1")
def impostor(world):
    if os.getuid() != 0:
        raise Skip("another user can only be taken by root")
    shown_to_others(world.base)
    for path in (world.base, world.live, world.state):
        os.chmod(path, 0o755)
    place = f"{world.base}/place"
    os.mkdir(place)
    os.chown(place, OTHER, -1)
    with subprocess.Popen(["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups",
                           sys.executable, "-c", IMPOSTOR, f"{place}/s"],
                          stdout=subprocess.PIPE, preexec_fn=die_with_parent) as process:
        try:
            equal(process.stdout.readline(), b"ready\n", "the other one")
            os.chown(place, 0, -1)
            about = {"schema": "pawl/1", "pid": process.pid, "agents": f"{place}/s",
                     "enforcement": f"{place}/s", "admin": f"{place}/s"}
            write(f"{world.state}/service.json", json.dumps(about).encode())
            doubted(world, f"uid {OTHER}", "belongs to uid 0:")
            os.chown(world.state, OTHER, -1)  # his is the gate: he is asked, root or not
            equal(world.run("agent", "remove", "x", "--json")[0], 0, "the owner's answer")
        finally:
            process.kill()
            os.chown(world.state, 0, -1)
            os.unlink(f"{world.state}/service.json")
    world.sound(1)


if __name__ == "__main__":
    main(suite, Admin, prepare)
