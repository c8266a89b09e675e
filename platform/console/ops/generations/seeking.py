"""The filters of the list of generations: read from the address, written into links."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.http import QueryDict

from accounts.models import Tenant
from accounts.selectors import tenant_as_shown
from console.ops.access import Mode
from console.ops.lists import no_such_tenant
from console.parts.filters import Read, chips_of, link_of, period_choices, words_in
from console.parts.generation_words import BADGES
from console.parts.periods import UTC_ZONE, WORDS, Period, period_in, period_of
from generation.channels.errors import AttemptClass
from generation.models import State
from generation.oversight.searching import GenerationFilter

LABELS = {
    "tenant": "Tenant",
    "model": "Model",
    "size": "Size",
    "quality": "Quality",
    "channel": "Channel",
    "class": "Attempt",
    "state": "Status",
    "code": "Code",
    "period": "Made",
    "loss": "Losses",
    "late": "Deadline",
}
TOO_WIDE = (
    "Across all tenants, at most 24 hours can be searched: choose a tenant or a shorter period."
)
CLASSES = {
    attempt_class.value: attempt_class.value.replace("_", " ").capitalize()
    for attempt_class in AttemptClass
}
TICKED = {"loss": "may have been billed for nothing", "late": "has passed"}
"""Filters that are on or off, in words."""
_CODE = re.compile("[a-z0-9_.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GenerationSearch:
    """The filters of the list, and the trouble with them, if any.

    Attributes:
        query: the words in the address, by filter.
        sought: the parsed filters.
        trouble: the reason why nothing can be listed, in a sentence; empty if there is none.
    """

    query: Mapping[str, str]
    sought: GenerationFilter
    mode: Mode
    period: Period | None
    tenant: Tenant | None
    trouble: str = ""

    @property
    def periods(self) -> list[tuple[str, str]]:
        """The periods to choose from; without a tenant only short ones."""
        choices = period_choices(self.query.get("period", ""), self.period)
        is_short = {"24h", self.query.get("period")}
        return choices if self.tenant else [choice for choice in choices if choice[0] in is_short]

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Each filter's label, its value in words, and the list without it."""
        return chips_of(self.query, LABELS, self._words, mode=self.mode.query)

    @property
    def modes(self) -> list[tuple[str, str, bool]]:
        """For each mode: the list with the same filters, its label, and whether it is shown."""
        return [(self.link(mode=mode.query), mode.capitalize(), mode == self.mode) for mode in Mode]

    def link(self, **others: str) -> str:
        """Return the address of the list with these filters and any others that are not empty."""
        return link_of(self.query, **{"mode": self.mode.query, **others})

    @property
    def delivered(self) -> GenerationFilter:
        return replace(self.sought, state=State.SUCCEEDED)

    def _words(self, name: str, word: str) -> str:
        match name:
            case "tenant":
                return self.tenant.name if self.tenant else word
            case "class":
                return CLASSES[word]
            case "state":
                return BADGES[State(word)][1]
            case "period":
                return dict(period_choices(word, self.period))[word]
            case _:
                return TICKED.get(name, word)


def filters_of(query: QueryDict, mode: Mode, now: datetime) -> GenerationSearch:
    """Read the filters from an address; without a tenant and a period, the last 24 hours apply."""
    texts, meant = words_in(query, _readers(now))
    tenant: Tenant | None = meant.get("tenant") or None
    trouble = ""
    if "tenant" in texts and tenant is None:
        trouble = no_such_tenant(texts["tenant"])
    elif tenant is not None:
        texts["tenant"] = tenant.public_id
    period: Period | None = meant.get("period")
    if period is None and tenant is None:
        period = period_of("24h", now, UTC_ZONE)
    sought = GenerationFilter(
        mode=mode,
        tenant_id=tenant.id if tenant else None,
        since=period.start.astimezone(UTC) if period else None,
        until=period.end.astimezone(UTC) if period else None,
        model=texts.get("model", ""),
        size=texts.get("size", ""),
        quality=texts.get("quality", ""),
        state=texts.get("state", ""),
        code=texts.get("code", ""),
        channel=texts.get("channel", ""),
        attempt_class=texts.get("class", ""),
        has_loss="loss" in texts,
        late_at=now if "late" in texts else None,
    )
    if not trouble and sought.is_too_wide:
        trouble = TOO_WIDE
    return GenerationSearch(texts, sought, mode, period, tenant, trouble)


def known_tenant(word: str) -> Tenant | bool:
    """Return the tenant of that name or id; False if there is none."""
    return tenant_as_shown(word) or False


def known_code(word: str) -> str | None:
    """Return a word that can be an error code; None for others."""
    return word if _CODE.fullmatch(word) else None


def _readers(now: datetime) -> Mapping[str, Read]:
    """Return the parser of each filter, in the order of LABELS."""
    return {
        "tenant": known_tenant,
        "model": str,
        "size": str,
        "quality": str,
        "channel": str,
        "class": lambda word: word if word in CLASSES else None,
        "state": lambda word: word if word in State.values else None,
        "code": known_code,
        "period": lambda word: (
            period_of(word, now, UTC_ZONE) if word in WORDS else period_in(word, UTC_ZONE)
        ),
        "loss": lambda word: word if word == "1" else None,
        "late": lambda word: word if word == "1" else None,
    }
