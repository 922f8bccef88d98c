#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_faces.py: what pawld shows beside decisions: numbers, a status, its log, the same
answer to a request that is repeated, and the ledger for whoever reads it."""

import base64
import datetime
import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import cbor
import exposition
from daemon import PATIENT, WAIT, Connection, Service, evaluation, resource, subject
from tap import Suite, equal, true
from world import CURL, GIT, main, read

suite = Suite()

# Of what a gate has that serves; others come once there is something to count.
NAMES = (
    'pawl_agents', 'pawl_connections{socket="admin"}', 'pawl_connections{socket="agents"}',
    'pawl_connections{socket="enforcement"}', 'pawl_decision_seconds_count', 'pawl_epoch',
    'pawl_head_expiry_seconds', 'pawl_hw_operation_seconds_count{operation="check"}',
    'pawl_hw_operation_seconds_count{operation="errand"}',
    'pawl_hw_operation_seconds_count{operation="open"}',
    'pawl_hw_operation_seconds_count{operation="ping"}',
    'pawl_hw_operation_seconds_count{operation="prove"}',
    'pawl_hw_operation_seconds_count{operation="stop"}', 'pawl_ledger_append_seconds_count',
    'pawl_ledger_size', 'pawl_log_lost_total', 'pawl_policies', 'pawl_round_seconds_count',
    'pawl_round_size_count', 'pawl_serving', 'pawl_waiting',
)


def metrics(world):
    """Every sample by its name with labels."""
    got = world.call("GET", "/metrics", kind="admin")
    equal((got.status, got.headers["Content-Type"]),
          (200, "text/plain; version=0.0.4; charset=utf-8"), got.bytes)
    return exposition.read(got.bytes.decode())


def nobody_waits(world):
    """The numbers, once all is over: who is answered is counted as waiting for a moment more."""
    end = time.monotonic() + WAIT
    while (found := metrics(world))["pawl_waiting"] > 0:
        true(time.monotonic() < end, f"for ever: {found}")
    return found


def decided(found, **labels):
    want = [f'{name}="{value}"' for name, value in labels.items()]
    return sum(value for key, value in found.items()
               if key.startswith("pawl_decisions_total{") and all(one in key for one in want))


def verdicts(path):
    """The lines of the log."""
    return [json.loads(line) for line in read(path).splitlines() if line.startswith(b"{")]


@suite.test("numbers and the status follow what happens; administrators alone see them")
def numbers(world):
    world.serve()
    before = metrics(world)
    equal(decided(before), 0, before)
    equal([name for name in NAMES if name not in before], [], "missing")
    for _ in range(3):
        world.ask(GIT, True)
    denied = world.ask(CURL, False)
    equal(world.evaluate({}).status, 400, "no request")
    equal(world.call("GET", "/v1/nothing").status, 404, "nothing")
    idle = [Connection(world.socket("agents")) for _ in range(5)]
    for link in idle:
        equal(world.call("GET", "/.well-known/authzen-configuration", link=link).status, 200, "")
    got = nobody_waits(world)
    equal(decided(got, verdict="permit", stage="policy", reason="OK", **{"class": "execute"}), 3,
          got)
    equal(decided(got, verdict="deny", reason="DENIED"), 1, got)
    equal(decided(got), 4, got)
    equal(got["pawl_decision_seconds_count"], 4, got)
    equal(got["pawl_round_size_sum"], 4, got)
    equal(got["pawl_round_seconds_count"], got["pawl_round_size_count"], got)
    true(got["pawl_decision_seconds_sum"] >= got["pawl_round_seconds_sum"] > 0, got)
    equal((got['pawl_refused_total{reason="REQUEST_MALFORMED"}'],
           got['pawl_refused_total{reason="NOT_FOUND"}']), (1, 1), got)
    equal((got["pawl_serving"], got["pawl_epoch"], got["pawl_waiting"]), (1, 2, 0), got)
    equal(got['pawl_connections{socket="agents"}'], 5, got)
    true(got["pawl_ledger_size"] > denied["ledger"]["index"], got)
    uses = {name: got[f'pawl_hw_operation_seconds_count{{operation="{name}"}}']
            for name in ("open", "check", "prove", "errand", "stop")}
    equal((uses["open"], uses["errand"], uses["stop"]), (1, 0, 0), uses)
    true(min(uses["check"], uses["prove"]) >= 4, uses)
    true(got["pawl_ledger_append_seconds_sum"] > 0, got)
    equal((got["pawl_ledger_append_seconds_count"], got["pawl_agents"]),
          (got["pawl_round_seconds_count"], 0), got)
    status = world.call("GET", "/v1/status", kind="admin").json()
    equal((status["serving"], status["epoch"], status["decided"], status["permitted"],
           status["pid"], status["ledger_size"], "error" in status),
          (True, 2, 4, 3, world.process.pid, got["pawl_ledger_size"], False), status)
    for kind in ("agents", "enforcement"):
        for path in ("/metrics", "/v1/status"):
            answer = world.call("GET", path, kind=kind)
            equal((answer.status, answer.json()["error"]), (403, "CALLER_REFUSED"), answer.bytes)
    for link in idle:
        link.close()
    world.halt()


@suite.test("numbers of what is in force: policies, their snapshot's end, agents")
def in_force(world):
    world.serve()
    gate = world.call("GET", "/v1/gate", kind="admin").json()
    left = datetime.datetime.fromisoformat(gate["expires"].replace("Z", "+00:00")).timestamp()
    left -= time.time()
    got = metrics(world)
    true(abs(got["pawl_head_expiry_seconds"] - left) < 600, (got, gate))
    shown = {key: value for key, value in got.items() if key.startswith("pawl_policy_version{")}
    want = {f'pawl_policy_version{{alias="{policy["alias"]}"}}': policy["version"]
            for policy in gate["policies"]}
    equal((shown, got["pawl_policies"]), (want, len(want)), got)
    equal(got['pawl_hw_operation_seconds_count{operation="errand"}'], 1, got)
    world.call("POST", "/v1/agents", {"id": "build-7"}, kind="admin")
    text = world.call("GET", "/metrics", kind="admin").bytes.decode()
    equal(exposition.read(text)["pawl_agents"], 1, text)
    exposition.promtool(text)
    world.halt()


@suite.test("no label is a caller's choice")
def labels(world):
    world.serve()
    names = set(metrics(world))
    for number in range(40):
        body = evaluation(GIT, subject=subject(f"agent-{number}\"}} 1"))
        body["action"]["name"] = f"action-{number}"
        equal(world.evaluate(body).status, 200, "an odd name")
    new = set(metrics(world)) - names
    true(len(new) <= 2, new)
    world.halt()


@suite.test("while the hardware is away: the status says so, and so do the numbers")
def away(world):
    world.serve()
    world.ask(GIT, True)
    world.hardware.take_away()
    world.until(GIT, False)
    status = world.call("GET", "/v1/status", kind="admin").json()
    true(status["serving"] is False and status["error"] in world.hardware.gone, status)
    got = metrics(world)
    equal(got["pawl_serving"], 0, got)
    true(decided(got, verdict="deny", stage="hardware") >= 1, got)
    line = verdicts(world.log_path)[-1]
    equal((line["verdict"], line["stage"], "ledger_index" in line), ("deny", "hardware", False),
          line)
    world.hardware.put_back()
    world.until(GIT, True)
    equal(metrics(world)["pawl_serving"], 1, "after it came back")
    world.halt()
    world.log()


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@suite.test("one line of JSON for each verdict")
def log(world):
    path = f"{world.base}/verdicts"
    world.serve("--log", path)
    got = world.evaluate(evaluation(GIT), headers={"X-Request-ID": "r-1", "traceparent": TRACE})
    equal(got.headers["traceparent"], TRACE, "traceparent")
    context = got.json()["context"]
    world.keep(context, True)
    got = world.evaluate(evaluation(CURL), headers={"traceparent": "00-zz"})
    equal(got.headers["traceparent"], None, "a traceparent that is none")
    world.keep(got.json()["context"], False)
    got = world.evaluations({**evaluation(GIT, subject=subject("a\"\\\u00fc\U0001f600")),
                             "evaluations": [{}, {"resource": 7}]})
    equal(got.status, 200, got.bytes)
    equal(world.evaluate({}).status, 400, "no request, no verdict")
    lines = verdicts(path)
    equal(len(lines), len(read(path).splitlines()), "lines that are no JSON")
    equal([line["verdict"] for line in lines], ["permit", "deny", lines[2]["verdict"], "deny"],
          lines)
    first = lines[0]
    true(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time")), first)
    true(0 <= first.pop("duration_ms") < 60000, first)
    equal(first, {"verdict": "permit", "reason": "OK", "stage": "policy", "agent": "build-7",
                  "action": "exec", "class": "execute", "resource_type": resource(GIT)["type"],
                  "resource": resource(GIT)["id"], "epoch": 2,
                  "ledger_index": context["ledger"]["index"],
                  "evaluation_id": context["evaluation_id"], "request_id": "r-1",
                  "traceparent": TRACE, "answered": True}, "a permit")
    equal(("traceparent" in lines[1], "request_id" in lines[1], lines[1]["reason"]),
          (False, False, "DENIED"), lines[1])
    equal(lines[2]["agent"], "a\"\\\u00fc\U0001f600", lines[2])
    equal((lines[3]["stage"], "ledger_index" in lines[3]), ("request", False), lines[3])
    equal(os.stat(path).st_mode & 0o777, 0o640, "mode")
    true(b'"verdict"' not in read(world.log_path), "the other log")
    world.halt()
    world.serve("--log", "none")
    world.ask(GIT, True)
    world.halt()
    true(b'"verdict"' not in read(world.log_path), "none")
    world.serve()
    world.ask(GIT, True)
    world.halt()
    equal(len(verdicts(world.log_path)), 1, "standard error, which is no terminal")
    bad = subprocess.run([world.options.pawld, "--state", world.state, "--log", "/nowhere/log"],
                         env=world.environment(), capture_output=True, timeout=60, check=False)
    equal(bad.returncode, world.exits["NOT_FOUND"], bad.stderr)
    world.log()


def keyed(world, key, body=None, **options):
    """Asks with an Idempotency-Key."""
    headers = {"Idempotency-Key": key, **options.pop("headers", {})}
    return world.evaluate(evaluation(GIT) if body is None else body, headers=headers, **options)


@suite.test("an Idempotency-Key: the same answer back, recorded once")
def once(world):
    world.serve()
    first = keyed(world, "k-1", headers={"X-Request-ID": "one"})
    context = first.json()["context"]
    world.keep(context, True)
    again = keyed(world, "k-1", headers={"X-Request-ID": "two"})
    equal((again.status, again.bytes), (200, first.bytes), "the same key")
    equal((first.headers["X-Request-ID"], again.headers["X-Request-ID"]), ("one", "two"), "ids")
    other = keyed(world, "k-1", evaluation(CURL))
    equal((other.status, other.json()["error"]), (422, "EXISTS"), other.bytes)
    spaced = keyed(world, "k-1", json.dumps(evaluation(GIT), indent=1).encode())
    equal(spaced.status, 422, "another spelling")
    batch = {**evaluation(GIT), "evaluations": [{}, {"resource": resource(CURL)}, {"resource": 7}]}
    answers = [world.evaluations(batch, headers={"Idempotency-Key": "k-2"}) for _ in range(3)]
    equal({answer.bytes for answer in answers}, {answers[0].bytes}, "of a batch")
    equal(world.evaluations(evaluation(GIT), headers={"Idempotency-Key": "k-1"}).status, 422,
          "the other endpoint")
    theirs = keyed(world, "k-1", kind="admin").json()["context"]
    true(theirs["ledger"]["index"] > context["ledger"]["index"], "an answer of another's")
    for key in ("", "a b", "x" * 129):
        equal(keyed(world, key).status, 400, key)
    equal(keyed(world, "k-3", {}).status, 400, "no request")
    denied = keyed(world, "k-3", evaluation(CURL)).json()
    equal(denied["decision"], False, "the key of what was no request is free")
    equal(keyed(world, "k-3", evaluation(CURL)).json(), denied, "a denial")
    equal(keyed(world, "k-4", kind="agents").status, 403, "another subject")
    got = metrics(world)
    equal(decided(got), 1 + 3 + 1 + 1, got)
    world.halt()
    world.log()
    world.serve()
    true(keyed(world, "k-1").json()["context"]["ledger"]["index"] > context["ledger"]["index"],
         "kept over a restart")
    world.halt()


@suite.test("an Idempotency-Key: those who come at once are one")
def at_once(world):
    world.serve()
    found, lock = [], threading.Lock()

    def client():
        got = keyed(world, "k")
        with lock:
            found.append((got.status, got.bytes))

    threads = [threading.Thread(target=client) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal((len(found), len(set(found)), found[0][0]), (32, 1, 200), found[:2])
    equal(decided(metrics(world)), 1, "recorded")
    world.keep(json.loads(found[0][1])["context"], True)
    world.halt()
    world.log()


@suite.test("an Idempotency-Key: what waited too long is there afterwards", roots=("tpm",))
def afterwards(world):
    world.serve()
    world.ask(GIT, True)
    swtpm = world.hardware.process
    swtpm.send_signal(signal.SIGSTOP)
    link = Connection(world.socket())
    link.request("POST", "/access/v1/evaluation", json.dumps(evaluation(GIT)),
                 {"Content-Type": "application/json", "Idempotency-Key": "k", **PATIENT})
    for _ in range(3):
        got = keyed(world, "k", headers={"X-Pawl-Deadline-Ms": "200"})
        equal((got.status, got.json()["error"]), (503, "DEADLINE"), got.bytes)
    late = keyed(world, "l", headers={"X-Pawl-Deadline-Ms": "200"})
    equal(late.status, 503, late.bytes)
    swtpm.send_signal(signal.SIGCONT)
    value = json.loads(link.getresponse().read())
    link.close()
    if value["decision"]:
        world.keep(value["context"], True)
        equal(keyed(world, "k").json(), value, "the same key")
    else:
        equal(value["context"]["stage"], "hardware", value)
    world.halt()
    world.log()


@suite.test("an Idempotency-Key: what is not on record is asked anew")
def anew(world):
    world.serve()
    world.ask(GIT, True)
    world.hardware.take_away()
    world.until(GIT, False)
    equal(keyed(world, "k").json()["decision"], False, "while it is away")
    world.hardware.put_back()
    world.until(GIT, True)
    got = keyed(world, "k").json()
    world.keep(got["context"], True)
    equal(keyed(world, "k").json(), got, "the same key")
    world.halt()
    world.log()


def published(world, index, **options):
    """An entry, once it is published: behind the answers."""
    end = time.monotonic() + 60
    while True:
        got = world.call("GET", f"/entries/{index}/statement", **options)
        if got.status == 200:
            equal(got.headers["Content-Type"], "application/cose", index)
            return cbor.decode(got.bytes).value
        equal((got.status, got.headers["Content-Type"]),
              (404, "application/concise-problem-details+cbor"), got.bytes)
        equal(cbor.decode(got.bytes)[-1], "Not Found", got.bytes)
        true(time.monotonic() < end, f"entry {index} is not published")


def problem(world, method, path, status, title, body=None, **options):
    got = world.call(method, path, body, **options)
    equal((got.status, got.headers["Content-Type"]),
          (status, "application/concise-problem-details+cbor"), f"{path}: {got.bytes}")
    value = cbor.decode(got.bytes)
    equal((set(value), value[-1]), ({-1, -2}, title), path)


RECEIPTS, KID = 394, 4


@suite.test("SCRAPI: statements with receipts, and the keys of these")
def scrapi(world):
    world.serve()
    context = world.ask(GIT, True)
    index = context["ledger"]["index"]
    permit = cbor.decode(base64.b64decode(context["permit"])).value
    for kind in ("enforcement", "admin"):
        statement = published(world, index, kind=kind)
        equal([statement[part] for part in (0, 2, 3)], [permit[part] for part in (0, 2, 3)],
              "the record")
        equal(set(statement[1]), {RECEIPTS}, "unprotected header")
    receipt = world.call("GET", f"/entries/{index}").bytes
    statement = published(world, index)
    path = f"{world.base}/receipt.cose"
    world.halt()
    world.pawl("log", "prove", index, "--receipt", "-o", path)
    world.serve()
    equal(statement[1][RECEIPTS], [receipt], "the receipt")
    newer = world.call("GET", f"/entries/{index}").bytes
    proved = read(path)
    true(newer == proved or world.call("GET", f"/entries/{index}").bytes == proved,
         "the receipt that the verb makes")
    kid = cbor.decode(cbor.decode(receipt).value[0])[KID]
    keys = cbor.decode(world.call("GET", "/.well-known/scitt-keys").bytes)
    true(len(keys) >= 1 and all(key[1] == 2 and key[-1] == 1 for key in keys), keys)
    name = base64.urlsafe_b64encode(kid).rstrip(b"=").decode()
    got = world.call("GET", f"/.well-known/scitt-keys/{name}")
    equal((got.status, got.headers["Content-Type"]), (200, "application/cbor"), got.bytes)
    true(cbor.decode(got.bytes) in keys, "one of the set")
    world.halt()


COSE = {"Content-Type": "application/cose"}
JSON = {"Content-Type": "application/json"}

# Method, path (INDEX: of an entry that is published), headers, body, status, title.
PROBLEMS = [
    ("POST", "/entries", COSE, b"\xd2\x84", 403, "Rejected"),
    ("POST", "/entries", {"Content-Type": 'application/cose; cose-type="cose-sign1"'}, b"\xd2\x84",
     403, "Rejected"),
    ("POST", "/entries", JSON, b"{}", 415, "Unsupported Media Type"),
    ("POST", "/entries", {"Content-Type": "application/cosey"}, b"", 415, "Unsupported Media Type"),
    ("POST", "/entries", COSE, bytes((1 << 20) + 1), 413, "Content Too Large"),
    ("GET", "/entries", {}, None, 405, "Method Not Allowed"),
    ("PUT", "/entries", COSE, b"", 405, "Method Not Allowed"),
    ("POST", "/entries/INDEX", COSE, b"", 405, "Method Not Allowed"),
    ("DELETE", "/entries/INDEX", {}, None, 405, "Method Not Allowed"),
    ("GET", "/entries/", {}, None, 404, "Not Found"),
    ("GET", "/entries/1000000", {}, None, 404, "Not Found"),
    ("GET", "/entries/1000000/statement", {}, None, 404, "Not Found"),
    ("GET", "/entries/INDEX/receipt", {}, None, 400, "Invalid locator"),
    ("GET", "/entries/0INDEX", {}, None, 400, "Invalid locator"),
    ("GET", "/entries/x", {}, None, 400, "Invalid locator"),
    ("GET", "/entries/INDEX", {"Accept": "application/cbor"}, None, 406, "Not Acceptable"),
    ("GET", "/entries/INDEX", {"Accept": "*/*;q=0"}, None, 406, "Not Acceptable"),
    ("GET", "/entries/INDEX/statement", {"Accept": "text/html"}, None, 406, "Not Acceptable"),
    ("GET", "/.well-known/scitt-keys", {"Accept": "application/cose"}, None, 406,
     "Not Acceptable"),
    ("GET", "/.well-known/scitt-keys/AAAA", {}, None, 404, "No such key"),
    ("GET", "/.well-known/scitt-keys/", {}, None, 404, "No such key"),
    ("POST", "/.well-known/scitt-keys", COSE, b"", 405, "Method Not Allowed"),
    ("POST", "/checkpoint", COSE, b"", 405, "Method Not Allowed"),
    ("GET", "/checkpoint/x", {}, None, 404, "Not Found"),
    ("GET", "/cosigned", {}, None, 404, "Not Found"),
    ("GET", "/seal/x", {}, None, 404, "Not Found"),
    ("GET", "/tile", {}, None, 404, "Not Found"),
    ("GET", "/tile/0/00", {}, None, 404, "Not Found"),
    ("DELETE", "/tile/0/000", {}, None, 405, "Method Not Allowed"),
    ("GET", "/payload/" + 64 * "0", {}, None, 404, "Not Found"),
]
CBOR_PROBLEM = "application/concise-problem-details+cbor"


@suite.test("SCRAPI: every refusal is a problem object; HEAD; what a caller accepts")
def problems(world):
    world.serve()
    index = str(world.ask(GIT, True)["ledger"]["index"])
    published(world, index)
    for method, path, headers, body, status, title in PROBLEMS:
        name, path = f"{method} {path} {headers}", path.replace("INDEX", index)
        got = world.call(method, path, body, headers={"X-Request-ID": "r", **headers})
        equal((got.status, got.headers["Content-Type"], got.headers["X-Request-ID"],
               got.headers["Cache-Control"]), (status, CBOR_PROBLEM, "r", "no-store"),
              f"{name}: {got.bytes}")
        value = cbor.decode(got.bytes)
        equal((set(value), value[-1]), ({-1, -2}, title), name)
        true(isinstance(value[-2], str) and value[-2], name)
        equal("Allow" in got.headers, status == 405, name)
        if status in (413, 406):
            continue
        got = world.call(method, path, body,
                         headers={**headers, "Accept": "application/problem+json"})
        equal((got.status, got.headers["Content-Type"]), (status, "application/problem+json"), name)
        equal((got.json()["title"], got.json()["status"]), (title, status), name)
    for path, kinds in ((f"/entries/{index}", ("application/cose", "application/*", "*/*")),
                        (f"/entries/{index}/statement", ("text/html, application/cose;q=0.1",)),
                        ("/.well-known/scitt-keys", ("application/cbor",))):
        for kind in kinds:
            got, head = (world.call(method, path, headers={"Accept": kind})
                         for method in ("GET", "HEAD"))
            equal((got.status, head.status, head.bytes), (200, 200, b""), f"{path}: {kind}")
            equal([head.headers[name] for name in ("Content-Type", "Content-Length")],
                  [got.headers["Content-Type"], str(len(got.bytes))], path)
    for path in (f"/entries/{index}", "/checkpoint", "/cosigned", "/.well-known/scitt-keys"):
        problem(world, "GET", path, 403, "Forbidden", kind="agents")
    problem(world, "POST", "/entries", 403, "Forbidden", b"\xd2\x84", kind="agents", headers=COSE)
    found = metrics(world)
    true(found['pawl_refused_total{reason="CALLER_REFUSED"}'] >= 8, found)
    world.halt()


def served(world, path, data, kind, cache):
    """A file that the log happens to have."""
    os.makedirs(os.path.dirname(f"{world.state}/ledger/{path}"), exist_ok=True)
    with open(f"{world.state}/ledger/{path}", "wb") as file:
        file.write(data)
    got = world.call("GET", f"/{path}")
    equal((got.status, got.bytes, got.headers["Content-Type"], got.headers["Cache-Control"]),
          (200, data, kind, cache), path)
    os.remove(f"{world.state}/ledger/{path}")


@suite.test("the log's files: a copy made over the socket verifies; nothing else is served")
def files(world):
    world.serve()
    world.ask(GIT, True)
    published(world, world.ask(CURL, False)["ledger"]["index"])
    world.hardware.take_away()  # what is published needs none
    copy = f"{world.base}/copy"
    size = int(world.call("GET", "/checkpoint").bytes.split(b"\n")[1])
    true(0 < size < 256, size)
    for path in ("checkpoint", "seal", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        got = world.call("GET", f"/{path}")
        equal((got.status, got.bytes), (200, read(f"{world.state}/ledger/{path}")), path)
        equal(got.headers["Cache-Control"],
              "max-age=31536000, immutable" if path.startswith("tile/") else "no-store", path)
        os.makedirs(os.path.dirname(f"{copy}/{path}"), exist_ok=True)
        with open(f"{copy}/{path}", "wb") as file:
            file.write(got.bytes)
    world.pawl("log", "verify", "--log", copy, "--enrolment", world.enrolment)
    for path in ("/journal", "/tile/../journal", "/tile/0/../../journal", "/tile/0/00",
                 f"/tile/0/000.p/0{size}", "/tile/7/000", "/tile/%2e%2e/journal", "/seal/x",
                 "/tile/0/000.p/255", "/payload/../journal"):
        equal(world.call("GET", path).status, 404, path)
    served(world, "cosigned", b"as it lies there", "text/plain; charset=utf-8", "no-store")
    served(world, f"payload/{hashlib.sha256(b'x').hexdigest()}", b"x", "application/cbor",
           "max-age=31536000, immutable")
    os.rename(f"{world.state}/ledger/seal", f"{world.state}/ledger/seal.away")
    os.symlink("seal.away", f"{world.state}/ledger/seal")
    equal(world.call("GET", "/seal").status, 503, "a link")
    os.rename(f"{world.state}/ledger/seal.away", f"{world.state}/ledger/seal")
    world.hardware.put_back()
    world.until(GIT, True)
    world.halt()
    world.log()


if __name__ == "__main__":
    main(suite, Service)
