"""A request for images as it arrived, and the turns it takes to be admitted."""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.core.handlers.asgi import ASGIRequest

from accounts import rates
from accounts.authentication import authenticate, recognize, require_scope
from accounts.selectors import Caller
from billing.services import ConditionFailed
from generation.admission import idempotency
from generation.admission.callers import callers
from generation.admission.orphans import Attendance, InDoubt
from generation.admission.prefer import Prefer
from generation.admission.service import Submission
from generation.catalogue.snapshot import loaded_catalogue
from pictor.kit import clock, pools
from pictor.kit.body import Body
from pictor.kit.errors import PictorError
from pictor.kit.ids import GenerationId
from pictor.kit.moments import Moment, Steps
from pictor.kit.spool import Spools

P = ParamSpec("P")
T = TypeVar("T")
Parse = Callable[[Body], dict[str, Any]]
"""A request's fields with their types checked, nulls dropped. Raises InvalidRequest."""
RETRIED = re.compile("[1-9][0-9]{0,3}", re.ASCII)
"""A retry count of OpenAI's SDKs that says: not the first time."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who a request is admitted as."""

    caller: Caller
    is_remembered: bool = False
    """As their last request found them."""
    before: Caller | None = None
    """Who they were when this was tried in vain, a moment ago."""

    def require_present(self) -> None:
        """Raise ConditionFailed unless they were looked up for this request."""
        if self.is_remembered:
            raise ConditionFailed


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it came in: who says they call, what they sent, how long they will wait."""

    key: str
    ip: str | None
    request_id: str
    body: Body
    spools: Spools
    """The scope of what it came with, and of its reference images; over once it is admitted."""
    parse: Parse
    """Reads the body's fields."""
    idempotency_key: str | None
    is_retry: bool
    """The SDK sends it again: it had no answer the first time."""
    prefer: Prefer
    headers: dict[str, str]
    """What the answer will say besides, also when it is an error."""
    on_end: list[Callable[[bool], None]]
    """Told at the end whether the whole answer was sent."""
    attendance: Attendance | None = None
    """Whose answer this is, for a later retry to know; never with an idempotency key."""

    @classmethod
    def of(cls, request: ASGIRequest, *, parse: Parse) -> "Arrival":
        """Read the scope, as the body gate left it, and the headers."""
        scope = request.scope
        client = scope.get("client")
        return cls(
            key=scope["pictor.key"],
            ip=client[0] if client else None,
            request_id=scope["pictor.request_id"],
            body=scope["pictor.body"],
            spools=scope["pictor.spools"],
            parse=parse,
            idempotency_key=idempotency.checked_key(request.META.get("HTTP_IDEMPOTENCY_KEY")),
            is_retry=bool(RETRIED.fullmatch(request.META.get("HTTP_X_STAINLESS_RETRY_COUNT", ""))),
            prefer=Prefer.parse(request.META.get("HTTP_PREFER")),
            headers=scope["pictor.headers"],
            on_end=scope["pictor.on_end"],
        )

    @property
    def lane(self) -> object:
        """Whose turns it takes: the tenant's, or the key's own before its first request."""
        caller = known.get(self.key)
        return self.key if caller is None else caller.tenant_id

    async def in_turn(self, work: Moment[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a moment on the loop in the tenant's turn; begun, it goes on without its caller."""
        return await pools.admission().run(self.lane, partial(work.on_loop, *args, **kwargs))

    def attended(self, generation_id: GenerationId) -> "Arrival":
        """With its caller attended; not with an idempotency key, which a retry repeats."""
        if self.idempotency_key is not None:
            return self
        return replace(self, attendance=callers.attend(generation_id, self.on_end))

    @property
    def remembered(self) -> Caller | None:
        """The caller as their last request found them, for one that will place a hold.

        None for what may be answered without a hold, by an earlier image; for a key by its text of
        before a rotation; where this process has heard of a newer configuration; and for a body
        that takes time, because it may have to be read again.
        """
        if self.idempotency_key is not None or self.is_retry or not self.body.is_short:
            return None
        caller = known.get(self.key)
        if caller is None or not caller.version or loaded_catalogue(caller.revision) is None:
            return None
        return caller

    def authenticated(self) -> Steps[Caller]:
        """The caller, if the key is good now and may ask for images. One query."""
        try:
            caller = yield from authenticate.steps(self.key, now=clock.now(), ip=self.ip)
        except PictorError:
            known.forget(self.key)
            self.headers.clear()  # of the rates of who it was
            raise
        known.learn(self.key, caller)
        require_scope(caller, "images:write")
        return caller

    def recognize(self, caller: Caller) -> None:
        """Let a remembered caller in. Raises what `authenticated` would, had nothing changed."""
        recognize(caller, now=clock.now(), ip=self.ip)
        require_scope(caller, "images:write")

    def asked(self, admit: Callable[[Asker], Steps[T]]) -> Steps[T]:
        """Admit it as whoever the key stands for.

        Whoever is remembered is not looked up before a hold, which asks by itself whether anything
        has changed; but after a refusal, which may be out of date, and before anything else is
        done. Raises the PictorError that refuses it; `admit` holds nothing where it raises one.
        """
        caller = self.remembered
        if caller is None:
            return (yield from admit(Asker((yield from self.authenticated()))))
        try:
            self.recognize(caller)
            return (yield from admit(Asker(caller, is_remembered=True)))
        except InDoubt:
            raise
        except (PictorError, ConditionFailed) as error:
            present = yield from self.authenticated()
            if present.version == caller.version and isinstance(error, PictorError):
                raise
            return (yield from admit(Asker(present, before=caller)))

    def read(self, asker: Asker) -> Steps[Submission]:
        """How often they call, and with what: everything that needs no money.

        Raises the PictorError that refuses it.
        """
        caller = asker.caller
        parse = partial(self.parse, self.body)
        try:
            request = parse() if self.body.is_short else (yield parse)
        except PictorError:
            # It counts too, and says what is left.
            yield from self._count(asker, images=0)
            raise
        yield from self._count(asker, images=request.get("n", 1))
        return Submission(
            caller=caller,
            request=request,
            is_remembered=asker.is_remembered,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
            attendance=self.attendance,
            is_retry=self.is_retry,
            is_streamed=bool(request.get("stream")) and self.prefer.wait_seconds is None,
        )

    def _count(self, asker: Asker, *, images: int) -> Steps[None]:
        """Once, unless its limits have changed meanwhile. Raises RateLimited."""
        before, caller = asker.before, asker.caller
        if self.headers and before is not None and before.limits == caller.limits:
            return
        self.headers.update((yield from rates.take.steps(caller, images=images)))


class Known:
    """Whom each key stood for when it was last asked about, in this web process.

    Enough for fairness. For access it has to be asked whether that has changed.
    """

    MAX_KEYS = 10_000

    def __init__(self) -> None:
        self._callers: OrderedDict[str, Caller] = OrderedDict()

    def get(self, key: str) -> Caller | None:
        """None before its first request."""
        return self._callers.get(key)

    def forget(self, key: str) -> None:
        """It opens nothing any more, or not for whoever has it."""
        self._callers.pop(key, None)

    def learn(self, key: str, caller: Caller) -> None:
        """Remember whose key it is."""
        self._callers[key] = caller
        while len(self._callers) > self.MAX_KEYS:
            self._callers.popitem(last=False)


known = Known()
