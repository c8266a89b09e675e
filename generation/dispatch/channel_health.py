"""Each channel's breaker, Retry-After gate, load and size fidelity, as seen by one process.

Kept in memory, per channel and model (refusals, gate and cap per channel), and used only on the
worker's event loop, so there are no locks. A breaker opens on repeated failures within a window,
lets one probe through when its pause is over, and closes on that probe's success. `channel reset`
raises the channel's reset count, which clears all of this for it.
"""

import logging
import math
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from prometheus_client import Gauge

from generation.catalogue.contracts import RouteInfo
from generation.channels.errors import AttemptClass
from generation.dispatch.breaker_events import BreakerChanges

logger = logging.getLogger(__name__)

BREAKER_OPEN = Gauge(
    "pictor_breaker_open",
    "1 from a breaker's opening until a call goes well; without a model, of the whole channel.",
    ["channel", "model"],
)

WINDOW_SECONDS = 60.0
"""Outcomes older than this are no evidence of a channel's present health."""
WINDOW_OUTCOMES = 20
"""The number of latest outcomes that count."""
MIN_FAILURES = 3
"""Failures in the window before a breaker may open."""
FAILURE_SHARE = 0.5
"""The share of failures in the window from which a breaker opens."""
FAILURES_IN_A_ROW = 5
"""Failures in a row that open a breaker, however well earlier calls went."""
FIRST_PAUSE_SECONDS = 10.0
"""A breaker's first pause; it doubles with every failed probe."""
LONGEST_PAUSE_SECONDS = 120.0
"""The longest pause of a breaker."""
UNPROVEN_CALLS = 4
"""Calls in flight to a channel that has no success yet, while others could serve."""
NEWS_SECONDS = 2.0
"""For every such period that the oldest call stays out without a failure, twice as many may go."""
REJECTED_IN_A_ROW, REJECTED_TENANTS = 5, 2
"""Five rejections in a row, from at least two tenants, may be about the channel: vendors answer 400
for an account in arrears. One tenant's bad requests are no evidence."""
EMPTY_IN_A_ROW, EMPTY_TENANTS, SHARED_SECONDS = 5, 2, 3600.0
"""Five answers in a row without a usable image open a model's breaker: of at least two tenants,
unless within the hour only one had calls there. One tenant's odd requests are no evidence."""
WRONG_SIZES = 3
"""Wrong sizes in a row after which a channel goes last for that size."""
STRICT_PAUSE_SECONDS = 600.0
"""The time after a wrong size in which no strict request for it goes there."""

# A rejection is the caller's fault and storage is ours: neither says that a channel is down.
# Answers without an image may be the request's fault: they have a count of their own, as wrong
# sizes have.
FAILURES = frozenset({AttemptClass.NOT_REACHED, AttemptClass.REFUSED, AttemptClass.UNKNOWN})


@dataclass(eq=False, slots=True)
class UpstreamCall:
    """One call to a channel; `sent_at` is None until it goes out to the upstream."""

    route: RouteInfo
    tenant: UUID
    sent_at: float | None = None


@dataclass
class _Circuit:
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
        sent = (call.sent_at for call in self.calls if call.sent_at is not None)
        # A call sent before the last failure may yet fail like it: it is no good news.
        first = min((at for at in sent if at > self.failed_at), default=now)
        return len(self.calls) < UNPROVEN_CALLS << int((now - first) / NEWS_SECONDS)


@dataclass(slots=True)
class _Fidelity:
    """A channel's deliveries of one size."""

    wrong_in_a_row: int
    last_at: float
    probe: UpstreamCall | None = None
    """The last strict request sent there despite a wrong delivery."""


@dataclass
class _ChannelHealth:
    reset_count: int
    gate_until: float = 0.0
    circuits: dict[str, _Circuit] = field(default_factory=dict)
    account: _Circuit = field(default_factory=_Circuit)
    """The circuit for all models together: fed by refusals, which are about the account."""
    fidelity: dict[tuple[str, str], _Fidelity] = field(default_factory=dict)
    """By model and requested size; a size that was never delivered has no entry."""
    latest: dict[UUID, float] = field(default_factory=dict)
    """The latest two tenants whose calls ended, each with the time."""

    def saw(self, tenant: UUID, now: float) -> None:
        """Note a tenant's call."""
        self.latest.pop(tenant, None)
        self.latest[tenant] = now
        if len(self.latest) > EMPTY_TENANTS:
            del self.latest[next(iter(self.latest))]

    def gives_nothing(self, circuit: _Circuit, now: float) -> bool:
        """True if its last answers had no image, whoever asked."""
        tenants = sum(at > now - SHARED_SECONDS for at in self.latest.values())
        return len(circuit.empty) == EMPTY_IN_A_ROW and len({*circuit.empty}) >= tenants


