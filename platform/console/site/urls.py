"""The public pages. Each guide has its own path, so the URL map lists them all."""

from django.urls import path

from console import theme
from console.site import views
from console.site.guides import SLUGS

app_name = "site"
urlpatterns = [
    path("", views.landing, name="landing"),
    path("pricing/", views.pricing, name="pricing"),
    path("docs/", views.docs, name="docs"),
    *(path(f"docs/{slug}/", views.guide, {"slug": slug}, name=f"guide_{slug}") for slug in SLUGS),
    path("docs/api/", views.reference, name="reference"),
    path("docs/api", views.reference),
    path("changelog/", views.guide, {"slug": "changelog"}, name="changelog"),
    path("status/", views.status, name="status"),
    path("status.json", views.status_json, name="status_json"),
    path("status/rss/", views.status_feed, name="status_feed"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("theme/", theme.choose, name="theme"),
]
