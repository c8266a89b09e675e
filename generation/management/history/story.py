"""The events in the demo workspace: requests with their calls and endings, in order. Pure.

The same moment gives the same story. Times are those of the requests; seconds are real ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from generation.channels.errors import AttemptClass
from generation.management.history import habits, prompts
from generation.management.history.habits import Habit, Trouble

GENERATIONS = 2000
STORY_DAYS = 90
JUST_BEFORE = 12
"""The number of these in the last quarter of an hour."""
QUICK_GENERATIONS = 60
"""The number of last requests whose sizes are quick to paint."""
PRODUCTION, STAGING, REVOKED = "production", "staging", "catalogue-import"
"""The names of its keys; the last one was revoked at `revoked_at`."""
STAGING_A_MINUTE = 60
"""The requests that the key for the shop's tests may send per minute."""

_SEED = 20_260_820
_QUIET = timedelta(minutes=12)
"""The time between the story's end and now: none of it is under way."""
_REVOKED_AFTER_DAYS = 52
_OUTAGE = (timedelta(days=67, hours=15), timedelta(days=67, hours=18))
_OUTAGE_SHARE = 0.7
_SPREAD = 0.35


@dataclass(frozen=True, slots=True)
class SampleAttempt:
    """One attempt, with the values of its row."""

    attempt_class: AttemptClass
    seconds: float
    http_status: int | None = 200
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One request and its result.

    Attributes:
        request: typed fields, as in a body.
        queued_seconds: until a worker took it, or its caller canceled it.
        calls: none if it was canceled.
        images: the number delivered.
        came_as: their size, if it is not the requested one.
        reported: the quality reported by the upstream; None if it reports none.
        cost: the upstream's cost, in percent of the charge.
    """

    at: datetime
    key: str
    request: dict[str, Any] = field(repr=False)
    queued_seconds: float
    calls: tuple[SampleAttempt, ...] = ()
    stored_seconds: float = 0.0
    images: int = 0
    came_as: str | None = None
    reported: str | None = None
    timed_out: bool = False
    cost: int = 0


def begins_at(now: datetime) -> datetime:
    return ends_at(now) - timedelta(days=STORY_DAYS)


def ends_at(now: datetime) -> datetime:
    return now - _QUIET


def outage(now: datetime) -> tuple[datetime, datetime]:
    """The beginning and end of the evening on which most requests failed."""
    begin, end = _OUTAGE
    return begins_at(now) + begin, begins_at(now) + end


def revoked_at(now: datetime) -> datetime:
    return begins_at(now) + timedelta(days=_REVOKED_AFTER_DAYS, hours=2)


def sample_requests(now: datetime) -> list[SampleRequest]:
    """The requests of the 90 days before `now`, oldest first."""
    random = Random(_SEED)  # noqa: S311 - a story, not a secret
    times = sorted([*_times(random, now), *_just_before(random, now)])
    return [
        _sample_request(random, at, now, to_come=GENERATIONS - number)
        for number, at in enumerate(times)
    ]


def _times(random: Random, now: datetime) -> Iterator[datetime]:
    """Times by the weights of hours and weekdays, more of them towards the end."""
    begin, hours = begins_at(now), STORY_DAYS * 24
    slots = [begin + timedelta(hours=hour) for hour in range(hours)]
    busy = [
        habits.HOURS[slot.hour]
        * habits.WEEKDAYS[slot.weekday()]
        * (1 + (habits.GROWTH - 1) * hour / hours)
        for hour, slot in enumerate(slots)
    ]
    for slot in random.choices(slots, busy, k=GENERATIONS - JUST_BEFORE):
        yield slot + timedelta(microseconds=random.randrange(3_600_000_000))


def _just_before(random: Random, now: datetime) -> Iterator[datetime]:
    """Times in the story's last quarter of an hour, so that its channel shows traffic."""
    for _ in range(JUST_BEFORE):
        yield now - _QUIET - timedelta(seconds=random.uniform(1, 900))


