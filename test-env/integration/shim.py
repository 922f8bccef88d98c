# SPDX-License-Identifier: Apache-2.0
"""shim.py: the switches of p11_fault.so, a PKCS#11 module that passes calls on to the real one,
counts them, and is told through a file to kill or to answer otherwise (see faults/p11_fault.h)."""

import os
import struct

from tap import Skip

FUNCTIONS = (
    "C_Initialize", "C_Finalize", "C_GetInfo", "C_GetSlotList", "C_GetTokenInfo",
    "C_GetMechanismInfo", "C_OpenSession", "C_CloseSession", "C_CloseAllSessions", "C_Login",
    "C_Logout", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_GetAttributeValue",
    "C_CreateObject", "C_DestroyObject", "C_GenerateKeyPair", "C_SignInit", "C_Sign",
    "C_VerifyInit", "C_Verify",
)
ORDER_MAX = 2048
LAYOUT = struct.Struct(f"@256s{len(FUNCTIONS) + 1}I 3I 4I Q Q 3I Q I Q I Q Q Q I {ORDER_MAX}s 2I")
ROOM = 4096  # the switches that follow are all off
MODULE, CALLS = 0, 1
TOTAL = CALLS + len(FUNCTIONS) + 1
INSIDE = TOTAL + 2
KILL_AT, FN, AT, TIMES, LATE, RV, FLAGS = (TOTAL + n for n in (1, 3, 4, 5, 6, 7, 8))
ORDER, STALL, DELAY = -3, -2, -1


class Shim:
    """Put between pawl and the token of a world, before init."""

    def __init__(self, world, path):
        if not path:
            raise Skip("p11_fault.so is not here: it is built where cmocka is")
        hardware = world.hardware
        self.file = f"{world.base}/shim"
        self.real = hardware.module
        hardware.uri = hardware.uri.replace(hardware.module, os.path.abspath(path))
        hardware.env["PAWL_P11_FAULT"] = self.file
        self.set()

    def set(self, **switches):
        """Begins to count anew, with these switches on and all others off. kill_at: SIGKILL instead
        of that call; fn, at, times, rv: what these calls answer; flags: added to the token's."""
        with open(self.file, "wb") as file:
            file.write(self.pack(switches).ljust(ROOM, b"\0"))

    def turn(self, **switches):
        """The same while a process has the file mapped: it never gets shorter."""
        with open(self.file, "r+b", buffering=0) as file:
            file.write(self.pack(switches))

    def pack(self, switches):
        fields = list(LAYOUT.unpack(bytes(LAYOUT.size)))
        fields[MODULE] = self.real.encode()
        for name, value in switches.items():
            number = {"kill_at": KILL_AT, "fn": FN, "at": AT, "times": TIMES, "late": LATE,
                      "rv": RV, "flags": FLAGS, "stall_ms": STALL, "delay_us": DELAY}[name]
            fields[number] = 1 + FUNCTIONS.index(value) if name == "fn" else value
        return LAYOUT.pack(*fields)

    def fields(self):
        with open(self.file, "rb") as file:
            return LAYOUT.unpack(file.read(LAYOUT.size))

    def total(self):
        return self.fields()[TOTAL]

    def calls(self, name):
        return self.fields()[CALLS + 1 + FUNCTIONS.index(name)]

    def order(self):
        """The functions that were called since, in order."""
        fields = self.fields()
        return [FUNCTIONS[number - 1] for number in fields[ORDER][: fields[ORDER - 1]]]

    def inside(self):
        """Whether a call is at the token. A device ends it, whoever asked is there or not; SoftHSM
        dies with who loaded it, and then its files are half written."""
        return self.fields()[INSIDE] != 0
