"""Sales by day: each transfer once, shared out by prices, equal to the ledger."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts.models import Tenant
from billing.models import FIGURES, LedgerProof, SoldDay, SoldRow, SoldUntil, Transfer
from billing.selectors.office import sold as waiting
from billing.selectors.office.sold import cells_sold
from billing.services.office import sold as adding
from billing.services.office.accounts import adjust, credit, refund, reverse
from generation.lifecycle.attempts import cut_off
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Attempt, Generation
from generation.oversight.bills.corrections import CorrectionLine, correct
from generation.oversight.daily_sales import add_sold, rebuild
from generation.oversight.ledger.rounds import prove
from generation.oversight.ledger.sold import findings_of_sold
from pictor.kit.bytes.spool import Spools
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.making.factories import ORIGIN, begun, make_delivery, stored_images, take
from tests.stack.stack_processes import until

pytestmark = pytest.mark.django_db

SMALL = ((1024, 1024), (512, 512))
"""Two sizes in medium: 52,680 micros, and a quarter of it."""
HOURLY, DAILY = LedgerProof.Kind.SINCE_CHECKPOINT, LedgerProof.Kind.WHOLE


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Count transfers at once, without waiting a minute for late commits."""
    monkeypatch.setattr(waiting, "TRAIL_SECONDS", 0.0)


def delivered(made: Generation, worker: WorkerEpoch, spools: Spools, **options: Any) -> Attempt:
    claim = take(generation_id=made.id, worker=worker)
    assert claim is not None
    delivery = make_delivery(claim, spools, **options)
    stored = stored_images(claim, delivery)
    assert settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    return Attempt.objects.get(id=delivery.attempt_id)


@contextmanager
def at_day(days: int) -> Iterator[None]:
    """Date the transfers inside the block this many days ago."""
    then = clock.now() - timedelta(days=days)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: then)
        yield


def days_ago(days: int) -> date:
    return clock.now().date() - timedelta(days=days)


def rows(*columns: str) -> list[tuple[Any, ...]]:
    named = SoldDay.objects.exclude(model="").order_by("day", "asked", "delivered", "id")
    return list(named.values_list(*columns))


def margin(*arguments: str) -> str:
    call_command("margin", *arguments, stdout=(said := StringIO()))
    return said.getvalue()


def test_sales_are_counted_by_price_row_size_and_channel(queued, worker, spools):
    delivered(queued, worker, spools)

    add_sold()
    add_sold()

    assert rows("model", "asked", "delivered", "quality", "channel") == [
        ("gpt-image-2-origin", "1024x1024", "1024x1024", "medium", "one")
    ]
    assert rows("images", "captured_micros", "cost_micros", "losses_micros", "unknown_images") == [
        (1, 52_680, 30_000, 0, 0)
    ]


def test_margin_says_what_is_earned_until_when(acme, queued, worker, spools):
    Tenant.objects.update(title="Rabbit Labs")
    delivered(queued, worker, spools)
    assert margin("--by", "model") == "nothing is counted yet\n"

    add_sold()

    said = json.loads(margin("--by", "tenant", "--json"))
    facts = {
        "images": 1,
        "revenue": "0.052680",
        "cost": "0.030000",
        "losses": "0.000000",
        "credits": "0.000000",
        "margin": "0.022680",
        "percent": 43.1,
        "unknown_cost": 0,
    }
    tenant = {"tenant": ids.public(ids.TENANT, acme.id), "name": "acme"}
    assert (said["rows"], said["total"]) == ([{**tenant, **facts}], facts)
    names, row, total, until = margin("--by", "cell", "--per", "day").splitlines()
    assert names.split()[:5] == ["from", "model", "asked", "quality", "images"]
    assert row.split()[1:5] == ["gpt-image-2-origin", "1024x1024", "medium", "1"]
    assert (total.split()[0], total.split()[-3:]) == ("total", ["0.022680", "43.1", "0"])
    assert until.startswith(f"until {clock.now():%Y-%m-%d %H}")


