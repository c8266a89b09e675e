"""A channel's present condition, judged by its calls, breakers and tests."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from generation.catalogue.traffic.channel_events import Kind, Shut
from generation.catalogue.traffic.minutes import Now
from generation.models import Attempt, Channel, State

LEAST_CALLS, LEAST_SUCCESS = 10, 0.5
"""With fewer calls, or from this share of successes on, nothing is down."""
FEW_FAIL = 0.05
"""Up to this share of failures in 30 minutes a channel is well."""


class ChannelStatus(StrEnum):
    """Conditions in the order of a list that begins with those that need an operator."""

    DOWN = "down"
    DEGRADED = "degraded"
    UNTESTED = "untested"
    HEALTHY = "healthy"
    QUIET = "quiet"
    PAUSED = "paused"
    ARCHIVED = "archived"


NEEDS_SOMEBODY = frozenset({ChannelStatus.DOWN, ChannelStatus.DEGRADED, ChannelStatus.UNTESTED})


def mostly_fails(delivered: int, judged: int) -> bool:
    """The one threshold: of calls to a channel, and of requests for a model, in ten minutes."""
    return judged >= LEAST_CALLS and delivered < LEAST_SUCCESS * judged


def calls_under_way(channel: Channel) -> int:
    """The number of calls to the channel that have begun and not ended, tests' included."""
    under_way = Attempt.objects.filter(
        channel=channel, finished_at=None, generation__state=State.RUNNING
    )
    return under_way.count()


def standing_of(
    channel: Channel,
    now: Now,
    *,
    shut: Sequence[Shut],
    workers: int,
    models: Collection[str],
    untested: Collection[str],
) -> tuple[ChannelStatus, str]:
    """The channel's condition and the reason in words, empty if the condition says it all.

    Args:
        channel: the channel.
        now: its last 30 minutes.
        shut: its own breakers and gates that workers keep shut.
        workers: the number of image workers.
        models: all of its models.
        untested: its models that wait for a test.
    """
    if channel.archived_at is not None:
        return ChannelStatus.ARCHIVED, ""
    if not channel.is_enabled:
        return ChannelStatus.PAUSED, ""
    served = [model for model in models if model not in untested]
    trouble = _models_down(now, shut, workers, served) or _trouble(now, shut, workers)
    if trouble is not None:
        return trouble
    if untested:
        return ChannelStatus.UNTESTED, f"{', '.join(untested)}: not served before a test"
    return (
        ChannelStatus.HEALTHY if any(cell.calls for cell in now.cells) else ChannelStatus.QUIET
    ), ""


def _models_down(
    now: Now, shut: Sequence[Shut], workers: int, models: Sequence[str]
) -> tuple[ChannelStatus, str] | None:
    open_in: dict[str, set[UUID]] = defaultdict(set)
    for event in shut:
        if event.kind == Kind.BREAKER_OPENED and event.model in {"", *models}:
            open_in[event.model].add(event.worker)
    broken = {model for model, inside in open_in.items() if 2 * len(inside) >= workers}
    failing = _failing(now)
    down = [model for model in models if {"", model} & broken or model in failing]
    if not down:
        return None
    if broken:
        number = len({worker for model in broken for worker in open_in[model]})
        why = f"breaker open in {number} of {workers} workers"
    else:
        delivered, judged = map(sum, zip(*failing.values(), strict=True))
        why = f"{delivered} of {judged} calls in 10 minutes brought images"
    if len(down) == len(models):
        return ChannelStatus.DOWN, why
    return ChannelStatus.DEGRADED, f"{len(down)} of {len(models)} models: {why}"


def _failing(now: Now) -> Mapping[str, tuple[int, int]]:
    """Models whose calls mostly fail; empty if these are too few calls."""
    found = {
        model: (delivered, judged)
        for model, (delivered, judged) in now.recent.items()
        if delivered < LEAST_SUCCESS * judged
    }
    return found if sum(judged for _, judged in found.values()) >= LEAST_CALLS else {}


def _trouble(now: Now, shut: Sequence[Shut], workers: int) -> tuple[ChannelStatus, str] | None:
    open_in = {event.worker for event in shut if event.kind == Kind.BREAKER_OPENED}
    if open_in:
        return ChannelStatus.DEGRADED, f"breaker open in {len(open_in)} of {workers} workers"
    if shut:
        return (
            ChannelStatus.DEGRADED,
            f"asked to wait by the vendor in {len(shut)} of {workers} workers",
        )
    failed = sum(cell.failed for cell in now.cells)
    judged = failed + sum(cell.delivered for cell in now.cells)
    if failed > FEW_FAIL * judged:
        return ChannelStatus.DEGRADED, f"{failed} of {judged} calls failed"
    return None
