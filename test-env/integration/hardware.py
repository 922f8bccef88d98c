# SPDX-License-Identifier: Apache-2.0
"""hardware.py: the software TPM and the software token as the tests need them: started and stopped
by process id, in a private directory, their state a directory that can be copied."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time

from tap import Skip

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)
RELAY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                     "lib", "relay.py")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Tpm:
    """swtpm behind a Unix socket."""

    kind = "tpm"
    gone = ("TPM_NOT_FOUND", "TPM_FAILED", "TPM_TIMEOUT")

    def __init__(self, base, state):
        if not shutil.which("swtpm"):
            raise Skip("swtpm is not here")
        self.socket, self.state = f"{base}/s", state
        self.uri = f"tpm:swtpm:path={self.socket}"
        self.tcti = f"cmd:/usr/bin/python3 {RELAY} {self.socket}"
        self.init_options = []
        self.secrets = []
        self.process = None
        self.env = {}

    def make(self):
        os.makedirs(self.state)

    def start(self):
        if self.process:
            return
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}",
                   "--server", f"type=unixio,path={self.socket}",
                   "--ctrl", f"type=unixio,path={self.socket}.c",
                   "--flags", "not-need-init,startup-clear"]
        for path in (self.socket, self.socket + ".c"):
            if os.path.exists(path):
                os.unlink(path)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)
        for _ in range(60000):  # five minutes: a busy machine is no failure
            if self.answers():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise RuntimeError("swtpm did not start")

    def answers(self):
        with socket.socket(socket.AF_UNIX) as link:
            return link.connect_ex(self.socket) == 0

    def stop(self):
        """As a power cut would."""
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    take_away = stop
    put_back = start


class Hsm:
    """SoftHSM: no process, a directory of tokens."""

    kind = "hsm"
    gone = ("HSM_TOKEN_NOT_FOUND", "HSM_REMOVED", "HSM_FAILED", "HSM_MODULE")
    label, pin, so_pin = "gate", "user-7Kq2xW9vTz", "officer-Bn4mLr83"

    def __init__(self, base, state):
        self.module = next((path for path in MODULES if os.path.exists(path)), None)
        if not self.module or not shutil.which("softhsm2-util"):
            raise Skip("SoftHSM is not here")
        self.base, self.state = base, state
        self.pin_file, self.so_pin_file = f"{base}/pin", f"{base}/so-pin"
        self.uri = (f"pkcs11:token={self.label}?module-path={self.module}"
                    f"&pin-source=file:{self.pin_file}")
        self.init_options = ["--so-pin-file", self.so_pin_file]
        self.secrets = [self.pin, self.so_pin]
        self.env = {"SOFTHSM2_CONF": f"{base}/softhsm2.conf"}

    def make(self):
        os.makedirs(f"{self.state}/tokens")
        with open(self.env["SOFTHSM2_CONF"], "w", encoding="utf-8") as conf:
            conf.write(f"directories.tokendir = {self.state}/tokens\nobjectstore.backend = file\n"
                       "log.level = ERROR\nslots.removable = false\n")
        for path, text in ((self.pin_file, self.pin), (self.so_pin_file, self.so_pin)):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                      encoding="utf-8") as file:
                file.write(text + "\n")
        self.tool("softhsm2-util", "--init-token", "--free", "--label", self.label,
                  "--pin", self.pin, "--so-pin", self.so_pin)

    def tool(self, *command, good=True):
        """Runs a tool on the token. Returns what it said."""
        run = subprocess.run(command, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        text = run.stdout.decode(errors="replace")
        if good and run.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {text}")
        return run.returncode, text

    def start(self):
        pass

    stop = start

    def take_away(self):
        os.rename(f"{self.state}/tokens", f"{self.state}/away")

    def put_back(self):
        os.rename(f"{self.state}/away", f"{self.state}/tokens")


DOUBLES = {"tpm": Tpm, "hsm": Hsm}
