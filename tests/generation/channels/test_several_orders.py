import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from generation.channels.base import TokenUsage, UpstreamAnswer, UpstreamImage, UpstreamRequest
from generation.channels.engine import WireAdapter
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.several_orders import together
from pictor.kit.bytes.spool import Spools
from pictor.kit.words.money import Micros
from tests.fakes.raw_server import Received
from tests.generation.channels.conftest import PIXEL, config_for
from tests.generation.channels.printing import PrinterWire, tells

pytestmark = pytest.mark.anyio

MODERATED = UpstreamError(AttemptClass.MODERATED, "no")
BAD = UpstreamError(AttemptClass.BAD_RESULT, "no picture")
REJECTED = UpstreamError(AttemptClass.REJECTED, "no such size")
REFUSED = UpstreamError(AttemptClass.REFUSED, "no credit")
UNKNOWN = UpstreamError(AttemptClass.UNKNOWN, "lost")
MOST = [1] * 5

Order = Callable[[float], Awaitable[UpstreamAnswer]]


def comes(spools: Spools, cost: int | None = None) -> Order:
    async def order(_seconds: float) -> UpstreamAnswer:
        image = UpstreamImage(spools.new(max_bytes=1))
        usage = TokenUsage(1, 20, 21)
        return UpstreamAnswer((image,), usage=usage, cost=None if cost is None else Micros(cost))

    return order


def fails(error: UpstreamError) -> Order:
    async def order(_seconds: float) -> UpstreamAnswer:
        raise error

    return order


async def test_more_images_than_the_most_are_several_orders(upstream, pool, spools):
    upstream.script = tells({"pictures": [{"picture": base64.b64encode(PIXEL).decode()}] * 2})
    adapter = WireAdapter(config_for(upstream.url), pool, spools, PrinterWire(), max_n=2)

    answer = await adapter.generate(UpstreamRequest("fox-1", "a fox", n=5))

    assert sorted(request.body for request in upstream.received) == [
        b'{"n":1}', b'{"n":2}', b'{"n":2}',
    ]  # fmt: skip
    assert len(answer.images) == 5


async def test_four_orders_are_under_way_at_once(spools):
    begun: list[int] = []
    are_four = asyncio.Event()

    async def order(_seconds: float) -> UpstreamAnswer:
        begun.append(len(begun))
        if len(begun) == 4:
            are_four.set()
        await are_four.wait()
        return await comes(spools)(1)

    answer = await together([order] * 5, MOST, 5)

    assert len(answer.images) == 5
    assert answer.usage == TokenUsage(5, 100, 105)


async def test_no_more_are_under_way_than_the_request_allows(upstream, pool, spools):
    under_way = 0
    are_two, most = asyncio.Barrier(2), 0

    async def answers(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await are_two.wait()
        under_way -= 1
        await tells({"pictures": [{"picture": base64.b64encode(PIXEL).decode()}]})(request, writer)

    upstream.script = answers
    adapter = WireAdapter(config_for(upstream.url), pool, spools, PrinterWire(), max_n=1)

    answer = await adapter.generate(UpstreamRequest("fox-1", "a fox", n=6, at_once=2))

    assert (len(answer.images), most) == (6, 2)


@pytest.mark.parametrize(("units", "sum_of_them"), [([1, 2], 3), ([1, None], None)])
async def test_units_of_all_orders_are_added_up(spools, units, sum_of_them):
    def of(number: int | None) -> Order:
        async def order(seconds: float) -> UpstreamAnswer:
            counted = None if number is None else Decimal(number)
            return replace(await comes(spools)(seconds), units=counted)

        return order

    answer = await together([of(number) for number in units], [1, 1], 5)

    assert answer.units == sum_of_them


async def test_a_fifth_order_waits(spools):
    begun: list[int] = []
    is_over = asyncio.Event()

    async def order(_seconds: float) -> UpstreamAnswer:
        begun.append(1)
        await is_over.wait()
        return await comes(spools)(1)

    task = asyncio.create_task(together([order] * 5, MOST, 5))
    for _ in range(20):
        await asyncio.sleep(0)
    count = len(begun)
    is_over.set()
    await task

    assert (count, len(begun)) == (4, 5)


async def test_what_came_is_delivered_with_all_that_may_be_paid(spools):
    orders = [comes(spools, 100), fails(UNKNOWN), comes(spools, 200), fails(MODERATED)]

    answer = await together(orders, [3, 2, 3, 3], 5)

    assert (len(answer.images), answer.cost, answer.lost) == (2, 300, 2)


async def test_a_failed_order_with_a_stated_cost_is_not_lost(spools):
    orders = [comes(spools, 100), fails(UNKNOWN.but(cost=Micros(70)))]

    answer = await together(orders, [1, 1], 5)

    assert (answer.cost, answer.lost) == (170, 0)


async def test_a_cost_that_not_every_answer_states_is_none(spools):
    orders = [comes(spools), fails(BAD.but(may_have_billed=False, cost=Micros(0)))]

    answer = await together(orders, [1, 1], 5)

    assert (answer.cost, answer.lost) == (None, 0)


@pytest.mark.parametrize(
    ("errors", "expected", "is_paid"),
    [
        ([REFUSED, UNKNOWN, MODERATED], AttemptClass.UNKNOWN, True),
        ([REFUSED, BAD, MODERATED], AttemptClass.MODERATED, True),
        ([REJECTED, BAD], AttemptClass.BAD_RESULT, True),
        ([REFUSED, REJECTED], AttemptClass.REJECTED, False),
        ([REFUSED, REFUSED], AttemptClass.REFUSED, False),
    ],
)
async def test_if_nothing_came_the_worst_counts(errors, expected, is_paid):
    with pytest.raises(UpstreamError) as raised:
        await together([fails(error) for error in errors], MOST, 5, stops_early=False)

    assert (raised.value.attempt_class, raised.value.may_have_billed) == (expected, is_paid)


async def test_what_one_order_was_taken_for_is_said_of_all(spools):
    orders = [fails(BAD.but(is_taken=True)), fails(UNKNOWN)]

    with pytest.raises(UpstreamError) as raised:
        await together(orders, [1, 1], 5)

    assert (raised.value.attempt_class, raised.value.is_taken) == (AttemptClass.UNKNOWN, True)


async def test_after_one_is_turned_away_no_other_is_begun(spools):
    begun: list[int] = []

    async def refused(_seconds: float) -> UpstreamAnswer:
        begun.append(1)
        raise REFUSED

    with pytest.raises(UpstreamError):
        await together([refused] * 10, [1] * 10, 5)

    assert len(begun) == 1
