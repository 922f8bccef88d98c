# SPDX-License-Identifier: Apache-2.0
"""did.py: did:x509, method version 0 (github.com/microsoft/did-x509), over certificates that
python3-cryptography reads. That the path holds is judged in certs.py."""

import base64
import hashlib
import re
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.x509.oid import ExtensionOID as Oid
from cryptography.x509.oid import NameOID

from shape import Refused, need

LABELS = {NameOID.COMMON_NAME: "CN", NameOID.LOCALITY_NAME: "L",
          NameOID.STATE_OR_PROVINCE_NAME: "ST", NameOID.ORGANIZATION_NAME: "O",
          NameOID.ORGANIZATIONAL_UNIT_NAME: "OU", NameOID.COUNTRY_NAME: "C",
          NameOID.STREET_ADDRESS: "STREET"}
FULCIO_ISSUER = "1.3.6.1.4.1.57264.1.1"
OBJECT = re.compile(r"[0-9]+(\.[0-9]+)*")
VALUE = re.compile(r"([A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+")
NAMES = {"email": x509.RFC822Name, "dns": x509.DNSName, "uri": x509.UniformResourceIdentifier}


def is_did(issuer):
    return isinstance(issuer, str) and issuer.startswith("did:x509:")


def like(text, pattern, what):
    need(pattern.fullmatch(text), f"a did:x509 whose {what} is {text!r}")


def fingerprint(text):
    """Name of the hash, and its octets."""
    name, _, encoded = text.partition(":")
    need(name in ("sha256", "sha384", "sha512"), f"a did:x509 with hash {name!r}")
    found = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)) if re.fullmatch(
        "[A-Za-z0-9_-]*", encoded) and len(encoded) % 4 != 1 else b""
    need(len(found) == hashlib.new(name).digest_size, "a did:x509 with another length of hash")
    again = base64.urlsafe_b64encode(found).decode().rstrip("=")
    need(again == encoded, "a did:x509 whose hash has another form")
    return name, found


def predicate(text):
    name, colon, value = text.partition(":")
    need(colon and name in ("subject", "san", "eku", "fulcio-issuer"), f"predicate {text!r}")
    if name == "subject":
        items = value.split(":")
        keys, values = items[::2], items[1::2]
        need(len(keys) == len(values) <= 32 and len(set(keys)) == len(keys), "pairs of a subject")
        for key in keys:
            if key not in LABELS.values():
                like(key, OBJECT, "key")
        for each in values:
            like(each, VALUE, "value")
    elif name == "san":
        kind, _, rest = value.partition(":")
        need(kind in NAMES, f"subjectAltName of type {kind!r}")
        like(rest, VALUE, "value")
    else:
        like(value, OBJECT if name == "eku" else VALUE, name)
    return name, value


def parse(text):
    """The hash, and the predicates."""
    need(len(text.encode()) <= 1024 and not set("#/?") & set(text), "a did:x509 URL, or too long")
    need(text.startswith("did:x509:0:"), "a did:x509 of another version")
    first, *rest = text.removeprefix("did:x509:0:").split("::")
    need(1 <= len(rest) <= 16, "a did:x509 without predicates, or with too many")
    return fingerprint(first), [predicate(each) for each in rest]


# ---- certificates -------------------------------------------------------------------------------


def extension(certificate, oid):
    try:
        return certificate.extensions.get_extension_for_oid(oid)
    except x509.ExtensionNotFound:
        return None


def readable(certificate):
    for name in (certificate.subject, certificate.issuer):
        oids = [attribute.oid for attribute in name]
        need(len(set(oids)) == len(oids), "a name with an attribute twice")
    found = extension(certificate, Oid.SUBJECT_ALTERNATIVE_NAME)
    for each in found.value if found else []:
        if isinstance(each, x509.DirectoryName):
            oids = [attribute.oid for attribute in each.value]
            need(len(set(oids)) == len(oids), "a name with an attribute twice")
        else:
            need(isinstance(each, tuple(NAMES.values())), "a subjectAltName of another type")


def has_subject(leaf, value):
    found = {LABELS.get(each.oid, each.oid.dotted_string): each.value for each in leaf.subject}
    items = value.split(":")
    return all(key in found and found[key].encode() == unquote_to_bytes(want)
               for key, want in zip(items[::2], items[1::2]))


def holds(leaf, name, value):
    if name == "subject":
        return has_subject(leaf, value)
    if name == "san":
        kind, _, want = value.partition(":")
        found = extension(leaf, Oid.SUBJECT_ALTERNATIVE_NAME)
        return any(isinstance(each, NAMES[kind]) and each.value.encode() == unquote_to_bytes(want)
                   for each in (found.value if found else []))
    if name == "eku":
        found = extension(leaf, Oid.EXTENDED_KEY_USAGE)
        return any(each.dotted_string == value for each in (found.value if found else []))
    found = extension(leaf, x509.ObjectIdentifier(FULCIO_ISSUER))
    return bool(found and not found.critical
                and found.value.value == b"https://" + unquote_to_bytes(value))


def resolve(text, chain):
    """chain: pairs of DER and certificate, leaf first."""
    need(len(chain) > 1, "a did:x509 needs an authority")
    (hash_, want), predicates = parse(text)
    for _, certificate in chain:
        readable(certificate)
    need(any(hashlib.new(hash_, der).digest() == want for der, _ in chain[1:]),
         "no authority with the hash of the did:x509")
    leaf = chain[0][1]
    for name, value in predicates:
        if not holds(leaf, name, value):
            raise Refused(f"the certificate does not have {name}:{value}")
    usage = extension(leaf, Oid.KEY_USAGE)
    need(usage is None or usage.value.digital_signature, "a key that signs nothing")