def _sample_request(random: Random, at: datetime, now: datetime, *, to_come: int) -> SampleRequest:
    """The request that begins the last `to_come`.

    The first of those just before the end is refused: a day at a weekend may have no other error.
    """
    (habit,) = random.choices(habits.HABITS, [habit.share for habit in habits.HABITS])
    request = _request(random, habit, is_late=to_come <= QUICK_GENERATIONS)
    facts: dict[str, Any] = {
        "at": at,
        "key": _key(random, at, now),
        "request": request,
        "queued_seconds": 0.02 + random.expovariate(12.0),
    }
    roll = habits.CANCELED if to_come == JUST_BEFORE else random.randrange(1000)
    if roll < habits.CANCELED:
        facts["queued_seconds"] = 1 + random.expovariate(0.5)
        return SampleRequest(**facts)
    trouble = _trouble(random, roll - habits.CANCELED, at - begins_at(now))
    if trouble is not None:
        return _failure(random, facts, habit, trouble)
    return _delivery(random, facts, habit)


def _request(random: Random, habit: Habit, *, is_late: bool) -> dict[str, Any]:
    fields = {
        "model": habit.model,
        "prompt": prompts.prompt(random),
        "n": random.choice(habit.counts),
        "size": random.choice(habit.lately if is_late else habit.sizes),
        "quality": random.choice(habit.qualities),
        "user": random.choice((*prompts.TAGS, None)),
        "output_format": random.choice((None, None, None, "webp", "jpeg")) if not is_late else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _key(random: Random, at: datetime, now: datetime) -> str:
    """A key by weight: the import has its own until that is revoked, and the shop's afterwards."""
    shares = (62, 18, 20) if at < revoked_at(now) else (80, 20, 0)
    (key,) = random.choices((PRODUCTION, STAGING, REVOKED), shares)
    return key


def _trouble(random: Random, roll: int, since: timedelta) -> Trouble | None:
    begin, end = _OUTAGE
    if begin <= since < end and random.random() < _OUTAGE_SHARE:
        return habits.OUTAGE
    for trouble in habits.TROUBLES:
        if roll < trouble.share:
            return trouble
        roll -= trouble.share
    return None


def _failure(
    random: Random, facts: dict[str, Any], habit: Habit, trouble: Trouble
) -> SampleRequest:
    if trouble.attempt_class == AttemptClass.MODERATED:
        facts = facts | {
            "request": facts["request"] | {"prompt": random.choice(prompts.REFUSED_PROMPTS)}
        }
    seconds = trouble.seconds
    calls = tuple(
        SampleAttempt(
            trouble.attempt_class,
            _seconds(random, habit) if seconds is None else seconds * random.uniform(1.0, 1.2),
            trouble.http_status,
            trouble.detail,
        )
        for _ in range(trouble.calls)
    )
    return SampleRequest(**facts, calls=calls, timed_out=trouble.timed_out)


def _delivery(random: Random, facts: dict[str, Any], habit: Habit) -> SampleRequest:
    request = facts["request"]
    calls = [SampleAttempt(AttemptClass.DELIVERED, _seconds(random, habit) * _effort(request))]
    if random.randrange(1000) < habits.SECOND_TRY:
        calls.insert(
            0, SampleAttempt(AttemptClass.NOT_REACHED, 0.3, None, "the connection was refused")
        )
    images = request["n"]
    if images > 1 and random.randrange(1000) < habits.FEWER:
        images -= 1
    came_as = None
    if habit.model == "gpt-image-2-auto" or request.get("size") == "auto":
        came_as = random.choice(habits.AUTO_SIZES)
    elif request.get("size") == "1536x1024" and random.randrange(150) < habits.SMALLER:
        came_as = "1024x1024"
    quality = random.choice(("low", "medium", "medium", "high")) if habit.reports else None
    return SampleRequest(
        **facts,
        calls=tuple(calls),
        stored_seconds=0.08 + random.expovariate(3.0),
        images=images,
        came_as=came_as,
        reported=request.get("quality", quality) if habit.reports else None,
        cost=habit.cost,
    )


def _seconds(random: Random, habit: Habit) -> float:
    return habit.seconds * random.lognormvariate(0.0, _SPREAD)


def _effort(request: dict[str, Any]) -> float:
    """A factor of the time: high quality and several images take longer."""
    by_quality = {"low": 0.5, "high": 1.9, "hd": 1.6}
    images = int(request["n"])
    return by_quality.get(request.get("quality", ""), 1.0) * (1 + 0.25 * (images - 1))
