"""Landscapes: a sky, a sun with its rings, clouds and rows of hills in one of a dozen palettes.

Deterministic: a scene's number fixes its palette and its shapes. Flat colours and vertical
gradients are chosen because each row then nearly repeats the one above and compresses at once.
"""

import math
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageColor, ImageDraw

from sandbox.sizes import Size

Colour = tuple[int, int, int]

_SMOOTH: Final = 2
"""Shapes with curved edges are drawn this many times larger and scaled down."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one scene, and of the caption under it, as `#rrggbb`."""

    sky_top: str
    sky_low: str
    sun: str
    far: str
    near: str
    paper: str
    ink: str


PALETTES: Final = (
    Palette("#2b2d5b", "#f6a77b", "#ffe2b0", "#b0627c", "#231a3d", "#fbf3ea", "#2a1f3f"),
    Palette("#4f8fc0", "#dcefef", "#fff6d8", "#8fb9b4", "#1d4a4f", "#f5f8f4", "#16383d"),
    Palette("#f2b8a0", "#fdebd3", "#ef6f5e", "#dc9a8a", "#6b3550", "#fff7ef", "#4a2338"),
    Palette("#0f1c3f", "#44639f", "#f3f0dc", "#3c5590", "#0a1430", "#eef1f7", "#111c3b"),
    Palette("#7fb7a4", "#f3efcf", "#f8cf6a", "#9cbf8d", "#25513f", "#faf8ec", "#1f3f33"),
    Palette("#e9d2e4", "#fbf0ea", "#e58fa6", "#bfa3cc", "#4d3f78", "#fbf6fa", "#3a2f5e"),
    Palette("#1e4a5f", "#7fc6bb", "#f7f3cf", "#4f9a97", "#0f2f40", "#f0f7f5", "#0f2f3d"),
    Palette("#f4c667", "#fdf0c9", "#e8743b", "#dc9d52", "#6e3a1f", "#fffaee", "#4d2a18"),
    Palette("#5d5a8f", "#e8b7c0", "#fff0df", "#8d7aa8", "#2a2750", "#f8f4f7", "#25224a"),
    Palette("#a9cfe6", "#f7f6ee", "#f6b65e", "#a3b8c4", "#2f4a63", "#f8fafb", "#22384d"),
    Palette("#3b1f3f", "#d9665b", "#ffc98b", "#95405a", "#1d0f26", "#fdf2ec", "#331a36"),
    Palette("#c9d8b6", "#f8f5e3", "#d98b5f", "#a5b58a", "#47583a", "#fbfaf2", "#36442d"),
)

_HILLS: Final = 4
_HORIZON: Final = 0.5
_GROUND: Final = 0.44
_RINGS: Final = ((2.6, 20), (1.85, 34), (1.35, 52), (1.0, 255))
"""The sun's rings, outermost first: the radius in sun radii, and the opacity."""


def draw(number: int, size: Size) -> Image.Image:
    """The scene of this number in RGB, exactly `size`."""
    palette = PALETTES[number % len(PALETTES)]
    picture = _gradient(_rgb(palette.sky_top), _rgb(palette.sky_low), size)
    _draw_sun(picture, palette, number)
    _draw_clouds(picture, number)
    for layer in range(_HILLS):
        _draw_hill(picture, palette, number, layer)
    return picture


def _draw_sun(picture: Image.Image, palette: Palette, number: int) -> None:
    width, height = picture.size
    radius = 0.095 * min(width, height)
    centre_x = width * (0.24 + 0.52 * _fraction(number, 1))
    centre_y = height * (0.26 + 0.12 * _fraction(number, 2))
    for scale, opacity in _RINGS:
        reach = radius * scale
        left, top = round(centre_x - reach), round(centre_y - reach)
        side = max(1, round(reach * 2))
        mask = Image.new("L", (side * _SMOOTH, side * _SMOOTH))
        edge = side * _SMOOTH - 1
        ImageDraw.Draw(mask).ellipse((0, 0, edge, edge), fill=opacity)
        picture.paste(_rgb(palette.sun), (left, top), mask.reduce(_SMOOTH))


