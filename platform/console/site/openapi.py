"""The OpenAPI document at /openapi.json, made once per revision and list of models on offer."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import re_accepts_gzip
from django.views.decorators.http import condition
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from generation.api.contract_bounds import with_contracts
from generation.catalogue.snapshot import current_catalogue
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.endpoints.paths import read_only
from pictor.kit.words import clock


@cache
def _base_document() -> Mapping[str, Any]:
    """Return the document without contracts, which takes a second to make."""
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-any-return, no-untyped-call]  # spectacular is untyped


class Document(NamedTuple):
    """The document as it is and as gzip; both have the same weak ETag."""

    plain: bytes
    packed: bytes
    etag: str


def document_now() -> Document:
    """Return the document with the models on offer now."""
    catalogue = current_catalogue()
    models = tuple(contract.model for contract in catalogue.on_offer(clock.now()))
    return _at(catalogue.revision, models)


@lru_cache(maxsize=1)
def _at(revision: int, models: tuple[str, ...]) -> Document:
    """Return the document of a revision of the configuration, for these models."""
    contracts = current_catalogue().contracts
    document = with_contracts(_base_document(), [contracts[model] for model in models])
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Document(body, gzip.compress(body, mtime=0), etag)


def _etag(request: HttpRequest) -> str:
    return document_now().etag


@vary_on_headers("Accept-Encoding")
@condition(etag_func=_etag)
def _answer(request: HttpRequest) -> HttpResponse:
    document, kind = document_now(), OpenApiJsonRenderer.media_type
    if not re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")):
        return HttpResponse(document.plain, content_type=kind)
    return HttpResponse(document.packed, content_type=kind, headers={"Content-Encoding": "gzip"})


@read_only
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer with the document; 304 if the caller has it, 503 while the database is away."""
    try:
        return _answer(request)
    except (OperationalError, InterfaceError) as error:
        return api_errors.response_of(api_errors.as_pictor_error(error))
