"""Run the checks of this folder over given ranges; no findings means proof.

A statement returns at most 100 findings.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from billing.selectors.office.findings import Finding, findings_of
from billing.selectors.office.relations import KEY_COUNTERS
from generation.oversight.ledger.checks import (
    OF_COSTS,
    OF_GENERATIONS,
    STANDING,
    UNDER_WAY,
    beside_costs,
    beside_holds,
    budget_check,
    failures_check,
    usage_check,
)
from generation.oversight.ledger.sealed import evidence_findings
from generation.oversight.ledger.sold import findings_of_sold
from pictor.kit.database.cursors import first_column, first_row, run
from pictor.kit.database.spans import EVERYTHING, Ids, Named, Span
from pictor.kit.words import ids

MAX_FROM_ID_TIME = timedelta(hours=1)
"""Most generations are made and end within this time of their ids' time; see `apart`."""
_LONGEST = timedelta(days=3650)
_IDS_TIME = """to_timestamp(
    ('x0000' || left(replace(id::text, '-', ''), 12))::bit(64)::bigint / 1000.0)"""


def generation_findings() -> list[Finding]:
    """Disagreements between ledger and generations, reading all of them at once."""
    return [
        *findings_of_generations(EVERYTHING),
        *findings_under_way(),
        *findings_of_costs(EVERYTHING),
        *_findings_of_hours(EVERYTHING, None, None),
        *findings_of(*(budget_check(EVERYTHING, month) for month in counted_months())),
        *findings_of_sold(),
    ]


def findings_of_generations(generations: Ids) -> list[Finding]:
    """Generations that differ from their transfers or from their sealed evidence."""
    with _without_nested_loops():
        return [
            *findings_of(*OF_GENERATIONS, begin=beside_holds(generations)),
            *evidence_findings(generations),
        ]


@contextmanager
def _without_nested_loops() -> Iterator[None]:
    """Prevent nested loops: without statistics on the newest rows PostgreSQL expects one row."""
    run("SET LOCAL enable_nestloop = off")
    yield
    run("SET LOCAL enable_nestloop = on")


def findings_under_way() -> list[Finding]:
    """Balances and counters that differ from the generations under way."""
    return findings_of(*STANDING, begin=UNDER_WAY)


def findings_of_costs(attempts: Ids) -> list[Finding]:
    """Attempts whose cost differs from the booked one."""
    return findings_of(*OF_COSTS, begin=beside_costs(attempts))


def findings_of_budgets(month: date, *, also: Collection[UUID]) -> list[Finding]:
    """Keys that count this month and whose use differs from what they count.

    Args:
        month: its first day.
        also: the generations not made within an hour of their ids' time.
    """
    first = datetime(month.year, month.month, 1, tzinfo=UTC)
    about = _about(first, first + timedelta(days=31), also)
    return findings_of(budget_check(about, month))


def counted_months() -> list[date]:
    """The months that keys count, each by its first day."""
    return first_column(f"SELECT DISTINCT month FROM {KEY_COUNTERS} AS k")  # noqa: S608 - a constant


def findings_of_usage(
    first: datetime | None, end: datetime | None, *, also: Collection[UUID]
) -> list[Finding]:
    """Rows of usage and failures from `first` to before `end` that differ from generations.

    Args:
        first: a full hour; None is no limit.
        end: a full hour; None is no limit.
        also: the generations that did not end within an hour of their ids' time.
    """
    return _findings_of_hours(_about(first, end, also), first, end)


def _findings_of_hours(
    generations: Ids, first: datetime | None, end: datetime | None
) -> list[Finding]:
    checks = (usage_check, failures_check)
    return findings_of(*(check(generations, first, end) for check in checks))


def _about(first: datetime | None, end: datetime | None, also: Collection[UUID]) -> Ids:
    span = Span(
        None if first is None else ids.first_at(first - MAX_FROM_ID_TIME),
        None if end is None else ids.first_at(end + MAX_FROM_ID_TIME),
    )
    return Named(also, span) if also else span


_APART = f"""
SELECT id FROM (SELECT *, {_IDS_TIME} AS made_at FROM generation_generation) AS g
 WHERE livemode AND (finished_at IS NULL
        OR created_at NOT BETWEEN made_at - interval '1 hour' AND made_at + interval '1 hour'
        OR finished_at NOT BETWEEN made_at - interval '1 hour' AND made_at + interval '1 hour')
"""  # noqa: S608 - built from constants


def apart(generations: Ids) -> set[UUID]:
    """Live generations not ended yet, or made or ended over an hour from their ids' time."""
    return set(first_column(f"{_APART} AND {generations.of('id')}"))


def first_day(now: datetime) -> datetime:
    """The UTC day of the oldest generation's id, between ten years ago and now."""
    row = first_row("SELECT id FROM generation_generation ORDER BY id LIMIT 1")
    oldest = now if row is None else min(now, max(now - _LONGEST, ids.made_at(row[0])))
    return oldest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
