"""Calls to a channel that brought no image, grouped by the vendor's answer."""

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


@dataclass(frozen=True, slots=True)
class ShownErrors:
    """A group of calls that ended the same way."""

    errors: Errors

    @property
    def word(self) -> str:
        name = self.errors.attempt_class
        is_ours = name == AttemptClass.STORAGE_FAILED
        return "Not stored" if is_ours else name.replace("_", " ").capitalize()

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
