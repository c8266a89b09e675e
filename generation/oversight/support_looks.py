"""Staff who look at a tenant's words and images, where it lets support see them.

Each look is an event of the tenant's log.
"""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError

from accounts.models import Actor, Subject, User
from accounts.selectors import did_since
from accounts.services import record
from generation.models import Generation

ACTION = "generation.look"
OPEN = timedelta(minutes=15)
"""How long a person goes on seeing what they said they look at."""


def look(*, generation: Generation, actor: Actor, ip: str | None = None) -> None:
    """Write down that this person looks at its prompt, its images and what the vendors said.

    Raises ValidationError where the tenant does not let support see them.
    """
    if not is_let(generation):
        raise ValidationError("No owner of this workspace lets support see prompts and images.")
    record(_about(generation), ACTION, actor=actor, ip=ip)


def is_let(generation: Generation) -> bool:
    """Whether its tenant lets support see words and images, as in a support view."""
    return generation.tenant.allows_support and generation.tenant.shows_support_content


def is_looking(*, generation: Generation, person: User, now: datetime) -> bool:
    """Whether this person has said so lately, and still may."""
    return is_let(generation) and did_since(person, ACTION, _about(generation), since=now - OPEN)


def _about(generation: Generation) -> Subject:
    return Subject("generation", generation.public_id, generation.tenant_id)
