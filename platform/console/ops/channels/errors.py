"""What calls to a channel came to that brought no image, by what the vendor said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.ops.access import Mode
from generation.channels.errors import AttemptClass
from generation.models import Channel
from generation.traffic.errors import TENANTS, Errors, errors_of
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
    """Calls that ended the same way."""

    errors: Errors

    @property
    def word(self) -> str:
        """Its class in words."""
        return _CLASSES.get(self.errors.attempt_class, self.errors.attempt_class)

    @property
    def generations(self) -> list[str]:
        """Public ids of three at most."""
        return [ids.public(ids.GENERATION, one) for one in self.errors.generations]


def shown(channel: Channel, hours: str, *, at: datetime, mode: Mode) -> dict[str, Any]:
    """Its errors of so many hours, of 24 where the address says nothing that is offered."""
    hours = hours if hours in SPANS else USUAL
    found = errors_of(channel, since=at - timedelta(hours=int(hours)), mode=mode.value)
    return {
        "errors": [ShownErrors(one) for one in found],
        "hours": hours,
        "span": SPANS[hours],
        "spans": [*SPANS.items()],
        "tenants_needed": TENANTS,
    }
