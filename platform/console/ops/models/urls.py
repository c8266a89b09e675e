"""The URLs of models under /ops/models/. Models go by name, which never changes."""

from django.urls import path

from console.ops.models import edit, ending, listed, one

urlpatterns = [
    path("", listed.listing, name="models"),
    path("<str:model>/", one.model, name="model"),
    path("<str:model>/file.toml", one.file, name="model_file"),
    path("<str:model>/edit/", edit.edit, name="model_edit"),
    path("<str:model>/copy/", edit.copy, name="model_copy"),
    path("<str:model>/end/", ending.end, name="model_end"),
    path("<str:model>/keep/", ending.keep, name="model_keep"),
]
