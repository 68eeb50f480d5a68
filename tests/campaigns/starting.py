#!/usr/bin/env python3
"""Starting and stopping: signals, SHUTDOWN, what stays behind, daemons, wrong configurations."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from campaign import Client, Server, check, encode, equal, figure, free_port, run, wait_until


def stop_and_time(server, how):
    started_s = time.monotonic()
    how()
    status = server.process.wait(10)
    return status, time.monotonic() - started_s


def stops():
    """Signals and SHUTDOWN end the server at once, and nothing stays behind."""
    ways = {
        "SIGTERM": lambda server: server.process.send_signal(signal.SIGTERM),
        "SIGINT": lambda server: server.process.send_signal(signal.SIGINT),
        "SHUTDOWN NOSAVE": lambda server: Client(server).send("SHUTDOWN", "NOSAVE"),
        "SHUTDOWN NOW FORCE": lambda server: Client(server).send("SHUTDOWN", "NOW", "FORCE"),
    }
    for name, way in ways.items():
        with Server("--pidfile", "pid", "--unixsocket", "sock") as server:
            here = Path(server.directory)
            equal("pidfile", (here / "pid").read_text(), f"{server.pid}\n")
            check("socket", (here / "sock").is_socket())
            clients = [Client(server) for _ in range(100)]
            clients[0].send("DEBUG", "SLEEP", 60)
            clients[1].send("WAIT", 1, 0)
            clients[2].raw(encode("SET", "x", b"y" * 1000)[:500])
            time.sleep(0.1)
            status, took_s = stop_and_time(server, lambda: way(server))
            figure(name, f"status {status} after {took_s * 1000:.0f} ms")
            equal("status", status, 0)
            check("at once", took_s < 2, f"{took_s:.2f} s")
            check("no pidfile", not (here / "pid").exists())
            check("no socket", not (here / "sock").exists())
            equal("clients are let go", clients[3].rest(), b"")


def second_server():
    """A port or socket that is taken is a clear error."""
    with Server("--unixsocket", "sock") as first:
        for options in (["--port", first.port],
                        ["--port", 0, "--unixsocket", f"{first.directory}/sock"]):
            status, text = attempt(*options)
            equal("status", status, 1)
            check("the reason", "in use" in text, text)
        check("the first one lives", first.is_alive())
        check("with its socket", Client(f"{first.directory}/sock")("PING") == b"PONG")
    with tempfile.TemporaryDirectory() as directory:
        stale = f"{directory}/stale"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(stale)
        with Server("--unixsocket", stale):
            equal("a stale socket is replaced", Client(stale)("PING"), b"PONG")


def attempt(*options, text=None):
    """Starts a server that should fail; its status and what it says."""
    command = [Server.binary, *(str(option) for option in options)]
    done = subprocess.run(command, input=text or "", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=10)
    return done.returncode, done.stdout


def wrong_configurations():
    """Every mistake is a sentence and status 1."""
    with tempfile.TemporaryDirectory() as directory:
        bad = Path(directory) / "bad.conf"
        bad.write_text("port 0\nmaxclients many\n")
        cases = [
            ([str(bad)], "maxclients"),
            ([str(Path(directory) / "missing.conf")], "missing.conf"),
            (["--no-such-option", "1"], "no-such-option"),
            (["--port", "70000"], "port"),
            (["--port", "0"], "not listen anywhere"),
            (["--dir", "/no/such/directory"], "/no/such/directory"),
            (["--logfile", "/no/such/directory/log"], "/no/such/directory/log"),
            (["--port", "0", "--unixsocket", "/no/such/directory/sock"], "/no/such/directory"),
            (["--port", "0", "--tls-port", free_port()], "tls-cert-file"),
            (["--bind", "192.0.2.77", "--port", free_port()], "192.0.2.77"),
            (["--syslog-enabled", "yes"], "syslog"),
            (["--daemonize", "yes", "--bind", "192.0.2.77", "--port", free_port()], "192.0.2.77"),
        ]
        for options, reason in cases:
            status, text = attempt(*options)
            equal(f"status of {options}", status, 1)
            check(f"reason of {options}", reason in text, text)
            check(f"no panic of {options}", "panicked" not in text, text)
        status, text = attempt("-", text="maxmemory lots\n")
        equal("status of standard input", status, 1)
        check("reason of standard input", "maxmemory" in text, text)


def standard_input():
    """`cinnabar -` reads its configuration from standard input."""
    port = free_port()
    process = subprocess.Popen([Server.binary, "-", "--save", ""], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    process.stdin.write(f"port {port}\nmaxclients 77\n".encode())
    process.stdin.close()
    check("it serves", wait_until(lambda: serves(port)))
    with Client(("127.0.0.1", port)) as client:
        equal("as configured", client("CONFIG", "GET", "maxclients"), [b"maxclients", b"77"])
    process.terminate()
    equal("status", process.wait(10), 0)


def serves(port):
    try:
        with Client(("127.0.0.1", port)) as client:
            return client("PING") == b"PONG"
    except OSError:
        return False


def daemon():
    """`daemonize yes` comes back when the server serves, with its number in the pidfile."""
    for by_stdin in (False, True):
        port = free_port()
        with tempfile.TemporaryDirectory() as directory:
            config = f"port {port}\ndaemonize yes\npidfile pid\nlogfile log\ndir {directory}\n"
            command = [Server.binary, "-"]
            if not by_stdin:
                (Path(directory) / "conf").write_text(config)
                command = [Server.binary, "conf"]
            started_s = time.monotonic()
            done = subprocess.run(command, input=config, cwd=directory, text=True, timeout=20,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            figure("in the background after", f"{(time.monotonic() - started_s) * 1000:.0f} ms")
            equal("status", (done.returncode, done.stdout), (0, ""))
            check("it serves at once", serves(port))
            pid = int((Path(directory) / "pid").read_text())
            equal("a session of its own", os.getsid(pid), pid)
            streams = {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
            equal("no streams", streams, {"/dev/null"})
            check("the log", "Ready to accept" in (Path(directory) / "log").read_text())
            os.kill(pid, signal.SIGTERM)
            check("it stops", wait_until(lambda: not (Path(directory) / "pid").exists(), 10))
            check("it is gone", wait_until(lambda: not serves(port), 10))


def systemd():
    """`supervised systemd` tells the supervisor when it serves and when it stops."""
    with tempfile.TemporaryDirectory() as directory:
        for path, address in ((f"{directory}/notify", f"{directory}/notify"),
                              (f"@cinnabar-{os.getpid()}", f"\0cinnabar-{os.getpid()}")):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
                supervisor.bind(address)
                supervisor.settimeout(10)
                os.environ["NOTIFY_SOCKET"] = path
                try:
                    with Server("--supervised", "auto", "--daemonize", "yes") as server:
                        check("ready", b"READY=1" in supervisor.recv(1000))
                        check("in the foreground", server.process.poll() is None)
                        server.process.terminate()
                        check("stopping", b"STOPPING=1" in supervisor.recv(1000))
                finally:
                    del os.environ["NOTIFY_SOCKET"]


if __name__ == "__main__":
    run(stops, second_server, wrong_configurations, standard_input, daemon, systemd)
