"""The application: paths, keys, counters, and the way of one request.

`/v1` speaks OpenAI's wire format and wants a key, any but a wrong one; Stripe's paths there are
`sandbox.stripe`'s. The rest is the sandbox's own: `/files` serves `url` results, `/healthz` says
that it is up, `/hooks` takes any webhook, `/__stats` counts, `/__delays/end` ends delays.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from sandbox import answers, bodies, delivery, errors, orders, pictures, streams
from sandbox.delays import Delays
from sandbox.directives import Directive
from sandbox.errors import ApiError
from sandbox.orders import Order, Task
from sandbox.stripe import server as stripe
from sandbox.studio import Studio

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY_BYTES: Final = 256 << 20
REFUSED_KEYS: Final = "wrong"
"""A key that begins with this belongs to no account."""
_MODELS_CREATED: Final = 1_745_000_000
_HTML: Final = "<!doctype html><title>Bad gateway</title><h1>502 Bad gateway</h1>\n"
_STREAM_FAILURES: Final = frozenset({"reset", "hang", "truncate", "empty"})

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Stats:
    """Counted since the start or the last reset; `in_flight` is the present number.

    `images` are those of answers in one piece that were sent to the last byte; streams do not
    count, and a `url` counts when its answer was sent.
    """

    requests: int = 0
    images: int = 0
    in_flight: int = 0


_STATS: Final = web.AppKey("stats", Stats)
_STUDIO: Final = web.AppKey("studio", Studio)
_DELAYS: Final = web.AppKey("delays", Delays)


def create() -> web.Application:
    """The application, ready to be served."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_errors_as_json, _with_key])
    app[_STATS] = Stats()
    app[_STUDIO] = Studio()
    app[_DELAYS] = Delays()
    app.cleanup_ctx.append(_studio_hours)
    for path, handler in (
        ("generations", _generations),
        ("edits", _edits),
        ("variations", _variations),
    ):
        app.router.add_post(f"/v1/images/{path}", handler)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/v1/models/{id}", _model)
    app.router.add_get("/files/{name}", _file)
    app.router.add_post("/hooks", _hook)
    app.router.add_get("/healthz", _health)
    app.router.add_get("/__stats", _stats)
    app.router.add_post("/__stats/reset", _reset_stats)
    app.router.add_post("/__delays/end", _end_delays)
    stripe.add_to(app)
    return app


async def _studio_hours(app: web.Application) -> AsyncIterator[None]:
    yield
    app[_STUDIO].close()


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _error(error)
    except web.HTTPException as error:
        return _error(ApiError(f"{error.reason}: {request.path}", status=error.status))
    except ConnectionError:  # the client left while the answer was on its way
        return web.Response()
    except Exception:
        logger.exception("%s %s", request.method, request.path)
        return _error(ApiError("The sandbox failed.", status=HTTPStatus.INTERNAL_SERVER_ERROR))


@web.middleware
async def _with_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/v1/") and not stripe.speaks(request.path):
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            message = "You didn't provide an API key. Send it as 'Authorization: Bearer KEY'."
            raise ApiError(message, status=HTTPStatus.UNAUTHORIZED)
        if key.strip().startswith(REFUSED_KEYS):
            raise ApiError("Incorrect API key provided.", status=HTTPStatus.UNAUTHORIZED)
    return await handler(request)


def _error(error: ApiError) -> web.Response:
    return web.Response(
        status=error.status,
        body=error.body,
        headers=error.headers,
        content_type="application/json",
    )


async def _generations(request: web.Request) -> web.StreamResponse:
    return await _images(request, "generations")


async def _edits(request: web.Request) -> web.StreamResponse:
    return await _images(request, "edits")


async def _variations(request: web.Request) -> web.StreamResponse:
    return await _images(request, "variations")


async def _images(request: web.Request, task: Task) -> web.StreamResponse:
    stats = request.app[_STATS]
    stats.requests += 1
    stats.in_flight += 1
    try:
        order = orders.take(await bodies.read(request), task=task)
        return await _answer(request, order)
    finally:
        stats.in_flight -= 1


async def _answer(request: web.Request, order: Order) -> web.StreamResponse:
    directive = order.directive
    failing = directive.status is not None or directive.failure is not None
    streaming = order.partial_images is not None
    if streaming and (not failing or directive.failure in _STREAM_FAILURES):
        studio, delays = request.app[_STUDIO], request.app[_DELAYS]
        return await streams.answer(request, order, studio=studio, delays=delays)
    await request.app[_DELAYS].wait(directive.delay_seconds)
    refusal = await _refuse(request, directive)
    return refusal if refusal is not None else await _deliver(request, order)


async def _refuse(request: web.Request, directive: Directive) -> web.StreamResponse | None:
    """Fail as the directive says, if that needs no image."""
    if directive.status is not None:
        raise errors.asked_for(directive.status)
    match directive.failure:
        case "moderation":
            raise errors.moderation()
        case "html":
            return web.Response(text=_HTML, content_type="text/html")
        case "reset":
            return delivery.reset(request)
        case "hang":
            await delivery.hang()
        case _:
            pass
    return None


async def _deliver(request: web.Request, order: Order) -> web.StreamResponse:
    studio = request.app[_STUDIO]
    created = int(time.time())
    if order.as_url:
        payload = answers.in_urls(order, root=f"http://{request.host}/files/", created=created)
    else:
        files = [await studio.draw(order.picture(index)) for index in range(order.n)]
        payload = answers.in_base64(order, files, created=created)
    if order.directive.failure == "truncate":
        return await delivery.send_half(request, payload)
    response = await delivery.send(request, payload, drip=order.directive.drip)
    request.app[_STATS].images += order.n
    return response


async def _models(_: web.Request) -> web.StreamResponse:
    return web.json_response(
        {"object": "list", "data": [_model_facts(name) for name in orders.MODELS]}
    )


async def _model(request: web.Request) -> web.StreamResponse:
    """Every name is a model here."""
    return web.json_response(_model_facts(request.match_info["id"]))


def _model_facts(name: str) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": _MODELS_CREATED, "owned_by": "sandbox"}


async def _file(request: web.Request) -> web.StreamResponse:
    picture = pictures.at_address(request.match_info["name"])
    if picture is None:
        raise ApiError("No such file.", status=HTTPStatus.NOT_FOUND, code="not_found")
    file = await request.app[_STUDIO].draw(picture)
    return web.Response(body=file, content_type=f"image/{picture.format}")


async def _hook(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _health(_: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ok"})


async def _stats(request: web.Request) -> web.StreamResponse:
    return web.json_response(asdict(request.app[_STATS]))


async def _reset_stats(request: web.Request) -> web.StreamResponse:
    stats = request.app[_STATS]
    stats.requests = stats.images = 0
    return web.json_response(asdict(stats))


async def _end_delays(request: web.Request) -> web.StreamResponse:
    return web.json_response({"ended": request.app[_DELAYS].end()})
