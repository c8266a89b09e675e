"""An attempt keeps its request and result, and is costed by the table in force at its start."""

import asyncio
import base64
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from billing.models import Transfer, UnchargedCost
from billing.pixel_prices import by_megapixels
from billing.selectors.office.ledger import ledger_findings
from billing.upstream_cost import CostSource
from generation import pipeline
from generation.catalogue.credentials import encrypted
from generation.catalogue.snapshot import current_catalogue
from generation.channels.base import TokenUsage
from generation.dispatch.service import Dispatcher
from generation.lifecycle import attempts
from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.notify import Ring
from generation.lifecycle.outcome import not_stored
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Attempt, Channel, CostTable, Generation, Route
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.bytes.spool import Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.fakes.raw_server import Script, running, says
from tests.making.factories import ORIGIN, at, begun, make_delivery, open_gate, stored_images, take

pytestmark = pytest.mark.django_db

MIDNIGHT = at("2026-11-20T00:00:00Z")
OUTPUT = [ORIGIN, "tokens", "output", "tokens", 30_000_000]
TEXT = [ORIGIN, "tokens", "input_text", "tokens", 5_000_000]
USAGE = TokenUsage(input_tokens=10, output_tokens=1_756, total_tokens=1_766)
BY_TOKENS = 10 * 5 + 1_756 * 30


def write(
    channel: Channel, *rows: list[Any], since: datetime | None = None, terms: Any = None
) -> None:
    begins = since or clock.now() - timedelta(minutes=1)
    before = begins - timedelta(days=1)
    CostTable.objects.create(
        channel=channel, rows=rows, terms=terms, effective_from=begins, created_at=before
    )


def claimed(made: Generation, worker: WorkerEpoch) -> Claim:
    claim = take(generation_id=made.id, worker=worker)
    assert claim is not None
    return claim


def settle(made: Generation, worker: WorkerEpoch, spools: Spools, **options: Any) -> Attempt:
    claim = claimed(made, worker)
    delivery = make_delivery(claim, spools, **options)
    stored = stored_images(claim, delivery)
    assert settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    return Attempt.objects.get()


def test_tokens_decide_what_was_delivered_has_cost(channel, queued, worker, spools):
    write(channel, OUTPUT, TEXT)

    attempt = settle(queued, worker, spools, usage=USAGE)

    assert (attempt.cost_micros, attempt.cost_source) == (BY_TOKENS, CostSource.TOKENS)
    assert (attempt.n, attempt.images_received, attempt.upstream_quality) == (1, 1, "medium")
    assert (attempt.input_text_tokens, attempt.input_image_tokens, attempt.output_tokens) == (
        *(10, 0),
        1_756,
    )
    assert Transfer.objects.get(attempt_id=attempt.id).amount == BY_TOKENS
    assert ledger_findings() == []
    assert generation_findings() == []


@pytest.mark.usefixtures("pooled_connections")
def test_the_cell_is_that_of_the_upstreams_words(channel, acme, worker, spools):
    Route.objects.update(quality_map={"medium": "standard"})
    write(channel, [ORIGIN, "1024x1024", "standard", "fixed", 12_345])
    made = acme.generation()

    attempt = run_on(upstream({}), made, worker, spools)

    assert (attempt.upstream_quality, attempt.cost_micros) == ("standard", 12_345)
    assert attempt.cost_source == CostSource.TABLE


@pytest.mark.usefixtures("pooled_connections")
def test_a_cost_by_pixels_is_booked_to_the_micro(channel, acme, worker, spools):
    terms = by_megapixels([Micros(30_001), Micros(15_002)]).as_json()
    write(channel, [ORIGIN, "any", "any", "pixels", 30_001], terms=[terms])
    made = acme.generation(size="1536x1024")

    attempt = run_on(upstream({}), made, worker, spools)

    assert (attempt.cost_micros, attempt.cost_source) == (45_003, CostSource.TABLE)
    assert Transfer.objects.get(attempt_id=attempt.id).amount == 45_003


def test_an_unknown_cost_is_not_zero(channel, queued, worker, spools):
    Route.objects.update(cost_micros=None)

    attempt = settle(queued, worker, spools)

    assert (attempt.cost_source, attempt.known_cost_micros) == (CostSource.UNKNOWN, None)
    assert not Transfer.objects.filter(attempt_id=attempt.id).exists()
    assert generation_findings() == []


def test_tokens_that_nobody_counts_are_no_evidence(channel, queued, worker, spools):
    write(channel, OUTPUT, TEXT)

    attempt = settle(queued, worker, spools, usage=TokenUsage(1, 2**63, 2**63))

    assert (attempt.output_tokens, attempt.cost_source) == (None, CostSource.FLAT)


