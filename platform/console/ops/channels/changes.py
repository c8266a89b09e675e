"""Changes of traffic: shown before and after, and made only as shown."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from billing.upstream_cost import CostTable
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.channels.shown import sentence_about
from console.ops.reasons import LACKS_REASON, ReasonForm, reason_form
from console.parts.form_fields import MAX_LIMIT
from generation.catalogue import services
from generation.catalogue.services import STOPS, UNTESTED, ChannelOptions
from generation.catalogue.snapshot import COSTS_NEEDED_FOR, current_catalogue
from generation.catalogue.traffic.standing import calls_under_way
from generation.models import Channel
from generation.oversight.splits import Split, left_unserved, recent_sales, serving_instead, splits
from generation.selectors import channel_by_id, cost_tables
from pictor.kit.words import clock

MEANT = {STOPS: "may_stop", UNTESTED: "untested"}
"""The argument that confirms a refusal, by the refusal's code."""


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """A change that an operator must confirm.

    Attributes:
        title: the question.
        verb: the label of the button.
        words: shown after the change.
        note: a further remark about it.
        make: makes the change; takes `may_stop` and `untested` if it can be refused for these.
        always_named: True if the channel's name must be typed even without doubts.
        reason: of a step to safety, which asks for it and nothing else.
    """

    title: str
    verb: str
    words: str
    note: str
    make: Callable[..., object]
    always_named: bool = False
    reason: ReasonForm | None = None


@dataclass(frozen=True, slots=True)
class ChangeOutlook:
    """The effect of a change.

    Attributes:
        splits: the splits of traffic that differ.
        doubts: reasons why the channel's name must be typed, by code.
        of: a digest of the new configuration, if the splits do not contain it.
    """

    splits: list[Split]
    doubts: Mapping[str, str] = field(default_factory=dict)
    of: str = ""

    @property
    def rows(self) -> list[tuple[Split, list[tuple[str, float, float]]]]:
        """Each split with its channels and their percentages before and after."""
        return [
            (split, [(name, 100 * was, 100 * will) for name, was, will in split.channels])
            for split in self.splits
        ]

    @property
    def has_costs(self) -> bool:
        """True if a split includes the cost of a day."""
        return any(split.images for split in self.splits)

    @property
    def digest(self) -> str:
        """A digest that differs if the change would act differently.

        Amounts sold are left out, because they change by themselves.
        """
        parts = [repr(split[:4]) for split in self.splits] + [self.of, *self.doubts]
        parts += [words for code, words in self.doubts.items() if code != STOPS]
        return sha256("\n".join(parts).encode()).hexdigest()[:16]


_NUMBER = forms.TextInput(attrs={"class": "control", "inputmode": "numeric"})


class WeightForm(forms.Form):
    priority = forms.IntegerField(min_value=0, max_value=MAX_LIMIT, widget=_NUMBER)
    weight = forms.IntegerField(min_value=1, max_value=MAX_LIMIT, widget=_NUMBER)


def channel_or_404(pk: int, *, archived: bool = False) -> Channel:
    """Return the channel or raise Http404; archived channels only if `archived` is set."""
    found = channel_by_id(pk)
    if found is None or (found.archived_at is not None and not archived):
        raise Http404
    return found


