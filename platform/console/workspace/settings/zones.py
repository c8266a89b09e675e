"""Time zones for a choice: by region, without names kept for old machines."""

import zoneinfo
from collections.abc import Sequence
from functools import cache
from itertools import groupby

REGIONS = frozenset(
    {
        *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe"),
        *("Indian", "Pacific"),
    }
)
Choice = tuple[str, str] | tuple[str, Sequence[tuple[str, str]]]


def zone_choices(present: str = "UTC") -> list[Choice]:
    """UTC, then each region's zones; the present one too, even if it is none of these."""
    others = [] if present == "UTC" or present in _zone_names() else [(present, present)]
    return [("UTC", "UTC"), *others, *_regions()]


@cache
def _zone_names() -> list[str]:
    names = zoneinfo.available_timezones()
    return sorted(name for name in names if name.partition("/")[0] in REGIONS)


@cache
def _regions() -> list[Choice]:
    by_region = groupby(_zone_names(), key=lambda name: name.partition("/")[0])
    return [(region, [(name, name) for name in names]) for region, names in by_region]
