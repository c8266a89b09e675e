"""Calls that a vendor bills, and files with its bills."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from billing.services import book_upstream_cost
from generation.models import Attempt, Channel, ChannelTrial, VendorBill
from generation.oversight.bills import intake
from generation.oversight.bills.mapping import Columns
from pictor.kit.words.ids import new_uuid_of
from pictor.kit.words.money import Micros
from tests.making.factories import ORIGIN, PayingCustomer, at

NOON = at("2026-11-20T12:00:00Z")


def call(
    customer: PayingCustomer,
    channel: Channel,
    *,
    after: float = 0,
    micros: int = 30_000,
    request_id: str = "",
    **facts: Any,
) -> Attempt:
    """A call of 20 seconds that ended `after` seconds from noon, with its cost in the ledger."""
    ended = NOON + timedelta(seconds=after)
    attempt = Attempt.objects.create(
        **{
            "id": new_uuid_of(ended - timedelta(seconds=20)),
            "generation": customer.generation(),
            "dispatch": 1,
            "number": 1,
            "channel": channel,
            "upstream_model": ORIGIN,
            "upstream_size": "1024x1024",
            "upstream_quality": "medium",
            "n": 1,
            "images_received": 1,
            "started_at": ended - timedelta(seconds=20),
            "finished_at": ended,
            "attempt_class": "delivered",
            "upstream_request_id": request_id,
            "may_have_billed": True,
            "cost_micros": micros,
            "cost_source": "table" if micros else "unknown",
            **facts,
        }
    )
    book_upstream_cost(
        generation_id=attempt.generation_id,
        attempt_id=attempt.id,
        amount=Micros(micros),
        as_loss=attempt.attempt_class != "delivered",
    )
    return attempt


def trial(channel: Channel, *, after: float = 0, micros: int = 30_000, request_id: str = "") -> Any:
    """A test of a route, which ended `after` seconds from noon."""
    ended = NOON + timedelta(seconds=after)
    return ChannelTrial.objects.create(
        channel=channel,
        model=ORIGIN,
        tested="x",
        asked_by="ann",
        upstream_model=ORIGIN,
        upstream_size="1024x1024",
        upstream_quality="medium",
        started_at=ended - timedelta(seconds=20),
        finished_at=ended,
        trial_class="delivered",
        upstream_request_id=request_id,
        cost_micros=micros,
        cost_source="table",
    )


def csv_file(*rows: str, header: str = "request_id,created_at,model,cost_usd") -> bytes:
    """A CSV file of these lines."""
    return "\n".join([header, *rows, ""]).encode()


def row(request_id: str, after: float, usd: str, *more: str) -> str:
    """A line of the file, `after` seconds from noon."""
    return ",".join([request_id, stamp(after), ORIGIN, usd, *more])


def stamp(after: float) -> str:
    """A time as vendors write it."""
    return (NOON + timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%SZ")


def costs_of_days(*days: tuple[datetime, Sequence[tuple[str, str]]]) -> bytes:
    """Costs as OpenAI's `organization/costs` returns them by line item, with amounts unchanged."""
    buckets = [
        {
            "object": "bucket",
            "start_time": int(day.timestamp()),
            "end_time": int(day.timestamp()) + 86400,
            "results": [
                {
                    "object": "organization.costs.result",
                    "amount": {"value": f"@{usd}@", "currency": "usd"},
                    "line_item": item,
                    "project_id": None,
                }
                for item, usd in results
            ],
        }
        for day, results in days
    ]
    page = {"object": "page", "data": buckets, "has_more": False, "next_page": None}
    return json.dumps(page).replace('"@', "").replace('@"', "").encode()


def matched(
    channel: Channel, content: bytes, *, accept: bool = False, **columns: str
) -> VendorBill:
    """A bill that the worker has matched, by its guessed columns and these changes."""
    bill = intake.draft_bill(channel=channel, name="bill.csv", content=content, actor="test")
    mapping = Columns.from_json({**bill.mapping, **columns})
    intake.request_match(bill, columns=mapping, channel=channel, actor="test")
    intake.match_waiting()
    bill = VendorBill.objects.get(pk=bill.pk)
    if accept:
        intake.accept(bill, actor="test")
        bill.refresh_from_db()
    return bill


def lines_of(bill: VendorBill) -> list[tuple[int, str, int, int]]:
    """Number, outcome, and the vendor's and our amounts, in micros."""
    rows = bill.lines.order_by("id")
    return list(rows.values_list("number", "outcome", "theirs_micros", "ours_micros"))
