"""Abilities of Black Forest Labs' image models: FLUX.2 in pixels, FLUX 3 by a ratio and a class.

An order is one picture, without a mask or a quality. Sources: help.bfl.ai, "Aspect Ratios and
Output Dimensions" (2 April 2026: sides from 256; "FLUX.2 Technical Specifications" of 18 January
says 64, and 4 or 8 references); docs.bfl.ai, "Generate an image with FLUX 3" (8 October 2026).
"""

from dataclasses import replace
from pathlib import Path

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.declaration import AUTO_SIZE, HEADER_KEY, Abilities, Task
from generation.channels.size_rules import SizeRule
from generation.channels.size_words import SizeWords

SIZES = SizeWords(Path(__file__).with_name("sizes.toml"))
_OF_FLUX_2 = SizeRule(16, 256, 4096, 65_536, 4_194_304, 16)
_OF_FLUX_3 = frozenset({"safety_tolerance", "grounding"})


def _abilities_of_model(abilities: Abilities, upstream_model: str) -> Abilities:
    """Of a model that is neither, the size is left to the vendor."""
    if SIZES.of_model(upstream_model):
        abilities = SIZES.narrowed(abilities, upstream_model)
        return replace(abilities, parameters=_OF_FLUX_3, formats=frozenset(), max_images=10)
    if "flux-2" in upstream_model:
        abilities = replace(abilities, size_rule=_OF_FLUX_2)
    if "flex" in upstream_model:
        abilities = replace(abilities, parameters=abilities.parameters | {"steps", "guidance"})
    return replace(abilities, max_images=4) if "klein" in upstream_model else abilities


KIND = AdapterKind(
    name="bfl",
    about="Black Forest Labs itself: FLUX.2 and FLUX 3",
    open=by_wire("generation.channels.bfl.wire.BflWire", max_n=1, hosts=("*.bfl.ai",)),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({"image"}),
        parameters=frozenset({"seed", "safety_tolerance"}),
        formats=frozenset({"png", "jpeg"}),
        sizes=frozenset({AUTO_SIZE}),
        max_images=8,
        max_n=1,
    ),
    credential=HEADER_KEY,
    of_model=_abilities_of_model,
)
