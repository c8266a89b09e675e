"""POST /v1/images/quote: nothing is written, resolved or contacted, and no image is decoded."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from accounts import rates
from accounts.selectors import Caller
from generation.admission import inputs
from generation.admission.arrival import Arrival
from generation.admission.quoting import Quoted, quoted_order
from generation.api import requests
from generation.api.objects import QuoteObject
from generation.api.requests import QuoteRequest
from pictor.kit import api_errors, clock
from pictor.kit.api_docs import described
from pictor.kit.errors import NoChannelAvailable, NotFound
from pictor.kit.moments import Steps, moment


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

    def parsed(caller: Caller) -> Mapping[str, Any]:
        rates.take_query(caller)
        arrival.spools.owner = str(caller.tenant_id)
        return inputs.extract(arrival.parse(arrival.body), arrival.body, arrival.spools).request

    @moment
    def read() -> Steps[Quoted]:
        caller = yield from arrival.authenticated()
        asked = yield partial(parsed, caller)
        return (yield from quoted_order.steps(caller=caller, request=asked, now=clock.now()))

    return api_errors.json_response(QuoteObject.render(await arrival.in_turn(read)))
