# SPDX-License-Identifier: Apache-2.0
"""wire.py: an outsider's own TPM commands, sent straight to the software TPM, and the digests that
they need, computed here once more from docs/formats.md. No TPM library between."""

import hashlib
import socket
import struct

NULL, OWNER, PLATFORM, PASSWORD = 0x40000007, 0x40000001, 0x4000000C, 0x40000009
SHA256, ECC, ECDSA, ALG_NULL, P256 = 0x000B, 0x0023, 0x0018, 0x0010, 0x0003
LE, LT = 0x0009, 0x0005  # TPM_EO_UNSIGNED_LE, TPM_EO_UNSIGNED_LT
SIGN, NV_INCREMENT, NV_EXTEND, NV_CERTIFY, NV_READ = 0x15D, 0x134, 0x136, 0x184, 0x14E
RC_POLICY, RC_PCR_CHANGED, RC_POLICY_FAIL, RC_AUTH_TYPE = 0x126, 0x128, 0x09D, 0x124
RC_AUTH_UNAVAILABLE, RC_VALUE = 0x12F, 0x084


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def sized(data):
    return struct.pack(">H", len(data)) + data


class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"TPM_RC 0x{code:x}")
        self.code = code

    def base(self):
        """Without the part that says which handle, session or parameter it is about."""
        return self.code & 0xBF if self.code & 0x80 else self.code


class Wire:
    """One connection; swtpm serves one at a time, so it is opened for each command."""

    def __init__(self, path):
        self.path = path

    def send(self, code, body, sessions=b"", handles=b""):
        """Returns what follows the response header. Raises Refused."""
        tag = 0x8002 if sessions else 0x8001
        area = struct.pack(">I", len(sessions)) + sessions if sessions else b""
        rest = handles + area + body
        message = struct.pack(">HII", tag, 10 + len(rest), code) + rest
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.path)
            link.sendall(message)
            head = self.receive(link, 10)
            _, size, answer = struct.unpack(">HII", head)
            data = self.receive(link, size - 10)
        if answer:
            raise Refused(answer)
        return data

    @staticmethod
    def receive(link, size):
        data = b""
        while len(data) < size:
            part = link.recv(size - len(data))
            if not part:
                raise EOFError("the TPM hung up")
            data += part
        return data

    # ---- sessions ----

    def start(self):
        body = sized(bytes(16)) + sized(b"") + b"\x01" + struct.pack(">HH", ALG_NULL, SHA256)
        data = self.send(0x176, body, handles=struct.pack(">II", NULL, NULL))
        return struct.unpack(">I", data[:4])[0]

    def save(self, handle):
        return self.send(0x162, b"", handles=struct.pack(">I", handle))

    def load(self, context):
        return struct.unpack(">I", self.send(0x161, context)[:4])[0]

    def flush(self, handle):
        self.send(0x165, struct.pack(">I", handle))

    @staticmethod
    def auth(session=PASSWORD):
        return struct.pack(">IHBH", session, 0, 1 if session != PASSWORD else 0, 0)

    # ---- policy ----

    def policy_nv(self, session, index, operand, operation):
        body = sized(struct.pack(">Q", operand)) + struct.pack(">HH", 0, operation)
        self.send(0x149, body, self.auth(), struct.pack(">III", index, index, session))

    def policy_pcr(self, session):
        selection = struct.pack(">IHB", 1, SHA256, 3) + bytes(3)
        self.send(0x17F, sized(b"") + selection, handles=struct.pack(">I", session))

    def policy_command(self, session, command):
        self.send(0x16C, struct.pack(">I", command), handles=struct.pack(">I", session))

    def policy_authorize(self, session, approved, ref, name, ticket):
        body = sized(approved) + sized(ref) + sized(name) + ticket
        self.send(0x16A, body, handles=struct.pack(">I", session))

    def policy_or(self, session, branches):
        body = struct.pack(">I", len(branches)) + b"".join(map(sized, branches))
        self.send(0x171, body, handles=struct.pack(">I", session))

    def policy_digest(self, session):
        return self.send(0x189, b"", handles=struct.pack(">I", session))[2:]

    # ---- keys ----

    def load_external(self, public):
        data = self.send(0x167, sized(b"") + sized(public) + struct.pack(">I", OWNER))
        return struct.unpack(">I", data[:4])[0]

    def verify(self, handle, digest, signature):
        """The ticket, as it goes into PolicyAuthorize."""
        body = sized(digest) + struct.pack(">HH", ECDSA, SHA256)
        body += sized(signature[:32]) + sized(signature[32:])
        return self.send(0x177, body, handles=struct.pack(">I", handle))

    def sign(self, key, digest, session=PASSWORD):
        """r || s."""
        body = sized(digest) + struct.pack(">H", ALG_NULL)
        body += struct.pack(">HIH", 0x8024, NULL, 0)  # no hash check ticket
        data = self.send(SIGN, body, self.auth(session), struct.pack(">I", key))[4:]
        size = struct.unpack(">H", data[4:6])[0]
        second = data[6 + size + 2 :]
        return data[6 : 6 + size].rjust(32, b"\0") + second[:32]

    def certify(self, key, index, session=PASSWORD):
        body = sized(bytes(32)) + struct.pack(">HHH", ALG_NULL, 8, 0)
        auths = self.auth(session) + self.auth()
        return self.send(NV_CERTIFY, body, auths, struct.pack(">III", key, index, index))

    # ---- the counter ----

    def global_write_lock(self, hierarchy):
        self.send(0x132, b"", self.auth(), struct.pack(">I", hierarchy))

    def increment(self, index, session=PASSWORD):
        self.send(NV_INCREMENT, b"", self.auth(session), struct.pack(">II", index, index))

    def counter(self, index):
        body = struct.pack(">HH", 8, 0)
        data = self.send(NV_READ, body, self.auth(), struct.pack(">II", index, index))
        return struct.unpack(">Q", data[6:14])[0]


