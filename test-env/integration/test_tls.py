#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_tls.py: enforcement points that come over the network: who is let in by which certificate,
what they may ask there, and what becomes of them when the files change."""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

from daemon import WAIT, Service, evaluation
from hardware import die_with_parent
from pki import Authority
from tap import Suite, equal, true
from world import CURL, GIT, descriptors, main, read, write

suite = Suite()
WHO = "spiffe://example.org/enforcement/1"
HELLO = b"GET /.well-known/authzen-configuration HTTP/1.1\r\nHost: gate\r\n\r\n"


def spki(key):
    """The digest of a public key, as the list and the log have it."""
    der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"],
                         stdout=subprocess.PIPE, check=True).stdout
    return "spki-" + hashlib.sha256(der).hexdigest()


class Connection(http.client.HTTPSConnection):
    """To the service at its port, once it has taken the certificate."""

    def __init__(self, world, pair):
        host, port = world.address()
        super().__init__(host, port, timeout=WAIT, context=world.context(pair))


class Networked(Service):
    """A gate that is served on the network, too."""

    issuer = None

    def prepare(self):
        if self.issuer is None:
            self.pki = f"{self.base}/pki"
            self.issuer = Authority(self.pki, "clients")
            self.other = Authority(self.pki, "other")
            self.own = Authority(self.pki, "services")
            self.client = self.issuer.issue("one", uri=WHO)
            self.second = self.issuer.issue("two")
        for source, name in zip((*self.own.issue("gate", "server"), self.issuer.cert),
                                ("cert.pem", "key.pem", "clients.pem")):
            shutil.copy(source, f"{self.base}/{name}")
        os.chmod(f"{self.base}/key.pem", 0o600)
        write(f"{self.base}/allowed", b"# who may come\n")
        self.allow(self.client, self.second)

    def allow(self, *pairs):
        """More on the list, which is to be read anew."""
        with open(f"{self.base}/allowed", "a", encoding="ascii") as file:
            file.writelines(f"{spki(key)} # {cert}\n" for cert, key in pairs)

    def reload(self):
        got = self.call("POST", "/v1/reload", kind="admin")
        equal((got.status, got.json().get("serving")), (200, True), got.bytes)

    def flags(self, listen="127.0.0.1:0"):
        return ("--listen", listen, "--tls-cert", f"{self.base}/cert.pem", "--tls-key",
                f"{self.base}/key.pem", "--tls-clients", f"{self.base}/clients.pem",
                "--tls-allowed", f"{self.base}/allowed")

    def serve_network(self, *more, **options):
        self.prepare()
        self.serve(*self.flags(), *more, **options)

    def address(self):
        host, _, port = json.loads(read(f"{self.state}/service.json"))["tls"].rpartition(":")
        return host, int(port)

    def context(self, pair, version=None):
        context = ssl.create_default_context(cafile=self.own.cert)
        if version:
            context.minimum_version = context.maximum_version = version
        if pair:
            context.load_cert_chain(*pair)
        return context

    def knock(self, pair, version=None, said=HELLO):
        """What comes back to this. b"": nothing but the end."""
        link = socket.create_connection(self.address(), WAIT)
        try:
            with self.context(pair, version).wrap_socket(link, server_hostname="127.0.0.1") as tls:
                if said:
                    tls.sendall(said)
                return tls.recv(65536)
        except (ssl.SSLError, ConnectionError) as error:
            self.told = str(error)
            return b""
        finally:
            link.close()

    def refused(self):
        """How many came to nothing, by reason."""
        found = self.call("GET", "/metrics", kind="admin").bytes.decode().splitlines()
        return {line.split('"')[1]: int(line.split()[-1]) for line in found
                if line.startswith("pawl_tls_refused_total{")}

    def wait_refused(self, enough):
        """What was counted once it is enough."""
        end = time.monotonic() + WAIT
        while not enough(got := self.refused()):
            true(time.monotonic() < end, got)
            time.sleep(0.02)
        return got

    def served(self):
        """Requests that were answered, or refused, over the network or not."""
        found = self.call("GET", "/metrics", kind="admin").bytes.decode().splitlines()
        return sum(float(line.split()[-1]) for line in found
                   if line.startswith(("pawl_refused_total", "pawl_decisions_total")))


@suite.test("an enforcement point over TLS gets permits, and is nothing else there")
def permits(world):
    world.serve_network()
    link = Connection(world, world.client)
    for name in (GIT, CURL, GIT):
        world.ask(name, name == GIT, link=link)
    equal(link.sock.version(), "TLSv1.3", "version")
    for method, path in (("GET", "/metrics"), ("GET", "/v1/status"), ("GET", "/v1/agents"),
                         ("POST", "/v1/reload"), ("POST", "/v1/install"), ("GET", "/v1/gate")):
        got = world.call(method, path, b"{}" if method == "POST" else None, link=link)
        equal((got.status, got.json()["error"]), (403, "CALLER_REFUSED"), path)
    got = world.call("GET", "/checkpoint", link=link)
    equal(got.status, 200, "the ledger")
    found = {one["check"]: one for one in
             json.loads(world.run("doctor", "--json")[1])["checks"]}
    true(":".join(map(str, world.address())) in str(found["sockets"]), found["sockets"])
    link.close()
    world.halt()
    world.log()
    lines = [json.loads(line) for line in read(world.log_path).splitlines() if line[:1] == b"{"]
    equal({(line["client"], line["client_name"]) for line in lines},
          {(spki(world.client[1]), WHO)}, "who asked, in the log")


@suite.test("without a good certificate nothing is read")
def strangers(world):
    world.prepare()
    cases = (
        (None, "certificate required"),
        (world.issuer.issue("late", until="20210101000000Z"), "certificate expired"),
        (world.other.issue("foreign"), "unknown ca"),
        (world.issuer.issue("server", "server"), "unsupported certificate"),
        (world.issuer.issue("mail", "mail"), "unsupported certificate"),
        (world.issuer.issue("unsaid", None), "unsupported certificate"),
        (world.issuer.issue("early", since="20980101000000Z"), "bad certificate"),
    )
    world.allow(*(pair for pair, _ in cases if pair))  # all of them; it does not help
    cases += ((world.issuer.issue("unlisted", uri="spiffe://example.org/x"), "bad certificate"),
              (world.issuer.issue("liar", uri=spki(world.client[1])), "bad certificate"))
    world.serve(*world.flags())
    before = world.served()
    equal(world.knock(None), b"", "an answer to nobody")
    world.says(b"TLS: refused 127.0.0.1: no_certificate: peer did not return a certificate\n")
    for pair, alert in cases:
        equal(world.knock(pair, said=b""), b"", f"an answer to {pair}")
        true(f"alert {alert}" in world.told, f"{pair}: {world.told}")
        equal(world.knock(pair), b"", f"an answer to {pair}, who asks")
    equal(world.knock(world.client, ssl.TLSVersion.TLSv1_2), b"", "an answer to TLS 1.2")
    true("alert protocol version" in world.told, world.told)
    with socket.create_connection(world.address(), WAIT) as plain:
        plain.sendall(HELLO)
        true(b"HTTP" not in plain.recv(4096), "an answer to plain HTTP")
    equal(world.served(), before, "requests that came to something")
    true(world.knock(world.client).startswith(b"HTTP/1.1 200"), "a good one")
    got = world.wait_refused(lambda counts: sum(counts.values()) >= 21)
    equal({reason: times for reason, times in got.items() if times},
          {"no_certificate": 3, "time": 4, "authority": 2, "purpose": 6, "not_allowed": 4,
           "protocol": 2}, "refused")
    world.halt()
    world.log()


@suite.test("octets are looked at over TLS as elsewhere")
def octets(world):
    world.serve_network()
    for said in (b"GET / HTTP/1.1\nHost: gate\n\n", b"GET / HTTP/1.1\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\n"):
        true(world.knock(world.client, said=said).startswith(b"HTTP/1.1 400"), said)
    world.halt()


@suite.test("one key is one caller: for Idempotency-Key, whatever his certificate")
def keys(world):
    world.serve_network()
    headers = {"Idempotency-Key": "once"}

    def asked(pair):
        link = Connection(world, pair)
        got = world.evaluate(evaluation(GIT), link=link, headers=headers).json()["context"]
        link.close()
        return got["ledger"]["index"]

    first = asked(world.client)
    equal(asked(world.client), first, "the same certificate")
    renewed = world.issuer.issue("renewed", key=world.client[1])
    equal(asked(renewed), first, "the same key in another certificate")
    true(asked(world.second) != first, "another caller's key")
    world.halt()
    world.log()


@suite.test("who does not finish, or too many, keep nobody out")
def crowds(world):
    descriptors(1500)
    world.serve_network("--log", "none")
    links = [socket.create_connection(world.address(), WAIT) for _ in range(1100)]
    for link in links[::2]:
        try:
            link.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # half of a beginning
        except ConnectionError:
            pass
    link = Connection(world, world.client)
    for _ in range(4):
        world.ask(GIT, True, link=link)
        world.ask(GIT, True)  # on the Unix socket
    world.wait_refused(lambda counts: counts["room"] + counts["deadline"] >= 500)
    for one in links:
        one.close()
    for _ in range(4):
        world.ask(GIT, True, link=link)
    link.close()
    true(world.knock(world.client).startswith(b"HTTP/1.1 200"), "a new one")
    world.halt()
    world.log()


@suite.test("SIGHUP: certificates are read anew, and those who are here are looked at again")
def renewed(world):
    world.serve_network()
    link, other = Connection(world, world.client), None
    world.ask(GIT, True, link=link)
    shutil.copy(world.other.cert, f"{world.base}/clients.pem")
    world.ask(GIT, True, link=link)  # nobody has said anything yet
    world.process.send_signal(signal.SIGHUP)
    world.says(b"pawld: reloaded")
    got = world.evaluate(evaluation(GIT), link=link)
    equal((got.status, got.json()["error"]), (403, "CALLER_REFUSED"), got.bytes)
    link.close()
    equal(world.knock(world.client), b"", "an answer")
    foreign = world.other.issue("now-known")
    equal(world.knock(foreign), b"", "an answer to who is not on the list")
    world.allow(foreign)
    world.reload()
    other = Connection(world, foreign)
    world.ask(GIT, True, link=other)

    # What cannot be used changes nothing, and is said.
    write(f"{world.base}/clients.pem", b"nothing")
    world.process.send_signal(signal.SIGHUP)
    world.says(b"certificates not reloaded: CERT_MALFORMED")
    world.says(b"pawld: reloaded", 2)
    got = world.call("POST", "/v1/reload", kind="admin")
    equal(got.json().get("error"), "CERT_MALFORMED", got.bytes)
    world.ask(GIT, True, link=other)
    other.close()

    # A new certificate of the service.
    shutil.copy(world.other.cert, f"{world.base}/clients.pem")
    for source, name in zip(world.own.issue("gate-2", "server"), ("cert.pem", "key.pem")):
        shutil.copy(source, f"{world.base}/{name}")
    os.chmod(f"{world.base}/key.pem", 0o600)
    world.reload()
    other = Connection(world, foreign)
    world.ask(GIT, True, link=other)
    shown = other.sock.getpeercert()["subject"]
    equal(shown, ((("commonName", "gate-2"),),), "whose certificate is shown")
    other.close()
    world.halt()
    world.log()


@suite.test("the list: who is taken from it is out, also with what he keeps of a connection")
def listed(world):
    world.serve_network()
    link = Connection(world, world.client)
    world.ask(GIT, True, link=link)
    context = world.context(world.client)
    plain = socket.create_connection(world.address(), WAIT)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
        tls.sendall(HELLO)
        true(tls.recv(65536).startswith(b"HTTP/1.1 200"), "an answer")
        session = tls.session
        equal((session.has_ticket, tls.session_reused), (False, False), "a ticket")
    with open(f"{world.base}/allowed", encoding="ascii") as file:
        lines = [line for line in file if spki(world.client[1]) not in line]
    write(f"{world.base}/allowed", "".join(lines).encode())
    world.reload()
    got = world.evaluate(evaluation(GIT), link=link)
    equal((got.status, got.json()["error"]), (403, "CALLER_REFUSED"), got.bytes)
    link.close()
    plain = socket.create_connection(world.address(), WAIT)
    try:
        with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as tls:
            tls.sendall(HELLO)
            equal(tls.recv(65536), b"", "an answer to a session of before")
    except (ssl.SSLError, ConnectionError):
        pass
    second = Connection(world, world.second)
    world.ask(GIT, True, link=second)

    # By the name that the authority gave, whatever the key.
    write(f"{world.base}/allowed", f"{WHO}\n".encode())
    world.reload()
    equal(world.evaluate(evaluation(GIT), link=second).status, 403, "not on the list any more")
    second.close()
    true(world.knock(world.client).startswith(b"HTTP/1.1 200"), "by name")
    other_key = world.issuer.issue("other-key", uri=WHO)
    true(world.knock(other_key).startswith(b"HTTP/1.1 200"), "by name, another key")

    # What is no list changes nothing, and is said.
    write(f"{world.base}/allowed", b"everybody\n")
    got = world.call("POST", "/v1/reload", kind="admin")
    equal(got.json().get("error"), "FORMAT", got.bytes)
    true(world.knock(other_key).startswith(b"HTTP/1.1 200"), "by what was there before")
    write(f"{world.base}/allowed", b"")
    world.reload()
    equal(world.knock(other_key), b"", "an answer when nobody is on the list")
    world.halt()
    world.log()


def activate(world, *flags):
    """As a service manager does, with a socket "tls"."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen(8)
    script = (f"exec 3<&{door.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=tls; "
              'exec "$@"')
    world.log_path = f"{world.base}/pawld.log"
    with open(world.log_path, "wb") as log:
        world.process = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", world.options.pawld, "--state", world.state, *flags],
            env=world.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            pass_fds=[door.fileno()], preexec_fn=die_with_parent)
    return door


