"""The results of alerts: the sending of mails, and the answers of webhooks."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from accounts.models import Mail
from accounts.selectors.office.people import mails_among
from accounts.services.office.mail import MAX_MAIL_ATTEMPTS
from generation.models import AlertSending
from webhooks.models import Delivery, DeliveryAttempt
from webhooks.selectors import attempts_of, deliveries_by_event


class SendState(Enum):
    """The progress of a delivery: arrived is a mail its server took, or a webhook's 2xx."""

    ARRIVED = "ok"
    ON_ITS_WAY = "info"
    FAILING = "warn"
    GIVEN_UP = "bad"
    FORGOTTEN = "idle"


class DestinationResult(NamedTuple):
    """The result at one destination: an address, or the webhook's url."""

    to: str
    state: SendState
    words: str

    @property
    def shown(self) -> str:
        """The destination as all staff may see it."""
        return short(self.to)


def short(url: str) -> str:
    """A url without its possibly secret parts; an address unchanged."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/…" if parts.hostname else url


def results_of(sendings: Sequence[AlertSending]) -> Mapping[UUID, Sequence[DestinationResult]]:
    """By sending, the result at each destination. Three queries."""
    mails = mails_among([mail_id for sending in sendings for mail_id in sending.mail_ids])
    deliveries = deliveries_by_event([sending.event_id for sending in sendings if sending.event_id])
    tried = attempts_of(deliveries.values())
    last = {delivery: attempts[-1] for delivery, attempts in tried.items() if attempts}
    return {sending.id: list(_results(sending, mails, deliveries, last)) for sending in sendings}


def _results(
    sending: AlertSending,
    mails: Mapping[UUID, Mail],
    deliveries: Mapping[UUID, Delivery],
    last: Mapping[UUID, DeliveryAttempt],
) -> Iterator[DestinationResult]:
    for address, mail_id in zip(sending.mails, sending.mail_ids, strict=True):
        yield _mail_result(address, mails.get(mail_id))
    if sending.event_id is not None:
        delivery = deliveries.get(sending.event_id)
        yield _webhook_result(sending.url, delivery, last.get(delivery.id) if delivery else None)


def _mail_result(address: str, mail: Mail | None) -> DestinationResult:
    if mail is None:
        return DestinationResult(address, SendState.FORGOTTEN, "more than a week ago")
    if mail.sent_at is not None:
        return DestinationResult(address, SendState.ARRIVED, "sent")
    if mail.attempts >= MAX_MAIL_ATTEMPTS:
        return DestinationResult(address, SendState.GIVEN_UP, f"given up: {mail.error}")
    if not settings.SENDS_MAIL:
        return DestinationResult(address, SendState.FAILING, "no mail server is set: EMAIL_URL")
    if mail.error:
        return DestinationResult(address, SendState.FAILING, f"tried again: {mail.error}")
    return DestinationResult(address, SendState.ON_ITS_WAY, "on its way")


def _webhook_result(
    url: str, delivery: Delivery | None, attempt: DeliveryAttempt | None
) -> DestinationResult:
    if delivery is None:
        return DestinationResult(url, SendState.FORGOTTEN, "no longer kept")
    answered = "on its way"
    if attempt is not None:
        status = attempt.http_status
        answered = attempt.error if status is None else f"answered {status}"
    if delivery.state == Delivery.State.DELIVERED:
        return DestinationResult(url, SendState.ARRIVED, answered)
    if delivery.state == Delivery.State.FAILED:
        return DestinationResult(url, SendState.GIVEN_UP, f"given up: {answered}")
    if attempt is not None:
        return DestinationResult(url, SendState.FAILING, f"{answered}, tried again")
    return DestinationResult(url, SendState.ON_ITS_WAY, answered)