def served(snapshot):
    """The branch that binds a grant to a snapshot, given by its digest."""
    return sha(b"pawl-served-v1\0", snapshot)


class Plan:
    """What root metadata version 1 makes of a gate's counter and keys."""

    def __init__(self, root, domain, base, ratchet_points):
        self.root, self.domain, self.base = root, domain.encode(), base
        self.public = [self.verifier(point) for point in ratchet_points]
        self.names = [struct.pack(">H", SHA256) + sha(public) for public in self.public]

    @staticmethod
    def verifier(point):
        """TPMT_PUBLIC of an authority's key: sign, userWithAuth."""
        area = struct.pack(">HHIH", ECC, SHA256, 0x00040040, 0)
        area += struct.pack(">HHHHH", ALG_NULL, ECDSA, SHA256, P256, ALG_NULL)
        return area + sized(point[0]) + sized(point[1])

    def ref(self, purpose):
        return sha(b"pawl-ref-v1\0", purpose.encode(), b"\0", self.root, self.domain)

    def branches(self, purpose):
        code = struct.pack(">I", 0x16A)
        branches = [sha(sha(bytes(32), code, name), self.ref(purpose)) for name in self.names]
        if purpose == "bump":
            branches.append(sha(b"pawl-base-v1\0", struct.pack(">Q", self.base)))
        return branches

    @staticmethod
    def either(branches):
        """The digest after PolicyOR."""
        return sha(bytes(32), struct.pack(">I", 0x171), *branches)

    def counter_name(self, index):
        """Once written: COUNTER, POLICYWRITE, AUTHREAD, NO_DA, WRITTEN."""
        area = struct.pack(">IHI", index, SHA256, 0x22040018)
        area += sized(self.either(self.branches("bump"))) + struct.pack(">H", 8)
        return struct.pack(">H", SHA256) + sha(area)

    def approved(self, purpose, index, epoch, snapshot):
        """What a grant's digest has to be."""
        command = {"bump": NV_INCREMENT, "sign": SIGN, "certify": NV_CERTIFY}[purpose]
        compare = LT if purpose == "bump" else LE
        no_pcr = struct.pack(">IHB", 1, SHA256, 3) + bytes(3)
        limit = sha(struct.pack(">QHH", self.base + epoch, 0, compare))
        digest = sha(bytes(32), struct.pack(">I", 0x17F), no_pcr, sha(b""))
        digest = sha(digest, struct.pack(">I", 0x149), limit, self.counter_name(index))
        digest = sha(digest, struct.pack(">II", 0x16C, command))
        return digest if purpose == "bump" else self.either([digest, served(snapshot)])


def restart_in_order(hardware):
    """TPM2_Shutdown(CLEAR), and on again: the orderly counter stays, the chain of the boot goes."""
    Wire(hardware.socket).send(0x145, b"\0\0")
    hardware.stop()
    hardware.start()
