# SPDX-License-Identifier: Apache-2.0
"""p11.py: a token through its module's own functions, for what pkcs11-tool cannot ask: copies,
changed attributes, keys made with exactly the attributes of another. PKCS#11 2.40."""

import ctypes
import os
import pickle
import traceback

ULONG = ctypes.c_ulong
FUNCTIONS = {
    "Initialize": 0, "Finalize": 1, "GetSlotList": 4, "GetTokenInfo": 6, "OpenSession": 12,
    "Login": 18, "CreateObject": 20, "CopyObject": 21, "DestroyObject": 22,
    "GetAttributeValue": 24, "SetAttributeValue": 25, "FindObjectsInit": 26, "FindObjects": 27,
    "FindObjectsFinal": 28, "SignInit": 42, "Sign": 43, "GenerateKey": 58, "GenerateKeyPair": 59,
    "WrapKey": 60,
}
CLASS, TOKEN, PRIVATE, LABEL, APPLICATION, VALUE, TRUSTED = 0, 1, 2, 3, 0x10, 0x11, 0x86
KEY_TYPE, ID, SENSITIVE, DECRYPT, WRAP, UNWRAP = 0x100, 0x102, 0x103, 0x105, 0x106, 0x107
SIGN, SIGN_RECOVER, VERIFY, DERIVE, VALUE_LEN = 0x108, 0x109, 0x10A, 0x10C, 0x161
EXTRACTABLE, MODIFIABLE, COPYABLE, DESTROYABLE = 0x162, 0x170, 0x171, 0x172
EC_PARAMS, EC_POINT, ALLOWED_MECHANISMS = 0x180, 0x181, 0x40000600
DATA, PUBLIC_KEY, PRIVATE_KEY = 0, 2, 3
EC_KEY_PAIR_GEN, ECDSA, AES_KEY_GEN, AES_KEY_WRAP_PAD = 0x1040, 0x1041, 0x1080, 0x210A
P256 = bytes.fromhex("06082a8648ce3d030107")
RV_ATTRIBUTE_SENSITIVE, RV_ACTION_PROHIBITED, RV_KEY_UNEXTRACTABLE = 0x11, 0x1B, 0x6A
RW_SERIAL = 6


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", ctypes.c_char_p), ("length", ULONG)]


class Mechanism(ctypes.Structure):
    _fields_ = [("type", ULONG), ("parameter", ctypes.c_void_p), ("length", ULONG)]


class Refused(Exception):
    def __init__(self, call, code):
        super().__init__(f"C_{call}: 0x{code:x}")
        self.code = code


def octets(value):
    if isinstance(value, bool):
        return b"\1" if value else b"\0"
    if isinstance(value, int):
        return ctypes.string_at(ctypes.byref(ULONG(value)), ctypes.sizeof(ULONG))
    return value.encode() if isinstance(value, str) else value


def template(attributes):
    """From {type: value}; booleans, numbers, text and bytes."""
    rows = [(kind, octets(value)) for kind, value in attributes.items()]
    return (Attribute * len(rows))(*((kind, value, len(value)) for kind, value in rows)), len(rows)


