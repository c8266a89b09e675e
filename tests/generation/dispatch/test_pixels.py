"""A received image becomes the wanted image and takes no memory twice."""

import asyncio
import hashlib
import io
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import c2pa
import pytest
from PIL import Image

import sandbox
from generation.channels.base import UpstreamImage
from generation.channels.size_rules import Size
from generation.dispatch import pixels
from generation.dispatch.pixels import WantedImage, verify_image, verify_on_loop
from generation.lifecycle.outcome import VerifiedImage
from pictor.kit.bytes.spool import Spools, reader_of
from tests.making.certificates import signing_files
from tests.making.odd_pictures import photo, with_exif_at_its_end, with_tail

Delivered = Callable[[bytes], UpstreamImage]


@pytest.fixture
def delivered(spools: Spools) -> Delivered:
    def deliver(data: bytes) -> UpstreamImage:
        spool = spools.new(max_bytes=10_000_000)
        spool.write(data)
        return UpstreamImage(spool)

    return deliver


def noise(*, height: int = 600, **options: Any) -> bytes:
    """A picture above 256 KiB, so that its spool counts in the budget."""
    file = io.BytesIO()
    Image.effect_noise((700, height), 90).save(file, "PNG", **options)
    return file.getvalue()


def icon() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (100, 80), "teal").save(file, "PNG")
    return file.getvalue()


def test_an_image_with_nothing_to_drop_keeps_its_spool(delivered, spools):
    image = delivered(noise())

    good = verify_image(image, wanted=WantedImage("png"), spools=spools)

    assert good is not None
    assert good.spool is image.spool
    assert good.size == "700x600"


def test_an_image_shows_no_metadata_and_is_not_copied(delivered, spools):
    exif = Image.Exif()
    exif[0x010E] = "at home, in the garden"
    image = delivered(noise(exif=exif))

    good = verify_image(image, wanted=WantedImage("png"), spools=spools)

    assert good is not None
    assert good.spool is image.spool
    data = b"".join(good.spool.chunks())
    assert b"garden" not in data
    assert good.spool.sha256 == hashlib.sha256(data).hexdigest()
    good.spool.close()


@pytest.mark.parametrize(
    "wanted", [WantedImage("webp"), WantedImage("png", made_into=Size(600, 600))]
)
def test_a_converted_image_is_the_only_one_left(delivered, spools, wanted):
    image = delivered(noise() + b"trailing")

    good = verify_image(image, wanted=wanted, spools=spools)

    assert good is not None
    assert spools.budget.used_bytes == good.spool.size
    good.spool.close()


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_a_result_with_an_orientation_is_delivered_upright(
    image_format, output_format, delivered, spools
):
    image = delivered(photo(image_format))

    good = verify_image(image, wanted=WantedImage(output_format), spools=spools)

    assert good is not None
    assert (good.size, good.mended) == ("400x600", ("turned_upright",))
    with Image.open(reader_of(good.spool)) as shown:
        assert shown.format == output_format.upper()
        assert shown.size == (400, 600)
        assert not shown.getexif()
        pixel: Any = shown.convert("RGB").getpixel((300, 100))
        red, _, blue = pixel
        assert (red > 200, blue < 60) == (True, True)
    good.spool.close()


def test_a_result_is_cropped_as_it_is_seen(delivered, spools):
    wanted = WantedImage("png", made_into=Size(400, 400))

    good = verify_image(delivered(photo("JPEG")), wanted=wanted, spools=spools)

    assert good is not None
    assert good.size == "400x400"
    good.spool.close()


@pytest.mark.parametrize(
    ("data", "mended"),
    [
        (icon(), ()),
        (photo("JPEG", orientation=1), ()),
        (with_tail(icon()), ("trailing_data_cut",)),
        (photo("JPEG", orientation=1)[:-2], ("end_marker_added",)),
        (photo("JPEG")[:-2], ("end_marker_added", "turned_upright")),
    ],
    ids=["whole png", "whole jpeg", "a png's tail", "no end marker", "turned, too"],
)
def test_a_result_says_what_was_mended(data, mended, delivered, spools):
    good = verify_image(delivered(data), wanted=WantedImage("png"), spools=spools)

    assert good is not None
    assert good.mended == mended
    good.spool.close()


