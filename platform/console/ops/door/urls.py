"""The URLs of the door for programs, /ops/v1/, each with and without a slash at its end."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from console.ops.door import acting, reading

app_name = "door"
VIEWS: dict[str, Callable[..., Any]] = {
    "openapi.json": reading.document,
    "lists/<str:name>": reading.rows,
    "objects/<str:kind>/<str:named>": reading.one,
    "models/<str:named>/file": reading.model_file,
    "acts/<str:name>": acting.do,
    "acts/<str:name>/preview": acting.preview,
}
urlpatterns: list[URLPattern] = [
    path(f"{address}{slash}", view) for address, view in VIEWS.items() for slash in ("", "/")
]
