"""Streamed answers: server-sent events with partial images, then a completed one per image.

`delay` is spread evenly over the events. `reset`, `hang` and `truncate` strike at the last event,
`empty` ends the stream without any; failures with a status come before the stream begins.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

from aiohttp import web

from sandbox import answers, delivery, pictures
from sandbox.answers import Payload
from sandbox.delays import Delays
from sandbox.orders import Order
from sandbox.studio import Studio


async def answer(
    request: web.Request, order: Order, *, studio: Studio, delays: Delays
) -> web.StreamResponse:
    """Send the events of an order as they are drawn."""
    response = web.StreamResponse(headers={"Cache-Control": "no-cache"})
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    await response.prepare(request)
    await response.write(b": drawing\n\n")
    left = _events_in(order)
    async for event in _events(order, studio=studio, delays=delays):
        left -= 1
        if not left and order.directive.failure is not None:
            return await _fail(request, response, event, order.directive.failure)
        await delivery.write(response, event, drip=order.directive.drip)
    await response.write_eof()
    return response


def _events_in(order: Order) -> int:
    return order.n * ((order.partial_images or 0) + 1)


async def _events(order: Order, *, studio: Studio, delays: Delays) -> AsyncIterator[Payload]:
    created = int(time.time())
    pause_seconds = order.directive.delay_seconds / max(1, _events_in(order))
    for image in range(order.n):
        picture = order.picture(image)
        for index in range(order.partial_images or 0):
            await delays.wait(pause_seconds)
            file = await studio.draw(replace(picture, blur=pictures.partial_blur(index)))
            yield answers.partial_event(order, file, index=index, created=created)
        await delays.wait(pause_seconds)
        file = await studio.draw(picture)
        yield answers.completed_event(order, file, first=image == 0, created=created)


async def _fail(
    request: web.Request, response: web.StreamResponse, last: Payload, failure: str
) -> web.StreamResponse:
    if failure == "reset":
        return delivery.reset(request)
    if failure == "hang":
        await delivery.hang()
    await delivery.write_half(response, last)
    return delivery.hang_up(request, response)