SIGNED = Path(sandbox.__file__).with_name("signed.png").read_bytes()
UNMARKED = WantedImage("png", keeps_credentials=False)


@pytest.mark.parametrize(
    ("wanted", "status", "reason"),
    [
        (WantedImage("png", mark="trainedAlgorithmicMedia"), "kept", ""),
        (WantedImage("webp", mark="trainedAlgorithmicMedia"), "removed", "converted"),
        (WantedImage("png", made_into=Size(600, 600)), "removed", "converted"),
        (UNMARKED, "removed", "setting"),
    ],
)
def test_credentials_are_kept_where_the_file_is(wanted, status, reason, delivered, spools):
    image = delivered(SIGNED)

    good = verify_image(image, wanted=wanted, spools=spools)

    assert good is not None
    assert (good.credentials.status, good.credentials.reason) == (status, reason)
    assert good.is_marked == (wanted.mark is not None and status != "kept")
    content = good.spool.read_at(0, good.spool.size)
    assert (content == SIGNED) == (status == "kept")
    assert (b"jumb" in content) == (status == "kept")
    assert (b"DigitalSourceType" in content) == good.is_marked


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (with_exif_at_its_end(SIGNED), "turned"),
        (with_tail(SIGNED), "mended"),
        (SIGNED + b"more", "malformed"),
    ],
)
def test_credentials_go_with_the_pixels_that_they_signed(data, reason, delivered, spools):
    wanted = WantedImage("png", mark="compositeWithTrainedAlgorithmicMedia")

    good = verify_image(delivered(data), wanted=wanted, spools=spools)

    assert good is not None
    assert (good.credentials.status, good.credentials.reason) == ("removed", reason)
    content = good.spool.read_at(0, good.spool.size)
    assert content.count(b"/compositeWithTrainedAlgorithmicMedia") == 1
    assert b"jumb" not in content


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_converted_image_is_marked_and_not_copied(name, delivered, spools):
    wanted = WantedImage(name, 85, mark="trainedAlgorithmicMedia")

    good = verify_image(delivered(noise()), wanted=wanted, spools=spools)

    assert good is not None
    content = good.spool.read_at(0, good.spool.size)
    assert content.count(b"/trainedAlgorithmicMedia") == 1
    assert good.spool.sha256 == hashlib.sha256(content).hexdigest()
    assert 0 < good.spool.size - spools.budget.used_bytes < 700


@pytest.fixture
def certificate(settings: Any, tmp_path: Path) -> None:
    files = signing_files(tmp_path)
    settings.C2PA_CERTIFICATE, settings.C2PA_KEY = str(files.certificate), str(files.key)


def manifest_of(image: VerifiedImage) -> tuple[str, str, int]:
    """The active manifest's label, its actions, and how many ingredients it has."""
    with c2pa.Reader(f"image/{image.format}", reader_of(image.spool)) as reader:
        manifest: Any = reader.get_active_manifest()
    (actions,) = [one["data"]["actions"] for one in manifest["assertions"]]
    names = [one["action"].removeprefix("c2pa.") for one in actions]
    return manifest["label"], " ".join(names), len(manifest.get("ingredients", []))


SIGNING = WantedImage("png", mark="trainedAlgorithmicMedia", signs=True)


@pytest.mark.parametrize(
    ("data", "wanted", "said"),
    [
        (icon(), SIGNING, ("", "created", 0)),
        (
            icon(),
            replace(SIGNING, output_format="jpeg", mark="compositeWithTrainedAlgorithmicMedia"),
            ("", "created edited transcoded", 0),
        ),
        (
            SIGNED,
            replace(SIGNING, output_format="webp"),
            ("converted", "opened transcoded", 1),
        ),
        (
            SIGNED,
            replace(SIGNING, made_into=Size(600, 500)),
            ("converted", "opened resized cropped", 1),
        ),
        (with_exif_at_its_end(SIGNED), SIGNING, ("turned", "opened orientation", 1)),
        (with_tail(SIGNED), SIGNING, ("mended", "opened", 1)),
        (SIGNED + b"more", SIGNING, ("malformed", "created", 0)),
        (SIGNED, replace(SIGNING, keeps_credentials=False), ("setting", "created", 0)),
    ],
)
@pytest.mark.usefixtures("certificate")
def test_what_has_our_mark_is_signed(data, wanted, said, delivered, spools):
    good = verify_image(delivered(data), wanted=wanted, spools=spools)

    assert good is not None
    label, actions, parents = manifest_of(good)
    assert (good.credentials.reason, actions, parents) == said
    assert (good.credentials.status, good.credentials.label) == ("signed", label)
    assert good.is_marked
    assert b"DigitalSourceType" in good.spool.read_at(0, good.spool.size)


