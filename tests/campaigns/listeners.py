#!/usr/bin/env python3
"""Where clients come in: Unix socket, TLS, protected mode, listeners changed while running."""

import shutil
import socket
import ssl
import stat
import subprocess
import tempfile
import time
from pathlib import Path

from campaign import Client, Server, check, equal, error, figure, free_port, run, wait_until


class Certificates:
    """An authority, a server's and a client's certificate, and a stranger's, in a directory."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="cinnabar-certificates-")
        for authority in ("ca", "strange-ca"):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                         f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.crt")
        for name, authority in (("server", "ca"), ("other", "ca"), ("client", "ca"),
                                ("stranger", "strange-ca")):
            self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                         "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            (Path(self.directory) / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey",
                         f"{authority}.key", "-CAcreateserial", "-days", "2", "-extfile", "ext",
                         "-out", f"{name}.crt")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.directory, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def path(self, name):
        return f"{self.directory}/{name}"

    def options(self, port, auth="yes"):
        return ["--tls-port", port, "--tls-cert-file", self.path("server.crt"), "--tls-key-file",
                self.path("server.key"), "--tls-ca-cert-file", self.path("ca.crt"),
                "--tls-auth-clients", auth]

    def wrap(self, identity=None, version=None, ciphers=None):
        context = ssl.create_default_context(cafile=self.path("ca.crt"))
        if identity:
            context.load_cert_chain(self.path(f"{identity}.crt"), self.path(f"{identity}.key"))
        if version:
            context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        return lambda raw: context.wrap_socket(raw, server_hostname="localhost")


def speaks(port, wrap, **_):
    """Whether a client gets through."""
    try:
        with Client(("127.0.0.1", port), wrap=wrap) as client:
            return client("PING") == b"PONG"
    except (OSError, ConnectionError):
        return False


def unix_socket():
    """The Unix socket serves, with the wanted permissions."""
    with Server("--unixsocket", "sock", "--unixsocketperm", "700", "--port", 0, port=0) as server:
        path = f"{server.directory}/sock"
        equal("permissions", stat.S_IMODE(Path(path).stat().st_mode), 0o700)
        with Client(path) as client:
            equal("served", client("PING"), b"PONG")
            equal("large reply", client("SET", "k", b"x" * 1_000_000), b"OK")
            equal("large reply", len(client("GET", "k")), 1_000_000)


def tls():
    """TLS serves who may come in, and nobody else can hold it up."""
    if shutil.which("openssl") is None:
        figure("left out", "there is no openssl command to make certificates with")
        return
    made = Certificates()
    try:
        for test in (tls_clients, tls_parameters, tls_at_run_time, tls_and_bad_peers):
            test(made)
    finally:
        shutil.rmtree(made.directory)


def tls_clients(made):
    for auth, expected in {"yes": (False, True, False), "no": (True, True, True),
                           "optional": (True, True, False)}.items():
        port = free_port()
        with Server(*made.options(port, auth)):
            identities = (None, "client", "stranger")
            found = tuple(speaks(port, made.wrap(identity)) for identity in identities)
            equal(f"tls-auth-clients {auth}", found, expected)


def tls_parameters(made):
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    port = free_port()
    with Server(*made.options(port, "no"), "--tls-protocols", "TLSv1.2", "--tls-ciphers",
                "ECDHE-ECDSA-AES128-GCM-SHA256", "--tls-session-caching", "no") as server:
        equal("only 1.2", (speaks(port, made.wrap(version=v12)), speaks(port, made.wrap(version=v13))),
              (True, False))
        equal("only one cipher",
              [speaks(port, made.wrap(version=v12, ciphers=f"ECDHE-ECDSA-{cipher}"))
               for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384")], [True, False])
        with Client(server) as client:
            equal("changed", client("CONFIG", "SET", "tls-protocols", "TLSv1.3"), b"OK")
            equal("only 1.3",
                  (speaks(port, made.wrap(version=v12)), speaks(port, made.wrap(version=v13))),
                  (False, True))
            for name, value in (("tls-protocols", "TLSv1.1"), ("tls-ciphers", "RC4-MD5"),
                                ("tls-cert-file", "/no/such/file")):
                reply = error(client("CONFIG", "SET", name, value))
                check(f"{name} {value} is refused", "Unable to update TLS" in reply, reply)
                check("the log says why", name in server.text(), server.text())
            check("as before", speaks(port, made.wrap(version=v13)))


def tls_at_run_time(made):
    with Server() as server, Client(server) as client:
        port, other = free_port(), free_port()
        words = [word.removeprefix("--") for word in map(str, made.options(port, "no"))]
        equal("TLS comes up", client("CONFIG", "SET", *words), b"OK")
        check("it serves", speaks(port, made.wrap()))
        with Client(("127.0.0.1", port), wrap=made.wrap()) as inside:
            equal("value", inside("SET", "big", b"x" * 10_000_000), b"OK")
            equal("large reply", len(inside("GET", "big")), 10_000_000)
            inside.raw(b"GET big\r\n" * 20)
            time.sleep(0.3)
            equal("replies to a slow reader", [len(inside.reply()) for _ in range(20)],
                  [10_000_000] * 20)
            equal("new certificate",
                  client("CONFIG", "SET", "tls-cert-file", made.path("other.crt"), "tls-key-file",
                         made.path("other.key")), b"OK")
            equal("it moves", client("CONFIG", "SET", "tls-port", other), b"OK")
            equal("who is in stays in", inside("PING"), b"PONG")
        equal("moved", (speaks(port, made.wrap()), speaks(other, made.wrap())), (False, True))
        with socket.create_connection(("127.0.0.1", other)) as raw, made.wrap()(raw) as encrypted:
            subject = dict(part[0] for part in encrypted.getpeercert()["subject"])
            equal("the new certificate", subject["commonName"], "other")
        equal("it goes", client("CONFIG", "SET", "tls-port", 0), b"OK")
        check("gone", not speaks(other, made.wrap()))


def tls_and_bad_peers(made):
    port = free_port()
    with Server(*made.options(port, "no"), workers=1) as server:
        with Client(("127.0.0.1", port)) as plain:
            plain.send("PING")
            check("a plain client gets no reply", b"PONG" not in plain.rest())
        stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        for half in stalled[:25]:
            half.sendall(b"\x16\x03\x01\x02\x00\x01")
        started_s = time.monotonic()
        check("others are served", speaks(port, made.wrap()))
        check("at once", time.monotonic() - started_s < 1)
        check("the stalled lose their place", wait_until(lambda: server.clients() == 0, 15))
        figure("stalled handshakes ended after", f"{time.monotonic() - started_s:.1f} s")
        for half in stalled:
            half.close()
        check("alive", server.is_alive())


def own_address():
    """An address of this machine that is not the loopback's, if it has one."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            found = probe.getsockname()[0]
            return None if found.startswith("127.") else found
    except OSError:
        return None


