"""A tenant's changes to its endpoints: create, change, rotate, delete, test, resend.

Each change is one transaction with its audit event. Raises ValidationError, by field.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.locks import tenant_for_update
from accounts.models import Tenant
from accounts.services import By, record
from accounts.services.office.api_keys import OVERLAPS
from pictor.kit.secrets.encryption import encrypted
from pictor.kit.words import ids
from webhooks import signing
from webhooks.addresses import check_url
from webhooks.events import TestObject, body_with
from webhooks.models import EVENTS, OF_MONEY, TEST, Delivery, Event, WebhookEndpoint
from webhooks.rotation import replace_secret

MAX_ENDPOINTS = 10
"""The most endpoints of a tenant in each mode."""
MAX_RESENT = 10_000
"""The most deliveries resent at once."""


@dataclass(frozen=True, slots=True)
class EndpointValues:
    """The requested values of an endpoint.

    `events` None subscribes to all, `is_enabled` None keeps the status.
    """

    url: str
    events: Sequence[str] | None = None
    is_enabled: bool | None = True


def create_endpoint(
    *,
    tenant: Tenant,
    livemode: bool,
    values: EndpointValues,
    once: UUID | None = None,
    **by: Unpack[By],
) -> tuple[WebhookEndpoint, str]:
    """Create an endpoint and return its secret, shown only this once.

    It gets the events of its mode only. `once` becomes its id, so a form that is sent twice makes
    one endpoint; the second time ValidationError is raised.
    """
    columns = _checked_columns(values, livemode=livemode)
    secret = signing.new_secret()
    with transaction.atomic():
        tenant_for_update(tenant.id)  # so concurrent calls are counted
        if once and WebhookEndpoint.objects.filter(id=once).exists():
            raise ValidationError(
                "This form has already created its endpoint, whose secret was shown then."
            )
        endpoints = WebhookEndpoint.objects.filter(tenant=tenant, livemode=livemode)
        if endpoints.count() >= MAX_ENDPOINTS:
            mode = "live" if livemode else "test"
            raise ValidationError(
                f"There are {MAX_ENDPOINTS} {mode} endpoints already: delete one first."
            )
        endpoint = WebhookEndpoint(
            id=once or ids.new_uuid(),
            tenant=tenant,
            livemode=livemode,
            secret=encrypted(secret),
            **columns,
        )
        endpoint.save(force_insert=True)
        endpoint.refresh_from_db(fields=["created_at"])
        after = _describe(endpoint)
        record(endpoint.audited, "webhook_endpoint.create", after=after, **by)
    return endpoint, secret


def change_endpoint(*, endpoint: WebhookEndpoint, values: EndpointValues, **by: Unpack[By]) -> None:
    """Change an endpoint's url, events or status; nothing is written if nothing changes.

    A value that `endpoint` already has leaves what was set since it was read. An endpoint that is
    enabled again starts with its failures forgotten; pending deliveries go on. Raises
    WebhookEndpoint.DoesNotExist if it was deleted meanwhile.
    """
    wanted = _checked_columns(values, livemode=endpoint.livemode, present=endpoint)
    columns = {name: value for name, value in wanted.items() if value != getattr(endpoint, name)}
    with transaction.atomic():
        endpoint.refresh_from_db(from_queryset=WebhookEndpoint.objects.select_for_update())
        before = _describe(endpoint)
        for column, value in columns.items():
            setattr(endpoint, column, value)
        after = _describe(endpoint)
        if after == before:
            return
        endpoint.save(update_fields=list(columns))
        record(endpoint.audited, "webhook_endpoint.change", before=before, after=after, **by)


@transaction.atomic
def rotate_secret(
    *, endpoint: WebhookEndpoint, overlap: timedelta, now: datetime, **by: Unpack[By]
) -> str:
    """Return a new secret, shown only this once; the former one signs too for `overlap`.

    Raises ValidationError while an earlier one still signs, unless there is no overlap, and
    WebhookEndpoint.DoesNotExist if the endpoint was deleted meanwhile.
    """
    if overlap not in OVERLAPS.values():
        raise ValidationError(f"the overlap must be one of {', '.join(OVERLAPS)}")
    secret = replace_secret(
        endpoint, overlap=overlap, now=now, way_out='rotate with the overlap "0" (at once)'
    )
    after = {"former_until": (now + overlap).isoformat()}
    record(endpoint.audited, "webhook_endpoint.rotate", after=after, **by)
    return secret


@transaction.atomic
def delete_endpoint(*, endpoint: WebhookEndpoint, **by: Unpack[By]) -> None:
    """Delete an endpoint; its deliveries go within the hour. Safe to call twice."""
    deleted, _ = WebhookEndpoint.objects.filter(id=endpoint.id).delete()
    if deleted:
        record(endpoint.audited, "webhook_endpoint.delete", before=_describe(endpoint), **by)


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, now: datetime) -> Delivery:
    """Queue a `webhook.test` event for this endpoint, whatever it subscribes to."""
    _require_enabled(endpoint)
    event = Event(
        tenant_id=endpoint.tenant_id,
        livemode=endpoint.livemode,
        type=TEST,
        subject_id=endpoint.id,
        at=now,
    )
    event.body = body_with(event, TestObject.render(endpoint))
    event.save(force_insert=True)
    return Delivery.objects.create(event=event, endpoint=endpoint, due_at=now)


@transaction.atomic
def resend(*, endpoint: WebhookEndpoint, delivery: Delivery, now: datetime) -> None:
    """Send a delivery again, with the same event id and body and all attempts anew."""
    _require_enabled(endpoint)
    delivery.state, delivery.tries, delivery.due_at = Delivery.State.PENDING, 0, now
    again = {"state": delivery.state, "tries": delivery.tries, "due_at": delivery.due_at}
    Delivery.objects.filter(pk=delivery.pk).update(**again)  # its endpoint may be deleted meanwhile


@transaction.atomic
def resend_since(*, endpoint: WebhookEndpoint, since: datetime, now: datetime) -> int:
    """Resend all events since then that the endpoint has not accepted; return how many.

    This includes events from while it was disabled, if it subscribes to them now, and deliveries
    that wait for their next attempt. At most the newest 10,000; accepted ones are not sent again.
    """
    _require_enabled(endpoint)
    events = Event.objects.filter(
        tenant=endpoint.tenant_id, livemode=endpoint.livemode, id__gte=ids.first_at(since)
    )
    deliveries = Delivery.objects.filter(endpoint=endpoint, event__in=events)
    again = deliveries.exclude(state=Delivery.State.DELIVERED).order_by("-id")[:MAX_RESENT]
    # An UPDATE takes no LIMIT, so a subquery names the newest.
    resent = Delivery.objects.filter(id__in=again.values("id")).update(
        state=Delivery.State.PENDING, tries=0, due_at=now
    )
    missed = events.filter(type__in=endpoint.events or EVENTS).exclude(
        deliveries__endpoint=endpoint
    )
    event_ids = list(missed.order_by("-id").values_list("id", flat=True)[: MAX_RESENT - resent])
    Delivery.objects.bulk_create(
        [Delivery(event_id=event_id, endpoint=endpoint, due_at=now) for event_id in event_ids],
        ignore_conflicts=True,  # resent twice at once, each exists once
        batch_size=1000,
    )
    return resent + len(event_ids)


def _require_enabled(endpoint: WebhookEndpoint) -> None:
    if not endpoint.is_enabled:
        raise ValidationError({"status": f"The endpoint is {endpoint.status}: enable it first."})


def _checked_columns(
    values: EndpointValues, *, livemode: bool, present: WebhookEndpoint | None = None
) -> dict[str, Any]:
    """The values as columns. Call it outside any transaction: a name may have to be looked up."""
    if present is None or values.url != present.url:
        check_url(values.url)
    if unknown := [word for word in values.events or () if word not in EVENTS]:
        raise ValidationError({"events": f"no such event: {unknown[0]!r}"})
    if not livemode and values.events and OF_MONEY.issuperset(values.events):
        never = " or ".join(values.events)
        words = f"test keys move no money: a test endpoint never receives {never}"
        raise ValidationError({"events": words})
    columns: dict[str, Any] = {
        "url": values.url,
        "events": None if values.events is None else list(values.events),
    }
    if values.is_enabled is None:
        return columns
    statuses = WebhookEndpoint.Status
    status = (statuses.ENABLED if values.is_enabled else statuses.DISABLED).value
    if present is None or status != present.status:
        columns |= {"status": status, "failing_since": None}
    return columns


def _describe(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """The endpoint's values for an audit event; the url's query, perhaps a secret, is left out."""
    path, query, _ = endpoint.url.partition("?")
    return {
        "url": f"{path}{query}…" if query else path,
        "livemode": endpoint.livemode,
        "events": endpoint.events,
        "status": endpoint.status,
    }
