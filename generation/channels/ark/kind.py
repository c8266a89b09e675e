"""Abilities of Seedream's models, which differ by version.

An order makes one picture: a series (`sequential_image_generation`) is of related pictures, may
have fewer than asked for, and Seedream 5.0 pro refuses the field with any value. Endpoints
(`ep-…`), whose names tell no version, have all sizes but those that an operator leaves out.
Source: BytePlus ModelArk, 1541523, "Image generation API" (copy of September 2026); 5.5 as 5.0 pro.
"""

from dataclasses import replace

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.declaration import HEADER_KEY, Abilities, Task
from generation.channels.size_rules import SizeRule

_SMALL, _LARGE, _ALL = (921_600, 4_624_220), (3_686_400, 16_777_216), (921_600, 16_777_216)
_PIXELS = {
    "seedream-5-5": _SMALL,
    "seedream-5-0-pro": _SMALL,
    "seedream-5-0-lite": _LARGE,
    "seedream-5-0-260128": _LARGE,
    "seedream-4-5": _LARGE,
    "seedream-4-0": _ALL,
}
"""The fewest and the most of a picture."""


def _abilities_of_model(abilities: Abilities, upstream_model: str) -> Abilities:
    pixels = next((_PIXELS[name] for name in _PIXELS if name in upstream_model), None)
    if pixels:
        # In steps of 16, as all sizes of the vendor's tables are; it asks for none.
        abilities = replace(abilities, size_rule=SizeRule(16, 240, 16_384, *pixels, 16))
    if pixels == _SMALL:
        abilities = replace(abilities, max_images=10)
    if "seedream-5-5" in upstream_model:
        abilities = replace(abilities, fields=abilities.fields | {"background"})
    if "seedream-4" in upstream_model:
        abilities = replace(abilities, formats=frozenset({"jpeg"}))
    return abilities


KIND = AdapterKind(
    name="ark",
    about="Seedream on BytePlus ModelArk and Volcengine Ark",
    open=by_wire("generation.channels.ark.wire.ArkWire", max_n=1),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({"image", "watermark"}),
        formats=frozenset({"png", "jpeg"}),
        max_images=14,
        max_n=1,
    ),
    credential=HEADER_KEY,
    of_model=_abilities_of_model,
)
