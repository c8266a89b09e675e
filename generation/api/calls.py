"""A call under /v1 as the body gate left it, and what every view does with one."""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from django.core.handlers.asgi import ASGIRequest

from accounts.authentication import authenticate, require_scope
from accounts.selectors import Caller
from generation.admission import idempotency
from generation.admission.orphans import Attendance
from generation.api import requests
from generation.api.prefer import Prefer
from generation.api.requests import Parse
from pictor.kit import clock
from pictor.kit.body import Body
from pictor.kit.spool import Spools

RETRIED = re.compile("[1-9][0-9]{0,3}", re.ASCII)
"""A retry count of OpenAI's SDKs that says: not the first time."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in: who says they call, what they sent, how long they will wait."""

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

    @classmethod
    def of(cls, request: ASGIRequest, *, parse: Parse = requests.generation) -> "Call":
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
            idempotency_key=idempotency.checked_key(request.headers.get("Idempotency-Key")),
            is_retry=bool(RETRIED.fullmatch(request.headers.get("x-stainless-retry-count", ""))),
            prefer=Prefer.parse(request.headers.get("Prefer")),
            headers=scope["pictor.headers"],
            on_end=scope["pictor.on_end"],
        )

    def authenticated(self, scope: str) -> Caller:
        """The caller, if the key is good now and may do this. One query."""
        caller = authenticate(self.key, now=clock.now(), ip=self.ip)
        require_scope(caller, scope)
        return caller


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
