"""Descriptions of endpoints under /v1 for the OpenAPI document.

Serializers describe bodies and answers. The first line of an error class's docstring describes the
error (kit/words/errors.py).
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    OpenApiWebhook,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers
from typing_extensions import override

from pictor.kit.bytes.multipart import REPEATED
from pictor.kit.endpoints.bodies import ApiBody
from pictor.kit.endpoints.objects import ApiObject, ErrorAnswer
from pictor.kit.words import ids
from pictor.kit.words.errors import (
    Forbidden,
    InvalidRequest,
    PictorError,
    RateLimited,
    RequestTimeout,
    RequestTooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)

Handler = TypeVar("Handler", bound=Callable[..., Any])
Query = type[serializers.Serializer[Any]]
Errors = Iterable[type[PictorError]]

ANYWHERE = (InvalidRequest, Unauthenticated, Forbidden, RateLimited, Unavailable)
"""Errors that every endpoint can return."""
WITH_BODY = (RequestTimeout, RequestTooLarge, UnsupportedMediaType)
"""Further errors of methods other than GET, which read a body even if they use none."""
EVENTS = "text/event-stream"
TEXT = {"type": "string"}
WHOLE_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
YES_OR_NO = {"type": "string", "enum": ["true", "false"]}
TAGS = {
    "/v1/images": ("Images", "Make, list, cancel and delete images."),
    "/v1/models": ("Models", "Models that a key may call, with prices."),
    "/v1/balance": ("Billing", "Balance, usage, prices, and when a request is charged."),
    "/v1/usage": ("Billing", ""),
    "/v1/prices": ("Billing", ""),
    "/v1/billing": ("Billing", ""),
    "/v1/webhook_endpoints": (
        "Webhooks",
        "Endpoints on your server that receive the outcome of requests.",
    ),
    "/v1/api_keys": (
        "API keys",
        "The workspace's keys, managed by a key with the scope `keys:write`.",
    ),
}
"""By a path's beginning: its tag, and the tag's description at its first use."""
IDS = {
    "/v1/images/generations": ids.GENERATION,
    "/v1/api_keys": ids.KEY,
    "/v1/webhook_endpoints": ids.WEBHOOK_ENDPOINT,
}
"""By a path's beginning: the prefix of its `public_id`."""
OPERATIONS = ("Operations", "Health, readiness and metrics, for operators.")
"""The tag of paths outside /v1, which need no API key."""
_MARKS = {"x-spec-enum-id", "readOnly"}
_PARAMETERS = "x-parameters"


def described(
    operation_id: str,
    *,
    summary: str,
    answers: Mapping[int, type[ApiObject]],
    body: type[ApiBody] | None = None,
    form: type[ApiBody] | None = None,
    parameters: Iterable[OpenApiParameter | Query] = (),
    errors: Errors = (),
    events: Mapping[str, type[ApiObject]] | None = None,
) -> Callable[[Handler], Handler]:
    """Describe a handler: its name, body, answers by status, and further errors.

    The handler's docstring is the description. `events` are the events it can stream, by name;
    `form` is a multipart/form-data body, beside the JSON body or instead of it.
    """
    kinds = {"application/json": body, "multipart/form-data": form}
    bodies = {media_type: taken for media_type, taken in kinds.items() if taken}

    def describe(handler: Handler) -> Handler:
        of_body = () if handler.__name__ == "get" else WITH_BODY
        failed = _by_status((*ANYWHERE, *of_body, *errors))
        responses: dict[Any, Any] = {
            status: OpenApiResponse(answer, description=_first_line(answer))
            for status, answer in answers.items()
        }
        if events is not None:
            responses[200, EVENTS] = _stream(operation_id, events)
        responses |= {status: _failure(kinds) for status, kinds in failed.items()}
        return extend_schema(
            operation_id=operation_id,
            summary=summary,
            description=inspect.cleandoc(handler.__doc__ or ""),
            request=bodies or None,
            parameters=[*parameters, *_headers([*answers], [*failed])],
            responses=responses,
            examples=_examples(bodies, answers, failed),
        )(handler)

    return describe


def _stream(operation_id: str, events: Mapping[str, type[ApiObject]]) -> OpenApiResponse:
    """Describe a stream: the data of each event by its type."""
    name = "".join(word.title() for word in operation_id.split("_"))
    told_apart = PolymorphicProxySerializer(
        f"{name}Event", serializers=dict(events), resource_type_field_name="type"
    )
    return OpenApiResponse(told_apart, description="What each event's `data` is, by its type.")


def described_in_front(
    operation_id: str,
    *,
    summary: str,
    answers: Mapping[int, type[ApiObject]] = MappingProxyType({}),
    page: str = "",
    errors: Errors = (),
    headers: Iterable[OpenApiParameter] = (),
    security: Iterable[Mapping[str, list[str]]] = (),
) -> Callable[[Handler], Handler]:
    """Describe an endpoint in front of the site, without an API key.

    `page` is the media type of a text answer; `security` lists the accepted schemes.
    """
    failed = _by_status(errors)
    responses: dict[Any, Any] = {
        status: OpenApiResponse(answer, description=_first_line(answer))
        for status, answer in answers.items()
    }
    if page:
        responses[200, page] = OpenApiResponse(OpenApiTypes.STR, description="The metrics.")
    every = [*answers, *([200] if page else []), *failed]
    auth: Any = [*security]  # extend_schema's annotation allows only names
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        auth=auth,
        parameters=[answered("x-request-id", every, "The request's id in the logs."), *headers],
        responses=responses | {status: _failure(kinds) for status, kinds in failed.items()},
        examples=_examples({}, answers, failed),
    )


def described_event(
    event_type: str, body: type[ApiObject], *, summary: str, headers: Mapping[str, str]
) -> OpenApiWebhook:
    """Describe an event posted to a customer's server; `headers` has descriptions by name."""
    taken = {
        "2XX": "Accepted.",
        "410": "Gone: disables the endpoint.",
        "default": "Not accepted: the event is sent again, up to eight more times.",
    }
    parameters = [
        {"name": name, "in": "header", "required": True, "schema": TEXT, "description": words}
        for name, words in headers.items()
    ]
    return OpenApiWebhook(
        event_type,
        extend_schema(
            operation_id=f"told_of_{event_type.replace('.', '_')}",
            summary=summary,
            description=inspect.cleandoc(body.__doc__ or ""),
            tags=[TAGS["/v1/webhook_endpoints"][0]],
            request={"application/json": body},
            responses={status: OpenApiResponse(description=text) for status, text in taken.items()},
            examples=[OpenApiExample("event", body.example)],
            extensions={_PARAMETERS: parameters},
        ),
    )


def _examples(
    bodies: Mapping[str, type[ApiBody]],
    answers: Mapping[int, type[ApiObject]],
    failed: Mapping[int, list[type[PictorError]]],
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
        *(_example_of(kind) for kinds in failed.values() for kind in kinds),
    ]  # fmt: skip


def answered(
    name: str, statuses: Iterable[int], description: str, schema: Mapping[str, Any] = TEXT
) -> OpenApiParameter:
    """Return the parameter for a header of answers with these statuses."""
    return OpenApiParameter(
        name, dict(schema), "header", response=[*statuses], description=description
    )


