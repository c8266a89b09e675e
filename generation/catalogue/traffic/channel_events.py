"""Events of channels, written by operators' services and by image workers.

Kept 30 days, which is longer than an incident is talked about.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from accounts.services import Actor, name_of
from generation.models import Channel, ChannelEvent
from pictor.kit.database.cursors import all_rows, run
from pictor.kit.words import clock

EVENTS_KEPT = timedelta(days=30)
Kind = ChannelEvent.Kind
BATCH = 5_000
"""The most rows that one statement deletes."""


# One index look-up per worker, channel and model, however many events 30 days have.
_SHUT_NOW = """
SELECT shut.channel_id, shut.kind, shut.model, shut.worker, shut.at
  FROM generation_worker AS w
 CROSS JOIN generation_channel AS c
 CROSS JOIN (SELECT '' AS model UNION ALL SELECT model FROM generation_contract) AS m
 CROSS JOIN (VALUES ('breaker_opened', 'breaker_closed'), ('gate_closed', 'gate_opened'))
            AS kinds (shuts, ends)
 CROSS JOIN LATERAL (
       SELECT * FROM generation_channelevent AS e
        WHERE e.worker = w.epoch AND e.channel_id = c.id AND e.model = m.model AND e.kind = shuts
        ORDER BY e.at DESC, e.id DESC LIMIT 1) AS shut
  LEFT JOIN LATERAL (
       SELECT at, id FROM generation_channelevent AS e
        WHERE e.worker = w.epoch AND e.channel_id = c.id AND e.model = m.model AND e.kind = ends
        ORDER BY e.at DESC, e.id DESC LIMIT 1) AS ended ON TRUE
 WHERE w.stopped_at IS NULL AND w.seen_at > clock_timestamp() - make_interval(secs => %s)
   AND c.is_enabled AND (ended.id IS NULL OR (ended.at, ended.id) < (shut.at, shut.id))
   AND NOT EXISTS (SELECT FROM generation_channelevent AS e
                    WHERE e.channel_id = c.id AND e.kind = 'reset' AND e.at >= shut.at)
 ORDER BY shut.at, shut.id
"""


class BreakerChange(NamedTuple):
    """A change of a breaker or a gate, or another model's answer, as a worker saw it."""

    channel_id: int
    kind: ChannelEvent.Kind
    at: datetime
    model: str = ""
    seconds: float | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Shut:
    """An open breaker in a live worker, of one model or ('') of all, or a closed gate."""

    channel_id: int
    kind: str
    """`breaker_opened` or `gate_closed`."""
    model: str
    worker: UUID
    since: datetime


def note(channel: Channel, kind: ChannelEvent.Kind, *, actor: Actor) -> None:
    """Record an operator's change. Call it inside the transaction of the change itself."""
    ChannelEvent.objects.create(channel=channel, kind=kind, at=clock.now(), actor=name_of(actor))


def note_change(before: Channel, after: Channel, *, actor: Actor) -> None:
    """Record an event for each difference between a channel before and after a change."""
    kinds = {
        Kind.KEY_CHANGED: before.credentials != after.credentials,
        Kind.RESET: before.reset_count != after.reset_count,
        Kind.PAUSED: before.is_enabled and not after.is_enabled,
        Kind.ENABLED: after.is_enabled and not before.is_enabled,
    }
    for kind, is_so in kinds.items():
        if is_so:
            note(after, kind, actor=actor)


def write(changes: Sequence[BreakerChange], *, worker: UUID) -> None:
    """Write what a worker saw, in one statement; skip channels deleted meanwhile."""
    columns = list(zip(*changes, strict=True))
    run(
        """
        INSERT INTO generation_channelevent
               (channel_id, kind, at, model, seconds, words, worker, actor)
        SELECT c.id, t.kind, t.at, t.model, t.seconds, t.words, %s, ''
          FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::float8[],
                      %s::text[])
               WITH ORDINALITY AS t (channel_id, kind, at, model, seconds, words, place)
          JOIN generation_channel AS c ON c.id = t.channel_id ORDER BY t.place
        """,
        [worker, *map(list, columns)],
    )


def events_of(channel: Channel, *, since: datetime, most: int) -> list[ChannelEvent]:
    """The channel's events since then, newest first, at most `most`."""
    events = ChannelEvent.objects.filter(channel=channel, at__gte=since)
    return list(events.order_by("-at", "-id")[:most])


def changes_before(
    channel: Channel, before: datetime, *, kinds: Collection[str], most: int
) -> list[ChannelEvent]:
    """The channel's events of these kinds before then, newest first, at most `most`."""
    events = ChannelEvent.objects.filter(channel=channel, at__lt=before, kind__in=kinds)
    return list(events.order_by("-at", "-id")[:most])


def shut_now() -> list[Shut]:
    """Breakers and gates of enabled channels that live workers have reported as shut.

    A gate stays listed for up to a minute after it has opened.
    """
    return [Shut(*row) for row in all_rows(_SHUT_NOW, [settings.LEASE_SECONDS])]


def forget_old(*, now: datetime) -> None:
    """Delete events older than EVENTS_KEPT. Safe to run twice at once."""
    old = ChannelEvent.objects.filter(at__lt=now - EVENTS_KEPT).order_by("at")
    while batch := list(old.values_list("id", flat=True)[:BATCH]):
        ChannelEvent.objects.filter(id__in=batch).delete()
