"""Partial images on their way to a streaming caller: verified, stored, announced.

They are prepared one after the other while the answer is being read. If too many wait, the reading
stops for 2 s, once in a dispatch. Each is tried once, within seconds; one that fails is logged and
lost. Those not ready 3 s after the end of the answer are given up, so that a finished image never
waits long.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from functools import partial as bound

from django.db import DatabaseError, InterfaceError

from generation.channels.base import OnPartial, UpstreamImage, UpstreamPartial
from generation.dispatch.pixels import WantedImage, verify_on_loop
from generation.dispatch.store import count_bytes_of_test
from generation.lifecycle.answer import ECHOED_BACKGROUNDS, ECHOED_QUALITIES
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import VerifiedImage
from generation.lifecycle.partial_news import PartialImage, announce_command, keep_command
from generation.models import Generation, Source
from generation.selectors import is_left
from pictor.kit.bytes.spool import SpoolFull, Spools
from pictor.kit.database import pools
from pictor.kit.redis.client import send_async
from pictor.kit.words import clock
from storage.services import StorageFailed, partial_key_of, upload_on_loop

logger = logging.getLogger(__name__)

ONE_TRY_SECONDS = 5.0
MAX_WAITING = 8
"""The most partial images of a call that wait in spools."""
LONGEST_STALL_SECONDS = 2.0
"""The longest time that reading an answer waits for a place in the queue."""
LAST_WAIT_SECONDS = 3.0
"""The time partial images may still take after the answer has arrived."""


class Partials:
    """The partial images of one dispatch: each place among them is filled once, by any attempt."""

    def __init__(self, claim: Claim, spools: Spools) -> None:
        self._claim = claim
        self._spools = spools
        self._sent: set[tuple[int, int]] = set()
        self._is_behind = False

    @asynccontextmanager
    async def sending(self, wanted: WantedImage) -> AsyncIterator[OnPartial]:
        """Take partial images while a call lasts; they get no Content Credentials."""
        wanted = replace(wanted, keeps_credentials=False, signs=False)
        waiting: asyncio.Queue[UpstreamPartial | None] = asyncio.Queue(MAX_WAITING)
        sending = asyncio.create_task(self._send_all(waiting, wanted))
        try:
            yield bound(self._offer, waiting)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WAIT_SECONDS):
                    await waiting.put(None)
                    await asyncio.wait({sending})
        finally:
            sending.cancel()
            # A cancelled task still closes its spool: wait for that before the scope ends.
            await asyncio.gather(sending, return_exceptions=True)

    async def _offer(
        self, waiting: "asyncio.Queue[UpstreamPartial | None]", partial: UpstreamPartial
    ) -> None:
        """Queue it; if the queue is full, the upstream waits a moment, once in a dispatch."""
        patience = 0.0 if self._is_behind else LONGEST_STALL_SECONDS
        try:
            async with asyncio.timeout(patience):
                await waiting.put(partial)
        except TimeoutError:
            self._is_behind = True
            partial.spool.close()
            logger.warning("a partial image of %s is left out: too many wait", self._id)

    async def _send_all(
        self, waiting: "asyncio.Queue[UpstreamPartial | None]", wanted: WantedImage
    ) -> None:
        while (partial := await waiting.get()) is not None:
            place = (partial.image, partial.index)
            try:
                with closing(partial.spool):
                    async with asyncio.timeout(ONE_TRY_SECONDS):
                        await self._send(partial, wanted)
            except (
                StorageFailed,
                DatabaseError,
                InterfaceError,
                TimeoutError,
            ) as error:
                logger.warning("partial image %s of %s: %r", place, self._id, error)
            # A preview's failure must not end the image that is being paid for.
            except Exception:
                logger.exception("partial image %s of %s", place, self._id)

    async def _send(self, partial: UpstreamPartial, wanted: WantedImage) -> None:
        """Fill its place, unless another attempt has filled it or the caller has left."""
        place = (partial.image, partial.index)
        if place in self._sent or await pools.database(is_left, self._claim.generation.id):
            return
        if await self._publish(partial, wanted):
            # A place that could not be shown is left for the next attempt.
            self._sent.add(place)
        else:
            logger.warning("partial image %s of %s cannot be shown", place, self._id)

    async def _publish(self, partial: UpstreamPartial, wanted: WantedImage) -> bool:
        """Verify, store and announce it; False if one of these fails."""
        image = UpstreamImage(partial.spool)
        with self._spools.scope() as spools:
            try:
                good = await verify_on_loop(image, wanted=wanted, spools=spools)
            except SpoolFull:
                return False
            if good is None:
                return False
            if not await count_bytes_of_test(self._claim.generation, good.spool.size):
                return False
            key, kind = self._key(partial, good), f"image/{good.format}"
            await upload_on_loop(key, good.spool, content_type=kind)
        news = self._partial(partial, good, key)
        if self._claim.generation.source == Source.PLAYGROUND:
            await send_async(keep_command(news))
        return await send_async(announce_command(news))

    def _key(self, partial: UpstreamPartial, good: VerifiedImage) -> str:
        return partial_key_of(
            self._claim.generation.id,
            self._claim.generation.created_at,
            self._claim.dispatch,
            image=partial.image,
            partial=partial.index,
            image_format=good.format,
        )

    def _partial(self, partial: UpstreamPartial, good: VerifiedImage, key: str) -> PartialImage:
        generation = self._claim.generation
        return PartialImage(
            generation_id=str(generation.id),
            key=key,
            image=partial.image,
            index=partial.index,
            size=good.size,
            output_format=good.format,
            quality=_quality(generation, partial),
            background=_background(generation),
            created=int(clock.now().timestamp()),
        )

    @property
    def _id(self) -> str:
        return self._claim.generation.public_id


def _quality(generation: Generation, partial: UpstreamPartial) -> str:
    """The caller's quality, or the reported one, as in the finished image's event."""
    word = generation.quality_sent or partial.quality
    return word if word in ECHOED_QUALITIES else "auto"


def _background(generation: Generation) -> str:
    wanted = generation.fields.get("background")
    return wanted if isinstance(wanted, str) and wanted in ECHOED_BACKGROUNDS else "auto"
