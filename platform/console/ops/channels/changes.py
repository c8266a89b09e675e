"""What changes traffic: shown before and after, and made as it was shown."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from console.ops.access import May, Operator, by, done, staff
from console.ops.channels.shown import sentence
from generation.catalogue import services
from generation.catalogue.services import STOPS, UNTESTED, ChannelOptions
from generation.models import Channel
from generation.splits import Split, foreseen
from generation.traffic.standing import calls_under_way

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
class Outlook:
    """What a change would do: the splits, and why the channel's name has to be typed for it."""

    splits: list[Split]
    doubts: dict[str, str]

    @property
    def rows(self) -> list[tuple[Split, list[tuple[str, float, float]]]]:
        """Each split with its channels: their percents before and after."""
        return [
            (split, [(name, 100 * was, 100 * will) for name, was, will in split.channels])
            for split in self.splits
        ]

    @property
    def digest(self) -> str:
        """Another one where it would do something else; what a day costs changes by itself."""
        said = [repr(split[:4]) for split in self.splits] + [*self.doubts.values()]
        return sha256("\n".join(said).encode()).hexdigest()[:16]


_NUMBER = forms.TextInput(attrs={"class": "control", "inputmode": "numeric"})


class WeightForm(forms.Form):
    """Where a channel stands among others."""

    priority = forms.IntegerField(widget=_NUMBER, help_text="0 or above; the smallest goes first.")
    weight = forms.IntegerField(
        widget=_NUMBER, help_text="1 or above: its part among those of its priority."
    )


def channel_or_404(pk: int, *, archived: bool = False) -> Channel:
    """The channel of that number; one that is archived only where that is said."""
    found = Channel.objects.filter(pk=pk).first()
    if found is None or (found.archived_at is not None and not archived):
        raise Http404
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@staff(May.CHANNELS)
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
        note=f"{calls}Resume puts it back.",
        make=partial(
            services.set_enabled, channel=found, is_enabled=False, **by(request, operator)
        ),
    )
    return asked(request, operator, found, change)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(May.CHANNELS)
def resume(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Let it serve again."""
    found = channel_or_404(channel)
    words = f"{found.name} serves"
    if found.is_enabled:
        return done(request, words, "channel", str(found.pk))
    change = Change(
        title=f"Resume {found.name}?",
        verb="Resume channel",
        words=words,
        note="From the next request on it is asked.",
        make=partial(services.set_enabled, channel=found, is_enabled=True, **by(request, operator)),
    )
    return asked(request, operator, found, change)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(May.CHANNELS)
def weigh(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Another priority and weight: seen first, then saved."""
    found = channel_or_404(channel)
    form = WeightForm(request.POST or request.GET)
    if not form.is_valid():
        context = {"operator": operator, "channel": found, "form": form, "outlook": None}
        status = HTTPStatus.UNPROCESSABLE_ENTITY
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
    kept = {"priority": priority, "weight": weight}
    return asked(request, operator, found, change, kept=kept, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(May.CHANNELS)
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
    return asked(request, operator, found, change, page="channels")


@require_POST
@staff(May.CHANNELS)
def reset(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Have every worker forget its breakers, gates and counters."""
    found = channel_or_404(channel)
    services.reset(channel=found, **by(request, operator))
    return done(request, f"{found.name} is reset in every worker", "channel", str(found.pk))


def asked(
    request: HttpRequest,
    operator: Operator,
    channel: Channel,
    change: Change,
    *,
    page: str = "channel",
    kept: dict[str, Any] | None = None,
    form: WeightForm | None = None,
) -> HttpResponse:
    """What the change would do, and whether it is meant; or the change, made as it was shown."""
    outlook, complaint = None, ""
    try:
        outlook = outlook_of(change.make, channel)
        complaint = _complaint(request, channel, change, outlook)
        if request.method == "POST" and not complaint:
            change.make(**{MEANT[code]: True for code in outlook.doubts})
            return done(request, change.words, page, *([str(channel.pk)] * (page == "channel")))
    except ValidationError as error:
        complaint = _refusal(error, channel, form)
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


def _refusal(error: ValidationError, channel: Channel, form: WeightForm | None) -> str:
    """Why a change cannot be, with the fields at fault where a form has them."""
    if form is not None and hasattr(error, "error_dict"):
        for name, errors in error.error_dict.items():
            form.add_error(name if name in form.fields else None, errors)
        return "Nothing is changed."
    return sentence(" ".join(error.messages), channel)


def outlook_of(make: Callable[..., object], channel: Channel) -> Outlook:
    """What a change would do, were it meant. Raises ValidationError for one that cannot be."""
    doubts: dict[str, str] = {}
    while True:
        meant = {MEANT[code]: True for code in doubts}
        try:
            return Outlook(foreseen(partial(make, **meant)), doubts)
        except ValidationError as error:
            code = getattr(error, "code", None)
            if code not in MEANT or code in doubts:
                raise
            doubts[code] = sentence(" ".join(error.messages), channel)


def _complaint(request: HttpRequest, channel: Channel, change: Change, outlook: Outlook) -> str:
    """Why a form that was sent is not done; empty where it is, or where none was."""
    if request.method != "POST":
        return ""
    if request.POST.get("seen") != outlook.digest:
        return "Something changed since this was shown. This is what it does now."
    asks = change.always_named or outlook.doubts
    typed = request.POST.get("confirm", "").split()  # a field cannot hold every space
    return "" if not asks or typed == channel.name.split() else f"Type its name, {channel.name}."
