"""Doubts about a bill as a whole, found once its lines have been matched.

A doubt has words for people and, if another reading would fit, the mapping or channels for it. Call
it while the table `bill_calls` exists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q

from generation.models import BillLine, Channel, Route, VendorBill
from generation.oversight.bills.mapping import PER_DAY, UNITS, Columns, model_of, zone_of
from pictor.kit.database.cursors import all_rows, first_row
from pictor.kit.words import ids
from pictor.kit.words.money import in_dollars

SAMPLE = 200
"""The most request ids looked up on other channels, and lines shifted in time."""
_TOLERANCE = 0.1
_LEAST_MINUTES = 45
"""A smaller difference between clocks is not one of time zones."""
# Lines at midnight are left out of both shifts: their times are dates.
_SHIFT = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (
           ORDER BY extract(epoch FROM l.at - c.finished_at) / 60.0)
  FROM generation_billline AS l JOIN bill_calls AS c ON c.line = l.id
 WHERE l.bill_id = %(bill)s AND (l.at AT TIME ZONE 'UTC')::time <> '00:00'
"""
_BEST_SHIFT = """
SELECT hours, count(DISTINCT l.id) AS found
  FROM (SELECT id, model, at FROM generation_billline
         WHERE bill_id = %(bill)s AND request_id = '' AND model <> '' AND outcome <> 'ours'
           AND (at AT TIME ZONE 'UTC')::time <> '00:00'
         ORDER BY id LIMIT %(sample)s) AS l
 CROSS JOIN generate_series(-14, 14) AS hours
  JOIN (SELECT model, date_trunc('minute', started_at) AS minute FROM bill_calls
        UNION SELECT model, date_trunc('minute', finished_at) FROM bill_calls) AS c
    ON c.model = l.model
   AND c.minute = date_trunc('minute', l.at - make_interval(hours => hours))
 GROUP BY hours ORDER BY found DESC, abs(hours) LIMIT 1
"""
_ELSEWHERE = """
SELECT channel_id, count(*) FROM generation_attempt
 WHERE id >= %s AND upstream_request_id = ANY(%s) GROUP BY 1 ORDER BY 2 DESC
"""


@dataclass(frozen=True, slots=True)
class BillDoubt:
    """A possible mistake, and another way to read the file; a bill has its fields as JSON.

    Attributes:
        code: channel, unit, zone or nothing.
        words: for people.
        columns: another reading, if there is one.
        channels: the names of other channels the bill may belong to.
    """

    code: str
    words: str
    columns: Columns | None = None
    channels: tuple[str, ...] = ()


def doubts_of(bill: VendorBill, columns: Columns) -> list[BillDoubt]:
    """All doubts about a bill; none if everything fits."""
    looks = (_channel_doubts, _unit_doubts, _zone_doubts)
    return [doubt for look in looks for doubt in look(bill, columns)]


def _channel_doubts(bill: VendorBill, columns: Columns) -> Iterator[BillDoubt]:
    lines = bill.lines.exclude(outcome=BillLine.Outcome.OURS)
    with_ids = lines.exclude(request_id="")
    request_ids = list(with_ids.order_by("id").values_list("request_id", flat=True)[:SAMPLE])
    if not request_ids and not lines.exclude(model="").exists():
        items = list(lines.order_by().values_list("item", flat=True).distinct()[:SAMPLE])
        what = "line items" if columns.of == PER_DAY else "models"
        yield BillDoubt(
            "channel",
            f"None of its {what} is a model of {bill.channel.name}.",
            channels=_with_models(items, bill.channel_id),
        )
    known = with_ids.filter(Q(attempt_id__isnull=False) | Q(trial_id__isnull=False))
    if request_ids and not known.exists():
        yield BillDoubt(
            "channel",
            f"None of its request ids belongs to a call of {bill.channel.name}.",
            channels=_with_calls(request_ids, bill),
        )


def _with_calls(request_ids: list[str], bill: VendorBill) -> tuple[str, ...]:
    channels = [
        channel
        for channel, _ in all_rows(_ELSEWHERE, [ids.first_at(bill.period[0]), request_ids])
        if channel != bill.channel_id
    ]
    names = Channel.objects.in_bulk(channels)
    return tuple(names[channel].name for channel in channels)


def _with_models(items: list[str], channel_id: int) -> tuple[str, ...]:
    routes = Route.objects.exclude(channel_id=channel_id).select_related("channel")
    names = {
        route.channel.name
        for route in routes
        if any(model_of(item, [route.upstream_model]) for item in items)
    }
    return tuple(sorted(names))


def _unit_doubts(bill: VendorBill, columns: Columns) -> Iterator[BillDoubt]:
    billed, booked = _totals(bill)
    if billed == 0:
        yield BillDoubt("nothing", "All of its amounts are 0. Is that the column of the amounts?")
        return
    if booked <= 0 or billed < 0:
        return
    for unit, micros in UNITS.items():
        factor = float(UNITS[columns.unit] / micros)
        if unit != columns.unit and abs(billed / booked / factor - 1) < _TOLERANCE:
            times = f"{factor:,.0f} times" if factor > 1 else f"a {1 / factor:,.0f}th of"
            yield BillDoubt(
                "unit",
                f"The bill is {times} what we booked, {in_dollars(billed)} beside"
                f" {in_dollars(booked)}: are its amounts {unit}?",
                replace(columns, unit=unit),
            )


def _totals(bill: VendorBill) -> tuple[int, int]:
    """The vendor's and our sum for the matched lines; for all lines if either is 0."""
    sums: Mapping[str, list[int]] = bill.sums
    both = [sums[outcome] for outcome in ("equal", "different") if outcome in sums]
    billed, booked = (sum(figures[at] for figures in both) for at in (1, 2))
    if billed and booked:
        return billed, booked
    billed, booked = (sum(figures[at] for figures in sums.values()) for at in (1, 2))
    return billed, booked


def _zone_doubts(bill: VendorBill, columns: Columns) -> Iterator[BillDoubt]:
    if columns.of == PER_DAY:
        return
    matched, minutes = _one(_SHIFT, bill) or (0, 0)
    if not matched:
        hours, _ = _one(_BEST_SHIFT, bill) or (0, 0)
        minutes = 60 * hours
    if abs(minutes or 0) < _LEAST_MINUTES:
        return
    apart = round(minutes / 15) * 15
    offset = zone_of(columns.zone).utcoffset(bill.period[0])
    zone = _zone_of(apart + int(offset.total_seconds() // 60 if offset else 0))
    hours, rest = divmod(abs(apart), 60)
    yield BillDoubt(
        "zone",
        f"Its times are {hours} h{f' {rest} min' if rest else ''}"
        f" {'ahead of' if apart > 0 else 'behind'} ours: are they of the zone {zone}?",
        replace(columns, zone=zone) if columns.zone != zone else None,
    )


def _zone_of(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}" if minutes else "UTC"


def _one(sql: str, bill: VendorBill) -> Any:
    return first_row(sql, {"bill": bill.pk, "sample": SAMPLE})
