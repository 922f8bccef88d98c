# SPDX-License-Identifier: Apache-2.0
"""forge.py: what an attacker, or an authority that went wrong, can put together: bundles from parts
of other bundles, and signed objects with any keys. Independent of the code under test; the
signatures are made by openssl."""

import hashlib
import os
import subprocess
import tempfile

import cbor
from wire import Plan
from world import read, write

ES256 = -7
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


class Key:
    """A P-256 key in a PEM file, made unless it is there."""

    def __init__(self, path):
        self.path = path
        if not os.path.exists(path):
            openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-out", path)
        point = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")[-64:]
        self.point = (point[:32], point[32:])
        # RFC 9679: the thumbprint is over the required members alone.
        self.kid = hashlib.sha256(cbor.encode({1: 2, -1: 1, -2: point[:32], -3: point[32:]}))
        self.kid = self.kid.digest()

    def sign(self, data):
        """r || s over SHA-256(data)."""
        with tempfile.TemporaryDirectory() as directory:
            path = f"{directory}/data"
            write(path, data)
            der = openssl("dgst", "-sha256", "-sign", self.path, path)
        return raw_signature(der)

    def public(self):
        return {1: 2, 3: ES256, -1: 1, -2: self.point[0], -3: self.point[1]}


def raw_signature(der):
    """SEQUENCE { INTEGER r, INTEGER s }, both below 128 bytes."""
    at, parts = 2, []
    for _ in range(2):
        size = der[at + 1]
        parts.append(int.from_bytes(der[at + 2 : at + 2 + size], "big").to_bytes(32, "big"))
        at += 2 + size
    return b"".join(parts)


def text_id(digest):
    return "sha256:" + digest.hex()


def digest_of(signed):
    return hashlib.sha256(signed).digest()


def root_digest(signed):
    """Of root metadata: version 1 by its bytes, later ones by what is signed."""
    root = Signed(signed)
    if root.content()["version"] == 1:
        return digest_of(signed)
    return digest_of(b"pawl-root-v1\0" + len(root.protected).to_bytes(8, "big") + root.protected
                     + root.payload)


class Signed:
    """A COSE_Sign object: protected header, payload, signatures."""

    def __init__(self, data):
        tag = cbor.decode(data)
        assert tag.number == 98
        self.protected, self.unprotected, self.payload, self.signatures = tag.value

    def content(self):
        return cbor.decode(self.payload)

    def claims(self):
        return cbor.decode(self.protected)[15]

    def edit(self, content=None, claims=None):
        """Members to set; the signatures do not fit any more."""
        if content:
            self.payload = cbor.encode({**self.content(), **content})
        if claims:
            header = cbor.decode(self.protected)
            header[15] = {**header[15], **claims}
            self.protected = cbor.encode(header)
        return self

    def without(self, *members):
        content = self.content()
        for member in members:
            del content[member]
        self.payload = cbor.encode(content)
        return self

    def sign(self, *keys):
        """Replaces all signatures."""
        self.signatures = []
        return self.cosign(*keys)

    def cosign(self, *keys):
        for key in keys:
            protected = cbor.encode({1: ES256, 4: key.kid})
            signed = cbor.encode(["Signature", self.protected, protected, b"", self.payload])
            self.signatures.append([protected, {}, key.sign(signed)])
        return self

    def turn(self):
        """The first signature in its other form, (r, n - s): as valid as before."""
        protected, unprotected, value = self.signatures[0]
        other = (P256_ORDER - int.from_bytes(value[32:], "big")).to_bytes(32, "big")
        self.signatures[0] = [protected, unprotected, value[:32] + other]
        return self

    def kids(self):
        return [cbor.decode(signature[0])[4] for signature in self.signatures]

    def keep(self, count):
        self.signatures = self.signatures[:count]
        return self

    def snapshot_digest(self):
        """Over what is signed, not over the signatures."""
        size = len(self.protected).to_bytes(8, "big")
        return digest_of(b"pawl-snapshot-v1\0" + size + self.protected + self.payload)

    def bytes(self):
        return cbor.encode(cbor.Tag(98, [self.protected, self.unprotected, self.payload,
                                         self.signatures]))


class Bundle:
    """What publish writes, as lists that can be changed."""

    def __init__(self, path):
        parts = cbor.decode(read(path))
        self.roots, self.grants = parts["roots"], parts["grants"]
        self.policies, self.snapshot = parts["policies"], parts.get("snapshot")

    def bytes(self):
        parts = {"roots": self.roots, "grants": self.grants, "policies": self.policies}
        if self.snapshot is not None:
            parts["snapshot"] = self.snapshot
        return cbor.encode(parts)

    def save(self, path):
        write(path, self.bytes())
        return path

    def signed(self):
        return Signed(self.snapshot)

    def plan(self, base=64):
        """What the root metadata makes of a TPM's counter and keys."""
        content = Signed(self.roots[0]).content()
        keys = [content["keys"][kid] for kid in content["roles"]["ratchet"][1]]
        points = [(key[-2], key[-3]) for key in keys]
        return Plan(digest_of(self.roots[0]), content["domain"], base, points)

    def grant_again(self, keys):
        """The grants that name a snapshot, made for the one that is here now."""
        snapshot = self.signed().snapshot_digest()
        for grant in self.grants:
            if grant["for"] not in ("sign", "certify"):
                continue
            plan, key = self.plan(grant["base"]), next(k for k in keys if k.kid == grant["kid"])
            grant["digest"] = plan.approved(grant["for"], grant["index"], grant["epoch"], snapshot)
            grant["signature"] = key.sign(grant["digest"] + plan.ref(grant["for"]))
        return self

    def policy(self, alias, version):
        """Place and object of a policy."""
        for place, data in enumerate(self.policies):
            content = Signed(data).content()
            if (content["alias"], content["version"]) == (alias, version):
                return place, Signed(data)
        raise KeyError((alias, version))

    def replace_policy(self, place, data, keys):
        """Another object at a place, and the snapshot signed over it."""
        content = Signed(data).content()
        self.policies[place] = data
        listed = dict(self.signed().content()["policies"])
        listed[content["alias"]] = [content["version"], digest_of(data)]
        self.snapshot = self.signed().edit({"policies": listed}).sign(*keys).bytes()
        return self


def role_keys(authority, role):
    """The keys that an authority keeps in its directory for a role."""
    names = sorted(os.listdir(f"{authority}/keys"))
    return [Key(f"{authority}/keys/{name}") for name in names if name.startswith(role + "-")]


def policy_keys(authority):
    """Those that the world made for it."""
    parent, name = os.path.split(authority)
    found = sorted(file for file in os.listdir(parent) if file.startswith(f"{name}.policy-"))
    return [Key(f"{parent}/{file}") for file in found]
