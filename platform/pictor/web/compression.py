"""Texts go out gzipped, with Django's random padding against guesses by their length.

Pictures and fonts are compressed already. Files that were compressed when they were collected keep
that form.
"""

from http import HTTPStatus

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from typing_extensions import override

TEXTS = ("text/", "application/json", "application/javascript", "application/rss", "image/svg")


class Compression(GZipMiddleware):
    """GZip for what shrinks by it."""

    @override
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_part = response.status_code == HTTPStatus.PARTIAL_CONTENT
        if is_part or not response.get("Content-Type", "").startswith(TEXTS):
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed
