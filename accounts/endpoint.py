"""The one idiom of endpoints under /v1 that do not wait: a key, a scope, and serializers.

    class WidgetView(Endpoint):
        @operation("retrieve_widget", summary="Retrieve a widget", scope="widgets:read",
                   answer=WidgetObject)
        def get(self, caller: Caller, public_id: str) -> Answer:
            \"\"\"One widget.\"\"\"
            return Answer(widget_of(caller.tenant_id, public_id))

Serializers parse the query and the body (`body=`) and render the answer, and the same ones document
it; the method makes one call. What waits for an image is async instead (generation/api/create.py),
behind the same `route` (kit/endpoints/paths.py) and described by the same decorator underneath
(kit/endpoints/documents.py).
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

from django.core.handlers.asgi import ASGIRequest
from drf_spectacular.utils import OpenApiParameter
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from typing_extensions import override

from accounts import rates
from accounts.authentication import require_scope
from accounts.callers import Caller
from accounts.services import By
from pictor.kit.endpoints.bodies import ApiBody
from pictor.kit.endpoints.body import Body
from pictor.kit.endpoints.documents import Errors, described
from pictor.kit.endpoints.objects import ApiObject
from pictor.kit.endpoints.queries import ApiQuery
from pictor.kit.words import ids


@dataclass(frozen=True, slots=True)
class Answer:
    """The value that an endpoint's answer object renders, and further headers."""

    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class JsonAlways(BaseContentNegotiation):
    """Answers are JSON, whatever a client says that it accepts: it polls for images, after all."""

    @override
    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    @override
    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class Endpoint(APIView):
    """A path whose methods are operations. DRF authenticates the caller before any of them."""

    content_negotiation_class = JsonAlways

    @property
    @override
    def default_response_headers(self) -> dict[str, str]:
        """None: a path may answer methods that this class does not know (paths.py)."""
        return {}

    def by(self, caller: Caller) -> By:
        """The key as whoever changes something, and from where."""
        key = ids.public(ids.KEY, caller.key_id)
        return {"actor": f"API key {key}", "ip": self.request.META.get("REMOTE_ADDR")}


def operation(
    operation_id: str,
    *,
    summary: str,
    scope: str,
    answer: type[ApiObject],
    query: type[ApiQuery] | None = None,
    body: type[ApiBody] | None = None,
    status: int = HTTPStatus.OK.value,
    errors: Errors = (),
    headers: Iterable[OpenApiParameter] = (),
    rate: Callable[[Caller], None] = rates.take_read,
) -> Callable[[Callable[..., Answer]], Callable[..., Response]]:
    """Make a method of an Endpoint an operation: check the scope, parse, call, render; describe.

    The method gets the caller, the path's parts by name, with `query` its values by name, and with
    `body` the values of the fields that were sent: what may be absent has a default there.
    `rate` counts the call against the tenant's limit of its kind. `headers` are its answer's own.
    """

    def decorate(method: Callable[..., Answer]) -> Callable[..., Response]:
        @functools.wraps(method)
        def handle(self: Endpoint, request: Request, **path: str) -> Response:
            caller = cast("Caller", request.auth)
            require_scope(caller, scope)
            rate(caller)
            values = {} if query is None else query.parse(request.query_params)
            if body is not None:
                values |= body.parse(_body_of(request).short_fields())
            found = method(self, caller, **path, **values)
            return Response(answer.render(found.value), status=status, headers=dict(found.headers))

        describe = described(
            operation_id,
            summary=summary,
            answers={status: answer},
            body=body,
            parameters=[*headers, *([query] if query and query().fields else [])],
            errors=errors,
        )
        return describe(handle)

    return decorate


def _body_of(request: Request) -> Body:
    """The body that the body gate read; DRF itself gets an empty one."""
    asgi = cast("ASGIRequest", request._request)  # noqa: SLF001 - DRF has no public way to it
    return cast("Body", asgi.scope["pictor.body"])
