"""Each channel's breaker, Retry-After gate, load and size fidelity, as one process sees them.

Kept in memory, per channel and model (refusals, gate and cap per channel), and used on the worker's
event loop alone, so there are no locks. A breaker opens on repeated failures within a window, lets
one probe through when its pause is over, and closes on that probe's success. `channel reset` raises
the channel's reset count, and everything known of it is forgotten.
"""

import logging
import math
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from prometheus_client import Gauge

from generation.catalogue.contracts import RouteInfo
from generation.channels.errors import AttemptClass
from generation.dispatch.breaker_events import Turns

logger = logging.getLogger(__name__)

BREAKER_OPEN = Gauge(
    "pictor_breaker_open",
    "1 from a breaker's opening until a call goes well; without a model, of the whole channel.",
    ["channel", "model"],
)

WINDOW_SECONDS = 60.0
"""Older outcomes are no evidence of a channel's present health."""
WINDOW_OUTCOMES = 20
"""At most this many of the last outcomes are looked at."""
MIN_FAILURES = 3
"""Failures in the window before a breaker may open."""
FAILURE_SHARE = 0.5
"""Share of failures in the window from which a breaker opens."""
FAILURES_IN_A_ROW = 5
"""This many failures in a row open a breaker, however well the calls before them went."""
FIRST_PAUSE_SECONDS = 10.0
"""A breaker's first pause; it doubles with every failed probe."""
LONGEST_PAUSE_SECONDS = 120.0
"""No pause is longer than this."""
UNPROVEN_CALLS = 4
"""Calls in flight to a channel that has not yet answered well, while others could serve."""
NEWS_SECONDS = 2.0
"""Each time that a call has been out this long without failing, twice as many may go."""
REJECTED_IN_A_ROW, REJECTED_TENANTS = 5, 2
"""So many rejections without a success, of so many tenants at least, may be about the channel:
vendors answer 400 for an account in arrears. One tenant's bad requests are no evidence."""
WRONG_SIZES = 3
"""Wrong sizes in a row before a channel is no longer sent that size first."""
STRICT_PAUSE_SECONDS = 600.0
"""How long after a wrong size no strict request for it goes there."""

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
    """Whose requests were, since the last success."""

    def allows(self, now: float) -> bool:
        """Whether one more call may start on an unproven channel: ever more while none fails."""
        sent = (call.sent_at for call in self.calls if call.sent_at is not None)
        first = min((at for at in sent if at > self.failed_at), default=now)
        return len(self.calls) < UNPROVEN_CALLS << int((now - first) / NEWS_SECONDS)


@dataclass(slots=True)
class _Fidelity:
    """What came back of a size that was sent for."""

    wrong_in_a_row: int
    last_at: float
    probe: UpstreamCall | None = None
    """The last strict request that was sent there all the same."""


@dataclass
class _ChannelHealth:
    reset_count: int
    gate_until: float = 0.0
    circuits: dict[str, _Circuit] = field(default_factory=dict)
    account: _Circuit = field(default_factory=_Circuit)
    """Of all models together: fed by refusals, which are about the account."""
    fidelity: dict[tuple[str, str], _Fidelity] = field(default_factory=dict)
    """By model and the size that was sent; nothing of a size that was never delivered."""