def _draw_clouds(picture: Image.Image, number: int) -> None:
    width, height = picture.size
    unit = min(width, height)
    for index in range(3):
        thick = max(2, round(unit * (0.018 + 0.012 * _fraction(number, 10 + index))))
        long = max(4, round(unit * (0.16 + 0.2 * _fraction(number, 20 + index))))
        left = round(width * (0.06 + 0.31 * index) + unit * 0.12 * _fraction(number, 30 + index))
        top = round(height * (0.1 + 0.24 * _fraction(number, 40 + index)))
        mask = Image.new("L", (long * _SMOOTH, thick * _SMOOTH))
        edges = (0, 0, long * _SMOOTH - 1, thick * _SMOOTH - 1)
        ImageDraw.Draw(mask).rounded_rectangle(edges, radius=thick * _SMOOTH // 2, fill=70)
        picture.paste((255, 255, 255), (left, top), mask.reduce(_SMOOTH))


def _draw_hill(picture: Image.Image, palette: Palette, number: int, layer: int) -> None:
    """One row of hills: only the band that holds its ridge needs a smooth mask."""
    width, height = picture.size
    depth = layer / (_HILLS - 1)
    colour = _mix(_rgb(palette.far), _rgb(palette.near), depth)
    ridge = [y * _SMOOTH for y in _ridge(picture.size, number, layer)]
    top, low = int(min(ridge)) // _SMOOTH, math.ceil(max(ridge) / _SMOOTH)
    top, low = max(0, top), min(height, low + 1)
    if top >= low:
        return
    fill = _gradient(_mix(colour, _rgb(palette.sky_low), 0.16), colour, Size(width, height - top))
    mask = Image.new("L", (width * _SMOOTH, (low - top) * _SMOOTH))
    step = width * _SMOOTH / (len(ridge) - 1)
    outline = [(index * step, y - top * _SMOOTH) for index, y in enumerate(ridge)]
    bottom = mask.height
    ImageDraw.Draw(mask).polygon([(0, bottom), *outline, (width * _SMOOTH, bottom)], fill=255)
    picture.paste(fill.crop((0, 0, width, low - top)), (0, top), mask.reduce(_SMOOTH))
    picture.paste(fill.crop((0, low - top, width, height - top)), (0, low))


def _ridge(size: tuple[int, int], number: int, layer: int) -> list[float]:
    """Heights of a ridge, in pixels from the top, at even steps from left to right."""
    width, height = size
    base = height * (_HORIZON + _GROUND * layer / _HILLS)
    swing = min(height * 0.11, width * 0.12) * (1 - 0.1 * layer)
    waves = max(1.0, width / height) * (0.7 + 0.35 * layer)
    shift, tilt = (_fraction(number, 50 + 7 * layer + index) * math.tau for index in range(2))
    points = max(32, width // 6)
    heights = []
    for index in range(points + 1):
        x = index / points * waves * math.tau
        wave = 0.62 * math.sin(x + shift) + 0.28 * math.sin(2.3 * x + tilt)
        heights.append(base - swing * (wave + 0.1 * math.sin(5.1 * x + shift + tilt)))
    return heights


def _gradient(top: Colour, low: Colour, size: Size) -> Image.Image:
    column = Image.new("RGB", (1, size.height))
    last = max(1, size.height - 1)
    column.putdata([_mix(top, low, row / last) for row in range(size.height)])
    return column.resize((size.width, size.height), Image.Resampling.NEAREST)


def _mix(first: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, other, strict=True))
    return red, green, blue


def _rgb(text: str) -> Colour:
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red, green, blue


def _fraction(number: int, salt: int) -> float:
    """A number from 0 to 1 that looks random and never changes."""
    mixed = (number * 0x9E3779B1 ^ salt * 0x85EBCA77) * 0xC2B2AE3D & 0xFFFFFFFF
    return (mixed ^ mixed >> 15) / 0xFFFFFFFF
