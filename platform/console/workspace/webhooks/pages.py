"""Webhook endpoints: their settings, and the results of their deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from typing_extensions import override

from accounts.audit_log import audit_events_about
from accounts.services.office.api_keys import OVERLAPS
from console.parts.compared_forms import ComparedForm
from console.parts.filters import PAGE_ROWS
from console.parts.form_fields import CheckboxesField, dressed, take_errors
from console.parts.key_form import LIVE, OVERLAP_WORDS, TEST
from console.parts.page_query import word_of
from console.workspace.access import FORM, POST, Permission, Workspace, by, done, member, rendered
from console.workspace.shared.audit_events import SHOWN_EVENTS, entries_for_tenant
from console.workspace.shared.deliveries import STATES, badge_of
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import Unavailable
from webhooks.models import EVENTS, Delivery, WebhookEndpoint
from webhooks.selectors import Record, deliveries_of, endpoint_by_id, endpoints_of, records_of
from webhooks.services import (
    MAX_ENDPOINTS,
    EndpointValues,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
)

MODES = [
    (LIVE, "Live: events about live requests, the balance and budgets"),
    (TEST, "Test: events about test requests"),
]
EVENT_WORDS = {
    "generation.succeeded": "A generation succeeded",
    "generation.failed": "A generation failed",
    "generation.canceled": "A generation was canceled",
    "balance.low": "The balance has fallen low",
    "balance.top_up_failed": "An automatic top-up failed",
    "budget.threshold": "A budget is used to 50, 80 or 100%",
}
SINCE = {
    "1h": ("hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
"""The times for which missed events can be resent; events are kept for 30 days."""
BADGES = {
    WebhookEndpoint.Status.ENABLED: ("ok", "Enabled"),
    WebhookEndpoint.Status.DISABLED: ("idle", "Disabled"),
    WebhookEndpoint.Status.PAUSED: ("bad", "Paused"),
}


@dataclass(frozen=True, slots=True)
class EndpointRow:
    endpoint: WebhookEndpoint
    record: Record

    @property
    def badge(self) -> tuple[str, str]:
        if self.endpoint.is_enabled and self.endpoint.failing_since is not None:
            return ("warn", "Failing")
        return BADGES[WebhookEndpoint.Status(self.endpoint.status)]

    @property
    def percent(self) -> int | None:
        """The percentage of its latest deliveries that succeeded; None before the first."""
        return None if self.record.share is None else int(100 * self.record.share)

    @property
    def words(self) -> Sequence[str]:
        """The types of event it subscribes to; empty for all."""
        return self.endpoint.events or ()

    @property
    def former_until(self) -> datetime | None:
        """The time the former secret stops signing; None once it has."""
        until = self.endpoint.previous_until
        return until if until is not None and until > clock.now() else None


class EndpointForm(ComparedForm):
    url = forms.CharField(
        label="URL", widget=forms.URLInput(attrs={"placeholder": "https://example.com/pictor"})
    )

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [(name, EVENT_WORDS[name]) for name in EVENTS]
        self.fields["events"] = CheckboxesField(words, required=False, label="Events")

    def values(self, *, is_enabled: bool | None = True) -> EndpointValues:
        """The chosen values. With no event ticked, or all, it subscribes to every event."""
        chosen = self.cleaned_data["events"]
        is_all = not chosen or len(chosen) == len(EVENTS)
        return EndpointValues(self.cleaned_data["url"], None if is_all else chosen, is_enabled)


class NewEndpointForm(EndpointForm):
    """The form of a new endpoint, with its mode, which never changes.

    `once` is set when the form is shown, and becomes the endpoint's id.
    """

    once = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=ids.new_uuid)
    mode = forms.ChoiceField(label="Mode", choices=MODES, initial=LIVE, widget=forms.RadioSelect)

    @property
    def livemode(self) -> bool:
        return bool(self.cleaned_data["mode"] == LIVE)


@member(Permission.WEBHOOKS)
def listing(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """List every endpoint with the results of its latest deliveries."""
    records = records_of(workspace.tenant.id)
    shown = [
        EndpointRow(endpoint, records.get(endpoint.id, Record()))
        for endpoint in endpoints_of(workspace.tenant.id)
    ]
    context = {
        "endpoints": shown,
        "paused": [row for row in shown if row.badge[1] == "Paused"],
        "is_full": len(shown) >= 2 * MAX_ENDPOINTS,
        "most": MAX_ENDPOINTS,
        "event_words": EVENT_WORDS.items(),
    }
    return rendered(request, workspace, "workspace/webhooks.html", context)


@member(Permission.WEBHOOKS, FORM)
def create(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Create an endpoint, and show its secret only this once."""
    form = dressed(NewEndpointForm(request.POST if request.method == "POST" else None))
    if form.is_valid():
        try:
            endpoint, secret = create_endpoint(
                tenant=workspace.tenant,
                livemode=form.livemode,
                values=form.values(),
                once=form.cleaned_data["once"],
                **by(request, workspace),
            )
        except (ValidationError, Unavailable) as error:
            _refuse(form, error)
        else:
            return _reveal(request, workspace, endpoint, secret)
    context = {"form": form}
    return rendered(
        request, workspace, "workspace/webhook_new.html", context, refused=form.is_bound
    )


