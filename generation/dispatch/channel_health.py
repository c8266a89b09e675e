"""Each channel's breaker, Retry-After gate, load and size fidelity, as seen by one process.

Kept in memory, per channel and model (refusals, gate and cap per channel), and used only on the
worker's event loop, so there are no locks. A breaker opens on repeated failures within a window,
lets one probe through when its pause is over, and closes on that probe's success; the workers share
open ones (ADR 0009). `channel reset` raises the channel's reset count, which clears all of this.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.traffic.open_breakers import BreakerKey, BreakerPause
from generation.channels.base import ORDERS_AT_ONCE
from generation.channels.errors import AttemptClass
from generation.dispatch.breaker_events import BREAKER_OPEN, BreakerChanges
from generation.dispatch.circuits import (
    EMPTY_IN_A_ROW,
    EMPTY_TENANTS,
    REJECTED_IN_A_ROW,
    REJECTED_TENANTS,
    SHARED_SECONDS,
    Circuit,
    UpstreamCall,
)

WRONG_SIZES = 3
"""Wrong sizes in a row after which a channel goes last for that size."""
STRICT_PAUSE_SECONDS = 600.0
"""The time after a wrong size in which no strict request for it goes there."""

# A rejection is the caller's fault and storage is ours: neither says that a channel is down.
# Answers without an image may be the request's fault: they have a count of their own, as wrong
# sizes have.
FAILURES = frozenset({AttemptClass.NOT_REACHED, AttemptClass.REFUSED, AttemptClass.UNKNOWN})


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
    circuits: dict[str, Circuit] = field(default_factory=dict)
    account: Circuit = field(default_factory=Circuit)
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

    def gives_nothing(self, circuit: Circuit, now: float) -> bool:
        """True if its last answers had no image, whoever asked."""
        tenants = sum(at > now - SHARED_SECONDS for at in self.latest.values())
        return len(circuit.empty) == EMPTY_IN_A_ROW and len({*circuit.empty}) >= tenants


class Health:
    """The health of every channel in this process. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.changes = BreakerChanges()
        """Changes to be written to the database."""
        self._shared: dict[BreakerKey, BreakerPause] = {}
        self._probe_at: dict[BreakerKey, float] = {}
        """The times until which the shared ones are shut."""
        self._closed: deque[set[BreakerKey]] = deque([set()], maxlen=2)
        """The breakers closed here since the last reading of the shared ones, and before it."""
        self._channels: dict[int, _ChannelHealth] = {}

    def is_usable(self, route: RouteInfo, *, now: float) -> bool:
        """True if a call may start: gate and breaker closed or probe due, below the cap."""
        return self.is_only_broken(route, now=now) and all(
            not circuit.pause
            or (
                max(circuit.open_until, self._probe_at.get(key, 0.0)) <= now
                and not circuit.is_probing
            )
            for key, circuit in self._circuits(route).items()
        )

    def is_well(self, route: RouteInfo, size: str, *, now: float) -> bool:
        """True if a call may start that no open breaker and no wrong size speaks against."""
        is_closed = not any(circuit.pause for circuit in self._circuits(route).values())
        return is_closed and self.is_usable(route, now=now) and not self.was_wrong_size(route, size)

    def is_only_broken(self, route: RouteInfo, *, now: float) -> bool:
        """True if at most a breaker prevents a call: the gate is open, the cap not full."""
        return self._channel(route).gate_until <= now and not self.is_full(route)

    def is_full(self, route: RouteInfo) -> bool:
        """True if the channel has as many orders in flight as its cap allows."""
        return self._free_places(route) <= 0

    def _free_places(self, route: RouteInfo) -> int:
        if route.max_concurrency is None:
            return ORDERS_AT_ONCE
        return route.max_concurrency - sum(
            call.places for call in self._channel(route).account.calls
        )

    def widen(self, call: UpstreamCall, orders: int) -> None:
        """Let a call have several orders under way, as many as there is room for below the cap."""
        if orders > 1:
            more = min(orders, ORDERS_AT_ONCE) - 1
            call.places += max(0, min(more, self._free_places(call.route)))

    def is_known(self, route: RouteInfo, *, now: float) -> bool:
        """True if one more call may start at once: it has a success, or few are in flight.

        Measured by the calls and not by the waiting generations: however slow this process is, a
        channel that fails fast has failed before more calls go to it.
        """
        circuit = self._circuit(route)
        return circuit.is_proven or bool(circuit.pause) or circuit.allows(now)

    def learn(self, found: Iterable[BreakerPause], *, now: float) -> None:
        """Open what any worker has opened, and close what one has closed."""
        own, closed = self.changes.unwritten, set().union(*self._closed)
        self._closed.append(set())
        # What was closed here may still be open there, until that is written and then read.
        closed |= {key for key, pause in own.items() if not pause}
        news = {one.key: one for one in found if one.key not in closed}
        for key in news.keys() - self._shared.keys():
            circuit = self._circuit_of(key)
            before = circuit.pause if circuit else 0.0
            self.changes.turned(key, news[key].channel, before=before, after=news[key].pause)
        for key in self._shared.keys() - news.keys() - own.keys():
            self.changes.turned(key, self._shared[key].channel, before=1.0, after=0.0)
            if circuit := self._circuit_of(key):
                circuit.close()
                circuit.outcomes.clear()  # failures from before another worker's success
        self._shared = news
        self._probe_at = {key: now + one.seconds for key, one in news.items()}

    def _circuit_of(self, key: BreakerKey) -> Circuit | None:
        channel = self._channels.get(key.channel_id)
        if channel is None or channel.reset_count != key.reset_count:
            return None
        return channel.circuits.get(key.model) if key.model else channel.account

    def probe_of(self, route: RouteInfo, *, now: float) -> list[BreakerKey]:
        """The shared breakers that one call in all workers may probe now, by calling the route."""
        shared = [key for key in self._circuits(route) if key in self._shared]
        return shared if self.is_usable(route, now=now) else []

    def probed(self, keys: Iterable[BreakerKey], *, now: float) -> None:
        """Keep them shut for a pause: this or another worker's call probes them."""
        self._probe_at |= {key: now + self._shared[key].pause for key in keys}

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
        """The number of this tenant's orders in flight to the channel."""
        calls = self._channel(route).account.calls
        return sum(call.places for call in calls if call.tenant == tenant)

    def started(self, route: RouteInfo, *, tenant: UUID) -> UpstreamCall:
        """Count a call from now, before it is sent, until `ended`."""
        call = UpstreamCall(route, tenant)
        for circuit in self._circuits(route).values():
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
        self._give_back_unsent(call)
        channel.saw(call.tenant, now)
        for key, circuit in self._circuits(call.route).items():
            circuit.calls.discard(call)
            pause, is_account = circuit.pause, not key.model
            if failed_as is None:
                circuit.went_well(now)
            # A refusal is about the key or the credit; any other failure may be one model's.
            elif failed_as is AttemptClass.REFUSED or (failed_as in FAILURES and not is_account):
                circuit.count_failure(now)
            elif failed_as is AttemptClass.BAD_RESULT and not is_account:
                self._count_empty(channel, circuit, call.tenant, now)
            else:
                circuit.is_probing = False  # it told nothing, so the next call may probe
            self._note_change(call.route, key.model, before=pause, after=circuit.pause)

    def _give_back_unsent(self, call: UpstreamCall) -> None:
        """Let the next call of any worker send the probe that this one won and did not send."""
        if call.probe is None or call.sent_at is not None:
            return
        self.changes.unsent.append(call.probe)
        for key in call.probe.keys:
            self._probe_at.pop(key, None)

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
        pause = circuit.pause
        circuit.count_failure(now)
        self._note_change(route, route.model, before=pause, after=circuit.pause)

    def delivered(self, route: RouteInfo, *, size: str, was_right: bool, now: float) -> None:
        """Record whether the delivered images had the requested size."""
        known = self._fidelity(route, size)
        wrong = 0 if was_right else 1 + (known.wrong_in_a_row if known else 0)
        self._channel(route).fidelity[route.model, size] = _Fidelity(wrong, now)

    @staticmethod
    def _count_empty(channel: _ChannelHealth, circuit: Circuit, tenant: UUID, now: float) -> None:
        circuit.empty.append(tenant)
        if circuit.is_probing or channel.gives_nothing(circuit, now):
            circuit.open(now)

    def _note_change(self, route: RouteInfo, model: str, *, before: float, after: float) -> None:
        """Note, for all workers, a breaker that opens, opens for longer, or closes."""
        if after == before:
            return
        key = BreakerKey(route.channel_id, self._channel(route).reset_count, model)
        self.changes.unwritten[key] = after
        if not after:
            self._closed[-1].add(key)
            self._shared.pop(key, None)
            self._probe_at.pop(key, None)
        self.changes.turned(key, route.channel_name, before=before, after=after)

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
            self._shared.pop(BreakerKey(route.channel_id, known.reset_count, model), None)
            if circuit.pause:
                self.changes.breaker(route.channel_id, model, pause=0.0)
        self.changes.gate_forgotten(route.channel_id)

    def _circuits(self, route: RouteInfo) -> dict[BreakerKey, Circuit]:
        """Those of its model and its account, as open as other workers have them."""
        channel = self._channel(route)
        circuits = {
            BreakerKey(route.channel_id, channel.reset_count, route.model): self._circuit(route),
            BreakerKey(route.channel_id, channel.reset_count, ""): channel.account,
        }
        for key, circuit in circuits.items():
            if shared := self._shared.get(key):
                circuit.pause = max(circuit.pause, shared.pause)
        return circuits

    def _circuit(self, route: RouteInfo) -> Circuit:
        circuits = self._channel(route).circuits
        if route.model not in circuits:
            BREAKER_OPEN.labels(route.channel_name, route.model).set(0)
            circuits[route.model] = Circuit()
        return circuits[route.model]