def one_path_each(endpoints: list[Any]) -> list[Any]:
    """Drop duplicate paths with a trailing slash (a drf-spectacular hook)."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


def as_it_is(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """Set tags by path, require bodies and name the server (a drf-spectacular hook)."""
    for path, methods in result["paths"].items():
        tags = [tag for head, (tag, _) in TAGS.items() if path.startswith(head)]
        tags.append(OPERATIONS[0])
        for operation in methods.values():
            operation["tags"] = tags[:1]
            operation.setdefault("security", [])  # explicit if it needs no key
            for parameter in operation.get("parameters", ()):
                parameter.update(_id_in(path, parameter["name"]))
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    # drf-spectacular 0.30 gathers components before it has seen the webhooks (21 November 2026).
    result["components"]["schemas"] |= generator.registry.build({})["schemas"]
    for event in result["webhooks"].values():
        event["post"] |= {"parameters": event["post"].pop(_PARAMETERS), "security": []}
    known = [*TAGS.values(), OPERATIONS]
    result["tags"] = [{"name": tag, "description": about} for tag, about in known if about]
    result["servers"] = [
        {"url": "/", "description": "The server that answered with this document."}
    ]
    return {name: _without_marks(value) for name, value in result.items()}


def _id_in(path: str, name: str) -> dict[str, Any]:
    """Return the schema of an id in a path, if it is known."""
    if name == "delivery_id":
        return _id(ids.DELIVERY)
    kinds = (kind for head, kind in IDS.items() if name == "public_id" and path.startswith(head))
    return next(map(_id, kinds), {})


def _id(kind: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "pattern": ids.pattern(kind)}}


def _without_marks(found: Any) -> Any:
    """Remove `readOnly` and drf-spectacular's notes for a hook that is not used here.

    Read-only properties are left out of requests, and an event posted to a webhook is a request.
    """
    if isinstance(found, list):
        return [_without_marks(item) for item in found]
    if not isinstance(found, dict):
        return found
    return {name: _without_marks(value) for name, value in found.items() if name not in _MARKS}


class BodySchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call] # its metaclass hook is untyped
    """The schema of a body: only its own fields, with its conditions for them together."""

    target_class = ApiBody
    match_subclasses = True

    @override
    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the schema of the fields and of `together`."""
        fields = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001 - as its documentation has it
        if self.target.is_form:
            fields |= _of_a_form(fields["properties"])
        return {**fields, "additionalProperties": False, **self.target.together}


def _of_a_form(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's properties, those whose name ends in `[]` as patterns.

    Client generators map `image` and `image[]` to the same name and would drop the form.
    """
    given = {name: _without_null(schema) for name, schema in properties.items()}
    repeated = [name for name in given if name.endswith(REPEATED)]
    patterns = {f"^{re.escape(name)}$": given.pop(name) for name in repeated}
    return {"properties": given, **({"patternProperties": patterns} if patterns else {})}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    given = {"type": [kind for kind in kinds if kind != "null"]} if isinstance(kinds, list) else {}
    if len(given.get("type", ())) == 1:
        given["type"] = given["type"][0]
    words = (
        {"enum": [word for word in schema["enum"] if word is not None]} if "enum" in schema else {}
    )
    return {**schema, **given, **words}


def _headers(succeeded: list[int], failed: list[int]) -> list[OpenApiParameter]:
    every = [*succeeded, *failed]
    return [
        answered("x-request-id", every, "Quote it when you ask us about a request."),
        answered("openai-processing-ms", every, "Milliseconds taken to answer.", WHOLE_NUMBER),
        *retry_headers(failed),
    ]


def retry_headers(failed: Iterable[int]) -> list[OpenApiParameter]:
    """Return the headers of failed answers that say whether and when to retry."""
    failed = [*failed]
    later = [status for status in failed if status in {429, 503}]
    return [
        answered(
            "x-should-retry", failed, "Whether to retry, as OpenAI's SDKs understand it.", YES_OR_NO
        ),
        answered("Retry-After", later, "Seconds after which to try again.", WHOLE_NUMBER),
    ]


def _by_status(errors: Errors) -> dict[int, list[type[PictorError]]]:
    by_status: dict[int, list[type[PictorError]]] = {}
    for kind in errors:
        by_status.setdefault(kind.status, []).append(kind)
    return dict(sorted(by_status.items()))


def _failure(kinds: list[type[PictorError]]) -> OpenApiResponse:
    return OpenApiResponse(ErrorAnswer, " ".join(map(_first_line, kinds)))


def _example_of(kind: type[PictorError]) -> OpenApiExample:
    error = {
        "message": _first_line(kind),
        "type": kind.type,
        "param": None,
        "code": kind.default_code,
    }
    return OpenApiExample(
        kind.default_code, {"error": error}, response_only=True, status_codes=[str(kind.status)]
    )


def _first_line(thing: type[Any]) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]
