"""POST /v1/images/quote: nothing is written, resolved or contacted, and no image is decoded."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from accounts import rates
from generation.admission import inputs
from generation.admission.arrival import Arrival
from generation.admission.quoting import Quoted, quoted_order
from generation.api import requests
from generation.api.objects import QuoteObject
from generation.api.requests import QuoteRequest
from pictor.kit import api_errors, clock
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

    def read() -> Quoted:
        caller = arrival.authenticated()
        rates.take_query(caller)
        arrival.spools.owner = str(caller.tenant_id)
        images = inputs.extract(arrival.parse(arrival.body), arrival.body, arrival.spools)
        return quoted_order(caller=caller, request=images.request, now=clock.now())

    return api_errors.json_response(QuoteObject.render(await arrival.in_turn(read)))
