"""The pattern of endpoints under /v1 that do not wait: a key, a scope and serializers.

    class WidgetView(Endpoint):
        @operation("retrieve_widget", summary="Retrieve a widget", scope="widgets:read",
                   answer=WidgetObject)
        def get(self, caller: Caller, public_id: str) -> Answer:
            \"\"\"One widget.\"\"\"
            return Answer(widget_of(caller.tenant_id, public_id))

Serializers parse the query and the body (`body=`), render the answer and document both; the method
makes one call. Endpoints that wait for an image are async instead (generation/api/create.py),
behind the same `route` (kit/endpoints/paths.py) and described by the same decorator
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
from pictor.kit.words.errors import NotFound


@dataclass(frozen=True, slots=True)
class Answer:
    """The value that an endpoint's answer object renders, and additional headers."""

    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class JsonAlways(BaseContentNegotiation):
    """Answers are JSON whatever the Accept header says: clients that poll may ask for images."""

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
        """No headers: a path may answer methods that this class does not know (paths.py)."""
        return {}

    def by(self, caller: Caller) -> By:
        """The caller's key as the actor of a change, and its IP address."""
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
    form: type[ApiBody] | None = None,
    status: int = HTTPStatus.OK.value,
    errors: Errors = (),
    headers: Iterable[OpenApiParameter] = (),
    rate: Callable[[Caller], None] = rates.take_read,
    of: Callable[..., object] | None = None,
) -> Callable[[Callable[..., Answer]], Callable[..., Response]]:
    """Turn a method of an Endpoint into an operation that checks the scope, parses and renders.

    The method gets the caller, the path's parts by name, or what `of` finds by them before query
    and body are judged, and the values of the query and of the body's fields that were sent, so
    optional fields need defaults. `form` is a multipart body. `of` raises NotFound; `rate` counts.
    """

    def decorate(method: Callable[..., Answer]) -> Callable[..., Response]:
        @functools.wraps(method)
        def handle(self: Endpoint, request: Request, **path: str) -> Response:
            caller = cast("Caller", request.auth)
            require_scope(caller, scope)
            rate(caller)
            found, parts = ((), path) if of is None else ((of(caller, **path),), {})
            asked = {} if query is None else query.parse(request.query_params)
            made = method(self, caller, *found, **parts, **asked, **_sent(request, body, form))
            return Response(answer.render(made.value), status=status, headers=dict(made.headers))

        return described(
            operation_id,
            summary=summary,
            answers={status: answer},
            body=body,
            form=form,
            parameters=[*headers, *([query] if query and query().fields else [])],
            errors=[*errors, *([NotFound] if of else [])],
        )(handle)

    return decorate


def _sent(
    request: Request, body: type[ApiBody] | None, form: type[ApiBody] | None
) -> Mapping[str, Any]:
    sent = _body_of(request)
    if form is not None and sent.form is not None:
        return form.parse_form(sent.form)
    return {} if body is None else body.parse(sent.short_fields())


def _body_of(request: Request) -> Body:
    """The body that the body gate read; DRF itself gets an empty one."""
    asgi = cast("ASGIRequest", request._request)  # noqa: SLF001 - DRF has no public way to it
    return cast("Body", asgi.scope["pictor.body"])
