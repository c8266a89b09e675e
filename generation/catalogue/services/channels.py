"""Changes to channels by operators: set, enable, disable, reset, delete."""

from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import By, record
from accounts.titles import holds_marks
from generation.catalogue.credentials import decrypted
from generation.catalogue.services.approval import (
    TESTED_COLUMNS,
    approve_all,
    is_approved,
    keep_approvals,
    refusal_of_untested,
    refuse_untested,
    refuse_untested_change,
    standing,
    untested_models,
)
from generation.catalogue.services.channel_checks import check_channel
from generation.catalogue.services.channel_columns import check_origin, with_columns
from generation.catalogue.services.channel_lock import take_turns
from generation.catalogue.services.costs import doubts_of_flat, refuse_doubtful
from generation.catalogue.services.described import describe
from generation.catalogue.services.options import ALL, ChannelOptions
from generation.catalogue.services.retiring import set_retirements
from generation.catalogue.services.revisions import revise, revised
from generation.catalogue.services.routes import Routes, planned_routes, routes_of, write_routes
from generation.catalogue.services.unserved import refusing_stops
from generation.catalogue.traffic import channel_events
from generation.channels.registry import DEFAULT_KIND
from generation.models import Attempt, Channel, ChannelEvent, PendingRevision
from pictor.kit.database.cursors import first_row
from pictor.kit.secrets.encryption import WrongKey
from pictor.kit.words import clock

Kind = ChannelEvent.Kind


@transaction.atomic
def set_channel(
    *,
    name: str,
    options: ChannelOptions,
    channel_id: int | None = None,
    is_new: bool = False,
    may_stop: bool = False,
    **by: Unpack[By],
) -> tuple[Channel, bool]:
    """Create a channel, or change the given options of one; True if it was created.

    A new one needs a base URL and an API key, has routes for every model unless told otherwise, and
    is disabled. Another kind or origin needs its own key.

    A channel that serves is called as it was tested until a swap: another kind, address, key or
    size, other words of a served model, or opening it to test keys goes into its pending revision.
    New models wait for their tests. All other changes hold at once.

    Args:
        name: the channel's name, or its new name if `channel_id` is given.
        options: the changes.
        channel_id: of an existing channel.
        is_new: refuse a taken name, unless that channel equals the options: a form sent twice.
        may_stop: allow changes that leave a model unserved.
        by: the person who makes them.
    """
    take_turns()
    known = {"name": name} if channel_id is None else {"pk": channel_id}
    channel = Channel.objects.filter(**known).first()
    if channel is None:
        channel = _create(name, options, **by)
        set_retirements(channel=channel, days=options.get("retires", {}), **by)
        return channel, True
    if channel.archived_at is not None:
        raise ValidationError({"name": f"{channel.name} is archived: take another name"})
    if is_new:
        if _is_all_of(channel, options):
            return channel, False
        raise ValidationError({"name": f"a channel named {name} exists already"})
    check_name(channel, name)
    with refusing_stops(are_meant=may_stop):
        channel = _change(channel, options, name=name, **by)
    set_retirements(channel=channel, days=options.get("retires", {}), **by)
    return channel, False


@transaction.atomic
def set_enabled(
    *,
    channel: Channel,
    is_enabled: bool,
    untested: bool = False,
    is_ours: bool = False,
    may_stop: bool = False,
    reason: str = "",
    **by: Unpack[By],
) -> None:
    """Enable a channel, or disable it so that it is sent nothing more. Safe to call twice.

    Raises ValidationError if a channel to enable has routes without a passed test. `untested`
    enables it nevertheless and approves those routes; a sandbox has to prove that it is one, unless
    it `is_ours`. Also raises ValidationError if the change leaves a model unserved, unless it
    `may_stop`. The audit log keeps the `reason`.
    """
    take_turns()
    channel.refresh_from_db()
    stands_in = is_enabled and untested and not is_approved(channel)
    if channel.is_enabled == is_enabled and not (is_enabled and untested_models(channel)):
        return
    before = {"enabled": channel.is_enabled}
    after: dict[str, Any] = {"enabled": is_enabled} | ({"reason": reason} if reason else {})
    if stands_in:
        if not is_ours and (why := refusal_of_untested(channel)):
            raise ValidationError(why)
        after["untested"] = untested_models(channel)
        approve_all(channel)
    if is_enabled and channel.archived_at is not None:
        raise ValidationError(f"{channel.name} is archived, and its key is gone")
    if is_enabled:
        refuse_untested(channel)
    channel.is_enabled = is_enabled
    with refusing_stops(are_meant=may_stop):
        channel.save(update_fields=["is_enabled"])
    act = "channel.enable" if is_enabled else "channel.disable"
    record(channel.audited, act, before=before, after=after, **by)
    if channel.is_enabled != before["enabled"]:
        channel_events.note(channel, Kind.ENABLED if is_enabled else Kind.PAUSED, actor=by["actor"])


def is_deletable(channel: Channel) -> bool:
    """True if it is disabled and no permanent row refers to it."""
    return not (channel.is_enabled or _is_named(channel))


def check_name(channel: Channel, name: str) -> None:
    """Raise ValidationError for a new name with invisible marks, or of a used channel."""
    if name == channel.name:
        return
    _refuse_marks(name)
    if _is_used(channel):
        raise ValidationError(
            {"name": f"{channel.name} has been used: usage is recorded under that name"}
        )


