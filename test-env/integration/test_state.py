#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_state.py: the gate's own files, replaced or edited by somebody who can write the disk. What
the hardware pins decides; nothing is served under another's rules, keys or counter, and with the
true files back everything is as before."""

import base64
import hashlib
import json
import os
import shutil

import cbor
from forge import Bundle, Key, Signed, role_keys, text_id
from hardware import DOUBLES
from tap import Suite, equal, true
from world import CURL, GIT, LAX, World, copy, main, read, write

suite = Suite()


class Double(World):
    """Stage "other": beside the true gate, an attacker's own: same names, other authority, and on
    hardware of the attacker's. Its state, ready to serve the lax rules, lies in live/theirs."""

    def build_other(self):
        self.go("epoch2")
        mine = (self.authority, self.enrolment, self.state, self.hardware)
        self.authority = f"{self.live}/other"
        self.enrolment, self.state = f"{self.live}/other.enrolment", f"{self.live}/theirs"
        self.hardware.stop()
        self.hardware = DOUBLES[self.kind](f"{self.base}/o", f"{self.live}/other-hw")
        os.makedirs(f"{self.base}/o", exist_ok=True)
        self.hardware.make()
        self.hardware.start()
        self.make_authority(self.authority)
        self.init()
        self.sign(LAX)
        self.install(self.publish(name="theirs"))
        self.hardware.stop()
        self.other_uri = self.hardware.uri
        self.authority, self.enrolment, self.state, self.hardware = mine
        self.hardware.start()

    # ---- editing ----

    def path(self, name):
        return f"{self.state}/{name}"

    def edit_enrolment(self, **members):
        path = self.path("enrolment.cbor")
        facts = cbor.decode(read(path))
        for name, value in members.items():
            name = name.replace("_", "-")
            facts[name] = value(facts[name]) if callable(value) else value
        # What follows from the two names is made to agree, so that it is not what gives them away.
        facts["log"] = name_of_log(facts)
        facts["issuer"] = f"dev.pawl:{facts['domain']}/{facts['gate']}"
        write(path, cbor.encode(facts))

    def edit_settings(self, **members):
        path = self.path("gate.json")
        write(path, json.dumps({**json.loads(read(path)), **members}).encode())

    def take_theirs(self, *names):
        for name in names:
            source, target = f"{self.live}/theirs/{name}", self.path(name)
            if os.path.isdir(source):
                copy(source, target)
            else:
                shutil.copy2(source, target)


def denied(world, damage, want):
    """Damages the state; nothing may be answered; then the true files serve on."""
    world.keep_disk("true")
    damage(world)
    for resource in (GIT, CURL):
        world.refused(want, resource)
    world.install(f"{world.bundles}/1.bundle", want=(*names(want), "ROLLBACK"))
    world.put_disk_back("true")
    world.sound(2)


def heads_taken(world):
    """Whoever enrols the hardware anew takes the place where it keeps the ledger's head. Ours says
    so and answers nobody: that is a denial, not a way around the ledger."""
    for resource in (GIT, CURL):
        world.refused("HEAD_MISSING", resource)
    status = world.status(code=world.exits["HEAD_MISSING"])
    equal((status["serving"], status["reason"], status["epoch"]), (False, "HEAD_MISSING", 2),
          "status")
    world.log()


def names(want):
    return (want,) if isinstance(want, str) else want


# ---- the attacker's own authority ----------------------------------------------------------------

def their_root(world):
    world.take_theirs("trust.bundle")


def their_root_named(world):
    """The enrolment is made to name it, too: the hardware pin is all that is left."""
    world.take_theirs("trust.bundle")
    root = cbor.decode(read(f"{world.live}/theirs/enrolment.cbor"))["root"]
    world.edit_enrolment(root=root)


def their_root_and_rules(world):
    their_root_named(world)
    world.take_theirs("installed")


def their_everything_but_hardware(world):
    world.take_theirs("trust.bundle", "enrolment.cbor", "installed", "hw", "ledger", "state.db")


def their_enrolment(world):
    world.take_theirs("enrolment.cbor")


def their_rules(world):
    world.take_theirs("installed")


