"""Every operation of Django's cache API, against the server behind CACHE_URL."""

import datetime
import decimal
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import async_to_sync
from django.core.cache import cache, caches

from .support import CacheTestCase


class Values(CacheTestCase):
    def test_values_come_back_as_they_went_in(self):
        values = {
            "text": "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{SNOWMAN}",
            "bytes": bytes(range(256)),
            "empty": "",
            "float": 0.1,
            "bool": True,
            "negative": -(2**63),
            "nested": {"list": [1, 2, {"three": (4, 5)}], "set": {6, 7}},
            "date": datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc),
            "decimal": decimal.Decimal("1.10"),
        }
        for name, value in values.items():
            with self.subTest(name):
                cache.set(name, value)
                self.assertEqual(cache.get(name), value)
                self.assertIs(type(cache.get(name)), type(value))

    def test_objects_are_pickled_and_integers_are_not(self):
        cache.set("object", {"a": 1})
        cache.set("integer", 42)
        self.assertEqual(pickle.loads(self.server.get(cache.make_key("object"))), {"a": 1})
        self.assertEqual(self.server.get(cache.make_key("integer")), b"42")

    def test_large_value(self):
        value = bytes(range(256)) * 16384
        cache.set("large", value)
        self.assertEqual(cache.get("large"), value)

    def test_absent_key_gives_the_default(self):
        self.assertIsNone(cache.get("absent"))
        self.assertEqual(cache.get("absent", "default"), "default")

    def test_none_is_a_value(self):
        cache.set("none", None)
        self.assertIsNone(cache.get("none", "default"))
        self.assertTrue(cache.has_key("none"))

    def test_key_with_spaces_and_letters_beyond_ascii(self):
        key = "clef-\N{SNOWMAN}-\N{LATIN SMALL LETTER E WITH ACUTE}"
        cache.set(key, "value")
        self.assertEqual(cache.get(key), "value")

    def test_get_or_set_calls_only_once(self):
        calls = []
        for _ in range(2):
            self.assertEqual(cache.get_or_set("lazy", lambda: calls.append(1) or "made"), "made")
        self.assertEqual(calls, [1])


class Adding(CacheTestCase):
    def test_add_writes_only_where_nothing_is(self):
        self.assertTrue(cache.add("key", "first", timeout=100))
        self.assertFalse(cache.add("key", "second", timeout=5000))
        self.assertEqual(cache.get("key"), "first")
        self.assert_ttl_s("key", 100)

    def test_one_of_many_adders_wins(self):
        barrier = threading.Barrier(8)

        def add(number):
            barrier.wait(timeout=30)
            return caches["default"].add("lock", number)

        with ThreadPoolExecutor(8) as pool:
            self.assertEqual(sum(pool.map(add, range(8))), 1)

    def test_add_without_lifetime_leaves_nothing(self):
        self.assertTrue(cache.add("key", "value", timeout=0))
        self.assertFalse(cache.has_key("key"))


class Counting(CacheTestCase):
    def test_incr_and_decr(self):
        cache.set("n", 10, timeout=1000)
        self.assertEqual(cache.incr("n"), 11)
        self.assertEqual(cache.incr("n", 20), 31)
        self.assertEqual(cache.decr("n", 32), -1)
        self.assertEqual(cache.get("n"), -1)
        self.assert_ttl_s("n", 1000)

    def test_absent_counter_is_an_error(self):
        with self.assertRaises(ValueError):
            cache.incr("absent")
        self.assertFalse(cache.has_key("absent"))

    def test_no_increment_is_lost_between_threads(self):
        cache.set("n", 0)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: caches["default"].incr("n"), range(200)))
        self.assertEqual(cache.get("n"), 200)


