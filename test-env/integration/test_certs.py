#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_certs.py: the certificates of a gate as everybody else reads them. openssl takes them out of
a permit and validates the path; a certificate authority certifies the device, and the gate is then
a did:x509; what does not fit is refused when it is given, not when it is used."""

import base64
import hashlib
import os
import subprocess

import cbor
from tap import Suite, equal, true
from world import GIT, LAX, main, read, write

suite = Suite()
DAY = 86400
EXTENSIONS = """[device]
basicConstraints=critical,CA:TRUE,pathlen:1
keyUsage=critical,digitalSignature,keyCertSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=DNS:gate-1.example.org
[leaf]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def openssl(*args, data=None, good=True):
    done = subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True,
                          check=False, timeout=600)
    if good is not None:
        equal(done.returncode == 0, good, f"openssl {' '.join(map(str, args))}: {done.stderr!r}")
    return done.stdout + done.stderr


def chain_of(header):
    """x5chain (33) as a list of DER."""
    value = header[33]
    return value if isinstance(value, list) else [value]


def unprotected(path):
    return cbor.decode(read(path)).value[1]


def pem(der):
    return openssl("x509", "-inform", "DER", data=der)


def valid(world, chain):
    """Writes the chain as files; openssl validates the path with the last one as the anchor."""
    names = []
    for number, der in enumerate(chain):
        names.append(f"{world.base}/{number}.crt")
        write(names[-1], pem(der))
    write(f"{world.base}/between.crt", b"".join(read(name) for name in names[1:-1]))
    between = ["-untrusted", f"{world.base}/between.crt"] if len(names) > 2 else []
    openssl("verify", "-x509_strict", "-check_ss_sig", "-partial_chain", "-trusted", names[-1],
            *between, names[0])


def text(der):
    return openssl("x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-dates", "-ext",
                   "subjectAltName", data=der).decode()


class Authority:
    """A certificate authority of openssl's."""

    def __init__(self, world):
        self.base = world.base
        write(f"{self.base}/ca.cnf", EXTENSIONS.encode())
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{self.base}/ca.key", "-out", f"{self.base}/ca.crt", "-subj",
                "/C=SE/O=Test CA", "-days", "4000", "-addext",
                "keyUsage=critical,keyCertSign")

    def certify(self, key, name="chain.pem", kind="device", days=3650):
        """Certifies a public key. Returns the chain's file."""
        der = openssl("x509", "-new", "-force_pubkey", key, "-CA", f"{self.base}/ca.crt", "-CAkey",
                      f"{self.base}/ca.key", "-subj", "/C=SE/O=Example/CN=gate-1.example.org",
                      "-days", str(days), "-extfile", f"{self.base}/ca.cnf", "-extensions", kind)
        write(f"{self.base}/{name}", der + read(f"{self.base}/ca.crt"))
        return f"{self.base}/{name}"

    def did(self, rest="::subject:C:SE:O:Example:CN:gate-1.example.org"):
        der = openssl("x509", "-in", f"{self.base}/ca.crt", "-outform", "DER")
        digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
        return f"did:x509:0:sha256:{digest}{rest}"


@suite.test("the device certifies itself", at="epoch1")
def the_device_certifies_itself(world):
    """A permit of a gate that nobody has certified: one chain, to the device's own certificate."""
    path = f"{world.permits}/0.cose"
    header = unprotected(path)
    chain = chain_of(header)
    equal(len(chain), 2 if world.kind == "tpm" else 3, "certificates")
    valid(world, chain)
    true("dnQualifier" in text(chain[0]) and "CN = gate-1" in text(chain[0]), text(chain[0]))
    true("URI:dev.pawl:example.org/gate-1" in text(chain[0]), text(chain[0]))
    true("9999" in text(chain[-1]), text(chain[-1]))
    receipt = cbor.decode(header[394][0]).value[1]
    equal(chain_of(receipt), chain[1:], "the receipt's chain")
    equal(read(f"{world.state}/device.crt"), chain[-1], "the copy on the disk")


@suite.test("an authority certifies the device", at="enrolled")
def an_authority_certifies_the_device(world):
    """The two steps, and what everybody sees then."""
    key = f"{world.base}/device.pem"
    world.init("--device-key", key)
    authority = Authority(world)
    chain_file = authority.certify(key)
    got = world.init("--device-chain", chain_file)
    equal(got["issuer"], authority.did(), "issuer")
    equal(world.init()["issuer"], authority.did(), "issuer after one more init")
    world.install(world.next_epoch(LAX))
    world.check(GIT, True, 1)
    world.sound(1)
    chain = chain_of(unprotected(f"{world.permits}/0.cose"))
    equal(len(chain), 3 if world.kind == "tpm" else 4, "certificates")
    valid(world, chain)
    claims = cbor.decode(cbor.decode(read(f"{world.permits}/0.cose")).value[0])[15]
    equal(claims[1], authority.did(), "iss")
    true(not os.path.exists(f"{world.state}/device.crt"), "a certificate that nobody asked for")


@suite.test("the identifier may be another one", at="enrolled")
def another_predicate(world):
    key = f"{world.base}/device.pem"
    world.init("--device-key", key)
    authority = Authority(world)
    did = authority.did("::san:dns:gate-1.example.org")
    world.init("--device-chain", authority.certify(key), "--issuer", did)
    world.install(world.next_epoch(LAX))
    world.check(GIT, True, 1)


@suite.test("what does not fit is refused", at="enrolled")
def what_does_not_fit_is_refused(world):
    key, other = f"{world.base}/device.pem", f"{world.base}/other.pem"
    world.init("--device-key", key)
    authority = Authority(world)
    good = authority.certify(key)
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{other}.key")
    write(other, openssl("pkey", "-in", f"{other}.key", "-pubout"))
    before = world.enrolment_bytes()
    write(f"{world.base}/key.pem", read(f"{other}.key") + read(good))
    cases = (
        (("--issuer", authority.did()), "USAGE"),
        (("--device-chain", f"{world.base}/none"), "NOT_FOUND"),
        (("--device-chain", f"{world.base}/key.pem"), "CERT_MALFORMED"),
        (("--device-chain", authority.certify(other, "other-chain.pem")), "CERT_CHAIN"),
        (("--device-chain", authority.certify(key, "leaf.pem", "leaf")), "CERT_CHAIN"),
        (("--device-chain", f"{world.base}/ca.crt"), "DID_REFUSED"),
        (("--device-chain", good, "--issuer", authority.did("::subject:CN:gate-2")), "DID_REFUSED"),
        (("--device-chain", good, "--issuer", "did:x509:1:x"), "DID_MALFORMED"),
        (("--device-chain", good, "--issuer", "https://example.org"), "FORMAT"),
    )
    for words, want in cases:
        world.init(*words, want=want)
        equal(read(f"{world.state}/enrolment.cbor"), before, f"enrolment after {words}")


@suite.test("records keep their issuer", at="epoch1")
def records_keep_their_issuer(world):
    """Once there are records, their issuer stays; its certificates may be renewed."""
    key = f"{world.base}/device.pem"
    world.init("--device-key", key)
    authority = Authority(world)
    world.init("--device-chain", authority.certify(key), want="EXISTS")
    world.check(GIT, True, 1)

    world.go("enrolled")
    world.init("--device-key", key)
    world.init("--device-chain", authority.certify(key))
    world.install(world.next_epoch(LAX))
    world.check(GIT, True, 1)
    world.init("--device-chain", authority.certify(key, "renewed.pem", days=3000))
    world.check(GIT, True, 1)
    world.sound(1)


if __name__ == "__main__":
    main(suite)
