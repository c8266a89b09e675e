"""Vendors' bills of live calls; test and demo calls are never billed."""

from operator import attrgetter
from typing import Any

from django.urls import reverse

from console.amounts import amount
from console.ops.access import Permission
from console.ops.lists import MODES
from console.ops.reconciliation.listed import BADGES, BillTotals
from console.parts.cells import Cell, Column, number_column
from console.parts.listing import Choices, Filter, Listing, RowPage, Search, understood
from console.parts.periods import number_of
from generation.models import VendorBill
from generation.oversight.bills.listing import bills
from generation.selectors import channel_by_id, every_channel
from pictor.kit.words.money import to_decimal


def _read(search: Search[VendorBill], after: str, limit: int) -> RowPage[VendorBill]:
    if search.mode:
        return RowPage([])
    channel = search.meant.get("channel")
    rows = bills(channel=channel, after=number_of(after), limit=limit + 1)
    return RowPage(rows[:limit], str(rows[limit - 1].pk) if rows[limit:] else "")


def _channels(_search: Search[Any]) -> Choices:
    return [(str(channel.pk), channel.name) for channel in every_channel()]


def _bill(bill: VendorBill) -> Cell:
    uploaded = f"{bill.created_at:%-d %b %Y, %H:%M:%S} UTC, {bill.by}"
    return Cell(bill.name or "Unnamed", reverse("ops:bill", args=[bill.pk]), note=uploaded)


def _period(bill: VendorBill) -> str:
    if bill.begins_at is None or bill.ends_at is None:
        return "not read"
    return f"{bill.begins_at:%-d %b %Y} to {bill.ends_at:%-d %b %Y, %H:%M}"


def _state(bill: VendorBill) -> Cell:
    badge, words = BADGES[VendorBill.State(bill.state)]
    return Cell(words, badge=badge)


def _sum(title: str, name: str) -> Column[VendorBill]:
    return Column(
        title=title,
        cell=lambda bill: amount(getattr(BillTotals(bill), name)) if bill.sums else "",
        csv={name: lambda bill: to_decimal(getattr(BillTotals(bill), name)) if bill.sums else ""},
        is_number=True,
    )


BILLS = Listing[VendorBill](
    name="bills",
    title="Reconciliation",
    lead="Vendors\N{RIGHT SINGLE QUOTATION MARK} bills beside what we booked: equal, different, or"
    " on one side only.",
    things="bills",
    needs=Permission.MONEY,
    order="newest first",
    query=lambda search: search,
    read=_read,
    modes=MODES,
    filters={
        "channel": Filter(
            label="Channel",
            read=understood(
                lambda word: channel_by_id(number_of(word)), "No channel has the number “{}”."
            ),
            words=lambda channel: channel.name,
            choices=_channels,
            every="All channels",
        )
    },
    columns=[
        Column(
            title="Bill",
            cell=_bill,
            csv={"bill": lambda bill: bill.pk, "name": lambda bill: bill.name},
        ),
        Column(
            title="Channel",
            cell=lambda bill: Cell(
                bill.channel.name, reverse("ops:channel", args=[bill.channel_id]) + "?tab=cost"
            ),
            csv={"channel": lambda bill: bill.channel.name},
        ),
        Column(
            title="Period, UTC",
            cell=_period,
            csv={
                "begins": lambda bill: bill.begins_at or "",
                "ends": lambda bill: bill.ends_at or "",
            },
        ),
        Column(title="State", cell=_state, csv={"state": lambda bill: bill.state}, place="lead"),
        number_column("Lines", "lines", attrgetter("lines_read")),
        _sum("Theirs", "theirs"),
        _sum("Ours", "ours"),
        _sum("Difference", "difference"),
        Column(
            csv={
                "currency": lambda _bill: "USD",
                "uploaded": attrgetter("created_at"),
                "by": lambda bill: bill.by,
                "taken": lambda bill: to_decimal(bill.taken_micros),
                "disputed_lines": lambda bill: bill.disputed_lines,
            }
        ),
    ],
    empty=(
        "No bills yet",
        (
            "A vendor\N{RIGHT SINGLE QUOTATION MARK}s CSV or JSON is matched with our calls."
            " Differences are taken into the ledger, disputed, or made into a cost table."
        ),
    ),
    empty_in={
        "test": ("Tests have no bills", "Sandboxes serve test keys and charge nothing."),
        "demo": (
            "Demo data has no bills",
            "Its calls were invented, so no vendor charges for them.",
        ),
    },
    template="ops/bills.html",
    cell_template="ops/bill_cell.html",
)
