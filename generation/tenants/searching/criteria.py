"""The filter of a search over generations, and the rows that may match."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from generation import selectors
from generation.models import Generation
from pictor.kit.words import ids
from pictor.kit.words.ids import TenantId
from pictor.kit.words.money import Micros
from storage.selectors import made_for

ENDED_WITHIN = timedelta(hours=6)
"""Every generation ends within minutes of its start, unless the platform is down that long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """A filter for generations; empty fields and None match any.

    Attributes:
        livemode: live ones, or tests, or with None both; an id finds either.
        since: made at this moment or later.
        until: made before this moment.
        ended_since: ended at this moment or later, as usage counts it; or still under way, and made
            since. None of those that took longer than ENDED_WITHIN.
        ended_until: ended before this moment, or still under way, and made before it.
        error: the code of the error that ended it.
        text: an id of a generation, its request or an image, a whole tag, or part of a prompt.
        cost_over: micros charged, or more.
    """

    livemode: bool | None = True
    status: str = ""
    error: str = ""
    source: str = ""
    models: Collection[str] = ()
    tiers: Collection[str] = ()
    key_ids: Collection[UUID] = ()
    since: datetime | None = None
    until: datetime | None = None
    ended_since: datetime | None = None
    ended_until: datetime | None = None
    text: str = ""
    cost_over: Micros | None = None

    @property
    def is_of_usage(self) -> bool:
        """True if usage, which counts live generations by the hour of their end, covers the filter.

        For a cost, usage tells only in which hours matches may be.
        """
        others = (self.source, self.error, self.text, self.since, self.until)
        return self.livemode is True and not any(others)

    @property
    def is_picky(self) -> bool:
        """True if rows have to be looked into for more than their time."""
        if self.livemode is False:
            return True
        words = (self.status, self.error, self.text, self.since is None and self.source)
        several = (self.models, self.tiers, self.key_ids)
        return any(words) or any(several) or self.cost_over is not None


def older(rows: QuerySet[Generation], after: UUID | None) -> QuerySet[Generation]:
    """Rows made before this id, if one is given."""
    return rows if after is None else rows.filter(id__lt=after)


def in_time(tenant_id: TenantId | UUID, criteria: Criteria) -> QuerySet[Generation]:
    """Rows of the period; ids are in order of time, which bounds the rows to read."""
    livemode = None if is_id(criteria.text) else criteria.livemode
    rows = selectors.generations_of(tenant_id, livemode=livemode)
    if criteria.since is not None:
        rows = rows.filter(id__gte=ids.first_at(criteria.since))
    if criteria.until is not None:
        rows = rows.filter(id__lt=ids.first_at(criteria.until))
    if criteria.ended_since is not None:
        rows = rows.filter(id__gte=ids.first_at(criteria.ended_since - ENDED_WITHIN))
    if criteria.ended_until is not None:
        rows = rows.filter(id__lt=ids.first_at(criteria.ended_until))
    return rows


def matching(criteria: Criteria) -> Q:
    """The conditions on each row."""
    by_column = {
        "state": criteria.status,
        "error__code": criteria.error,
        "source": criteria.source,
        "model__in": criteria.models,
        "tier__in": criteria.tiers,
        "api_key_id__in": criteria.key_ids,
        "captured_micros__gte": criteria.cost_over,
    }
    condition = Q(id__isnull=False)
    for name, value in by_column.items():
        if value or value == 0:
            condition &= Q((name, value))
    condition &= _end_condition(criteria)
    return condition & _about(criteria.text) if criteria.text else condition


def _end_condition(criteria: Criteria) -> Q:
    """The condition that rows ended in the period, or have not ended."""
    condition = Q(id__isnull=False)
    if criteria.ended_since is not None:
        made_since = Q(finished_at=None, id__gte=ids.first_at(criteria.ended_since))
        condition &= Q(finished_at__gte=criteria.ended_since) | made_since
    if criteria.ended_until is not None:
        condition &= Q(finished_at__lt=criteria.ended_until) | Q(finished_at=None)
    return condition


def _about(text: str) -> Q:
    """Match an id of a generation, its request or an image, a whole tag, or part of a prompt."""
    if selectors.is_named(text):
        return selectors.named(text)
    image_id = ids.parse(ids.IMAGE, text)
    if image_id is not None:
        return Q(id__in=made_for(image_id))
    is_tag = Q(fields__user=text) | Q(fields__safety_identifier=text)
    return Q(prompt__icontains=text) | is_tag


def is_id(text: str) -> bool:
    """True if it is the id of a generation, a request or an image."""
    return selectors.is_named(text) or ids.parse(ids.IMAGE, text) is not None
