"""Answers about generations: their headers, and the JSON of objects.py."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter

from generation.admission.service import Admitted
from generation.api import base64_body
from generation.api.objects import GenerationObject, ImagesAnswer
from generation.api.shown import ShownGeneration, with_urls
from generation.catalogue.life import life_headers
from generation.catalogue.snapshot import latest_catalogue
from generation.lifecycle.outcome import error_row
from generation.models import Generation, State
from generation.selectors import Finished
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.endpoints.documents import answered
from pictor.kit.endpoints.objects import DOLLARS, ErrorAnswer
from pictor.kit.watching import log
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import (
    Canceled,
    GenerationTimeout,
    NoChannelAvailable,
    PictorError,
    add_headers,
)
from pictor.kit.words.money import to_decimal

GENERATION_ID = {"type": "string", "pattern": ids.pattern(ids.GENERATION)}

NOT_READY = GenerationTimeout(
    "The image is not ready yet. The generation goes on, and can be fetched later: GET"
    " /v1/images/generations/ID, with the id from the x-pictor-generation-id header."
)
CANCELED = Canceled("The generation was canceled. You were not charged.")
_CANCELED = error_row(CANCELED)


def about_one(statuses: Iterable[int]) -> tuple[OpenApiParameter, ...]:
    """The headers of `headers_of` in the OpenAPI document, for answers with these statuses."""
    return (
        answered("x-pictor-generation-id", statuses, "The generation.", GENERATION_ID),
        answered(
            "x-pictor-charge",
            statuses,
            "USD charged, or what a live key would be charged. Absent until the generation has"
            " ended.",
            DOLLARS,
        ),
    )


def of_life(statuses: Iterable[int]) -> tuple[OpenApiParameter, ...]:
    """The headers about a model's end in the document, for answers with these statuses."""
    return (
        answered(
            "Deprecation",
            statuses,
            "When the model is deprecated (RFC 9745). Absent, like the next two, if no end is"
            " announced.",
            {"type": "string", "pattern": "^@[0-9]+$"},
        ),
        answered(
            "Sunset", statuses, "When the model begins to answer 410 `model_sunset` (RFC 8594)."
        ),
        answered(
            "Link",
            statuses,
            'The successor with `rel="successor-version"`, the guide with `rel="deprecation"`.',
        ),
    )


def headers_once_admitted(admitted: Admitted) -> Mapping[str, str]:
    """The headers of every answer to a request that was admitted, and of its errors."""
    life = life_headers(latest_catalogue(), admitted.generation.model, clock.now())
    return {**admitted.headers, **life}


def headers_of(generation: Generation, *, is_replay: bool = False) -> dict[str, str]:
    """The headers of every answer about a generation."""
    log.note(generation=generation.public_id, model=generation.model)
    headers = _headers(generation.id, is_replay=is_replay)
    if generation.captured_micros is not None:
        headers["x-pictor-charge"] = to_decimal(generation.captured_micros)
    return headers


def _headers(generation_id: UUID, *, is_replay: bool) -> dict[str, str]:
    headers = {"x-pictor-generation-id": ids.public(ids.GENERATION, generation_id)}
    if is_replay:
        headers["Idempotent-Replayed"] = "true"
    return headers


def accepted(generation: Generation, *, applied: str, is_replay: bool) -> HttpResponse:
    """202: the generation object and where to find it."""
    headers = {
        **headers_of(generation, is_replay=is_replay),
        "Location": f"/v1/images/generations/{generation.public_id}",
        "Preference-Applied": applied,
    }
    return api_errors.json_response(
        GenerationObject.render(ShownGeneration(generation)), status=202, headers=headers
    )


def too_late(generation_id: UUID, *, is_replay: bool) -> HttpResponse:
    """504: the caller waited as long as callers may; the generation goes on."""
    headers = {**api_errors.headers_of(NOT_READY), **_headers(generation_id, is_replay=is_replay)}
    return api_errors.json_response(
        api_errors.body_of(NOT_READY), status=NOT_READY.status, headers=headers
    )


async def answer(finished: Finished, *, is_replay: bool) -> HttpResponseBase:
    """The answer of a synchronous call: images, or the error the generation ended with."""
    generation = finished.generation
    headers = headers_of(generation, is_replay=is_replay)
    if generation.state != State.SUCCEEDED:
        return _error(generation, headers)
    try:
        if not finished.images:
            raise base64_body.deleted()
        if generation.response_format == "b64_json":
            return await base64_body.streamed(finished, headers)
        return api_errors.json_response(ImagesAnswer.render(with_urls(finished)), headers=headers)
    except PictorError as error:  # it was made and charged, and says so
        add_headers(error, headers)
        raise


def error_body(generation: Generation) -> dict[str, Any]:
    """{"error": {…}} of a generation without an image."""
    error = generation.error or _CANCELED
    log.note(code=error["code"])
    return ErrorAnswer.render({"error": error})


def _error(generation: Generation, headers: dict[str, str]) -> HttpResponse:
    status = (generation.error or _CANCELED)["status"]
    if status == NoChannelAvailable.status:
        headers = {**headers, "Retry-After": str(NoChannelAvailable.default_retry_after)}
    return api_errors.json_response(
        error_body(generation), status=status, headers={**headers, "x-should-retry": "false"}
    )
