"""Acts on a channel's traffic: each shows every model's split before and after."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse

from console.ops.access import Permission
from console.ops.channels.changes import ChangeOutlook, confirmed_arguments, outlook_of
from console.ops.channels.trials import TestSubject, tests_url, trial_subject
from console.ops.reasons import StepForm
from console.parts.acts import About, Act, ActForm, ActResult, Asked, Change, Preview, typed_name
from console.parts.form_fields import MAX_LIMIT
from console.parts.page_query import meant_by
from console.parts.periods import number_of
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions
from generation.catalogue.snapshot import COSTS_NEEDED_FOR
from generation.catalogue.traffic.standing import calls_under_way
from generation.catalogue.trials import ask_for_trials
from generation.models import Channel
from generation.selectors import channel_by_id, contracts, cost_tables
from pictor.kit.words import clock

LIVE = "For live requests, while all channels are healthy."


def _any_channel(text: str) -> Channel | None:
    """Pages name a channel by its number, since names may change."""
    return channel_by_id(number_of(text)) or services.channel_named(text)


def _present_channel(text: str) -> Channel | None:
    found = _any_channel(text)
    return None if found is None or found.archived_at else found


CHANNEL = About[Channel](
    kind="channel",
    find=_present_channel,
    words=lambda channel: channel.name,
    page=lambda channel: reverse("ops:channel", args=[channel.pk]),
)


_NUMBER = forms.TextInput(attrs={"inputmode": "numeric"})


class NewRouteForm(ActForm):
    model = forms.ModelChoiceField(contracts(), label="Model")
    upstream_model = forms.CharField(label="Vendor's name for it", required=False, max_length=128)


class WeightForm(ActForm):
    priority = forms.IntegerField(
        min_value=0,
        max_value=MAX_LIMIT,
        widget=_NUMBER,
        help_text="From 0; the smallest goes first.",
    )
    weight = forms.IntegerField(
        min_value=1,
        max_value=MAX_LIMIT,
        widget=_NUMBER,
        help_text="From 1; the share among equals.",
    )


def _effect(
    asked: Asked[Channel], outlook: ChangeOutlook, *, notes: Sequence[str] = (), **more: Any
) -> Preview:
    shown = {
        "notes": [*notes, LIVE],
        "confirmation": typed_name(asked.subject.name) if outlook.doubts else None,
        "of": outlook.digest,
        **more,
    }
    return Preview(
        warnings=[f"{doubt}." for doubt in outlook.doubts.values()],
        part="ops/channel_splits.html",
        context={"outlook": outlook, "channel": asked.subject},
        lines=[str(split) for split in outlook.splits],
        targets=outlook,
        **shown,
    )


def _ending(channel: Channel) -> list[str]:
    number = calls_under_way(channel)
    return [f"{number} call{'s' * (number > 1)} under way will end."] if number else []


def _pause_effect(asked: Asked[Channel]) -> Preview:
    notes = [*_ending(asked.subject), "Enable resumes it."]
    # A step to safety asks for its reason only, so it is done whatever has changed meanwhile.
    return _effect(
        asked, outlook_of(asked.subject, {}), notes=notes, confirmation=None, of=asked.subject.pk
    )


def _pause(asked: Asked[Channel]) -> ActResult:
    services.set_enabled(
        channel=asked.subject, is_enabled=False, may_stop=True, **asked.data, **asked.by
    )
    return ActResult(words=f"{asked.subject.name} is paused")


def _tested_effect(asked: Asked[Channel], tested: TestSubject) -> Preview:
    if tested.refusal:
        return Preview(stops=tested.refusal)
    notes = _ending(asked.subject) if tested.pending else []
    return _effect(asked, tested.outlook, notes=notes)


def _enable(asked: Asked[Channel]) -> ActResult:
    means = confirmed_arguments(asked.targets)
    services.set_enabled(channel=asked.subject, is_enabled=True, **means, **asked.by)
    return ActResult(words=_serves(asked.subject))


def _serves(channel: Channel) -> str:
    return f"{channel.name} serves"


def _is_enabled_already(asked: Asked[Channel]) -> str:
    serves_all = asked.subject.is_enabled and not services.untested_models(asked.subject)
    return _serves(asked.subject) if serves_all else ""


def _swap_effect(asked: Asked[Channel]) -> Preview:
    tested = trial_subject(asked.subject)
    if tested.pending is None:
        return Preview(stops="There is no pending revision.")
    return _tested_effect(asked, tested)


def _swap(asked: Asked[Channel]) -> ActResult:
    under_way = services.swap(
        channel=asked.subject, **confirmed_arguments(asked.targets), **asked.by
    )
    return ActResult(words=f"{asked.subject.name} is swapped", facts={"calls_under_way": under_way})


def _discard(asked: Asked[Channel]) -> ActResult:
    services.discard(channel=asked.subject, **asked.by)
    return ActResult(words="Pending revision discarded", page=tests_url(asked.subject))


def _route_effect(asked: Asked[Channel]) -> Preview | None:
    if {"model", "upstream_model"} - asked.data.keys():
        return None
    becomes = asked.data["upstream_model"] or asked.data["model"].pk
    changes = [Change(f"{asked.data['model']} at {asked.subject.name}", "", becomes)]
    return Preview(changes=changes, notes=["It serves once its test, one real image, passes."])


def _route(asked: Asked[Channel]) -> ActResult:
    model = asked.data["model"].pk
    maps = {model: asked.data["upstream_model"] or model}
    channel, _ = services.set_channel(
        name=asked.subject.name, channel_id=asked.subject.pk,
        options=ChannelOptions(maps=maps), **asked.by,
    )  # fmt: skip
    is_pending = services.pending_of(channel) is not None
    ask_for_trials(channel, models=[model], pending=is_pending, actor=asked.by["actor"])
    return ActResult(words=f"{model} is being tested at {channel.name}", page=tests_url(channel))


def _share(channel: Channel) -> dict[str, int]:
    return {"priority": channel.priority, "weight": channel.weight}


def _wanted_share(asked: Asked[Channel], query: QueryDict) -> dict[str, int]:
    said = {name: meant_by(query, name, number_of) for name in _share(asked.subject)}
    return _share(asked.subject) | {name: n for name, n in said.items() if n is not None}


def _share_words(channel: Channel) -> str:
    return f"{channel.name} has priority {channel.priority}, weight {channel.weight}"


def _weigh_effect(asked: Asked[Channel]) -> Preview | None:
    channel, share = asked.subject, asked.data
    if len(share) < len(_share(channel)) or share == _share(channel):
        return None
    reweighed = copy(channel)
    reweighed.priority, reweighed.weight = share["priority"], share["weight"]
    waiting = services.untested_models(channel)
    routes = services.routes_of(channel) if channel.is_enabled else {}
    serving = {model: terms for model, terms in routes.items() if model not in waiting}
    tables = cost_tables([channel.pk], since=clock.now() - COSTS_NEEDED_FOR)[channel.pk]
    changes = [
        Change(name.capitalize(), str(now), str(share[name]))
        for name, now in _share(channel).items()
    ]
    return _effect(asked, outlook_of(reweighed, serving, tables=tables), changes=changes)


def _weigh(asked: Asked[Channel]) -> ActResult:
    changed, _ = services.set_channel(
        name=asked.subject.name,
        channel_id=asked.subject.pk,
        options=ChannelOptions(priority=asked.data["priority"], weight=asked.data["weight"]),
        **confirmed_arguments(asked.targets),
        **asked.by,
    )
    return ActResult(words=_share_words(changed))


def _archive_effect(asked: Asked[Channel]) -> Preview:
    channel = asked.subject
    if channel.is_enabled:
        return Preview(stops=f"Pause {channel.name} first.")
    leaves = services.is_deletable(channel)
    used = "Its key is deleted, and it cannot be restored. Its history stays on record."
    return Preview(
        notes=["It was never used, so nothing is kept." if leaves else used],
        verb=f"{'Delete' if leaves else 'Archive'} channel",
        confirmation=typed_name(channel.name),
    )


def _archive(asked: Asked[Channel]) -> ActResult:
    is_archived = services.delete_channel(channel=asked.subject, **asked.by)
    words = f"{asked.subject.name} is {'archived' if is_archived else 'deleted'}"
    return ActResult(words=words, page=reverse("ops:channels"))


def _reset(asked: Asked[Channel]) -> ActResult:
    services.reset(channel=asked.subject, **asked.by)
    return ActResult(words=f"{asked.subject.name} is reset in every worker")


def _of_channel(name: str, verb: str, lead: str, **more: Any) -> Act[Channel]:
    facts = {"about": CHANNEL, "audit": f"channel.{name}", **more}
    return Act(name=f"channel.{name}", verb=verb, lead=lead, needs=Permission.CHANNELS, **facts)


ACTS = (
    _of_channel(
        "enable",
        "Enable",
        "{} is called from the next request on.",
        already=_is_enabled_already,
        preview=lambda asked: _tested_effect(asked, trial_subject(asked.subject, revision=False)),
        do=_enable,
    ),
    _of_channel(
        "pause",
        "Pause",
        "{} gets no new calls.",
        audit="channel.disable",
        form=StepForm,
        already=lambda asked: "" if asked.subject.is_enabled else f"{asked.subject.name} is paused",
        preview=_pause_effect,
        do=_pause,
    ),
    _of_channel(
        "swap",
        "Swap",
        "The pending revision replaces {}. Calls in flight finish with the address and key that"
        " they started with.",
        preview=_swap_effect,
        do=_swap,
    ),
    _of_channel(
        "discard",
        "Discard revision",
        "{} keeps serving unchanged. A new key is deleted.",
        do=_discard,
        not_fresh="the revision never served anybody, and the channel serves on",
    ),
    _of_channel("route", "Add and test a route", "{} serves a model by the vendor's name for it.",
                audit="channel.set", form=NewRouteForm, preview=_route_effect, do=_route),
    _of_channel(
        "weigh",
        "Priority and weight",
        "They decide how many of the requests {} gets.",
        audit="channel.set",
        form=WeightForm,
        initial=_wanted_share,
        already=lambda asked: (
            _share_words(asked.subject) if asked.data == _share(asked.subject) else ""
        ),
        preview=_weigh_effect,
        do=_weigh,
    ),
    _of_channel("reset", "Reset breakers", "Every worker forgets its breakers, gates and counters.",
                do=_reset),
    _of_channel(
        "archive",
        "Archive",
        "{} goes for good.",
        about=replace(CHANNEL, find=_any_channel),
        already=lambda asked: (
            f"{asked.subject.name} is archived" if asked.subject.archived_at else ""
        ),
        preview=_archive_effect,
        do=_archive,
        is_dangerous=True,
    ),
)  # fmt: skip
