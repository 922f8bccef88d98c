# SPDX-License-Identifier: Apache-2.0
"""pki.py: authorities, services and clients with certificates, made with openssl."""

import os
import subprocess

from world import write

USES = {"client": "clientAuth", "server": "serverAuth", "mail": "emailProtection"}


def openssl(*args):
    done = subprocess.run(["openssl", *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, (args, done.stderr)


class Authority:
    """Its files lie in a directory."""

    def __init__(self, base, name):
        self.base, self.name = base, name
        os.makedirs(base, exist_ok=True)
        self.cert, self.key = f"{base}/{name}.pem", f"{base}/{name}.key"
        write(f"{base}/{name}.cnf", (
            "[req]\ndistinguished_name=name\nprompt=no\nx509_extensions=ext\n"
            f"[name]\nO=Test\nCN={name}\n"
            "[ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
            "subjectKeyIdentifier=hash\n").encode())
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-config", f"{base}/{name}.cnf", "-keyout", self.key,
                "-out", self.cert)

    def issue(self, name, use="client", uri=None, since=None, until=None, key=None):
        """Returns certificate and key, a new one or that. use: None: it does not say."""
        stem = f"{self.base}/{self.name}-{name}"
        names = "IP:127.0.0.1" + (f",URI:{uri}" if uri else "")
        write(f"{stem}.cnf", (
            f"[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN={name}\n"
            "[ext]\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\n"
            f"authorityKeyIdentifier=keyid\nsubjectAltName={names}\n"
            + (f"extendedKeyUsage={USES[use]}\n" if use else "")).encode())
        if key is None:
            key = f"{stem}.key"
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", key)
        openssl("req", "-new", "-config", f"{stem}.cnf", "-key", key, "-out", f"{stem}.csr")
        write(f"{stem}.db", b"")
        write(f"{stem}.ca", (
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={stem}.db\nnew_certs_dir={self.base}\n"
            "rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\n"
            "commonName=supplied\n").encode())
        openssl("ca", "-batch", "-notext", "-config", f"{stem}.ca", "-cert", self.cert,
                "-keyfile", self.key, "-in", f"{stem}.csr", "-out", f"{stem}.pem",
                "-extfile", f"{stem}.cnf", "-extensions", "ext", "-startdate",
                since or "20200101000000Z", "-enddate", until or "20990101000000Z",
                "-subj", f"/CN={name}")
        return f"{stem}.pem", key
