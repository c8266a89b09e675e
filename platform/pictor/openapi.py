"""The OpenAPI document at /openapi.json: made once per process, then bytes that cost nothing."""

import hashlib
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer


@cache
def _document() -> tuple[bytes, str]:
    """The document, and its ETag."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    body: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _etag(request: HttpRequest) -> str:
    return _document()[1]


@require_safe
@condition(etag_func=_etag)
def openapi(request: HttpRequest) -> HttpResponse:
    """The document; 304 where the caller has it."""
    return HttpResponse(_document()[0], content_type=OpenApiJsonRenderer.media_type)
