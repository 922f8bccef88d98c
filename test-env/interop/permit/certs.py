# SPDX-License-Identifier: Apache-2.0
"""certs.py: the certificates of a permit, as docs/formats.md says ("What makes a permit valid", 7):
read by python3-cryptography, which validates no paths; each certificate against the next one is
judged here. Of an authority above the device, too, only keys of P-256 are taken: there are no
others in this comparison."""

import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID as Oid

import did
from shape import Refused, need, octets, array

UNDERSTOOD = {Oid.EXTENDED_KEY_USAGE, Oid.SUBJECT_ALTERNATIVE_NAME, Oid.BASIC_CONSTRAINTS,
              Oid.KEY_USAGE, Oid.NAME_CONSTRAINTS, Oid.POLICY_CONSTRAINTS, Oid.POLICY_MAPPINGS,
              Oid.CERTIFICATE_POLICIES, Oid.INHIBIT_ANY_POLICY}
NO_USAGE = x509.KeyUsage(*[False] * 9)


def load(der):
    try:
        found = x509.load_der_x509_certificate(der)
        need(found.version == x509.Version.v3, "a certificate of another version")
        list(found.extensions)
        return found
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension) as error:
        raise Refused(f"no certificate: {error}") from error


def chain(header):
    """The certificates of a header 33, as DER; none when it is absent."""
    if header is None:
        return []
    found = [header] if isinstance(header, bytes) else array(header, 2, 8)
    for der in found:
        load(octets(der, 1, 8192))
    need(sum(map(len, found)) <= 16384, "too many octets of certificates")
    return found


def point(certificate):
    """The key that it certifies."""
    try:
        key = certificate.public_key()
    except Exception as error:  # pylint: disable=broad-except
        raise Refused(f"a certificate without a key: {error}") from error
    need(isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1),
         "a certificate of another kind of key")
    numbers = key.public_numbers()
    return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")


def value(certificate, oid):
    try:
        return certificate.extensions.get_extension_for_oid(oid).value
    except x509.ExtensionNotFound:
        return None


def issued(certificate, issuer):
    """Name, signature and key identifier."""
    need(certificate.issuer == issuer.subject, "issued by another name")
    hash_ = certificate.signature_hash_algorithm
    need(isinstance(hash_, hashes.SHA256 | hashes.SHA384 | hashes.SHA512), "another hash")
    try:
        issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes,
                                   ec.ECDSA(hash_))
    except InvalidSignature as error:
        raise Refused("a certificate that its issuer has not signed") from error
    authority = value(certificate, Oid.AUTHORITY_KEY_IDENTIFIER)
    if authority is not None:
        need(authority.key_identifier == value(issuer, Oid.SUBJECT_KEY_IDENTIFIER).digest,
             "issued by a key of another identifier")


def authority(certificate, below):
    """It may issue, and `below` authorities may stand under it."""
    basic, usage = value(certificate, Oid.BASIC_CONSTRAINTS), value(certificate, Oid.KEY_USAGE)
    need(basic is not None and basic.ca, "no authority")
    need(basic.path_length is None or basic.path_length >= below, "too long a path")
    need(usage is not None and usage.key_cert_sign, "an authority that signs no certificates")
    need(value(certificate, Oid.SUBJECT_KEY_IDENTIFIER) is not None, "no subjectKeyIdentifier")


def consistent(certificate):
    """What an authority has stands only in an authority's."""
    basic, usage = value(certificate, Oid.BASIC_CONSTRAINTS), value(certificate, Oid.KEY_USAGE)
    signs = usage is not None and usage.key_cert_sign
    need(usage is None or usage != NO_USAGE, "a keyUsage of nothing")  # RFC 5280 4.2.1.3
    need(not signs or basic is not None and basic.ca, "keyCertSign of no authority")
    need(basic is None or basic.path_length is None or signs and basic.ca, "a path length alone")


def path(ders, seconds, own_end):
    """The path at a time, or at any (None). own_end: it ends in a certificate by its own key."""
    found = [load(der) for der in ders]
    for each in found:
        point(each)
        consistent(each)
        for extension in each.extensions:
            need(not extension.critical or extension.oid in UNDERSTOOD, "critical, not understood")
        if seconds is None:
            continue
        time = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        need(each.not_valid_before <= time < each.not_valid_after, "not valid at that time")
    for number, each in enumerate(found[1:]):
        authority(each, number)
    for each in found[:-1]:
        need(value(each, Oid.AUTHORITY_KEY_IDENTIFIER) is not None, "no authorityKeyIdentifier")
    for each, issuer in zip(found, [*found[1:], *(found[-1:] if own_end else [])]):
        issued(each, issuer)


def resolve(issuer, ders, seconds):
    """A did:x509 with the path that has to hold for it."""
    path(ders, seconds, load(ders[-1]).issuer == load(ders[-1]).subject)
    did.resolve(issuer, [(der, load(der)) for der in ders])


def enrolled(issuer, header, device):
    """The certificates of an enrolment whose issuer is a did:x509. The device may issue."""
    ders = chain(header)
    need(ders, "a did:x509 without certificates")
    first = load(ders[0])
    need(point(first) == device, "certificates of another device")
    authority(first, 0)
    need(value(first, Oid.KEY_USAGE).digital_signature, "a device that signs nothing")
    resolve(issuer, ders, None)


def judge(chains, keys, device, issuer, seconds):
    """chains: of permit, receipt and key_rotation. keys: statement and receipt key."""
    own, above, signed = chains
    need(own == signed, "not the certificates of the key_rotation")
    need(above == own[1:], "the receipt carries other certificates")
    count = 2 if keys[1] == device else 3
    need(len(own) >= count, "too few certificates")
    found = [point(load(der)) for der in own[:count]]
    need(found == [*keys, device][:count], "certificates of other keys")
    if did.is_did(issuer):
        resolve(issuer, own, seconds)
    else:
        need(len(own) == count, "another number of certificates")
        path(own, seconds, True)
