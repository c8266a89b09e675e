"""What one dispatch of a generation has tried, and what is left."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from generation.catalogue.contracts import AUTO, RouteInfo
from generation.catalogue.plans import Candidate
from generation.channels.base import LargeValue, UpstreamAnswer
from generation.channels.errors import AttemptClass, UpstreamError
from generation.dispatch.call import ignored_by
from generation.dispatch.endings import Begun
from generation.dispatch.inputs import pixels_of
from generation.dispatch.partials import Partials
from generation.dispatch.retry import History
from generation.dispatch.takeover import Followed, OrderPlan
from generation.lifecycle import attempts, outcome
from generation.lifecycle.claims import Claim
from generation.models import Generation
from pictor.kit.bytes.spool import Spools
from pictor.kit.words.errors import PictorError

LEAST_SECONDS = 30.0
"""No call begins with less than this until it must end, or less than its channel's time-out if that
is shorter: it would hardly end in time, and be paid for."""


class Ended(Exception):
    """An attempt ended without images."""

    def __init__(self, cause: UpstreamError, error: PictorError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.error = error


@dataclass
class Tries:
    """One dispatch of one generation: the channels left, and the budgets spent."""

    claim: Claim
    partials: Partials
    spools: Spools
    """The dispatch's scope."""
    queue: list[Candidate] = field(default_factory=list)
    is_redispatch: bool = False
    """An earlier dispatch may have been paid for."""
    refused_by: int | None = None
    """The channel that proved that it never ran an earlier worker's orders."""
    refusal: PictorError = outcome.NO_CHANNEL
    """The caller's error if there is no other channel."""
    followed: Followed | None = None
    """The attempt under way, if an earlier worker began it."""
    begun: Begun | None = None
    """The first attempt, if it began with the claim."""
    history: History = field(default_factory=History)
    doubted: list[RouteInfo] = field(default_factory=list)
    """Channels that rejected it and may be wrong."""
    number: int = 0
    at_once: int = 1
    """The most orders of the present call under way at once."""
    ends_at: float = 0.0
    large: Mapping[str, LargeValue] = field(default_factory=dict)

    @property
    def generation(self) -> Generation:
        return self.claim.generation

    @property
    def is_strict(self) -> bool:
        """True if an image of another size is refused."""
        return self.generation.strict_size and self.generation.size != AUTO

    @property
    def reference_pixels(self) -> tuple[int, ...]:
        """The pixels of each reference image that was sent."""
        if self.followed:
            return tuple(self.followed.plan.pixels)
        return pixels_of(self.generation.inputs, self.large)

    def ignored(self, candidate: Candidate, answer: UpstreamAnswer) -> tuple[str, ...]:
        """The caller's fields that were not honoured."""
        if self.followed:
            return tuple(self.followed.plan.ignored)
        return ignored_by(self.generation, candidate, answer)

    @property
    def pays_for_wrong(self) -> bool:
        """True if a wrong size is at our cost; a test costs nothing."""
        return self.is_strict and self.generation.livemode

    @property
    def seconds_left(self) -> float:
        return self.ends_at - time.monotonic()

    def has_time_for(self, candidate: Candidate, *, after: float = 0.0) -> bool:
        return self.seconds_left - after >= min(LEAST_SECONDS, candidate.route.timeout_seconds)

    def queue_seconds(
        self, candidate: Candidate, can_take: Callable[[Candidate], bool]
    ) -> float | None:
        """The longest wait of its order at the vendor, if another channel can take it then."""
        wait, own = candidate.route.queue_seconds, candidate.route.channel_id
        others = (each for each in self.queue if each.route.channel_id != own)
        can_go = any(self.has_time_for(each, after=wait) and can_take(each) for each in others)
        return wait if can_go else None

    def plan_of(self, candidate: Candidate) -> OrderPlan:
        """The plan of this candidate's orders."""
        ignored = self.ignored(candidate, UpstreamAnswer(images=()))
        return OrderPlan.of(candidate, ignored=ignored, pixels=self.reference_pixels)

    def log_end(
        self, candidate: Candidate, ended_as: AttemptClass, status: int | None, *, started: float
    ) -> None:
        """Log the end of an attempt that began at this time of the monotonic clock."""
        attempts.log_attempt(
            self.generation,
            channel=candidate.route.channel_name,
            attempt_class=ended_as,
            status=status,
            seconds=time.monotonic() - started,
        )
