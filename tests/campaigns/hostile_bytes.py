#!/usr/bin/env python3
"""Bytes that no client would send: protocol limits, random and mutated streams."""

import os
import random
import time

from campaign import Client, LONG, Server, check, encode, equal, error, figure, run, wait_until

STREAMS = 100_000 if LONG else 3000
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
MB = 1 << 20


def protocol_errors():
    """Broken requests get Redis' words, and the connection ends."""
    cases = [
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", b"expected '$', got 'f'"),
        (b"*1\r\n\r\nxx\r\n", b"expected '$', got ' '"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n", b"invalid bulk length"),
        (b"*1\r\n$-1\r\n", b"invalid bulk length"),
        (b"*1\r\n$blabla\r\n", b"invalid bulk length"),
        (b"*1\r\n$\r\n", b"invalid bulk length"),
        (b"*3000000000\r\n", b"invalid multibulk length"),
        (b"*blabla\r\n", b"invalid multibulk length"),
        (b"*99999999999999999999\r\n", b"invalid multibulk length"),
        (b"*" + b"1" * 70_000, b"too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 70_000, b"too big bulk count string"),
        (b"x" * 70_000, b"too big inline request"),
        (b'SET "unbalanced\r\n', b"unbalanced quotes in request"),
        (b"SET 'a'b\r\n", b"unbalanced quotes in request"),
    ]
    with Server() as server:
        for request, wanted in cases:
            with Client(server) as client:
                client.raw(request)
                equal(request[:30], client.rest(), b"-ERR Protocol error: " + wanted + b"\r\n")
        for nothing in (b"\r\n", b"*0\r\n", b"*-1\r\n", b"*-10\r\n", b"   \r\n"):
            with Client(server) as client:
                client.raw(nothing + b"PING\r\n")
                equal(nothing, client.reply(), b"PONG")
        check("all are gone", wait_until(lambda: server.clients() == 0))
        check("alive", server.is_alive())


def before_authentication():
    """Who has no password may not make the server hold much."""
    with Server("--requirepass", "secret") as server:
        with Client(server) as client:
            equal("a command", error(client("GET", "x")), "NOAUTH Authentication required.")
            equal("a wrong password", error(client("AUTH", "wrong")),
                  "WRONGPASS invalid username-password pair or user is disabled.")
            equal("the password", client("AUTH", "secret"), b"OK")
            equal("a large request then", client("SET", "x", b"y" * 100_000), b"OK")
        for request, wanted in [
            (b"*100\r\n", b"unauthenticated multibulk length"),
            (b"*1\r\n$20000\r\n", b"unauthenticated bulk length"),
        ]:
            with Client(server) as client:
                client.raw(request)
                equal(request, client.rest(), b"-ERR Protocol error: " + wanted + b"\r\n")


def query_buffer_limit():
    """A request that outgrows the limit ends the connection."""
    with Server() as server, Client(server) as client:
        equal("set", client("CONFIG", "SET", "client-query-buffer-limit", MB), b"OK")
        with Client(server) as greedy:
            greedy.raw(b"*2\r\n$3\r\nGET\r\n$100000000\r\n")
            try:
                for _ in range(100):
                    greedy.raw(b"x" * (MB // 4))
                greedy.rest()
            except OSError:
                pass
        check("it is gone", wait_until(lambda: server.clients() == 1))
        equal("counted", server.info("client_query_buffer_limit_disconnections"), "1")
        check("alive", server.is_alive())


def announced_but_never_sent():
    """Announcements cost nothing until the bytes arrive."""
    with Server() as server:
        before = server.resident_bytes()
        clients = [Client(server) for _ in range(200)]
        for client in clients:
            client.raw(b"*2\r\n$3\r\nGET\r\n$536870912\r\nx")
        many = [Client(server) for _ in range(200)]
        for client in many:
            client.raw(b"*2147483647\r\n$4\r\nMGET\r\n")
        time.sleep(0.5)
        grown = server.resident_bytes() - before
        figure("memory for 400 announcements", f"{grown / MB:.1f} MiB")
        check("bounded", grown < 40 * MB, f"{grown / MB:.1f} MiB")
        check("alive", server.is_alive())
        for client in clients + many:
            client.close()
        check("all are gone", wait_until(lambda: server.clients() == 0))


def many_arguments():
    """A request of a million arguments is served, and its memory comes back."""
    with Server() as server, Client(server) as client:
        count = 1_000_000
        pairs = [word for number in range(count // 2) for word in (b"k%d" % number, b"v")]
        before = server.resident_bytes()
        equal("MSET", client("MSET", *pairs), b"OK")
        equal("DEL", client("DEL", *pairs[::2]), count // 2)
        request = encode("EXISTS", *pairs)
        for start in range(0, len(request), MB):
            client.raw(request[start:start + MB])
        equal("EXISTS", client.reply(), 0)
        check("alive", server.is_alive())
        time.sleep(1)
        figure("memory grown", f"{(server.resident_bytes() - before) / MB:.0f} MiB")


def mutate(rng, request):
    request = bytearray(request)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(request))
        kind = rng.randrange(5)
        if kind == 0:
            request[at] = rng.randrange(256)
        elif kind == 1:
            del request[at:at + rng.randrange(1, 8)]
        elif kind == 2:
            request[at:at] = rng.randbytes(rng.randrange(1, 8))
        elif kind == 3:
            request[at:at] = request[rng.randrange(len(request)):][:20]
        else:
            request[at:at + 1] = rng.choice([b"\r\n", b"$", b"*", b"-1", b"\0", b"999999999"])
        if not request:
            request = bytearray(b"*")
    return bytes(request)


def random_streams():
    """Random bytes and mutated requests over the socket."""
    rng = random.Random(SEED)
    figure("SEED", SEED)
    words = [b"SET", b"GET", b"MGET", b"PING", b"MULTI", b"EXEC", b"INCR", b"APPEND", b"HELLO",
             b"CLIENT", b"CONFIG", b"GET", b"COMMAND", b"OBJECT", b"SCAN", b"0", b"x", b"key",
             b"-1", b"9223372036854775807", b"", b"\0\xff", b"*", b"a b", b"3", b"INFO"]
    with Server() as server:
        before = server.resident_bytes()
        for number in range(STREAMS):
            if number % 4 == 0:
                stream = rng.randbytes(rng.randrange(1, 2000))
            else:
                requests = [encode(*rng.choices(words, k=rng.randrange(1, 6)))
                            for _ in range(rng.randrange(1, 20))]
                stream = mutate(rng, b"".join(requests))
            with Client(server) as client:
                for part in range(0, len(stream), size := rng.choice([1 << 20, 100, 7])):
                    try:
                        client.raw(stream[part:part + size])
                    except OSError:
                        break
            if number % 500 == 499:
                check(f"alive after {number + 1}", server.is_alive(), f"SEED={SEED}")
        check("all are gone", wait_until(lambda: server.clients() == 0), f"SEED={SEED}")
        figure("streams", STREAMS)
        figure("memory grown", f"{(server.resident_bytes() - before) / MB:.1f} MiB")


if __name__ == "__main__":
    run(protocol_errors, before_authentication, query_buffer_limit, announced_but_never_sent,
        many_arguments, random_streams)
