"""/v1/webhook_endpoints: a tenant's endpoints, managed by a key with `webhooks:write`."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from accounts import rates
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from accounts.selectors.office.tenants import tenant_by_id
from accounts.services.office.api_keys import OVERLAPS
from pictor.kit.endpoints.objects import Page
from pictor.kit.words import clock
from pictor.kit.words.errors import InvalidRequest, NotFound
from webhooks.api.bodies import (
    USUAL_OVERLAP,
    EndpointChange,
    EndpointPage,
    NewEndpoint,
    SecretRotation,
)
from webhooks.api.objects import DeletedEndpoint, EndpointList, EndpointObject, ShownEndpoint
from webhooks.models import WebhookEndpoint
from webhooks.selectors import endpoint_by_id, endpoints_of
from webhooks.services import (
    EndpointValues,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
)

endpoint_operation = partial(operation, scope="webhooks:write")


class EndpointsView(Endpoint):
    """/v1/webhook_endpoints."""

    @endpoint_operation(
        "list_webhook_endpoints",
        summary="List webhook endpoints",
        query=EndpointPage,
        answer=EndpointList,
        rate=rates.take_query,
    )
    def get(self, caller: Caller, limit: int, after: UUID | None) -> Answer:
        """The workspace's endpoints in the key's mode, newest first."""
        every = endpoints_of(caller.tenant_id, livemode=caller.livemode)
        # There are ten at most, so no page needs a query of its own.
        page = [endpoint for endpoint in every if after is None or endpoint.id < after]
        return Answer(Page.of(page, limit, ShownEndpoint))

    @endpoint_operation(
        "create_webhook_endpoint",
        summary="Create a webhook endpoint",
        body=NewEndpoint,
        answer=EndpointObject,
        status=HTTPStatus.CREATED.value,
    )
    def post(self, caller: Caller, url: str, events: list[str] | None = None) -> Answer:
        """An endpoint and its secret, which is shown only in this answer.

        It receives events about requests by live keys, or by test keys if a test key created it. A
        workspace has at most ten of each.
        """
        tenant = tenant_by_id(caller.tenant_id)
        with as_invalid_request():
            endpoint, secret = create_endpoint(
                tenant=tenant,
                livemode=caller.livemode,
                values=EndpointValues(url, events),
                **self.by(caller),
            )
        return Answer(ShownEndpoint(endpoint, secret))


def endpoint_of(caller: Caller, public_id: str) -> WebhookEndpoint:
    """Return the caller's endpoint, if it has the key's mode. Raises NotFound."""
    endpoint = endpoint_by_id(public_id, tenant_id=caller.tenant_id, livemode=caller.livemode)
    if endpoint is None:
        raise _endpoint_missing()
    return endpoint


def _endpoint_missing() -> NotFound:
    return NotFound("There is no webhook endpoint with that id.", param="id")


class EndpointView(Endpoint):
    """/v1/webhook_endpoints/{id}."""

    @endpoint_operation(
        "retrieve_webhook_endpoint",
        summary="Retrieve a webhook endpoint",
        answer=EndpointObject,
        of=endpoint_of,
    )
    def get(self, caller: Caller, endpoint: WebhookEndpoint) -> Answer:
        """One of the workspace's endpoints."""
        return Answer(ShownEndpoint(endpoint))

    @endpoint_operation(
        "change_webhook_endpoint",
        summary="Change a webhook endpoint",
        body=EndpointChange,
        answer=EndpointObject,
        of=endpoint_of,
    )
    def patch(self, caller: Caller, endpoint: WebhookEndpoint, **fields: Any) -> Answer:
        """Change the given fields. Pending deliveries go to the new url."""
        status = fields.get("status")
        values = EndpointValues(
            url=fields.get("url", endpoint.url),
            events=fields.get("events", endpoint.events),
            is_enabled=None if status is None else status == WebhookEndpoint.Status.ENABLED,
        )
        with as_invalid_request():
            change_endpoint(endpoint=endpoint, values=values, **self.by(caller))
        return Answer(ShownEndpoint(endpoint))

    @endpoint_operation(
        "delete_webhook_endpoint",
        summary="Delete a webhook endpoint",
        answer=DeletedEndpoint,
        of=endpoint_of,
    )
    def delete(self, caller: Caller, endpoint: WebhookEndpoint) -> Answer:
        """Delete the endpoint and its deliveries."""
        delete_endpoint(endpoint=endpoint, **self.by(caller))
        return Answer(endpoint)


class SecretRotationView(Endpoint):
    """/v1/webhook_endpoints/{id}/rotate."""

    @endpoint_operation(
        "rotate_webhook_secret",
        summary="Rotate a webhook secret",
        body=SecretRotation,
        answer=EndpointObject,
        of=endpoint_of,
    )
    def post(
        self, caller: Caller, endpoint: WebhookEndpoint, overlap: str = USUAL_OVERLAP
    ) -> Answer:
        """Create a new secret, shown only in this answer. During the overlap both secrets sign.

        Until it ends, another rotation is refused, unless that one has no overlap.
        """
        with as_invalid_request():
            secret = rotate_secret(
                endpoint=endpoint,
                overlap=OVERLAPS[overlap],
                now=clock.now(),
                **self.by(caller),
            )
        return Answer(ShownEndpoint(endpoint, secret))


@contextmanager
def as_invalid_request() -> Iterator[None]:
    """Turn a service's refusals into API errors by field, and a deleted endpoint into a 404."""
    try:
        yield
    except WebhookEndpoint.DoesNotExist:
        raise _endpoint_missing() from None
    except ValidationError as error:
        param = next(iter(error.error_dict)) if hasattr(error, "error_dict") else None
        raise InvalidRequest(" ".join(error.messages), param=param) from None
