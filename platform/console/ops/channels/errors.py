"""Calls to a channel that brought no image, grouped by the vendor's answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.ops.access import Mode
from generation.catalogue.traffic.errors import Errors, errors_of
from generation.channels.errors import AttemptClass
from generation.models import Channel
from pictor.kit.words import ids

SPANS = {"1": "1 hour", "24": "24 hours"}
USUAL = "24"
_CLASSES: Mapping[str, str] = {
    AttemptClass.NOT_REACHED: "Not reached",
    AttemptClass.REFUSED: "Refused",
    AttemptClass.REJECTED: "Rejected",
    AttemptClass.MODERATED: "Moderated",
    AttemptClass.UNKNOWN: "Unknown",
    AttemptClass.BAD_RESULT: "Bad result",
    AttemptClass.STORAGE_FAILED: "Not stored",
}


@dataclass(frozen=True, slots=True)
class ShownErrors:
    """A group of calls that ended the same way."""

    errors: Errors

    @property
    def word(self) -> str:
        return _CLASSES.get(self.errors.attempt_class, self.errors.attempt_class)

    @property
    def generations(self) -> list[str]:
        """Public ids of at most three generations."""
        return [ids.public(ids.GENERATION, generation) for generation in self.errors.generations]


def details(channel: Channel, hours: str, *, at: datetime, mode: Mode) -> dict[str, Any]:
    """Return the errors of the last `hours`, one of SPANS."""
    rows = errors_of(channel, since=at - timedelta(hours=int(hours)), mode=mode.value)
    return {
        "errors": [ShownErrors(error) for error in rows],
        "hours": hours,
        "span": SPANS[hours],
        "spans": [*SPANS.items()],
    }
