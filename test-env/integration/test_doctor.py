#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_doctor.py: pawl doctor: well when all is well, with a service and without; each check seen
failing with trouble that was planted for it; and nothing changed by any of it."""

import os
import shutil
import subprocess

from daemon import Service
from shim import Shim
from tap import Skip, Suite, equal, true
from world import GIT, copy, main, read, write

suite = Suite()
CHECKS = ["directory", "settings", "enrolment", "secrets", "disk", "snapshot", "root", "ledger",
          "clock", "journal", "libraries", "service", "sockets", "pin", "hardware", "simulator",
          "lockout", "keys", "epoch", "head"]
DAY = 86400
COUNT_LOW, FINAL_TRY, LOCKED = 0x10000, 0x20000, 0x40000  # PKCS#11 2.40, CKF_USER_PIN_...


def tpm2(world, *command, good=True):
    env = {**world.environment(), "TPM2TOOLS_TCTI": world.hardware.tcti}
    done = subprocess.run(command, env=env, capture_output=True, check=False, cwd=world.base)
    equal(done.returncode == 0, good, f"{command}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def prepare(world):
    world.shim = None
    if world.kind == "hsm" and world.options.shim:
        world.shim = Shim(world, world.options.shim)


class Doctor(Service):
    def pawl(self, *args, **more):
        if args[:2] == ("authority", "init"):
            args += ("--expires", "+4000d")
        return super().pawl(*args, **more)

    def prints(self):
        """Everything that lies in the gate's directory and on its token, octet for octet; the
        database's shared memory is its readers'. A software TPM writes its file by itself."""
        found = {}
        for top in (self.state, *([self.hardware.state] if self.kind == "hsm" else [])):
            for where, _, names in os.walk(top):
                for name in names:
                    path = os.path.join(where, name)
                    if not name.endswith((".sock", "-shm", "-wal")) and os.path.isfile(path):
                        found[path] = (read(path), os.stat(path).st_mode)
        return found

    def held(self):
        """What a TPM says that it holds, and how often it was used in vain."""
        if self.kind != "tpm" or not shutil.which("tpm2_getcap"):
            return []
        return [tpm2(self, "tpm2_getcap", what) for what in (
            "handles-persistent", "handles-nv-index", "handles-transient", "properties-variable")] \
            + [tpm2(self, "tpm2_nvread", "-C", "0x01800100", "0x01800100")]

    def doctor(self, *more, code=None, **options):
        """All findings by the name of the check; the exit code is that of the first that failed."""
        got, out, err = self.run("doctor", "--json", *more, **options)
        value = self.judge(("doctor",), (got, out, err), code=got)
        equal([one["check"] for one in value["checks"]], CHECKS, "checks")
        bad = [one for one in value["checks"] if one["state"] == "failed"]
        equal((got, value["failed"]), (bad[0]["exit"] if bad else 0, len(bad)), f"{value}")
        for one in bad:
            equal(one["exit"], self.exits[one["error"]], f"{one}")
            true(one["what"] and one["why"] and one["fix"], f"what, why, and what mends it: {one}")
        if code is not None:
            equal(got, code, f"exit code: {value}")
        return {one["check"]: one for one in value["checks"]}

    def well(self):
        found = self.doctor(code=0)
        equal({name for name, one in found.items() if one["state"] == "warning"}, {"simulator"},
              f"{found}")
        return found

    def fails(self, check, *names, changed=False, **options):
        """This check fails, with one of these errors, also in the text for people."""
        before = self.prints()
        found = self.doctor(**options)
        one = found[check]
        equal(one["state"], "failed", f"{check} in {found}")
        true(one["error"] in names, f"wanted {names}: {one}")
        code, out, _ = self.run("doctor", **options)
        true(code != 0, "exit code")
        lines = out.decode().splitlines()
        at = next(n for n, line in enumerate(lines) if line.startswith(f"FAILED   {check} "))
        true(one["what"] in lines[at] and "why: " in lines[at + 1] and one["error"] in lines[at + 1]
             and "fix: " in lines[at + 2], f"{lines[at:at + 3]}")
        if not changed:
            self.unchanged(before)
        return found

    def unchanged(self, before):
        after = self.prints()
        equal([path for path in {**before, **after} if before.get(path) != after.get(path)], [],
              "files that it changed")


def at_time(seconds):
    if not shutil.which("faketime"):
        raise Skip("faketime is not here")
    return {"before": ("faketime", "-f", f"{seconds:+d}")}


@suite.test("all is well, with a service and without; nothing is changed")
def well(world):
    world.log()
    before, held = world.prints(), world.held()
    found = world.well()
    world.unchanged(before)
    equal(world.held(), held, "what the TPM holds")
    skipped = {name for name, one in found.items() if one["state"] == "skipped"}
    equal(skipped, {"service", "sockets", "head"} |
          ({"pin"} if world.kind == "tpm" else {"keys", "epoch"}), f"{found}")
    world.serve()
    world.ask(GIT, True)
    size = world.call("GET", "/v1/status", kind="admin").json()["ledger_size"]
    found = world.well()
    skipped = {name for name, one in found.items() if one["state"] == "skipped"}
    equal(skipped, {"pin", "lockout"} if world.kind == "tpm" else set(), f"{found}")
    equal(world.call("GET", "/v1/status", kind="admin").json()["ledger_size"], size, "entries")
    world.halt()
    world.sound(2)


@suite.test("before anything is there", at="bare")
def bare(world):
    equal(world.doctor()["directory"]["error"], "NOT_ENROLLED", "no directory")
    os.mkdir(world.state, 0o700)
    found = world.doctor()
    equal((found["directory"]["state"], found["settings"]["error"], found["enrolment"]["error"]),
          ("ok", "NOT_ENROLLED", "NOT_ENROLLED"), f"{found}")
    equal(os.listdir(world.state), [], "what it made")


@suite.test("before anything is installed", at="enrolled")
def enrolled(world):
    equal(world.fails("snapshot", "NOTHING_INSTALLED")["root"]["state"], "skipped", "no root")


@suite.test("modes: the directory, settings, secrets, the PIN")
def modes(world):
    for path, check, mode in ((world.state, "directory", 0o777),
                              (f"{world.state}/gate.json", "settings", 0o666),
                              (f"{world.state}/log.key", "secrets", 0o644)):
        good = os.stat(path).st_mode
        os.chmod(path, mode)
        found = world.fails(check, "STORAGE")
        true(f"{mode:04o}" in found[check]["why"], f"both values: {found[check]}")
        os.chmod(path, good)
    if world.kind == "hsm":
        os.chmod(world.hardware.pin_file, 0o644)
        world.fails("pin", "STORAGE")
        os.unlink(world.hardware.pin_file)
        world.fails("pin", "HSM_PIN_MISSING")
        write(world.hardware.pin_file, b"\n")
        os.chmod(world.hardware.pin_file, 0o600)
        world.fails("pin", "HSM_PIN_MISSING")
        write(world.hardware.pin_file, world.hardware.pin.encode())
    world.well()


@suite.test("files that are damaged, or of another")
def damaged(world):
    world.make_authority(f"{world.live}/foreign", "elsewhere.org")
    for name, data, check, errors in (
            ("gate.json", b"{", "settings", ("STATE_CORRUPT",)),
            ("enrolment.cbor", read(f"{world.state}/enrolment.cbor")[:-1], "enrolment",
             ("CBOR_MALFORMED", "FORMAT")),
            ("trust.bundle", read(f"{world.live}/foreign/enrol.bundle"), "enrolment",
             ("ROOT_UNTRUSTED",)),
            ("trust.bundle", None, "enrolment", ("STATE_CORRUPT",)),
            ("installed/2.bundle", b"\x00", "snapshot", ("FORMAT", "CBOR_TYPE", "CBOR_MALFORMED")),
            ("ledger/journal", b"none", "ledger", ("LEDGER_INCONSISTENT", "STATE_CORRUPT"))):
        path = f"{world.state}/{name}"
        good = read(path)
        if data is None:
            os.unlink(path)
        else:
            write(path, data)
        world.fails(check, *errors)
        write(path, good)
    world.well()


@suite.test("a disk without room", at="epoch1")
def full(world):
    small = f"{world.base}/small"
    os.makedirs(small, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "none", small],
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        raise Skip("no file system can be mounted here")
    try:
        copy(world.state, f"{small}/state")

        found = world.doctor("--state", f"{small}/state")
        equal((found["disk"]["state"], found["disk"]["error"]), ("failed", "STORAGE_FULL"),
              f"{found}")
        true(" MiB are needed" in found["disk"]["why"], f"both values: {found['disk']}")
    finally:
        subprocess.run(["umount", small], check=True)


@suite.test("the clock: what has ended, and what lies in the future")
def clock(world):
    if world.options.variant == "sanitize":
        raise Skip("AddressSanitizer and a preloaded clock exclude each other")
    world.fails("snapshot", "SNAPSHOT_STALE", **at_time(100 * DAY))
    found = world.fails("root", "EXPIRED", **at_time(20 * 365 * DAY))
    equal(found["clock"]["state"], "ok", "the clock itself")
    world.fails("clock", "CLOCK_BACK", **at_time(-3600))
    equal(world.doctor(code=0, **at_time(28 * DAY))["snapshot"]["state"], "warning", "soon")


@suite.test("a journal that nobody folds")
def journal(world):
    path = f"{world.state}/ledger/journal"
    size = os.path.getsize(path)
    os.truncate(path, 60 << 20)
    found = world.fails("journal", "STORAGE_FULL", changed=True)
    true("67108864" in found["journal"]["why"], f"both values: {found['journal']}")
    os.truncate(path, size)
    world.well()


@suite.test("a library that is older than what pawl was built with")
def library(world):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or world.options.variant == "sanitize":
        raise Skip("nothing can be loaded before")
    source, shim = f"{world.base}/old.c", f"{world.base}/old.so"
    write(source, b"unsigned long OpenSSL_version_num(void) { return 0x30000000UL - 1; }\n"
                  b"int jansson_version_cmp(int a, int b, int c)\n"
                  b"{ (void)a; (void)b; (void)c; return JANSSON; }\n")
    for older in (0, -1):
        code = read(source).replace(b"JANSSON", str(older).encode())
        if older:
            code = b"\n".join(code.split(b"\n")[1:])
        write(source + ".c", code)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, source + ".c"], check=True)
        found = world.fails("libraries", "UNSUPPORTED", env={"LD_PRELOAD": shim})
        true("older than" in found["libraries"]["why"], f"{found['libraries']}")


@suite.test("a service that was killed, and sockets that are open to everybody")
def service(world):
    world.serve()
    os.chmod(world.socket("admin"), 0o666)
    found = world.fails("sockets", "STORAGE", changed=True)
    true("0666" in found["sockets"]["why"], f"{found['sockets']}")
    os.chmod(world.socket("admin"), 0o600)
    os.chmod(world.socket("enforcement"), 0o662)
    world.fails("sockets", "STORAGE", changed=True)
    pid = world.process.pid
    world.kill()
    found = world.fails("service", "SERVICE_UNREACHABLE")
    true(str(pid) in found["service"]["why"], f"{found['service']}")
    world.serve()
    world.ask(GIT, True)
    world.well()
    world.halt()


@suite.test("hardware that is not there, with a service and without")
def away(world):
    world.serve()
    world.hardware.take_away()
    names = (*world.hardware.gone, "HSM_KEY_MISSING", "HEAD_MISSING")
    found = world.fails("service", *names, changed=True)
    equal(found["disk"]["state"], "ok", "the others")
    world.kill()
    os.unlink(f"{world.state}/service.json")
    world.fails("hardware", *world.hardware.gone)
    world.hardware.put_back()
    world.well()


@suite.test("hardware of another, or another gate's")
def foreign(world):
    if world.kind == "hsm":
        shutil.move(f"{world.hardware.state}/tokens", f"{world.hardware.state}/mine")
        os.mkdir(f"{world.hardware.state}/tokens")
        world.hardware.tool("softhsm2-util", "--init-token", "--free", "--label", "gate", "--pin",
                            world.hardware.pin, "--so-pin", world.hardware.so_pin)
        world.fails("hardware", "HSM_TOKEN_NOT_FOUND")
        return
    world.hardware.stop()
    shutil.rmtree(world.hardware.state)
    world.hardware.make()
    world.hardware.start()
    world.fails("keys", "COUNTER_MISSING", changed=True)


@suite.test("a key that was removed, a lockout", roots=("tpm",))
def lockout(world):
    if not shutil.which("tpm2_dictionarylockout"):
        raise Skip("tpm2-tools are not here")
    tpm2(world, "tpm2_dictionarylockout", "--setup-parameters", "--max-tries=2",
         "--recovery-time=10000", "--lockout-recovery-time=10000")
    tpm2(world, "tpm2_createprimary", "-C", "o", "-p", "right", "-c", "key.ctx")
    tpm2(world, "tpm2_evictcontrol", "-C", "o", "-c", "key.ctx", "0x81000200")
    tpm2(world, "tpm2_create", "-C", "0x81000200", "-P", "wrong", "-u", "a", "-r", "b", good=False)
    found = world.doctor(code=0)
    equal(found["lockout"]["state"], "warning", f"{found}")
    tpm2(world, "tpm2_create", "-C", "0x81000200", "-P", "wrong", "-u", "a", "-r", "b", good=False)
    found = world.fails("lockout", "TPM_LOCKED_OUT", changed=True)
    true("2 wrong" in found["lockout"]["why"] and "is 2" in found["lockout"]["why"], f"{found}")
    tpm2(world, "tpm2_dictionarylockout", "--clear-lockout")
    equal(world.doctor(code=0)["lockout"]["state"], "ok", "afterwards")
    tpm2(world, "tpm2_evictcontrol", "-C", "o", "-c", "0x81000100")
    world.fails("keys", "TPM_KEY_MISSING", changed=True)


@suite.test("a wrong PIN is seen, and none is tried", roots=("hsm",))
def tries(world):
    write(world.hardware.pin_file, b"wrong-wrong")
    before = world.prints()
    for _ in range(5):
        equal(world.doctor(code=0)["pin"]["state"], "ok", "a file with some PIN")
    world.unchanged(before)
    write(world.hardware.pin_file, world.hardware.pin.encode())
    world.sound(2)


@suite.test("a token whose PIN is at its last try, or locked", roots=("hsm",))
def locked(world):
    if not world.shim:
        raise Skip("p11_fault.so is not here: it is built where cmocka is")
    world.shim.set(flags=COUNT_LOW)
    equal(world.doctor(code=0)["lockout"]["state"], "warning", "a wrong PIN")
    for flags, error in ((FINAL_TRY | COUNT_LOW, "HSM_PIN_LAST_TRY"), (LOCKED, "HSM_PIN_LOCKED")):
        world.shim.set(flags=flags)
        world.fails("lockout", error)
        equal(world.shim.calls("C_Login"), 0, "logins")
    world.shim.set()
    world.well()
    equal(world.shim.calls("C_Login"), 0, "logins")


@suite.test("a simulator that the settings do not allow")
def simulator(world):
    path = f"{world.state}/gate.json"
    good = read(path)
    write(path, good.replace(b'"insecure_simulator":true', b'"insecure_simulator":false')
          .replace(b'"insecure_simulator": true', b'"insecure_simulator": false'))
    true(read(path) != good, "the settings")
    world.fails("simulator", "SIMULATOR_REFUSED")
    write(path, good)


@suite.test("an older disk: the epoch and the ledger, with a service and without")
def older(world):
    ledger = world.log()["size"]
    true(ledger > 0, "a ledger")
    world.put_old_disk_back()
    if world.kind == "tpm":
        found = world.fails("epoch", "ROLLBACK")
        true("epoch 1" in found["epoch"]["why"] and "at 2" in found["epoch"]["why"], f"{found}")
    world.launch()
    while b"denying" not in read(world.log_path):
        true(world.process.poll() is None, "pawld ended")
    world.fails("service", "ROLLBACK", changed=True)
    found = world.fails("epoch", "ROLLBACK", changed=True)
    true("epoch 1" in found["epoch"]["why"] and "at 2" in found["epoch"]["why"], f"{found}")


@suite.test("an older ledger: the service says that the hardware knows a later head")
def shortened(world):
    world.keep_disk("before")
    world.check(GIT, True, 2)
    world.check(GIT, True, 2)
    world.put_ledger_back("before")
    world.launch()
    while b"denying" not in read(world.log_path):
        true(world.process.poll() is None, "pawld ended")
    world.fails("head", "LEDGER_ROLLBACK", "LEDGER_INCONSISTENT", changed=True)


if __name__ == "__main__":
    main(suite, Doctor, prepare)
