"""Recent use of a workspace or one of its keys: figures, a chart, the latest generations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from accounts.models import ApiKey
from billing.periods import day_of, day_start
from billing.selectors.office.reports import Group, usage_between
from console.parts.charts import Bars, Spark, spark, stacked_bars
from console.parts.filters import several
from console.parts.periods import DAY, Period, period_of
from console.parts.rows import SHOWN_CHARS, GenerationRow, row_of
from console.workspace.access import Permission, Workspace
from console.workspace.shared.filters import rows_for
from generation.tenants.searching import newest_of_key

SHOWN_GENERATIONS = 20
SPARK_DAYS = 14


@dataclass(frozen=True, slots=True)
class RecentUse:
    """The last 30 days in the workspace's zone; `chart` is the charges, by day and model.

    `models` are the images by requested model.
    """

    period: Period
    spent: int
    images: int
    requests: int
    models: Mapping[str, int]
    chart: Bars


def recent_use_of(workspace: Workspace, now: datetime, key: ApiKey | None = None) -> RecentUse:
    """Read the rollups of the key, or of all keys; each bar of the chart links to its rows."""
    period = period_of("30d", now, workspace.tenant.zone)
    groups: list[Group] = ["key", "model"] if key else ["model"]
    used = usage_between(
        workspace.tenant.id,
        start=period.start,
        end=period.end,
        bucket=period.bucket,
        groups=groups,
        has_times=False,
        zone=period.zone,
    )
    mine = [row for row in used if key is None or row.group["key"] == key.id]
    series: dict[str, dict[date, int]] = {}
    models = Counter[str]()
    for row in mine:
        models[row.group["model"]] += row.images
        if row.captured:
            series.setdefault(row.group["model"], {})[period.name_of(row.start)] = row.captured
    rows = rows_for(workspace, [key] if key else [])
    about = {"key": key.public_id} if key else {}

    def slices(start: date | None, models: Sequence[str]) -> str:
        return rows(**period.query(start), **about, **several("model", models))

    return RecentUse(
        period=period,
        spent=sum(row.captured for row in mine),
        images=sum(row.images for row in mine),
        requests=sum(row.generations for row in mine),
        models=models,
        chart=stacked_bars([period.name_of(start) for start in period.starts], series, rows=slices),
    )


def sparks_of(workspace: Workspace, now: datetime) -> dict[UUID, Spark]:
    """Each key's charges on the last days, including today; keys without charges are missing."""
    zone, today = workspace.tenant.zone, day_of(now, workspace.tenant.zone)
    days = [today - back * DAY for back in reversed(range(SPARK_DAYS))]
    used = usage_between(
        workspace.tenant.id,
        start=day_start(days[0], zone),
        end=day_start(today + DAY, zone),
        bucket="day",
        groups=["key"],
        has_times=False,
        zone=zone,
    )
    charged: dict[UUID, dict[date, int]] = {}
    for row in used:
        charged.setdefault(row.group["key"], {})[day_of(row.start, zone)] = row.captured
    return {key: spark([by.get(day, 0) for day in days]) for key, by in charged.items()}


def latest_of(workspace: Workspace, key: ApiKey) -> list[GenerationRow]:
    """A key's newest generations; none if the member may not see them."""
    if Permission.SEE_GENERATIONS not in workspace.may:
        return []
    newest = newest_of_key(
        workspace.tenant.id, key.id, limit=SHOWN_GENERATIONS, prompt_chars=SHOWN_CHARS
    )
    return [row_of(finished, {key.id: key}) for finished in newest]
