"""Settings of a Django project whose cache and sessions live in Cinnabar.

Only CACHES and SESSION_ENGINE matter to the example. There is no database: everything the site
keeps is either in the cache or on the upstream server.
"""

import os
import secrets

# A fixed key belongs in the environment of a deployment; a demo is well served by a fresh one.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or secrets.token_urlsafe(50)
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

ROOT_URLCONF = "cachedemo.urls"
WSGI_APPLICATION = "cachedemo.wsgi.application"
INSTALLED_APPS = ["django.contrib.sessions"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
]
DATABASES = {}
USE_TZ = True

# The server is chosen by one variable, so that the same project runs on a desk, in a container
# (redis://cinnabar:6379/0) and under test (a free port).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("CACHE_URL", "redis://127.0.0.1:6379/0"),
        "KEY_PREFIX": "demo",
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"

# The site whose pages are fetched and kept. Visitors choose a path below it, never the host:
# a view that fetches any address it is given is a door into the network it runs in.
UPSTREAM_URL = os.environ.get("UPSTREAM_URL", "http://127.0.0.1:8001/")
UPSTREAM_TIMEOUT_S = 10
PAGE_LIFETIME_S = 24 * 60 * 60