class Health:
    """The health of every channel in this process. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.changes = BreakerChanges()
        """Changes to be written to the database."""
        self._channels: dict[int, _ChannelHealth] = {}

    def is_usable(self, route: RouteInfo, *, now: float) -> bool:
        """True if a call may start: gate and breaker closed or probe due, below the cap."""
        return self.is_only_broken(route, now=now) and all(
            not circuit.pause or (circuit.open_until <= now and not circuit.is_probing)
            for circuit in self._circuits(route)
        )

    def is_only_broken(self, route: RouteInfo, *, now: float) -> bool:
        """True if at most a breaker prevents a call: the gate is open, the cap not full."""
        return self._channel(route).gate_until <= now and not self.is_full(route)

    def is_full(self, route: RouteInfo) -> bool:
        """True if the channel has as many calls in flight as its cap allows."""
        in_flight = len(self._channel(route).account.calls)
        return route.max_concurrency is not None and in_flight >= route.max_concurrency

    def is_known(self, route: RouteInfo, *, now: float) -> bool:
        """True if one more call may start at once: it has a success, or few are in flight.

        Measured by the calls and not by the waiting generations: however slow this process is, a
        channel that fails fast has failed before more calls go to it.
        """
        circuit = self._circuit(route)
        return circuit.is_proven or circuit.allows(now)

    def keeps_size(self, route: RouteInfo, size: str) -> bool:
        """True if it has no run of wrong sizes; a channel with one goes after all others."""
        known = self._fidelity(route, size)
        # A wrong size is charged by what it is, so it takes several in a row (ADR 0036).
        return known is None or known.wrong_in_a_row < WRONG_SIZES

    def was_right(self, route: RouteInfo, size: str) -> bool:
        """True if its last delivery of the size was right; False if there was none."""
        known = self._fidelity(route, size)
        # Nothing known does not suffice: partial images would show what is not charged (ADR 0036).
        return known is not None and not known.wrong_in_a_row

    def was_wrong_size(self, route: RouteInfo, size: str) -> bool:
        """True if its last delivery had another size: strict requests go elsewhere."""
        known = self._fidelity(route, size)
        # A strict request's wrong image is our loss, so one suffices (ADR 0036).
        return known is not None and known.wrong_in_a_row > 0

    def may_probe(self, route: RouteInfo, size: str, *, now: float) -> bool:
        """True if a strict request may go there again: after 10 minutes, one at a time."""
        known = self._fidelity(route, size)
        if known is None or known.last_at + STRICT_PAUSE_SECONDS > now:
            return False
        return known.probe not in self._channel(route).account.calls

    def started_strict(self, call: UpstreamCall, size: str) -> None:
        """Record a strict request's call: a probe if the last delivery of the size was wrong."""
        known = self._fidelity(call.route, size)
        if known is not None:
            known.probe = call

    def in_flight(self, route: RouteInfo, *, tenant: UUID) -> int:
        """The number of this tenant's calls in flight to the channel."""
        return sum(call.tenant == tenant for call in self._channel(route).account.calls)

    def started(self, route: RouteInfo, *, tenant: UUID) -> UpstreamCall:
        """Count a call from now, before it is sent, until `ended`."""
        call = UpstreamCall(route, tenant)
        for circuit in self._circuits(route):
            circuit.calls.add(call)
            # The call through an open breaker is its probe: the others wait for its outcome.
            circuit.is_probing = bool(circuit.pause)
        return call

    def opens_in(self, route: RouteInfo, *, now: float) -> float:
        """Seconds until its Retry-After gate opens; 0.0 if it is open."""
        return max(0.0, self._channel(route).gate_until - now)

    def ended(
        self,
        call: UpstreamCall,
        *,
        failed_as: AttemptClass | None,
        retry_after: float | None,
        now: float,
    ) -> None:
        """End a call. `failed_as` is None for success; a fault not the channel's own is neutral.

        Counts only once; a call that began before a reset does not count against the channel after
        it.
        """
        channel = self._channel(call.route)
        if call not in channel.account.calls:
            return
        if retry_after is not None:
            # A later answer with a shorter Retry-After must not open the gate early.
            channel.gate_until = max(channel.gate_until, now + retry_after)
            self.changes.gate_closed(call.route.channel_id, until=channel.gate_until, now=now)
        channel.saw(call.tenant, now)
        for circuit in self._circuits(call.route):
            circuit.calls.discard(call)
            pause, is_account = circuit.pause, circuit is channel.account
            if failed_as is None:
                circuit.went_well(now)
            # A refusal is about the key or the credit; any other failure may be one model's.
            elif failed_as is AttemptClass.REFUSED or (failed_as in FAILURES and not is_account):
                circuit.outcomes.append((now, False))
                self._count_failure(circuit, now)
            elif failed_as is AttemptClass.BAD_RESULT and not is_account:
                self._count_empty(channel, circuit, call.tenant, now)
            else:
                circuit.is_probing = False  # it told nothing, so the next call may probe
            model = "" if is_account else call.route.model
            self._note_change(call.route, model, before=pause, after=circuit.pause)

    def rejected(self, route: RouteInfo, *, tenant: UUID) -> None:
        """Record that the channel rejected this tenant's request."""
        self._circuit(route).rejected.append(tenant)

    def is_doubted(self, route: RouteInfo) -> bool:
        """True if it rejected the last requests, and these were of several tenants."""
        rejected = self._circuit(route).rejected
        return len(rejected) == REJECTED_IN_A_ROW and len({*rejected}) >= REJECTED_TENANTS

    def was_wrong(self, route: RouteInfo, *, now: float) -> None:
        """Count a failure: another channel delivered a request that this one had rejected."""
        circuit = self._circuit(route)
        circuit.outcomes.append((now, False))
        pause = circuit.pause
        self._count_failure(circuit, now)
        self._note_change(route, route.model, before=pause, after=circuit.pause)

    def delivered(self, route: RouteInfo, *, size: str, was_right: bool, now: float) -> None:
        """Record whether the delivered images had the requested size."""
        known = self._fidelity(route, size)
        wrong = 0 if was_right else 1 + (known.wrong_in_a_row if known else 0)
        self._channel(route).fidelity[route.model, size] = _Fidelity(wrong, now)

    @staticmethod
    def _count_empty(channel: _ChannelHealth, circuit: _Circuit, tenant: UUID, now: float) -> None:
        circuit.empty.append(tenant)
        if circuit.is_probing or channel.gives_nothing(circuit, now):
            circuit.open(now)

    @staticmethod
    def _count_failure(circuit: _Circuit, now: float) -> None:
        # A failed probe doubles the pause, whatever the window holds.
        if circuit.is_probing:
            circuit.open(now)
            return
        circuit.failed_at = now
        circuit.is_proven = False  # few calls at a time again, until one is answered well
        recent = [good for at, good in circuit.outcomes if at > now - WINDOW_SECONDS]
        failures = recent.count(False)
        is_bad = failures >= MIN_FAILURES and failures >= FAILURE_SHARE * len(recent)
        is_down = len(recent) >= FAILURES_IN_A_ROW and not any(recent[-FAILURES_IN_A_ROW:])
        if is_bad or is_down:
            circuit.open(now)

    def _note_change(self, route: RouteInfo, model: str, *, before: float, after: float) -> None:
        """Log and note a breaker that opens, opens for longer, or closes."""
        if after == before:
            return
        BREAKER_OPEN.labels(route.channel_name, model).set(bool(after))
        models = model or "every model"
        if after > before:
            logger.warning(
                "the breaker of %s for %s is open for %.0f s", route.channel_name, models, after
            )
        elif not after:
            logger.warning("the breaker of %s for %s is closed again", route.channel_name, models)
        if not (before and after):  # a longer pause is no transition (ADR 0050)
            self.changes.breaker(route.channel_id, model, pause=after)

    def _fidelity(self, route: RouteInfo, size: str) -> _Fidelity | None:
        return self._channel(route).fidelity.get((route.model, size))

    def _channel(self, route: RouteInfo) -> _ChannelHealth:
        known = self._channels.get(route.channel_id)
        # A dispatch keeps its snapshot, so an older reset count may come after a newer one.
        if known is None or known.reset_count < route.reset_count:
            if known is not None:
                self._forgotten(route, known)
            BREAKER_OPEN.labels(route.channel_name, "").set(0)
            known = self._channels[route.channel_id] = _ChannelHealth(route.reset_count)
        return known

    def _forgotten(self, route: RouteInfo, known: _ChannelHealth) -> None:
        """Clear the gauges and note the changes of a channel that was reset."""
        for model, circuit in (*known.circuits.items(), ("", known.account)):
            BREAKER_OPEN.labels(route.channel_name, model).set(0)
            if circuit.pause:
                self.changes.breaker(route.channel_id, model, pause=0.0)
        self.changes.gate_forgotten(route.channel_id)

    def _circuits(self, route: RouteInfo) -> tuple[_Circuit, _Circuit]:
        return self._circuit(route), self._channel(route).account

    def _circuit(self, route: RouteInfo) -> _Circuit:
        circuits = self._channel(route).circuits
        if route.model not in circuits:
            BREAKER_OPEN.labels(route.channel_name, route.model).set(0)
            circuits[route.model] = _Circuit()
        return circuits[route.model]