@pytest.mark.parametrize(("seconds", "micros"), [(-1, 1_000), (0, 2_000), (1, 2_000)])
def test_an_attempt_costs_what_was_in_force_when_it_began(channel, claim, seconds, micros):
    write(channel, [ORIGIN, "any", "any", "fixed", 1_000], since=MIDNIGHT - timedelta(days=9))
    write(channel, [ORIGIN, "any", "any", "fixed", 2_000], since=MIDNIGHT)
    begun(claim, channel)
    began = MIDNIGHT + timedelta(seconds=seconds)
    Attempt.objects.update(started_at=began, upstream_model=ORIGIN)
    Generation.objects.update(state="queued", worker=None)

    attempts.cut_off(generation_ids=[claim.generation.id], now=MIDNIGHT + timedelta(minutes=9))

    attempt = Attempt.objects.get()
    assert (attempt.cost_micros, attempt.cost_source) == (micros, CostSource.TABLE)
    assert Transfer.objects.get(kind="loss").amount == micros


def test_an_attempt_over_midnight_costs_by_the_table_of_its_start(channel, queued, worker, spools):
    midnight = clock.now() - timedelta(minutes=1)
    write(channel, [ORIGIN, "any", "any", "fixed", 1_000], since=midnight - timedelta(days=9))
    write(channel, [ORIGIN, "any", "any", "fixed", 2_000], since=midnight)
    claim = claimed(queued, worker)
    made = make_delivery(claim, spools)
    delivery = replace(made, sent=replace(made.sent, at=midnight - timedelta(seconds=1)))
    stored = stored_images(claim, delivery)

    assert settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())

    attempt = Attempt.objects.get()
    assert (attempt.cost_micros, attempt.cost_source) == (1_000, CostSource.TABLE)
    assert Transfer.objects.get(kind="upstream_cost").amount == 1_000


def test_an_image_that_could_not_be_stored_costs_its_tokens(channel, queued, worker, spools):
    write(channel, OUTPUT, TEXT)
    claim = claimed(queued, worker)
    delivery = make_delivery(claim, spools, usage=USAGE)

    fail(claim=claim, failure=not_stored(delivery, "no bucket"), now=clock.now())

    assert UnchargedCost.objects.get().cost_micros == BY_TOKENS


def upstream(usage: dict[str, int]) -> Script:
    """An upstream that answers with a 1024x1024 image and this usage."""
    file = io.BytesIO()
    Image.new("RGB", (1024, 1024), "navy").save(file, "PNG")
    data = [{"b64_json": base64.b64encode(file.getvalue()).decode()}]
    return says(json.dumps({"data": data, "usage": usage}).encode())


def run_on(script: Script, made: Generation, worker: WorkerEpoch, spools: Spools) -> Attempt:
    """Run a generation's attempt, which began with its claim, and return its row."""

    async def journey() -> None:
        async with running(script) as server:
            await pools.database(
                Channel.objects.update, base_url=server.url, credentials=encrypted("sk-1")
            )
            await pools.database(current_catalogue)
            http = HttpPools()
            dispatcher = Dispatcher(
                http=http, allow=[server.host_port], spools=spools, gate=open_gate()
            )
            await pipeline.run(ring=Ring.of(made), worker=worker, dispatcher=dispatcher)
            await http.aclose()

    asyncio.run(journey())
    return Attempt.objects.get()


COUNTED = {"input_tokens": 10, "output_tokens": 1_756, "total_tokens": 1_766}


@pytest.mark.usefixtures("pooled_connections")
def test_the_whole_way_an_image_costs_its_tokens(channel, queued, worker, spools):
    write(channel, OUTPUT, TEXT)

    attempt = run_on(upstream(COUNTED), queued, worker, spools)

    assert (attempt.attempt_class, attempt.cost_micros) == ("delivered", BY_TOKENS)


@pytest.mark.usefixtures("pooled_connections")
def test_an_image_of_another_size_costs_its_tokens_and_nobody_pays(channel, acme, worker, spools):
    write(channel, OUTPUT, TEXT)
    made = acme.generation(strict_size=True, size="1536x1024")

    attempt = run_on(upstream(COUNTED), made, worker, spools)

    assert (attempt.attempt_class, attempt.images_received) == ("bad_result", 1)
    assert (attempt.cost_micros, attempt.cost_source) == (BY_TOKENS, CostSource.TOKENS)
    assert (UnchargedCost.objects.get().loss, Transfer.objects.get(kind="loss").amount) == (
        "wrong_size",
        BY_TOKENS,
    )