class Health:
    """What this process knows of every channel. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.turns = Turns()
        """What turned, to be written down."""
        self._channels: dict[int, _ChannelHealth] = {}

    def is_usable(self, route: RouteInfo, *, now: float) -> bool:
        """Whether a call may start now: gate and breaker closed (or due a probe), below the cap."""
        return self.is_only_broken(route, now=now) and all(
            not circuit.pause or (circuit.open_until <= now and not circuit.is_probing)
            for circuit in self._circuits(route)
        )

    def is_only_broken(self, route: RouteInfo, *, now: float) -> bool:
        """Whether nothing but an open breaker speaks against a call: no gate, no full cap."""
        return self._channel(route).gate_until <= now and not self.is_full(route)

    def is_full(self, route: RouteInfo) -> bool:
        """Whether as many calls to the channel are in flight as it may have."""
        in_flight = len(self._channel(route).account.calls)
        return route.max_concurrency is not None and in_flight >= route.max_concurrency

    def is_known(self, route: RouteInfo, *, now: float) -> bool:
        """Whether one more call may start at once: it has answered well, or few are in flight.

        Measured from the calls themselves and not from who waits: however slow this process is, a
        channel that fails fast has failed before more calls are let through to it.
        """
        circuit = self._circuit(route)
        return circuit.is_proven or circuit.allows(now)

    def keeps_size(self, route: RouteInfo, size: str) -> bool:
        """Whether it is true to the size; a channel that is not goes after all others."""
        known = self._fidelity(route, size)
        return known is None or known.wrong_in_a_row < WRONG_SIZES

    def was_right(self, route: RouteInfo, size: str) -> bool:
        """Whether its last delivery of the size was right; not where there was none."""
        known = self._fidelity(route, size)
        return known is not None and not known.wrong_in_a_row

    def was_wrong_size(self, route: RouteInfo, size: str) -> bool:
        """Whether its last delivery of the size was another: strict requests go elsewhere."""
        known = self._fidelity(route, size)
        return known is not None and known.wrong_in_a_row > 0

    def may_probe(self, route: RouteInfo, size: str, *, now: float) -> bool:
        """Whether a strict request may ask again: 10 minutes later, and one at a time."""
        known = self._fidelity(route, size)
        if known is None or known.last_at + STRICT_PAUSE_SECONDS > now:
            return False
        return known.probe not in self._channel(route).account.calls

    def started_strict(self, call: UpstreamCall, size: str) -> None:
        """A call is a strict request's: a probe where the last delivery of the size was wrong."""
        known = self._fidelity(call.route, size)
        if known is not None:
            known.probe = call

    def in_flight(self, route: RouteInfo, *, tenant: UUID) -> int:
        """How many calls to the channel are this tenant's."""
        return sum(call.tenant == tenant for call in self._channel(route).account.calls)

    def started(self, route: RouteInfo, *, tenant: UUID) -> UpstreamCall:
        """A call begins: it counts from here on, before it is sent, until `ended`."""
        call = UpstreamCall(route, tenant)
        for circuit in self._circuits(route):
            circuit.calls.add(call)
            circuit.is_probing = bool(circuit.pause)
        return call

    def opens_in(self, route: RouteInfo, *, now: float) -> float:
        """Seconds until its Retry-After gate opens, 0.0 when it is open."""
        return max(0.0, self._channel(route).gate_until - now)

    def ended(
        self,
        call: UpstreamCall,
        *,
        failed_as: AttemptClass | None,
        retry_after: float | None,
        now: float,
    ) -> None:
        """A call is over. `failed_as` None is success; what is not the channel's fault is neutral.

        Counts once only; a call that began before a reset is not held against the channel after it.
        """
        channel = self._channel(call.route)
        if call not in channel.account.calls:
            return
        if retry_after is not None:
            channel.gate_until = max(channel.gate_until, now + retry_after)
            self.turns.gate_closed(call.route.channel_id, until=channel.gate_until, now=now)
        for circuit in self._circuits(call.route):
            circuit.calls.discard(call)
            is_about_it = circuit is not channel.account or failed_as is AttemptClass.REFUSED
            pause = circuit.pause
            if failed_as is None:
                circuit.rejected.clear()
                circuit.is_proven = True
                circuit.outcomes.append((now, True))
                circuit.pause, circuit.open_until, circuit.is_probing = 0.0, 0.0, False
            elif failed_as in FAILURES and is_about_it:
                circuit.outcomes.append((now, False))
                self._failed(circuit, now)
            else:
                circuit.is_probing = False
            model = "" if circuit is channel.account else call.route.model
            self._turned(call.route, model, before=pause, after=circuit.pause)

    def rejected(self, route: RouteInfo, *, tenant: UUID) -> None:
        """The channel did not accept what this tenant asked for."""
        self._circuit(route).rejected.append(tenant)

    def is_doubted(self, route: RouteInfo) -> bool:
        """Whether it rejects whatever it is asked for."""
        rejected = self._circuit(route).rejected
        return len(rejected) == REJECTED_IN_A_ROW and len({*rejected}) >= REJECTED_TENANTS

    def was_wrong(self, route: RouteInfo, *, now: float) -> None:
        """Another channel delivered what this one had rejected."""
        circuit = self._circuit(route)
        circuit.outcomes.append((now, False))
        pause = circuit.pause
        self._failed(circuit, now)
        self._turned(route, route.model, before=pause, after=circuit.pause)

    def delivered(self, route: RouteInfo, *, size: str, was_right: bool, now: float) -> None:
        """Whether what came back had the size that was sent for."""
        known = self._fidelity(route, size)
        wrong = 0 if was_right else 1 + (known.wrong_in_a_row if known else 0)
        self._channel(route).fidelity[route.model, size] = _Fidelity(wrong, now)

    @staticmethod
    def _failed(circuit: _Circuit, now: float) -> None:
        if circuit.is_probing:
            circuit.pause = min(circuit.pause * 2, LONGEST_PAUSE_SECONDS)
            circuit.open_until = now + circuit.pause
            circuit.is_probing = False
            return
        circuit.failed_at = now
        circuit.is_proven = False  # few calls at a time again, until one is answered well
        recent = [good for at, good in circuit.outcomes if at > now - WINDOW_SECONDS]
        failures = recent.count(False)
        is_bad = failures >= MIN_FAILURES and failures >= FAILURE_SHARE * len(recent)
        is_down = len(recent) >= FAILURES_IN_A_ROW and not any(recent[-FAILURES_IN_A_ROW:])
        if (is_bad or is_down) and not circuit.pause:
            circuit.pause = FIRST_PAUSE_SECONDS
            circuit.open_until = now + circuit.pause

    def _turned(self, route: RouteInfo, model: str, *, before: float, after: float) -> None:
        """A breaker that opens, for longer than before too, or closes is worth a line."""
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
        if not (before and after):
            self.turns.breaker(route.channel_id, model, pause=after)

    def _fidelity(self, route: RouteInfo, size: str) -> _Fidelity | None:
        return self._channel(route).fidelity.get((route.model, size))

    def _channel(self, route: RouteInfo) -> _ChannelHealth:
        known = self._channels.get(route.channel_id)
        if known is None or known.reset_count < route.reset_count:
            if known is not None:
                self._forgotten(route, known)
            BREAKER_OPEN.labels(route.channel_name, "").set(0)
            known = self._channels[route.channel_id] = _ChannelHealth(route.reset_count)
        return known

    def _forgotten(self, route: RouteInfo, known: _ChannelHealth) -> None:
        """The channel was reset."""
        for model, circuit in (*known.circuits.items(), ("", known.account)):
            BREAKER_OPEN.labels(route.channel_name, model).set(0)
            if circuit.pause:
                self.turns.breaker(route.channel_id, model, pause=0.0)
        self.turns.gate_forgotten(route.channel_id)

    def _circuits(self, route: RouteInfo) -> tuple[_Circuit, _Circuit]:
        return self._circuit(route), self._channel(route).account

    def _circuit(self, route: RouteInfo) -> _Circuit:
        circuits = self._channel(route).circuits
        if route.model not in circuits:
            BREAKER_OPEN.labels(route.channel_name, route.model).set(0)
            circuits[route.model] = _Circuit()
        return circuits[route.model]
