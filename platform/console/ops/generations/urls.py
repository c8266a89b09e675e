"""The URLs of generations."""

from django.urls import path

from console.ops.generations import one
from console.ops.generations.lists import GENERATIONS
from console.ops.lists import page_of

urlpatterns = [
    path("", page_of(GENERATIONS), name="generations"),
    path("<str:generation>/", one.one, name="generation"),
    path("<str:generation>/look/", one.look, name="generation_look"),
]
