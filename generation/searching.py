"""A tenant's generations as people look for them: filtered, a page at a time, with their sums.

Rows are read along the tenant's index, newest first; what needs a look into each row stops after
`SEARCHED` of them, so no filter makes a page slow.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from generation import selectors
from generation.models import Generation
from generation.selectors import Finished
from pictor.kit import ids
from pictor.kit.ids import TenantId
from pictor.kit.money import Micros
from storage.selectors import generation_of_image

SEARCHED = 20_000
"""How many of the newest rows a search by words, or a sum, looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which generations; what is empty or None does not matter.

    Attributes:
        since: made at this moment or later.
        until: made before this moment.
        text: an id of a generation or an image, a tag as a whole, or part of a prompt.
        cost_over: micros charged, or more.
    """

    status: str = ""
    source: str = ""
    model: str = ""
    tier: str = ""
    key_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    cost_over: Micros | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What the chosen generations come to; `is_all` unless there are more than were looked at."""

    generations: int
    captured: Micros
    is_all: bool


def found(
    tenant_id: TenantId | UUID, wanted: Wanted, *, after: UUID | None = None, limit: int
) -> list[Finished]:
    """A page, newest first: those older than `after`. Two queries."""
    rows = _chosen(tenant_id, wanted)
    if after is not None:
        rows = rows.filter(id__lt=after)
    return selectors.with_images(rows[:limit])


def sums(tenant_id: TenantId | UUID, wanted: Wanted) -> Sums:
    """What all of them come to, up to `SEARCHED`. One query."""
    newest = _chosen(tenant_id, wanted).values("id")[: SEARCHED + 1]
    row = Generation.objects.filter(id__in=newest).aggregate(
        generations=Count("id"), captured=Sum("captured_micros")
    )
    return Sums(
        generations=min(row["generations"], SEARCHED),
        captured=Micros(row["captured"] or 0),
        is_all=row["generations"] <= SEARCHED,
    )


def _chosen(tenant_id: TenantId | UUID, wanted: Wanted) -> QuerySet[Generation]:
    rows = selectors.generations_of(tenant_id)
    by_column = {
        "state": wanted.status,
        "source": wanted.source,
        "model": wanted.model,
        "tier": wanted.tier,
        "api_key_id": wanted.key_id,
        # Ids are made in the order of time, which bounds the walk along the index.
        "id__gte": wanted.since and ids.first_at(wanted.since),
        "id__lt": wanted.until and ids.first_at(wanted.until),
        "captured_micros__gte": wanted.cost_over,
    }
    rows = rows.filter(
        **{name: value for name, value in by_column.items() if value not in {"", None}}
    )
    if not wanted.text:
        return rows
    generation_id = selectors.generation_id_of(wanted.text)
    image_id = ids.parse(ids.IMAGE, wanted.text)
    if generation_id is not None:
        return rows.filter(id=generation_id)
    if image_id is not None:
        return rows.filter(id__in=[found] if (found := generation_of_image(image_id)) else [])
    newest = rows.values("id")[:SEARCHED]
    return selectors.generations_of(tenant_id).filter(
        Q(prompt__icontains=wanted.text) | Q(fields__user=wanted.text), id__in=newest
    )