@suite.test("a socket of the service manager stands for --listen")
def manager(world):
    world.prepare()
    door = activate(world, *world.flags()[2:])
    world.says(b"serving")
    equal(world.address(), door.getsockname(), "service.json")
    link = Connection(world, world.client)
    world.ask(GIT, True, link=link)
    link.close()
    world.ask(GIT, True)  # its own sockets are there
    world.halt()
    door.close()
    for flags in ((), world.flags()):  # nothing that TLS needs; and two
        door = activate(world, *flags)
        equal(world.process.wait(WAIT), world.exits["USAGE"], read(world.log_path))
        world.process = None
        door.close()
    world.log()


def refused(world, *flags, text, error="USAGE"):
    world.launch(*flags)
    equal(world.process.wait(WAIT), world.exits[error], read(world.log_path))
    world.process = None
    true(text in read(world.log_path), read(world.log_path))
    true(not os.path.exists(world.socket()), "a socket")


@suite.test("nothing listens that lacks something")
def wanting(world):
    world.prepare()
    flags = world.flags()
    for at in range(0, len(flags), 2):
        refused(world, *flags[:at], *flags[at + 2:], text=b"need one another")
    for address in ("127.0.0.1", "127.0.0.1:", ":8443", "localhost:8443", "::1:8443", "[::1]",
                    "127.0.0.1:65536", "[127.0.0.1]:1", "127.1:1"):
        refused(world, *world.flags(address), text=b"is not ADDR:PORT")
    os.chmod(f"{world.base}/key.pem", 0o604)
    refused(world, *flags, text=b"everybody may use it", error="STORAGE")
    os.chmod(f"{world.base}/key.pem", 0o600)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(world, *world.flags(f"127.0.0.1:{taken.getsockname()[1]}"),
                text=b"somebody listens", error="EXISTS")


if __name__ == "__main__":
    main(suite, Networked)
