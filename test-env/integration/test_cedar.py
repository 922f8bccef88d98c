#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_cedar.py: whole Cedar through the gate: conditions, schemas and entities as signed, what a
request may say and what only the gate says, and the verbs for those who write policies."""

import json
import os

from tap import Suite, equal, true
from world import main, read, write

suite = Suite()

SCHEMA = """type Gate = { now: datetime, epoch: Long };
entity team;
entity agent in [team] { level: Long };
entity program { path: String };
action exec appliesTo {
  principal: agent, resource: program,
  context: { gate: Gate, ticket?: String, action: { class: String, argv?: Set<String> } }
};
"""
ENTITIES = json.dumps([
    {"uid": {"type": "team", "id": "build"}, "attrs": {}, "parents": []},
    {"uid": {"type": "agent", "id": "build-7"}, "attrs": {"level": 3},
     "parents": [{"type": "team", "id": "build"}]},
    {"uid": {"type": "program", "id": "sealed"}, "attrs": {"path": "/sealed"}, "parents": []}])
RULES = """@id("team-builds")
permit (principal in team::"build", action == Action::"exec", resource)
when { resource.path like "/usr/bin/*" && context.gate.epoch >= 1 }
when { principal.level > 2 };

// downloads need a ticket
@id("no-curl")
forbid (principal, action, resource == program::"curl")
unless { context has ticket && context.ticket like "OPS-*" };
"""


def put(world, name, text):
    path = f"{world.base}/{name}"
    write(path, text.encode())
    return path


def serve(world, rules=RULES, schema=SCHEMA, entities=ENTITIES):
    more = {}
    if schema is not None:
        more["schema"] = put(world, "rules.cedarschema", schema)
    if entities is not None:
        more["entities"] = put(world, "groups.json", entities)
    world.sign(rules, **more)
    world.install(world.publish())


def request(resource="git", path="/usr/bin/git", agent="build-7", **more):
    return {"subject": {"type": "agent", "id": agent},
            "action": {"name": "exec", "properties": {"class": "execute"}},
            "resource": {"type": "program", "id": resource, "properties": {"path": path}}} | more


def ask(world, asked, *more):
    return json.loads(world.run("check", "-", *more, "--json",
                                stdin=json.dumps(asked).encode())[1])


def shown(world, *words, **more):
    return world.run(*words, **more)[1].decode()


def decided(world, asked, reason):
    got = ask(world, asked)
    equal((got.get("reason"), got.get("decision")), (reason, reason == "OK"), got.get("why"))
    return got


@suite.test("conditions, groups, attributes and the gate's own facts decide", at="enrolled")
def conditions(world):
    serve(world)
    got = decided(world, request(), "OK")
    equal([c["policy"] for c in got["determining"]], ["team-builds"], "what permitted")
    decided(world, request(path="/home/x"), "DENIED")
    decided(world, request(agent="build-8"), "DENIED")
    got = decided(world, request("curl"), "DENIED")
    equal([c["policy"] for c in got["determining"]], ["no-curl"], "what forbade")
    decided(world, request("curl", context={"ticket": "OPS-1"}), "OK")


@suite.test("a request that does not fit the schema is denied, on record", at="enrolled")
def schema_of_requests(world):
    serve(world)
    for asked in (request(context={"tickets": "OPS-1"}), request(context={"ticket": 1}),
                  request(path=7), request() | {"resource": {"type": "team", "id": "build"}}):
        got = decided(world, asked, "REQUEST_INVALID")
        true("ledger_index" in got, "recorded")


@suite.test("nobody but the gate sets context.gate and context.action", at="enrolled")
def reserved(world):
    serve(world)
    for name in ("gate", "action"):
        got = ask(world, request(context={name: {"epoch": 9}}))
        equal(got["error"]["code"], "REQUEST_MALFORMED", name)


@suite.test("what a request says about a signed entity or its subject does not count",
            at="enrolled")
def signed_entities_win(world):
    serve(world)
    decided(world, request("sealed", path="/usr/bin/sealed"), "DENIED")
    liar = request(agent="build-8")
    liar["subject"]["properties"] = {"level": 9, "parents": [{"type": "team", "id": "build"}]}
    decided(world, liar, "DENIED")


@suite.test("a policy that fails denies, permit or forbid, and is named", at="enrolled")
def failing(world):
    serve(world, 'permit (principal, action, resource);\n@id("hot")\nforbid (principal, action, '
                 'resource) when { context.heat > 3 };\n', None, None)
    got = decided(world, request(), "EVALUATION")
    true("hot failed at 3:" in got["why"] and "attribute" in got["why"], got["why"])
    equal([c["policy"] for c in got["determining"]], ["hot"], "what failed")
    decided(world, request(context={"heat": "high"}), "EVALUATION")
    decided(world, request(context={"heat": 4}), "DENIED")
    decided(world, request(context={"heat": 3}), "OK")


@suite.test("what does not validate is not signed", at="enrolled")
def not_signed(world):
    rules, schema = put(world, "r.cedar", RULES), put(world, "s.cedarschema", SCHEMA)
    sign = ("policy", "sign", "--authority", world.authority, "--alias", "builds", "--actions",
            "execute")
    bad = put(world, "bad.cedar",
              "permit (principal, action, resource) when { principal.lvl > 1 };")
    no_level = json.dumps([{"uid": {"type": "agent", "id": "x"}, "attrs": {}, "parents": []}])
    in_json = put(world, "j", '{"": {"entityTypes": {"agent": {}}, "actions": {}}}')
    for words, want in (((bad, "--schema", schema), "CEDAR_INVALID"),
                        ((rules, "--schema", in_json), "CEDAR_INVALID"),
                        ((rules, "--schema", put(world, "t", "entity a in b;")), "CEDAR_SCHEMA"),
                        ((rules, "--entities", put(world, "e1", "{}")), "CEDAR_ENTITY"),
                        ((rules, "--entities", put(world, "e2", "[")), "JSON_MALFORMED"),
                        ((rules, "--schema", schema, "--entities", put(world, "e3", no_level)),
                         "CEDAR_INVALID")):
        world.pawl(*sign, *words, want=want)


@suite.test("policy show hides nothing behind a NUL or a control", at="enrolled", roots=("hsm",))
def show_all(world):
    path = f"{world.base}/hidden.cose"
    world.sign("permit (principal == agent::\"a\", action, resource); // end\0\n"
               "// \x1b[8m \x9b8m\r\npermit (principal, action, resource);\n", output=path)
    text = shown(world, "policy", "show", path)
    true("// end?\n// ?[8m ??8m?\npermit (principal, action, resource);" in text, repr(text))


@suite.test("check --explain shows what decided, with its line", at="enrolled")
def explain(world):
    serve(world)
    text = shown(world, "check", "-", "--explain", stdin=json.dumps(request("curl")).encode())
    true("forbid no-curl: satisfied" in text and "permit team-builds: satisfied" in text, text)
    nobody = request() | {"action": {"name": "eat", "properties": {"class": "execute"}}}
    text = shown(world, "check", "-", "--explain", stdin=json.dumps(nobody).encode())
    true("the schema" in text, text)
    got = ask(world, nobody, "--explain")
    equal([e["outcome"] for e in got["explanation"]], ["REQUEST_INVALID"], "what did not fit")
    got = ask(world, request(path="/home/x"), "--explain")
    outcomes = {e["policy"]: e for e in got["explanation"]}
    equal(outcomes["team-builds"]["outcome"], "not satisfied", "the permit")
    equal((outcomes["team-builds"]["line"], outcomes["team-builds"]["condition"]), (3, 0), "where")
    equal((outcomes["no-curl"]["outcome"], outcomes["no-curl"]["variable"]),
          ("out of scope", "resource"), "the forbid")


CASES = {"policies": "rules.cedar", "schema": "rules.cedarschema", "entities": "groups.json",
         "gate": {"now": "2026-11-22T12:00:00Z", "epoch": 3},
         "cases": [{"name": "git", "request": request(), "decision": "permit",
                    "reason": ["team-builds"]},
                   {"name": "curl", "request": request("curl"), "decision": "deny",
                    "reason": ["no-curl"]},
                   {"name": "another", "request": request(agent="x"), "entities": [],
                    "decision": "deny", "reason": []},
                   {"name": "misfit", "request": request(path=1), "decision": "deny",
                    "error": "REQUEST_INVALID"}]}


@suite.test("policy test: passes, fails with a reason, refuses what means nothing", at="bare",
            roots=("hsm",))
def policy_test(world):
    put(world, "rules.cedar", RULES)
    put(world, "rules.cedarschema", SCHEMA)
    put(world, "groups.json", ENTITIES)
    cases = put(world, "cases.json", json.dumps(CASES))
    got = world.pawl("policy", "test", cases)
    equal((got["passed"], got["failed"]), (4, 0), "tally")
    wrong = json.loads(json.dumps(CASES))
    wrong["cases"][0]["decision"] = "deny"
    wrong["cases"][1]["reason"] = ["team-builds"]
    wrong["cases"][3]["error"] = "EVALUATION"
    wrong["cases"].append({"request": request(path=1), "decision": "deny"}) # not by a policy
    path = put(world, "wrong.json", json.dumps(wrong))
    got = world.pawl("policy", "test", path, code=4)
    equal((got["passed"], got["failed"], got["reason"]), (1, 4, "TEST_FAILED"), "tally")
    text = shown(world, "policy", "test", path)
    true("FAILED  git" in text and "found    permit: team-builds" in text, text)
    for change in ({"case": []}, {"policies": None}, {"cases": {}}, {"gate": {"time": 1}}):
        path = put(world, "bad.json", json.dumps(CASES | change))
        world.pawl("policy", "test", path, want="TEST_FILE")
    for change in ({"expected": "deny"}, {"decision": "allow"}, {"reason": "x"}, {"request": 1},
                   {"reason": ["team-builds", "team-builds"]}):
        bad = CASES | {"cases": [CASES["cases"][0] | change]}
        world.pawl("policy", "test", put(world, "bad.json", json.dumps(bad)), want="TEST_FILE")
    nothing = put(world, "bad.json", json.dumps(CASES | {"cases": []}))
    world.pawl("policy", "test", nothing, want="TEST_FILE")
    put(world, "rules.cedar", "\npermit")
    why = world.pawl("policy", "test", cases, want="CEDAR_SYNTAX")["error"]["why"]
    true('"rules.cedar": 2:7: ' in why and "cases.json" in why, why)


@suite.test("policy fmt: prints, checks, rewrites, keeps comments and refuses what is no Cedar",
            at="bare", roots=("hsm",))
def policy_fmt(world):
    ugly = put(world, "ugly.cedar",
               "// first\npermit(principal,action,resource)when{true&&// why\n1<2};")
    pretty = shown(world, "policy", "fmt", ugly)
    true("// first" in pretty and "// why" in pretty, pretty)
    world.pawl("policy", "fmt", "--check", ugly, code=4)
    os.chmod(ugly, 0o640)
    world.pawl("policy", "fmt", "--write", ugly)
    equal(read(ugly).decode(), pretty, "rewritten")
    equal(os.stat(ugly).st_mode & 0o777, 0o640, "its mode")
    world.pawl("policy", "fmt", "--check", ugly)
    equal(shown(world, "policy", "fmt", "-", stdin=read(ugly)), pretty, "stable")
    bad = put(world, "bad.cedar", "permit(principal,action);")
    world.pawl("policy", "fmt", bad, want="CEDAR_SYNTAX")
    world.pawl("policy", "fmt", "--write", "--check", ugly, want="USAGE")


@suite.test("policy convert: to JSON and back is the same policies", at="bare", roots=("hsm",))
def policy_convert(world):
    text = put(world, "rules.cedar", RULES)
    as_json = put(world, "rules.json", shown(world, "policy", "convert", text))
    equal(sorted(json.loads(read(as_json))["staticPolicies"]), ["policy0", "policy1"], "their ids")
    back = put(world, "back.cedar", shown(world, "policy", "convert", as_json))
    equal(json.loads(shown(world, "policy", "convert", back)), json.loads(read(as_json)), "again")
    world.pawl("policy", "convert", put(world, "bad.json", '{"staticPolicies": 1}'),
               want=("CEDAR_SYNTAX", "FORMAT"))


@suite.test("policy lint: the schema and what a gate refuses are findings", at="bare",
            roots=("hsm",))
def policy_lint(world):
    schema, rules = put(world, "s", SCHEMA), put(world, "r", RULES)
    got = world.pawl("policy", "lint", rules, "--schema", schema, "--entities",
                     put(world, "e", ENTITIES))
    equal(got["errors"], 0, got)
    bad = put(world, "b", 'permit (principal, action, resource) when { principal.lvl > 1 };\n'
                          '@freshness("5 s") permit (principal, action, resource);')
    got = world.pawl("policy", "lint", bad, "--schema", schema, code=4)
    places = {(f["line"], f["column"], f["code"]) for f in got["findings"]
              if f["level"] == "error"}
    true((2, 1, "CEDAR_ANNOTATION") in places, places)
    true(any(line == 1 and code != "CEDAR_ANNOTATION" for line, _, code in places), places)


@suite.test("policy lint: a schema in JSON, and the places of what is wrong in JSON", at="bare",
            roots=("hsm",))
def policy_lint_json(world):
    schema = put(world, "s.json", json.dumps({"": {
        "entityTypes": {"agent": {}, "program": {}},
        "actions": {"exec": {"appliesTo": {"principalTypes": ["agent"],
                                           "resourceTypes": ["program"]}}}}}))
    rules = put(world, "r", "permit (principal, action, resource);")
    equal(world.pawl("policy", "lint", rules, "--schema", schema)["errors"], 0, "errors")
    bad = put(world, "b", "permit (principal, action, resource) when { principal.level > 1 };")
    got = world.pawl("policy", "lint", bad, "--schema", schema, code=4)
    true("UNKNOWN_ATTRIBUTE" in [f["code"] for f in got["findings"]], got)
    for option, text, place, code in (
            ("--schema", '\n{"": {"entityTypes": 1}}', (2, 6), "CEDAR_SCHEMA"),
            ("--schema", '\n{"": ]', (2, 6), "JSON_MALFORMED"),
            ("--entities", "\n\n [,", (3, 3), "JSON_MALFORMED"),
            ("--entities", '[{"uid": {"type": "a", "id": "b"}, "attrs":\n{"x": 1.5}, '
             '"parents": []}]', (2, 7), "CEDAR_ENTITY")):
        path = put(world, "wrong", text)
        first = world.pawl("policy", "lint", rules, option, path, code=4)["findings"][0]
        equal((first["line"], first["column"], first["code"]), (*place, code), first)
        true(f"{place[0]}:{place[1]}:" not in first["text"], first)
    stray = put(world, "stray", '[{"uid": {"type": "x", "id": "b"}, "attrs": {}, "parents": []}]')
    first = world.pawl("policy", "lint", rules, "--schema", schema, "--entities", stray,
                       code=4)["findings"][0]
    equal((first["code"], "line" in first), ("CEDAR_INVALID", False), first)


main(suite)
