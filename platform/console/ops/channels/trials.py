"""Tests of a channel's routes: their estimated cost, progress and results."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_cache_control

from billing.upstream_cost import CostTable
from console.amounts import price
from console.ops.access import POST, Operator, Permission, by, or_404, staff
from console.ops.channels.changes import ChangeOutlook, channel_or_404, outlook_of
from console.parts.audit_events import ChangedValue, by_key, changes_of
from generation.catalogue import services
from generation.catalogue.snapshot import COSTS_NEEDED_FOR
from generation.catalogue.trial_call import Trial
from generation.catalogue.trials import (
    Estimate,
    ask_for_trials,
    estimate_of,
    is_open,
    ready_of,
)
from generation.models import Channel, ChannelTrial, Contract, PendingRevision
from generation.selectors import contracts, cost_tables, last_trials, trial_with_picture
from pictor.kit.secrets.encryption import WrongKey
from pictor.kit.words import clock
from storage.services import StorageFailed, signed_url, url_seconds

WHY = {
    401: "The vendor refuses the key",
    402: "The account at the vendor has no credit",
    403: "The vendor does not allow this key to do that",
    404: "The vendor has no such address or model",
    429: "The vendor asks for fewer requests",
}
"""Explanations of HTTP statuses."""


@dataclass(frozen=True, slots=True)
class RouteTest:
    """A route and its last test.

    Attributes:
        model: the public name.
        upstream_model: the vendor's name.
        estimate: the cost of a test; None if the channel's key cannot be read.
        trial: the last test; None if it tested a different configuration.
        waits: True if the route has yet to be tested.
        is_edit: True if its test is an edit of a plain picture.
    """

    model: str
    upstream_model: str
    estimate: Estimate | None
    trial: ChannelTrial | None
    waits: bool
    timeout_seconds: int
    is_edit: bool

    @property
    def is_open(self) -> bool:
        """True if a worker runs the test or is about to."""
        return is_open(self.trial, timeout_seconds=self.timeout_seconds)

    @property
    def costs(self) -> str:
        """The cost of a test, as worded on its button."""
        if self.estimate is None or self.estimate.unknown:
            return "cost unknown"
        return f"about {price(self.estimate.known)}"

    @property
    def badge(self) -> tuple[str, str]:
        """The state of the test as a colour and a word."""
        trial = self.trial
        if self.is_open and trial is not None:
            return ("info", "Testing" if trial.started_at else "Waiting for a worker")
        if trial is None or (trial.passed and self.waits):
            return ("warn", "Untested") if self.waits else ("idle", "Approved")
        if trial.passed:
            return ("ok", "Passed")
        return ("bad", "Failed") if trial.finished_at else ("warn", "Did not end")

    @property
    def progress(self) -> str:
        """How long a worker has been waiting for the vendor; empty if none is."""
        if self.trial is None or self.trial.started_at is None or not self.is_open:
            return ""
        seconds = int((clock.now() - self.trial.started_at).total_seconds())
        return f"Still running after {seconds} s; the vendor has {self.timeout_seconds} s."

    @property
    def why(self) -> str:
        """The reason why the test did not pass, in words; empty while it can still pass."""
        trial = self.trial
        if trial is None or trial.passed or self.is_open:
            return ""
        if trial.finished_at is None:
            return (
                "Its worker stopped, and the call may have been paid for."
                if trial.started_at
                else "No worker started it. Is a short-work worker running?"
            )
        status = f"HTTP {trial.http_status}" if trial.http_status else ""
        detail = " ".join(trial.detail.split()).removeprefix(status).strip()
        known = WHY.get(trial.http_status or 0, "")
        if known:
            return f"{known} ({status}): {detail}"
        return f"{status}: {detail}" if status else detail


@dataclass(frozen=True)
class TestSubject:
    """The configuration that can be tested: the channel itself, or its pending revision.

    Attributes:
        channel: the channel as it serves.
        contracts: all models.
        candidate: the channel as it would be after a swap.
        live: the routes that serve.
        pending: the pending revision.
        routes: the routes to test.
        calls: the prepared call of each test; empty if the channel's key cannot be read.
        lines: a line for each route to test.
        tables: the cost tables of the channel.
        trouble: the reason why nothing can be tested; empty if there is none.
    """

    channel: Channel
    contracts: Sequence[Contract]
    candidate: Channel
    live: services.Routes
    pending: PendingRevision | None
    routes: services.Routes
    calls: Mapping[str, Trial]
    lines: Sequence[RouteTest]
    tables: tuple[CostTable, ...]
    trouble: str

    @property
    def changes(self) -> list[ChangedValue]:
        """The changes that a pending revision makes, before and after."""
        before = by_key(services.describe(self.channel, self.live))
        changed = changes_of(before, by_key(services.describe(self.candidate, self.routes)))
        if self.candidate.credentials != self.channel.credentials:
            changed.append(ChangedValue("API key", "the present one", "another one"))
        return changed

    @property
    def waiting(self) -> list[str]:
        """The models that wait for a test."""
        return [line.model for line in self.lines if line.waits]

    @property
    def is_open(self) -> bool:
        return any(line.is_open for line in self.lines)

    @property
    def offered(self) -> list[str]:
        """The models that the button tests: those that wait, or all, except those under test."""
        names = self.waiting or list(self.routes)
        busy = {line.model for line in self.lines if line.is_open}
        return [model for model in names if model not in busy]

    @property
    def button(self) -> str:
        """The label of the button: 'Test 3 routes, about $0.019'."""
        return str(estimate_of(self.calls[model] for model in self.offered))

    @property
    def warning(self) -> str | None:
        """The reason why calls to its address are refused by the present configuration."""
        return services.egress_warning(self.candidate.base_url, allow=settings.EGRESS_ALLOW)

    @property
    def has_action(self) -> bool:
        """True if swapping or enabling would change something."""
        return self.pending is not None or not self.channel.is_enabled or bool(self.waiting)

    @property
    def digest(self) -> str:
        """A digest that differs if the candidate differs."""
        facts = [services.describe(self.candidate, self.routes), self.candidate.credentials]
        return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def untested(self) -> str:
        """The reason why the candidate counts as untested; empty if it is tested."""
        if not self.waiting and (self.pending or services.is_agreed(self.channel)):
            return ""
        what = ", ".join(self.waiting) or "its present address and key"
        return f"{self.channel.name} has not passed a test of {what}"

    @property
    def refusal(self) -> str:
        """The reason why it can be neither swapped nor enabled; empty if it can."""
        return self.trouble or (self.untested and services.refusal_of_untested(self.candidate))

    @cached_property
    def outlook(self) -> ChangeOutlook:
        """The effect of swapping or enabling. A swap does not enable a paused channel."""
        serves = self.channel.is_enabled or self.pending is None
        doubts = {services.UNTESTED: self.untested} if self.untested else {}
        routes = self.routes if serves else {}
        return outlook_of(self.candidate, routes, tables=self.tables, doubts=doubts, of=self.digest)


def trial_subject(channel: Channel, *, revision: bool = True) -> TestSubject:
    """Return the state of the tests of the pending revision, if there is one, else of the channel.

    Without `revision` the pending revision is ignored.
    """
    live = services.routes_of(channel)
    pending = services.pending_of(channel) if revision else None
    candidate, routes = services.candidate_of(channel, live, pending)
    tables = cost_tables([channel.pk], since=clock.now() - COSTS_NEEDED_FOR)[channel.pk]
    every = list(contracts())
    calls, trouble = _calls(candidate, routes, tables, every)
    if pending is not None and services.is_stale(pending, channel, live):
        trouble = (
            "The channel has changed since this revision was started. Discard it and make the"
            " change again."
        )
    waits = _waiting(channel, pending, routes, calls)
    trials = last_trials(channel, pending=pending is not None, only_begun=False)
    digests = {model: call.digest for model, call in calls.items()}
    current = {row.model: row for row in trials if row.tested == digests.get(row.model)}
    lines = [
        RouteTest(
            model=model,
            upstream_model=terms.upstream_model,
            estimate=estimate_of([calls[model]]) if model in calls else None,
            trial=current.get(model),
            waits=model in waits,
            timeout_seconds=channel.timeout_seconds,
            is_edit=model in calls and calls[model].is_edit,
        )
        for model, terms in routes.items()
    ]
    return TestSubject(
        channel, every, candidate, live, pending, routes, calls, lines, tables, trouble
    )


def _calls(
    candidate: Channel,
    routes: services.Routes,
    tables: tuple[CostTable, ...],
    contracts: Sequence[Contract],
) -> tuple[dict[str, Trial], str]:
    by_name = {contract.model: contract for contract in contracts}
    try:
        return ready_of(candidate, routes, contracts=by_name, tables=tables), ""
    except WrongKey:
        return {}, (
            "Its API key was encrypted with a key that is not in PICTOR_ENCRYPTION_KEYS."
            " Type it again."
        )


def _waiting(
    channel: Channel,
    pending: PendingRevision | None,
    routes: services.Routes,
    calls: Mapping[str, Trial],
) -> set[str]:
    if pending is None:
        return set(services.untested_models(channel))
    tested = {model for model, call in calls.items() if pending.tested.get(model) == call.digest}
    return set(routes) - tested


def tests_url(channel: Channel) -> str:
    return f"{reverse('ops:channel_edit', args=[channel.pk])}#tried"


def to_tests(channel: Channel) -> HttpResponse:
    return HttpResponseRedirect(tests_url(channel), status=HTTPStatus.SEE_OTHER)


@staff(Permission.CHANNELS, POST)
def test(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Request tests of the named routes; the vendor may charge for them."""
    found = channel_or_404(channel)
    models = request.POST.getlist("model")
    try:
        planned = ask_for_trials(
            found,
            models=models,
            pending=services.pending_of(found) is not None,
            actor=by(request, operator)["actor"],
        )
    except (ValidationError, WrongKey) as error:
        words = error.messages if isinstance(error, ValidationError) else ["Type its key again."]
        messages.error(request, " ".join(words))
    else:
        messages.success(request, f"{len(planned)} test{'s' * (len(planned) > 1)} started")
    return to_tests(found)


@staff(Permission.CHANNELS)
def picture(request: HttpRequest, operator: Operator, channel: int, trial: UUID) -> HttpResponse:
    """Redirect to the image of a test; the redirect is cached for half the link's lifetime."""
    row = or_404(trial_with_picture(trial, channel=channel))
    try:
        seconds = url_seconds()
        answer = redirect(signed_url(row.picture_key, content_type=f"image/{row.image_format}"))
    except StorageFailed as error:
        raise Http404 from error
    patch_cache_control(answer, private=True, max_age=seconds // 2)
    return answer
