#!/usr/bin/env python3
"""Limits of time and size: idle clients, large outputs, keepalive, KILL and PAUSE."""

import socket
import time
from pathlib import Path

from campaign import Client, Server, check, encode, equal, figure, run, wait_until

MB = 1 << 20


def idle_timeout():
    """`timeout` ends idle clients, and only those."""
    with Server() as server, Client(server) as busy, Client(server) as waiting:
        idle = Client(server)
        equal("set", busy("CONFIG", "SET", "timeout", 1), b"OK")
        waiting.send("WAIT", 1, 4000)
        started_s = time.monotonic()
        while time.monotonic() - started_s < 3:
            busy("PING")
            time.sleep(0.2)
        idle.socket.settimeout(1)
        equal("the idle one is gone", idle.rest(), b"")
        equal("the busy one is served", busy("PING"), b"PONG")
        equal("the waiting one too", waiting.reply(), 0)


def keepalive():
    """Connections have the kernel's keepalive timer, unless it is switched off."""
    def timers(server):
        wanted = f":{server.port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        mine = [line for line in lines if line[1].endswith(wanted) and line[3] == "01"]
        return [line[5].partition(":")[0] for line in mine]

    with Server() as server, Client(server) as client:
        client("PING")
        time.sleep(0.1)
        equal("with tcp-keepalive 300", timers(server), ["02"])
        client("CONFIG", "SET", "tcp-keepalive", 0)
        with Client(server) as other:
            other("PING")
            check("without", wait_until(lambda: sorted(timers(server)) == ["00", "02"], 5),
                  timers(server))


def output_hard_limit():
    """A reply above the hard limit ends the connection, and is counted."""
    with Server() as server, Client(server) as client:
        client("SET", "big", b"x" * MB)
        client("SET", "small", b"x" * 1000)
        equal("set", client("CONFIG", "SET", "client-output-buffer-limit", "normal 100000 0 0"),
              b"OK")
        with Client(server) as greedy:
            equal("a small reply", len(greedy("GET", "small")), 1000)
            greedy.send("GET", "big")
            equal("a large one", greedy.rest(), b"")
        with Client(server) as greedy:
            greedy.raw(encode("GET", "small") * 1000)
            equal("many small ones", [len(greedy.reply()) for _ in range(1000)], [1000] * 1000)
        equal("counted", server.info("client_output_buffer_limit_disconnections"), "1")
        client("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        equal("without a limit", len(client("GET", "big")), MB)


def output_soft_limit():
    """Output that stays above the soft limit for too long ends the connection."""
    with Server() as server, Client(server) as client:
        client("SET", "big", b"x" * (16 * MB))
        client("CONFIG", "SET", "client-output-buffer-limit", "normal 0 100000 2")
        slow = Client(server)
        slow.send("GET", "big")
        time.sleep(1)
        equal("not at once", server.clients(), 2)
        started_s = time.monotonic()
        check("after the seconds", wait_until(lambda: server.clients() == 1, 6))
        figure("ended after", f"{time.monotonic() - started_s + 1:.1f} s")
        equal("counted", server.info("client_output_buffer_limit_disconnections"), "1")
        reader = Client(server)
        equal("who reads is served", len(reader("GET", "big")), 16 * MB)
        slow.close()


def kill():
    """CLIENT KILL ends waiting and stuck clients at once."""
    with Server() as server, Client(server) as client:
        client("SET", "big", b"x" * (16 * MB))
        waiting, sleeping, stuck = Client(server), Client(server), Client(server)
        numbers = [other("CLIENT", "ID") for other in (waiting, sleeping, stuck)]
        waiting.send("WAIT", 1, 0)
        sleeping.send("DEBUG", "SLEEP", 60)
        stuck.raw(encode("GET", "big") * 100)
        time.sleep(0.3)
        for number in numbers:
            equal("killed", client("CLIENT", "KILL", "ID", number), 1)
        check("all are gone", wait_until(lambda: server.clients() == 1, 3))
        equal("killed waiting client", waiting.rest(), b"")


def pause():
    """CLIENT PAUSE holds clients back, UNPAUSE and the time let them go."""
    with Server() as server, Client(server) as client, Client(server) as writer:
        equal("pause", client("CLIENT", "PAUSE", 60_000, "WRITE"), b"OK")
        writer.send("SET", "a", 1)
        writer.send("PING")
        time.sleep(0.3)
        equal("not written", client("GET", "a"), None)
        started_s = time.monotonic()
        equal("unpause", client("CLIENT", "UNPAUSE"), b"OK")
        equal("written", writer.reply(), b"OK")
        equal("in order", writer.reply(), b"PONG")
        check("at once", time.monotonic() - started_s < 0.5)
        equal("pause", client("CLIENT", "PAUSE", 300, "ALL"), b"OK")
        started_s = time.monotonic()
        equal("held", client("PING"), b"PONG")
        took_s = time.monotonic() - started_s
        check("until the time", 0.25 < took_s < 1, f"{took_s:.2f} s")


def lists_of_clients():
    """CLIENT LIST shows every kind of peer as Redis does."""
    def line(client):
        listed = client("CLIENT", "LIST", "ID", client("CLIENT", "ID")).decode()
        return dict(field.partition("=")[::2] for field in listed.split())

    path = "list.sock"
    with Server("--unixsocket", path) as server:
        path = f"{server.directory}/{path}"
        with Client(server) as client:
            own = client.socket.getsockname()
            equal("TCP", line(client)["addr"], f"127.0.0.1:{own[1]}")
            equal("TCP here", line(client)["laddr"], f"127.0.0.1:{server.port}")
        with Client(path) as client:
            fields = line(client)
            equal("Unix", (fields["addr"], fields["laddr"], fields["flags"]),
                  ("list.sock:0", "list.sock:0", "U"))
        if has_ipv6():
            with Client(("::1", server.port)) as client:
                port = client.socket.getsockname()[1]
                equal("IPv6", line(client)["addr"], f"[::1]:{port}")
                equal("IPv6 here", line(client)["laddr"], f"[::1]:{server.port}")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


if __name__ == "__main__":
    run(idle_timeout, keepalive, output_hard_limit, output_soft_limit, kill, pause,
        lists_of_clients)
