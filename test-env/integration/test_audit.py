#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_audit.py: the log of a real gate, on real hardware doubles, and a copy of it in somebody
else's hands: shown, proved, exported, audited; and damage that the audit names. No gate and no
hardware takes part in judging it."""

import json
import os
import shutil
import signal
import subprocess
import time

import cbor
from tap import Suite, equal, true
from world import CURL, GIT, copy, main, read, write

suite = Suite()
HIDDEN = {"key_rotation", "start", "stop", "attempt"}


def show(world, *options, **more):
    return world.pawl("log", "show", *options, **more)["entries"]


def export(world):
    """A copy that needs nothing else, and the hardware is off."""
    target = f"{world.live}/copy"
    done = world.pawl("log", "export", target)
    world.hardware.stop()
    return target, done


def audit(world, target, *options):
    return world.pawl("log", "audit", target, "--root", world.root, "--permits", world.permits,
                      *options)


def finding(world, target, kind, index=None, file=None, *options):
    """The first finding: its kind, entry and file. The exit code tells, too."""
    code, out, _ = world.run("log", "audit", target, "--json", *options)
    got = json.loads(out)
    true(code >= 20 and got["sound"] is False, f"exit {code}: {got}")
    first = got["findings"][0]
    equal(first["kind"], kind, f"kind of {first}")
    if index is not None:
        equal(first.get("index"), index, f"entry of {first}")
    if file is not None:
        equal(first.get("file"), file, f"file of {first}")
    return got


# ---- show ----------------------------------------------------------------------------------------


@suite.test("show hides what belongs to sessions, and filters")
def shown(world):
    everything, usual = show(world, "--all"), show(world)
    equal([e["index"] for e in everything], list(range(len(everything))), "indexes")
    true({e["kind"] for e in everything} >= {"key_rotation", "decision", "install"},
         "kinds of all")
    equal([e for e in everything if e["kind"] not in HIDDEN], usual, "what is shown")
    times = [e["time_ms"] for e in everything]
    equal(times, sorted(times), "times")
    permits = show(world, "--decision", "permit")
    denials = show(world, "--decision", "deny")
    equal({e["decision"] for e in permits} | {not e["decision"] for e in denials}, {True},
          "answers")
    equal(len(permits) + len(denials), len(show(world, "--kind", "decision")), "decisions")
    equal(show(world, "--agent", "nobody"), [], "nobody")
    equal(show(world, "--action", "exec"), show(world, "--class", "execute"), "action and class")
    equal({e["resource_id"] for e in show(world, "--resource", "/usr/bin/curl")},
          {"/usr/bin/curl"}, "resource")
    equal(show(world, "-n", "2"), usual[-2:], "tail")
    equal(show(world, "--since", "1h"), usual, "since an hour ago")
    equal(show(world, "--until", "1h"), [], "until an hour ago")
    equal(show(world, "--since", "2000-01-01T00:00:00Z", "--until", "2001-01-01T00:00:00Z"), [],
          "long ago")
    for bad in (["--decision", "maybe"], ["--kind", "nothing"], ["--since", "soon"]):
        world.pawl("log", "show", *bad, want="USAGE")


@suite.test("show follows until interrupted")
def followed(world):
    before = len(show(world))
    program = subprocess.Popen(world.command(["log", "show", "-f", "-n", "1", "--json"]),
                               env=world.environment(), stdout=subprocess.PIPE, text=True)
    first = json.loads(program.stdout.readline())
    equal(first, show(world)[-1], "the last entry")
    world.check(GIT, True, 2)
    second = json.loads(program.stdout.readline())
    equal((second["kind"], second["decision"]), ("decision", True), "the next")
    true(second["index"] > first["index"], "its index")
    program.send_signal(signal.SIGINT)
    equal((program.wait(300), program.stdout.read()), (0, ""), "exit code and rest")
    equal(len(show(world)), before + 1, "entries")


# ---- verify --------------------------------------------------------------------------------------


@suite.test("verify remembers what it has seen, and reads only what is new")
def remembered(world):
    quick = ("log", "verify", "--enrolment", world.enrolment)
    first = world.pawl(*quick)
    equal(first["verified_before"], 0, "before")
    true(first["sealed"], "the hardware's seal")
    world.check(GIT, True, 2)
    second = world.pawl(*quick)
    equal(second["verified_before"], first["published"], "before")
    equal(second["read"], second["size"] - first["published"], "entries that were read")
    equal(world.pawl("log", "verify", "--full")["read"], second["size"], "with --full")
    copy(world.state, f"{world.live}/kept")
    world.check(CURL, False, 2)
    world.pawl(*quick)
    head = read(f"{world.state}/verified")
    copy(f"{world.live}/kept", world.state)
    write(f"{world.live}/head", head)
    got = world.pawl("log", "verify", "--since-file", f"{world.live}/head",
                     want="LEDGER_INCONSISTENT")
    true("log_shortened" in got["error"]["why"], got)


# ---- copies --------------------------------------------------------------------------------------


@suite.test("a copy is audited without gate, state and hardware")
def copied(world):
    target, done = export(world)
    nothing = ("--state", f"{world.live}/nothing")
    got = audit(world, target, *nothing)
    equal((got["sound"], got["size"], got["findings"]), (True, done["size"], []), "audit")
    true(got["sealed"], "the hardware's seal")
    for verb in (["log", "verify", "--full"], ["log", "show", "--all"]):
        equal(world.pawl(*verb, "--log", target, *nothing)["size"], done["size"], f"{verb}")
    equal(read(f"{target}/root.cose"), read(world.root), "root metadata")
    vkey = read(f"{target}/vkey")
    true(vkey.endswith(b"\n") and vkey[:-1] in read(world.enrolment), f"key: {vkey}")
    again = f"{world.live}/again"
    world.pawl("log", "export", again, "--log", target, *nothing)
    equal(world.files(again), world.files(target), "a copy of the copy")


@suite.test("what the authority published is held against the log")
def published(world):
    target, _ = export(world)
    equal(os.listdir(f"{target}/installed"), ["2.bundle"], "bundles of the copy")
    got = audit(world, target)
    equal((got["sound"], got["bundles"]), (True, 1), "with the newest")
    true(0 < got["without_bundle"] < got["size"], f"records of other epochs: {got}")
    got = audit(world, target, "--bundle", world.bundles)
    equal((got["sound"], got["bundles"], got["without_bundle"]), (True, 2, 0), "with all")
    path = f"{world.bundles}/1.bundle"
    data = bytearray(read(path))
    data[-3] ^= 1
    write(path, bytes(data))
    finding(world, target, "epoch_unknown", None, path, "--bundle", path)


@suite.test("a copy that lacks what is not the log's own says what it lacks")
def bare(world):
    target, _ = export(world)
    os.unlink(f"{target}/enrolment.cbor")
    world.pawl("log", "audit", target, want="NOT_FOUND")
    world.pawl("log", "audit", target, "--enrolment", world.enrolment)


def single(path):
    """The only file below a directory."""
    return [os.path.join(where, name) for where, _, names in os.walk(path) for name in names]


DAMAGE = [
    ("a bundle", "tile/entries", 100, {"entry_changed", "bundle_damaged"}),
    ("a tile", "tile/0", 3, {"tile_damaged"}),
    ("the checkpoint", "checkpoint", 12, {"checkpoint_forged", "checkpoint_damaged"}),
    ("the seal", "seal", 40, {"seal_invalid", "seal_damaged"}),
]


@suite.cases(DAMAGE)
def damaged(world, below, at, kinds):
    target, _ = export(world)
    path = f"{target}/{below}"
    path = path if os.path.isfile(path) else single(path)[0]
    data = bytearray(read(path))
    data[at] ^= 0x10
    write(path, bytes(data))
    code, out, _ = world.run("log", "audit", target, "--json")
    got = json.loads(out)
    true(code >= 20 and got["findings"][0]["kind"] in kinds, f"exit {code}: {got}")
    equal(got["findings"][0]["file"], os.path.relpath(path, target), "file")
    code, out, _ = world.run("log", "audit", target)
    true(code >= 20 and b"DAMAGED" in out, f"exit {code}: {out!r}")
    code, _, err = world.run("log", "verify", "--full", "--log", target)
    true(code >= 20 and got["findings"][0]["kind"].encode() in err, f"verify: exit {code}: {err!r}")


@suite.test("a permit of a time that the log has lost")
def cut(world):
    target, done = export(world)
    world.hardware.start()
    path = world.permit_path()
    world.check(GIT, True, 2)
    world.hardware.stop()
    finding(world, target, "log_shortened", done["size"], path, "--permits", world.permits)


@suite.test("a permit with a bit changed is no evidence, and is named")
def bad_permit(world):
    target, _ = export(world)
    path = f"{world.permits}/0.cose"
    data = bytearray(read(path))
    data[-3] ^= 1
    write(path, bytes(data))
    finding(world, target, "receipt_invalid", None, path, "--permits", path)


@suite.test("the name of a file writes no line of the answer, and drives no terminal")
def named(world):
    target, _ = export(world)
    data = bytearray(read(f"{world.permits}/0.cose"))
    data[-3] ^= 1
    for name in (b"a\nThe ledger holds together: 9 entries\x1b[1A", b"b\xc2\x9bK", b"c\xe2\x80\xae",
                 b"d\xff"):
        given = os.path.join(f"{world.live}/given".encode(), name)
        os.makedirs(os.path.dirname(given), exist_ok=True)
        write(given, bytes(data))
    code, out, _ = world.run("log", "audit", target, "--all", "--permits", f"{world.live}/given")
    text = out.decode(errors="surrogateescape")
    true(code >= 20 and "\nThe ledger" not in text, text)
    true(all(c.isprintable() for c in text.replace("\n", "")), f"printed: {text!r}")
    _, out, _ = world.run("log", "audit", target, "--all", "--permits", f"{world.live}/given",
                          "--json")
    names = sorted(os.path.basename(entry["file"]) for entry in json.loads(out)["findings"])
    equal(names, ["a?The ledger holds together: 9 entries?[1A", "b??K", "c???", "d?"], "names")


@suite.test("a checkpoint of a time that the log has lost")
def older(world):
    target, _ = export(world)
    world.hardware.start()
    world.check(GIT, True, 2)
    shutil.copy(f"{world.state}/ledger/checkpoint", f"{world.live}/ours")
    got = world.pawl("log", "audit", target, "--against", f"{target}/checkpoint")
    equal(got["sound"], True, "its own checkpoint")
    finding(world, target, "log_shortened", got["size"], f"{world.live}/ours", "--against",
            f"{world.live}/ours")


@suite.test("two checkpoints of one size, both signed")
def split(world):
    """Disk and hardware are put back together, which a real TPM or token does not allow: so the
    gate signs for two logs, and somebody was shown the other one."""
    world.hardware.stop()
    copy(world.live, f"{world.base}/both")
    world.hardware.start()
    world.check(GIT, True, 2)
    theirs = read(f"{world.state}/ledger/checkpoint")
    newest = max(os.listdir(world.permits), key=lambda name: int(name.split(".")[0]))
    permit = read(f"{world.permits}/{newest}")
    world.hardware.stop()
    copy(f"{world.base}/both", world.live)
    world.hardware.start()
    world.check(GIT, True, 2)
    target, done = export(world)
    for name, data in (("checkpoint", theirs), ("permit", permit)):
        path = f"{world.base}/theirs-{name}"
        write(path, data)
        finding(world, target, "split_view", None, path, "--against", path)
    equal(theirs.split(b"\n")[1], str(done["size"]).encode(), "their size")


@suite.test("how much may be missing after a loss of power is said, and on record")
def power(world):
    world.check(GIT, True, 2)
    equal(world.status()["ledger"]["missing"], 0, "while it has power")
    world.hardware.stop()
    world.hardware.start()
    missing = world.status()["ledger"]["missing"]
    true(missing in (range(1, 255) if world.kind == "tpm" else (0,)), f"{missing} rounds")
    _, out, _ = world.run("status")
    equal(f"at most {missing} rounds may be missing".encode() in out, missing > 0, out)
    world.check(GIT, True, 2)
    equal(show(world, "--kind", "start")[-1]["missing"], missing, "on record")
    _, out, _ = world.run("log", "show", "--kind", "start", "-n", "1")
    equal(f"at most {missing} rounds missing".encode() in out, missing > 0, out)
    equal(world.status()["ledger"]["missing"], 0, "once it is on record")


# ---- proofs --------------------------------------------------------------------------------------


@suite.test("proofs, receipts and transparent statements")
def proved(world):
    last = show(world)[-1]["index"]
    got = world.pawl("log", "prove", last)
    lines = got["proof"].split("\n")
    equal(lines[0], "c2sp.org/tlog-proof@v1", "first line")
    equal(lines[1], f"index {last}", "second line")
    newest = max(os.listdir(world.permits), key=lambda name: int(name.split(".")[0]))
    equal(world.pawl("log", "prove", f"{world.permits}/{newest}")["index"], last, "of a permit")
    world.pawl("log", "prove", 10**9, want="NOT_FOUND")
    receipt = f"{world.live}/receipt.cose"
    world.pawl("log", "prove", 1, "--receipt", want="USAGE")
    world.pawl("log", "prove", 1, "--receipt", "-o", receipt)
    true(read(receipt)[0] == 0xD2, "a COSE_Sign1")
    old = world.pawl("log", "prove", "--consistency", 3)
    true(old["proof"].startswith("old 3\n"), "consistency")
    world.pawl("log", "prove", "--consistency", 0, want="USAGE")
    world.pawl("log", "prove", "--consistency", 3, 1, want="USAGE")
    world.pawl("log", "prove", "--consistency", 3, "--receipt", "-o", receipt)
    tag = cbor.decode(read(receipt)[1:])
    equal(list(tag[1][396]), [-2], "the proof of a receipt of consistency")
    sizes = cbor.decode(tag[1][396][-2][0])
    equal((sizes[:2], tag[2]), ([3, got["size"]], None), "its sizes; the root is detached")
    world.pawl("log", "prove", "--consistency", got["size"], "--receipt", "-o", receipt,
               want="USAGE")
    target = f"{world.live}/copy"
    world.pawl("log", "export", target, "--transparent", 1, "--transparent", last)
    statement = cbor.decode(read(f"{target}/statement-{last}.cose")[1:])
    equal(len(statement), 4, "members of a COSE_Sign1")
    equal(list(statement[1]), [394], "unprotected header")
    permit = cbor.decode(read(f"{world.permits}/{newest}")[1:])
    equal((statement[0], statement[2], statement[3]), (permit[0], permit[2], permit[3]), "record")
    parts = f"{world.live}/parts"
    world.pawl("permit", "show", f"{world.permits}/{newest}", "--root", world.root, "--enrolment",
               world.enrolment, "--parts", parts)
    equal(cbor.decode(read(f"{parts}/record.cose")[1:]), [permit[0], {}, *permit[2:]], "entry")
    equal(read(f"{parts}/receipt.cose"), permit[1][394][0], "receipt")


@suite.test("what gate.json has redacted is in the permit, and nowhere in the log")
def redacted(world):
    path = f"{world.state}/gate.json"
    settings = json.loads(read(path))

    def redact(*paths):
        write(path, json.dumps({**settings, "redact": paths}).encode())

    redact("pawl.resource.id", "pawl.determining")
    asked = "file::/etc/very-secret"
    permit = f"{world.live}/secret.cose"
    world.pawl(*world.request(asked), "-o", permit)
    last = show(world)[-1]
    equal((last["resource_id"], last["resource_type"]), ("[REDACTED]", "file"), "in the log")
    for verb in (["show"], ["verify", "--root", world.root, "--enrolment", world.enrolment]):
        got = world.pawl("permit", *verb[:1], permit, *verb[1:])
        equal(got["resource_id"], "[REDACTED]", "in the record")
        disclosed = {entry["path"]: entry["value"] for entry in got["disclosed"]}
        equal(disclosed["pawl.resource.id"], "/etc/very-secret", "disclosed")
        true(disclosed["input_hash"].startswith("sha256:"), disclosed)
    text = world.run("permit", "show", permit)[1]
    true(b'not in the record: pawl.resource.id "/etc/very-secret"' in text, text)
    true(not any(b"very-secret" in read(f"{where}/{name}")
                 for where, _, names in os.walk(world.state) for name in names), "on the disk")
    equal(world.pawl("log", "audit")["sound"], True, "audit")
    alone = f"{world.live}/disclosed.cbor"
    data = cbor.encode(cbor.decode(read(permit)[1:])[1]["pawl-disclosures"])
    write(alone, data)
    equal(world.pawl("log", "audit", "--disclosures", alone)["sound"], True, "disclosed alone")
    write(alone, data.replace(b"very-secret", b"very-public"))
    for target in ([], ["--all"]):
        _, out, _ = world.run("log", "audit", "--json", "--disclosures", alone, *target)
        first = json.loads(out)["findings"][0]
        equal((first["kind"], first["file"]), ("disclosure_invalid", alone), "another value")
    redact("pawl.nothing")
    for verb in (world.request(asked), ["status"]):
        why = world.pawl(*verb, want="STATE_CORRUPT")["error"]["why"]
        true("gate.json" in why and "pawl.nothing" in why, why)


@suite.test("checkpoint and seal are exported as a pair")
def pair(world):
    ledger = f"{world.state}/ledger"
    older = read(f"{ledger}/seal")
    world.check(GIT, True, 2)
    newer = read(f"{ledger}/seal")
    write(f"{ledger}/seal", older)  # what a reader finds between the two replacements
    world.pawl("log", "export", f"{world.live}/none", want="LEDGER_INCONSISTENT")
    target = f"{world.live}/copy"
    program = subprocess.Popen(world.command(["log", "export", target]),
                               env=world.environment(), stdout=subprocess.DEVNULL)
    time.sleep(0.1)  # of the seconds that it waits
    write(f"{ledger}/seal.new", newer)
    os.rename(f"{ledger}/seal.new", f"{ledger}/seal")
    equal(program.wait(300), 0, "exit code")
    equal(read(f"{target}/seal"), newer, "the seal")
    equal(audit(world, target)["sound"], True, "the copy")


@suite.test("rebuild makes the state again from the log")
def rebuilt(world):
    os.unlink(f"{world.state}/state.db")
    for name in os.listdir(world.state):
        if name.startswith("state.db-"):
            os.unlink(f"{world.state}/{name}")
    world.refused("STATE_CORRUPT")
    world.pawl("log", "rebuild")
    world.sound(2)


if __name__ == "__main__":
    main(suite)
