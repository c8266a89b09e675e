"""Several orders of one request at one vendor, which makes fewer images in one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from generation.channels.base import ORDERS_AT_ONCE, TokenUsage, UpstreamAnswer, UpstreamRequest
from generation.channels.errors import AttemptClass, UpstreamError
from pictor.kit.words.money import Micros

_WORST_FIRST = (
    AttemptClass.UNKNOWN, AttemptClass.STORAGE_FAILED, AttemptClass.MODERATED,
    AttemptClass.BAD_RESULT, AttemptClass.REJECTED, AttemptClass.REFUSED, AttemptClass.NOT_REACHED,
)  # fmt: skip
_TURNED_AWAY = frozenset({AttemptClass.REJECTED, AttemptClass.REFUSED, AttemptClass.NOT_REACHED})

Order = Callable[[float], Awaitable[UpstreamAnswer]]
"""Carries out one order within so many seconds. Raises UpstreamError."""


async def in_parts(
    request: UpstreamRequest,
    most: int,
    order_of: Callable[[UpstreamRequest], Order],
    seconds: float,
) -> UpstreamAnswer:
    """The images of a request, of which an order makes so many at most; 0 is any number."""
    most = most or request.n
    parts = [min(most, request.n - start) for start in range(0, request.n, most)]
    orders = [order_of(replace(request, n=n)) for n in parts]
    return await together(orders, parts, seconds, at_once=request.at_once)


async def together(
    orders: Sequence[Order],
    parts: Sequence[int],
    seconds: float,
    *,
    at_once: int = ORDERS_AT_ONCE,
    stops_early: bool = True,
) -> UpstreamAnswer:
    """What came of all orders, so many at a time, with their cost; `parts` are their images.

    Raises the worst UpstreamError if nothing came. If one is turned away, no other is begun, unless
    they are only followed: then not `stops_early`.
    """
    if len(orders) == 1:
        return await orders[0](seconds)
    clock_of, turns = asyncio.get_running_loop().time, asyncio.Semaphore(at_once)
    ends_at = clock_of() + seconds
    answers: dict[int, UpstreamAnswer] = {}
    errors: dict[int, UpstreamError] = {}

    async def carry(index: int) -> None:
        async with turns:
            was_turned_away = any(each.attempt_class in _TURNED_AWAY for each in errors.values())
            if stops_early and was_turned_away:
                return
            try:
                answers[index] = await orders[index](ends_at - clock_of())
            except UpstreamError as error:
                errors[index] = error

    async with asyncio.TaskGroup() as group:
        for index in range(len(orders)):
            group.create_task(carry(index))
    lost = sum(parts[index] for index, each in errors.items() if _is_lost(each))
    return _merged([answers[index] for index in sorted(answers)], list(errors.values()), lost)


def _is_lost(error: UpstreamError) -> bool:
    return error.may_have_billed and error.cost is None


def _merged(
    answers: Sequence[UpstreamAnswer], errors: Sequence[UpstreamError], lost: int
) -> UpstreamAnswer:
    stated = [answer.cost for answer in answers] + [error.cost for error in errors]
    costs = [cost for cost in stated if cost is not None]
    # A part of the cost is no cost: units or the table tell that of all.
    is_stated = costs and None not in stated[: len(answers)]
    cost = Micros(sum(costs)) if is_stated else None
    if not answers:
        worst = min(errors, key=lambda error: _WORST_FIRST.index(error.attempt_class))
        is_paid = any(error.may_have_billed for error in errors)
        raise worst.but(
            may_have_billed=is_paid,
            cost=cost if cost or not is_paid else None,
            is_taken=any(error.is_taken for error in errors),
        )
    usages = [answer.usage for answer in answers if answer.usage is not None]
    counted = [answer.units for answer in answers if answer.units is not None]
    return replace(
        answers[0],
        units=sum(counted, Decimal(0)) if len(counted) == len(answers) else None,
        images=tuple(image for answer in answers for image in answer.images),
        usage=TokenUsage.sum_of(usages),
        cost=cost,
        lost=lost,
    )
