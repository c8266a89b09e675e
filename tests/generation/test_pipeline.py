"""The pipeline when something unforeseen happens."""

import asyncio
import base64
import io
import json
import logging
import time
from datetime import datetime, timedelta

import pytest
from PIL import Image
from typing_extensions import override

from billing.models import Transfer
from billing.selectors.office.ledger import ledger_findings
from generation import pipeline
from generation.catalogue.credentials import encrypted
from generation.dispatch import service
from generation.dispatch.choosing import Chooser, Opening
from generation.dispatch.service import Dispatcher
from generation.lifecycle import attempts, notify
from generation.lifecycle.claims import Claim
from generation.lifecycle.notify import Ring
from generation.lifecycle.outcome import Verified
from generation.models import Attempt, Channel, Generation, Serves
from generation.selectors import Finished
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.bytes.spools import process_spools
from pictor.kit.database import pools
from pictor.kit.database.prepared import Statement
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.watching import log
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.fakes.raw_server import hangs, running, says
from tests.making.factories import (
    begun,
    make_channel,
    make_delivery,
    open_gate,
    queued_as,
    stored_images,
)


class Broken(Dispatcher):
    """A dispatcher that begins an attempt, then fails in an unforeseen way."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._chooser = Chooser()
        self._spools = process_spools()

    @override
    async def run(self, claim: Claim, spools: Spools, opening: Opening | None = None) -> Verified:
        await pools.database(begun, claim, self._channel)
        raise RuntimeError("a secret detail")


class Delivers(Broken):
    """A dispatcher that brings an image."""

    gate = open_gate()

    @override
    async def run(self, claim: Claim, spools: Spools, opening: Opening | None = None) -> Verified:
        return await pools.database(make_delivery, claim, spools)


async def stored(claim: Claim, delivery: Verified, **_: object) -> list[StoredImage]:
    """Return rows without storing the images."""
    return stored_images(claim, delivery)


@pytest.mark.usefixtures("pooled_connections")
def test_an_unforeseen_error_ends_the_generation_at_once_and_books_what_it_may_have_cost(
    acme, channel, queued, worker, caplog
):
    with caplog.at_level(logging.ERROR):
        asyncio.run(
            pipeline.run(ring=Ring(queued_as(queued)), worker=worker, dispatcher=Broken(channel))
        )

    queued.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (queued.state, queued.error["status"], queued.error["code"]) == (
        *("failed", 502),
        "upstream_error",
    )
    assert "secret" not in str(queued.error)
    assert "a secret detail" in caplog.text
    assert acme.money == (10_000_000, 0)
    assert attempt.finished_at is not None
    assert (attempt.attempt_class, attempt.may_have_billed, attempt.cost_micros) == (
        *("unknown", True),
        30_000,
    )
    assert [each.amount for each in Transfer.objects.filter(kind="loss")] == [30_000]
    assert ledger_findings() == []


@pytest.mark.usefixtures("pooled_connections")
def test_a_generation_failed_after_storing_has_no_images(channel, queued, worker, monkeypatch):
    told: list[Finished] = []

    async def broken(**_: object) -> bool:
        raise RuntimeError("a bill that cannot be written")

    async def tells(finished: Finished) -> None:
        told.append(finished)

    monkeypatch.setattr(pipeline, "store", stored)
    monkeypatch.setattr(pipeline, "settle_unheard", broken)
    monkeypatch.setattr(notify, "wake_async", tells)
    asyncio.run(
        pipeline.run(ring=Ring(queued_as(queued)), worker=worker, dispatcher=Delivers(channel))
    )

    assert [(each.generation.state, each.images) for each in told] == [("failed", ())]


@pytest.mark.usefixtures("pooled_connections")
def test_image_spools_are_closed_before_the_settlement(channel, queued, worker, monkeypatch):
    """Settling may wait as long as the database is away, and the images are stored already."""
    kept: list[bool] = []

    async def looks(*, delivery: Verified, **_: object) -> bool:
        kept.extend(not image.spool.is_closed for image in delivery.images)
        return True

    monkeypatch.setattr(pipeline, "store", stored)
    monkeypatch.setattr(pipeline, "settle_unheard", looks)
    asyncio.run(
        pipeline.run(ring=Ring(queued_as(queued)), worker=worker, dispatcher=Delivers(channel))
    )

    assert kept == [False]


@pytest.mark.usefixtures("pooled_connections")
def test_an_image_stored_after_the_deadline_is_not_charged(
    acme, channel, queued, worker, monkeypatch
):
    async def stored_late(
        claim: Claim, delivery: Verified, *, ends_at: float, **_: object
    ) -> list[StoredImage]:
        await asyncio.sleep(ends_at - time.monotonic() + 0.01)
        return stored_images(claim, delivery)

    monkeypatch.setattr(pipeline, "store", stored_late)
    Generation.objects.update(deadline_at=clock.now() + timedelta(seconds=3))
    asyncio.run(
        pipeline.run(ring=Ring(queued_as(queued)), worker=worker, dispatcher=Delivers(channel))
    )

    queued.refresh_from_db()
    assert (queued.state, queued.error["code"]) == ("failed", "generation_timeout")
    assert Attempt.objects.get().attempt_class == "storage_failed"
    assert acme.money == (10_000_000, 0)
    assert ledger_findings() == []


@pytest.mark.usefixtures("pooled_connections")
def test_a_workers_log_lines_name_the_request(queued, worker, channel):
    Generation.objects.update(request_id="req_1")
    seen = []

    class Looks(Broken):
        @override
        async def run(
            self, claim: Claim, spools: Spools, opening: Opening | None = None
        ) -> Verified:
            seen.append(await pools.database(log.request_id.get))
            return await super().run(claim, spools)

    asyncio.run(
        pipeline.run(ring=Ring(queued_as(queued)), worker=worker, dispatcher=Looks(channel))
    )

    assert seen == ["req_1"]


def noise() -> bytes:
    """A PNG above 256 KiB, which spools to disk."""
    file = io.BytesIO()
    Image.effect_noise((1024, 1024), 90).save(file, "PNG")
    return file.getvalue()


@pytest.mark.usefixtures("channel", "pooled_connections")
@pytest.mark.parametrize("budget_bytes", [1_400_000, 3_400_000], ids=["taking in", "converting"])
def test_a_spool_without_room_is_our_fault_and_not_the_channels(
    acme, queued, worker, tmp_path, budget_bytes
):
    Generation.objects.update(output_format="webp")
    Channel.objects.update(credentials=encrypted("sk-upstream"))
    data = [{"b64_json": base64.b64encode(noise()).decode()}]

    async def journey() -> None:
        async with running(says(json.dumps({"data": data}).encode())) as upstream:
            await pools.database(Channel.objects.update, base_url=upstream.url)
            http = HttpPools()
            spools = Spools(tmp_path, SpoolBudget(budget_bytes))
            dispatcher = Dispatcher(
                http=http, allow=[upstream.host_port], spools=spools, gate=open_gate()
            )
            await pipeline.run(ring=Ring(queued_as(queued)), worker=worker, dispatcher=dispatcher)
            assert len(upstream.received) == 1
            assert spools.budget.used_bytes == 0
            await http.aclose()

    asyncio.run(journey())

    queued.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (queued.state, queued.error["status"], queued.error["code"]) == (
        *("failed", 503),
        "service_unavailable",
    )
    assert attempt.attempt_class == "storage_failed"
    assert acme.money == (10_000_000, 0)


@pytest.mark.usefixtures("pooled_connections", "channel")
@pytest.mark.parametrize("another", [True, False], ids=["another is left", "none is left"])
def test_a_channel_that_takes_no_tests_any_more_is_passed_over(
    acme, worker, tmp_path, monkeypatch, another
):
    switched = make_channel("switched", serves=Serves.TEST, priority=1)
    if another:
        make_channel("sandbox", serves=Serves.TEST, credentials=encrypted("sk-upstream"))
    made = acme.tester().generation()
    begin = attempts.begin

    async def overtaken(attempt: Statement[datetime | None]) -> datetime | None:
        channel = Channel.objects.filter(pk=switched.pk)
        await pools.database(channel.update, serves=Serves.LIVE)
        return await begin(attempt)

    monkeypatch.setattr(attempts, "begin", overtaken)
    data = [{"b64_json": base64.b64encode(noise()).decode()}]

    async def journey() -> None:
        async with running(says(json.dumps({"data": data}).encode())) as upstream:
            sandbox = Channel.objects.filter(name="sandbox")
            await pools.database(sandbox.update, base_url=upstream.url)
            http = HttpPools()
            spools = Spools(tmp_path, SpoolBudget(4_000_000))
            dispatcher = Dispatcher(
                http=http, allow=[upstream.host_port], spools=spools, gate=open_gate()
            )
            await pipeline.run(ring=Ring(queued_as(made)), worker=worker, dispatcher=dispatcher)
            assert spools.budget.used_bytes == 0
            await http.aclose()

    asyncio.run(journey())

    made.refresh_from_db()
    tried = list(Attempt.objects.values_list("channel__name", flat=True))
    if another:
        assert (made.state, tried) == ("succeeded", ["sandbox"])
    else:
        assert (made.state, tried, made.error["code"]) == ("failed", [], "no_channel_available")


@pytest.mark.usefixtures("pooled_connections")
def test_a_test_s_call_is_cut_short_and_all_tests_share_the_spools(
    acme, worker, tmp_path, monkeypatch
):
    monkeypatch.setattr(service, "TEST_SECONDS", 0.2)
    make_channel("sandbox", serves=Serves.TEST, credentials=encrypted("sk-upstream"))
    made = acme.tester().generation()
    owners: list[str] = []

    class Notes(Dispatcher):
        @override
        def scope_of(self, claim: Claim) -> Spools:
            scope = super().scope_of(claim)
            owners.append(scope.owner)
            return scope

    async def journey() -> None:
        async with running(hangs) as upstream:
            await pools.database(Channel.objects.update, base_url=upstream.url)
            http = HttpPools()
            spools = Spools(tmp_path, SpoolBudget(4_000_000))
            dispatcher = Notes(
                http=http, allow=[upstream.host_port], spools=spools, gate=open_gate()
            )
            await pipeline.run(ring=Ring(queued_as(made)), worker=worker, dispatcher=dispatcher)
            await http.aclose()

    asyncio.run(journey())

    made.refresh_from_db()
    assert (made.state, made.error["status"], made.error["code"]) == (
        *("failed", 504),
        "generation_timeout",
    )
    assert owners == ["tests"]
