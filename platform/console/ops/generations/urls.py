"""Where the pages of generations are."""

from django.urls import path

from console.ops.generations import listing, one

urlpatterns = [
    path("", listing.listing, name="generations"),
    path("<str:generation>/", one.one, name="generation"),
    path("<str:generation>/look/", one.look, name="generation_look"),
]
