#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_faces.py: what pawld shows beside decisions: numbers, a status, its log, the same
answer to a request that is repeated, and the ledger for whoever reads it."""

import json
import os
import re
import subprocess
import threading

from daemon import Connection, Service, evaluation, resource, subject
from tap import Suite, equal, true
from world import CURL, GIT, main, read

suite = Suite()

SAMPLE = re.compile(r'(pawl_[a-z_]+)(\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})? (\d+(?:\.\d+)?)')


def metrics(world):
    """Every sample by its name with labels. Each line is a sample or says what it is."""
    got = world.call("GET", "/metrics", kind="admin")
    equal((got.status, got.headers["Content-Type"]),
          (200, "text/plain; version=0.0.4; charset=utf-8"), got.bytes)
    found, typed = {}, set()
    for line in got.bytes.decode().splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        if line.startswith("#"):
            continue
        sample = SAMPLE.fullmatch(line)
        true(sample, f"no sample: {line}")
        name, labels, value = sample.groups()
        true(name in typed or re.sub("_(bucket|sum|count)$", "", name) in typed, line)
        key = name + (labels or "")
        true(key not in found, f"twice: {line}")
        found[key] = float(value)
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
    for _ in range(3):
        world.ask(GIT, True)
    denied = world.ask(CURL, False)
    equal(world.evaluate({}).status, 400, "no request")
    equal(world.call("GET", "/v1/nothing").status, 404, "nothing")
    idle = [Connection(world.socket("agents")) for _ in range(5)]
    for link in idle:
        equal(world.call("GET", "/.well-known/authzen-configuration", link=link).status, 200, "")
    got = metrics(world)
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
    while world.evaluate(evaluation(GIT)).json()["decision"]:
        pass
    status = world.call("GET", "/v1/status", kind="admin").json()
    true(status["serving"] is False and status["error"] in world.hardware.gone, status)
    got = metrics(world)
    equal(got["pawl_serving"], 0, got)
    true(decided(got, verdict="deny", stage="hardware") >= 1, got)
    line = verdicts(world.log_path)[-1]
    equal((line["verdict"], line["stage"], "ledger_index" in line), ("deny", "hardware", False),
          line)
    world.hardware.put_back()
    while not world.evaluate(evaluation(GIT)).json()["decision"]:
        pass
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


if __name__ == "__main__":
    main(suite, Service)
