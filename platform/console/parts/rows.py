"""A generation as lists and cards show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from accounts.models import ApiKey
from console.parts.generation_words import BADGES
from generation.models import Generation, State
from generation.selectors import Finished
from pictor.kit.words import clock
from storage.services import signed_url

SHOWN_CHARS = 300
"""Of a prompt in a list."""


@dataclass(frozen=True, slots=True)
class Row:
    """A generation in the list."""

    generation: Generation
    key: ApiKey | None
    url: str

    @property
    def badge(self) -> tuple[str, str]:
        """Its state: the colour and the word."""
        return BADGES[State(self.generation.state)]

    @property
    def seconds(self) -> float | None:
        """From the request to its end."""
        ended = self.generation.finished_at
        return None if ended is None else (ended - self.generation.created_at).total_seconds()

    @property
    def elapsed(self) -> int:
        """Whole seconds from the request until its end, or until now."""
        until = self.generation.finished_at or clock.now()
        return max(0, (until - self.generation.created_at) // timedelta(seconds=1))


def row_of(one: Finished, keys: Mapping[UUID, ApiKey]) -> Row:
    """A generation as lists show it."""
    first = one.images[0] if one.images else None
    url = signed_url(first.object_key, content_type=first.content_type) if first else ""
    return Row(one.generation, keys.get(one.generation.api_key_id), url)