def protected_mode():
    """Without a password only this machine comes in."""
    address = own_address()
    if address is None:
        figure("left out", "this machine has only its loopback address")
        return
    with Server("--bind", "0.0.0.0") as server, Client(server) as client:
        elsewhere = (address, server.port)
        with Client(elsewhere) as other:
            check("denied", other.rest().startswith(b"-DENIED "))
        equal("password", client("CONFIG", "SET", "requirepass", "secret"), b"OK")
        with Client(elsewhere) as other:
            equal("asked for it", error(other("PING")), "NOAUTH Authentication required.")
            equal("let in", other("AUTH", "secret"), b"OK")
            equal("served", other("PING"), b"PONG")
        with Client(server) as again:
            equal("at home too", error(again("PING")), "NOAUTH Authentication required.")
        equal("no password", client("CONFIG", "SET", "requirepass", ""), b"OK")
        equal("unprotected", client("CONFIG", "SET", "protected-mode", "no"), b"OK")
        with Client(elsewhere) as other:
            equal("open", other("PING"), b"PONG")


def at_run_time():
    """CONFIG SET port and bind move the listeners, or change nothing."""
    with Server() as server, Client(server) as client:
        old, new = server.port, free_port()
        equal("moved", client("CONFIG", "SET", "port", new), b"OK")
        equal("there", (speaks(old, None), speaks(new, None)), (False, True))
        equal("who is in stays in", client("PING"), b"PONG")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            reply = client("CONFIG", "SET", "port", taken.getsockname()[1])
            equal("taken", error(reply), "ERR CONFIG SET failed (possibly related to argument 'port') - "
                  "Unable to listen on this port. Check server logs.")
        equal("nothing changed", (client("CONFIG", "GET", "port")[1], speaks(new, None)),
              (b"%d" % new, True))
        reply = client("CONFIG", "SET", "bind", "192.0.2.77")
        equal("no such address", error(reply), "ERR CONFIG SET failed (possibly related to argument "
              "'bind') - Failed to bind to specified addresses.")
        check("nothing changed", speaks(new, None))
        for bind in ("127.0.0.1 127.0.0.2", "0.0.0.0", "127.0.0.1 -::1", "* -::*"):
            equal(f"bind {bind}", client("CONFIG", "SET", "bind", bind), b"OK")
            check(f"served at {bind}", speaks(new, None))
        equal("none at all", client("CONFIG", "SET", "port", 0), b"OK")
        check("no new ones", not speaks(new, None))
        equal("and back", client("CONFIG", "SET", "port", old), b"OK")
        check("served", speaks(old, None))


if __name__ == "__main__":
    run(unix_socket, tls, protected_mode, at_run_time)
