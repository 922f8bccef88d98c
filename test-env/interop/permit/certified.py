# SPDX-License-Identifier: Apache-2.0
"""certified.py: a gate that lies (remade.py) about its did:x509: other identifiers, and enrolments
with other certificates of the device."""

import remade
from shape import cbor

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def identifiers(liar):
    """Texts in the place of the did:x509: of enrolment, record, key_rotation and receipt."""
    if not liar.authority:
        return
    chain, good = liar.chain, liar.predicates

    def anchor(predicates):
        return remade.did_of(chain[-1], predicates)

    for name in ("sha256", "sha384", "sha512", "sha1", "md5"):
        for der in (*chain, b"x"):
            yield remade.did_of(der, good, name)
    text = anchor(good)
    digest = text.split(":")[4]
    last = ALPHABET[ALPHABET.index(digest[-1]) ^ 1]  # a bit that belongs to no octet
    for other in (text.replace(digest, digest[:-1] + last), text + "#0", text + "#", text + "/a",
                  text + "?a", text + "::", text + ":", "", text[:-1], text.upper(),
                  text.replace(":0:", ":1:"), text.replace(":0:", "::"), text.replace("::", ":"),
                  text.replace("::", ":::"), text.split("::")[0], text.replace("::", "=::"),
                  text.replace("::", "A::"), "did:x509:0:", "did:x509", text + " ",
                  "dev.pawl:example.org/gate-1", "did:web:example.org",
                  text.replace(digest, digest[:40] + "+" + digest[41:])):
        yield other
    names = ("san:dns:GATE.example", "san:dns:gate%2eexample", "san:dns:gate%2Eexample",
             "san:dns:gate%2gexample", "san:dns:gate%2", "san:dns:", "san:dns", "san:", "san",
             "san:ip:gate.example", "san:email:gate@example.org", "san:email:gate%40example.org",
             "san:email:gate.example", "san:uri:https%3A%2F%2Fexample.org%2Fgate",
             "san:uri:https://example.org/gate", "san:dns:gate.example:x", "san:dns:gat~",
             "eku:1.2.3.4", "eku:1.2.3", "eku:1.2.3.4.", "eku:.1", "eku:1..2", "eku:x", "eku:",
             "eku:1.3.6.1.5.5.7.3.36", "fulcio-issuer:example.org", "fulcio-issuer:", "x:y", "",
             "subject:O:x", "subject:CN:key%200", "subject:CN:key 0", "subject:CN", "subject:",
             "subject:2.5.4.3:key%200", "subject:CN:gate:CN:gate", "subject:cn:x", "subject:OU:",
             "subject:1.2.840.113549.1.9.1:x")
    for name in names:
        yield anchor(name)
        yield anchor(f"{good}::{name}")
    yield anchor("::".join([good] * 16))
    yield anchor("::".join([good] * 17))
    for size in (1024, 1025):
        yield anchor("::".join([good] * 8)).ljust(size, "x")
        yield anchor("subject:O:" + "x" * (size - len(anchor("subject:O:"))))


def resolved(liar):
    """Each identifier: what was changed, enrolment and permit."""
    for text in identifiers(liar):
        edits = {("enrolment", "issuer"): text}
        for room in ("record", "key"):
            edits[room, "head", 15, 1] = text
        edits["key", "head", 15, 2] = edits["key", "head", "agent_id"] = text
        edits["key", "body", "agent_id"] = edits["receipt", 15, 1] = text
        yield text, cbor.encode(liar.enrol(liar.facts, remade.Edits(edits))), liar.make(edits)
    for where, other in remade.walk(("enrolment", "device-chain"), liar.chain[-2:]):
        try:
            enrolment = cbor.encode(liar.enrol(liar.facts, remade.Edits({where: other})))
        except remade.UNMAKEABLE:
            continue
        yield remade.shown({where: other}), enrolment, None
