"""A generation for lists and cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from accounts.models import ApiKey
from console.parts.generation_words import BADGES, ERRORS
from console.parts.pictures import otherwise
from generation.models import Generation, State
from generation.selectors import Finished
from pictor.kit.words import clock

SHOWN_CHARS = 300
"""The most characters of a prompt in a list."""


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """A generation in a list, with its key; `otherwise` says how its delivery differs."""

    generation: Generation
    key: ApiKey | None
    has_images: bool
    otherwise: Sequence[str] = ()
    origins: Sequence[str] = ()

    @property
    def badge(self) -> tuple[str, str]:
        return BADGES[State(self.generation.state)]

    @property
    def why(self) -> str:
        """Why it failed, in short."""
        return ERRORS.get((self.generation.error or {}).get("code", ""), "")

    @property
    def seconds(self) -> float | None:
        """Seconds from the request to the end; None before the end."""
        ended = self.generation.finished_at
        return None if ended is None else (ended - self.generation.created_at).total_seconds()

    @property
    def elapsed(self) -> int:
        """Whole seconds from the request to the end, or until now."""
        until = self.generation.finished_at or clock.now()
        return max(0, (until - self.generation.created_at) // timedelta(seconds=1))


def row_of(finished: Finished, keys: Mapping[UUID, ApiKey]) -> GenerationRow:
    made = finished.generation
    differs = otherwise(made, finished.sizes)
    has_images, origins = bool(finished.images), finished.origins
    return GenerationRow(made, keys.get(made.api_key_id), has_images, differs, origins)