def _refuse_marks(name: str) -> None:
    if holds_marks(name):
        raise ValidationError({"name": "a name must not contain invisible characters"})


def _is_used(channel: Channel) -> bool:
    return Attempt.objects.filter(channel_id=channel.pk).exists()


def _is_named(channel: Channel) -> bool:
    """True if attempts, tests, cost tables or vendors' bills, which are permanent, refer to it."""
    kept = (channel.trials, channel.cost_tables, channel.bills)
    return _is_used(channel) or any(rows.exists() for rows in kept)


def channel_named(name: str) -> Channel | None:
    """The channel of that name, unless it is archived."""
    return Channel.objects.filter(name=name, archived_at=None).first()


def all_channels(*, archived: bool = False) -> list[Channel]:
    """Channels in the order in which they are tried, or else the archived ones."""
    return list(Channel.objects.filter(archived_at__isnull=not archived))


@transaction.atomic
def delete_channel(*, channel: Channel, **by: Unpack[By]) -> bool:
    """Delete a disabled channel; True if it is archived instead, because other rows refer to it.

    An archived channel keeps its name, and loses its key and its pending revision. Raises
    ValidationError if it is enabled.
    """
    take_turns()
    channel.refresh_from_db()
    if channel.is_enabled:
        raise ValidationError(f"{channel.name} is enabled: disable it first")
    is_archived = _is_named(channel)
    action = "channel.archive" if is_archived else "channel.delete"
    record(channel.audited, action, before=describe(channel), after={}, **by)
    if not is_archived:
        channel.delete()
        return False
    PendingRevision.objects.filter(channel=channel).delete()
    channel.credentials, channel.approved_digest = "", ""
    channel.archived_at = channel.archived_at or clock.now()
    channel.save(update_fields=["credentials", "approved_digest", "archived_at"])
    channel.routes.update(is_approved=False)
    return True


@transaction.atomic
def reset(*, channel: Channel, **by: Unpack[By]) -> None:
    """Make every process forget the channel's breakers, Retry-After gates and counters."""
    (channel.reset_count,) = first_row(
        "UPDATE generation_channel SET reset_count = reset_count + 1 WHERE id = %s"
        " RETURNING reset_count",
        [channel.pk],
    )
    after = {"resets": channel.reset_count}
    record(channel.audited, "channel.reset", after=after, **by)
    channel_events.note(channel, Kind.RESET, actor=by["actor"])


def _create(name: str, options: ChannelOptions, **by: Unpack[By]) -> Channel:
    """Create a disabled channel, with every model unless some are named or mapped."""
    if not {"base_url", "api_key"} <= options.keys():
        raise ValidationError(
            f"there is no channel {name!r}: a new one needs --base-url and --api-key"
        )
    if not {"models", "routes"} & options.keys():
        options = {**options, "models": tuple(options.get("maps", ())) or (ALL,)}
    _refuse_marks(name)
    channel = Channel(name=name, kind=DEFAULT_KIND)
    columns = check_channel(options, kind=channel.kind)
    refuse_untested_change(channel, columns)
    planned = planned_routes({}, options, kind=columns.get("kind", channel.kind))
    refuse_doubtful(list(doubts_of_flat({}, planned)), again=options.get("cost_again"))
    channel = with_columns(channel, columns)
    _write(channel, planned, known={})
    after = {**describe(channel), "api_key": "changed"}
    record(channel.audited, "channel.set", before=None, after=after, **by)
    return channel


def _is_all_of(channel: Channel, options: ChannelOptions) -> bool:
    """True if the channel equals what these options would create."""
    columns = check_channel(options, kind=channel.kind)
    key = columns.pop("api_key", "")
    planned = planned_routes({}, options, kind=columns.get("kind", channel.kind))
    if describe(with_columns(channel, columns), planned) != describe(channel):
        return False
    try:
        return bool(key == decrypted(channel.credentials))
    except WrongKey:
        return False


def _change(channel: Channel, options: ChannelOptions, *, name: str, **by: Unpack[By]) -> Channel:
    """Apply the change and return the stored channel; write nothing if nothing differs."""
    before = describe(channel)
    was, routes = standing(channel), routes_of(channel)
    candidate, known = revised(channel)
    columns = check_channel(options, kind=candidate.kind)
    refuse_untested_change(channel, columns)
    serves = channel.is_enabled and columns.get("is_enabled", True)
    known = known if serves else routes
    planned = planned_routes(known, options, kind=columns.get("kind", candidate.kind))
    refuse_doubtful(list(doubts_of_flat(known, planned)), again=options.get("cost_again"))
    if serves:
        columns, planned = revise(channel, columns, planned, **by)
    check_origin(columns, channel)
    after = with_columns(channel, {**columns, "name": name})
    facts = describe(after, planned) | ({"api_key": "changed"} if "api_key" in columns else {})
    if facts == before:
        return channel
    if any(getattr(channel, name) != getattr(after, name) for name in TESTED_COLUMNS):
        after.reset_count += 1  # the health that processes know belongs to another account now
    _write(after, planned, known=routes)
    keep_approvals(after, was)
    if after.is_enabled and not channel.is_enabled:
        refuse_untested(after)
    record(after.audited, "channel.set", before=before, after=facts, **by)
    channel_events.note_change(channel, after, actor=by["actor"])
    return after


def _write(channel: Channel, routes: Routes, *, known: Routes) -> None:
    channel.full_clean(exclude=["credentials"])
    channel.save()
    write_routes(channel, routes, known=known)
