"""The URLs of generations."""

from django.urls import path

from console.ops.generations import listed, one

urlpatterns = [
    path("", listed.listing, name="generations"),
    path("<str:generation>/", one.one, name="generation"),
    path("<str:generation>/look/", one.look, name="generation_look"),
]
