"""Abilities of Replicate's image models: each has a schema of its own, which a route's map names.

An order is one picture: of many models that make several the field has another name. Only a route
whose map names the field of images edits; others would overlook them, and be paid.
Source: Replicate, "Create a prediction" and models' own pages (30 November 2026).
"""

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.declaration import HEADER_KEY, Abilities, Task
from generation.channels.field_map import FieldMap

FIELDS = FieldMap(
    size={"to": ["width", "height"], "as": "sides"},
    images="input_images",
    n="",
    output_format={"to": "output_format", "words": {"jpeg": "jpg"}},
)

KIND = AdapterKind(
    name="replicate",
    about="Replicate, for official and community models",
    open=by_wire("generation.channels.replicate.wire.ReplicateWire", max_n=1),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE}),
        takes_parameters=True,
        formats=frozenset({"png", "jpeg", "webp"}),
        max_images=10,
        max_n=1,
    ),
    credential=HEADER_KEY,
    request_map=FIELDS,
)
