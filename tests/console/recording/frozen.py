"""One fixed moment for a whole recording: the clock, the ids, and words that differ each time."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from itertools import count
from random import Random
from socket import gethostname
from types import SimpleNamespace
from unittest import mock

from typing_extensions import override

from pictor.kit.words import clock, ids
from tests.making.factories import at

NOW = at("2030-01-15T09:00:00Z")
"""Later than the clock of the database, which goes on."""
TODAY = datetime.now(tz=UTC)
OTHERWISE = re.compile(
    r"(?:sk|whsec|pic)[-_][A-Za-z0-9_-]{8,}|sup_\w+|[0-9a-f-]{13}-4[0-9a-f]{3}-[0-9a-f-]{17}"
    r"|\b[0-9a-f]{32,64}\b|csrfmiddlewaretoken=\S+"
    rf"|{TODAY:%Y-%m-%d}[T ][\d:.]+|{TODAY:%-d %b %Y}, [\d:]+"
    rf"|{re.escape(gethostname())}/\d+|-\d{{6,}}(?:\.\d)? s|\b\d+ s ago"
)
"""What each recording has otherwise: secrets, seals, the database's own clock, and processes."""


@contextmanager
def frozen() -> Iterator[None]:
    """Stop the clock at NOW, and make the same ids, in the same order, each time."""
    ticks, dice = count(int(NOW.timestamp() * 1000) - 3_600_000), Random(60)  # noqa: S311 - no secret

    class Still(datetime):
        @classmethod
        @override
        def now(cls, tz: tzinfo | None = None) -> "Still":
            return cls(*NOW.timetuple()[:6], tzinfo=tz)

    time = SimpleNamespace(time_ns=lambda: next(ticks) * 1_000_000)
    with (
        mock.patch.object(clock, "datetime", Still),
        mock.patch.object(ids, "time", time),
        mock.patch.object(ids, "secrets", SimpleNamespace(randbits=dice.getrandbits)),
    ):
        yield


def masked(text: str) -> str:
    """The text without what differs from one recording to the next."""
    return OTHERWISE.sub("(otherwise)", text)
