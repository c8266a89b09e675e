"""POST /v1/images/quote: nothing is written, resolved or contacted, and no image is decoded."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from accounts import rates
from generation.admission.service import Quoted, quoted_order
from generation.api import inputs, requests
from generation.api.admitting import in_turn
from generation.api.calls import Call
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
    call = Call.of(request, parse=requests.quote)

    def read() -> Quoted:
        caller = call.authenticated("images:write")
        rates.take_query(caller)
        fields = call.parse(call.body)
        call.spools.owner = str(caller.tenant_id)
        inputs.extract(fields, call.body, call.spools)
        return quoted_order(caller=caller, request=fields, now=clock.now())

    return api_errors.json_response(QuoteObject.render(await in_turn(call, read)))