FOREIGN = ("COUNTER_FOREIGN", "HANDLE_FOREIGN")
TOKEN = ("HSM_CHAIN_STALE", "HSM_KEY_FOREIGN", "HSM_KEY_MISSING", "HSM_REMOVED", "ANCHOR_MISSING")


@suite.cases([
    ("their root metadata", their_root, "ROOT_UNTRUSTED"),
    ("their enrolment", their_enrolment, "ROOT_UNTRUSTED"),
    ("their rules", their_rules, "ROOT_UNTRUSTED"),
], at="other")
def theirs(world, damage, want):
    denied(world, damage, want)


@suite.cases([
    ("their root metadata, named in the enrolment", their_root_named, FOREIGN),
    ("their root metadata and rules", their_root_and_rules, FOREIGN),
    ("their whole disk", their_everything_but_hardware, FOREIGN),
], at="other", roots=("tpm",))
def theirs_tpm(world, damage, want):
    denied(world, damage, want)


@suite.cases([
    ("their root metadata, named in the enrolment", their_root_named, TOKEN),
    ("their root metadata and rules", their_root_and_rules, TOKEN),
    ("their whole disk", their_everything_but_hardware, TOKEN),
], at="other", roots=("hsm",))
def theirs_hsm(world, damage, want):
    denied(world, damage, want)


@suite.test("the attacker enrols our hardware under their authority", at="other")
def enrol_over(world):
    """On a TPM our place is taken. On a token it takes the security officer, and then it is a gate
    of its own that leaves ours alone."""
    before = read(world.enrolment)
    options = [] if world.kind == "hsm" else world.hardware.init_options
    args = ("init", "--state", f"{world.live}/new", "--hardware", world.hardware.uri, "--trust",
            f"{world.live}/other/enrol.bundle", "--gate", world.gate, "--insecure-simulator")
    world.pawl(*args, *options,
               want=FOREIGN if world.kind == "tpm" else "ANCHOR_MISSING")
    if world.kind == "hsm":
        # Same domain, same gate name, another root: keys of its own.
        world.pawl(*args, *world.hardware.init_options)
        world.pawl("install", f"{world.bundles}/theirs.bundle", "--state", f"{world.live}/new")
    equal(read(world.enrolment), before, "enrolment")
    world.sound(2)


def shifted(world):
    """Counter and base moved by one, so that epoch 1 is where the counter stands; the grants of
    epoch 2, which say the same to the TPM, called epoch 1."""
    world.put_old_disk_back()
    bundle = Bundle(world.path("installed/1.bundle"))
    bundle.grants = Bundle(f"{world.bundles}/2.bundle").grants
    for grant in bundle.grants:
        grant["epoch"], grant["base"] = grant["epoch"] - 1, grant["base"] + 1
    bundle.save(world.path("installed/1.bundle"))
    return bundle


@suite.test("the old disk, with base and grants shifted by one", roots=("tpm",))
def shifted_base(world):
    def damage(world):
        shifted(world)
        world.edit_enrolment(base=lambda base: base + 1)

    denied(world, damage, "COUNTER_FOREIGN")


