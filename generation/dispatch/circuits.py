"""The breaker of a channel, or of one of its models, in one process."""

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile
from uuid import UUID

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.traffic.open_breakers import WonProbe

WINDOW_SECONDS = 60.0
"""Outcomes older than this are no evidence of a channel's present health."""
WINDOW_OUTCOMES = 20
"""The number of latest outcomes that count."""
MIN_FAILURES = 3
"""Failures in the window before a breaker may open."""
FAILURE_SHARE = 0.5
"""The share of failures in the window from which a breaker opens."""
FAILURES_IN_A_ROW = 4
"""Failures in a row that open a breaker, however well earlier calls went."""
FIRST_PAUSE_SECONDS = 10.0
"""A breaker's first pause; it doubles with every failed probe."""
LONGEST_PAUSE_SECONDS = 120.0
"""The longest pause of a breaker."""
UNPROVEN_CALLS = 4
"""Calls in flight or failed, of a channel without a success yet, while others could serve."""
NEWS_SECONDS = 2.0
"""For every such period that the oldest call stays out without a failure, twice as many may go."""
REJECTED_IN_A_ROW, REJECTED_TENANTS = 5, 2
"""Five rejections in a row, from at least two tenants, may be about the channel: vendors answer 400
for an account in arrears. One tenant's bad requests are no evidence."""
EMPTY_IN_A_ROW, EMPTY_TENANTS, SHARED_SECONDS = 5, 2, 3600.0
"""Five answers in a row without a usable image open a model's breaker: of at least two tenants,
unless within the hour only one had calls there. One tenant's odd requests are no evidence."""


@dataclass(eq=False, slots=True)
class UpstreamCall:
    """One call to a channel; `sent_at` is None until it goes out to the upstream.

    It counts as `places`, the orders that it may have under way at once. `probe` is the one that it
    won among all workers.
    """

    route: RouteInfo
    tenant: UUID
    sent_at: float | None = None
    places: int = 1
    probe: WonProbe | None = None


@dataclass
class Circuit:
    """A breaker, and what it has seen lately. Times are seconds of a monotonic clock."""

    outcomes: deque[tuple[float, bool]] = field(
        default_factory=lambda: deque(maxlen=WINDOW_OUTCOMES)
    )
    open_until: float = 0.0
    pause: float = 0.0
    is_probing: bool = False
    is_proven: bool = False
    failed_at: float = -math.inf
    calls: set[UpstreamCall] = field(default_factory=set)
    rejected: deque[UUID] = field(default_factory=lambda: deque(maxlen=REJECTED_IN_A_ROW))
    """The tenants of the requests rejected since the last success."""
    empty: deque[UUID] = field(default_factory=lambda: deque(maxlen=EMPTY_IN_A_ROW))
    """The tenants of the answers without a usable image since the last success."""

    def went_well(self, now: float) -> None:
        """Count a success: the breaker closes."""
        self.rejected.clear()
        self.empty.clear()
        self.is_proven = True
        self.outcomes.append((now, True))
        self.close()

    def close(self) -> None:
        """Close the breaker."""
        self.pause, self.open_until, self.is_probing = 0.0, 0.0, False

    def open(self, now: float) -> None:
        """Open the breaker, after a failed probe for twice as long."""
        if self.is_probing:
            self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        elif self.pause:
            return  # a call sent before it opened must not begin the pause anew
        else:
            self.pause = FIRST_PAUSE_SECONDS
        self.open_until = now + self.pause
        self.is_probing = False

    def allows(self, now: float) -> bool:
        """True if an unproven channel may get one more call: ever more while none fails."""
        recent = takewhile(lambda one: one[0] > now - WINDOW_SECONDS, reversed(self.outcomes))
        failed = sum(1 for _ in takewhile(lambda one: not one[1], recent))
        sent = (call.sent_at for call in self.calls if call.sent_at is not None)
        # A call sent before the last failure may yet fail like it: it is no good news.
        first = min((at for at in sent if at > self.failed_at), default=now)
        return len(self.calls) + failed < UNPROVEN_CALLS << int((now - first) / NEWS_SECONDS)

    def count_failure(self, now: float) -> None:
        """Count a failure; a failed probe doubles the pause, whatever the window holds."""
        self.outcomes.append((now, False))
        if self.is_probing:
            self.open(now)
            return
        self.failed_at = now
        self.is_proven = False  # few calls at a time again, until one is answered well
        recent = [good for at, good in self.outcomes if at > now - WINDOW_SECONDS]
        failures = recent.count(False)
        is_bad = failures >= MIN_FAILURES and failures >= FAILURE_SHARE * len(recent)
        is_down = len(recent) >= FAILURES_IN_A_ROW and not any(recent[-FAILURES_IN_A_ROW:])
        if is_bad or is_down:
            self.open(now)
