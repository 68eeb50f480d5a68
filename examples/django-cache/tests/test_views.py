"""The site as a visitor sees it."""

from cachedemo.views import page_key
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings

from .support import CacheTestCase, Upstream

DAY_S = 86400


class Mirror(CacheTestCase):
    def setUp(self):
        super().setUp()
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        override = override_settings(UPSTREAM_URL=self.upstream.url)
        override.enable()
        self.addCleanup(override.disable)

    def test_second_request_is_answered_from_the_cache(self):
        first = self.client.get("/mirror/news.txt")
        second = self.client.get("/mirror/news.txt")
        self.assertEqual(first.content.decode(), "/news.txt number 1 \N{SNOWMAN}")
        self.assertEqual(second.content, first.content)
        self.assertEqual(second["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual((first["X-Cache"], second["X-Cache"]), ("miss", "hit"))
        self.assertEqual(self.upstream.hits["/news.txt"], 1)

    def test_page_is_kept_for_a_day(self):
        self.client.get("/mirror/news.txt")
        self.assert_ttl_s(page_key(self.upstream.url + "news.txt"), DAY_S)

    def test_each_page_has_its_own_entry(self):
        self.client.get("/mirror/a.txt")
        self.assertContains(self.client.get("/mirror/b.txt"), "/b.txt number 1")
        self.assertEqual(self.server.dbsize(), 2)

    def test_forgotten_page_is_fetched_again(self):
        self.client.get("/mirror/news.txt")
        cache.clear()
        self.assertContains(self.client.get("/mirror/news.txt"), "number 2")

    def test_failure_is_passed_on_and_not_kept(self):
        self.assertEqual(self.client.get("/mirror/missing").status_code, 404)
        self.assertEqual(self.client.get("/mirror/missing").status_code, 404)
        self.assertEqual(self.upstream.hits["/missing"], 2)
        self.assertEqual(self.server.dbsize(), 0)

    def test_path_cannot_leave_the_upstream_site(self):
        for page in ("http://example.invalid/a", "/example.invalid/b", "x/../../example.invalid/c"):
            self.assertEqual(self.client.get("/mirror/" + page).status_code, 200)
        self.assertEqual(self.upstream.hits.total(), 3)


class WholeResponse(CacheTestCase):
    def test_cache_page_keeps_the_response_for_a_day(self):
        first = self.client.get("/clock/")
        self.assertEqual(self.client.get("/clock/").json(), first.json())
        self.assertIn(f"max-age={DAY_S}", first["Cache-Control"])
        ttls_s = [self.server.ttl(key) for key in self.server.keys("*cache_page*")]
        self.assertEqual(len(ttls_s), 1)
        self.assertGreater(ttls_s[0], DAY_S - 30)

    def test_cleared_cache_forgets_it(self):
        first = self.client.get("/clock/").json()
        cache.clear()
        self.assertNotEqual(self.client.get("/clock/").json(), first)


class Sessions(CacheTestCase):
    def test_session_lives_in_the_cache(self):
        counts = [self.client.get("/visits/").json()["visits"] for _ in range(3)]
        self.assertEqual(counts, [1, 2, 3])
        session_key = self.client.cookies[settings.SESSION_COOKIE_NAME].value
        key = "django.contrib.sessions.cache" + session_key
        self.assertEqual(cache.get(key), {"visits": 3})
        self.assert_ttl_s(key, settings.SESSION_COOKIE_AGE)

    def test_visitors_do_not_share_a_session(self):
        self.client.get("/visits/")
        other = self.client_class()
        self.assertEqual(other.get("/visits/").json(), {"visits": 1})

    def test_flushed_session_is_gone(self):
        self.client.get("/visits/")
        self.client.session.flush()
        self.assertEqual(self.server.dbsize(), 0)
        self.assertEqual(self.client.get("/visits/").json(), {"visits": 1})
