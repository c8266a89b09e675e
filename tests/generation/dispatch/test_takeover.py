"""Orders survive their worker: the next claim follows them, and each is paid once."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import F

from billing.selectors.office.ledger import ledger_findings
from generation.catalogue.credentials import encrypted
from generation.catalogue.services.stop_switch import stop, stoppable
from generation.dispatch import takeover
from generation.models import Attempt, Channel, Generation, Route
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.database import pools
from pictor.kit.database.loop_connections import LentConnection, fetch_async
from pictor.kit.words import clock
from tests.fakes import job_vendor
from tests.fakes.job_vendor import KIND
from tests.generation.dispatch.following import (
    LEAVING,
    Leaving,
    died,
    paid,
    registered,
    shop,
    until,
)
from tests.making.factories import PayingCustomer, make_channel

pytestmark = pytest.mark.usefixtures("pooled_connections", "channel")

PRICE = 52_680


@pytest.fixture(autouse=True)
def known_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch)


@pytest.mark.parametrize("leave", LEAVING)
def test_what_a_worker_leaves_is_delivered_from_its_orders(
    acme: PayingCustomer, tmp_path: Path, leave: Leaving
) -> None:
    made = [acme.generation() for _ in range(3)]

    async def journey() -> int:
        async with shop(tmp_path) as here:
            first = await here.begun(*made)
            await leave(here, first)
            here.vendor.may_answer.set()
            await here.followed()
            return len(here.vendor.orders)

    assert asyncio.run(journey()) == 3
    assert set(Generation.objects.values_list("state", "dispatch")) == {("succeeded", 2)}
    seen = Attempt.objects.values_list("dispatch", "number", "attempt_class", "jobs")
    assert list(seen) == [(2, 1, "delivered", None)] * 3
    ids = Attempt.objects.values_list("upstream_request_id", flat=True)
    assert sorted(ids) == ["job-1", "job-2", "job-3"]
    assert paid() == [("capture", PRICE)] * 3 + [("upstream_cost", 30_000)] * 3
    assert ledger_findings() == generation_findings() == []


def test_a_row_keeps_neither_the_key_nor_a_word_of_the_prompt(acme, tmp_path):
    made = acme.generation(prompt="a very secret fox")

    async def journey() -> Any:
        async with shop(tmp_path) as here:
            await here.begun(made)
            return await pools.database(Attempt.objects.values_list("jobs", flat=True).get)

    (job,) = asyncio.run(journey())

    assert (job["id"], job["look"].endswith("/jobs/job-1")) == ("job-1", True)
    assert job["plan"]["plan"] == "native"
    assert [word for word in ("secret", "fox", "sk-upstream") if word in str(job)] == []


def test_a_late_worker_changes_nothing(acme, tmp_path):
    made = acme.generation()

    async def journey() -> tuple[Any, ...]:
        async with shop(tmp_path) as here:
            late = await here.begun(made)
            first_looks, here.vendor.may_answer = here.vendor.may_answer, asyncio.Event()
            await here.taken_back(late)
            second = asyncio.create_task(here.followed())
            await until(lambda: here.vendor.looks == 2)
            here.vendor.failed = {"class": "moderated"}
            first_looks.set()
            await late
            after_late = await pools.database(
                lambda: Attempt.objects.values_list("dispatch", "finished_at").get()
            )
            here.vendor.failed = None
            here.vendor.may_answer.set()
            await second
            return after_late

    assert asyncio.run(journey()) == (2, None)
    made.refresh_from_db()
    assert (made.state, Attempt.objects.get().attempt_class) == ("succeeded", "delivered")
    assert paid() == [("capture", PRICE), ("upstream_cost", 30_000)]


def test_what_a_late_worker_learns_before_the_next_claim_is_left_to_that(acme, tmp_path):
    made = acme.generation()

    async def journey() -> int:
        async with shop(tmp_path) as here:
            late = await here.begun(made)
            await here.taken_back(late)
            here.vendor.failed = {"class": "unknown"}
            here.vendor.may_answer.set()
            await late
            here.vendor.failed = None
            await here.followed()
            return len(here.vendor.orders)

    assert asyncio.run(journey()) == 1
    made.refresh_from_db()
    assert made.state == "succeeded"


def paused(channel: Channel) -> None:
    Channel.objects.update(is_enabled=False)


def without_its_route(channel: Channel) -> None:
    Route.objects.all().delete()


def not_allowing_it(channel: Channel) -> None:
    Channel.objects.update(allows_redispatch=False)


def stopped(channel: Channel) -> None:
    stop(what=stoppable("all"), reason="a bill", actor="Ann", now=clock.now())


@pytest.mark.parametrize("change", [paused, without_its_route, not_allowing_it, stopped])
def test_orders_are_followed_whatever_holds_up_a_new_one(acme, channel, tmp_path, change):
    made = acme.generation()

    async def journey() -> int:
        async with shop(tmp_path) as here:
            first = await here.begun(made)
            await died(here, first)
            await pools.database(change, channel)
            here.vendor.may_answer.set()
            await here.followed()
            return len(here.vendor.orders)

    assert asyncio.run(journey()) == 1
    made.refresh_from_db()
    assert (made.state, made.channel_id) == ("succeeded", channel.id)


def test_references_are_not_read_again(acme, tmp_path):
    made = acme.generation()
    facts = {"format": "png", "width": 1024, "height": 512}
    stored = {"key": "in/none", "size_bytes": 9, "prefix": "", "facts": facts}
    image = {"label": "image", "placeholder": "<1>"}
    Generation.objects.update(task="edit", fields={"image": ["<1>"]}, inputs=[{**image, **stored}])

    async def journey() -> Any:
        async with shop(tmp_path) as here:
            first = await here.begun(made)
            written = await pools.database(Attempt.objects.values_list("jobs", flat=True).get)
            await died(here, first)
            gone = [{**image, "address": "https://127.0.0.1/gone.png"}]
            await pools.database(Generation.objects.update, inputs=gone)
            here.vendor.may_answer.set()
            await here.followed()
            return written

    (job,) = asyncio.run(journey())

    made.refresh_from_db()
    assert (made.state, made.error) == ("succeeded", None)
    assert (job["plan"]["task"], job["plan"]["pixels"]) == ("edit", [524_288])


def another_key(upstream_url: str) -> None:
    Channel.objects.update(credentials=encrypted("sk-another"))


def another_origin(upstream_url: str) -> None:
    moved = upstream_url.replace("127.0.0.1", "localhost")
    Channel.objects.update(base_url=moved)


def no_key(upstream_url: str) -> None:
    Channel.objects.update(credentials="")


@pytest.mark.parametrize(("change", "looks"), [(another_key, 2), (another_origin, 1), (no_key, 1)])
def test_a_key_that_is_refused_or_has_moved_leaves_the_end_unknown(acme, tmp_path, change, looks):
    make_channel("two", priority=20)
    made = acme.generation()

    async def journey() -> tuple[int, int]:
        async with shop(tmp_path) as here:
            first = await here.begun(made)
            await until(lambda: here.vendor.looks == 1)
            await died(here, first)
            await pools.database(change, here.upstream.url)
            here.vendor.may_answer.set()
            await here.followed()
            return len(here.vendor.orders), here.vendor.looks

    assert asyncio.run(journey()) == (1, looks)
    made.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (made.state, made.error["status"], attempt.attempt_class) == ("failed", 502, "unknown")
    assert (attempt.may_have_billed, attempt.upstream_request_id) == (True, "job-1")
    assert paid() == [("loss", 30_000)]


@pytest.mark.parametrize(
    ("is_paid_besides", "states"),
    [(False, [("one", "refused"), ("two", "refused")]), (True, [("one", "refused")])],
)
def test_after_a_proven_refusal_others_follow_unless_another_may_be_paid(
    acme, tmp_path, is_paid_besides, states
):
    make_channel("two", allows_redispatch=False, priority=20, kind=KIND.name)
    made = acme.generation()

    async def journey() -> None:
        async with shop(tmp_path, failed={"class": "refused"}) as here:
            there = {"base_url": here.upstream.url, "credentials": encrypted("sk-upstream")}
            await pools.database(Channel.objects.filter(name="two").update, **there)
            first = await here.begun(made)
            await died(here, first)
            if is_paid_besides:
                attempt = await pools.database(Attempt.objects.get)
                await pools.database(attempt_that_may_be_paid, attempt)
            here.vendor.may_answer.set()
            await here.followed()

    asyncio.run(journey())

    tried = Attempt.objects.filter(dispatch=2).order_by("number")
    assert list(tried.values_list("channel__name", "attempt_class")) == states


def attempt_that_may_be_paid(like: Attempt) -> None:
    Attempt.objects.create(
        generation_id=like.generation_id,
        dispatch=1,
        number=7,
        channel_id=like.channel_id,
        upstream_model=like.upstream_model,
        finished_at=like.started_at,
        attempt_class="bad_result",
        may_have_billed=True,
    )


def test_the_time_out_counts_from_the_attempts_beginning(acme, tmp_path):
    made = acme.generation()
    job_vendor.SECONDS.clear()

    async def journey() -> None:
        async with shop(tmp_path) as here:
            first = await here.begun(made)
            await died(here, first)
            earlier = F("started_at") - timedelta(seconds=200)
            await pools.database(Attempt.objects.update, started_at=earlier)
            here.vendor.may_answer.set()
            await here.followed()

    asyncio.run(journey())

    whole, rest = job_vendor.SECONDS
    assert 235 < whole <= 240
    assert 20 < rest <= 40


@pytest.mark.parametrize(("is_taken_over", "cancels"), [(False, ["job-1"]), (True, [])])
def test_at_its_time_out_only_the_worker_that_holds_the_attempt_cancels(
    acme, channel, tmp_path, is_taken_over, cancels
):
    Channel.objects.update(timeout_seconds=1)
    made = acme.generation()

    async def journey() -> Any:
        async with shop(tmp_path) as here:
            late, others = await here.begun(made), []
            if is_taken_over:
                await here.taken_back(late)
                others.append(asyncio.create_task(here.followed()))
                await until(lambda: here.vendor.looks == 2)
            await late
            found = Attempt.objects.values_list("dispatch", "attempt_class")
            left = await pools.database(found.get), [*here.vendor.cancels]
            here.vendor.may_answer.set()
            await asyncio.gather(*others)
            return left

    ends = (2, "") if is_taken_over else (1, "unknown")
    assert asyncio.run(journey()) == (ends, cancels)
    made.refresh_from_db()
    assert made.state == ("succeeded" if is_taken_over else "failed")


@pytest.mark.parametrize(
    ("other", "queue_seconds"),
    [
        (None, None),
        ({}, 60),
        ({"timeout_seconds": 450}, 60),
        ({"max_concurrency": 0}, None),
        ({"is_enabled": False}, None),
    ],
    ids=[
        "alone",
        "beside another",
        "beside a slow one",
        "beside a full one",
        "beside a paused one",
    ],
)
def test_an_order_may_wait_at_its_vendor_only_until_another_channel_can_take_it(
    acme, tmp_path, other, queue_seconds
):
    if other is not None:
        make_channel("two", priority=20, **other)
    acme.generation()
    job_vendor.QUEUE_SECONDS.clear()

    async def journey(folder: Path) -> None:
        async with shop(folder) as here:
            here.vendor.may_answer.set()
            await here.followed()

    asyncio.run(journey(tmp_path))

    assert job_vendor.QUEUE_SECONDS[-1:] == [queue_seconds]


def test_no_order_is_given_up_when_another_channel_has_too_little_time(acme, channel, tmp_path):
    make_channel("two", priority=20)
    Channel.objects.update(queue_seconds=440)  # of 480
    acme.generation()
    job_vendor.QUEUE_SECONDS.clear()

    async def journey(folder: Path) -> None:
        async with shop(folder) as here:
            here.vendor.may_answer.set()
            await here.followed()

    asyncio.run(journey(tmp_path))

    assert job_vendor.QUEUE_SECONDS[-1:] == [None]


def test_looks_go_on_while_the_database_is_away(acme, tmp_path, monkeypatch):
    made = acme.generation()
    monkeypatch.setattr(takeover, "WRITE_SECONDS", 0.01)
    tries: list[int] = []

    async def away(statement: Any) -> Any:
        tries.append(1)
        raise OperationalError("the database is away")

    monkeypatch.setattr(takeover, "fetch_async", away)

    async def journey(folder: Path) -> None:
        async with shop(folder) as here:
            here.vendor.may_answer.set()
            await here.followed()

    asyncio.run(journey(tmp_path))

    made.refresh_from_db()
    assert (made.state, tries) == ("succeeded", [1])


def test_a_write_is_repeated_once_the_database_is_back(acme, tmp_path, monkeypatch):
    made = acme.generation()
    monkeypatch.setattr(takeover, "WRITE_SECONDS", 0.01)
    failures = [OperationalError("the database is away")]

    async def away_once(statement: Any) -> Any:
        if failures:
            raise failures.pop()
        return await fetch_async(statement)

    monkeypatch.setattr(takeover, "fetch_async", away_once)

    async def journey() -> int:
        async with shop(tmp_path) as here:
            first = await here.begun(made)  # returns once the order is written
            await died(here, first)
            here.vendor.may_answer.set()
            await here.followed()
            return len(here.vendor.orders)

    assert asyncio.run(journey()) == 1
    made.refresh_from_db()
    assert made.state == "succeeded"


def test_each_order_is_one_statement_and_a_request_without_orders_has_none(
    acme, tmp_path, monkeypatch
):
    made = acme.generation(n=2)
    seen: list[str] = []
    rows = LentConnection._rows  # noqa: SLF001 - every statement of a loop leads there

    async def noted(self: LentConnection, statement: Any) -> Any:
        seen.append(statement.text)
        return await rows(self, statement)

    monkeypatch.setattr(LentConnection, "_rows", noted)

    async def journey() -> None:
        async with shop(tmp_path) as here:
            here.vendor.may_answer.set()
            await here.followed()

    asyncio.run(journey())

    made.refresh_from_db()
    assert made.state == "succeeded"
    assert len([text for text in seen if "SET jobs =" in text]) == 2
    assert [text for text in seen if "AS a SET dispatch =" in text] == []
