"""Errors in OpenAI's shape: {"error": {"message", "type", "param", "code"}}, always JSON.

This module turns exceptions into answers for the /v1 handler, DRF and the body gate. An exception
that is not a PictorError is logged and answered in our own words, without a traceback.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.urls import Resolver404
from rest_framework import exceptions as drf

from pictor.kit.endpoints.objects import ErrorAnswer
from pictor.kit.endpoints.unknown_paths import nothing_at
from pictor.kit.watching import log
from pictor.kit.words.errors import (
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PictorError,
    RequestTooLarge,
    Unavailable,
    UnsupportedMediaType,
    add_headers,
    error_headers,
)

logger = logging.getLogger(__name__)
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def body_of(error: PictorError) -> dict[str, Any]:
    """Return an error's JSON object, and note its code for the request's log line."""
    log.note(code=error.code, error=error)
    return ErrorAnswer.render({"error": error})


def headers_of(error: PictorError) -> dict[str, str]:
    """Return `Retry-After`, `x-should-retry` and the error's own headers."""
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.should_retry is not None:
        headers["x-should-retry"] = "true" if error.should_retry else "false"
    return headers


def response_of(error: PictorError) -> HttpResponse:
    return json_response(body_of(error), status=error.status, headers=headers_of(error))


def json_response(
    data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a response of UTF-8 JSON without escapes or blanks."""
    body = _compact(data).encode()
    return HttpResponse(
        body,
        status=status,
        content_type="application/json",
        headers={"Content-Length": str(len(body)), **(headers or {})},
    )


def as_pictor_error(error: Exception) -> PictorError:
    """Return the error that a caller may see for any exception; unexpected ones are logged."""
    if isinstance(error, PictorError):
        return error
    answer = _api_error(error)
    add_headers(answer, error_headers(error))
    return answer


def _api_error(error: Exception) -> PictorError:
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("database unavailable: %s", error)
        return Unavailable("The service is briefly unavailable. Try again.")
    known = _framework_error(error)
    if known is None:
        logger.error("unexpected error", exc_info=error)
        return PictorError("Something went wrong on our side.")
    return known


def _framework_error(error: Exception) -> PictorError | None:
    """Translate Django's and DRF's own refusals; None for another exception."""
    known: PictorError | None = None
    match error:
        case Http404() | drf.NotFound():
            path = error.args[0]["path"] if isinstance(error, Resolver404) else ""
            known = NotFound(nothing_at(path))
        case drf.MethodNotAllowed():
            known = MethodNotAllowed("This address does not support that method.")
        case drf.UnsupportedMediaType():
            known = UnsupportedMediaType("Send the body as application/json.")
        case RequestDataTooBig():
            known = RequestTooLarge("The request body is too large.")
        case TooManyFieldsSent():
            known = InvalidRequest("The query string has too many parameters.")
        case drf.APIException():
            known = InvalidRequest("The request could not be read.", code="invalid_json")
    return known


def drf_exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Answer an exception for DRF (its EXCEPTION_HANDLER), as on every other endpoint."""
    return response_of(as_pictor_error(error))
