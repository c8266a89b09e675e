"""/v1/webhook_endpoints/{id}/deliveries: what was sent, a test, and sending it again."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from accounts import rates
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint
from pictor.kit.endpoints.objects import Page
from pictor.kit.words import clock
from pictor.kit.words.errors import NotFound
from webhooks.api.bodies import DeliveryPage, Since
from webhooks.api.endpoints import as_invalid_request, endpoint_of, endpoint_operation
from webhooks.api.objects import DeliveryList, ResentObject, ShownDelivery, WholeDelivery
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.selectors import answered_attempts_of, attempts_of, deliveries_of, delivery_by_id
from webhooks.services import resend, resend_since, send_test


def _delivery_of(caller: Caller, public_id: str, delivery_id: str) -> Delivery:
    delivery = delivery_by_id(delivery_id, endpoint=endpoint_of(caller, public_id))
    if delivery is None:
        raise NotFound("There is no delivery with that id.", param="delivery_id")
    return delivery


class DeliveriesView(Endpoint):
    """/v1/webhook_endpoints/{id}/deliveries."""

    @endpoint_operation(
        "list_webhook_deliveries",
        summary="List webhook deliveries",
        query=DeliveryPage,
        answer=DeliveryList,
        rate=rates.take_query,
        of=endpoint_of,
    )
    def get(
        self, caller: Caller, endpoint: WebhookEndpoint, limit: int, after: UUID | None
    ) -> Answer:
        """The deliveries to an endpoint, newest first, without bodies."""
        deliveries = deliveries_of(endpoint, after=after, limit=limit + 1)
        attempts = attempts_of(deliveries[:limit])
        return Answer(Page.of(deliveries, limit, lambda row: ShownDelivery(row, attempts[row.id])))


class DeliveryView(Endpoint):
    """/v1/webhook_endpoints/{id}/deliveries/{id}."""

    @endpoint_operation(
        "retrieve_webhook_delivery",
        summary="Retrieve a webhook delivery",
        answer=WholeDelivery,
        of=_delivery_of,
    )
    def get(self, caller: Caller, delivery: Delivery) -> Answer:
        """One delivery, with its body and the answers to it."""
        return _whole(delivery)


class ResendView(Endpoint):
    """/v1/webhook_endpoints/{id}/deliveries/{id}/resend."""

    @endpoint_operation(
        "resend_webhook_delivery",
        summary="Resend a webhook delivery",
        answer=WholeDelivery,
        status=HTTPStatus.ACCEPTED.value,
        of=_delivery_of,
    )
    def post(self, caller: Caller, delivery: Delivery) -> Answer:
        """Send the event again within a second or two.

        Its id and body are the same; a new series of attempts begins.
        """
        rates.take_sending(caller.tenant_id)
        with as_invalid_request():
            resend(endpoint=delivery.endpoint, delivery=delivery, now=clock.now())
        return _whole(delivery)


class ResendSinceView(Endpoint):
    """/v1/webhook_endpoints/{id}/resend."""

    @endpoint_operation(
        "resend_webhook_deliveries",
        summary="Resend missed events",
        body=Since,
        answer=ResentObject,
        status=HTTPStatus.ACCEPTED.value,
        of=endpoint_of,
    )
    def post(self, caller: Caller, endpoint: WebhookEndpoint, since: datetime) -> Answer:
        """Send all events since then that the endpoint has not accepted, at most 10,000.

        This includes events from while it was paused or disabled. Events are kept for 30 days,
        those of tests for a day.
        """
        rates.take_sending(caller.tenant_id, many=True)
        with as_invalid_request():
            resent = resend_since(endpoint=endpoint, since=since, now=clock.now())
        return Answer({"resent": resent})


class TestView(Endpoint):
    """/v1/webhook_endpoints/{id}/test."""

    @endpoint_operation(
        "test_webhook_endpoint",
        summary="Send a test event",
        answer=WholeDelivery,
        status=HTTPStatus.ACCEPTED.value,
        of=endpoint_of,
    )
    def post(self, caller: Caller, endpoint: WebhookEndpoint) -> Answer:
        """Send a `webhook.test` event within a second or two."""
        rates.take_sending(caller.tenant_id)
        with as_invalid_request():
            delivery = send_test(endpoint=endpoint, now=clock.now())
        return _whole(delivery)


def _whole(delivery: Delivery) -> Answer:
    return Answer(ShownDelivery(delivery, answered_attempts_of(delivery)))
