"""POST /v1/images/quote: nothing is written, resolved or contacted, and no image is decoded."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from accounts import rates
from accounts.callers import Caller
from generation.admission import inputs
from generation.admission.arrival import Arrival
from generation.admission.identity import lane_of, looked_up
from generation.admission.quoting import Quoted, quoted_order_async
from generation.api import requests
from generation.api.objects import QuoteObject
from generation.api.requests import QuoteRequest
from pictor.kit import api_errors, clock, pools
from pictor.kit.api_docs import described
from pictor.kit.errors import NoChannelAvailable, NotFound


@described(
    "quote_generation",
    summary="Quote",
    body=QuoteRequest,
    answers={200: QuoteObject},
    errors=[NotFound, NoChannelAvailable],
)
async def quote(request: ASGIRequest) -> HttpResponseBase:
    """What the same body would cost. Spends and holds nothing."""
    arrival = Arrival.of(request, parse=requests.quote)
    quoted = await pools.admission().run(lane_of(arrival), partial(_quoted, arrival))
    return api_errors.json_response(QuoteObject.render(quoted))


async def _quoted(arrival: Arrival) -> Quoted:
    caller = await looked_up(arrival)
    asked = await pools.database(_asked, arrival, caller)
    return await quoted_order_async(caller=caller, request=asked, now=clock.now())


def _asked(arrival: Arrival, caller: Caller) -> Mapping[str, Any]:
    rates.take_query(caller)
    arrival.spools.owner = str(caller.tenant_id)
    return inputs.extract(arrival.parse(arrival.body), arrival.body, arrival.spools).request
