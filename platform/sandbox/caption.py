"""The strip under a scene: the prompt, wrapped and shortened, and the size in pixels."""

import unicodedata
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from sandbox.scenes import Palette
from sandbox.sizes import Size

MAX_CHARACTERS: Final = 200
"""The most characters of the prompt kept for the caption: more never fit."""

_PROMPT_LINES: Final = 2
_SMALLEST_EDGE: Final = 96
"""Pixels; a smaller picture has no room for words."""


def height_for(size: Size) -> int:
    """Rows of a picture that belong to its caption; 0 where words would not fit."""
    if min(size.width, size.height) < _SMALLEST_EDGE:
        return 0
    return round(_letter(size) * 5.8)


def draw(text: str, *, size: Size, palette: Palette) -> Image.Image:
    """The strip in RGB, as wide as the picture and `height_for(size)` high."""
    letter = _letter(size)
    strip = Image.new("RGB", (size.width, height_for(size)), palette.paper)
    pen = ImageDraw.Draw(strip)
    margin = round(letter * 1.2)
    font, small = _font(letter), _font(max(9, round(letter * 0.72)))
    lines = _wrap(_legible(text), font=font, width=size.width - 2 * margin)
    for index, line in enumerate(lines):
        pen.text((margin, letter * (0.8 + 1.3 * index)), line, fill=palette.ink, font=font)
    label_top = letter * 4.2
    rule = (margin, label_top - letter * 0.36, margin + letter * 2, label_top - letter * 0.28)
    pen.rectangle(rule, fill=palette.near)
    pen.text((margin, label_top), f"{size.width} x {size.height}", fill=palette.near, font=small)
    return strip


def _letter(size: Size) -> int:
    return max(11, round(min(size.width, size.height) * 0.034))


@lru_cache(maxsize=64)
def _font(pixels: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=pixels)


def _legible(text: str) -> str:
    """The text in letters the built-in font has: accents are dropped, other scripts become `?`."""
    folded = unicodedata.normalize("NFKD", text[:MAX_CHARACTERS])
    plain = (letter for letter in folded if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in plain)


def _wrap(
    text: str, *, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int
) -> list[str]:
    """At most _PROMPT_LINES lines that fit; the last ends in an ellipsis where text is left."""
    lines: list[str] = []
    rest = text.strip()
    while rest and len(lines) < _PROMPT_LINES:
        fits = _fitting(rest, font=font, width=width)
        space = rest.rfind(" ", 0, fits + 1)
        cut = space if fits < len(rest) and space > 0 else fits
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        fits = _fitting(lines[-1] + "...", font=font, width=width)
        lines[-1] = lines[-1][: max(1, fits - 3)].rstrip(" .") + "..."
    return lines


def _fitting(text: str, *, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> int:
    """The number of leading characters that fit into `width` pixels, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low
