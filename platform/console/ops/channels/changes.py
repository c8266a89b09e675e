"""What changes traffic: shown before and after, and made as it was shown."""

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
from console.ops.access import May, Operator, by, done, staff
from console.ops.channels.shown import sentence
from console.parts.form_fields import MAX_LIMIT
from generation.catalogue import services
from generation.catalogue.services import STOPS, UNTESTED, ChannelOptions
from generation.catalogue.snapshot import LONGEST_CALL, current_catalogue
from generation.models import Channel
from generation.oversight.splits import Split, left_unserved, serving_instead, sold_lately, splits
from generation.selectors import cost_tables
from generation.traffic.standing import calls_under_way
from pictor.kit.words import clock

MEANT = {STOPS: "may_stop", UNTESTED: "untested"}
"""What lifts a refusal that may be meant, by its code."""


@dataclass(frozen=True, slots=True)
class Change:
    """A step that somebody is asked about.

    Attributes:
        title: the question.
        verb: of the button.
        words: said once it is done.
        note: what is to be known of it besides.
        make: makes it; takes `may_stop` and `untested` where it may be refused for these.
        always_named: whether the channel's name is typed whatever comes of it.
    """

    title: str
    verb: str
    words: str
    note: str
    make: Callable[..., object]
    always_named: bool = False


@dataclass(frozen=True, slots=True)
class ChangeOutlook:
    """What a change would do.

    Attributes:
        splits: those that differ.
        doubts: why the channel's name has to be typed for it, by their codes.
        of: a digest of what is put in place, where that is not in the splits.
    """

    splits: list[Split]
    doubts: Mapping[str, str] = field(default_factory=dict)
    of: str = ""

    @property
    def rows(self) -> list[tuple[Split, list[tuple[str, float, float]]]]:
        """Each split with its channels: their percents before and after."""
        return [
            (split, [(name, 100 * was, 100 * will) for name, was, will in split.channels])
            for split in self.splits
        ]

    @property
    def has_costs(self) -> bool:
        """Whether a day's cost is among it."""
        return any(split.images for split in self.splits)

    @property
    def digest(self) -> str:
        """Another one where it would do something else; what is sold changes by itself."""
        said = [repr(split[:4]) for split in self.splits] + [self.of, *self.doubts]
        said += [words for code, words in self.doubts.items() if code != STOPS]
        return sha256("\n".join(said).encode()).hexdigest()[:16]


_NUMBER = forms.TextInput(attrs={"class": "control", "inputmode": "numeric"})


class WeightForm(forms.Form):
    """Where a channel stands among others."""

    priority = forms.IntegerField(min_value=0, max_value=MAX_LIMIT, widget=_NUMBER)
    weight = forms.IntegerField(min_value=1, max_value=MAX_LIMIT, widget=_NUMBER)


def channel_or_404(pk: int, *, archived: bool = False) -> Channel:
    """The channel of that number; one that is archived only where that is said."""
    found = Channel.objects.filter(pk=pk).first()
    if found is None or (found.archived_at is not None and not archived):
        raise Http404
    return found


