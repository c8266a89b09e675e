"""Changes to channels, as operators make them: set, enable, disable, reset, delete."""

from copy import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.services import Actor, record
from billing import locks
from generation.catalogue.credentials import encrypted
from generation.catalogue.services.addresses import origin_of
from generation.catalogue.services.approval import (
    digest_of,
    is_approved,
    is_sandbox,
    refuse_untested,
    refuse_untested_change,
)
from generation.catalogue.services.checks import check_channel
from generation.catalogue.services.costs import doubts_of_flat, refuse_doubtful
from generation.catalogue.services.options import ALL, ChannelOptions
from generation.catalogue.services.routes import planned_routes, routes_of, write_routes
from generation.channels.registry import USUAL_KIND
from generation.models import Attempt, Channel, ChannelEvent
from generation.traffic import events
from pictor.kit.money import to_decimal

Kind = ChannelEvent.Kind


@transaction.atomic
def set_channel(
    *,
    name: str,
    options: ChannelOptions,
    actor: Actor,
    ip: str | None = None,
    channel_id: int | None = None,
) -> tuple[Channel, bool]:
    """Create a channel, or change the given options of one; True when it was created.

    A new one needs a base URL and an API key, has routes for every model unless told otherwise, and
    is disabled. A new kind, address or key makes the processes forget what they knew of the
    channel's health; one that serves goes on, and needs another test before it is enabled again.
    Another kind or origin needs its own key, and switches the channel off. One that test keys may
    use is switched off by whatever makes its test out of date: it is to show that it is a sandbox.

    Args:
        name: which channel, or what it is to be called when `channel_id` says which.
        options: what is to be changed.
        actor: who changes it.
        ip: where they are, for the audit log.
        channel_id: of one that exists.
    """
    _take_turns()
    known = {"name": name} if channel_id is None else {"pk": channel_id}
    channel = Channel.objects.filter(**known).first()
    is_new = channel is None
    if channel is None:
        channel, options = _new(name, options)
    before, was = None if is_new else describe(channel), copy(channel)
    check_name(channel, name)
    channel.name = name
    columns = check_channel(options, kind=channel.kind)
    refuse_untested_change(channel, columns)
    has_moved = not is_new and _moves(columns, channel)
    _apply(columns, channel, is_new=is_new)
    channel.is_enabled = channel.is_enabled and not has_moved
    _save(channel, options, is_new=is_new)
    changed = {"api_key": "changed"} if "api_key" in options else {}
    after = describe(channel) | changed
    if after != before:
        record(channel.audited, "channel.set", before=before, after=after, actor=actor, ip=ip)
    _note_turns(channel, was, actor)
    return channel, is_new


@transaction.atomic
def set_enabled(
    *,
    channel: Channel,
    is_enabled: bool,
    actor: Actor,
    ip: str | None = None,
    untested: bool = False,
) -> None:
    """Let a channel serve, or send it nothing more. Safe to call twice.

    Raises ValidationError for one to be enabled whose present address and key have not passed a
    test. `untested` enables it all the same, and stands for that test from then on.
    """
    channel.refresh_from_db(from_queryset=Channel.objects.select_for_update())
    if channel.is_enabled == is_enabled:
        return
    after: dict[str, Any] = {"enabled": is_enabled}
    if is_enabled and untested:
        channel.approved_digest = digest_of(channel)
        after["untested"] = True
    if is_enabled:
        refuse_untested(channel)
    channel.is_enabled = is_enabled
    channel.save(update_fields=["is_enabled", "approved_digest"])
    action = "channel.enable" if is_enabled else "channel.disable"
    record(
        channel.audited, action, before={"enabled": not is_enabled}, after=after, actor=actor, ip=ip
    )
    events.note(channel, Kind.ENABLED if is_enabled else Kind.PAUSED, actor=actor)


def is_deletable(channel: Channel) -> bool:
    """Whether it is disabled, was never sent anything, and has no cost tables, which stay."""
    return not (channel.is_enabled or _is_used(channel) or _has_costs(channel))


def check_name(channel: Channel, name: str) -> None:
    """Raises ValidationError for another name of a channel that was used."""
    if name != channel.name and _is_used(channel):
        raise ValidationError({"name": f"{channel.name} has been used: usage is counted under it"})


def _is_used(channel: Channel) -> bool:
    return Attempt.objects.filter(channel_id=channel.pk).exists()


def _has_costs(channel: Channel) -> bool:
    return channel.cost_tables.exists()


def channel_named(name: str) -> Channel | None:
    """The channel of that name."""
    return Channel.objects.filter(name=name).first()


def all_channels() -> list[Channel]:
    """In the order they are tried."""
    return list(Channel.objects.all())


@transaction.atomic
def delete_channel(*, channel: Channel, actor: Actor, ip: str | None = None) -> None:
    """Remove a channel that was never used. Raises ValidationError for any other."""
    channel.refresh_from_db(from_queryset=Channel.objects.select_for_update())
    if not is_deletable(channel):
        raise ValidationError(_why_it_stays(channel))
    record(
        channel.audited, "channel.delete", before=describe(channel), after={}, actor=actor, ip=ip
    )
    channel.delete()


