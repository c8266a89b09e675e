"""Vendors' bills and their lines as commands print them. Amounts in USD."""

from collections.abc import Iterator
from typing import Any

from generation.models import BillLine, VendorBill
from generation.oversight.bills.listing import LISTS
from pictor.kit.words.money import in_dollars, to_decimal


def bill_row(bill: VendorBill) -> dict[str, Any]:
    days = [at and at.isoformat(timespec="seconds") for at in (bill.begins_at, bill.ends_at)]
    sums = {
        outcome: {"lines": lines, "theirs": to_decimal(billed), "ours": to_decimal(booked)}
        for outcome, (lines, billed, booked) in bill.sums.items()
    }
    return {
        "id": bill.pk,
        "channel": bill.channel.name,
        "file": bill.name,
        "state": bill.state,
        "lines": bill.lines_read,
        "from": days[0],
        "until": days[1],
        "sums": sums,
    }


def line_row(line: BillLine) -> dict[str, Any]:
    return {
        "id": line.pk,
        "line": line.number or None,
        "at": line.at.isoformat(timespec="seconds"),
        "request_id": line.request_id,
        "item": line.item or line.model,
        "images": line.n,
        "theirs": to_decimal(line.theirs_micros),
        "ours": None if line.is_unknown else to_decimal(line.ours_micros),
        "outcome": line.outcome,
        "decision": line.decision,
        "words": line.words,
        "candidates": line.candidates,
        "by": line.by,
        "key": line.key,
    }


def bill_lines(bill: VendorBill) -> Iterator[str]:
    yield f"bill {bill.pk} of {bill.channel.name}, {bill.lines_read} lines: {bill.state}"
    if bill.trouble:
        yield f"  {bill.trouble}"
    for outcome, words in LISTS.items():
        if outcome in bill.sums:
            lines, billed, booked = bill.sums[outcome]
            yield f"  {words}: {lines}, theirs {in_dollars(billed)}, ours {in_dollars(booked)}"
    if bill.rounding:
        yield f"  rounded to whole micros, which added {bill.rounding.normalize():f} micros"
    for doubt in bill.doubts:
        yield f"  {doubt['words']}"
