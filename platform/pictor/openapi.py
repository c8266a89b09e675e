"""The OpenAPI document at /openapi.json, made once per revision and list of models on offer."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition
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


@lru_cache(maxsize=1)
def _at(revision: int, models: tuple[str, ...]) -> tuple[bytes, str]:
    """Return the document of a revision of the configuration, for these models, and its ETag."""
    contracts = current_catalogue().contracts
    document = with_contracts(_base_document(), [contracts[model] for model in models])
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _document() -> tuple[bytes, str]:
    catalogue = current_catalogue()
    models = tuple(contract.model for contract in catalogue.on_offer(clock.now()))
    return _at(catalogue.revision, models)


def _etag(request: HttpRequest) -> str:
    return _document()[1]


@condition(etag_func=_etag)
def _answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_document()[0], content_type=OpenApiJsonRenderer.media_type)


@read_only
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer with the document; 304 if the caller has it, 503 while the database is away."""
    try:
        return _answer(request)
    except (OperationalError, InterfaceError) as error:
        return api_errors.response_of(api_errors.as_pictor_error(error))
