"""Refusals are written down, within bounds, and without the caller's words."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction
from prometheus_client import REGISTRY

from generation.background import refusals, retention
from generation.background.refusals import Recorder, insert, without_words
from generation.models import RefusedRequest
from generation.models.refusals import MAX_PER_DAY
from generation.oversight.budget_refusals import refused_by_budgets
from generation.selectors import refused_for_want_of_a_price
from generation.tenants import holdings
from pictor.kit.database import pools
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import clock, ids
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.anyio

ACME, ORBIT = (ids.public(ids.TENANT, ids.new_uuid()) for _ in range(2))


def refused(
    tenant: str = "", *, address: str = "203.0.113.9", at: datetime | None = None, **facts: str
) -> Refused:
    made = ids.new_uuid() if at is None else ids.new_uuid_of(at)
    given = {"code": "rate_limit_exceeded", "limit": "requests of this workspace", **facts}
    request = ids.public(ids.REQUEST, made)
    return Refused(request=request, address=address, status=429, ms=3, tenant=tenant, **given)


@pytest.fixture
def counted():
    """Return how many refusals were left out since the test began, by reason."""

    def left_out(why: str) -> float:
        return REGISTRY.get_sample_value("pictor_refusals_left_out_total", {"why": why}) or 0

    before = {why: left_out(why) for why in ("caller", "process", "day", "database")}
    return lambda why: left_out(why) - before[why]


@pytest.fixture
def recorder(pooled_connections):
    return Recorder()


def rows_of(tenant: str) -> int:
    return RefusedRequest.objects.filter(tenant_id=ids.parse(ids.TENANT, tenant)).count()


async def test_only_50_of_10000_refusals_from_one_address_are_kept(recorder, counted):
    for _ in range(5_000):
        recorder.take(refused())
    recorder.take(refused(ACME))
    recorder.take(refused(ORBIT, address="203.0.113.9"))
    for _ in range(5_000):
        recorder.take(refused())

    await recorder.write()

    strangers = await pools.views(RefusedRequest.objects.filter(tenant_id=None).count)
    assert (strangers, await pools.views(rows_of, ACME), await pools.views(rows_of, ORBIT)) == (
        50, 1, 1,
    )  # fmt: skip
    assert counted("caller") == 9_950


async def test_the_next_second_has_room_again(recorder):
    for _ in range(60):
        recorder.take(refused(ACME))
    await recorder.write()
    for _ in range(60):
        recorder.take(refused(ACME))
    await recorder.write()

    assert await pools.views(rows_of, ACME) == 100


async def test_refusals_wait_while_the_database_is_away(recorder, counted, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr(refusals, "insert", _is_away)
        for _ in range(3):
            recorder.take(refused(ACME))
        await recorder.write()
    recorder.take(refused(ACME))

    await recorder.write()

    assert await pools.views(rows_of, ACME) == 4
    assert counted("database") == 0


def _is_away(batch, *, now):
    raise OperationalError


async def test_one_tenant_cannot_fill_the_queue_in_a_long_outage(recorder, counted, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr(refusals, "insert", _is_away)
        for _ in range(10):
            for _ in range(60):
                recorder.take(refused(ACME))
                recorder.take(refused())
            await recorder.write()
    recorder.take(refused(ORBIT))

    await recorder.write()

    assert [await pools.views(rows_of, tenant) for tenant in (ACME, ORBIT)] == [50, 1]
    assert counted("caller") == 1_100


async def test_refusals_that_time_out_in_the_database_are_dropped(recorder, counted, monkeypatch):
    with monkeypatch.context() as slow:
        slow.setattr(refusals, "insert", _takes_too_long)
        recorder.take(refused(ACME))
        await recorder.write()
    recorder.take(refused(ACME))

    await recorder.write()

    assert await pools.views(rows_of, ACME) == 1
    assert counted("database") == 1


def _takes_too_long(batch, *, now):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(5)")


async def test_a_row_that_the_database_does_not_take_holds_up_no_other(recorder, counted):
    recorder.take(refused(ACME, code="\x00"))
    await recorder.write()
    recorder.take(refused(ACME))
    await recorder.write()

    assert await pools.views(rows_of, ACME) == 1
    assert counted("database") == 1


async def test_refusals_are_written_every_second_and_at_the_end(recorder):
    await recorder.start()
    recorder.take(refused(ACME))
    async with asyncio.timeout(10):
        while not await pools.views(rows_of, ACME):
            await asyncio.sleep(0.05)
    recorder.take(refused(ORBIT))

    await recorder.stop()

    assert await pools.views(rows_of, ORBIT) == 1


async def test_many_addresses_leave_half_of_a_second_to_tenants(recorder, counted):
    for number in range(600):
        recorder.take(refused(address=f"198.51.{number // 250}.{number % 250}"))
    recorder.take(refused(ACME))
    for _ in range(260):
        recorder.take(refused(ids.public(ids.TENANT, ids.new_uuid())))

    await recorder.write()

    strangers = await pools.views(RefusedRequest.objects.filter(tenant_id=None).count)
    assert (strangers, await pools.views(RefusedRequest.objects.count)) == (250, 500)
    assert await pools.views(rows_of, ACME) == 1
    assert counted("process") == 350 + 11


def fill(caller: str, *, number: int, at: datetime) -> None:
    """Insert rows as `insert` does, but faster."""
    tenant = ids.parse(ids.TENANT, caller)
    assert tenant is not None
    whose = {"caller": tenant, "tenant_id": tenant, "day": at.date()}
    RefusedRequest.objects.bulk_create(
        RefusedRequest(id=ids.new_uuid_of(at), place=place + 1, status=429, code="x", ms=1, **whose)
        for place in range(number)
    )


def test_a_tenant_has_20000_refusals_kept_each_day(db):
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    fill(ACME, number=MAX_PER_DAY - 3, at=noon)
    fill(ACME, number=5, at=noon - timedelta(days=1))

    beyond = insert([refused(ACME, at=noon) for _ in range(10)] + [refused(ORBIT)], now=noon)

    assert (beyond, rows_of(ORBIT)) == ({"day": 7, "full": 0}, 1)
    assert rows_of(ACME) == MAX_PER_DAY + 5
    tomorrow = noon + timedelta(days=1)
    assert insert([refused(ACME, at=tomorrow)], now=tomorrow)["day"] == 0


def test_a_full_table_takes_no_refusals(db, monkeypatch):
    monkeypatch.setattr(refusals, "MAX_BYTES", 0)
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    fill(ACME, number=MAX_PER_DAY - 3, at=noon)

    left_out = insert([refused(ACME, at=noon) for _ in range(10)] + [refused(ORBIT)], now=noon)

    assert left_out == {"day": 7, "full": 4}
    assert (rows_of(ORBIT), rows_of(ACME)) == (0, MAX_PER_DAY - 3)


def test_two_processes_at_once_keep_no_more_of_one_than_one_does(transactional_db):
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    fill(ACME, number=MAX_PER_DAY - 30, at=noon)
    both = Barrier(2)

    def write(_: int) -> int:
        batch = [refused(ACME, at=noon) for _ in range(50)]
        both.wait(10)
        try:
            return insert(batch, now=noon)["day"]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        beyond = sum(threads.map(write, range(2)))

    assert (beyond, rows_of(ACME)) == (70, MAX_PER_DAY)


def test_a_refusal_written_twice_is_kept_once(db):
    one = refused(ACME)

    for _ in range(2):
        insert([one], now=clock.now())

    assert rows_of(ACME) == 1


@pytest.mark.parametrize(("most", "left"), [(10, [0, 1, 2, 3, 7 * 24 - 1]), (4, [0, 1, 2, 3])])
def test_refusals_are_deleted_after_7_days_and_beyond_the_largest_number(
    db, monkeypatch, most, left
):
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    monkeypatch.setattr(retention, "REFUSED_BATCH", 2)
    monkeypatch.setattr(retention, "MAX_REFUSED", most)
    for hours in (7 * 24 + 3, 7 * 24 + 2, 7 * 24 + 1, 7 * 24 - 1, 3, 2, 1, 0):
        fill(ACME, number=1, at=now - timedelta(hours=hours))

    assert retention.forget_refused(now=now) == 8 - len(left)

    ages = [now - row.at for row in RefusedRequest.objects.order_by("-id")]
    assert ages == [timedelta(hours=hours) for hours in left]


def test_a_tenants_are_exported_and_erased_with_it(db):
    acme, orbit = PayingCustomer("acme"), PayingCustomer("orbit")
    for customer in (acme, orbit):
        insert([refused(customer.tenant.public_id)], now=clock.now())

    rows = list(dict(holdings.tables(acme.id))["refused_requests"])
    holdings.erase(tenant_id=acme.id, now=clock.now())

    assert [(row["status"], row["tenant_id"]) for row in rows] == [(429, acme.id)]
    assert list(RefusedRequest.objects.values_list("tenant_id", flat=True)) == [orbit.id]


def test_the_table_survives_no_crash_so_that_it_costs_no_log(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relpersistence FROM pg_class WHERE oid = 'generation_refusedrequest'::regclass"
        )
        assert cursor.fetchone() == ("u",)


def test_refusals_for_want_of_a_price_are_counted_by_model(db):
    now = clock.now()
    long_ago = now - timedelta(minutes=11)
    insert(
        [
            refused(ACME, limit="price", model="gpt-image-2"),
            refused(ORBIT, limit="price", model="gpt-image-2"),
            refused(ORBIT, limit="price", model="dall-e-3"),
            refused(ORBIT, limit="price", model="dall-e-3", at=long_ago),
            refused(ORBIT, limit="balance", model="gpt-image-2"),
        ],
        now=now,
    )

    assert refused_for_want_of_a_price(now - timedelta(minutes=10)) == {
        "dall-e-3": 1, "gpt-image-2": 2,
    }  # fmt: skip


def test_refusals_by_budgets_are_known_with_the_budget(db):
    now, key = clock.now(), ids.public(ids.KEY, ids.new_uuid())
    daily = "The API key's daily budget is too low: this request needs 0.400000 USD on hold, 0."
    monthly = daily.replace("API key", "workspace").replace("daily", "monthly")
    quota = partial(refused, code="insufficient_quota", key=key)
    insert(
        [
            quota(ACME, limit="key", message=daily),
            quota(ACME, limit="key", message=daily),
            quota(ORBIT, limit="workspace", message=monthly),
            quota(ACME, limit="balance", message="The balance is too low."),
            refused(ACME, limit="key", code="insufficient_permissions", key=key),
            quota(ACME, limit="key", message=daily, at=now - timedelta(minutes=16)),
        ],
        now=now,
    )

    known = refused_by_budgets(now - timedelta(minutes=15))

    assert known == {
        (ids.parse(ids.KEY, key), "day", now.date()): 400_000,
        (ids.parse(ids.TENANT, ORBIT), "month", now.date().replace(day=1)): 400_000,
    }


@pytest.mark.parametrize(
    ("message", "param", "kept"),
    [
        ("n must be 1.", "n", ("n must be 1.", "n")),
        ("The model 'a fox' does not exist.", "model", ("The model '…' does not exist.", "model")),
        ("Unknown: 'it'. Did you mean 'n'?", "it", ("Unknown: '…'.", "")),
        ("This API key's limit 'a' is 'b'.", "", ("This API key's limit '…' is '…'.", "")),
        ("The \\ \"it's\" and '\\'\"' end.", "", ("The \\ '…' and '…' end.", "")),
        ("a fox is too long.", "a fox", ("… is too long.", "")),
        (
            "Unknown parameter: t. It is too long.",
            "t",
            ("Unknown parameter: …. It is too long.", ""),
        ),
        ("?[ is too long.", "?[", ("… is too long.", "")),
        ("Nothing. Did you mean /v1/models/a?b'?", "", ("Nothing.", "")),
        (
            "There is no generation with that id.",
            "id",
            ("There is no generation with that id.", "id"),
        ),
    ],
)
def test_a_message_is_kept_without_what_it_quotes(message, param, kept):
    assert without_words(message, param) == kept