class Session:
    """A session on the one token with this label, logged in as its user (1), as its security
    officer (0), or not at all (None)."""

    def __init__(self, hardware, user=1):
        self.library = ctypes.CDLL(hardware.module)
        table = ctypes.POINTER(ctypes.c_void_p)()
        self.library.C_GetFunctionList(ctypes.byref(table))
        self.table = table
        self.call("Initialize", None)
        self.slot = self.find_slot(hardware.label)
        self.handle = ULONG()
        self.call("OpenSession", self.slot, ULONG(RW_SERIAL), None, None,
                  ctypes.byref(self.handle))
        if user is not None:
            pin = (hardware.pin if user else hardware.so_pin).encode()
            self.do("Login", ULONG(user), pin, ULONG(len(pin)))

    def call(self, name, *arguments):
        # The first pointer of the list stands behind its version.
        function = ctypes.CFUNCTYPE(ULONG)(self.table[1 + FUNCTIONS[name]])
        code = function(*arguments)
        if code:
            raise Refused(name, code)

    def do(self, name, *arguments):
        self.call(name, self.handle, *arguments)

    def find_slot(self, label):
        slots, count = (ULONG * 64)(), ULONG(64)
        self.call("GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
        for slot in slots[: count.value]:
            info = ctypes.create_string_buffer(512)
            self.call("GetTokenInfo", ULONG(slot), info)
            if info.raw[:32].decode().rstrip() == label:
                return ULONG(slot)
        raise LookupError(label)

    def flags(self):
        """CK_TOKEN_INFO.flags: behind label, maker, model and serial."""
        info = ctypes.create_string_buffer(512)
        self.call("GetTokenInfo", self.slot, info)
        return ULONG.from_buffer_copy(info.raw, 96).value

    def find(self, attributes):
        rows, count = template(attributes)
        self.do("FindObjectsInit", rows, ULONG(count))
        found, number = (ULONG * 256)(), ULONG()
        self.do("FindObjects", found, ULONG(256), ctypes.byref(number))
        self.do("FindObjectsFinal")
        return list(found[: number.value])

    def key(self, label):
        """The one private key of a label."""
        (handle,) = self.find({CLASS: PRIVATE_KEY, LABEL: label})
        return handle

    def get(self, handle, kind):
        row = Attribute(kind, None, 0)
        self.do("GetAttributeValue", ULONG(handle), ctypes.byref(row), ULONG(1))
        space = ctypes.create_string_buffer(row.length)
        row.value = ctypes.cast(space, ctypes.c_char_p)
        self.do("GetAttributeValue", ULONG(handle), ctypes.byref(row), ULONG(1))
        return space.raw[: row.length]

    def set(self, handle, **attributes):
        rows, count = template({globals()[name]: value for name, value in attributes.items()})
        self.do("SetAttributeValue", ULONG(handle), rows, ULONG(count))

    def create(self, attributes):
        rows, count = template(attributes)
        self.do("CreateObject", rows, ULONG(count), ctypes.byref(ULONG()))

    def copy(self, handle, attributes):
        rows, count = template(attributes)
        self.do("CopyObject", ULONG(handle), rows, ULONG(count), ctypes.byref(ULONG()))

    def destroy(self, handle):
        self.do("DestroyObject", ULONG(handle))

    def sign(self, handle, digest):
        self.do("SignInit", ctypes.byref(Mechanism(ECDSA, None, 0)), ULONG(handle))
        space, size = ctypes.create_string_buffer(64), ULONG(64)
        self.do("Sign", digest, ULONG(len(digest)), space, ctypes.byref(size))
        return space.raw[: size.value]

    def wrap(self, handle):
        """Under an AES key of our own."""
        rows, count = template({WRAP: True, VALUE_LEN: 32, TOKEN: False})
        key = ULONG()
        self.do("GenerateKey", ctypes.byref(Mechanism(AES_KEY_GEN, None, 0)), rows, ULONG(count),
                ctypes.byref(key))
        space, size = ctypes.create_string_buffer(512), ULONG(512)
        self.do("WrapKey", ctypes.byref(Mechanism(AES_KEY_WRAP_PAD, None, 0)), key, ULONG(handle),
                space, ctypes.byref(size))
        return space.raw[: size.value]

    def generate(self, label, identifier):
        """A P-256 key with the attributes that pawl gives an epoch key. Returns handle and
        point."""
        public, n_public = template({TOKEN: False, PRIVATE: False, VERIFY: True, EC_PARAMS: P256})
        private, n_private = template({
            TOKEN: True, PRIVATE: True, SENSITIVE: True, EXTRACTABLE: False, COPYABLE: False,
            MODIFIABLE: False, DESTROYABLE: True, SIGN: True, SIGN_RECOVER: False, DECRYPT: False,
            UNWRAP: False, DERIVE: False, ALLOWED_MECHANISMS: ECDSA, ID: identifier, LABEL: label})
        one, two = ULONG(), ULONG()
        self.do("GenerateKeyPair", ctypes.byref(Mechanism(EC_KEY_PAIR_GEN, None, 0)), public,
                ULONG(n_public), private, ULONG(n_private), ctypes.byref(one), ctypes.byref(two))
        return two.value, self.get(one.value, EC_POINT)[-64:]


def with_session(hardware, work, user=1):
    """Runs work(session) in a process of its own, since a module belongs to the process that loaded
    it, and returns what it returns. What it raises is raised here."""
    back, out = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.environ.update(hardware.env)
            answer = (True, work(Session(hardware, user)))
        except Refused as refused:
            answer = (False, str(refused))
        except BaseException:  # pylint: disable=broad-except
            answer = (False, traceback.format_exc())
        with os.fdopen(out, "wb") as pipe:
            pipe.write(pickle.dumps(answer))
        os._exit(0)
    os.close(out)
    with os.fdopen(back, "rb") as pipe:
        good, answer = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    if not good:
        raise AssertionError(answer)
    return answer
