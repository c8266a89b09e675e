"""How endpoints under /v1 describe themselves in the OpenAPI document.

Bodies and answers are their serializers; what errors mean is said by their classes (kit/errors.py).
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers

from pictor.kit.api_bodies import ApiBody
from pictor.kit.api_objects import ApiObject, ErrorAnswer
from pictor.kit.errors import PictorError

Handler = TypeVar("Handler", bound=Callable[..., Any])
Query = type[serializers.Serializer[Any]]

ANYWHERE = (400, 401, 403, 404, 413, 415, 422, 429, 503)
"""Statuses that every endpoint can answer with an error."""
EVENTS = "text/event-stream"
TAGS = {
    "/v1/images": ("Images", "Make images, look at what was made, cancel and delete."),
    "/v1/models": ("Models", "What a key may call, and what it costs."),
    "/v1/balance": ("Billing", "Balance, usage, prices, and when a request is charged."),
    "/v1/usage": ("Billing", ""),
    "/v1/prices": ("Billing", ""),
    "/v1/billing": ("Billing", ""),
    "/v1/webhook_endpoints": ("Webhooks", "Where your server is told what became of a request."),
    "/v1/api_keys": ("API keys", "Keys of the account, managed by a key that may."),
}
"""By the beginning of a path: its tag, and what the tag is about where it is first named."""


def described(
    operation_id: str,
    *,
    summary: str,
    answers: Mapping[int, type[ApiObject]],
    body: type[ApiBody] | None = None,
    form: type[ApiBody] | None = None,
    parameters: Iterable[OpenApiParameter | Query] = (),
    errors: Iterable[int] = (),
    events: type[ApiObject] | None = None,
) -> Callable[[Handler], Handler]:
    """Describe a handler: its name, body, answers by status, and further statuses of errors.

    The handler's docstring is the description. `events` are what it streams, where it can; `form`
    is what it takes as multipart/form-data, besides a body in JSON or in its place.
    """
    failed = (*ANYWHERE, *errors)
    kinds = {"application/json": body, "multipart/form-data": form}
    bodies = {media_type: taken for media_type, taken in kinds.items() if taken}
    responses: dict[Any, Any] = {
        status: OpenApiResponse(answer, description=_first_line(answer))
        for status, answer in answers.items()
    }
    if events is not None:
        responses[200, EVENTS] = OpenApiResponse(events, description=_first_line(events))
    responses |= {status: OpenApiResponse(ErrorAnswer, _meaning(status)) for status in failed}

    def describe(handler: Handler) -> Handler:
        return extend_schema(
            operation_id=operation_id,
            summary=summary,
            description=inspect.cleandoc(handler.__doc__ or ""),
            request=bodies or None,
            parameters=[*parameters, *_headers([*answers], failed)],
            responses=responses,
            examples=_examples(bodies, answers, failed),
        )(handler)

    return describe


def _examples(
    bodies: Mapping[str, type[ApiBody]],
    answers: Mapping[int, type[ApiObject]],
    failed: Iterable[int],
) -> list[OpenApiExample]:
    return [
        *(
            OpenApiExample("body", taken.example, request_only=True, media_type=media_type)
            for media_type, taken in bodies.items()
        ),
        *(
            OpenApiExample(
                f"answer {status}", answer.example, response_only=True, status_codes=[str(status)],
                media_type="application/json",
            )
            for status, answer in answers.items()
        ),
        *(_example_of(status) for status in failed),
    ]  # fmt: skip


def answered(name: str, statuses: Iterable[int], description: str) -> OpenApiParameter:
    """A header of answers with these statuses."""
    return OpenApiParameter(name, str, "header", response=[*statuses], description=description)


def one_path_each(endpoints: list[Any]) -> list[Any]:
    """A spectacular hook: the forms with a trailing slash are the same endpoints."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


def with_tags(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A spectacular hook: tags by path, and the server that the document came from."""
    for path, methods in result["paths"].items():
        tags = [tag for head, (tag, _) in TAGS.items() if path.startswith(head)]
        for operation in methods.values():
            operation["tags"] = tags[:1]
    result["tags"] = [{"name": tag, "description": about} for tag, about in TAGS.values() if about]
    result["servers"] = [{"url": "/", "description": "Where this document came from."}]
    return result


def _headers(succeeded: list[int], failed: Iterable[int]) -> list[OpenApiParameter]:
    later = [status for status in failed if status in {429, 503}]
    return [
        answered("x-request-id", [*succeeded, *failed], "Name it when you ask us about a request."),
        answered("x-should-retry", failed, "`true` or `false`, as OpenAI's SDKs read it."),
        answered("Retry-After", later, "Seconds until another try has a chance."),
    ]


@cache
def _errors() -> dict[int, list[type[PictorError]]]:
    """The classes of errors by status."""
    found: dict[int, list[type[PictorError]]] = {}
    waiting = [PictorError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.status, []).append(kind)
        waiting += kind.__subclasses__()
    return found


def _meaning(status: int) -> str:
    return " ".join(_first_line(kind) for kind in _errors()[status])


def _example_of(status: int) -> OpenApiExample:
    kind = _errors()[status][0]
    error = {
        "message": _first_line(kind),
        "type": kind.type,
        "param": None,
        "code": kind.default_code,
    }
    return OpenApiExample(
        f"error {status}", {"error": error}, response_only=True, status_codes=[str(status)]
    )


def _first_line(thing: type[Any]) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]