def test_the_margin_of_one_and_of_all_is_printed(acme, other, worker, spools):
    for customer, quality in ((acme, "medium"), (other, "medium"), (acme, "low")):
        delivered(customer.generation(quality=quality), worker, spools)
    add_sold()

    alone = ("--tenant", "acme", "--model", ORIGIN, "--channel", "one", "--size", "1024x1024")
    found = [
        json.loads(margin("--by", "all", *alone, *more, "--json"))
        for more in ((), ("--quality", "low"), ("--quality", "high"))
    ]

    assert [said["total"]["revenue"] for said in found] == ["0.058560", "0.005880", "0.000000"]
    assert [len(said["rows"]) for said in found] == [1, 1, 0]
    assert len(margin("--by", "all", *alone).splitlines()) == 3
    with pytest.raises(CommandError, match="nobody"):
        margin("--by", "all", "--tenant", "nobody")


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday"])
def test_margin_refuses_a_date_that_is_no_day(db, day):
    with pytest.raises(CommandError, match=f"'{day}' is not a day, such as 2026-12-01"):
        margin("--by", "model", "--from", day)


def test_margin_refuses_a_period_that_ends_before_it_begins(db):
    with pytest.raises(CommandError, match="--from 2026-11-02 is after --to 2026-11-01"):
        margin("--by", "model", "--from", "2026-11-02", "--to", "2026-11-01")


def test_margin_by_week_begins_on_mondays_and_has_both_ends(acme, worker, spools):
    for days in (0, 7, 14):
        made = acme.generation()
        with at_day(days):
            delivered(made, worker, spools)
    add_sold()

    bounds = ("--from", str(days_ago(7)), "--to", str(days_ago(0)))
    said = json.loads(margin("--by", "model", "--per", "week", *bounds, "--json"))

    mondays = [days_ago(days + days_ago(days).weekday()) for days in (7, 0)]
    assert [row["from"] for row in said["rows"]] == [str(monday) for monday in mondays]
    assert said["total"]["images"] == 2


def test_sizes_share_by_their_prices_and_the_first_has_the_remainder(acme, worker, spools):
    made = acme.generation(n=2)
    delivered(made, worker, spools, sizes=SMALL)
    refund(tenant_id=acme.id, generation_id=made.id, amount=Micros(7), reason="late", actor="test")

    add_sold()

    columns = ("delivered", "images", "captured_micros", "refunded_micros", "cost_micros")
    assert rows(*columns) == [
        ("1024x1024", 1, 52_680, 6, 48_000),
        ("512x512", 1, 13_170, 1, 12_000),
    ]


def test_a_cost_nobody_knows_is_counted_and_is_not_0(acme, channel, worker, spools):
    channel.routes.update(cost_micros=None)
    delivered(acme.generation(n=2), worker, spools, sizes=SMALL)

    add_sold()

    assert rows("images", "unknown_images", "cost_micros") == [(1, 1, 0), (1, 1, 0)]
    (row,) = json.loads(margin("--by", "channel", "--json"))["rows"]
    assert (row["channel"], row["unknown_cost"], row["percent"]) == ("one", 2, None)


def test_a_bill_makes_an_unknown_cost_known_until_it_is_put_back(acme, channel, worker, spools):
    channel.routes.update(cost_micros=None)
    made = acme.generation(n=2)
    with at_day(1):
        attempt = delivered(made, worker, spools, sizes=SMALL)
    add_sold()

    def told(name: str, change: int) -> tuple[int, str, float | None]:
        line = CorrectionLine(name, str(attempt.id), Micros(change))
        correct([line], reason="bill", actor="test")
        add_sold()
        (row,) = json.loads(margin("--by", "channel", "--json"))["rows"]
        return row["unknown_cost"], row["cost"], row["percent"]

    assert told("b", 32_925) == (0, "0.032925", 50.0)  # of 65,850
    assert told("c", 1) == (0, "0.032926", 50.0)
    first, *_ = cells_sold(days_ago(1), apart=())
    assert (first.images, first.unknown_images, first.cost) == (1, 0, 26_341)  # four fifths
    assert told("b put back", -32_926) == (2, "0.000000", None)
    assert (rebuild(), findings_of_sold()) == (0, [])


def test_credits_and_reversals_count_for_the_tenant_without_a_model(acme):
    credit(tenant_id=acme.id, amount=Micros(50), reason="gift", actor="test")
    reverse(tenant_id=acme.id, seq=2, amount=Micros(20), reason="typo", actor="test")
    adjust(tenant_id=acme.id, amount=Micros(-7), reason="typo", actor="test")
    reverse(tenant_id=acme.id, seq=1, amount=Micros(1_000), reason="of a top-up", actor="test")

    add_sold()

    named = SoldDay.objects.values_list("tenant_id", "model", "credited_micros", "is_demo")
    assert list(named) == [(acme.id, "", 23, False)]
    total = json.loads(margin("--by", "model", "--json"))["total"]
    assert (total["credits"], total["margin"]) == ("0.000023", "-0.000023")