class Many(CacheTestCase):
    def test_get_many_returns_what_is_there(self):
        cache.set("a", 1)
        cache.set("b", [2])
        self.assertEqual(cache.get_many(["a", "b", "absent"]), {"a": 1, "b": [2]})

    def test_set_many_with_a_lifetime(self):
        values = {f"key{number}": {"number": number} for number in range(100)}
        self.assertEqual(cache.set_many(values, timeout=500), [])
        self.assertEqual(cache.get_many(values), values)
        self.assert_ttl_s("key0", 500)
        self.assert_ttl_s("key99", 500)

    def test_set_many_for_ever(self):
        cache.set_many({"a": 1, "b": 2}, timeout=None)
        self.assertEqual(self.server.ttl(cache.make_key("a")), -1)

    def test_delete_many(self):
        cache.set_many({"a": 1, "b": 2, "c": 3})
        cache.delete_many(["a", "b", "absent"])
        self.assertEqual(cache.get_many(["a", "b", "c"]), {"c": 3})

    def test_delete_tells_whether_it_was_there(self):
        cache.set("a", 1)
        self.assertEqual([cache.delete("a"), cache.delete("a")], [True, False])

    def test_clear_empties_the_database(self):
        cache.set_many({"a": 1, "b": 2})
        cache.set("c", 3, version=2)
        cache.clear()
        self.assertEqual(self.server.dbsize(), 0)


class Lifetimes(CacheTestCase):
    def test_default_lifetime_is_five_minutes(self):
        cache.set("key", "value")
        self.assert_ttl_s("key", 300)

    def test_no_timeout_means_for_ever(self):
        cache.set("key", "value", timeout=None)
        self.assertEqual(self.server.ttl(cache.make_key("key")), -1)

    def test_zero_and_negative_timeouts_delete(self):
        for timeout_s in (0, -1):
            cache.set("key", "value")
            cache.set("key", "value", timeout=timeout_s)
            self.assertFalse(cache.has_key("key"))

    def test_touch_moves_the_end(self):
        cache.set("key", "value", timeout=10)
        self.assertTrue(cache.touch("key", 1000))
        self.assert_ttl_s("key", 1000)
        self.assertTrue(cache.touch("key", None))
        self.assertEqual(self.server.ttl(cache.make_key("key")), -1)
        self.assertFalse(cache.touch("absent", 10))

    def test_expired_key_is_gone(self):
        cache.set("key", "value", timeout=1)
        self.assertEqual(cache.get("key"), "value")
        deadline_s = time.monotonic() + 30
        while cache.has_key("key") and time.monotonic() < deadline_s:
            time.sleep(0.05)
        self.assertIsNone(cache.get("key"))
        self.assertEqual(self.server.exists(cache.make_key("key")), 0)


class Versions(CacheTestCase):
    def test_versions_of_a_key_are_apart(self):
        cache.set("key", "one")
        cache.set("key", "two", version=2)
        self.assertEqual([cache.get("key"), cache.get("key", version=2)], ["one", "two"])
        self.assertEqual(sorted(self.server.keys()), [b"demo:1:key", b"demo:2:key"])

    def test_incr_version_moves_the_value(self):
        cache.set("key", {"value": 1})
        self.assertEqual(cache.incr_version("key"), 2)
        self.assertIsNone(cache.get("key"))
        self.assertEqual(cache.get("key", version=2), {"value": 1})
        self.assertEqual(cache.decr_version("key", version=2), 1)
        self.assertEqual(cache.get("key"), {"value": 1})

    def test_delete_many_keeps_to_its_version(self):
        cache.set_many({"a": 1}, version=1)
        cache.set_many({"a": 2}, version=2)
        cache.delete_many(["a"], version=2)
        self.assertEqual([cache.get("a"), cache.get("a", version=2)], [1, None])


class Asynchronous(CacheTestCase):
    def test_async_calls_reach_the_same_keys(self):
        @async_to_sync
        async def work():
            await cache.aset("key", [1], timeout=600)
            await cache.aset_many({"n": 1, "m": 2})
            return await cache.aget("key"), await cache.aincr("n"), await cache.aget_many(["n", "m"])

        self.assertEqual(work(), ([1], 2, {"n": 2, "m": 2}))
        self.assert_ttl_s("key", 600)
