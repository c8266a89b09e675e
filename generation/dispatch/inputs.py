"""Reference images on their way to an upstream: from storage or the caller's address, as bytes.

Base64 images lie on storage, verified before admission. Addressed images are fetched here, before
any channel is called: into a spool, through the SSRF guard with no private origin allowed, then
verified like every image. Upstreams get bytes in either case, and never an address. An image that
cannot be fetched is the caller's error, and free.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings

from generation.catalogue import reference_images
from generation.channels.base import LargeValue
from generation.channels.declaration import OVERLAYS, Task
from generation.channels.download import MAX_REDIRECTS, REDIRECT_STATUSES
from generation.lifecycle.outcome import NOT_CHARGED, Failure
from pictor.kit.bytes.spool import SpoolError, SpoolFile, SpoolFull, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.egress import joined
from pictor.kit.outbound.http import EgressRefused, HttpError, HttpPool, LookUpsBusy, deadline
from pictor.kit.running.limits import KeyedLimit
from pictor.kit.words.errors import InvalidRequest, Unavailable
from storage import convert
from storage.containers.pieces import NotAnImage
from storage.probe import ImageFacts
from storage.services import read_on_loop

FETCH_SECONDS = 30.0
"""For all addresses of a generation together."""
READ_SECONDS = 10.0
# So that one tenant's dead name server holds a third of the look-ups at most (ADR 0013).
FETCHES_PER_TENANT = 4
MAX_FETCHED_BYTES = 100 * 1024**2
"""For all addresses of a generation together; each may have MAX_IMAGE_BYTES."""


_NO_ROOM = Unavailable("There is no room for reference images at the moment." + NOT_CHARGED)


_NO_LOOK_UP = Unavailable(
    "The host names of reference images could not be looked up just now." + NOT_CHARGED
)


class NotThere(HttpError):
    """The address answers neither with an image nor with a redirect to one."""


class Fetching:
    """The fetching of images in this process, with a few generations of each tenant at once.

    Args:
        http: may reach only public origins, and is used for nothing else.
    """

    def __init__(self, http: HttpPool) -> None:
        self.http = http
        self.turns = KeyedLimit(FETCHES_PER_TENANT)


@asynccontextmanager
async def readable(
    inputs: Sequence[Mapping[str, Any]],
    *,
    task: Task,
    fetching: Fetching,
    tenant: UUID,
    spools: Spools,
    seconds: float,
) -> AsyncIterator[dict[str, LargeValue]]:
    """Yield the reference images by placeholder; fetched ones are freed at the end.

    Args:
        inputs: of the generation's row (admission/inputs.py).
        task: the generation's.
        fetching: this process's.
        tenant: the owner of the turns for fetching and decoding.
        spools: the dispatch's.
        seconds: until the generation's deadline.

    Raises Failure with the caller's error.
    """
    values = {
        image["placeholder"]: _stored_value(image) for image in inputs if "address" not in image
    }
    addressed = [image for image in inputs if "address" in image]
    with spools.scope() as here:
        facts = {
            image["label"]: ImageFacts(**image["facts"]) for image in inputs if "facts" in image
        }
        fetched = await _in_turn(addressed, fetching, tenant, here, seconds)
        for image, spool in fetched:
            sent, facts[image["label"]] = await _verify(image, spool, tenant)
            values[image["placeholder"]] = _fetched_value(sent, facts[image["label"]])
        # Without addresses, admission has checked them together.
        if addressed and (problem := reference_images.problem(task, list(facts.items()))):
            raise _unusable(*problem)
        yield values


def pixels_of(
    inputs: Sequence[Mapping[str, Any]], large: Mapping[str, LargeValue]
) -> tuple[int, ...]:
    """Return the pixels of each reference image, by placeholder in `large`; an overlay is none."""
    images = [image for image in inputs if image["label"] not in OVERLAYS]
    return tuple(large[image["placeholder"]].pixels for image in images)


def _stored_value(image: Mapping[str, Any]) -> LargeValue:
    facts = image.get("facts", {"format": "png", "width": 0, "height": 0})
    return LargeValue(
        size_bytes=image["size_bytes"],
        read=partial(read_on_loop, image["key"]),
        prefix=image["prefix"],
        format=facts["format"],
        pixels=facts["width"] * facts["height"],
    )


async def _in_turn(
    addressed: Sequence[Mapping[str, Any]],
    fetching: Fetching,
    tenant: UUID,
    spools: Spools,
    seconds: float,
) -> list[tuple[Mapping[str, Any], SpoolFile]]:
    """Fetch the addresses in the tenant's turn, within `seconds`."""
    if not addressed:
        return []
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds) as waiting, fetching.turns.turn(tenant):
            waiting.reschedule(None)  # only the wait for a turn: the fetch has its own deadline
            left = seconds - (time.monotonic() - began)
            return await _fetch_all(addressed, fetching.http, spools, left)
    except TimeoutError:
        raise _unusable(
            addressed[0]["label"], "could not be fetched from its address in time"
        ) from None


