"""Abilities of xAI's image models: a ratio and a class for a size, edits of up to five images.

They have no mask and no seed, and answer with a jpeg.
Source: xAI, "Image Generation", "Image Editing" and the REST reference (September 2026, as quoted).
"""

from dataclasses import replace
from pathlib import Path

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.declaration import HEADER_KEY, Abilities, Task
from generation.channels.size_words import SizeWords

SIZES = SizeWords(Path(__file__).with_name("sizes.toml"))


def _abilities_of_model(abilities: Abilities, upstream_model: str) -> Abilities:
    if "image-2" in upstream_model:
        abilities = replace(abilities, fields=abilities.fields | {"quality"})
    return SIZES.narrowed(abilities, upstream_model)


KIND = AdapterKind(
    name="xai",
    about="xAI's Grok Imagine",
    open=by_wire("generation.channels.xai.wire.XaiWire", max_n=10),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({"image", "user"}),
        max_images=5,
        max_n=10,
    ),
    credential=HEADER_KEY,
    of_model=_abilities_of_model,
)
