"""POST /v1/images/quote: nothing is written, resolved or contacted, and no image is decoded."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from generation import pipeline
from generation.admission.arrival import Arrival
from generation.api import render, requests
from generation.api.objects import QuoteObject
from generation.api.requests import QuoteRequest
from generation.catalogue.life import life_headers
from generation.catalogue.snapshot import latest_catalogue
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.endpoints.documents import described
from pictor.kit.words import clock
from pictor.kit.words.errors import ModelSunset, NoChannelAvailable, NotFound


@described(
    "quote_generation",
    summary="Quote",
    body=QuoteRequest,
    parameters=render.of_life([200, 410]),
    answers={200: QuoteObject},
    errors=[NotFound, ModelSunset, NoChannelAvailable],
)
async def quote(request: ASGIRequest) -> HttpResponseBase:
    """The cost of the same body. Spends and holds nothing."""
    quoted = await pipeline.quote(Arrival.of(request, parse=requests.quote))
    headers = life_headers(latest_catalogue(), quoted.order.model, clock.now())
    return api_errors.json_response(QuoteObject.render(quoted), headers=headers)
