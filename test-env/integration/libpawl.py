# SPDX-License-Identifier: Apache-2.0
"""libpawl.py: the client library as any program would load it; and a judge of permits by it."""

import ctypes
import os

from tap import Skip, equal
from world import read


class Bytes(ctypes.Structure):
    _fields_ = [("ptr", ctypes.c_char_p), ("len", ctypes.c_size_t)]

    @classmethod
    def of(cls, data):
        return cls(data, len(data))


class Raw(ctypes.Structure):
    """The same as a result: c_char_p would end at a NUL."""

    _fields_ = [("ptr", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def load(world):
    path = os.path.join(os.path.dirname(world.program), "..", "client", "libpawl.so.0")
    if world.options.variant in ("sanitize", "tsan") or not os.path.exists(path):
        raise Skip("there is no libpawl that can be loaded here")
    lib = ctypes.CDLL(os.path.abspath(path))
    lib.pawl_answer_permit.restype = Raw
    for name in ("pawl_permit_epoch", "pawl_permit_ledger_index"):
        getattr(lib, name).restype = ctypes.c_uint64
    for name in ("pawl_answer_reason", "pawl_answer_why", "pawl_errname"):
        getattr(lib, name).restype = ctypes.c_char_p
    lib.pawl_open.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    lib.pawl_ask.argtypes = [ctypes.c_void_p, Bytes, ctypes.c_uint, ctypes.c_void_p,
                             ctypes.c_void_p]
    lib.pawl_gate_new.argtypes = [Bytes, Bytes, ctypes.c_void_p, ctypes.c_void_p]
    lib.pawl_verify.argtypes = [ctypes.c_void_p, Bytes, ctypes.c_uint, ctypes.c_void_p,
                                ctypes.c_void_p]
    lib.pawl_permit_is_for.argtypes = [ctypes.c_void_p, Bytes, ctypes.c_void_p]
    for name in ("pawl_answer_permitted", "pawl_answer_reason", "pawl_answer_permit",
                 "pawl_permit_permitted", "pawl_permit_sealed", "pawl_permit_epoch",
                 "pawl_permit_ledger_index", "pawl_close", "pawl_answer_free", "pawl_permit_free",
                 "pawl_gate_free"):
        getattr(lib, name).argtypes = [ctypes.c_void_p]
    return lib


class Judge:
    """Verifies permits offline, without a process for each."""

    def __init__(self, world):
        self.lib, self.gate = load(world), ctypes.c_void_p()
        self.why = ctypes.create_string_buffer(512)
        equal(self.lib.pawl_gate_new(Bytes.of(read(world.root)), Bytes.of(read(world.enrolment)),
                                     ctypes.byref(self.gate), self.why), 0, self.why.value)

    def close(self):
        self.lib.pawl_gate_free(ctypes.byref(self.gate))

    def judge(self, data):
        """A permit, or a denial in that form. Returns decision, epoch and place in the ledger."""
        permit = ctypes.c_void_p()
        equal(self.lib.pawl_verify(self.gate, Bytes.of(data), 0, ctypes.byref(permit), self.why),
              0, f"pawl_verify: {self.why.value}")
        got = (self.lib.pawl_permit_permitted(permit) == 1, self.lib.pawl_permit_epoch(permit),
               self.lib.pawl_permit_ledger_index(permit))
        self.lib.pawl_permit_free(ctypes.byref(permit))
        return got
