"""An image as it came becomes the image as it is wanted, and takes no room twice."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from generation.catalogue.contracts import Size
from generation.channels.base import UpstreamImage
from generation.dispatch.pixels import Wanted, verified
from pictor.kit.spool import Spools

Delivered = Callable[[bytes], UpstreamImage]


@pytest.fixture
def delivered(spools: Spools) -> Delivered:
    def deliver(data: bytes) -> UpstreamImage:
        spool = spools.new(max_bytes=10_000_000)
        spool.write(data)
        return UpstreamImage(spool)

    return deliver


def noise(**options: Any) -> bytes:
    """Above 256 KiB, so that its spool counts in the budget."""
    file = io.BytesIO()
    Image.effect_noise((700, 600), 90).save(file, "PNG", **options)
    return file.getvalue()


def test_an_image_with_nothing_to_drop_keeps_its_spool(delivered, spools):
    image = delivered(noise())

    good = verified(image, wanted=Wanted("png"), spools=spools)

    assert good is not None
    assert good.spool is image.spool
    assert good.size == "700x600"


def test_an_image_without_its_metadata_takes_the_place_of_the_original(delivered, spools):
    exif = Image.Exif()
    exif[0x010E] = "at home, in the garden"
    image = delivered(noise(exif=exif))

    good = verified(image, wanted=Wanted("png"), spools=spools)

    assert good is not None
    assert b"garden" not in good.spool.read_at(0, good.spool.size)
    assert spools.budget.used_bytes == good.spool.size
    good.spool.close()


@pytest.mark.parametrize("wanted", [Wanted("webp"), Wanted("png", made_into=Size(600, 600))])
def test_a_converted_image_is_the_only_one_left(delivered, spools, wanted):
    image = delivered(noise() + b"trailing")

    good = verified(image, wanted=wanted, spools=spools)

    assert good is not None
    assert spools.budget.used_bytes == good.spool.size
    good.spool.close()


def test_what_is_no_image_leaves_its_spool_to_the_caller(delivered, spools):
    image = delivered(noise()[:300_000])

    good = verified(image, wanted=Wanted("png"), spools=spools)

    assert good is None
    assert spools.budget.used_bytes == image.spool.size
    image.spool.close()
