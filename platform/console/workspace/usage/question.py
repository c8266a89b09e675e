"""What the page of usage is asked for: a period, filters, one or two splits and a measure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, QueryDict

from accounts.models import ApiKey
from accounts.selectors.office.api_keys import api_keys_of
from billing.periods import Bucket, bucket_end, bucket_start
from billing.selectors.office.reports import Group
from console.parts.filters import link_of, values_of
from console.parts.generation_words import ERRORS
from console.parts.page_query import refuse, word_of
from console.parts.periods import DAY, USUAL, WORDS, Period, period_of, typed_period, why_no_days
from console.workspace.access import Workspace, may_see, sees_only_own_keys
from console.workspace.shared.filters import (
    CHOICES,
    LABELS,
    Filters,
    chips_of,
    filters_of,
    rows_for,
)
from pictor.kit.words import ids

SPLITS: Mapping[Group, str] = {
    "model": "Model",
    "key": "Key",
    "tier": "Size tier",
    "status": "Status",
    "error": "Error",
}
MEASURES = {
    "spend": "Spend",
    "images": "Images",
    "requests": "Requests",
    "failed": "Failures",
    "p50": "Time to image, p50",
    "p95": "Time to image, p95",
    "why": "Why it changed",
}
TIMES = ("p50", "p95")
"""Measures that cannot be added up: they are drawn as lines instead of bars."""
LONGEST_DAY = timedelta(hours=25)
LONGEST_OF_HOURS = 6 * DAY + LONGEST_DAY
"""The longest period shown by the hour."""
OTHERS = "Other keys"
NO_ERROR = "Did not fail"


@dataclass(frozen=True, slots=True)
class Question:
    """The page's question.

    Attributes:
        words: its words in an address, without the usual ones.
        period: the time that is summed.
        shown: the same time, divided as it is drawn.
        pers: the buckets to choose from, if there is a choice.
        only: the values of the filters.
        by: the second split, if there is one.
        names: returns the words for a value of a split.
        keys: the keys that the member may see, by public id.
        tests: the ids of all test keys, which usage leaves out.
        known: the ids of the keys that are told apart; None if all are.
        rows: returns a link to the generations of a figure, if the member may list them.
    """

    workspace: Workspace
    words: Mapping[str, str]
    filters: Filters
    period: Period
    shown: Period
    pers: Sequence[str]
    only: Mapping[Group, Sequence[Any]]
    split: Group
    by: Group | None
    measure: str
    names: Callable[[Group, Any], str]
    keys: Mapping[str, ApiKey]
    tests: Sequence[UUID]
    known: Collection[UUID] | None
    rows: Callable[..., str]

    @property
    def splits(self) -> list[Group]:
        return [self.split, *([self.by] if self.by else [])]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form sends besides its controls."""
        controls = {*LABELS, "per"} - {"period"}
        return [(name, word) for name, word in self.words.items() if word and name not in controls]

    @property
    def is_typed(self) -> bool:
        """True if two days were typed, not a named period or hours."""
        return self.period.name not in WORDS and self.period.bucket == "day"

    def link(self, **changes: str) -> str:
        """The address of the page with these words changed; an empty one is left out."""
        return link_of(self.words, **changes)

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Each filter's label, its value in words, and the page without it."""
        others = {name: word for name, word in self.words.items() if name not in LABELS}
        chips = chips_of(self.filters, self.keys, **others)
        return [chip for chip in chips if chip[0] != LABELS["period"]]

    def rows_of(self, **query: str) -> str:
        """Link to the generations that also match the page's filters; empty if none can."""
        filters = {name: word for name, word in self.filters.query.items() if name != "period"}
        status = filters.get("status", "")
        is_other = status and query.get("status", status) != status
        return "" if is_other else self.rows(**{**filters, **query})


def asked_in(request: HttpRequest, workspace: Workspace, now: datetime) -> Question:
    """Read the query string; what means nothing is refused, and the rest is kept."""
    all_keys = api_keys_of(workspace.tenant.id)
    every_key = [key for key in all_keys if may_see(workspace, key)]
    keys = {key.public_id: key for key in every_key if not key.is_test}
    filters, period = _filters(request.GET, keys, workspace, now)
    split = cast("Group", word_of(request.GET, "split", SPLITS, "model"))
    others: dict[str, Group] = {name: name for name in SPLITS if name != split}
    by = others.get(word_of(request.GET, "by", others))
    measure = word_of(request.GET, "show", MEASURES, "spend")
    pers, usual = _pers(period)
    per = cast("Bucket", word_of(request.GET, "per", pers, usual))
    words = {
        **filters.query,
        "period": period.query()["period"] if period.name != USUAL else "",
        "split": split if split != "model" else "",
        "by": by or "",
        "show": measure if measure != "spend" else "",
        "per": per if per != usual else "",
    }
    return Question(
        workspace=workspace,
        words=words,
        filters=filters,
        period=period,
        shown=_so_far(period, per, now),
        pers=pers,
        only={
            name: [*filters.wanted.key_ids] if name == "key" else values_of(word)
            for name in SPLITS
            if (word := filters.query.get(name))
        },
        split=split,
        by=by,
        measure=measure,
        names=_names(every_key),
        keys=keys,
        tests=[key.id for key in all_keys if key.is_test],
        known={key.id for key in every_key} if sees_only_own_keys(workspace) else None,
        rows=rows_for(workspace, every_key),
    )


def word_in_address(split: Group, value: Any) -> str:
    """The value as a filter has it; empty for OTHERS and NO_ERROR."""
    if split == "key":
        return "" if value is None else ids.public(ids.KEY, value)
    if split == "error" and value not in ERRORS:
        return ""
    return str(value)


def _filters(
    query: QueryDict, keys: dict[str, ApiKey], workspace: Workspace, now: datetime
) -> tuple[Filters, Period]:
    """Read the filters, and the period or the usual one with the reason why it is not another."""
    words, zone = query.copy(), workspace.tenant.zone
    typed = typed_period(query)
    words.setlist("period", [typed])
    filters = filters_of(words, keys, now, zone, among=("period", *SPLITS))
    usual, period = period_of(USUAL, now, zone), filters.period
    if period is None:
        if typed:
            refuse(query, "period", why_no_days(typed))
        return filters, usual
    if period.bucket == "hour" and period.end - period.start > 7 * DAY:
        refuse(query, "period", "Hours are shown for 7 days at most: choose days.")
        return filters, usual
    return filters, period


def _pers(period: Period) -> tuple[Sequence[Bucket], Bucket]:
    """The buckets in which a period is shown, and the usual one."""
    if period.bucket == "hour":
        return [], "hour"
    length = period.end - period.start
    pers: list[Bucket] = ["hour", "day"] if length <= LONGEST_OF_HOURS else []
    return pers, "hour" if length <= LONGEST_DAY else "day"


def _so_far(period: Period, per: Bucket, now: datetime) -> Period:
    """The period in these buckets, without those that have not begun."""
    end = bucket_end(bucket_start(now, per, zone=period.zone), per, zone=period.zone)
    is_begun = period.start < end
    return replace(period, bucket=per, end=min(period.end, end) if is_begun else period.end)


def _names(keys: Sequence[ApiKey]) -> Callable[[Group, Any], str]:
    known: dict[UUID | None, str] = {None: OTHERS, **{key.id: str(key) for key in keys}}

    def name(split: Group, value: Any) -> str:
        if split == "key":
            return known.get(value) or ids.public(ids.KEY, value)
        words = CHOICES.get(split, {}).get(value, value)
        return words or (NO_ERROR if split == "error" else "")

    return name