async def _fetch_all(
    addressed: Sequence[Mapping[str, Any]], http: HttpPool, spools: Spools, seconds: float
) -> list[tuple[Mapping[str, Any], SpoolFile]]:
    """Fetch one after the other, within the time and bytes for all of them."""
    fetched: list[tuple[Mapping[str, Any], SpoolFile]] = []
    left_bytes = MAX_FETCHED_BYTES
    try:
        async with deadline(min(FETCH_SECONDS, seconds)):
            for image in addressed:
                spool = spools.new(max_bytes=min(settings.MAX_IMAGE_BYTES, left_bytes))
                fetched.append((image, spool))
                await _fetch(image["address"], http, spool)
                left_bytes -= spool.size
    except (HttpError, SpoolError) as error:
        if isinstance(error, SpoolFull):
            raise Failure(_NO_ROOM) from None
        if isinstance(error, LookUpsBusy):
            raise Failure(_NO_LOOK_UP) from None
        # The same words for every cause: others would tell which internal names exist (ADR 0013).
        raise _unusable(fetched[-1][0]["label"], "could not be fetched from its address") from None
    return fetched


async def _fetch(address: str, http: HttpPool, spool: SpoolFile) -> None:
    """Fetch an address, through a few redirects, all of which the guard checks."""
    for _ in range(MAX_REDIRECTS + 1):
        exchange = http.exchange("GET", address, read_timeout_seconds=READ_SECONDS)
        async with exchange as answer:
            if answer.status == HTTPStatus.OK:
                async for chunk in answer.chunks(settings.MAX_IMAGE_BYTES):
                    spool.write(chunk)
                return
            location: str | None = answer.headers.get("location")
            if answer.status not in REDIRECT_STATUSES or not location:
                raise NotThere(f"HTTP {answer.status}")
            try:
                address = joined(address, location)
            except EgressRefused:
                raise NotThere("a redirect to nowhere") from None
    raise NotThere("too many redirects")


async def _verify(
    image: Mapping[str, Any], spool: SpoolFile, tenant: UUID
) -> tuple[SpoolFile, ImageFacts]:
    """Decode the image in the tenant's turn, apart from the images that upstreams deliver."""
    try:
        return await pools.references().run(tenant, partial(convert.as_sent, spool))
    except (SpoolFull, Unavailable):
        raise Failure(_NO_ROOM) from None
    except (NotAnImage, SpoolError) as error:
        raise _unusable(image["label"], reference_images.unreadable(error)) from None


def _fetched_value(spool: SpoolFile, facts: ImageFacts) -> LargeValue:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in spool.chunks():
            yield chunk

    return LargeValue(
        size_bytes=spool.size,
        read=chunks,
        prefix=f"data:image/{facts.format};base64,",
        format=facts.format,
        pixels=facts.width * facts.height,
    )


def _unusable(label: str, what: str) -> Failure:
    """The same answer for an unresolved name, a private address and any other failure."""
    return Failure(
        InvalidRequest(
            f"{label} {what}.{NOT_CHARGED}",
            code="invalid_image",
            param=label.partition("[")[0],
        )
    )
