"""What the tests share: a clean cache, a second look at the server, and an upstream site."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis
from django.conf import settings
from django.core.cache import cache
from django.test import SimpleTestCase


class CacheTestCase(SimpleTestCase):
    """Starts each test with an empty cache. The database that CACHE_URL names is cleared."""

    def setUp(self):
        cache.clear()

    @property
    def server(self):
        """A plain client of the same server: what Django stored, seen without Django."""
        client = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
        self.addCleanup(client.close)
        return client

    def assert_ttl_s(self, key, expected_s, version=None):
        """The key expires in `expected_s` seconds, give or take what a slow test may lose."""
        ttl_ms = self.server.pttl(cache.make_key(key, version=version))
        self.assertGreater(ttl_ms, (expected_s - 30) * 1000)
        self.assertLessEqual(ttl_ms, expected_s * 1000)


class Upstream:
    """A web server on a free loopback port that counts the requests for each path."""

    def __init__(self):
        self.hits = Counter()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                upstream.hits[self.path] += 1
                status = 404 if self.path.startswith("/missing") else 200
                body = f"{self.path} number {upstream.hits[self.path]} \N{SNOWMAN}".encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Silent: the requests are part of the test."""

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}/"
        self.thread = threading.Thread(target=self.httpd.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()