def test_each_transfer_counts_on_its_own_day(acme, queued, channel, worker, spools):
    with at_day(40):
        attempt = delivered(queued, worker, spools)
    claim = take(generation_id=acme.generation().id, worker=worker)
    assert claim is not None
    begun(claim, channel)
    with at_day(1):
        fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())
    add_sold()

    refund(tenant_id=acme.id, generation_id=queued.id, reason="late", actor="test")
    correct([CorrectionLine("bill 1", str(attempt.id), Micros(-500))], reason="bill", actor="test")
    correct([CorrectionLine("bill 2", "", Micros(300))], reason="bill", actor="test")
    cut_off(generation_ids=[claim.generation.id], now=clock.now())
    add_sold()

    money = ("captured_micros", "refunded_micros", "cost_micros", "corrections_micros")
    counted = SoldDay.objects.filter(credited_micros=0).order_by("day", "model", "delivered")
    assert list(counted.values_list("day", "delivered", "quality", *money, "losses_micros")) == [
        (days_ago(40), "1024x1024", "medium", 52_680, 0, 30_000, 0, 0),
        (days_ago(0), "", "", 0, 0, 0, 300, 0),
        (days_ago(0), "", "medium", 0, 0, 0, 0, 30_000),
        (days_ago(0), "1024x1024", "medium", 0, 52_680, 0, -500, 0),
    ]
    assert (rebuild(), findings_of_sold()) == (0, [])


