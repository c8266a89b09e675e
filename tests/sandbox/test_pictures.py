from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from sandbox import credentials, pictures
from sandbox.cache import BoundedCache
from sandbox.pictures import Picture

FOX = Picture(width=320, height=200, text="a fox", scene=3)


def opened(file: bytes) -> Image.Image:
    image = Image.open(BytesIO(file))
    image.load()
    return image


@pytest.mark.parametrize(
    ("width", "height"), [(16, 16), (64, 4096), (256, 256), (1024, 1024), (2016, 864), (3840, 1648)]
)
def test_a_picture_has_exactly_the_size_asked_for(width, height):
    image = opened(pictures.draw(replace(FOX, width=width, height=height)))

    assert (image.size, image.mode, image.format) == ((width, height), "RGB", "PNG")


def test_the_same_description_gives_the_same_bytes():
    drawn = pictures.draw(replace(FOX, text="the same fox"))

    assert pictures.draw(replace(FOX, text="the same fox")) == drawn


def test_prompt_and_size_are_written_below_the_scene():
    one = opened(pictures.draw(replace(FOX, text="a fox")))
    other = opened(pictures.draw(replace(FOX, text="a hare")))

    assert one.crop((0, 0, 320, 120)).tobytes() == other.crop((0, 0, 320, 120)).tobytes()
    assert one.crop((0, 120, 320, 200)).tobytes() != other.crop((0, 120, 320, 200)).tobytes()


@pytest.mark.parametrize("text", ["", "   ", "x" * 200, "zorro á 狐 🦊 \n\t\x7f", "word " * 40])
def test_any_prompt_can_be_drawn(text):
    assert opened(pictures.draw(replace(FOX, text=text))).size == (320, 200)


@pytest.mark.parametrize(
    ("output_format", "magic"),
    [("png", b"\x89PNG\r\n\x1a\n"), ("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF")],
)
def test_the_bytes_really_are_of_the_format(output_format, magic):
    file = pictures.draw(replace(FOX, format=output_format, compression=80))

    assert file.startswith(magic)
    assert opened(file).size == (320, 200)


def test_more_compression_makes_a_smaller_jpeg():
    fine = pictures.draw(replace(FOX, format="jpeg", compression=95))
    coarse = pictures.draw(replace(FOX, format="jpeg", compression=10))

    assert len(coarse) < len(fine)


def test_a_transparent_picture_has_its_corners_cut_out():
    image = opened(pictures.draw(replace(FOX, transparent=True)))

    assert image.mode == "RGBA"
    alpha = image.getchannel("A")
    assert (alpha.getpixel((0, 0)), alpha.getpixel((160, 100))) == (0, 255)


def test_noise_weighs_three_bytes_a_pixel():
    file = pictures.draw(replace(FOX, width=640, height=480, kind="noise"))

    assert 640 * 480 * 3 < len(file) < 640 * 480 * 3 + 10_000
    assert opened(file).size == (640, 480)


def test_a_corrupt_picture_is_no_image():
    assert pictures.draw(replace(FOX, kind="corrupt")).startswith(b"This is not an image.")


def test_a_partial_picture_has_the_size_of_the_finished_one():
    partial = pictures.draw(replace(FOX, blur=pictures.partial_blur(0)))

    assert opened(partial).size == (320, 200)
    assert [pictures.partial_blur(index) for index in range(3)] == [32, 8, 2]


def test_an_address_leads_back_to_its_picture():
    assert pictures.at_address(pictures.address(FOX)) == FOX


@pytest.mark.parametrize(
    "name", ["", "x.png", "e30.png", "bnVsbA.png", "é.png", pictures.address(FOX)[:-3] + "webp"]
)
def test_an_address_we_did_not_make_leads_nowhere(name):
    assert pictures.at_address(name) is None


def test_an_address_of_an_enormous_picture_leads_nowhere():
    assert pictures.at_address(pictures.address(replace(FOX, width=40_000))) is None


def test_the_images_of_one_prompt_differ():
    assert len({pictures.scene_number("a fox", index) for index in range(10)}) == 10


def test_a_long_prompt_is_shortened():
    assert pictures.shortened("x" * 300) == "x" * 197 + "..."


def test_a_cache_forgets_what_was_used_longest_ago():
    cache: BoundedCache[str, bytes] = BoundedCache(max_bytes=10, weigh=len)
    cache.get("a", lambda: b"aaaa")
    cache.get("b", lambda: b"bbbb")
    cache.get("a", lambda: b"----")
    cache.get("c", lambda: b"cccc")

    assert cache.get("a", lambda: b"new") == b"aaaa"
    assert cache.get("b", lambda: b"new") == b"new"


def test_a_cache_does_not_keep_what_is_too_heavy():
    cache: BoundedCache[str, bytes] = BoundedCache(max_bytes=3, weigh=len)
    cache.get("a", lambda: b"aaaa")

    assert cache.get("a", lambda: b"new") == b"new"


def test_without_the_library_the_same_signed_file_is_sent(monkeypatch):
    monkeypatch.setattr(credentials, "CAN_SIGN", False)

    sent = opened(pictures.draw(replace(FOX, text="signed elsewhere", kind="signed")))

    assert sent.size == (1024, 1024)