def test_a_signed_image_is_the_only_one_left(delivered, spools, certificate):
    image = delivered(noise(height=450))

    good = verify_image(image, wanted=SIGNING, spools=spools)

    assert good is not None
    assert good.credentials.status == "signed"
    assert spools.budget.used_bytes == good.spool.size
    good.spool.close()


@pytest.mark.parametrize(
    ("data", "wanted", "status"),
    [
        (SIGNED, SIGNING, "kept"),
        (icon(), replace(SIGNING, mark=None), "none"),
        (icon(), replace(SIGNING, signs=False), "none"),
    ],
    ids=["kept", "of a test or without marks", "partial"],
)
@pytest.mark.usefixtures("certificate")
def test_what_has_no_mark_or_is_no_final_image_is_not_signed(
    data, wanted, status, delivered, spools
):
    good = verify_image(delivered(data), wanted=wanted, spools=spools)

    assert good is not None
    assert good.credentials.status == status


def test_an_image_that_cannot_be_signed_is_delivered_with_its_mark(delivered, spools, certificate):
    image = delivered(noise())
    spools.budget.take(400_000)  # which leaves no room for another one of this size

    good = verify_image(image, wanted=SIGNING, spools=spools)

    assert good is not None
    assert (good.credentials.status, good.is_marked) == ("none", True)
    assert b"DigitalSourceType" in good.spool.read_at(0, good.spool.size)
    assert spools.budget.used_bytes < 400_000 + good.spool.size
    good.spool.close()


def test_a_body_that_is_no_image_leaves_its_spool_to_the_caller(delivered, spools):
    image = delivered(noise()[:300_000])

    good = verify_image(image, wanted=WantedImage("png"), spools=spools)

    assert good is None
    assert spools.budget.used_bytes == image.spool.size
    image.spool.close()


@pytest.fixture
def by_the_loop(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each image verified, whether it ran in the main thread."""
    seen = []

    def watched(*arguments: Any, **named: Any) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return verify_image(*arguments, **named)

    monkeypatch.setattr(pixels, "verify_image", watched)
    return seen


@pytest.mark.parametrize("data", [icon(), icon()[:100]], ids=["whole", "cut short"])
def test_a_small_png_is_verified_by_the_loop(data, delivered, spools, by_the_loop):
    good = asyncio.run(verify_on_loop(delivered(data), wanted=WantedImage("png"), spools=spools))

    assert by_the_loop == [True]
    assert (good is not None) is (data == icon())


@pytest.mark.parametrize(
    ("data", "mended"),
    [
        (with_tail(icon()), "trailing_data_cut"),
        (with_exif_at_its_end(icon()), "turned_upright"),
    ],
    ids=["a tail", "an orientation"],
)
def test_a_small_png_is_mended_where_it_holds_no_loop_up(
    data, mended, delivered, spools, by_the_loop
):
    good = asyncio.run(verify_on_loop(delivered(data), wanted=WantedImage("png"), spools=spools))

    assert by_the_loop == [True, False]
    assert good is not None
    assert good.mended == (mended,)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (icon(), WantedImage("webp")),
        (icon(), WantedImage("png", made_into=Size(60, 60))),
        (noise(), WantedImage("png")),
        (icon(), SIGNING),
    ],
    ids=["another format", "fewer pixels", "large", "signed"],
)
@pytest.mark.usefixtures("certificate")
def test_slow_conversions_run_outside_the_loop(data, wanted, delivered, spools, by_the_loop):
    good = asyncio.run(verify_on_loop(delivered(data), wanted=wanted, spools=spools))

    assert by_the_loop == [False]
    assert good is not None
