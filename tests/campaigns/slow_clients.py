#!/usr/bin/env python3
"""Clients that are slow, greedy or die, and what others notice of them."""

import os
import random
import signal
import socket
import threading
import time

from campaign import (
    Client, LONG, PING_MAX_MS, Server, check, encode, equal, figure, measure, percentile, run,
    wait_until, watch,
)

KEYS = 5_000_000 if LONG else 200_000
MB = 1 << 20


def control():
    """A server that is held up is found out: the measure can fail."""
    with Server() as server:

        def hold_up():
            for _ in range(30):
                os.kill(server.pid, signal.SIGSTOP)
                time.sleep(0.02)
                os.kill(server.pid, signal.SIGCONT)
                time.sleep(0.02)

        _, adjusted = watch(server, hold_up)
        check("seen", percentile(adjusted, 99.9) > PING_MAX_MS, percentile(adjusted, 99.9))


def slow_readers():
    """Clients that ask for much and never read cost the server little, and others nothing."""
    with Server() as server:
        with Client(server) as client:
            client("SET", "big", b"x" * MB)
        before = server.resident_bytes()
        readers = []
        request = encode("GET", "big") * 2000
        for _ in range(20):
            reader = Client(server)
            reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.socket.setblocking(False)
            try:
                reader.socket.send(request)
            except BlockingIOError:
                pass
            readers.append(reader)
        measure(server, "20 slow readers", lambda: time.sleep(1))
        grown = server.resident_bytes() - before
        figure("memory for 20 slow readers", f"{grown / MB:.1f} MiB (40 GB were asked for)")
        check("bounded", grown < 80 * MB, f"{grown / MB:.1f} MiB")
        with Client(server) as client:
            for reader in readers[:10]:
                port = reader.socket.getsockname()[1]
                equal("killed", client("CLIENT", "KILL", "ADDR", f"127.0.0.1:{port}"), 1)
            check("the killed are gone", wait_until(lambda: server.clients() == 11))
        for reader in readers[10:]:
            reader.reset()
        check("the dead are gone", wait_until(lambda: server.clients() == 0))
        figure("memory after", f"{(server.resident_bytes() - before) / MB:.1f} MiB")


def endless_pipeline():
    """A client that never stops to send starves nobody, with a single worker."""
    with Server(workers=1) as server, Client(server) as busy:
        request = encode("GET", "x") * 2000

        def push(end_s):
            while time.monotonic() < end_s:
                busy.raw(request)

        def push_and_read():
            end_s = time.monotonic() + 2
            sender = threading.Thread(target=push, args=(end_s,))
            sender.start()
            while sender.is_alive():
                busy.file.read(len("$-1\r\n") * 2000)

        measure(server, "an endless pipeline", push_and_read)


def half_open():
    """Clients that end their side, or vanish in the middle of whatever they do."""
    with Server() as server:
        with Client(server) as client:
            client("SET", "big", b"x" * (4 * MB))
        with Client(server) as client:
            client.send("PING")
            client.socket.shutdown(socket.SHUT_WR)
            equal("what was asked is answered", client.rest(), b"+PONG\r\n")
        with Client(server) as client:
            client.send("GET", "big")
            client.socket.shutdown(socket.SHUT_WR)
            equal("a long answer too", len(client.rest()), 4 * MB + len("$4194304\r\n\r\n"))
        request = encode("SET", "key", b"v" * 100_000)
        for number in range(100):
            client = Client(server)
            client.raw(request[:random.Random(number).randrange(len(request))])
            client.reset() if number % 2 else client.close()
        for number in range(50):
            client = Client(server)
            client.send("GET", "big")
            if number % 2:
                client.socket.recv(1000)
            client.reset()
        check("all are gone", wait_until(lambda: server.clients() == 0))
        check("nothing was written", Client(server)("EXISTS", "key") == 0)
        check("alive", server.is_alive())


