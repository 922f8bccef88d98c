#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""units_test.py UNIT PAWLD: what systemd itself says of the units: they can be read, their users
can be made, and the service is exposed to nothing that it does not need."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOCKETS = ("agents", "enforcement", "admin")
EXPOSURE = 10  # in tenths
# Without any of these the exposure is higher than that.
LOOSE = ("SystemCallFilter=", "CapabilityBoundingSet=", "RestrictNamespaces=")


class Missing(Exception):
    """A program that is not here."""


def run(*command):
    if not shutil.which(command[0]):
        raise Missing(f"{command[0]} is not installed (package systemd)")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True,
                          env={**os.environ, "SYSTEMD_PAGER": "", "LC_ALL": "C.UTF-8"})
    return done.returncode, done.stdout


def exposed(path):
    code, said = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}",
                     "--no-pager", path)
    assert "Overall exposure level" in said, said
    return code != 0, said


def security(unit, _, base):
    bad, said = exposed(unit)
    assert not bad, said
    with open(unit, encoding="utf-8") as file:
        lines = file.readlines()
    path = f"{base}/pawld.service"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line for line in lines if not line.startswith(LOOSE))
    assert exposed(path)[0], "a loose unit is as good"


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def verified(unit, pawld, base, more=None):
    """What systemd finds wrong, with the program that was built, for the one that is not installed
    yet. more: a drop-in."""
    def there(text):
        return re.sub(r"^ExecStart=\S+/pawld", f"ExecStart={os.path.abspath(pawld)}", text,
                      flags=re.M)

    put(f"{base}/pawld.service", there(read(unit)))
    if more is not None:
        put(f"{base}/pawld.service.d/more.conf", there(more))
    units = [f"{base}/pawld.service"]
    for name in SOCKETS:
        units.append(shutil.copy(f"{HERE}/pawld-{name}.socket", base))
    code, said = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units)
    return code, [line for line in said.splitlines() if "pawl" in line]


def verify(unit, pawld, base):
    assert verified(unit, pawld, base) == (0, []), verified(unit, pawld, base)


def drop_ins(unit, pawld, base):
    """Those that docs/service.md has for who needs more."""
    text = read(f"{HERE}/../../../docs/service.md")
    found = [block for block in text.split("```") if block.lstrip().startswith("[Service]")]
    assert any("LoadCredentialEncrypted=pin:/" in block for block in found), found
    for block in (*found, "[Service]\nLoadCredentialEncrypt=pin:/x\n"):
        good = block in found
        got = verified(unit, pawld, base, block)
        assert (got[1] == []) == good, (got, block)


SETTINGS = (
    "Type=notify", "User=pawld", "SupplementaryGroups=tss", "LoadCredential=pin:pawld.pin",
    "WatchdogSec=90s", "TimeoutStopSec=120s", "StateDirectory=pawl", "StateDirectoryMode=0700",
    "UMask=0077", "Restart=on-failure", "NoNewPrivileges=yes", "CapabilityBoundingSet=",
    "DevicePolicy=closed", "DeviceAllow=char-tpm rw", "ExecReload=/bin/kill -HUP $MAINPID",
)


def settings(unit, *_):
    """What the program and its documents take as given."""
    lines = read(unit).splitlines()
    for line in SETTINGS:
        name = line.split("=")[0] + "="
        assert [one for one in lines if one.startswith(name)] == [line], line
    groups = [line.split()[1] for line in read(f"{HERE}/sysusers.conf").splitlines()
              if line.startswith("g ")]
    for name, group in (("enforcement", "pawl-clients"), ("admin", "pawl-admin")):
        assert f"SocketGroup={group}\nDirectoryMode" in read(f"{HERE}/pawld-{name}.socket"), name
        assert group in groups, groups


def sockets(unit, *_):
    """Each is of the service, and has the name that pawld looks for."""
    with open(unit, encoding="utf-8") as file:
        service = file.read()
    for name in SOCKETS:
        assert f"pawld-{name}.socket" in service, name
        with open(f"{HERE}/pawld-{name}.socket", encoding="utf-8") as file:
            text = file.read().splitlines()
        for line in (f"FileDescriptorName={name}", f"ListenStream=/run/pawl/{name}.sock",
                     "Service=pawld.service"):
            assert line in text, (name, line)


def users(_, __, base):
    os.mkdir(f"{base}/etc")
    code, said = run("systemd-sysusers", f"--root={base}", f"{HERE}/sysusers.conf")
    assert code == 0, said
    with open(f"{base}/etc/group", encoding="utf-8") as file:
        groups = {line.split(":")[0]: line.rstrip().split(":")[3] for line in file}
    assert groups.get("tss") == "pawld", groups
    assert {"pawld", "pawl-clients", "pawl-admin"} <= set(groups), groups
    if os.geteuid() != 0:
        return
    code, said = run("systemd-tmpfiles", f"--root={base}", "--create", f"{HERE}/tmpfiles.conf")
    assert code == 0, said
    modes = [os.stat(f"{base}/{path}").st_mode & 0o777 for path in ("run/pawl", "var/lib/pawl")]
    assert modes == [0o755, 0o700], modes


def main():
    unit, pawld = sys.argv[1:]
    tests, failed = (security, verify, drop_ins, settings, sockets, users), 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix="pawl-units-") as base:
            try:
                test(unit, pawld, base)
                print(f"ok {number} - {test.__name__}")
            except Missing as missing:
                print(f"ok {number} - {test.__name__} # SKIP {missing}")
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} - {test.__name__}")
                print("# " + str(error).replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
