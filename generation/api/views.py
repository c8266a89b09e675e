"""/v1/images/generations: parse, call the pipeline, wait, render."""

import functools
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from accounts.authentication import authenticate, require_scope
from accounts.selectors import Caller
from generation import pipeline, selectors
from generation.admission import idempotency
from generation.admission.service import Admitted, Submission
from generation.api import render, serializers
from generation.api.prefer import Prefer
from generation.api.waiting import Ticket, hub
from generation.selectors import Finished
from pictor.kit import api_errors, clock, ids, pools
from pictor.kit.body import Body
from pictor.kit.errors import GenerationTimeout, MethodNotAllowed, NotFound
from pictor.kit.ids import GenerationId

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in: who says they call, what they sent, how long they will wait."""

    key: str
    ip: str | None
    request_id: str
    body: Body
    default_model: str | None
    idempotency_key: str | None
    prefer: Prefer

    @classmethod
    def of(cls, request: ASGIRequest, *, default_model: str | None = None) -> "Call":
        """Read the scope, as the body gate left it, and the headers."""
        scope = request.scope
        client = scope.get("client")
        return cls(
            key=scope["pictor.key"],
            ip=client[0] if client else None,
            request_id=scope["pictor.request_id"],
            body=scope["pictor.body"],
            default_model=default_model,
            idempotency_key=idempotency.checked_key(request.headers.get("Idempotency-Key")),
            prefer=Prefer.parse(request.headers.get("Prefer")),
        )

    def authenticated(self, scope: str) -> Caller:
        """The caller, if the key is good now and may do this. One query."""
        caller = authenticate(self.key, now=clock.now(), ip=self.ip)
        require_scope(caller, scope)
        return caller


def by_method(**views: View) -> View:
    """One path, a view for each method; any other is 405 in OpenAI's shape."""

    @csrf_exempt
    @functools.wraps(next(iter(views.values())))
    async def view(request: ASGIRequest, **kwargs: Any) -> HttpResponseBase:
        chosen = views.get(request.method or "")
        if chosen is None:
            error = MethodNotAllowed(f"This address answers {', '.join(views)} only.")
            response = api_errors.response_of(error)
            response["Allow"] = ", ".join(views)
            return response
        return await chosen(request, **kwargs)

    return view


async def create(request: ASGIRequest, default_model: str | None = None) -> HttpResponseBase:
    """POST: admit, wait, answer."""
    call = Call.of(request, default_model=default_model)
    with hub.ticket() as ticket:  # registered before the commit: no wake-up is missed
        admitted = await _admitted(call, ticket.id)
        generation = admitted.generation
        if not admitted.is_new:
            ticket.watch(generation.id)
        finished = await _finished(call, ticket, admitted)
    is_replay = not admitted.is_new
    if finished is not None:
        return render.answer(finished, is_replay=is_replay)
    if call.prefer.wait_seconds is not None:
        return render.accepted(generation, applied=call.prefer.applied, is_replay=is_replay)
    late = GenerationTimeout(
        f"The image is not ready yet. Fetch it later: GET {request.path.rstrip('/')}/"
        f"{generation.public_id}"
    )
    return api_errors.json_response(
        api_errors.body_of(late),
        status=late.status,
        headers={
            **api_errors.headers_of(late),
            **render.headers_of(generation, is_replay=is_replay),
        },
    )


async def _admitted(call: Call, generation_id: GenerationId) -> Admitted:
    return await pools.admission().run(
        lanes.of(call.key), functools.partial(_submit, call, generation_id)
    )


def _submit(call: Call, generation_id: GenerationId) -> Admitted:
    caller = call.authenticated("images:write")
    lanes.learn(call.key, caller)
    request = serializers.parse(call.body.fields(), default_model=call.default_model)
    submission = Submission(
        request=request,
        request_id=call.request_id,
        idempotency_key=call.idempotency_key,
    )
    return pipeline.submit(
        caller=caller, submission=submission, generation_id=generation_id, now=clock.now()
    )


async def _finished(call: Call, ticket: Ticket, admitted: Admitted) -> Finished | None:
    """The finished generation, as soon as it is and at most as long as the caller waits."""
    if admitted.generation.is_final:
        return selectors.Finished(*await pools.views(_with_images, admitted))
    seconds = call.prefer.wait_seconds
    limit = settings.WAIT_LIMIT_SECONDS
    if seconds == 0:
        return None
    return await ticket.wait(limit if seconds is None else min(seconds, limit))


def _with_images(admitted: Admitted) -> tuple[Any, Any]:
    (finished,) = selectors.with_images([admitted.generation])
    return finished.generation, finished.images


async def retrieve(request: ASGIRequest, public_id: str) -> HttpResponseBase:
    """GET by id: the generation object, with its result once there is one."""
    call = Call.of(request)

    def read() -> Finished | None:
        caller = call.authenticated("images:read")
        generation_id = ids.parse(ids.GENERATION, public_id)
        if generation_id is None:
            return None
        return selectors.generation_of(caller.tenant_id, generation_id)

    finished = await pools.views(read)
    if finished is None:
        raise NotFound("There is no generation of that id.", param="id")
    return api_errors.json_response(
        render.generation_object(finished), headers=render.headers_of(finished.generation)
    )


class Lanes:
    """Which tenant a key belongs to, as far as this process has seen: for fairness, not access."""

    MAX_KEYS = 10_000

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, object] = OrderedDict()

    def of(self, key: str) -> object:
        """The tenant's lane, or a lane of the key's own before its first request."""
        return self._tenants.get(key, key)

    def learn(self, key: str, caller: Caller) -> None:
        """Remember whose key it is."""
        self._tenants[key] = caller.tenant_id
        while len(self._tenants) > self.MAX_KEYS:
            self._tenants.popitem(last=False)


lanes = Lanes()

generations = by_method(POST=create)
generation = by_method(GET=retrieve)
