"""Each column of a list's file has its own value of the row."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from accounts.models import ApiKey, AuditEvent, Tenant
from billing.models import PaymentDispute, PaymentMovement, Transfer
from console.ops.audit import AUDIT
from console.ops.channels.lists import CHANNELS
from console.ops.generations.lists import GENERATIONS
from console.ops.ledger.lists import LEDGER
from console.ops.payments.lists import PAYMENTS
from console.ops.reconciliation.lists import BILLS
from console.ops.requests import REFUSED
from console.ops.system.lists import WORKERS
from console.parts.audit_events import AuditEntry, Thing
from console.parts.entries import LedgerEntry
from console.parts.exports import spelled
from console.parts.listing import Listing
from generation.catalogue.traffic.standing import ChannelStatus
from generation.models import Channel, RefusedRequest, VendorBill, Worker

TENANT = Tenant(id=UUID(int=1), name="acme")
TEN, GEN, KEY = (f"{kind}_{'0' * 25}" for kind in ("ten", "gen", "key"))


def at(hour: int) -> datetime:
    return datetime(2030, 1, 15, hour, tzinfo=UTC)


def iso(hour: int) -> str:
    return f"2030-01-15T{hour:02}:00:00+00:00"


def line_of(listing: Listing[Any], row: Any) -> list[tuple[str, object]]:
    values = [item for column in listing.columns for item in column.csv.items()]
    return [(name, spelled(value(row))) for name, value in values]


def test_of_the_ledger():
    move = Transfer(
        pk=7, created_at=at(1), tenant=TENANT, kind="reversal", amount=2_000_000, seq=3,
        available_after=4_000_000, held_after=5_000_000, generation_id=UUID(int=2),
        attempt_id="attempt", reason="so", line="line", reverses_seq=6, corrects_id="call",
        seal=b"\x08",
    )  # fmt: skip

    assert line_of(LEDGER, LedgerEntry(move, is_demo=True)) == [*{
        "id": 7, "at": iso(1), "tenant": f"{TEN}1", "tenant_name": "acme", "kind": "reversal",
        "amount": "2.000000", "currency": "USD", "seq": 3, "available_after": "4.000000",
        "held_after": "5.000000", "generation": f"{GEN}2", "attempt": "attempt", "reason": "so",
        "line": "line", "reverses": 6, "corrects": "call", "seal": "08", "mode": "demo",
    }.items()]  # fmt: skip


def test_of_generations():
    last = SimpleNamespace(
        channel=SimpleNamespace(name="one"), attempt_class="unknown", http_status=504
    )
    made = SimpleNamespace(
        public_id="gen", created_at=at(1), finished_at=at(2), tenant=TENANT, state="failed",
        model="fox", size_requested="8x9", n=3, charged_micros=4_000_000, request_id="req",
    )  # fmt: skip
    called = SimpleNamespace(attempts=[1, last], last=last, known_cost=5_000_000, unknown=6)
    row = SimpleNamespace(
        made=made, called=called, mode="live", code="timeout", last=last, sizes=("8x8", "8x9"),
        origins=("kept", "removed:converted:marked"),
    )  # fmt: skip

    assert line_of(GENERATIONS, row) == [*{
        "id": "gen", "created": iso(1), "finished": iso(2), "mode": "live", "tenant": "acme",
        "tenant_id": f"{TEN}1", "state": "failed", "code": "timeout", "model": "fox",
        "size": "8x9", "n": 3, "attempts": 2, "channel": "one", "class": "unknown",
        "http_status": 504, "charged": "4.000000", "cost": "5.000000", "cost_unknown": 6,
        "currency": "USD", "request": "req", "delivered_sizes": "8x8 8x9",
        "content_credentials": "kept removed:converted:marked",
    }.items()]  # fmt: skip


def test_of_bills():
    bill = VendorBill(
        pk=7, name="may.csv", channel=Channel(name="one"), begins_at=at(1), ends_at=at(2),
        state="ready", lines_read=3, sums={"different": [1, 5_000_000, 4_000_000]},
        created_at=at(3), by="ann", taken_micros=6_000_000, disputed_lines=8,
    )  # fmt: skip

    assert line_of(BILLS, bill) == [*{
        "bill": 7, "name": "may.csv", "channel": "one", "begins": iso(1), "ends": iso(2),
        "state": "ready", "lines": 3, "theirs": "5.000000", "ours": "4.000000",
        "difference": "1.000000", "currency": "USD", "uploaded": iso(3), "by": "ann",
        "taken": "6.000000", "disputed_lines": 8,
    }.items()]  # fmt: skip


def test_of_payments():
    moved = [
        PaymentMovement(kind=kind, state="done", cents=cents)
        for kind, cents in (("refund", 300), ("withdrawal", 500))
    ]
    lost = PaymentDispute(kind="dispute", state="lost")
    payment = SimpleNamespace(
        pk=UUID(int=5), tenant=TENANT, state="person", person_why="so", begun_at=at(1),
        paid_at=at(2), automatic=True, asked_cents=2_000, amount_cents=2_380,
        tax_cents=380, currency="usd", fee_cents=99, fee_currency="eur", card_brand="visa",
        card_last4="4242", declined="code", payment_intent_id="pi", charge_id="ch",
        invoice_id="in", invoice_number="A-7", movements=SimpleNamespace(all=lambda: moved),
        disputes=SimpleNamespace(all=lambda: [lost]),
    )  # fmt: skip

    assert line_of(PAYMENTS, payment) == [*{
        "id": UUID(int=5), "tenant": "acme", "tenant_id": f"{TEN}1", "begun": iso(1),
        "paid": iso(2), "credited_usd": "20.00", "charged": "23.80", "tax": "3.80",
        "paid_back": "3.00", "disputed": "5.00", "card": "Visa …4242", "state": "person",
        "automatic": True, "currency": "usd", "invoice_number": "A-7", "fee": "0.99",
        "person_why": "so", "declined": "code", "fee_currency": "eur", "payment_intent_id": "pi",
        "charge_id": "ch", "invoice_id": "in", "disputes": "dispute:lost",
    }.items()]  # fmt: skip


def test_of_refused_requests():
    refused = RefusedRequest(
        id=UUID("01944000-0000-7000-8000-000000000000"), model="fox", status=429, code="code",
        param="size", message="No.", stopped_by="limit", ms=4,
    )  # fmt: skip
    key = ApiKey(id=UUID(int=3), name="ci")

    line = line_of(REFUSED, SimpleNamespace(refused=refused, tenant=TENANT, key=key))

    assert line == [*{
        "request": refused.public_id, "at": refused.at.isoformat(), "tenant": "acme",
        "tenant_id": f"{TEN}1", "key": "ci", "key_id": f"{KEY}3", "model": "fox", "status": 429,
        "code": "code", "param": "size", "message": "No.", "stopped_by": "limit", "ms": 4,
    }.items()]  # fmt: skip


def test_of_workers():
    worker = Worker(
        epoch=UUID(int=1), host="h", pid=2, version="v", started_at=at(3), seen_at=at(4),
        stopped_at=at(5),
    )  # fmt: skip

    assert line_of(WORKERS, SimpleNamespace(worker=worker, is_alive=False)) == [*{
        "host": "h", "pid": 2, "epoch": UUID(int=1), "state": "Ended", "version": "v",
        "started_at": iso(3), "seen_at": iso(4), "ended_at": iso(5),
    }.items()]  # fmt: skip


def test_of_channels():
    sold = SimpleNamespace(cost=2_000_000, revenue=3_000_000, margin=1_000_000, images=6)
    sold.unknown_images = 7
    minute = SimpleNamespace(calls=4, failed=1)
    now = SimpleNamespace(cells=[minute, minute], p95=1.25)
    of = SimpleNamespace(
        channel=Channel(pk=9, name="one", kind="openai", serves="live"), models=["a", "b", "c"],
        standing=ChannelStatus.PAUSED, why="slow", now=now,
        share=0.12345, sold=sold, untested=["b", "c"], tested_at=at(5),
    )  # fmt: skip

    assert line_of(CHANNELS, SimpleNamespace(of=of)) == [*{
        "id": 9, "name": "one", "kind": "openai", "serves": "live", "models": "a b c",
        "standing": "paused", "why": "slow", "calls_30_minutes": 8, "failed_30_minutes": 2,
        "share": 0.1235, "p95_seconds": 1.2, "cost_usd_7_days": "2.000000",
        "revenue_usd_7_days": "3.000000", "margin_usd_7_days": "1.000000", "images_7_days": 6,
        "images_of_unknown_cost": 7, "routes": 3, "untested": "b c", "tested_at": iso(5),
    }.items()]  # fmt: skip


def test_of_the_audit_log():
    before, after = {"name": "a"}, {"name": "b"}
    event = AuditEvent(
        at=at(1), actor_name="ann", action="contract.set", object_type="contract",
        object_id="fox", tenant=TENANT, before=before, after=after,
    )  # fmt: skip
    entry = AuditEntry(event, Thing("Ann"), Thing("fox"), before, after, "192.0.2.1")

    assert line_of(AUDIT, entry) == [*{
        "at": iso(1), "by": "ann", "did": "changed the model fox", "action": "contract.set",
        "object": "model", "id": "fox", "tenant": "acme", "tenant_id": f"{TEN}1",
        "before": "name: a", "after": "name: b", "ip": "192.0.2.1",
    }.items()]  # fmt: skip