def _why_it_stays(channel: Channel) -> str:
    if channel.is_enabled:
        return f"{channel.name} is enabled: disable it first"
    if _is_used(channel):
        return f"{channel.name} has been used: its attempts name it, so it can only be disabled"
    return f"{channel.name} has cost tables, which are for good, so it can only be disabled"


@transaction.atomic
def reset(*, channel: Channel, actor: Actor, ip: str | None = None) -> None:
    """Make every process forget the channel's breakers, Retry-After gates and counters."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_channel SET reset_count = reset_count + 1 WHERE id = %s"
            " RETURNING reset_count",
            [channel.pk],
        )
        (channel.reset_count,) = cursor.fetchone()
    after = {"resets": channel.reset_count}
    record(channel.audited, "channel.reset", after=after, actor=actor, ip=ip)
    events.note(channel, Kind.RESET, actor=actor)


def describe(channel: Channel) -> dict[str, Any]:
    """A channel without its credentials, as JSON values.

    `sizes` is None for every size. Of the models, only what is known: `maps` has those that the
    vendor calls otherwise, `cost` those whose cost is (USD an image).
    """
    routes = routes_of(channel)
    return {
        "name": channel.name,
        "kind": channel.kind,
        "base_url": channel.base_url,
        "enabled": channel.is_enabled,
        "serves": channel.serves,
        "priority": channel.priority,
        "weight": channel.weight,
        "timeout": channel.timeout_seconds,
        "max_concurrency": channel.max_concurrency,
        "models": list(routes),
        "maps": {m: one.upstream_model for m, one in routes.items() if one.upstream_model != m},
        "cost": {
            model: to_decimal(one.cost_micros)
            for model, one in routes.items()
            if one.cost_micros is not None
        },
        "sizes": channel.sizes,
        "model_sizes": {m: list(one.sizes) for m, one in routes.items() if one.sizes is not None},
        "quality_maps": {m: dict(one.quality_map) for m, one in routes.items() if one.quality_map},
        "ignored_fields": channel.ignored_fields,
        "refused_tasks": channel.refused_tasks,
        "max_images": channel.max_images,
        "allows_exact_crop": channel.allows_exact_crop,
        "allows_redispatch": channel.allows_redispatch,
        "retry_is_free": channel.retry_is_free,
        "class_overrides": channel.class_overrides,
    }


def _new(name: str, options: ChannelOptions) -> tuple[Channel, ChannelOptions]:
    """A channel, and its options with every model unless some are named."""
    if not {"base_url", "api_key"} <= options.keys():
        raise ValidationError(
            f"there is no channel {name!r}: a new one needs --base-url and --api-key"
        )
    if not {"models", "routes"} & options.keys():
        options = {**options, "models": (ALL,)}
    return Channel(name=name, kind=USUAL_KIND), options


def _moves(columns: dict[str, Any], channel: Channel) -> bool:
    """Whether calls will go elsewhere: a key is only ever sent where it was given for."""
    kind = columns.get("kind", channel.kind)
    base_url = columns.get("base_url", channel.base_url)
    if kind == channel.kind and origin_of(base_url) == origin_of(channel.base_url):
        return False
    if "api_key" not in columns:
        what = "kind of channel" if kind != channel.kind else "origin"
        raise ValidationError({"api_key": f"another {what} needs its own API key"})
    return True


def _apply(columns: dict[str, Any], channel: Channel, *, is_new: bool) -> None:
    known = (channel.kind, channel.base_url, channel.credentials)
    if "api_key" in columns:
        channel.credentials = encrypted(columns.pop("api_key"))
    for column, value in columns.items():
        setattr(channel, column, value)
    if not is_new and known != (channel.kind, channel.base_url, channel.credentials):
        channel.reset_count += 1


def _note_turns(channel: Channel, was: Channel, actor: Actor) -> None:
    turned = {
        Kind.KEY_CHANGED: was.credentials not in {"", channel.credentials},
        Kind.RESET: channel.reset_count != was.reset_count,
        Kind.PAUSED: was.is_enabled and not channel.is_enabled,
    }
    for kind, is_so in turned.items():
        if is_so:
            events.note(channel, kind, actor=actor)


def _save(channel: Channel, options: ChannelOptions, *, is_new: bool) -> None:
    """Write it with its routes. A sandbox whose test they make out of date is switched off."""
    routes = {} if is_new else routes_of(channel)
    planned = planned_routes(routes, options)
    locks.decisions_on_prices()
    refuse_doubtful(list(doubts_of_flat(routes, planned)), again=options.get("cost_again"))
    channel.full_clean(exclude=["credentials"])
    channel.save()
    write_routes(channel, planned, known=routes)
    if is_sandbox(channel.serves) and not is_approved(channel):
        channel.is_enabled = False
        channel.save(update_fields=["is_enabled"])


def _take_turns() -> None:
    """Two operators naming the same new channel at once get one channel. Readers go on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE generation_channel IN SHARE ROW EXCLUSIVE MODE")
