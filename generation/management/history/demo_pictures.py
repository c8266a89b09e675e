"""The newest images of the demo data, painted by the serving channel, decoded and stored.

The past is written without images, as if all had expired, so that a first start need not wait for
them. They go through the same adapter, verification and storage as every generation's images.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.snapshot import current_catalogue
from generation.channels.base import UpstreamRequest
from generation.channels.errors import UpstreamError
from generation.channels.origins import private_origins
from generation.channels.registry import open_adapter
from generation.dispatch.pixels import WantedImage, verify_image
from generation.models import Generation, Source, State
from pictor.kit.bytes.spool import SpoolBudget, SpoolError, Spools
from pictor.kit.outbound.http import HttpPool
from storage.models import StoredImage
from storage.selectors import images_of
from storage.services import StorageFailed, keep_painted, upload

logger = logging.getLogger(__name__)

MAX_PICTURES = 40
"""The least number of newest images that exist in the end, if none fails."""
_SECONDS = 30.0
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Painted:
    """An image whose bytes are on storage now."""

    image: StoredImage
    size_bytes: int
    sha256: str


def paint() -> int:
    """Paint the newest images of the demo data, unless some exist; returns their number.

    Failed ones are left out and logged. Call it outside any transaction.
    """
    newest = list(_newest())
    if any(image.sha256 for _, images in newest for image in images):
        return 0
    routes = current_catalogue().routes
    painted = asyncio.run(_all(newest, routes))
    for picture in painted:
        until = picture.image.created_at + timedelta(days=settings.IMAGE_RETENTION_DAYS)
        keep_painted(
            picture.image, size_bytes=picture.size_bytes, sha256=picture.sha256, until=until
        )
    return len(painted)


def _newest() -> Iterator[tuple[Generation, list[StoredImage]]]:
    """The newest deliveries not deleted, up to `MAX_PICTURES` images or a few more."""
    left = MAX_PICTURES
    generations = Generation.objects.filter(
        source=Source.DEMO, state=State.SUCCEEDED, deleted_at=None, words_forgotten_at=None
    )
    for generation in generations.order_by("-id")[:MAX_PICTURES]:
        if left > 0:
            images = images_of(generation.id)
            left -= len(images)
            yield generation, images


async def _all(
    newest: Sequence[tuple[Generation, list[StoredImage]]],
    routes: Mapping[str, Sequence[RouteInfo]],
) -> list[Painted]:
    spools = Spools(settings.SPOOL, SpoolBudget(settings.SPOOL_BUDGET_BYTES))
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(generation: Generation, images: list[StoredImage]) -> list[Painted]:
        route = next(iter(routes.get(generation.model, ())), None)
        if route is None:
            return []
        async with free:
            try:
                with spools.scope() as own:
                    return await _one(generation, images, route=route, spools=own)
            except (UpstreamError, SpoolError, StorageFailed) as error:
                logger.warning("images of %s were not painted: %s", generation.public_id, error)
                return []

    pictures = await asyncio.gather(*(one(*commission) for commission in newest))
    return [image for images in pictures for image in images]


async def _one(
    generation: Generation, images: list[StoredImage], *, route: RouteInfo, spools: Spools
) -> list[Painted]:
    """Request the generation's images again, and store those of the same size."""
    request = UpstreamRequest(
        model=generation.model, prompt=generation.prompt, n=len(images), size=images[0].size
    )
    painted = []
    origins = private_origins(
        channel=route.channel_name, base_url=route.base_url, allow=settings.EGRESS_ALLOW
    )
    async with aclosing(HttpPool(egress_allow=origins)) as http:
        adapter = open_adapter(route.config(_SECONDS), http, spools)
        answer = await adapter.generate(request, timeout_seconds=_SECONDS)
        for row, image in zip(images, answer.images, strict=False):
            wanted = WantedImage(row.format)
            good = await asyncio.to_thread(verify_image, image, wanted=wanted, spools=spools)
            if good is not None and good.size == row.size:
                key, kind, spool = row.object_key, row.content_type, good.spool
                await asyncio.to_thread(upload, key, spool, content_type=kind)
                painted.append(Painted(row, spool.size, spool.sha256))
    return painted