@member(Permission.WEBHOOKS, FORM)
def detail(request: HttpRequest, workspace: Workspace, endpoint: str) -> HttpResponse:
    """Show an endpoint with its deliveries; POST changes it."""
    found = endpoint_of(workspace, endpoint)
    if request.method != "POST":
        return page(request, workspace, found)
    form = dressed(EndpointForm(request.POST, initial=_initial_of(found)))
    if form.is_valid():
        try:
            change_endpoint(
                endpoint=found,
                values=form.values(is_enabled=None),
                **by(request, workspace),
            )
            return done(request, workspace, "Changes saved", "webhook", found.public_id)
        except WebhookEndpoint.DoesNotExist as error:
            raise Http404 from error
        except (ValidationError, Unavailable) as error:
            _refuse(form, error)
    return page(request, workspace, found, form=form)


@member(Permission.WEBHOOKS, POST)
def switch(request: HttpRequest, workspace: Workspace, endpoint: str) -> HttpResponse:
    found = endpoint_of(workspace, endpoint)
    values = EndpointValues(found.url, found.events, is_enabled=request.POST.get("to") == "enabled")
    try:
        change_endpoint(endpoint=found, values=values, **by(request, workspace))
    except WebhookEndpoint.DoesNotExist as error:
        raise Http404 from error
    words = "Endpoint enabled" if found.is_enabled else "Endpoint disabled"
    return done(request, workspace, words, "webhook", found.public_id)


@member(Permission.WEBHOOKS, POST)
def rotate(request: HttpRequest, workspace: Workspace, endpoint: str) -> HttpResponse:
    """Give an endpoint a new secret, shown only this once; the former one signs a while longer."""
    found = endpoint_of(workspace, endpoint)
    overlap = OVERLAPS.get(request.POST.get("overlap", ""))
    if overlap is None:
        return page(request, workspace, found, refusal="Choose when the old secret ends.")
    try:
        secret = rotate_secret(
            endpoint=found, overlap=overlap, now=clock.now(), **by(request, workspace)
        )
    except WebhookEndpoint.DoesNotExist as error:
        raise Http404 from error
    except ValidationError as error:
        return page(request, workspace, found, refusal=" ".join(error.messages))
    return _reveal(request, workspace, found, secret)


@member(Permission.WEBHOOKS, POST)
def delete(request: HttpRequest, workspace: Workspace, endpoint: str) -> HttpResponse:
    found = endpoint_of(workspace, endpoint)
    delete_endpoint(endpoint=found, **by(request, workspace))
    return done(request, workspace, "Endpoint deleted", "webhooks")


def endpoint_of(workspace: Workspace, public_id: str) -> WebhookEndpoint:
    endpoint = endpoint_by_id(public_id, tenant_id=workspace.tenant.id)
    if endpoint is None:
        raise Http404
    return endpoint


def _initial_of(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {"url": endpoint.url, "events": list(endpoint.events or EVENTS)}


def page(
    request: HttpRequest,
    workspace: Workspace,
    endpoint: WebhookEndpoint,
    *,
    form: EndpointForm | None = None,
    refusal: str = "",
) -> HttpResponse:
    """Render an endpoint's page, with a refused form or a refusal."""
    state = word_of(request.GET, "status", Delivery.State.values)
    after = ids.parse(ids.DELIVERY, request.GET.get("after", ""))
    deliveries = deliveries_of(endpoint, state=state, after=after, limit=PAGE_ROWS + 1)
    record = records_of(workspace.tenant.id).get(endpoint.id, Record())
    about = endpoint.public_id
    events = audit_events_about(workspace.tenant.id, "webhook_endpoint", about, limit=SHOWN_EVENTS)
    context = {
        "shown": EndpointRow(endpoint, record),
        "endpoint": endpoint,
        "form": form or dressed(EndpointForm(initial=_initial_of(endpoint))),
        "refusal": refusal,
        "deliveries": [(delivery, badge_of(delivery)) for delivery in deliveries[:PAGE_ROWS]],
        "more": deliveries[PAGE_ROWS - 1].public_id if len(deliveries) > PAGE_ROWS else "",
        "is_later": after is not None,
        "chips": [
            (value, word, value == state)
            for value, word in (("", "All"), *((key, STATES[key][1]) for key in STATES))
        ],
        "state": state,
        "overlaps": OVERLAP_WORDS.items(),
        "since": [(name, words) for name, (words, _) in SINCE.items()],
        "history": entries_for_tenant(workspace, events, is_of_one=True),
    }
    return rendered(request, workspace, "workspace/webhook.html", context, refused=form or refusal)


def _refuse(form: EndpointForm, error: ValidationError | Unavailable) -> None:
    """Show the service's refusal beside its field."""
    if isinstance(error, Unavailable):
        error = ValidationError(error.message)
    take_errors(form, error)


def _reveal(
    request: HttpRequest, workspace: Workspace, endpoint: WebhookEndpoint, secret: str
) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret}
    return rendered(request, workspace, "workspace/webhook_revealed.html", context)
