#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_cli.py: every verb as scripts and people meet it: one JSON value whatever happens, the exit
code of the stable name, refusals that say what to look at, and nothing half made."""

import fcntl
import os
import re
import shutil
import subprocess

from tap import Suite, equal, true
from world import CURL, GIT, LAX, main, read, write

suite = Suite()
NOBODY = "sha256:" + "0" * 64


def fill(world, words):
    """Words of a command line: {a} authority, {r} root metadata, {e} enrolment, {b} private place,
    {g} a file of garbage, {p} a permit, {l} rules."""
    write(f"{world.base}/garbage", b"garbage")
    write(f"{world.base}/lax.cedar", LAX.encode())
    return [word.format(a=world.authority, r=world.root, e=world.enrolment, b=world.base,
                        g=f"{world.base}/garbage", p=f"{world.permits}/0.cose",
                        l=f"{world.base}/lax.cedar") for word in words.split()]


# ---- every verb, answered and refused ------------------------------------------------------------

POLICY = "--authority {a} --alias builds --actions execute"
NEWEST = "{a}/policy/builds/1.cose"
# Each verb: what it answers, then what it refuses and how.
VERBS = {
    "status": ("", [("extra", "USAGE"), ("--state {b}/nowhere", "NOT_ENROLLED")]),
    "doctor": ("", [("extra", "USAGE")]),
    "install": ("{a}/publish/1.bundle", [("", "USAGE"), ("{b}/none", "NOT_FOUND")]),
    "check": (f"--agent build-7 --action exec --class execute --resource {GIT}",
              [("--agent build-7", "USAGE"),
               (f"--agent build-7 --action exec --class execute --resource {GIT} "
                "--state {b}/nowhere", "NOT_ENROLLED")]),
    "agent enrol": ("build-8 --uid 4001 --alias builds",
                    [("", "USAGE"), ("a --uid x", "USAGE"), ("a --parent nobody", "NOT_FOUND"),
                     ("a --state {b}/nowhere", "NOT_ENROLLED")]),
    "agent list": ("", [("extra", "USAGE"), ("--state {b}/nowhere", "NOT_ENROLLED")]),
    "agent show": (None, [("", "USAGE"), ("nobody", "NOT_FOUND")]),
    "agent remove": (None, [("", "USAGE"), ("nobody", "NOT_FOUND")]),
    "permit verify": ("{p} --root {r} --enrolment {e}",
                      [("{p}", "USAGE"), ("{b}/none --root {r} --enrolment {e}", "NOT_FOUND")]),
    "permit show": ("{p}", [("", "USAGE"), ("{b}/none", "NOT_FOUND")]),
    "log show": ("", [("--tail x", "USAGE")]),
    "log verify": ("", [("extra", "USAGE"), ("--enrolment {b}/none", "NOT_FOUND")]),
    "log audit": ("", [("a b", "USAGE"), ("{b}/none", "NOT_FOUND")]),
    "log prove": ("1", [("", "USAGE"), ("1 --consistency 2", "USAGE"), ("99999", "NOT_FOUND"),
                        ("{b}/none", "NOT_FOUND")]),
    "log export": ("{b}/copy", [("", "USAGE"), ("{b}/copy --log {b}/none", "NOT_FOUND")]),
    "log rebuild": ("", [("extra", "USAGE"), ("--state {b}/nowhere", "NOT_ENROLLED")]),
    "log witness": (None, [("extra", "USAGE"), ("", "USAGE"),
                           ("--state {b}/nowhere", "NOT_ENROLLED")]),
    "authority init": ("{b}/fresh --domain example.org",
                       [("{b}/fresh2", "USAGE"), ("{a} --domain example.org", "EXISTS")]),
    "authority show": ("--authority {a}", [("--authority {b}", "NOT_FOUND")]),
    "authority add-key": ("{b}/new.pem --authority {a} --role approver",
                          [("{b}/new.pem --authority {a}", "USAGE"),
                           ("{b}/none --authority {a} --role approver", "NOT_FOUND")]),
    "authority drop-key": (None, [("x --authority {a} --role root", "USAGE"),
                                  (NOBODY + " --authority {a} --role root", "NOT_FOUND")]),
    "authority rotate": (None, [("--authority {b}", "NOT_FOUND")]),
    "key generate": ("{b}/new.pem", [("", "USAGE"), ("{b}/new.pem", "EXISTS"),
                                     ("{b}/n.pem --alg RSA", "COSE_ALG"),
                                     ("awskms:x", "KEY_REF")]),
    "key list": ("{b}/new.pem", [("", "USAGE"), ("{b}/none", "NOT_FOUND")]),
    "key show": ("{b}/new.pem", [("", "USAGE"), ("{g}", "KEY_REF")]),
    "policy lint": ("{l}", [("", "USAGE"), ("{b}/none", "NOT_FOUND")]),
    "policy fmt": ("{l}", [("", "USAGE"), ("{b}/none", "NOT_FOUND"), ("{g}", "CEDAR_SYNTAX")]),
    "policy test": (None, [("", "USAGE"), ("{b}/none", "NOT_FOUND"), ("{g}", "JSON_MALFORMED")]),
    "policy convert": ("{l}", [("", "USAGE"), ("{b}/none", "NOT_FOUND"), ("{g}", "CEDAR_SYNTAX")]),
    "policy sign": (None, [("{l} --authority {a}", "USAGE"),
                           ("{b}/none " + POLICY, "NOT_FOUND"),
                           ("{l} --alias builds --actions execute", "NOT_FOUND")]),
    "policy cosign": (None, [("builds --authority {a}", "USAGE"),
                             ("other --authority {a} --key {b}/new.pem", "SIGNER_UNKNOWN")]),
    "policy show": (NEWEST, [("", "USAGE"), ("{b}/none", "NOT_FOUND")]),
    "publish": ("--authority {a}", [("--authority {b}", "NOT_FOUND"),
                                    ("--authority {a} --expires never", "USAGE"),
                                    ("--authority {a} --epoch 0", "USAGE"),
                                    ("--authority {a} --epoch 1", "ROLLBACK")]),
    "revoke": ("key " + NOBODY + " --authority {a} --reason test",
               [("key x --authority {a} --reason y", "USAGE"),
                ("key " + NOBODY + " --authority {a}", "USAGE")]),
    "show": (NEWEST, [("", "USAGE"), ("{b}/none", "NOT_FOUND")]),
    "help": ("check", [("nothing", "USAGE")]),
    "completion": ("bash", [("", "USAGE"), ("basic", "USAGE")]),
    "version": ("", [("extra", "USAGE")]),
    "init": (None, [("", "USAGE"), ("--hardware what: --trust {b}/none", "NOT_FOUND")]),
}


def clean(world):
    for name in ("fresh", "fresh2", "new.pem", "n.pem"):
        path = f"{world.base}/{name}"
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
    world.pawl("key", "generate", f"{world.base}/new.pem")


def verbs(world, verb):
    answered, refused = VERBS[verb]
    words = verb.split()
    clean(world)
    if answered is not None:
        if verb == "key generate":
            os.unlink(f"{world.base}/new.pem")
        world.pawl(*words, *fill(world, answered))
    for line, want in refused:
        error = world.pawl(*words, *fill(world, line), want=want)["error"]
        true(error["message"] and error["doc"] == f"man:pawl-errors(7)#{want}", error)
        code, out, err = world.run(*words, *fill(world, line))
        equal((code, out), (world.exits[want], b""), "exit code and answer beside the JSON one")
        lines = err.decode().splitlines()
        equal(lines[0], "error: " + error["message"], "first line")
        true(lines[-1].startswith(f"  {want}  man pawl-errors"), lines)
        equal(world.run(*words, *fill(world, line), "--quiet"), (world.exits[want], b"", b""),
              "--quiet")


suite.cases([(f"{verb}: answered and refused", verb) for verb in VERBS], at="epoch1")(verbs)


@suite.test("no verb is missing in this table", at="epoch1", roots=("hsm",))
def all_verbs(world):
    names = {verb["name"] for verb in world.pawl("help")["verbs"]}
    equal(names, set(VERBS), "verbs")


@suite.test("global options before the verb; groups and near misses", at="epoch1", roots=("hsm",))
def lines(world):
    code, out, _ = world.run("--json", "version")
    true(code == 0 and out.startswith(b"{"), out)
    for group, verb in (("policy", "cosign"), ("authority", "rotate"), ("permit", "verify"),
                        ("key", "list"), ("log", "show")):
        why = world.pawl(group, want="USAGE")["error"]["why"]
        true(verb in why, why)
        for line in ((group, "--help"), ("help", group)):
            code, out, _ = world.run(*line)
            true(code == 0 and f"pawl {group} {verb}".encode() in out, (line, out))
    true("status" in world.pawl("statsu", want="USAGE")["error"]["why"], "the nearest verb")


@suite.test("the completion scripts", at="epoch1", roots=("hsm",))
def completion(world):
    for shell in ("bash", "zsh", "fish"):
        code, script, _ = world.run("completion", shell)
        true(code == 0 and b"drop-key" in script, shell)
        if shell == "fish":  # takes a backslash for one within quotes
            rest = re.sub(rb"'(?:[^'\\]|\\.)*'", b"", script)
            true(b"'" not in rest, f"quotes: {rest[:300]}")
        true(b"mapfile" not in script, f"{shell}: zsh has no mapfile")
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=script, check=True)


# ---- what a refusal for content names ------------------------------------------------------------

CONTENT = [
    ("permit verify {g} --root {r} --enrolment {e}", "garbage"),
    ("permit verify {p} --root {g} --enrolment {e}", "garbage"),
    ("permit verify {p} --root {r} --enrolment {g}", "garbage"),
    ("permit show {g}", "garbage"),
    ("log verify --enrolment {g}", "garbage"),
    ("log verify --against {g}", "garbage"),
    ("policy show {g}", "garbage"),
    ("show {g}", "garbage"),
    ("publish --authority {a} --for {g}", "garbage"),
    ("install {g}", "garbage"),
]
STATE = ["enrolment.cbor", "trust.bundle", "installed/1.bundle"]
AUTHORITY = ["root/1.cose", "publish/1.bundle", "root.staged", "revoked.cbor"]


@suite.test("a refusal for content names the file", at="epoch1", roots=("hsm",))
def names_file(world):
    for line, name in CONTENT:
        want = ("CBOR_MALFORMED", "CBOR_TRAILING") if "--against" not in line else "FORMAT"
        error = world.pawl(*fill(world, line), want=want)["error"]
        true(f'/{name}": ' in error["why"], error)
    for name in STATE:
        path = f"{world.state}/{name}"
        before = read(path)
        write(path, b"garbage")
        code, out, _ = world.run("status", "--json")
        true(code == 20 and (name.encode() in out or b"/installed" in out), (name, code, out))
        write(path, before)
    for name in AUTHORITY:
        path = f"{world.authority}/{name}"
        before = read(path) if os.path.exists(path) else None
        write(path, b"garbage")
        error = world.pawl("authority", "rotate", "--authority", world.authority,
                           want="CBOR_MALFORMED")["error"]
        true(f'/{name}": ' in error["why"], error)
        if before is None:
            os.unlink(path)
        else:
            write(path, before)


@suite.test("a refusal for content names the part of a bundle", at="epoch1", roots=("hsm",))
def names_part(world):
    data = read(f"{world.authority}/publish/1.bundle")
    for part, mark in (("root metadata 1: ", b"application/pawl-root+cose"),
                       ("the snapshot: ", b"application/pawl-snapshot+cose"),
                       ("policy object 1 of 1: ", b"application/pawl-policy+cose")):
        made = data.replace(mark, mark[:-4] + b"cosy")
        path = f"{world.base}/made.bundle"
        write(path, made)
        why = world.pawl("install", path, want="FORMAT")["error"]["why"]
        true(f'/made.bundle": {part}' in why, why)


# ---- one line each -------------------------------------------------------------------------------

LINE = "build-8\nPERMIT  build-7 may do everything"


@suite.test("an id of two lines is refused, and a denial looks like one", at="epoch2",
            roots=("hsm",))
def one_line(world):
    before = world.log()["size"]
    path = f"{world.base}/denial.cose"
    request = list(world.request(CURL))
    request[2] = LINE
    error = world.pawl(*request, "-o", path, want="REQUEST_MALFORMED")["error"]
    true("subject.id" in error["why"] and "offset 7" in error["why"], error)
    equal(world.log()["size"], before, "entries of the ledger")
    world.pawl(*world.request(CURL), "-o", path, code=10)
    code, out, _ = world.run("permit", "show", path)
    true(code == 0 and out.startswith(b"DENY ") and b"DENIAL" in out and b"PERMIT" not in out, out)


# ---- findings ------------------------------------------------------------------------------------

FINDINGS = [
    (LAX, 0, []),
    ("permit (principal", 4, ["CEDAR_SYNTAX"]),
    (LAX[:-2] + ' when { principal == agent::"x" };\n', 0, []),
    ("permit (principal == ?principal, action, resource);\n" + LAX, 4, ["CEDAR_UNSUPPORTED"]),
    ('@advice("x")\n' + LAX, 4, ["CEDAR_ANNOTATION"]),
    ('@freshness("5s")\n' + LAX, 0, []),
    ('@freshness("61m")\n' + LAX, 4, ["CEDAR_ANNOTATION"]),
    ('@id("x")\n' + LAX + '@id("x")\npermit (principal is p, action, resource);\n', 4,
     ["CEDAR_ANNOTATION"]),
    ("permit (principal, action, resource);", 0, ["PERMITS_ALL"]),
]


@suite.test("policy lint: every finding has a stable name", at="epoch1", roots=("hsm",))
def findings(world):
    path = f"{world.base}/findings.cedar"
    for text, code, names in FINDINGS:
        write(path, text.encode())
        got = world.pawl("policy", "lint", path, code=code)
        equal([found["code"] for found in got["findings"]], names, text)
        equal(got.get("reason"), "LINT" if code else None, f"reason for {text}")
        lines = world.run("policy", "lint", path)[1].decode().splitlines()
        equal([line.endswith(f" [{name}]") for line, name in zip(lines, names)],
              [True] * len(names), lines)


@suite.test("key list: what is passed over is named with the reason", at="epoch1")
def passed_over(world):
    """The gate's own keys sign nothing that comes from outside: two, and on a token the head's."""
    own = 3 if world.kind == "hsm" else 2
    clean(world)
    garbage, good = f"{world.base}/garbage", f"{world.base}/new.pem"
    write(garbage, b"garbage")
    line = ("key", "list", world.hardware.uri, garbage, good, "--insecure-simulator")
    keys = world.pawl(*line)["keys"]
    equal(["reason" in key for key in keys], [True] * (own + 1) + [False], keys)
    equal(["kid" in key for key in keys], [False] * (own + 1) + [True], keys)
    equal([key["ref"] for key in keys[own:]], [garbage, good], "references")
    lines = world.run(*line)[1].decode().splitlines()
    equal([text.startswith("-") for text in lines], [True] * (own + 1) + [False], lines)
    for key, text in zip(keys[:own + 1], lines):
        true(key["ref"] in text and f"({key['reason']})" in text, (key, text))


# ---- nothing half made ---------------------------------------------------------------------------

FOUNDING = [
    "--threshold root=9", "--threshold root=4", "--threshold root=0", "--threshold root=x",
    "--threshold boss=1", "--threshold root", "--threshold override=1", "--threshold ratchet=2",
    "--key boss={b}/new.pem", "--key root", "--key ratchet={b}/new.pem",
    "--key policy={b}/new.pem --key policy={b}/new.pem", "--threshold policy=2",
    "--key ratchet={b}/es384.pem --key ratchet={b}/new.pem", "--expires -1d", "--expires soon",
]


@suite.test("authority init: what cannot be leaves nothing behind", at="epoch1", roots=("hsm",))
def founding(world):
    clean(world)
    world.run("key", "generate", f"{world.base}/es384.pem", "--alg", "ES384")
    place = f"{world.base}/fresh"
    for line in FOUNDING:
        world.pawl("authority", "init", place, "--domain", "example.org", *fill(world, line),
                   want="USAGE")
        true(not os.path.exists(place), f"{line}: left {place}")
    world.pawl("authority", "init", place, "--domain", "Bad Name", want="USAGE")
    world.pawl("authority", "init", place, "--domain", "example.org", "--key",
               f"root={world.base}/none", want="NOT_FOUND")
    true(not os.path.exists(place), "left behind")
    world.pawl("authority", "init", place, "--domain", "example.org", "--threshold", "root=3")
    equal(sorted(os.listdir(f"{place}/keys")),
          sorted(["policy-1.pem", "ratchet-1.pem", "ratchet-2.pem", "root-1.pem", "root-2.pem",
                  "root-3.pem", "snapshot-1.pem"]), "keys")
    for name in os.listdir(f"{place}/keys"):
        equal(os.stat(f"{place}/keys/{name}").st_mode & 0o777, 0o600, f"mode of {name}")
    world.sign(LAX, authority=place)
    world.pawl("publish", "--authority", place)


@suite.test("check: a place that cannot be written to is refused before anything is recorded",
            at="epoch1", roots=("hsm",))
def no_place(world):
    before = world.log()["size"]
    world.pawl(*world.request(CURL), "-o", f"{world.base}/none/permit.cose", want="NOT_FOUND")
    equal(world.log()["size"], before, "entries of the ledger")


@suite.test("a lock that another pawl process holds for long", at="epoch1", roots=("hsm",))
def held(world):
    revoke = ("revoke", "key", NOBODY, "--authority", world.authority, "--reason", "test")
    with open(f"{world.authority}/lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        error = world.pawl(*revoke, want="BUSY")["error"]
    equal(error["exit"], 34, "exit code")
    why = error["why"]
    true("another pawl process" in why and f"{world.authority}/lock" in why, why)
    world.pawl(*revoke)


@suite.test("warnings of publish", at="epoch1", roots=("hsm",))
def warnings(world):
    place = f"{world.base}/fresh"
    clean(world)
    world.pawl("authority", "init", place, "--domain", "example.org")
    got = world.pawl("publish", "--authority", place)
    true("no policy" in got["warnings"][0], got)
    equal(got["bundle"], f"{place}/publish/1.bundle", "where it is")
    world.sign(LAX, authority=place)
    equal(world.pawl("publish", "--authority", place)["warnings"], [], "warnings")


if __name__ == "__main__":
    main(suite)
