"""How endpoints under /v1 describe themselves in the OpenAPI document."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from pictor.kit.api_objects import ApiObject, ErrorAnswer

Handler = TypeVar("Handler", bound=Callable[..., Any])
Query = type[serializers.Serializer[Any]]

ANYWHERE = (400, 401, 403, 404, 413, 415, 422, 429, 503)
"""Statuses that every endpoint can answer with an error."""


def described(
    operation_id: str,
    *,
    summary: str,
    answers: Mapping[int, type[ApiObject]],
    body: type[serializers.Serializer[Any]] | None = None,
    parameters: Iterable[OpenApiParameter | Query] = (),
    errors: Iterable[int] = (),
) -> Callable[[Handler], Handler]:
    """Describe a handler: its name, body, answers by status, and further statuses of errors.

    The handler's docstring is the description.
    """
    responses: dict[int, Any] = dict(answers)
    for status in (*ANYWHERE, *errors):
        responses[status] = OpenApiResponse(ErrorAnswer)

    def describe(handler: Handler) -> Handler:
        return extend_schema(
            operation_id=operation_id,
            summary=summary,
            description=handler.__doc__,
            request=body,
            parameters=list(parameters),
            responses=responses,
        )(handler)

    return describe


def one_path_each(endpoints: list[Any]) -> list[Any]:
    """A spectacular hook: the forms with a trailing slash are the same endpoints."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]
