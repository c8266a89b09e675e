"""The surroundings of the demo's requests: refused requests, and events of the channel.

Refused requests belong to the demo's keys, which are recognised by a creation time before that of
their ids. Channel events have an actor that marks them as demo data.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any

from accounts.callers import Caller
from generation.admission.quoting import quoted_order
from generation.background.refusals import insert
from generation.management.history import story
from generation.models import ChannelEvent
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import ids
from pictor.kit.words.errors import PictorError, RateLimited

ACTOR = "demo data"
REFUSED_REQUESTS = 60
"""Refused requests, within the days that they are kept."""
MODEL = "gpt-image-2"

_SEED = 20_261_126
_DAYS = timedelta(days=6)
_MISTAKES: tuple[Mapping[str, Any], ...] = (
    {"size": "1000x1000"},
    {"quality": "best"},
    {"n": 500},
    {"prompt": " "},
    {},
)
"""The mistake in a request; the empty one stands for a key that exceeds its rate limit."""
_OPEN_SECONDS = 30.0
_WAIT_SECONDS = 20.0
Kind = ChannelEvent.Kind


def write(callers: Mapping[str, Caller], channel_id: int, *, now: datetime) -> None:
    """Write all of it, up to `now`. Call it in the transaction of the requests."""
    for _, rows in groupby(_refusals(callers, now), key=lambda row: row[0].date()):
        times, batch = zip(*rows, strict=True)
        insert(batch, now=times[-1])
    ChannelEvent.objects.bulk_create(_channel_events(channel_id, now))


def forget_channel_events() -> None:
    """Delete the channel's events; refused requests go with their tenant."""
    ChannelEvent.objects.filter(actor=ACTOR).delete()


def _refusals(callers: Mapping[str, Caller], now: datetime) -> Iterator[tuple[datetime, Refused]]:
    """Oldest first: mistakes of the shop's developers, and a script over its rate limit."""
    random = Random(_SEED)  # noqa: S311 - a story, not a secret
    ends = story.ends_at(now)
    for at in sorted(ends - random.random() * _DAYS for _ in range(REFUSED_REQUESTS)):
        key = callers[random.choice((story.PRODUCTION, story.STAGING))]
        mistake = random.choice(_MISTAKES)
        error = _error_for(mistake, key, at) if mistake else _too_many()
        yield (
            at,
            Refused(
                request=ids.public(ids.REQUEST, ids.new_uuid_of(at)),
                address="",
                status=error.status,
                ms=random.randrange(2, 15),
                tenant=ids.public(ids.TENANT, key.tenant_id),
                key=ids.public(ids.KEY, key.key_id),
                model=MODEL,
                code=error.code,
                param=error.param or "",
                message=error.message,
                limit=error.limit,
            ),
        )


def _error_for(mistake: Mapping[str, Any], caller: Caller, at: datetime) -> PictorError:
    request = {"model": MODEL, "prompt": "a chair", "n": 1, **mistake}
    try:
        quoted_order(caller=caller, request=request, now=at)
    except PictorError as error:
        return error
    raise AssertionError(f"admission takes {request}")


def _too_many() -> PictorError:
    words = f"Rate limit reached for this key: {story.STAGING_A_MINUTE} requests a minute."
    return RateLimited(words, limit="requests of this key")


def _channel_events(channel_id: int, now: datetime) -> list[ChannelEvent]:
    """A breaker on the evening of the outage, and a day on which the vendor asked us to wait."""
    begin, end = story.outage(now)
    waits = story.ends_at(now) - timedelta(days=2)
    changes = (
        (Kind.BREAKER_OPENED, begin + timedelta(minutes=4), MODEL, _OPEN_SECONDS),
        (Kind.BREAKER_CLOSED, end, MODEL, None),
        (Kind.GATE_CLOSED, waits, "", _WAIT_SECONDS),
        (Kind.GATE_OPENED, waits + timedelta(seconds=_WAIT_SECONDS), "", None),
    )
    return [
        ChannelEvent(
            channel_id=channel_id, kind=kind, at=at, model=model, seconds=seconds, actor=ACTOR
        )
        for kind, at, model, seconds in changes
    ]