def test_a_worker_that_stood_still_catches_up_in_batches(acme, worker, spools, monkeypatch):
    monkeypatch.setattr(adding, "TRANSFERS_AT_ONCE", 2)
    for _ in range(3):
        delivered(acme.generation(), worker, spools)
    spans: list[Any] = []

    def seen(span: Any) -> dict[SoldRow, Any]:
        spans.append(span)
        return {}

    monkeypatch.setattr("generation.oversight.daily_sales.sold_by", seen)

    add_sold()

    newest = Transfer.objects.latest("id").id
    assert [after.first for after in spans[1:]] == [span.end for span in spans[:-1]]
    assert len(spans) == -(-Transfer.objects.count() // 2)
    assert (spans[-1].end, SoldUntil.objects.get().transfer_id) == (newest + 1, newest)


def test_until_stays_behind_while_there_is_more(acme, worker, spools, monkeypatch):
    monkeypatch.setattr(adding, "TRANSFERS_AT_ONCE", 1)
    monkeypatch.setattr("generation.oversight.daily_sales.LONGEST_SECONDS", -1.0)
    delivered(acme.generation(), worker, spools)

    add_sold()

    first = Transfer.objects.earliest("id")
    done = SoldUntil.objects.get()
    assert (done.transfer_id, done.until) == (first.id, first.created_at)


def test_nothing_younger_than_a_minute_is_counted(queued, worker, spools, monkeypatch):
    monkeypatch.setattr(waiting, "TRAIL_SECONDS", 60.0)
    delivered(queued, worker, spools)

    add_sold()
    assert SoldDay.objects.count() == 0

    monkeypatch.setattr(waiting, "TRAIL_SECONDS", 0.0)
    add_sold()
    assert rows("day", "images") == [(days_ago(0), 1)]


def test_sales_are_neither_lost_nor_counted_twice_after_a_failure(
    queued, worker, spools, monkeypatch
):
    SoldUntil.objects.create()
    delivered(queued, worker, spools)

    with monkeypatch.context() as broken:
        broken.setattr(SoldUntil, "save", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            add_sold()
    assert SoldDay.objects.count() == 0
    add_sold()

    assert rows("images", "captured_micros") == [(1, 52_680)]


@pytest.mark.django_db(transaction=True)
def test_a_transfer_that_is_committed_late_is_waited_for(acme, other, monkeypatch):
    """Its id is lower, but it is committed last."""
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.0)
    add_sold()
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        credit(tenant_id=acme.id, amount=Micros(50), reason="late", actor="test")
        pool.submit(
            alone, credit, tenant_id=other.id, amount=Micros(70), reason="early", actor="test"
        ).result(10)
        pool.submit(alone, add_sold).result(10)
        early = pool.submit(alone, counted).result(10)
    add_sold()

    late, first = Transfer.objects.filter(kind="credit").order_by("id")
    assert (late.reason, first.reason, early) == ("late", "early", 0)
    assert counted() == 120


@pytest.mark.django_db(transaction=True)
def test_counting_waits_for_open_transactions(acme, other):
    add_sold()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            credit(tenant_id=acme.id, amount=Micros(50), reason="late", actor="test")
            pool.submit(
                alone, credit, tenant_id=other.id, amount=Micros(70), reason="early", actor="test"
            ).result(10)
            adding_it = pool.submit(alone, add_sold)
            until(adding_it.running)
        adding_it.result(10)

    assert counted() == 120


@pytest.mark.django_db(transaction=True)
def test_two_workers_count_each_transfer_once(acme, worker, spools, monkeypatch):
    monkeypatch.setattr(adding, "TRANSFERS_AT_ONCE", 3)
    for _ in range(12):
        delivered(acme.generation(), worker, spools)

    with ThreadPoolExecutor(3) as pool:
        for one in [pool.submit(alone, add_sold) for _ in range(3)]:
            one.result(30)
    add_sold()

    assert rows("images", "captured_micros", "cost_micros") == [(12, 12 * 52_680, 12 * 30_000)]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_added_while_all_is_counted_again(queued, worker, spools):
    delivered(queued, worker, spools)
    add_sold()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        SoldDay.objects.update(images=5)
        wrong = rebuild()
        pool.submit(alone, add_sold).result(10)

    assert (wrong, rows("images")) == (1, [(1,)])


def all_rows() -> list[tuple[Any, ...]]:
    return sorted(SoldDay.objects.values_list(*SoldRow._fields, *FIGURES))


def counted() -> int:
    return sum(SoldDay.objects.values_list("credited_micros", flat=True))


def alone(act, *arguments, **options):
    """On a connection of its own."""
    try:
        return act(*arguments, **options)
    finally:
        connection.close()


def test_counted_again_it_is_the_same_and_what_was_wrong_is_put_right(acme, worker, spools):
    delivered(acme.generation(n=2), worker, spools, sizes=SMALL)
    credit(tenant_id=acme.id, amount=Micros(50), reason="gift", actor="test")
    add_sold()
    before = all_rows()

    assert (rebuild(), all_rows()) == (0, before)
    SoldDay.objects.filter(delivered="512x512").update(captured_micros=1)
    SoldDay.objects.filter(model="").delete()
    SoldDay.objects.filter(delivered="1024x1024").update(quality="high")
    call_command("usage_rebuild", stdout=(said := StringIO()))

    assert said.getvalue() == "corrected: 4\n"
    assert all_rows() == before


def test_a_wrong_count_is_told_in_a_sentence(acme, queued, worker, spools):
    delivered(queued, worker, spools)
    add_sold()
    SoldDay.objects.update(captured_micros=1, images=2)

    (finding,) = findings_of_sold()

    assert finding.tenant == ids.public(ids.TENANT, acme.id)
    assert (finding.check, finding.object) == ("sold by day", f"day {days_ago(0)}")
    assert finding.message == (
        "of gpt-image-2-origin 1024x1024 medium as 1024x1024 by one, it says"
        " images 2, the ledger 1; captured_micros 1, the ledger 52680"
    )


@pytest.mark.django_db(transaction=True)
def test_the_hourly_proof_reads_the_days_since_its_checkpoint(acme, worker, spools):
    made = acme.generation()
    with at_day(2):
        delivered(made, worker, spools)
    add_sold()
    assert proved(HOURLY) == []
    delivered(acme.generation(), worker, spools)
    add_sold()
    SoldDay.objects.update(images=7)

    assert proved(HOURLY) == [f"day {days_ago(0)}"]
    assert proved(DAILY) == [f"day {days_ago(2)}", f"day {days_ago(0)}"]


def proved(kind: LedgerProof.Kind) -> list[str]:
    """Objects of the proof's findings."""
    proof = prove(kind, now=clock.now())
    assert proof is not None
    return [finding["object"] for finding in proof.findings]
