"""Addresses of the example."""

from django.conf import settings
from django.urls import path
from django.views.decorators.cache import cache_page

from . import views

urlpatterns = [
    path("mirror/<path:page>", views.mirror, name="mirror"),
    path("clock/", cache_page(settings.PAGE_LIFETIME_S)(views.clock), name="clock"),
    path("visits/", views.visits, name="visits"),
]
