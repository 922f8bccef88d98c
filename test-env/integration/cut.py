# SPDX-License-Identifier: Apache-2.0
"""cut.py: hardware that goes away in the middle of a command. Between pawl and swtpm stands a proxy
that drops the connection at a chosen TPM command; between pawl and SoftHSM the shim, whose chosen
call answers that the device is gone."""

import socket
import struct
import threading

from shim import FUNCTIONS, Shim

REMOVED, NOT_PRESENT, DEVICE_ERROR = 0x32, 0xE0, 0x30


def receive(link, size):
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def message(link):
    """One command, or one response: both begin with tag and size."""
    head = receive(link, 6)
    return head + receive(link, struct.unpack(">HI", head)[1] - 6)


class TpmCuts:
    """Counts commands; drops the connection at one of them: before the TPM has it, or before its
    answer is passed on; then is gone, or there again for the next connection."""

    def __init__(self, world):
        self.real, self.path = world.hardware.socket, f"{world.base}/p"
        world.hardware.uri = f"tpm:swtpm:path={self.path}"
        self.heal()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def heal(self):
        self.seen, self.at, self.late, self.lasting = 0, 0, False, False

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                try:
                    self.pass_on(client)
                except (EOFError, OSError):
                    pass

    def pass_on(self, client):
        if self.lasting and self.at and self.seen >= self.at:
            return
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.real)
            while True:
                command = message(client)
                self.seen += 1
                due = self.seen == self.at
                if due and not self.late:
                    return
                link.sendall(command)
                answer = message(link)
                if due:
                    return
                client.sendall(answer)

    def places(self, run):
        """Where a command can be cut: (name, switch)."""
        self.heal()
        run()
        for at in range(1, self.seen + 1):
            for late in (False, True):
                for lasting in (False, True):
                    name = (f"command {at}, {'answer' if late else 'command'} lost, "
                            f"{'gone' if lasting else 'there again'}")
                    yield name, lambda a=at, l=late, g=lasting: self.cut(a, l, g)

    def cut(self, at, late, lasting):
        self.heal()
        self.at, self.late, self.lasting = at, late, lasting


class HsmCuts:
    """Lets one call of a function, or all from one on, answer that the device is gone."""

    def __init__(self, world):
        self.shim = Shim(world, world.options.shim)
        self.heal = self.shim.set

    def places(self, run):
        self.heal()
        run()
        counts = {name: self.shim.calls(name) for name in FUNCTIONS}
        for function, total in counts.items():
            # Searches and attributes read are many, and all alike.
            for number, at in enumerate(range(1, total + 1, 1 if total < 12 else total // 6)):
                rv = (REMOVED, NOT_PRESENT, DEVICE_ERROR)[number % 3]
                for late, times in ((0, 1), (0, 9999), (1, 1)):
                    name = (f"{function} {at} of {total}, 0x{rv:x}, {'late, ' if late else ''}"
                            f"{times} times")
                    yield name, lambda f=function, a=at, t=times, w=late, v=rv: self.shim.set(
                        fn=f, at=a, times=t, late=w, rv=v)


def cuts_for(world):
    return TpmCuts(world) if world.kind == "tpm" else HsmCuts(world)
