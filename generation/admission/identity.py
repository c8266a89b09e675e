"""The caller of a request for images, and their rate limits.

A caller who asked before is remembered and not looked up before a hold, whose statement checks
that nothing has changed (docs/adr/0031). A refusal may then be out of date, so the caller is looked
up again first.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from accounts import rates
from accounts.authentication import NotLetIn, authenticate_async, recognize, require_scope
from accounts.callers import Caller
from billing.services import ConditionFailed
from generation.admission.arrival import Arrival
from generation.admission.retry_shield import InDoubt
from generation.catalogue.snapshot import loaded_catalogue
from pictor.kit.watching import log
from pictor.kit.words import clock
from pictor.kit.words.errors import PictorError, RateLimited, Unauthenticated, add_headers
from pictor.kit.words.untyped import Json


class CountedRequest(NamedTuple):
    """A request that was counted by its caller's limits.

    Attributes:
        headers: the limits, for the answer.
        images: taken for its images, and given back if it makes none.
        refusal: too few images are left: it has an answer only if an earlier request made it.
    """

    caller: Caller
    headers: Mapping[str, str]
    images: int
    refusal: RateLimited | None = None

    async def without_images(self) -> Mapping[str, str]:
        """Give back what was taken for its images; return the headers as of then."""
        if not self.images:
            return self.headers
        return await rates.give_back_async(self.caller, images=self.images)


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller as whom a request is admitted."""

    caller: Caller
    is_remembered: bool = False
    """The caller is remembered from an earlier request."""
    counted: CountedRequest | None = None
    """Its count from a moment ago, when a remembered caller was refused."""


class Outdated(Exception):
    """A remembered caller was refused, perhaps because of outdated facts.

    Attributes:
        refusal: the refusal; None if the caller has changed or must be looked up.
    """

    def __init__(self, refusal: PictorError | None, counted: CountedRequest | None) -> None:
        super().__init__()
        self.refusal = refusal
        self.counted = counted


def turn_owner(arrival: Arrival) -> object:
    """The tenant whose turn it takes, or the key before its first request."""
    caller = known.get(arrival.key_digests[0])
    return arrival.key_digests[0] if caller is None else caller.tenant_id


async def identify(arrival: Arrival) -> Identity:
    """The key's remembered caller if that is good enough, otherwise the caller looked up now.

    It is not good enough for a request that an earlier image may answer without a hold; for a
    rotated key's old secret; if this process knows of a newer configuration; and for a long body,
    because it may have to be read again.
    """
    is_short = arrival.is_plain and arrival.body.is_short
    caller = known.get(arrival.key_digests[0]) if is_short else None
    if caller is None or not caller.version or loaded_catalogue(caller.revision) is None:
        return Identity(await look_up(arrival))
    return Identity(caller, is_remembered=True)


async def look_up(arrival: Arrival) -> Caller:
    """The caller, if the key is valid now and may order images. One query."""
    digest = arrival.key_digests[0]
    try:
        caller = await authenticate_async(arrival.key_digests, now=clock.now(), ip=arrival.ip)
    except PictorError:
        # Forgotten, it is refused next time before anything is counted for its tenant (ADR 0031).
        known.pop(digest, None)
        raise
    known.learn(digest, caller)
    require_scope(caller, "images:write")
    return caller


def let_in(arrival: Arrival, identity: Identity) -> None:
    """Raise the error that `look_up` would raise if nothing has changed since."""
    if identity.is_remembered:
        recognize(identity.caller, now=clock.now(), ip=arrival.ip)
        require_scope(identity.caller, "images:write")


async def identify_again(arrival: Arrival, identity: Identity, tried: Outdated) -> Identity:
    """The remembered caller, looked up. Raises the refusal again if nothing has changed."""
    async with add_rate_limits(tried.counted):
        present = await look_up(arrival)
        if tried.refusal is not None and present.version == identity.caller.version:
            raise tried.refusal
    return Identity(present, counted=tried.counted)


async def count(identity: Identity, fields: Json | None, *, is_plain: bool) -> CountedRequest:
    """Count it, unless the same limits counted it a moment ago. Raises RateLimited.

    A request that cannot be read has no `fields` and counts as one for no image; so does one for
    which too few are left, unless it `is_plain`.
    """
    caller = identity.caller
    if identity.counted is not None and identity.counted.caller.limits == caller.limits:
        return identity.counted
    images = 0 if fields is None else fields.get("n", 1)
    try:
        return CountedRequest(caller, await rates.take_async(caller, images=images), images)
    except RateLimited as refusal:
        _note_model(caller, fields or {})
        if is_plain or not images:
            raise
        refusal.headers = await rates.take_async(caller, images=0)
        return CountedRequest(caller, refusal.headers, 0, refusal)


def _note_model(caller: Caller, fields: Json) -> None:
    """Note a known model for the log, since a limited request's contract is not read."""
    catalogue = loaded_catalogue(caller.revision)
    contract = catalogue and catalogue.contract(fields.get("model", ""))
    if contract:
        log.note(model=contract.model)


@asynccontextmanager
async def refusals(identity: Identity, counted: CountedRequest | None) -> AsyncIterator[None]:
    """Turn a remembered caller's refusal into Outdated; add the counted limits to any refusal."""
    async with add_rate_limits(counted):
        try:
            yield
        except InDoubt:  # it may have been admitted: a second try could hold twice
            raise
        except (PictorError, ConditionFailed) as error:
            if not identity.is_remembered:
                raise
            raise Outdated(error if isinstance(error, PictorError) else None, counted) from None


@asynccontextmanager
async def add_rate_limits(counted: CountedRequest | None) -> AsyncIterator[None]:
    """Give back what a refused request took for its images, and add the limits to its error.

    An error never has the limits of the key's former caller.
    """
    try:
        yield
    except (Unauthenticated, NotLetIn, Outdated):
        raise
    except InDoubt as error:  # its images may be made
        if counted is not None:
            add_headers(error, counted.headers)
        raise
    except Exception as error:
        if counted is not None:
            add_headers(error, await counted.without_images())
        raise


class CallerCache(OrderedDict[bytes, Caller]):
    """The caller of each key at its last look-up in this web process, by the key's digest.

    Good enough for scheduling; re-check before granting access.
    """

    MAX_KEYS = 10_000

    def learn(self, digest: bytes, caller: Caller) -> None:
        """Remember the key's caller."""
        self[digest] = caller
        while len(self) > self.MAX_KEYS:
            self.popitem(last=False)


known = CallerCache()
