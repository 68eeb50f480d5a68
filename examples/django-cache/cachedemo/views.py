"""Three views, one for each way in which a Django site meets its cache."""

import hashlib
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urljoin

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse, JsonResponse


def page_key(url):
    """The cache key of a URL. A digest, since a URL may be longer than a key should be."""
    return "page:" + hashlib.sha256(url.encode()).hexdigest()


def mirror(request, page):
    """A page of the upstream site, fetched at most once in 24 hours.

    Failures are passed on but not kept: the next visitor asks again.
    """
    url = urljoin(settings.UPSTREAM_URL, "./" + quote(page))
    kept = cache.get(page_key(url))
    if kept is not None:
        return as_response(kept, "hit")
    try:
        with urllib.request.urlopen(url, timeout=settings.UPSTREAM_TIMEOUT_S) as reply:
            fetched = {"type": reply.headers.get("Content-Type"), "body": reply.read()}
    except urllib.error.HTTPError as error:
        return HttpResponse(status=error.code)
    except (urllib.error.URLError, TimeoutError):
        return HttpResponse(status=502)
    cache.set(page_key(url), fetched, timeout=settings.PAGE_LIFETIME_S)
    return as_response(fetched, "miss")


def as_response(page, found):
    return HttpResponse(page["body"], content_type=page["type"], headers={"X-Cache": found})


def clock(request):
    """The time of the first visit: `cache_page` in urls.py keeps the whole response."""
    return JsonResponse({"time_ns": time.time_ns()})


def visits(request):
    """How often this visitor has been here, counted in a session that lives in the cache."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})
