"""The URL map of /v1, which its own handler serves, so that no page is imported for it."""

from django.urls import include, path

urlpatterns = [
    path("v1/", include("generation.api.urls")),
    path("v1/", include("accounts.api.urls")),
    path("v1/", include("billing.api.urls")),
    path("v1/", include("webhooks.api.urls")),
]
