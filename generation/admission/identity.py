"""Who asks for images, and how often.

Whoever asked before is remembered, and not looked up before a hold, which asks by itself whether
anything has changed (docs/adr/0031). A refusal may be out of date then: it is asked anew.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from accounts import rates
from accounts.authentication import NotLetIn, authenticate_async, recognized, require_scope
from accounts.callers import Caller
from accounts.quotas import Limits
from billing.services import ConditionFailed
from generation.admission.arrival import Arrival
from generation.admission.orphans import InDoubt
from generation.catalogue.snapshot import loaded_catalogue
from pictor.kit import clock, log
from pictor.kit.errors import PictorError, RateLimited, Unauthenticated, tell
from pictor.kit.untyped import Json


class Counted(NamedTuple):
    """That a request was counted: by which limits, and what its answer says of them."""

    limits: Limits
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request is admitted as."""

    caller: Caller
    is_remembered: bool = False
    """As their last request found them."""
    counted: Counted | None = None
    """When this was tried in vain, a moment ago."""


class Outdated(Exception):
    """A remembered caller was not served, perhaps by what was true of them before.

    Attributes:
        refusal: what they were refused with; None where they have changed, or must be looked up.
    """

    def __init__(self, refusal: PictorError | None, counted: Counted | None) -> None:
        super().__init__()
        self.refusal = refusal
        self.counted = counted


def lane_of(arrival: Arrival) -> object:
    """Whose turns it takes: the tenant's, or the key's own before its first request."""
    caller = known.get(arrival.key_digests[0])
    return arrival.key_digests[0] if caller is None else caller.tenant_id


async def who_asks(arrival: Arrival) -> Identity:
    """Whoever the key stood for at its last request, if that will do, or stands for now.

    It will not do for what may be answered without a hold, by an earlier image; for a key by its
    text of before a rotation; where this process has heard of a newer configuration; and for a body
    that takes time, because it may have to be read again.
    """
    is_fresh = arrival.idempotency_key is None and not arrival.is_retry
    caller = known.get(arrival.key_digests[0]) if is_fresh and arrival.body.is_short else None
    if caller is None or not caller.version or loaded_catalogue(caller.revision) is None:
        return Identity(await looked_up(arrival))
    return Identity(caller, is_remembered=True)


async def looked_up(arrival: Arrival) -> Caller:
    """The caller, if the key is good now and may ask for images. One query."""
    digest = arrival.key_digests[0]
    try:
        caller = await authenticate_async(arrival.key_digests, now=clock.now(), ip=arrival.ip)
    except PictorError:
        known.pop(digest, None)
        raise
    known.learn(digest, caller)
    require_scope(caller, "images:write")
    return caller


def let_in(arrival: Arrival, identity: Identity) -> None:
    """Raises what `looked_up` would have, had nothing changed since."""
    if identity.is_remembered:
        recognized(identity.caller, now=clock.now(), ip=arrival.ip)
        require_scope(identity.caller, "images:write")


async def asked_anew(arrival: Arrival, identity: Identity, tried: Outdated) -> Identity:
    """Whoever was remembered, looked up. Raises the refusal where nothing has changed."""
    with rates_told(tried.counted):
        present = await looked_up(arrival)
    if tried.refusal is not None and present.version == identity.caller.version:
        raise tried.refusal
    return Identity(present, counted=tried.counted)


async def count(identity: Identity, fields: Json | None) -> Counted:
    """Count it once, unless its limits have changed meanwhile. Raises RateLimited.

    What cannot be read has no `fields`, and counts as a request for no image.
    """
    limits = identity.caller.limits
    if identity.counted is not None and identity.counted.limits == limits:
        return identity.counted
    images = 0 if fields is None else fields.get("n", 1)
    try:
        return Counted(limits, await rates.take_async(identity.caller, images=images))
    except RateLimited:
        _note_model(identity.caller, fields or {})
        raise


def _note_model(caller: Caller, fields: Json) -> None:
    """For the log, where it is one of ours: its contract is not looked at any more."""
    catalogue = loaded_catalogue(caller.revision)
    contract = catalogue and catalogue.contract(fields.get("model", ""))
    if contract:
        log.note(model=contract.model)


@contextmanager
def refusals(identity: Identity, counted: Counted | None) -> Iterator[None]:
    """What refuses a remembered caller is Outdated; any refusal says what was counted."""
    try:
        with rates_told(counted):
            yield
    except InDoubt:
        raise
    except (PictorError, ConditionFailed) as error:
        if not identity.is_remembered:
            raise
        raise Outdated(error if isinstance(error, PictorError) else None, counted) from None


@contextmanager
def rates_told(counted: Counted | None) -> Iterator[None]:
    """The answer to any error says what was counted, but not of whoever the key was before."""
    try:
        yield
    except (Unauthenticated, NotLetIn):
        raise
    except Exception as error:
        if counted is not None:
            tell(error, counted.headers)
        raise


class Known(OrderedDict[bytes, Caller]):
    """Whom each key stood for when it was last asked about, in this web process, by its digest.

    Enough for fairness. For access it has to be asked whether that has changed.
    """

    MAX_KEYS = 10_000

    def learn(self, digest: bytes, caller: Caller) -> None:
        """Remember whose key it is."""
        self[digest] = caller
        while len(self) > self.MAX_KEYS:
            self.popitem(last=False)


known = Known()
