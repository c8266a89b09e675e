"""Looks by staff at a tenant's prompts and images, where the tenant lets support see them.

Each look is an event in the tenant's audit log, and is open only to the session that asked for it.
Whose picture a file is may be looked up in any case, and is an event there too.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Unpack

from django.core.exceptions import ValidationError

from accounts.models import Subject
from accounts.services import By, record
from generation.models import Generation
from generation.selectors import MadeHere, made_here
from generation.selectors.generations import SHOWN_GENERATIONS

ACTION = "generation.look"
LOOKED_UP = "generation.look_up"
LOOK_OPEN_FOR = timedelta(minutes=15)
"""The time for which a recorded look stays open."""


def look(*, generation: Generation, **by: Unpack[By]) -> None:
    """Record that this person looks at the prompt, the images and the vendors' answers.

    Raises ValidationError if the tenant does not let support see them.
    """
    if not is_allowed(generation):
        raise ValidationError(
            "No owner of this workspace allows support to see prompts and images."
        )
    about = Subject("generation", generation.public_id, generation.tenant_id)
    record(about, ACTION, **by)


def look_up(*, sha256: str, label: str, **by: Unpack[By]) -> list[MadeHere]:
    """Find whose images a file is, as `made_here` does, and record that this person did."""
    found = made_here(sha256, label)[:SHOWN_GENERATIONS]
    for made in {one.generation.id: one.generation for one in found}.values():
        record(Subject("generation", made.public_id, made.tenant_id), LOOKED_UP, **by)
    return found


def is_allowed(generation: Generation) -> bool:
    """True if the tenant lets support see prompts and images, as in a support view."""
    return generation.tenant.allows_support and generation.tenant.shows_support_content


def open_looks(looks: Mapping[str, float], *, now: datetime) -> dict[str, float]:
    """Return those of a session's looks that are open: Unix seconds by generation."""
    since = (now - LOOK_OPEN_FOR).timestamp()
    return {public_id: at for public_id, at in looks.items() if at >= since}
