"""Abilities of fal's image models, by the field names that most of them share.

Source: fal, "Asynchronous Inference", "fal CDN" and models' own pages (30 November 2026).
"""

from dataclasses import replace

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.declaration import AUTO_SIZE, HEADER_KEY, Abilities, Task
from generation.channels.field_map import FieldMap
from generation.channels.size_rules import SizeRule

FIELDS = FieldMap(size={"to": "image_size", "as": "object"}, images="image_urls", n="num_images")
_OF_GPT_IMAGE_2 = SizeRule(16, 16, 3840, 655_360, 8_294_400, 3)


def _abilities_of_model(abilities: Abilities, upstream_model: str) -> Abilities:
    """An endpoint named after edits edits; others would overlook images, and be paid."""
    if "gpt-image" in upstream_model:
        fields, formats = abilities.fields | {"quality"}, abilities.formats | {"webp"}
        abilities = replace(abilities, fields=fields, formats=formats)
    if "gpt-image-2" in upstream_model:
        abilities = replace(abilities, sizes=frozenset({AUTO_SIZE}), size_rule=_OF_GPT_IMAGE_2)
    if "edit" in upstream_model or "image-to-image" in upstream_model:
        return replace(abilities, tasks=frozenset({Task.EDIT}))
    return replace(abilities, tasks=frozenset({Task.GENERATE}), fields=abilities.fields - {"image"})


KIND = AdapterKind(
    name="fal",
    about="fal's queue, for hundreds of models",
    open=by_wire(
        "generation.channels.fal.wire.FalWire",
        max_n=4,
        hosts=("*.fal.run", "rest.fal.ai"),
        request_id_header="x-fal-request-id",
    ),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({"image"}),
        takes_parameters=True,
        formats=frozenset({"png", "jpeg"}),
        max_images=16,
        max_n=4,
    ),
    credential=HEADER_KEY,
    of_model=_abilities_of_model,
    request_map=FIELDS,
)