@staff(Permission.CHANNELS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Pause a channel: it gets no new calls, and calls under way end normally."""
    found = channel_or_404(channel)
    words = f"{found.name} is paused"
    if not found.is_enabled:
        return done(request, words, "channel", str(found.pk))
    under_way = calls_under_way(found)
    calls = f"{under_way} call{'s' * (under_way > 1)} under way will end. " if under_way else ""
    change = ChannelChange(
        title=f"Pause {found.name}?",
        verb="Pause channel",
        words=words,
        note=f"{calls}Enable resumes it.",
        make=partial(
            services.set_enabled, channel=found, is_enabled=False, **by(request, operator)
        ),
        reason=reason_form(request),
    )
    return confirm_or_make(request, operator, found, change, outlook=outlook_of(found, {}))


@staff(Permission.CHANNELS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def weigh(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Change priority and weight: the effect is shown first, then saved."""
    found = channel_or_404(channel)
    form = _weight_form(request, found)
    if not form.is_valid():
        context = {"operator": operator, "channel": found, "form": form, "outlook": None}
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return render(request, "ops/channel_weigh.html", context, status=status)
    priority, weight = form.cleaned_data["priority"], form.cleaned_data["weight"]
    words = f"{found.name} has priority {priority}, weight {weight}"
    if (found.priority, found.weight) == (priority, weight):
        return done(request, words, "channel", str(found.pk))
    change = ChannelChange(
        title=f"Change the share of {found.name}?",
        verb="Save priority and weight",
        words=words,
        note=f"Priority {found.priority} → {priority}, weight {found.weight} → {weight}.",
        make=partial(
            services.set_channel,
            name=found.name,
            channel_id=found.pk,
            options=ChannelOptions(priority=priority, weight=weight),
            **by(request, operator),
        ),
    )
    outlook = _reweighed_outlook(found, priority=priority, weight=weight)
    return confirm_or_make(
        request, operator, found, change, outlook=outlook, kept=form.cleaned_data, form=form
    )


@staff(Permission.CHANNELS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Archive a paused channel for good: its records keep its name, and its key is deleted.

    A channel that was never used is deleted instead.
    """
    found = channel_or_404(channel, archived=True)
    if found.archived_at is not None:
        return done(request, f"{found.name} is archived", "channels")
    if found.is_enabled:
        return done(request, f"Pause {found.name} first", "channel_pause", str(found.pk))
    leaves = services.is_deletable(found)
    change = ChannelChange(
        title=f"{'Delete' if leaves else 'Archive'} {found.name}?",
        verb="Delete channel" if leaves else "Archive channel",
        words=f"{found.name} is {'deleted' if leaves else 'archived'}",
        note="It was never used, so nothing is kept."
        if leaves
        else "Its key is deleted, and it cannot be restored. Its history stays on record.",
        make=lambda: services.delete_channel(
            channel=channel_or_404(channel), **by(request, operator)
        ),
        always_named=True,
    )
    return confirm_or_make(
        request, operator, found, change, outlook=ChangeOutlook([]), page="channels"
    )


@staff(Permission.CHANNELS)
@require_POST
def reset(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Make every worker forget the channel's breakers, gates and counters."""
    found = channel_or_404(channel)
    services.reset(channel=found, **by(request, operator))
    return done(request, f"{found.name} is reset in every worker", "channel", str(found.pk))


def weights_of(channel: Channel) -> dict[str, int]:
    """Return priority and weight as initial values of the form."""
    return {"priority": channel.priority, "weight": channel.weight}


def confirm_or_make(
    request: HttpRequest,
    operator: Operator,
    channel: Channel,
    change: ChannelChange,
    *,
    outlook: ChangeOutlook | None,
    why_not: str = "",
    page: str = "channel",
    kept: dict[str, Any] | None = None,
    form: WeightForm | None = None,
) -> HttpResponse:
    """Show the effect of a change and ask for confirmation, or make the change as it was shown.

    Without an outlook the change is impossible, and `why_not` gives the reason.
    """
    complaint = why_not
    if outlook is not None and request.method == "POST":
        complaint, arguments = _judge(request, channel, change, outlook)
        try:
            if not complaint:
                change.make(**arguments)
                return done(request, change.words, page, *([str(channel.pk)] * (page == "channel")))
        except ValidationError as error:
            complaint, outlook = sentence_about(" ".join(error.messages), channel), None
    context = {
        "operator": operator,
        "channel": channel,
        "change": change,
        "outlook": outlook,
        "complaint": complaint,
        "kept": kept or {},
        "form": form,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if complaint else HTTPStatus.OK
    template = "ops/channel_weigh.html" if form else "ops/channel_change.html"
    return render(request, template, context, status=status)


def _judge(
    request: HttpRequest, channel: Channel, change: ChannelChange, outlook: ChangeOutlook
) -> tuple[str, Mapping[str, Any]]:
    """Return the complaint about a sent form, empty without one, and the change's arguments."""
    if change.reason is None:
        complaint = complaint_of(request, channel, outlook, always_named=change.always_named)
        return complaint, confirmed_arguments(outlook)
    complaint = "" if change.reason.is_valid() else LACKS_REASON
    return complaint, {"may_stop": True, **change.reason.cleaned_data}


def outlook_of(
    channel: Channel,
    routes: services.Routes,
    *,
    tables: tuple[CostTable, ...] = (),
    doubts: Mapping[str, str] | None = None,
    of: str = "",
) -> ChangeOutlook:
    """Return the effect if the channel, as given, served exactly these routes.

    Args:
        channel: the channel as it would be after the change.
        routes: all of its routes.
        tables: its cost tables.
        doubts: further reasons why the channel's name must be typed.
        of: a digest of the new configuration, if the splits do not contain it.
    """
    before = current_catalogue()
    after = serving_instead(before, channel, routes, tables=tables)
    doubts = dict(doubts or {})
    if left := left_unserved(before, after):
        doubts[STOPS] = sentence_about(" ".join(services.refusal_of(left).messages), channel)
    return ChangeOutlook(splits(before, after, sold=recent_sales(clock.now())), doubts, of)


def confirmed_arguments(outlook: ChangeOutlook) -> dict[str, bool]:
    """Return the arguments that confirm an outlook's doubts to a service."""
    return {MEANT[code]: True for code in outlook.doubts}


def complaint_of(
    request: HttpRequest, channel: Channel, outlook: ChangeOutlook, *, always_named: bool = False
) -> str:
    """Return the reason why a sent form is refused; empty if it is accepted."""
    if request.POST.get("seen") != outlook.digest:
        return "Something has changed. This is the effect now."
    typed = request.POST.get("confirm", "").split()  # fields drop some spaces
    is_named = typed == channel.name.split()
    asks = (always_named or outlook.doubts) and not is_named
    return f"Type its name, {channel.name}." if asks else ""


def _weight_form(request: HttpRequest, channel: Channel) -> WeightForm:
    """Return the form with the typed values; with the current ones if none were typed."""
    data = request.POST if request.method == "POST" else request.GET
    is_said = request.method == "POST" or not data.keys().isdisjoint(WeightForm.base_fields)
    return WeightForm(data if is_said else None, initial=weights_of(channel))


def _reweighed_outlook(channel: Channel, *, priority: int, weight: int) -> ChangeOutlook:
    candidate = copy(channel)
    candidate.priority, candidate.weight = priority, weight
    waiting = services.untested_models(channel)
    routes = services.routes_of(channel) if channel.is_enabled else {}
    serving = {model: terms for model, terms in routes.items() if model not in waiting}
    tables = cost_tables([channel.pk], since=clock.now() - COSTS_NEEDED_FOR)[channel.pk]
    return outlook_of(candidate, serving, tables=tables)
