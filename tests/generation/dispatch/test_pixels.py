"""An image as it came becomes the image as it is wanted, and takes no room twice."""

import asyncio
import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from generation.catalogue.contracts import Size
from generation.channels.base import UpstreamImage
from generation.dispatch import pixels
from generation.dispatch.pixels import Wanted, verified, verified_on_loop
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


def icon() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (100, 80), "teal").save(file, "PNG")
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


@pytest.fixture
def by_the_loop(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each image that is verified, whether by the loop's own thread."""
    seen = []

    def watched(*arguments: Any, **named: Any) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return verified(*arguments, **named)

    monkeypatch.setattr(pixels, "verified", watched)
    return seen


@pytest.mark.parametrize("data", [icon(), icon()[:100]], ids=["whole", "cut short"])
def test_a_small_png_is_verified_by_the_loop(data, delivered, spools, by_the_loop):
    good = asyncio.run(verified_on_loop(delivered(data), wanted=Wanted("png"), spools=spools))

    assert by_the_loop == [True]
    assert (good is not None) is (data == icon())


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (icon(), Wanted("webp")),
        (icon(), Wanted("png", made_into=Size(60, 60))),
        (noise(), Wanted("png")),
    ],
    ids=["another format", "fewer pixels", "large"],
)
def test_what_takes_a_while_holds_no_loop_up(data, wanted, delivered, spools, by_the_loop):
    good = asyncio.run(verified_on_loop(delivered(data), wanted=wanted, spools=spools))

    assert by_the_loop == [False]
    assert good is not None