@suite.test("a fresh directory that says the base is one more", roots=("tpm",))
def shifted_init(world):
    """enrol keeps the base of a gate in its directory; an outsider can write there first. It takes
    the gate's authorization as well, or the gate's place is seen to be taken."""
    state = f"{world.live}/new"
    os.makedirs(f"{state}/hw")
    write(f"{state}/hw/base", b"65 0x01800100\n")
    args = ("init", "--state", state, "--hardware", world.hardware.uri, "--trust",
            f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator")
    world.pawl(*args, want="GATE_EXISTS")
    shutil.copy2(world.path("hw/head-auth"), f"{state}/hw/head-auth")
    code, out, _ = world.run(*args, "--json")
    world.keep_disk("true")
    bundle = shifted(world)
    world.put_disk_back("true")
    if code == 0:
        path = bundle.save(f"{world.bundles}/shifted.bundle")
        world.pawl("install", path, "--state", state, want=("ROLLBACK", "GRANT_INVALID"))
    else:
        true(code in (world.exits["HANDLE_FOREIGN"],), f"{out}")
    world.sound(2)


@suite.test("the attacker enrols our hardware anew, under our authority")
def enrol_beside(world):
    """With a fresh directory and the public files alone: what is there is named and left alone. Who
    says that it is to end begins where the hardware is."""
    args = ("init", "--state", f"{world.live}/new", "--hardware", world.hardware.uri, "--trust",
            f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator")
    for _ in range(2):
        error = world.pawl(*args, want="GATE_EXISTS")["error"]
        found = "epoch 2" if world.kind == "hsm" else "0x01800102, 0x01800103, 0x01800104"
        for words in (found, world.domain, f"{world.live}/new/hw", "--again", "HEAD_MISSING"):
            true(words in error["why"], f"{words} in {error}")
    world.sound(2)
    world.pawl(*args, "--again")
    state = ("--state", f"{world.live}/new")
    world.pawl(*world.request(CURL), *state, want="ROLLBACK")
    world.pawl("install", f"{world.bundles}/1.bundle", *state, want="ROLLBACK")
    heads_taken(world)


# ---- the enrolment edited ------------------------------------------------------------------------

def flip(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def other_point(key):
    return {**key, -2: flip(key[-2])}


def name_of_log(facts):
    """The key that publishes is named after domain and gate, and its text has a hash of both."""
    name, key = f"{facts['domain']}/{facts['gate']}", facts["log"].split("+", 2)[2]
    number = hashlib.sha256(name.encode() + b"\n" + base64.b64decode(key)).hexdigest()[:8]
    return f"{name}+{number}+{key}"


ENROLMENT = [
    ("gate", "gate-2", ("HSM_KEY_MISSING", "LEDGER_INCONSISTENT")),
    ("domain", "example.com", ("ROOT_UNTRUSTED", "COUNTER_FOREIGN", "HANDLE_FOREIGN",
                               "HSM_KEY_MISSING", "LEDGER_INCONSISTENT", "STATE_CORRUPT")),
    ("root", flip, "ROOT_UNTRUSTED"),
]
ENROLMENT_TPM = [
    ("base", lambda base: base + 1, "COUNTER_FOREIGN"),
    ("base", lambda base: base - 1, "COUNTER_FOREIGN"),
    ("base", 0, "COUNTER_FOREIGN"),
    ("base", 1 << 40, "COUNTER_FOREIGN"),
    ("index", lambda index: index + 1, "COUNTER_FOREIGN"),
    ("receipt_handle", lambda handle: handle + 1, "HANDLE_FOREIGN"),
    ("seal_handle", lambda handle: handle + 2, "HANDLE_FOREIGN"),
    ("receipt", other_point, ("HANDLE_FOREIGN", "KEY_MALFORMED")),
    ("seal", other_point, ("HANDLE_FOREIGN", "KEY_MALFORMED")),
    ("receipt_name", flip, "HANDLE_FOREIGN"),
    ("seal_name", flip, "HANDLE_FOREIGN"),
    ("index_name", flip, "COUNTER_FOREIGN"),
    ("epoch", 3, "COUNTER_FOREIGN"),
]
ENROLMENT_HSM = [
    ("serial", "0000000000000000", ("HSM_KEY_MISSING", "HSM_REMOVED")),
    ("receipt", other_point, ("HSM_KEY_FOREIGN", "KEY_MALFORMED")),
    ("seal", other_point, ("HSM_KEY_FOREIGN", "KEY_MALFORMED")),
    ("epoch", 3, ("HSM_KEY_FOREIGN", "STATE_CORRUPT")),
]


def edits(rows):
    for number, (member, value, want) in enumerate(rows):
        again = sum(row[0] == member for row in rows[:number])
        suffix = f" ({again + 1})" if again else ""
        yield f"enrolment edited: {member.replace('_', ' ')}{suffix}", member, value, want


def edited(world, member, value, want):
    denied(world, lambda world: world.edit_enrolment(**{member: value}), want)


suite.cases(list(edits(ENROLMENT)), roots=("hsm",))(edited)
suite.cases(list(edits(ENROLMENT[1:])), roots=("tpm",))(edited)
suite.cases(list(edits(ENROLMENT_TPM)), roots=("tpm",))(edited)
suite.cases(list(edits(ENROLMENT_HSM)), roots=("hsm",))(edited)


# ---- settings ------------------------------------------------------------------------------------

def set_to(**members):
    return lambda world: world.edit_settings(**members)


def content(name, data):
    return lambda world: write(world.path(name), data)


def gone(name):
    def damage(world):
        path = world.path(name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    return damage


SETTINGS = [
    ("gate.json: simulators refused", set_to(insecure_simulator=False), "SIMULATOR_REFUSED"),
    ("gate.json: no such hardware", set_to(hardware="smartcard:1"), "HARDWARE_URI"),
    ("gate.json: a member more", set_to(allow="all"), "STATE_CORRUPT"),
    ("gate.json: another type", set_to(insecure_simulator="yes"), "STATE_CORRUPT"),
    ("gate.json: no JSON", content("gate.json", b"{"), "STATE_CORRUPT"),
    ("gate.json: empty", content("gate.json", b""), "STATE_CORRUPT"),
    ("gate.json: gone", gone("gate.json"), "NOT_ENROLLED"),
    ("enrolment.cbor: gone", gone("enrolment.cbor"), ("STATE_CORRUPT", "NOT_FOUND")),
    ("enrolment.cbor: empty", content("enrolment.cbor", b""), "CBOR_MALFORMED"),
    ("trust.bundle: gone", gone("trust.bundle"), ("STATE_CORRUPT", "NOT_FOUND")),
    ("trust.bundle: empty", content("trust.bundle", b""), "CBOR_MALFORMED"),
    ("installed: a bundle of zeroes", content("installed/2.bundle", bytes(3000)),
     ("CBOR_TYPE", "CBOR_TRAILING", "CBOR_MALFORMED")),
    ("installed: all gone", gone("installed"), "ROLLBACK"),
    ("journal: zeroes", content("ledger/journal", bytes(1000)), "LEDGER_INCONSISTENT"),
    ("journal: text", content("ledger/journal", b"nothing happened\n"), "LEDGER_INCONSISTENT"),
    ("journal: gone", gone("ledger/journal"), ("STATE_CORRUPT", "LEDGER_INCONSISTENT")),
    ("ledger: gone", gone("ledger"), "STATE_CORRUPT"),
    ("state.db: zeroes", content("state.db", bytes(9000)), "STATE_CORRUPT"),
    ("state.db: text", content("state.db", b"nothing happened\n"), "STATE_CORRUPT"),
    ("state.db: empty", content("state.db", b""), "STATE_CORRUPT"),
    ("state.db: gone", gone("state.db"), "STATE_CORRUPT"),
]


@suite.cases(SETTINGS)
def settings(world, damage, want):
    denied(world, damage, want)


@suite.test("gate.json: the attacker's own hardware", at="other")
def other_hardware(world):
    """Ours on disk, theirs plugged in: it has other keys."""
    theirs = DOUBLES[world.kind](f"{world.base}/o", f"{world.live}/other-hw")
    world.keep_disk("true")
    world.edit_settings(hardware=theirs.uri)
    theirs.start()
    env = theirs.env
    try:
        for resource in (GIT, CURL):
            got = world.pawl(*world.request(resource), env=env, want=FOREIGN + TOKEN)
            true("permit" not in got, f"an answer: {got}")
    finally:
        theirs.stop()
    world.put_disk_back("true")
    world.sound(2)


@suite.test("gate.json: a PIN in the URI", roots=("hsm",))
def pin_in_uri(world):
    uri = f"pkcs11:token=gate?module-path={world.hardware.module}&pin-value={world.hardware.pin}"
    denied(world, set_to(hardware=uri), "HSM_PIN_IN_URI")


# ---- damage to single files ----------------------------------------------------------------------

@suite.test("the installed bundle, cut at many lengths")
def cut_bundle(world):
    path = world.path("installed/2.bundle")
    data = read(path)
    for size in [*range(0, 64), *range(64, len(data), 397), len(data) - 1]:
        write(path, data[:size])
        error = world.refused(tuple(world.exits))
        true(error["exit"] in (20, 21, 43), f"cut at {size}: {error}")
    write(path, data)
    world.sound(2)


@suite.test("the installed bundle, a bit flipped at many places")
def flip_bundle(world):
    path = world.path("installed/2.bundle")
    data = read(path)
    for place in range(0, len(data), 149):
        write(path, data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        code, out, _ = world.run(*world.request(CURL), "--json")
        # A token has no use for grants: a flip there changes nothing.
        good = (10, 20, 21, 24, 43) if world.kind == "hsm" else (20, 21, 24, 43)
        true(code in good, f"flipped at {place}: exit {code}, {out}")
    write(path, data)
    world.sound(2)


@suite.test("the ledger, cut and flipped at many places")
def damaged_ledger(world):
    path = world.path("ledger/journal")
    data = read(path)
    for place in range(0, len(data), 311):
        write(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        # The gate may find it, or leave it to the audit; the audit always does.
        world.log(want=tuple(world.exits))
        write(path, data[:place])
        world.log(want="LEDGER_INCONSISTENT")
    write(path, data)
    world.sound(2)


@suite.test("an installed bundle under a number that is not its own")
def misnamed(world):
    """Newest by name, old by content: refused, or served as what it is; and never in the way."""
    shutil.copy2(world.path("installed/2.bundle"), world.path("installed/9.bundle"))
    code, out, _ = world.run(*world.request(CURL), "--json")
    true(code in (10, world.exits["STATE_CORRUPT"]), f"exit {code}: {out}")
    shutil.copy2(f"{world.bundles}/1.bundle", world.path("installed/9.bundle"))
    world.refused(("ROLLBACK", "STATE_CORRUPT"), CURL)
    os.unlink(world.path("installed/9.bundle"))
    world.sound(2)


@suite.test("a bundle of the next epoch laid into the directory by hand")
def laid_in(world):
    """It is what the authority published: the gate finishes the step, as after a power cut."""
    shutil.copy2(world.next_epoch(), world.path("installed/3.bundle"))
    world.check(CURL, False, 3)
    world.sound(3)


@suite.test("a forged bundle of the next epoch laid into the directory by hand")
def forged_in(world):
    bundle = Bundle(world.next_epoch())
    bundle.snapshot = bundle.signed().edit({"revoked": []}).keep(0).bytes()
    bundle.save(world.path("installed/3.bundle"))
    world.refused("COSE_MALFORMED", CURL)
    bundle = Bundle(f"{world.bundles}/3.bundle")
    bundle.snapshot = bundle.signed().edit(claims={4: 4102444800}).bytes()
    bundle.save(world.path("installed/3.bundle"))
    world.refused("SIGNATURE_INVALID", CURL)
    os.unlink(world.path("installed/3.bundle"))
    world.sound(2)


def stolen_key(world):
    """The snapshot key is stolen, replaced, dropped and revoked, all of it in force as epoch 3."""
    old = role_keys(world.authority, "snapshot")[0]
    shutil.copy2(old.path, f"{world.live}/stolen.pem")
    stolen, new = Key(f"{world.live}/stolen.pem"), Key(f"{world.live}/new.pem")
    authority = ("--authority", world.authority)
    for verb, key in (("add-key", new.path), ("drop-key", text_id(stolen.kid))):
        world.pawl("authority", verb, key, "--role", "snapshot", *authority)
        world.pawl("authority", "rotate", *authority)
    world.pawl("revoke", "key", text_id(stolen.kid), "--reason", "stolen", *authority)
    if world.kind == "hsm":
        world.init()  # an anchor for the new key
    world.install(world.next_epoch())
    return stolen


def by_the_stolen_key(world, stolen, epoch, like):
    """The lax rules of epoch 1 under root metadata 1, with whatever else a later bundle carries."""
    bundle, first = Bundle(f"{world.bundles}/1.bundle"), Bundle(f"{world.bundles}/1.bundle")
    content = Signed(first.snapshot).content()
    members = {"root": content["root"], "policies": content["policies"], "revoked": [],
               "epoch": epoch}
    bundle.snapshot = Signed(like.snapshot).edit(members).sign(stolen).bytes()
    bundle.grants = like.grants
    bundle.save(world.path(f"installed/{epoch}.bundle"))


@suite.test("a bundle of the next epoch by a revoked key, laid into the directory by hand")
def revoked_in(world):
    stolen = stolen_key(world)
    by_the_stolen_key(world, stolen, 4, Bundle(world.next_epoch()))
    world.refused("ROLLBACK", CURL)
    world.install(f"{world.bundles}/4.bundle")
    world.sound(4)


@suite.test("the same, and what it should build on taken away", roots=("hsm",))
def revoked_alone(world):
    stolen = stolen_key(world)
    by_the_stolen_key(world, stolen, 4, Bundle(world.next_epoch()))
    os.unlink(world.path("installed/3.bundle"))
    error = world.refused("SUCCESSION", CURL)
    true("at epoch 3, the disk holds 4 and not 3: install the bundle of epoch 3" in error["why"],
         error)
    world.install(f"{world.bundles}/4.bundle", want="SUCCESSION")
    by_the_stolen_key(world, stolen, 3, Bundle(f"{world.bundles}/3.bundle"))
    world.refused("EQUIVOCATION", CURL)
    os.unlink(world.path("installed/4.bundle"))
    world.refused("EQUIVOCATION", CURL)
    world.install(f"{world.bundles}/4.bundle", want="SUCCESSION")
    shutil.move(world.path("installed/3.bundle"), f"{world.live}/twin.bundle")
    world.install(f"{world.live}/twin.bundle", want="EQUIVOCATION")
    world.install(f"{world.bundles}/3.bundle")
    world.sound(3)
    world.install(f"{world.bundles}/4.bundle")
    world.sound(4)


@suite.test("root metadata with keys that the token has no anchor for", roots=("hsm",))
def no_anchor(world):
    """Also one that signs nothing yet is missed before anything is stored."""
    for epoch, role in ((3, "approver"), (4, "root")):
        new = Key(f"{world.live}/new-{role}.pem")
        world.pawl("authority", "add-key", new.path, "--role", role, "--authority",
                   world.authority)
        world.pawl("authority", "rotate", "--authority", world.authority)
        bundle = world.next_epoch()
        world.install(bundle, want="ANCHOR_MISSING")
        world.sound(epoch - 1)
        world.init()
        world.install(bundle)
        world.sound(epoch)


@suite.test("junk under the number of a far epoch")
def junk(world):
    path = world.path("installed/9007199254740991.bundle")
    write(path, b"x")
    world.refused("CBOR_MALFORMED", CURL)
    world.install(world.next_epoch())
    world.sound(3)
    equal(read(f"{path}.refused"), b"x", "evidence")


@suite.test("caches and temporary files of the hardware's directory, gone or wrong")
def caches(world):
    names_ = ("tickets", "settled", "base") if world.kind == "tpm" else ()
    for data in (None, b"", b"\xff" * 5000, b"2"):
        for name in names_:
            path = world.path(f"hw/{name}")
            if data is None and os.path.exists(path):
                os.unlink(path)
            elif data is not None:
                write(path, data)
        world.check(CURL, False, 2)
    for name in ("gate.json.99999.tmp", "installed/3.bundle.99999.tmp", "installed/.bundle",
                 "installed/02.bundle", "installed/-1.bundle", "hw/epochs.1.tmp"):
        write(world.path(name), b"left over")
    world.sound(2)


@suite.test("the token's certificates, gone or cut", roots=("hsm",))
def certificates(world):
    path = world.path("hw/epochs")
    data = read(path)
    for size in (0, 1, len(data) // 2, len(data) - 1):
        write(path, data[:size])
        world.refused(("STATE_CORRUPT", "HSM_KEY_FOREIGN"))
    os.unlink(path)
    world.refused("STATE_CORRUPT")
    for place in range(0, len(data), 61):
        write(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        world.refused(("STATE_CORRUPT", "HSM_KEY_FOREIGN", "KEY_MALFORMED"))
    write(path, data)
    world.sound(2)


LINKS = [
    ("the lock is a link", "lock", "/dev/null", "STORAGE"),
    ("the journal is a device", "ledger/journal", "/dev/full", "STORAGE"),
    ("the state is a device", "state.db", "/dev/full", "STORAGE"),
]


@suite.cases(LINKS)
def links(world, name, target, want):
    def damage(world):
        os.unlink(world.path(name))
        os.symlink(target, world.path(name))

    denied(world, damage, want)


if __name__ == "__main__":
    main(suite, Double)
