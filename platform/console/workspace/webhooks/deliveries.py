"""Deliveries of a webhook endpoint: each attempt, a test, and resending."""

import json

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import rates
from console.workspace.access import POST, Permission, Workspace, done, member, or_404, rendered
from console.workspace.shared.deliveries import badge_of
from console.workspace.webhooks.pages import SINCE, endpoint_of, page
from pictor.kit.words import clock
from pictor.kit.words.errors import RateLimited
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.selectors import answered_attempts_of, delivery_by_id
from webhooks.services import resend, resend_since, send_test


@member(Permission.WEBHOOKS)
def detail(
    request: HttpRequest, workspace: Workspace, endpoint: str, delivery: str
) -> HttpResponse:
    """Show one delivery: its body, and each attempt with its answer."""
    found = endpoint_of(workspace, endpoint)
    return _page(request, workspace, found, _delivery(found, delivery))


@member(Permission.WEBHOOKS, POST)
def resend_one(
    request: HttpRequest, workspace: Workspace, endpoint: str, delivery: str
) -> HttpResponse:
    """Resend a delivery with the same event id and body."""
    found = endpoint_of(workspace, endpoint)
    chosen = _delivery(found, delivery)
    try:
        rates.take_sending(workspace.id)
        resend(endpoint=found, delivery=chosen, now=clock.now())
    except (ValidationError, RateLimited) as error:
        return _page(request, workspace, found, chosen, refusal=_words(error))
    messages.success(request, "Sent again within a second or two")
    return _to(workspace, found, chosen)


@member(Permission.WEBHOOKS, POST)
def test(request: HttpRequest, workspace: Workspace, endpoint: str) -> HttpResponse:
    found = endpoint_of(workspace, endpoint)
    try:
        rates.take_sending(workspace.id)
        sent = send_test(endpoint=found, now=clock.now())
    except (ValidationError, RateLimited) as error:
        return page(request, workspace, found, refusal=_words(error))
    return _to(workspace, found, sent)


@member(Permission.WEBHOOKS, POST)
def resend_missed(request: HttpRequest, workspace: Workspace, endpoint: str) -> HttpResponse:
    """Resend the events of the last hours or days that the endpoint has not accepted."""
    found = endpoint_of(workspace, endpoint)
    now = clock.now()
    _, back = SINCE.get(request.POST.get("since", ""), SINCE["24h"])
    try:
        rates.take_sending(workspace.id, many=True)
        resent = resend_since(endpoint=found, since=now - back, now=now)
    except (ValidationError, RateLimited) as error:
        return page(request, workspace, found, refusal=_words(error))
    words = "1 event" if resent == 1 else f"{resent:,} events"
    return done(request, workspace, f"{words} being sent again", "webhook", found.public_id)


def _words(error: ValidationError | RateLimited) -> str:
    return error.message if isinstance(error, RateLimited) else " ".join(error.messages)


def _delivery(endpoint: WebhookEndpoint, public_id: str) -> Delivery:
    return or_404(delivery_by_id(public_id, endpoint=endpoint))


def _page(
    request: HttpRequest,
    workspace: Workspace,
    endpoint: WebhookEndpoint,
    delivery: Delivery,
    *,
    refusal: str = "",
) -> HttpResponse:
    body = delivery.event.body
    context = {
        "endpoint": endpoint,
        "delivery": delivery,
        "badge": badge_of(delivery),
        "attempts": answered_attempts_of(delivery)[::-1],
        "body": json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else "",
        "refusal": refusal,
        "polls": delivery.state == Delivery.State.PENDING and not delivery.tries,
    }
    return rendered(request, workspace, "workspace/delivery.html", context, refused=refusal)


def _to(workspace: Workspace, endpoint: WebhookEndpoint, delivery: Delivery) -> HttpResponse:
    tenant = workspace.tenant
    return redirect("workspace:delivery", tenant.public_id, endpoint.public_id, delivery.public_id)
