#!/usr/bin/env python3
"""Many connections: opened and closed, idle, and more than allowed."""

import resource
import socket
import time

from campaign import Client, LONG, Server, check, equal, figure, run, wait_until

CHURN = 500_000 if LONG else 100_000
BATCH = 500
IDLE = 10_000


def source(index):
    """One address has only so many ports; the loopback network has many addresses."""
    return f"127.0.1.{1 + index % 100}"


def connect(server, index):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    connection.settimeout(30)
    connection.bind((source(index), 0))
    connection.connect(("127.0.0.1", server.port))
    return connection


def churn(server, count):
    for start in range(0, count, BATCH):
        batch = [connect(server, start // BATCH) for _ in range(BATCH)]
        for number, connection in enumerate(batch):
            if number % 4 == 0:
                connection.sendall(b"PING\r\n")
        for number, connection in enumerate(batch):
            if number % 4 == 0 and connection.recv(16) != b"+PONG\r\n":
                raise ConnectionError("no PONG")
            connection.close()


def opened_and_closed():
    """Connections come and go; descriptors and memory stay."""
    with Server("--maxclients", 20_000) as server:
        churn(server, 10_000)
        wait_until(lambda: server.clients() == 0)
        descriptors, resident = server.descriptors(), server.resident_bytes()
        started_s = time.monotonic()
        churn(server, CHURN)
        took_s = time.monotonic() - started_s
        check("all are gone", wait_until(lambda: server.clients() == 0))
        figure("connections", f"{CHURN}, {CHURN / took_s:.0f} per second")
        same = wait_until(lambda: server.descriptors() <= descriptors, 5)
        check("descriptors", same, f"{descriptors} before, {server.descriptors()} after")
        grown = server.resident_bytes() - resident
        figure("memory grown", f"{grown >> 10} KiB, {grown / CHURN:.1f} bytes per connection")
        check("memory", grown < 8 << 20, f"{grown >> 10} KiB")
        check("alive", server.is_alive())


def idle_connections():
    """Many connections that do nothing."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(IDLE, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    with Server("--maxclients", count + 50) as server:
        before = server.resident_bytes()
        accounted = int(server.info("used_memory"))
        connections = [connect(server, index // 200) for index in range(count)]
        for connection in connections:
            connection.sendall(b"PING\r\n")
        for connection in connections:
            connection.recv(16)
        equal("all are served", server.clients(), count)
        each = (server.resident_bytes() - before) / count
        own = (int(server.info("used_memory")) - accounted) / count
        figure("bytes per idle connection", f"{each:.0f} resident, {own:.0f} allocated")
        check("bytes per idle connection", each < 4096, f"{each:.0f}")
        for connection in connections:
            connection.close()
        check("all are gone", wait_until(lambda: server.clients() == 0))
        check("alive", server.is_alive())


def idle_processor():
    """An idle server does next to nothing, without connections and with a thousand."""
    with Server() as server:
        for count in (0, 1000):
            connections = [connect(server, index) for index in range(count)]
            time.sleep(0.5)
            before_s = server.cpu_s()
            time.sleep(3)
            percent = (server.cpu_s() - before_s) / 3 * 100
            figure(f"processor with {count} idle connections", f"{percent:.2f} %")
            check(f"idle with {count}", percent < 3, f"{percent:.2f} %")
            for connection in connections:
                connection.close()


def maxclients():
    """One connection too many is told so; the next one after a place is free is served."""
    with Server("--maxclients", 10) as server:
        clients = [Client(server) for _ in range(10)]
        equal("the last is served", clients[-1]("PING"), b"PONG")
        for _ in range(20):
            with Client(server) as refused:
                equal("refusal", refused.rest(), b"-ERR max number of clients reached\r\n")
        for client in clients[:5]:
            client.close()

        def served():
            with Client(server) as client:
                try:
                    return client("PING") == b"PONG"
                except ConnectionError:
                    return False

        check("served again", wait_until(served))
        equal("counted", server.info("rejected_connections") >= "20", True)
        burst = [connect(server, 0) for _ in range(200)]
        time.sleep(0.3)
        figures = clients[9]("INFO", "clients").decode()
        connected = int(figures.split("connected_clients:")[1].split()[0])
        check("never more than allowed", connected <= 10, connected)
        for connection in burst:
            connection.close()
        with Client(server) as client:
            equal("raised", client("CONFIG", "SET", "maxclients", 100), b"OK")
            reply = client("CONFIG", "SET", "maxclients", 4_000_000_000)
            check("more than the system permits", "try with" in str(reply) or reply == b"OK", reply)


def out_of_descriptors():
    """A server whose descriptors are used up recovers when some are closed."""
    limited = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Server("--maxclients", 64) as server:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (40, 96))
        connections = [connect(server, index) for index in range(60)]
        time.sleep(0.5)
        check("it runs on", server.process.poll() is None)
        check("it says so", "Too many open files" in server.text(), server.text())
        for connection in connections:
            connection.close()
        check("alive", wait_until(lambda: server.clients() == 0) and server.is_alive())
    resource.setrlimit(resource.RLIMIT_NOFILE, limited)


if __name__ == "__main__":
    run(opened_and_closed, idle_connections, idle_processor, maxclients, out_of_descriptors)