@staff(May.CHANNELS)
@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Send it nothing more; what has begun ends."""
    found = channel_or_404(channel)
    words = f"{found.name} is paused"
    if not found.is_enabled:
        return done(request, words, "channel", str(found.pk))
    under_way = calls_under_way(found)
    calls = f"{under_way} call{'s' * (under_way > 1)} under way will end. " if under_way else ""
    change = Change(
        title=f"Pause {found.name}?",
        verb="Pause channel",
        words=words,
        note=f"{calls}Enable puts it back.",
        make=partial(
            services.set_enabled, channel=found, is_enabled=False, **by(request, operator)
        ),
    )
    return asked(request, operator, found, change, outlook=outlook_of(found, {}))


@staff(May.CHANNELS)
@require_http_methods(["GET", "HEAD", "POST"])
def weigh(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Another priority and weight: seen first, then saved."""
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
    change = Change(
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
    outlook = _outlook_weighed(found, priority=priority, weight=weight)
    return asked(
        request, operator, found, change, outlook=outlook, kept=form.cleaned_data, form=form
    )


@staff(May.CHANNELS)
@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Take a paused one away for good: what it did keeps its name, and its key is gone."""
    found = channel_or_404(channel, archived=True)
    if found.archived_at is not None:
        return done(request, f"{found.name} is archived", "channels")
    if found.is_enabled:
        return done(request, f"Pause {found.name} first", "channel_pause", str(found.pk))
    leaves = services.is_deletable(found)
    change = Change(
        title=f"{'Delete' if leaves else 'Archive'} {found.name}?",
        verb="Delete channel" if leaves else "Archive channel",
        words=f"{found.name} is {'deleted' if leaves else 'archived'}",
        note="It was never used: nothing of it stays."
        if leaves
        else "Its key is deleted, and it cannot be brought back. What it did stays on record.",
        make=lambda: services.delete_channel(
            channel=channel_or_404(channel), **by(request, operator)
        ),
        always_named=True,
    )
    return asked(request, operator, found, change, outlook=ChangeOutlook([]), page="channels")


@staff(May.CHANNELS)
@require_POST
def reset(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Have every worker forget its breakers, gates and counters."""
    found = channel_or_404(channel)
    services.reset(channel=found, **by(request, operator))
    return done(request, f"{found.name} is reset in every worker", "channel", str(found.pk))


def weights_of(channel: Channel) -> dict[str, int]:
    """Where it stands among others, as a form begins with it."""
    return {"priority": channel.priority, "weight": channel.weight}


def asked(
    request: HttpRequest,
    operator: Operator,
    channel: Channel,
    change: Change,
    *,
    outlook: ChangeOutlook | None,
    why_not: str = "",
    page: str = "channel",
    kept: dict[str, Any] | None = None,
    form: WeightForm | None = None,
) -> HttpResponse:
    """What the change would do, and whether it is meant; or the change, made as it was shown.

    Without an outlook it cannot be: `why_not` says so.
    """
    complaint = why_not
    if outlook is not None and request.method == "POST":
        complaint = complaint_of(request, channel, outlook, always_named=change.always_named)
        try:
            if not complaint:
                change.make(**meant(outlook))
                return done(request, change.words, page, *([str(channel.pk)] * (page == "channel")))
        except ValidationError as error:
            complaint, outlook = sentence(" ".join(error.messages), channel), None
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


def outlook_of(
    channel: Channel,
    routes: services.Routes,
    *,
    tables: tuple[CostTable, ...] = (),
    doubts: Mapping[str, str] | None = None,
    of: str = "",
) -> ChangeOutlook:
    """What it does to have the channel serve these routes, and no other, as it is given.

    Args:
        channel: as it is to be.
        routes: all of them.
        tables: what it costs.
        doubts: what else the channel's name is typed for.
        of: a digest of what is put in place, where that is not in the splits.
    """
    before = current_catalogue()
    after = serving_instead(before, channel, routes, tables=tables)
    doubts = dict(doubts or {})
    if left := left_unserved(before, after):
        doubts[STOPS] = sentence(" ".join(services.refusal_of(left).messages), channel)
    return ChangeOutlook(splits(before, after, sold=sold_lately(clock.now())), doubts, of)


def meant(outlook: ChangeOutlook) -> dict[str, bool]:
    """What tells a service that its doubts are meant."""
    return {MEANT[code]: True for code in outlook.doubts}


def complaint_of(
    request: HttpRequest, channel: Channel, outlook: ChangeOutlook, *, always_named: bool = False
) -> str:
    """Why a form that was sent is not done; empty where it is."""
    if request.POST.get("seen") != outlook.digest:
        return "Something changed since this was shown. This is what it does now."
    typed = request.POST.get("confirm", "").split()  # a field cannot hold every space
    is_named = typed == channel.name.split()
    asks = (always_named or outlook.doubts) and not is_named
    return f"Type its name, {channel.name}." if asks else ""


def _weight_form(request: HttpRequest, channel: Channel) -> WeightForm:
    """What was typed; where nothing was, it begins with what is."""
    data = request.POST if request.method == "POST" else request.GET
    is_said = request.method == "POST" or not data.keys().isdisjoint(WeightForm.base_fields)
    return WeightForm(data if is_said else None, initial=weights_of(channel))


def _outlook_weighed(channel: Channel, *, priority: int, weight: int) -> ChangeOutlook:
    candidate = copy(channel)
    candidate.priority, candidate.weight = priority, weight
    waiting = services.untested_models(channel)
    routes = services.routes_of(channel) if channel.is_enabled else {}
    serving = {model: terms for model, terms in routes.items() if model not in waiting}
    tables = cost_tables([channel.pk], since=clock.now() - LONGEST_CALL)[channel.pk]
    return outlook_of(candidate, serving, tables=tables)
