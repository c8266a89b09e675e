"""Orders of which no job was written before their worker died: they may be paid as well."""

import asyncio

import pytest

from generation.models import Attempt
from pictor.kit.database import pools
from tests.fakes.job_vendor import KIND
from tests.generation.dispatch.following import paid, registered, shop
from tests.making.factories import make_channel

pytestmark = pytest.mark.usefixtures("pooled_connections", "channel")

PRICE = 52_680


@pytest.fixture(autouse=True)
def known_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch)


async def keep_jobs(number: int, **named: int) -> None:
    """Forget the other jobs of the only attempt, as if they had not been written."""
    jobs = await pools.database(Attempt.objects.values_list("jobs", flat=True).get)
    assert jobs is not None
    kept = [job | named for job in jobs[-number:]]
    await pools.database(Attempt.objects.update, jobs=kept)


# At most four orders are under way at once: others without a job were never made.
@pytest.mark.parametrize(
    ("n", "kept", "cost"), [(2, 1, 60_000), (6, 4, 180_000), (6, 1, 150_000), (2, 2, 60_000)]
)
def test_fewer_jobs_bring_fewer_images_at_the_cost_of_all_that_may_be_paid(
    acme, tmp_path, n, kept, cost
):
    made = acme.generation(n=n)

    async def journey() -> int:
        async with shop(tmp_path) as here:
            first = await here.begun(made)
            first.cancel()
            await here.taken_back(first)
            await keep_jobs(kept)
            here.vendor.may_answer.set()
            await here.followed()
            return len(here.vendor.orders)

    assert asyncio.run(journey()) == n
    made.refresh_from_db()
    assert made.state == "succeeded"
    ignored = ["n", "quality"] if kept < n else ["quality"]
    assert made.answer["metadata"]["ignored"] == ignored
    assert paid() == [("capture", kept * PRICE), ("upstream_cost", cost)]


def test_what_the_vendor_named_for_some_orders_is_not_the_cost_of_all(acme, tmp_path):
    made = acme.generation(n=2)

    async def journey() -> None:
        async with shop(tmp_path, failed={"class": "unknown"}) as here:
            first = await here.begun(made)
            first.cancel()
            await here.taken_back(first)
            await keep_jobs(1, cost=7_000)
            here.vendor.may_answer.set()
            await here.followed()

    asyncio.run(journey())

    assert paid() == [("loss", 60_000)]


def test_a_refused_order_proves_nothing_of_one_that_was_not_written(acme, tmp_path):
    make_channel("two", priority=20, kind=KIND.name)
    made = acme.generation(n=2)

    async def journey() -> int:
        async with shop(tmp_path, failed={"class": "refused"}) as here:
            first = await here.begun(made)
            first.cancel()
            await here.taken_back(first)
            await keep_jobs(1)
            here.vendor.may_answer.set()
            await here.followed()
            return len(here.vendor.orders)

    assert asyncio.run(journey()) == 2
    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.may_have_billed) == ("unknown", True)
    assert paid() == [("loss", 60_000)]