def gone_while_waiting():
    """A client that ends while its command waits is noticed at once."""
    waits = [("DEBUG", "SLEEP", 60), ("WAIT", 1, 60_000)]
    with Server() as server:
        for words in waits:
            for end in (Client.close, Client.reset):
                client = Client(server)
                client.send(*words)
                time.sleep(0.1)
                end(client)
                gone = wait_until(lambda: server.clients() == 0, 5)
                check(f"{words[0]} ended by {end.__name__}", gone)
        with Client(server) as client:
            client("CLIENT", "PAUSE", 60_000, "WRITE")
            for end in (Client.close, Client.reset):
                held = Client(server)
                held.send("SET", "x", "y")
                held.raw(encode("PING") * 100)
                time.sleep(0.1)
                end(held)
            check("paused ones are gone", wait_until(lambda: server.clients() == 1, 5))
            client("CLIENT", "UNPAUSE")
            equal("what they asked was not done", client("EXISTS", "x"), 0)


def byte_by_byte():
    """Requests that arrive one byte at a time."""
    with Server() as server, Client(server) as client:
        stream = encode("SET", "k", "value") + b"GET k\r\n" + encode("GET", "k") + b"\r\nPING\r\n"
        for byte in stream:
            client.raw(bytes([byte]))
        replies = [client.reply() for _ in range(4)]
        equal("replies", replies, [b"OK", b"value", b"value", b"PONG"])


def large_set():
    """A request of 10 MB does not hold others up."""
    value = b"x" * (10 * MB)
    request = encode("SET", "big", value)
    for workers in (1, 2):
        with Server(workers=workers) as server, Client(server) as client:

            def send():
                client.raw(request)
                equal("reply", client.reply(), b"OK")
                time.sleep(0.02)

            measure(server, f"10 MB SET, {workers} workers", send, 2)
            equal("length", client("STRLEN", "big"), len(value))
            client("DEL", "big")
            figure("memory after", f"{server.resident_bytes() / MB:.0f} MiB")


def many_keys():
    """KEYS * and FLUSHALL over many keys do not hold others up."""
    for workers in (1, 2):
        with Server(workers=workers) as server, Client(server) as client:

            def keys():
                equal("keys", len(client("KEYS", "*")), KEYS)

            client("DEBUG", "POPULATE", KEYS)
            measure(server, f"KEYS * of {KEYS}, {workers} workers", keys, 1)
            measure(server, f"FLUSHALL of {KEYS}, {workers} workers",
                    lambda: (client("FLUSHALL"), time.sleep(0.5)))
            equal("empty", client("DBSIZE"), 0)


def long_replies():
    """A reply that is handed over in parts is one reply, whatever is around it."""
    count = 50_000
    with Server(workers=1) as server, Client(server) as client:
        client("DEBUG", "POPULATE", count)
        wanted = {b"key:%d" % number for number in range(count)}
        client.raw(encode("KEYS", "*") + encode("PING") + encode("SCAN", 0, "COUNT", 10 * count)
                   + encode("PING"))
        equal("KEYS", set(client.reply()) == wanted, True)
        equal("what follows", client.reply(), b"PONG")
        cursor, found = client.reply()
        equal("SCAN", (cursor, set(found) == wanted), (b"0", True))
        equal("what follows", client.reply(), b"PONG")
        client("MULTI")
        client("KEYS", "*")
        client("PING")
        keys, pong = client("EXEC")
        equal("in a transaction", (set(keys) == wanted, pong), (True, b"PONG"))
        client.raw(encode("CLIENT", "REPLY", "SKIP") + encode("KEYS", "*") + encode("PING"))
        equal("skipped", client.reply(), b"PONG")
        client.raw(encode("CLIENT", "REPLY", "OFF") + encode("KEYS", "*")
                   + encode("CLIENT", "REPLY", "ON"))
        equal("switched off", client.reply(), b"OK")
        for number in range(20):
            leaver = Client(server)
            leaver.send("KEYS", "*")
            if number % 2:
                leaver.socket.recv(1000)
            leaver.reset()
        check("those who left are gone", wait_until(lambda: server.clients() == 1))


if __name__ == "__main__":
    run(control, slow_readers, endless_pipeline, half_open, gone_while_waiting, byte_by_byte, large_set,
        many_keys, long_replies)
